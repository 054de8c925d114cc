//! One error type for the core, with the place it came from; `py/errors.rs` maps it to Python in one function.

use std::fmt;

/// Why a batch was stopped before it was finished.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopReason {
    /// The caller's watcher asked for it (Ctrl-C, a failing progress callback).
    Interrupted,
    /// The deadline given with the call has passed.
    TimedOut,
}

/// Everything that can go wrong in the core.
#[derive(Debug)]
pub enum Error {
    /// An argument has a value that can't be used.
    InvalidArgument {
        /// The argument's name, as the caller wrote it.
        name: &'static str,
        /// What is wrong and what is accepted.
        message: String,
    },
    /// An argument has the wrong type or dtype.
    WrongType {
        /// The argument's name, as the caller wrote it.
        name: &'static str,
        /// What is wrong and what is accepted.
        message: String,
    },
    /// The kernel faulted; the cause, if any, is kept by whoever recorded it.
    Fault {
        /// The lowest faulting element.
        index: u64,
    },
    /// The batch was stopped between chunks.
    Cancelled {
        /// What stopped it.
        reason: StopReason,
        /// Finished ranges `[begin, end)`, merged and in order.
        finished: Vec<(u64, u64)>,
    },
    /// Code of the core or of a built-in kernel panicked.
    Panic(String),
    /// The bookkeeping of a batch doesn't fit into memory.
    OutOfMemory {
        /// What was asked for, in bytes.
        bytes: u64,
    },
    /// Worker threads could not be started.
    Pool(String),
    /// The build lacks what was asked for.
    Unsupported(String),
    /// The Runtime has been closed.
    Closed,
}

/// The core's result type.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// An [`Error::InvalidArgument`].
    pub fn invalid(name: &'static str, message: impl Into<String>) -> Self {
        Self::InvalidArgument { name, message: message.into() }
    }

    /// An [`Error::WrongType`].
    pub fn wrong_type(name: &'static str, message: impl Into<String>) -> Self {
        Self::WrongType { name, message: message.into() }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidArgument { name, message } | Self::WrongType { name, message } => {
                write!(f, "{name}: {message}")
            }
            Self::Fault { index } => write!(f, "the kernel faulted at element {index}"),
            Self::Cancelled { reason, finished } => {
                let done: u64 = finished.iter().map(|(begin, end)| end - begin).sum();
                let why = match reason {
                    StopReason::Interrupted => "interrupted",
                    StopReason::TimedOut => "timed out",
                };
                write!(f, "the batch was {why} with {done} elements finished")
            }
            Self::Panic(message) => write!(f, "internal error (a panic in the core): {message}"),
            Self::OutOfMemory { bytes } => write!(f, "no memory for {bytes} bytes that keep track of the batch"),
            Self::Pool(message) => write!(f, "worker threads could not be started: {message}"),
            Self::Unsupported(message) => f.write_str(message),
            Self::Closed => f.write_str("the Runtime is closed"),
        }
    }
}

impl std::error::Error for Error {}
