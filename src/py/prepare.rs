//! From a call's arguments to a batch, for those that need no conversion; others go through `hybrid_rs/arrays.py` first.

use numpy::{PyUntypedArray, PyUntypedArrayMethods};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use super::arrays::{dtype_of, exact_array, new_array, overlaps, scalar_array, span, view};
use super::errors::to_py;
use super::kernel::{Argument, PyKernel};
use super::weak::Weak;
use crate::buffer::{DType, View};
use crate::kernel::{Batch, Signature, Table};

/// An argument that needs no conversion.
pub(crate) enum Input<'py> {
    /// An array of a dtype of the core, in native byte order. NumPy scalars are arrays without axes.
    Array(Bound<'py, PyUntypedArray>, DType),
    /// A Python number.
    Weak(Weak),
}

/// One result: where it goes, and what the caller gets for it.
struct Output<'py> {
    array: Bound<'py, PyUntypedArray>,
    dtype: DType,
    /// Whether the caller gave the array.
    given: bool,
}

/// The operands of a call, checked and typed; owns what its batch points to.
pub(crate) struct Prepared<'py> {
    inputs: Vec<Input<'py>>,
    tables: Vec<Input<'py>>,
    /// The weak inputs' values in their final type, in the order of the inputs; 8 bytes each.
    cells: Vec<[u8; 8]>,
    dtypes: Vec<DType>,
    len: u64,
    pub(crate) shape: Vec<usize>,
    outputs: Vec<Output<'py>>,
    /// Where faults are masked: true at the elements that have not failed.
    ok: Option<Bound<'py, PyUntypedArray>>,
}

/// The types that a kernel takes the inputs as, and gives.
struct Types<'a> {
    inputs: Vec<DType>,
    outputs: &'a [DType],
}

impl<'py> Prepared<'py> {
    /// Prepares a call; `None` if an argument needs converting first.
    pub(crate) fn new(
        py: Python<'py>,
        kernel: &PyKernel,
        inputs: Vec<Input<'py>>,
        out: Option<&Bound<'py, PyAny>>,
        mask: bool,
    ) -> PyResult<Option<Self>> {
        let Some(types) = choose(kernel, &inputs) else { return Ok(None) };
        let (inputs, tables) = split(&kernel.arguments, inputs);
        let tables = tables.into_iter().map(Input::in_order).collect::<PyResult<Vec<_>>>()?;
        let Some(shape) = shape_of(&inputs) else { return Ok(None) };
        let len = shape.iter().product::<usize>() as u64;
        let Some(given) = given_outputs(out, types.outputs.len()) else { return Ok(None) };
        let mut outputs: Vec<Output<'py>> = Vec::with_capacity(given.len());
        for (out, dtype) in given.into_iter().zip(types.outputs) {
            let (array, given) = match out {
                None => (new_array(py, *dtype, &shape, mask)?, false),
                Some(out) => match fitting(&out, *dtype, &shape, &inputs, &tables, &outputs) {
                    Some(out) => (out, true),
                    None => return Ok(None),
                },
            };
            outputs.push(Output { array, dtype: *dtype, given });
        }
        let ok = if mask { Some(all_true(py, &shape)?) } else { None };
        let cells = inputs.iter().zip(&types.inputs).filter_map(|(input, dtype)| input.cell(*dtype)).collect();
        Ok(Some(Self { inputs, tables, cells, dtypes: types.inputs, len, shape, outputs, ok }))
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
        // A result of shape () has one element at stride 0, as its view says.
        let outputs = self.outputs.iter().map(|output| view(&output.array, output.dtype, self.len));
        let Some(outputs) = outputs.collect::<Option<Vec<_>>>() else { return Ok(None) };
        let mut batch = Batch::new(views, outputs).map_err(to_py)?;
        if !self.tables.is_empty() {
            let Some(tables) = self.table_views()? else { return Ok(None) };
            batch = batch.with_tables(tables);
        }
        match &self.ok {
            None => Ok(Some(batch)),
            Some(ok) => view(ok, DType::Bool, self.len).map(|ok| batch.with_ok(ok).map_err(to_py)).transpose(),
        }
    }

