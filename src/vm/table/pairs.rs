//! Rows of two ops in one: of the arithmetic that expressions are mostly made of.

use super::build::Builder;
use crate::buffer::DType;
use crate::vm::lanes::level::Levels;
use crate::vm::lanes::map::{Uniform, Varying};
use crate::vm::lanes::pairs::Pair;
use crate::vm::meaning::{Add, Binary, Mul, RSub, Sub};
use crate::vm::number::Number;
use crate::vm::op::{Field, Kind};
use crate::vm::types::{Lane, short};

use Field::{A, B, C, Dst};
use Kind::{S, V};

/// These rows.
pub(super) fn rows(to: &mut Builder) {
    firsts::<u32>(to, &[DType::Int32, DType::UInt32]);
    firsts::<u64>(to, &[DType::Int64, DType::UInt64]);
    firsts::<f32>(to, &[DType::Float32]);
    firsts::<f64>(to, &[DType::Float64]);
}

fn firsts<T: Number>(to: &mut Builder, types: &[DType]) {
    seconds::<T, Add<T>>(to, types, "add");
    seconds::<T, Sub<T>>(to, types, "sub");
    seconds::<T, Mul<T>>(to, types, "mul");
}

fn seconds<T: Number, P: Binary<A = T, R = T>>(to: &mut Builder, types: &[DType], first: &str) {
    for t in types {
        forms::<T, P, Add<T>>(to, *t, &format!("{first}_add"));
        forms::<T, P, Sub<T>>(to, *t, &format!("{first}_sub"));
        forms::<T, P, RSub<T>>(to, *t, &format!("{first}_rsub"));
        forms::<T, P, Mul<T>>(to, *t, &format!("{first}_mul"));
    }
}

fn forms<T: Lane, P: Binary<A = T, R = T>, Q: Binary<A = T, R = T>>(to: &mut Builder, t: DType, name: &str) {
    for (form, b, c, code) in [
        ("vvv", V(t), V(t), Levels::of::<Pair<P, Q, Varying, Varying>>()),
        ("vvs", V(t), S(t), Levels::of::<Pair<P, Q, Varying, Uniform>>()),
        ("vsv", S(t), V(t), Levels::of::<Pair<P, Q, Uniform, Varying>>()),
        ("vss", S(t), S(t), Levels::of::<Pair<P, Q, Uniform, Uniform>>()),
    ] {
        to.code(format!("{name}.{}.{form}", short(t)), &[(Dst, V(t)), (A, V(t)), (B, b), (C, c)], code, 2);
    }
}
