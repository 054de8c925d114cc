"""Error function of float64, and what it lacks to 1.

For a >= 0 the function erfc(a) exp(a**2) (1 + c a) with c = 5/4 lies between 0.72 and 1.02: one polynomial of
a / (a + 7/2) gives it for all a, and carries what its last steps lose. The rest is exp, and a division (after Shepherd
and Laframboise, "Chebyshev approximation of (1 + 2x) exp(x**2) erfc x", 1981, with c = 2).

The coefficients are minimax ones, made by ``tests/mathlib/coefficients_special.py``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from hybrid_rs.language import bits, fma, from_bits
from hybrid_rs.mathlib.f64_exp import INV_LN2, LN2_HIGH, LN2_LOW, exp_rest

__all__ = ["erf", "erfc"]

# 1.5 * 2**52 + 1023: the bits of 2**n are those of a sum with it, which is rounded to n, moved up by 52.
_SHIFT = 6755399441056767.0
# The same of 2**(n + 64).
_SHIFT_64 = 6755399441056831.0


def erf(x: Any) -> Any:
    """Return the error function of x."""
    # Beyond 5.95 the result is 1; nan passes.
    a = min(abs(x), 5.95)
    z = fma(a, a, -0.5)
    p = fma(z, -8.20485512693673e-10, 9.408001311138119e-09)
    p = fma(z, p, -1.0418759643302578e-07)
    p = fma(z, p, 1.0536425203773572e-06)
    p = fma(z, p, -9.614810983096382e-06)
    p = fma(z, p, 7.829649538219753e-05)
    p = fma(z, p, -0.0005611894219761991)
    p = fma(z, p, 0.00348027449666192)
    p = fma(z, p, -0.0182838844891562)
    p = fma(z, p, 0.07940998675593491)
    p = fma(z, p, -0.2810721780454342)
    p = fma(z, p, -0.03453126133013269)
    near = fma(a, p, a)
    # From 15/16 on 1 - exp(-(p + low)).
    w = a - 1.0
    q = fma(w, 6.136756730102404e-12, -1.4675267298794428e-10)
    q = fma(w, q, 1.5843425468405821e-09)
    q = fma(w, q, -1.004078833869718e-08)
    q = fma(w, q, 3.9170574522054315e-08)
    q = fma(w, q, -7.334514632667027e-08)
    q = fma(w, q, -1.7555057500337617e-07)
    q = fma(w, q, 2.0912070404101788e-06)
    q = fma(w, q, -9.62986675532819e-06)
    q = fma(w, q, 2.716816453394963e-05)
    q = fma(w, q, -2.627990626509928e-05)
    q = fma(w, q, -0.00023732256899952845)
    q = fma(w, q, 0.0019779027615425076)
    q = fma(w, q, -0.010033825426583709)
    q = fma(w, q, 0.041561098047889614)
    q = fma(w, q, 0.8431072563584042)
    q = fma(w, q, 2.638967514234789)
    p = fma(w, q, 1.8496055099332482)
    low = fma(w, q, 1.8496055099332482 - p)
    t = fma(p, -INV_LN2, _SHIFT)
    n = t - _SHIFT
    r = fma(n, -LN2_LOW, fma(n, -LN2_HIGH, -p)) - low
    power = from_bits(bits(t) << 52)
    far = fma(-power, exp_rest(r, r), 1.0 - power)
    return np.copysign(near if a < 0.9375 else far, x)


def erfc(x: Any) -> Any:
    """Return 1 less the error function of x, exact where that is small."""
    # Beyond 27.3 the result is 0; nan passes.
    a = min(abs(x), 27.3)
    linear = fma(a, 1.25, 1.0)
    linear_rest = fma(a, 1.25, 1.0 - linear)
    further = a + 3.5
    # Of the opposite sign, so that what the division leaves is a sum; so are f and y below.
    inverse = -1.0 / (linear * further)
    # w is 13/32 - a / (a + 7/2).
    minus = linear * inverse
    left = fma(minus, a - (further - 3.5), fma(minus, further, 1.0))
    w = fma(a * minus, left, fma(a, minus, 0.40625))
    p = fma(w, 0.006366975549152714, -0.0008466152206372657)
    p = fma(w, p, -0.01835103803664996)
    p = fma(w, p, 0.004808427282522134)
    p = fma(w, p, 0.032674107661745014)
    p = fma(w, p, -0.014132667291032588)
    p = fma(w, p, -0.05370815000871305)
    p = fma(w, p, 0.028521476131617457)
    p = fma(w, p, 0.0965407911980836)
    p = fma(w, p, -0.039163280151059486)
    p = fma(w, p, -0.19674341221638622)
    p = fma(w, p, -0.010932399585953722)
    p = fma(w, p, 0.40674677567753004)
    p = fma(w, p, 0.3956979869454952)
    p = fma(w, p, -0.4702452144641339)
    p = fma(w, p, -1.762770833018191)
    p = fma(w, p, -2.565714239514884)
    p = fma(w, p, -2.357094555606721)
    p = fma(w, p, -1.3989544345470457)
    p = fma(w, p, -0.35874720449020336)
    p = fma(w, p, 0.27947479002320724)
    q = fma(w, p, 0.4500171590567337)
    q_rest = fma(w, p, 0.4500171590567337 - q)
    g = fma(w, q, 0.8742332162369683)
    g_rest = fma(w, q, 0.8742332162369683 - g) + fma(w, q_rest, -3.6982398826161546e-16)
    # f + f_rest is -g / linear, which is -erfc(a) exp(a**2).
    per_linear = further * inverse
    f = g * per_linear
    f_rest = (fma(f, linear, g) + fma(f, linear_rest, g_rest)) * per_linear
    # -a**2 is n ln 2 + r + r_rest.
    z = a * a
    t = fma(z, -INV_LN2, _SHIFT_64)
    n = t - _SHIFT_64
    high = fma(n, -LN2_HIGH, -z)
    low = fma(n, LN2_LOW, fma(a, a, -z))
    r = high - low
    r_rest = (high - r) - low
    # y + y_rest is f exp(r).
    y = fma(f, r, f)
    e = exp_rest(r, r_rest)
    y_rest = fma(f, r, f - y) + fma(f, e, fma(f_rest, r + e, f_rest))
    # 2**n may be too small for its bits.
    power = from_bits(bits(t) << 52) * 2.0**-64
    small = (y + y_rest) * -power
    base = fma(y, power, 2.0)
    large = base + fma(y_rest, power, fma(y, power, 2.0 - base))
    return large if x < 0.0 else small
