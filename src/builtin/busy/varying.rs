//! Elements that each have their own number of iterations (heavy tails included) on a fixed number of lane groups.
//!
//! A block of elements is cut into groups of 32 lanes, and each of the slots of the register loop runs one group at a
//! time: when a group is finished, the slot takes the next. Lanes that finish before their group are masked. Where the
//! counts of neighbours differ much, elements of about equal counts are gathered into groups first, longest first.

use std::ops::Range;

use super::level::Level;
use super::{GROUP, Group, POLL, SLOTS, load_iters, load_x, uniform};
use crate::buffer::View;
use crate::kernel::Control;

/// Elements of a block. The more there are, the more short elements run beside the rare long one (heavy tail, shuffled:
/// 5.8 ms with 4096, 3.9 ms with 8192); the scratch holds 14 bytes for each.
const BLOCK: usize = 8192;
/// Gathering pays above this many wasted iterations a group: it costs about 100 ns a group, an iteration 1.1 ns.
const GATHER_ABOVE: u64 = 100;
/// Fewer unmasked iterations than this are left to the masked loop.
const PLAIN_ABOVE: u64 = 32;
/// Lane ends are int16 numbers of iterations from a base that moves on when this many are behind it.
const WINDOW: u64 = POLL;

/// Computes `range`; false if it was stopped.
pub(super) fn run(
    x: &View<'_>,
    iters: &View<'_>,
    out: &View<'_>,
    range: Range<u64>,
    control: &Control,
    level: Level,
) -> bool {
    // Blocks of equal size: a short last one would leave slots empty.
    let blocks = (range.end - range.start).div_ceil(BLOCK as u64);
    let size = (range.end - range.start).div_ceil(blocks);
    // Not on the stack: calling threads may have little of it, and 14 bytes an element are up to 112 KiB.
    let room = size as usize;
    let (mut acc, mut left, mut order) = (vec![0_i32; room], vec![0_u64; room], vec![0_u16; room]);
    for at in range.clone().step_by(size as usize) {
        let n = (range.end - at).min(size) as usize;
        let (acc, left) = (&mut acc[..n], &mut left[..n]);
        load_iters(iters, at, left);
        if left.iter().all(|iters| *iters == left[0]) {
            if !uniform(x, out, at..at + n as u64, left[0], control, level) {
                return false;
            }
            continue;
        }
        load_x(x, at, acc);
        start(acc, left, level);
        let order = arrange(left, &mut order[..n]);
        if !Slots::new(acc, left, order).run(control, level) {
            return false;
        }
        out.store(at, acc);
    }
    true
}

/// Carries out the first iteration of those that have one.
fn start(acc: &mut [i32], left: &mut [u64], level: Level) {
    for (acc, left) in acc.chunks_mut(GROUP).zip(left.chunks_mut(GROUP)) {
        let mut next = [0_i32; GROUP];
        let next = &mut next[..acc.len()];
        next.copy_from_slice(acc);
        level.first(next);
        for ((acc, left), next) in acc.iter_mut().zip(left).zip(next) {
            *acc = if *left > 0 { *next } else { *acc };
            *left = left.saturating_sub(1);
        }
    }
}

/// Lists the elements that have iterations left, in their own order or, where that pays, by falling counts.
fn arrange<'a>(left: &[u64], order: &'a mut [u16]) -> &'a [u16] {
    let (mut listed, mut useful, mut carried) = (0, 0, 0);
    for (at, group) in (0..).step_by(GROUP).zip(left.chunks(GROUP)) {
        let mut longest = 0;
        for (i, left) in (at..).zip(group) {
            order[listed] = i;
            listed += usize::from(*left > 0);
            // So capped that the sums of a block can't overflow.
            let capped = (*left).min(1 << 48);
            useful += capped;
            longest = capped.max(longest);
        }
        carried += longest;
    }
    let order = &mut order[..listed];
    let groups = left.len().div_ceil(GROUP) as u64;
    if carried - useful / GROUP as u64 > GATHER_ABOVE * groups {
        gather(left, order);
    }
    order
}

/// Counts below 32 have a bucket each; above, an octave has 16 buckets.
const BUCKETS: usize = 61 * 16;

fn bucket(left: u64) -> usize {
    let octave = left.checked_ilog2().unwrap_or(0).saturating_sub(4);
    (16 * octave as usize) + (left >> octave) as usize
}

/// Rewrites `order`, the rising list of elements with iterations left, by falling buckets: a counting sort.
fn gather(left: &[u64], order: &mut [u16]) {
    let mut next = [0_u16; BUCKETS];
    for left in left.iter().filter(|left| **left > 0) {
        next[bucket(*left)] += 1;
    }
    let mut sum = 0;
    for next in next.iter_mut().rev() {
        (*next, sum) = (sum, sum + *next);
    }
    for (i, left) in (0..).zip(left).filter(|(_, left)| **left > 0) {
        let place = &mut next[bucket(*left)];
        order[usize::from(*place)] = i;
        *place += 1;
    }
}

