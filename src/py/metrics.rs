//! A Runtime's counters as a Python dict.

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use crate::metrics::{BUCKETS, Snapshot, Worker};
use crate::paths::Path;

const NS: f64 = 1e-9;

/// The dict that `Metrics` of `runtime.py` wraps.
pub(crate) fn to_dict<'py>(py: Python<'py>, snapshot: &Snapshot) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    let totals = &snapshot.totals.paths;
    dict.set_item("batches", totals.iter().map(|path| path.batches).sum::<u64>())?;
    dict.set_item("elements", totals.iter().map(|path| path.elements).sum::<u64>())?;
    let paths = PyDict::new(py);
    for (path, totals) in Path::ALL.into_iter().zip(totals).filter(|(_, totals)| totals.batches > 0) {
        let row = PyDict::new(py);
        row.set_item("batches", totals.batches)?;
        row.set_item("elements", totals.elements)?;
        row.set_item("seconds", totals.wall.as_secs_f64())?;
        paths.set_item(path.name(), row)?;
    }
    dict.set_item("paths", paths)?;
    let histogram = PyList::empty(py);
    for (k, count) in snapshot.histogram.iter().enumerate().filter(|(_, count)| **count > 0) {
        let row = PyDict::new(py);
        // The last bucket has no upper end.
        row.set_item("upto_ns", (k < BUCKETS - 1).then(|| 1_u64 << k))?;
        row.set_item("count", count)?;
        histogram.append(row)?;
    }
    dict.set_item("chunk_time_histogram", histogram)?;
    let workers = snapshot.workers.iter().map(|w| worker(py, w)).collect::<PyResult<Vec<_>>>()?;
    dict.set_item("workers", workers)?;
    dict.set_item("callers", worker(py, &snapshot.others)?)?;
    let last = snapshot.totals.last.map(|last| {
        let row = PyDict::new(py);
        row.set_item("path", last.path.name())?;
        row.set_item("chunk_size", last.choice.size)?;
        row.set_item("reason", last.choice.why.to_string())?;
        row.set_item("threads", last.threads)?;
        row.set_item("elements", last.elements)?;
        PyResult::Ok(row)
    });
    dict.set_item("last", last.transpose()?)?;
    Ok(dict)
}

fn worker<'py>(py: Python<'py>, worker: &Worker) -> PyResult<Bound<'py, PyDict>> {
    let row = PyDict::new(py);
    row.set_item("busy_s", worker.busy_ns as f64 * NS)?;
    row.set_item("idle_s", worker.idle_ns as f64 * NS)?;
    row.set_item("chunks", worker.chunks)?;
    Ok(row)
}
