//! The Runtime: from a kernel, a batch and a call's wishes to a finished batch or an error.

use std::sync::atomic::{AtomicBool, AtomicPtr, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use crate::call::{Call, Failure, Options, Watch, check_threads};
use crate::error::{Error, Result};
use crate::home::{Home, lock};
use crate::job::{Job, Watcher, choose};
use crate::kernel::{Batch, Kernel};
#[cfg(not(feature = "hybrid-lite"))]
use crate::metrics::{Last, On};
use crate::metrics::{Off, Snapshot};
use crate::paths::Path;
use crate::sched::plan::Choice;
use crate::sched::pool::on_worker;

/// Executes batches. Usable from several threads at once.
#[derive(Debug)]
pub struct Runtime {
    options: Options,
    home: AtomicPtr<Home>,
    closed: AtomicBool,
}

impl Runtime {
    /// A Runtime; its threads start with the first batch that needs them.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for a thread count outside 1..=[`MAX_THREADS`].
    pub fn new(options: Options) -> Result<Self> {
        check_threads(options.threads)?;
        Ok(Self { options, home: AtomicPtr::default(), closed: AtomicBool::new(false) })
    }

    /// What it was made with.
    #[must_use]
    pub const fn options(&self) -> &Options {
        &self.options
    }

    /// Runs `kernel` over `batch`.
    ///
    /// # Errors
    /// [`Error::Fault`] with the lowest faulting element (all below it are computed), [`Error::Cancelled`] with the
    /// finished ranges, [`Error::Panic`], [`Error::WrongType`], [`Error::InvalidArgument`], [`Error::Pool`],
    /// [`Error::Unsupported`], [`Error::Closed`].
    pub fn map(
        &self,
        kernel: &Kernel,
        batch: &Batch<'_>,
        call: &Call,
        watch: &mut dyn Watch,
    ) -> std::result::Result<(), Failure> {
        kernel.accepts(batch)?;
        if call.chunk_size == Some(0) {
            return Err(Error::invalid("chunk_size", "must be at least 1").into());
        }
        let threads = call.threads.unwrap_or(self.options.threads);
        check_threads(threads)?;
        if call.path != Path::HybridAutoChunked && call.path.is_parallel() && !cfg!(feature = "hybrid-exec") {
            let message = format!("path {} needs a build with the feature hybrid-exec", call.path.name());
            return Err(Error::Unsupported(message).into());
        }
        if self.closed.load(Ordering::Acquire) {
            return Err(Error::Closed.into());
        }
        let home = self.home();
        let start = Instant::now();
        let deadline = call.timeout.and_then(|limit| start.checked_add(limit));
        let watcher = Watcher::new(watch, deadline, batch.len());
        let job = Job { home, options: &self.options, kernel, batch, call, threads, watcher: Mutex::new(watcher) };
        #[cfg(not(feature = "hybrid-lite"))]
        if self.options.metrics {
            let choice = job.run(On(&home.workers))?;
            let last = Last { path: call.path, choice, threads, elements: batch.len() };
            lock(&home.totals).add(last, start.elapsed());
            return Ok(());
        }
        job.run(Off).map(drop)
    }

    /// All counters at this moment.
    #[must_use]
    pub fn metrics(&self) -> Snapshot {
        let home = self.home();
        let totals = lock(&home.totals).clone();
        home.workers.snapshot(totals)
    }

    /// The chunk size that a batch of `n` elements of `kernel` would get now under `auto`.
    #[must_use]
    pub fn chunk_size(&self, kernel: &Kernel, n: u64) -> Choice {
        choose(&self.options, None, n, self.options.threads, kernel, self.home().element_ns(kernel))
    }

    /// Ends the worker threads and waits for those that no running batch holds. Later batches fail.
    pub fn close(&self) {
        self.closed.store(true, Ordering::Release);
        let pools = std::mem::take(&mut *lock(&self.home().pools));
        if on_worker() {
            return; // A worker can't wait for itself; dropping the pools ends them all the same.
        }
        for pool in pools.into_values().filter_map(Arc::into_inner) {
            pool.join();
        }
    }

    /// This process's part, made when the process is first seen.
    fn home(&self) -> &Home {
        let pid = std::process::id();
        let mut current = self.home.load(Ordering::Acquire);
        loop {
            // SAFETY: a non-null `home` came from Box::into_raw below and is freed by Drop alone, which has `&mut self`.
            if let Some(home) = unsafe { current.as_ref() }
                && home.pid == pid
            {
                return home;
            }
            let fresh = Box::into_raw(Box::new(Home::new(self.options.threads)));
            match self.home.compare_exchange(current, fresh, Ordering::AcqRel, Ordering::Acquire) {
                // The parent's home is left as it is: its threads don't exist here and its locks may be held.
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

impl Drop for Runtime {
    fn drop(&mut self) {
        let home = *self.home.get_mut();
        // SAFETY: made by Box::into_raw in `home`; `&mut self` means that nobody uses it.
        if let Some(pid) = unsafe { home.as_ref() }.map(|home| home.pid)
            && pid == std::process::id()
        {
            // SAFETY: as above; a parent's home (other pid) is left alone for ever.
            drop(unsafe { Box::from_raw(home) });
        }
    }
}
