//! The chunk form: hands machine code operands that lie as it wants them, and whole blocks.
//!
//! Contiguous operands are given where they are. Others, and the last elements that don't fill a block, go through a
//! scratch: inputs are copied there, outputs too (what isn't computed stays as it was), results are copied back.

use std::time::{Duration, Instant};

use super::abi::{Frame, publish};
use super::code::{Form, Native};
use super::race::Plan;
use super::scratch::{Scratch, Slot};
use crate::buffer::View;
use crate::kernel::{Ctx, Site, Status};

/// Elements between two looks at the stop flag where code has no loops that poll: 16 µs at 1 ns an element.
const PIECE: u64 = 1 << 14;
/// Elements that go through the scratch at once: three operands of 8 bytes fill half of a first-level cache.
const PACKED: u64 = 1 << 10;
/// The same where lanes are refilled, which run empty at the end of each piece: what a second-level cache holds.
const PACKED_REFILLS: u64 = 1 << 13;
/// Bytes by which a block of results that bypasses the caches is aligned, and bytes of a block that is too small for it.
const STREAM_ALIGN: usize = 64;
const STREAM_LEAST: usize = 16;
/// How long a call takes further ranges: those that it has count as unfinished until it ends, for progress and stops.
const HAND_OVER: Duration = Duration::from_millis(20);
/// Chunks with fewer elements aren't timed: reading the clock twice takes as long as some of them.
const TIMED: u64 = 1 << 10;

/// A range of a batch under way.
pub(super) struct Chunk<'a> {
    native: &'a Native,
    ctx: &'a Ctx<'a>,
    scratch: &'a mut Scratch,
    /// Elements of the batch.
    len: u64,
    /// Whether an operand doesn't lie as machine code wants it.
    strided: bool,
}

impl<'a> Chunk<'a> {
    /// Looks at a batch's operands.
    ///
    /// # Panics
    /// If they are not those that the code was made for.
    pub(super) fn new(native: &'a Native, ctx: &'a Ctx<'a>, scratch: &'a mut Scratch) -> Self {
        let made = &native.made;
        let inputs = ctx.inputs().iter().map(View::dtype).eq(made.inputs.iter().map(|input| input.dtype));
        let writable = |view: &View<'_>| view.is_writable().then_some(view.dtype());
        let outputs = ctx.outputs().iter().map(writable).eq(made.outputs.iter().copied().map(Some));
        let tables = ctx.tables().iter().map(|table| (table.view().dtype(), table.dims().len()));
        assert!(
            inputs && outputs && tables.eq(made.tables.iter().copied()),
            "operands of other types than compiled for"
        );
        for table in ctx.tables() {
            let view = table.view();
            assert!(view.is_contiguous() || view.len() < 2, "a table that isn't contiguous");
            scratch.tables.push(view.address() as u64);
            scratch.tables.extend_from_slice(table.dims());
        }
        let varying = ctx.inputs().iter().zip(&made.inputs).filter(|(_, input)| !input.uniform).map(|(view, _)| view);
        let strided = varying.chain(ctx.outputs()).chain(ctx.ok()).any(|view| !view.is_contiguous());
        // All operands of a batch are of one length.
        let len = ctx.inputs().iter().chain(ctx.outputs()).next().map_or(0, View::len);
        Self { native, ctx, scratch, len, strided }
    }

