"""sinh, cosh and tanh of float64, and their inverses.

sinh and cosh write ``|x|`` as n ln 2 + r, as exp does, and with the halves A = (1 - 4**-n) / 2 and B = (1 + 4**-n) / 2

    sinh |x| = 2**n (A cosh r + B sinh r)        cosh x = 2**n (B cosh r + A sinh r)

in which nothing cancels for n = 0 (A is 0), and little for n = 1. tanh is a quotient of two sums, and both keep what
their rounding lost. asinh and acosh are logarithms of such sums; atanh is a series of the form that log has.

The coefficients are minimax ones, made by ``tests/mathlib/coefficients.py``.
"""

from __future__ import annotations

import math
from typing import Any

from hybrid_rs import language as hr
from hybrid_rs.mathlib.f64_exp import INV_LN2, LN2_HIGH, LN2_LOW, exp_close
from hybrid_rs.mathlib.f64_log import BIAS, log_sum

__all__ = ["acosh", "asinh", "atanh", "cosh", "sinh", "tanh"]

# 1.5 * 2**52 + 1021: the bits of 2**(n - 2) are those of a sum with it, moved up by 52.
QUARTER_SHIFT = 6755399441056765.0
# 1.5 * 2**52 + 1023: likewise those of 2**n.
SHIFT = 6755399441056767.0
# The bits of 1 / y are these less those of y, for powers of two.
INVERSE = 2046 << 52
# Half of a step of the exponent, the bits of 1, of an exponent, and of 2**52.
HALF = 1 << 51
ONE = 0x3FF0000000000000
EXPONENT = 0x7FF0000000000000
WHOLE = 0x4330000000000000
HALF_LN2_HIGH = 0.5 * LN2_HIGH
HALF_LN2_LOW = 0.5 * LN2_LOW


def hyperbolic(x: Any, sign: Any) -> Any:
    """Return sinh(x) for the sign -1 and cosh(x) for 1; x is not negative."""
    x = min(x, 710.6)
    t = hr.fma(x, INV_LN2, QUARTER_SHIFT)
    n = t - QUARTER_SHIFT
    high = hr.fma(n, -LN2_HIGH, x)
    low = n * -LN2_LOW
    r = high + low
    # 2**n itself may be too large.
    power = hr.bits(t) << 52
    inverse = hr.from_bits(INVERSE - power)
    small = inverse * (0.03125 * sign)
    a = hr.fma(small, inverse, 0.5)
    b = hr.fma(-small, inverse, 0.5)
    # From n = 27 on both are 1/2, and what each has lost is the other's with the other sign.
    last = hr.fma(small, inverse, 0.5 - a)
    last = hr.fma(-last, high, last)
    # a cosh r + b sinh r; a is 0 or more than b r.
    first = b * high
    s = a + first
    last = last + (((a - s) + first) + hr.fma(b, high, -first))
    z = r * r
    c = hr.fma(z, 2.0921641231971164e-09, 2.75572522039582e-07)
    c = hr.fma(z, c, 2.480158734879626e-05)
    c = hr.fma(z, c, 0.001388888888887346)
    c = hr.fma(z, c, 0.041666666666666685)
    c = hr.fma(z, c, 0.5)
    d = hr.fma(z, 2.510904551361506e-08, 2.7557244180112084e-06)
    d = hr.fma(z, d, 0.00019841269886160343)
    d = hr.fma(z, d, 0.008333333333321615)
    d = hr.fma(z, d, 0.16666666666666677)
    y = s + hr.fma(a * z, c, hr.fma(b, hr.fma(z * r, d, low), last))
    return 4.0 * y * hr.from_bits(power)


def sinh(x: Any) -> Any:
    """Return the hyperbolic sine of x."""
    return math.copysign(hyperbolic(abs(x), -1.0), x)


def cosh(x: Any) -> Any:
    """Return the hyperbolic cosine of x."""
    return hyperbolic(abs(x), 1.0)


