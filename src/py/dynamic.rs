//! Dynamic kernels: any Python callable, called once an element under the GIL.

use std::sync::Arc;

use pyo3::exceptions::{PyException, PyOverflowError, PyTypeError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyFloat, PyTuple, PyType};

use super::{process, turn};
use crate::buffer::{DType, View};
use crate::home::{forks, leave_fork};
use crate::kernel::{Ctx, Kernel, Status};

/// Elements after which other Python threads get a chance to run.
const BREATH: u64 = 256;

/// The callable of a dynamic kernel: one reference, shared by the kernel and by what the garbage collector sees.
pub(crate) type Callable = Arc<Py<PyAny>>;

/// A kernel that calls `callable` with Python numbers.
pub(crate) fn kernel(callable: Callable, name: &str) -> Kernel {
    let mut kernel = Kernel::new(name, Vec::new(), element).with_chunk(chunk, 1).with_user(callable);
    kernel.masks_faults = true;
    kernel
}

extern "C-unwind" fn element(ctx: &Ctx<'_>, index: u64) -> Status {
    chunk(ctx, index, index + 1)
}

extern "C-unwind" fn chunk(ctx: &Ctx<'_>, begin: u64, end: u64) -> Status {
    if process::is_ending() {
        return Status::STOPPED;
    }
    turn::give_way();
    let _entered = ctx.control().enter();
    // Not attachable: the interpreter is going away, and nobody will read the result.
    Python::try_attach(|py| run(py, ctx, begin, end)).unwrap_or(Status::STOPPED)
}

fn run(py: Python<'_>, ctx: &Ctx<'_>, begin: u64, end: u64) -> Status {
    let callable = ctx.user::<Callable>().bind(py);
    let forks = forks();
    for index in begin..end {
        if ctx.control().poll_at(index) {
            return Status::STOPPED;
        }
        if turn::is_wanted() {
            py.detach(turn::give_way);
        } else if (index - begin) % BREATH == BREATH - 1 {
            // A C callable never passes the interpreter's own check for waiting threads.
            py.detach(|| ());
        }
        let result = arguments(py, ctx.inputs(), index).and_then(|arguments| callable.call1(arguments));
        if forks != crate::home::forks() {
            leave_fork("a callable");
        }
        if let Err(error) = result.and_then(|value| store(&ctx.outputs()[0], index, &value)) {
            match ctx.ok() {
                // KeyboardInterrupt and SystemExit are no errors of the element.
                Some(ok) if error.is_instance_of::<PyException>(py) => ok.write_bool(index, false),
                _ => {
                    ctx.control().fault(index, Some(Box::new(error)));
                    return Status::FAULT;
                }
            }
        }
    }
    Status::DONE
}

