//! Two ops of which the second takes the first one's result: it stays in a register of the processor.

use std::marker::PhantomData;

use super::level::Body;
use super::map::{Class, Varying, three, with_group};
use crate::vm::frame::{Frame, Inst};
use crate::vm::meaning::Binary;
use crate::vm::types::Lane;

/// `Q` of `P` of a lane register and another operand, and of a third.
pub(in crate::vm) struct Pair<P, Q, CB, CC>(PhantomData<(P, Q, CB, CC)>);

impl<T: Lane, P, Q, CB: Class, CC: Class> Body for Pair<P, Q, CB, CC>
where
    P: Binary<A = T, R = T>,
    Q: Binary<A = T, R = T>,
{
    #[inline(always)]
    unsafe fn run(frame: &mut Frame<'_>, inst: &Inst) {
        // SAFETY: the row of this body says that `dst` and `a` are lane registers, and of which class `b` and `c` are.
        unsafe {
            let dst = frame.lanes::<T>(inst.dst).add(frame.lo);
            let operands = (Varying::of::<T>(frame, inst.a), CB::of::<T>(frame, inst.b), CC::of::<T>(frame, inst.c));
            let n = frame.padded - frame.lo;
            with_group!(three::<T, _, _, _, _>(dst, operands, n, |a, b, c| Q::apply(P::apply(a, b), c)); widest T, T)
        }
    }
}
