"""The functions of hybrid_rs.language outside of kernels, against kernels and exact arithmetic."""

import math
import struct
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hybrid_rs import language as hr
from lowered import alike, run

INTEGERS = ("int8", "uint8", "int32", "int64", "uint64")
whole = st.integers(-(2**63), 2**64 - 1)


def divided(a: Any, b: Any) -> Any:
    return hr.quot(a, b), hr.rem(a, b)


def bits_of(x: Any) -> Any:
    return hr.bits(x)


def float_of(u: Any) -> Any:
    return hr.from_bits(u)


def fused(a: Any, b: Any, c: Any) -> Any:
    return hr.fma(a, b, c)


def truncated(a: int, b: int) -> tuple[int, int]:
    quotient = math.trunc(Fraction(a, b))
    return quotient, a - b * quotient


@pytest.mark.parametrize("name", INTEGERS)
@given(a=whole, b=whole)
@example(a=-128, b=-1)
@example(a=-(2**63), b=-1)
@example(a=7, b=0)
def test_quot_and_rem(name: str, a: int, b: int) -> None:
    kind = np.dtype(name).type
    x, y = (np.asarray(value).astype(name)[()] for value in (np.uint64(a % 2**64), np.uint64(b % 2**64)))
    if y == 0:
        for function in (hr.quot, hr.rem):
            with pytest.raises(ZeroDivisionError):
                function(x, y)
        assert run(divided, x, y) == "ZeroDivisionError"
        return
    quotient, remainder = truncated(int(x), int(y))
    wanted = (np.asarray(quotient % 2**64, np.uint64).astype(name)[()], kind(remainder))
    assert divided(x, y) == wanted == run(divided, x, y)
    assert [value.dtype.name for value in divided(x, y)] == [name, name]
    assert divided(int(x), int(y)) == (quotient, remainder)


@pytest.mark.parametrize("name", INTEGERS)
@pytest.mark.parametrize("weak", [3, True, np.bool_(True)])
def test_quot_with_weak_numbers(name: str, weak: Any) -> None:
    x = np.dtype(name).type(100)
    quotient, remainder = divmod(100, int(weak))
    for found in (divided(x, weak), run(divided, x, weak)):
        assert found == (quotient, remainder)
        assert [value.dtype.name for value in found] == [name, name]


def test_what_quot_refuses() -> None:
    for a, b in ((1.5, 2), (1, np.float32(2)), ("a", 1)):
        with pytest.raises(TypeError, match="quot: takes integers"):
            hr.quot(a, b)


@given(x=st.floats())
def test_bits_of_float64(x: float) -> None:
    wanted = struct.unpack("<Q", struct.pack("<d", math.nan if x != x else x))[0]  # noqa: PLR0124 - nan
    for value in (x, np.float64(x)):
        assert hr.bits(value) == wanted
        assert hr.bits(value).dtype == np.uint64
    assert run(bits_of, np.float64(x)) == wanted
    assert alike(hr.from_bits(np.uint64(wanted)), x)
    assert alike(run(float_of, np.uint64(wanted)), x)


@given(u=st.integers(0, 2**32 - 1))
def test_bits_of_float32(u: int) -> None:
    x = hr.from_bits(np.uint32(u))
    assert x.dtype == np.float32
    assert alike(float(x), struct.unpack("<f", struct.pack("<I", u))[0])
    back = 0x7FC00000 if np.isnan(x) else u
    assert hr.bits(x) == back == run(bits_of, x)
    assert alike(run(float_of, np.uint32(u)), x)


@pytest.mark.parametrize(
    ("function", "value"), [(hr.bits, 1), (hr.bits, np.int8(1)), (hr.from_bits, 1), (hr.from_bits, 1.0)]
)
def test_what_bits_refuse(function: Any, value: object) -> None:
    with pytest.raises(TypeError, match="takes a"):
        function(value)


@given(a=st.floats(), b=st.floats(), c=st.floats())
@example(a=0.1, b=10.0, c=-1.0)
@example(a=5e-324, b=0.5, c=0.0)
@example(a=-5e-324, b=0.25, c=5e-324)
@example(a=1e308, b=10.0, c=-1e308)
@example(a=-0.0, b=1.0, c=-0.0)
@example(a=1e-300, b=-1e-300, c=0.0)
def test_fma(a: float, b: float, c: float) -> None:
    found = float(hr.fma(a, b, c))
    kernel = run(fused, np.float64(a), np.float64(b), np.float64(c))
    assert alike(found, float(kernel))
    assert math.copysign(1, found) == math.copysign(1, kernel) or found != found  # noqa: PLR0124 - nan
    if all(map(math.isfinite, (a, b, c))):
        exact = Fraction(a) * Fraction(b) + Fraction(c)
        try:
            wanted = exact.numerator / exact.denominator  # Python rounds the quotient of two ints once
        except OverflowError:
            wanted = math.inf if exact > 0 else -math.inf
        assert found == wanted


@given(a=st.floats(width=32), b=st.floats(width=32), c=st.floats(width=32))
def test_fma_of_float32(a: float, b: float, c: float) -> None:
    values = [np.float32(value) for value in (a, b, c)]
    found = hr.fma(*values)
    assert found.dtype == np.float32
    assert alike(found, run(fused, *values))
