//! Programs: a draft is anything, a program is what the verifier has let through.

use super::frame::{EVERY, Inst};
use super::lanes::level::Level;
use super::op::{Control, Exec, Field, Kind, Row, ops};
use super::reciprocal::Reciprocal;
use super::verify::{Facts, Malformed, Word, verify};
use crate::buffer::DType;

/// Bytes of registers that a block takes where it can: what most first-level caches hold.
const BLOCK_BYTES: usize = 32 << 10;
/// Fewest and most lanes of a block. Measured on Ice Lake: from 256 to 768 lanes nothing changes beyond the noise as long
/// as the registers fit the cache; 128 cost 5 to 40 % more, 64 twice as much.
const LANES: (usize, usize) = (64, 512);

/// An argument as a program sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Input {
    /// Its type.
    pub dtype: DType,
    /// Whether it is the same for every element.
    pub uniform: bool,
}

/// A table as a program sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TableInput {
    /// The type of its elements.
    pub dtype: DType,
    /// How many axes it has.
    pub ndim: usize,
}

/// A program that nobody has looked at.
#[derive(Debug, Clone, Default)]
pub struct Draft {
    /// Scalar arguments.
    pub inputs: Vec<Input>,
    /// Table arguments.
    pub tables: Vec<TableInput>,
    /// Types of the results.
    pub outputs: Vec<DType>,
    /// Types of the lane registers; the first is `ok`, a bool.
    pub lanes: Vec<DType>,
    /// Types of the uniform registers.
    pub uniforms: Vec<DType>,
    /// Uniform registers that are constants, and the bits of their values.
    pub consts: Vec<(usize, u64)>,
    /// Instructions of 16 bytes.
    pub code: Vec<u8>,
    /// First instruction of the refill loop.
    pub loop_start: Option<usize>,
    /// First instruction behind the refill loop.
    pub epilogue: Option<usize>,
    /// Lane registers that move with their element.
    pub permute: Vec<usize>,
    /// How many places can fault.
    pub sites: usize,
}

/// Where a lane register lies: `place` bytes a lane into the memory, `size` bytes wide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) place: u32,
    pub(super) size: u32,
}

/// A program that keeps to its registers, types and structure. Only the verifier makes one.
#[derive(Debug)]
pub struct Program {
    pub(super) code: Vec<Inst>,
    /// What the instructions before each one cost a lane, and all of them.
    pub(super) weights: Vec<u64>,
    pub(super) inputs: Vec<Input>,
    pub(super) outputs: Vec<DType>,
    /// Values of the uniform registers at the start.
    pub(super) uniforms: Vec<u64>,
    /// Bytes that all lane registers take for one lane.
    pub(super) stride: usize,
    /// Lanes of a block.
    pub(super) lanes: usize,
    /// First instructions of the refill loop and of what is behind it.
    pub(super) refill: Option<(usize, usize)>,
    /// Registers that move with their element; `ok` is the first.
    pub(super) permute: Vec<Place>,
    /// Registers that may be read before they are written.
    pub(super) cleared: Vec<Place>,
    pub(super) ahead: Vec<Reciprocal>,
    /// How many `back`s there are.
    pub(super) backs: u64,
}

impl Program {
    /// Verifies a draft for this machine.
    ///
    /// # Errors
    /// What is wrong with it, and at which instruction.
    pub fn new(draft: &Draft) -> Result<Self, Malformed> {
        Self::at(draft, Level::host(), None)
    }

    /// Verifies a draft for a level, with blocks of a given number of lanes or of as many as fit the cache.
    pub(super) fn at(draft: &Draft, level: Level, lanes: Option<usize>) -> Result<Self, Malformed> {
        let facts = verify(draft)?;
        let places = places(&draft.lanes);
        let stride = draft.lanes.iter().map(|dtype| dtype.size()).sum::<usize>();
        let mut ahead = Vec::new();
        let mut code: Vec<Inst> =
            facts.words.iter().map(|word| ready(draft, &facts, word, level, &places, &mut ahead)).collect();
        let mut weights = vec![0];
        for word in &facts.words {
            weights.push(weights[weights.len() - 1] + row(word).cost());
        }
        for (at, inst) in code.iter_mut().enumerate().filter(|(_, inst)| inst.control == Control::Back) {
            let to = inst.imm as usize;
            inst.a = u32::try_from(weights[at + 1] - weights[to]).unwrap_or(u32::MAX);
            inst.b = (at + 1 - to) as u32;
        }
        let at = |register: &usize| Place { place: places[*register], size: draft.lanes[*register].size() as u32 };
        let moving = std::iter::once(&0).chain(draft.permute.iter().filter(|register| **register != 0));
        Ok(Self {
            code,
            weights,
            inputs: draft.inputs.clone(),
            outputs: draft.outputs.clone(),
            uniforms: facts.uniforms.clone(),
            stride,
            lanes: lanes.unwrap_or_else(|| fitting(stride)),
            refill: draft.loop_start.zip(draft.epilogue),
            permute: moving.map(at).collect(),
            cleared: facts.cleared.iter().map(at).collect(),
            ahead,
            backs: facts.backs,
        })
    }

    /// Elements that it computes together.
    #[must_use]
    pub const fn lanes(&self) -> usize {
        self.lanes
    }
}

/// How many lanes of `stride` bytes a block has.
fn fitting(stride: usize) -> usize {
    (BLOCK_BYTES / stride.max(1) / 64 * 64).clamp(LANES.0, LANES.1)
}

/// Where each lane register lies.
fn places(lanes: &[DType]) -> Vec<u32> {
    let mut next = 0;
    let place = |dtype: &DType| {
        let place = next;
        next += dtype.size() as u32;
        place
    };
    lanes.iter().map(place).collect()
}

pub(super) fn row(word: &Word) -> &'static Row {
    &ops().rows()[usize::from(word.op)]
}

/// An instruction with its fields made places.
fn ready(draft: &Draft, facts: &Facts, word: &Word, level: Level, places: &[u32], ahead: &mut Vec<Reciprocal>) -> Inst {
    let row = row(word);
    let (code, control) = match row.exec {
        Exec::Code(levels) => (levels.at(level), Control::Code),
        Exec::Control(control, levels) => (levels.at(level), control),
    };
    let mut inst = Inst { code, dst: 0, a: 0, b: 0, c: 0, d: 0, imm: 0, ahead: EVERY, control };
    for (field, kind) in &row.fields {
        let number = word.field(*field);
        let place = match kind {
            Kind::V(_) => places[number as usize],
            Kind::Mask if number == u32::from(u16::MAX) => EVERY,
            Kind::Mask => places[number as usize],
            _ => number,
        };
        match field {
            Field::Dst => inst.dst = place,
            Field::A => inst.a = place,
            Field::B => inst.b = place,
            Field::C => inst.c = place,
            Field::Imm => inst.imm = place,
            Field::D => inst.d = place,
        }
    }
    let divisor = usize::from(word.b);
    if row.divides && facts.constant[divisor] {
        inst.ahead = ahead.len() as u32;
        ahead.push(Reciprocal::of_bits(draft.uniforms[divisor], facts.uniforms[divisor]));
    }
    inst
}
