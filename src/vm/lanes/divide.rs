//! Integer division: by a uniform divisor through its reciprocal, lane by lane through floats where they are exact.
//!
//! For integers of at most 16 bits in float32 and of 32 bits in float64, the rounded quotient of a by b, truncated, is
//! the truncated quotient. For positive ones: let q be the floor of a / b. Rounding is monotone, so that the result is
//! at least q, and it is less than q + 1 unless a / b lies within half a spacing of floats below q + 1. The distance is
//! at least 1 / b, half a spacing at most (q + 1) / 2^p with p the bits of the significand (24, 53), and b (q + 1) is at
//! most a + b, which is less than 2^p. With signs, all this holds for the magnitudes.

use std::marker::PhantomData;

use super::checked::check;
use super::level::{Body, Levels};
use super::map::{Class, Uniform, Varying, one, two, with_group};
use crate::vm::frame::{Frame, Inst};
use crate::vm::meaning::{FloorQuot, FloorRem, Quot, Refuses2, Rem};
use crate::vm::number::{Int, Number};
use crate::vm::reciprocal::Reciprocal;

/// How integers are divided fast.
pub(in crate::vm) trait Divide: Int {
    /// The truncating quotient; anything for a zero divisor.
    fn lane_quot(self, other: Self) -> Self;
    /// The truncating quotient by the magnitude of the divisor whose reciprocal is given.
    fn times(self, reciprocal: Reciprocal) -> Self;
}

macro_rules! divide {
    ($($ty:ident $wide:ident $float:ident $signed:tt),*) => {$(
        impl Divide for $ty {
            #[inline(always)]
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_lossless)]
            fn lane_quot(self, other: Self) -> Self {
                // MIN / -1 would not fit, and a divisor of 0 has no quotient: both are divided by 1.
                let minus = $signed && other == (0 as $ty).wrapping_sub(1);
                let safe = if other == 0 || minus { 1 } else { other };
                let quot = self as $float / safe as $float;
                // SAFETY: the quotient of two values of the type is not greater than the dividend, hence fits.
                let quot: $ty = unsafe { quot.to_int_unchecked() };
                if minus { self.wrapping_neg() } else { quot }
            }
            times!($ty $wide $signed);
        }
    )*};
}
macro_rules! divide_long {
    ($($ty:ident $wide:ident $signed:tt),*) => {$(
        impl Divide for $ty {
            #[inline(always)]
            fn lane_quot(self, other: Self) -> Self { self.quot(other) }
            times!($ty $wide $signed);
        }
    )*};
}
macro_rules! times {
    ($ty:ident $wide:ident true) => {
        #[inline(always)]
        #[allow(clippy::cast_possible_truncation, clippy::cast_lossless, clippy::cast_possible_wrap)]
        fn times(self, by: Reciprocal) -> Self {
            let high = ((by.multiplier as $ty as $wide * self as $wide) >> $ty::BITS) as $ty;
            let sign = self >> ($ty::BITS - 1);
            (self.wrapping_add(high) >> (by.after & ($ty::BITS - 1))).wrapping_sub(sign)
        }
    };
    ($ty:ident $wide:ident false) => {
        #[inline(always)]
        #[allow(clippy::cast_possible_truncation, clippy::cast_lossless)]
        fn times(self, by: Reciprocal) -> Self {
            let high = ((by.multiplier as $ty as $wide * self as $wide) >> $ty::BITS) as $ty;
            let rest = self.wrapping_sub(high) >> (by.before & 1);
            high.wrapping_add(rest) >> (by.after & ($ty::BITS - 1))
        }
    };
}
divide!(i8 i16 f32 true, i16 i32 f32 true, i32 i64 f64 true, u8 u16 f32 false, u16 u32 f32 false, u32 u64 f64 false);
divide_long!(i64 i128 true, u64 u128 false);

/// What an op makes of the truncating quotient.
pub(in crate::vm) trait Division: Refuses2<A = Self::T, R = Self::T> {
    type T: Divide;
    fn finish(a: Self::T, b: Self::T, quot: Self::T) -> Self::T;
}

macro_rules! division {
    ($($op:ident: |$a:ident, $b:ident, $quot:ident| $value:expr;)*) => {$(
        impl<T: Divide> Division for $op<T> {
            type T = T;
            #[inline(always)]
            fn finish($a: T, $b: T, $quot: T) -> T { $value }
        }
    )*};
}
division! {
    Quot: |_a, _b, quot| quot;
    Rem: |a, b, quot| a.sub(quot.mul(b));
    FloorQuot: |a, b, quot| a.floor_quot(b, quot, a.sub(quot.mul(b)));
    FloorRem: |a, b, quot| a.floor_rem(b, a.sub(quot.mul(b)));
}

/// Division by a lane register, or of a uniform one.
pub(in crate::vm) struct ByLanes<O, CA>(PhantomData<(O, CA)>);

impl<O: Division, CA: Class> Body for ByLanes<O, CA> {
    #[inline(always)]
    unsafe fn run(frame: &mut Frame<'_>, inst: &Inst) {
        // SAFETY: the row of this body says that `dst` and `b` are lane registers of the op's type, `a` is one of the
        // class, `c` a mask and `imm` a site.
        unsafe {
            let (a, b) = (CA::of::<O::T>(frame, inst.a), Varying::of::<O::T>(frame, inst.b));
            check(frame, inst, (b, b), |b, _| b == O::T::ZERO);
            let dst = frame.lanes::<O::T>(inst.dst).add(frame.lo);
            let n = frame.padded - frame.lo;
            let op = |a: O::T, b: O::T| O::finish(a, b, a.lane_quot(b));
            with_group!(two::<O::T, O::T, _, _, _>(dst, a, b, n, op); widest O::T, O::T)
        }
    }
}

/// Division by a uniform register.
pub(in crate::vm) struct ByUniform<O>(PhantomData<O>);

impl<O: Division> Body for ByUniform<O> {
    #[inline(always)]
    unsafe fn run(frame: &mut Frame<'_>, inst: &Inst) {
        // SAFETY: the row of this body says that `dst` and `a` are lane registers of the op's type, `b` is a uniform one,
        // `c` a mask and `imm` a site.
        unsafe {
            let (a, b) = (Varying::of::<O::T>(frame, inst.a), frame.uniform::<O::T>(inst.b));
            let dst = frame.lanes::<O::T>(inst.dst).add(frame.lo);
            let n = frame.padded - frame.lo;
            if b == O::T::ZERO {
                frame.blame(inst.c, inst.imm, &|_| true);
                std::slice::from_raw_parts_mut(dst, n).fill(O::T::ZERO);
                return;
            }
            let by = match frame.ahead.get(inst.ahead as usize) {
                Some(known) => *known,
                None => Reciprocal::of(b),
            };
            let negative = b.is_negative();
            let op = |a: O::T| {
                let quot = a.times(by);
                O::finish(a, b, if O::T::SIGNED && negative { quot.neg() } else { quot })
            };
            with_group!(one::<O::T, O::T, _, _>(dst, a, n, op); widest O::T, O::T)
        }
    }
}

/// The loops of a division in the forms `vv`, `vs` and `sv`.
pub(in crate::vm) fn loops<O: Division>() -> [Levels; 3] {
    [Levels::of::<ByLanes<O, Varying>>(), Levels::of::<ByUniform<O>>(), Levels::of::<ByLanes<O, Uniform>>()]
}
