//! Tasks handed to a call of the chunk form that is under way, so that it needn't run on few elements at their end.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::Run;
use crate::kernel::Status;
use crate::metrics::Recorder;
use crate::sched::pool::Next;

/// The tasks of one call.
struct Hand<'a, R: Recorder> {
    run: &'a Run<'a, R>,
    worker: usize,
    taken: Mutex<Taken<R::Mark>>,
}

struct Taken<M> {
    /// Tasks that aren't known to be finished, in ascending order.
    tasks: VecDeque<u64>,
    /// When the last of them began; gone once the call has ended.
    mark: Option<M>,
}

impl<R: Recorder> Hand<'_, R> {
    fn taken(&self) -> MutexGuard<'_, Taken<R::Mark>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// [`crate::kernel::Ctx::next_range`].
    fn next(&self, unfinished: u64) -> Option<(u64, u64)> {
        let (ledger, control) = (self.run.ledger, self.run.ctx.control());
        let mut taken = self.taken();
        self.finish(&mut taken, unfinished);
        // What nobody has claimed lies above all that was, and so above any fault.
        if control.stopped() || control.lowest_fault().is_some() {
            return None;
        }
        let task = ledger.claim()?;
        taken.tasks.push_back(task);
        self.lap(&mut taken);
        Some(ledger.range(task))
    }

    /// Marks the tasks that lie below an element.
    fn finish(&self, taken: &mut Taken<R::Mark>, unfinished: u64) {
        let ledger = self.run.ledger;
        while taken.tasks.front().is_some_and(|task| ledger.range(*task).1 <= unfinished) {
            taken.tasks.pop_front().into_iter().for_each(|task| ledger.mark(task));
        }
    }

    fn lap(&self, taken: &mut Taken<R::Mark>) {
        taken.mark = taken.mark.take().map(|mark| self.run.recorder.lap(self.worker, mark));
    }
}

impl<R: Recorder> Run<'_, R> {
    /// Whether calls of the body take further tasks themselves.
    pub(crate) fn hands_over(&self) -> bool {
        let masks = self.ctx.ok().is_none() || self.kernel.masks_faults;
        self.body.chunks && self.kernel.chunk.is_some() && self.kernel.refills && masks
    }

    /// Runs the ledger's tasks that nobody else claims, one call after the other, each taking as many as it likes.
    pub(crate) fn claims(&self, worker: usize) -> Next {
        let control = self.ctx.control();
        while !control.stopped()
            && control.lowest_fault().is_none()
            && let Some(task) = self.ledger.claim()
        {
            let taken = Taken { tasks: VecDeque::from([task]), mark: Some(self.recorder.start()) };
            let hand = Hand { run: self, worker, taken: Mutex::new(taken) };
            let next = |unfinished| hand.next(unfinished);
            let ctx = self.ctx.with_next(&next);
            let (begin, end) = self.ledger.range(task);
            let status = self.guarded(begin, || (self.body.run)(self.kernel, &ctx, begin, end));
            let mut taken = hand.taken();
            hand.lap(&mut taken);
            match status {
                Status::DONE => hand.finish(&mut taken, u64::MAX),
                Status::FAULT => {}
                _ => return Next::Stop,
            }
        }
        Next::Continue
    }
}
