//! Code for each instruction set: one body, compiled for every level, and the choice made once at run time.

use std::fmt;

use crate::vm::frame::{Frame, Inst};

/// Code of an op. To be called with a level's code only where the machine has that level, and with the frame and
/// instruction of one verified program.
pub(in crate::vm) type Code = unsafe fn(&mut Frame<'_>, &Inst);

/// An op's work on the window.
pub(in crate::vm) trait Body {
    /// Carries it out.
    ///
    /// # Safety
    /// `inst` is of the program that `frame` was made for, and its op is the one that this body implements: register
    /// numbers and types are then as the verifier checked them.
    unsafe fn run(frame: &mut Frame<'_>, inst: &Inst);
}

/// An instruction set that this machine has. Only detection makes one, so holding it proves that the machine has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::vm) struct Level(Isa);

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
    /// The best level of this machine.
    pub(in crate::vm) fn host() -> Self {
        Self::all()[0]
    }

    /// Every level of this machine, the best one first.
    pub(in crate::vm) fn all() -> Vec<Self> {
        let mut levels = Vec::new();
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            if is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512dq")
                && is_x86_feature_detected!("avx512vl")
            {
                levels.push(Self(Isa::Avx512));
            }
            levels.push(Self(Isa::Avx2));
        }
        levels.push(Self(Isa::Baseline));
        levels
    }
}

/// An op's code at each level.
#[derive(Clone, Copy)]
pub(in crate::vm) struct Levels {
    baseline: Code,
    #[cfg(target_arch = "x86_64")]
    avx2: Code,
    #[cfg(target_arch = "x86_64")]
    avx512: Code,
}

impl Levels {
    /// The code of `B` for each level.
    pub(in crate::vm) fn of<B: Body>() -> Self {
        Self::fused::<B, B>()
    }

    /// The code of `B` where the level can multiply and add in one instruction, else that of `P`.
    pub(in crate::vm) fn fused<B: Body, P: Body>() -> Self {
        Self {
            baseline: baseline::<P>,
            #[cfg(target_arch = "x86_64")]
            avx2: avx2::<B>,
            #[cfg(target_arch = "x86_64")]
            avx512: avx512::<B>,
        }
    }

    /// The same code for each level: where wide registers gain nothing.
    pub(in crate::vm) fn plain<B: Body>() -> Self {
        Self {
            baseline: baseline::<B>,
            #[cfg(target_arch = "x86_64")]
            avx2: baseline::<B>,
            #[cfg(target_arch = "x86_64")]
            avx512: baseline::<B>,
        }
    }

    /// The code for `level`.
    pub(in crate::vm) fn at(&self, level: Level) -> Code {
        match level.0 {
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => self.avx512,
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => self.avx2,
            Isa::Baseline => self.baseline,
        }
    }
}

impl fmt::Debug for Levels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Levels")
    }
}

unsafe fn baseline<B: Body>(frame: &mut Frame<'_>, inst: &Inst) {
    // SAFETY: the caller keeps the promise of `Body::run`.
    unsafe { B::run(frame, inst) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn avx2<B: Body>(frame: &mut Frame<'_>, inst: &Inst) {
    // SAFETY: the caller keeps the promise of `Body::run`.
    unsafe { B::run(frame, inst) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
unsafe fn avx512<B: Body>(frame: &mut Frame<'_>, inst: &Inst) {
    // SAFETY: the caller keeps the promise of `Body::run`.
    unsafe { B::run(frame, inst) }
}
