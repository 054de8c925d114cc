//! From a call's arguments to a batch, for those that need no conversion; others go through `hybrid_rs/arrays.py` first.

use numpy::{PyUntypedArray, PyUntypedArrayMethods};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyFloat, PyInt, PyTuple};

use super::arrays::{dtype_of, new_array, overlaps, span, view};
use super::errors::to_py;
use super::kernel::PyKernel;
use crate::buffer::{DType, View};
use crate::kernel::{Batch, Signature};

/// A Python number, weakly typed as in NEP 50: it takes the type that the kernel wants if its value fits.
#[derive(Clone, Copy)]
enum Weak {
    Int(i128),
    Float(f64),
    Bool(bool),
}

enum Input<'py> {
    Array(Bound<'py, PyUntypedArray>, DType),
    Weak(Weak),
}

/// The inputs and the output of a call, checked and typed; owns what its batch points to.
pub(crate) struct Prepared<'py> {
    inputs: Vec<Input<'py>>,
    /// The weak inputs' values in their final type, in the order of the inputs; 8 bytes each.
    cells: Vec<[u8; 8]>,
    dtypes: Vec<DType>,
    len: u64,
    pub(crate) shape: Vec<usize>,
    pub(crate) output: Bound<'py, PyUntypedArray>,
    output_dtype: DType,
}

impl<'py> Prepared<'py> {
    /// Prepares a call; `None` if an argument needs converting first.
    pub(crate) fn new(
        kernel: &PyKernel,
        arguments: &Bound<'py, PyTuple>,
        out: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Option<Self>> {
        let py = arguments.py();
        check_count(kernel, arguments.len())?;
        let mut inputs = Vec::with_capacity(arguments.len());
        for argument in arguments.iter_borrowed() {
            let Some(input) = Input::new(&argument) else { return Ok(None) };
            inputs.push(input);
        }
        let Some((dtypes, result)) = choose(kernel, &inputs) else { return Ok(None) };
        let Some(shape) = shape_of(&inputs) else { return Ok(None) };
        let len = shape.iter().product::<usize>() as u64;
        let output = match out {
            None => new_array(py, result, &shape)?,
            Some(out) => match fitting(out, result, &shape, &inputs) {
                Some(out) => out,
                None => return Ok(None),
            },
        };
        let cells = inputs.iter().zip(&dtypes).filter_map(|(input, dtype)| input.cell(*dtype)).collect();
        Ok(Some(Self { inputs, cells, dtypes, len, shape, output, output_dtype: result }))
    }

    /// The batch over these operands; `None` if an array's elements have no common stride.
    pub(crate) fn batch(&self) -> PyResult<Option<Batch<'_>>> {
        let mut cells = self.cells.iter();
        let mut views = Vec::with_capacity(self.inputs.len());
        for (input, dtype) in self.inputs.iter().zip(&self.dtypes) {
            let made = match input {
                Input::Array(array, dtype) => view(array, *dtype, self.len),
                Input::Weak(_) => cells.next().map(|cell| View::cell(cell, *dtype, self.len)),
            };
            let Some(made) = made else { return Ok(None) };
            views.push(made);
        }
        let Some(output) = view(&self.output, self.output_dtype, self.len) else { return Ok(None) };
        // A result of shape () has one element at stride 0, as its view says.
        Batch::new(views, vec![output]).map(Some).map_err(to_py)
    }
}

impl<'py> Input<'py> {
    fn new(argument: &Bound<'py, PyAny>) -> Option<Self> {
        if let Ok(array) = argument.cast_exact_array() {
            let dtype = dtype_of(&array)?;
            return (dtype != DType::Object).then_some(Self::Array(array, dtype));
        }
        if argument.is_exact_instance_of::<PyFloat>() {
            return argument.extract().ok().map(|value| Self::Weak(Weak::Float(value)));
        }
        if argument.is_exact_instance_of::<PyBool>() {
            return argument.extract().ok().map(|value| Self::Weak(Weak::Bool(value)));
        }
        if argument.is_exact_instance_of::<PyInt>() {
            // Past 64 bits: the conversion says so with the argument's name.
            let value = argument.extract::<i64>().map(i128::from);
            return value.or_else(|_| argument.extract::<u64>().map(i128::from)).ok().map(|v| Self::Weak(Weak::Int(v)));
        }
        None
    }

    /// Whether this input can be given where `dtype` is wanted.
    fn fits(&self, dtype: DType) -> bool {
        match self {
            Self::Array(_, own) => *own == dtype,
            Self::Weak(value) => value.fits(dtype),
        }
    }

    /// The type that a dynamic kernel gets.
    fn own_dtype(&self) -> Option<DType> {
        match self {
            Self::Array(_, dtype) => Some(*dtype),
            Self::Weak(Weak::Bool(_)) => Some(DType::Bool),
            Self::Weak(Weak::Float(_)) => Some(DType::Float64),
            Self::Weak(value) => [DType::Int64, DType::UInt64].into_iter().find(|dtype| value.fits(*dtype)),
        }
    }

    fn cell(&self, dtype: DType) -> Option<[u8; 8]> {
        match self {
            Self::Array(..) => None,
            Self::Weak(value) => Some(value.cell(dtype)),
        }
    }
}

