"""Definitions of the elementary functions: `mathlib`'s source as functions of the IR, ready to be put into kernels.

Lowering one takes milliseconds, which a first call doesn't have; so the package carries them lowered, in
``mathlib/lowered.jsonl``, a line each. ``python -m hybrid_rs.elementary`` writes the file anew from the source, and a
test holds both together.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Final

from hybrid_rs import mathlib, passes
from hybrid_rs.ir import ops, store, walk
from hybrid_rs.ir.nodes import Const, Function, Op, Site
from hybrid_rs.ir.types import FLOAT32, FLOAT64, Type
from hybrid_rs.ir.verify import verify
from hybrid_rs.passes.expand import expand

__all__ = ["NAMES", "definition", "expanded", "lower", "lowered_file", "optimised"]

NAMES: Final = tuple(name for name, row in ops.OPS.items() if row.opaque)
"""The functions that have a definition."""

# Definitions take no steps and don't fault; a function has such a site all the same.
_STEPS: Final = Site("RuntimeError", "more steps than max_steps allows", "mathlib", 0)
_lock = threading.Lock()


def lowered_file() -> Path:
    """Say where the lowered definitions are."""
    return Path(mathlib.__path__[0]) / "lowered.jsonl"


def definition(name: str, type_: Type) -> Function:
    """Give the definition of an elementary function for float32 or float64: one result, no tables, no faults.

    Raises:
        KeyError: For a function that has none.
    """
    with _lock:
        return _definition(name, type_)


@cache
def _definition(name: str, type_: Type) -> Function:
    return store.loads(_lines()[f"{name}.{type_.name}"])


@cache
def _lines() -> dict[str, str]:
    """Give the definitions' texts by function and type."""
    found = {}
    for line in lowered_file().read_text("ascii").splitlines():
        key, _, text = line.partition(" ")
        found[key] = text
    return found


def expanded(function: Function) -> Function:
    """Put the definitions into a function, and change nothing else: what the function means."""
    return expand(function, definition)


def optimised(function: Function, *, steps: bool = False) -> Function:
    """Put the definitions into a function after the passes; what engines run.

    Args:
        function: What the frontend made.
        steps: Whether each element keeps its number of steps.

    Raises:
        CompileError: The function nests deeper than Python's recursion limit allows.
    """
    function = passes.run(function, steps=steps)
    found = list(_calls(function))
    if not found:
        return function
    function = expanded(function)
    repeats = len({call.args for call in found}) < len(found)
    if repeats or any(isinstance(arg, Const) for call in found for arg in call.args):
        # A constant decides much of a definition; definitions of the same operands, as sine and cosine, share much.
        for one in passes.SMALLER:
            function = one(function)
    verify(function)
    return function


def _calls(function: Function) -> Iterator[Op]:
    """Give the elementary functions' ops in a function."""
    pending = [expr for stmt in walk.statements(function.body) for expr in walk.expressions(stmt)]
    while pending:
        expr = pending.pop()
        pending += walk.operands(expr)
        if isinstance(expr, Op) and ops.elementary(expr):
            yield expr


def lower(name: str, type_: Type) -> Function:
    """Make a definition from its source, through the frontend and the passes.

    Raises:
        KeyError: For a function that has no source.
        CompileError: For a source that is not in the language.
    """
    from hybrid_rs import frontend

    source = frontend.load(mathlib.function(name, type_.bits))
    typed = frontend.lower(source, (frontend.Arg(type_),) * ops.OPS[name].arity, results=(type_,))
    return replace(passes.run(typed.function), sites=(_STEPS,), steps_site=0)


def _text() -> str:
    """Write all definitions, a line each."""
    lines = [
        f"{name}.{type_.name} {store.dumps(lower(name, type_))}\n" for name in NAMES for type_ in (FLOAT32, FLOAT64)
    ]
    return "".join(lines)


if __name__ == "__main__":
    lowered_file().write_text(_text(), "ascii")
