"""cbrt and hypot of float64: an approximation, and a step of Newton's from what is left of it, which fma tells exactly.

The coefficients are minimax ones, made by ``tests/mathlib/coefficients.py``.
"""

from __future__ import annotations

import math
from typing import Any

from hybrid_rs import language as hr

__all__ = ["cbrt", "hypot"]

WHOLE = 0x4330000000000000
"""The bits of 2**52: an integer below 2**52 in the low bits of such a float is added to it."""
GUESS = 1.5 * 2**52 + 2**52 / 3 + 1430186164.0
"""1.5 * 2**52, so that the sum's low bits hold an integer; what a third of 2**52 takes off; the bits of a power -1/3.

The upper 32 bits of x as an integer are nearly its logarithm: a constant less a third of them are those of x**(-1/3),
which this one makes exact to 3.5 %.
"""


def cbrt(x: Any) -> Any:
    """Return the cube root of x."""
    u = abs(x)
    back = 1.0
    if not (u >= 1e-250 and u < math.inf):
        # 0, inf and nan are themselves times 1; smaller numbers are multiplied by 2**600.
        usual = u > 0.0 and u < math.inf
        back = 6.223015277861142e-61 if usual else u
        u = u * 4.149515568880993e180 if usual else 1.0
    y = hr.from_bits(hr.bits(hr.fma(hr.from_bits(hr.bits(u) >> 32 | WHOLE), -1.0 / 3.0, GUESS)) << 32)
    # y becomes y (1 + e)**(-1/3), exact to 2**-18 and then to 2**-36.
    e = hr.fma(u * y, y * y, -1.0)
    p = hr.fma(e, -0.1744059731346881, 0.22347958674570406)
    p = hr.fma(e, p, -0.3333298086372571)
    y = hr.fma(y * e, p, y)
    e = hr.fma(u * y, y * y, -1.0)
    y = hr.fma(y * e, -1.0 / 3.0, y)
    inverse = y * y
    t = u * inverse
    square = t * t
    left = hr.fma(-hr.fma(t, t, -square), t, hr.fma(-square, t, u))
    return math.copysign(hr.fma(left * inverse, 1.0 / 3.0, t) * back, x)


def hypot(x: Any, y: Any) -> Any:
    """Return the square root of x**2 + y**2, without overflow or underflow on the way."""
    one = abs(x)
    other = abs(y)
    turned = other > one
    a = other if turned else one
    b = one if turned else other
    back = 1.0
    if not (a >= 1e-150 and a < 1e150):
        scale = 2.409919865102884e-181 if a > 1.0 else 4.149515568880993e180
        back = 4.149515568880993e180 if a > 1.0 else 2.409919865102884e-181
        a = a * scale
        b = b * scale
    a2 = a * a
    b2 = b * b
    s = a2 + b2
    lost = ((a2 - s) + b2) + (hr.fma(a, a, -a2) + hr.fma(b, b, -b2))
    root = math.sqrt(s)
    # Of 0 the root's error is 0 / 1e-300.
    root = root + (hr.fma(-root, root, s) + lost) / hr.fma(2.0, root, 1e-300)
    root = root * back
    return math.inf if math.isinf(x) or math.isinf(y) else root
