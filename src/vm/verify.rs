//! The verifier: what a program must keep to, so that the interpreter can trust it.

use std::fmt;

use super::op::{Control, Exec, Field, Kind, Row, ops};
use super::program::Draft;
use crate::buffer::DType;

/// Most registers of a class.
const REGISTERS: usize = 65_000;
/// Most instructions.
const INSTRUCTIONS: usize = 1 << 20;
/// Most windows inside each other.
pub(super) const NESTING: usize = 32;
/// Bytes of an instruction.
pub(super) const WORD: usize = 16;
/// The number that stands for every lane.
const NO_MASK: u32 = 0xFFFF;

/// Why a draft is no program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Malformed {
    /// The instruction, where it is about one.
    pub at: Option<usize>,
    /// What is wrong.
    pub why: String,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.at {
            Some(at) => write!(f, "code: instruction {at}: {}", self.why),
            None => f.write_str(&self.why),
        }
    }
}

impl std::error::Error for Malformed {}

type Result<T> = std::result::Result<T, Malformed>;

fn wrong<T>(why: impl Into<String>) -> Result<T> {
    Err(Malformed { at: None, why: why.into() })
}

/// An instruction as it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Word {
    pub(super) op: u16,
    pub(super) dst: u16,
    pub(super) a: u16,
    pub(super) b: u16,
    pub(super) c: u16,
    pub(super) d: u16,
    pub(super) imm: u32,
}

impl Word {
    fn parse(bytes: &[u8; WORD]) -> Self {
        let half = |at: usize| u16::from_le_bytes([bytes[at], bytes[at + 1]]);
        let imm = u32::from_le_bytes([bytes[12], bytes[13], bytes[14], bytes[15]]);
        Self { op: half(0), dst: half(2), a: half(4), b: half(6), c: half(8), d: half(10), imm }
    }

    pub(super) const fn field(&self, field: Field) -> u32 {
        match field {
            Field::Dst => self.dst as u32,
            Field::A => self.a as u32,
            Field::B => self.b as u32,
            Field::C => self.c as u32,
            Field::D => self.d as u32,
            Field::Imm => self.imm,
        }
    }
}

/// What the verifier found out on its way.
#[derive(Debug)]
pub(super) struct Facts {
    pub(super) words: Vec<Word>,
    /// Values of the uniform registers at the start.
    pub(super) uniforms: Vec<u64>,
    /// Which uniform registers are constants.
    pub(super) constant: Vec<bool>,
    /// Lane registers that may be read before they are written.
    pub(super) cleared: Vec<usize>,
    pub(super) backs: u64,
}

/// Looks at a draft.
pub(super) fn verify(draft: &Draft) -> Result<Facts> {
    registers(draft)?;
    let (uniforms, constant) = constants(draft)?;
    let words = words(draft)?;
    let starts = segments(draft, &words)?;
    let mut structure = Structure::new(draft, &words, &starts);
    for (at, word) in words.iter().enumerate() {
        fields(draft, &constant, word)
            .and_then(|()| structure.place(at, word))
            .map_err(|why| at_instruction(at, why))?;
    }
    structure.finish()?;
    let backs = words.iter().filter(|word| control(word) == Some(Control::Back)).count() as u64;
    let cleared = read_first(draft, &words, &structure.regions);
    Ok(Facts { words, uniforms, constant, cleared, backs })
}

fn at_instruction(at: usize, why: Malformed) -> Malformed {
    Malformed { at: Some(why.at.unwrap_or(at)), why: why.why }
}

fn row(word: &Word) -> &'static Row {
    &ops().rows()[usize::from(word.op)]
}

fn control(word: &Word) -> Option<Control> {
    match row(word).exec {
        Exec::Control(control, _) => Some(control),
        Exec::Code(_) => None,
    }
}

fn registers(draft: &Draft) -> Result<()> {
    if draft.lanes.first() != Some(&DType::Bool) {
        return wrong("lanes: the first lane register, ok, is a bool");
    }
    for (name, count) in [("lanes", draft.lanes.len()), ("uniforms", draft.uniforms.len())] {
        if count > REGISTERS {
            return wrong(format!("{name}: {count} registers, {REGISTERS} is the most"));
        }
    }
    let types = [draft.lanes.as_slice(), &draft.uniforms, &draft.outputs].concat();
    let inputs = draft.inputs.iter().map(|input| input.dtype).chain(draft.tables.iter().map(|table| table.dtype));
    if types.into_iter().chain(inputs).any(|dtype| dtype == DType::Object) {
        return wrong("arguments: objects can't be computed with");
    }
    if draft.permute.iter().any(|register| *register >= draft.lanes.len()) {
        return wrong("permute: no such lane register");
    }
    let mut moving = draft.permute.clone();
    moving.sort_unstable();
    if moving.windows(2).any(|pair| pair[0] == pair[1]) {
        return wrong("permute: a register is listed twice");
    }
    Ok(())
}

