//! Ops that can fault: first look whether a lane that is really there refuses its operands, then compute all lanes.

use std::marker::PhantomData;

use super::level::Body;
use super::map::{Class, One, Source, Splat, Two, opaque, with_group};
use crate::vm::frame::{Frame, Inst};
use crate::vm::meaning::{Binary, Refuses1, Refuses2, Unary};
use crate::vm::types::{Bool, Lane};

/// Whether any of `n` lanes that is in `mask` and in `ok` refuses its operands.
///
/// # Safety
/// `n` lanes can be loaded from each.
#[inline(always)]
unsafe fn any<T: Lane, SA: Source<T>, SB: Source<T>, M: Source<Bool>, F: Fn(T, T) -> bool, const G: usize>(
    (a, b): (SA, SB),
    (mask, ok): (M, M),
    n: usize,
    refuses: F,
) -> bool {
    let mut i = 0;
    let mut found = [0_u8; G];
    while i + G <= n {
        // SAFETY: the group ends at or before `n`.
        let (a, b, mask, ok) = unsafe { (a.group::<G>(i), b.group::<G>(i), mask.group::<G>(i), ok.group::<G>(i)) };
        for k in 0..G {
            found[k] |= u8::from(refuses(a[k], b[k])) & mask[k].0 & ok[k].0;
        }
        i = opaque(i + G);
    }
    let mut some = found.iter().fold(0, |some, one| some | one);
    while i < n {
        // SAFETY: `i < n`.
        let (a, b, mask, ok) = unsafe { (a.group::<1>(i), b.group::<1>(i), mask.group::<1>(i), ok.group::<1>(i)) };
        some |= u8::from(refuses(a[0], b[0])) & mask[0].0 & ok[0].0;
        i = opaque(i + 1);
    }
    some != 0
}

/// Faults the lanes of the window that are in the instruction's mask, still ok, and refuse their operands.
///
/// # Safety
/// `a` and `b` have the window's lanes, field `c` is a mask and `imm` a site.
#[inline(always)]
pub(super) unsafe fn check<T: Lane, SA: Source<T>, SB: Source<T>, F: Fn(T, T) -> bool>(
    frame: &mut Frame<'_>,
    inst: &Inst,
    (a, b): (SA, SB),
    refuses: F,
) {
    let n = frame.hi - frame.lo;
    // SAFETY: field `c` is a mask; the window lies within all registers.
    unsafe {
        let (mask, ok) = (frame.mask(inst.c), frame.mask(0));
        if with_group!(any::<T, _, _, _, _>((a, b), (mask, ok), n, &refuses); widest T, T) {
            frame.blame(inst.c, inst.imm, &|i| refuses(a.group::<1>(i)[0], b.group::<1>(i)[0]));
        }
    }
}

/// A checked op of one lane register.
pub(in crate::vm) struct Checked1<O>(PhantomData<O>);

impl<O: Refuses1> Body for Checked1<O> {
    #[inline(always)]
    unsafe fn run(frame: &mut Frame<'_>, inst: &Inst) {
        // SAFETY: the row of this body has the fields of `One` together with a mask and a site.
        unsafe {
            let a = <super::map::Varying as Class>::of::<O::A>(frame, inst.a);
            check(frame, inst, (a, Splat(O::A::default())), |a, _| O::refuses(a));
            One::<O>::run(frame, inst);
        }
    }
}

/// A checked op of two operands, of which one at least is a lane register.
pub(in crate::vm) struct Checked2<O, CA, CB>(PhantomData<(O, CA, CB)>);

impl<O: Refuses2, CA: Class, CB: Class> Body for Checked2<O, CA, CB> {
    #[inline(always)]
    unsafe fn run(frame: &mut Frame<'_>, inst: &Inst) {
        // SAFETY: the row of this body has the fields of `Two` together with a mask and a site.
        unsafe {
            let operands = (CA::of::<O::A>(frame, inst.a), CB::of::<O::A>(frame, inst.b));
            check(frame, inst, operands, O::refuses);
            Two::<O, CA, CB>::run(frame, inst);
        }
    }
}

/// A checked op of one uniform register.
pub(in crate::vm) struct UniformChecked1<O>(PhantomData<O>);

impl<O: Refuses1> Body for UniformChecked1<O> {
    #[inline(always)]
    unsafe fn run(frame: &mut Frame<'_>, inst: &Inst) {
        // SAFETY: the row of this body says that both are uniform registers of the op's types, `c` a mask, `imm` a site.
        unsafe {
            let a = frame.uniform::<O::A>(inst.a);
            if O::refuses(a) {
                frame.blame(inst.c, inst.imm, &|_| true);
                frame.set_uniform(inst.dst, O::R::default());
            } else {
                frame.set_uniform(inst.dst, <O as Unary>::apply(a));
            }
        }
    }
}

/// A checked op of two uniform registers.
pub(in crate::vm) struct UniformChecked2<O>(PhantomData<O>);

impl<O: Refuses2> Body for UniformChecked2<O> {
    #[inline(always)]
    unsafe fn run(frame: &mut Frame<'_>, inst: &Inst) {
        // SAFETY: as in `UniformChecked1`.
        unsafe {
            let (a, b) = (frame.uniform::<O::A>(inst.a), frame.uniform::<O::A>(inst.b));
            if O::refuses(a, b) {
                frame.blame(inst.c, inst.imm, &|_| true);
                frame.set_uniform(inst.dst, O::R::default());
            } else {
                frame.set_uniform(inst.dst, <O as Binary>::apply(a, b));
            }
        }
    }
}
