//! Which function to call where a kernel has two: refilling lanes pays where neighbours take different numbers of
//! iterations, and costs where they don't. That is a property of the inputs, so it is measured, and measured again.

use std::sync::atomic::{AtomicU32, Ordering};

use super::code::Form;
use super::cost::Cost;

/// Part of a chunk that each function gets when both are measured.
const SLICE: u64 = 8;
/// Blocks that each gets at least: at the end of its slice the refilling function runs empty, which it seldom does
/// otherwise.
const SLICE_BLOCKS: u64 = 64;
/// Blocks of the shortest chunk in which both can be measured.
pub(super) const LEAST_BLOCKS: u64 = 2 * SLICE_BLOCKS;
/// Chunks between two measurements within a batch.
const EVERY: u32 = 32;
/// Measurements at the start of a batch.
const AT_START: u32 = 2;
/// Most that a measurement may differ from what was known, as a factor: a thread that lost its processor in mid-slice
/// measures a hundred times too much. An estimate moves by the root of that at most.
const SURPRISE: f64 = 4.0;

/// What to do with a chunk of a kernel that has both functions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Plan {
    /// One function takes it all.
    All(Form),
    /// Each function takes so many elements, the first one first; the better one takes the rest.
    Both { first: Form, slice: u64 },
}

/// Measured costs in ns an element on one core; `None` where a function isn't there or wasn't measured.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measured {
    /// Of `block`, or of `stream` in its place.
    pub block_ns: Option<f64>,
    /// Of `refill`.
    pub refill_ns: Option<f64>,
}

/// What was measured so far, by all threads.
#[derive(Debug, Default)]
pub(super) struct Race {
    block: Cost,
    refill: Cost,
    /// Measurements that are due.
    due: AtomicU32,
    /// Chunks since the last one.
    since: AtomicU32,
}

impl Race {
    /// What to do with a chunk of `count` elements at `begin`.
    pub(super) fn plan(&self, begin: u64, count: u64, width: u64) -> Plan {
        if begin == 0 {
            // Another batch: other inputs.
            self.due.store(AT_START, Ordering::Relaxed);
        }
        let slice = (count / SLICE).max(SLICE_BLOCKS * width) / width * width;
        if count < 2 * slice {
            return Plan::All(self.better());
        }
        let due = self.due.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |due| due.checked_sub(1)).ok();
        if due.is_none() && self.since.fetch_add(1, Ordering::Relaxed) < EVERY {
            return Plan::All(self.better());
        }
        self.since.store(0, Ordering::Relaxed);
        // In turns: the one that goes first may find colder caches.
        let first = if due.unwrap_or(0).is_multiple_of(2) { Form::Block } else { Form::Refill };
        Plan::Both { first, slice }
    }

    /// The function that costs less as far as is known.
    pub(super) fn better(&self) -> Form {
        let measured = self.measured();
        match (measured.block_ns, measured.refill_ns) {
            (Some(block), Some(refill)) if block <= refill => Form::Block,
            _ => Form::Refill,
        }
    }

    /// Takes in that a function took `ns` for `count` elements.
    pub(super) fn record(&self, form: Form, ns: f64, count: u64) {
        let cost = match form {
            Form::Block | Form::Stream => &self.block,
            Form::Refill => &self.refill,
        };
        cost.learn(ns, count, |known, seen| known * (seen / known).clamp(1.0 / SURPRISE, SURPRISE).sqrt());
    }

    pub(super) fn measured(&self) -> Measured {
        Measured { block_ns: self.block.known(), refill_ns: self.refill.known() }
    }
}

#[cfg(test)]
mod test {
    use super::*;

    fn measures(race: &Race, begin: u64) -> bool {
        matches!(race.plan(begin, 8192, 8), Plan::Both { .. })
    }

    #[test]
    fn both_are_measured_at_the_start_of_a_batch_and_now_and_then() {
        let race = Race::default();
        assert_eq!(race.plan(0, 8192, 8), Plan::Both { first: Form::Block, slice: 1024 });
        assert_eq!(race.plan(8192, 8192, 8), Plan::Both { first: Form::Refill, slice: 1024 });
        let later = (1..=100).filter(|chunk| measures(&race, chunk * 8192)).count();
        assert_eq!(later, 100 / (EVERY as usize + 1));
        assert!(measures(&race, 0) && measures(&race, 8192));
    }

    #[test]
    fn short_chunks_are_not_measured_but_leave_it_to_longer_ones() {
        let race = Race::default();
        assert_eq!(race.plan(0, 100, 8), Plan::All(Form::Refill));
        assert!(measures(&race, 100) && measures(&race, 9000) && !measures(&race, 18_000));
    }

    #[test]
    fn the_cheaper_function_wins_and_may_lose_again() {
        let race = Race::default();
        race.record(Form::Block, 1000.0, 100);
        race.record(Form::Refill, 2000.0, 100);
        assert_eq!(race.measured(), Measured { block_ns: Some(10.0), refill_ns: Some(20.0) });
        assert_eq!(race.better(), Form::Block);
        // One measurement that is far off moves it by a factor of two.
        race.record(Form::Block, 1e9, 100);
        assert_eq!(race.measured().block_ns, Some(20.0));
        race.record(Form::Block, 1e9, 100);
        assert_eq!((race.measured().block_ns, race.better()), (Some(40.0), Form::Refill));
        race.record(Form::Block, 0.0, 0);
        assert!(race.measured().block_ns.is_some_and(f64::is_finite));
    }
}
