//! The seven execution paths by name.

use crate::error::{Error, Result};

/// A way to execute a batch (rows S2 to S8 of the report this project began with).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Path {
    /// A loop over the element form on the caller's thread.
    SeqDirect,
    /// Every element a boxed task of the Runtime's serial lane, in order: the baseline.
    RuntimeSeq,
    /// Every element a parallel task, called through a boxed closure.
    HybridDyn,
    /// Every element a parallel task, called through the function pointer.
    HybridFnptr,
    /// Every chunk a parallel task, inside it a boxed closure for each element.
    HybridDynChunked,
    /// Every chunk a parallel task: the chunk form, or a loop over the pointer.
    HybridFnptrChunked,
    /// As `HybridFnptrChunked`, with the chunk size chosen by the policy.
    HybridAutoChunked,
}

impl Path {
    /// All paths, in the order of the report.
    pub const ALL: [Self; 7] = [
        Self::SeqDirect,
        Self::RuntimeSeq,
        Self::HybridDyn,
        Self::HybridFnptr,
        Self::HybridDynChunked,
        Self::HybridFnptrChunked,
        Self::HybridAutoChunked,
    ];

    /// The canonical name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::SeqDirect => "seq_direct",
            Self::RuntimeSeq => "runtime_seq",
            Self::HybridDyn => "hybrid_dyn",
            Self::HybridFnptr => "hybrid_fnptr",
            Self::HybridDynChunked => "hybrid_dyn_chunked",
            Self::HybridFnptrChunked => "hybrid_fnptr_chunked",
            Self::HybridAutoChunked => "hybrid_auto_chunked",
        }
    }

    /// The path called `name`: a canonical name, `auto`, or the report's `runtime_hybrid_*`.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for an unknown name.
    pub fn from_name(name: &str) -> Result<Self> {
        let canonical = match name {
            "auto" => Self::HybridAutoChunked.name(),
            _ => name.strip_prefix("runtime_").filter(|rest| rest.starts_with("hybrid_")).unwrap_or(name),
        };
        Self::ALL.into_iter().find(|path| path.name() == canonical).ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            Error::invalid("path", format!("unknown path '{name}'; there are auto, {names}"))
        })
    }

    /// Whether the path needs worker threads.
    #[must_use]
    pub const fn is_parallel(self) -> bool {
        !matches!(self, Self::SeqDirect | Self::RuntimeSeq)
    }

    /// Whether the path hands out chunks.
    #[must_use]
    pub const fn is_chunked(self) -> bool {
        matches!(self, Self::HybridDynChunked | Self::HybridFnptrChunked | Self::HybridAutoChunked)
    }
}

#[cfg(test)]
mod test {
    use super::*;

    #[test]
    fn names_and_aliases() {
        for path in Path::ALL {
            assert_eq!(Path::from_name(path.name()).unwrap(), path);
            assert_eq!(Path::ALL[path as usize], path);
        }
        assert_eq!(Path::from_name("auto").unwrap(), Path::HybridAutoChunked);
        assert_eq!(Path::from_name("runtime_hybrid_fnptr_chunked").unwrap(), Path::HybridFnptrChunked);
        for wrong in ["", "runtime_seq_direct", "runtime_runtime_seq", "fast", "runtime_auto"] {
            assert!(Path::from_name(wrong).is_err(), "{wrong}");
        }
    }
}
