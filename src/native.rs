//! Machine code: loads object files that a printer and LLVM made, and calls them as chunk forms.
//!
//! See `docs/design/008-native-code.md`. An object imports nothing and exports functions of one signature; it is checked,
//! laid out, patched and mapped here, with memory never writable and executable at the same time.

mod abi;
mod chunk;
mod code;
mod cost;
mod kernel;
mod memory;
mod object;
mod past;
mod race;
mod scratch;
#[cfg(test)]
mod test;

pub use code::{Made, Native, Operand};
pub use kernel::{kernel, run};
pub use object::Refused;
pub use race::Measured;