/// The inputs of element `index` as Python numbers.
pub(crate) fn arguments<'py>(py: Python<'py>, inputs: &[View<'_>], index: u64) -> PyResult<Bound<'py, PyTuple>> {
    let values = inputs.iter().map(|view| value(py, view, index)).collect::<PyResult<Vec<_>>>()?;
    PyTuple::new(py, values)
}

fn value<'py>(py: Python<'py>, view: &View<'_>, i: u64) -> PyResult<Bound<'py, PyAny>> {
    Ok(match view.dtype() {
        DType::Bool => view.read_bool(i).into_pyobject(py)?.to_owned().into_any(),
        DType::Int8 => view.read::<i8>(i).into_pyobject(py)?.into_any(),
        DType::Int16 => view.read::<i16>(i).into_pyobject(py)?.into_any(),
        DType::Int32 => view.read::<i32>(i).into_pyobject(py)?.into_any(),
        DType::Int64 => view.read::<i64>(i).into_pyobject(py)?.into_any(),
        DType::UInt8 => view.read::<u8>(i).into_pyobject(py)?.into_any(),
        DType::UInt16 => view.read::<u16>(i).into_pyobject(py)?.into_any(),
        DType::UInt32 => view.read::<u32>(i).into_pyobject(py)?.into_any(),
        DType::UInt64 => view.read::<u64>(i).into_pyobject(py)?.into_any(),
        DType::Float32 => f64::from(view.read::<f32>(i)).into_pyobject(py)?.into_any(),
        DType::Float64 => view.read::<f64>(i).into_pyobject(py)?.into_any(),
        DType::Object => return Err(PyTypeError::new_err("object arrays can't be inputs")),
    })
}

fn store(view: &View<'_>, i: u64, result: &Bound<'_, PyAny>) -> PyResult<()> {
    match view.dtype() {
        DType::Bool => view.write_bool(i, result.extract().map_err(|_| wrong(result, "bool"))?),
        DType::Int8 => view.write::<i8>(i, integer(result, "int8")?),
        DType::Int16 => view.write::<i16>(i, integer(result, "int16")?),
        DType::Int32 => view.write::<i32>(i, integer(result, "int32")?),
        DType::Int64 => view.write::<i64>(i, integer(result, "int64")?),
        DType::UInt8 => view.write::<u8>(i, integer(result, "uint8")?),
        DType::UInt16 => view.write::<u16>(i, integer(result, "uint16")?),
        DType::UInt32 => view.write::<u32>(i, integer(result, "uint32")?),
        DType::UInt64 => view.write::<u64>(i, integer(result, "uint64")?),
        // To float32 as NumPy casts: to nearest, out of range to infinity.
        DType::Float32 => view.write::<f32>(i, float(result, "float32")? as f32),
        DType::Float64 => view.write::<f64>(i, float(result, "float64")?),
        DType::Object => {
            // The array owns what it points to: it takes the new reference and gives the old one up.
            let former = view.read::<usize>(i) as *mut pyo3::ffi::PyObject;
            view.write(i, result.clone().into_ptr() as usize);
            // SAFETY: an object array's element is null or an owned reference; it was just replaced, under the GIL.
            drop(unsafe { Bound::from_owned_ptr_or_opt(result.py(), former) });
        }
    }
    Ok(())
}

/// An integer of the range of `T`, by `__index__`: floats are refused, not truncated.
fn integer<'py, T>(result: &Bound<'py, PyAny>, dtype: &str) -> PyResult<T>
where
    T: for<'a> FromPyObject<'a, 'py, Error = PyErr>,
{
    if result.is_instance_of::<PyFloat>() {
        return Err(wrong(result, dtype));
    }
    result.extract::<T>().map_err(|error| {
        if error.is_instance_of::<PyOverflowError>(result.py()) {
            PyOverflowError::new_err(format!("the callable returned {}, out of the range of {dtype}", text(result)))
        } else {
            wrong(result, dtype)
        }
    })
}

fn float(result: &Bound<'_, PyAny>, dtype: &str) -> PyResult<f64> {
    static COMPLEX: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    let complex = COMPLEX.import(result.py(), "numpy", "complexfloating")?;
    if result.is_instance(complex)? {
        return Err(wrong(result, dtype)); // Its conversion drops the imaginary part with a warning.
    }
    result.extract::<f64>().map_err(|error| {
        if error.is_instance_of::<PyOverflowError>(result.py()) { error } else { wrong(result, dtype) }
    })
}

fn wrong(result: &Bound<'_, PyAny>, dtype: &str) -> PyErr {
    let kind = result.get_type().name().map_or_else(|_| "?".to_owned(), |name| name.to_string());
    PyTypeError::new_err(format!("the callable returned {} ({kind}), expected {dtype}", text(result)))
}

/// `repr`, shortened.
fn text(value: &Bound<'_, PyAny>) -> String {
    let repr = value.repr().map_or_else(|_| "something without a repr".to_owned(), |repr| repr.to_string());
    let mut short: String = repr.chars().take(60).collect();
    if short.len() < repr.len() {
        short.push_str("...");
    }
    short
}
