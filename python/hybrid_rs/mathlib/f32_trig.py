"""Sine, cosine and tangent of float32 angles."""

from __future__ import annotations

from typing import Any

import numpy as np

from hybrid_rs.language import bits, fma, from_bits
from hybrid_rs.mathlib.f32_reduce import angle

__all__ = ["cos", "sin", "tan"]

# Below it sine and tangent are the angle.
_SMALL = 2.0**-13


def sin(x: Any) -> Any:
    """Return the sine of x."""
    quadrant, r, low = angle(x)
    # The sign of a zero is lost elsewhere.
    return np.where(abs(x) < _SMALL, x, turned(quadrant, r, low))


def cos(x: Any) -> Any:
    """Return the cosine of x."""
    quadrant, r, low = angle(x)
    return turned(quadrant + 1, r, low)


def turned(quadrant: Any, r: Any, low: Any) -> Any:
    """Return the sine of r + low and as many quarter turns."""
    t = r * r
    s = fma(t, -0.00019507869728840888, 0.008332106284797192)
    s = fma(t, s, -0.16666653752326965)
    sine = r + fma(r * t, s, low)
    c = fma(t, 2.4430080884485506e-05, -0.0013887297827750444)
    c = fma(t, c, 0.04166664555668831)
    most = fma(t, -0.5, 1.0)
    # The square of r + low is t + under.
    under = fma(r, low + low, fma(r, r, -t))
    rest = fma(under, -0.5, fma(t, -0.5, 1.0 - most))
    cosine = most + fma(t * t, c, rest)
    value = np.where((quadrant & 1) == 0, sine, cosine)
    return from_bits(bits(value) ^ ((quadrant & 2) << 30))


def tan(x: Any) -> Any:
    """Return the tangent of x."""
    quadrant, r, low = angle(x)
    t = r * r
    p = fma(t, 0.004482522141188383, -0.00012042476737406105)
    p = fma(t, p, 0.010996582917869091)
    p = fma(t, p, 0.02122233249247074)
    p = fma(t, p, 0.054071005433797836)
    p = fma(t, p, 0.1333257108926773)
    p = fma(t, p, 0.3333335220813751)
    # What the cube lacks, and low; the derivative of the tangent is about 1 + 1.5 t.
    cube = r * t
    cube_rest = fma(r, fma(r, r, -t), fma(r, t, -cube))
    p = fma(cube, p, fma(cube_rest, p, low * fma(t, 1.5, 1.0)))
    most = r + p
    rest = p - (most - r)
    turned = -1.0 / most
    turned = fma(turned, fma(turned, most, 1.0) + turned * rest, turned)
    value = np.where((quadrant & 1) == 0, most, turned)
    return np.where(abs(x) < _SMALL, x, value)
