//! A kernel's machine code: an object that was loaded, and the operands that its functions are made for.

use super::abi::Function;
use super::memory::Mapping;
use super::object::{EXPORTS, Refused, Result, read};
use super::past::Past;
use super::race::{Measured, Race};
use crate::buffer::DType;

/// Most elements that a block may have.
const MOST_LANES: u64 = 1 << 12;

/// A scalar input as machine code sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Operand {
    /// Its type.
    pub dtype: DType,
    /// Whether it is the same for every element.
    pub uniform: bool,
}

/// What an object was made for.
#[derive(Debug, Clone)]
pub struct Made {
    /// Scalar inputs.
    pub inputs: Vec<Operand>,
    /// Tables: the type of their elements, and their axes.
    pub tables: Vec<(DType, usize)>,
    /// Types of the results.
    pub outputs: Vec<DType>,
    /// Elements that a block computes together.
    pub width: u64,
    /// Bytes of operands from which on results bypass the caches: what these hold.
    pub stream_from: u64,
}

/// One of the functions that an object may export, in the order of [`EXPORTS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// Whole blocks.
    Block,
    /// Any range; lanes that are done take other elements.
    Refill,
    /// Whole blocks, whose results bypass the caches.
    Stream,
}

/// Machine code that is ready to run.
#[derive(Debug)]
pub struct Native {
    mapping: Mapping,
    pub(super) made: Made,
    block: Function,
    refill: Option<Function>,
    stream: Option<Function>,
    pub(super) race: Race,
    pub(super) past: Past,
}

impl Native {
    /// Loads an object.
    ///
    /// # Errors
    /// What is wrong with the object, or why the system doesn't take it.
    ///
    /// # Safety
    /// The object's functions `block`, `refill` and `stream`, those that it has, keep to `docs/design/008-native-code.md`
    /// for what it was `made` for, and this processor has the instructions that they use.
    pub unsafe fn load(object: &[u8], made: Made) -> Result<Self> {
        if !cfg!(target_arch = "x86_64") {
            return Err(Refused("machine code is made for x86-64 alone".to_owned()));
        }
        if !(1..=MOST_LANES).contains(&made.width) {
            return Err(Refused(format!("blocks of {} elements", made.width)));
        }
        let image = read(object)?;
        let mapping = Mapping::new(&image)?;
        // SAFETY: the entry is the start of a function in the mapping's code, of the interface's signature by the caller's
        // promise; it is called only while the mapping lives.
        let entry = |at: usize| unsafe { std::mem::transmute::<*const u8, Function>(mapping.address(at)) };
        let [block, refill, stream] = image.entries.map(|at| at.map(entry));
        let Some(block) = block else { return Err(Refused(format!("exports no function called {}", EXPORTS[0]))) };
        Ok(Self { block, refill, stream, made, race: Race::default(), past: Past::default(), mapping })
    }

    /// Elements that a block computes together.
    #[must_use]
    pub const fn width(&self) -> u64 {
        self.made.width
    }

    /// Functions of this process in place of an object's.
    #[cfg(test)]
    pub(super) fn of(block: Function, refill: Option<Function>, stream: Option<Function>, made: Made) -> Self {
        let image = super::object::Image { bytes: vec![0; 4096], constants: 0, absolute: vec![], entries: [None; 3] };
        Self {
            mapping: Mapping::new(&image).unwrap(),
            made,
            block,
            refill,
            stream,
            race: Race::default(),
            past: Past::default(),
        }
    }

    /// The function of a form; `block` where there is no such one.
    pub(super) fn function(&self, form: Form) -> Function {
        match form {
            Form::Block => None,
            Form::Refill => self.refill,
            Form::Stream => self.stream,
        }
        .unwrap_or(self.block)
    }

    /// Whether lanes can be refilled.
    #[must_use]
    pub const fn refills(&self) -> bool {
        self.refill.is_some()
    }

    /// Bytes of operands from which on results bypass the caches; `None` where they never do.
    #[must_use]
    pub fn streams_from(&self) -> Option<u64> {
        self.stream.map(|_| self.made.stream_from)
    }

    /// Whether results bypass the caches where they may, as far as that was measured.
    #[must_use]
    pub fn streams(&self) -> bool {
        self.past.better() == Form::Stream
    }

    /// Bytes of memory that the code takes.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.mapping.len()
    }

    /// What its functions were measured to cost.
    #[must_use]
    pub fn measured(&self) -> Measured {
        self.race.measured()
    }
}