    /// Computes the elements `[begin, end)`.
    ///
    /// # Panics
    /// If the batch has not so many.
    pub(super) fn run(mut self, begin: u64, end: u64) -> Status {
        assert!(end <= self.len, "elements up to {end} of a batch of {}", self.len);
        let (count, race) = (end - begin, &self.native.race);
        if !self.native.refills() {
            let start = (count >= TIMED).then(Instant::now);
            let head = self.streams_from(begin).filter(|head| *head < count);
            let form = head.map_or(Form::Block, |_| self.native.past.next());
            let status = self.blocks(form, head.unwrap_or(0), begin, end);
            if let Some(start) = start.filter(|_| status == Status::DONE) {
                let ns = start.elapsed().as_nanos() as f64;
                race.record(Form::Block, ns, count);
                if head.is_some() {
                    self.native.past.record(form, ns, count);
                }
            }
            return status;
        }
        let mut at = begin;
        if let Plan::Both { first, slice } = race.plan(begin, count, self.native.width()) {
            let second = if first == Form::Block { Form::Refill } else { Form::Block };
            for form in [first, second] {
                let start = Instant::now();
                match self.by(form, at, at + slice) {
                    Status::DONE => race.record(form, start.elapsed().as_nanos() as f64, slice),
                    status => return status,
                }
                at += slice;
            }
        }
        match race.better() {
            Form::Refill if !self.strided => {
                self.call(Form::Refill, at, end - at, None, Some(Instant::now() + HAND_OVER))
            }
            form => self.by(form, at, end),
        }
    }

    fn by(&mut self, form: Form, begin: u64, end: u64) -> Status {
        match form {
            Form::Refill if self.strided => self.pieces(form, begin, end, PACKED_REFILLS),
            Form::Refill => self.piece(form, begin, end),
            _ => self.blocks(Form::Block, 0, begin, end),
        }
    }

    /// Whole blocks, and the elements before and behind them. `head` is how many come before `stream`'s.
    fn blocks(&mut self, form: Form, head: u64, begin: u64, end: u64) -> Status {
        let width = self.native.width();
        let first = if form == Form::Stream { begin + head } else { begin };
        let last = end - (end - first) % width;
        let size = if self.strided { PACKED } else { PIECE };
        let mut status = self.pieces(Form::Block, begin, first, width);
        if status == Status::DONE {
            status = self.pieces(form, first, last, size.next_multiple_of(width));
        }
        if form == Form::Stream {
            publish();
        }
        if status == Status::DONE {
            status = self.pieces(Form::Block, last, end, width);
        }
        status
    }

