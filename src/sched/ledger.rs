//! Which ranges of a batch are finished: a growing prefix, and one bit for each task behind it.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::{Error, Result};

/// The record of one batch. Tasks are equal pieces of `[origin, n)`; the last may be shorter.
#[derive(Debug)]
pub struct Ledger {
    n: u64,
    origin: u64,
    size: u64,
    prefix: AtomicU64,
    claimed: AtomicU64,
    bits: Box<[AtomicU64]>,
}

impl Ledger {
    /// A record for work done in order from 0 to `n`.
    #[must_use]
    pub fn in_order(n: u64) -> Self {
        Self { n, origin: n, size: 1, prefix: AtomicU64::new(0), claimed: AtomicU64::new(0), bits: Box::default() }
    }

    /// A record for `[0, origin)` already finished and tasks of `size` elements over `[origin, n)`.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`] if there is no room for a bit a task.
    pub fn tasks(origin: u64, n: u64, size: u64) -> Result<Self> {
        let size = size.max(1);
        let words = n.saturating_sub(origin).div_ceil(size).div_ceil(64) as usize;
        let mut bits = Vec::new();
        bits.try_reserve_exact(words).map_err(|_| Error::OutOfMemory { bytes: 8 * words as u64 })?;
        bits.resize_with(words, AtomicU64::default);
        let (prefix, claimed) = (AtomicU64::new(origin), AtomicU64::new(0));
        Ok(Self { n, origin, size, prefix, claimed, bits: bits.into_boxed_slice() })
    }

    /// The number of tasks.
    #[must_use]
    pub fn count(&self) -> u64 {
        (self.n - self.origin).div_ceil(self.size)
    }

    /// The elements `[begin, end)` of a task.
    #[must_use]
    #[inline]
    pub fn range(&self, task: u64) -> (u64, u64) {
        let begin = self.origin + task * self.size;
        (begin, (begin + self.size).min(self.n))
    }

    /// The next task that nobody has claimed, in order; `None` when all are.
    #[must_use]
    #[inline]
    pub fn claim(&self) -> Option<u64> {
        // Each worker comes here once more than there are tasks for it, so that nothing wraps.
        let task = self.claimed.fetch_add(1, Ordering::Relaxed);
        (task < self.count()).then_some(task)
    }

    /// Records that everything below `end` is finished.
    #[inline]
    pub fn advance(&self, end: u64) {
        self.prefix.store(end, Ordering::Relaxed);
    }

    /// Records that a task is finished.
    #[inline]
    pub fn mark(&self, task: u64) {
        self.bits[(task / 64) as usize].fetch_or(1 << (task % 64), Ordering::Relaxed);
    }

    /// Elements finished so far.
    #[must_use]
    pub fn done(&self) -> u64 {
        let tasks: u64 = self.bits.iter().map(|word| u64::from(word.load(Ordering::Relaxed).count_ones())).sum();
        let whole = self.prefix.load(Ordering::Relaxed) + tasks * self.size;
        // The last task may be shorter than the others: count it for what it is.
        let last = self.count().wrapping_sub(1);
        let last_done = self.bits.last().is_some_and(|word| word.load(Ordering::Relaxed) >> (last % 64) & 1 == 1);
        if last_done { whole - (self.origin + self.count() * self.size - self.n) } else { whole }
    }

    /// The finished ranges, merged and in order.
    #[must_use]
    pub fn finished(&self) -> Vec<(u64, u64)> {
        let mut ranges: Vec<(u64, u64)> = Vec::new();
        let prefix = self.prefix.load(Ordering::Relaxed);
        if prefix > 0 {
            ranges.push((0, prefix));
        }
        for task in 0..self.count() {
            if self.bits.get((task / 64) as usize).is_some_and(|w| w.load(Ordering::Relaxed) >> (task % 64) & 1 == 1) {
                let (begin, end) = self.range(task);
                match ranges.last_mut() {
                    Some(last) if last.1 == begin => last.1 = end,
                    _ => ranges.push((begin, end)),
                }
            }
        }
        ranges
    }
}

#[cfg(test)]
mod test {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn in_order_is_a_prefix() {
        let ledger = Ledger::in_order(10);
        assert_eq!((ledger.done(), ledger.finished()), (0, vec![]));
        ledger.advance(7);
        assert_eq!((ledger.done(), ledger.finished()), (7, vec![(0, 7)]));
    }

    proptest! {
        #[test]
        fn ranges_hold_exactly_the_marked_elements(
            origin in 0_u64..50, len in 0_u64..700, size in 1_u64..20, picks in proptest::collection::vec(any::<bool>(), 700)
        ) {
            let n = origin + len;
            let ledger = Ledger::tasks(origin, n, size).unwrap();
            let claimed: Vec<u64> = std::iter::from_fn(|| ledger.claim()).collect();
            prop_assert_eq!(claimed, (0..ledger.count()).collect::<Vec<_>>());
            prop_assert_eq!(ledger.claim(), None);
            let mut expected: Vec<bool> = (0..n).map(|i| i < origin).collect();
            for task in (0..ledger.count()).filter(|t| picks[*t as usize]) {
                ledger.mark(task);
                let (begin, end) = ledger.range(task);
                (begin..end).for_each(|i| expected[i as usize] = true);
            }
            let mut got = vec![false; n as usize];
            let ranges = ledger.finished();
            prop_assert!(ranges.windows(2).all(|w| w[0].1 < w[1].0));
            for (begin, end) in ranges {
                prop_assert!(begin < end);
                (begin..end).for_each(|i| got[i as usize] = true);
            }
            prop_assert_eq!(ledger.done(), expected.iter().filter(|x| **x).count() as u64);
            prop_assert_eq!(got, expected);
        }
    }
}
