//! Three to eight arguments on x86-64 (System V): calls with all argument registers loaded, whatever the signature.
//!
//! In this calling convention the n-th integer argument goes to the n-th integer register and the n-th float to the
//! n-th vector register, however the two alternate; integers past the sixth go to the stack, eight bytes each, in
//! order. Registers that a function takes no argument in may hold anything, and the caller cleans the stack. So one
//! piece of assembly that loads six integer registers, eight vector registers and two stack words calls every function
//! of up to eight arguments. Source: System V ABI, AMD64 supplement, 3.2.3 (parameter passing).

use std::arch::asm;

use super::Call;
use super::signature::MAX_ARGUMENTS;
use crate::buffer::{Element, View};
use crate::error::Result;
use crate::kernel::{Ctx, Signature, Status};

/// Places for arguments: eight for integers (six registers, two stack words), then the eight vector registers.
const PLACES: usize = 2 * MAX_ARGUMENTS;

/// Elements whose arguments are loaded together. 16 places of 32 elements are 4 KiB of stack.
const TILE: usize = 32;

/// A value as a 64-bit register holds it.
trait Register: Element {
    /// Whether it travels in vector registers.
    const FLOAT: bool;
    fn to_register(self) -> u64;
    fn from_register(register: u64) -> Self;
}

macro_rules! registers {
    ($($ty:ty, $float:literal, $to:expr, $from:expr;)*) => {$(
        impl Register for $ty {
            const FLOAT: bool = $float;
            #[inline]
            fn to_register(self) -> u64 {
                $to(self)
            }
            #[inline]
            fn from_register(register: u64) -> Self {
                $from(register)
            }
        }
    )*};
}
// The convention leaves the upper half of an int32 open; extended, it suits callees that rely on more than they should.
registers! {
    i32, false, |value| i64::from(value).cast_unsigned(), |register| register as i32;
    u32, false, u64::from, |register| register as u32;
    i64, false, i64::cast_unsigned, u64::cast_signed;
    u64, false, std::convert::identity, std::convert::identity;
    f32, true, |value: f32| u64::from(value.to_bits()), |register| f32::from_bits(register as u32);
    f64, true, f64::to_bits, f64::from_bits;
}

/// How one argument gets to its place. Functions by pointer: a jump on the dtype in their stead cost 10 ns an argument.
struct Argument {
    place: usize,
    read: fn(&View<'_>, u64) -> u64,
    load: fn(&View<'_>, u64, &mut [u64]),
}

impl Argument {
    fn new<T: Register>(place: usize) -> Self {
        Self { place, read: |view, index| view.read::<T>(index).to_register(), load: load::<T> }
    }
}

/// A function and where its arguments go.
struct Nary {
    address: usize,
    arguments: Vec<Argument>,
}

/// A call with as many arguments as `signature` has.
///
/// # Errors
/// [`crate::error::Error::InvalidArgument`] for a dtype that C functions are not called with.
///
/// # Safety
/// The function at `address` is as [`super::foreign`] demands, with this signature of at most eight arguments.
pub(super) unsafe fn nary(address: usize, signature: &Signature) -> Result<Call> {
    let (mut integers, mut floats) = (0, MAX_ARGUMENTS);
    let mut arguments = Vec::with_capacity(signature.inputs.len());
    for dtype in &signature.inputs {
        by_dtype!(*dtype, T => {
            let next = if T::FLOAT { &mut floats } else { &mut integers };
            arguments.push(Argument::new::<T>(*next));
            *next += 1;
        });
    }
    let user = Box::new(Nary { address, arguments });
    by_dtype!(signature.outputs[0], R => Ok(Call { element: element::<R>, chunk: chunk::<R>, user }))
}

extern "C-unwind" fn element<R: Register>(ctx: &Ctx<'_>, index: u64) -> Status {
    let Nary { address, arguments } = ctx.user::<Nary>();
    let views = &ctx.inputs()[..arguments.len()];
    let mut places = [0; PLACES];
    for (argument, view) in arguments.iter().zip(views) {
        places[argument.place] = (argument.read)(view, index);
    }
    // SAFETY: `nary`'s caller promised a function with this signature at this address; `places` holds its arguments
    // where the convention wants them.
    ctx.outputs()[0].write(index, unsafe { call::<R>(*address, |place| places[place]) });
    Status::DONE
}

extern "C-unwind" fn chunk<R: Register>(ctx: &Ctx<'_>, begin: u64, end: u64) -> Status {
    let Nary { address, arguments } = ctx.user::<Nary>();
    let (views, out) = (&ctx.inputs()[..arguments.len()], ctx.outputs()[0]);
    let mut places = [[0; TILE]; PLACES];
    for tile in (begin..end).step_by(TILE) {
        let count = TILE.min((end - tile) as usize);
        for (argument, view) in arguments.iter().zip(views) {
            (argument.load)(view, tile, &mut places[argument.place][..count]);
        }
        for (at, index) in (tile..tile + count as u64).enumerate() {
            if ctx.control().poll_at(index) {
                return Status::STOPPED;
            }
            // SAFETY: as in `element`.
            out.write(index, unsafe { call::<R>(*address, |place| places[place][at]) });
        }
    }
    Status::DONE
}

/// Loads the elements from `begin` on of `view` as registers hold them; at most [`TILE`].
fn load<T: Register>(view: &View<'_>, begin: u64, row: &mut [u64]) {
    let mut tile = [T::default(); TILE];
    let tile = &mut tile[..row.len()];
    view.load(begin, tile);
    row.iter_mut().zip(tile).for_each(|(slot, value)| *slot = value.to_register());
}

/// Calls the function at `address`.
///
/// # Safety
/// There is a function of the System V convention at `address`, with no variable arguments, that returns an `R`, may be
/// called here and does not unwind; `argument` has all of its arguments.
#[inline]
unsafe fn call<R: Register>(address: usize, argument: impl Fn(usize) -> u64) -> R {
    let (integer, float): (u64, f64);
    let vector = |n: usize| f64::from_bits(argument(MAX_ARGUMENTS + n));
    // SAFETY: the stack is aligned for a call on entry and two words keep it so; they are taken off again; all that the
    // convention lets a function change is listed. The rest is the caller's promise.
    unsafe {
        asm!(
            "push r11",
            "push r10",
            "call rax",
            "add rsp, 16",
            inlateout("rax") address as u64 => integer,
            in("rdi") argument(0),
            in("rsi") argument(1),
            in("rdx") argument(2),
            in("rcx") argument(3),
            in("r8") argument(4),
            in("r9") argument(5),
            in("r10") argument(6),
            in("r11") argument(7),
            inlateout("xmm0") vector(0) => float,
            in("xmm1") vector(1),
            in("xmm2") vector(2),
            in("xmm3") vector(3),
            in("xmm4") vector(4),
            in("xmm5") vector(5),
            in("xmm6") vector(6),
            in("xmm7") vector(7),
            clobber_abi("sysv64"),
        );
    }
    R::from_register(if R::FLOAT { float.to_bits() } else { integer })
}
