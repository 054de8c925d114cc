//! The chunk interface: what every engine hands the runtime, and what the runtime hands every engine.
//!
//! See `docs/design/001-chunk-interface.md`. A kernel has an *element form* (one call, one element) and may have a
//! *chunk form* (one call, elements `[begin, end)`); both get a [`Ctx`] and answer with a [`Status`].

mod batch;

use std::any::Any;
use std::cell::RefCell;
use std::fmt;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use crate::buffer::{DType, View};
use crate::error::{Error, Result};

pub use batch::{Batch, MAX_AXES, Table};

/// What an element or chunk function answers. Unknown values count as [`Status::STOPPED`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(transparent)]
pub struct Status(pub u32);

impl Status {
    /// The whole range is computed.
    pub const DONE: Self = Self(0);
    /// An element of the range faulted; it is recorded in [`Control`], every element before it is computed.
    pub const FAULT: Self = Self(1);
    /// [`Control::stopped`] was seen; the range is not finished.
    pub const STOPPED: Self = Self(2);
}

/// Element form: computes element `index`.
pub type ElementFn = extern "C-unwind" fn(ctx: &Ctx<'_>, index: u64) -> Status;
/// Chunk form: computes the elements `[begin, end)`.
pub type ChunkFn = extern "C-unwind" fn(ctx: &Ctx<'_>, begin: u64, end: u64) -> Status;

/// A fault's cause, kept for whoever reports it (a Python exception, say).
pub type Cause = Box<dyn Any + Send>;

/// The cause of a fault at a place that the kernel knows by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Site(pub u32);

/// Elements between two full polls of a loop over cheap ones: a poll on the caller's own thread reads the clock.
const POLL_EVERY: u64 = 32;

/// A batch's stop flag and deadline, shared with the batches started from inside it.
#[derive(Debug, Default)]
struct Stop {
    flag: AtomicU32,
    deadline: Option<Instant>,
}

thread_local! {
    /// The batches that this thread is inside of.
    static AROUND: RefCell<Vec<Arc<Stop>>> = const { RefCell::new(Vec::new()) };
}

/// Whether a batch that this thread is inside of is stopped or late.
#[must_use]
pub fn stopped_around() -> bool {
    let over = |stop: &Arc<Stop>| {
        stop.flag.load(Ordering::Relaxed) != 0 || stop.deadline.is_some_and(|deadline| Instant::now() >= deadline)
    };
    AROUND.with_borrow(|around| around.iter().any(over))
}

/// Undoes [`Control::enter`] when dropped; stays on its thread.
#[derive(Debug)]
pub struct Entered(PhantomData<*const ()>);

impl Drop for Entered {
    fn drop(&mut self) {
        AROUND.with_borrow_mut(Vec::pop);
    }
}

/// Called by [`Control::poll`] where the caller's own thread computes; answers whether to stop.
pub type PollHook<'a> = &'a (dyn Fn() -> bool + Sync);

/// Hands a chunk form that is under way another range, [`Ctx::next_range`].
pub type NextRange<'a> = &'a (dyn Fn(u64) -> Option<(u64, u64)> + Sync);

/// The state that all workers of one batch share: the stop flag and the lowest fault.
#[derive(Default)]
#[repr(C)]
pub struct Control<'a> {
    stop: Arc<Stop>,
    /// Index of the lowest fault plus one; 0 while there is none.
    fault: AtomicU64,
    cause: Mutex<Option<Cause>>,
    hook: Option<PollHook<'a>>,
}

impl<'a> Control<'a> {
    /// The control of work that the calling thread does itself: nobody else watches, so polling runs `hook`.
    #[must_use]
    pub fn with_hook(hook: PollHook<'a>) -> Self {
        Self { hook: Some(hook), ..Self::default() }
    }

    /// The same, with a deadline that batches started from inside this one keep as well.
    #[must_use]
    pub fn with_deadline(self, deadline: Option<Instant>) -> Self {
        Self { stop: Arc::new(Stop { flag: AtomicU32::new(0), deadline }), ..self }
    }

    /// Whether to stop: to be asked between tiles and on long loops' back edges, every few milliseconds at least.
    ///
    /// In parallel work this is one relaxed load; work on the caller's own thread also looks at its watcher.
    #[must_use]
    #[inline]
    pub fn poll(&self) -> bool {
        self.stopped() || self.hook.is_some_and(|hook| self.ask(hook))
    }

    /// [`Control::poll`] for loops over cheap elements: asks in full at every 32nd index, else looks at the flag alone.
    #[must_use]
    #[inline]
    pub fn poll_at(&self, index: u64) -> bool {
        if index.is_multiple_of(POLL_EVERY) { self.poll() } else { self.stopped() }
    }

    /// Marks that this thread runs code of the batch that may start batches of its own, which then stop with this one.
    #[must_use]
    pub fn enter(&self) -> Entered {
        AROUND.with_borrow_mut(|around| around.push(Arc::clone(&self.stop)));
        Entered(PhantomData)
    }

    #[cold]
    fn ask(&self, hook: PollHook<'_>) -> bool {
        let stop = hook();
        if stop {
            self.stop();
        }
        stop
    }

    /// Asks every worker of the batch to stop at its next poll.
    pub fn stop(&self) {
        self.stop.flag.store(1, Ordering::Relaxed);
    }

    /// Whether [`Control::stop`] was called. Cheap: one relaxed load.
    #[must_use]
    #[inline]
    pub fn stopped(&self) -> bool {
        self.stop.flag.load(Ordering::Relaxed) != 0
    }

    /// Records that element `index` faulted. The lowest index wins, whatever the order of the calls.
    pub fn fault(&self, index: u64, cause: Option<Cause>) {
        let mut slot = self.cause.lock().unwrap_or_else(PoisonError::into_inner);
        if self.lowest_fault().is_none_or(|lowest| index < lowest) {
            self.fault.store(index + 1, Ordering::Relaxed);
            // The former cause goes with the lock released: its drop may run foreign code.
            let former = std::mem::replace(&mut *slot, cause);
            drop(slot);
            drop(former);
        }
    }

    /// The lowest faulting element so far.
    #[must_use]
    #[inline]
    pub fn lowest_fault(&self) -> Option<u64> {
        self.fault.load(Ordering::Relaxed).checked_sub(1)
    }

    /// Takes the cause of the lowest fault out, if one was recorded with it.
    pub fn take_cause(&self) -> Option<Cause> {
        let mut slot = self.cause.lock().unwrap_or_else(PoisonError::into_inner);
        slot.take()
    }

    /// Whether work that starts at `begin` is pointless: stopped, or past the lowest fault.
    #[must_use]
    #[inline]
    pub fn skip(&self, begin: u64) -> bool {
        self.stopped() || self.lowest_fault().is_some_and(|lowest| begin > lowest)
    }
}

/// What a kernel's functions get beside their range. The layout is part of the chunk interface.
#[repr(C)]
pub struct Ctx<'a> {
    inputs: *const View<'a>,
    outputs: *const View<'a>,
    n_inputs: u32,
    n_outputs: u32,
    control: &'a Control<'a>,
    user: Option<&'a (dyn Any + Send + Sync)>,
    tables: &'a [Table<'a>],
    ok: Option<&'a View<'a>>,
    max_steps: u64,
    next: Option<NextRange<'a>>,
    life: PhantomData<&'a [View<'a>]>,
}

