"""frexp and ldexp on every engine, against Python's and NumPy's."""

import math
from typing import Any

import numpy as np
import pytest

import hybrid_rs as hr
from hybrid_rs.errors import CompileError
from mathlib.points import exponents, patterns, special

ENGINES = ("vm", "native", "reference")
DTYPES = (np.float32, np.float64)


def _math_frexp(x: Any) -> Any:
    fraction, exponent = math.frexp(x)
    return fraction, exponent


def _np_frexp(x: Any) -> Any:
    fraction, exponent = np.frexp(x)
    return fraction, exponent


@hr.kernel
def _ldexp(x: Any, n: Any) -> Any:
    return math.ldexp(x, n)


@hr.kernel(overflow="raise")
def _checked(x: Any, n: Any) -> Any:
    return np.ldexp(x, n)


def numbers(dtype: Any, engine: str) -> Any:
    """Give numbers of all exponents, subnormal ones and special values; fewer for the slow engine."""
    count = 200 if engine == "reference" else 20_000
    small = exponents(count // 10, high=float(np.finfo(dtype).tiny), dtype=dtype)
    return np.concatenate([patterns(count, dtype), small, special(dtype)])


def bits(x: Any) -> Any:
    """Give the bits, with one nan for all."""
    x = np.where(np.isnan(x), x.dtype.type(math.nan), x)
    return x.view(np.uint32 if x.dtype == np.float32 else np.uint64)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("function", [_math_frexp, _np_frexp])
def test_frexp(function: Any, dtype: Any, engine: str) -> None:
    x = numbers(dtype, engine)
    fraction, exponent = hr.map(hr.kernel(function), x, engine=engine)
    wanted = [math.frexp(value) for value in x.tolist()]
    assert fraction.dtype == dtype
    assert exponent.dtype == (np.int64 if function is _math_frexp else np.int32)
    assert (bits(fraction) == bits(np.array([part for part, _ in wanted], dtype=dtype))).all()
    # What the exponent of inf and nan is, C leaves open; in Python and here it is 0.
    assert (exponent == [power for _, power in wanted]).all()


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("powers", ["any", "around the ends", "out of all bounds", "narrow"])
def test_ldexp(powers: str, dtype: Any, engine: str) -> None:
    x = numbers(dtype, engine)
    generator = np.random.default_rng(8)
    if powers == "any":
        n = generator.integers(-2200, 2200, x.size)
    elif powers == "around the ends":
        info = np.finfo(dtype)
        own = np.frexp(np.where(np.isfinite(x), x, 1.0).astype(dtype))[1]
        ends = [info.minexp - info.nmant, info.minexp - info.nmant // 2, info.minexp, info.maxexp]
        n = generator.choice(ends, x.size) + generator.integers(-3, 4, x.size) - own
    elif powers == "out of all bounds":
        n = generator.choice([-(2**63), -(2**31), 2**31 - 1, 2**63 - 1], x.size)
    else:
        n = generator.integers(-128, 128, x.size).astype(np.int8)
    found = hr.map(_ldexp, x, n, engine=engine)
    with np.errstate(all="ignore"):
        wanted = np.ldexp(x, np.clip(n, -9999, 9999).astype(np.int32))
    assert found.dtype == dtype
    assert (bits(found) == bits(wanted)).all()
    assert (bits(hr.map(_checked, x, n, engine=engine)) == bits(wanted)).all()


@pytest.mark.parametrize("engine", ENGINES)
def test_ldexp_rounds_once(engine: str) -> None:
    # Rounded to 53 bits first, 2**-1074 would be added to the results.
    x = np.array([1.0 + 2.0**-52, 1.5 - 2.0**-52, -1.0 - 2.0**-52])
    n = np.array([-1075, -1074, -1075], dtype=np.int64)
    assert (hr.map(_ldexp, x, n, engine=engine) == [5e-324, 5e-324, -5e-324]).all()


def test_powers_of_every_integer_type() -> None:
    x = np.linspace(-3.0, 3.0, 7)
    for dtype in (np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint16, np.uint32, np.uint64):
        assert (_ldexp(x, np.full(7, 5, dtype)) == x * 32).all()
        assert (_ldexp(x.astype(np.float32), np.full(7, np.iinfo(dtype).max, dtype)) == x * 2.0**127 * 2)[x == 0].all()
    largest = np.full(7, 2**64 - 1, dtype=np.uint64)
    assert (_ldexp(x, largest) == np.where(x == 0, 0.0, np.copysign(np.inf, x))).all()
    assert (_checked(x, largest) == np.where(x == 0, 0.0, np.copysign(np.inf, x))).all()
    assert (_ldexp(x, True) == x * 2).all()
    assert (_ldexp(x, -5) == x / 32).all()


def test_other_numbers_become_float64() -> None:
    fraction, exponent = hr.kernel(_np_frexp)(np.arange(5, dtype=np.int16))
    assert fraction.dtype == np.float64
    assert (fraction == [0.0, 0.5, 0.5, 0.75, 0.5]).all()
    assert (exponent == [0, 1, 2, 2, 3]).all()
    assert (_ldexp(np.array([True, False]), 3) == [8.0, 0.0]).all()
    assert _ldexp(np.array([True, False]), 3).dtype == np.float64


def test_parts_in_an_expression() -> None:
    def mean(x: Any, y: Any) -> Any:
        fraction, exponent = np.frexp(x)
        return math.ldexp(fraction * math.frexp(y)[0], exponent + np.frexp(y)[1]) + 1.0 // y

    x, y = np.linspace(-2.0, 2.0, 9), np.geomspace(0.001, 1000.0, 9)
    assert (hr.kernel(mean)(x, y) == x * y + 1.0 // y).all()


def test_a_power_that_is_no_integer_is_refused() -> None:
    with pytest.raises(CompileError, match=r"a power that is no integer\n(.|\n)*x \* 2\.0 \*\* y"):
        _ldexp(np.ones(2), np.ones(2))
