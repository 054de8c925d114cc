//! Three to eight arguments where `registers.rs` does not serve: calls through libffi, which lays the arguments out at
//! run time. Tests run it everywhere.

use std::cell::Cell;
use std::ffi::c_void;

use ::libffi::low::{CodePtr, call};
use ::libffi::middle::{Cif, Type};

use super::Call;
use super::signature::{MAX_ARGUMENTS, unknown_dtype};
use crate::buffer::{DType, Element, View};
use crate::error::{Error, Result};
use crate::kernel::{Ctx, Signature, Status};

/// A function and libffi's description of how to call it, prepared once.
struct Nary {
    function: CodePtr,
    inputs: Vec<DType>,
    cif: Cif,
}

// SAFETY: a prepared Cif is plain data that `ffi_call` only reads, and owns the type descriptions it points to; the
// function may be called from any thread, as `foreign` demands.
unsafe impl Send for Nary {}
// SAFETY: as above.
unsafe impl Sync for Nary {}

/// A call with as many arguments as `signature` has.
///
/// # Errors
/// [`Error::InvalidArgument`] for a dtype that C functions are not called with, [`Error::Unsupported`] if libffi
/// refuses the signature.
///
/// # Safety
/// The function at `address` is as [`super::foreign`] demands, with this signature of at most eight arguments.
pub(super) unsafe fn nary(address: usize, signature: &Signature) -> Result<Call> {
    let output = signature.outputs[0];
    let arguments = signature.inputs.iter().map(|dtype| ffi_type(*dtype)).collect::<Result<Vec<_>>>()?;
    let cif = Cif::try_new(arguments, ffi_type(output)?)
        .map_err(|error| Error::Unsupported(format!("libffi can't call a function {signature}: {error:?}")))?;
    let function = CodePtr::from_ptr(address as *const c_void);
    let user = Box::new(Nary { function, inputs: signature.inputs.clone(), cif });
    by_dtype!(output, R => Ok(Call { element: element::<R>, chunk: chunk::<R>, user }))
}

fn ffi_type(dtype: DType) -> Result<Type> {
    Ok(match dtype {
        DType::Int32 => Type::i32(),
        DType::Int64 => Type::i64(),
        DType::UInt32 => Type::u32(),
        DType::UInt64 => Type::u64(),
        DType::Float32 => Type::f32(),
        DType::Float64 => Type::f64(),
        other => return Err(unknown_dtype(other.name())),
    })
}

/// One argument, as C lays it out.
#[derive(Clone, Copy)]
#[repr(C)]
union Slot {
    int32: i32,
    int64: i64,
    uint32: u32,
    uint64: u64,
    float32: f32,
    float64: f64,
}

impl Slot {
    /// Element `index` of `view`, whose dtype must be `dtype`.
    #[inline]
    fn read(dtype: DType, view: &View<'_>, index: u64) -> Self {
        match dtype {
            DType::Int32 => Self { int32: view.read(index) },
            DType::Int64 => Self { int64: view.read(index) },
            DType::UInt32 => Self { uint32: view.read(index) },
            DType::UInt64 => Self { uint64: view.read(index) },
            DType::Float32 => Self { float32: view.read(index) },
            DType::Float64 => Self { float64: view.read(index) },
            other => unreachable!("`ffi_type` has refused {other}"),
        }
    }
}

extern "C-unwind" fn element<R: Element>(ctx: &Ctx<'_>, index: u64) -> Status {
    run::<R>(ctx, index, index + 1, |_| false)
}

extern "C-unwind" fn chunk<R: Element>(ctx: &Ctx<'_>, begin: u64, end: u64) -> Status {
    run::<R>(ctx, begin, end, |index| ctx.control().poll_at(index))
}

/// Calls the function for `[begin, end)`, with all of its arguments in slots on the stack.
#[inline]
fn run<R: Element>(ctx: &Ctx<'_>, begin: u64, end: u64, stopped: impl Fn(u64) -> bool) -> Status {
    let Nary { function, inputs, cif } = ctx.user::<Nary>();
    let slots = [const { Cell::new(Slot { uint64: 0 }) }; MAX_ARGUMENTS];
    let mut pointers = slots.each_ref().map(|slot| slot.as_ptr().cast::<c_void>());
    let (views, out) = (&ctx.inputs()[..inputs.len()], ctx.outputs()[0]);
    for index in begin..end {
        if stopped(index) {
            return Status::STOPPED;
        }
        for ((slot, dtype), view) in slots.iter().zip(inputs).zip(views) {
            slot.set(Slot::read(*dtype, view, index));
        }
        // SAFETY: `nary`'s caller promised that the function has this signature, of which `R` is the result; `cif` was
        // prepared for it and has as many arguments as `inputs`, at most one for each pointer; slots hold values of
        // these types, aligned for the widest, and outlive the call. libffi widens small integer results to a
        // register, which `low::call` narrows.
        let value = unsafe { call::<R>(cif.as_raw_ptr(), *function, pointers.as_mut_ptr()) };
        out.write(index, value);
    }
    Status::DONE
}
