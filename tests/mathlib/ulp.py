"""How far a function's results are from the exact ones, in units in the last place (ulp).

The exact values are mpmath's, which are slow. So an estimate of more digits (NumPy's long double, or what the caller
gives) sorts the samples by their error, and mpmath computes the worst of them until no other one can be worse.

    measure(mathlib.f64_exp.exp, mpmath.exp, exponents(10**6))
"""

from __future__ import annotations

import types
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import mpmath
import numpy as np
from numpy.typing import NDArray

import hybrid_rs as hr

__all__ = ["PRECISION", "Accuracy", "Estimate", "Exact", "error", "errors", "estimate_of", "measure", "run"]

Array: TypeAlias = NDArray[Any]
Exact: TypeAlias = Callable[..., Any]
"""From mpmath numbers to an mpmath number; a complex result, or a ValueError, stands for nan."""
Estimate: TypeAlias = Callable[..., Any]
"""From arrays of the widest float to an array of more digits than the function has."""

PRECISION: Final = 200
"""Bits that mpmath computes with."""
_SLACK: Final = 1 / 64
"""How far an estimated error may be off, in ulp: a long double has 11 bits more than a float64."""
_BLOCK: Final = 64
_MOST: Final = 20_000
_NUMPY: Final = {
    "asin": "arcsin", "acos": "arccos", "atan": "arctan", "asinh": "arcsinh", "acosh": "arccosh", "atanh": "arctanh",
    "atan2": "arctan2", "ln": "log", "log10": "log10", "power": "power", "fabs": "abs",
}  # fmt: skip
_SAME: Final = {"exp", "expm1", "log1p", "sin", "cos", "tan", "sinh", "cosh", "tanh", "hypot", "sqrt", "cbrt", "log"}


@dataclass(frozen=True, slots=True)
class Accuracy:
    """What was measured over some samples."""

    worst: float
    """The greatest error, in ulp; inf where a nan or an inf is wrong."""
    mean: float
    """The mean of the errors, in ulp."""
    argument: tuple[float, ...]
    """Where the worst one is."""
    count: int
    """How many samples were measured: those that are finite."""


def run(function: Callable[..., Any], *args: Array) -> Array:
    """Compute a batch; a plain function is made a kernel, anything else is called."""
    kernel = hr.kernel(function) if isinstance(function, types.FunctionType) else function
    return np.asarray(kernel(*args))


def measure(
    function: Callable[..., Any],
    exact: Exact,
    samples: Array | Sequence[Array],
    dtype: Any = np.float64,
    *,
    estimate: Estimate | None = None,
) -> Accuracy:
    """Measure a function's error over samples; those that aren't finite are left out.

    Args:
        function: A function of the kernel language, or anything that takes and gives arrays.
        exact: The same function of mpmath numbers.
        samples: The arguments: an array, or one for each argument.
        dtype: The type of arguments and results.
        estimate: The same function with more digits, of NumPy arrays. Without one NumPy's long double function of the
            same name as `exact` is taken; where there is none, mpmath computes every sample.
    """
    given = [np.asarray(array, dtype=dtype) for array in (samples if isinstance(samples, list | tuple) else [samples])]
    given = [np.ravel(array) for array in np.broadcast_arrays(*given)]
    finite = np.logical_and.reduce([np.isfinite(array) for array in given])
    given = [np.ascontiguousarray(array[finite]) for array in given]
    found = run(function, *given)
    assert found.dtype == np.dtype(dtype), f"the result is {found.dtype}"
    estimate = estimate or estimate_of(exact, dtype)
    if estimate is None:
        everyone = np.arange(found.size)
        each = np.array([error(found[i], exact, [array[i] for array in given]) for i in everyone])
        place = int(np.argmax(each))
        return Accuracy(float(each[place]), _mean(each), tuple(float(array[place]) for array in given), found.size)
    about = errors(found, estimate, given)
    order = np.argsort(-about, kind="stable") if about.size <= _MOST else _worst_first(about)
    worst, place = -1.0, 0
    for start in range(0, order.size, _BLOCK):
        if about[order[start]] < worst - _SLACK:
            break
        if start >= _MOST:
            raise RuntimeError(f"the estimate is too far off, as at {[float(array[order[start]]) for array in given]}")
        for index in order[start : start + _BLOCK]:
            own = error(found[index], exact, [array[index] for array in given])
            if own > worst:
                worst, place = own, int(index)
    return Accuracy(worst, _mean(about), tuple(float(array[place]) for array in given), found.size)


def estimate_of(exact: Exact, dtype: Any) -> Estimate | None:
    """Find NumPy's function with the name of an mpmath one; None if it has none, or no type of enough digits."""
    if np.finfo(np.longdouble).nmant < np.finfo(dtype).nmant + 10:
        return None
    name = getattr(exact, "__name__", "")
    name = name if name in _SAME else _NUMPY.get(name, "")
    return getattr(np, name, None)


def errors(found: Array, estimate: Estimate, args: Sequence[Array]) -> Array:
    """Estimate the error of each result in ulp, with what the estimate takes for exact."""
    with np.errstate(all="ignore"):
        wanted = np.asarray(estimate(*[array.astype(np.longdouble) for array in args]))
        info = np.finfo(found.dtype)
        limit = np.ldexp(wanted.dtype.type(1.0), int(info.maxexp))
        exponent = np.frexp(wanted)[1] - 1
        exponent = np.clip(exponent, int(info.minexp), int(info.maxexp)) - info.nmant
        result = found.astype(wanted.dtype)
        # An overflow stands for the first power of two that is too large.
        clipped = np.clip(wanted, -limit, limit)
        result = np.clip(result, -limit, limit)
        off: Array = np.ldexp(np.abs(result - clipped), -exponent.astype(np.int32)).astype(np.float64)
        off[(np.abs(wanted) >= limit) & np.isfinite(found)] = np.inf
        neither = np.isnan(wanted) & np.isnan(found)
        off[neither] = 0.0
        off[np.isnan(off)] = np.inf
    return off


def error(found: Any, exact: Exact, args: Sequence[Any]) -> float:
    """Compute the error of one result in ulp, with mpmath."""
    info = np.finfo(type(found))
    with mpmath.workprec(PRECISION):
        try:
            wanted = exact(*[mpmath.mpf(float(value)) for value in args])
        except (ValueError, ZeroDivisionError):
            wanted = mpmath.nan
        if isinstance(wanted, mpmath.mpc):
            wanted = wanted.real if wanted.imag == 0 else mpmath.nan
        if mpmath.isnan(wanted) or np.isnan(found):
            return 0.0 if mpmath.isnan(wanted) and np.isnan(found) else float("inf")
        limit = mpmath.ldexp(1, int(info.maxexp))
        if abs(wanted) >= limit:
            return 0.0 if np.isinf(found) and (found > 0) == (wanted > 0) else float("inf")
        result = mpmath.sign(float(found)) * limit if np.isinf(found) else mpmath.mpf(float(found))
        exponent = max(mpmath.frexp(wanted)[1] - 1 if wanted else int(info.minexp), int(info.minexp))
        return float(mpmath.ldexp(abs(result - wanted), info.nmant - exponent))


def _worst_first(about: Array) -> Array:
    """Order those places that may have to be looked at."""
    places = np.argpartition(-about, _MOST)[: _MOST + 1]
    order: Array = places[np.argsort(-about[places], kind="stable")]
    return order


def _mean(each: Array) -> float:
    finite = each[np.isfinite(each)]
    return float(finite.mean()) if finite.size else 0.0
