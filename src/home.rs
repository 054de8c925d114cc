//! The part of a Runtime that belongs to one process.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::error::Result;
use crate::kernel::Kernel;
use crate::metrics::{Totals, Workers};
use crate::sched::learn::Costs;
use crate::sched::pool::Pool;

/// Everything that belongs to one process: a forked child makes its own and leaves the parent's alone.
#[derive(Debug)]
pub(crate) struct Home {
    pub(crate) pid: u32,
    pub(crate) pools: Mutex<HashMap<usize, Arc<Pool>>>,
    pub(crate) costs: Mutex<Costs>,
    pub(crate) totals: Mutex<Totals>,
    pub(crate) workers: Workers,
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Home {
    pub(crate) fn new(threads: usize) -> Self {
        Self {
            pid: std::process::id(),
            pools: Mutex::default(),
            costs: Mutex::default(),
            totals: Mutex::default(),
            workers: Workers::new(threads),
        }
    }

    pub(crate) fn pool(&self, threads: usize) -> Result<Arc<Pool>> {
        let mut pools = lock(&self.pools);
        if let Some(pool) = pools.get(&threads) {
            return Ok(Arc::clone(pool));
        }
        let pool = Arc::new(Pool::new(threads)?);
        pools.insert(threads, Arc::clone(&pool));
        Ok(pool)
    }

    pub(crate) fn element_ns(&self, kernel: &Kernel) -> Option<f64> {
        lock(&self.costs).element_ns(kernel.id())
    }
}
