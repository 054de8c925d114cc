//! NumPy arrays as views, and new result arrays.

use numpy::npyffi::PY_ARRAY_API;
use numpy::npyffi::flags::NPY_ARRAY_WRITEABLE;
use numpy::{Element, IxDyn, PyArray, PyArrayDescrMethods, PyUntypedArray, PyUntypedArrayMethods};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyTuple};

use crate::buffer::{DType, View};

/// The core's dtype of an array; `None` for others (complex, text, structured, byte-swapped, …).
pub(crate) fn dtype_of(array: &Bound<'_, PyUntypedArray>) -> Option<DType> {
    if array.dtype().is_native_byteorder() == Some(false) {
        return None;
    }
    dtype_in_any_order(array)
}

/// The core's dtype of an array, byte-swapped or not.
pub(crate) fn dtype_in_any_order(array: &Bound<'_, PyUntypedArray>) -> Option<DType> {
    let descr = array.dtype();
    // Kind and size, because C's long and long long are two type numbers of one size.
    Some(match (descr.kind(), descr.itemsize()) {
        (b'b', 1) => DType::Bool,
        (b'i', 1) => DType::Int8,
        (b'i', 2) => DType::Int16,
        (b'i', 4) => DType::Int32,
        (b'i', 8) => DType::Int64,
        (b'u', 1) => DType::UInt8,
        (b'u', 2) => DType::UInt16,
        (b'u', 4) => DType::UInt32,
        (b'u', 8) => DType::UInt64,
        (b'f', 4) => DType::Float32,
        (b'f', 8) => DType::Float64,
        (b'O', _) => DType::Object,
        _ => return None,
    })
}

/// The object as an array, subclasses included.
pub(crate) fn array_of<'py>(object: &Bound<'py, PyAny>) -> Option<Bound<'py, PyUntypedArray>> {
    object.cast::<PyUntypedArray>().ok().cloned()
}

static EMPTY: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
static ZEROS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();

/// Looks up what is needed of NumPy. Later each first use would do so, and a child forked by another thread meanwhile would
/// wait for it for ever.
pub(crate) fn look_up(py: Python<'_>) -> PyResult<()> {
    EMPTY.import(py, "numpy", "empty")?;
    let nothing = ZEROS.import(py, "numpy", "zeros")?;
    // Neither is an array or one of NumPy's numbers; what they are compared with is known then.
    let _ = exact_array(nothing);
    let _ = scalar_array(nothing);
    let array = new_array(py, DType::Float64, &[1], false)?;
    let _ = dtype_of(&array);
    Ok(())
}

/// The object as an array, if its class is ndarray itself: subclasses have meanings of their own.
pub(crate) fn exact_array<'py>(object: &Bound<'py, PyAny>) -> Option<Bound<'py, PyUntypedArray>> {
    if object.is_exact_instance_of::<PyUntypedArray>() { array_of(object) } else { None }
}

/// A NumPy scalar (its class one of NumPy's own numbers) as an array without axes.
pub(crate) fn scalar_array<'py>(object: &Bound<'py, PyAny>) -> Option<Bound<'py, PyUntypedArray>> {
    static NUMBERS: PyOnceLock<Vec<usize>> = PyOnceLock::new();
    let py = object.py();
    let numbers = NUMBERS.get_or_init(py, || {
        let class = |name: &&str| py.import("numpy").and_then(|numpy| numpy.getattr(*name)).ok();
        let names = DType::ALL.iter().map(|dtype| if *dtype == DType::Bool { "bool_" } else { dtype.name() });
        // The classes live as long as NumPy, which is never unloaded.
        names
            .filter(|name| *name != "object")
            .filter_map(|name| class(&name))
            .map(|class| class.as_ptr() as usize)
            .collect()
    });
    if !numbers.contains(&(object.get_type().as_ptr() as usize)) {
        return None;
    }
    // SAFETY: a live NumPy scalar, checked above; a null descriptor means its own; what comes back is a new reference.
    let array = unsafe {
        let array = PY_ARRAY_API.PyArray_FromScalar(py, object.as_ptr(), std::ptr::null_mut());
        Bound::from_owned_ptr_or_err(py, array)
    };
    array.ok()?.cast_into::<PyUntypedArray>().ok()
}

/// The one stride in bytes from each element to the next in C order; `None` if there is none.
fn flat_stride(array: &Bound<'_, PyUntypedArray>, itemsize: usize) -> Option<isize> {
    if array.is_empty() {
        return Some(itemsize.cast_signed());
    }
    let mut stride = None;
    let mut next = 0_isize;
    for (&len, &step) in array.shape().iter().zip(array.strides()).rev() {
        if len == 1 {
            continue;
        }
        match stride {
            None => stride = Some(step),
            Some(_) if step != next => return None,
            Some(_) => {}
        }
        next = step.checked_mul(len.cast_signed())?;
    }
    Some(stride.unwrap_or(itemsize.cast_signed()))
}

