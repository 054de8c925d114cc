//! One call under way: cuts the batch for its path, waits or computes, and tells what came of it.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::call::{Call, Failure, Options, Watch};
use crate::error::{Error, StopReason};
use crate::home::{Home, lock};
#[cfg(feature = "hybrid-exec")]
use crate::home::{forks, leave_fork};
use crate::kernel::{Batch, Control, Ctx, Kernel, Status, stopped_around};
use crate::metrics::Recorder;
use crate::paths::Path;
use crate::run::{Body, PanicSlot, Run, body};
use crate::sched::ledger::Ledger;
use crate::sched::plan::{Choice, Policy, Why, adaptive};
#[cfg(feature = "hybrid-exec")]
use crate::sched::pool::{Done, on_worker};

/// How often the calling thread looks at signals, progress and the deadline.
const WATCH_EVERY: Duration = Duration::from_millis(20);
/// Remaining work, in ns on one core, up to which the calling thread of `auto` goes on alone: what waking a pool and
/// waiting for it costs (30 to 60 µs measured on two cores).
const INLINE_NS: f64 = 50_000.0;
/// Time after which `auto` trusts what its first elements cost.
const PROBE: Duration = Duration::from_micros(5);
/// Strips of inline work are doubled while shorter than this, and halved when four times as long.
const STRIP: Duration = Duration::from_millis(1);

/// The caller's watch together with the call's deadline, asked from the calling thread alone.
pub(crate) struct Watcher<'a> {
    watch: &'a mut dyn Watch,
    deadline: Option<Instant>,
    next: Instant,
    total: u64,
    reason: Option<StopReason>,
}

impl<'a> Watcher<'a> {
    pub(crate) fn new(watch: &'a mut dyn Watch, deadline: Option<Instant>, total: u64) -> Self {
        Self { watch, deadline, next: Instant::now() + WATCH_EVERY, total, reason: None }
    }

    /// Looks now; says whether to stop.
    fn tick(&mut self, done: u64) -> bool {
        let now = Instant::now();
        self.next = now + WATCH_EVERY;
        if self.deadline.is_some_and(|deadline| now >= deadline) {
            self.reason.get_or_insert(StopReason::TimedOut);
        } else if stopped_around() {
            self.reason.get_or_insert(StopReason::Interrupted);
        } else if let Err(reason) = self.watch.tick(done, self.total) {
            self.reason.get_or_insert(reason);
        }
        self.reason.is_some()
    }

    /// The reason to stop so far; a deadline that has passed is one, though nobody looked.
    fn verdict(&mut self) -> Option<StopReason> {
        if self.deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            self.reason.get_or_insert(StopReason::TimedOut);
        }
        self.reason
    }

    /// Looks if it is time to; says whether to stop.
    fn tick_if_due(&mut self, done: impl FnOnce() -> u64) -> bool {
        let due = self.deadline.map_or(self.next, |deadline| deadline.min(self.next));
        if self.reason.is_none() && Instant::now() >= due { self.tick(done()) } else { self.reason.is_some() }
    }
}

/// One call of [`crate::dispatch::Runtime::map`].
pub(crate) struct Job<'a> {
    pub(crate) home: &'a Home,
    pub(crate) options: &'a Options,
    pub(crate) kernel: &'a Kernel,
    pub(crate) batch: &'a Batch<'a>,
    pub(crate) call: &'a Call,
    pub(crate) threads: usize,
    pub(crate) watcher: Mutex<Watcher<'a>>,
}

type Outcome<T> = std::result::Result<T, Failure>;

