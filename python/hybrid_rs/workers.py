"""How many threads calls use, for the process and for a block of code."""

from __future__ import annotations

import contextlib
import operator
from collections.abc import Iterator
from contextlib import AbstractContextManager
from contextvars import ContextVar
from typing import SupportsIndex

from hybrid_rs import flags

__all__ = ["chosen", "chosen_by", "get_num_threads", "set_num_threads", "threads"]

MAX_THREADS = 1024

_context: ContextVar[int | None] = ContextVar("hybrid_rs_threads", default=None)
_process: int | None = None


def chosen() -> int | None:
    """Return what ``threads`` or ``set_num_threads`` chose; None: the Runtime's own count."""
    return _context.get() or _process


def chosen_by() -> str | None:
    """Return who chose what `chosen` returns: "threads context" or "set_num_threads"; None: nobody."""
    if _context.get() is not None:
        return "threads context"
    return None if _process is None else "set_num_threads"


def get_num_threads() -> int:
    """Return the number of worker threads that a call of the default Runtime would use here."""
    return chosen() or flags.thread_count(None, None)[0]


def set_num_threads(n: SupportsIndex) -> None:
    """Let calls of the default Runtime use ``n`` worker threads (1 to 1024) from now on.

    Raises:
        TypeError: If ``n`` is no integer.
        ValueError: If it is out of range.
    """
    global _process  # noqa: PLW0603 - the process-wide choice is what this function is for
    _process = check(n)


def threads(n: SupportsIndex) -> AbstractContextManager[None]:
    """Let calls of the default Runtime in this block (and this thread or task) use ``n`` worker threads (1 to 1024).

    Raises:
        TypeError: If ``n`` is no integer.
        ValueError: If it is out of range.
    """
    return _block(check(n))


@contextlib.contextmanager
def _block(count: int) -> Iterator[None]:
    token = _context.set(count)
    try:
        yield
    finally:
        _context.reset(token)


def check(n: SupportsIndex, name: str = "threads") -> int:
    """Return ``n`` as a valid number of threads."""
    if isinstance(n, bool):
        raise TypeError(f"{name}: must be an integer, not bool")
    try:
        count = operator.index(n)
    except TypeError:
        raise TypeError(f"{name}: must be an integer, not {type(n).__name__}") from None
    if not 1 <= count <= MAX_THREADS:
        raise ValueError(f"{name}: {count} is not between 1 and {MAX_THREADS}")
    return count
