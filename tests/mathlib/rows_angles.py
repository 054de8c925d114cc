"""Trigonometric functions of float64 and their inverses."""

from __future__ import annotations

import math
from typing import Final

import mpmath
import numpy as np

from hybrid_rs.mathlib import f64_inverse, f64_trig

from .points import exponents, linear, near
from .rows import Row
from .ulp import Array

__all__ = ["HARDEST", "ROWS"]

# Multiples of pi/2, and the odd ones of pi/4, where the reduction goes from one to the next.
_HALVES: Final = np.arange(-5000, 5001) * (math.pi / 2)
_BETWEEN: Final = (np.arange(-5000, 5000) + 0.5) * (math.pi / 2)
HARDEST: Final = np.array(
    [
        # The closest to a multiple of pi/2 of all float64 numbers, and of those below 2**23.
        6381956970095103 * 2.0**797,
        6411027962775774 * 2.0**-47,
        # Others that are very close to one (found by continued fractions of 2/pi times powers of two).
        5916243447979695 * 2.0**79,
        7763785107565477 * 2.0**-29,
        1e22, 2.0**23, 2.0**23 + 2.0**-29, 2.0**1000, 2.0**1023, 1.7976931348623157e308, 2.0**120, 3e300,
    ]
)  # fmt: skip

_ANGLES: Final = {
    "-pi/4 to pi/4": lambda n: linear(-math.pi / 4, math.pi / 4, n),
    "-10 to 10": lambda n: linear(-10, 10, n),
    "-2**23 to 2**23": lambda n: linear(-(2.0**23), 2.0**23, n),
    "all exponents": exponents,
    "beyond 2**23": lambda n: exponents(n, 2.0**23),
    "near multiples of pi/2": lambda n: near(_HALVES, n, reach=30),
    "near odd multiples of pi/4": lambda n: near(_BETWEEN, n, reach=40),
    "hardest": lambda n: near(HARDEST, min(n, 10_000), reach=10),
}
_ARCS: Final = {
    "-1 to 1": lambda n: linear(-1, 1, n),
    "0.45 to 0.6": lambda n: linear(0.45, 0.6, n),
    "all exponents": lambda n: exponents(n, high=1.0),
    "near 1": lambda n: near([1.0], n, reach=52),
}


def _pairs(x: Array, ratio: float) -> tuple[Array, Array]:
    """Give pairs whose quotient is anywhere between a ratio and its inverse."""
    with np.errstate(over="ignore"):
        return x * exponents(x.size, 1 / ratio, ratio, seed=2), x


ROWS: Final = {
    "sin.f64": Row(f64_trig.sin, mpmath.sin, _ANGLES, 0.80),
    "cos.f64": Row(f64_trig.cos, mpmath.cos, _ANGLES, 0.80),
    "tan.f64": Row(f64_trig.tan, mpmath.tan, _ANGLES, 0.95),
    "asin.f64": Row(f64_inverse.asin, mpmath.asin, _ARCS, 0.70),
    "acos.f64": Row(f64_inverse.acos, mpmath.acos, _ARCS, 0.70),
    "atan.f64": Row(
        f64_inverse.atan,
        mpmath.atan,
        {
            "-1 to 1": lambda n: linear(-1, 1, n),
            "0.4 to 0.6": lambda n: linear(0.4, 0.6, n),
            "-5 to 5": lambda n: linear(-5, 5, n),
            "all exponents": exponents,
            "near 1/2, 1 and 2": lambda n: near([0.5, 1.0, 2.0], n, reach=50),
        },
        0.80,
    ),
    "atan2.f64": Row(
        f64_inverse.atan2,
        mpmath.atan2,
        {
            "-1 to 1": lambda n: (linear(-1, 1, n), linear(-1, 1, n, seed=2)),
            "all exponents": lambda n: (exponents(n), exponents(n, seed=2)),
            "of like size": lambda n: _pairs(exponents(n), 8.0),
            "subnormal": lambda n: _pairs(exponents(n, high=1e-307), 8.0),
            "small by large": lambda n: (exponents(n, high=2.0**-900), exponents(n, 2.0**-10, 2.0**200, seed=2)),
        },
        0.85,
    ),
}
