"""Gamma function of float32 numbers, and the logarithm of its absolute value.

Both use Stirling's series with a logarithm of two float32 numbers, and the reflection gamma(x) gamma(1 - x) =
pi / sin(pi x).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from hybrid_rs.language import bits, fma, from_bits
from hybrid_rs.mathlib.f32_pow import exp2_parts, log2_sum

__all__ = ["lgamma", "tgamma"]

_INF = float("inf")
_NAN = float("nan")
_EULER = 0.5772156715393066
_LN2 = 0.6931471824645996
_LN2_REST = -1.9046542121259336e-09
_FOUR_LN2 = 2.7725887298583984
_FOUR_LN2_REST = -7.618616848503734e-09
_PER_LN2 = 1.4426950216293335
_PER_LN2_REST = 1.925963033500011e-08
# An eighth of the logarithm of 2 pi to the base 2.
_CONSTANT = 0.33143702149391174
_CONSTANT_REST = -5.309872097569723e-09
# From here on the logarithm is infinite.
_OVERFLOW = 4.085003425410169e36
# Less the bits of a number, those of its inverse, within 5.1 %.
_INVERSE = 0x7EF311C7


def tgamma(x: Any) -> Any:
    """Return the gamma function of x; nan for negative whole numbers.

    gamma(y + 4) / (y (y + 1) (y + 2) (y + 3)) with y = x, or y = 1 - x where x < 1/2.
    """
    mirrored = x < 0.5
    a = max(min(x, 40.0), -50.0)
    a = np.where(mirrored, -a, a)
    offset = np.where(mirrored, np.float32(2.5), np.float32(1.5))
    # v = y + 3/2, whose square less 1/4, and less 9/4, are factors of the product.
    v, v_rest = added(a, offset)
    square = v * v
    square_rest = fma(v + v, v_rest, fma(v, v, -square))
    b = square - 0.25
    b_rest = ((square - b) - 0.25) + square_rest
    c = square - 2.25
    c_rest = ((square - c) - 2.25) + square_rest
    product = b * c
    product_rest = fma(b, c, -product) + fma(b, c_rest, c * b_rest)
    n = np.rint(x)
    sine, sine_rest = sine_per_pi(x - n)
    top = np.where(mirrored, product, np.float32(1.0))
    top_rest = np.where(mirrored, product_rest, np.float32(0.0))
    bottom = np.where(mirrored, sine, product)
    bottom_rest = np.where(mirrored, sine_rest, product_rest)
    ratio = top / bottom
    inverse = from_bits(_INVERSE - bits(bottom))
    inverse = inverse * fma(-bottom, inverse, 2.0)
    ratio_rest = (fma(-ratio, bottom, top) + fma(-ratio, bottom_rest, top_rest)) * inverse
    y = v + 2.5
    y_rest = (v - (y - 2.5)) + v_rest
    log, log_rest = log2_sum(y)
    log, log_rest = stirling(y, y_rest, log, log_rest)
    k = np.where(mirrored, np.float32(-4.0), np.float32(4.0))
    most, rest, first, second = exp2_parts(k * log, k * log_rest)
    result = fma(most, ratio, fma(most + rest, ratio_rest, rest * ratio)) * first * second
    half = n * 0.5
    result = np.where(mirrored & (np.rint(half) != half), -result, result)
    # 1 / x - Euler's constant.
    size = abs(x)
    least = 1.0 / x
    small = least + fma(fma(-least, x, 1.0), least, -_EULER)
    result = np.where(size < 2.0**-20, np.where(size < 2.0**-60, least, small), result)
    return np.where((x < 0.0) & (n == x), _NAN, result)


def lgamma(x: Any) -> Any:
    """Return the natural logarithm of the absolute value of the gamma function of x.

    For y = x, or y = 1 - x where x < 0: Stirling's series from 5/2 on, a polynomial below, which for y < 3/4 is that of
    y + 1, less log(y).
    """
    size = abs(x)
    mirrored = x < 0.0
    y, y_rest = added(np.where(mirrored, -x, x), np.where(mirrored, np.float32(1.0), np.float32(0.0)))
    low = (x < 0.75) & np.logical_not(mirrored)
    log, log_rest = log2_sum(y)
    # log(gamma(1 + a)) = a p for |a| <= 1/4, else a (a - 1) p.
    a = np.where(mirrored, -x, np.where(low, x, x - 1.0))
    near = abs(a) <= 0.25
    v = np.where(near, a, a - 0.875)
    p = np.where(near, np.float32(0.10654346644878387), np.float32(-0.00019587203860282898))
    p = fma(v, p, np.where(near, np.float32(-0.12470107525587082), np.float32(0.0003944922355003655)))
    p = fma(v, p, np.where(near, np.float32(0.12566332519054413), np.float32(-0.0006274118786677718)))
    p = fma(v, p, np.where(near, np.float32(-0.14332357048988342), np.float32(0.0013356542913243175)))
    p = fma(v, p, np.where(near, np.float32(0.16953299939632416), np.float32(-0.0029536488000303507)))
    p = fma(v, p, np.where(near, np.float32(-0.20740392804145813), np.float32(0.006566312629729509)))
    p = fma(v, p, np.where(near, np.float32(0.27058151364326477), np.float32(-0.015252284705638885)))
    p = fma(v, p, np.where(near, np.float32(-0.40068548917770386), np.float32(0.03812228888273239)))
    p = fma(v, p, np.where(near, np.float32(0.822467029094696), np.float32(-0.10918086767196655)))
    p = fma(v, p, np.where(near, np.float32(6.4428165025276485e-09), np.float32(-1.3798911346896148e-08)))
    base = np.where(near, np.float32(-0.5772156715393066), np.float32(0.43586456775665283))
    factor = base + p
    factor_rest = p - (factor - base)
    b = np.where(near, np.float32(1.0), a - 1.0)
    product = a * b
    product_rest = fma(a, b, -product)
    middle = product * factor
    middle_rest = fma(product, factor, -middle) + fma(product, factor_rest, product_rest * factor)
    minus = log * -_LN2
    minus_rest = fma(log, -_LN2, -minus) + fma(log, -_LN2_REST, log_rest * -_LN2)
    sum_ = minus + middle
    sum_rest = ((minus - sum_) + middle) + (middle_rest + minus_rest)
    series, series_rest = stirling(y, y_rest, log, log_rest)
    # One number and a small rest, whose product with 4 ln 2 is infinite only where the result is.
    quarter = series + series_rest
    series_rest = series_rest - (quarter - series)
    far = quarter * _FOUR_LN2
    far_rest = fma(quarter, _FOUR_LN2, -far) + fma(quarter, _FOUR_LN2_REST, series_rest * _FOUR_LN2)
    high = np.where(y < 2.5, np.where(low, sum_, middle), far)
    rest = np.where(y < 2.5, np.where(low, sum_rest, middle_rest), far_rest)
    result = high + rest
    if mirrored:
        result = reflected(x, high, rest)
    return np.where((size < _OVERFLOW) & (size > 0.0), result, size + _INF)


def reflected(x: Any, high: Any, rest: Any) -> Any:
    """Return the logarithm for a negative x, given that for 1 - x as a sum."""
    distance = abs(x - np.rint(x))
    sine, sine_rest = sine_per_pi(distance)
    log, log_rest = log2_sum(sine)
    most = log * _LN2
    rest = rest + fma(log, _LN2, -most) + fma(log, _LN2_REST, log_rest * _LN2)
    rest = fma(sine_rest, from_bits(_INVERSE - bits(sine)), rest)
    sum_, lost = added(most, high)
    return np.where(distance == 0.0, _INF, -(sum_ + (lost + rest)))


def added(a: Any, b: Any) -> Any:
    """Return the sum of two numbers, and what it lacks."""
    sum_ = a + b
    part = sum_ - a
    return sum_, (a - (sum_ - part)) + (b - part)


def sine_per_pi(d: Any) -> Any:
    """Return sin(pi d) / pi for |d| <= 1/2, and what it lacks."""
    z = d * d
    t = fma(z, -0.0022507563699036837, 0.02612607553601265)
    t = fma(z, t, -0.19074980914592743)
    t = fma(z, t, 0.81174236536026)
    m = z * -1.644934058189392
    m_rest = fma(z, -8.658834538266547e-09, fma(z, -1.644934058189392, -m))
    m_rest = fma(z * z, t, fma(fma(d, d, -z), -1.644934058189392, m_rest))
    most = m + 1.0
    m_rest = (m - (most - 1.0)) + m_rest
    w = most + m_rest
    w_rest = m_rest - (w - most)
    sine = d * w
    return sine, fma(d, w_rest, fma(d, w, -sine))


def stirling(y: Any, y_rest: Any, log: Any, log_rest: Any) -> Any:
    """Return a quarter of the logarithm of gamma(y) to the base 2, as a sum, given that of y; y is 5/2 or more.

    (y - 1/2) log(y) - y log(e) + log(2 pi) / 2 + p / y; the quarter is finite for each y that has a logarithm.
    """
    inverse = 1.0 / y
    z = inverse * inverse
    p = fma(z, -0.0005660857423208654, 0.001114165410399437)
    p = fma(z, p, -0.004006208851933479)
    p = fma(z, p, 0.12022457271814346)
    quarter = y * 0.25
    c = quarter - 0.125
    most = c * log
    rest = fma(c, log, -most) + fma(c, log_rest, ((quarter - c) - 0.125) * log)
    line = quarter * _PER_LN2
    line_rest = fma(quarter, _PER_LN2_REST, fma(quarter, _PER_LN2, -line))
    part = line - _CONSTANT
    line_rest = ((line - part) - _CONSTANT) + (line_rest - _CONSTANT_REST)
    high = most - part
    rest = ((most - high) - part) + (rest - line_rest)
    # The derivative is log(y) - 1 / (2 y ln 2).
    return high, fma(inverse * 0.25, p, fma(y_rest, fma(inverse, -0.18033688, log * 0.25), rest))
