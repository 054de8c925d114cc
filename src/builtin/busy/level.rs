//! Which instruction set the lanes run on: found once, then carried as evidence that calling its code is sound.

#[cfg(target_arch = "x86_64")]
use super::avx512;
use super::{Group, portable};

/// An instruction set that this machine has. Only detection makes one, so holding it proves that the machine has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Level(Isa);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Isa {
    #[cfg(target_arch = "x86_64")]
    Avx512,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// What the target always has: SSE2 on x86-64, NEON on AArch64.
    Baseline,
}

impl Level {
    /// The best level of this machine. The standard library keeps what it detected: this is a load and a test.
    #[inline]
    pub(super) fn host() -> Self {
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512vl")
        {
            return Self(Isa::Avx512);
        } else if is_x86_feature_detected!("avx2") {
            return Self(Isa::Avx2);
        }
        Self(Isa::Baseline)
    }

    /// Every level of this machine, the best one first.
    #[cfg(test)]
    pub(super) fn all() -> Vec<Self> {
        let mut levels = vec![Self::host()];
        #[cfg(target_arch = "x86_64")]
        if levels[0] == Self(Isa::Avx512) && is_x86_feature_detected!("avx2") {
            levels.push(Self(Isa::Avx2));
        }
        if levels[0] != Self(Isa::Baseline) {
            levels.push(Self(Isa::Baseline));
        }
        levels
    }

    /// Its name, as [`super::cpu_level`] gives it.
    pub(super) const fn name(self) -> &'static str {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => "avx512",
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => "avx2",
            Isa::Baseline if cfg!(target_arch = "aarch64") => "neon",
            Isa::Baseline => "baseline",
        }
    }

    /// One iteration on any int32 values; after it they lie in -996..=996.
    pub(super) fn first(self, acc: &mut [i32]) {
        match self.0 {
            // SAFETY: an Avx512 level is proof of the features (`host`).
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => unsafe { avx512::first(acc) },
            // SAFETY: an Avx2 level is proof of the feature (`host`).
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => unsafe { avx2::first(acc) },
            Isa::Baseline => portable::first(acc),
        }
    }

    /// `rounds` iterations on all lanes, at most [`super::SLOTS`] groups of values in -996..=996.
    pub(super) fn run(self, groups: &mut [Group], rounds: u32) {
        match self.0 {
            // SAFETY: an Avx512 level is proof of the features (`host`).
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => unsafe { avx512::run(groups, rounds) },
            // SAFETY: an Avx2 level is proof of the feature (`host`).
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => unsafe { avx2::run(groups, rounds) },
            Isa::Baseline => portable::run(groups, rounds),
        }
    }

    /// The iterations `from..to`, in which a lane takes part while the iteration's number is below the lane's `ends`.
    pub(super) fn run_masked(self, groups: &mut [Group], ends: &[Group], from: i16, to: i16) {
        match self.0 {
            // SAFETY: an Avx512 level is proof of the features (`host`).
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => unsafe { avx512::run_masked(groups, ends, from, to) },
            // SAFETY: an Avx2 level is proof of the feature (`host`).
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => unsafe { avx2::run_masked(groups, ends, from, to) },
            Isa::Baseline => portable::run_masked(groups, ends, from, to),
        }
    }
}

/// The portable bodies, compiled for AVX2.
#[cfg(target_arch = "x86_64")]
mod avx2 {
    use super::{Group, portable};

    #[target_feature(enable = "avx2")]
    pub(super) fn first(acc: &mut [i32]) {
        portable::first(acc);
    }

    #[target_feature(enable = "avx2")]
    pub(super) fn run(groups: &mut [Group], rounds: u32) {
        portable::run(groups, rounds);
    }

    #[target_feature(enable = "avx2")]
    pub(super) fn run_masked(groups: &mut [Group], ends: &[Group], from: i16, to: i16) {
        portable::run_masked(groups, ends, from, to);
    }
}
