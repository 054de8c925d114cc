//! What an op does to the values of one lane, as types that the loops of `lanes` are instantiated with.

use std::marker::PhantomData;

use super::lanes::convert::Convert;
use super::number::{Float, Int, Number};
use super::types::{Bool, Lane};

/// An op of one operand.
pub(super) trait Unary {
    type A: Lane;
    type R: Lane;
    fn apply(a: Self::A) -> Self::R;
}

/// An op of two operands of one type.
pub(super) trait Binary {
    type A: Lane;
    type R: Lane;
    fn apply(a: Self::A, b: Self::A) -> Self::R;
}

/// Operands that an op refuses with a fault.
pub(super) trait Refuses1: Unary {
    fn refuses(a: Self::A) -> bool;
}

/// The same for two operands.
pub(super) trait Refuses2: Binary {
    fn refuses(a: Self::A, b: Self::A) -> bool;
}

macro_rules! unary {
    ($($(#[$doc:meta])* $name:ident<$bound:ident> -> $r:ty = |$a:ident| $value:expr;)*) => {$(
        $(#[$doc])*
        pub(super) struct $name<T>(PhantomData<T>);
        impl<T: $bound> Unary for $name<T> {
            type A = T;
            type R = $r;
            #[inline(always)]
            fn apply($a: T) -> $r { $value }
        }
    )*};
}

macro_rules! binary {
    ($($(#[$doc:meta])* $name:ident<$bound:ident> -> $r:ty = |$a:ident, $b:ident| $value:expr;)*) => {$(
        $(#[$doc])*
        pub(super) struct $name<T>(PhantomData<T>);
        impl<T: $bound> Binary for $name<T> {
            type A = T;
            type R = $r;
            #[inline(always)]
            fn apply($a: T, $b: T) -> $r { $value }
        }
    )*};
}

unary! {
    Neg<Number> -> T = |a| a.neg();
    Abs<Number> -> T = |a| a.abs();
    Invert<Int> -> T = |a| a.invert();
    Sqrt<Float> -> T = |a| a.sqrt();
    Floor<Float> -> T = |a| a.floor();
    Ceil<Float> -> T = |a| a.ceil();
    Trunc<Float> -> T = |a| a.trunc();
    Rint<Float> -> T = |a| a.rint();
    IsNan<Float> -> Bool = |a| a.is_nan().into();
    IsInf<Float> -> Bool = |a| a.is_infinite().into();
    IsFinite<Float> -> Bool = |a| (!a.is_nan() && !a.is_infinite()).into();
    ToBits<Float> -> T::Bits = |a| a.to_bits();
    Canon<Float> -> T = |a| a.canon();
}

/// Bits as the float they are.
pub(super) struct FromBits<T>(PhantomData<T>);
impl<T: Float> Unary for FromBits<T> {
    type A = T::Bits;
    type R = T;
    #[inline(always)]
    fn apply(a: T::Bits) -> T {
        T::from_bits(a)
    }
}

/// Negation of a bool.
pub(super) struct Not;
impl Unary for Not {
    type A = Bool;
    type R = Bool;
    #[inline(always)]
    fn apply(a: Bool) -> Bool {
        Bool(a.0 ^ 1)
    }
}

/// Conversion of `A` to `B`.
pub(super) struct Cast<A, B>(PhantomData<(A, B)>);
impl<A: Convert<B>, B: Lane> Unary for Cast<A, B> {
    type A = A;
    type R = B;
    #[inline(always)]
    fn apply(a: A) -> B {
        a.convert()
    }
}
impl<A: Convert<B>, B: Lane> Refuses1 for Cast<A, B> {
    #[inline(always)]
    fn refuses(a: A) -> bool {
        a.misfits()
    }
}

binary! {
    Add<Number> -> T = |a, b| a.add(b);
    Sub<Number> -> T = |a, b| a.sub(b);
    Mul<Number> -> T = |a, b| a.mul(b);
    /// The subtraction the other way round.
    RSub<Number> -> T = |a, b| b.sub(a);
    Div<Float> -> T = |a, b| a.div(b);
    FloorDiv<Float> -> T = |a, b| a.floor_div_mod(b).0;
    FloorMod<Float> -> T = |a, b| a.floor_div_mod(b).1;
    Fmod<Float> -> T = |a, b| a.fmod(b);
    CopySign<Float> -> T = |a, b| a.copysign(b);
    And<Int> -> T = |a, b| a.and(b);
    Or<Int> -> T = |a, b| a.or(b);
    Xor<Int> -> T = |a, b| a.xor(b);
    /// For bools: `a and not b`.
    AndNot<Int> -> T = |a, b| a.and(b.xor(T::ONE));
    Shl<Int> -> T = |a, b| a.shl(b);
    Shr<Int> -> T = |a, b| a.shr(b);
    Pow<Int> -> T = |a, b| a.pow(b);
    Min<Number> -> T = |a, b| if b < a { b } else { a };
    Max<Number> -> T = |a, b| if b > a { b } else { a };
    /// NumPy's: a nan wins, -0 is less than +0.
    Minimum<Float> -> T = |a, b| {
        let ordered = if b < a { b } else { a };
        let ordered = if a == b { a.either_sign(b) } else { ordered };
        if b.is_nan() { b } else { ordered }
    };
    Maximum<Float> -> T = |a, b| {
        let ordered = if b > a { b } else { a };
        let ordered = if a == b { a.common_sign(b) } else { ordered };
        if b.is_nan() { b } else { ordered }
    };
    Eq<Lane> -> Bool = |a, b| (a == b).into();
    Ne<Lane> -> Bool = |a, b| (a != b).into();
    Lt<Number> -> Bool = |a, b| (a < b).into();
    Le<Number> -> Bool = |a, b| (a <= b).into();
    Gt<Number> -> Bool = |a, b| (a > b).into();
    Ge<Number> -> Bool = |a, b| (a >= b).into();
    Quot<Int> -> T = |a, b| a.quot(b);
    Rem<Int> -> T = |a, b| a.rem(b);
    FloorQuot<Int> -> T = |a, b| a.floor_quot(b, a.quot(b), a.rem(b));
    FloorRem<Int> -> T = |a, b| a.floor_rem(b, a.rem(b));
}

macro_rules! refuses {
    ($($name:ident: |$a:ident, $b:ident| $refuses:expr;)*) => {$(
        impl<T: Int> Refuses2 for $name<T> {
            #[inline(always)]
            fn refuses($a: T, $b: T) -> bool { let _ = $a; $refuses }
        }
    )*};
}
refuses! {
    Add: |a, b| a.add_overflows(b);
    Sub: |a, b| a.sub_overflows(b);
    Mul: |a, b| a.mul_overflows(b);
    Pow: |a, b| b.is_negative();
    Quot: |a, b| b == T::ZERO;
    Rem: |a, b| b == T::ZERO;
    FloorQuot: |a, b| b == T::ZERO;
    FloorRem: |a, b| b == T::ZERO;
}

impl<T: Int> Refuses1 for Neg<T> {
    #[inline(always)]
    fn refuses(a: T) -> bool {
        a.neg_overflows()
    }
}
impl<T: Int> Refuses1 for Abs<T> {
    #[inline(always)]
    fn refuses(a: T) -> bool {
        a.abs_overflows()
    }
}
