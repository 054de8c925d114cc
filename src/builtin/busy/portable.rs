//! The lanes in plain Rust, for the compiler to vectorise under whatever features the caller was compiled with.
//!
//! The state of a lane is not the accumulator itself but a linear form of it that makes the quotient cheap; the design
//! note derives the constants, and the tests hold them against the definition for every accumulator there is.

use super::{Group, busy_one};

/// A linear form of the accumulator, and one iteration on it.
trait Form {
    fn enter(acc: i16) -> i16;
    fn step(state: i16) -> i16;
    fn leave(state: i16) -> i16;
}

/// For accumulators of either sign: `v = 7 acc + 13`, the dividend of the coming iteration.
struct Signed;

impl Form for Signed {
    #[inline(always)]
    fn enter(acc: i16) -> i16 {
        acc.wrapping_mul(7).wrapping_add(13)
    }

    #[inline(always)]
    fn step(v: i16) -> i16 {
        // floor(v / 997), below 0 one less than the truncated quotient; the sign bit makes up for that.
        let floor = high(v, 4207) >> 6;
        let quotient = floor.wrapping_add((v.cast_unsigned() >> 15).cast_signed());
        v.wrapping_mul(7).wrapping_add(13).wrapping_sub(quotient.wrapping_mul(7 * 997))
    }

    #[inline(always)]
    fn leave(v: i16) -> i16 {
        // 7 * 28087 = 3 * 65536 + 1: an exact division by 7.
        v.wrapping_sub(13).wrapping_mul(28087)
    }
}

/// For accumulators from 0 up, which stay so: `b = acc + 2`. The quotient comes without a shift and without a sign.
struct NonNegative;

impl Form for NonNegative {
    #[inline(always)]
    fn enter(acc: i16) -> i16 {
        acc + 2
    }

    #[inline(always)]
    fn step(b: i16) -> i16 {
        let quotient = high(b, 460);
        b.wrapping_mul(7).wrapping_add(1).wrapping_sub(quotient.wrapping_mul(997))
    }

    #[inline(always)]
    fn leave(b: i16) -> i16 {
        b - 2
    }
}

/// The upper half of a product: one instruction on most machines.
#[inline(always)]
const fn high(a: i16, b: i16) -> i16 {
    ((a as i32 * b as i32) >> 16) as i16
}

/// See [`super::level::Level::first`].
#[inline(always)]
pub(super) fn first(acc: &mut [i32]) {
    for acc in acc {
        *acc = busy_one(*acc, 1);
    }
}

/// See [`super::level::Level::run`].
#[inline(always)]
pub(super) fn run(groups: &mut [Group], rounds: u32) {
    if non_negative(groups) { all::<NonNegative>(groups, rounds) } else { all::<Signed>(groups, rounds) }
}

/// See [`super::level::Level::run_masked`].
#[inline(always)]
pub(super) fn run_masked(groups: &mut [Group], ends: &[Group], from: i16, to: i16) {
    if non_negative(groups) {
        masked::<NonNegative>(groups, ends, from, to);
    } else {
        masked::<Signed>(groups, ends, from, to);
    }
}

#[inline(always)]
fn non_negative(groups: &[Group]) -> bool {
    groups.as_flattened().iter().fold(0, |signs, lane| signs | lane) >= 0
}

#[inline(always)]
fn all<F: Form>(groups: &mut [Group], rounds: u32) {
    map(groups, F::enter);
    for _ in 0..rounds {
        map(groups, F::step);
    }
    map(groups, F::leave);
}

#[inline(always)]
fn masked<F: Form>(groups: &mut [Group], ends: &[Group], from: i16, to: i16) {
    map(groups, F::enter);
    for k in from..to {
        for (group, ends) in groups.iter_mut().zip(ends) {
            for (lane, end) in group.iter_mut().zip(ends) {
                let next = F::step(*lane);
                *lane = if *end > k { next } else { *lane };
            }
        }
    }
    map(groups, F::leave);
}

#[inline(always)]
fn map(groups: &mut [Group], f: impl Fn(i16) -> i16) {
    for group in groups {
        for lane in group {
            *lane = f(*lane);
        }
    }
}
