"""Inverse sine, cosine and tangent in float64."""

from __future__ import annotations

from typing import Any

import numpy as np

from hybrid_rs.language import bits, fma, from_bits

__all__ = ["acos", "asin", "atan", "atan2"]

_PI = 3.141592653589793
_PIO2 = 1.5707963267948966
# Three times pi/4 is exact, too, as the last bits of pi are 0.
_3PIO4 = 2.356194490192345
_PIO4 = 0.7853981633974483
# What each of them is too small by, of itself.
_MORE = 3.8981718325193755e-17
# This less the bits of a float x are the bits of about 1 / (2 x): off by 5.1 % at most.
_HALVED = 0x7FCE624DD2F1A9FC


def asin(x: Any) -> Any:
    """Return the angle from -pi/2 to pi/2 that has this sine; nan beyond 1."""
    a = abs(x)
    large = a > 0.5
    s, rest = _arc(a, large)
    factor = -2.0 if large else 1.0
    base = _PIO2 if large else 0.0
    high = fma(factor, s, base)
    low = fma(factor, s, base - high) + fma(base, _MORE, factor * rest)
    return np.copysign(high + low, x)


def acos(x: Any) -> Any:
    """Return the angle from 0 to pi that has this cosine; nan beyond 1."""
    a = abs(x)
    large = a > 0.5
    s, rest = _arc(a, large)
    below = x < 0.0
    # pi/2 - asin(x); at the ends 2 asin(s), and pi less that.
    factor = (-2.0 if below else 2.0) if large else (1.0 if below else -1.0)
    base = (_PI if below else 0.0) if large else _PIO2
    high = fma(factor, s, base)
    return high + (fma(factor, s, base - high) + fma(base, _MORE, factor * rest))


def _arc(a: Any, large: Any) -> Any:
    """Return s, and what it is less than asin(s).

    s is a, or sqrt((1 - a) / 2) where a is large: then acos(a) is 2 asin(s).
    """
    z = fma(a, -0.5, 0.5) if large else a * a
    s = np.sqrt(z) if large else a
    p = fma(z, 0.032567827520119996, -0.020917068434360083)
    p = fma(z, p, 0.021660382513360357)
    p = fma(z, p, 0.0037213499646214674)
    p = fma(z, p, 0.010777403017750525)
    p = fma(z, p, 0.01139924359281597)
    p = fma(z, p, 0.013980797817968876)
    p = fma(z, p, 0.017351612874611184)
    p = fma(z, p, 0.02237221496665919)
    p = fma(z, p, 0.030381942708719634)
    p = fma(z, p, 0.04464285717456994)
    p = fma(z, p, 0.0749999999997087)
    p = fma(z, p, 0.1666666666666676)
    # What the root's rounding left, about (z - s * s) / (2 s).
    halved = from_bits(_HALVED - bits(s)) if large else 0.0
    return s, fma(z * s, p, fma(-s, s, z) * halved)


def atan(x: Any) -> Any:
    """Return the angle from -pi/2 to pi/2 that has this tangent."""
    a = abs(x)
    over = a > 1.0
    # The lesser over the greater of a and 1. An infinite one would make the remainder nan.
    top, bottom = 1.0 if over else a, min(a, 2.0**1000) if over else 1.0
    middle = top > bottom * 0.5
    t, rest = _quotient(top, bottom, middle, over)
    base = _PIO4 if middle else (_PIO2 if over else 0.0)
    return np.copysign(_sum(base, t, rest), x)


def atan2(y: Any, x: Any) -> Any:
    """Return the angle from -pi to pi of the point x, y."""
    a, b = abs(y), abs(x)
    over = a > b
    top, bottom = b if over else a, a if over else b
    if top < 2.0**-900 or bottom > 2.0**1000:
        top, bottom = _scaled(top, bottom)
    middle = top > bottom * 0.5
    left = np.copysign(1.0, x) < 0.0
    t, rest = _quotient(top, bottom, middle, over != left)
    beside, along = _3PIO4 if left else _PIO4, _PI if left else 0.0
    base = beside if middle else (_PIO2 if over else along)
    return np.copysign(_sum(base, t, rest), y)


def _scaled(top: Any, bottom: Any) -> Any:
    """Return numbers of the same quotient that are neither too small nor too large for what is done with them."""
    # Where one number is small and the other large no angle shows the quotient.
    scale = 2.0**200 if bottom < 2.0**800 else 2.0**-100
    if bottom == np.inf:
        # A nan stays.
        top, bottom = 1.0 if top == bottom else top * 0.0, 1.0
    elif bottom == 0.0:
        bottom = 1.0
    else:
        top, bottom = top * scale, bottom * scale
    return top, bottom


def _quotient(top: Any, bottom: Any, middle: Any, back: Any) -> Any:
    """Return t, and what it is less than an arc tangent.

    The arc tangent is that of top / bottom, in the middle that of (top - bottom) / (top + bottom), which is the one of
    top / bottom less pi/4. `back` turns the sign. t is from -1/3 to 1/2.
    """
    off = bottom if middle else 0.0
    more = top if middle else 0.0
    # Exact: in the middle bottom / 2 < top <= bottom. Its sign is turned, and turned again by the inverse's, with which
    # what the quotient leaves is a sum.
    n = top - off if back else off - top
    d = bottom + more
    d_rest = more - (d - bottom)
    inverse = -1.0 / d
    t = n * inverse
    left = fma(t, d_rest, fma(t, d, n)) * inverse
    z = t * t
    p = fma(z, 0.010115989645749252, -0.027433600487778688)
    p = fma(z, p, 0.04186411958118669)
    p = fma(z, p, -0.05121969786065424)
    p = fma(z, p, 0.05858290134798153)
    p = fma(z, p, -0.06663809230487579)
    p = fma(z, p, 0.07692073770696779)
    p = fma(z, p, -0.09090896235579564)
    p = fma(z, p, 0.11111110659285313)
    p = fma(z, p, -0.14285714276378797)
    p = fma(z, p, 0.19999999999903054)
    p = fma(z, p, -0.3333333333333298)
    # The derivative of the arc tangent is about 1 - z.
    return t, fma(z, t * p - left, left)


def _sum(base: Any, t: Any, rest: Any) -> Any:
    """Return base + t + rest; base is a multiple of pi/4, exactly, and greater than t or 0."""
    high = base + t
    return high + (((base - high) + t) + fma(base, _MORE, rest))
