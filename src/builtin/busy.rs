//! `busy_work`, the synthetic kernel: `iters` dependent multiply-add-remainder steps on one 32-bit accumulator.
//!
//! Every iteration of every element is carried out, one after the other; what the chunk form gains, it gains by
//! computing many elements side by side in int16 lanes (`docs/design/002-busy-work-lanes.md`).

#[cfg(target_arch = "x86_64")]
mod avx512;
mod level;
mod portable;
#[cfg(test)]
mod test;
mod varying;

use std::array;
use std::ops::Range;

use crate::buffer::{DType, Element, View};
use crate::kernel::{Control, Ctx, Kernel, Signature, Status};
use level::Level;

/// Lanes of a group: the int16 lanes of one 512-bit register.
const GROUP: usize = 32;
/// Groups that one loop carries side by side. An iteration is a chain of about 13 cycles at a throughput of 3 cycles a
/// group (Ice Lake), so that five groups hide the latency; twelve or sixteen were no faster than eight.
const SLOTS: usize = 8;
/// Lanes that one loop computes together.
const TILE: usize = GROUP * SLOTS;
/// Iterations between two looks at the stop flag; a tile takes 0.14 ms (AVX-512) to 0.8 ms (SSE2) for them.
const POLL: u64 = 1 << 14;
/// The same for the element form: 0.2 to 0.3 ms.
const POLL_ONE: u64 = 1 << 16;

type Group = [i16; GROUP];

/// The definition: `acc = x`, then `iters` times `acc = (acc * 7 + 13) % 997`, wrapping, with the dividend's sign.
#[must_use]
#[inline]
pub fn busy_one(x: i32, iters: u64) -> i32 {
    let mut acc = x;
    for _ in 0..iters {
        acc = acc.wrapping_mul(7).wrapping_add(13) % 997;
    }
    acc
}

/// The kernel `busy_work(x, iters) -> int32` over int32, uint32, int64 or uint64 operands.
///
/// `x` counts by its low 32 bits, read as int32. `iters` may differ from element to element; a negative one means no
/// iterations, as in `range`.
#[must_use]
pub fn busy_work() -> Kernel {
    const X: [DType; 4] = [DType::Int32, DType::UInt32, DType::Int64, DType::UInt64];
    const ITERS: [DType; 4] = [DType::Int64, DType::Int32, DType::UInt32, DType::UInt64];
    let signature = |x, iters| Signature { inputs: vec![x, iters], outputs: vec![DType::Int32] };
    let signatures = X.iter().flat_map(|x| ITERS.iter().map(move |iters| signature(*x, *iters))).collect();
    Kernel::new("busy_work", signatures, element).with_chunk(chunk, TILE as u64)
}

/// The instruction set that the chunk form runs on here: "avx512", "avx2", "neon" or "baseline".
#[must_use]
pub fn cpu_level() -> &'static str {
    Level::host().name()
}

extern "C-unwind" fn element(ctx: &Ctx<'_>, index: u64) -> Status {
    let [x, iters] = operands(ctx);
    let ([mut acc], [mut left]) = ([0], [0]);
    load_x(x, index, array::from_mut(&mut acc));
    load_iters(iters, index, array::from_mut(&mut left));
    // Running busy_one in pieces is running it whole; the stop flag is looked at between the pieces.
    while left > POLL_ONE {
        acc = busy_one(acc, POLL_ONE);
        left -= POLL_ONE;
        if ctx.control().poll() {
            return Status::STOPPED;
        }
    }
    ctx.outputs()[0].write(index, busy_one(acc, left));
    Status::DONE
}

extern "C-unwind" fn chunk(ctx: &Ctx<'_>, begin: u64, end: u64) -> Status {
    compute(ctx, begin, end, Level::host())
}

/// The chunk form at a given level.
fn compute(ctx: &Ctx<'_>, begin: u64, end: u64, level: Level) -> Status {
    let [x, iters] = operands(ctx);
    let out = &ctx.outputs()[0];
    if begin >= end {
        return Status::DONE;
    }
    let finished = if iters.stride() == 0 {
        let mut count = [0];
        load_iters(iters, begin, &mut count);
        uniform(x, out, begin..end, count[0], ctx.control(), level)
    } else {
        varying::run(x, iters, out, begin..end, ctx.control(), level)
    };
    if finished { Status::DONE } else { Status::STOPPED }
}

/// Computes `range` with the same `iters` for all elements; false if it was stopped.
fn uniform(x: &View<'_>, out: &View<'_>, range: Range<u64>, iters: u64, control: &Control, level: Level) -> bool {
    let mut acc = [0_i32; TILE];
    let mut lanes = [[0_i16; GROUP]; SLOTS];
    for at in range.clone().step_by(TILE) {
        if control.poll() {
            return false;
        }
        let acc = &mut acc[..(range.end - at).min(TILE as u64) as usize];
        load_x(x, at, acc);
        if let Some(mut left) = iters.checked_sub(1) {
            level.first(acc);
            let lanes = &mut lanes[..acc.len().div_ceil(GROUP)];
            for (lane, value) in lanes.as_flattened_mut().iter_mut().zip(&*acc) {
                *lane = *value as i16;
            }
            while left > POLL {
                level.run(lanes, POLL as u32);
                left -= POLL;
                if control.poll() {
                    return false;
                }
            }
            level.run(lanes, left as u32);
            for (value, lane) in acc.iter_mut().zip(lanes.as_flattened()) {
                *value = i32::from(*lane);
            }
        }
        out.store(at, acc);
    }
    true
}

fn operands<'a, 'c>(ctx: &'c Ctx<'a>) -> [&'c View<'a>; 2] {
    let [x, iters] = ctx.inputs() else { panic!("busy_work has two inputs, not {}", ctx.inputs().len()) };
    [x, iters]
}

/// Loads the low 32 bits of the elements from `begin` on.
fn load_x(view: &View<'_>, begin: u64, to: &mut [i32]) {
    match view.dtype() {
        DType::Int32 => view.load(begin, to),
        DType::UInt32 => load_as(view, begin, to, u32::cast_signed),
        DType::Int64 => load_as(view, begin, to, |x: i64| x as i32),
        _ => load_as(view, begin, to, |x: u64| x as i32),
    }
}

/// Loads iteration counts, negative ones as 0.
fn load_iters(view: &View<'_>, begin: u64, to: &mut [u64]) {
    match view.dtype() {
        DType::UInt64 => view.load(begin, to),
        DType::UInt32 => load_as(view, begin, to, |k: u32| k.into()),
        DType::Int32 => load_as(view, begin, to, |k: i32| k.max(0).unsigned_abs().into()),
        _ => load_as(view, begin, to, |k: i64| k.max(0).unsigned_abs()),
    }
}

#[inline]
fn load_as<T: Element, U>(view: &View<'_>, begin: u64, to: &mut [U], convert: impl Fn(T) -> U) {
    let mut tile = [T::default(); GROUP];
    for (part, at) in to.chunks_mut(GROUP).zip((begin..).step_by(GROUP)) {
        let tile = &mut tile[..part.len()];
        view.load(at, tile);
        for (slot, value) in part.iter_mut().zip(tile) {
            *slot = convert(*value);
        }
    }
}
