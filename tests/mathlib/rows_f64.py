"""Exponentials, logarithms, powers, roots and hyperbolic functions of float64."""

from __future__ import annotations

import math
from typing import Any, Final

import mpmath
import numpy as np

from hybrid_rs.mathlib import f64_exp, f64_hyperbolic, f64_log, f64_pow, f64_roots

from .points import exponents, linear, near, patterns
from .rows import Row
from .ulp import Array

__all__ = ["ROWS"]

# Where exp's reduction goes from one multiple of ln 2 to the next.
_HALVES: Final = (np.arange(-1075, 1025) + 0.5) * math.log(2)
# Where log's goes from one power of two to the next, and the powers themselves.
_POWERS: Final = np.exp2(np.arange(-1074.0, 1024.0))
_ROOTS: Final = _POWERS * math.sqrt(2)


def _at_the_ends(x: Array) -> tuple[Array, ...]:
    """Give powers of numbers that are anywhere between the least and the greatest float64."""
    exponent = np.random.default_rng(4).uniform(-746, 710, x.size)
    with np.errstate(divide="ignore"):
        return x, (exponent / np.log(x.astype(np.longdouble))).astype(np.float64)


def _integers(count: int) -> tuple[Array, ...]:
    generator = np.random.default_rng(5)
    return generator.integers(-999, 1000, count).astype(float), generator.integers(-99, 100, count).astype(float)


def _close(x: Array, ratio: float) -> tuple[Array, ...]:
    """Give pairs whose quotient is at most a ratio, and at least its inverse."""
    return x, x * exponents(x.size, 1 / ratio, ratio, seed=2)


def _signed_cbrt(x: Any) -> Any:
    return mpmath.sign(x) * mpmath.cbrt(abs(x))


_LOGARITHM: Final = {
    "0.5 to 2": lambda n: linear(0.5, 2, n),
    "all exponents": lambda n: exponents(n, signed=False),
    "near 1": lambda n: near([1.0], n, reach=51),
    "near powers of 2": lambda n: near(_POWERS, n, reach=50),
    "near odd powers of sqrt(2)": lambda n: near(_ROOTS, n, reach=40),
}

