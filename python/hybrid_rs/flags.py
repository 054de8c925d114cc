"""Environment variables: the one place of the package that reads them.

The variables are declared, with defaults and validation, in the core (`src/flags.rs`); this module hands it the
environment as it is now and gives back a frozen result.
"""

import os
from pathlib import Path
from typing import NamedTuple, TypedDict

from hybrid_rs import _core

# Other packages' variables that the thread count may come from; the core knows in which order.
_FOREIGN = ("RAYON_NUM_THREADS", "OMP_NUM_THREADS")
_NAMES = (*(row["name"] for row in _core.flag_table()), *_FOREIGN)


class Flags(NamedTuple):
    """The package's variables, resolved and frozen; a named tuple, because making a dataclass costs import time."""

    chunk_size: int | None
    """`HYBRID_CHUNK_SIZE`, in elements; None leaves it to the policy."""
    num_threads: int | None
    """`HYBRID_RS_NUM_THREADS`."""
    cache_dir: str | None
    """`HYBRID_RS_CACHE_DIR`, as given."""
    disable_jit: bool
    """`HYBRID_RS_DISABLE_JIT`."""
    lite: bool
    """`HYBRID_RS_LITE`: run without metrics."""
    log_level: str | None
    """`HYBRID_RS_LOG_LEVEL`, in lower case."""


class FlagRow(TypedDict):
    """One variable, described for people."""

    name: str
    default: str
    doc: str
    accepts: str


def resolve() -> Flags:
    """Read the environment now; an empty variable counts as unset. Takes some 20 us: ask once, not for every call.

    Raises:
        ValueError: A variable has a value that can't be used; the message names it and says what is accepted.
    """
    return Flags(**_core.resolve_flags(environment()))


def table() -> list[FlagRow]:
    """Describe every variable: name, default, what it does, what it accepts."""
    return _core.flag_table()


def thread_count(argument: int | None = None, context: int | None = None) -> tuple[int, str]:
    """Say how many worker threads to use, and which rule decided.

    Args:
        argument: The `threads` argument of the call, if it was given.
        context: The number set by `hybrid_rs.set_num_threads` or `with hybrid_rs.threads(n)`, if any.

    Returns:
        The number, 1 to 1024, and one of "threads argument", "context", "HYBRID_RS_NUM_THREADS", "RAYON_NUM_THREADS",
        "OMP_NUM_THREADS", "affinity", "cgroup quota".

    Raises:
        TypeError: `argument` or `context` is not an integer.
        ValueError: A number is out of range, or one of the package's variables has a value that can't be used.
    """
    return _core.thread_count(argument, context, environment())


def cache_folder() -> Path | None:
    """Say where the package keeps files: `HYBRID_RS_CACHE_DIR`, else "hybrid_rs" in the user's cache folder.

    None where there is no home folder.
    """
    chosen = os.environ.get("HYBRID_RS_CACHE_DIR")
    if chosen:
        return Path(chosen).absolute()
    base = Path(os.environ.get("XDG_CACHE_HOME", ""))
    if not base.is_absolute():  # By the XDG specification relative ones are to be passed over.
        try:
            base = Path("~").expanduser() / ".cache"
        except RuntimeError:
            return None
    return base / "hybrid_rs" if base.is_absolute() else None


def environment() -> dict[str, str]:
    """Return the variables that matter as they are now; others may hold bytes that are no text."""
    environment: dict[str, str] = {}
    for name in _NAMES:
        text = os.environ.get(name)
        if text is None:
            continue
        try:
            text.encode()
        except UnicodeEncodeError:
            if name not in _FOREIGN:
                raise ValueError(f"{name}: {text!r} is not valid UTF-8") from None
            continue
        environment[name] = text
    return environment
