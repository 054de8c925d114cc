//! hybrid_rs: one small function over millions of elements, on every core.
//!
//! The tree follows the data: `buffer` (views of arrays) → `kernel` (the chunk interface) → `builtin`, `foreign` (what
//! computes) and `sched` (who computes which range) → `paths` (their names), `run`, `home`, `job`, `dispatch` (the Runtime) → `py` (the Python
//! module, behind the feature `python`).

pub mod buffer;
pub mod builtin;
pub mod call;
pub mod dispatch;
pub mod error;
pub mod flags;
pub mod foreign;
mod home;
mod job;
pub mod kernel;
pub mod metrics;
pub mod native;
pub mod paths;
#[cfg(feature = "python")]
mod py;
mod run;
pub mod sched;
pub mod tier;
pub mod topology;
pub mod vm;
