"""Error function of float64, and what it lacks to 1.

For a >= 0 the function erfc(a) exp(a**2) (1 + c a) with c = 23/16 lies between 0.81 and 1.06: one polynomial of
a / (a + 7/2) gives it for all a, less a middle value, which makes its rounding errors small. The rest is exp, and a
division (after Shepherd and Laframboise, "Chebyshev approximation of (1 + 2x) exp(x**2) erfc x", 1981, with c = 2).

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
# A value in the middle of the polynomial's.
_MIDDLE = 0.953125


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
    linear = fma(a, 1.4375, 1.0)
    linear_rest = fma(a, 1.4375, 1.0 - linear)
    further = a + 3.5
    inverse = 1.0 / (linear * further)
    # w is a / (a + 7/2) - 7/16, with what the division leaves.
    per_further = linear * inverse
    left = fma(-per_further, a - (further - 3.5), fma(-per_further, further, 1.0))
    w = fma(a * per_further, left, fma(a, per_further, -0.4375))
    p = fma(w, 0.007622674056644302, 0.0058581301847684805)
    p = fma(w, p, -0.019581190720384722)
    p = fma(w, p, -0.01790366525884035)
    p = fma(w, p, 0.03184974666991185)
    p = fma(w, p, 0.03544573828632192)
    p = fma(w, p, -0.05018445772033531)
    p = fma(w, p, -0.0601542099187346)
    p = fma(w, p, 0.09326537920110643)
    p = fma(w, p, 0.08751694746291845)
    p = fma(w, p, -0.20700603736505413)
    p = fma(w, p, -0.059825538601768195)
    p = fma(w, p, 0.4714155853198206)
    p = fma(w, p, -0.3414587261691577)
    p = fma(w, p, -0.6432564623901758)
    p = fma(w, p, 1.960700270446691)
    p = fma(w, p, -2.7222123510338085)
    p = fma(w, p, 2.4840125739779904)
    p = fma(w, p, -1.5313862793728654)
    p = fma(w, p, 0.49581872607482974)
    p = fma(w, p, 0.16937073547108625)
    p = fma(w, p, -0.3896357441280528)
    p = fma(w, p, 0.007080593737895758)
    g = _MIDDLE + p
    g_rest = p - (g - _MIDDLE)
    # f + f_rest is g / linear, which is erfc(a) exp(a**2).
    per_linear = further * inverse
    f = g * per_linear
    f_rest = (fma(-f, linear, g) + fma(-f, linear_rest, g_rest)) * per_linear
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
    y_rest = fma(f, r, f - y) + fma(f, exp_rest(r, r_rest), fma(f_rest, r, f_rest))
    # 2**n may be too small for its bits.
    power = from_bits(bits(t) << 52) * 2.0**-64
    small = (y + y_rest) * power
    base = fma(-y, power, 2.0)
    large = base + fma(-y_rest, power, fma(-y, power, 2.0 - base))
    return large if x < 0.0 else small