fn constants(draft: &Draft) -> Result<(Vec<u64>, Vec<bool>)> {
    let mut values = vec![0; draft.uniforms.len()];
    let mut constant = vec![false; draft.uniforms.len()];
    for (register, bits) in &draft.consts {
        let Some(dtype) = draft.uniforms.get(*register) else {
            return wrong(format!("consts: no uniform register {register}"));
        };
        if constant[*register] {
            return wrong(format!("consts: register {register} is listed twice"));
        }
        if *dtype == DType::Bool && *bits > 1 {
            return wrong(format!("consts: {bits} is no bool"));
        }
        let width = dtype.size() * 8;
        values[*register] = if width == 64 { *bits } else { *bits & ((1 << width) - 1) };
        constant[*register] = true;
    }
    Ok((values, constant))
}

fn words(draft: &Draft) -> Result<Vec<Word>> {
    let (chunks, rest) = draft.code.as_chunks::<WORD>();
    if chunks.is_empty() || !rest.is_empty() || chunks.len() > INSTRUCTIONS {
        return wrong(format!("code: {} bytes aren't 1 to {INSTRUCTIONS} instructions of {WORD}", draft.code.len()));
    }
    let words: Vec<Word> = chunks.iter().map(Word::parse).collect();
    match words.iter().position(|word| usize::from(word.op) >= ops().rows().len()) {
        Some(at) => Err(Malformed { at: Some(at), why: format!("no op {}", words[at].op) }),
        None => Ok(words),
    }
}

/// Where the segments start and, last, where the code ends; each segment's last instruction is `end`.
fn segments(draft: &Draft, words: &[Word]) -> Result<Vec<usize>> {
    let mut starts = vec![0];
    match (draft.loop_start, draft.epilogue) {
        (None, None) => {}
        (Some(head), Some(behind)) if head > 0 && behind > head && behind < words.len() => {
            starts.extend([head, behind]);
            if control(&words[head]) != Some(Control::Refill) {
                return wrong("loop_start: the refill loop doesn't start with refill");
            }
        }
        _ => return wrong("loop_start, epilogue: not the starts of two more segments"),
    }
    starts.push(words.len());
    match starts[1..].iter().find(|next| control(&words[**next - 1]) != Some(Control::End)) {
        Some(next) => Err(Malformed { at: Some(next - 1), why: "a segment doesn't finish with end".into() }),
        None => Ok(starts),
    }
}

/// Checks an instruction's fields against its row.
fn fields(draft: &Draft, constant: &[bool], word: &Word) -> Result<()> {
    let row = row(word);
    for field in [Field::Dst, Field::A, Field::B, Field::C, Field::D, Field::Imm] {
        let number = word.field(field);
        match row.fields.iter().find(|(named, _)| *named == field) {
            Some((_, kind)) => {
                let fits = operand(draft, row, word, *kind, number);
                if !fits {
                    return wrong(format!("{}: {} {number} is not {kind}", row.name, field.name()));
                }
            }
            None if number != 0 => return wrong(format!("{}: {} is {number}, not 0", row.name, field.name())),
            None => {}
        }
    }
    for (field, kind) in row.written() {
        match (kind, word.field(field)) {
            (Kind::S(_), register) if constant[register as usize] => {
                return wrong(format!("{}: writes a constant", row.name));
            }
            (Kind::V(_), 0) => return wrong(format!("{}: writes register 0, ok", row.name)),
            _ => {}
        }
    }
    Ok(())
}

/// Whether `number` is what `kind` says.
fn operand(draft: &Draft, row: &Row, word: &Word, kind: Kind, number: u32) -> bool {
    let at = number as usize;
    // The type of the register that an input, a result or a table's element goes to or comes from.
    let moved = || {
        row.fields.iter().find_map(|(_, kind)| match kind {
            Kind::V(dtype) | Kind::S(dtype) => Some(*dtype),
            _ => None,
        })
    };
    match kind {
        Kind::V(dtype) => draft.lanes.get(at) == Some(&dtype),
        Kind::S(dtype) => draft.uniforms.get(at) == Some(&dtype),
        Kind::Mask => number == NO_MASK || draft.lanes.get(at) == Some(&DType::Bool),
        Kind::Site => at < draft.sites,
        Kind::Target => true, // `Structure` looks at these.
        Kind::Input => draft.inputs.get(at).is_some_and(|input| {
            let to_uniform = row.fields.iter().any(|(_, kind)| matches!(kind, Kind::S(_)));
            Some(input.dtype) == moved() && (input.uniform || !to_uniform)
        }),
        Kind::Output => draft.outputs.get(at).copied() == moved(),
        Kind::Table => draft.tables.get(at).is_some_and(|table| row.reads_elements().is_none_or(|t| t == table.dtype)),
        Kind::Axis => draft.tables.get(usize::from(word.a)).is_some_and(|table| at < table.ndim),
    }
}

