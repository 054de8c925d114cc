//! Rows of control flow, faults, steps and tables.

use super::build::{Builder, faulting};
use crate::buffer::DType::{Bool, Int64, UInt64};
use crate::vm::lanes::due::Due;
use crate::vm::lanes::elements::{Bound, Dim, Fault, Step, UniformBound};
use crate::vm::lanes::level::Levels;
use crate::vm::lanes::masks::{Any, Count, Nothing};
use crate::vm::number::Int;
use crate::vm::op::{Control, Field, Kind};
use crate::vm::types::short;

use Field::{A, B, C, D, Dst, Imm};
use Kind::{Axis, Mask, S, Site, Table, Target, V};

/// These rows.
pub(super) fn rows(to: &mut Builder) {
    to.control::<Nothing>("end", &[], Control::End, 0);
    to.control::<Nothing>("jump", &[(Imm, Target)], Control::Jump, 0);
    to.control::<Nothing>("jump_if", &[(A, S(Bool)), (Imm, Target)], Control::JumpIf, 0);
    to.control::<Nothing>("jump_unless", &[(A, S(Bool)), (Imm, Target)], Control::JumpUnless, 0);
    to.control::<Any>("jump_if_none", &[(A, Mask), (Imm, Target)], Control::JumpIfNone, 1);
    to.control::<Nothing>("back", &[(Imm, Target)], Control::Back, 0);
    to.control::<Nothing>("enter", &[], Control::Enter, 0);
    to.control::<Count<false>>("compact", &[(A, Mask)], Control::Compact, 1);
    to.control::<Nothing>("leave", &[], Control::Leave, 0);
    to.control::<Count<true>>("refill", &[(A, Mask), (B, S(Bool))], Control::Refill, 1);
    due::<i32>(to);
    due::<i64>(to);
    due::<u32>(to);
    due::<u64>(to);
    to.code("fault".into(), &[(C, Mask), (Imm, Site)], Levels::of::<Fault>(), 1);
    to.code("step".into(), &[(A, V(UInt64)), (C, Mask), (Imm, Site)], Levels::of::<Step>(), 1);
    let bound = faulting(&[(Dst, V(Int64)), (A, V(Int64)), (B, S(Int64))]);
    to.code("bound.v".into(), &bound, Levels::of::<Bound>(), 2);
    let bound = faulting(&[(Dst, S(Int64)), (A, S(Int64)), (B, S(Int64))]);
    to.code("bound.s".into(), &bound, Levels::plain::<UniformBound>(), 1);
    to.code("dim".into(), &[(Dst, S(Int64)), (A, Table), (B, Axis)], Levels::plain::<Dim>(), 1);
}

fn due<T: Int>(to: &mut Builder) {
    let (v, s) = (V(T::TYPE), S(T::TYPE));
    let fields = [(Dst, V(Bool)), (A, v), (B, s), (C, Mask), (D, s), (Imm, Target)];
    to.control::<Due<T::Unsigned>>(&format!("due.{}", short(T::TYPE)), &fields, Control::Due, 0);
}
