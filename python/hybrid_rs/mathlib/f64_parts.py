"""Fraction and exponent of float64 numbers, and their product: C's frexp and ldexp."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from hybrid_rs.language import bits, from_bits

__all__ = ["frexp", "ldexp"]

_TINY = 2.2250738585072014e-308
_EXPONENT = 0x7FF0000000000000
# The exponent's bits of 1/2.
_HALF = 0x3FE0000000000000


def frexp(x: Any) -> tuple[Any, Any]:
    """Return m and e: x is m * 2**e, with m from 1/2 to 1 or -1 to -1/2 and an int64 e; 0, inf and nan have e 0."""
    small = abs(x) < _TINY
    pattern = bits(x * 2.0**54 if small else x)
    field = np.int64((pattern & _EXPONENT) >> 52)
    plain = x != 0.0 and abs(x) < math.inf
    fraction = from_bits(pattern & ~np.uint64(_EXPONENT) | _HALF)
    return fraction if plain else x, (field - (1076 if small else 1022)) if plain else np.int64(0)


def ldexp(x: Any, n: Any) -> Any:
    """Return x * 2**n, rounded once; n is an integer."""
    fraction, exponent = frexp(x)
    # The fraction of a result of normal size takes no power beyond these; of 0, inf and nan any power does.
    power = exponent + min(max(np.int64(n), -2200), 2200)
    power = min(max(power, -1080), 1030)
    half = (power + 2046) >> 1
    # The first product is exact.
    first = from_bits(np.uint64(half) << 52)
    second = from_bits(np.uint64(power + 2046 - half) << 52)
    return fraction * first * second