impl Weak {
    fn fits(self, dtype: DType) -> bool {
        let within = |low: i128, high: i128| match self {
            Self::Int(value) => (low..=high).contains(&value),
            Self::Bool(_) => true,
            Self::Float(_) => false,
        };
        match dtype {
            DType::Bool => matches!(self, Self::Bool(_)),
            DType::Int8 => within(i8::MIN.into(), i8::MAX.into()),
            DType::Int16 => within(i16::MIN.into(), i16::MAX.into()),
            DType::Int32 => within(i32::MIN.into(), i32::MAX.into()),
            DType::Int64 => within(i64::MIN.into(), i64::MAX.into()),
            DType::UInt8 => within(0, u8::MAX.into()),
            DType::UInt16 => within(0, u16::MAX.into()),
            DType::UInt32 => within(0, u32::MAX.into()),
            DType::UInt64 => within(0, u64::MAX.into()),
            DType::Float32 => match self {
                // Finite values beyond float32 are refused by the conversion, with the argument's name.
                Self::Float(value) => !value.is_finite() || (value as f32).is_finite(),
                _ => true,
            },
            DType::Float64 => true,
            DType::Object => false,
        }
    }

    /// The value in the storage of `dtype`, which it fits.
    fn cell(self, dtype: DType) -> [u8; 8] {
        let integer = match self {
            Self::Int(value) => value,
            Self::Bool(value) => value.into(),
            Self::Float(_) => 0,
        };
        // Each to nearest in one rounding.
        let (single, double) = match self {
            Self::Float(value) => (value as f32, value),
            _ => (integer as f32, integer as f64),
        };
        let mut cell = [0; 8];
        match dtype {
            DType::Float32 => cell[..4].copy_from_slice(&single.to_ne_bytes()),
            DType::Float64 => cell.copy_from_slice(&double.to_ne_bytes()),
            _ => {
                let bytes = integer.to_le_bytes();
                let size = dtype.size();
                cell[..size].copy_from_slice(&bytes[..size]);
                if cfg!(target_endian = "big") {
                    cell[..size].reverse();
                }
            }
        }
        cell
    }
}

trait CastExact<'py> {
    /// The object as an array, if its class is ndarray itself: subclasses have meanings of their own.
    fn cast_exact_array(&self) -> Result<Bound<'py, PyUntypedArray>, ()>;
}

impl<'py> CastExact<'py> for Bound<'py, PyAny> {
    fn cast_exact_array(&self) -> Result<Bound<'py, PyUntypedArray>, ()> {
        if self.is_exact_instance_of::<PyUntypedArray>() { self.cast().cloned().map_err(|_| ()) } else { Err(()) }
    }
}

fn check_count(kernel: &PyKernel, given: usize) -> PyResult<()> {
    let wanted = kernel.inner.signatures.first().map(|signature| signature.inputs.len());
    let name = &kernel.inner.name;
    match wanted {
        Some(wanted) if wanted != given => {
            Err(PyTypeError::new_err(format!("arrays: {name} takes {wanted} inputs, {given} given")))
        }
        None if given == 0 => Err(PyTypeError::new_err(format!("arrays: {name} needs at least one input"))),
        _ => Ok(()),
    }
}

/// The input dtypes and the output dtype of the first signature that the inputs fit.
fn choose(kernel: &PyKernel, inputs: &[Input<'_>]) -> Option<(Vec<DType>, DType)> {
    if let Some(result) = kernel.dynamic {
        let dtypes = inputs.iter().map(Input::own_dtype).collect::<Option<Vec<_>>>()?;
        return Some((dtypes, result));
    }
    let fits = |signature: &&Signature| inputs.iter().zip(&signature.inputs).all(|(input, dtype)| input.fits(*dtype));
    let signature = kernel.inner.signatures.iter().find(fits)?;
    Some((signature.inputs.clone(), *signature.outputs.first()?))
}

/// The shape that all arrays but those of shape () have; `None` if they differ.
fn shape_of(inputs: &[Input<'_>]) -> Option<Vec<usize>> {
    let mut shape: Option<&[usize]> = None;
    for input in inputs {
        let Input::Array(array, _) = input else { continue };
        match shape {
            _ if array.ndim() == 0 => {}
            None => shape = Some(array.shape()),
            Some(known) if known != array.shape() => return None,
            Some(_) => {}
        }
    }
    Some(shape.unwrap_or_default().to_vec())
}

/// `out` if the results can be written straight into it.
fn fitting<'py>(
    out: &Bound<'py, PyAny>,
    dtype: DType,
    shape: &[usize],
    inputs: &[Input<'py>],
) -> Option<Bound<'py, PyUntypedArray>> {
    let out = out.cast_exact_array().ok()?;
    let view = view_if(&out, dtype, shape)?;
    let itemsize = dtype.size();
    // Elements that share bytes with each other: which of them wins would depend on timing.
    if view.len() > 1 && view.stride().unsigned_abs() < itemsize || !view.is_writable() {
        return None;
    }
    let own = span(&out, itemsize);
    let clash = inputs.iter().any(|input| match input {
        Input::Array(array, theirs) => {
            let same = array.ndim() > 0
                && theirs.size() == itemsize
                && view_if(array, *theirs, shape).is_some_and(|input| input.same_place(&view));
            overlaps(own, span(array, theirs.size())) && !same
        }
        Input::Weak(_) => false,
    });
    (!clash).then_some(out)
}

fn view_if<'a>(array: &'a Bound<'_, PyUntypedArray>, dtype: DType, shape: &[usize]) -> Option<View<'a>> {
    if array.shape() != shape || dtype_of(array) != Some(dtype) {
        return None;
    }
    view(array, dtype, array.len() as u64)
}
