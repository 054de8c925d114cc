//! Environment variables: one row each in [`FLAGS`], resolved together into a [`Flags`] that nothing changes afterwards.
//!
//! This is the only file of the core that reads the environment, and only [`Flags::from_env`] and [`environment`] do;
//! everything else takes a lookup function, so that tests and the Python side hand in what they like.

use crate::error::{Error, Result};
use crate::topology::Topology;

#[cfg(test)]
mod test;

/// Most threads that may be asked for: far more than the largest hosts have, and few enough to be started at all.
pub const MAX_THREADS: usize = 1024;

/// What a variable's text must look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A decimal integer from 1 to the given one.
    Integer(u64),
    /// A path; its existence is the business of whoever opens it.
    Path,
    /// `0`, `1`, `true` or `false`, in any case.
    Bool,
    /// One of these words, in any case.
    Choice(&'static [&'static str]),
}

/// One environment variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flag {
    /// The variable's name.
    pub name: &'static str,
    /// What its text must look like.
    pub kind: Kind,
    /// What holds where it is unset, in words.
    pub default: &'static str,
    /// What it does, for people.
    pub doc: &'static str,
}

/// All variables of the package.
pub const FLAGS: [Flag; 6] = [
    Flag {
        name: "HYBRID_CHUNK_SIZE",
        kind: Kind::Integer(u64::MAX),
        default: "the policy's choice",
        doc: "Elements in a chunk, for every chunked path; overrides the chunk policy.",
    },
    Flag {
        name: "HYBRID_RS_NUM_THREADS",
        kind: Kind::Integer(MAX_THREADS as u64),
        default: "RAYON_NUM_THREADS, else OMP_NUM_THREADS, else the CPUs this process may use",
        doc: "Worker threads of a Runtime that is not told otherwise.",
    },
    Flag {
        name: "HYBRID_RS_CACHE_DIR",
        kind: Kind::Path,
        default: "the user's cache folder",
        doc: "Folder for what is kept between runs.",
    },
    Flag {
        name: "HYBRID_RS_DISABLE_JIT",
        kind: Kind::Bool,
        default: "0",
        doc: "1 keeps kernels from being compiled to machine code.",
    },
    Flag { name: "HYBRID_RS_LITE", kind: Kind::Bool, default: "0", doc: "1 runs without collecting metrics." },
    Flag {
        name: "HYBRID_RS_LOG_LEVEL",
        kind: Kind::Choice(&["debug", "info", "warning", "error"]),
        default: "warning",
        doc: "Least severe messages that are shown.",
    },
];

/// Other packages' variables that say how many threads are wanted, in the order they are asked.
pub const FOREIGN_THREADS: [&str; 2] = ["RAYON_NUM_THREADS", "OMP_NUM_THREADS"];

/// How variables are looked up: a name to its text, `None` where it is unset.
pub type Lookup<'a> = dyn Fn(&str) -> Option<String> + 'a;

/// The package's variables, resolved.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Flags {
    /// `HYBRID_CHUNK_SIZE`, in elements.
    pub chunk_size: Option<u64>,
    /// `HYBRID_RS_NUM_THREADS`.
    pub num_threads: Option<usize>,
    /// `HYBRID_RS_CACHE_DIR`.
    pub cache_dir: Option<String>,
    /// `HYBRID_RS_DISABLE_JIT`.
    pub disable_jit: bool,
    /// `HYBRID_RS_LITE`.
    pub lite: bool,
    /// `HYBRID_RS_LOG_LEVEL`, in lower case.
    pub log_level: Option<String>,
}

impl Flags {
    /// Resolves every variable; an unset and an empty one are the same.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidArgument`], named after the variable, for a text that can't be used.
    pub fn resolve(lookup: &Lookup<'_>) -> Result<Self> {
        let mut flags = Self::default();
        for flag in &FLAGS {
            let Some(text) = lookup(flag.name) else { continue };
            // Blanks around a number or a word mean nothing; in a path they may.
            let text = if flag.kind == Kind::Path { text.as_str() } else { text.trim() };
            if !text.is_empty() {
                flags.set(flag, text)?;
            }
        }
        Ok(flags)
    }

    /// Resolves the variables of the running process.
    ///
    /// # Errors
    ///
    /// As [`Flags::resolve`], and for a text that is not UTF-8.
    pub fn from_env() -> Result<Self> {
        for flag in &FLAGS {
            if let Err(std::env::VarError::NotUnicode(text)) = std::env::var(flag.name) {
                return Err(Error::invalid(flag.name, format!("{text:?} is not valid UTF-8")));
            }
        }
        Self::resolve(&environment)
    }

