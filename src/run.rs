//! What the paths run: the body of a task for each of them, and the tasks of one run.

#[cfg(feature = "hybrid-exec")]
mod hand;

use std::any::Any;
use std::collections::VecDeque;
use std::hint::black_box;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError};

use crate::buffer::View;
use crate::kernel::{Batch, Control, Ctx, Kernel, Status};
use crate::metrics::Recorder;
use crate::paths::Path;
use crate::sched::ledger::Ledger;
#[cfg(feature = "hybrid-exec")]
use crate::sched::pool::Next;

/// What runs inside a task: elements `[begin, end)` of a kernel.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Body {
    run: fn(&Kernel, &Ctx<'_>, u64, u64) -> Status,
    /// Whether it is the kernel's chunk form.
    chunks: bool,
}

/// The body of a path's tasks.
pub(crate) const fn body(path: Path) -> Body {
    match path {
        Path::SeqDirect | Path::RuntimeSeq | Path::HybridFnptr => Body { run: run_elements, chunks: false },
        Path::HybridDyn | Path::HybridDynChunked => Body { run: run_boxed, chunks: false },
        Path::HybridFnptrChunked | Path::HybridAutoChunked => Body { run: run_chunk, chunks: true },
    }
}

/// A loop over the function pointer of the element form.
fn run_elements(kernel: &Kernel, ctx: &Ctx<'_>, begin: u64, end: u64) -> Status {
    let element = kernel.element;
    for index in begin..end {
        if ctx.control().poll_at(index) {
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
        if ctx.control().poll_at(index) {
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
    pub(crate) batch: &'a Batch<'a>,
    pub(crate) ctx: &'a Ctx<'a>,
    pub(crate) body: Body,
    pub(crate) recorder: R,
    pub(crate) ledger: &'a Ledger,
    pub(crate) panic: &'a PanicSlot,
}

impl<R: Recorder> Run<'_, R> {
    /// Runs one task of the ledger.
    #[cfg(feature = "hybrid-exec")]
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
        let status = self.guarded(begin, || self.call(begin, end));
        self.recorder.lap(worker, mark);
        status
    }

    /// The path's body; where faults are masked and the kernel can't do it itself, around each of them.
    fn call(&self, begin: u64, end: u64) -> Status {
        match self.ctx.ok() {
            Some(ok) if !self.kernel.masks_faults => self.around_faults(ok, begin, end),
            _ => (self.body.run)(self.kernel, self.ctx, begin, end),
        }
    }

    /// Marks each faulting element in `ok` and goes on behind it: everything below a fault is computed. What the kernel
    /// records goes to a control of its own, whose polls are polls of the batch's.
    #[cold]
    fn around_faults(&self, ok: &View<'_>, begin: u64, end: u64) -> Status {
        let hook = || self.ctx.control().poll();
        let mut at = begin;
        while at < end {
            let control = Control::with_hook(&hook);
            let ctx = Ctx::new(self.kernel, self.batch, &control);
            match (self.body.run)(self.kernel, &ctx, at, end) {
                Status::FAULT => {
                    let index = control.lowest_fault().unwrap_or(at);
                    ok.write_bool(index, false);
                    at = index + 1;
                }
                status => return status,
            }
        }
        Status::DONE
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
        let masks = ctx.ok().is_none() || self.kernel.masks_faults;
        let mut lane: VecDeque<Box<dyn FnOnce() -> Status + '_>> = VecDeque::new();
        let mut mark = self.recorder.start();
        for index in 0..n {
            if ctx.control().poll() {
                return;
            }
            if masks {
                lane.push_back(Box::new(move || element(ctx, index)));
            } else {
                lane.push_back(Box::new(move || self.call(index, index + 1)));
            }
            while let Some(task) = lane.pop_front() {
                let status = self.guarded(index, task);
                mark = self.recorder.lap(worker, mark);
                if status != Status::DONE {
                    return;
                }
            }
            self.ledger.advance(index + 1);
        }
    }
}
