"""Compiling a program's source as a user's file would be: the frontend reads it back through linecache."""

import itertools
import linecache
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from .generate import KERNEL

_numbers = itertools.count(1)


@contextmanager
def module(source: str) -> Iterator[dict[str, Any]]:
    """Execute a module's source and give its names; its lines are known to linecache as long as the block lasts."""
    name = f"<fuzz {next(_numbers)}>"
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    names: dict[str, Any] = {"__name__": "fuzzed"}
    try:
        exec(compile(source, name, "exec"), names)
        yield names
    finally:
        del linecache.cache[name]


def kernel_of(names: dict[str, Any]) -> Any:
    """Give a module's kernel."""
    return names[KERNEL]
