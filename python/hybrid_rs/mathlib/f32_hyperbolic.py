"""Hyperbolic functions of float32 numbers.

|x| is n ln 2 + r, so the hyperbolic sine is sinh(r) (a + b) + cosh(r) (a - b), the cosine cosh(r) (a + b) +
sinh(r) (a - b), where a is 2**n / 2 and b is 2**-n / 2. Of these sums only what is at most a tenth of the result is
rounded before the last addition. a and b are halved once more, since 2**128 is none of a float32.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from hybrid_rs.language import bits, fma, from_bits

__all__ = ["cosh", "sinh", "tanh"]

# 1.5 * 2**23: a sum with it is rounded to a whole number, which is in its low bits.
_ROUNDER = 12582912.0
_ROUNDER_BITS = 0x4B400000
_PER_LN2 = 1.4426950216293335
_LN2 = 0.6931471824645996
_LN2_REST = -1.9046542121259336e-09


def sinh(x: Any) -> Any:
    """Return the hyperbolic sine of x."""
    most, rest, even, odd, a, b = halves(x)
    plus = a + b
    minus = a - b
    high = fma(plus, most, minus)
    low = fma(plus, most, minus - high) + ((a - minus) - b)
    result = (high + fma(minus, even, fma(plus, odd + rest, low))) * 2.0
    return np.where(abs(x) < 2.0**-12, x, np.copysign(result, x))


def cosh(x: Any) -> Any:
    """Return the hyperbolic cosine of x."""
    most, rest, even, odd, a, b = halves(x)
    plus = a + b
    minus = a - b
    high = fma(minus, most, plus)
    low = fma(minus, most, plus - high) + (b - (plus - a))
    return (high + fma(plus, even, fma(minus, odd + rest, low))) * 2.0


def halves(x: Any) -> Any:
    """Return r and its rest, cosh(r) - 1, sinh(r) - r, and half of a and b."""
    size = min(abs(x), 89.5)
    shifted = fma(size, _PER_LN2, _ROUNDER)
    n = shifted - _ROUNDER
    most = fma(n, -_LN2, size)
    rest = n * -_LN2_REST
    r = most + rest
    t = r * r
    even = fma(t, 0.001393545069731772, 0.041666459292173386)
    even = fma(t, even, 0.5)
    odd = fma(t, 0.00019974079623352736, 0.00833317544311285)
    odd = fma(t, odd, 0.1666666716337204)
    whole = bits(shifted) - _ROUNDER_BITS
    a = from_bits((whole + 125) << 23)
    b = from_bits((125 - min(whole, 64)) << 23)
    return most, rest, t * even, r * t * odd, a, b


def tanh(x: Any) -> Any:
    """Return the hyperbolic tangent of x: a polynomial up to 1, then 1 - 2 / (exp(2 x) + 1)."""
    size = abs(x)
    t = x * x
    p = fma(t, -0.00035858023329637945, 0.002301839180290699)
    p = fma(t, p, -0.007946796715259552)
    p = fma(t, p, 0.021487154066562653)
    p = fma(t, p, -0.053879983723163605)
    p = fma(t, p, 0.13332347571849823)
    p = fma(t, p, -0.33333295583724976)
    near = fma(x * t, p, x)
    double = min(size, 10.0) * 2.0
    shifted = fma(double, _PER_LN2, _ROUNDER)
    n = shifted - _ROUNDER
    r = fma(n, -_LN2_REST, fma(n, -_LN2, double))
    p = fma(r, 0.0013820049352943897, 0.00836868304759264)
    p = fma(r, p, 0.04166827350854874)
    p = fma(r, p, 0.1666652113199234)
    p = fma(r, p, 0.4999999403953552)
    power = from_bits((bits(shifted) + 127) << 23)
    power = fma(power, fma(r * r, p, r), power)
    far = 1.0 - 2.0 / (power + 1.0)
    return np.copysign(np.where(size < 1.0, near, far), x)
