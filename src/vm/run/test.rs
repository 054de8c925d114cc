//! Every op in every form, at every level of this machine, against oracles that don't know lanes.

mod fuzz;
mod oracle;
mod programs;
mod rows;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::buffer::{DType, View};
use crate::kernel::{Batch, Control, Ctx, Site, Status, Table};
use crate::vm::lanes::level::Level;
use crate::vm::op::ops;
use crate::vm::{Draft, Input, Program, TableInput, kernel};

#[path = "../../../tests/rust/assembler.rs"]
mod assembler;

/// Arrays of one type, by the bits of their elements.
#[derive(Debug, Clone, PartialEq)]
struct Column {
    dtype: DType,
    bytes: Vec<u8>,
}

impl Column {
    fn new(dtype: DType, bits: &[u64]) -> Self {
        let bytes = bits.iter().flat_map(|bits| bits.to_le_bytes()[..dtype.size()].to_vec()).collect();
        Self { dtype, bytes }
    }

    fn bits(&self) -> Vec<u64> {
        let widen = |bytes: &[u8]| bytes.iter().rev().fold(0, |bits, byte| bits << 8 | u64::from(*byte));
        self.bytes.chunks(self.dtype.size()).map(widen).collect()
    }

    fn len(&self) -> usize {
        self.bytes.len() / self.dtype.size()
    }

    fn input(&self) -> View<'_> {
        let (ptr, size) = (self.bytes.as_ptr().cast_mut(), self.dtype.size());
        // SAFETY: the elements lie side by side in the vector, which is borrowed as long as the view.
        unsafe { View::from_raw(ptr, size.cast_signed(), self.len() as u64, self.dtype, false) }
    }

    fn output(&mut self) -> View<'_> {
        let (size, len) = (self.dtype.size(), self.len() as u64);
        // SAFETY: as in `input`, borrowed exclusively.
        unsafe { View::from_raw(self.bytes.as_mut_ptr(), size.cast_signed(), len, self.dtype, true) }
    }
}

/// What came of a run.
#[derive(Debug, PartialEq)]
struct Outcome {
    outputs: Vec<Vec<u64>>,
    fault: Option<(u64, u32)>,
    ok: Option<Vec<u64>>,
    finished: bool,
}

/// How to run a program.
#[derive(Debug, Clone, Copy)]
struct Way {
    level: Level,
    lanes: usize,
    chunk: u64,
    max_steps: u64,
    masked: bool,
    fuel: u64,
    /// Whether a run takes further ranges.
    handed: bool,
}

impl Default for Way {
    fn default() -> Self {
        Self {
            level: Level::host(),
            lanes: 64,
            chunk: u64::MAX,
            max_steps: u64::MAX,
            masked: false,
            fuel: u64::MAX,
            handed: false,
        }
    }
}

/// Runs a draft on columns; results start as `fill`.
fn run(draft: &Draft, inputs: &[Column], n: usize, way: Way) -> Outcome {
    let program = Program::at(draft, way.level, Some(way.lanes)).unwrap_or_else(|why| panic!("{why}"));
    let shell = kernel("test", program);
    let mut outputs: Vec<Column> = draft.outputs.iter().map(|dtype| Column::new(*dtype, &vec![0; n])).collect();
    let mut ok = Column::new(DType::Bool, &vec![1; n]);
    let control = Control::default();
    let mut finished = true;
    {
        let views = outputs.iter_mut().map(Column::output).collect();
        let mut batch = Batch::new(inputs.iter().map(Column::input).collect(), views).unwrap();
        batch = batch.with_max_steps(way.max_steps);
        if way.masked {
            batch = batch.with_ok(ok.output()).unwrap();
        }
        let taken = AtomicU64::new(0);
        let range = || {
            let begin = taken.load(Relaxed);
            let end = begin.saturating_add(way.chunk).min(n as u64);
            taken.store(end, Relaxed);
            (begin < end).then_some((begin, end))
        };
        let next = |unfinished| {
            assert!(unfinished <= taken.load(Relaxed), "what nobody has taken isn't finished");
            range()
        };
        let ctx = Ctx::new(&shell, &batch, &control);
        let handing = ctx.with_next(&next);
        let ctx = if way.handed { &handing } else { &ctx };
        while let Some((begin, end)) = range() {
            finished &= super::run_within(ctx.user::<Arc<Program>>(), ctx, begin, end, way.fuel) == Status::DONE;
        }
    }
    let cause = control.take_cause().and_then(|cause| cause.downcast::<Site>().ok());
    Outcome {
        outputs: outputs.iter().map(Column::bits).collect(),
        fault: control.lowest_fault().map(|index| (index, cause.map_or(u32::MAX, |site| site.0))),
        ok: way.masked.then(|| ok.bits()),
        finished,
    }
}
