//! Ops that can't fault: one loop, instantiated for each op and each class of its operands.

use std::marker::PhantomData;

use super::level::Body;
use crate::vm::frame::{Frame, Inst};
use crate::vm::meaning::{Binary, Unary};
use crate::vm::types::Lane;

/// Where an operand's lanes come from.
pub(in crate::vm) trait Source<T: Lane>: Copy {
    /// `G` lanes from `i` on.
    ///
    /// # Safety
    /// They lie within the register.
    unsafe fn group<const G: usize>(self, i: usize) -> [T; G];
}

/// Lanes of a register, from the window's first one on.
#[derive(Clone, Copy)]
pub(in crate::vm) struct Lanes<T>(pub(in crate::vm) *const T);

impl<T: Lane> Source<T> for Lanes<T> {
    #[inline(always)]
    unsafe fn group<const G: usize>(self, i: usize) -> [T; G] {
        // SAFETY: the caller says that the lanes are within the register.
        unsafe { self.0.add(i).cast::<[T; G]>().read_unaligned() }
    }
}

/// One value for all lanes.
#[derive(Clone, Copy)]
pub(in crate::vm) struct Splat<T>(pub(in crate::vm) T);

impl<T: Lane> Source<T> for Splat<T> {
    #[inline(always)]
    unsafe fn group<const G: usize>(self, _: usize) -> [T; G] {
        [self.0; G]
    }
}

