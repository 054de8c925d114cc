//! Kernels written in Rust: the synthetic work that the benchmarks are measured with, and a probe for tests.

mod busy;
mod probe;

pub use busy::{busy_one, busy_work, cpu_level};
#[doc(hidden)]
pub use probe::{CALL_PROBE_SITES, call_probe, panic_probe};
