//! A kernel of the kernel language as calls see it: its specialisations, and how a call finds the one it needs.
//!
//! A call that finds none, or whose arguments must be converted first, is answered with NotImplemented; the Python side
//! (`hybrid_rs/compiled`) then converts, compiles, adds what it has made, and calls again.

use std::sync::{Arc, Mutex, PoisonError};

use numpy::PyUntypedArrayMethods;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use super::errors::to_py;
use super::guard::Guards;
use super::kernel::PyKernel;
use super::prepare::Input;
use crate::buffer::DType;
use crate::error::Error;

/// What an argument of a specialisation must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Key {
    dtype: DType,
    /// Number of axes of a table; `None`: a scalar.
    ndim: Option<usize>,
    /// Whether it is a Python number that takes the type of what it meets.
    weak: bool,
    /// Whether it is one value for the whole batch.
    uniform: bool,
}

/// As Python gives it: dtype, axes or -1, weak, uniform.
type RawKey = (String, isize, bool, bool);

/// A kernel for one choice of argument types.
#[pyclass(frozen, name = "Specialisation", module = "hybrid_rs._core")]
pub(crate) struct Specialisation {
    keys: Vec<Key>,
    guards: Py<Guards>,
    /// Weak arguments, and types that they are cast to somewhere.
    casts: Vec<(usize, DType)>,
    kernel: Py<PyKernel>,
    /// Whether its code counts steps.
    steps: bool,
}

/// Finds the specialisation for a call's arguments.
#[pyclass(frozen, name = "Dispatcher", module = "hybrid_rs._core")]
pub(crate) struct Dispatcher {
    #[pyo3(get)]
    name: String,
    /// What converts arguments and compiles: `hybrid_rs.compiled`'s business.
    #[pyo3(get)]
    resolver: Py<PyAny>,
    /// Number of parameters.
    #[pyo3(get)]
    nin: usize,
    /// Values of the last parameters, for calls that leave them out.
    defaults: Py<PyTuple>,
    /// Declared signatures: dtype, and axes for tables; empty where types come from the arguments.
    signatures: Vec<Vec<(DType, Option<usize>)>>,
    /// Replaced as a whole. The lock is held for no longer than a copy of the reference takes, and only under the GIL,
    /// so that a fork never finds it taken.
    specialisations: Mutex<Arc<Vec<Py<Specialisation>>>>,
}

fn dtype_named(name: &str) -> PyResult<DType> {
    let known = DType::from_name(name).filter(|dtype| *dtype != DType::Object);
    known.ok_or_else(|| to_py(Error::invalid("dtype", format!("{name} is not a type of kernels"))))
}

#[pymethods]
impl Specialisation {
    #[new]
    fn new(
        keys: Vec<RawKey>,
        guards: Py<Guards>,
        casts: Vec<(usize, String)>,
        kernel: Py<PyKernel>,
        steps: bool,
    ) -> PyResult<Self> {
        let key = |(dtype, ndim, weak, uniform): RawKey| {
            Ok(Key { dtype: dtype_named(&dtype)?, ndim: ndim.try_into().ok(), weak, uniform })
        };
        let cast = |(k, dtype): (usize, String)| Ok((k, dtype_named(&dtype)?));
        Ok(Self {
            keys: keys.into_iter().map(key).collect::<PyResult<_>>()?,
            guards,
            casts: casts.into_iter().map(cast).collect::<PyResult<_>>()?,
            kernel,
            steps,
        })
    }

    /// Lets the garbage collector see cycles; the Python objects around them can break them.
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.guards)?;
        visit.call(&self.kernel)
    }
}

