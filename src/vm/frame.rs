//! What a program runs in: the memory of its registers, the window of lanes, and the elements that the lanes hold.

use super::lanes::level::Code;
use super::lanes::memory::Memory;
use super::op::Control;
use super::reciprocal::Reciprocal;
use crate::kernel::{Ctx, Site};

/// The place of a mask that stands for every lane, and of what isn't there.
pub(super) const EVERY: u32 = u32::MAX;

/// An instruction made ready: fields hold the places of registers instead of their numbers; those of `back`, which names
/// none, what the instructions that it goes back over cost a lane, and how many they are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Inst {
    pub(super) code: Code,
    pub(super) dst: u32,
    pub(super) a: u32,
    pub(super) b: u32,
    pub(super) c: u32,
    pub(super) d: u32,
    pub(super) imm: u32,
    /// Number of the reciprocal of a constant divisor; [`EVERY`] where there is none.
    pub(super) ahead: u32,
    pub(super) control: Control,
}

/// A block of lanes under way.
pub(super) struct Frame<'a> {
    pub(super) ctx: &'a Ctx<'a>,
    pub(super) memory: Box<Memory>,
    /// Where the lane registers begin.
    pub(super) base: *mut u8,
    /// Lanes that each register has room for, a multiple of 8.
    pub(super) capacity: usize,
    /// First lane of the window.
    pub(super) lo: usize,
    /// One past its last lane.
    pub(super) hi: usize,
    /// Up to where ops may write without harm, at least `hi`: behind the block's lanes there is nothing of value.
    pub(super) padded: usize,
    /// Lanes of the block that hold an element.
    pub(super) block: usize,
    /// Elements from here on are not wanted: one below has faulted.
    pub(super) limit: u64,
    /// Whether lane k of the block holds the element k places behind lane 0's, as before any permutation.
    pub(super) ordered: bool,
    /// Whether a lane faulted since somebody last looked.
    pub(super) faulted: bool,
    /// What a control op's code has found out about a mask: a number of lanes, or 0 or not 0.
    pub(super) answer: usize,
    /// Reciprocals of constant divisors.
    pub(super) ahead: &'a [Reciprocal],
}

impl Frame<'_> {
    /// The elements that the window's lanes hold.
    pub(super) fn elements(&self) -> &[u64] {
        &self.memory.index[self.lo..self.hi]
    }

    /// The first of the window's elements, if the others follow it one by one.
    pub(super) fn run_of_elements(&self) -> Option<u64> {
        let elements = self.elements();
        let first = *elements.first()?;
        let follows = || elements.iter().zip(first..).all(|(element, next)| *element == next);
        (self.ordered || follows()).then_some(first)
    }

    /// Faults the lanes of the window that are in `mask`, still ok, and for which `refuses` (by their place in the window)
    /// says so.
    #[cold]
    #[inline(never)]
    pub(super) fn blame(&mut self, mask: u32, site: u32, refuses: &dyn Fn(usize) -> bool) {
        let bad: Vec<usize> =
            (0..self.hi - self.lo).filter(|i| self.is_there(mask, *i) && refuses(*i)).map(|i| self.lo + i).collect();
        let Some(lowest) = bad.iter().map(|lane| self.memory.index[*lane]).min() else { return };
        self.faulted = true;
        if let Some(ok) = self.ctx.ok() {
            for lane in bad {
                ok.write_bool(self.memory.index[lane], false);
                self.clear_ok(lane);
            }
            return;
        }
        self.ctx.control().fault(lowest, Some(Box::new(Site(site))));
        self.limit = self.limit.min(lowest);
        for lane in 0..self.block {
            if self.memory.index[lane] >= lowest {
                self.clear_ok(lane);
            }
        }
    }
}
