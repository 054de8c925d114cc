//! Memory that a thread keeps from call to call: pointers to operands, descriptions of tables, and the elements of
//! operands that machine code can't be given where they lie.

use std::cell::Cell;

use crate::buffer::View;

/// Memory that a thread keeps between calls, in bytes; what is larger is freed.
const MOST_KEPT: usize = 1 << 20;
/// Where elements begin: at a cache line.
const ALIGN: usize = 64;

/// Room for the elements of one operand.
#[derive(Debug, Clone, Copy)]
pub(super) struct Slot {
    pub(super) number: usize,
    /// Elements that each slot has room for.
    pub(super) elements: usize,
}

impl Slot {
    fn bytes(self) -> usize {
        (self.elements * 8).next_multiple_of(ALIGN)
    }
}

#[derive(Default)]
pub(super) struct Scratch {
    pub(super) operands: Vec<*mut u8>,
    pub(super) tables: Vec<u64>,
    bytes: Vec<u8>,
}

thread_local! {
    /// Memory that is not in use. Code that runs inside another one's poll finds none and makes its own.
    static KEPT: Cell<Option<Box<Scratch>>> = const { Cell::new(None) };
}

impl Scratch {
    pub(super) fn take() -> Box<Self> {
        let mut scratch = KEPT.take().unwrap_or_default();
        scratch.operands.clear();
        scratch.tables.clear();
        scratch
    }

    /// Gives it back for the thread's next call.
    pub(super) fn keep(self: Box<Self>) {
        if self.bytes.len() <= MOST_KEPT {
            KEPT.set(Some(self));
        }
    }

    /// Room for `slots` operands of `elements` elements of at most 8 bytes each.
    pub(super) fn reserve(&mut self, slots: usize, elements: usize) {
        let wanted = slots * Slot { number: 0, elements }.bytes() + ALIGN;
        if self.bytes.len() < wanted {
            self.bytes.resize(wanted, 0);
        }
    }

    /// Copies the elements `[begin, begin + count)` of a view into a slot of `elements` elements, and fills it up to
    /// `padded` with copies of the last one.
    pub(super) fn load(&mut self, slot: Slot, view: &View<'_>, begin: u64, count: usize, padded: usize) {
        let size = view.dtype().size();
        let bytes = self.slot(slot);
        view.load_bytes(begin, &mut bytes[..count * size]);
        for place in count..padded {
            bytes.copy_within((count - 1) * size..count * size, place * size);
        }
    }

    /// Copies the first `count` elements of a slot to where they belong.
    pub(super) fn store(&mut self, slot: Slot, view: &View<'_>, begin: u64, count: usize) {
        let size = view.dtype().size();
        view.store_bytes(begin, &self.slot(slot)[..count * size]);
    }

    /// Where a slot is.
    pub(super) fn address(&mut self, slot: Slot) -> *mut u8 {
        let first = self.bytes.as_ptr().align_offset(ALIGN);
        debug_assert!(first + (slot.number + 1) * slot.bytes() <= self.bytes.len());
        self.bytes.as_mut_ptr().wrapping_add(first + slot.number * slot.bytes())
    }

    fn slot(&mut self, slot: Slot) -> &mut [u8] {
        let first = self.bytes.as_ptr().align_offset(ALIGN);
        &mut self.bytes[first + slot.number * slot.bytes()..][..slot.bytes()]
    }
}
