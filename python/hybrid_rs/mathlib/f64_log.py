"""log, log2, log10 and log1p of float64.

All write the argument as 2**k m with m from sqrt(1/2) to sqrt(2), and log(m) by f = m - 1, s = f / (2 + f), z = s**2
and the series of the area tangent:

    log(m) = 2 s + s (2 z / 3 + 2 z**2 / 5 + ...) = f - f**2 / 2 + s (f**2 / 2 + z p(z))

f is exact and the greatest part; the rest, at most 0.07, needs no more than the precision of float64.

The coefficients are minimax ones, made by ``tests/mathlib/coefficients.py``.
"""

from __future__ import annotations

import math
from typing import Any

from hybrid_rs import language as hr

__all__ = ["log", "log1p", "log2", "log10"]

# ln 2 to 42 bits, so that its products with integers of 11 bits are exact, and the rest.
LN2_HIGH = 0.6931471805598903
LN2_LOW = 5.497923018708371e-14
# 1 / ln 2, log10(2), to 42 bits, and 1 / ln 10, with their rests.
INV_LN2 = 1.4426950408889634
INV_LN2_REST = 2.0355273740931033e-17
LOG10_2_HIGH = 0.30102999566395283
LOG10_2_LOW = 2.8363394551044964e-14
INV_LN10 = 0.4342944819032518
INV_LN10_REST = 1.098319650216765e-17

TINY = 2.2250738585072014e-308
# The bits of sqrt(1/2), of 1, of a fraction, of an exponent, and of 2**52, to which low bits are added as an integer.
ROOT = 0x3FE6A09E667F3BCD
ONE = 0x3FF0000000000000
FRACTION = 0x000FFFFFFFFFFFFF
EXPONENT = 0x7FF0000000000000
WHOLE = 0x4330000000000000
# 2**52 + 1023: what is subtracted of an exponent's bits in such a float.
BIAS = 4503599627371519.0


def opened(x: Any) -> tuple[Any, Any, Any]:
    """Return a normal number u, the bias of its exponent for that of x, and what is added to the logarithm of u.

    That is 0, or the inf or nan that is the result.
    """
    u = x
    bias = BIAS
    special = 0.0
    if not (x >= TINY and x < math.inf):
        u = x * 18014398509481984.0
        bias = BIAS + 54.0
        special = (-math.inf if x == 0.0 else 0.0) if x >= 0.0 else math.nan
        special = x if x == math.inf else special
    return u, bias, special


def parted(u: Any, bias: Any) -> tuple[Any, Any, Any]:
    """Write a positive normal number as 2**k (1 + f), with f from sqrt(1/2) - 1 to sqrt(2) - 1; return f, k and 2**-k.

    k is less by what bias is greater than `BIAS`; 2**-k is that of u, whose k must be below 1024 for it.
    """
    place = hr.bits(u) + (ONE - ROOT)
    k = hr.from_bits(place >> 52 | WHOLE) - bias
    f = hr.from_bits((place & FRACTION) + ROOT) - 1.0
    return f, k, hr.from_bits((2046 << 52) - (place & EXPONENT))


def log_rest(f: Any, lost: Any) -> Any:
    """Return log(1 + f) - f + f**2 / 2 + lost, for f from sqrt(1/2) - 1 to sqrt(2) - 1."""
    s = f / (2.0 + f)
    z = s * s
    p = hr.fma(z, 0.14796105418259628, 0.15314035837221723)
    p = hr.fma(z, p, 0.18183564866613094)
    p = hr.fma(z, p, 0.22222198563486173)
    p = hr.fma(z, p, 0.2857142874247488)
    p = hr.fma(z, p, 0.3999999999941432)
    p = hr.fma(z, p, 0.6666666666666734)
    return hr.fma(s, hr.fma(0.5 * f, f, z * p), lost)


def log(x: Any) -> Any:
    """Return the natural logarithm of x."""
    u, bias, special = opened(x)
    f, k, _ = parted(u, bias)
    base = k * LN2_HIGH
    s = base + f
    lost = hr.fma(k, LN2_LOW, (base - s) + f)
    return s + hr.fma(-0.5 * f, f, log_rest(f, lost)) + special


def log2(x: Any) -> Any:
    """Return the logarithm of x to base 2; that of whole powers is exact."""
    u, bias, special = opened(x)
    f, k, _ = parted(u, bias)
    head = hr.fma(-0.5 * f, f, f)
    tail = log_rest(f, hr.fma(-0.5 * f, f, f - head))
    product = head * INV_LN2
    s = k + product
    lost = ((k - s) + product) + hr.fma(head, INV_LN2_REST, hr.fma(head, INV_LN2, -product))
    return s + hr.fma(tail, INV_LN2, lost) + special


def log10(x: Any) -> Any:
    """Return the logarithm of x to base 10."""
    u, bias, special = opened(x)
    f, k, _ = parted(u, bias)
    base = k * LOG10_2_HIGH
    head = hr.fma(-0.5 * f, f, f)
    tail = log_rest(f, hr.fma(-0.5 * f, f, f - head))
    product = head * INV_LN10
    s = base + product
    lost = hr.fma(k, LOG10_2_LOW, (base - s) + product) + hr.fma(head, INV_LN10_REST, hr.fma(head, INV_LN10, -product))
    return s + hr.fma(tail, INV_LN10, lost) + special


def log_sum(u: Any, c: Any, bias: Any) -> Any:
    """Return log(u + c), where u is a normal number below 2**1023 and c at most a unit in its last place."""
    f, k, inverse = parted(u, bias)
    c = c * inverse
    whole = f + c
    c = c - (whole - f)
    base = k * LN2_HIGH
    s = base + whole
    # The derivative of log(1 + f) is 1 / (1 + f), near enough to 1 - f for the last bits of f.
    lost = hr.fma(k, LN2_LOW, (base - s) + whole) + hr.fma(-whole, c, c)
    return s + hr.fma(-0.5 * whole, whole, log_rest(whole, lost))


def log1p(x: Any) -> Any:
    """Return the natural logarithm of 1 + x, exact near 0."""
    y = x
    bias = BIAS
    special = 0.0
    if not (x > -1.0 and x < 1e300):
        # A large number is divided by 2**100, so that its 2**-k is normal.
        y = x * 7.888609052210118e-31
        bias = BIAS - 100.0
        if not (x > -1.0 and x < math.inf):
            y = 0.0
            special = -math.inf if x == -1.0 else (x if x > 0.0 else math.nan)
    # 1 + y is u + c.
    greater = max(y, 1.0)
    u = y + 1.0
    c = min(y, 1.0) - (u - greater)
    y = log_sum(u, c, bias) + special
    return x if x == 0.0 else y