/// The group that a slot runs. Times are iterations since the block's start.
#[derive(Clone, Copy, Default)]
struct Slot {
    /// Its elements' places in the order.
    from: usize,
    to: usize,
    begun: u64,
    /// When its first and its last lane are finished.
    soonest: u64,
    latest: u64,
}

/// When a lane ends that has `left` iterations to go, `offset` behind the base. An end past the window is cut; the next
/// base brings it nearer.
fn lane_end(offset: u64, left: u64) -> i16 {
    // Two cuts in place of a saturating sum: the sum stays below 2^16.
    (left.min(i16::MAX as u64) + offset.min(i16::MAX as u64)).min(i16::MAX as u64) as i16
}

/// The register loop's groups, the first `live` of them in use.
struct Slots<'a> {
    acc: &'a mut [i32],
    left: &'a [u64],
    order: &'a [u16],
    taken: usize,
    lanes: [Group; SLOTS],
    ends: [Group; SLOTS],
    slots: [Slot; SLOTS],
    live: usize,
    now: u64,
    base: u64,
}

impl<'a> Slots<'a> {
    fn new(acc: &'a mut [i32], left: &'a [u64], order: &'a [u16]) -> Self {
        let (lanes, ends, slots) = ([[0; GROUP]; SLOTS], [[0; GROUP]; SLOTS], [Slot::default(); SLOTS]);
        Self { acc, left, order, taken: 0, lanes, ends, slots, live: 0, now: 0, base: 0 }
    }

    /// Runs all groups to their end; false if it was stopped.
    fn run(mut self, control: &Control, level: Level) -> bool {
        loop {
            while self.live < SLOTS && self.taken < self.order.len() {
                self.take();
            }
            let live = &self.slots[..self.live];
            let Some(latest) = live.iter().map(|slot| slot.latest).min() else { return true };
            let soonest = live.iter().map(|slot| slot.soonest).min().unwrap_or(latest);
            if control.poll() {
                return false;
            }
            if self.now - self.base >= WINDOW {
                self.rebase();
            }
            let lanes = &mut self.lanes[..self.live];
            let free = soonest.saturating_sub(self.now);
            if free > PLAIN_ABOVE {
                let rounds = free.min(POLL);
                level.run(lanes, rounds as u32);
                self.now += rounds;
            } else {
                let until = latest.min(self.base + WINDOW);
                level.run_masked(lanes, &self.ends, (self.now - self.base) as i16, (until - self.base) as i16);
                self.now = until;
            }
            self.finish();
        }
    }

    /// Puts the next group into a free slot.
    fn take(&mut self) {
        let (from, to) = (self.taken, self.order.len().min(self.taken + GROUP));
        let (mut soonest, mut latest) = (u64::MAX, 0);
        let (order, offset) = (&self.order[from..to], self.now - self.base);
        // Lanes past the last element keep an old value and end, and are of no consequence.
        let lanes = self.lanes[self.live].iter_mut().zip(&mut self.ends[self.live]);
        for ((lane, end), i) in lanes.zip(order) {
            let (acc, left) = (self.acc[usize::from(*i)], self.left[usize::from(*i)]);
            *lane = acc as i16;
            *end = lane_end(offset, left);
            (soonest, latest) = (soonest.min(left), latest.max(left));
        }
        let (soonest, latest) = (self.now.saturating_add(soonest), self.now.saturating_add(latest));
        self.slots[self.live] = Slot { from, to, begun: self.now, soonest, latest };
        self.taken = to;
        self.live += 1;
    }

    /// Moves the base up to now.
    fn rebase(&mut self) {
        self.base = self.now;
        for (slot, ends) in self.slots[..self.live].iter().zip(&mut self.ends) {
            let run = self.now - slot.begun;
            for (end, i) in ends.iter_mut().zip(&self.order[slot.from..slot.to]) {
                *end = lane_end(0, self.left[usize::from(*i)].saturating_sub(run));
            }
        }
    }

    /// Stores the finished groups and closes the gaps they leave.
    fn finish(&mut self) {
        let mut slot = 0;
        while slot < self.live {
            if self.slots[slot].latest > self.now {
                slot += 1;
                continue;
            }
            let Slot { from, to, .. } = self.slots[slot];
            for (lane, i) in self.lanes[slot].iter().zip(&self.order[from..to]) {
                self.acc[usize::from(*i)] = i32::from(*lane);
            }
            self.live -= 1;
            self.slots[slot] = self.slots[self.live];
            self.lanes[slot] = self.lanes[self.live];
            self.ends[slot] = self.ends[self.live];
        }
    }
}
