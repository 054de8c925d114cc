//! The block VM for Python: its op table.

use std::sync::Arc;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use super::kernel::{Argument, FaultSite, PyKernel};
use super::tiers::Tiers;
use crate::buffer::DType;
use crate::kernel::MAX_AXES;
use crate::tier::{self, Tier};
use crate::vm::{self, Draft, Input, Program, TableInput};

/// The op table: `{name: (number, ((field, kind), ...))}`.
#[pyfunction]
fn vm_ops(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    let table = PyDict::new(py);
    for (number, row) in vm::op::ops().rows().iter().enumerate() {
        let fields = row.fields.iter().map(|(field, kind)| (field.name(), kind.to_string()));
        table.set_item(&row.name, (number, PyTuple::new(py, fields.collect::<Vec<_>>())?))?;
    }
    Ok(table)
}

/// An argument as Python gives it: dtype name, number of axes or -1 for a scalar, whether it is uniform.
type PyArgument = (String, i32, bool);
/// A site: exception, message, file, line.
type PySite = (String, String, String, u32);

/// A program as Python gives it, in the order of [`PyKernel`]'s `vm`.
pub(super) struct Parts {
    pub(super) arguments: Vec<PyArgument>,
    pub(super) outputs: Vec<String>,
    pub(super) lanes: Vec<u8>,
    pub(super) uniforms: Vec<u8>,
    pub(super) consts: Vec<(usize, u64)>,
    pub(super) code: Vec<u8>,
    pub(super) loop_start: Option<usize>,
    pub(super) epilogue: Option<usize>,
    pub(super) permute: Vec<usize>,
    pub(super) sites: Vec<PySite>,
}

/// The kernel of a program; ValueError saying why it is malformed.
pub(super) fn build(name: &str, parts: Parts) -> PyResult<PyKernel> {
    let arguments = parts.arguments.iter().map(argument).collect::<PyResult<Vec<_>>>()?;
    let scalar = |argument: &Argument| match argument.ndim {
        None => Ok(Input { dtype: argument.dtype, uniform: argument.uniform }),
        Some(ndim) => Err(TableInput { dtype: argument.dtype, ndim }),
    };
    let draft = Draft {
        inputs: arguments.iter().filter_map(|argument| scalar(argument).ok()).collect(),
        tables: arguments.iter().filter_map(|argument| scalar(argument).err()).collect(),
        outputs: parts.outputs.iter().map(|name| dtype("outputs", name)).collect::<PyResult<_>>()?,
        lanes: codes("lanes", &parts.lanes)?,
        uniforms: codes("uniforms", &parts.uniforms)?,
        consts: parts.consts,
        code: parts.code,
        loop_start: parts.loop_start,
        epilogue: parts.epilogue,
        permute: parts.permute,
        sites: parts.sites.len(),
    };
    let program = Program::new(&draft).map_err(|why| PyValueError::new_err(why.to_string()))?;
    let site = |(exception, message, file, line)| FaultSite { exception, message, file, line };
    let tier = Arc::new(Tier::new(Arc::new(program)));
    let kernel = tier::kernel(name, Arc::clone(&tier));
    let kernel = PyKernel::compiled(kernel, arguments, parts.sites.into_iter().map(site).collect());
    Ok(kernel.with_tiers(Tiers::new(tier)))
}

fn argument((name, ndim, uniform): &PyArgument) -> PyResult<Argument> {
    let ndim = match *ndim {
        -1 => None,
        ndim => match usize::try_from(ndim) {
            Ok(ndim @ 1..=MAX_AXES) => Some(ndim),
            _ => {
                return Err(PyValueError::new_err(format!(
                    "arguments: {ndim} axes, 1 to {MAX_AXES} (or -1) are possible"
                )));
            }
        },
    };
    Ok(Argument { dtype: dtype("arguments", name)?, ndim, uniform: *uniform })
}

fn dtype(argument: &str, name: &str) -> PyResult<DType> {
    let known = DType::from_name(name).filter(|dtype| *dtype != DType::Object);
    known.ok_or_else(|| PyValueError::new_err(format!("{argument}: no type {name}")))
}

fn codes(argument: &str, codes: &[u8]) -> PyResult<Vec<DType>> {
    let known = |code: &u8| DType::ALL.get(usize::from(*code)).copied().filter(|dtype| *dtype != DType::Object);
    let dtype = |code| known(code).ok_or_else(|| PyValueError::new_err(format!("{argument}: no type {code}")));
    codes.iter().map(dtype).collect()
}

pub(super) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(vm_ops, module)?)
}
