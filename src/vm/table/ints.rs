//! Rows of bools and integers.

use super::build::{Builder, Forms, loops, plain_loops};
use crate::buffer::DType::Bool as BOOL;
use crate::vm::lanes::divide::Divide;
use crate::vm::meaning::*;
use crate::vm::types::short;

use Forms::{Commutes, Sided};

/// Rows of bools. They are bytes, on which the code of uint8 serves.
pub(super) fn bool_rows(to: &mut Builder) {
    to.unary::<Not>("not.bool", BOOL, BOOL, 1);
    to.binary::<And<u8>>("and", BOOL, BOOL, Commutes, 1);
    to.binary::<Or<u8>>("or", BOOL, BOOL, Commutes, 1);
    to.binary::<Xor<u8>>("xor", BOOL, BOOL, Commutes, 1);
    to.binary::<Eq<u8>>("eq", BOOL, BOOL, Commutes, 1);
    to.binary::<Ne<u8>>("ne", BOOL, BOOL, Commutes, 1);
    to.and_not();
}

/// Rows of one integer type. What doesn't look at the sign shares the code of the unsigned type.
pub(super) fn rows<T: Divide>(to: &mut Builder) {
    let t = T::TYPE;
    to.binary::<Add<T::Unsigned>>("add", t, t, Commutes, 1);
    to.binary::<Sub<T::Unsigned>>("sub", t, t, Sided, 1);
    to.binary::<Mul<T::Unsigned>>("mul", t, t, Commutes, 1);
    to.binary::<And<T::Unsigned>>("and", t, t, Commutes, 1);
    to.binary::<Or<T::Unsigned>>("or", t, t, Commutes, 1);
    to.binary::<Xor<T::Unsigned>>("xor", t, t, Commutes, 1);
    to.binary::<Shl<T::Unsigned>>("shl", t, t, Sided, 1);
    to.binary::<Shr<T>>("shr", t, t, Sided, 1);
    to.binary::<Min<T>>("min", t, t, Sided, 1);
    to.binary::<Max<T>>("max", t, t, Sided, 1);
    to.binary::<Eq<T::Unsigned>>("eq", t, BOOL, Commutes, 1);
    to.binary::<Ne<T::Unsigned>>("ne", t, BOOL, Commutes, 1);
    to.binary::<Lt<T>>("lt", t, BOOL, Commutes, 1);
    to.binary::<Le<T>>("le", t, BOOL, Commutes, 1);
    to.binary::<Gt<T>>("gt", t, BOOL, Commutes, 1);
    to.binary::<Ge<T>>("ge", t, BOOL, Commutes, 1);
    let named = |op: &str| format!("{op}.{}", short(t));
    to.unary::<Neg<T::Unsigned>>(&named("neg"), t, t, 1);
    to.unary::<Abs<T>>(&named("abs"), t, t, 1);
    to.unary::<Invert<T::Unsigned>>(&named("invert"), t, t, 1);
    faulting_rows::<T>(to);
}

fn faulting_rows<T: Divide>(to: &mut Builder) {
    let t = T::TYPE;
    to.division::<FloorQuot<T>>("floordiv");
    to.division::<FloorRem<T>>("mod");
    to.division::<Quot<T>>("quot");
    to.division::<Rem<T>>("rem");
    to.checked2::<Pow<T>>("pow", plain_loops::<Pow<T>>(), 32);
    to.checked2::<Add<T>>("add_checked", loops::<Add<T>>(), 3);
    to.checked2::<Sub<T>>("sub_checked", loops::<Sub<T>>(), 3);
    to.checked2::<Mul<T>>("mul_checked", loops::<Mul<T>>(), 3);
    to.checked1::<Neg<T>>(&format!("neg_checked.{}", short(t)), t, t);
    to.checked1::<Abs<T>>(&format!("abs_checked.{}", short(t)), t, t);
}
