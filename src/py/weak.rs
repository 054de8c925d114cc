//! Python numbers as arguments: weakly typed as in NEP 50, they take the type that the kernel wants if their value fits.

use pyo3::prelude::*;
use pyo3::types::{PyBool, PyFloat, PyInt};

use crate::buffer::DType;

/// A Python number.
#[derive(Clone, Copy)]
pub(crate) enum Weak {
    Int(i128),
    Float(f64),
    Bool(bool),
}

impl Weak {
    /// The number, if `argument` is exactly an int of at most 64 bits, a float or a bool.
    pub(crate) fn new(argument: &Bound<'_, PyAny>) -> Option<Self> {
        if argument.is_exact_instance_of::<PyFloat>() {
            return argument.extract().ok().map(Self::Float);
        }
        if argument.is_exact_instance_of::<PyBool>() {
            return argument.extract().ok().map(Self::Bool);
        }
        if argument.is_exact_instance_of::<PyInt>() {
            // Past 64 bits: the conversion says so with the argument's name.
            let value = argument.extract::<i64>().map(i128::from);
            return value.or_else(|_| argument.extract::<u64>().map(i128::from)).ok().map(Self::Int);
        }
        None
    }

    /// The type that it has where nothing else gives it one.
    pub(crate) fn own_dtype(self) -> DType {
        match self {
            Self::Bool(_) => DType::Bool,
            Self::Float(_) => DType::Float64,
            Self::Int(_) if self.fits(DType::Int64) => DType::Int64,
            Self::Int(_) => DType::UInt64,
        }
    }

    /// Whether the language lets it take the type of what it meets: not a bool, nor an int that only uint64 holds.
    pub(crate) fn is_weak(self) -> bool {
        !matches!(self.own_dtype(), DType::Bool | DType::UInt64)
    }

    pub(crate) fn fits(self, dtype: DType) -> bool {
        let within = |low: i128, high: i128| match self {
            Self::Int(value) => (low..=high).contains(&value),
            Self::Bool(_) => true,
            Self::Float(_) => false,
        };
        match dtype {
            DType::Bool => matches!(self, Self::Bool(_)),
            DType::Int8 => within(i8::MIN.into(), i8::MAX.into()),
            DType::Int16 => within(i16::MIN.into(), i16::MAX.into()),
            DType::Int32 => within(i32::MIN.into(), i32::MAX.into()),
            DType::Int64 => within(i64::MIN.into(), i64::MAX.into()),
            DType::UInt8 => within(0, u8::MAX.into()),
            DType::UInt16 => within(0, u16::MAX.into()),
            DType::UInt32 => within(0, u32::MAX.into()),
            DType::UInt64 => within(0, u64::MAX.into()),
            DType::Float32 => match self {
                // Finite values beyond float32 are refused by the conversion, with the argument's name.
                Self::Float(value) => !value.is_finite() || (value as f32).is_finite(),
                _ => true,
            },
            DType::Float64 => true,
            DType::Object => false,
        }
    }

    /// The value in the storage of `dtype`, which it fits.
    pub(crate) fn cell(self, dtype: DType) -> [u8; 8] {
        let integer = match self {
            Self::Int(value) => value,
            Self::Bool(value) => value.into(),
            Self::Float(_) => 0,
        };
        // Each to nearest in one rounding.
        let (single, double) = match self {
            Self::Float(value) => (value as f32, value),
            _ => (integer as f32, integer as f64),
        };
        let mut cell = [0; 8];
        match dtype {
            DType::Float32 => cell[..4].copy_from_slice(&single.to_ne_bytes()),
            DType::Float64 => cell.copy_from_slice(&double.to_ne_bytes()),
            _ => {
                let bytes = integer.to_le_bytes();
                let size = dtype.size();
                cell[..size].copy_from_slice(&bytes[..size]);
                if cfg!(target_endian = "big") {
                    cell[..size].reverse();
                }
            }
        }
        cell
    }
}
