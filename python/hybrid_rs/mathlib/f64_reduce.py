"""Arguments of the trigonometric functions in float64: quarter turns are taken off, exactly enough for any argument.

Up to `_LIMIT` three parts of pi/2 are subtracted (Cody and Waite, "Software Manual for the Elementary Functions",
1980). Beyond it the argument is multiplied with those bits of 2/pi that matter, in integers (Payne and Hanek, "Radian
reduction for trigonometric functions", 1983).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from hybrid_rs.language import bits, fma, from_bits

__all__ = ["quarters"]

# 2**23: up to here there are less than 2**23 quarter turns, whose number times `_PIO2_2` is exact.
_LIMIT = 8388608.0
# pi/2 in three parts: 53 bits, the next 30, the next 53; what is left is below 2**-141. Of all float64 numbers up to
# the limit 6411027962775774 * 2**-47 is the closest to a multiple of pi/2: 2**-60 away.
_PIO2_1 = 1.5707963267948966
_PIO2_2 = 6.12323399409214e-17
_PIO2_3 = 1.6446256936324258e-26
# pi/2 less its first part, rounded.
_PIO2_LOW = 6.123233995736766e-17
_TWO_OVER_PI = 0.6366197723675814
# 1.5 * 2**52: what is added to it is rounded to a whole number, which is then found in the low bits of the sum.
_ROUNDER = 6755399441055744.0
_LOW_32 = 0xFFFFFFFF


def quarters(x: Any) -> Any:
    """Take quarter turns off an angle.

    Returns:
        ``high``, ``less``, ``count``: x is count * pi/2 + (high - less) but for multiples of 2 pi, and high is that
        difference rounded. Only the low two bits of the uint64 count mean something. Of inf and nan high is nan.
    """
    shifted = fma(x, _TWO_OVER_PI, _ROUNDER)
    turns = shifted - _ROUNDER
    # Exact: a multiple of the last place of x or of pi/2, and less than 1.
    first = fma(turns, -_PIO2_1, x)
    high = fma(turns, -_PIO2_2, first)
    less = fma(turns, _PIO2_3, fma(turns, _PIO2_2, high - first))
    count = bits(shifted)
    if abs(x) > _LIMIT:
        high, less, count = _quarters_of_large(x)
    return high, less, count


def _quarters_of_large(x: Any) -> Any:
    """Take quarter turns off an angle beyond the limit."""
    pattern = bits(abs(x))
    mantissa = (pattern & 0xFFFFFFFFFFFFF) | 0x10000000000000
    # |x| is mantissa * 2**(exponent - 1075). A bit of 2/pi doesn't matter where its product is a multiple of 4: 192
    # bits do, and there are 31 zeros before those of 2/pi where the exponent is least, 1046.
    a, b, c = _window((pattern >> 52) - 1046)
    # Of the product modulo 2**192, which stands for 4, the lowest 64 bits aren't needed.
    carried = _high_product(mantissa, c)
    low = mantissa * b + carried
    high = mantissa * a + _high_product(mantissa, b) + np.uint64(low < carried)
    count = (high >> 62) + ((high >> 61) & 1)
    # The fraction of a quarter turn, from -1/2 to 1/2, by its sign and 126 bits.
    negative = ((high >> 61) & 1) != 0
    flip = np.uint64(0) - ((high >> 61) & 1)
    high, low = ((high << 2) | (low >> 62)) ^ flip, (low << 2) ^ flip
    # As three floats of 52, 52 and 22 bits: each is put behind the point of a power of two, which is taken off.
    top = from_bits((high >> 11) | 0x3FE0000000000000) - 0.5
    middle = from_bits(((high & 0x7FF) << 41) | (low >> 23) | 0x3CA0000000000000) - 2.0**-53
    bottom = from_bits(((low & 0x7FFFFF) << 29) | 0x3960000000000000) - 2.0**-105
    part = top + middle
    rest = ((top - part) + middle) + bottom
    backwards = negative != (x < 0.0)
    scale = -_PIO2_1 if backwards else _PIO2_1
    scale_low = -_PIO2_LOW if backwards else _PIO2_LOW
    product = part * scale
    more = fma(part, scale, -product) + fma(part, scale_low, rest * scale)
    # inf - inf is nan
    angle = product + more + (x - x)
    return angle, (angle - product) - more, np.uint64(0) - count if x < 0.0 else count


def _high_product(a: Any, b: Any) -> Any:
    """Return the high 64 bits of a product of a number of 53 bits and one of 64."""
    a_high, a_low = a >> 32, a & _LOW_32
    b_high, b_low = b >> 32, b & _LOW_32
    first = a_low * b_high + ((a_low * b_low) >> 32)
    second = a_high * b_low + (first & _LOW_32)
    return a_high * b_high + (first >> 32) + (second >> 32)


def _window(place: Any) -> Any:
    """Return 192 bits of 2/pi as three uint64: those behind the first `place` ones, 31 zeros included.

    Each step halves the words that it can be, by one bit of the place; there are 19 of them.
    """
    eight, four, two, one = (place & 512) != 0, (place & 256) != 0, (place & 128) != 0, (place & 64) != 0
    a0 = np.uint64(0x5D768909D338E04D) if eight else np.uint64(0x0000000145F306DC)
    a1 = np.uint64(0x68BEFC827323AC73) if eight else np.uint64(0x9C882A53F84EAFA3)
    a2 = np.uint64(0x06A673E93908BF17) if eight else np.uint64(0xEA69BB81B6C52B32)
    a3 = np.uint64(0x7BF250763FF12FFF) if eight else np.uint64(0x78872083FCA2C757)
    a4 = np.uint64(0xBC0B301FDE5E2316) if eight else np.uint64(0xBD778AC36E48DC74)
    a5 = np.uint64(0xB414DA3EDA6CFD9E) if eight else np.uint64(0x849BA5C00C925DD4)
    a6 = np.uint64(0x4F96136E9E8C7ECD) if eight else np.uint64(0x13A32439FC3BD639)
    a7 = np.uint64(0x3CBFD45AEA4F758F) if eight else np.uint64(0x62534E7DD1046BEA)
    a8 = np.uint64(0xD7CBE2F67A0E73EF) if eight else np.uint64(0x5D768909D338E04D)
    a9 = np.uint64(0x14A525D4D7F6BF62) if eight else np.uint64(0x68BEFC827323AC73)
    a10 = np.uint64(0x3F1ABA10AC06608D) if eight else np.uint64(0x06A673E93908BF17)
    b0, b1, b2, b3, b4, b5, b6 = (
        a4 if four else a0,
        a5 if four else a1,
        a6 if four else a2,
        a7 if four else a3,
        a8 if four else a4,
        a9 if four else a5,
        a10 if four else a6,
    )
    c0, c1, c2, c3, c4 = (b2 if two else b0, b3 if two else b1, b4 if two else b2, b5 if two else b3, b6 if two else b4)
    d0, d1, d2, d3 = (c1 if one else c0, c2 if one else c1, c3 if one else c2, c4 if one else c3)
    shift = place & 63
    back = 64 - shift
    return (d0 << shift) | (d1 >> back), (d1 << shift) | (d2 >> back), (d2 << shift) | (d3 >> back)
