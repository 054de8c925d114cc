"""Inverse sine, cosine and tangent of float32 numbers.

Each is base + k (s + s**3 p), p being a polynomial in s**2: k and base, a multiple of pi / 4, bring s near 0. The sum
of base and k s is kept with its rest, and so is what a root or a quotient s was rounded by.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from hybrid_rs.language import bits, fma, from_bits

__all__ = ["acos", "asin", "atan", "atan2"]

_INF = float("inf")
_LARGEST = 3.4028234663852886e38
_SMALLEST = 2.0**-149
# pi / 2 to 22 bits, so that halves of it up to pi are exact, and what it lacks, times it.
_HALF_PI = 1.570796012878418
_PI = 3.141592025756836
_REST = 1.9984547711910888e-07
# Less the bits of a number, those of 0.90 to 0.99 of its inverse: what a quotient or root lacks counts a little less in
# its arc tangent.
_INVERSE = 0x7EE80000
# The tangent of 3 / 16 pi: greater quotients are turned by pi / 4.
_NEAR = 0.6681786


def asin(x: Any) -> Any:
    """Return the angle between -pi / 2 and pi / 2 whose sine is x."""
    a = abs(x)
    large = a > 0.5
    z, s, lost = rooted(a, a, large)
    base = np.where(large, np.float32(_HALF_PI), np.float32(0.0))
    k = np.where(large, np.float32(-2.0), np.float32(1.0))
    return np.copysign(summed(base, k, s, fma(s * z, series(z), lost)), x)


def acos(x: Any) -> Any:
    """Return the angle between 0 and pi whose cosine is x."""
    a = abs(x)
    large = a > 0.5
    z, s, lost = rooted(a, x, large)
    base = np.where(large, np.where(x > 0.0, np.float32(0.0), np.float32(_PI)), np.float32(_HALF_PI))
    k = np.where(large, np.where(x > 0.0, np.float32(2.0), np.float32(-2.0)), np.float32(-1.0))
    return summed(base, k, s, fma(s * z, series(z), lost))


def rooted(a: Any, small: Any, large: Any) -> Any:
    """Return z, s and what s lacks: the root of (1 - a) / 2 for a large a, else the given small number."""
    half = fma(a, -0.5, 0.5)
    root = np.sqrt(half)
    lost = fma(-root, root, half) * from_bits(_INVERSE - bits(root)) * 0.5
    return np.where(large, half, a * a), np.where(large, root, small), np.where(large, lost, np.float32(0.0))


def series(z: Any) -> Any:
    """Return (asin(s) - s) / s**3 for z = s**2 up to 1/4."""
    p = fma(z, 0.04216644912958145, 0.024180764332413673)
    p = fma(z, p, 0.045469772070646286)
    p = fma(z, p, 0.07495306432247162)
    return fma(z, p, 0.16666752099990845)


def summed(base: Any, k: Any, s: Any, rest: Any) -> Any:
    """Return base + k (s + rest), where base is 0, or greater than k s."""
    most = fma(k, s, base)
    low = fma(base, _REST, fma(k, s, base - most))
    return most + fma(k, rest, low)


def atan(x: Any) -> Any:
    """Return the angle between -pi / 2 and pi / 2 whose tangent is x."""
    a = min(abs(x), 1e30)
    steep = a > 1.0
    larger = max(a, 1.0)
    smaller = min(a, 1.0)
    base = np.where(steep, np.float32(_HALF_PI), np.float32(0.0))
    k = np.where(steep, np.float32(-1.0), np.float32(1.0))
    return np.copysign(between(base, k, larger, smaller), x)


def atan2(y: Any, x: Any) -> Any:
    """Return the angle between -pi and pi of the point x, y."""
    across = abs(x)
    up = abs(y)
    steep = up > across
    larger = np.where(steep, up, across)
    smaller = np.where(steep, across, up)
    smaller = np.where((larger == _INF) & (smaller < _INF), np.float32(0.0), smaller)
    # The quotient and its rest shall not suffer from numbers at the ends of the type.
    scale = np.where(larger < 2.0**60, np.float32(2.0**64), np.float32(2.0**-32))
    larger = max(min(larger, _LARGEST), _SMALLEST) * scale
    smaller = min(smaller, _LARGEST) * scale
    left = np.signbit(x)
    base = np.where(steep, np.float32(_HALF_PI), np.where(left, np.float32(_PI), np.float32(0.0)))
    k = np.where(steep != left, np.float32(-1.0), np.float32(1.0))
    angle = np.copysign(between(base, k, larger, smaller), y)
    return np.where(x == x, angle, x)  # noqa: PLR0124 - false for nan


def between(base: Any, k: Any, larger: Any, smaller: Any) -> Any:
    """Return base + k atan(smaller / larger), the quotient being turned by pi / 4 where it is near 1."""
    near = smaller > larger * _NEAR
    top = np.where(near, smaller - larger, smaller)
    bottom = np.where(near, smaller + larger, larger)
    s = top / bottom
    lost = fma(-s, bottom, top) * from_bits(_INVERSE - bits(bottom))
    base = np.where(near, fma(k, _HALF_PI * 0.5, base), base)
    z = s * s
    p = fma(z, -0.01747196540236473, 0.0511719286441803)
    p = fma(z, p, -0.08283238112926483)
    p = fma(z, p, 0.10963485389947891)
    p = fma(z, p, -0.142709419131279)
    p = fma(z, p, 0.19999298453330994)
    p = fma(z, p, -0.33333322405815125)
    return summed(base, k, s, fma(s * z, p, lost))
