//! The engines of a kernel of the kernel language: which of them a call gets, and when machine code is asked for.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

use super::kernel::{Argument, PyKernel};
use crate::kernel::SharedKernel;
use crate::native::{self, Made, Native, Operand};
use crate::tier::Tier;
use crate::topology::last_cache;
use crate::vm;

/// Time in the VM after which machine code is likely to pay, in ns: compiling takes some 100 ms beside the calls.
const HOT_NS: u64 = 5_000_000;
/// Elements of a call for which it is asked for before anything ran: 3 ms in the VM even where an element is cheap.
const MANY: u64 = 1 << 20;
/// Bytes that the caches are taken to hold where the system doesn't tell.
const CACHE: u64 = 32 << 20;

/// What a call wants to be run by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Engine {
    /// The best that there is.
    Auto,
    /// The block VM.
    Vm,
    /// Machine code.
    Native,
}

impl Engine {
    pub(crate) fn named(name: &Bound<'_, PyAny>) -> PyResult<Self> {
        let Ok(name) = name.cast::<PyString>() else {
            return Err(PyTypeError::new_err(format!("engine: must be a str, not {}", name.get_type().name()?)));
        };
        match &*name.to_string_lossy() {
            "auto" => Ok(Self::Auto),
            "vm" => Ok(Self::Vm),
            "native" => Ok(Self::Native),
            other => Err(PyValueError::new_err(format!("engine: '{other}' is not an engine of the core"))),
        }
    }
}

/// What a kernel of the kernel language can be run by.
pub(crate) struct Tiers {
    tier: Arc<Tier>,
    vm: OnceLock<SharedKernel>,
    native: OnceLock<SharedKernel>,
    /// What makes machine code; `hot(kernel)` is called once when that is likely to pay.
    plan: OnceLock<Py<PyAny>>,
    asked: AtomicBool,
}

impl Tiers {
    pub(super) fn new(tier: Arc<Tier>) -> Self {
        Self {
            tier,
            vm: OnceLock::new(),
            native: OnceLock::new(),
            plan: OnceLock::new(),
            asked: AtomicBool::new(false),
        }
    }

    /// What makes machine code.
    pub(super) fn plan(&self) -> Option<&Py<PyAny>> {
        self.plan.get()
    }

    fn is_due(&self, elements: u64) -> bool {
        !self.asked.load(Ordering::Relaxed)
            && self.native.get().is_none()
            && (elements >= MANY || self.tier.vm_ns() >= HOT_NS)
    }
}

impl PyKernel {
    /// What runs a call that wants this engine; `None` while its machine code isn't made yet.
    ///
    /// # Errors
    /// ValueError where there can't be any.
    pub(crate) fn by(&self, engine: Engine) -> PyResult<Option<&SharedKernel>> {
        let Some(tiers) = &self.tiers else {
            let text = || format!("engine: {} is never machine code", self.inner.name);
            return if engine == Engine::Native { Err(PyValueError::new_err(text())) } else { Ok(Some(&self.inner)) };
        };
        let vm = || vm::kernel(self.inner.name.clone(), Arc::clone(tiers.tier.program())).into();
        Ok(match engine {
            Engine::Auto => Some(tiers.native.get().unwrap_or(&self.inner)),
            Engine::Native => tiers.native.get(),
            Engine::Vm => Some(tiers.vm.get_or_init(vm)),
        })
    }

    /// The plan, if machine code is likely to pay and nobody has asked for it: for a call of so many elements that is to
    /// begin, or by what the VM has spent so far.
    pub(crate) fn due(&self, py: Python<'_>, elements: u64) -> Option<Py<PyAny>> {
        let tiers = self.tiers.as_ref().filter(|tiers| tiers.is_due(elements))?;
        let plan = tiers.plan.get()?;
        (!tiers.asked.swap(true, Ordering::Relaxed)).then(|| plan.clone_ref(py))
    }
}

/// Asks for machine code if it is due. The call goes on whatever comes of it.
pub(crate) fn heat(kernel: &Bound<'_, PyKernel>, elements: u64) {
    let py = kernel.py();
    let Some(plan) = kernel.get().due(py, elements) else { return };
    if let Err(error) = plan.call_method1(py, "hot", (kernel,)) {
        error.write_unraisable(py, Some(plan.bind(py)));
    }
}

/// The bytes that the last level of caches holds.
fn cache_bytes() -> u64 {
    static BYTES: OnceLock<u64> = OnceLock::new();
    *BYTES.get_or_init(|| last_cache().unwrap_or(CACHE))
}

impl Tiers {
    pub(super) fn set_plan(&self, plan: Py<PyAny>) -> PyResult<()> {
        self.plan.set(plan).map_err(|_| PyValueError::new_err("plan: the kernel has one already"))
    }

    /// Lets the plan be asked once more.
    pub(super) fn rearm(&self) {
        self.asked.store(false, Ordering::Relaxed);
    }

    /// Takes machine code; what comes second is dropped.
    pub(super) fn attach(&self, name: &str, native: Native) {
        let native = Arc::new(native);
        if self.native.set(native::kernel(name, Arc::clone(&native)).into()).is_ok() {
            self.tier.install(native);
        }
    }

    pub(super) fn vm_ns(&self) -> u64 {
        self.tier.vm_ns()
    }

    /// What is known of the machine code: a dict, or None where there is none.
    pub(super) fn describe<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyDict>>> {
        let Some(native) = self.tier.native() else { return Ok(None) };
        let measured = native.measured();
        let dict = PyDict::new(py);
        dict.set_item("width", native.width())?;
        dict.set_item("refills", native.refills())?;
        dict.set_item("streams_from", native.streams_from())?;
        dict.set_item("streams", native.streams())?;
        dict.set_item("bytes", native.bytes())?;
        dict.set_item("block_ns", measured.block_ns)?;
        dict.set_item("refill_ns", measured.refill_ns)?;
        Ok(Some(dict))
    }
}

impl PyKernel {
    pub(super) fn tiers(&self) -> PyResult<&Tiers> {
        let refuse = || PyValueError::new_err(format!("{} is not a kernel of the kernel language", self.inner.name));
        self.tiers.as_ref().ok_or_else(refuse)
    }

    /// What machine code of this kernel is made for.
    pub(super) fn made(&self, width: u64, stream_from: Option<u64>) -> Made {
        let scalar = |argument: &Argument| Operand { dtype: argument.dtype, uniform: argument.uniform };
        let scalars = self.arguments.iter().filter(|argument| argument.ndim.is_none());
        let tables = self.arguments.iter().filter_map(|argument| Some((argument.dtype, argument.ndim?)));
        Made {
            inputs: scalars.map(scalar).collect(),
            tables: tables.collect(),
            outputs: self.inner.signatures[0].outputs.clone(),
            width,
            stream_from: stream_from.unwrap_or_else(cache_bytes),
        }
    }
}
