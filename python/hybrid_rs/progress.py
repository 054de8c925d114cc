"""Progress of a running batch: a callback of the caller's, or a bar on standard error."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = ["Progress", "callback"]

Progress = bool | Callable[[int, int], object]

_Tell = Callable[[int, int], object]

# Seconds between two updates of the line on a terminal.
_INTERVAL = 0.1
# Lines in all where standard error is a file or a pipe.
_STEPS = 10


def callback(progress: Progress | np.bool_) -> tuple[_Tell | None, Callable[[], None]]:
    """Return what to call with ``(done, total)`` while a batch runs, and what to call when it has ended.

    Raises:
        TypeError: If ``progress`` is neither a bool nor callable.
    """
    if not isinstance(progress, bool | np.bool_):
        if not callable(progress):
            raise TypeError(f"progress: must be a bool or a callable, not {type(progress).__name__}")
        return progress, _nothing
    if not progress:
        return None, _nothing
    try:
        from tqdm.auto import tqdm
    except ImportError:
        return _text()
    bar: Any = tqdm(total=0, unit="elem", unit_scale=True, leave=False)

    def show(done: int, total: int) -> None:
        bar.total = total
        bar.update(done - bar.n)

    return show, bar.close


def _nothing() -> None:
    pass


def _text() -> tuple[_Tell, Callable[[], None]]:
    """Return the plain text's two calls: a line that is written over on a terminal, few lines elsewhere."""
    if sys.stderr is None:
        return (lambda _done, _total: None), _nothing
    if not sys.stderr.isatty():
        return _lines(), _nothing
    shown = -_INTERVAL

    def show(done: int, total: int) -> None:
        nonlocal shown
        now = time.monotonic()
        if now - shown >= _INTERVAL or done >= total:
            shown = now
            print(f"\r{_line(done, total)}", end="", file=sys.stderr, flush=True)

    def end() -> None:
        if shown >= 0:
            print(file=sys.stderr)

    return show, end


def _lines() -> _Tell:
    """Return a call that prints a line for each tenth of the batch that is new."""
    printed = 0

    def show(done: int, total: int) -> None:
        nonlocal printed
        step = done * _STEPS // total if total else _STEPS
        if step > printed:
            printed = step
            print(_line(done, total), file=sys.stderr, flush=True)

    return show


def _line(done: int, total: int) -> str:
    return f"{done:,} of {total:,} {'element' if total == 1 else 'elements'} ({done / total if total else 1:.0%})"
