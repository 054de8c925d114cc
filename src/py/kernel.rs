//! Kernels for Python: built in, foreign and dynamic behind one class.

use pyo3::exceptions::PyValueError;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::dynamic;
use super::errors::to_py;
use super::prepare::check_count;
use super::tiers::Tiers;
use crate::buffer::DType;
use crate::builtin;
use crate::error::Error;
use crate::foreign;
use crate::kernel::{Kernel, SharedKernel};
use crate::native::Native;

/// What an argument of a kernel of the kernel language is.
#[derive(Debug, Clone)]
pub(crate) struct Argument {
    pub(crate) dtype: DType,
    /// Number of axes of a table; `None`: a scalar.
    pub(crate) ndim: Option<usize>,
    /// Whether it is one value for the whole batch.
    pub(crate) uniform: bool,
}

/// A place of a kernel that can fault; [`crate::kernel::Site`] is its number.
#[derive(Debug, Clone)]
pub(crate) struct FaultSite {
    /// The name of a built-in exception.
    pub(crate) exception: String,
    pub(crate) message: String,
    pub(crate) file: String,
    pub(crate) line: u32,
}

/// A kernel of the core.
#[pyclass(frozen, name = "Kernel", module = "hybrid_rs._core")]
pub(crate) struct PyKernel {
    pub(crate) inner: SharedKernel,
    /// Result dtype of a dynamic kernel; the others' is in their signatures.
    pub(crate) dynamic: Option<DType>,
    callable: Option<dynamic::Callable>,
    /// Scalars and tables in the order of a call; empty but for kernels of the kernel language.
    pub(crate) arguments: Vec<Argument>,
    pub(crate) sites: Vec<FaultSite>,
    /// The engines of a kernel that has several; `inner` is the one that changes over.
    pub(super) tiers: Option<Tiers>,
}

impl PyKernel {
    /// A kernel of the kernel language.
    pub(crate) fn compiled(kernel: Kernel, arguments: Vec<Argument>, sites: Vec<FaultSite>) -> Self {
        Self { arguments, sites, ..kernel.into() }
    }

    /// The same with the engines that its tier has.
    pub(crate) fn with_tiers(self, tiers: Tiers) -> Self {
        Self { tiers: Some(tiers), ..self }
    }
}

impl From<Kernel> for PyKernel {
    fn from(kernel: Kernel) -> Self {
        Self {
            inner: kernel.into(),
            dynamic: None,
            callable: None,
            arguments: Vec::new(),
            sites: Vec::new(),
            tiers: None,
        }
    }
}

#[pymethods]
impl PyKernel {
    /// The built-in `busy_work`.
    #[staticmethod]
    fn busy_work() -> Self {
        builtin::busy_work().into()
    }

    /// A kernel that panics for negative inputs: the tests' way to the panic gateway.
    #[staticmethod]
    fn panic_probe() -> Self {
        builtin::panic_probe().into()
    }

    /// A kernel of two scalars and a table with two results that faults and counts steps, for tests of calls.
    #[staticmethod]
    fn call_probe(uniform: (bool, bool)) -> Self {
        let scalar = |uniform| Argument { dtype: DType::Int64, ndim: None, uniform };
        let table = Argument { dtype: DType::Float64, ndim: Some(1), uniform: true };
        let site = |(exception, message): (&str, &str), line| FaultSite {
            exception: exception.to_owned(),
            message: message.to_owned(),
            file: "/some/where/probe.py".to_owned(),
            line,
        };
        let sites = builtin::CALL_PROBE_SITES.into_iter().zip(7..).map(|(fault, line)| site(fault, line)).collect();
        Self::compiled(builtin::call_probe(), vec![scalar(uniform.0), scalar(uniform.1), table], sites)
    }

    /// A program of the block VM. `lanes` and `uniforms` are type codes; ValueError says why a program is malformed.
    #[staticmethod]
    #[allow(clippy::too_many_arguments, reason = "the parts of a program, as the printer makes them")]
    fn vm(
        name: &str,
        arguments: Vec<(String, i32, bool)>,
        outputs: Vec<String>,
        lanes: Vec<u8>,
        uniforms: Vec<u8>,
        consts: Vec<(usize, u64)>,
        code: Vec<u8>,
        loop_start: Option<usize>,
        epilogue: Option<usize>,
        permute: Vec<usize>,
        sites: Vec<(String, String, String, u32)>,
    ) -> PyResult<Self> {
        let parts = super::vm::Parts {
            arguments,
            outputs,
            lanes,
            uniforms,
            consts,
            code,
            loop_start,
            epilogue,
            permute,
            sites,
        };
        super::vm::build(name, parts)
    }