impl Job<'_> {
    /// Runs the batch on the path asked for; answers with the chunk size used.
    pub(crate) fn run<R: Recorder + Copy>(&self, recorder: R) -> Outcome<Choice> {
        let n = self.batch.len();
        let elements = Choice { size: 1, why: Why::Elements };
        let inline = Choice { size: n.max(1), why: Why::Inline };
        let path = self.call.path;
        if path == Path::SeqDirect {
            return self.strips(recorder, body(path), 1).map(|()| elements);
        }
        // A worker that starts a batch runs it itself: waiting for its own pool could wait for itself.
        let alone = nested() || n == 0 || !cfg!(feature = "hybrid-exec");
        match path {
            Path::RuntimeSeq if alone => self.lane_inline(recorder).map(|()| elements),
            _ if alone => self.strips(recorder, body(path), self.kernel.tile).map(|()| inline),
            Path::RuntimeSeq => self.lane(recorder).map(|()| elements),
            Path::HybridDyn | Path::HybridFnptr => self.tasks(recorder, body(path), 0, 1).map(|()| elements),
            Path::HybridDynChunked | Path::HybridFnptrChunked => self.chunked(recorder, 0, None),
            Path::HybridAutoChunked => self.auto(recorder),
            Path::SeqDirect => Ok(elements),
        }
    }

    /// The chunked paths from element `origin` on; falls back to single elements where a chunk would be everything.
    fn chunked<R: Recorder + Copy>(&self, recorder: R, origin: u64, element_ns: Option<f64>) -> Outcome<Choice> {
        let n = self.batch.len();
        let known = element_ns.or_else(|| self.home.element_ns(self.kernel));
        let choice = choose(self.options, self.call.chunk_size, n, self.threads, self.kernel, known);
        if choice.size >= n && self.call.path == Path::HybridAutoChunked {
            self.strips(recorder, body(self.call.path), self.kernel.tile)?;
            return Ok(Choice { size: n, why: Why::Inline });
        }
        if choice.size >= n {
            self.tasks(recorder, body(Path::HybridFnptr), origin, 1)?;
            return Ok(Choice { size: 1, why: Why::WholeBatch });
        }
        let start = Instant::now();
        self.tasks(recorder, body(self.call.path), origin, choice.size)?;
        if self.call.path != Path::HybridDynChunked {
            // The other paths don't run the chunk form, whose cost is what the choice is about.
            self.observe(n - origin, self.threads, start.elapsed());
        }
        Ok(choice)
    }

    /// `auto`: the calling thread begins alone, and hands the rest to the workers once that is seen to pay.
    fn auto<R: Recorder + Copy>(&self, recorder: R) -> Outcome<Choice> {
        let n = self.batch.len();
        let sized = self.call.chunk_size.or(self.options.chunk_size).is_some();
        let known = self.home.element_ns(self.kernel);
        if sized || known.is_some_and(|ns| ns * n as f64 > 4.0 * INLINE_NS) {
            return self.chunked(recorder, 0, None);
        }
        let ledger = Ledger::in_order(n);
        let start = Instant::now();
        let mut at = 0;
        self.inline(recorder, body(Path::HybridAutoChunked), &ledger, |run| {
            let mut step = self.kernel.tile.max(1);
            while at < n {
                let end = at.saturating_add(step).min(n);
                if run.range(usize::MAX, at, end) != Status::DONE {
                    return false;
                }
                ledger.advance(end);
                at = end;
                if at < n && run.ctx.control().poll() {
                    return false;
                }
                let spent = start.elapsed();
                let rest = spent.as_nanos() as f64 / at as f64 * (n - at) as f64;
                if spent >= PROBE && rest > INLINE_NS {
                    return true;
                }
                step = step.saturating_mul(2);
            }
            true
        })?;
        if at < n {
            return self.chunked(recorder, at, Some(start.elapsed().as_nanos() as f64 / at as f64));
        }
        self.observe(n, 1, start.elapsed());
        Ok(Choice { size: n, why: Why::Inline })
    }

    /// On the calling thread, in strips between which it looks at its watcher.
    fn strips<R: Recorder + Copy>(&self, recorder: R, body: Body, tile: u64) -> Outcome<()> {
        let n = self.batch.len();
        let ledger = Ledger::in_order(n);
        self.inline(recorder, body, &ledger, |run| {
            let mut strip = tile.max(1);
            let mut at = 0;
            while at < n {
                let start = Instant::now();
                let end = at.saturating_add(strip).min(n);
                if run.range(usize::MAX, at, end) != Status::DONE {
                    return false;
                }
                ledger.advance(end);
                at = end;
                if at < n && run.ctx.control().poll() {
                    return false;
                }
                let spent = start.elapsed();
                if spent < STRIP {
                    strip = strip.saturating_mul(2);
                } else if spent > 4 * STRIP {
                    strip = (strip / 2).max(tile).max(1);
                }
            }
            true
        })
    }

    fn lane_inline<R: Recorder + Copy>(&self, recorder: R) -> Outcome<()> {
        let n = self.batch.len();
        let ledger = Ledger::in_order(n);
        self.inline(recorder, body(Path::RuntimeSeq), &ledger, |run| {
            run.serial_lane(usize::MAX, n);
            ledger.done() == n
        })
    }

    /// Runs `work` on the calling thread, its polls looking at the watcher. `work` answers whether it finished.
    fn inline<R: Recorder + Copy>(
        &self,
        recorder: R,
        body: Body,
        ledger: &Ledger,
        work: impl FnOnce(&Run<'_, R>) -> bool,
    ) -> Outcome<()> {
        let hook = || match self.watcher.try_lock() {
            Ok(mut watcher) => watcher.tick_if_due(|| ledger.done()),
            Err(_) => false, // The watch itself is running further up this thread's stack.
        };
        let control = Control::with_hook(&hook).with_deadline(self.deadline());
        let ctx = Ctx::new(self.kernel, self.batch, &control);
        let panic = PanicSlot::default();
        let finished = work(&self.bound(&ctx, body, recorder, ledger, &panic));
        self.verdict(&control, ledger, &panic, finished)
    }

    fn bound<'b, R: Recorder>(
        &'b self,
        ctx: &'b Ctx<'b>,
        body: Body,
        recorder: R,
        ledger: &'b Ledger,
        panic: &'b PanicSlot,
    ) -> Run<'b, R> {
        Run { kernel: self.kernel, batch: self.batch, ctx, body, recorder, ledger, panic }
    }

    /// What came of a run.
    fn verdict(&self, control: &Control<'_>, ledger: &Ledger, panic: &PanicSlot, finished: bool) -> Outcome<()> {
        if let Some(message) = panic.take() {
            return Err(Error::Panic(message).into());
        }
        let reason = lock(&self.watcher).verdict();
        if !finished && let Some(reason) = reason {
            return Err(Error::Cancelled { reason, finished: ledger.finished() }.into());
        }
        if let Some(index) = control.lowest_fault() {
            let finished = with_all_below(index, ledger.finished());
            return Err(Failure { error: Error::Fault { index }, cause: control.take_cause(), finished });
        }
        if finished {
            return Ok(());
        }
        // An engine that stopped unasked, or a callable whose interpreter is going away.
        Err(Error::Cancelled { reason: StopReason::Interrupted, finished: ledger.finished() }.into())
    }

    fn deadline(&self) -> Option<Instant> {
        lock(&self.watcher).deadline
    }

    fn observe(&self, elements: u64, workers: usize, wall: Duration) {
        // Less than a tile costs as much as a tile.
        let elements = if elements == 0 { 0 } else { elements.max(self.kernel.tile) };
        lock(&self.home.costs).observe(self.kernel.id(), elements, workers, wall.as_nanos() as f64);
    }
}

