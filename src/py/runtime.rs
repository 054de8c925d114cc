//! The Runtime for Python: the one gateway through which long work goes. It releases the GIL, watches signals and
//! deadlines from the calling thread, and turns what comes back into values and exceptions.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use pyo3::exceptions::{PyAttributeError, PyException, PyOverflowError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyInt, PyString, PyTuple};

use super::dispatcher::Dispatcher;
use super::dynamic::arguments;
use super::errors::{Index, fault, to_py};
use super::kernel::PyKernel;
use super::metrics::to_dict;
use super::prepare::{Input, Prepared, check_count};
use super::tiers::{Engine, heat};
use super::{process, turn};
use crate::buffer::DType;
use crate::builtin;
use crate::call::{Call, Failure, Options, Watch, check_threads};
use crate::dispatch::Runtime;
use crate::error::{Error, StopReason};
use crate::kernel::{Batch, Cause, Site};
use crate::paths::Path;
use crate::sched::plan::Policy;

/// A Runtime of the core.
#[pyclass(frozen, name = "Runtime", module = "hybrid_rs._core")]
pub(crate) struct PyRuntime {
    inner: Runtime,
}

#[pymethods]
impl PyRuntime {
    #[new]
    fn new(threads: usize, metrics: bool, policy: &str, fixed: Option<u64>, chunk_size: Option<u64>) -> PyResult<Self> {
        let policy = match fixed {
            Some(size) => Policy::Fixed(size),
            None => Policy::from_name(policy).map_err(to_py)?,
        };
        let inner = Runtime::new(Options { threads, metrics, policy, chunk_size }).map_err(to_py)?;
        Ok(Self { inner })
    }

    /// Runs a kernel; NotImplemented if an argument must be converted first.
    #[allow(clippy::too_many_arguments, reason = "the private call of runtime.py; every argument is given by position")]
    fn map<'py>(
        &self,
        py: Python<'py>,
        kernel: &Bound<'py, PyAny>,
        arrays: &Bound<'py, PyTuple>,
        out: Option<&Bound<'py, PyAny>>,
        path: &Bound<'py, PyAny>,
        chunk_size: Option<&Bound<'py, PyAny>>,
        threads: Option<&Bound<'py, PyAny>>,
        timeout: Option<&Bound<'py, PyAny>>,
        progress: Option<Py<PyAny>>,
        max_steps: Option<&Bound<'py, PyAny>>,
        mask: bool,
        engine: &Bound<'py, PyAny>,
        joined: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let call = Call {
            path: named_path(path)?,
            chunk_size: chunk_size.map(|size| positive("chunk_size", size)).transpose()?,
            threads: threads.map(|threads| positive("threads", threads)).transpose()?.map(|n| n as usize),
            timeout: timeout.map(seconds).transpose()?.flatten(),
        };
        let engine = Engine::named(engine)?;
        let not_implemented = || py.NotImplemented().into_bound(py);
        let max_steps = max_steps.map(|steps| positive("max_steps", steps)).transpose()?;
        let Some((inputs, kernel)) = choose(kernel, arrays, max_steps.is_some())? else { return Ok(not_implemented()) };
        let kernel = kernel.bind(py);
        let (bound, kernel) = (kernel, kernel.get());
        if kernel.dynamic == Some(DType::Object) && !joined {
            return Ok(not_implemented());
        }
        if max_steps.is_some() && !kernel.inner.counts_steps {
            return Err(no_steps(&kernel.inner.name));
        }
        let Some(prepared) = Prepared::new(py, kernel, inputs, out, mask)? else { return Ok(not_implemented()) };
        let Some(mut batch) = prepared.batch()? else { return Ok(not_implemented()) };
        if let Some(max_steps) = max_steps {
            batch = batch.with_max_steps(max_steps);
        }
        if engine == Engine::Auto {
            heat(bound, batch.len());
        }
        let Some(shared) = kernel.by(engine)? else { return Ok(not_implemented()) };
        // Declared before the batch's data is let go of: dropped when this thread is back in Python for good.
        let _running = process::Call::begin()?;
        let warming = (engine == Engine::Auto).then(|| bound.clone().unbind());
        let mut watch = PyWatch { progress, warming, error: None };
        let outcome = py.detach(|| {
            let run = AssertUnwindSafe(|| self.inner.map(shared, &batch, &call, &mut watch));
            catch_unwind(run).unwrap_or_else(|_| Err(Error::Panic("in the Runtime itself".to_owned()).into()))
        });
        if engine == Engine::Auto {
            heat(bound, 0);
        }
        match outcome {
            Ok(()) => {
                drop(batch);
                prepared.results(py)
            }
            Err(failure) => Err(raise(py, failure, watch, kernel, &batch, &prepared.shape)),
        }
    }

    /// Checks the options of a call that runs elsewhere; returns the timeout in seconds and the limit of steps.
    #[allow(clippy::type_complexity, reason = "the private call of one Python module")]
    fn check(
        &self,
        path: &Bound<'_, PyAny>,
        chunk_size: Option<&Bound<'_, PyAny>>,
        threads: Option<&Bound<'_, PyAny>>,
        timeout: Option<&Bound<'_, PyAny>>,
        max_steps: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<(Option<f64>, Option<u64>)> {
        named_path(path)?;
        chunk_size.map(|size| positive("chunk_size", size)).transpose()?;
        if let Some(threads) = threads {
            check_threads(positive("threads", threads)? as usize).map_err(to_py)?;
        }
        let timeout = timeout.map(seconds).transpose()?.flatten();
        let max_steps = max_steps.map(|steps| positive("max_steps", steps)).transpose()?;
        self.inner.check_open().map_err(to_py)?;
        Ok((timeout.map(|timeout| timeout.as_secs_f64()), max_steps))
    }

    /// All counters, as a dict.
    fn metrics<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        to_dict(py, &self.inner.metrics())
    }

    /// The chunk size that `auto` would use now for `n` elements of a kernel, and why.
    fn chunk_size(&self, kernel: &PyKernel, n: u64) -> PyResult<(u64, String)> {
        let choice = self.inner.chunk_size(kernel.by(Engine::Auto)?.unwrap_or(&kernel.inner), n);
        Ok((choice.size, choice.why.to_string()))
    }

    /// Worker threads.
    #[getter]
    fn threads(&self) -> usize {
        self.inner.options().threads
    }

    /// Whether it counts.
    #[getter]
    fn counts(&self) -> bool {
        self.inner.options().metrics && !cfg!(feature = "hybrid-lite")
    }

    /// Ends the worker threads.
    fn close(&self, py: Python<'_>) {
        py.detach(|| self.inner.close());
    }
}