    /// A C function at `address` with a signature such as "int32(int64, float64)".
    #[staticmethod]
    fn foreign(name: &str, address: usize, signature: &str) -> PyResult<Self> {
        let signature = foreign::parse_signature(signature).map_err(to_py)?;
        // SAFETY: that the address is a function of this signature is the caller's word, as documented in `hr.foreign`;
        // nothing can check it.
        let kernel = unsafe { foreign::foreign(name, address, signature) }.map_err(to_py)?;
        Ok(kernel.into())
    }

    /// A Python callable whose results are stored as `dtype`, a NumPy name; "object" keeps them as they are.
    #[staticmethod]
    fn dynamic(function: Py<PyAny>, name: &str, dtype: &str) -> PyResult<Self> {
        let Some(result) = DType::from_name(dtype) else {
            return Err(to_py(Error::invalid(
                "dtype",
                format!("{dtype} is not bool, an integer of 8 to 64 bits, float32 or float64"),
            )));
        };
        let callable = dynamic::Callable::new(function);
        let inner = dynamic::kernel(dynamic::Callable::clone(&callable), name).into();
        let (arguments, sites) = (Vec::new(), Vec::new());
        Ok(Self { inner, dynamic: Some(result), callable: Some(callable), arguments, sites, tiers: None })
    }

    /// What makes this kernel's machine code: `hot(kernel)` is called on it once that is likely to pay.
    fn set_plan(&self, plan: Py<PyAny>) -> PyResult<()> {
        self.tiers()?.set_plan(plan)
    }

    /// Lets `hot` be called once more: in a forked child nobody is at work on it.
    fn rearm(&self) -> PyResult<()> {
        self.tiers().map(Tiers::rearm)
    }

    /// Gives the kernel machine code: an object file with blocks of `width` elements, made for exactly this kernel's arguments and
    /// this processor. What comes second is dropped.
    ///
    /// Raises ValueError for an object that can't be loaded.
    #[pyo3(signature = (code, width, stream_from=None))]
    fn attach(&self, py: Python<'_>, code: &[u8], width: u64, stream_from: Option<u64>) -> PyResult<()> {
        let (tiers, made) = (self.tiers()?, self.made(width, stream_from));
        let loaded = py.detach(|| {
            // SAFETY: that the object was made for these arguments is the word of the one Python module that calls this,
            // which compiles it itself or reads what it compiled from a folder that nobody else can write to.
            unsafe { Native::load(code, made) }
        });
        tiers.attach(&self.inner.name, loaded.map_err(|why| PyValueError::new_err(why.to_string()))?);
        Ok(())
    }

    /// Time spent in the VM, in ns; None for kernels of other kinds.
    #[getter]
    fn vm_ns(&self) -> Option<u64> {
        self.tiers.as_ref().map(Tiers::vm_ns)
    }

    /// What is known of the machine code: a dict, or None where there is none.
    #[getter]
    fn native<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyDict>>> {
        self.tiers.as_ref().map_or(Ok(None), |tiers| tiers.describe(py))
    }

    /// Lets the garbage collector see cycles through the callable; the objects around it can break them.
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        if let Some(plan) = self.tiers.as_ref().and_then(Tiers::plan) {
            visit.call(plan)?;
        }
        self.callable.as_ref().map_or(Ok(()), |callable| visit.call(&**callable))
    }

    #[getter]
    fn name(&self) -> &str {
        &self.inner.name
    }

    /// Elements computed together by the chunk form.
    #[getter]
    fn tile(&self) -> u64 {
        self.inner.tile
    }

    /// Inputs it takes; None for any number.
    #[getter]
    fn nin(&self) -> Option<usize> {
        self.inner.signatures.first().map(|signature| signature.inputs.len())
    }

    /// Raises TypeError for another number of arguments than it takes.
    fn check_count(&self, given: usize) -> PyResult<()> {
        check_count(self, given)
    }

    /// The result dtype of a dynamic kernel ("object": as the callable gives them); None for the others.
    #[getter]
    fn result(&self) -> Option<&'static str> {
        self.dynamic.map(DType::name)
    }

    /// Whether the results are kept as objects, to be given their dtype together.
    #[getter]
    fn joined(&self) -> bool {
        self.dynamic == Some(DType::Object)
    }

    /// One (inputs, outputs) pair of dtype names for each signature, in the order they are tried.
    #[getter]
    fn signatures(&self) -> Vec<(Vec<&'static str>, Vec<&'static str>)> {
        let names = |dtypes: &[DType]| dtypes.iter().map(|dtype| dtype.name()).collect();
        self.inner.signatures.iter().map(|s| (names(&s.inputs), names(&s.outputs))).collect()
    }
}
