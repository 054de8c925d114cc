//! Whether results bypass the caches: that saves the reading of what is overwritten, and costs where it isn't memory that
//! a kernel waits for. So whole chunks of both ways are measured, and measured again.

use std::sync::atomic::{AtomicU32, Ordering};

use super::code::Form;
use super::cost::Cost;

/// Chunks between two by the way that is dearer.
const EVERY: u32 = 64;
/// Most that an estimate rises by one measurement: what a thread is kept from for a while looks dear, never cheap.
const RISE: f64 = 1.05;

/// What chunks cost by `block` and by `stream`, of batches whose results may bypass the caches.
#[derive(Debug, Default)]
pub(super) struct Past {
    block: Cost,
    stream: Cost,
    /// Chunks since the dearer one was measured.
    since: AtomicU32,
}

impl Past {
    /// The form that costs less as far as is known.
    pub(super) fn better(&self) -> Form {
        match (self.block.known(), self.stream.known()) {
            (Some(block), Some(stream)) if block < stream => Form::Block,
            _ => Form::Stream,
        }
    }

    /// The form for the next chunk.
    pub(super) fn next(&self) -> Form {
        if self.stream.known().is_none() {
            return Form::Stream;
        }
        let (better, dearer) = match self.better() {
            Form::Block => (Form::Block, Form::Stream),
            other => (other, Form::Block),
        };
        if self.block.known().is_some() && self.since.fetch_add(1, Ordering::Relaxed) < EVERY {
            return better;
        }
        self.since.store(0, Ordering::Relaxed);
        dearer
    }

    /// Takes in that a chunk of `count` elements took `ns`.
    pub(super) fn record(&self, form: Form, ns: f64, count: u64) {
        let cost = if form == Form::Stream { &self.stream } else { &self.block };
        cost.learn(ns, count, |known, seen| if seen < known { (known * seen).sqrt() } else { seen.min(known * RISE) });
    }
}

#[cfg(test)]
mod test {
    use super::*;

    #[test]
    fn both_are_measured_and_the_dearer_one_now_and_then() {
        let past = Past::default();
        assert_eq!(past.next(), Form::Stream);
        past.record(Form::Stream, 200.0, 100);
        assert_eq!(past.next(), Form::Block);
        past.record(Form::Block, 100.0, 100);
        let taken: Vec<_> = (0..2 * (EVERY + 1)).map(|_| past.next()).collect();
        assert_eq!(taken.iter().filter(|&&form| form == Form::Stream).count(), 2);
        assert_eq!(past.better(), Form::Block);
    }

    #[test]
    fn an_estimate_falls_fast_and_rises_slowly() {
        let past = Past::default();
        past.record(Form::Stream, 200.0, 100);
        past.record(Form::Block, 190.0, 100);
        past.record(Form::Block, 1e9, 100);
        assert_eq!(past.better(), Form::Block);
        past.record(Form::Block, 1e9, 100);
        assert_eq!(past.better(), Form::Stream);
        past.record(Form::Block, 0.0, 0);
        assert_eq!(past.better(), Form::Block);
    }
}
