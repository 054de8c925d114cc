//! The memory of a frame: lane registers side by side, uniform registers, element indices. Kept from call to call.

use std::cell::Cell;

use super::map::{Class, Varying};
use crate::vm::frame::{EVERY, Frame, Inst};
use crate::vm::program::Place;
use crate::vm::types::{Bool, Lane};

/// Memory that a thread keeps between calls, in bytes; larger frames are freed.
const MOST_KEPT: usize = 4 << 20;

/// A cache line of registers.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([u64; 8]);

/// What the registers of one frame lie in.
#[derive(Default)]
pub(in crate::vm) struct Memory {
    lines: Vec<Line>,
    /// Uniform registers, each in the first bytes of a word.
    pub(in crate::vm) uniforms: Vec<u64>,
    /// The element that each lane holds.
    pub(in crate::vm) index: Vec<u64>,
}

thread_local! {
    /// Memory that is not in use. A program that runs inside another one's poll finds none and makes its own.
    static KEPT: Cell<Option<Box<Memory>>> = const { Cell::new(None) };
}

impl Memory {
    /// Memory for `lanes` lanes of `stride` bytes each, with `uniforms` as given. What the lanes hold is left over from
    /// whoever had the memory before.
    pub(in crate::vm) fn take(lanes: usize, stride: usize, uniforms: &[u64]) -> Box<Self> {
        let mut memory = KEPT.take().unwrap_or_default();
        let lines = (lanes * stride).div_ceil(size_of::<Line>());
        if memory.lines.len() < lines {
            memory.lines.resize(lines, Line([0; 8]));
        }
        if memory.index.len() < lanes {
            memory.index.resize(lanes, 0);
        }
        memory.uniforms.clear();
        memory.uniforms.extend_from_slice(uniforms);
        memory
    }

    /// Gives it back for the thread's next call.
    pub(in crate::vm) fn keep(self: Box<Self>) {
        if self.lines.len() * size_of::<Line>() <= MOST_KEPT {
            KEPT.set(Some(self));
        }
    }

    /// Where the lane registers begin. Nothing else touches them while a frame uses the pointer.
    pub(in crate::vm) fn base(&mut self) -> *mut u8 {
        self.lines.as_mut_ptr().cast()
    }
}

