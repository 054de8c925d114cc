//! Ops that move lanes: copies, selections, inputs, results, table elements.

use std::marker::PhantomData;

use super::level::Body;
use super::map::{Class, Lanes, Source, Varying, opaque, with_group};
use crate::vm::frame::{EVERY, Frame, Inst};
use crate::vm::number::Int;
use crate::vm::types::{Bool, Lane};

/// Stores `b` or `c`, as `a` says.
///
/// # Safety
/// `n` lanes can be loaded from the operands and stored at `dst`.
#[inline(always)]
unsafe fn choose<T: Lane, SA: Source<Bool>, SB: Source<T>, SC: Source<T>, const G: usize>(
    dst: *mut T,
    (a, b, c): (SA, SB, SC),
    n: usize,
) {
    let mut i = 0;
    while i + G <= n {
        // SAFETY: the group ends at or before `n`.
        unsafe {
            let (a, b, c) = (a.group::<G>(i), b.group::<G>(i), c.group::<G>(i));
            let mut r = [T::default(); G];
            for k in 0..G {
                r[k] = if a[k].0 != 0 { b[k] } else { c[k] };
            }
            dst.add(i).cast::<[T; G]>().write_unaligned(r);
        }
        i = opaque(i + G);
    }
    while i < n {
        // SAFETY: `i < n`.
        unsafe {
            let value = if a.group::<1>(i)[0].0 != 0 { b.group::<1>(i)[0] } else { c.group::<1>(i)[0] };
            dst.add(i).write(value);
        }
        i = opaque(i + 1);
    }
}

/// `select`: `b` where `a`, else `c`.
pub(in crate::vm) struct Select<T, CB, CC>(PhantomData<(T, CB, CC)>);

impl<T: Lane, CB: Class, CC: Class> Body for Select<T, CB, CC> {
    #[inline(always)]
    unsafe fn run(frame: &mut Frame<'_>, inst: &Inst) {
        // SAFETY: the row of this body says that `dst` is a lane register of type T, `a` one of bools, and of which class
        // `b` and `c` are.
        unsafe {
            let dst = frame.lanes::<T>(inst.dst).add(frame.lo);
            let operands = (Varying::of::<Bool>(frame, inst.a), CB::of::<T>(frame, inst.b), CC::of::<T>(frame, inst.c));
            let n = frame.padded - frame.lo;
            with_group!(choose::<T, _, _, _>(dst, operands, n); widest T, T)
        }
    }
}

/// `select` of uniform registers.
pub(in crate::vm) struct UniformSelect<T>(PhantomData<T>);

impl<T: Lane> Body for UniformSelect<T> {
    #[inline(always)]
    unsafe fn run(frame: &mut Frame<'_>, inst: &Inst) {
        // SAFETY: the row of this body says that all are uniform registers, `a` of bools, the others of type T.
        unsafe {
            let from = if frame.uniform::<Bool>(inst.a).0 != 0 { inst.b } else { inst.c };
            frame.set_uniform(inst.dst, frame.uniform::<T>(from));
        }
    }
}

/// `mov`: lanes from `a`.
pub(in crate::vm) struct Mov<T, C>(PhantomData<(T, C)>);

impl<T: Lane, C: Class> Body for Mov<T, C> {
    #[inline(always)]
    unsafe fn run(frame: &mut Frame<'_>, inst: &Inst) {
        // SAFETY: the row of this body says that `dst` is a lane register of type T and of which class `a` is.
        unsafe {
            let dst = frame.lanes::<T>(inst.dst).add(frame.lo);
            let a = C::of::<T>(frame, inst.a);
            let n = frame.padded - frame.lo;
            with_group!(copy::<T, _>(dst, a, n); widest T, T)
        }
    }
}

/// Stores the lanes of `a`.
///
/// # Safety
/// `n` lanes can be loaded and stored.
#[inline(always)]
unsafe fn copy<T: Lane, S: Source<T>, const G: usize>(dst: *mut T, a: S, n: usize) {
    let mut i = 0;
    while i + G <= n {
        // SAFETY: the group ends at or before `n`.
        unsafe { dst.add(i).cast::<[T; G]>().write_unaligned(a.group::<G>(i)) };
        i = opaque(i + G);
    }
    while i < n {
        // SAFETY: `i < n`.
        unsafe { dst.add(i).write(a.group::<1>(i)[0]) };
        i = opaque(i + 1);
    }
}

/// Stores the lanes of `a` that are in the mask. Most groups have none where few lanes leave a loop: these are passed over.
///
/// # Safety
/// `n` lanes can be loaded from the operands and from `dst`, and stored there.
#[inline(always)]
unsafe fn overwrite<T: Int, S: Source<T>, const G: usize>(dst: *mut T, a: S, mask: Lanes<Bool>, n: usize) {
    let old = Lanes(dst.cast_const());
    let mut i = 0;
    while i + G <= n {
        // SAFETY: the group ends at or before `n`.
        unsafe {
            let mask = mask.group::<G>(i);
            if mask.iter().fold(0, |any, lane| any | lane.0) != 0 {
                let (a, old) = (a.group::<G>(i), old.group::<G>(i));
                let mut r = [T::ZERO; G];
                for k in 0..G {
                    // Not a selection: compilers make a masked store of one that keeps what is there, and AMD's
                    // processors take over ten cycles for each vector of it.
                    r[k] = old[k].xor(a[k].xor(old[k]).and(T::of_bit(mask[k].0).neg()));
                }
                dst.add(i).cast::<[T; G]>().write_unaligned(r);
            }
        }
        i = opaque(i + G);
    }
    while i < n {
        // SAFETY: `i < n`.
        unsafe {
            if mask.group::<1>(i)[0].0 != 0 {
                dst.add(i).write(a.group::<1>(i)[0]);
            }
        }
        i = opaque(i + 1);
    }
}

/// `movm`: the masked lanes alone.
pub(in crate::vm) struct MovMasked<T, C>(PhantomData<(T, C)>);

impl<T: Int, C: Class> Body for MovMasked<T, C> {
    #[inline(always)]
    unsafe fn run(frame: &mut Frame<'_>, inst: &Inst) {
        if inst.c == EVERY {
            // SAFETY: the fields but for the mask are those of `Mov`.
            return unsafe { Mov::<T, C>::run(frame, inst) };
        }
        // SAFETY: the row of this body says that `dst` is a lane register of type T, of which class `a` is, `c` a mask.
        unsafe {
            let dst = frame.lanes::<T>(inst.dst).add(frame.lo);
            let (a, mask) = (C::of::<T>(frame, inst.a), frame.mask(inst.c));
            let n = frame.padded - frame.lo;
            with_group!(overwrite::<T, _>(dst, a, mask, n); widest T, T)
        }
    }
}

/// The value of a uniform register in another.
pub(in crate::vm) struct UniformMov<T>(PhantomData<T>);

impl<T: Lane> Body for UniformMov<T> {
    #[inline(always)]
    unsafe fn run(frame: &mut Frame<'_>, inst: &Inst) {
        // SAFETY: the row of this body says that both are uniform registers of type T.
        unsafe { frame.set_uniform(inst.dst, frame.uniform::<T>(inst.a)) }
    }
}
