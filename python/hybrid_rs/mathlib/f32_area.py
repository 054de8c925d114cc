"""Inverse hyperbolic functions of float32 numbers: polynomials where they are small, else logarithms.

What is rounded before the logarithm is taken is given to it beside its argument.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from hybrid_rs.language import bits, fma, from_bits
from hybrid_rs.mathlib.f32_log import near, summed

__all__ = ["acosh", "asinh", "atanh"]

_INF = float("inf")
_NAN = float("nan")
# Less the bits of a number, those of its inverse, within 5.1 %.
_INVERSE = 0x7EF311C7


def asinh(x: Any) -> Any:
    """Return the number whose hyperbolic sine is x."""
    size = abs(x)
    z = x * x
    p = fma(z, -0.013222738169133663, 0.02816089428961277)
    p = fma(z, p, -0.04438295215368271)
    p = fma(z, p, 0.07498640567064285)
    p = fma(z, p, -0.1666664332151413)
    low = fma(x * z, p, x)
    # log(a + sqrt(a**2 + 1)), but log(2 a) for a large a.
    large = size > 4096.0
    square = fma(size, size, 1.0)
    root, lost = rooted(square, fma(size, size, 1.0 - square))
    u = root + size
    lost = (size - (u - root)) + lost
    e, f, rest = near(np.where(large, size, u), np.where(large, np.float32(0.0), lost))
    high = summed(np.where(large, e + 1.0, e), f, rest)
    return np.copysign(np.where(size < 0.5, low, np.where(size < _INF, high, size)), x)


def acosh(x: Any) -> Any:
    """Return the number that isn't negative whose hyperbolic cosine is x."""
    t = x - 1.0
    p = fma(t, -0.000413210567785427, 0.0017600558931007981)
    p = fma(t, p, -0.005547869019210339)
    p = fma(t, p, 0.018746601417660713)
    p = fma(t, p, -0.08333321660757065)
    # sqrt(2 t) (1 + t p) near 1, log(x + sqrt(x**2 - 1)) above, log(2 x) for a large x.
    small = t < 0.5
    large = x > 4096.0
    product = x * x
    square = product - 1.0
    lost = (product - square - 1.0) + fma(x, x, -product)
    root, lost = rooted(np.where(small, t + t, square), np.where(small, np.float32(0.0), lost))
    low = root + fma(root * t, p, lost)
    u = x + root
    lost = (root - (u - x)) + lost
    e, f, rest = near(np.where(large, x, u), np.where(large, np.float32(0.0), lost))
    high = summed(np.where(large, e + 1.0, e), f, rest)
    return np.where(x < 1.5, low, np.where(x < _INF, high, x))


def rooted(square: Any, lost: Any) -> Any:
    """Return the root of a sum, and what it lacks."""
    root = np.sqrt(square)
    inverse = from_bits(_INVERSE - bits(root))
    inverse = inverse * fma(-root, inverse, 2.0)
    return root, (fma(-root, root, square) + lost) * (inverse * 0.5)


def atanh(x: Any) -> Any:
    """Return the number whose hyperbolic tangent is x."""
    size = abs(x)
    z = x * x
    p = fma(z, 0.17772631347179413, 0.05065276846289635)
    p = fma(z, p, 0.11841455101966858)
    p = fma(z, p, 0.14220762252807617)
    p = fma(z, p, 0.20002615451812744)
    p = fma(z, p, 0.33333298563957214)
    low = fma(x * z, p, x)
    # Half of the logarithm of (1 + a) / (1 - a), for a = |x|.
    top = 1.0 + size
    bottom = 1.0 - size
    u = top / bottom
    lost = (fma(-u, bottom, top) + (size - (top - 1.0))) * from_bits(_INVERSE - bits(bottom))
    e, f, rest = near(u, lost)
    high = np.where(size < 1.0, summed(e, f, rest) * 0.5, np.where(size == 1.0, _INF, _NAN))
    return np.where(size < 0.5, low, np.copysign(high, x))
