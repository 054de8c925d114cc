"""Sine, cosine and tangent of float64 angles.

The angle is a number of quarter turns and r = high - less, |r| <= pi/4. Sine and cosine of r are two polynomials; the
number of quarter turns says which of them it is, and with what sign. The tangent is their quotient.
"""

from __future__ import annotations

from typing import Any

from hybrid_rs.language import fma
from hybrid_rs.mathlib.f64_reduce import quarters

__all__ = ["cos", "sin", "sincos", "tan"]


def sin(x: Any) -> Any:
    """Return the sine of an angle in radians."""
    high, less, count = quarters(x)
    sine, cosine = _sine(high, less), _cosine(high, less)
    found = cosine if (count & 1) != 0 else sine
    return -found if (count & 2) != 0 else found


def cos(x: Any) -> Any:
    """Return the cosine of an angle in radians."""
    high, less, count = quarters(x)
    sine, cosine = _sine(high, less), _cosine(high, less)
    found = sine if (count & 1) != 0 else cosine
    return -found if ((count + 1) & 2) != 0 else found


def sincos(x: Any) -> Any:
    """Return sine and cosine of an angle in radians."""
    high, less, count = quarters(x)
    sine, cosine = _sine(high, less), _cosine(high, less)
    odd = (count & 1) != 0
    first, second = cosine if odd else sine, sine if odd else cosine
    return -first if (count & 2) != 0 else first, -second if ((count + 1) & 2) != 0 else second


def tan(x: Any) -> Any:
    """Return the tangent of an angle in radians."""
    high, less, count = quarters(x)
    odd = (count & 1) != 0
    # Sine and cosine as sums of two numbers.
    below = below_sine(high, less)
    sine = high - below
    sine_rest = (high - sine) - below
    base, above = above_cosine(high, less)
    cosine = base + above
    cosine_rest = (base - cosine) + above
    top, top_rest = -cosine if odd else sine, -cosine_rest if odd else sine_rest
    bottom, bottom_rest = sine if odd else cosine, sine_rest if odd else cosine_rest
    # -1 / bottom, so that what the quotient leaves is a sum.
    inverse = -1.0 / bottom
    less_quotient = top * inverse
    left = fma(less_quotient, bottom, top) + fma(less_quotient, bottom_rest, top_rest)
    return -fma(left, inverse, less_quotient)


def _sine(high: Any, less: Any) -> Any:
    return high - below_sine(high, less)


def _cosine(high: Any, less: Any) -> Any:
    base, above = above_cosine(high, less)
    return base + above


def below_sine(high: Any, less: Any) -> Any:
    """Return high less the sine of high - less, which is at most a tenth of it."""
    z = high * high
    p = fma(z, -1.5895511823781822e-10, 2.505073500329827e-08)
    p = fma(z, p, -2.7557313539771824e-06)
    p = fma(z, p, 0.0001984126982936036)
    p = fma(z, p, -0.00833333333332184)
    p = fma(z, p, 0.1666666666666663)
    # The derivative, 1 - z/2, suffices for what is below high's last place.
    return fma(z * high, p, less * fma(z, -0.5, 1.0))


def above_cosine(high: Any, less: Any) -> Any:
    """Return 1 - high**2 / 2, rounded, and what has to be added to it for the cosine of high - less."""
    z = high * high
    p = fma(z, -1.135874786939746e-11, 2.0875705377361543e-09)
    p = fma(z, p, -2.755731421695989e-07)
    p = fma(z, p, 2.480158728900198e-05)
    p = fma(z, p, -0.0013888888888873342)
    p = fma(z, p, 0.041666666666666595)
    half = high * -0.5
    base = fma(half, high, 1.0)
    rest = fma(half, high, 1.0 - base)
    return base, fma(z * z, p, fma(high, less, rest))
