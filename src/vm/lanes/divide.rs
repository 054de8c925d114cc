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
use super::map::{Class, Lanes, Source, Uniform, Varying, opaque, two, with_group};
use crate::vm::frame::{Frame, Inst};
use crate::vm::meaning::{FloorQuot, FloorRem, Quot, Refuses2, Rem};
use crate::vm::number::{Int, Number};
use crate::vm::reciprocal::Reciprocal;

/// How integers are divided fast.
pub(in crate::vm) trait Divide: Int {
    /// The truncating quotient; anything for a zero divisor.
    fn lane_quot(self, other: Self) -> Self;
    /// The high halves of the products with a multiplier, of which the low bits count.
    fn high<const G: usize>(lanes: [Self; G], multiplier: u64) -> [Self; G];
    /// The truncating quotient by the magnitude of the divisor whose reciprocal is given; `high` is what the multiplier
    /// gave.
    fn settle(self, high: Self, by: Reciprocal) -> Self;
}

macro_rules! settle {
    ($ty:ident true) => {
        #[inline(always)]
        fn settle(self, high: Self, by: Reciprocal) -> Self {
            let sign = self >> ($ty::BITS - 1);
            (self.wrapping_add(high) >> (by.after & ($ty::BITS - 1))).wrapping_sub(sign)
        }
    };
    ($ty:ident false) => {
        #[inline(always)]
        fn settle(self, high: Self, by: Reciprocal) -> Self {
            let rest = self.wrapping_sub(high) >> (by.before & 1);
            high.wrapping_add(rest) >> (by.after & ($ty::BITS - 1))
        }
    };
}
/// Each product in the type of twice the width.
macro_rules! high_each {
    ($ty:ident $wide:ident) => {
        #[inline(always)]
        #[allow(clippy::cast_possible_truncation, clippy::cast_lossless)]
        fn high<const G: usize>(lanes: [Self; G], multiplier: u64) -> [Self; G] {
            let mut high = [0; G];
            for k in 0..G {
                high[k] = ((multiplier as $ty as $wide * lanes[k] as $wide) >> $ty::BITS) as $ty;
            }
            high
        }
    };
}
/// Products of the lanes with even and with odd numbers, which is what processors multiply 32 bits to 64 by; compilers
/// make less of the plain loop.
macro_rules! high_pairs {
    ($ty:ident $wide:ident) => {
        #[inline(always)]
        #[allow(clippy::cast_possible_truncation, clippy::cast_lossless)]
        fn high<const G: usize>(lanes: [Self; G], multiplier: u64) -> [Self; G] {
            const PAIRED: usize = 32;
            let by = multiplier as $ty as $wide;
            let mut high = [0; G];
            if G == PAIRED && cfg!(target_endian = "little") {
                // SAFETY: a group of this size is as many pairs, of which any bits are a value.
                let mut pairs: [$wide; PAIRED / 2] = unsafe { std::mem::transmute_copy(&lanes) };
                for pair in &mut pairs {
                    let (even, odd) = (*pair as $ty as $wide * by, (*pair >> $ty::BITS) * by);
                    let low = (even as u64 >> $ty::BITS) as $wide;
                    *pair = low | (odd as u64 & !u64::from(u32::MAX)) as $wide;
                }
                // SAFETY: as above, the other way.
                high = unsafe { std::mem::transmute_copy(&pairs) };
            } else {
                for k in 0..G {
                    high[k] = ((by * lanes[k] as $wide) >> $ty::BITS) as $ty;
                }
            }
            high
        }
    };
}
/// 64-bit products from those of their halves, which vectorise; one alone by the processor's long multiplication.
macro_rules! high_halves {
    ($ty:ident $wide:ident) => {
        #[inline(always)]
        #[allow(clippy::cast_possible_truncation, clippy::cast_lossless)]
        fn high<const G: usize>(lanes: [Self; G], multiplier: u64) -> [Self; G] {
            let mut high = [0; G];
            if G == 1 {
                high[0] = ((multiplier as $ty as $wide * lanes[0] as $wide) >> $ty::BITS) as $ty;
                return high;
            }
            let (low_by, high_by) = (multiplier & HALF, multiplier >> 32);
            for k in 0..G {
                let lane = lanes[k] as u64;
                let (low, top) = (lane & HALF, lane >> 32);
                let first = top * low_by + ((low * low_by) >> 32);
                let second = low * high_by + (first & HALF);
                let product = top * high_by + (first >> 32) + (second >> 32);
                // A negative factor counts 2^64 too much, times the other one.
                let excess = if lanes[k] < $ty::ZERO { multiplier } else { 0 };
                let other = if (multiplier as $ty) < $ty::ZERO { lane } else { 0 };
                high[k] = product.wrapping_sub(excess).wrapping_sub(other) as $ty;
            }
            high
        }
    };
}
macro_rules! by_floats {
    ($($ty:ident $float:ident $signed:tt $high:ident $wide:ident),*) => {$(
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
            $high!($ty $wide);
            settle!($ty $signed);
        }
    )*};
}
macro_rules! by_divisions {
    ($($ty:ident $signed:tt $wide:ident),*) => {$(
        impl Divide for $ty {
            #[inline(always)]
            fn lane_quot(self, other: Self) -> Self { self.quot(other) }
            high_halves!($ty $wide);
            settle!($ty $signed);
        }
    )*};
}
by_floats! {
    i8 f32 true high_each i16, i16 f32 true high_each i32, i32 f64 true high_pairs i64,
    u8 f32 false high_each u16, u16 f32 false high_each u32, u32 f64 false high_pairs u64
}
by_divisions!(i64 true i128, u64 false u128);

