//! Arithmetic on one value of each type: what the ops mean, before they become loops.

use super::types::Lane;

/// Integers and floats.
pub(super) trait Number: Lane + PartialOrd {
    const ZERO: Self;
    fn add(self, other: Self) -> Self;
    fn sub(self, other: Self) -> Self;
    fn mul(self, other: Self) -> Self;
    fn neg(self) -> Self;
    fn abs(self) -> Self;
}

/// Integers of 8 to 64 bits.
pub(super) trait Int: Number + Eq {
    const WIDTH: u32;
    const SIGNED: bool;
    const ONE: Self;
    type Unsigned: Int;
    fn and(self, other: Self) -> Self;
    fn or(self, other: Self) -> Self;
    fn xor(self, other: Self) -> Self;
    fn invert(self) -> Self;
    fn shl(self, count: Self) -> Self;
    fn shr(self, count: Self) -> Self;
    /// Truncating quotient; 0 for a zero divisor, and MIN / -1 wraps.
    fn quot(self, other: Self) -> Self;
    /// Remainder with the dividend's sign; 0 for a zero divisor and for MIN % -1.
    fn rem(self, other: Self) -> Self;
    /// Wrapping power; 0 for a negative exponent.
    fn pow(self, exponent: Self) -> Self;
    fn is_negative(self) -> bool;
    fn add_overflows(self, other: Self) -> bool;
    fn sub_overflows(self, other: Self) -> bool;
    fn mul_overflows(self, other: Self) -> bool;
    fn neg_overflows(self) -> bool;
    fn abs_overflows(self) -> bool;
    /// The value in a type that holds those of all integer types.
    fn wide(self) -> i128;
    /// 0 or 1.
    fn of_bit(bit: u8) -> Self;

    /// Floor of the quotient, made of the truncated one and its remainder.
    #[inline(always)]
    fn floor_quot(self, other: Self, quot: Self, rem: Self) -> Self {
        if Self::SIGNED && rem != Self::ZERO && rem.xor(other).is_negative() { quot.sub(Self::ONE) } else { quot }
    }

    /// Remainder with the divisor's sign, made of the truncated one.
    #[inline(always)]
    fn floor_rem(self, other: Self, rem: Self) -> Self {
        if Self::SIGNED && rem != Self::ZERO && rem.xor(other).is_negative() { rem.add(other) } else { rem }
    }
}

macro_rules! ints {
    ($($ty:ident $unsigned:ident $wide:ident $signed:literal),*) => {$(
        impl Number for $ty {
            const ZERO: Self = 0;
            #[inline(always)] fn add(self, other: Self) -> Self { self.wrapping_add(other) }
            #[inline(always)] fn sub(self, other: Self) -> Self { self.wrapping_sub(other) }
            #[inline(always)] fn mul(self, other: Self) -> Self { self.wrapping_mul(other) }
            #[inline(always)] fn neg(self) -> Self { self.wrapping_neg() }
            #[inline(always)] fn abs(self) -> Self { if $signed && Int::is_negative(self) { self.wrapping_neg() } else { self } }
        }
        impl Int for $ty {
            const WIDTH: u32 = <$ty>::BITS;
            const SIGNED: bool = $signed;
            const ONE: Self = 1;
            type Unsigned = $unsigned;
            #[inline(always)] fn and(self, other: Self) -> Self { self & other }
            #[inline(always)] fn or(self, other: Self) -> Self { self | other }
            #[inline(always)] fn xor(self, other: Self) -> Self { self ^ other }
            #[inline(always)] fn invert(self) -> Self { !self }
            #[inline(always)] fn shl(self, count: Self) -> Self {
                if (count as $unsigned) < Self::BITS as $unsigned { self.wrapping_shl(count as u32) } else { 0 }
            }
            #[inline(always)] fn shr(self, count: Self) -> Self {
                // A negative count gives what one past the width gives.
                let count = (count as $unsigned).min(Self::BITS as $unsigned - 1 + $unsigned::from(!$signed));
                if $signed { self.wrapping_shr(count as u32) }
                else if count < Self::BITS as $unsigned { self.wrapping_shr(count as u32) } else { 0 }
            }
            #[inline(always)] fn quot(self, other: Self) -> Self { if other == 0 { 0 } else { self.wrapping_div(other) } }
            #[inline(always)] fn rem(self, other: Self) -> Self { if other == 0 { 0 } else { self.wrapping_rem(other) } }
            #[inline(always)] fn pow(self, exponent: Self) -> Self {
                if Int::is_negative(exponent) { return 0; }
                let (mut base, mut left, mut power) = (self, exponent as $unsigned, 1 as $ty);
                while left != 0 {
                    if left & 1 != 0 { power = power.wrapping_mul(base); }
                    base = base.wrapping_mul(base);
                    left >>= 1;
                }
                power
            }
            #[inline(always)] #[allow(unused_comparisons)] fn is_negative(self) -> bool { self < 0 }
            // By comparisons: compilers don't vectorise the flags of the overflowing operations.
            #[inline(always)] fn add_overflows(self, other: Self) -> bool {
                let sum = self.wrapping_add(other);
                if $signed { Int::is_negative((self ^ sum) & (other ^ sum)) } else { sum < self }
            }
            #[inline(always)] fn sub_overflows(self, other: Self) -> bool {
                let difference = self.wrapping_sub(other);
                if $signed { Int::is_negative((self ^ other) & (self ^ difference)) } else { self < other }
            }
            #[inline(always)] fn mul_overflows(self, other: Self) -> bool {
                let product = self as $wide * other as $wide;
                product as $ty as $wide != product
            }
            #[inline(always)] fn neg_overflows(self) -> bool { if $signed { self == <$ty>::MIN } else { self != 0 } }
            #[inline(always)] fn abs_overflows(self) -> bool { $signed && self == <$ty>::MIN }
            #[inline(always)] fn wide(self) -> i128 { self.into() }
            #[inline(always)] fn of_bit(bit: u8) -> Self { bit as $ty }
        }
    )*};
}
ints! {
    i8 u8 i16 true, i16 u16 i32 true, i32 u32 i64 true, i64 u64 i128 true,
    u8 u8 u16 false, u16 u16 u32 false, u32 u32 u64 false, u64 u64 u128 false
}