// SAFETY: the pointers come from the shared slices that `new` borrows for 'a; Views and Control are Sync.
unsafe impl Sync for Ctx<'_> {}
// SAFETY: as above.
unsafe impl Send for Ctx<'_> {}

impl<'a> Ctx<'a> {
    /// The context of one batch.
    #[must_use]
    pub fn new(kernel: &'a Kernel, batch: &'a Batch<'a>, control: &'a Control<'a>) -> Self {
        Self {
            inputs: batch.inputs.as_ptr(),
            outputs: batch.outputs.as_ptr(),
            n_inputs: batch.inputs.len() as u32,
            n_outputs: batch.outputs.len() as u32,
            control,
            user: kernel.user.as_deref(),
            tables: &batch.tables,
            ok: batch.ok.as_ref(),
            max_steps: batch.max_steps,
            next: None,
            life: PhantomData,
        }
    }

    /// The same for a call that may take further ranges.
    #[must_use]
    pub fn with_next<'b>(&'b self, next: NextRange<'b>) -> Ctx<'b> {
        Ctx { next: Some(next), ..*self }
    }

    /// The input operands.
    #[must_use]
    #[inline]
    pub fn inputs(&self) -> &[View<'a>] {
        // SAFETY: `new` took pointer and length from a slice borrowed for 'a.
        unsafe { std::slice::from_raw_parts(self.inputs, self.n_inputs as usize) }
    }

