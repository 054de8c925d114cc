//! One and two arguments: calls compiled for each combination of dtypes.

use std::mem::transmute;

use super::Call;
use crate::buffer::Element;
use crate::kernel::{Ctx, Status};

// "C-unwind", although foreign functions promise not to unwind: a C++ exception that breaks the promise then ends the
// process at the runtime's panic barrier with a message, instead of being undefined behaviour here.
struct Unary<A, R>(unsafe extern "C-unwind" fn(A) -> R);
struct Binary<A, B, R>(unsafe extern "C-unwind" fn(A, B) -> R);

/// A call with one argument.
///
/// # Safety
/// The function at `address` is as [`super::foreign`] demands, with the signature `R(A)`.
pub(super) unsafe fn unary<A: Element, R: Element>(address: usize) -> Call {
    // SAFETY: the caller promises that a function of this very type is at `address`.
    let function = Unary(unsafe { transmute::<*const (), unsafe extern "C-unwind" fn(A) -> R>(address as *const ()) });
    Call { element: unary_element::<A, R>, chunk: unary_chunk::<A, R>, user: Box::new(function) }
}

/// A call with two arguments.
///
/// # Safety
/// The function at `address` is as [`super::foreign`] demands, with the signature `R(A, B)`.
pub(super) unsafe fn binary<A: Element, B: Element, R: Element>(address: usize) -> Call {
    // SAFETY: as in `unary`.
    let function =
        Binary(unsafe { transmute::<*const (), unsafe extern "C-unwind" fn(A, B) -> R>(address as *const ()) });
    Call { element: binary_element::<A, B, R>, chunk: binary_chunk::<A, B, R>, user: Box::new(function) }
}

extern "C-unwind" fn unary_element<A: Element, R: Element>(ctx: &Ctx<'_>, index: u64) -> Status {
    let function = ctx.user::<Unary<A, R>>().0;
    // SAFETY: `unary`'s caller promised that the function takes and returns these types.
    ctx.outputs()[0].write(index, unsafe { function(ctx.inputs()[0].read(index)) });
    Status::DONE
}

extern "C-unwind" fn unary_chunk<A: Element, R: Element>(ctx: &Ctx<'_>, begin: u64, end: u64) -> Status {
    let function = ctx.user::<Unary<A, R>>().0;
    // Copies of the views: the compiler knows that the calls don't change them, and checks dtypes once.
    let (a, out) = (ctx.inputs()[0], ctx.outputs()[0]);
    for index in begin..end {
        if ctx.control().poll_at(index) {
            return Status::STOPPED;
        }
        // SAFETY: as in `unary_element`.
        out.write(index, unsafe { function(a.read(index)) });
    }
    Status::DONE
}

extern "C-unwind" fn binary_element<A: Element, B: Element, R: Element>(ctx: &Ctx<'_>, index: u64) -> Status {
    let function = ctx.user::<Binary<A, B, R>>().0;
    let (a, b) = (&ctx.inputs()[0], &ctx.inputs()[1]);
    // SAFETY: `binary`'s caller promised that the function takes and returns these types.
    ctx.outputs()[0].write(index, unsafe { function(a.read(index), b.read(index)) });
    Status::DONE
}

extern "C-unwind" fn binary_chunk<A: Element, B: Element, R: Element>(ctx: &Ctx<'_>, begin: u64, end: u64) -> Status {
    let function = ctx.user::<Binary<A, B, R>>().0;
    let (a, b, out) = (ctx.inputs()[0], ctx.inputs()[1], ctx.outputs()[0]);
    for index in begin..end {
        if ctx.control().poll_at(index) {
            return Status::STOPPED;
        }
        // SAFETY: as in `binary_element`.
        out.write(index, unsafe { function(a.read(index), b.read(index)) });
    }
    Status::DONE
}
