"""Error function of float32 numbers, and its complement."""

from __future__ import annotations

from typing import Any

import numpy as np

from hybrid_rs.language import bits, fma, from_bits

__all__ = ["erf", "erfc"]

# 1.5 * 2**23, and 127 or 254: a sum with it is rounded to a whole number n, and has n and that in its low bits.
_ROUNDER = 12583039.0
_WIDE_ROUNDER = 12583166.0
_WIDE_ROUNDER_BITS = 0x4B4000FE
_PER_LN2 = 1.4426950216293335
_LN2 = 0.6931471824645996
_LN2_REST = -1.9046542121259336e-09


def erf(x: Any) -> Any:
    """Return the error function of x: a polynomial up to 0.8, then 1 - 2**(v + b p) with b = |x| - 1.

    v is the complement's logarithm at 1, of which the part that has few bits is added after rounding.
    """
    size = abs(x)
    z = x * x
    p = fma(z, -0.0006524083437398076, 0.005084524862468243)
    p = fma(z, p, -0.02682129293680191)
    p = fma(z, p, 0.11283150315284729)
    p = fma(z, p, -0.37612608075141907)
    p = fma(z, p, 0.12837916612625122)
    near = fma(x, p, x)
    # Where the result is 1 in any case the power is 2**-25 or less.
    b = min(size, 3.93) - 1.0
    p = fma(b, 0.0003058768925257027, -0.0027737626805901527)
    p = fma(b, p, 0.014444324187934399)
    p = fma(b, p, -0.05996314436197281)
    p = fma(b, p, -1.216344952583313)
    p = fma(b, p, -3.807225227355957)
    power = fma(b, p, 0.003458303166553378)
    shifted = (power - 2.671875) + _ROUNDER
    r = power + (-2.671875 - (shifted - _ROUNDER))
    p = fma(r, 0.00015329880989156663, 0.0013390978565439582)
    p = fma(r, p, 0.009618498384952545)
    p = fma(r, p, 0.05550359562039375)
    p = fma(r, p, 0.24022647738456726)
    p = fma(r, p, 0.6931471824645996)
    p = fma(r, p, 1.0)
    far = fma(-p, from_bits(bits(shifted) << 23), 1.0)
    return np.where(size < 0.8, near, np.copysign(far, x))


def erfc(x: Any) -> Any:
    """Return 1 less the error function of x, without loss where that is near 1.

    Up to 0.7 it is 1 - x - x p; beyond, exp(-a**2) g / (a + 5/8) for a = |x|, where g is between 0.6 and 0.7. Of both
    factors of that product the rests are kept.
    """
    z = x * x
    p = fma(z, -0.0006867215852253139, 0.005127736367285252)
    p = fma(z, p, -0.026839811354875565)
    p = fma(z, p, 0.11283455789089203)
    p = fma(z, p, -0.376126229763031)
    p = fma(z, p, 0.12837916612625122)
    most = 1.0 - x
    near = most + fma(-x, p, (1.0 - most) - x)
    a = min(abs(x), 10.1)
    bottom = a + 0.625
    q = 1.0 / bottom
    q_rest = fma(-q, a - (bottom - 0.625), fma(-q, bottom, 1.0)) * q
    v = q - 0.3125
    g = fma(v, 0.39093345403671265, -0.16384994983673096)
    g = fma(v, g, -0.6297267079353333)
    g = fma(v, g, 0.7832146883010864)
    g = fma(v, g, -0.22365838289260864)
    g = fma(v, g, -0.3077791631221771)
    g = fma(v, g, 0.3682866394519806)
    g = fma(v, g, -0.031596839427948)
    g = fma(v, g, -0.3146412968635559)
    g = fma(v, g, 0.21496960520744324)
    # What q lacks changes g by its derivative, of which a line is enough.
    g = fma(v, g, fma(q_rest, fma(v, -0.6292825937271118, 0.21496960520744324), 2.4066496351338174e-08))
    base = g + 0.6571753025054932
    g = g - (base - 0.6571753025054932)
    factor = base * q
    factor_rest = fma(g, q, fma(base, q_rest, fma(base, q, -factor)))
    square = a * a
    shifted = fma(square, -_PER_LN2, _WIDE_ROUNDER)
    n = shifted - _WIDE_ROUNDER
    most = fma(n, -_LN2, -square)
    rest = fma(n, -_LN2_REST, -fma(a, a, -square))
    r = most + rest
    rest = rest - (r - most)
    most = r + 1.0
    rest = (r - (most - 1.0)) + rest
    p = fma(r, 0.00019762522424571216, 0.001393200014717877)
    p = fma(r, p, 0.008333545178174973)
    p = fma(r, p, 0.04166649654507637)
    p = fma(r, p, 0.1666666567325592)
    p = fma(r, p, 0.5)
    rest = fma(r * r, p, rest)
    product = fma(most, factor, fma(most, factor_rest, rest * factor))
    whole = bits(shifted) - (_WIDE_ROUNDER_BITS - 254)
    half = whole >> 1
    far = product * from_bits(half << 23) * from_bits((whole - half) << 23)
    return np.where(abs(x) < 0.7, near, np.where(x < 0.0, 2.0 - far, far))
