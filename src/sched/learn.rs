//! What earlier batches measured: the cost of an element, by kernel. A prior, never able to change a result.

use std::collections::HashMap;

/// Weight of the newest batch in the moving estimate.
const NEWEST: f64 = 0.5;
/// Kernels remembered at most; the table is cleared beyond, so that kernels made in a loop don't pile up.
const MAX_KERNELS: usize = 1024;

/// Moving estimates of ns an element on one core, by kernel id.
#[derive(Debug, Default)]
pub struct Costs {
    by_kernel: HashMap<u64, f64>,
}

impl Costs {
    /// The estimate for a kernel, in ns an element on one core.
    #[must_use]
    pub fn element_ns(&self, kernel: u64) -> Option<f64> {
        self.by_kernel.get(&kernel).copied()
    }

    /// Takes in that `elements` of a kernel kept `workers` cores busy for `wall_ns`.
    pub fn observe(&mut self, kernel: u64, elements: u64, workers: usize, wall_ns: f64) {
        if elements == 0 || !wall_ns.is_finite() {
            return;
        }
        let seen = wall_ns * workers.max(1) as f64 / elements as f64;
        if self.by_kernel.len() >= MAX_KERNELS && !self.by_kernel.contains_key(&kernel) {
            self.by_kernel.clear();
        }
        self.by_kernel.entry(kernel).and_modify(|known| *known += NEWEST * (seen - *known)).or_insert(seen);
    }
}

#[cfg(test)]
mod test {
    use super::*;

    #[test]
    fn estimates_move_toward_what_is_seen() {
        let mut costs = Costs::default();
        assert_eq!(costs.element_ns(7), None);
        costs.observe(7, 1000, 2, 50_000.0);
        assert_eq!(costs.element_ns(7), Some(100.0));
        costs.observe(7, 1000, 2, 100_000.0);
        assert_eq!(costs.element_ns(7), Some(150.0));
        assert_eq!(costs.element_ns(8), None);
        costs.observe(7, 0, 2, 1.0);
        costs.observe(7, 1, 2, f64::NAN);
        assert_eq!(costs.element_ns(7), Some(150.0));
    }

    #[test]
    fn the_table_stays_small() {
        let mut costs = Costs::default();
        for kernel in 0..5 * MAX_KERNELS as u64 {
            costs.observe(kernel, 1, 1, 1.0);
            assert!(costs.by_kernel.len() <= MAX_KERNELS);
        }
    }
}
