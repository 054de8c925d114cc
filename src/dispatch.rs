//! The Runtime: from a kernel, a batch and a call's wishes to a finished batch or an error.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::call::{Call, Failure, Options, Watch, check_threads};
use crate::error::{Error, Result, StopReason};
use crate::home::{Home, Homes, lock};
#[cfg(not(feature = "hybrid-lite"))]
use crate::job::nested;
use crate::job::{Job, Watcher, choose};
use crate::kernel::{Batch, Kernel};
#[cfg(not(feature = "hybrid-lite"))]
use crate::metrics::{Last, On};
use crate::metrics::{Off, Snapshot};
use crate::paths::Path;
use crate::sched::plan::Choice;

/// Executes batches. Usable from several threads at once.
#[derive(Debug)]
pub struct Runtime {
    options: Options,
    homes: Homes,
    closed: AtomicBool,
}

impl Runtime {
    /// A Runtime; its threads start with the first batch that needs them.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for a thread count outside 1..=[`MAX_THREADS`].
    pub fn new(options: Options) -> Result<Self> {
        check_threads(options.threads)?;
        Ok(Self { options, homes: Homes::default(), closed: AtomicBool::new(false) })
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
        self.check_open()?;
        if call.timeout == Some(Duration::ZERO) && !batch.is_empty() {
            return Err(Error::Cancelled { reason: StopReason::TimedOut, finished: Vec::new() }.into());
        }
        let home = self.home();
        let start = Instant::now();
        let deadline = call.timeout.and_then(|limit| start.checked_add(limit));
        let watcher = Watcher::new(watch, deadline, batch.len());
        let job = Job { home, options: &self.options, kernel, batch, call, threads, watcher: Mutex::new(watcher) };
        #[cfg(not(feature = "hybrid-lite"))]
        if self.options.metrics {
            // What runs inside another batch's task is part of that task's time.
            let choice = if nested() { job.run(Off)? } else { job.run(On(&home.workers))? };
            let last = Last { path: call.path, choice, threads, elements: batch.len() };
            lock(&home.totals).add(last, start.elapsed());
            return Ok(());
        }
        job.run(Off).map(drop)
    }

    /// Checks that it hasn't been closed.
    ///
    /// # Errors
    /// [`Error::Closed`].
    pub fn check_open(&self) -> Result<()> {
        if self.closed.load(Ordering::Acquire) { Err(Error::Closed) } else { Ok(()) }
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
        #[cfg(feature = "hybrid-exec")]
        self.end_threads();
    }

    #[cfg(feature = "hybrid-exec")]
    fn end_threads(&self) {
        let mut guard = lock(&self.home().pools);
        guard.closed = true;
        let pools = std::mem::take(&mut guard.by_size);
        drop(guard);
        if crate::sched::pool::on_worker() {
            return; // A worker can't wait for itself; dropping the pools ends them all the same.
        }
        for pool in pools.into_values().filter_map(std::sync::Arc::into_inner) {
            pool.join();
        }
    }

    fn home(&self) -> &Home {
        self.homes.get(self.options.threads)
    }
}