impl Frame<'_> {
    /// First lane of a register.
    ///
    /// # Safety
    /// `place` is that of a lane register of type `T` of the frame's program.
    #[inline(always)]
    pub(in crate::vm) unsafe fn lanes<T: Lane>(&self, place: u32) -> *mut T {
        // SAFETY: the caller says that the register exists; its lanes begin `place` bytes a lane into the memory.
        unsafe { self.base.add(place as usize * self.capacity).cast() }
    }

    /// The lanes of the window of a register, to be read.
    ///
    /// # Safety
    /// As [`Frame::lanes`]; the register isn't written while the slice lives.
    #[inline(always)]
    pub(in crate::vm) unsafe fn window<T: Lane>(&self, place: u32) -> &[T] {
        // SAFETY: the window lies within every register; registers are aligned, any bits are a value.
        unsafe { std::slice::from_raw_parts(self.lanes::<T>(place).add(self.lo), self.hi - self.lo) }
    }

    /// The lanes of the window of a register, to be written.
    ///
    /// # Safety
    /// As [`Frame::lanes`]; there is no other slice of the register.
    #[inline(always)]
    #[allow(clippy::mut_from_ref, reason = "the frame's memory is reached through a pointer")]
    pub(in crate::vm) unsafe fn window_mut<T: Lane>(&self, place: u32) -> &mut [T] {
        // SAFETY: as in `window`.
        unsafe { std::slice::from_raw_parts_mut(self.lanes::<T>(place).add(self.lo), self.hi - self.lo) }
    }

    /// The lanes of the block of a register, to be written.
    ///
    /// # Safety
    /// As [`Frame::window_mut`].
    #[allow(clippy::mut_from_ref, reason = "the frame's memory is reached through a pointer")]
    pub(in crate::vm) unsafe fn whole_mut<T: Lane>(&self, place: u32) -> &mut [T] {
        // SAFETY: the block lies within every register.
        unsafe { std::slice::from_raw_parts_mut(self.lanes::<T>(place), self.block) }
    }

    /// The window of a mask; of `ok` where the field stands for every lane.
    ///
    /// # Safety
    /// `mask` is the place of a register of bools of the frame's program, or [`EVERY`].
    #[inline(always)]
    pub(in crate::vm) unsafe fn mask(&self, mask: u32) -> <Varying as Class>::Of<Bool> {
        // SAFETY: the caller's promise; register 0 is `ok`, of bools.
        unsafe { Varying::of(self, place(mask)) }
    }

    /// The value of a uniform register.
    ///
    /// # Safety
    /// `place` is the number of a uniform register of type `T` of the frame's program.
    #[inline(always)]
    pub(in crate::vm) unsafe fn uniform<T: Lane>(&self, place: u32) -> T {
        // SAFETY: the register exists, and a word has room for any type.
        unsafe { self.memory.uniforms.as_ptr().add(place as usize).cast::<T>().read() }
    }

    /// Sets a uniform register.
    ///
    /// # Safety
    /// As [`Frame::uniform`].
    #[inline(always)]
    pub(in crate::vm) unsafe fn set_uniform<T: Lane>(&mut self, place: u32, value: T) {
        // SAFETY: as in `uniform`.
        unsafe { self.memory.uniforms.as_mut_ptr().add(place as usize).cast::<T>().write(value) }
    }

    /// Whether lane `i` of the window is in `mask` and ok.
    pub(in crate::vm) fn is_there(&self, mask: u32, i: usize) -> bool {
        debug_assert!(i < self.hi - self.lo);
        // SAFETY: `mask` is a field that the verifier took for a mask, and `i` is a lane of the window.
        unsafe { self.mask(mask).0.add(i).read().0 & self.mask(0).0.add(i).read().0 != 0 }
    }

    /// Whether all lanes of the window are in `mask` and ok.
    pub(in crate::vm) fn all_there(&self, mask: u32) -> bool {
        self.there(mask).0
    }

    /// Whether any lane of the window is in `mask` and ok.
    pub(in crate::vm) fn any_there(&self, mask: u32) -> bool {
        self.there(mask).1
    }

    /// Whether all, and whether any lanes of the window are in `mask` and ok.
    fn there(&self, mask: u32) -> (bool, bool) {
        // SAFETY: `mask` is a field that the verifier took for a mask; both are only read.
        let (mask, ok) = unsafe { (self.window::<Bool>(place(mask)), self.window::<Bool>(0)) };
        mask.iter().zip(ok).fold((true, false), |(all, any), (mask, ok)| {
            let there = mask.0 & ok.0 != 0;
            (all & there, any | there)
        })
    }

    /// Marks a lane of the block as faulted.
    pub(in crate::vm) fn clear_ok(&mut self, lane: usize) {
        // SAFETY: register 0 is `ok`, of bools.
        unsafe { self.whole_mut::<Bool>(0)[lane] = Bool(0) };
    }

    /// Carries out an op that has code.
    #[inline(always)]
    pub(in crate::vm) fn carry_out(&mut self, inst: &Inst) {
        // SAFETY: instructions are made of verified programs only, for a level of this machine, and a machine runs those
        // of the program that its frame was made for.
        unsafe { (inst.code)(self, inst) }
    }

    /// The value of a uniform register of bools.
    #[inline]
    pub(in crate::vm) fn truth(&self, place: u32) -> bool {
        // SAFETY: the verifier took the field for a uniform register of bools.
        unsafe { self.uniform::<Bool>(place).0 != 0 }
    }

    /// Sets a uniform register of bools.
    #[inline]
    pub(in crate::vm) fn set_truth(&mut self, place: u32, value: bool) {
        // SAFETY: as in `truth`.
        unsafe { self.set_uniform(place, Bool::from(value)) }
    }

    /// Whether two uniform registers of one type are equal.
    #[inline]
    pub(in crate::vm) fn meet(&self, a: u32, b: u32) -> bool {
        // What is behind a value in its word stays 0.
        self.memory.uniforms[a as usize] == self.memory.uniforms[b as usize]
    }

    /// Makes all lanes of the window ok.
    pub(in crate::vm) fn set_ok(&mut self) {
        // SAFETY: register 0 is `ok`, of bools; nothing else refers to it.
        unsafe { self.window_mut::<Bool>(0) }.fill(Bool(1));
    }

    /// Whether any lane of the block is ok.
    pub(in crate::vm) fn any_ok(&self) -> bool {
        // SAFETY: as in `set_ok`.
        unsafe { self.whole_mut::<Bool>(0) }.contains(&Bool(1))
    }

    /// Exchanges pairs of a register's lanes.
    pub(in crate::vm) fn exchange(&mut self, at: Place, pairs: &[(u32, u32)]) {
        // SAFETY: the places of a program's permute list are those of its lane registers, with their sizes; any type of
        // that size does for moving bits, and slices check the lanes.
        unsafe {
            match at.size {
                1 => swap(self.whole_mut::<u8>(at.place), pairs),
                2 => swap(self.whole_mut::<u16>(at.place), pairs),
                4 => swap(self.whole_mut::<u32>(at.place), pairs),
                _ => swap(self.whole_mut::<u64>(at.place), pairs),
            }
        }
    }

    /// Fills registers with zeros.
    pub(in crate::vm) fn clear(&mut self, places: &[Place]) {
        for at in places {
            let (first, bytes) = (at.place as usize * self.capacity, at.size as usize * self.capacity);
            // SAFETY: the register's lanes lie in the memory; zeros are a value of any type.
            unsafe { self.base.add(first).write_bytes(0, bytes) };
        }
    }
}

/// The place of a mask; that of `ok` where it stands for every lane.
const fn place(mask: u32) -> u32 {
    if mask == EVERY { 0 } else { mask }
}

fn swap<T>(lanes: &mut [T], pairs: &[(u32, u32)]) {
    for (i, j) in pairs {
        lanes.swap(*i as usize, *j as usize);
    }
}