/// Signals and progress, looked at from the calling thread.
struct PyWatch {
    progress: Option<Py<PyAny>>,
    /// The kernel, whose machine code is asked for when it gets hot.
    warming: Option<Py<PyKernel>>,
    error: Option<PyErr>,
}

impl Watch for PyWatch {
    fn tick(&mut self, done: u64, total: u64) -> Result<(), StopReason> {
        if process::is_ending() {
            return Err(StopReason::Interrupted);
        }
        let looked = turn::take(|py| {
            py.check_signals()?;
            if let Some(kernel) = &self.warming {
                heat(kernel.bind(py), 0);
            }
            if let Some(progress) = &self.progress {
                progress.call1(py, (done, total))?;
            }
            PyResult::Ok(())
        });
        match looked {
            Some(Ok(())) => Ok(()),
            Some(Err(error)) => {
                self.error = Some(error);
                Err(StopReason::Interrupted)
            }
            None => Err(StopReason::Interrupted),
        }
    }
}

/// The exception for a failed batch.
fn raise(
    py: Python<'_>,
    failure: Failure,
    watch: PyWatch,
    kernel: &PyKernel,
    batch: &Batch<'_>,
    shape: &[usize],
) -> PyErr {
    match (failure.error, watch.error) {
        (Error::Cancelled { .. }, None) if process::is_ending() => process::ended(),
        (Error::Cancelled { finished, .. }, Some(error)) => {
            carry(py, &error, finished);
            error
        }
        (Error::Fault { index }, _) => {
            let error = match What::of(py, failure.cause, kernel) {
                // Not an error of the element: KeyboardInterrupt, SystemExit.
                What::Raised(error) if !error.is_instance_of::<PyException>(py) => error,
                what => describe_fault(py, index, what, batch, shape),
            };
            carry(py, &error, failure.finished);
            error
        }
        (error, _) => to_py(error),
    }
}

/// Ctrl-C and a failing callback keep their own type and carry what was finished; a class that takes no attributes goes
/// without.
fn carry(py: Python<'_>, error: &PyErr, finished: Vec<(u64, u64)>) {
    let _ = error.value(py).setattr("finished", finished);
}

/// What a faulting element did.
enum What {
    /// A callable raised.
    Raised(PyErr),
    /// A place of a kernel of the kernel language: the exception that plain Python would raise, and its text with the
    /// place.
    Site(PyErr, String),
    Unknown,
}

impl What {
    fn of(py: Python<'_>, cause: Option<Cause>, kernel: &PyKernel) -> Self {
        let Some(cause) = cause else { return Self::Unknown };
        let cause = match cause.downcast::<PyErr>() {
            Ok(error) => return Self::Raised(*error),
            Err(cause) => cause,
        };
        let site = cause.downcast::<Site>().ok().and_then(|site| kernel.sites.get(site.0 as usize));
        site.map_or(Self::Unknown, |site| Self::Site(site.exception(py), site.text()))
    }
}