    /// The output operands.
    #[must_use]
    #[inline]
    pub fn outputs(&self) -> &[View<'a>] {
        // SAFETY: as in `inputs`.
        unsafe { std::slice::from_raw_parts(self.outputs, self.n_outputs as usize) }
    }

    /// The tables: arrays that every element may read as a whole.
    #[must_use]
    #[inline]
    pub fn tables(&self) -> &[Table<'a>] {
        self.tables
    }

    /// Where faults are masked: a bool view that starts as true everywhere. An engine that [`Kernel::masks_faults`]
    /// writes false at a faulting element, records nothing and goes on.
    #[must_use]
    #[inline]
    pub fn ok(&self) -> Option<&View<'a>> {
        self.ok
    }

    /// How many back edges an element may take, for an engine that [`Kernel::counts_steps`].
    #[must_use]
    #[inline]
    pub fn max_steps(&self) -> u64 {
        self.max_steps
    }

    /// Whether there may be further ranges for this call of the chunk form.
    #[must_use]
    pub fn has_next(&self) -> bool {
        self.next.is_some()
    }

    /// Takes another range, which then belongs to this call as its first one does: a chunk form that would run on few
    /// elements at the end of its range goes on with those of the next. Ranges come in ascending order; `None`: there is
    /// none, now or later.
    ///
    /// `unfinished` is the lowest element of this call that isn't finished, or anything below: what lies below it counts
    /// as finished from now on.
    #[must_use]
    pub fn next_range(&self, unfinished: u64) -> Option<(u64, u64)> {
        self.next.and_then(|next| next(unfinished))
    }

    /// The batch's shared state.
    #[must_use]
    #[inline]
    pub fn control(&self) -> &Control<'a> {
        self.control
    }

    /// The kernel's own data.
    ///
    /// # Panics
    /// If the kernel has none, or it is of another type.
    #[must_use]
    #[inline]
    pub fn user<T: Any>(&self) -> &T {
        self.user.and_then(|user| user.downcast_ref()).expect("a kernel's functions ask for the data it was made with")
    }
}

/// Input and output dtypes of one specialisation of a kernel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// Dtypes of the inputs.
    pub inputs: Vec<DType>,
    /// Dtypes of the outputs.
    pub outputs: Vec<DType>,
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = |dtypes: &[DType]| dtypes.iter().map(|d| d.name()).collect::<Vec<_>>().join(", ");
        write!(f, "{}({})", names(&self.outputs), names(&self.inputs))
    }
}