    fn set(&mut self, flag: &Flag, text: &str) -> Result<()> {
        match flag.name {
            "HYBRID_CHUNK_SIZE" => self.chunk_size = Some(flag.integer(text)?),
            "HYBRID_RS_NUM_THREADS" => {
                self.num_threads = Some(usize::try_from(flag.integer(text)?).map_err(|_| flag.refuse(text))?);
            }
            "HYBRID_RS_CACHE_DIR" => self.cache_dir = Some(text.to_owned()),
            "HYBRID_RS_DISABLE_JIT" => self.disable_jit = flag.boolean(text)?,
            "HYBRID_RS_LITE" => self.lite = flag.boolean(text)?,
            "HYBRID_RS_LOG_LEVEL" => self.log_level = Some(flag.choice(text)?.to_owned()),
            other => unreachable!("{other} has a row but no field"),
        }
        Ok(())
    }
}

impl Flag {
    /// What is accepted, in words that follow "is not".
    #[must_use]
    pub fn accepts(&self) -> String {
        match self.kind {
            Kind::Integer(u64::MAX) => "a positive integer".to_owned(),
            Kind::Integer(most) => format!("an integer from 1 to {most}"),
            Kind::Path => "a path".to_owned(),
            Kind::Bool => "0, 1, true or false".to_owned(),
            Kind::Choice(words) => format!("one of {}", words.join(", ")),
        }
    }

    fn refuse(&self, text: &str) -> Error {
        Error::invalid(self.name, format!("'{text}' is not {}", self.accepts()))
    }

    fn integer(&self, text: &str) -> Result<u64> {
        let most = if let Kind::Integer(most) = self.kind { most } else { 0 };
        match text.parse::<u64>() {
            Ok(value) if (1..=most).contains(&value) => Ok(value),
            // "Not a positive integer" would be wrong for one that is merely too large.
            Err(error) if *error.kind() == std::num::IntErrorKind::PosOverflow => {
                Err(Error::invalid(self.name, format!("'{text}' is larger than {most}")))
            }
            _ => Err(self.refuse(text)),
        }
    }

    fn boolean(&self, text: &str) -> Result<bool> {
        match text.to_ascii_lowercase().as_str() {
            "1" | "true" => Ok(true),
            "0" | "false" => Ok(false),
            _ => Err(self.refuse(text)),
        }
    }

    fn choice(&self, text: &str) -> Result<&'static str> {
        let words = if let Kind::Choice(words) = self.kind { words } else { &[] };
        words.iter().find(|word| word.eq_ignore_ascii_case(text)).copied().ok_or_else(|| self.refuse(text))
    }
}

/// The running process's variable of that name; `None` too where it is not UTF-8.
#[must_use]
pub fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// How many threads to use, and which rule decided: what was asked for ([`requested_threads`]), else what the machine
/// lets this process use.
///
/// # Errors
///
/// As [`requested_threads`].
pub fn thread_count(
    argument: Option<usize>,
    context: Option<usize>,
    flags: &Flags,
    lookup: &Lookup<'_>,
    topology: &Topology,
) -> Result<(usize, &'static str)> {
    if let Some(requested) = requested_threads(argument, context, flags, lookup)? {
        return Ok(requested);
    }
    let (allowed, usable) = (topology.allowed.len(), topology.usable_cpus());
    Ok((usable.clamp(1, MAX_THREADS), if usable < allowed { "cgroup quota" } else { "affinity" }))
}

/// The number of threads that somebody asked for, and where: the call's argument, else the context's number, else
/// `HYBRID_RS_NUM_THREADS`, else another package's variable. `None` leaves it to the machine, which only then has to be
/// looked at.
///
/// Another package's variable is not ours to complain about: what can't be used is passed over, and more than
/// [`MAX_THREADS`] is taken as that.
///
/// # Errors
///
/// [`Error::InvalidArgument`] where the argument or the context's number is outside of `1..=MAX_THREADS`.
pub fn requested_threads(
    argument: Option<usize>,
    context: Option<usize>,
    flags: &Flags,
    lookup: &Lookup<'_>,
) -> Result<Option<(usize, &'static str)>> {
    for (wanted, rule) in [(argument, "threads argument"), (context, "context")] {
        let Some(wanted) = wanted else { continue };
        if !(1..=MAX_THREADS).contains(&wanted) {
            return Err(Error::invalid("threads", format!("{wanted} is not an integer from 1 to {MAX_THREADS}")));
        }
        return Ok(Some((wanted, rule)));
    }
    if let Some(wanted) = flags.num_threads {
        return Ok(Some((wanted, "HYBRID_RS_NUM_THREADS")));
    }
    let foreign = |name: &'static str| Some((foreign_threads(&lookup(name)?)?, name));
    Ok(FOREIGN_THREADS.into_iter().find_map(foreign))
}

/// A usable number from another package's variable; OpenMP's list form (`4,2`, one for each nesting level) gives the
/// first.
fn foreign_threads(text: &str) -> Option<usize> {
    let first = text.split(',').next()?.trim();
    match first.parse::<u64>() {
        Ok(0) => None,
        Ok(wanted) => Some(usize::try_from(wanted).unwrap_or(MAX_THREADS).min(MAX_THREADS)),
        Err(_) => None,
    }
}
