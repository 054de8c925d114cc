//! Machine code held against plain Rust: what is called here are Rust functions of the interface, and objects that are
//! put together byte by byte.

mod layouts;
mod loader;
mod stops;

use std::sync::Arc;

use super::abi::{Frame, Function};
use super::{Made, Native, Operand, kernel};
use crate::buffer::{DType, View};
use crate::kernel::{Batch, Control, Ctx, Kernel, Status};

/// Elements of a block.
const WIDTH: u64 = 8;

/// The frame as the design note lays it out.
#[repr(C)]
struct Raw {
    operands: *const *mut u8,
    tables: *const u64,
    ok: *mut u8,
    poll: extern "C" fn(*mut Raw) -> u32,
    max_steps: u64,
    fault_index: u64,
    fault_site: u64,
    next: extern "C" fn(*mut Raw, *mut [u64; 2]) -> u32,
}

/// Sees the frame as machine code does.
fn raw<'a>(frame: *mut Frame<'_>) -> &'a mut Raw {
    // SAFETY: the runtime's frame starts with these fields, and waits while the function runs.
    unsafe { &mut *frame.cast::<Raw>() }
}

impl Raw {
    fn read<T: Copy>(&self, operand: usize, i: u64) -> T {
        // SAFETY: operands of an element that is asked for are there, with any alignment.
        unsafe { self.operands.add(operand).read().cast::<T>().add(i as usize).read_unaligned() }
    }

    fn write<T: Copy>(&self, operand: usize, i: u64, value: T) {
        // SAFETY: as in `read`.
        unsafe { self.operands.add(operand).read().cast::<T>().add(i as usize).write_unaligned(value) }
    }

    fn fault(&mut self, i: u64, site: u64) {
        if !self.ok.is_null() {
            // SAFETY: there is a flag for each element.
            unsafe { self.ok.add(i as usize).write(0) };
        } else if i < self.fault_index {
            (self.fault_index, self.fault_site) = (i, site);
        }
    }
}

/// What a sample computes of one element; `None` for a fault.
fn sample(a: f64, b: i16, scale: i32, table: &[f32]) -> Option<(f64, u8)> {
    let index = b.rem_euclid(7) as usize;
    (a >= 0.0).then(|| (a * f64::from(scale) + f64::from(table[index]), (b & 0x7f) as u8))
}

/// The sample as a block function: a f64, b i16, scale i32 (uniform), a table of f32; results f64 and u8.
unsafe extern "C" fn block(frame: *mut Frame<'_>, begin: u64, end: u64) -> u32 {
    assert!((end - begin).is_multiple_of(WIDTH) && begin < end);
    // SAFETY: the same promises.
    unsafe { refill(frame, begin, end) }
}

/// The sample for any range, and for all further ones that there are.
unsafe extern "C" fn refill(frame: *mut Frame<'_>, begin: u64, end: u64) -> u32 {
    let raw = raw(frame);
    // SAFETY: a table's address, then its length.
    let table =
        unsafe { std::slice::from_raw_parts(raw.tables.read() as *const f32, raw.tables.add(1).read() as usize) };
    let mut range = [begin, end];
    loop {
        for i in range[0]..range[1] {
            match sample(raw.read(0, i), raw.read(1, i), raw.read(2, 0), table) {
                Some((first, second)) => {
                    raw.write(3, i, first);
                    raw.write(4, i, second);
                }
                None => raw.fault(i, 5),
            }
        }
        if (raw.next)(raw, &mut range) == 0 {
            return (raw.fault_index != u64::MAX).into();
        }
    }
}

/// The sample as a block function whose first result has to be aligned.
unsafe extern "C" fn stream(frame: *mut Frame<'_>, begin: u64, end: u64) -> u32 {
    // A block of the other result, of 8 bytes, is too small for such stores.
    // SAFETY: there are five operands.
    let address = unsafe { raw(frame).operands.add(3).read() } as u64 + begin * 8;
    assert!(address.is_multiple_of(64));
    // SAFETY: the same promises.
    unsafe { block(frame, begin, end) }
}

fn made() -> Made {
    let varying = |dtype| Operand { dtype, uniform: false };
    Made {
        inputs: vec![varying(DType::Float64), varying(DType::Int16), Operand { dtype: DType::Int32, uniform: true }],
        tables: vec![(DType::Float32, 1)],
        outputs: vec![DType::Float64, DType::UInt8],
        width: WIDTH,
        stream_from: 0,
    }
}

/// A kernel of Rust functions.
fn kernel_of(block: Function, refill: Option<Function>, stream: Option<Function>, made: Made) -> Kernel {
    kernel("sample", Arc::new(Native::of(block, refill, stream, made)))
}

/// Runs a kernel's chunk form over `[0, n)` in chunks of `size`; the first answer that isn't "done".
fn chunks(kernel: &Kernel, batch: &Batch<'_>, control: &Control<'_>, size: u64) -> Status {
    let ctx = Ctx::new(kernel, batch, control);
    let chunk = kernel.chunk.expect("a chunk form");
    let mut at = 0;
    while at < batch.len() {
        let end = (at + size).min(batch.len());
        match chunk(&ctx, at, end) {
            Status::DONE => at = end,
            status => return status,
        }
    }
    Status::DONE
}

/// Memory for `n` elements of `size` bytes, `step` elements and `shift` bytes apart, forwards or backwards.
struct Place {
    bytes: Vec<u8>,
    n: usize,
    size: usize,
    step: isize,
    shift: usize,
}

impl Place {
    fn new(n: usize, size: usize, step: isize, shift: usize) -> Self {
        Self { bytes: vec![0xA5; n * size * step.unsigned_abs() + shift + 8], n, size, step, shift }
    }

    fn at(&self, i: usize) -> usize {
        let slot = if self.step < 0 { self.n - 1 - i } else { i };
        slot * self.size * self.step.unsigned_abs() + self.shift
    }

    fn put(&mut self, i: usize, bytes: &[u8]) {
        let at = self.at(i);
        self.bytes[at..at + self.size].copy_from_slice(bytes);
    }

    fn get(&self, i: usize) -> &[u8] {
        &self.bytes[self.at(i)..][..self.size]
    }

    fn view(&mut self, dtype: DType, writable: bool) -> View<'_> {
        let stride = self.step * self.size.cast_signed();
        let first = self.bytes.as_mut_ptr().wrapping_add(self.at(0));
        // SAFETY: every element lies within `bytes`, which the view borrows for as long as it lives.
        unsafe { View::from_raw(first, stride, self.n as u64, dtype, writable) }
    }
}
