//! A program as a kernel of the chunk interface.

use std::sync::Arc;

use super::program::Program;
use super::run::run;
use crate::kernel::{Ctx, Kernel, Signature, Status};

/// Elements that chunks are multiples of, at most: a block of fewer lanes than it could have costs a little more, and
/// leaves more chunks to share out.
const TILE: usize = 256;
/// The kernel that runs `program`.
#[must_use]
pub fn kernel(name: impl Into<String>, program: impl Into<Arc<Program>>) -> Kernel {
    let program: Arc<Program> = program.into();
    let signature = Signature {
        inputs: program.inputs.iter().map(|input| input.dtype).collect(),
        outputs: program.outputs.clone(),
    };
    let tile = program.lanes.min(TILE) as u64;
    let (lanes, refills) = (program.lanes as u64, program.refill.is_some());
    let mut kernel = Kernel::new(name, vec![signature], element).with_chunk(chunk, tile).with_user(program);
    if refills {
        kernel.refills = true;
        // With less, no block would be full.
        kernel.least = lanes;
    }
    kernel.masks_faults = true;
    kernel.counts_steps = true;
    kernel
}

extern "C-unwind" fn element(ctx: &Ctx<'_>, index: u64) -> Status {
    run(ctx.user::<Arc<Program>>(), ctx, index, index + 1)
}

extern "C-unwind" fn chunk(ctx: &Ctx<'_>, begin: u64, end: u64) -> Status {
    run(ctx.user::<Arc<Program>>(), ctx, begin, end)
}
