//! Rows of every type: copies, selections, inputs, results, table elements, and casts.

use super::build::Builder;
use crate::buffer::DType::{Bool as BOOL, Int64};
use crate::vm::lanes::convert::Convert;
use crate::vm::lanes::elements::{Gather, Input, Store, UniformGather, UniformInput};
use crate::vm::lanes::level::Levels;
use crate::vm::lanes::map::{Uniform, Varying};
use crate::vm::lanes::moves::{Mov, MovMasked, Select, UniformMov, UniformSelect};
use crate::vm::meaning::Cast;
use crate::vm::number::Int;
use crate::vm::op::{Field, Kind};
use crate::vm::types::{Bool, Lane, Stored, short};

use Field::{A, B, C, Dst, Imm};
use Kind::{Input as Argument, Mask, Output, S, Table, V};

/// These rows.
pub(super) fn rows(to: &mut Builder) {
    macro_rules! every {
        ($($ty:ty)*) => { $( every_type::<$ty>(to); )* };
    }
    every!(Bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64);
    casts(to);
}

fn every_type<T: Stored>(to: &mut Builder) {
    let (t, name) = (T::TYPE, short(T::TYPE));
    let (v, s) = (V(t), S(t));
    for (form, b, c, code) in [
        ("vvv", v, v, Levels::of::<Select<T::Bits, Varying, Varying>>()),
        ("vvs", v, s, Levels::of::<Select<T::Bits, Varying, Uniform>>()),
        ("vsv", s, v, Levels::of::<Select<T::Bits, Uniform, Varying>>()),
        ("vss", s, s, Levels::of::<Select<T::Bits, Uniform, Uniform>>()),
    ] {
        to.code(format!("select.{name}.{form}"), &[(Dst, v), (A, V(BOOL)), (B, b), (C, c)], code, 1);
    }
    let fields = [(Dst, s), (A, S(BOOL)), (B, s), (C, s)];
    to.code(format!("select.{name}.sss"), &fields, Levels::plain::<UniformSelect<T::Bits>>(), 1);
    to.code(format!("mov.{name}.v"), &[(Dst, v), (A, v)], Levels::of::<Mov<T::Bits, Varying>>(), 1);
    to.code(format!("mov.{name}.s"), &[(Dst, v), (A, s)], Levels::of::<Mov<T::Bits, Uniform>>(), 1);
    to.code(format!("mov.{name}.ss"), &[(Dst, s), (A, s)], Levels::plain::<UniformMov<T::Bits>>(), 1);
    let (of_lanes, of_one) = (Levels::of::<MovMasked<T::Bits, Varying>>(), Levels::of::<MovMasked<T::Bits, Uniform>>());
    to.code(format!("movm.{name}.v"), &[(Dst, v), (A, v), (C, Mask)], of_lanes, 1);
    to.code(format!("movm.{name}.s"), &[(Dst, v), (A, s), (C, Mask)], of_one, 1);
    to.code(format!("input.{name}.v"), &[(Dst, v), (A, Argument)], Levels::plain::<Input<T>>(), 2);
    to.code(format!("input.{name}.s"), &[(Dst, s), (A, Argument)], Levels::plain::<UniformInput<T>>(), 1);
    let fields = |a| [(A, a), (B, Output), (C, Mask)];
    to.code(format!("store.{name}.v"), &fields(v), Levels::plain::<Store<T, Varying>>(), 2);
    to.code(format!("store.{name}.s"), &fields(s), Levels::plain::<Store<T, Uniform>>(), 2);
    let (of_lanes, of_one) = (Levels::plain::<Gather<T>>(), Levels::plain::<UniformGather<T>>());
    to.code(format!("gather.{name}.v"), &[(Dst, v), (A, V(Int64)), (Imm, Table)], of_lanes, 8);
    to.code(format!("gather.{name}.s"), &[(Dst, s), (A, S(Int64)), (Imm, Table)], of_one, 1);
}

/// `cast.{A}.{B}`, carried out from the first type to the second.
fn cast<A: Lane, B: Lane, CA: Convert<CB>, CB: Lane>(to: &mut Builder) {
    let name = format!("cast.{}.{}", short(A::TYPE), short(B::TYPE));
    to.unary::<Cast<CA, CB>>(&name, A::TYPE, B::TYPE, 1);
}

fn checked<A: Convert<B>, B: Lane>(to: &mut Builder) {
    let name = format!("cast_checked.{}.{}", short(A::TYPE), short(B::TYPE));
    to.checked1::<Cast<A, B>>(&name, A::TYPE, B::TYPE);
}

/// Casts to and from one type. Integers become integers without a look at the target's sign.
macro_rules! casts_of {
    ($to:ident, int $a:ident => $($b:ident)*) => {
        cast::<Bool, $a, Bool, <$a as Int>::Unsigned>($to);
        cast::<$a, Bool, <$a as Int>::Unsigned, Bool>($to);
        cast::<$a, f32, $a, f32>($to);
        cast::<$a, f64, $a, f64>($to);
        $( integers::<$a, $b>($to); checked::<$a, $b>($to); )*
    };
    ($to:ident, float $a:ident $other:ident => $($b:ident)*) => {
        cast::<Bool, $a, Bool, $a>($to);
        cast::<$a, Bool, $a, Bool>($to);
        cast::<$a, $other, $a, $other>($to);
        $( cast::<$a, $b, $a, $b>($to); checked::<$a, $b>($to); )*
    };
}

fn integers<A: Int + Convert<B>, B: Int>(to: &mut Builder) {
    cast::<A, B, A, B>(to);
}

fn casts(to: &mut Builder) {
    casts_of!(to, int i8 => i16 i32 i64 u8 u16 u32 u64);
    casts_of!(to, int i16 => i8 i32 i64 u8 u16 u32 u64);
    casts_of!(to, int i32 => i8 i16 i64 u8 u16 u32 u64);
    casts_of!(to, int i64 => i8 i16 i32 u8 u16 u32 u64);
    casts_of!(to, int u8 => i8 i16 i32 i64 u16 u32 u64);
    casts_of!(to, int u16 => i8 i16 i32 i64 u8 u32 u64);
    casts_of!(to, int u32 => i8 i16 i32 i64 u8 u16 u64);
    casts_of!(to, int u64 => i8 i16 i32 i64 u8 u16 u32);
    casts_of!(to, float f32 f64 => i8 i16 i32 i64 u8 u16 u32 u64);
    casts_of!(to, float f64 f32 => i8 i16 i32 i64 u8 u16 u32 u64);
}
