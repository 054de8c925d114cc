//! The Runtime's own worker threads: a private rayon pool, never the global one.

use std::cell::Cell;
use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;

use crate::error::{Error, Result};

/// Stack of a worker in bytes: room for Python's whole recursion limit when a dynamic kernel recurses (about 5 KiB a
/// level were measured). Reserved, not touched, until used.
const STACK_BYTES: usize = 32 << 20;

thread_local! {
    static ON_WORKER: Cell<bool> = const { Cell::new(false) };
}

/// Whether the current thread is a worker of any Runtime: work started here runs here.
#[must_use]
pub fn on_worker() -> bool {
    ON_WORKER.get()
}

/// What the next task asks of the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Go on with other tasks.
    Continue,
    /// Hand no more tasks out.
    Stop,
}

/// A fixed number of worker threads.
#[derive(Debug)]
pub struct Pool {
    threads: usize,
    handles: Mutex<Vec<JoinHandle<()>>>,
    inner: rayon::ThreadPool,
}

impl Pool {
    /// The number of workers.
    #[must_use]
    pub const fn threads(&self) -> usize {
        self.threads
    }

    /// Ends the threads and waits for them.
    pub fn join(self) {
        let handles = self.handles.into_inner().unwrap_or_else(PoisonError::into_inner);
        drop(self.inner);
        for handle in handles {
            // A worker's panic was reported by the batch that saw it.
            let _ = handle.join();
        }
    }
}

impl Pool {
    /// Starts `threads` workers.
    ///
    /// # Errors
    /// [`Error::Pool`] when the system has no more threads to give; those already started are ended.
    pub fn new(threads: usize) -> Result<Self> {
        let handles = Mutex::new(Vec::with_capacity(threads));
        let inner = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .thread_name(|index| format!("hybrid-{index}"))
            .stack_size(STACK_BYTES)
            .spawn_handler(|worker| {
                let name = worker.name().unwrap_or("hybrid").to_owned();
                let builder = std::thread::Builder::new().name(name).stack_size(STACK_BYTES);
                let handle = builder.spawn(|| {
                    ON_WORKER.set(true);
                    worker.run();
                })?;
                handles.lock().unwrap_or_else(PoisonError::into_inner).push(handle);
                Ok(())
            })
            .build()
            .map_err(|error| Error::Pool(format!("{threads} threads: {error}")))?;
        Ok(Self { threads, handles, inner })
    }

    /// Hands the tasks `0..tasks` to the workers, each a rayon task of its own, while `wait` runs on the calling
    /// thread; returns when both are done. `task` gets the worker's index.
    pub fn each(&self, tasks: u64, task: impl Fn(usize, u64) -> Next + Sync, wait: impl FnOnce(&Done)) {
        use rayon::iter::{IndexedParallelIterator, IntoParallelIterator, ParallelIterator};
        self.while_waiting(wait, || {
            let run = |index: usize| match task(worker_index(), index as u64) {
                Next::Continue => Ok(()),
                Next::Stop => Err(()),
            };
            // The error only ends the iteration; why is in the batch's control.
            let _ = (0..tasks as usize).into_par_iter().with_max_len(1).try_for_each(run);
        });
    }

    /// Runs `job` on one worker while `wait` runs on the calling thread; returns when both are done.
    pub fn one(&self, job: impl FnOnce(usize) + Send, wait: impl FnOnce(&Done)) {
        self.while_waiting(wait, || job(worker_index()));
    }

    fn while_waiting(&self, wait: impl FnOnce(&Done), job: impl FnOnce() + Send) {
        let done = Done::default();
        self.inner.in_place_scope(|scope| {
            scope.spawn(|_| {
                // Tells the waiter even when `job` unwinds.
                let _tell = Tell(&done);
                job();
            });
            wait(&done);
        });
    }
}

fn worker_index() -> usize {
    rayon::current_thread_index().unwrap_or(usize::MAX)
}

/// Set when a pool's work is done; the calling thread waits on it.
#[derive(Debug, Default)]
pub struct Done {
    flag: Mutex<bool>,
    changed: std::sync::Condvar,
}

impl Done {
    /// Waits until the work is done or `limit` has passed; says whether it is done.
    #[must_use]
    pub fn wait(&self, limit: std::time::Duration) -> bool {
        let flag = self.flag.lock().unwrap_or_else(PoisonError::into_inner);
        let (flag, _) =
            self.changed.wait_timeout_while(flag, limit, |done| !*done).unwrap_or_else(PoisonError::into_inner);
        *flag
    }
}

struct Tell<'a>(&'a Done);

impl Drop for Tell<'_> {
    fn drop(&mut self) {
        *self.0.flag.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.0.changed.notify_all();
    }
}
