//! What a Runtime is made with, what a call asks for, and what comes back when it fails.

use std::time::Duration;

use crate::error::{Error, Result, StopReason};
use crate::flags::MAX_THREADS;
use crate::kernel::Cause;
use crate::paths::Path;
use crate::sched::plan::Policy;

/// Looked at from the calling thread while a batch runs.
pub trait Watch: Send {
    /// Called about every 20 ms with the elements finished and the batch's size.
    ///
    /// # Errors
    /// The reason to stop the batch.
    fn tick(&mut self, done: u64, total: u64) -> std::result::Result<(), StopReason>;
}

/// Watches nothing.
#[derive(Debug, Clone, Copy)]
pub struct NoWatch;

impl Watch for NoWatch {
    fn tick(&mut self, _done: u64, _total: u64) -> std::result::Result<(), StopReason> {
        Ok(())
    }
}

/// What a Runtime is made with.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Worker threads.
    pub threads: usize,
    /// Whether to count (`hybrid-lite` builds never do).
    pub metrics: bool,
    /// How chunk sizes are chosen.
    pub policy: Policy,
    /// `HYBRID_CHUNK_SIZE`, which overrides the policy.
    pub chunk_size: Option<u64>,
}

/// What one call asks for.
#[derive(Debug, Clone, Copy)]
pub struct Call {
    /// The path.
    pub path: Path,
    /// Elements a chunk; overrides environment and policy.
    pub chunk_size: Option<u64>,
    /// Workers, if not the Runtime's.
    pub threads: Option<usize>,
    /// Longest time the batch may take; with 0 nothing is computed.
    pub timeout: Option<Duration>,
}

impl Call {
    /// A call with nothing but a path.
    #[must_use]
    pub const fn new(path: Path) -> Self {
        Self { path, chunk_size: None, threads: None, timeout: None }
    }
}

/// An error with what the kernel left beside it.
#[derive(Debug)]
pub struct Failure {
    /// What went wrong.
    pub error: Error,
    /// The cause that the kernel recorded with a fault.
    pub cause: Option<Cause>,
    /// Ranges finished before a fault, merged and in order (those of a cancelled batch are in the error).
    pub finished: Vec<(u64, u64)>,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self { error, cause: None, finished: Vec::new() }
    }
}

/// Checks a thread count.
///
/// # Errors
/// [`Error::InvalidArgument`] outside 1..=[`MAX_THREADS`].
pub fn check_threads(threads: usize) -> Result<()> {
    if (1..=MAX_THREADS).contains(&threads) {
        Ok(())
    } else {
        Err(Error::invalid("threads", format!("{threads} is not between 1 and {MAX_THREADS}")))
    }
}
