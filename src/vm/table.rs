//! The rows of the op table, family by family.

mod build;
mod control;
mod floats;
mod ints;
mod moves;
mod pairs;

use super::op::Table;
use build::Builder;

/// All rows.
pub(super) fn build() -> Table {
    let mut to = Builder::default();
    control::rows(&mut to);
    ints::bool_rows(&mut to);
    macro_rules! of_ints { ($($ty:ty)*) => { $( ints::rows::<$ty>(&mut to); )* }; }
    of_ints!(i8 i16 i32 i64 u8 u16 u32 u64);
    floats::rows::<f32>(&mut to);
    floats::rows::<f64>(&mut to);
    moves::rows(&mut to);
    pairs::rows(&mut to);
    to.finish()
}