ROWS: Final = {
    "exp.f64": Row(
        f64_exp.exp,
        mpmath.exp,
        {
            "-708 to 710": lambda n: linear(-708, 710, n),
            "-746 to -708 (subnormal)": lambda n: linear(-746, -708, n),
            "-1 to 1": lambda n: linear(-1, 1, n),
            "all exponents": exponents,
            "near odd multiples of ln(2) / 2": lambda n: near(_HALVES[52:], n, reach=40),
        },
        0.85,
    ),
    "exp2.f64": Row(
        f64_exp.exp2,
        lambda x: mpmath.power(2, x),
        {
            "-1022 to 1025": lambda n: linear(-1022, 1025, n),
            "-1077 to -1022 (subnormal)": lambda n: linear(-1077, -1022, n),
            "-1 to 1": lambda n: linear(-1, 1, n),
            "all exponents": exponents,
            "near halves": lambda n: near(np.arange(-1022, 1024) + 0.5, n, reach=40),
        },
        0.85,
        estimate=np.exp2,
    ),
    "expm1.f64": Row(
        f64_exp.expm1,
        mpmath.expm1,
        {
            "-50 to 710": lambda n: linear(-50, 710, n),
            "-1 to 1": lambda n: linear(-1, 1, n),
            "0.34 to 0.4": lambda n: linear(0.34, 0.4, n),
            "all exponents": exponents,
            "near odd multiples of ln(2) / 2": lambda n: near(_HALVES[1020:], n, reach=40),
        },
        0.80,
    ),
    "log.f64": Row(f64_log.log, mpmath.log, _LOGARITHM, 0.80),
    "log2.f64": Row(f64_log.log2, lambda x: mpmath.log(x) / mpmath.log(2), _LOGARITHM, 0.75, estimate=np.log2),
    "log10.f64": Row(f64_log.log10, mpmath.log10, _LOGARITHM, 0.75, estimate=np.log10),
    "log1p.f64": Row(
        f64_log.log1p,
        mpmath.log1p,
        {
            "-1 to 3": lambda n: linear(-1, 3, n),
            "-0.3 to 0.42": lambda n: linear(-0.3, 0.42, n),
            "all exponents": exponents,
            "1 to 2**60": lambda n: exponents(n, 1, 2.0**60, signed=False),
            "near -1, sqrt(1/2) - 1 and sqrt(2) - 1": lambda n: near(
                [-1.0, -0.29289321881, 0.41421356237], n, reach=48
            ),
        },
        0.80,
    ),
    "pow.f64": Row(
        f64_pow.pow,
        mpmath.power,
        {
            "0 to 3 by -20 to 20": lambda n: (linear(0, 3, n), linear(-20, 20, n, seed=2)),
            "all exponents": lambda n: (exponents(n, signed=False), exponents(n, seed=2)),
            "all results": lambda n: _at_the_ends(exponents(n, signed=False)),
            "all results, 0.5 to 2": lambda n: _at_the_ends(linear(0.5, 2, n)),
            "all results, near 1": lambda n: _at_the_ends(near([1.0], n, reach=51)),
            "integers": _integers,
        },
        0.85,
    ),
    "cbrt.f64": Row(
        f64_roots.cbrt,
        _signed_cbrt,
        {
            "1 to 8": lambda n: linear(1, 8, n),
            "all exponents": exponents,
            "all bits": patterns,
            "near cubes": lambda n: near(np.arange(1, 1000) ** 3.0, n),
        },
        0.51,
        estimate=np.cbrt,
    ),
    "hypot.f64": Row(
        f64_roots.hypot,
        mpmath.hypot,
        {
            "-1 to 1": lambda n: (linear(-1, 1, n), linear(-1, 1, n, seed=2)),
            "1e-290 to 1e300, of like size": lambda n: _close(exponents(n, 1e-290, 1e300), 1e6),
            "subnormal": lambda n: _close(exponents(n, 0, 1e-307), 10),
            "unlike exponents": lambda n: (exponents(n), exponents(n, seed=2)),
        },
        0.76,
    ),
    "sinh.f64": Row(
        f64_hyperbolic.sinh,
        mpmath.sinh,
        {
            "-711 to 711": lambda n: linear(-711, 711, n),
            "-1 to 1": lambda n: linear(-1, 1, n),
            "0.34 to 0.38": lambda n: linear(0.34, 0.38, n),
            "16 to 22": lambda n: linear(16, 22, n),
            "all exponents": exponents,
            "near odd multiples of ln(2) / 2": lambda n: near(_HALVES[1075:], n, reach=40),
        },
        0.90,
    ),
    "cosh.f64": Row(
        f64_hyperbolic.cosh,
        mpmath.cosh,
        {
            "-711 to 711": lambda n: linear(-711, 711, n),
            "-1 to 1": lambda n: linear(-1, 1, n),
            "16 to 22": lambda n: linear(16, 22, n),
            "all exponents": exponents,
            "near odd multiples of ln(2) / 2": lambda n: near(_HALVES[1075:], n, reach=40),
        },
        0.75,
    ),
    "tanh.f64": Row(
        f64_hyperbolic.tanh,
        mpmath.tanh,
        {
            "-22 to 22": lambda n: linear(-22, 22, n),
            "-1 to 1": lambda n: linear(-1, 1, n),
            "0.17 to 0.2": lambda n: linear(0.17, 0.2, n),
            "all exponents": exponents,
            "near odd multiples of ln(2) / 4": lambda n: near(_HALVES[1075:1140] / 2, n, reach=40),
        },
        0.70,
    ),
    "asinh.f64": Row(
        f64_hyperbolic.asinh,
        mpmath.asinh,
        {
            "-2 to 2": lambda n: linear(-2, 2, n),
            "0.3 to 0.4": lambda n: linear(0.3, 0.4, n),
            "all exponents": exponents,
            "0.01 to 2**60": lambda n: exponents(n, 0.01, 2.0**60),
        },
        0.80,
    ),
    "acosh.f64": Row(
        f64_hyperbolic.acosh,
        mpmath.acosh,
        {
            "1 to 1.1": lambda n: linear(1, 1.1, n),
            "1 to 100": lambda n: linear(1, 100, n),
            "all exponents": lambda n: exponents(n, 1, signed=False),
            "near 1": lambda n: near([1.0], n, reach=51),
        },
        0.85,
    ),
    "atanh.f64": Row(
        f64_hyperbolic.atanh,
        mpmath.atanh,
        {
            "-1 to 1": lambda n: linear(-1, 1, n),
            "0.16 to 0.5": lambda n: linear(0.16, 0.5, n),
            "all exponents": exponents,
            "near 1": lambda n: near([1.0], n, reach=51),
        },
        0.65,
    ),
}
