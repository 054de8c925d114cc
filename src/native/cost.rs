//! What an element was measured to cost.

use std::sync::atomic::{AtomicU64, Ordering};

/// ns an element, as far as it was measured; shared by threads.
#[derive(Debug, Default)]
pub(super) struct Cost(AtomicU64);

impl Cost {
    /// The estimate; `None` while nothing was measured.
    pub(super) fn known(&self) -> Option<f64> {
        match self.0.load(Ordering::Relaxed) {
            0 => None,
            bits => Some(f64::from_bits(bits)),
        }
    }

    /// Takes in that `count` elements took `ns`; `mix` makes an estimate of the one before and of what was seen.
    ///
    /// What two threads measure at the same time may count once: it is an estimate.
    pub(super) fn learn(&self, ns: f64, count: u64, mix: impl FnOnce(f64, f64) -> f64) {
        let seen = ns.max(1.0) / count.max(1) as f64;
        let next = self.known().map_or(seen, |known| mix(known, seen));
        self.0.store(next.to_bits(), Ordering::Relaxed);
    }
}
