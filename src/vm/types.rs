//! The types of registers, and what Rust calls them.

use super::number::{Float, Int};
use crate::buffer::{DType, View};

/// A bool as a register holds it: a byte of 0 or 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(transparent)]
pub(super) struct Bool(pub(super) u8);

impl From<bool> for Bool {
    #[inline(always)]
    fn from(value: bool) -> Self {
        Self(u8::from(value))
    }
}

/// The storage of one lane. Any bit pattern is a valid value.
pub(super) trait Lane: Copy + Default + PartialEq + Send + Sync + 'static {
    /// The type that programs know it by.
    const TYPE: DType;
    /// The unsigned integer of the same size: code that doesn't look at signs is instantiated for it alone.
    type Bits: Int;
}

macro_rules! lanes {
    ($($ty:ty => $dtype:ident $bits:ty),* $(,)?) => {$(
        impl Lane for $ty { const TYPE: DType = DType::$dtype; type Bits = $bits; }
    )*};
}
lanes! {
    Bool => Bool u8,
    i8 => Int8 u8, i16 => Int16 u16, i32 => Int32 u32, i64 => Int64 u64,
    u8 => UInt8 u8, u16 => UInt16 u16, u32 => UInt32 u32, u64 => UInt64 u64,
    f32 => Float32 u32, f64 => Float64 u64,
}

/// The name of a type in op names: `i32`, `f64`, `bool`.
pub(super) const fn short(dtype: DType) -> &'static str {
    match dtype {
        DType::Bool => "bool",
        DType::Int8 => "i8",
        DType::Int16 => "i16",
        DType::Int32 => "i32",
        DType::Int64 => "i64",
        DType::UInt8 => "u8",
        DType::UInt16 => "u16",
        DType::UInt32 => "u32",
        DType::UInt64 => "u64",
        DType::Float32 => "f32",
        DType::Float64 => "f64",
        DType::Object => "object",
    }
}

/// Lanes as they are loaded from arrays and stored in them.
pub(super) trait Stored: Lane {
    /// Loads the elements from `begin` on.
    fn load(view: &View<'_>, begin: u64, lanes: &mut [Self]);
    /// Stores the elements from `begin` on.
    fn store(view: &View<'_>, begin: u64, lanes: &[Self]);
    /// Element `i`.
    fn read(view: &View<'_>, i: u64) -> Self;
    /// Stores element `i`.
    fn write(self, view: &View<'_>, i: u64);
    /// The value as results have it: any nan is the canonical one.
    fn settled(self) -> Self;
}

macro_rules! stored {
    ($($ty:ty: |$x:ident| $settled:expr),* $(,)?) => {$(
        impl Stored for $ty {
            #[inline(always)]
            fn load(view: &View<'_>, begin: u64, lanes: &mut [Self]) { view.load(begin, lanes); }
            #[inline(always)]
            fn store(view: &View<'_>, begin: u64, lanes: &[Self]) { view.store(begin, lanes); }
            #[inline(always)]
            fn read(view: &View<'_>, i: u64) -> Self { view.read(i) }
            #[inline(always)]
            fn write(self, view: &View<'_>, i: u64) { view.write(i, self); }
            #[inline(always)]
            fn settled(self) -> Self { let $x = self; $settled }
        }
    )*};
}
stored! {
    i8: |x| x, i16: |x| x, i32: |x| x, i64: |x| x, u8: |x| x, u16: |x| x, u32: |x| x, u64: |x| x,
    f32: |x| x.canon(), f64: |x| x.canon(),
}

impl Stored for Bool {
    fn load(view: &View<'_>, begin: u64, lanes: &mut [Self]) {
        for (i, lane) in (begin..).zip(lanes) {
            *lane = view.read_bool(i).into();
        }
    }
    fn store(view: &View<'_>, begin: u64, lanes: &[Self]) {
        for (i, lane) in (begin..).zip(lanes) {
            view.write_bool(i, lane.0 != 0);
        }
    }
    fn read(view: &View<'_>, i: u64) -> Self {
        view.read_bool(i).into()
    }
    fn write(self, view: &View<'_>, i: u64) {
        view.write_bool(i, self.0 != 0);
    }
    fn settled(self) -> Self {
        self
    }
}