def tanh(x: Any) -> Any:
    """Return the hyperbolic tangent of x."""
    # (exp(2 x) - 1) / (exp(2 x) + 1), of which both are divided by 2**n; beyond 20 it is 1.
    size = min(abs(x), 20.0)
    twice = size + size
    t = hr.fma(twice, INV_LN2, SHIFT)
    n = t - SHIFT
    high = hr.fma(n, -LN2_HIGH, twice)
    low = n * -LN2_LOW
    inverse = hr.from_bits(INVERSE - (hr.bits(t) << 52))
    base = 1.0 - inverse
    s = base + high
    lost = ((base - s) + high) + (low + ((1.0 - base) - inverse))
    rest = exp_close(high, low, lost)
    above = s + rest
    above_low = (s - above) + rest
    # above + 2 inverse, of which either may be the greater
    double = inverse + inverse
    below = above + double
    part = below - above
    below_low = ((above - (below - part)) + (double - part)) + above_low
    reciprocal = 1.0 / below
    y = above * reciprocal
    left = hr.fma(-y, below_low, hr.fma(-y, below, above)) + above_low
    return math.copysign(hr.fma(left, reciprocal, y), x)


def root(square: Any, square_low: Any, one: Any) -> tuple[Any, Any]:
    """Return the square root of square + square_low + one as a sum of two numbers."""
    s = square + one
    lost = (min(square, one) - (s - max(square, one))) + square_low
    high = math.sqrt(s)
    # Of 0 the root's error is 0 / 1e-300.
    return high, (hr.fma(-high, high, s) + lost) / hr.fma(2.0, high, 1e-300)


def asinh(x: Any) -> Any:
    """Return the inverse hyperbolic sine of x."""
    size = abs(x)
    square = size * size
    high, low = root(square, hr.fma(size, size, -square), 1.0)
    u = high + size
    c = ((high - u) + size) + low
    bias = BIAS
    special = 0.0
    if size > 1e150:
        # log(2 |x|), with |x| divided by 2**200.
        u = size * 6.223015277861142e-61
        c = 0.0
        bias = BIAS - 201.0
        if size == math.inf:
            u = 1.0
            special = math.inf
    return math.copysign(log_sum(u, c, bias) + special, x)


def acosh(x: Any) -> Any:
    """Return the inverse hyperbolic cosine of x."""
    # x**2 - 1 = d**2 + 2 d
    d = x - 1.0
    square = d * d
    high, low = root(square, hr.fma(d, d, -square), d + d)
    u = x + high
    c = ((x - u) + high) + low
    bias = BIAS
    special = 0.0
    if not (x >= 1.0 and x < 1e150):
        u = x * 6.223015277861142e-61
        c = 0.0
        bias = BIAS - 201.0
        if not (x >= 1.0 and x < math.inf):
            u = 1.0
            special = math.inf if x >= 1.0 else math.nan
    return log_sum(u, c, bias) + special


def atanh(x: Any) -> Any:
    """Return the inverse hyperbolic tangent of x."""
    size = abs(x)
    special = 0.0
    if not size < 1.0:
        special = math.inf if size == 1.0 else math.nan
        size = 0.0
    # (1 + x) / (1 - x) is 2**k m, with k such that m is from 2/3 to 3/2, and s = (m - 1) / (m + 1).
    over = 1.0 + size
    over_low = (1.0 - over) + size
    under = 1.0 - size
    under_low = (1.0 - under) - size
    place = hr.bits(over) - hr.bits(under) + HALF
    k = hr.from_bits(place >> 52 | WHOLE) - 4503599627370496.0
    power = hr.from_bits((place & EXPONENT) + ONE)
    under = under * power
    under_low = under_low * power
    above = over - under
    above_low = over_low - under_low
    below = over + under
    below_low = (min(over, under) - (below - max(over, under))) + (over_low + under_low)
    reciprocal = 1.0 / below
    s = above * reciprocal
    s_low = (hr.fma(-s, below_low, hr.fma(-s, below, above)) + above_low) * reciprocal
    z = s * s
    p = hr.fma(z, 0.06924998206877399, 0.06586279384413464)
    p = hr.fma(z, p, 0.07695587380540868)
    p = hr.fma(z, p, 0.09090831958932974)
    p = hr.fma(z, p, 0.1111111216493796)
    p = hr.fma(z, p, 0.1428571427776228)
    p = hr.fma(z, p, 0.20000000000028992)
    p = hr.fma(z, p, 0.333333333333333)
    base = k * HALF_LN2_HIGH
    y = base + s
    lost = hr.fma(k, HALF_LN2_LOW, (base - y) + s) + s_low
    return math.copysign(y + hr.fma(s * z, p, lost) + special, x)
