//! Ops that are calls for each lane: fmod and what is made of it.

use std::marker::PhantomData;

use super::level::Body;
use super::map::{Class, Source};
use crate::vm::frame::{Frame, Inst};
use crate::vm::meaning::Binary;

/// A function of two operands, of which one at least is a lane register.
pub(in crate::vm) struct CallTwo<O, CA, CB>(PhantomData<(O, CA, CB)>);

impl<O: Binary, CA: Class, CB: Class> Body for CallTwo<O, CA, CB> {
    #[inline(always)]
    unsafe fn run(frame: &mut Frame<'_>, inst: &Inst) {
        // SAFETY: the row of this body says that `dst` is a lane register and of which class `a` and `b` are.
        unsafe {
            let dst = frame.lanes::<O::R>(inst.dst).add(frame.lo);
            let (a, b) = (CA::of::<O::A>(frame, inst.a), CB::of::<O::A>(frame, inst.b));
            for i in 0..frame.hi - frame.lo {
                dst.add(i).write(O::apply(a.group::<1>(i)[0], b.group::<1>(i)[0]));
            }
        }
    }
}