/// Jumps, windows and segments.
struct Structure<'a> {
    draft: &'a Draft,
    starts: &'a [usize],
    /// The innermost `enter` around each instruction, 0 for none: jumps stay inside of one.
    regions: Vec<usize>,
    open: Vec<usize>,
    jumps: Vec<(usize, usize)>,
}

impl<'a> Structure<'a> {
    fn new(draft: &'a Draft, words: &[Word], starts: &'a [usize]) -> Self {
        Self { draft, starts, regions: Vec::with_capacity(words.len()), open: Vec::new(), jumps: Vec::new() }
    }

    /// Takes the next instruction.
    fn place(&mut self, at: usize, word: &Word) -> Result<()> {
        self.regions.push(self.open.last().copied().unwrap_or(0));
        let target = word.imm as usize;
        match control(word) {
            Some(Control::Jump | Control::JumpIf | Control::JumpUnless | Control::JumpIfNone | Control::Due) => {
                if target <= at || target >= self.segment(at).1 {
                    return wrong(format!("jumps to {target}, which isn't ahead in the segment"));
                }
                self.jumps.push((at, target));
            }
            Some(Control::Back) => {
                if target > at || target < self.segment(at).0 {
                    return wrong(format!("goes back to {target}, which isn't behind in the segment"));
                }
                self.jumps.push((at, target));
            }
            Some(Control::Enter) if self.open.len() == NESTING => return wrong("too many windows inside each other"),
            Some(Control::Enter) => self.open.push(at + 1),
            Some(Control::Leave) if self.open.pop().is_none() => return wrong("leaves a window that was not entered"),
            Some(Control::Compact) if self.open.is_empty() => return wrong("compacts a window that was not entered"),
            Some(Control::End) if !self.open.is_empty() => return wrong("ends inside of a window"),
            Some(Control::Refill) if self.draft.loop_start != Some(at) => {
                return wrong("refills elsewhere than at the start of the refill loop");
            }
            _ => {}
        }
        Ok(())
    }

    fn segment(&self, at: usize) -> (usize, usize) {
        let next = self.starts.partition_point(|start| *start <= at);
        (self.starts[next - 1], self.starts[next])
    }

    /// Checks what needs all instructions.
    fn finish(&self) -> Result<()> {
        match self.jumps.iter().find(|(from, to)| self.regions[*from] != self.regions[*to]) {
            Some((from, to)) => {
                Err(Malformed { at: Some(*from), why: format!("jumps to {to}, in or out of a window") })
            }
            None => Ok(()),
        }
    }
}

/// The lane registers that an instruction names.
fn mentions(word: &Word) -> impl Iterator<Item = (Field, usize)> {
    let fields = row(word).fields.iter().filter(|(_, kind)| matches!(kind, Kind::V(_) | Kind::Mask));
    fields.map(|(field, _)| (*field, word.field(*field) as usize))
}

/// Lane registers that may be read before all of the window's lanes were written: those whose first mention isn't a
/// write that every run comes by. The refill loop's body isn't come by for elements that don't enter it.
fn read_first(draft: &Draft, words: &[Word], regions: &[usize]) -> Vec<usize> {
    let mut seen = vec![false; draft.lanes.len()];
    let mut behind = seen.clone();
    for (_, register) in words[draft.epilogue.unwrap_or(words.len())..].iter().flat_map(mentions) {
        if let Some(behind) = behind.get_mut(register) {
            *behind = true;
        }
    }
    let mut first = Vec::new();
    seen[0] = true;
    let mut jumped = 0;
    for (at, word) in words.iter().enumerate() {
        let row = row(word);
        let certain = at >= jumped && regions[at] == 0 && !row.keeps_lanes();
        let in_loop = draft.loop_start.is_some_and(|start| at >= start) && draft.epilogue.is_some_and(|next| at < next);
        let written = row.written().find(|_| certain).map(|(field, _)| field);
        let (writes, reads): (Vec<_>, Vec<_>) = mentions(word).partition(|(field, _)| Some(*field) == written);
        for (field, register) in reads.into_iter().chain(writes) {
            if seen.get(register) == Some(&false) {
                seen[register] = true;
                if Some(field) != written || (in_loop && behind[register]) {
                    first.push(register);
                }
            }
        }
        if row.fields.iter().any(|(_, kind)| *kind == Kind::Target) && word.imm as usize > at {
            jumped = jumped.max(word.imm as usize);
        }
    }
    first
}