    /// How many elements from `begin` on are to be computed before results may bypass the caches; `None` if they shouldn't.
    fn streams_from(&self, begin: u64) -> Option<u64> {
        let outputs = self.ctx.outputs();
        let made = &self.native.made;
        let varying = made.inputs.iter().filter(|input| !input.uniform).map(|input| input.dtype);
        let bytes: usize = varying.chain(made.outputs.iter().copied()).map(crate::buffer::DType::size).sum();
        let from = self.native.streams_from()?;
        if self.strided || outputs.first()?.len().saturating_mul(bytes as u64) < from {
            return None;
        }
        let aligned = |view: &View<'_>, element: u64| {
            view.dtype().size() * (self.native.width() as usize) < STREAM_LEAST
                || (place(view, element) as usize).is_multiple_of(STREAM_ALIGN)
        };
        (0..STREAM_ALIGN as u64).find(|head| outputs.iter().all(|view| aligned(view, begin + head)))
    }

    /// `[begin, end)` in pieces of at most `size` elements, polling in between.
    fn pieces(&mut self, form: Form, begin: u64, end: u64, size: u64) -> Status {
        let mut at = begin;
        while at < end {
            let next = at.saturating_add(size).min(end);
            let status = self.piece(form, at, next);
            if status != Status::DONE {
                return status;
            }
            at = next;
            if at < end && (self.ctx.control().poll() || self.ctx.control().skip(at)) {
                return self.over();
            }
        }
        Status::DONE
    }

    /// One call, for at least one element. A range that doesn't fill blocks goes through the scratch, all of it, but for
    /// a form that takes any range.
    fn piece(&mut self, form: Form, begin: u64, end: u64) -> Status {
        let count = end - begin;
        let padded = if form == Form::Refill { count } else { count.next_multiple_of(self.native.width()) };
        let all = padded != count;
        if !all && !self.strided {
            return self.call(form, begin, count, None, None);
        }
        let moved = Moved { begin, count: count as usize, padded: padded as usize, all };
        self.load(&moved);
        let status = self.call(form, begin, padded, Some(&moved), None);
        self.store(&moved);
        status
    }

    /// Calls a function for `count` elements from `begin` on, of which those that were `moved` lie in the scratch. Up to
    /// the moment `more` it may take further ranges.
    fn call(&mut self, form: Form, begin: u64, count: u64, moved: Option<&Moved>, more: Option<Instant>) -> Status {
        // Further ranges lie anywhere, so that machine code has to count from the batch's first element.
        let origin = if more.is_some() { 0 } else { begin };
        self.scratch.operands.clear();
        let inputs = self.ctx.inputs().iter().zip(&self.native.made.inputs);
        let views =
            inputs.map(|(view, input)| (view, input.uniform)).chain(self.ctx.outputs().iter().map(|v| (v, false)));
        for (number, (view, uniform)) in views.enumerate() {
            let address = match moved {
                _ if uniform => view.address(),
                Some(moved) if moved.takes(view) => self.scratch.address(moved.slot(number)),
                _ => place(view, origin),
            };
            self.scratch.operands.push(address);
        }
        let mut frame = Frame::new(self.ctx, self.len, begin, more);
        frame.operands = self.scratch.operands.as_ptr();
        frame.tables = self.scratch.tables.as_ptr();
        if let Some(ok) = self.ctx.ok() {
            let number = self.scratch.operands.len();
            frame.ok = match moved.filter(|moved| moved.takes(ok)) {
                Some(moved) => self.scratch.address(moved.slot(number)),
                None => place(ok, origin),
            };
        }
        // SAFETY: `new` held the operands against what the code was made for, and the caller of `Native::load` promised
        // that it is code for that. Operands are valid for `count` elements, those of the batch or of a slot of the scratch,
        // and those of the batch for any range that it hands over.
        let status = unsafe { frame.call(self.native.function(form), begin - origin, begin - origin + count) };
        match status {
            Status::FAULT if frame.fault_index != u64::MAX => {
                let site = u32::try_from(frame.fault_site).unwrap_or(u32::MAX);
                self.ctx.control().fault(origin + frame.fault_index, Some(Box::new(Site(site))));
                Status::FAULT
            }
            Status::DONE => Status::DONE,
            _ => self.over(),
        }
    }

    fn load(&mut self, moved: &Moved) {
        let views = self.ctx.inputs().len() + self.ctx.outputs().len() + usize::from(self.ctx.ok().is_some());
        self.scratch.reserve(views, moved.padded);
        let inputs = self.ctx.inputs().iter().zip(&self.native.made.inputs);
        let views = inputs.map(|(view, input)| (view, input.uniform));
        let written = self.ctx.outputs().iter().chain(self.ctx.ok()).map(|view| (view, false));
        for (number, (view, uniform)) in views.chain(written).enumerate() {
            if !uniform && moved.takes(view) {
                self.scratch.load(moved.slot(number), view, moved.begin, moved.count, moved.padded);
            }
        }
    }

    fn store(&mut self, moved: &Moved) {
        let first = self.ctx.inputs().len();
        for (number, view) in self.ctx.outputs().iter().chain(self.ctx.ok()).enumerate() {
            if moved.takes(view) {
                self.scratch.store(moved.slot(first + number), view, moved.begin, moved.count);
            }
        }
    }

    /// The answer of a range that isn't finished: stopped, or pointless because of a fault below it.
    fn over(&self) -> Status {
        if self.ctx.control().stopped() { Status::STOPPED } else { Status::FAULT }
    }
}

/// Elements that are in the scratch.
struct Moved {
    begin: u64,
    count: usize,
    /// With copies of the last one behind them.
    padded: usize,
    /// Whether all operands are there, not just those with strides.
    all: bool,
}

impl Moved {
    fn takes(&self, view: &View<'_>) -> bool {
        self.all || !view.is_contiguous()
    }

    fn slot(&self, number: usize) -> Slot {
        Slot { number, elements: self.padded }
    }
}

/// Where an element lies.
fn place(view: &View<'_>, element: u64) -> *mut u8 {
    view.address().wrapping_offset(element.cast_signed() as isize * view.stride())
}