#[cfg(feature = "hybrid-exec")]
impl Job<'_> {
    /// Tasks of `size` elements over `[origin, n)`, on the workers.
    fn tasks<R: Recorder + Copy>(&self, recorder: R, body: Body, origin: u64, size: u64) -> Outcome<()> {
        let n = self.batch.len();
        let ledger = Ledger::tasks(origin, n, size)?;
        let pool = self.home.pool(self.threads)?;
        self.on_workers(recorder, body, &ledger, |run, wait| {
            if run.hands_over() {
                pool.each(ledger.count().min(self.threads as u64), |worker, _| run.claims(worker), wait);
            } else {
                pool.each(ledger.count(), |worker, task| run.task(worker, task), wait);
            }
        })
    }

    /// The serial lane, on one worker.
    fn lane<R: Recorder + Copy>(&self, recorder: R) -> Outcome<()> {
        let n = self.batch.len();
        let ledger = Ledger::in_order(n);
        let pool = self.home.pool(self.threads)?;
        self.on_workers(recorder, body(Path::RuntimeSeq), &ledger, |run, wait| {
            pool.one(|worker| run.serial_lane(worker, n), wait);
        })
    }

    /// Runs `work` with what the calling thread does meanwhile.
    fn on_workers<R: Recorder + Copy>(
        &self,
        recorder: R,
        body: Body,
        ledger: &Ledger,
        work: impl FnOnce(&Run<'_, R>, &mut dyn FnMut(&Done)),
    ) -> Outcome<()> {
        let control = Control::default().with_deadline(self.deadline());
        let ctx = Ctx::new(self.kernel, self.batch, &control);
        let panic = PanicSlot::default();
        let _active = self.home.workers.active();
        let mut wait = |done: &Done| {
            let mut watcher = lock(&self.watcher);
            let forks = forks();
            while !done.wait(watcher.patience()) {
                if watcher.reason.is_none() && watcher.tick_if_due(|| ledger.done()) {
                    control.stop();
                }
                if forks != crate::home::forks() {
                    leave_fork("a progress callback or signal handler");
                }
            }
        };
        work(&self.bound(&ctx, body, recorder, ledger, &panic), &mut wait);
        let finished = control.lowest_fault().is_none() && ledger.done() == self.batch.len();
        self.verdict(&control, ledger, &panic, finished)
    }
}

