//! Chunk-size policies: pure functions of the batch size, and of what was measured where the policy is adaptive.

use std::fmt;

use crate::error::{Error, Result};

/// Shortest chunk, in ns, that keeps the cost of handing a chunk out (measured at 0.2 to 1 µs) within a few per cent.
const MIN_CHUNK_NS: f64 = 20_000.0;
/// Longest chunk, in ns: keeps the tail short and a stop request answered quickly.
const MAX_CHUNK_NS: f64 = 2_000_000.0;
/// Chunks that each worker should get at least, for balance.
const CHUNKS_PER_WORKER: u64 = 4;
/// The same where a kernel asks for long chunks: what a chunk loses at its end weighs more than balance.
const LONG_CHUNKS_PER_WORKER: u64 = 2;

/// How the size of a chunk is chosen when the call doesn't give one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Policy {
    /// A fiftieth of the batch in 500..=2000, rounded up to a multiple of 500.
    V1,
    /// Piecewise linear in the batch size.
    V2,
    /// `500 + (n - 10_000) * 0.015`, truncated.
    Linear,
    /// `max(750, min(n / 60, 2000))`.
    Ratio,
    /// Always the same size.
    Fixed(u64),
    /// V2, corrected by the measured cost of an element (see [`adaptive`]).
    #[default]
    Adaptive,
}

impl Policy {
    /// The policies that have a name alone.
    pub const NAMED: [Self; 5] = [Self::V1, Self::V2, Self::Linear, Self::Ratio, Self::Adaptive];

    /// The policy called `name`.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for an unknown name.
    pub fn from_name(name: &str) -> Result<Self> {
        Self::NAMED.into_iter().find(|policy| policy.name() == name).ok_or_else(|| {
            let names = Self::NAMED.map(Self::name).join(", ");
            Error::invalid("policy", format!("unknown policy '{name}'; there are {names} and fixed(n)"))
        })
    }

    /// The policy's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::V1 => "v1",
            Self::V2 => "v2",
            Self::Linear => "linear",
            Self::Ratio => "ratio",
            Self::Fixed(_) => "fixed",
            Self::Adaptive => "adaptive",
        }
    }

    /// The chunk size for a batch of `n` elements, in elements, by the formula alone; at least 1.
    #[must_use]
    pub fn chunk_size(self, n: u64) -> u64 {
        match self {
            Self::V1 => (n / 50).clamp(500, 2000).div_ceil(500) * 500,
            Self::V2 | Self::Adaptive => v2(n),
            // Thousandths keep the arithmetic exact; u128 holds 15 * u64::MAX.
            Self::Linear => {
                let thousandths = 500_000 + 15 * u128::from(n) - 150_000;
                u64::try_from(thousandths / 1000).unwrap_or(u64::MAX)
            }
            Self::Ratio => (n / 60).clamp(750, 2000),
            Self::Fixed(size) => size.max(1),
        }
    }
}

fn v2(n: u64) -> u64 {
    let size = match n {
        0..20_000 => 750,
        20_000..80_000 => 1000 + (n - 20_000) * 500 / 60_000,
        _ => 1500 + (n - 80_000).min(40_000) * 250 / 40_000,
    };
    size.clamp(500, 2000)
}

/// Why a chunk has the size it has.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Why {
    /// The call said so.
    Argument,
    /// `HYBRID_CHUNK_SIZE` said so.
    Environment,
    /// The policy's formula.
    Formula(Policy),
    /// The formula, corrected by a measured cost of an element in ns.
    Measured {
        /// What the formula gave.
        formula: u64,
        /// Measured ns an element on one core.
        element_ns: f64,
    },
    /// The whole batch in one piece on the calling thread.
    Inline,
    /// The path has no chunks.
    Elements,
    /// The chunk would be the whole batch, so the elements are handed out one by one.
    WholeBatch,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Argument => f.write_str("chunk_size argument"),
            Self::Environment => f.write_str("HYBRID_CHUNK_SIZE"),
            Self::Formula(policy) => write!(f, "policy {}", policy.name()),
            Self::Measured { formula, element_ns } => {
                write!(f, "policy adaptive: {formula} by formula, corrected for {element_ns:.3} ns an element")
            }
            Self::Inline => f.write_str("small batch, run by the calling thread"),
            Self::Elements => f.write_str("the path has no chunks"),
            Self::WholeBatch => f.write_str("chunk size is the whole batch: unchunked pointer path"),
        }
    }
}

/// A chunk size with its reason.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Choice {
    /// Elements in a chunk, at least 1.
    pub size: u64,
    /// Where the size comes from.
    pub why: Why,
}