    fn table_views(&self) -> PyResult<Option<Vec<Table<'_>>>> {
        let mut tables = Vec::with_capacity(self.tables.len());
        for table in &self.tables {
            let Input::Array(array, dtype) = table else { return Ok(None) };
            let Some(elements) = view(array, *dtype, array.len() as u64) else { return Ok(None) };
            let dims: Vec<u64> = array.shape().iter().map(|len| *len as u64).collect();
            tables.push(Table::new(elements, &dims).map_err(to_py)?);
        }
        Ok(Some(tables))
    }

    /// What the call returns: the result, a tuple of several; where faults are masked, that and the flags.
    pub(crate) fn results(self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let scalar = self.shape.is_empty();
        let value = |array: Bound<'py, PyUntypedArray>, given: bool| match scalar && !given {
            true => array.get_item(PyTuple::empty(py)),
            false => Ok(array.into_any()),
        };
        let mut values = self.outputs.into_iter().map(|output| value(output.array, output.given));
        let values = match (values.len(), values.next()) {
            (1, Some(only)) => only?,
            (_, first) => {
                let all = first.into_iter().chain(values).collect::<PyResult<Vec<_>>>()?;
                PyTuple::new(py, all)?.into_any()
            }
        };
        match self.ok {
            None => Ok(values),
            Some(ok) => Ok(PyTuple::new(py, [values, value(ok, false)?])?.into_any()),
        }
    }
}

impl<'py> Input<'py> {
    pub(crate) fn new(argument: &Bound<'py, PyAny>) -> Option<Self> {
        let array = match exact_array(argument) {
            Some(array) => array,
            None => match Weak::new(argument) {
                Some(weak) => return Some(Self::Weak(weak)),
                None => scalar_array(argument)?,
            },
        };
        let dtype = dtype_of(&array)?;
        (dtype != DType::Object).then_some(Self::Array(array, dtype))
    }

    /// All arguments; `None` if one needs converting.
    pub(crate) fn all(arguments: &Bound<'py, PyTuple>) -> Option<Vec<Self>> {
        let mut inputs = Vec::with_capacity(arguments.len());
        for argument in arguments.iter_borrowed() {
            inputs.push(Self::new(&argument)?);
        }
        Some(inputs)
    }

    /// Whether this input can be given where `dtype` is wanted, as it is.
    pub(crate) fn fits(&self, dtype: DType) -> bool {
        match self {
            Self::Array(_, own) => *own == dtype,
            Self::Weak(value) => value.fits(dtype),
        }
    }

    /// Whether it can be cast to `dtype` safely.
    pub(crate) fn can_become(&self, dtype: DType) -> bool {
        match self {
            Self::Array(_, own) => own.casts_safely(dtype),
            Self::Weak(value) => value.fits(dtype),
        }
    }

    /// Whether a weak number can be cast to `dtype` inside a kernel without losing its value's range.
    pub(crate) fn may_become(&self, dtype: DType) -> bool {
        match self {
            Self::Weak(value @ Weak::Int(_)) if !matches!(dtype, DType::Float32 | DType::Float64) => value.fits(dtype),
            _ => true,
        }
    }

    /// Whether it is one value for the whole batch.
    pub(crate) fn is_uniform(&self) -> bool {
        match self {
            Self::Array(array, _) => array.ndim() == 0,
            Self::Weak(_) => true,
        }
    }

    /// The type that a compiled kernel sees, and whether it is weak.
    pub(crate) fn key(&self) -> (DType, bool) {
        match self {
            Self::Array(_, dtype) => (*dtype, false),
            Self::Weak(value) => (value.own_dtype(), value.is_weak()),
        }
    }

    /// The same elements one behind the other in C order: machine code finds them by their place.
    fn in_order(self) -> PyResult<Self> {
        match self {
            Self::Array(array, dtype) if !array.is_c_contiguous() => {
                let copy = array.call_method0("copy")?;
                Ok(Self::Array(copy.cast_into()?, dtype))
            }
            other => Ok(other),
        }
    }

    fn cell(&self, dtype: DType) -> Option<[u8; 8]> {
        match self {
            Self::Array(..) => None,
            Self::Weak(value) => Some(value.cell(dtype)),
        }
    }

