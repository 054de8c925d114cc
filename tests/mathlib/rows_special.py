"""Error and gamma functions of float64."""

from __future__ import annotations

import math
from typing import Final

import mpmath
import numpy as np

from hybrid_rs.mathlib import f64_erf, f64_gamma

from .points import exponents, linear, near
from .rows import Row
from .ulp import Array

__all__ = ["ROWS", "ZEROS", "log_gamma"]

_ROOT_PI: Final = np.sqrt(np.longdouble("3.14159265358979323846264338327950288"))
_INTEGERS: Final = np.concatenate([np.arange(-170.0, 0.0), np.arange(1.0, 171.0)])
# Some machines have no long double of more bits than a float64; there mpmath computes all.
_WIDE: Final = np.finfo(np.longdouble).nmant >= 63
_TERMS: Final = 30
_LEVELS: Final = 400
ZEROS: Final = (
    -2.4570247382208006, -2.7476826467274127, -3.1435808883499799, -3.9552942848585979, -4.0393618397403374,
    -4.9915444640560480, -5.0082181683225935, -5.9986480666777070, -6.0013853294453155,
)  # fmt: skip
"""Zeros of log|gamma|; those of numbers below lie closer and closer to integers."""


def _series(a: Array) -> Array:
    """Estimate the error function of long doubles up to 1 by its series of positive terms."""
    term, total = 2 * a / _ROOT_PI, np.zeros_like(a)
    for k in range(_TERMS):
        total += term
        term = term * 2 * a**2 / (2 * k + 3)
    found: Array = total * np.exp(-(a**2))
    return found


def _fraction(a: Array) -> Array:
    """Estimate 1 less the error function of long doubles from 1 by its continued fraction."""
    below = a.copy()
    for k in range(_LEVELS, 0, -1):
        below = a + k / (2 * below)
    # The square of the part of few bits is exact.
    few = np.rint(a * 1024) / 1024
    found: Array = np.exp(-(few**2)) * np.exp((few - a) * (few + a)) / (below * _ROOT_PI)
    return found


def _erf(x: Array) -> Array:
    a = np.abs(x)
    found: Array = np.where(a < 1, _series(np.minimum(a, 1)), 1 - _fraction(np.maximum(a, 1)))
    return np.copysign(found, x)


def _erfc(x: Array) -> Array:
    found: Array = np.where(x < 1, 1 - _erf(np.minimum(x, 1)), _fraction(np.maximum(x, 1)))
    return found


def log_gamma(x: object) -> object:
    """Give log|gamma(x)|."""
    return mpmath.re(mpmath.loggamma(x))


def _few(count: int) -> int:
    """Give the number of samples where mpmath computes all of them, a tenth of a millisecond each."""
    return max(count // 25, 200)


def _far_from_zeros(x: Array) -> Array:
    """Leave out numbers whose logarithm of gamma is less than 1/8."""
    found: Array = x[[abs(math.lgamma(value)) > 1 / 8 for value in x.tolist()]]
    return found


ROWS: Final = {
    "erf.f64": Row(
        f64_erf.erf,
        mpmath.erf,
        {
            "-1 to 1": lambda n: linear(-1, 1, n),
            "1 to 2": lambda n: linear(1, 2, n),
            "-6 to 6": lambda n: linear(-6, 6, n),
            "all exponents": exponents,
            "near 15/16": lambda n: near([0.9375], n, reach=46),
        },
        0.85,
        estimate=_erf if _WIDE else None,
    ),
    "erfc.f64": Row(
        f64_erf.erfc,
        mpmath.erfc,
        {
            "-6 to 0": lambda n: linear(-6, 0, n),
            "0 to 1/2": lambda n: linear(0, 0.5, n),
            "1/2 to 2": lambda n: linear(0.5, 2, n),
            "2 to 6": lambda n: linear(2, 6, n),
            "6 to 26.5": lambda n: linear(6, 26.5, n),
            "26.5 to 27.3 (subnormal)": lambda n: linear(26.5, 27.3, n),
            "all exponents": exponents,
        },
        0.95,
        estimate=_erfc if _WIDE else None,
    ),
    "tgamma.f64": Row(
        f64_gamma.tgamma,
        mpmath.gamma,
        {
            "0 to 2.5": lambda n: linear(0, 2.5, _few(n)),
            "2.5 to 20": lambda n: linear(2.5, 20, _few(n)),
            "20 to 171.7": lambda n: linear(20, 171.7, _few(n)),
            "-5 to 0": lambda n: linear(-5, 0, _few(n)),
            "-171 to -5": lambda n: linear(-171, -5, _few(n)),
            "-184 to -171 (subnormal)": lambda n: linear(-184, -171, _few(n)),
            "all exponents": lambda n: exponents(_few(n), high=180.0),
            "near integers": lambda n: near(_INTEGERS, _few(n), reach=45),
        },
        1.0,
    ),
    "lgamma.f64": Row(
        f64_gamma.lgamma,
        log_gamma,
        {
            "0 to 1/2": lambda n: linear(0, 0.5, _few(n)),
            "1/2 to 2.5": lambda n: linear(0.5, 2.5, _few(n)),
            "2.5 to 5": lambda n: linear(2.5, 5, _few(n)),
            "5 to 1000": lambda n: linear(5, 1000, _few(n)),
            "near 1 and 2": lambda n: near([1.0, 2.0], _few(n), reach=52),
            "all exponents": lambda n: exponents(_few(n), signed=False),
            "-2 to 0": lambda n: linear(-2, 0, _few(n)),
            "-100 to -2, far from zeros": lambda n: _far_from_zeros(linear(-100, -2, _few(n))),
        },
        0.75,
    ),
}
