//! A kernel of the kernel language on its way up: it begins on the block VM, and changes over to machine code at the
//! first chunk that finds some.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use crate::kernel::{Ctx, Kernel, Status};
use crate::native::{self, Native};
use crate::vm::{self, Program};

/// A program, and the machine code of the same kernel once there is some.
#[derive(Debug)]
pub struct Tier {
    program: Arc<Program>,
    native: OnceLock<Arc<Native>>,
    vm_ns: AtomicU64,
}

impl Tier {
    /// A kernel that has a program alone.
    #[must_use]
    pub fn new(program: Arc<Program>) -> Self {
        Self { program, native: OnceLock::new(), vm_ns: AtomicU64::new(0) }
    }

    /// The program.
    #[must_use]
    pub const fn program(&self) -> &Arc<Program> {
        &self.program
    }

    /// The machine code, if it is there.
    #[must_use]
    #[inline]
    pub fn native(&self) -> Option<&Arc<Native>> {
        self.native.get()
    }

    /// Gives it machine code of the same kernel; chunks under way end as they began. What comes second is dropped.
    pub fn install(&self, native: Arc<Native>) {
        drop(self.native.set(native));
    }

    /// Time that all threads together have spent in the VM, in ns.
    #[must_use]
    pub fn vm_ns(&self) -> u64 {
        self.vm_ns.load(Ordering::Relaxed)
    }

    fn run(&self, ctx: &Ctx<'_>, begin: u64, end: u64) -> Status {
        if let Some(native) = self.native.get() {
            return native::run(native, ctx, begin, end);
        }
        let start = Instant::now();
        // The VM may take further ranges for as long as the batch lasts, but not beside machine code.
        let next = |unfinished| self.native.get().map_or_else(|| ctx.next_range(unfinished), |_| None);
        let status = match ctx.has_next() {
            true => vm::run(&self.program, &ctx.with_next(&next), begin, end),
            false => vm::run(&self.program, ctx, begin, end),
        };
        let spent = u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.vm_ns.fetch_add(spent, Ordering::Relaxed);
        status
    }
}

/// The kernel that runs whatever its tier has at each chunk.
#[must_use]
pub fn kernel(name: impl Into<String>, tier: Arc<Tier>) -> Kernel {
    let mut kernel = vm::kernel(name, Arc::clone(&tier.program)).with_user(tier);
    kernel.element = element;
    kernel.chunk = Some(chunk);
    kernel
}

extern "C-unwind" fn element(ctx: &Ctx<'_>, index: u64) -> Status {
    ctx.user::<Arc<Tier>>().run(ctx, index, index + 1)
}

extern "C-unwind" fn chunk(ctx: &Ctx<'_>, begin: u64, end: u64) -> Status {
    ctx.user::<Arc<Tier>>().run(ctx, begin, end)
}
