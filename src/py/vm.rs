//! The block VM for Python: its op table, and the elementary functions that it computes with.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use crate::vm;

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

/// The value of an elementary function in float32 (`bits` 32) or float64 (64), as every engine computes it.
#[pyfunction]
#[pyo3(signature = (name, bits, *arguments))]
fn math(name: &str, bits: u32, arguments: Vec<f64>) -> PyResult<f64> {
    vm::math(name, bits, &arguments).ok_or_else(|| {
        PyValueError::new_err(format!("name: no {bits}-bit function {name} of {} arguments", arguments.len()))
    })
}

pub(super) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(vm_ops, module)?)?;
    module.add_function(wrap_pyfunction!(math, module)?)
}