/// The class of an operand.
pub(in crate::vm) trait Class {
    type Of<T: Lane>: Source<T>;
    /// The operand that a field names.
    ///
    /// # Safety
    /// The field names a register of type `T` and of this class.
    unsafe fn of<T: Lane>(frame: &Frame<'_>, field: u32) -> Self::Of<T>;
}

/// A lane register.
pub(in crate::vm) struct Varying;

impl Class for Varying {
    type Of<T: Lane> = Lanes<T>;
    #[inline(always)]
    unsafe fn of<T: Lane>(frame: &Frame<'_>, field: u32) -> Lanes<T> {
        // SAFETY: the caller says that it is a lane register; the window lies within every register.
        Lanes(unsafe { frame.lanes::<T>(field).add(frame.lo) })
    }
}

/// A uniform register.
pub(in crate::vm) struct Uniform;

impl Class for Uniform {
    type Of<T: Lane> = Splat<T>;
    #[inline(always)]
    unsafe fn of<T: Lane>(frame: &Frame<'_>, field: u32) -> Splat<T> {
        // SAFETY: the caller says that it is a uniform register of this type.
        Splat(unsafe { frame.uniform::<T>(field) })
    }
}

/// Calls `$run` with how many lanes to compute together: 128 bytes of the widest type, 64 lanes at most, so that a few
/// vector operations overlap.
macro_rules! with_group {
    ($run:ident::<$($ty:ty),*>($($arg:expr),*); widest $a:ty, $b:ty) => {{
        let widest = if size_of::<$a>() > size_of::<$b>() { size_of::<$a>() } else { size_of::<$b>() };
        match widest {
            1 => $run::<$($ty,)* 64>($($arg),*),
            2 | 4 => $run::<$($ty,)* 32>($($arg),*),
            _ => $run::<$($ty,)* 16>($($arg),*),
        }
    }};
}
pub(super) use with_group;

/// The number, of which the compiler is told nothing: it would vectorise the loop over groups once more, or unroll the
/// loop over what is left, both to no gain.
#[inline(always)]
#[allow(unused_mut, reason = "without assembly it isn't changed")]
pub(super) fn opaque(mut i: usize) -> usize {
    #[cfg(all(any(target_arch = "x86_64", target_arch = "aarch64"), not(miri)))]
    // SAFETY: the assembly is empty.
    unsafe {
        std::arch::asm!("/* {0} */", inout(reg) i, options(pure, nomem, nostack, preserves_flags));
    }
    i
}

/// Stores `op` of each lane. A group is loaded whole before it is stored, because the result may overwrite an operand.
///
/// # Safety
/// `n` lanes can be loaded from `a` and stored at `dst`.
#[inline(always)]
pub(super) unsafe fn one<A: Lane, R: Lane, S: Source<A>, F: Fn(A) -> R, const G: usize>(
    dst: *mut R,
    a: S,
    n: usize,
    op: F,
) {
    let mut i = 0;
    while i + G <= n {
        // SAFETY: the group ends at or before `n`.
        unsafe {
            let a = a.group::<G>(i);
            let mut r = [R::default(); G];
            for k in 0..G {
                r[k] = op(a[k]);
            }
            dst.add(i).cast::<[R; G]>().write_unaligned(r);
        }
        i = opaque(i + G);
    }
    while i < n {
        // SAFETY: `i < n`.
        unsafe { dst.add(i).write_unaligned(op(a.group::<1>(i)[0])) };
        i = opaque(i + 1);
    }
}

/// The same for two operands.
///
/// # Safety
/// As [`one`].
#[inline(always)]
pub(super) unsafe fn two<A: Lane, R: Lane, SA: Source<A>, SB: Source<A>, F: Fn(A, A) -> R, const G: usize>(
    dst: *mut R,
    a: SA,
    b: SB,
    n: usize,
    op: F,
) {
    let mut i = 0;
    while i + G <= n {
        // SAFETY: the group ends at or before `n`.
        unsafe {
            let (a, b) = (a.group::<G>(i), b.group::<G>(i));
            let mut r = [R::default(); G];
            for k in 0..G {
                r[k] = op(a[k], b[k]);
            }
            dst.add(i).cast::<[R; G]>().write_unaligned(r);
        }
        i = opaque(i + G);
    }
    while i < n {
        // SAFETY: `i < n`.
        unsafe { dst.add(i).write_unaligned(op(a.group::<1>(i)[0], b.group::<1>(i)[0])) };
        i = opaque(i + 1);
    }
}

/// The same for three operands.
///
/// # Safety
/// As [`one`].
#[inline(always)]
pub(super) unsafe fn three<
    T: Lane,
    SA: Source<T>,
    SB: Source<T>,
    SC: Source<T>,
    F: Fn(T, T, T) -> T,
    const G: usize,
>(
    dst: *mut T,
    (a, b, c): (SA, SB, SC),
    n: usize,
    op: F,
) {
    let mut i = 0;
    while i + G <= n {
        // SAFETY: the group ends at or before `n`.
        unsafe {
            let (a, b, c) = (a.group::<G>(i), b.group::<G>(i), c.group::<G>(i));
            let mut r = [T::default(); G];
            for k in 0..G {
                r[k] = op(a[k], b[k], c[k]);
            }
            dst.add(i).cast::<[T; G]>().write_unaligned(r);
        }
        i = opaque(i + G);
    }
    while i < n {
        // SAFETY: `i < n`.
        unsafe { dst.add(i).write(op(a.group::<1>(i)[0], b.group::<1>(i)[0], c.group::<1>(i)[0])) };
        i = opaque(i + 1);
    }
}

/// An op of one lane register.
pub(in crate::vm) struct One<O>(PhantomData<O>);

impl<O: Unary> Body for One<O> {
    #[inline(always)]
    unsafe fn run(frame: &mut Frame<'_>, inst: &Inst) {
        // SAFETY: the row of this body says that `dst` and `a` are lane registers of the op's types.
        unsafe {
            let dst = frame.lanes::<O::R>(inst.dst).add(frame.lo);
            let a = Varying::of::<O::A>(frame, inst.a);
            let n = frame.padded - frame.lo;
            with_group!(one::<O::A, O::R, _, _>(dst, a, n, O::apply); widest O::A, O::R)
        }
    }
}

/// An op of two operands, of which one at least is a lane register.
pub(in crate::vm) struct Two<O, CA, CB>(PhantomData<(O, CA, CB)>);

impl<O: Binary, CA: Class, CB: Class> Body for Two<O, CA, CB> {
    #[inline(always)]
    unsafe fn run(frame: &mut Frame<'_>, inst: &Inst) {
        // SAFETY: the row of this body says that `dst` is a lane register and of which class `a` and `b` are.
        unsafe {
            let dst = frame.lanes::<O::R>(inst.dst).add(frame.lo);
            let (a, b) = (CA::of::<O::A>(frame, inst.a), CB::of::<O::A>(frame, inst.b));
            let n = frame.padded - frame.lo;
            with_group!(two::<O::A, O::R, _, _, _>(dst, a, b, n, O::apply); widest O::A, O::R)
        }
    }
}

/// An op of one uniform register.
pub(in crate::vm) struct UniformOne<O>(PhantomData<O>);

impl<O: Unary> Body for UniformOne<O> {
    #[inline(always)]
    unsafe fn run(frame: &mut Frame<'_>, inst: &Inst) {
        // SAFETY: the row of this body says that both are uniform registers of the op's types.
        unsafe { frame.set_uniform(inst.dst, O::apply(frame.uniform(inst.a))) }
    }
}

/// An op of two uniform registers.
pub(in crate::vm) struct UniformTwo<O>(PhantomData<O>);

impl<O: Binary> Body for UniformTwo<O> {
    #[inline(always)]
    unsafe fn run(frame: &mut Frame<'_>, inst: &Inst) {
        // SAFETY: the row of this body says that all are uniform registers of the op's types.
        unsafe { frame.set_uniform(inst.dst, O::apply(frame.uniform(inst.a), frame.uniform(inst.b))) }
    }
}
