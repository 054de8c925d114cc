//! Ops between lanes and the call's arrays: inputs, results, table elements.

use std::marker::PhantomData;

use super::checked::check;
use super::level::Body;
use super::map::{Class, Lanes, Source, Splat, Varying};
use crate::vm::frame::{Frame, Inst};
use crate::vm::types::{Bool, Stored};

/// Lanes that go to an array together.
const TILE: usize = 64;

/// `input.{T}.v`: the elements of an argument that the lanes hold.
pub(in crate::vm) struct Input<T>(PhantomData<T>);

impl<T: Stored> Body for Input<T> {
    #[inline(always)]
    unsafe fn run(frame: &mut Frame<'_>, inst: &Inst) {
        let view = &frame.ctx.inputs()[inst.a as usize];
        // SAFETY: the row of this body says that `dst` is a lane register of type T.
        let lanes = unsafe { frame.window_mut::<T>(inst.dst) };
        match frame.run_of_elements() {
            Some(begin) => T::load(view, begin, lanes),
            None => {
                for (lane, index) in lanes.iter_mut().zip(frame.elements()) {
                    *lane = T::read(view, *index);
                }
            }
        }
    }
}

/// `input.{T}.s`: an argument that is the same for every element.
pub(in crate::vm) struct UniformInput<T>(PhantomData<T>);

impl<T: Stored> Body for UniformInput<T> {
    #[inline(always)]
    unsafe fn run(frame: &mut Frame<'_>, inst: &Inst) {
        let value = T::read(&frame.ctx.inputs()[inst.a as usize], 0);
        // SAFETY: the row of this body says that `dst` is a uniform register of type T.
        unsafe { frame.set_uniform(inst.dst, value) }
    }
}

/// `store`: results of the elements that are in the mask and ok.
pub(in crate::vm) struct Store<T, C>(PhantomData<(T, C)>);

impl<T: Stored, C: Class> Body for Store<T, C> {
    #[inline(always)]
    unsafe fn run(frame: &mut Frame<'_>, inst: &Inst) {
        let n = frame.hi - frame.lo;
        let view = &frame.ctx.outputs()[inst.b as usize];
        // SAFETY: the row of this body says that `a` is of type T and of this class, and `c` a mask.
        let a = unsafe { C::of::<T>(frame, inst.a) };
        if let Some(begin) = frame.run_of_elements()
            && frame.all_there(inst.c)
        {
            let mut at = 0;
            while at + TILE <= n {
                // SAFETY: the tile ends at or before the window's end.
                let tile = unsafe { a.group::<TILE>(at) }.map(T::settled);
                T::store(view, begin + at as u64, &tile);
                at += TILE;
            }
            for i in at..n {
                // SAFETY: `i` is a lane of the window.
                unsafe { a.group::<1>(i)[0] }.settled().write(view, begin + i as u64);
            }
            return;
        }
        for (i, index) in frame.elements().iter().enumerate() {
            if frame.is_there(inst.c, i) {
                // SAFETY: `i` is a lane of the window.
                unsafe { a.group::<1>(i)[0] }.settled().write(view, *index);
            }
        }
    }
}

/// `gather`: elements of a table, 0 for an index out of its range.
pub(in crate::vm) struct Gather<T>(PhantomData<T>);

impl<T: Stored> Body for Gather<T> {
    #[inline(always)]
    unsafe fn run(frame: &mut Frame<'_>, inst: &Inst) {
        let view = frame.ctx.tables()[inst.imm as usize].view();
        // SAFETY: the row of this body says that `dst` is a lane register of type T and `a` one of i64; slices of one
        // register only exist where T is i64 and both are the same, hence pointers.
        unsafe {
            let (dst, a) = (frame.lanes::<T>(inst.dst).add(frame.lo), Varying::of::<i64>(frame, inst.a));
            for i in 0..frame.hi - frame.lo {
                dst.add(i).write(element(view, a.group::<1>(i)[0]));
            }
        }
    }
}

/// `gather` by a uniform index.
pub(in crate::vm) struct UniformGather<T>(PhantomData<T>);

impl<T: Stored> Body for UniformGather<T> {
    #[inline(always)]
    unsafe fn run(frame: &mut Frame<'_>, inst: &Inst) {
        let view = frame.ctx.tables()[inst.imm as usize].view();
        // SAFETY: the row of this body says that `dst` is a uniform register of type T and `a` one of i64.
        unsafe { frame.set_uniform(inst.dst, element::<T>(view, frame.uniform(inst.a))) }
    }
}

