//! Flags and topology for Python: plain dicts and tuples, made from what `flags.rs` and `topology.rs` know.
//!
//! The environment comes in as a dict, because Python's `os.environ` may differ from the process's (`putenv` of other
//! threads is not safe to read beside it) and because tests hand in their own.

use std::collections::HashMap;

use pyo3::exceptions::PyOverflowError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use crate::error::Error;
use crate::flags::{self, FLAGS, Flags, MAX_THREADS};
use crate::py::errors::to_py;
use crate::topology::{self as machine, Cache, Quota, Topology};

/// Adds this file's functions to the module.
pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(resolve_flags, module)?)?;
    module.add_function(wrap_pyfunction!(flag_table, module)?)?;
    module.add_function(wrap_pyfunction!(topology, module)?)?;
    module.add_function(wrap_pyfunction!(processor, module)?)?;
    module.add_function(wrap_pyfunction!(thread_count, module)?)
}

/// The package's variables in `env`, resolved, by field name; raises ValueError naming a variable that can't be used.
#[pyfunction]
#[allow(clippy::needless_pass_by_value, reason = "PyO3 extracts owned maps")]
fn resolve_flags(py: Python<'_>, env: HashMap<String, String>) -> PyResult<Bound<'_, PyDict>> {
    let flags = Flags::resolve(&|name| env.get(name).cloned()).map_err(to_py)?;
    let dict = PyDict::new(py);
    dict.set_item("chunk_size", flags.chunk_size)?;
    dict.set_item("num_threads", flags.num_threads)?;
    dict.set_item("cache_dir", flags.cache_dir)?;
    dict.set_item("disable_jit", flags.disable_jit)?;
    dict.set_item("lite", flags.lite)?;
    dict.set_item("log_level", flags.log_level)?;
    Ok(dict)
}

/// One dict for each variable: name, default, doc and accepts, all text.
#[pyfunction]
fn flag_table(py: Python<'_>) -> PyResult<Bound<'_, PyList>> {
    let table = PyList::empty(py);
    for flag in &FLAGS {
        let row = PyDict::new(py);
        row.set_item("name", flag.name)?;
        row.set_item("default", flag.default)?;
        row.set_item("doc", flag.doc)?;
        row.set_item("accepts", flag.accepts())?;
        table.append(row)?;
    }
    Ok(table)
}

/// What this process may use of the machine: allowed CPUs, quota in CPUs or None, usable CPUs, NUMA nodes, the
/// processor's name, caches in bytes.
#[pyfunction]
fn topology(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    let found = Topology::detect();
    let dict = PyDict::new(py);
    dict.set_item("usable_cpus", found.usable_cpus())?;
    dict.set_item("quota", found.quota.map(Quota::as_f64))?;
    let nodes = PyList::empty(py);
    for node in found.nodes {
        let row = PyDict::new(py);
        row.set_item("id", node.id)?;
        row.set_item("cpus", node.cpus)?;
        nodes.append(row)?;
    }
    dict.set_item("nodes", nodes)?;
    dict.set_item("allowed", found.allowed)?;
    dict.set_item("model", found.model)?;
    let caches = PyDict::new(py);
    for (name, cache) in [("l1d", found.caches.l1d), ("l2", found.caches.l2), ("l3", found.caches.l3)] {
        caches.set_item(name, cache.map(|cache| cache_row(py, cache)).transpose()?)?;
    }
    dict.set_item("caches", caches)?;
    Ok(dict)
}

/// What tells processors apart that machine code is made for.
#[pyfunction]
fn processor() -> String {
    machine::processor()
}

/// How many threads, and which rule decided.
///
/// `argument` and `context` are integers or None; raises TypeError for anything else, and ValueError for a number outside
/// of the limits or a variable that can't be used.
#[pyfunction]
#[pyo3(signature = (argument, context, env))]
#[allow(clippy::needless_pass_by_value, reason = "PyO3 extracts owned values")]
fn thread_count(
    argument: Option<Bound<'_, PyAny>>,
    context: Option<Bound<'_, PyAny>>,
    env: HashMap<String, String>,
) -> PyResult<(usize, &'static str)> {
    let lookup = |name: &str| env.get(name).cloned();
    let flags = Flags::resolve(&lookup).map_err(to_py)?;
    let (argument, context) = (wanted(argument)?, wanted(context)?);
    // Looking at the machine takes a dozen small files, so not before it is needed.
    if let Some(requested) = flags::requested_threads(argument, context, &flags, &lookup).map_err(to_py)? {
        return Ok(requested);
    }
    flags::thread_count(None, None, &flags, &lookup, &Topology::detect()).map_err(to_py)
}

/// A number of threads as Python gave it. The limits are the core's business; here it must only be an integer, and one
/// that fits.
fn wanted(value: Option<Bound<'_, PyAny>>) -> PyResult<Option<usize>> {
    let Some(value) = value else { return Ok(None) };
    match value.extract::<usize>() {
        Ok(count) => Ok(Some(count)),
        Err(error) => {
            let message = format!("{} is not an integer from 1 to {MAX_THREADS}", value.repr()?);
            // Negative and huge integers come as OverflowError, all else as TypeError.
            let refuse =
                if error.is_instance_of::<PyOverflowError>(value.py()) { Error::invalid } else { Error::wrong_type };
            Err(to_py(refuse("threads", message)))
        }
    }
}

fn cache_row<'py>(py: Python<'py>, cache: Cache) -> PyResult<Bound<'py, PyDict>> {
    let row = PyDict::new(py);
    row.set_item("bytes", cache.bytes)?;
    row.set_item("shared_by", cache.shared_by)?;
    Ok(row)
}
