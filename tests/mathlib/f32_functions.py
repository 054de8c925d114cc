"""The float32 functions of mathlib, and what their results are held against: the same functions in float64.

A float64 result that is off by one of its own ulp is off by 2**-29 ulp of a float32.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import mpmath
import numpy as np
from numpy.typing import NDArray

__all__ = ["FUNCTIONS", "Function", "distance"]

Array: TypeAlias = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Function:
    """A function of mathlib, a definition of it in float64, and one in mpmath."""

    module: str
    name: str
    wide: Callable[..., Any]
    """Of float64 arrays."""
    exact: Callable[..., Any]
    """Of mpmath numbers."""
    bound: float = 1.0
    """The greatest error that is allowed, in ulp."""
    arguments: int = 1
    below_zero: float = 0.0
    """For negative arguments errors are told in ulp of no less than this number."""

    @property
    def narrow(self) -> Callable[..., Any]:
        """The function of the kernel language."""
        found: Callable[..., Any] = getattr(importlib.import_module(f"hybrid_rs.mathlib.{self.module}"), self.name)
        return found

    def error(self, found: Array, wanted: Array, *args: Array) -> Array:
        """Tell how far the results are from float64 ones, in ulp."""
        return distance(found, wanted, np.where(args[0] < 0, self.below_zero, 0.0))

    def wanted(self, *args: Array) -> Array:
        """Compute the results in float64."""
        with np.errstate(all="ignore"):
            return np.asarray(self.wide(*[array.astype(np.float64) for array in args]), dtype=np.float64)


def distance(found: Array, wanted: Array, least: Array | float = 0.0) -> Array:
    """Tell how far float32 results are from float64 ones, in ulp of a float32; inf where they are of another kind.

    An overflow stands for 2**128. The sign of a zero counts. The ulp is that of `least` where the result is smaller.
    """
    limit = 2.0**128
    with np.errstate(all="ignore"):
        result = np.clip(found.astype(np.float64), -limit, limit)
        target = np.clip(wanted, -limit, limit)
        exponent = np.clip(np.frexp(np.maximum(np.abs(target), least))[1] - 1, -126, 127) - 23
        off: Array = np.ldexp(np.abs(result - target), -exponent)
        off[np.isinf(wanted) & (found != wanted)] = np.inf
        off[(wanted == 0) & ((found != 0) | (np.signbit(found) != np.signbit(wanted)))] = np.inf
        # A result that is 0 because it is too small keeps the sign.
        off[(found == 0) & (np.signbit(found) != np.signbit(wanted)) & ~np.isnan(wanted)] = np.inf
        off[np.isnan(wanted) != np.isnan(found)] = np.inf
        off[np.isnan(wanted) & np.isnan(found)] = 0.0
    return off


def _each(function: Callable[[float], float], x: Array, low: float, high: float, else_: Array) -> Array:
    """Call one of Python's functions of floats where ``low <= abs(x) <= high``, for each by itself, which takes long.

    Elsewhere, and where Python refuses a number, `else_` is taken.
    """

    def one(number: float, otherwise: float) -> float:
        try:
            return function(number)
        except (ValueError, OverflowError):
            return otherwise

    found = np.where(np.isnan(x), x, else_)
    size = np.abs(x)
    places = np.nonzero((size >= low) & (size <= high))[0]
    found[places] = list(map(one, x[places].tolist(), found[places].tolist()))
    return found


# Beyond the limits below the functions' first terms are exact to 2**-60.


def _erf(x: Array) -> Array:
    return _each(math.erf, x, 2.0**-31, 6.0, np.where(np.abs(x) < 1, 2 / math.sqrt(math.pi) * x, np.copysign(1.0, x)))


def _erfc(x: Array) -> Array:
    return _each(math.erfc, x, 2.0**-60, 28.0, np.where(np.abs(x) < 1, 1.0, np.where(x > 0, 0.0, 2.0)))


def _gamma(x: Array) -> Array:
    whole = np.floor(x)
    zero = np.where(whole == x, np.nan, np.where(whole % 2 == 0, 0.0, -0.0))
    far = np.where(x > 0, np.inf, zero)
    return _each(math.gamma, x, 2.0**-60, 190.0, np.where(np.abs(x) < 1, 1 / x, far))


def _log_gamma(x: Array) -> Array:
    """Compute lgamma in float64: with mpmath close to its zeros, where Python's is exact to some 1e-16 only."""
    size = np.abs(x)
    far = np.where(x > 0, x * (np.log(size) - 1), np.inf)
    found = _each(math.lgamma, x, 2.0**-65, 2.0**65, np.where(size < 1, -np.log(size), far))
    for place in np.nonzero((np.abs(found) < 1e-5) & (found != 0))[0]:
        found[place] = float(mpmath.re(mpmath.loggamma(mpmath.mpf(float(x[place])))))
    return found


_ROWS: Final = (
    Function("f32_exp", "exp", np.exp, mpmath.exp),
    Function("f32_exp", "exp2", np.exp2, lambda x: mpmath.mpf(2) ** x),
    Function("f32_exp", "expm1", np.expm1, mpmath.expm1),
    Function("f32_log", "log", np.log, mpmath.log),
    Function("f32_log", "log2", np.log2, lambda x: mpmath.log(x, 2)),
    Function("f32_log", "log10", np.log10, mpmath.log10),
    Function("f32_log", "log1p", np.log1p, mpmath.log1p),
    Function("f32_trig", "sin", np.sin, mpmath.sin),
    Function("f32_trig", "cos", np.cos, mpmath.cos),
    Function("f32_trig", "tan", np.tan, mpmath.tan),
    Function("f32_arc", "asin", np.arcsin, mpmath.asin),
    Function("f32_arc", "acos", np.arccos, mpmath.acos),
    Function("f32_arc", "atan", np.arctan, mpmath.atan),
    Function("f32_arc", "atan2", np.arctan2, mpmath.atan2, arguments=2),
    Function("f32_hyperbolic", "sinh", np.sinh, mpmath.sinh),
    Function("f32_hyperbolic", "cosh", np.cosh, mpmath.cosh),
    Function("f32_hyperbolic", "tanh", np.tanh, mpmath.tanh),
    Function("f32_area", "asinh", np.arcsinh, mpmath.asinh),
    Function("f32_area", "acosh", np.arccosh, mpmath.acosh),
    Function("f32_area", "atanh", np.arctanh, mpmath.atanh),
    Function("f32_root", "cbrt", np.cbrt, mpmath.cbrt),
    Function("f32_root", "hypot", np.hypot, mpmath.hypot, arguments=2),
    Function("f32_erf", "erf", _erf, mpmath.erf),
    Function("f32_erf", "erfc", _erfc, mpmath.erfc),
    Function("f32_gamma", "tgamma", _gamma, mpmath.gamma),
    Function("f32_gamma", "lgamma", _log_gamma, lambda x: mpmath.re(mpmath.loggamma(x)), below_zero=0.25),
    Function("f32_pow", "pow", np.power, mpmath.power, arguments=2),
)
FUNCTIONS: Final[dict[str, Function]] = {row.name: row for row in _ROWS}
