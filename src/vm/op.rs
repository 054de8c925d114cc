//! The op table: one row for each op, with its number, name, fields and code. `docs/design/007-block-vm.md` explains them.

use std::collections::HashMap;
use std::fmt;
use std::sync::OnceLock;

use super::lanes::level::Levels;
use super::table;
use super::types::short;
use crate::buffer::DType;

/// A column of an instruction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// Bytes 2 and 3.
    Dst,
    /// Bytes 4 and 5.
    A,
    /// Bytes 6 and 7.
    B,
    /// Bytes 8 and 9.
    C,
    /// Bytes 10 and 11.
    D,
    /// Bytes 12 to 15.
    Imm,
}

impl Field {
    /// Its name in the table that printers read.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Dst => "dst",
            Self::A => "a",
            Self::B => "b",
            Self::C => "c",
            Self::D => "d",
            Self::Imm => "imm",
        }
    }
}

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A lane register of that type.
    V(DType),
    /// A uniform register of that type.
    S(DType),
    /// A lane register of bools, or 0xFFFF for every lane.
    Mask,
    /// A place that can fault.
    Site,
    /// An instruction's number.
    Target,
    /// An input.
    Input,
    /// An output.
    Output,
    /// A table.
    Table,
    /// An axis of the table that field `a` names.
    Axis,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::V(dtype) => write!(f, "V:{}", short(*dtype)),
            Self::S(dtype) => write!(f, "S:{}", short(*dtype)),
            Self::Mask => f.write_str("mask"),
            Self::Site => f.write_str("site"),
            Self::Target => f.write_str("target"),
            Self::Input => f.write_str("input"),
            Self::Output => f.write_str("output"),
            Self::Table => f.write_str("table"),
            Self::Axis => f.write_str("axis"),
        }
    }
}

/// What an op does.
#[derive(Debug, Clone, Copy)]
pub(super) enum Exec {
    /// Computes on the lanes of the window, or on uniform registers.
    Code(Levels),
    /// Moves the program counter or the window, after the code has answered what it needs to know of a mask.
    Control(Control, Levels),
}

/// Ops that the interpreter's loop carries out itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Control {
    /// None of them: an op with code.
    Code,
    Jump,
    JumpIf,
    JumpUnless,
    JumpIfNone,
    Due,
    Back,
    Enter,
    Compact,
    Leave,
    Refill,
    End,
}

/// One op.
#[derive(Debug, Clone)]
pub struct Row {
    /// Its name, such as `add.i32.vs`.
    pub name: String,
    /// Its fields, in the order of the columns.
    pub fields: Vec<(Field, Kind)>,
    pub(super) exec: Exec,
    /// What it costs a lane, in units of an addition of the same type.
    pub(super) weight: u32,
    /// Whether it divides by the uniform register of `b`, through a reciprocal.
    pub(super) divides: bool,
}

impl Row {
    /// What it costs a lane, in additions of bytes: a vector holds fewer lanes of a wider type. Uniform registers cost
    /// lanes nothing.
    pub(super) fn cost(&self) -> u64 {
        let bytes = self.fields.iter().map(|(_, kind)| match kind {
            Kind::V(dtype) => dtype.size() as u64,
            Kind::Mask => 1,
            _ => 0,
        });
        u64::from(self.weight) * bytes.max().unwrap_or(0)
    }

    /// The fields that it writes registers of.
    pub(super) fn written(&self) -> impl Iterator<Item = (Field, Kind)> {
        let written: &[Field] = match &self.exec {
            // It counts in its operand.
            Exec::Code(_) if self.name == "step" => &[Field::A],
            Exec::Control(Control::Refill, _) => &[Field::B],
            Exec::Control(Control::Due, _) => &[Field::Dst, Field::D],
            _ => &[Field::Dst],
        };
        self.fields.iter().copied().filter(|(field, _)| written.contains(field))
    }

    /// Whether some lanes of what it writes may stay as they were.
    pub(super) fn keeps_lanes(&self) -> bool {
        self.name == "step" || self.name.starts_with("movm.") || self.name.starts_with("due.")
    }

    /// The type of the table's elements that it reads.
    pub(super) fn reads_elements(&self) -> Option<DType> {
        match self.fields[..] {
            [(Field::Dst, Kind::V(dtype) | Kind::S(dtype)), _, (_, Kind::Table)] => Some(dtype),
            _ => None,
        }
    }
}

/// All ops; a row's number is its place.
#[derive(Debug, Default)]
pub struct Table {
    rows: Vec<Row>,
    numbers: HashMap<String, u16>,
}

impl Table {
    /// The rows, in the order of their numbers.
    #[must_use]
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// The number of the op called `name`.
    #[must_use]
    pub fn number(&self, name: &str) -> Option<u16> {
        self.numbers.get(name).copied()
    }

    /// Says that an op divides by the uniform register of `b`.
    pub(super) fn divides(&mut self, name: &str) {
        let number = self.numbers[name];
        self.rows[usize::from(number)].divides = true;
    }

    pub(super) fn push(&mut self, row: Row) {
        let number = u16::try_from(self.rows.len()).expect("fewer than 65,536 ops");
        let former = self.numbers.insert(row.name.clone(), number);
        assert!(former.is_none(), "two ops called {}", row.name);
        self.rows.push(row);
    }
}

/// The table of all ops.
#[must_use]
pub fn ops() -> &'static Table {
    static TABLE: OnceLock<Table> = OnceLock::new();
    TABLE.get_or_init(table::build)
}
