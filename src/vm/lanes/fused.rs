//! Ops of three operands that round once.

use std::marker::PhantomData;

use super::level::Body;
use super::map::{Class, Source, Varying, opaque};
use crate::vm::frame::{Frame, Inst};
use crate::vm::number::{Float, Number};

/// How a product and a sum are made one operation.
pub(in crate::vm) trait Fma {
    type T: Float;
    fn apply(a: Self::T, b: Self::T, c: Self::T) -> Self::T;
}

/// By the instruction.
pub(in crate::vm) struct Hard<T>(PhantomData<T>);
/// By the library.
pub(in crate::vm) struct Soft<T>(PhantomData<T>);

macro_rules! fma {
    ($($ty:ident $soft:path),*) => {$(
        impl Fma for Hard<$ty> {
            type T = $ty;
            #[inline(always)]
            fn apply(a: $ty, b: $ty, c: $ty) -> $ty { a.mul_add(b, c) }
        }
        impl Fma for Soft<$ty> {
            type T = $ty;
            #[inline(always)]
            fn apply(a: $ty, b: $ty, c: $ty) -> $ty { $soft(a, b, c) }
        }
    )*};
}
fma!(f32 libm::fmaf, f64 libm::fma);

/// `fma` of a lane register with operands of classes `B` and `C`.
pub(in crate::vm) struct Three<O, B, C>(PhantomData<(O, B, C)>);

impl<O: Fma, B: Class, C: Class> Body for Three<O, B, C> {
    #[inline(always)]
    unsafe fn run(frame: &mut Frame<'_>, inst: &Inst) {
        // SAFETY: the row of this body says that all are of the op's type, `dst` and `a` lane registers, and of which
        // classes the others are.
        unsafe {
            let dst = frame.lanes::<O::T>(inst.dst).add(frame.lo);
            let a = Varying::of::<O::T>(frame, inst.a);
            let (b, c) = (B::of::<O::T>(frame, inst.b), C::of::<O::T>(frame, inst.c));
            let n = frame.hi - frame.lo;
            let mut i = 0;
            while i + 16 <= n {
                let (a, b, c) = (a.group::<16>(i), b.group::<16>(i), c.group::<16>(i));
                let mut r = [O::T::ZERO; 16];
                for k in 0..16 {
                    r[k] = O::apply(a[k], b[k], c[k]);
                }
                dst.add(i).cast::<[O::T; 16]>().write_unaligned(r);
                i = opaque(i + 16);
            }
            while i < n {
                dst.add(i).write(O::apply(a.group::<1>(i)[0], b.group::<1>(i)[0], c.group::<1>(i)[0]));
                i = opaque(i + 1);
            }
        }
    }
}

/// `fma` of uniform registers.
pub(in crate::vm) struct UniformThree<O>(PhantomData<O>);

impl<O: Fma> Body for UniformThree<O> {
    #[inline(always)]
    unsafe fn run(frame: &mut Frame<'_>, inst: &Inst) {
        // SAFETY: the row of this body says that all are uniform registers of the op's type.
        unsafe {
            let [a, b, c] = [inst.a, inst.b, inst.c].map(|field| frame.uniform::<O::T>(field));
            frame.set_uniform(inst.dst, O::apply(a, b, c));
        }
    }
}
