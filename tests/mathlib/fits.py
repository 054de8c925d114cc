"""Where the coefficients of mathlib's float32 functions come from: run it to print them.

    python -m tests.mathlib.fits exp sine

Each row has what is approximated, and the file of mathlib in which the coefficients stand. Weights make of an absolute
difference one relative to the function's result, unless another error counts.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import mpmath
import numpy as np
from mpmath import mpf

from .fit import DIGITS, Fit, Real, solve

__all__ = ["FITS", "Row", "main", "parts"]

mpmath.mp.dps = max(mpmath.mp.dps, DIGITS)

LN2: Final = mpmath.log(2)
HALF_LN2: Final = LN2 / 2 * mpf("1.001")
ROOT_PI: Final = mpmath.sqrt(mpmath.pi)
# The greatest square of a reduced angle: rounding n may leave a little more than pi / 4.
ANGLE: Final = (mpmath.pi / 4 + mpf("0.008")) ** 2


@dataclass(frozen=True, slots=True)
class Row:
    """A polynomial of one of the files."""

    file: str
    fit: Fit

    def missing(self, coefficients: Sequence[float]) -> list[float]:
        """Give those of the coefficients that the file doesn't have."""
        found = importlib.util.find_spec(f"hybrid_rs.mathlib.{self.file}")
        assert found is not None
        assert found.origin is not None
        text = Path(found.origin).read_text(encoding="utf-8")
        first = parts(coefficients[0], 2) if self.fit.doubled else [coefficients[0]]
        return [number for number in [*first, *coefficients[1:]] if repr(abs(number)) not in text]


def parts(value: Real, count: int = 3) -> list[float]:
    """Write a number as a sum of float32 numbers."""
    found = []
    for _ in range(count):
        found.append(float(np.float32(float(value))))
        value -= mpf(found[-1])
    return found


def _odd(function: Callable[[Real], Real], third: Real) -> Callable[[Real], Real]:
    """Give (f(s) - s) / s**3 as a function of s**2, with its value at 0."""

    def rest(z: Real) -> Real:
        s = mpmath.sqrt(z)
        return (function(s) - s) / s**3 if z else mpf(third)

    return rest


def _odd_weight(function: Callable[[Real], Real]) -> Callable[[Real], Real]:
    def weight(z: Real) -> Real:
        s = mpmath.sqrt(z)
        return s**3 / function(s) if z else mpf(0)

    return weight


def _odd_fit(function: Callable[[Real], Real], third: Real, high: Real, count: int, tried: int = 3) -> Fit:
    return Fit(_odd(function, third), 0, high, count, _odd_weight(function), tried=tried)


def _log_rest(f: Real) -> Real:
    return (mpmath.log1p(f) - f) / f**2 if f else mpf(-1) / 2


def _log_fit(base: Real, low: Real, high: Real) -> Fit:
    unit = mpmath.log(base)
    return Fit(lambda f: _log_rest(f) / unit, low, high, 9, lambda f: unit * f**2 / mpmath.log1p(f) if f else mpf(0))


def _erf_rest(z: Real) -> Real:
    s = mpmath.sqrt(z)
    return (mpmath.erf(s) - s) / s if z else 2 / ROOT_PI - 1


def _erf_slope(b: Real) -> Real:
    """Give what log2(erfc(1 + b)) has changed by since b = 0, divided by b."""
    if not b:
        return -2 / (ROOT_PI * mpmath.e * LN2 * mpmath.erfc(1))
    return (mpmath.log(mpmath.erfc(1 + b), 2) - mpmath.log(mpmath.erfc(1), 2)) / b


def _scaled_erfc(v: Real) -> Real:
    """Give exp(a**2) erfc(a) (a + 5/8) for v = 1 / (a + 5/8) - 5/16."""
    q = v + mpf(5) / 16
    a = 1 / q - mpf(5) / 8
    return mpmath.erfc(a) * mpmath.exp(a * a) / q


def _atanh_rest(z: Real) -> Real:
    """Give (log2((1 + s) / (1 - s)) / s - c - c z / 3) / z**2 for z = s**2 and c = 2 / log(2)."""
    s = mpmath.sqrt(z)
    return (2 * mpmath.atanh(s) / LN2 / s - 2 / LN2 * (1 + z / 3)) / z**2 if z else 2 / LN2 / 5


