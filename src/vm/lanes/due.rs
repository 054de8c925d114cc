//! Lanes whose time has come: each lane has a time at which it leaves its loop, and a clock runs.

use std::marker::PhantomData;

use super::level::Body;
use super::map::{Class, Lanes, Source, Varying, opaque, with_group};
use crate::vm::frame::{Frame, Inst};
use crate::vm::number::Int;
use crate::vm::types::Bool;

/// Stores which lanes of the mask are due; gives how long none of the others is, in any lane, less 1, and whether any
/// lane is.
///
/// # Safety
/// `n` lanes can be loaded from `times` and `mask`, and stored at `dst`.
#[inline(always)]
unsafe fn look<T: Int, const G: usize>(
    dst: *mut Bool,
    times: Lanes<T>,
    mask: Lanes<Bool>,
    now: T,
    n: usize,
) -> (T, bool) {
    let all = T::ZERO.invert();
    let (mut least, mut any) = ([all; G], false);
    let mut i = 0;
    while i + G <= n {
        // SAFETY: the group ends at or before `n`.
        unsafe {
            let mut rest = times.group::<G>(i);
            let mut some = false;
            for k in 0..G {
                rest[k] = rest[k].sub(now).sub(T::ONE);
                least[k] = if rest[k] < least[k] { rest[k] } else { least[k] };
                some |= rest[k] == all;
            }
            let mut found = [Bool(0); G];
            if some {
                let mask = mask.group::<G>(i);
                let mut seen = 0;
                for k in 0..G {
                    found[k] = Bool(u8::from(rest[k] == all) & mask[k].0);
                    seen |= found[k].0;
                }
                any |= seen != 0;
            }
            dst.add(i).cast::<[Bool; G]>().write(found);
        }
        i = opaque(i + G);
    }
    let mut soonest = least.iter().fold(all, |soonest, rest| if *rest < soonest { *rest } else { soonest });
    while i < n {
        // SAFETY: `i < n`.
        unsafe {
            let rest = times.group::<1>(i)[0].sub(now).sub(T::ONE);
            soonest = if rest < soonest { rest } else { soonest };
            let found = u8::from(rest == all) & mask.group::<1>(i)[0].0;
            any |= found != 0;
            dst.add(i).write(Bool(found));
        }
        i = opaque(i + 1);
    }
    (soonest, any)
}

/// `due`, once the clock has come to the time at which lanes are to be looked at: whether any is due, and when to look
/// again.
pub(in crate::vm) struct Due<T>(PhantomData<T>);

impl<T: Int> Body for Due<T> {
    #[inline(always)]
    unsafe fn run(frame: &mut Frame<'_>, inst: &Inst) {
        // SAFETY: the row of this body says that `dst` is a lane register of bools and `a` one of type T, `b` and `d` are
        // uniform ones of type T, and `c` is a mask.
        unsafe {
            let dst = frame.lanes::<Bool>(inst.dst).add(frame.lo);
            let (times, mask) = (Varying::of::<T>(frame, inst.a), frame.mask(inst.c));
            let (now, n) = (frame.uniform::<T>(inst.b), frame.hi - frame.lo);
            let (rest, any) = with_group!(look::<T>(dst, times, mask, now, n); widest T, T);
            frame.set_uniform(inst.d, now.add(rest).add(T::ONE));
            frame.answer = usize::from(any);
        }
    }
}
