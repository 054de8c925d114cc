//! Whose turn it is to hold the GIL: workers of dynamic kernels give way to calling threads that want to look at signals
//! and deadlines. The interpreter itself hands the GIL to any of the waiting threads, which with 16 workers took up to
//! half a second.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use pyo3::Python;

#[cfg(feature = "hybrid-exec")]
use crate::sched::pool::on_worker;

/// Calling threads waiting for the GIL.
static WAITING: AtomicUsize = AtomicUsize::new(0);
/// Longest time a worker stands back: a calling thread that doesn't get on meanwhile is held up by others.
const PATIENCE: Duration = Duration::from_millis(20);
/// Time between two looks; a look costs nothing, and nobody waits for a worker that looks late.
const LOOK_EVERY: Duration = Duration::from_micros(50);

/// Attaches a calling thread, workers giving way; `None` when the interpreter is going away.
pub(crate) fn take<T>(job: impl FnOnce(Python<'_>) -> T) -> Option<T> {
    WAITING.fetch_add(1, Ordering::Relaxed);
    let mut job = Some(job);
    let done = Python::try_attach(|py| {
        WAITING.fetch_sub(1, Ordering::Relaxed);
        job.take().map(|job| job(py))
    });
    if done.is_none() {
        WAITING.fetch_sub(1, Ordering::Relaxed);
    }
    done.flatten()
}

/// Whether a calling thread is waiting.
pub(crate) fn is_wanted() -> bool {
    WAITING.load(Ordering::Relaxed) > 0
}

/// On a worker that doesn't hold the GIL: waits until no calling thread wants it, for a while at most.
pub(crate) fn give_way() {
    #[cfg(feature = "hybrid-exec")]
    if is_wanted() && on_worker() {
        let start = Instant::now();
        while is_wanted() && start.elapsed() < PATIENCE {
            std::thread::sleep(LOOK_EVERY);
        }
    }
}
