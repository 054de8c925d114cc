"""Functions of the kernel language that neither Python nor NumPy has; outside of kernels they are plain Python.

They give the same values there, on Python numbers and NumPy scalars.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from fractions import Fraction

__all__ = ["bits", "fma", "from_bits", "quot", "rem"]


def quot(a: Any, b: Any) -> Any:
    """Divide two integers and drop the fraction, as C does: ``quot(-7, 2)`` is -3.

    Raises:
        TypeError: For anything but integers.
        ZeroDivisionError: If b is 0.
    """
    return _truncated(a, b, "quot")[0]


def rem(a: Any, b: Any) -> Any:
    """Return what `quot` leaves, with the sign of a, as C's ``%``: ``rem(-7, 2)`` is -1.

    Raises:
        TypeError: For anything but integers.
        ZeroDivisionError: If b is 0.
    """
    return _truncated(a, b, "rem")[1]


def _truncated(a: Any, b: Any, name: str) -> tuple[Any, Any]:
    if not all(isinstance(value, int | np.integer | np.bool_) for value in (a, b)):
        raise TypeError(f"{name}: takes integers, not {type(a).__name__} and {type(b).__name__}")
    # Python's ints and bools are weak.
    given = [value.dtype for value in (a, b) if isinstance(value, np.integer)]
    dtype = np.result_type(*given) if given else None
    whole, divisor = int(a), int(b)
    if divisor == 0:
        raise ZeroDivisionError("integer division or modulo by zero" if name == "quot" else "integer modulo by zero")
    quotient = abs(whole) // abs(divisor)
    if (whole < 0) != (divisor < 0):
        quotient = -quotient
    remainder = whole - quotient * divisor
    if dtype is None:
        return quotient, remainder
    # INT_MIN / -1 wraps.
    return np.asarray(quotient).astype(dtype)[()], dtype.type(remainder)


def bits(x: Any) -> Any:
    """Return the bits of a float: uint32 of a float32, uint64 of a float64. Every nan gives those of the one nan.

    Raises:
        TypeError: For anything but a float.
    """
    if isinstance(x, np.float32):
        return np.uint32(0x7FC00000) if np.isnan(x) else x.view(np.uint32)
    if isinstance(x, float):
        return np.uint64(0x7FF8000000000000) if math.isnan(x) else np.float64(x).view(np.uint64)
    raise TypeError(f"bits: takes a float32 or float64, not {type(x).__name__}")


def from_bits(x: Any) -> Any:
    """Return the float that has these bits: float32 from uint32, float64 from uint64.

    Raises:
        TypeError: For anything but a uint32 or uint64.
    """
    if isinstance(x, np.uint32):
        return x.view(np.float32)
    if isinstance(x, np.uint64):
        return x.view(np.float64)
    raise TypeError(f"from_bits: takes a uint32 or uint64, not {type(x).__name__}")


def fma(a: Any, b: Any, c: Any) -> Any:
    """Return ``a * b + c`` with one rounding: float32 if a strong operand is and none is wider, else float64."""
    given = [value for value in (a, b, c) if isinstance(value, np.generic)]
    dtype = np.result_type(*given, 0.0) if given else np.dtype(np.float64)
    a, b, c = (float(dtype.type(value)) for value in (a, b, c))
    if not all(map(math.isfinite, (a, b, c))) or (c == 0 and 0 in (a, b)):
        with np.errstate(all="ignore"):
            # Nothing is rounded here, and zeros have the signs that IEEE says.
            return dtype.type(float(np.float64(a) * np.float64(b) + np.float64(c)))
    from fractions import Fraction  # loads decimal: milliseconds

    exact = Fraction(a) * Fraction(b) + Fraction(c)
    return dtype.type(_rounded(exact, dtype.itemsize == 4) if exact else 0.0)


def _rounded(exact: Fraction, single: bool) -> float:
    """Round to nearest, ties to even, to float32 or float64."""
    scale = type(exact)(2)
    digits, lowest, largest = (24, -149, 128) if single else (53, -1074, 1024)
    top, bottom = abs(exact.numerator), exact.denominator
    exponent = top.bit_length() - bottom.bit_length()
    if abs(exact) < scale**exponent:
        exponent -= 1
    unit = max(exponent - digits + 1, lowest)
    # Python rounds a Fraction to the nearest integer, ties to even.
    whole = round(abs(exact) / scale**unit)
    value = math.inf if whole.bit_length() + unit > largest else math.ldexp(whole, unit)
    return -value if exact < 0 else value
