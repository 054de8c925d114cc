//! The loops over lanes: raw register memory, vectorised for each instruction set.
//!
//! All `unsafe` of the VM is below this module. The evidence that makes it sound is a verified program: its register
//! numbers are in range and of the types that each op's row says, and a frame is made for the program that it runs.

pub(super) mod call;
pub(super) mod checked;
pub(super) mod convert;
pub(super) mod divide;
pub(super) mod due;
pub(super) mod elements;
pub(super) mod fused;
pub(super) mod level;
pub(super) mod map;
pub(super) mod masks;
pub(super) mod memory;
pub(super) mod moves;
pub(super) mod pairs;