/// The low half of a word.
const HALF: u64 = 0xFFFF_FFFF;

/// What an op makes of the truncating quotient.
pub(in crate::vm) trait Division: Refuses2<A = Self::T, R = Self::T> {
    type T: Divide;
    fn finish(a: Self::T, b: Self::T, quot: Self::T) -> Self::T;
    /// The same from the quotient by the divisor's magnitude.
    #[inline(always)]
    fn finish_by(a: Self::T, b: Self::T, quot: Self::T) -> Self::T {
        Self::finish(a, b, if b.is_negative() { quot.neg() } else { quot })
    }
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
            with_group!(by_one::<O>(dst, a, n, (b, by)); widest O::T, O::T)
        }
    }
}

/// Stores what `O` makes of the quotients by `b`.
///
/// # Safety
/// `n` lanes can be loaded from `a` and stored at `dst`.
#[inline(always)]
unsafe fn by_one<O: Division, const G: usize>(dst: *mut O::T, a: Lanes<O::T>, n: usize, by: (O::T, Reciprocal)) {
    let mut i = 0;
    while i + G <= n {
        // SAFETY: the group ends at or before `n`.
        unsafe { dst.add(i).cast::<[O::T; G]>().write_unaligned(group_by_one::<O, G>(a.group(i), by)) };
        i = opaque(i + G);
    }
    while i < n {
        // SAFETY: `i < n`.
        unsafe { dst.add(i).write(group_by_one::<O, 1>(a.group(i), by)[0]) };
        i = opaque(i + 1);
    }
}

#[inline(always)]
fn group_by_one<O: Division, const G: usize>(a: [O::T; G], (b, by): (O::T, Reciprocal)) -> [O::T; G] {
    let high = O::T::high(a, by.multiplier);
    let mut r = [O::T::ZERO; G];
    for k in 0..G {
        let quot = a[k].settle(high[k], by);
        r[k] = O::finish_by(a[k], b, quot);
    }
    r
}

/// The loops of a division in the forms `vv`, `vs` and `sv`.
pub(in crate::vm) fn loops<O: Division>() -> [Levels; 3] {
    [Levels::of::<ByLanes<O, Varying>>(), Levels::of::<ByUniform<O>>(), Levels::of::<ByLanes<O, Uniform>>()]
}
