"""Definitions of the elementary functions: `mathlib`'s source as functions of the IR, ready to be put into kernels.

Lowering one takes milliseconds, which a first call doesn't have; so the package carries them lowered, in
``mathlib/lowered.jsonl``, a line each. ``python -m hybrid_rs.elementary`` writes the file anew from the source, and a
test holds both together.
"""

from __future__ import annotations

import importlib
import pkgutil
import threading
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Final

from hybrid_rs import mathlib
from hybrid_rs.ir import ops, store
from hybrid_rs.ir.nodes import Function, Site
from hybrid_rs.ir.types import FLOAT32, FLOAT64, Type

__all__ = ["NAMES", "definition", "lower", "lowered_file"]

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


def lower(name: str, type_: Type) -> Function:
    """Make a definition from its source, through the frontend and the passes.

    Raises:
        KeyError: For a function that has no source.
        CompileError: For a source that is not in the language.
    """
    from hybrid_rs import frontend, passes

    prefix = f"f{type_.bits}_"
    for module in pkgutil.iter_modules(mathlib.__path__):
        if module.name.startswith(prefix):
            found = importlib.import_module(f"{mathlib.__name__}.{module.name}")
            if name in found.__all__:
                args = (frontend.Arg(type_),) * ops.OPS[name].arity
                typed = frontend.lower(frontend.load(getattr(found, name)), args, results=(type_,))
                return replace(passes.run(typed.function), sites=(_STEPS,), steps_site=0)
    raise KeyError(f"{name}.{type_.name}")


def _text() -> str:
    """Write all definitions, a line each."""
    lines = [
        f"{name}.{type_.name} {store.dumps(lower(name, type_))}\n" for name in NAMES for type_ in (FLOAT32, FLOAT64)
    ]
    return "".join(lines)


if __name__ == "__main__":
    lowered_file().write_text(_text(), "ascii")
