//! The part of a Runtime that belongs to one process, and how each process finds its own.

#[cfg(feature = "hybrid-exec")]
use std::collections::HashMap;
#[cfg(feature = "hybrid-exec")]
use std::sync::Arc;
use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

#[cfg(feature = "hybrid-exec")]
use crate::error::{Error, Result};
use crate::kernel::Kernel;
use crate::metrics::{Totals, Workers};
use crate::sched::learn::Costs;
#[cfg(feature = "hybrid-exec")]
use crate::sched::pool::Pool;

/// Pools of different sizes that a Runtime keeps for later calls.
#[cfg(feature = "hybrid-exec")]
const MOST_POOLS: usize = 4;

/// The pools of a Runtime, by number of workers.
#[cfg(feature = "hybrid-exec")]
#[derive(Debug, Default)]
pub(crate) struct Pools {
    pub(crate) closed: bool,
    pub(crate) by_size: HashMap<usize, Arc<Pool>>,
}

/// Everything that belongs to one process: a forked child makes its own and leaves the parent's alone.
#[derive(Debug)]
pub(crate) struct Home {
    pid: u32,
    /// The count of [`forks`] when it was made: a child may have its parent's process id (process id namespaces).
    forks: u64,
    /// The Runtime's own number of workers.
    #[cfg(feature = "hybrid-exec")]
    threads: usize,
    #[cfg(feature = "hybrid-exec")]
    pub(crate) pools: Mutex<Pools>,
    pub(crate) costs: Mutex<Costs>,
    pub(crate) totals: Mutex<Totals>,
    pub(crate) workers: Workers,
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Home {
    pub(crate) fn new(threads: usize) -> Self {
        Self {
            pid: std::process::id(),
            forks: forks(),
            #[cfg(feature = "hybrid-exec")]
            threads,
            #[cfg(feature = "hybrid-exec")]
            pools: Mutex::default(),
            costs: Mutex::default(),
            totals: Mutex::default(),
            workers: Workers::new(threads),
        }
    }

    #[cfg(feature = "hybrid-exec")]
    pub(crate) fn pool(&self, threads: usize) -> Result<Arc<Pool>> {
        let mut guard = lock(&self.pools);
        if guard.closed {
            return Err(Error::Closed);
        }
        let pools = &mut guard.by_size;
        if let Some(pool) = pools.get(&threads) {
            return Ok(Arc::clone(pool));
        }
        if pools.len() >= MOST_POOLS {
            // Sizes asked for by single calls: their threads end unless a batch is running on them.
            pools.retain(|size, pool| *size == self.threads || Arc::strong_count(pool) > 1);
        }
        let pool = Arc::new(Pool::new(threads)?);
        pools.insert(threads, Arc::clone(&pool));
        Ok(pool)
    }

    pub(crate) fn element_ns(&self, kernel: &Kernel) -> Option<f64> {
        lock(&self.costs).element_ns(kernel.id())
    }
}

static FORKS: AtomicU64 = AtomicU64::new(0);

/// To be called in a child right after a fork, by whoever hears of it: process ids alone can repeat.
#[cfg_attr(not(feature = "python"), allow(dead_code, reason = "who hears of forks is Python"))]
pub(crate) fn note_fork() {
    FORKS.fetch_add(1, Ordering::Relaxed);
}

/// Forks between the first process and this one, as far as they were noted.
pub(crate) fn forks() -> u64 {
    FORKS.load(Ordering::Relaxed)
}

/// Ends a child that was forked inside a running batch and came back to it: the threads it waits for don't exist here,
/// and what they were doing can't be finished.
#[cfg(any(feature = "hybrid-exec", feature = "python"))]
pub(crate) fn leave_fork(place: &str) -> ! {
    eprintln!(
        "hybrid_rs: a child forked by {place} inside a running map returned into it; it ends here with status 70"
    );
    // SAFETY: `_exit` takes any status and does nothing but end the process, with no handlers run.
    unsafe { libc::_exit(70) }
}

/// A Runtime's homes: one for each process that uses it, found by process id. No lock is involved, since a fork may
/// happen while another thread holds it.
#[derive(Debug, Default)]
pub(crate) struct Homes(AtomicPtr<Home>);

impl Homes {
    /// This process's home, made when the process is first seen, with counters for `threads` workers.
    pub(crate) fn get(&self, threads: usize) -> &Home {
        let pid = std::process::id();
        let mut current = self.0.load(Ordering::Acquire);
        loop {
            // SAFETY: a non-null pointer came from Box::into_raw below and is freed by Drop alone, which has `&mut self`.
            if let Some(home) = unsafe { current.as_ref() }
                && home.pid == pid
                && home.forks == forks()
            {
                return home;
            }
            let fresh = Box::into_raw(Box::new(Home::new(threads)));
            match self.0.compare_exchange(current, fresh, Ordering::AcqRel, Ordering::Acquire) {
                // A parent's home is left as it is: its threads don't exist here and its locks may be held.
                // SAFETY: `fresh` was made above and is freed by Drop alone.
                Ok(_) => return unsafe { &*fresh },
                Err(other) => {
                    // SAFETY: `fresh` was never published.
                    drop(unsafe { Box::from_raw(fresh) });
                    current = other;
                }
            }
        }
    }
}

impl Drop for Homes {
    fn drop(&mut self) {
        let home = *self.0.get_mut();
        let ours = |home: &Home| home.pid == std::process::id() && home.forks == forks();
        // SAFETY: made by Box::into_raw in `get`; `&mut self` means that nobody uses it.
        if unsafe { home.as_ref() }.is_some_and(ours) {
            // SAFETY: as above; a parent's home (other process id) is left alone for ever.
            drop(unsafe { Box::from_raw(home) });
        }
    }
}
