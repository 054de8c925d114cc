"""Float arithmetic on Python floats, for the reference meaning of ops; a float32 value is a float that float32 holds.

Everything is IEEE 754 with rounding to nearest even and no traps: where Python raises, these give inf or nan.
"""

from __future__ import annotations

import ctypes
import math
import struct
from typing import TYPE_CHECKING, Final

from hybrid_rs.ir.types import Type

if TYPE_CHECKING:
    from fractions import Fraction

__all__ = [
    "NAN",
    "canonical",
    "ceil",
    "copysign",
    "divide",
    "divmod_floor",
    "floor",
    "fma",
    "fmod",
    "from_bits",
    "maximum",
    "minimum",
    "nearest",
    "rint",
    "round_to",
    "sqrt",
    "to_bits",
    "trunc",
]

NAN: Final[float] = struct.unpack("<d", struct.pack("<Q", 0x7FF8_0000_0000_0000))[0]
"""The canonical nan: quiet, sign plus, no payload."""

_FORMATS: Final = {32: ("<f", "<I"), 64: ("<d", "<Q")}


def canonical(value: float) -> float:
    """Replace any nan by the canonical one."""
    return value if value == value else NAN  # noqa: PLR0124 - the nan test


def round_to(type_: Type, value: float) -> float:
    """Round a float64 to a float type; too large ones become inf.

    One float32 operation (+ - * / sqrt) computed in float64 and rounded again gives the float32 result: 53 bits are at
    least 2 * 24 + 2 (Figueroa, "When is double rounding innocuous?", 1995; subnormal results have fewer bits still).
    """
    return value if type_.bits == 64 else ctypes.c_float(value).value


def nearest(type_: Type, exact: Fraction | int) -> float:
    """Round an exact non-zero value to a float type once."""
    try:
        # True division of Python's integers rounds to nearest even, also among the subnormals.
        value = exact.numerator / exact.denominator
    except OverflowError:
        return math.inf if exact > 0 else -math.inf
    if type_.bits == 64:
        return value
    # Rounding to odd first makes the second rounding right: an inexact float64 never looks like a float32 tie.
    if value != exact and _last_bit(value) == 0:
        value = math.nextafter(value, math.inf if exact > value else -math.inf)
    return round_to(type_, value)


def _last_bit(value: float) -> int:
    return int(struct.unpack("<Q", struct.pack("<d", value))[0]) & 1


def divide(type_: Type, a: float, b: float) -> float:
    """Divide as IEEE does: x / 0 is an inf, 0 / 0 is nan."""
    if b != 0:
        return round_to(type_, a / b)
    if a == 0 or math.isnan(a):
        return NAN
    return math.copysign(math.inf, a) * math.copysign(1.0, b)


def fmod(a: float, b: float) -> float:
    """Give the exact remainder with the sign of `a`, as C does: nan for an infinite `a` or a zero `b`."""
    if math.isinf(a) or b == 0:
        return NAN
    return math.fmod(a, b)


def divmod_floor(type_: Type, a: float, b: float) -> tuple[float, float]:
    """Give floor quotient and remainder by CPython's rule, each step rounded to the type.

    This is ``_float_div_mod`` of Objects/floatobject.c, taken literally for inf and nan; so inf // x and inf % x are
    nan, and for finite x, x // inf is 0 or -1 and x % inf is x or inf (-inf for a negative divisor), by the signs. Zero
    divisors, which raise there, give a / b and nan as in NumPy.
    """
    if b == 0:
        return divide(type_, a, b), NAN
    mod = fmod(a, b)
    div = round_to(type_, round_to(type_, a - mod) / b)
    if mod != 0:
        if (b < 0) != (mod < 0):
            mod = round_to(type_, mod + b)
            div = round_to(type_, div - 1.0)
    else:
        mod = math.copysign(0.0, b)
    if div != 0:
        quotient = floor(div)
        if round_to(type_, div - quotient) > 0.5:
            quotient = round_to(type_, quotient + 1.0)
    else:
        quotient = math.copysign(0.0, divide(type_, a, b))
    return quotient, mod


def fma(type_: Type, a: float, b: float, c: float) -> float:
    """Give a * b + c rounded once."""
    if not (math.isfinite(a) and math.isfinite(b)):
        return a * b + c
    if not math.isfinite(c):
        return c
    from fractions import Fraction  # loads decimal: milliseconds

    exact = Fraction(a) * Fraction(b) + Fraction(c)
    # An exact zero is either of zeros or of a product that is exactly -c: no rounding, only the sign is of interest.
    return nearest(type_, exact) if exact else a * b + c


def sqrt(type_: Type, a: float) -> float:
    """Give the square root; nan below zero."""
    return NAN if a < 0 else round_to(type_, math.sqrt(a))


def _whole(a: float, whole: int) -> float:
    return math.copysign(float(whole), a)  # keeps the sign of zeros


def floor(a: float) -> float:
    """Round down."""
    return _whole(a, math.floor(a)) if math.isfinite(a) else a


def ceil(a: float) -> float:
    """Round up."""
    return _whole(a, math.ceil(a)) if math.isfinite(a) else a


def trunc(a: float) -> float:
    """Round towards zero."""
    return _whole(a, math.trunc(a)) if math.isfinite(a) else a


def rint(a: float) -> float:
    """Round to nearest, halves to even."""
    return _whole(a, round(a)) if math.isfinite(a) else a


def copysign(a: float, b: float) -> float:
    """Give `a` the sign of `b`; a nan has the sign plus."""
    return math.copysign(a, canonical(b))


def minimum(a: float, b: float) -> float:
    """Give the lesser; nan if either is nan; -0 is less than +0."""
    if math.isnan(a) or math.isnan(b):
        return NAN
    if a == b == 0:
        return a if math.copysign(1.0, a) < 0 else b
    return min(a, b)


def maximum(a: float, b: float) -> float:
    """Give the greater; nan if either is nan; +0 is greater than -0."""
    return -minimum(-a, -b)


def to_bits(type_: Type, a: float) -> int:
    """Give the bits as an unsigned integer; of any nan those of the canonical one."""
    as_float, as_int = _FORMATS[type_.bits]
    return int(struct.unpack(as_int, struct.pack(as_float, canonical(a)))[0])


def from_bits(type_: Type, bits: int) -> float:
    """Give the float of these bits."""
    as_float, as_int = _FORMATS[type_.bits]
    return canonical(float(struct.unpack(as_float, struct.pack(as_int, bits))[0]))
