//! The block VM: bytecode that computes a typed op over a block of elements at a time.
//!
//! See `docs/design/007-block-vm.md`.

mod frame;
mod lanes;
mod math;
mod meaning;
mod number;
pub mod op;
mod reciprocal;
mod table;
mod types;

pub use math::math;