fn describe_fault(py: Python<'_>, index: u64, what: What, batch: &Batch<'_>, shape: &[usize]) -> PyErr {
    let inputs = match arguments(py, batch.inputs(), index) {
        Ok(inputs) => inputs,
        Err(error) => return error,
    };
    let (cause, text) = match what {
        What::Raised(error) => {
            let text = error.to_string();
            (Some(error), text)
        }
        What::Site(error, text) => (Some(error), text),
        What::Unknown => (None, "the kernel faulted".to_owned()),
    };
    let place = match position(index, shape) {
        Index::Flat(index) => index.to_string(),
        Index::Axes(axes) => format!("({})", axes.iter().map(u64::to_string).collect::<Vec<_>>().join(", ")),
    };
    let message = format!("element {place}, inputs {inputs}: {text}");
    fault(message, Some(position(index, shape)), Some(inputs.into_any().unbind()), cause)
}

/// The inputs and the kernel of a call; `None` if something must be converted or compiled first.
fn choose<'py>(
    kernel: &Bound<'py, PyAny>,
    arguments: &Bound<'py, PyTuple>,
    steps: bool,
) -> PyResult<Option<(Vec<Input<'py>>, Py<PyKernel>)>> {
    if let Ok(dispatcher) = kernel.cast::<Dispatcher>() {
        return Ok(dispatcher.get().choose(arguments, steps));
    }
    let kernel = kernel.cast::<PyKernel>()?;
    check_count(kernel.get(), arguments.len())?;
    Ok(Input::all(arguments).map(|inputs| (inputs, kernel.clone().unbind())))
}

fn no_steps(name: &str) -> PyErr {
    PyValueError::new_err(format!(
        "max_steps: {name} is not a kernel of the kernel language, whose steps can be counted"
    ))
}

fn position(index: u64, shape: &[usize]) -> Index {
    if shape.len() < 2 {
        return Index::Flat(index);
    }
    let mut rest = index;
    let mut axes: Vec<u64> = shape
        .iter()
        .rev()
        .map(|&len| {
            let at = rest % len.max(1) as u64;
            rest /= len.max(1) as u64;
            at
        })
        .collect();
    axes.reverse();
    Index::Axes(axes)
}

fn named_path(path: &Bound<'_, PyAny>) -> PyResult<Path> {
    let Ok(text) = path.cast::<PyString>() else {
        return Err(PyTypeError::new_err(format!("path: must be a str, not {}", path.get_type().name()?)));
    };
    // Text that isn't valid UTF-8 names no path either.
    Path::from_name(&text.to_string_lossy()).map_err(to_py)
}

/// A positive integer argument; numbers past 64 bits count as the largest.
fn positive(name: &'static str, value: &Bound<'_, PyAny>) -> PyResult<u64> {
    let py = value.py();
    let wrong = || {
        let kind = value.get_type().name().map_or_else(|_| "?".to_owned(), |name| name.to_string());
        PyTypeError::new_err(format!("{name}: must be an integer, not {kind}"))
    };
    if value.is_instance_of::<pyo3::types::PyBool>() {
        return Err(wrong());
    }
    let index = match value.cast::<PyInt>() {
        Ok(integer) => integer.clone(),
        Err(_) => match value.call_method0("__index__") {
            Ok(index) => index.cast_into::<PyInt>()?,
            Err(error) if error.is_instance_of::<PyAttributeError>(py) => return Err(wrong()),
            Err(error) => return Err(error),
        },
    };
    if index.lt(1)? {
        return Err(PyValueError::new_err(format!("{name}: must be at least 1, got {index}")));
    }
    Ok(index.extract::<u64>().unwrap_or(u64::MAX))
}

/// A timeout in seconds; `None` for infinity and beyond what the clock can hold.
fn seconds(value: &Bound<'_, PyAny>) -> PyResult<Option<Duration>> {
    let seconds: f64 = match value.extract() {
        Ok(seconds) => seconds,
        Err(error) if error.is_instance_of::<PyOverflowError>(value.py()) => {
            if value.lt(0)? {
                f64::NEG_INFINITY
            } else {
                f64::INFINITY
            }
        }
        Err(_) => return Err(PyTypeError::new_err("timeout: must be a number of seconds")),
    };
    if seconds.is_nan() {
        return Err(PyValueError::new_err("timeout: must be a number of seconds, got nan"));
    }
    if seconds < 0.0 {
        return Err(PyValueError::new_err(format!("timeout: must not be negative, got {seconds}")));
    }
    Ok(Duration::try_from_secs_f64(seconds).ok())
}

/// The chunk size of a named policy for `n` elements.
#[pyfunction]
pub(crate) fn chunk_size(policy: &str, n: u64) -> PyResult<u64> {
    Ok(Policy::from_name(policy).map_err(to_py)?.chunk_size(n))
}

/// The canonical path names.
#[pyfunction]
pub(crate) fn paths() -> [&'static str; Path::ALL.len()] {
    Path::ALL.map(Path::name)
}

/// The named policies.
#[pyfunction]
pub(crate) fn policies() -> [&'static str; Policy::NAMED.len()] {
    Policy::NAMED.map(Policy::name)
}

/// The SIMD level that built-in kernels use on this machine.
#[pyfunction]
pub(crate) fn cpu_level() -> &'static str {
    builtin::cpu_level()
}
