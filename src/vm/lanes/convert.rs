//! Conversions of one value, in forms that vectorise.

use crate::vm::number::{Int, Number};
use crate::vm::types::{Bool, Lane};

/// A conversion: wraps between integers, rounds to nearest even to floats, truncates and saturates to integers.
pub(in crate::vm) trait Convert<B: Lane>: Lane {
    fn convert(self) -> B;
    /// Whether the value, truncated, isn't one of `B`; nan isn't.
    fn misfits(self) -> bool {
        false
    }
}

/// From integers.
macro_rules! from_ints {
    ($($a:ident => [$($b:ident)*] $($float:ident)*;)*) => {$(
        $(
            impl Convert<$b> for $a {
                #[inline(always)]
                fn convert(self) -> $b { self as $b }
                // There and back gives the value, with the same sign.
                #[inline(always)]
                fn misfits(self) -> bool {
                    let there = self as $b;
                    there as $a != self || Int::is_negative(there) != Int::is_negative(self)
                }
            }
        )*
        $(
            impl Convert<$float> for $a {
                #[inline(always)]
                fn convert(self) -> $float { self as $float }
            }
        )*
        impl Convert<Bool> for $a {
            #[inline(always)]
            fn convert(self) -> Bool { (self != 0).into() }
        }
        impl Convert<$a> for Bool {
            #[inline(always)]
            fn convert(self) -> $a { self.0 as $a }
        }
    )*};
}
from_ints! {
    i8 => [i16 i32 i64 u8 u16 u32 u64] f32 f64;
    i16 => [i8 i32 i64 u8 u16 u32 u64] f32 f64;
    i32 => [i8 i16 i64 u8 u16 u32 u64] f32 f64;
    i64 => [i8 i16 i32 u8 u16 u32 u64] f32 f64;
    u8 => [i8 i16 i32 i64 u16 u32 u64] f32 f64;
    u16 => [i8 i16 i32 i64 u8 u32 u64] f32 f64;
    u32 => [i8 i16 i32 i64 u8 u16 u64] f32 f64;
    u64 => [i8 i16 i32 i64 u8 u16 u32] f32 f64;
}

/// From a float to integers, by way of a type that machines convert to: Rust's `as` gives the same values, but compilers
/// don't vectorise it.
macro_rules! from_floats {
    ($($a:ident $other:ident => [$($b:ident by $way:ident),*];)*) => {$(
        $(
            impl Convert<$b> for $a {
                #[inline(always)]
                fn convert(self) -> $b {
                    let (low, end) = bounds!($a $b);
                    let inside = if self >= low && self < end { self } else { 0.0 };
                    // SAFETY: what is inside truncates to a value of the target type, which the way's type holds.
                    let value = unsafe { inside.to_int_unchecked::<$way>() } as $b;
                    let value = if self < low { $b::MIN } else { value };
                    if self >= end { $b::MAX } else { value }
                }
                #[inline(always)]
                fn misfits(self) -> bool {
                    let (low, end) = bounds!($a $b);
                    let whole = self.trunc();
                    !(whole >= low && whole < end)
                }
            }
        )*
        impl Convert<$other> for $a {
            #[inline(always)]
            fn convert(self) -> $other { self as $other }
        }
        impl Convert<Bool> for $a {
            #[inline(always)]
            fn convert(self) -> Bool { (self != $a::ZERO).into() }
        }
        impl Convert<$a> for Bool {
            #[inline(always)]
            fn convert(self) -> $a { self.0.into() }
        }
    )*};
}
/// The least value of an integer type, and the first above its greatest: floats hold both exactly.
macro_rules! bounds {
    ($a:ident $b:ident) => {
        ($b::MIN as $a, ($b::MAX / 2 + 1) as $a * 2.0)
    };
}
from_floats! {
    f32 f64 => [i8 by i32, i16 by i32, i32 by i32, i64 by i64, u8 by i32, u16 by i32, u32 by u32, u64 by u64];
    f64 f32 => [i8 by i32, i16 by i32, i32 by i32, i64 by i64, u8 by i32, u16 by i32, u32 by u32, u64 by u64];
}
