"""Exponentials of float32 numbers.

x is n ln 2 + r with a whole n and |r| <= ln(2) / 2; exp(r) is a polynomial, and 2**n goes into the exponent's bits.
Adding `_ROUNDER` rounds to a whole number, which is then found in the low bits of the sum as well, 254 added to it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from hybrid_rs.language import bits, fma, from_bits

__all__ = ["exp", "exp2", "expm1"]

_ROUNDER = 12583166.0
_ROUNDER_BITS = 0x4B4000FE
_PER_LN2 = 1.4426950216293335
# ln 2, and what is left of it; n times the first is exact in an fma with x.
_LN2 = 0.6931471824645996
_LN2_REST = -1.9046542121259336e-09


def exp(x: Any) -> Any:
    """Return e to the x."""
    a = max(min(x, 89.0), -104.0)
    shifted = fma(a, _PER_LN2, _ROUNDER)
    n = shifted - _ROUNDER
    most = fma(n, -_LN2, a)
    rest = n * -_LN2_REST
    r = most + rest
    p = fma(r, 0.0013820049352943897, 0.00836868304759264)
    p = fma(r, p, 0.04166827350854874)
    p = fma(r, p, 0.1666652113199234)
    p = fma(r, p, 0.4999999403953552)
    return scaled((most + fma(r * r, p, rest)) + 1.0, shifted)


def exp2(x: Any) -> Any:
    """Return 2 to the x."""
    a = max(min(x, 128.0), -150.0)
    shifted = a + _ROUNDER
    r = a - (shifted - _ROUNDER)
    p = fma(r, 0.00015329880989156663, 0.0013390978565439582)
    p = fma(r, p, 0.009618498384952545)
    p = fma(r, p, 0.05550359562039375)
    p = fma(r, p, 0.24022647738456726)
    p = fma(r, p, 0.6931471824645996)
    return scaled(fma(r, p, 1.0), shifted)


def expm1(x: Any) -> Any:
    """Return e to the x, less 1."""
    a = max(min(x, 89.0), -25.0)
    shifted = fma(a, _PER_LN2, _ROUNDER)
    n = shifted - _ROUNDER
    most = fma(n, -_LN2, a)
    rest = n * -_LN2_REST
    r = most + rest
    p = fma(r, 0.00019762522424571216, 0.001393200014717877)
    p = fma(r, p, 0.008333545178174973)
    p = fma(r, p, 0.04166649654507637)
    p = fma(r, p, 0.1666666567325592)
    p = fma(r, p, 0.5)
    p = fma(r * r, p, rest)
    # Half of 2**n, which is finite for each n: half of the result is s (1 + r + p) - 1/2.
    s = from_bits((bits(shifted) - (_ROUNDER_BITS - 126)) << 23)
    base = s - 0.5
    high = fma(s, most, base)
    low = fma(s, most, base - high) + ((s - base) - 0.5)
    return np.where(abs(x) < 2.0**-25, x, (high + fma(s, p, low)) * 2.0)


def scaled(y: Any, shifted: Any) -> Any:
    """Return y times 2**n, n being what was added to the rounder: in two steps, since 2**n may be none of a float32."""
    n = bits(shifted) - _ROUNDER_BITS + 254
    half = n >> 1
    return y * from_bits(half << 23) * from_bits((n - half) << 23)
