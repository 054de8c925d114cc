//! The interpreter: takes elements, runs segments on windows of lanes, keeps to faults, limits and polls.

mod refill;
mod segment;
#[cfg(test)]
mod test;
mod window;

use super::frame::Frame;
use super::lanes::memory::Memory;
use super::program::Program;
use super::verify::NESTING;
use crate::kernel::{Ctx, Status};
use refill::Idle;

/// Work between two polls, in additions of a byte: about 50 µs.
const POLL_WORK: u64 = 5_000_000;
/// Work that an instruction takes beside its lanes, in the same unit: about 5 ns.
const DISPATCH: u64 = 512;

/// Why a segment's run came to an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flow {
    /// It came to `end`.
    End,
    /// It came to `refill`.
    Refill,
    /// No lane of the block is ok any more.
    Lost,
    /// To stop with this answer.
    Stop(Status),
}

/// One run of a program over a range.
struct Machine<'a> {
    program: &'a Program,
    frame: Frame<'a>,
    /// All elements below are finished, or not this run's.
    begin: u64,
    /// The next element of the range that no lane has taken.
    next: u64,
    end: u64,
    /// Lanes of a block.
    lanes: usize,
    /// Windows remembered by `enter`: last lane and padding; the first lane doesn't change.
    windows: [(usize, usize); NESTING],
    depth: usize,
    /// Work since the last poll.
    work: u64,
    /// Back edges that may still be taken.
    fuel: u64,
    /// What finished lanes of the refill loop cost.
    idle: Idle,
    /// Scratch: pairs of lanes to be exchanged.
    pairs: Vec<(u32, u32)>,
}

/// Computes the elements `[begin, end)` of a batch.
pub fn run(program: &Program, ctx: &Ctx<'_>, begin: u64, end: u64) -> Status {
    run_within(program, ctx, begin, end, u64::MAX)
}

/// The same with at most `fuel` back edges for the range: tests' guard against programs that don't end.
fn run_within(program: &Program, ctx: &Ctx<'_>, begin: u64, end: u64, fuel: u64) -> Status {
    if begin >= end {
        return Status::DONE;
    }
    let elements = if ctx.has_next() { u64::MAX } else { end - begin };
    let lanes = program.lanes.min(usize::try_from(elements).unwrap_or(usize::MAX));
    let capacity = capacity(program, lanes);
    let mut memory = Memory::take(capacity, program.stride, &program.uniforms);
    let base = memory.base();
    let frame = Frame {
        ctx,
        memory,
        base,
        capacity,
        lo: 0,
        hi: 0,
        padded: 0,
        block: 0,
        limit: u64::MAX,
        ordered: true,
        faulted: false,
        answer: 0,
        ahead: &program.ahead,
    };
    let mut machine = Machine {
        program,
        frame,
        begin,
        next: begin,
        end,
        lanes,
        windows: [(0, 0); NESTING],
        depth: 0,
        work: 0,
        fuel: u64::MAX,
        idle: Idle::default(),
        pairs: Vec::new(),
    };
    machine.frame.clear(&program.cleared);
    let status = machine.blocks(fuel);
    machine.frame.memory.keep();
    status
}

/// Lanes that registers get room for: the block's, with as many again behind them as ops may write without harm; few for
/// a few elements.
fn capacity(program: &Program, lanes: usize) -> usize {
    let padding = if program.refill.is_some() && lanes >= Frame::PADDED_FROM { Frame::PADDING } else { 0 };
    lanes.next_multiple_of(if lanes >= Frame::PADDED_FROM { Frame::PADDING } else { 8 }) + padding
}

impl Machine<'_> {
    /// Block after block until the range is done, faulted or stopped.
    fn blocks(&mut self, fuel: u64) -> Status {
        if self.bounded() {
            self.fuel = self.program.code.len() as u64;
            self.grant(self.end - self.begin);
        }
        self.fuel = self.fuel.min(fuel);
        let flow = loop {
            if self.next < self.end && self.frame.ctx.control().skip(self.next) {
                break Flow::Stop(self.over());
            }
            if !self.take(0, false) {
                break Flow::End;
            }
            let flow = match self.program.refill {
                Some((head, behind)) => self.refilled(head, behind),
                None => self.segment(0),
            };
            if let Flow::Stop(_) = flow {
                break flow;
            }
            if let Some(status) = self.poll_if_due() {
                break Flow::Stop(status);
            }
        };
        match flow {
            Flow::Stop(status) => status,
            _ if self.frame.limit != u64::MAX => Status::FAULT,
            _ => Status::DONE,
        }
    }

    /// Whether the call limits steps.
    fn bounded(&self) -> bool {
        self.frame.ctx.max_steps() != u64::MAX
    }

    /// Allows the back edges that so many elements may take: each is a step of some lane, or leaves a loop that has none
    /// left.
    fn grant(&mut self, elements: u64) {
        let most = (self.frame.ctx.max_steps() + 1).saturating_mul(2 * (self.program.backs + 1));
        self.fuel = self.fuel.saturating_add(most.saturating_mul(elements));
    }

    /// Gives the block's lanes from `lo` on elements that no lane has taken, of further ranges too if there is need and
    /// `more` says so; false if there are none. They become the window and the end of the block.
    fn take(&mut self, lo: usize, more: bool) -> bool {
        let mut hi = lo;
        loop {
            let left = self.end.min(self.frame.limit).saturating_sub(self.next);
            let count = usize::try_from(left).unwrap_or(usize::MAX).min(self.lanes - hi);
            self.frame.hold(hi, count, self.next);
            self.next += count as u64;
            hi += count;
            if !(more && hi < self.lanes && self.take_range(hi)) {
                break;
            }
        }
        self.frame.begin(lo, hi);
        hi > lo
    }

    /// Takes another range, while the first `busy` lanes have elements that are not finished; false if there is none.
    fn take_range(&mut self, busy: usize) -> bool {
        if self.frame.limit != u64::MAX {
            return false;
        }
        let unfinished = self.frame.memory.index[..busy].iter().min().copied().unwrap_or(self.end);
        let Some((begin, end)) = self.frame.ctx.next_range(unfinished) else { return false };
        (self.begin, self.next, self.end) = (unfinished.min(begin), begin, end);
        if self.bounded() {
            self.grant(end - begin);
        }
        true
    }

    /// Polls if there was work for it; an answer says to stop.
    fn poll_if_due(&mut self) -> Option<Status> {
        if self.work < POLL_WORK {
            return None;
        }
        self.work = 0;
        let control = self.frame.ctx.control();
        (control.poll() || control.skip(self.begin)).then(|| self.over())
    }

    /// The answer of a run that isn't finished: stopped, or pointless because of a fault.
    fn over(&self) -> Status {
        if self.frame.ctx.control().stopped() { Status::STOPPED } else { Status::FAULT }
    }
}
