//! Two ops of which the second takes the first one's result: it stays in a register of the processor.

use std::marker::PhantomData;

use super::level::Body;
use super::map::{Class, Source, Varying, opaque, with_group};
use crate::vm::frame::{Frame, Inst};
use crate::vm::meaning::Binary;
use crate::vm::types::Lane;

/// `Q` of `P` of a lane register and another operand, and of a third.
pub(in crate::vm) struct Pair<P, Q, CB, CC>(PhantomData<(P, Q, CB, CC)>);

/// Stores `op` of each lane.
///
/// # Safety
/// `n` lanes can be loaded from the operands and stored at `dst`.
#[inline(always)]
unsafe fn three<T: Lane, SA: Source<T>, SB: Source<T>, SC: Source<T>, F: Fn(T, T, T) -> T, const G: usize>(
    dst: *mut T,
    (a, b, c): (SA, SB, SC),
    n: usize,
    op: F,
) {
    let mut i = 0;
    while i + G <= n {
        // SAFETY: the group ends at or before `n`.
        unsafe {
            let (a, b, c) = (a.group::<G>(i), b.group::<G>(i), c.group::<G>(i));
            let mut r = [T::default(); G];
            for k in 0..G {
                r[k] = op(a[k], b[k], c[k]);
            }
            dst.add(i).cast::<[T; G]>().write_unaligned(r);
        }
        i = opaque(i + G);
    }
    while i < n {
        // SAFETY: `i < n`.
        unsafe { dst.add(i).write(op(a.group::<1>(i)[0], b.group::<1>(i)[0], c.group::<1>(i)[0])) };
        i = opaque(i + 1);
    }
}

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
