//! Questions about masks: whether any lane is set, how many, and which ones are in the wrong place.

use super::level::Body;
use super::map::{Lanes, Source, opaque};
use crate::vm::frame::{EVERY, Frame, Inst};
use crate::vm::types::Bool;

/// Lanes looked at together.
const GROUP: usize = 64;

/// Answers nothing.
pub(in crate::vm) struct Nothing;

impl Body for Nothing {
    #[inline(always)]
    unsafe fn run(_: &mut Frame<'_>, _: &Inst) {}
}

/// Whether any lane of the window is in the mask of field `a`.
pub(in crate::vm) struct Any;

impl Body for Any {
    #[inline(always)]
    unsafe fn run(frame: &mut Frame<'_>, inst: &Inst) {
        let n = frame.hi - frame.lo;
        if inst.a == EVERY {
            frame.answer = n;
            return;
        }
        // SAFETY: the rows of this body say that `a` is a mask; the window lies within it.
        let (seen, rest) = unsafe {
            let mask = frame.mask(inst.a);
            (gather(mask, mask, n, |seen, lane| seen | lane), tail(mask, mask, n))
        };
        frame.answer = rest + words(&seen).fold(0, |any, word| any | word) as usize;
    }
}

/// How many lanes of the window are in the mask of field `a`, and ok if `OK` says so.
pub(in crate::vm) struct Count<const OK: bool>;

impl<const OK: bool> Body for Count<OK> {
    #[inline(always)]
    unsafe fn run(frame: &mut Frame<'_>, inst: &Inst) {
        let n = frame.hi - frame.lo;
        debug_assert!(n <= GROUP * 255, "counts of a group's lanes fit a byte");
        // SAFETY: the rows of this body say that `a` is a mask, and register 0 is `ok`; the window lies within both.
        let (sums, rest) = unsafe {
            let mask = frame.mask(inst.a);
            let other = if OK { frame.mask(0) } else { mask };
            (gather(mask, other, n, u8::wrapping_add), tail(mask, other, n))
        };
        frame.answer = rest + total(&sums);
    }
}

/// A group as words.
#[inline(always)]
fn words(group: &[u8; GROUP]) -> impl Iterator<Item = u64> {
    group.as_chunks().0.iter().map(|bytes| u64::from_le_bytes(*bytes))
}

/// The sum of a group's bytes.
#[inline(always)]
fn total(sums: &[u8; GROUP]) -> usize {
    const EVEN: u64 = 0x00FF_00FF_00FF_00FF;
    // Four sums of 16 bits, of which each takes 16 bytes at most; the product's upper 16 bits are the sum of the four.
    let quarters: u64 = words(sums).map(|word| (word & EVEN) + (word >> 8 & EVEN)).sum();
    (quarters.wrapping_mul(0x0001_0001_0001_0001) >> 48) as usize
}

/// Up to 64 lanes that are in both masks, as bits.
#[inline(always)]
fn bits(a: &[Bool], b: &[Bool]) -> u64 {
    const LOWEST: u64 = 0x0101_0101_0101_0101;
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<8>(), b.as_chunks::<8>());
    let whole = 8 * a.len();
    let mut bits = 0;
    for (k, (a, b)) in a.iter().zip(b).enumerate() {
        let both = u64::from_le_bytes(a.map(|lane| lane.0)) & u64::from_le_bytes(b.map(|lane| lane.0)) & LOWEST;
        // Byte j's bit goes to bit 56 + j, and nothing is carried on the way.
        bits |= (both.wrapping_mul(0x0102_0408_1020_4080) >> 56) << (8 * k);
    }
    for (k, (a, b)) in a_rest.iter().zip(b_rest).enumerate() {
        bits |= u64::from(a.0 & b.0 & 1) << (whole + k);
    }
    bits
}

/// Joins the groups of lanes that are in both masks.
///
/// # Safety
/// `n` lanes can be loaded from both.
#[inline(always)]
unsafe fn gather(a: Lanes<Bool>, b: Lanes<Bool>, n: usize, join: impl Fn(u8, u8) -> u8) -> [u8; GROUP] {
    let mut all = [0; GROUP];
    let mut i = 0;
    while i + GROUP <= n {
        // SAFETY: the group ends at or before `n`.
        let (a, b) = unsafe { (a.group::<GROUP>(i), b.group::<GROUP>(i)) };
        for k in 0..GROUP {
            all[k] = join(all[k], a[k].0 & b[k].0 & 1);
        }
        i = opaque(i + GROUP);
    }
    all
}

/// How many lanes behind the last whole group are in both masks.
///
/// # Safety
/// As [`gather`].
#[inline(always)]
unsafe fn tail(a: Lanes<Bool>, b: Lanes<Bool>, n: usize) -> usize {
    let mut count = 0;
    let mut i = n / GROUP * GROUP;
    while i < n {
        // SAFETY: `i < n`.
        count += usize::from(unsafe { a.group::<1>(i)[0].0 & b.group::<1>(i)[0].0 & 1 });
        i = opaque(i + 1);
    }
    count
}

impl Frame<'_> {
    /// Pairs each lane of the window's first `live` ones that isn't in the mask (or not ok, if that is asked for) with
    /// one behind them that is.
    pub(in crate::vm) fn misplaced(&self, mask: u32, ok: bool, live: usize, pairs: &mut Vec<(u32, u32)>) {
        // SAFETY: the verifier took the field for a mask; register 0 is `ok`; both are only read.
        let (mask, ok) = unsafe {
            let mask = if mask == EVERY { 0 } else { mask };
            (self.window::<Bool>(mask), self.window::<Bool>(if ok { 0 } else { mask }))
        };
        let bits = |from: usize| {
            let end = mask.len().min(from + GROUP);
            bits(&mask[from..end], &ok[from..end])
        };
        let n = mask.len();
        let within = |from: usize, end: usize| if end - from >= GROUP { u64::MAX } else { (1 << (end - from)) - 1 };
        let holes = (0..live).step_by(GROUP).flat_map(|from| Set { bits: !bits(from) & within(from, live), from });
        let first = live / GROUP * GROUP;
        let others = (first..n).step_by(GROUP).flat_map(|from| {
            let below = if from < live { within(from, live) } else { 0 };
            Set { bits: bits(from) & !below, from }
        });
        pairs.extend(holes.zip(others).map(|(i, j)| ((self.lo + i) as u32, (self.lo + j) as u32)));
    }
}

/// The places of a word's set bits, counted from `from`.
struct Set {
    bits: u64,
    from: usize,
}

impl Iterator for Set {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        let place = self.bits.trailing_zeros() as usize;
        let some = self.bits != 0;
        self.bits &= self.bits.wrapping_sub(1);
        some.then_some(self.from + place)
    }
}
