//! The Python module `hybrid_rs._core`: the only place that knows Python.

mod arrays;
mod dispatcher;
mod dynamic;
mod errors;
mod guard;
mod host;
mod kernel;
mod metrics;
mod prepare;
mod process;
mod runtime;
mod tiers;
mod turn;
mod vm;
mod weak;

use pyo3::prelude::*;

/// The compiled part of hybrid_rs; the package's Python modules are its public face.
#[pymodule(name = "_core")]
fn core(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add("HYBRID_EXEC", cfg!(feature = "hybrid-exec"))?;
    module.add("HYBRID_LITE", cfg!(feature = "hybrid-lite"))?;
    module.add_class::<kernel::PyKernel>()?;
    module.add_class::<guard::Guards>()?;
    module.add_class::<dispatcher::Specialisation>()?;
    module.add_class::<dispatcher::Dispatcher>()?;
    module.add_class::<runtime::PyRuntime>()?;
    module.add_function(wrap_pyfunction!(runtime::chunk_size, module)?)?;
    module.add_function(wrap_pyfunction!(runtime::paths, module)?)?;
    module.add_function(wrap_pyfunction!(runtime::policies, module)?)?;
    module.add_function(wrap_pyfunction!(runtime::cpu_level, module)?)?;
    arrays::look_up(module.py())?;
    process::register(module)?;
    vm::register(module)?;
    host::register(module)
}
