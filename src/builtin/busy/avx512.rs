//! The lanes in AVX-512 intrinsics: up to eight registers of 32 int16 lanes stay in registers for a whole loop.
//!
//! Plain Rust vectorises here too, but keeps the lanes in memory and has no word for `vpermw`, which turns the quotient
//! into `13 - 6979 q` with the sign of the dividend accounted for: one instruction in place of four.

use std::arch::x86_64::{
    __m512i, _mm512_add_epi16, _mm512_cmpgt_epi16_mask, _mm512_loadu_epi16, _mm512_mask_add_epi16, _mm512_mulhi_epi16,
    _mm512_mullo_epi16, _mm512_permutexvar_epi16, _mm512_set1_epi16, _mm512_setzero_si512, _mm512_srai_epi16,
    _mm512_storeu_epi16, _mm512_sub_epi16,
};
use std::hint::black_box;

use super::{Group, portable};

/// What an iteration adds to `7 v`, by the low five bits of `floor(v / 997)`, which lies in -7..=7.
const ADDEND: Group = {
    let mut table = [0; 32];
    let mut floor = -7_i16;
    while floor <= 7 {
        let quotient = if floor < 0 { floor + 1 } else { floor };
        table[(floor & 31) as usize] = (13 - 6979 * quotient as i32) as i16;
        floor += 1;
    }
    table
};

/// See [`super::level::Level::first`].
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
pub(super) fn first(acc: &mut [i32]) {
    portable::first(acc);
}

/// Calls `$f::<R>` with `$args` for the number of groups there are, so that each number has its own register loop.
macro_rules! by_count {
    ($groups:ident, $f:ident $args:tt, $($count:literal)*) => {
        match $groups.len() {
            0 => {}
            $($count => $f::<$count> $args,)*
            more => unreachable!("{more} groups where callers have at most SLOTS"),
        }
    };
}

/// See [`super::level::Level::run`].
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
pub(super) fn run(groups: &mut [Group], rounds: u32) {
    by_count!(groups, run_in_registers(groups, rounds), 1 2 3 4 5 6 7 8);
}

/// See [`super::level::Level::run_masked`].
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
pub(super) fn run_masked(groups: &mut [Group], ends: &[Group], from: i16, to: i16) {
    by_count!(groups, run_masked_in_registers(groups, ends, from, to), 1 2 3 4 5 6 7 8);
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
fn run_in_registers<const R: usize>(groups: &mut [Group], rounds: u32) {
    let constants = Constants::new();
    let mut v = enter::<R>(groups);
    for _ in 0..rounds {
        for v in &mut v {
            let (product, addend) = constants.step(*v);
            *v = _mm512_add_epi16(product, addend);
        }
    }
    leave(groups, v);
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
fn run_masked_in_registers<const R: usize>(groups: &mut [Group], ends: &[Group], from: i16, to: i16) {
    let constants = Constants::new();
    let mut v = enter::<R>(groups);
    let mut end = [_mm512_setzero_si512(); R];
    for (end, from) in end.iter_mut().zip(ends) {
        *end = load(from);
    }
    let (mut now, one) = (_mm512_set1_epi16(from), _mm512_set1_epi16(1));
    for _ in from..to {
        for (v, end) in v.iter_mut().zip(end) {
            let (product, addend) = constants.step(*v);
            *v = _mm512_mask_add_epi16(*v, _mm512_cmpgt_epi16_mask(end, now), product, addend);
        }
        now = _mm512_add_epi16(now, one);
    }
    leave(groups, v);
}

/// The registers that an iteration reads.
#[derive(Clone, Copy)]
struct Constants {
    seven: __m512i,
    reciprocal: __m512i,
    addend: __m512i,
}

impl Constants {
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
    fn new() -> Self {
        Self {
            // Known to be 7, it would become a shift and a subtraction: one instruction more on the busiest ports.
            seven: black_box(_mm512_set1_epi16(7)),
            reciprocal: _mm512_set1_epi16(4207),
            addend: load(&ADDEND),
        }
    }

    /// The two summands of the next `v`.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
    fn step(self, v: __m512i) -> (__m512i, __m512i) {
        let floor = _mm512_srai_epi16::<6>(_mm512_mulhi_epi16(v, self.reciprocal));
        (_mm512_mullo_epi16(v, self.seven), _mm512_permutexvar_epi16(floor, self.addend))
    }
}

/// Loads accumulators as `v = 7 acc + 13`.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
fn enter<const R: usize>(groups: &[Group]) -> [__m512i; R] {
    let mut v = [_mm512_setzero_si512(); R];
    for (v, group) in v.iter_mut().zip(groups) {
        *v = _mm512_add_epi16(_mm512_mullo_epi16(load(group), _mm512_set1_epi16(7)), _mm512_set1_epi16(13));
    }
    v
}

/// Stores `v` as accumulators; 28087 is the inverse of 7 modulo 65536.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
fn leave<const R: usize>(groups: &mut [Group], v: [__m512i; R]) {
    for (group, v) in groups.iter_mut().zip(v) {
        let acc = _mm512_mullo_epi16(_mm512_sub_epi16(v, _mm512_set1_epi16(13)), _mm512_set1_epi16(28087));
        // SAFETY: a Group is 64 bytes and exclusively borrowed; the store assumes no alignment.
        unsafe { _mm512_storeu_epi16(group.as_mut_ptr(), acc) };
    }
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
fn load(group: &Group) -> __m512i {
    // SAFETY: a Group is 64 bytes and borrowed; the load assumes no alignment.
    unsafe { _mm512_loadu_epi16(group.as_ptr()) }
}
