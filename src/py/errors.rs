//! From the core's errors to Python's exceptions, in one function each way.

use pyo3::exceptions::{PyKeyboardInterrupt, PyMemoryError, PyRuntimeError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyType;

use super::kernel::FaultSite;
use crate::error::{Error, StopReason};

static KERNEL_ERROR: PyOnceLock<Py<PyType>> = PyOnceLock::new();
static KERNEL_FAULT: PyOnceLock<Py<PyType>> = PyOnceLock::new();
static CANCELLED: PyOnceLock<Py<PyType>> = PyOnceLock::new();

/// An instance of a class of `hybrid_rs.errors`, as an error to raise.
fn raise(
    lock: &'static PyOnceLock<Py<PyType>>,
    name: &str,
    args: impl for<'py> FnOnce(Python<'py>, &Bound<'py, PyType>) -> PyResult<Bound<'py, PyAny>>,
) -> PyErr {
    Python::attach(|py| {
        let class = match lock.import(py, "hybrid_rs.errors", name) {
            Ok(class) => class,
            Err(error) => return error,
        };
        args(py, class).map_or_else(|error| error, PyErr::from_value)
    })
}

/// The exception for an error that has no Python object beside it.
pub(crate) fn to_py(error: Error) -> PyErr {
    let message = error.to_string();
    match error {
        Error::InvalidArgument { .. } => PyValueError::new_err(message),
        Error::WrongType { .. } => PyTypeError::new_err(message),
        Error::Pool(_) | Error::Closed => PyRuntimeError::new_err(message),
        Error::Unsupported(_) | Error::Panic(_) => {
            raise(&KERNEL_ERROR, "KernelError", |_, class| class.call1((message,)))
        }
        Error::OutOfMemory { .. } => PyMemoryError::new_err(message),
        Error::Fault { index } => fault(message, Some(index.into()), None, None),
        Error::Cancelled { reason: StopReason::TimedOut, finished } => {
            raise(&CANCELLED, "Cancelled", |_, class| class.call1((message, finished)))
        }
        Error::Cancelled { reason: StopReason::Interrupted, .. } => PyKeyboardInterrupt::new_err(message),
    }
}

impl FaultSite {
    /// The built-in exception with the site's message; what its class raises where it takes no such message.
    pub(crate) fn exception(&self, py: Python<'_>) -> PyErr {
        let made =
            py.import("builtins").and_then(|builtins| builtins.getattr(self.exception.as_str())).and_then(|class| {
                if self.message.is_empty() { class.call0() } else { class.call1((self.message.as_str(),)) }
            });
        made.map_or_else(|error| error, PyErr::from_value)
    }

    /// "ZeroDivisionError: division by zero (model.py, line 7)".
    pub(crate) fn text(&self) -> String {
        let colon = if self.message.is_empty() { "" } else { ": " };
        let file = self.file.rsplit(std::path::is_separator).next().unwrap_or_default();
        format!("{}{colon}{} ({file}, line {})", self.exception, self.message, self.line)
    }
}

/// Index of a fault: a number in one dimension, one for each axis in several.
pub(crate) enum Index {
    /// Position in a one-dimensional batch.
    Flat(u64),
    /// Position along each axis.
    Axes(Vec<u64>),
}

impl From<u64> for Index {
    fn from(index: u64) -> Self {
        Self::Flat(index)
    }
}

/// A `KernelFault`, with `cause` as its `__cause__`.
pub(crate) fn fault(message: String, index: Option<Index>, inputs: Option<Py<PyAny>>, cause: Option<PyErr>) -> PyErr {
    raise(&KERNEL_FAULT, "KernelFault", |py, class| {
        let index = match index {
            Some(Index::Flat(index)) => index.into_pyobject(py)?.into_any(),
            Some(Index::Axes(axes)) => pyo3::types::PyTuple::new(py, axes)?.into_any(),
            None => py.None().into_bound(py),
        };
        let cause = cause.map(|error| error.into_value(py));
        let value = class.call1((message, index, inputs, cause.as_ref()))?;
        if let Some(cause) = cause {
            value.setattr("__cause__", cause)?;
        }
        Ok(value)
    })
}
