//! Windows of lanes, and the permutations that bring the lanes worth computing to the front.

use super::Machine;
use crate::vm::frame::{EVERY, Frame, Inst};

/// A window is compacted once so many in 8 of its lanes, or fewer, are live.
const LIVE_EIGHTHS: usize = 6;
/// Lanes that most ops compute together.
const GROUP: usize = 32;

impl Frame<'_> {
    /// Windows of at least so many lanes are padded: beyond, computing a group of lanes together takes no longer.
    pub(super) const PADDED_FROM: usize = 4;
    /// To a multiple of so many lanes: the most that an op computes together.
    pub(super) const PADDING: usize = 64;

    /// Sets the window to `[lo, hi)`.
    pub(super) fn set_window(&mut self, lo: usize, hi: usize) {
        (self.lo, self.hi, self.padded) = (lo, hi, hi);
        if hi == self.block && hi - lo >= Self::PADDED_FROM {
            self.padded = (lo + (hi - lo).next_multiple_of(Self::PADDING)).min(self.capacity);
        }
    }

    /// Gives `count` lanes from `lo` on the elements from `first` on.
    pub(super) fn hold(&mut self, lo: usize, count: usize, first: u64) {
        self.ordered = lo == 0;
        for (index, element) in self.memory.index[lo..lo + count].iter_mut().zip(first..) {
            *index = element;
        }
    }

    /// Begins the elements that the lanes `[lo, hi)` hold: they are the window, and end the block.
    pub(super) fn begin(&mut self, lo: usize, hi: usize) {
        self.block = hi;
        self.set_window(lo, hi);
        self.set_ok();
    }
}

impl Machine<'_> {
    /// `compact`: if few lanes of the window are in the mask, brings them to its front and ends the window behind them.
    pub(super) fn compact(&mut self, inst: &Inst) {
        let (lo, hi) = (self.frame.lo, self.frame.hi);
        if inst.a == EVERY {
            return;
        }
        self.frame.carry_out(inst);
        let live = self.frame.answer;
        // Whole groups: behind the window are lanes that must stay, so that ops take what is left of a group one by one.
        let kept = if live < Frame::PADDED_FROM { live } else { live.next_multiple_of(GROUP) };
        if live * 8 <= (hi - lo) * LIVE_EIGHTHS && kept < hi - lo {
            self.partition(inst.a, false, live);
            (self.frame.hi, self.frame.padded) = (lo + kept, lo + kept);
        }
    }

    /// Permutes the window so that its `live` lanes that are in the mask (and, if asked for, ok) come first.
    pub(super) fn partition(&mut self, mask: u32, ok: bool, live: usize) {
        self.pairs.clear();
        self.frame.misplaced(mask, ok, live, &mut self.pairs);
        if self.pairs.is_empty() {
            return;
        }
        self.frame.ordered = false;
        for (i, j) in &self.pairs {
            self.frame.memory.index.swap(*i as usize, *j as usize);
        }
        for place in &self.program.permute {
            self.frame.exchange(*place, &self.pairs);
        }
    }
}
