//! Division of many values by one: a multiplication by a reciprocal that is worked out once.
//!
//! After T. Granlund and P. Montgomery, "Division by Invariant Integers using Multiplication" (PLDI 1994), figures 4.1
//! (unsigned) and 5.2 (signed), whose steps hold for every divisor but 0 without a branch.

use super::number::Int;
use crate::buffer::DType;

/// The reciprocal of a divisor.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Reciprocal {
    /// The multiplier's bits, as many as the type has.
    pub(super) multiplier: u64,
    /// Unsigned: the shift before the last addition, 0 or 1.
    pub(super) before: u32,
    /// The shift of the quotient.
    pub(super) after: u32,
}

impl Reciprocal {
    /// The reciprocal of an unsigned divisor of `width` bits.
    pub(super) const fn unsigned(divisor: u64, width: u32) -> Self {
        if divisor == 0 {
            return Self { multiplier: 0, before: 0, after: 0 };
        }
        // The least l with 2^l >= divisor.
        let l = if divisor == 1 { 0 } else { 64 - (divisor - 1).leading_zeros() };
        let excess = ((1_u128 << l) - divisor as u128) << width;
        let before = if l < 1 { l } else { 1 };
        Self { multiplier: wrapping_divide(excess, divisor).wrapping_add(1), before, after: l - before }
    }

    /// The reciprocal of a signed divisor's magnitude, of `width` bits.
    pub(super) const fn signed(magnitude: u64, width: u32) -> Self {
        if magnitude == 0 {
            return Self { multiplier: 0, before: 0, after: 0 };
        }
        let l = if magnitude <= 2 { 1 } else { 64 - (magnitude - 1).leading_zeros() };
        // The paper's multiplier less 2^width: the low bits are what is stored.
        let multiplier = wrapping_divide(1_u128 << (width + l - 1), magnitude).wrapping_add(1);
        Self { multiplier, before: 0, after: l - 1 }
    }

    /// The reciprocal of an integer of a type, by its bits.
    pub(super) const fn of_bits(dtype: DType, bits: u64) -> Self {
        let width = dtype.size() as u32 * 8;
        match dtype {
            DType::Int8 | DType::Int16 | DType::Int32 | DType::Int64 => {
                let value = (bits << (64 - width)).cast_signed() >> (64 - width);
                Self::signed(value.unsigned_abs(), width)
            }
            _ => Self::unsigned(bits, width),
        }
    }

    /// The reciprocal of a divisor of type `T`.
    pub(super) fn of<T: Int>(divisor: T) -> Self {
        let value = divisor.wide();
        let magnitude = value.unsigned_abs() as u64;
        if T::SIGNED { Self::signed(magnitude, T::WIDTH) } else { Self::unsigned(magnitude, T::WIDTH) }
    }
}

/// A quotient's low 64 bits, by a short division where the dividend is short.
const fn wrapping_divide(dividend: u128, divisor: u64) -> u64 {
    if dividend >> 64 == 0 { dividend as u64 / divisor } else { (dividend / divisor as u128) as u64 }
}