#[inline(always)]
fn element<T: Stored>(view: &crate::buffer::View<'_>, index: i64) -> T {
    let index = index.cast_unsigned();
    if index < view.len() { T::read(view, index) } else { T::default() }
}

/// `dim`: the length of a table's axis.
pub(in crate::vm) struct Dim;

impl Body for Dim {
    #[inline(always)]
    unsafe fn run(frame: &mut Frame<'_>, inst: &Inst) {
        let length = frame.ctx.tables()[inst.a as usize].dims()[inst.b as usize];
        // SAFETY: the row of this body says that `dst` is a uniform register of i64.
        unsafe { frame.set_uniform(inst.dst, length.cast_signed()) }
    }
}

/// Whether `index` is none of an axis of `length` elements, from either end.
#[inline(always)]
fn outside(index: i64, length: i64) -> bool {
    index >= length || index < length.wrapping_neg()
}

/// The index counted from the front; 0 for one that is outside.
#[inline(always)]
fn from_front(index: i64, length: i64) -> i64 {
    if outside(index, length) {
        0
    } else if index < 0 {
        index.wrapping_add(length)
    } else {
        index
    }
}

/// `bound.v`.
pub(in crate::vm) struct Bound;

impl Body for Bound {
    #[inline(always)]
    unsafe fn run(frame: &mut Frame<'_>, inst: &Inst) {
        // SAFETY: the row of this body says that `dst` and `a` are lane registers of i64, `b` a uniform one, `c` a mask
        // and `imm` a site.
        unsafe {
            let a = Varying::of::<i64>(frame, inst.a);
            let length = frame.uniform::<i64>(inst.b);
            check(frame, inst, (a, Splat(length)), outside);
            let dst = frame.lanes::<i64>(inst.dst).add(frame.lo);
            super::map::one::<i64, i64, Lanes<i64>, _, 16>(dst, a, frame.padded - frame.lo, |i| from_front(i, length));
        }
    }
}

/// `bound.s`.
pub(in crate::vm) struct UniformBound;

impl Body for UniformBound {
    #[inline(always)]
    unsafe fn run(frame: &mut Frame<'_>, inst: &Inst) {
        // SAFETY: as in `Bound`, with `dst` and `a` uniform registers.
        unsafe {
            let (index, length) = (frame.uniform::<i64>(inst.a), frame.uniform::<i64>(inst.b));
            if outside(index, length) {
                frame.blame(inst.c, inst.imm, &|_| true);
            }
            frame.set_uniform(inst.dst, from_front(index, length));
        }
    }
}

/// `fault`: the masked lanes.
pub(in crate::vm) struct Fault;

impl Body for Fault {
    #[inline(always)]
    unsafe fn run(frame: &mut Frame<'_>, inst: &Inst) {
        if frame.any_there(inst.c) {
            frame.blame(inst.c, inst.imm, &|_| true);
        }
    }
}

/// `step`: counts a back edge of the masked lanes.
pub(in crate::vm) struct Step;

impl Body for Step {
    #[inline(always)]
    unsafe fn run(frame: &mut Frame<'_>, inst: &Inst) {
        let most = frame.ctx.max_steps();
        if most == u64::MAX {
            return;
        }
        // SAFETY: the row of this body says that `a` is a lane register of u64, `c` a mask and `imm` a site.
        unsafe {
            let mask = if inst.c == crate::vm::frame::EVERY { None } else { Some(frame.mask(inst.c)) };
            let counter = frame.lanes::<u64>(inst.a).add(frame.lo);
            let n = frame.hi - frame.lo;
            match mask {
                None => count(counter, Splat(Bool(1)), n),
                Some(mask) => count(counter, mask, n),
            }
            check(frame, inst, (Lanes(counter.cast_const()), Splat(0)), |steps, _| steps > most);
        }
    }
}

/// Adds 1 to the counters of the masked lanes.
///
/// # Safety
/// There are `n` lanes of both.
#[inline(always)]
unsafe fn count<M: Source<Bool>>(counter: *mut u64, mask: M, n: usize) {
    for i in 0..n {
        // SAFETY: `i < n`.
        unsafe { *counter.add(i) += u64::from(mask.group::<1>(i)[0].0 & 1) };
    }
}