/// float32 and float64.
pub(super) trait Float: Number {
    /// The nan that stands for all of them.
    const NAN: Self;
    fn div(self, other: Self) -> Self;
    fn fmod(self, other: Self) -> Self;
    fn copysign(self, sign: Self) -> Self;
    fn sqrt(self) -> Self;
    fn floor(self) -> Self;
    fn ceil(self) -> Self;
    fn trunc(self) -> Self;
    fn rint(self) -> Self;
    fn is_nan(self) -> bool;
    fn is_infinite(self) -> bool;
    fn to_bits(self) -> Self::Bits;
    fn from_bits(bits: Self::Bits) -> Self;
    /// What has a sign bit where either has one, of two zeros or equal values.
    fn either_sign(self, other: Self) -> Self;
    /// What has a sign bit where both have one.
    fn common_sign(self, other: Self) -> Self;

    /// The value, a nan of any sign and payload as [`Float::NAN`].
    #[inline(always)]
    fn canon(self) -> Self {
        if self.is_nan() { Self::NAN } else { self }
    }

    /// `CPython`'s `_float_div_mod`; a zero divisor gives what dividing gives, and nan.
    #[inline(always)]
    fn floor_div_mod(self, other: Self) -> (Self, Self) {
        if other == Self::ZERO {
            return (self.div(other), Self::NAN);
        }
        let mut rem = self.fmod(other);
        let mut quot = self.sub(rem).div(other);
        if rem != Self::ZERO {
            if (other < Self::ZERO) != (rem < Self::ZERO) {
                rem = rem.add(other);
                quot = quot.sub(Self::one());
            }
        } else {
            rem = Self::ZERO.copysign(other);
        }
        if quot == Self::ZERO {
            return (Self::ZERO.copysign(self.div(other)), rem);
        }
        let floor = quot.floor();
        // The quotient is near a whole number, which rounding may have missed.
        (if quot.sub(floor) > Self::half() { floor.add(Self::one()) } else { floor }, rem)
    }

    fn one() -> Self;
    fn half() -> Self;
}

macro_rules! floats {
    ($($ty:ident $bits:ident $nan:literal),*) => {$(
        impl Number for $ty {
            const ZERO: Self = 0.0;
            #[inline(always)] fn add(self, other: Self) -> Self { self + other }
            #[inline(always)] fn sub(self, other: Self) -> Self { self - other }
            #[inline(always)] fn mul(self, other: Self) -> Self { self * other }
            #[inline(always)] fn neg(self) -> Self { -self }
            #[inline(always)] fn abs(self) -> Self { <$ty>::abs(self) }
        }
        impl Float for $ty {
            const NAN: Self = <$ty>::from_bits($nan);
            #[inline(always)] fn div(self, other: Self) -> Self { self / other }
            // Rust's % is exact fmod.
            #[inline(always)] fn fmod(self, other: Self) -> Self { self % other }
            #[inline(always)] fn copysign(self, sign: Self) -> Self { <$ty>::copysign(self, sign.canon()) }
            #[inline(always)] fn sqrt(self) -> Self { <$ty>::sqrt(self) }
            #[inline(always)] fn floor(self) -> Self { <$ty>::floor(self) }
            #[inline(always)] fn ceil(self) -> Self { <$ty>::ceil(self) }
            #[inline(always)] fn trunc(self) -> Self { <$ty>::trunc(self) }
            #[inline(always)] fn rint(self) -> Self { <$ty>::round_ties_even(self) }
            #[inline(always)] fn is_nan(self) -> bool { <$ty>::is_nan(self) }
            #[inline(always)] fn is_infinite(self) -> bool { <$ty>::is_infinite(self) }
            #[inline(always)] fn to_bits(self) -> Self::Bits { <$ty>::to_bits(self.canon()) }
            #[inline(always)] fn from_bits(bits: Self::Bits) -> Self { <$ty>::from_bits(bits) }
            #[inline(always)] fn either_sign(self, other: Self) -> Self {
                <$ty>::from_bits(<$ty>::to_bits(self) | <$ty>::to_bits(other))
            }
            #[inline(always)] fn common_sign(self, other: Self) -> Self {
                <$ty>::from_bits(<$ty>::to_bits(self) & <$ty>::to_bits(other))
            }
            #[inline(always)] fn one() -> Self { 1.0 }
            #[inline(always)] fn half() -> Self { 0.5 }
        }
    )*};
}
floats!(f32 u32 0x7fc0_0000, f64 u64 0x7ff8_0000_0000_0000);