#[cfg(feature = "hybrid-exec")]
impl Watcher<'_> {
    /// How long to wait before looking again.
    fn patience(&self) -> Duration {
        let due = self.deadline.filter(|_| self.reason.is_none()).map_or(self.next, |limit| limit.min(self.next));
        due.saturating_duration_since(Instant::now()).max(Duration::from_millis(1))
    }
}

/// Finished ranges together with everything below a fault, merged.
fn with_all_below(index: u64, finished: Vec<(u64, u64)>) -> Vec<(u64, u64)> {
    let mut below = index;
    let mut above = Vec::new();
    for (begin, end) in finished {
        if begin <= below { below = below.max(end) } else { above.push((begin, end)) }
    }
    if below > 0 {
        above.insert(0, (0, below));
    }
    above
}

/// The chunk size for `n` elements: the call's, else the environment's, else the policy's.
pub(crate) fn choose(
    options: &Options,
    argument: Option<u64>,
    n: u64,
    threads: usize,
    kernel: &Kernel,
    element_ns: Option<f64>,
) -> Choice {
    if let Some(size) = argument {
        return Choice { size, why: Why::Argument };
    }
    if let Some(size) = options.chunk_size {
        return Choice { size, why: Why::Environment };
    }
    match options.policy {
        Policy::Adaptive => adaptive(n, threads, kernel.tile, kernel.least, element_ns),
        policy => Choice { size: policy.chunk_size(n), why: Why::Formula(policy) },
    }
}

/// Whether this thread is a worker, inside another batch's task.
pub(crate) fn nested() -> bool {
    #[cfg(feature = "hybrid-exec")]
    return on_worker();
    #[cfg(not(feature = "hybrid-exec"))]
    false
}

/// Keeps the builds without threads complete: there every batch runs on the calling thread.
#[cfg(not(feature = "hybrid-exec"))]
impl Job<'_> {
    fn tasks<R: Recorder + Copy>(&self, recorder: R, body: Body, _origin: u64, _size: u64) -> Outcome<()> {
        self.strips(recorder, body, self.kernel.tile)
    }

    fn lane<R: Recorder + Copy>(&self, recorder: R) -> Outcome<()> {
        self.lane_inline(recorder)
    }
}

#[cfg(test)]
mod test {
    use super::*;

    #[test]
    fn what_is_below_a_fault_counts_as_finished() {
        assert_eq!(with_all_below(5, vec![(0, 3), (8, 9)]), [(0, 5), (8, 9)]);
        assert_eq!(with_all_below(5, vec![(0, 3), (5, 7), (9, 10)]), [(0, 7), (9, 10)]);
        assert_eq!(with_all_below(0, vec![(2, 3)]), [(2, 3)]);
        assert_eq!(with_all_below(0, vec![]), []);
    }
}
