//! Rows of float32 and float64.

use super::build::{Builder, Forms};
use crate::buffer::DType::Bool as BOOL;
use crate::vm::lanes::call::CallTwo;
use crate::vm::lanes::fused::{Fma, Hard, Soft, Three, UniformThree};
use crate::vm::lanes::level::Levels;
use crate::vm::lanes::map::{Class, Uniform, UniformTwo, Varying};
use crate::vm::meaning::*;
use crate::vm::number::Float;
use crate::vm::op::{Field, Kind};
use crate::vm::types::{Lane, short};

use Field::{A, B, C, Dst};
use Forms::{Commutes, Sided};
use Kind::{S, V};

/// What a function that is called for each lane costs it.
const CALL: u32 = 64;

/// Rows of one float type.
pub(super) fn rows<T: Float>(to: &mut Builder)
where
    Hard<T>: Fma<T = T>,
    Soft<T>: Fma<T = T>,
{
    let t = T::TYPE;
    to.binary::<Add<T>>("add", t, t, Commutes, 1);
    to.binary::<Sub<T>>("sub", t, t, Sided, 1);
    to.binary::<Mul<T>>("mul", t, t, Commutes, 1);
    to.binary::<Div<T>>("div", t, t, Sided, 4);
    to.binary::<Min<T>>("min", t, t, Sided, 1);
    to.binary::<Max<T>>("max", t, t, Sided, 1);
    to.binary::<Minimum<T>>("minimum", t, t, Commutes, 2);
    to.binary::<Maximum<T>>("maximum", t, t, Commutes, 2);
    to.binary::<CopySign<T>>("copysign", t, t, Sided, 1);
    to.binary::<Eq<T>>("eq", t, BOOL, Commutes, 1);
    to.binary::<Ne<T>>("ne", t, BOOL, Commutes, 1);
    to.binary::<Lt<T>>("lt", t, BOOL, Commutes, 1);
    to.binary::<Le<T>>("le", t, BOOL, Commutes, 1);
    to.binary::<Gt<T>>("gt", t, BOOL, Commutes, 1);
    to.binary::<Ge<T>>("ge", t, BOOL, Commutes, 1);
    calls2::<Fmod<T>>(to, "fmod");
    calls2::<FloorDiv<T>>(to, "floordiv");
    calls2::<FloorMod<T>>(to, "mod");
    unary_rows::<T>(to);
    fma_rows::<T>(to);
    let fields = [(Dst, S(t)), (A, S(t)), (B, S(t)), (C, S(t))];
    to.code(format!("fma.{}.sss", short(t)), &fields, Levels::plain::<UniformThree<Soft<T>>>(), 1);
}

fn fma_rows<T: Float>(to: &mut Builder)
where
    Hard<T>: Fma<T = T>,
    Soft<T>: Fma<T = T>,
{
    fn levels<T: Float, B: Class, C: Class>() -> Levels
    where
        Hard<T>: Fma<T = T>,
        Soft<T>: Fma<T = T>,
    {
        Levels::fused::<Three<Hard<T>, B, C>, Three<Soft<T>, B, C>>()
    }
    let (v, s) = (V(T::TYPE), S(T::TYPE));
    for (form, b, c, code) in [
        ("vvv", v, v, levels::<T, Varying, Varying>()),
        ("vvs", v, s, levels::<T, Varying, Uniform>()),
        ("vsv", s, v, levels::<T, Uniform, Varying>()),
        ("vss", s, s, levels::<T, Uniform, Uniform>()),
    ] {
        to.code(format!("fma.{}.{form}", short(T::TYPE)), &[(Dst, v), (A, v), (B, b), (C, c)], code, 2);
    }
}

fn unary_rows<T: Float>(to: &mut Builder) {
    let t = T::TYPE;
    let named = |op: &str| format!("{op}.{}", short(t));
    to.unary::<Neg<T>>(&named("neg"), t, t, 1);
    to.unary::<Abs<T>>(&named("abs"), t, t, 1);
    to.unary::<Sqrt<T>>(&named("sqrt"), t, t, 4);
    to.unary::<Floor<T>>(&named("floor"), t, t, 1);
    to.unary::<Ceil<T>>(&named("ceil"), t, t, 1);
    to.unary::<Trunc<T>>(&named("trunc"), t, t, 1);
    to.unary::<Rint<T>>(&named("rint"), t, t, 1);
    to.unary::<IsNan<T>>(&named("isnan"), t, BOOL, 1);
    to.unary::<IsInf<T>>(&named("isinf"), t, BOOL, 1);
    to.unary::<IsFinite<T>>(&named("isfinite"), t, BOOL, 1);
    to.unary::<ToBits<T>>(&named("bits"), t, T::Bits::TYPE, 1);
    to.unary::<FromBits<T>>(&named("from_bits"), T::Bits::TYPE, t, 1);
    to.unary::<Canon<T>>(&named("canon"), t, t, 1);
}

/// A function called for each lane, of two arguments.
fn calls2<O: Binary<R = <O as Binary>::A>>(to: &mut Builder, name: &str) {
    let t = O::A::TYPE;
    let name = format!("{name}.{}", short(t));
    let vv = Levels::plain::<CallTwo<O, Varying, Varying>>();
    let vs = Levels::plain::<CallTwo<O, Varying, Uniform>>();
    let sv = Levels::plain::<CallTwo<O, Uniform, Varying>>();
    to.code(format!("{name}.vv"), &[(Dst, V(t)), (A, V(t)), (B, V(t))], vv, CALL);
    to.code(format!("{name}.vs"), &[(Dst, V(t)), (A, V(t)), (B, S(t))], vs, CALL);
    to.code(format!("{name}.sv"), &[(Dst, V(t)), (A, S(t)), (B, V(t))], sv, CALL);
    to.code(format!("{name}.ss"), &[(Dst, S(t)), (A, S(t)), (B, S(t))], Levels::plain::<UniformTwo<O>>(), 1);
}
