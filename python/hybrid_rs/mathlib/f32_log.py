"""Logarithms of float32 numbers.

x is m 2**e with m near 1, f is m - 1, which is exact, and log(m) is f + f**2 q with a polynomial q. The sum of e log(2)
and f is kept with its rest: the two may cancel to half of f.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from hybrid_rs.language import bits, fma, from_bits

__all__ = ["log", "log1p", "log2", "log10"]

_INF = float("inf")
_NAN = float("nan")
# Bits of numbers where m may begin: 3/4, 2/3 and 1 / sqrt(2). Each function has the one that leaves its results the
# least error; with 3/4 log1p has f = x for -1/4 <= x < 1/2, and an exact f elsewhere, too, where that counts.
_ONE = 0x3F800000
_QUARTERS = 0x3F400000
_THIRDS = 0x3F2AAAAB
_ROOT = 0x3F3504F3
# ln 2 and log10 2 in 16 bits, so that e times them is exact, and what is left of them.
_LN2 = 0.693145751953125
_LN2_REST = 1.428606765330187e-06
_LOG2 = 0.301025390625
_LOG2_REST = 4.605039066518657e-06
_PER_LN2 = 1.4426950216293335
_PER_LN2_REST = 1.925963033500011e-08
_PER_LN10 = 0.4342944920063019
_PER_LN10_REST = -1.0103049952192578e-08


def log(x: Any) -> Any:
    """Return the natural logarithm of x."""
    e, f = parts(x, _QUARTERS)
    return ended(x, summed(e, f, 0.0))


def log2(x: Any) -> Any:
    """Return the logarithm of x to the base 2."""
    e, f = parts(x, _THIRDS)
    q = fma(f, -0.1854759007692337, 0.20158827304840088)
    q = fma(f, q, -0.17593322694301605)
    q = fma(f, q, 0.20209962129592896)
    q = fma(f, q, -0.24063271284103394)
    q = fma(f, q, 0.28868645429611206)
    q = fma(f, q, -0.3606715202331543)
    q = fma(f, q, 0.4808967113494873)
    q = fma(f, q, -0.7213475108146667)
    most = f * _PER_LN2
    high = e + most
    low = fma(f, _PER_LN2_REST, fma(f, _PER_LN2, -most)) + (most - (high - e))
    return ended(x, high + fma(f * f, q, low))


def log10(x: Any) -> Any:
    """Return the logarithm of x to the base 10."""
    e, f = parts(x, _ROOT)
    q = fma(f, -0.033022940158843994, 0.05585028603672981)
    q = fma(f, q, -0.057447586208581924)
    q = fma(f, q, 0.06162092089653015)
    q = fma(f, q, -0.07214535772800446)
    q = fma(f, q, 0.08686608821153641)
    q = fma(f, q, -0.10857978463172913)
    q = fma(f, q, 0.14476481080055237)
    q = fma(f, q, -0.21714720129966736)
    base = e * _LOG2
    most = f * _PER_LN10
    high = base + most
    low = fma(f, _PER_LN10_REST, fma(f, _PER_LN10, -most)) + (most - (high - base))
    return ended(x, high + fma(f * f, q, fma(e, _LOG2_REST, low)))


def log1p(x: Any) -> Any:
    """Return the natural logarithm of 1 + x; what the sum was rounded by is added to f."""
    u = 1.0 + x
    lost = x - (u - 1.0)
    e, f, rest = near(u, lost)
    result = summed(e, f, rest)
    result = np.where(u > 0.0, np.where(u < _INF, result, u), np.where(u == 0.0, -_INF, _NAN))
    return np.where(abs(x) < 2.0**-24, x, result)


def near(u: Any, low: Any) -> Any:
    """Return e, f and what f lacks for the logarithm of u + low; u is positive, and none of the smallest numbers."""
    place = bits(u) + (_ONE - _QUARTERS)
    biased = place >> 23
    # What is added to a very large u is 0, so its factor may be anything finite.
    part = low * from_bits((254 - min(biased, 253)) << 23)
    base = from_bits((place & 0x7FFFFF) + _QUARTERS) - 1.0
    f = base + part
    return np.float32(np.int32(biased)) - 127.0, f, part - (f - base)


def summed(e: Any, f: Any, rest: Any) -> Any:
    """Return e ln 2 + log(1 + f) + rest for -1/4 <= f <= 1/2."""
    q = fma(f, -0.045163579285144806, 0.10474657267332077)
    q = fma(f, q, -0.13165317475795746)
    q = fma(f, q, 0.14477938413619995)
    q = fma(f, q, -0.16646838188171387)
    q = fma(f, q, 0.19990821182727814)
    q = fma(f, q, -0.25000107288360596)
    q = fma(f, q, 0.3333345055580139)
    q = fma(f, q, -0.5)
    high = fma(e, _LN2, f)
    low = (f + fma(e, _LN2, -high)) + rest
    return high + fma(f * f, q, fma(e, _LN2_REST, low))


def parts(x: Any, least: Any) -> Any:
    """Return e and f, as float32 numbers, for m from the number with the bits `least`; x is positive and finite."""
    small = x < 2.0**-126
    place = bits(np.where(small, x * 2.0**23, x)) + (_ONE - least)
    e = np.float32(np.int32(place >> 23)) - np.where(small, np.float32(150.0), np.float32(127.0))
    return e, from_bits((place & 0x7FFFFF) + least) - 1.0


def ended(x: Any, result: Any) -> Any:
    """Return what a logarithm gives: its result, if x is positive and finite."""
    return np.where(x > 0.0, np.where(x < _INF, result, x), np.where(x == 0.0, -_INF, _NAN))
