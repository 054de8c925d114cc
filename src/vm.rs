//! The block VM: bytecode that computes a typed op over a block of elements at a time.
//!
//! See `docs/design/007-block-vm.md`.

mod frame;
mod kernel;
mod lanes;
mod meaning;
mod number;
pub mod op;
mod program;
mod reciprocal;
mod run;
mod table;
mod types;
mod verify;

pub use kernel::kernel;
pub use program::{Draft, Input, Program, TableInput};
pub use run::run;
pub use verify::Malformed;
