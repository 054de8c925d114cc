//! The ends of processes: an interpreter that exits while maps run on other threads, and forked children.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::IntoPyDict;

use crate::home::note_fork;

/// Longest time an exiting interpreter waits for running maps to stop.
const PATIENCE: Duration = Duration::from_secs(5);

static ENDING: AtomicBool = AtomicBool::new(false);
static CALLS: AtomicUsize = AtomicUsize::new(0);

/// Registers what must happen at exit and after a fork.
pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = module.py();
    py.import("atexit")?.call_method1("register", (wrap_pyfunction!(end, module)?,))?;
    let os = py.import("os")?;
    if os.hasattr("register_at_fork")? {
        let keywords = [("after_in_child", wrap_pyfunction!(after_fork, module)?)];
        os.call_method("register_at_fork", (), Some(&keywords.into_py_dict(py)?))?;
    }
    Ok(())
}

/// Whether the interpreter is on its way out: no thread may ask for the GIL any more, since it would be ended where it
/// stands, in the middle of Rust.
pub(crate) fn is_ending() -> bool {
    ENDING.load(Ordering::Relaxed)
}

/// A call that the end of the interpreter waits for.
#[derive(Debug)]
pub(crate) struct Call(());

impl Call {
    /// Begins a call; an error when the interpreter is on its way out.
    pub(crate) fn begin() -> PyResult<Self> {
        if is_ending() {
            return Err(ended());
        }
        CALLS.fetch_add(1, Ordering::Relaxed);
        Ok(Self(()))
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        CALLS.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What a call gets that the end of the interpreter has stopped.
pub(crate) fn ended() -> PyErr {
    PyRuntimeError::new_err("the interpreter is shutting down")
}

/// Stops the maps of other (daemon) threads and waits for them, while they can still come back to Python.
#[pyfunction]
fn end(py: Python<'_>) {
    ENDING.store(true, Ordering::Relaxed);
    py.detach(|| {
        let start = Instant::now();
        while CALLS.load(Ordering::Relaxed) > 0 && start.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_millis(1));
        }
    });
}

/// In a forked child: other threads' calls are not here.
#[pyfunction]
fn after_fork() {
    CALLS.store(0, Ordering::Relaxed);
    note_fork();
}
