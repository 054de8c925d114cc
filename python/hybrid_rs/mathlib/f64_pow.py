"""pow of float64: exp(y log x), with log x in two numbers of together 66 bits or so.

x is 2**k m with m from sqrt(1/2) to sqrt(2), and with s = (m - 1) / (m + 1) and z = s**2

    log(m) = s (2 + z (2/3 + z p(z)))

in which p(z) needs the precision of float64 only; each step outwards carries what the one before has lost. The product
with y, at most 745, makes an error of 2**-66 one of 2**-56 of the result. exp is as in ``f64_exp``.

The coefficients are minimax ones, made by ``tests/mathlib/coefficients.py``.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from hybrid_rs import language as hr
from hybrid_rs.mathlib.f64_exp import INV_LN2, LN2_HIGH, LN2_LOW, SHIFT, exp_rest, scaled
from hybrid_rs.mathlib.f64_log import BIAS, TINY, parted

__all__ = ["pow"]

# 2/3 less its float64.
THIRDS_REST = 3.700743415417188e-17


def log_parts(u: Any, bias: Any) -> tuple[Any, Any]:
    """Return log(u) as a sum of two numbers; u is positive and normal."""
    f, k, _ = parted(u, bias)
    # s + s_low = f / (2 + f)
    below = 2.0 + f
    inverse = 1.0 / below
    s = f * inverse
    s_low = hr.fma(-s, f - (below - 2.0), hr.fma(-s, below, f)) * inverse
    z = s * s
    z_low = hr.fma(s + s, s_low, hr.fma(s, s, -z))
    p = hr.fma(z, 0.1198901332368475, 0.11674818500405632)
    p = hr.fma(z, p, 0.13336317418853966)
    p = hr.fma(z, p, 0.15384556871009752)
    p = hr.fma(z, p, 0.18181818870314537)
    p = hr.fma(z, p, 0.22222222217536464)
    p = hr.fma(z, p, 0.2857142857144511)
    p = hr.fma(z, p, 0.3999999999999998)
    c = hr.fma(z, p, 0.6666666666666666)
    c_low = hr.fma(z, p, 0.6666666666666666 - c) + hr.fma(z_low, p, THIRDS_REST)
    g = hr.fma(z, c, 2.0)
    g_low = hr.fma(z, c, 2.0 - g) + hr.fma(z, c_low, z_low * c)
    m_log = s * g
    m_log_low = hr.fma(s, g, -m_log) + hr.fma(s, g_low, s_low * g)
    base = k * LN2_HIGH
    high = base + m_log
    return high, ((base - high) + m_log) + hr.fma(k, LN2_LOW, m_log_low)


def pow(x: Any, y: Any) -> Any:  # noqa: A001 - the name of the op
    """Return x to the power of y, as C's pow."""
    size = abs(x)
    u = size
    bias = BIAS
    if size < TINY:
        u = size * 18014398509481984.0
        bias = BIAS + 54.0
    log_high, log_low = log_parts(u, bias)
    p = y * log_high
    p_low = hr.fma(y, log_low, hr.fma(y, log_high, -p))
    t = hr.fma(p, INV_LN2, SHIFT)
    n = t - SHIFT
    high = hr.fma(n, -LN2_HIGH, p)
    low = hr.fma(n, -LN2_LOW, p_low)
    s = 1.0 + high
    z = scaled(s + exp_rest(high + low, ((1.0 - s) + high) + low), t)
    if not (x >= TINY and x < math.inf and abs(p) < 1300.0):
        z = special(x, y, p, z)
    return z


def special(x: Any, y: Any, p: Any, z: Any) -> Any:
    """Return pow(x, y); z is what |x| gave, which is right if |x| is finite and not 0, and p = y log|x| moderate."""
    size = abs(x)
    if not abs(p) < 1300.0:
        z = math.inf if p > 0.0 else 0.0
    if size == 0.0 or math.isinf(x):
        z = 0.0 if (y > 0.0) == (size == 0.0) else math.inf
    z = 1.0 if size == 1.0 else z
    whole = np.rint(y) == y
    odd = whole and np.rint(0.5 * y) != 0.5 * y
    z = -z if odd and np.signbit(x) else z
    z = math.nan if x < 0.0 and not whole and size < math.inf else z
    z = math.nan if np.isnan(x) or np.isnan(y) else z
    return 1.0 if x == 1.0 or y == 0.0 else z