/// One function of a few scalars, ready to run on a batch.
pub struct Kernel {
    /// What users call it.
    pub name: String,
    /// The operand dtypes it takes. Empty: any inputs (a dynamic kernel).
    pub signatures: Vec<Signature>,
    /// One call, one element.
    pub element: ElementFn,
    /// One call, a range of elements; `None` where a loop over the element form is all there is.
    pub chunk: Option<ChunkFn>,
    /// Elements that the chunk form computes together (its SIMD width); chunks are best multiples of it.
    pub tile: u64,
    /// The kernel's own data, reached by [`Ctx::user`].
    pub user: Option<Box<dyn Any + Send + Sync>>,
    /// Elements that a chunk should have at least, for a chunk form that begins or ends a chunk slowly.
    pub least: u64,
    /// Whether its chunk form takes further ranges, [`Ctx::next_range`].
    pub refills: bool,
    /// Whether its functions mark faulting elements in [`Ctx::ok`] and go on.
    pub masks_faults: bool,
    /// Whether its functions keep to [`Ctx::max_steps`].
    pub counts_steps: bool,
    id: u64,
}

impl Kernel {
    /// A kernel with an element form alone.
    #[must_use]
    pub fn new(name: impl Into<String>, signatures: Vec<Signature>, element: ElementFn) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        Self {
            name: name.into(),
            signatures,
            element,
            chunk: None,
            tile: 1,
            user: None,
            least: 1,
            refills: false,
            masks_faults: false,
            counts_steps: false,
            id,
        }
    }

    /// Adds a chunk form that computes `tile` elements together.
    #[must_use]
    pub fn with_chunk(mut self, chunk: ChunkFn, tile: u64) -> Self {
        self.chunk = Some(chunk);
        self.tile = tile.max(1);
        self
    }

    /// Adds the kernel's own data.
    #[must_use]
    pub fn with_user(mut self, user: impl Any + Send + Sync) -> Self {
        self.user = Some(Box::new(user));
        self
    }

    /// A number that no other kernel of the process has.
    #[must_use]
    pub const fn id(&self) -> u64 {
        self.id
    }

    /// Checks that `batch`'s dtypes are one of the kernel's signatures.
    ///
    /// # Errors
    /// [`Error::WrongType`] naming the operand.
    pub fn accepts(&self, batch: &Batch<'_>) -> Result<()> {
        let matches = |signature: &Signature| {
            let same = |views: &[View<'_>], dtypes: &[DType]| {
                views.len() == dtypes.len() && views.iter().zip(dtypes).all(|(view, dtype)| view.dtype() == *dtype)
            };
            same(&batch.inputs, &signature.inputs) && same(&batch.outputs, &signature.outputs)
        };
        if self.signatures.is_empty() || self.signatures.iter().any(matches) {
            return Ok(());
        }
        let got = Signature {
            inputs: batch.inputs.iter().map(View::dtype).collect(),
            outputs: batch.outputs.iter().map(View::dtype).collect(),
        };
        Err(Error::wrong_type("arrays", format!("{} has no signature {got}", self.name)))
    }
}

impl fmt::Debug for Kernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Kernel({}, id {}, chunk form {})", self.name, self.id, self.chunk.is_some())
    }
}

/// A kernel shared by calls and caches.
pub type SharedKernel = Arc<Kernel>;

#[cfg(test)]
mod test {
    use super::*;

    #[test]
    fn lowest_fault_wins_in_any_order() {
        for order in [[5_u64, 3, 9], [9, 5, 3], [3, 9, 5]] {
            let control = Control::default();
            assert_eq!(control.lowest_fault(), None);
            for index in order {
                control.fault(index, Some(Box::new(index)));
            }
            assert_eq!(control.lowest_fault(), Some(3));
            let cause = control.take_cause().and_then(|cause| cause.downcast::<u64>().ok());
            assert_eq!(cause.as_deref(), Some(&3));
            assert!(control.skip(4) && !control.skip(3) && !control.skip(0));
        }
    }

    #[test]
    fn batches_check_lengths() {
        let (a, b) = ([1_i32, 2], [1_i32, 2, 3]);
        let error = Batch::new(vec![View::input(&a), View::input(&b)], vec![]).unwrap_err();
        assert_eq!(error.to_string(), "arrays: operands of 2 and 3 elements in one batch");
        assert!(Batch::new(vec![], vec![]).is_err());
    }
}
