"""Progress of a running batch: a callback of the caller's, or a bar on standard error."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

__all__ = ["Progress", "callback"]

Progress = bool | Callable[[int, int], object]


def callback(progress: Progress) -> tuple[Callable[[int, int], object] | None, Callable[[], None]]:
    """Return what to call with ``(done, total)`` while a batch runs, and what to call when it has ended.

    Raises:
        TypeError: If ``progress`` is neither a bool nor callable.
    """
    if progress is False:
        return None, _nothing
    if progress is not True:
        if not callable(progress):
            raise TypeError(f"progress: must be a bool or a callable, not {type(progress).__name__}")
        return progress, _nothing
    try:
        from tqdm.auto import tqdm
    except ImportError:
        return _line, _end_line
    bar: Any = tqdm(total=0, unit="elem", unit_scale=True, leave=False)

    def show(done: int, total: int) -> None:
        bar.total = total
        bar.update(done - bar.n)

    return show, bar.close


def _nothing() -> None:
    pass


def _line(done: int, total: int) -> None:
    print(f"\r{done:,} of {total:,} elements ({done / max(total, 1):.0%})", end="", file=sys.stderr, flush=True)


def _end_line() -> None:
    print(file=sys.stderr)
