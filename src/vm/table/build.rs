//! How rows are made: an op, the forms it comes in, and the loops they are carried out by.

use crate::buffer::DType;
use crate::vm::lanes::checked::{Checked1, Checked2, UniformChecked1, UniformChecked2};
use crate::vm::lanes::divide::{self, Division};
use crate::vm::lanes::level::{Body, Levels};
use crate::vm::lanes::map::{One, Two, Uniform, UniformOne, UniformTwo, Varying};
use crate::vm::meaning::{AndNot, Binary, Refuses1, Refuses2, Unary};
use crate::vm::number::Int;
use crate::vm::op::{Control, Exec, Field, Kind, Row, Table};
use crate::vm::types::{Lane, short};

use Field::{A, B, C, Dst, Imm};
use Kind::{Mask, S, Site, V as Lanes};

/// Which operand forms a binary op has beside `vv`, `vs` and `ss`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::vm) enum Forms {
    /// All.
    Sided,
    /// No `sv`, which is `vs` with the operands exchanged.
    Commutes,
}

/// The table under construction.
#[derive(Debug, Default)]
pub(in crate::vm) struct Builder {
    table: Table,
}

impl Builder {
    pub(super) fn finish(self) -> Table {
        self.table
    }

    pub(super) fn code(&mut self, name: String, fields: &[(Field, Kind)], code: Levels, weight: u32) {
        self.table.push(Row { name, fields: fields.to_vec(), exec: Exec::Code(code), weight, divides: false });
    }

    pub(super) fn control<B: Body>(&mut self, name: &str, fields: &[(Field, Kind)], control: Control, weight: u32) {
        let exec = Exec::Control(control, Levels::of::<B>());
        self.table.push(Row { name: name.into(), fields: fields.to_vec(), exec, weight, divides: false });
    }

    /// `{name}.{v,s}` from `a` to `r`, carried out by `O`, whose types may be others of the same sizes.
    pub(super) fn unary<O: Unary>(&mut self, name: &str, a: DType, r: DType, weight: u32) {
        debug_assert!(size_of::<O::A>() == a.size() && size_of::<O::R>() == r.size());
        self.code(format!("{name}.v"), &[(Dst, Lanes(r)), (A, Lanes(a))], Levels::of::<One<O>>(), weight);
        self.code(format!("{name}.s"), &[(Dst, S(r)), (A, S(a))], Levels::plain::<UniformOne<O>>(), 1);
    }

    /// `{name}.{T}.{vv,vs,sv,ss}` on type `t`, with results of type `r`.
    pub(super) fn binary<O: Binary>(&mut self, name: &str, t: DType, r: DType, forms: Forms, weight: u32) {
        debug_assert!(size_of::<O::A>() == t.size() && size_of::<O::R>() == r.size());
        let name = format!("{name}.{}", short(t));
        self.code(
            format!("{name}.vv"),
            &[(Dst, Lanes(r)), (A, Lanes(t)), (B, Lanes(t))],
            Levels::of::<Two<O, Varying, Varying>>(),
            weight,
        );
        self.code(
            format!("{name}.vs"),
            &[(Dst, Lanes(r)), (A, Lanes(t)), (B, S(t))],
            Levels::of::<Two<O, Varying, Uniform>>(),
            weight,
        );
        if forms == Forms::Sided {
            self.code(
                format!("{name}.sv"),
                &[(Dst, Lanes(r)), (A, S(t)), (B, Lanes(t))],
                Levels::of::<Two<O, Uniform, Varying>>(),
                weight,
            );
        }
        self.code(format!("{name}.ss"), &[(Dst, S(r)), (A, S(t)), (B, S(t))], Levels::plain::<UniformTwo<O>>(), 1);
    }

    /// `andn.bool.vv`, which has no other form.
    pub(super) fn and_not(&mut self) {
        let kind = Lanes(DType::Bool);
        let code = Levels::of::<Two<AndNot<u8>, Varying, Varying>>();
        self.code("andn.bool.vv".into(), &[(Dst, kind), (A, kind), (B, kind)], code, 1);
    }

    /// A division, whose constant divisors get their reciprocal ahead of time.
    pub(super) fn division<O: Division>(&mut self, name: &str) {
        let weight = if O::T::WIDTH == 64 { 16 } else { 6 };
        self.checked2::<O>(name, divide::loops::<O>(), weight);
        self.table.divides(&format!("{name}.{}.vs", short(O::T::TYPE)));
    }

    /// `{name}.{v,s}` that faults where `O` refuses.
    pub(super) fn checked1<O: Refuses1>(&mut self, name: &str, a: DType, r: DType) {
        let (v, s) = ([(Dst, Lanes(r)), (A, Lanes(a))], [(Dst, S(r)), (A, S(a))]);
        self.code(format!("{name}.v"), &faulting(&v), Levels::of::<Checked1<O>>(), 3);
        self.code(format!("{name}.s"), &faulting(&s), Levels::plain::<UniformChecked1<O>>(), 1);
    }

    /// `{name}.{T}.{vv,vs,sv,ss}` that faults where `O` refuses, with `code` for the first three.
    pub(super) fn checked2<O: Refuses2>(&mut self, name: &str, code: [Levels; 3], weight: u32) {
        let t = O::A::TYPE;
        let name = format!("{name}.{}", short(t));
        let kinds = [("vv", Lanes(t), Lanes(t)), ("vs", Lanes(t), S(t)), ("sv", S(t), Lanes(t))];
        for ((form, a, b), code) in kinds.into_iter().zip(code) {
            self.code(format!("{name}.{form}"), &faulting(&[(Dst, Lanes(t)), (A, a), (B, b)]), code, weight);
        }
        let fields = faulting(&[(Dst, S(t)), (A, S(t)), (B, S(t))]);
        self.code(format!("{name}.ss"), &fields, Levels::plain::<UniformChecked2<O>>(), 1);
    }
}

/// The fields of an op that can fault.
pub(super) fn faulting(fields: &[(Field, Kind)]) -> Vec<(Field, Kind)> {
    [fields, &[(C, Mask), (Imm, Site)]].concat()
}

/// The loops of a checked op in the forms `vv`, `vs` and `sv`.
pub(super) fn loops<O: Refuses2>() -> [Levels; 3] {
    [
        Levels::of::<Checked2<O, Varying, Varying>>(),
        Levels::of::<Checked2<O, Varying, Uniform>>(),
        Levels::of::<Checked2<O, Uniform, Varying>>(),
    ]
}

/// The same where wide registers gain nothing.
pub(super) fn plain_loops<O: Refuses2>() -> [Levels; 3] {
    [
        Levels::plain::<Checked2<O, Varying, Varying>>(),
        Levels::plain::<Checked2<O, Varying, Uniform>>(),
        Levels::plain::<Checked2<O, Uniform, Varying>>(),
    ]
}
