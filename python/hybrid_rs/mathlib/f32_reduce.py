"""Reduction of float32 angles: x is n pi / 2 + r + low with a whole n, |r| at most a little above pi / 4.

Up to `_FAR` pi / 2 is subtracted in three parts. Beyond, x 2 / pi is computed as a whole number with the 96 bits of
2 / pi that count: those above give multiples of 4, those below less than 2**-70. The multiplications are of 32 bits, so
that a kernel of float32 keeps its lanes.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from hybrid_rs.language import bits, fma

__all__ = ["angle"]

_FAR = 100000.0
_ROUNDER = 12582912.0
_PER_HALF_PI = 0.6366197466850281
# pi / 2, in parts of 24 bits. The first, times n, is exact in an fma with x.
_HALF_PI = 1.5707963705062866
_HALF_PI_REST = -4.371138828673793e-08
_HALF_PI_LAST = -1.7151245100058819e-15
# 2 / pi in words of 32 bits, the first is the whole part.
_W0 = 0x00000000
_W1 = 0xA2F9836E
_W2 = 0x4E441529
_W3 = 0xFC2757D1
_W4 = 0xF534DDC0
_W5 = 0xDB629599
_W6 = 0x3C439041
_W7 = 0xFE5163AB


def angle(x: Any) -> Any:
    """Return n modulo 4, r and low; r is nan for an infinite x."""
    shifted = fma(x, _PER_HALF_PI, _ROUNDER)
    n = shifted - _ROUNDER
    quadrant = bits(shifted) & 3
    most = fma(n, -_HALF_PI, x)
    # What n times the second part was rounded by is kept, and so is what the difference was.
    part = n * _HALF_PI_REST
    r = most - part
    low = ((most - r) - part) - fma(n, _HALF_PI_REST, -part)
    low = fma(n, -_HALF_PI_LAST, low)
    if abs(x) > _FAR:
        quadrant, r, low = far(x)
    return quadrant, r, low


def far(x: Any) -> Any:
    """Return the same for a large x, by whole numbers."""
    # The bits of 2 / pi from bit `place` on, its whole word counted, are multiplied with the 24 bits of x.
    u = bits(x) & 0x7FFFFFFF
    place = (u >> 23) - 120
    index = place >> 5
    shift = place & 31
    first = word(index, _W0, _W1, _W2, _W3, _W4)
    second = word(index, _W1, _W2, _W3, _W4, _W5)
    third = word(index, _W2, _W3, _W4, _W5, _W6)
    fourth = word(index, _W3, _W4, _W5, _W6, _W7)
    first = (first << shift) | (second >> (32 - shift))
    second = (second << shift) | (third >> (32 - shift))
    third = (third << shift) | (fourth >> (32 - shift))
    m = (u & 0x7FFFFF) | 0x800000
    under = m * second
    lower = under + upper(m, third)
    higher = m * first + upper(m, second) + np.where(lower < under, np.uint32(1), np.uint32(0))
    # Two bits of n and 62 of the fraction, which is taken between -1/2 and 1/2.
    quadrant = (higher + 0x20000000) >> 30
    top = higher - (quadrant << 30)
    a = np.float32(np.int32(top) >> 8) * 2.0**-22
    b = np.float32(np.int32(((top & 0xFF) << 16) | (lower >> 16))) * 2.0**-46
    c = np.float32(np.int32(lower & 0xFFFF)) * 2.0**-62
    most = a + b
    rest = (b - (most - a)) + c
    product = most * _HALF_PI
    rest = fma(most, _HALF_PI, -product) + fma(most, _HALF_PI_REST, rest * _HALF_PI)
    r = product + rest
    low = rest - (r - product)
    r = np.where(u < 0x7F800000, r, float("nan"))
    negative = x < 0.0
    return np.where(negative, (0 - quadrant) & 3, quadrant), np.where(negative, -r, r), np.where(negative, -low, low)


def word(index: Any, a: Any, b: Any, c: Any, d: Any, e: Any) -> Any:
    """Return the index-th of five words."""
    low = np.where(index == 0, np.uint32(a), np.uint32(b))
    high = np.where(index == 2, np.uint32(c), np.where(index == 3, np.uint32(d), np.uint32(e)))
    return np.where(index < 2, low, high)


def upper(m: Any, word: Any) -> Any:
    """Return the upper 32 bits of a number of 24 bits times one of 32."""
    m_high = m >> 12
    m_low = m & 0xFFF
    high = word >> 16
    low = word & 0xFFFF
    middle = ((m_low * low) >> 12) + m_high * low
    middle = (middle >> 4) + m_low * high
    return ((middle >> 12) + m_high * high) >> 4
