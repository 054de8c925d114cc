"""Powers of float32 numbers: 2 to the y log2(x), the logarithm being a sum of two float32 numbers, exact to 2**-34."""

from __future__ import annotations

from typing import Any

import numpy as np

from hybrid_rs.language import bits, fma, from_bits
from hybrid_rs.mathlib.f32_log import parts

__all__ = ["exp2_parts", "log2_sum", "pow"]

_INF = float("inf")
_NAN = float("nan")
_LARGEST = 3.4028234663852886e38
# Bits of 1 / sqrt(2).
_ROOT = 0x3F3504F3
# 2 / ln 2, a third of it, and ln 2, each in two parts.
_FIRST = 2.885390043258667
_FIRST_REST = 3.851926067000022e-08
_THIRD = 0.9617967009544373
_THIRD_REST = -7.028461812552678e-09
_LN2 = 0.6931471824645996
_LN2_REST = -1.9046542121259336e-09
# 1.5 * 2**23, and 254: a sum with it is rounded to a whole number n, and has n + 254 in its low bits.
_ROUNDER = 12583166.0
_ROUNDER_BITS = 0x4B4000FE


def pow(x: Any, y: Any) -> Any:  # noqa: A001 - its name in every library
    """Return x to the y; as in C, 1 for y = 0 and for x = 1 even where the other is nan."""
    size = abs(x)
    log, rest = log2_sum(size)
    log = np.where(size > 0.0, np.where(size < _INF, log, _INF), -_INF)
    # An infinite y is as good as the largest number, and has a product with a logarithm of 0.
    power = max(min(y, _LARGEST), -_LARGEST)
    high = power * log
    low = fma(power, log, -high) + power * rest
    inside = abs(high) < 160.0
    result = exp2_sum(np.where(inside, high, max(min(high, 160.0), -160.0)), np.where(inside, low, np.float32(0.0)))
    half = y * 0.5
    whole = np.rint(y) == y
    odd = whole & (np.rint(half) != half)
    result = np.where(odd, np.copysign(result, x), result)
    undefined = ((x < 0.0) & (size < _INF) & np.logical_not(whole)) | (x != x)  # noqa: PLR0124 - true for nan
    result = np.where(undefined, _NAN, result)
    return np.where((y == 0.0) | (x == 1.0), 1.0, result)


def log2_sum(x: Any) -> Any:
    """Return the logarithm of a positive x to the base 2, and what it lacks.

    With s = f / (2 + f), which is (m - 1) / (m + 1), log2(m) is s (c + c / 3 s**2 + c / 5 s**4 + ...) for c = 2 / ln 2.
    """
    e, f = parts(x, _ROOT)
    sum_ = f + 2.0
    inverse = 1.0 / sum_
    s = f * inverse
    s_rest = fma(-s, f - (sum_ - 2.0), fma(-s, sum_, f)) * inverse
    z = s * s
    z_rest = fma(s + s, s_rest, fma(s, s, -z))
    r = fma(z, 0.337820827960968, 0.4118499159812927)
    r = fma(z, r, 0.5770801901817322)
    t = z * _THIRD
    t_rest = fma(z_rest, _THIRD, fma(z, _THIRD_REST, fma(z, _THIRD, -t)))
    t_rest = fma(z * z, r, t_rest)
    g = t + _FIRST
    g_rest = (t - (g - _FIRST)) + (t_rest + _FIRST_REST)
    product = s * g
    rest = fma(s_rest, g, fma(s, g_rest, fma(s, g, -product)))
    high = e + product
    return high, (product - (high - e)) + rest


def exp2_sum(high: Any, low: Any) -> Any:
    """Return 2 to the high + low, for |high| <= 160."""
    most, rest, first, second = exp2_parts(high, low)
    return (most + rest) * first * second


def exp2_parts(high: Any, low: Any) -> Any:
    """Return four numbers: the sum of the first two times the others is 2 to the high + low, for |high| <= 250."""
    shifted = high + _ROUNDER
    most = high - (shifted - _ROUNDER)
    r = most + low
    low = low - (r - most)
    q = fma(r, 0.00015322428953368217, 0.0013390263775363564)
    q = fma(r, q, 0.009618515148758888)
    q = fma(r, q, 0.05550362169742584)
    q = fma(r, q, 0.24022647738456726)
    most = fma(r, _LN2, 1.0)
    rest = fma(r, _LN2_REST, fma(r, _LN2, 1.0 - most))
    rest = fma(r * r, q, fma(low * most, _LN2, rest))
    n = bits(shifted) - (_ROUNDER_BITS - 254)
    half = n >> 1
    return most, rest, from_bits(half << 23), from_bits((n - half) << 23)
