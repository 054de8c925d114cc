"""Arrays of other kinds in a call, treated as NumPy's ufuncs treat them: ``__array_ufunc__`` and ``__array_wrap__``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from hybrid_rs.arrays import is_masked

__all__ = ["NOTHING", "apply", "find", "wrapper"]

NOTHING: Any = object()
"""What `apply` returns where no argument takes over the call."""

# What is looked at no further: it takes nothing over, and has no array class that a result should have.
_PLAIN = {np.ndarray, int, float, bool, complex, list, tuple, str, bytes, type(None)}
# NumPy's own priorities.
_ARRAY, _SCALAR = 0.0, -1_000_000.0
_WRAPS_SCALARS = int(np.__version__.split(".", 1)[0]) >= 2

_Wrap = Callable[[Any, int], Any]


def _other(argument: object) -> bool:
    return type(argument) not in _PLAIN and not isinstance(argument, np.generic)


def find(arguments: Iterable[object]) -> list[Any]:
    """Return the arguments that may take the call over, in NumPy's order: subclasses first, else from the left.

    Raises:
        TypeError: For an argument that refuses ufuncs.
    """
    found: list[Any] = []
    for argument in filter(_other, arguments):
        kind = type(argument)
        method = getattr(kind, "__array_ufunc__", NOTHING)
        # Masked arrays are refused, whatever their class does.
        if method is NOTHING or method is np.ndarray.__array_ufunc__ or is_masked(kind):
            continue
        if method is None:
            raise TypeError(f"operand {kind.__name__!r} does not support ufuncs (__array_ufunc__=None)")
        if any(type(other) is kind for other in found):
            continue
        place = next((k for k, other in enumerate(found) if issubclass(kind, type(other))), len(found))
        found.insert(place, argument)
    return found


def apply(kernel: Any, inputs: tuple[object, ...], outs: tuple[object, ...], options: Mapping[str, Any]) -> Any:
    """Let the first argument that wants to take the call over; `NOTHING` if there is none.

    Raises:
        TypeError: If all that could take it over decline.
    """
    found = find((*inputs, *outs))
    if not found:
        return NOTHING
    for argument in found:
        result = type(argument).__array_ufunc__(argument, kernel, "__call__", *inputs, **options)
        if result is not NotImplemented:
            return result
    kinds = ", ".join(repr(type(argument).__name__) for argument in found)
    raise TypeError(
        f"operand type(s) all returned NotImplemented from __array_ufunc__({kernel!r}, '__call__'): {kinds}"
    )


def wrapper(kernel: Any, inputs: tuple[object, ...]) -> _Wrap | None:
    """Return what makes the results the class of the input with the highest ``__array_priority__``; None: nothing."""
    wrap: Any = None
    highest: float | None = None
    for argument in inputs:
        if type(argument) is np.ndarray:
            if highest is None or highest < _ARRAY:
                highest, wrap = _ARRAY, None
        elif not _other(argument):
            if highest is None:
                highest = _SCALAR
        elif (method := getattr(argument, "__array_wrap__", None)) is not None:
            priority = getattr(argument, "__array_priority__", _SCALAR)
            if highest is None or highest < priority or (wrap is None and highest == priority):
                highest, wrap = priority, method
    if wrap is None:
        return None

    def make(array: Any, place: int) -> Any:
        context = (kernel, inputs, place)
        if _WRAPS_SCALARS:
            try:
                return wrap(array, context, array.ndim == 0)
            except TypeError:
                pass  # Written for NumPy 1, whose calls have no third argument.
        return wrap(array, context)

    return make
