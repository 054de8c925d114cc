"""Cube root and hypotenuse of float32 numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from hybrid_rs.language import bits, fma, from_bits

__all__ = ["cbrt", "hypot"]

_INF = float("inf")
# Less the bits of a number, those of its inverse, within 5.1 %.
_INVERSE = 0x7EF311C7


def cbrt(x: Any) -> Any:
    """Return the cube root of x.

    |x| is m 2**(3 k) with m from 1 to 8. A polynomial for m**(-1/3) is made more exact by one step of Newton's, and so
    is then the root, with the exact difference of m and its cube.
    """
    size = abs(x)
    small = size < 2.0**-126
    u = bits(np.where(small, size * 2.0**24, size))
    # Division by 3 of a small number: e + 127 + 2 is 3 (k + 43) + j.
    place = (u >> 23) + 2
    third = (place * 43691) >> 17
    j = place - third * 3
    fraction = u & 0x7FFFFF
    a = from_bits(fraction | 0x3F800000)
    m = from_bits(fraction | ((j + 127) << 23))
    p = fma(a, -0.04993817210197449, 0.3177631199359894)
    p = fma(a, p, -0.809969425201416)
    p = fma(a, p, 1.5418914556503296)
    factor = np.where(j == 1, np.float32(0.7937005162239075), np.float32(0.6299605369567871))
    p = np.where(j == 0, p, p * factor)
    p = fma(p * fma(-(p * p), p * m, 1.0), 0.3333333432674408, p)
    square = p * p
    y = m * square
    y_square = y * y
    y_rest = fma(y, y, -y_square)
    lost = fma(-y_rest, y, fma(-y_square, y, m))
    y = fma(lost, square * 0.3333333432674408, y)
    y = y * from_bits((third + np.where(small, np.uint32(76), np.uint32(84))) << 23)
    return np.where((size > 0.0) & (size < _INF), np.copysign(y, x), x)


def hypot(x: Any, y: Any) -> Any:
    """Return the root of x**2 + y**2; infinite if one of them is, even if the other is nan."""
    across = abs(x)
    up = abs(y)
    larger = np.where(up > across, up, across)
    smaller = np.where(up > across, across, up)
    # Squares that are too large or too small are avoided.
    huge = larger > 2.0**60
    tiny = larger < 2.0**-40
    scale = np.where(huge, np.float32(2.0**-66), np.where(tiny, np.float32(2.0**100), np.float32(1.0)))
    back = np.where(huge, np.float32(2.0**66), np.where(tiny, np.float32(2.0**-100), np.float32(1.0)))
    larger = larger * scale
    smaller = smaller * scale
    product = larger * larger
    square = fma(smaller, smaller, product)
    lost = fma(smaller, smaller, product - square) + fma(larger, larger, -product)
    root = np.sqrt(square)
    lost = (fma(-root, root, square) + lost) * (from_bits(_INVERSE - bits(root)) * 0.5)
    return np.where((across == _INF) | (up == _INF), _INF, (root + lost) * back)
