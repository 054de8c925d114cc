//! What a Runtime counts. The recorder is a type parameter of the paths, so that a Runtime without metrics runs code
//! compiled without them; the cargo feature `hybrid-lite` leaves the recording one out of the build.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::paths::Path;
use crate::sched::plan::Choice;

/// Buckets of the chunk-time histogram: bucket k counts chunks of less than 2^k ns (the last one: all longer ones).
pub const BUCKETS: usize = 40;

/// Notes the time a task takes; compiled into the paths once for each implementation.
pub trait Recorder: Sync {
    /// What is remembered from a task's start to its end.
    type Mark: Send;
    /// A task begins.
    fn start(&self) -> Self::Mark;
    /// The task that began at `mark` has ended on worker `worker` (`usize::MAX`: the calling thread), and the next one
    /// begins: one look at the clock serves both.
    fn lap(&self, worker: usize, mark: Self::Mark) -> Self::Mark;
}

/// Records nothing.
#[derive(Debug, Clone, Copy)]
pub struct Off;

impl Recorder for Off {
    type Mark = ();
    #[inline(always)]
    fn start(&self) {}
    #[inline(always)]
    fn lap(&self, _worker: usize, (): ()) {}
}

/// One worker's counters, on cache lines of its own.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Slot {
    busy_ns: AtomicU64,
    histogram: Histogram,
}

#[derive(Debug)]
struct Histogram([AtomicU64; BUCKETS]);

impl Default for Histogram {
    fn default() -> Self {
        Self([const { AtomicU64::new(0) }; BUCKETS])
    }
}

/// The counters of a Runtime's workers, and of the threads that call it.
#[derive(Debug)]
pub struct Workers {
    /// One for each worker, and the last for all others: calling threads, and workers of larger pools asked for by call.
    slots: Box<[Slot]>,
    active: Mutex<Active>,
}

/// The time during which any parallel work was under way; batches that overlap count once.
#[derive(Debug, Default)]
struct Active {
    running: usize,
    since: Option<Instant>,
    total: Duration,
}

/// Parallel work is under way until this is dropped.
pub(crate) struct Activity<'a>(&'a Mutex<Active>);

impl Drop for Activity<'_> {
    fn drop(&mut self) {
        let mut active = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        active.running -= 1;
        if active.running == 0
            && let Some(since) = active.since.take()
        {
            active.total += since.elapsed();
        }
    }
}

impl Workers {
    /// Counters for `threads` workers.
    #[must_use]
    pub fn new(threads: usize) -> Self {
        Self { slots: (0..=threads).map(|_| Slot::default()).collect(), active: Mutex::default() }
    }

    /// Notes that parallel work begins; the workers' idle time is what they don't spend in tasks meanwhile.
    #[cfg_attr(not(feature = "hybrid-exec"), allow(dead_code, reason = "this build has no parallel work"))]
    pub(crate) fn active(&self) -> Activity<'_> {
        let mut active = self.active.lock().unwrap_or_else(PoisonError::into_inner);
        if active.running == 0 {
            active.since = Some(Instant::now());
        }
        active.running += 1;
        Activity(&self.active)
    }

    /// These counters at this moment, beside `totals`.
    #[must_use]
    pub fn snapshot(&self, totals: Totals) -> Snapshot {
        let active = {
            let active = self.active.lock().unwrap_or_else(PoisonError::into_inner);
            nanoseconds(active.total + active.since.map_or(Duration::ZERO, |since| since.elapsed()))
        };
        let (workers, others) = self.slots.split_at(self.slots.len() - 1);
        let others = &others[0];
        let read = |slot: &Slot, active: u64| {
            let busy_ns = slot.busy_ns.load(Ordering::Relaxed);
            let chunks = slot.histogram.0.iter().map(|bucket| bucket.load(Ordering::Relaxed)).sum();
            Worker { chunks, busy_ns, idle_ns: active.saturating_sub(busy_ns) }
        };
        let mut snapshot = Snapshot {
            totals,
            workers: workers.iter().map(|slot| read(slot, active)).collect(),
            others: read(others, 0),
            histogram: [0; BUCKETS],
        };
        for slot in &self.slots {
            for (total, bucket) in snapshot.histogram.iter_mut().zip(&slot.histogram.0) {
                *total += bucket.load(Ordering::Relaxed);
            }
        }
        snapshot
    }
}

/// Records into a Runtime's [`Workers`].
#[cfg(not(feature = "hybrid-lite"))]
#[derive(Debug, Clone, Copy)]
pub struct On<'a>(pub &'a Workers);

#[cfg(not(feature = "hybrid-lite"))]
impl Recorder for On<'_> {
    type Mark = Instant;

    #[inline]
    fn start(&self) -> Self::Mark {
        Instant::now()
    }

    #[inline]
    fn lap(&self, worker: usize, mark: Self::Mark) -> Self::Mark {
        let now = Instant::now();
        let ns = nanoseconds(now.duration_since(mark));
        let slot = &self.0.slots[worker.min(self.0.slots.len() - 1)];
        slot.busy_ns.fetch_add(ns, Ordering::Relaxed);
        let bucket = (u64::BITS - ns.leading_zeros()) as usize;
        slot.histogram.0[bucket.min(BUCKETS - 1)].fetch_add(1, Ordering::Relaxed);
        now
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// Totals of one path.
#[derive(Debug, Clone, Copy, Default)]
pub struct PathTotals {
    /// Batches finished.
    pub batches: u64,
    /// Elements in them.
    pub elements: u64,
    /// Wall time they took.
    pub wall: Duration,
}

/// One worker's share.
#[derive(Debug, Clone, Copy, Default)]
pub struct Worker {
    /// Tasks run.
    pub chunks: u64,
    /// ns spent in tasks.
    pub busy_ns: u64,
    /// ns without a task while parallel work was under way.
    pub idle_ns: u64,
}

/// How the last batch was run.
#[derive(Debug, Clone, Copy)]
pub struct Last {
    /// The path asked for.
    pub path: Path,
    /// The chunk size and its reason.
    pub choice: Choice,
    /// Workers of the pool it ran on.
    pub threads: usize,
    /// Elements in it.
    pub elements: u64,
}

/// Totals by batch, kept under the Runtime's lock.
#[derive(Debug, Clone, Default)]
pub struct Totals {
    /// By [`Path`], in the order of [`Path::ALL`].
    pub paths: [PathTotals; Path::ALL.len()],
    /// The last batch.
    pub last: Option<Last>,
}

impl Totals {
    /// Takes in a finished batch.
    pub fn add(&mut self, last: Last, wall: Duration) {
        let totals = &mut self.paths[last.path as usize];
        totals.batches += 1;
        totals.elements += last.elements;
        totals.wall += wall;
        self.last = Some(last);
    }
}

/// All counters at one moment.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// By batch.
    pub totals: Totals,
    /// By worker.
    pub workers: Vec<Worker>,
    /// All other threads together: those that call.
    pub others: Worker,
    /// Chunk times: bucket k counts chunks of less than 2^k ns.
    pub histogram: [u64; BUCKETS],
}
