//! The seven execution paths: how a batch is cut into tasks and what runs inside a task.

use std::any::Any;
use std::collections::VecDeque;
use std::hint::black_box;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError};

use crate::error::{Error, Result};
use crate::kernel::{Ctx, Kernel, Status};
use crate::metrics::Recorder;
use crate::sched::ledger::Ledger;
use crate::sched::pool::Next;

/// A way to execute a batch (rows S2 to S8 of the report this project began with).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Path {
    /// A loop over the element form on the caller's thread.
    SeqDirect,
    /// Every element a boxed task of the Runtime's serial lane, in order: the baseline.
    RuntimeSeq,
    /// Every element a parallel task, called through a boxed closure.
    HybridDyn,
    /// Every element a parallel task, called through the function pointer.
    HybridFnptr,
    /// Every chunk a parallel task, inside it a boxed closure for each element.
    HybridDynChunked,
    /// Every chunk a parallel task: the chunk form, or a loop over the pointer.
    HybridFnptrChunked,
    /// As `HybridFnptrChunked`, with the chunk size chosen by the policy.
    HybridAutoChunked,
}

impl Path {
    /// All paths, in the order of the report.
    pub const ALL: [Self; 7] = [
        Self::SeqDirect,
        Self::RuntimeSeq,
        Self::HybridDyn,
        Self::HybridFnptr,
        Self::HybridDynChunked,
        Self::HybridFnptrChunked,
        Self::HybridAutoChunked,
    ];

    /// The canonical name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::SeqDirect => "seq_direct",
            Self::RuntimeSeq => "runtime_seq",
            Self::HybridDyn => "hybrid_dyn",
            Self::HybridFnptr => "hybrid_fnptr",
            Self::HybridDynChunked => "hybrid_dyn_chunked",
            Self::HybridFnptrChunked => "hybrid_fnptr_chunked",
            Self::HybridAutoChunked => "hybrid_auto_chunked",
        }
    }

    /// The path called `name`: a canonical name, `auto`, or the report's `runtime_hybrid_*`.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for an unknown name.
    pub fn from_name(name: &str) -> Result<Self> {
        let canonical = match name {
            "auto" => Self::HybridAutoChunked.name(),
            _ => name.strip_prefix("runtime_").filter(|rest| rest.starts_with("hybrid_")).unwrap_or(name),
        };
        Self::ALL.into_iter().find(|path| path.name() == canonical).ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            Error::invalid("path", format!("unknown path '{name}'; there are auto, {names}"))
        })
    }

    /// Whether the path needs worker threads.
    #[must_use]
    pub const fn is_parallel(self) -> bool {
        !matches!(self, Self::SeqDirect | Self::RuntimeSeq)
    }

    /// Whether the path hands out chunks.
    #[must_use]
    pub const fn is_chunked(self) -> bool {
        matches!(self, Self::HybridDynChunked | Self::HybridFnptrChunked | Self::HybridAutoChunked)
    }

    /// What a task of this path runs for its range.
    #[must_use]
    pub(crate) const fn body(self) -> Body {
        match self {
            Self::SeqDirect | Self::RuntimeSeq | Self::HybridFnptr => run_elements,
            Self::HybridDyn | Self::HybridDynChunked => run_boxed,
            Self::HybridFnptrChunked | Self::HybridAutoChunked => run_chunk,
        }
    }
}

