"""Kernels lowered and run by the reference interpreter, for tests of the frontend."""

import functools
import itertools
import linecache
import math
from collections.abc import Callable
from types import FunctionType
from typing import Any

import numpy as np

from hybrid_rs import elementary, frontend, language
from hybrid_rs.frontend import Arg, TableArg, Typed
from hybrid_rs.ir import reference
from hybrid_rs.ir.types import BOOL, FLOAT64, INT64, named
from hybrid_rs.ir.verify import verify

_NUMBERS = itertools.count()


def made(source: str, name: str = "f", **names: object) -> FunctionType:
    """Compile source text under a file name of its own, and return one of its functions."""
    file = f"<kernel {next(_NUMBERS)}>"
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    found: dict[str, Any] = {"math": math, "np": np, "hr": language, **names}
    exec(compile(source, file, "exec"), found)
    function = found[name]
    assert isinstance(function, FunctionType)
    return function


def arg(value: object) -> Arg | TableArg:
    """Return the type of an argument as a call finds it."""
    if isinstance(value, np.ndarray):
        return TableArg(named(value.dtype.name), value.ndim)
    if isinstance(value, np.generic):
        return Arg(named(value.dtype.name))
    if isinstance(value, bool):
        return Arg(BOOL)
    assert isinstance(value, int | float)
    return Arg(INT64 if isinstance(value, int) else FLOAT64, weak=True)


def lowered(function: Callable[..., Any], *args: object, **options: Any) -> Typed:
    """Lower a function for the types of arguments, and verify it."""
    typed = frontend.lower(frontend.load(function), tuple(arg(value) for value in args), **options)
    verify(typed.function)
    return typed


@functools.cache
def _typed(function: Callable[..., Any], args: tuple[Arg | TableArg, ...]) -> Typed:
    typed = frontend.lower(frontend.load(function), args)
    verify(typed.function)
    return typed


def run(function: Callable[..., Any], *args: object, **options: Any) -> Any:
    """Compute one element: a result, a tuple of them, or the name of the exception that a fault raises.

    Results are NumPy scalars, so that their types show.
    """
    types = tuple(arg(value) for value in args)
    typed = lowered(function, *args, **options) if options else _typed(function, types)
    values = [value.item() if isinstance(value, np.generic) else value for value in args]
    tables = [guard.expected for guard in typed.captured]
    try:
        found = reference.run(elementary.expanded(typed.function), [*values, *tables], 1_000_000)
    except reference.Faulted as fault:
        return typed.function.sites[fault.site].exception
    results = tuple(
        np.dtype(type_.name).type(value) for type_, value in zip(typed.function.results, found, strict=True)
    )
    return results[0] if len(results) == 1 else results


def plain(function: Callable[..., Any], *args: object) -> Any:
    """Call the function itself: its result, or the name of the exception that it raises."""
    try:
        with np.errstate(all="ignore"):
            return function(*args)
    except (ArithmeticError, AssertionError, LookupError, ValueError) as error:
        return type(error).__name__


def alike(found: Any, wanted: Any) -> bool:
    """Return whether values are equal; nans are, and types don't matter."""
    if isinstance(wanted, tuple):
        return isinstance(found, tuple) and all(map(alike, found, wanted)) and len(found) == len(wanted)
    return bool(found == wanted or (found != found and wanted != wanted))  # noqa: PLR0124 - nan