/// A view of `array` for a batch of `len` elements: all of it, or its one element repeated. `None` if its elements have
/// no common stride. The view is valid while the array is referenced.
pub(crate) fn view<'a>(array: &'a Bound<'_, PyUntypedArray>, dtype: DType, len: u64) -> Option<View<'a>> {
    let stride = if array.ndim() == 0 { 0 } else { flat_stride(array, dtype.size())? };
    let fields = array.as_array_ptr();
    // SAFETY: a live array object; the fields are read under the GIL.
    let (data, flags) = unsafe { ((*fields).fields.data, (*fields).fields.flags) };
    let writable = flags & NPY_ARRAY_WRITEABLE != 0;
    debug_assert!(array.ndim() == 0 || array.len() as u64 == len);
    // The reference in 'a makes NumPy refuse to resize the array, unless told not to check references, which takes the
    // memory from under any NumPy function. Other Python threads may write to an input meanwhile: the values read are
    // then unspecified, the addresses are not.
    // SAFETY: `len` elements `stride` apart are the array's own (`flat_stride`), or one element repeated; the reference
    // in 'a keeps their memory alive.
    Some(unsafe { View::from_raw(data.cast(), stride, len, dtype, writable) })
}

/// Whether the bytes spanned by two views overlap.
pub(crate) fn overlaps(a: (usize, usize), b: (usize, usize)) -> bool {
    a.0 < b.1 && b.0 < a.1
}

/// First and one-past-last address of an array's elements.
pub(crate) fn span(array: &Bound<'_, PyUntypedArray>, itemsize: usize) -> (usize, usize) {
    // SAFETY: a live array object; the field is read under the GIL.
    let data = unsafe { (*array.as_array_ptr()).fields.data } as usize;
    if array.is_empty() {
        return (data, data);
    }
    let (mut low, mut high) = (data, data + itemsize);
    for (&len, &stride) in array.shape().iter().zip(array.strides()) {
        let reach = stride * (len.cast_signed() - 1);
        if reach < 0 {
            low = low.wrapping_add_signed(reach);
        } else {
            high = high.wrapping_add_signed(reach);
        }
    }
    (low, high)
}

fn small<T: Element>(py: Python<'_>, shape: &[usize], zeroed: bool) -> Py<PyAny> {
    if zeroed {
        return PyArray::<T, IxDyn>::zeros(py, shape, false).into_any().unbind();
    }
    // SAFETY: the elements are plain numbers, which the batch writes before anyone reads them; on a fault the array is
    // dropped unread.
    unsafe { PyArray::<T, IxDyn>::new(py, shape, false) }.into_any().unbind()
}

/// Arrays beyond this many bytes are made by `numpy.empty`, which raises MemoryError where there is no room.
const SMALL_BYTES: usize = 1 << 16;

/// A new C-ordered array, uninitialised (objects: None) or of zeros.
pub(crate) fn new_array<'py>(
    py: Python<'py>,
    dtype: DType,
    shape: &[usize],
    zeroed: bool,
) -> PyResult<Bound<'py, PyUntypedArray>> {
    let bytes = shape.iter().try_fold(dtype.size(), |bytes, len| bytes.checked_mul(*len));
    let is_small = bytes.is_some_and(|bytes| bytes <= SMALL_BYTES);
    let array = match dtype {
        DType::Bool if is_small => small::<bool>(py, shape, zeroed),
        DType::Int8 if is_small => small::<i8>(py, shape, zeroed),
        DType::Int16 if is_small => small::<i16>(py, shape, zeroed),
        DType::Int32 if is_small => small::<i32>(py, shape, zeroed),
        DType::Int64 if is_small => small::<i64>(py, shape, zeroed),
        DType::UInt8 if is_small => small::<u8>(py, shape, zeroed),
        DType::UInt16 if is_small => small::<u16>(py, shape, zeroed),
        DType::UInt32 if is_small => small::<u32>(py, shape, zeroed),
        DType::UInt64 if is_small => small::<u64>(py, shape, zeroed),
        DType::Float32 if is_small => small::<f32>(py, shape, zeroed),
        DType::Float64 if is_small => small::<f64>(py, shape, zeroed),
        _ => {
            let keywords = PyDict::new(py);
            keywords.set_item("dtype", dtype.name())?;
            let shape = PyTuple::new(py, shape)?;
            let make = if zeroed { ZEROS.import(py, "numpy", "zeros")? } else { EMPTY.import(py, "numpy", "empty")? };
            make.call((shape,), Some(&keywords))?.unbind()
        }
    };
    Ok(array.into_bound(py).cast_into::<PyUntypedArray>()?)
}