/// What runs inside a task: elements `[begin, end)` of a kernel.
pub(crate) type Body = fn(&Kernel, &Ctx<'_>, u64, u64) -> Status;

/// A loop over the function pointer of the element form.
fn run_elements(kernel: &Kernel, ctx: &Ctx<'_>, begin: u64, end: u64) -> Status {
    let element = kernel.element;
    for index in begin..end {
        if ctx.control().stopped() {
            return Status::STOPPED;
        }
        let status = element(ctx, index);
        if status != Status::DONE {
            return status;
        }
    }
    Status::DONE
}

/// A boxed closure for each element, called through its vtable; the box keeps the compiler from seeing through it.
fn run_boxed(kernel: &Kernel, ctx: &Ctx<'_>, begin: u64, end: u64) -> Status {
    for index in begin..end {
        if ctx.control().stopped() {
            return Status::STOPPED;
        }
        let element = kernel.element;
        let task: Box<dyn FnOnce() -> Status + '_> = black_box(Box::new(move || element(ctx, index)));
        let status = task();
        if status != Status::DONE {
            return status;
        }
    }
    Status::DONE
}

/// The chunk form, or a loop over the pointer where there is none.
fn run_chunk(kernel: &Kernel, ctx: &Ctx<'_>, begin: u64, end: u64) -> Status {
    match kernel.chunk {
        Some(chunk) => chunk(ctx, begin, end),
        None => run_elements(kernel, ctx, begin, end),
    }
}

/// A run's first panic, kept for the caller.
#[derive(Debug, Default)]
pub(crate) struct PanicSlot(Mutex<Option<String>>);

impl PanicSlot {
    fn keep(&self, payload: &(dyn Any + Send)) {
        let text = payload
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| payload.downcast_ref::<&str>().copied())
            .unwrap_or("no message");
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(|| text.to_owned());
    }

    pub(crate) fn take(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// What all tasks of a run share.
pub(crate) struct Run<'a, R> {
    pub(crate) kernel: &'a Kernel,
    pub(crate) ctx: &'a Ctx<'a>,
    pub(crate) body: Body,
    pub(crate) recorder: R,
    pub(crate) ledger: &'a Ledger,
    pub(crate) panic: &'a PanicSlot,
}

impl<R: Recorder> Run<'_, R> {
    /// Runs one task of the ledger.
    pub(crate) fn task(&self, worker: usize, task: u64) -> Next {
        let (begin, end) = self.ledger.range(task);
        let control = self.ctx.control();
        if control.stopped() {
            return Next::Stop;
        }
        if control.skip(begin) {
            return Next::Continue;
        }
        match self.range(worker, begin, end) {
            Status::DONE => {
                self.ledger.mark(task);
                Next::Continue
            }
            Status::FAULT => Next::Continue,
            _ => Next::Stop,
        }
    }

    /// Runs `[begin, end)`; a panic stops the run.
    pub(crate) fn range(&self, worker: usize, begin: u64, end: u64) -> Status {
        let mark = self.recorder.start();
        let status = self.guarded(begin, || (self.body)(self.kernel, self.ctx, begin, end));
        self.recorder.finish(worker, mark);
        status
    }

    fn guarded(&self, begin: u64, call: impl FnOnce() -> Status) -> Status {
        let control = self.ctx.control();
        match catch_unwind(AssertUnwindSafe(call)) {
            Ok(Status::FAULT) if control.lowest_fault().is_none() => {
                // An engine that says so without recording where: the range's start is the most that is known.
                control.fault(begin, None);
                Status::FAULT
            }
            Ok(status) => status,
            Err(payload) => {
                self.panic.keep(&*payload);
                control.stop();
                Status::STOPPED
            }
        }
    }

    /// The serial lane: each element is boxed, queued, taken from the queue and run, in order, until the first that is
    /// not done. The queue, the box and the bookkeeping are the Runtime's whole cost for an element, no more.
    pub(crate) fn serial_lane(&self, worker: usize, n: u64) {
        let element = self.kernel.element;
        let ctx = self.ctx;
        let mut lane: VecDeque<Box<dyn FnOnce() -> Status + '_>> = VecDeque::new();
        for index in 0..n {
            if ctx.control().stopped() {
                return;
            }
            lane.push_back(Box::new(move || element(ctx, index)));
            while let Some(task) = lane.pop_front() {
                let mark = self.recorder.start();
                let status = self.guarded(index, task);
                self.recorder.finish(worker, mark);
                if status != Status::DONE {
                    return;
                }
            }
            self.ledger.advance(index + 1);
        }
    }
}

#[cfg(test)]
mod test {
    use super::*;

    #[test]
    fn names_and_aliases() {
        for path in Path::ALL {
            assert_eq!(Path::from_name(path.name()).unwrap(), path);
            assert_eq!(Path::ALL[path as usize], path);
        }
        assert_eq!(Path::from_name("auto").unwrap(), Path::HybridAutoChunked);
        assert_eq!(Path::from_name("runtime_hybrid_fnptr_chunked").unwrap(), Path::HybridFnptrChunked);
        for wrong in ["", "runtime_seq_direct", "runtime_runtime_seq", "fast", "runtime_auto"] {
            assert!(Path::from_name(wrong).is_err(), "{wrong}");
        }
    }
}
