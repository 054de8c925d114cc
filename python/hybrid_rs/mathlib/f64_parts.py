"""Fraction and exponent of float64 numbers, and their product: C's frexp and ldexp."""

from __future__ import annotations

from typing import Any

import numpy as np

from hybrid_rs.language import bits, from_bits

__all__ = ["frexp", "ldexp"]

_INF = float("inf")
_EXPONENT = 0x7FF0000000000000
# The exponent's bits of 1/2.
_HALF = 0x3FE0000000000000


def frexp(x: Any) -> tuple[Any, Any]:
    """Return m and e: x is m * 2**e, with m from 1/2 to 1 or -1 to -1/2 and an int64 e; 0, inf and nan have e 0."""
    size = abs(x)
    small = size < 2.0**-1022
    pattern = bits(np.where(small, x * 2.0**54, x))
    field = np.int64((pattern & _EXPONENT) >> 52) - np.where(small, np.int64(1076), np.int64(1022))
    fraction = from_bits((pattern & (0xFFFFFFFFFFFFFFFF - _EXPONENT)) | _HALF)
    plain = (size > 0.0) & (size < _INF)
    return np.where(plain, fraction, x), np.where(plain, field, np.int64(0))


def ldexp(x: Any, n: Any) -> Any:
    """Return x * 2**n, rounded once; n is an int64 between -2200 and 2200."""
    fraction, exponent = frexp(x)
    # The fraction of a result of normal size takes no power beyond these; of 0, inf and nan any power does.
    power = min(max(exponent + n, -1080), 1030) + 2046
    half = power >> 1
    # The first product is exact.
    first = from_bits(np.uint64(half) << 52)
    second = from_bits(np.uint64(power - half) << 52)
    return fraction * first * second