impl Specialisation {
    /// Whether it is made for these inputs. Where all are single values any distribution will do: one lane is a lane.
    fn takes(&self, inputs: &[Input<'_>], declared: Option<&[(DType, Option<usize>)]>) -> bool {
        let mut scalars = self.keys.iter().zip(inputs).filter(|(key, _)| key.ndim.is_none());
        let single = scalars.all(|(_, input)| input.is_uniform());
        self.keys.len() == inputs.len()
            && self.keys.iter().enumerate().all(|(k, key)| {
                let input = &inputs[k];
                let placed = key.ndim.is_some() || single || key.uniform == input.is_uniform();
                placed
                    && match declared {
                        Some(types) => types[k] == (key.dtype, key.ndim),
                        None => input.key() == (key.dtype, key.weak) && input.has_axes(key.ndim),
                    }
            })
            && self.casts.iter().all(|(k, dtype)| inputs[*k].may_become(*dtype))
    }
}

#[pymethods]
impl Dispatcher {
    #[new]
    fn new(
        name: String,
        resolver: Py<PyAny>,
        nin: usize,
        defaults: Py<PyTuple>,
        signatures: Vec<Vec<(String, isize)>>,
    ) -> PyResult<Self> {
        let declared = |types: Vec<(String, isize)>| {
            types.into_iter().map(|(dtype, ndim)| Ok((dtype_named(&dtype)?, ndim.try_into().ok()))).collect()
        };
        Ok(Self {
            name,
            resolver,
            nin,
            defaults,
            signatures: signatures.into_iter().map(declared).collect::<PyResult<_>>()?,
            specialisations: Mutex::default(),
        })
    }

    /// Replaces the specialisations; the first that takes a call's arguments and whose guards hold gets the call.
    fn replace(&self, specialisations: Vec<Py<Specialisation>>) {
        let mut slot = self.specialisations.lock().unwrap_or_else(PoisonError::into_inner);
        let former = std::mem::replace(&mut *slot, Arc::new(specialisations));
        // Dropping Python objects may run Python code.
        drop(slot);
        drop(former);
    }

    /// Lets the garbage collector see cycles; the Python objects around them can break them.
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.resolver)?;
        visit.call(&self.defaults)?;
        match self.specialisations.try_lock() {
            Ok(slot) => slot.iter().try_for_each(|specialisation| visit.call(specialisation)),
            Err(_) => Ok(()),
        }
    }
}

impl Dispatcher {
    /// The call's inputs, defaults and captured arrays included, and the kernel for them; `None` if there is none yet or
    /// something must be converted first.
    pub(crate) fn choose<'py>(
        &self,
        arguments: &Bound<'py, PyTuple>,
        steps: bool,
    ) -> Option<(Vec<Input<'py>>, Py<PyKernel>)> {
        let py = arguments.py();
        let mut inputs = self.inputs(arguments)?;
        let declared = if self.signatures.is_empty() { None } else { Some(self.declared(&inputs)?) };
        let all = Arc::clone(&self.specialisations.lock().unwrap_or_else(PoisonError::into_inner));
        let fits = |found: &&Py<Specialisation>| {
            let found = found.get();
            found.steps == steps && found.takes(&inputs, declared) && found.guards.get().values_hold(py)
        };
        let found = all.iter().find(fits)?.get();
        for array in found.guards.get().arrays(py)? {
            inputs.push(Input::new(&array)?);
        }
        Some((inputs, found.kernel.clone_ref(py)))
    }

    fn inputs<'py>(&self, arguments: &Bound<'py, PyTuple>) -> Option<Vec<Input<'py>>> {
        let missing = self.nin.checked_sub(arguments.len())?;
        let defaults = self.defaults.bind(arguments.py());
        let first = defaults.len().checked_sub(missing)?;
        let mut inputs = Vec::with_capacity(self.nin);
        for argument in arguments.iter_borrowed() {
            inputs.push(Input::new(&argument)?);
        }
        for argument in defaults.iter_borrowed().skip(first) {
            inputs.push(Input::new(&argument)?);
        }
        Some(inputs)
    }

    /// The first declared signature that the inputs can be cast to safely, if they need no casting for it.
    fn declared(&self, inputs: &[Input<'_>]) -> Option<&[(DType, Option<usize>)]> {
        let can = |types: &&Vec<(DType, Option<usize>)>| {
            let mut pairs = inputs.iter().zip(types.iter());
            types.len() == inputs.len()
                && pairs.all(|(input, (dtype, ndim))| input.has_axes(*ndim) && input.can_become(*dtype))
        };
        let first = self.signatures.iter().find(can)?;
        inputs.iter().zip(first).all(|(input, (dtype, _))| input.fits(*dtype)).then_some(first)
    }
}

impl Input<'_> {
    /// Whether it has as many axes as a table needs; a scalar parameter takes any.
    fn has_axes(&self, ndim: Option<usize>) -> bool {
        match (self, ndim) {
            (_, None) => true,
            (Self::Array(array, _), Some(ndim)) => array.ndim() == ndim,
            (Self::Weak(_), Some(_)) => false,
        }
    }
}