def _stirling_rest(z: Real) -> Real:
    """Give what Stirling's formula lacks of log2(gamma(1 / s)), divided by s, for z = s**2."""
    if z < mpf("1e-9"):
        return (mpf(1) / 12 - z / 360) / LN2
    s = mpmath.sqrt(z)
    y = 1 / s
    rest = mpmath.loggamma(y) - ((y - mpf(1) / 2) * mpmath.log(y) - y + mpmath.log(2 * mpmath.pi) / 2)
    return rest / LN2 / s


def _gamma_near_one(a: Real) -> Real:
    return mpmath.loggamma(1 + a) / a if a else -mpmath.euler


def _gamma_between(v: Real) -> Real:
    a = v + mpf(7) / 8
    return mpmath.loggamma(1 + a) / (a * (a - 1)) if abs(a - 1) > mpf("1e-20") else 1 - mpmath.euler


def _sine_rest(z: Real) -> Real:
    """Give (sin(pi d) / (pi d) - 1 + pi**2 z / 6) / z**2 for z = d**2."""
    x = mpmath.pi * mpmath.sqrt(z)
    return (mpmath.sin(x) / x - 1 + x**2 / 6) / z**2 if z > mpf("1e-12") else mpmath.pi**4 / 120


FITS: Final = {
    "exp": Row(
        "f32_exp",
        Fit(
            lambda r: (mpmath.expm1(r) - r) / r**2 if r else mpf(1) / 2,
            -HALF_LN2,
            HALF_LN2,
            5,
            lambda r: r**2 / mpmath.exp(r),
        ),
    ),
    "expm1": Row(
        "f32_exp",
        Fit(
            lambda r: (mpmath.expm1(r) - r) / r**2 if r else mpf(1) / 2,
            -HALF_LN2,
            HALF_LN2,
            6,
            lambda r: r**2 / mpmath.expm1(r) if r else mpf(0),
        ),
    ),
    "exp2": Row(
        "f32_exp",
        Fit(lambda r: (mpf(2) ** r - 1) / r if r else LN2, mpf(-1) / 2, mpf(1) / 2, 6, lambda r: r / mpf(2) ** r),
    ),
    "log": Row("f32_log", _log_fit(mpmath.e, mpf(-1) / 4, mpf(1) / 2)),
    "log2": Row("f32_log", _log_fit(2, mpf(-1) / 3, mpf(1) / 3)),
    "log10": Row("f32_log", _log_fit(10, 1 / mpmath.sqrt(2) - 1, mpmath.sqrt(2) - 1)),
    "sine": Row("f32_trig", _odd_fit(mpmath.sin, mpf(-1) / 6, ANGLE, 3)),
    "cosine": Row(
        "f32_trig",
        Fit(
            lambda t: (mpmath.cos(mpmath.sqrt(t)) - 1 + t / 2) / t**2 if t else mpf(1) / 24,
            0,
            ANGLE,
            3,
            lambda t: t**2 / mpmath.cos(mpmath.sqrt(t)),
        ),
    ),
    "tangent": Row("f32_trig", _odd_fit(mpmath.tan, mpf(1) / 3, ANGLE, 7)),
    "asin": Row("f32_arc", _odd_fit(mpmath.asin, mpf(1) / 6, mpf("0.2501"), 5)),
    "atan": Row("f32_arc", _odd_fit(mpmath.atan, mpf(-1) / 3, mpf("0.4465"), 7)),
    "sinh": Row("f32_hyperbolic", _odd_fit(mpmath.sinh, mpf(1) / 6, HALF_LN2**2, 3)),
    "cosh": Row(
        "f32_hyperbolic",
        Fit(
            lambda t: (mpmath.cosh(mpmath.sqrt(t)) - 1) / t if t else mpf(1) / 2,
            0,
            HALF_LN2**2,
            3,
            lambda t: t / mpmath.cosh(mpmath.sqrt(t)),
        ),
    ),
    "tanh": Row("f32_hyperbolic", _odd_fit(mpmath.tanh, mpf(-1) / 3, 1, 7)),
    "asinh": Row("f32_area", _odd_fit(mpmath.asinh, mpf(-1) / 6, mpf("0.2501"), 5)),
    "atanh": Row("f32_area", _odd_fit(mpmath.atanh, mpf(1) / 3, mpf("0.2501"), 6)),
    "acosh": Row(
        "f32_area",
        Fit(
            lambda t: (mpmath.acosh(1 + t) / mpmath.sqrt(2 * t) - 1) / t,
            mpf("1e-12"),
            mpf("0.5001"),
            5,
            lambda t: t * mpmath.sqrt(2 * t) / mpmath.acosh(1 + t),
        ),
    ),
    "cbrt": Row("f32_root", Fit(lambda m: m ** (mpf(-1) / 3), 1, 2, 4, lambda m: m ** (mpf(1) / 3))),
    "pow log2": Row("f32_pow", Fit(_atanh_rest, 0, (mpmath.sqrt(2) - 1) ** 4, 3, lambda z: z**2 * LN2 / 2)),
    "pow exp2": Row(
        "f32_pow",
        Fit(
            lambda r: (mpf(2) ** r - 1 - LN2 * r) / r**2 if r else LN2**2 / 2,
            mpf("-0.501"),
            mpf("0.501"),
            5,
            lambda r: r**2 / mpf(2) ** r,
        ),
    ),
    "erf": Row(
        "f32_erf",
        Fit(
            _erf_rest,
            0,
            mpf("0.81") ** 2,
            6,
            lambda z: mpmath.sqrt(z) / mpmath.erf(mpmath.sqrt(z)) if z else ROOT_PI / 2,
        ),
    ),
    "erf beyond": Row(
        "f32_erf",
        Fit(
            _erf_slope,
            mpf("-0.205"),
            mpf("2.94"),
            6,
            lambda b: b * LN2 * mpmath.erfc(1 + b) / mpmath.erf(1 + b),
        ),
    ),
    "erfc": Row(
        "f32_erf",
        Fit(_erf_rest, 0, mpf("0.701") ** 2, 6, lambda z: mpmath.sqrt(z) / mpmath.erfc(mpmath.sqrt(z))),
    ),
    "erfc beyond": Row(
        "f32_erf",
        Fit(
            _scaled_erfc,
            1 / mpf("10.725") - mpf(5) / 16,
            1 / mpf("1.32") - mpf(5) / 16,
            11,
            lambda v: 1 / _scaled_erfc(v),
            tried=0,
            doubled=True,
        ),
    ),
    "stirling": Row("f32_gamma", Fit(_stirling_rest, 0, 1 / mpf("2.45") ** 2, 4, mpmath.sqrt, tried=2)),
    "lgamma near 1": Row(
        "f32_gamma",
        Fit(
            _gamma_near_one,
            mpf("-0.2501"),
            mpf("0.2501"),
            10,
            lambda a: 1 / _gamma_near_one(a),
            tried=2,
            doubled=True,
        ),
    ),
    "lgamma": Row(
        "f32_gamma",
        Fit(
            _gamma_between,
            mpf("0.2499") - mpf(7) / 8,
            mpf("1.501") - mpf(7) / 8,
            10,
            lambda v: 1 / _gamma_between(v),
            tried=2,
            doubled=True,
        ),
    ),
    "sine of pi": Row(
        "f32_gamma",
        Fit(_sine_rest, 0, mpf(1) / 4, 4, lambda z: z**2 / mpmath.sinc(mpmath.pi * mpmath.sqrt(z)), tried=2),
    ),
}


def main(argv: Sequence[str]) -> int:
    """Print the rows that are named, or all: the coefficients, and the greatest error that they leave."""
    for name in argv or FITS:
        found = solve(FITS[name].fit)
        print(f"{name}: error 2**{mpmath.nstr(mpmath.log(found.error, 2), 4)}", flush=True)
        for number in found.coefficients:
            print(f"    {number!r}")
        missing = FITS[name].missing(found.coefficients)
        if missing:
            print(f"    {FITS[name].file} has other ones than {missing}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
