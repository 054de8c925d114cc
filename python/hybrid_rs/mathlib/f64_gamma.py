"""Gamma function of float64, and the logarithm of its absolute value.

From 5/2 on both are made of Stirling's formula

    log(gamma(y)) = (y - 1/2) (log(y) - 1) + (log(2 pi) - 1) / 2 + S(1 / y**2) / y

with a polynomial S, and below by recurrence: gamma(x) = gamma(x + 3) / (x (x + 1) (x + 2)), and from the polynomial for
3/2 to 5/2 by log(gamma(x + 1)) = log(gamma(x)) + log(x). Negative arguments are reflected. Logarithms, products and
sums are carried as pairs, a number and what its rounding lost.

The coefficients are minimax ones, made by ``tests/mathlib/coefficients_special.py``.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from hybrid_rs.language import bits, fma, from_bits
from hybrid_rs.mathlib.f64_exp import INV_LN2, LN2_HIGH, LN2_LOW, SHIFT, exp_rest, scaled
from hybrid_rs.mathlib.f64_log import BIAS, TINY
from hybrid_rs.mathlib.f64_pow import log_parts
from hybrid_rs.mathlib.f64_trig import above_cosine, below_sine

__all__ = ["lgamma", "tgamma"]

_PI = 3.141592653589793
_PI_REST = 1.2246467991473532e-16
_LOG_PI = 1.1447298858494002
_LOG_PI_REST = 1.0265951162707826e-17
# (log(2 pi) - 1) / 2
_HALF_LOG = 0.4189385332046727
_HALF_LOG_REST = 1.6728209650585413e-17
# The first two coefficients of log(gamma(2 + w)) / w: 1 less Euler's constant, and (pi**2 / 6 - 1) / 2.
_FIRST = 0.42278433509846713
_FIRST_REST = 4.942915152430645e-18
_SECOND = 0.3224670334241132
_SECOND_REST = 1.520336175199238e-17
# This less the bits of a float x are the bits of about 1 / x: off by 5.1 % at most.
_RECIPROCAL = 0x7FDE624DD2F1A9FC
# Below this gamma(x) is 1 / x: Euler's constant is lost beside it.
_SMALL = 2.0**-60


def tgamma(x: Any) -> Any:
    """Return gamma(x); nan for negative integers, inf with the sign of x for zeros."""
    # Beyond 171.6 the result is inf, below -184 it is 0; nan passes.
    a = min(abs(x), 190.0)
    near = a < 2.5
    y = a + 3.0 if near else a
    y_rest = a - (y - 3.0) if near else 0.0
    log_high, log_low = log_parts(y, BIAS)
    main, rest, inverse = _stirling(y, log_high, log_low)
    # The derivative of log(gamma(y)) is log(y) - 1 / (2 y) and less than 1/100.
    most, more = _sum(main, _HALF_LOG, fma(y_rest, fma(inverse, -0.5, log_high), rest + _HALF_LOG_REST))
    high = most + more
    low = (most - high) + more
    # (a + 1) (a + 2) = a (a + 3) + 2
    first = a + 3.0
    u = a * first
    u_rest = fma(a, first, -u) + a * (a - (first - 3.0))
    pair = u + 2.0
    pair_rest = (u - (pair - 2.0)) + u_rest
    triple = a * pair
    triple_rest = fma(a, pair, -triple) + a * pair_rest
    top, top_rest = 1.0, 0.0
    bottom, bottom_rest = triple if near else 1.0, triple_rest if near else 0.0
    if x < 0.0:
        # gamma(x) = pi / (a sin(pi x) gamma(a))
        sine, sine_rest = _sine_of_turns(x)
        product = a * sine
        bottom = sine if near else product
        bottom_rest = sine_rest if near else fma(a, sine, -product) + a * sine_rest
        high, low = -high, -low
        top = _PI * pair
        top_rest = fma(_PI, pair, -top) + fma(_PI, pair_rest, _PI_REST * pair)
        top, top_rest = top if near else _PI, top_rest if near else _PI_REST
    tiny = a < _SMALL
    divided = 1.0 / (x if tiny else bottom)
    f = top * divided
    f_rest = (fma(-f, bottom, top) + fma(-f, bottom_rest, top_rest)) * divided
    t = fma(high, INV_LN2, SHIFT)
    n = t - SHIFT
    reduced = fma(n, -LN2_HIGH, high)
    low = fma(n, -LN2_LOW, low)
    r = reduced + low
    r_rest = (reduced - r) + low
    g = fma(f, r, f)
    e = exp_rest(r, r_rest)
    g_rest = fma(f, r, f - g) + fma(f, e, fma(f_rest, r + e, f_rest))
    result = scaled(g + g_rest, t)
    result = math.nan if x < 0.0 and np.rint(x) == x else result
    return divided if tiny else result


def lgamma(x: Any) -> Any:
    """Return the logarithm of the absolute value of gamma(x); inf for 0 and negative integers."""
    a = abs(x)
    large = a >= 2.5
    under, middle = a < 0.5, a < 1.5
    # w + 2 is a, a + 1 or a + 2; the difference to log(gamma(a)) is the logarithm of a factor.
    w = a if under else (a - 1.0 if middle else a - 2.0)
    factor = fma(a, a, a) if under else (a if middle else 1.0)
    factor_rest = fma(a, a, a - factor) if under else 0.0
    u, bias = a if large else factor, BIAS
    if u < TINY:
        u, bias = u * 2.0**54, BIAS + 54.0
    log_high, log_low = log_parts(u, bias)
    # About 1 / factor, which is above a where factor_rest isn't 0.
    log_low = fma(factor_rest, from_bits(_RECIPROCAL - bits(factor)), log_low)
    main, rest, _ = _stirling(a, log_high, log_low)
    other, other_rest = _near_two(w)
    high, low = _sum(
        main if large else other,
        _HALF_LOG if large else -log_high,
        rest + _HALF_LOG_REST if large else other_rest - log_low,
    )
    if x < 0.0:
        high, low = _reflected(x, a, high, low)
    # Where the result is too large its rest is nan.
    result = high + low if high < math.inf else high
    return math.inf if a == 0.0 or (x < 0.0 and np.rint(x) == x) else result


def _stirling(y: Any, log_high: Any, log_low: Any) -> tuple[Any, Any, Any]:
    """Return (y - 1/2) (log(y) - 1), its rest with S(1 / y**2) / y, and 1 / y; y is at least 5/2."""
    half = y - 0.5
    less = log_high - 1.0
    less_rest = ((log_high - less) - 1.0) + log_low
    main = half * less
    rest = fma(half, less, -main) + fma(half, less_rest, ((y - half) - 0.5) * less)
    inverse = 1.0 / y
    z = inverse * inverse
    p = fma(z, 1.4517803941033973, -1.7757762518520948)
    p = fma(z, p, 1.0187221139015032)
    p = fma(z, p, -0.3734476782185623)
    p = fma(z, p, 0.10295790587423986)
    p = fma(z, p, -0.024777213884559734)
    p = fma(z, p, 0.00618159651738062)
    p = fma(z, p, -0.0019095622081960872)
    p = fma(z, p, 0.0008415602972742962)
    p = fma(z, p, -0.000595235184187199)
    p = fma(z, p, 0.0007936507682186552)
    p = fma(z, p, -0.002777777777673404)
    p = fma(z, p, 0.0833333333333332)
    return main, fma(inverse, p, rest), inverse


def _near_two(w: Any) -> tuple[Any, Any]:
    """Return log(gamma(2 + w)) in two parts, for w from -1/2 to 1/2."""
    p = fma(w, -1.3919222395526751e-07, 2.7057597867707796e-07)
    p = fma(w, p, -4.2564936745923504e-07)
    p = fma(w, p, 9.284442802342431e-07)
    p = fma(w, p, -2.0466347935733713e-06)
    p = fma(w, p, 4.381173774386315e-06)
    p = fma(w, p, -9.438155727915536e-06)
    p = fma(w, p, 2.050637306060697e-05)
    p = fma(w, p, -4.4926375860872695e-05)
    p = fma(w, p, 9.945757581557959e-05)
    p = fma(w, p, -0.00022315475033625855)
    p = fma(w, p, 0.0005096695222453223)
    p = fma(w, p, -0.0011927539119401785)
    p = fma(w, p, 0.002890510330785767)
    p = fma(w, p, -0.00738555102867132)
    p = fma(w, p, 0.020580808427784317)
    p = fma(w, p, -0.0673523010531981)
    inner = fma(w, p, _SECOND)
    inner_rest = fma(w, p, _SECOND - inner) + _SECOND_REST
    outer = fma(w, inner, _FIRST)
    outer_rest = fma(w, inner, _FIRST - outer) + fma(w, inner_rest, _FIRST_REST)
    main = w * outer
    return main, fma(w, outer, -main) + w * outer_rest


def _sum(a: Any, b: Any, rest: Any) -> tuple[Any, Any]:
    """Return a + b, and what its rounding lost with a rest (Knuth's sum, which doesn't ask which is greater)."""
    high = a + b
    back = high - a
    return high, ((a - (high - back)) + (b - back)) + rest


def _sine_of_turns(x: Any) -> tuple[Any, Any]:
    """Return sin(pi x) in two parts; exact 0 for integers."""
    halves = np.rint(x + x)
    r = fma(halves, -0.5, x)
    count = halves - 4.0 * np.floor(halves * 0.25)
    angle = r * _PI
    less = -fma(r, _PI, -angle) - r * _PI_REST
    below = below_sine(angle, less)
    base, above = above_cosine(angle, less)
    sine, cosine = angle - below, base + above
    sine_rest, cosine_rest = (angle - sine) - below, (base - cosine) + above
    odd, negative = count == 1.0 or count == 3.0, count >= 2.0  # noqa: PLR1714 - there is no `in`
    found, found_rest = cosine if odd else sine, cosine_rest if odd else sine_rest
    return -found if negative else found, -found_rest if negative else found_rest


def _reflected(x: Any, a: Any, high: Any, low: Any) -> tuple[Any, Any]:
    """Return log(pi / (a |sin(pi x)| gamma(a))) in two parts; the last of the gammas is given by its logarithm's."""
    sine, sine_rest = _sine_of_turns(x)
    # Close to 0 both logarithms are -log(a), and a**2 could be too small.
    close = a < _SMALL
    product = 1.0 if close else a * sine
    product_rest = 0.0 if close else fma(a, sine, -product) + a * sine_rest
    log_high, log_low = log_parts(abs(product), BIAS)
    log_low = log_low + product_rest / product
    first, rest = _sum(_LOG_PI, -log_high, _LOG_PI_REST - log_low)
    turned, turned_rest = _sum(first, -high, rest - low)
    return high if close else turned, low if close else turned_rest
