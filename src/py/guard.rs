//! What a compiled kernel has captured, compared with what is there now.

use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyFloat, PyInt, PyString};

use super::arrays::{array_of, dtype_in_any_order};
use super::errors::to_py;
use crate::buffer::DType;
use crate::error::Error;
use numpy::PyUntypedArrayMethods;

/// A name in a dict (a function's globals), or an attribute of an object (a module, a cell, a function).
struct Place {
    container: Py<PyAny>,
    name: Py<PyString>,
}

/// A captured value.
struct Guard {
    place: Place,
    /// `None`: the name must be missing.
    expected: Option<Py<PyAny>>,
}

/// A captured array: any array will do that has this dtype and number of axes.
struct Captured {
    place: Place,
    dtype: DType,
    ndim: usize,
}

/// The captured values and arrays of one specialisation.
#[pyclass(frozen, name = "Guards", module = "hybrid_rs._core")]
pub(crate) struct Guards {
    values: Vec<Guard>,
    arrays: Vec<Captured>,
}

impl Place {
    /// What is there now; an attribute that can't be read (an empty cell's contents) counts as missing.
    fn look<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyAny>> {
        let (container, name) = (self.container.bind(py), self.name.bind(py));
        match container.cast::<PyDict>() {
            Ok(dict) => dict.get_item(name).ok().flatten(),
            Err(_) => container.getattr(name).ok(),
        }
    }

    fn visit(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.container)
    }
}

impl Guard {
    fn holds(&self, py: Python<'_>) -> bool {
        match (self.place.look(py), &self.expected) {
            (None, None) => true,
            (Some(found), Some(expected)) => same(&found, expected.bind(py)),
            _ => false,
        }
    }
}

/// Identity, or ints and floats of one value: floats by their bits, since 0.0 is not -0.0 and nan is nan.
fn same(found: &Bound<'_, PyAny>, expected: &Bound<'_, PyAny>) -> bool {
    if found.is(expected) {
        return true;
    }
    if found.is_exact_instance_of::<PyFloat>() && expected.is_exact_instance_of::<PyFloat>() {
        let bits = |value: &Bound<'_, PyAny>| value.extract::<f64>().map(f64::to_bits).ok();
        return bits(found) == bits(expected);
    }
    let both_int = found.is_exact_instance_of::<PyInt>() && expected.is_exact_instance_of::<PyInt>();
    both_int && found.eq(expected).unwrap_or(false)
}

impl Captured {
    fn look<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyAny>> {
        let found = self.place.look(py)?;
        let array = array_of(&found)?;
        (dtype_in_any_order(&array) == Some(self.dtype) && array.ndim() == self.ndim).then_some(found)
    }
}

#[pymethods]
impl Guards {
    /// Guards from (container, name, expected, whether it must be missing) for values, and (container, name, dtype,
    /// number of axes) for arrays.
    #[new]
    #[allow(clippy::type_complexity, reason = "the private call of one Python module")]
    fn new(
        values: Vec<(Py<PyAny>, Py<PyString>, Py<PyAny>, bool)>,
        arrays: Vec<(Py<PyAny>, Py<PyString>, String, usize)>,
    ) -> PyResult<Self> {
        let values = values.into_iter().map(|(container, name, expected, missing)| Guard {
            place: Place { container, name },
            expected: (!missing).then_some(expected),
        });
        let arrays = arrays.into_iter().map(|(container, name, dtype, ndim)| {
            let dtype = DType::from_name(&dtype).ok_or_else(|| to_py(Error::invalid("dtype", dtype)))?;
            Ok(Captured { place: Place { container, name }, dtype, ndim })
        });
        Ok(Self { values: values.collect(), arrays: arrays.collect::<PyResult<_>>()? })
    }

    /// Whether everything is as it was captured.
    pub(crate) fn hold(&self, py: Python<'_>) -> bool {
        self.values.iter().all(|guard| guard.holds(py)) && self.arrays.iter().all(|array| array.look(py).is_some())
    }

    /// The captured arrays as they are now; None if one isn't of its dtype and axes any more.
    pub(crate) fn arrays<'py>(&self, py: Python<'py>) -> Option<Vec<Bound<'py, PyAny>>> {
        self.arrays.iter().map(|array| array.look(py)).collect()
    }

    /// Lets the garbage collector see cycles; the Python objects around them can break them.
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        for guard in &self.values {
            guard.place.visit(&visit)?;
            visit.call(&guard.expected)?;
        }
        self.arrays.iter().try_for_each(|array| array.place.visit(&visit))
    }
}

impl Guards {
    /// Whether the captured values are as they were; the arrays are looked at where they are fetched.
    pub(crate) fn values_hold(&self, py: Python<'_>) -> bool {
        self.values.iter().all(|guard| guard.holds(py))
    }
}
