//! Foreign kernels: a C function of a few scalars, given as an address and a signature.
//!
//! One and two arguments are called directly, by code compiled for each combination of dtypes; three to eight by
//! loading all argument registers, or through libffi where that is not written for the platform. Why, and what each
//! costs: `docs/design/003-foreign-functions.md`.

#[macro_use]
mod signature;

mod address;
mod direct;
#[cfg(any(test, not(all(target_arch = "x86_64", unix))))]
mod libffi;
#[cfg(all(target_arch = "x86_64", unix))]
mod registers;

#[cfg(test)]
mod test;

pub use signature::parse_signature;

#[cfg(not(all(target_arch = "x86_64", unix)))]
use libffi::nary;
#[cfg(all(target_arch = "x86_64", unix))]
use registers::nary;

use std::any::Any;

use crate::error::{Error, Result};
use crate::kernel::{ChunkFn, ElementFn, Kernel, Signature};

/// A kernel that calls the C function at `address`; [`parse_signature`] makes the signature.
///
/// Its chunk form is a loop over the pointer that looks at the stop flag before every call and polls in full at every
/// 32nd, since nobody knows how long one takes.
///
/// # Errors
/// [`Error::InvalidArgument`] if the address is null or, where the system tells, not in executable memory; or if the
/// signature is not one of [`parse_signature`]'s.
///
/// # Safety
/// As long as the kernel lives there is a function at `address` with exactly this signature in the platform's C calling
/// convention. It takes no variable arguments, may be called from any threads at the same time, and never unwinds or
/// jumps out.
pub unsafe fn foreign(name: &str, address: usize, signature: Signature) -> Result<Kernel> {
    address::check(address)?;
    signature::check(&signature)?;
    let output = signature.outputs[0];
    // SAFETY: the caller's promise is that of the three constructors, and the dtypes are read off the same signature.
    let call = unsafe {
        match *signature.inputs {
            [a] => by_dtype!(a, A => by_dtype!(output, R => direct::unary::<A, R>(address))),
            [a, b] => {
                by_dtype!(a, A => by_dtype!(b, B => by_dtype!(output, R => direct::binary::<A, B, R>(address))))
            }
            _ => nary(address, &signature)?,
        }
    };
    Ok(call.into_kernel(name, signature))
}

/// What makes a kernel of a way to call a function.
struct Call {
    element: ElementFn,
    chunk: ChunkFn,
    user: Box<dyn Any + Send + Sync>,
}

impl Call {
    fn into_kernel(self, name: &str, signature: Signature) -> Kernel {
        let mut kernel = Kernel::new(name, vec![signature], self.element).with_chunk(self.chunk, 1);
        kernel.user = Some(self.user);
        kernel
    }
}

/// An address as `pointer:` messages show it.
fn pointer_error(address: usize, what: &str) -> Error {
    Error::invalid("pointer", format!("{address:#x} {what}"))
}
