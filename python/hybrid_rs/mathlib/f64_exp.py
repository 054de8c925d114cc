"""exp, exp2 and expm1 of float64.

All write the argument as n ln 2 + r with an integer n and ``|r|`` at most ln(2) / 2, and the result as 2**n exp(r).
exp(r) is a sum of which only the greatest part is rounded to a unit of the result: 1 + r is kept as `s` and what its
rounding lost, and the rest of the polynomial is at most 0.07.

The coefficients are minimax ones, made by ``tests/mathlib/coefficients.py``.
"""

from __future__ import annotations

from typing import Any

from hybrid_rs import language as hr

__all__ = ["exp", "exp2", "expm1"]

INV_LN2 = 1.4426950408889634
# ln 2 to 42 bits, so that its products with integers of 11 bits are exact, and the rest.
LN2_HIGH = 0.6931471805598903
LN2_LOW = 5.497923018708371e-14
# ln 2 to 53 bits, and the rest.
LN2 = 0.6931471805599453
LN2_REST = 2.3190468138462996e-17
# 1.5 * 2**52 + 2046: a sum with it is rounded to an integer n, and has n + 2046 in its low 12 bits.
SHIFT = 6755399441057790.0
# 1.5 * 2**52 + 1022: the bits of 2**(n - 1) are those of the sum, moved up by 52.
EXPM1_SHIFT = 6755399441056766.0
# The bits of 2**(1 - n) are these less those of 2**(n - 1).
INVERSE = 2046 << 52


def scaled(y: Any, t: Any) -> Any:
    """Return y * 2**n, rounded once; t is n + SHIFT, n from -2046 to 2047."""
    k = hr.bits(t)
    half = k >> 1
    return y * hr.from_bits(half << 52) * hr.from_bits((k - half) << 52)


def exp_rest(r: Any, lost: Any) -> Any:
    """Return exp(r) - 1 - r + lost for ``|r|`` up to ln(2) / 2, exact to 2**-57 of exp(r)."""
    z = r * r
    even = hr.fma(z, 2.4978385267557764e-08, 2.7557640863903627e-06)
    even = hr.fma(z, even, 0.00019841269466207292)
    even = hr.fma(z, even, 0.008333333333500047)
    even = hr.fma(z, even, 0.16666666666666433)
    odd = hr.fma(z, 2.762518987020732e-07, 2.4801508675718523e-05)
    odd = hr.fma(z, odd, 0.0013888888926801058)
    odd = hr.fma(z, odd, 0.04166666666660395)
    odd = hr.fma(z, odd, 0.5)
    return hr.fma(z, hr.fma(r, even, odd), lost)


def exp(x: Any) -> Any:
    """Return e to the power of x."""
    # Beyond these ends the result is 0 or inf; nan passes.
    x = min(max(x, -746.0), 710.0)
    t = hr.fma(x, INV_LN2, SHIFT)
    n = t - SHIFT
    high = hr.fma(n, -LN2_HIGH, x)
    r = hr.fma(n, -LN2_LOW, high)
    s = 1.0 + high
    lost = hr.fma(n, -LN2_LOW, (1.0 - s) + high)
    return scaled(s + exp_rest(r, lost), t)


def exp2(x: Any) -> Any:
    """Return 2 to the power of x; whole powers are exact."""
    x = min(max(x, -1080.0), 1030.0)
    t = x + SHIFT
    f = x - (t - SHIFT)
    s = hr.fma(f, LN2, 1.0)
    lost = hr.fma(f, LN2_REST, hr.fma(f, LN2, 1.0 - s))
    z = f * f
    even = hr.fma(z, 7.073582123197018e-09, 1.3215436594341855e-06)
    even = hr.fma(z, even, 0.0001540353045409269)
    even = hr.fma(z, even, 0.009618129107596966)
    even = hr.fma(z, even, 0.24022650695910122)
    odd = hr.fma(z, 4.4363020017438736e-10, 1.0178184682043654e-07)
    odd = hr.fma(z, odd, 1.5252733546763387e-05)
    odd = hr.fma(z, odd, 0.001333355814668626)
    odd = hr.fma(z, odd, 0.05550410866482074)
    return scaled(s + hr.fma(z, hr.fma(f, odd, even), lost), t)


def exp_close(high: Any, low: Any, lost: Any) -> Any:
    """Return exp(r) - 1 - r + lost for r = high + low, as `exp_rest`, exact to 2**-60.

    For sums in which 1 + r loses its first bits, such as exp(r) - 1/2.
    """
    r = high + low
    z = r * r
    even = hr.fma(z, 2.511124591774691e-08, 2.755723745719156e-06)
    even = hr.fma(z, even, 0.0001984126989333704)
    even = hr.fma(z, even, 0.00833333333331853)
    even = hr.fma(z, even, 0.1666666666666668)
    odd = hr.fma(z, 2.083852739568591e-09, 2.755752603965882e-07)
    odd = hr.fma(z, odd, 2.4801587025674115e-05)
    odd = hr.fma(z, odd, 0.001388888888903323)
    odd = hr.fma(z, odd, 0.04166666666666641)
    # The square counts, too: it is taken of both parts of r.
    rest = hr.fma(z * r, hr.fma(r, odd, even), hr.fma(low, high, lost))
    return hr.fma(0.5 * high, high, rest)


def expm1(x: Any) -> Any:
    """Return e to the power of x less 1, exact near 0."""
    clamped = min(max(x, -50.0), 710.0)
    t = hr.fma(clamped, INV_LN2, EXPM1_SHIFT)
    n = t - EXPM1_SHIFT
    high = hr.fma(n, -LN2_HIGH, clamped)
    low = n * -LN2_LOW
    # expm1 = 2**n * (exp(r) - 2**-n); `power` is 2**(n - 1), since 2**1024 is too large.
    power = hr.bits(t) << 52
    inverse = hr.from_bits(INVERSE - power)
    base = hr.fma(-0.5, inverse, 1.0)
    s = base + high
    # From n = 54 on 2**-n is lost in `base`.
    lost = ((base - s) + high) + (low + hr.fma(-0.5, inverse, 1.0 - base))
    y = s + exp_close(high, low, lost)
    # -0 is itself.
    return x if x == 0.0 else (y + y) * hr.from_bits(power)
