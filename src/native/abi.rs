//! What machine code is given: the frame, and the functions that it calls back. The layout is fixed in
//! `docs/design/008-native-code.md`.

use std::any::Any;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use crate::kernel::{Ctx, Status};

/// A function of an object.
pub(super) type Function = unsafe extern "C" fn(frame: *mut Frame<'_>, begin: u64, end: u64) -> u32;

/// What a function gets beside its range. All fields up to `next` are 8 bytes and part of the interface.
#[repr(C)]
pub(super) struct Frame<'a> {
    /// Scalar inputs in order, then outputs.
    pub(super) operands: *const *mut u8,
    /// For each table the address of its first element, then its axis lengths.
    pub(super) tables: *const u64,
    /// Bools of the elements that have not failed, or null.
    pub(super) ok: *mut u8,
    poll: extern "C" fn(*mut Frame<'a>) -> u32,
    max_steps: u64,
    /// Lowest faulting element; `u64::MAX` while there is none.
    pub(super) fault_index: u64,
    pub(super) fault_site: u64,
    next: extern "C" fn(*mut Frame<'a>, *mut [u64; 2]) -> u32,
    // From here on machine code knows nothing.
    ctx: &'a Ctx<'a>,
    len: u64,
    begin: u64,
    more: Option<Instant>,
    panic: Option<Box<dyn Any + Send>>,
    life: PhantomData<&'a ()>,
}

impl<'a> Frame<'a> {
    /// A frame for a range that starts at `begin` of a batch of `len` elements; up to the moment `more` further ones are handed over.
    pub(super) fn new(ctx: &'a Ctx<'a>, len: u64, begin: u64, more: Option<Instant>) -> Self {
        Self {
            operands: std::ptr::null(),
            tables: std::ptr::null(),
            ok: std::ptr::null_mut(),
            poll,
            max_steps: ctx.max_steps(),
            fault_index: u64::MAX,
            fault_site: 0,
            next,
            ctx,
            len,
            begin,
            more,
            panic: None,
            life: PhantomData,
        }
    }

    /// Runs what must not unwind into machine code; after a panic, which waits for the end of the call, `otherwise`.
    fn guarded<T>(&mut self, job: impl FnOnce(&Self) -> T, otherwise: T) -> T {
        match catch_unwind(AssertUnwindSafe(|| job(self))) {
            Ok(value) => value,
            Err(panic) => {
                self.panic.get_or_insert(panic);
                otherwise
            }
        }
    }

    /// Calls a function for the elements `[begin, end)` of the operands that the frame points to.
    ///
    /// # Safety
    /// The function is one of the interface, for operands of these types; all pointers are valid for the range.
    pub(super) unsafe fn call(&mut self, function: Function, begin: u64, end: u64) -> Status {
        // SAFETY: the caller's promise.
        let status = unsafe { function(self, begin, end) };
        // What a function can't have let through it comes up here.
        if let Some(panic) = self.panic.take() {
            std::panic::resume_unwind(panic);
        }
        Status(status)
    }
}

/// Whether to stop: asked for, or another worker met a fault below.
extern "C" fn poll(frame: *mut Frame<'_>) -> u32 {
    // SAFETY: machine code hands back the frame that it was called with, and waits.
    let frame = unsafe { &mut *frame };
    let control = frame.ctx.control();
    frame.guarded(|frame| control.poll() || control.skip(frame.begin), true).into()
}

/// Another range for code that is done with most of what it had; 0: there is none.
extern "C" fn next(frame: *mut Frame<'_>, range: *mut [u64; 2]) -> u32 {
    // SAFETY: as in `poll`; there is room for a range where it points to.
    let (frame, range) = unsafe { (&mut *frame, &mut *range) };
    if frame.fault_index != u64::MAX || frame.more.is_none_or(|more| Instant::now() >= more) {
        return 0;
    }
    // What was taken before may still have elements that aren't finished.
    let taken = frame.guarded(
        |frame| {
            let range = frame.ctx.next_range(frame.begin);
            assert!(range.is_none_or(|(begin, end)| begin <= end && end <= frame.len), "a range beyond the batch");
            range
        },
        None,
    );
    match taken {
        Some((begin, end)) => {
            *range = [begin, end];
            1
        }
        None => 0,
    }
}

/// Lets other threads see stores that bypassed the caches, before they hear that the range is done.
pub(super) fn publish() {
    // SAFETY: every x86-64 processor has the instruction; it touches no memory of Rust's.
    #[cfg(target_arch = "x86_64")]
    unsafe {
        std::arch::x86_64::_mm_sfence();
    }
}
