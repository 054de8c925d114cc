//! Machine code as a kernel of the chunk interface.

use std::sync::Arc;

use super::chunk::Chunk;
use super::code::Native;
use super::race::LEAST_BLOCKS;
use super::scratch::Scratch;
use crate::kernel::{Ctx, Kernel, Signature, Status};

/// Elements that chunks are multiples of: flags of neighbouring chunks lie in different cache lines, and blocks are whole.
const TILE: u64 = 64;

/// The kernel that runs machine code.
#[must_use]
pub fn kernel(name: impl Into<String>, native: Arc<Native>) -> Kernel {
    let signature = Signature {
        inputs: native.made.inputs.iter().map(|input| input.dtype).collect(),
        outputs: native.made.outputs.clone(),
    };
    // A width need not be a power of two: the least multiple of both.
    let common = TILE.min(1 << native.width().trailing_zeros());
    let (tile, refills) = (native.width() / common * TILE, native.refills());
    let least = if refills { LEAST_BLOCKS * native.width() } else { 1 };
    let mut kernel = Kernel::new(name, vec![signature], element).with_chunk(chunk, tile).with_user(native);
    (kernel.refills, kernel.least) = (refills, least);
    kernel.masks_faults = true;
    kernel.counts_steps = true;
    kernel
}

extern "C-unwind" fn element(ctx: &Ctx<'_>, index: u64) -> Status {
    run(ctx.user::<Arc<Native>>(), ctx, index, index + 1)
}

extern "C-unwind" fn chunk(ctx: &Ctx<'_>, begin: u64, end: u64) -> Status {
    run(ctx.user::<Arc<Native>>(), ctx, begin, end)
}

/// Computes the elements `[begin, end)` of a batch whose operands are of the types that the code was made for.
///
/// # Panics
/// If they are of other types.
#[must_use]
pub fn run(native: &Native, ctx: &Ctx<'_>, begin: u64, end: u64) -> Status {
    if begin >= end {
        return Status::DONE;
    }
    let mut scratch = Scratch::take();
    let status = Chunk::new(native, ctx, &mut scratch).run(begin, end);
    scratch.keep();
    status
}