    /// Whether it can be this argument of a kernel of the kernel language.
    fn serves(&self, argument: &Argument) -> bool {
        let placed = match (argument.ndim, self) {
            (None, _) => !argument.uniform || self.is_uniform(),
            (Some(ndim), Self::Array(array, _)) => array.ndim() == ndim,
            (Some(_), Self::Weak(_)) => false,
        };
        placed && self.fits(argument.dtype)
    }
}

/// Checks the number of arguments of a kernel that is not of the kernel language.
pub(crate) fn check_count(kernel: &PyKernel, given: usize) -> PyResult<()> {
    let wanted = match kernel.arguments.len() {
        0 => kernel.inner.signatures.first().map(|signature| signature.inputs.len()),
        several => Some(several),
    };
    let name = &kernel.inner.name;
    match wanted {
        Some(wanted) if wanted != given => {
            Err(PyTypeError::new_err(format!("arrays: {name} takes {wanted} inputs, {given} given")))
        }
        None if given == 0 => Err(PyTypeError::new_err(format!("arrays: {name} needs at least one input"))),
        _ => Ok(()),
    }
}

/// The types of the first signature that the inputs fit.
fn choose<'a>(kernel: &'a PyKernel, inputs: &[Input<'_>]) -> Option<Types<'a>> {
    if let Some(result) = &kernel.dynamic {
        let inputs = inputs.iter().map(|input| input.key().0).collect();
        return Some(Types { inputs, outputs: std::slice::from_ref(result) });
    }
    if !kernel.arguments.is_empty() {
        let serves = inputs.len() == kernel.arguments.len()
            && inputs.iter().zip(&kernel.arguments).all(|(input, argument)| input.serves(argument));
        let signature = kernel.inner.signatures.first().filter(|_| serves)?;
        return Some(Types { inputs: signature.inputs.clone(), outputs: &signature.outputs });
    }
    let fits = |signature: &&Signature| inputs.iter().zip(&signature.inputs).all(|(input, dtype)| input.fits(*dtype));
    let signature = kernel.inner.signatures.iter().find(fits)?;
    Some(Types { inputs: signature.inputs.clone(), outputs: &signature.outputs })
}

/// The scalar inputs and the tables, each in order.
fn split<'py>(arguments: &[Argument], inputs: Vec<Input<'py>>) -> (Vec<Input<'py>>, Vec<Input<'py>>) {
    if arguments.iter().all(|argument| argument.ndim.is_none()) {
        return (inputs, Vec::new());
    }
    let mut split = (Vec::new(), Vec::new());
    for (input, argument) in inputs.into_iter().zip(arguments) {
        if argument.ndim.is_none() { split.0.push(input) } else { split.1.push(input) }
    }
    split
}

/// `out` for each of `count` results: nothing, one array, or a tuple of arrays and None; `None` for another count.
fn given_outputs<'py>(out: Option<&Bound<'py, PyAny>>, count: usize) -> Option<Vec<Option<Bound<'py, PyAny>>>> {
    let Some(out) = out else { return Some(vec![None; count]) };
    match out.cast::<PyTuple>() {
        Ok(several) => {
            let given = several.iter().map(|out| (!out.is_none()).then_some(out));
            (several.len() == count).then(|| given.collect())
        }
        Err(_) => (count == 1).then(|| vec![Some(out.clone())]),
    }
}

/// Flags for every element.
fn all_true<'py>(py: Python<'py>, shape: &[usize]) -> PyResult<Bound<'py, PyUntypedArray>> {
    let flags = new_array(py, DType::Bool, shape, false)?;
    flags.call_method1("fill", (true,))?;
    Ok(flags)
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
    tables: &[Input<'py>],
    others: &[Output<'py>],
) -> Option<Bound<'py, PyUntypedArray>> {
    let out = exact_array(out)?;
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
    // Every element may read all of a table.
    let clash = clash
        || tables.iter().any(|table| match table {
            Input::Array(array, theirs) => overlaps(own, span(array, theirs.size())),
            Input::Weak(_) => false,
        })
        || others.iter().any(|other| overlaps(own, span(&other.array, other.dtype.size())));
    (!clash).then_some(out)
}

fn view_if<'a>(array: &'a Bound<'_, PyUntypedArray>, dtype: DType, shape: &[usize]) -> Option<View<'a>> {
    if array.shape() != shape || dtype_of(array) != Some(dtype) {
        return None;
    }
    view(array, dtype, array.len() as u64)
}