/// The adaptive policy: v2, kept between the shortest and longest sensible chunk for the measured cost of an element,
/// and small enough that each worker gets several; a multiple of `tile` where that is no longer than the bound.
///
/// `element_ns` is the cost of an element on one core in ns (`None`: not measured yet), `tile` the kernel's SIMD width,
/// `least` the length below which its chunks are slow.
#[must_use]
pub fn adaptive(n: u64, workers: usize, tile: u64, least: u64, element_ns: Option<f64>) -> Choice {
    let workers = workers.max(1) as u64;
    let few = n / (CHUNKS_PER_WORKER * workers) < least;
    let per_worker = if few { LONG_CHUNKS_PER_WORKER } else { CHUNKS_PER_WORKER };
    let share = n.div_ceil(per_worker * workers).max(1);
    // Few chunks must be of one size to balance.
    let least = if few { share } else { least };
    let formula = v2(n).max(least);
    let Some(element_ns) = element_ns.filter(|ns| ns.is_finite() && *ns > 0.0) else {
        return Choice { size: round_to_tile(formula.min(share), tile), why: Why::Formula(Policy::Adaptive) };
    };
    // `as` saturates, which is what a cost near zero wants.
    let shortest = ((MIN_CHUNK_NS / element_ns) as u64).max(least);
    let longest = ((MAX_CHUNK_NS / element_ns) as u64).max(shortest);
    let size = round_to_tile(formula.clamp(shortest, longest).min(share), tile);
    Choice { size, why: Why::Measured { formula, element_ns } }
}

fn round_to_tile(size: u64, tile: u64) -> u64 {
    if size < tile { size } else { size.next_multiple_of(tile.max(1)) }
}

#[cfg(test)]
mod test {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn figures_of_the_report() {
        let sizes = |policy: Policy| [10_000, 50_000, 100_000].map(|n| policy.chunk_size(n));
        assert_eq!(sizes(Policy::V1), [500, 1000, 2000]);
        assert_eq!(sizes(Policy::V2), [750, 1250, 1625]);
        assert_eq!(sizes(Policy::Linear), [500, 1100, 1850]);
        assert_eq!(sizes(Policy::Ratio), [750, 833, 1666]);
        assert_eq!(Policy::V2.chunk_size(120_000), 1750);
        assert_eq!(Policy::V2.chunk_size(u64::MAX), 1750);
        assert_eq!(Policy::Linear.chunk_size(0), 350);
        assert_eq!(Policy::Fixed(0).chunk_size(5), 1);
    }

    #[test]
    fn names() {
        for policy in Policy::NAMED {
            assert_eq!(Policy::from_name(policy.name()).unwrap(), policy);
        }
        let message = Policy::from_name("v3").unwrap_err().to_string();
        assert_eq!(message, "policy: unknown policy 'v3'; there are v1, v2, linear, ratio, adaptive and fixed(n)");
    }

    #[test]
    fn adaptive_follows_the_cost() {
        assert_eq!(adaptive(100_000, 2, 1, 1, None).size, 1625);
        // 1 ns an element: 20 µs need 20_000, but each of two workers should get four chunks.
        assert_eq!(adaptive(100_000, 2, 1, 1, Some(1.0)).size, 12_500);
        // 10 µs an element: 2 ms hold 200.
        assert_eq!(adaptive(100_000, 2, 1, 1, Some(10_000.0)).size, 200);
        // 1 s an element: one at a time.
        assert_eq!(adaptive(100, 2, 1, 1, Some(1e9)).size, 1);
        assert_eq!(adaptive(100_000, 2, 64, 1, None).size, 1664);
        // Chunks that are slow to end: two a worker, whatever an element costs.
        assert_eq!(adaptive(100_000, 2, 256, 16_384, Some(10_000.0)).size, 25_088);
        assert_eq!(adaptive(10_000_000, 2, 256, 16_384, Some(10_000.0)).size, 16_384);
    }

    proptest! {
        #[test]
        fn linear_is_the_float_formula_truncated(n in 0_u64..10_000_000) {
            // Thousandths are exact in the oracle: 15 n is far below 2^53.
            let exact = (500_000.0 + (n as f64 - 10_000.0) * 15.0) / 1000.0;
            prop_assert_eq!(Policy::Linear.chunk_size(n), exact.trunc() as u64);
        }

        #[test]
        fn v2_is_monotone_and_bounded(n in 0_u64..1_000_000) {
            prop_assert!(v2(n) <= v2(n + 1));
            prop_assert!((500..=2000).contains(&v2(n)));
        }

        #[test]
        fn adaptive_is_usable(
            n in 0_u64..1 << 40,
            workers in 0_usize..200,
            tile in 1_u64..600,
            least in 1_u64..100_000,
            ns in 0.0_f64..1e12,
        ) {
            let choice = adaptive(n, workers, tile, least, Some(ns));
            prop_assert!(choice.size >= 1);
            let share = n.div_ceil(2 * workers.max(1) as u64).max(1);
            prop_assert!(choice.size < share + tile);
            prop_assert!(choice.size >= least.min(n.div_ceil(4 * workers.max(1) as u64)));
        }
    }
}
