"""What kernels compute, against the same functions in plain Python."""

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybrid_rs import language as hr
from lowered import alike, plain, run

TABLE = np.arange(12.0).reshape(3, 4) ** 2
SCALE = 2.5
STEPS = 7


def collatz(n: Any) -> Any:
    count = 0
    while n != 1:
        if n % 2 == 0:
            n //= 2
        else:
            n = 3 * n + 1
        count += 1
        if count > 200:
            break
    return count


def mandelbrot(cx: Any, cy: Any, limit: Any) -> Any:
    zx = zy = 0.0
    for i in range(limit):
        a = zx * zx
        b = zy * zy
        if a + b > 4.0:
            return i
        zy = 2 * zx * zy + cy
        zx = a - b + cx
    return limit


def swaps(a: Any, b: Any) -> Any:
    a, b = b, a + b
    a, b = b, a
    (a, b) = b - a, a
    return a, b


def clamp(x: Any, low: Any = 0, high: Any = 10) -> Any:
    if x < low:
        return low
    if x > high:
        return high
    return x


def helpers(x: Any) -> Any:
    return clamp(x) + clamp(x, high=5) * clamp(low=2, x=x)


def both(a: Any, b: Any) -> Any:
    return a + b, a - b


def several(a: Any, b: Any) -> Any:
    total, difference = both(a, b)
    again = both(difference, total)[1]
    return total * 2, difference, again


def chained(a: Any, b: Any, c: Any) -> Any:
    return 0 <= a < b + 1 < c != 7


def ranges(a: Any, b: Any) -> Any:
    total = 0
    for i in range(a, b):
        total += i
    for i in range(b, a, -1):
        total -= 2 * i
    for i in range(a, b, 3):
        total += i * i
    for j in range(b):
        for i in range(j, 2 * j, 2):
            if i == 6:
                continue
            total += i * j
    return total


def any_step(a: Any, b: Any, s: Any) -> Any:
    total, count = 0, 0
    for i in range(a, b, s):
        total += i
        count += 1
    return total, count


def loop_variable_after(n: Any) -> Any:
    i = -1
    for i in range(n):
        if i == 3:
            break
    return i


def loop_variable_assigned(n: Any) -> Any:
    total = 0
    for i in range(n):
        i = i * 2  # noqa: PLW2901
        total += i
    return total


def nested_same_name(n: Any) -> Any:
    total = 0
    for i in range(n):
        for i in range(3):  # noqa: PLW2901
            total += i
        total += i * 10
    return total


def bisect(x: Any) -> Any:
    low, high = 0, TABLE.shape[1]
    while low < high:
        middle = (low + high) // 2
        if TABLE[1, middle] < x:
            low = middle + 1
        else:
            high = middle
    return low


def rounding(x: Any) -> Any:
    return math.floor(x), math.ceil(x), math.trunc(x), round(x), int(x), np.floor(x), np.rint(x), np.trunc(x)


def signs(x: Any) -> Any:
    return np.sign(x), np.signbit(x), np.clip(x, -1, 2), np.where(x > 0, x, -x), abs(x), -x, +x, np.square(x)


def extremes(a: Any, b: Any) -> Any:
    return min(a, b), max(a, b, 1.5), np.minimum(a, b), np.maximum(a, b), np.fmin(a, b), np.fmax(a, b)


def bits(a: Any, b: Any) -> Any:
    return a & b, a | b, a ^ b, ~a, a << 3, a >> 2, hr.quot(a, b | 1), hr.rem(a, b | 1)


def powers(x: Any) -> Any:
    return x**2, x**3, x**5, x**0, x**13, 2 ** (x % 5), x ** (x % 7), pow(x, 4)


def compared(a: Any, b: Any) -> Any:
    return a < b, a <= b, a > b, a >= b, a == b, a != b


def with_literals(x: Any) -> Any:
    return x < 300, x > -1, x == 1000, x != 10**30, -(10**30) < x, x <= 10**30, 300 > x, x >= -(10**30)  # noqa: SIM300


def bools(a: Any, b: Any) -> Any:
    return a & b, a | b, a ^ b, not a, a and b, a or not b, min(a, b), max(a, b), a == b, a != b


def counted(a: Any, b: Any) -> Any:
    return (a + 1) * 3 - b, int(a) + int(b), -b + 0


def constants(x: Any) -> Any:
    return x * SCALE + math.pi - STEPS, x * np.e, math.inf, -np.inf


def operands(a: Any, b: Any) -> Any:
    return a or b, a and b, (a or STEPS) and b, a if b > 0 else -a


def early(n: Any) -> Any:
    while True:
        n -= 1
        if n < 5:
            return n
        for i in range(n):
            if i * i > n:
                return i
            if i == 4:
                break


def casts(x: Any) -> Any:
    return np.int8(x), np.uint8(x), np.int32(x), np.float32(x), bool(x), float(x), np.uint64(x), np.bool_(x)


FLOATS: tuple[Callable[..., Any], ...] = (rounding, signs, constants)
INTS: tuple[Callable[..., Any], ...] = (swaps, several, ranges, bits, compared, operands)
small = st.integers(-30, 30)
floats = st.floats(-1e6, 1e6)


@pytest.mark.parametrize("function", INTS, ids=lambda f: f.__name__)
@given(a=small, b=small)
def test_two_integers(function: Callable[..., Any], a: int, b: int) -> None:
    for kind in (np.int64, np.int16):
        assert alike(run(function, kind(a), kind(b)), plain(function, kind(a), kind(b)))


@pytest.mark.parametrize("function", FLOATS, ids=lambda f: f.__name__)
@given(x=floats)
def test_one_float(function: Callable[..., Any], x: float) -> None:
    assert alike(run(function, np.float64(x)), plain(function, np.float64(x)))


@given(x=floats, y=floats)
def test_extremes(x: float, y: float) -> None:
    assert alike(run(extremes, np.float64(x), np.float64(y)), extremes(np.float64(x), np.float64(y)))


@given(n=st.integers(1, 1000))
def test_loops(n: int) -> None:
    for function in (collatz, early):
        assert run(function, np.int64(n)) == function(n)
    for function in (loop_variable_after, loop_variable_assigned, nested_same_name):
        assert run(function, np.int32(n % 9)) == function(n % 9)


@given(x=st.floats(-2, 1), y=st.floats(-1.5, 1.5))
def test_mandelbrot(x: float, y: float) -> None:
    assert run(mandelbrot, np.float64(x), np.float64(y), 50) == mandelbrot(x, y, 50)


@given(a=small, b=small, c=small)
def test_chained_comparisons(a: int, b: int, c: int) -> None:
    assert run(chained, np.int8(a), np.int32(b), np.int64(c)) == chained(a, b, c)


@given(x=st.integers(-20, 20))
def test_helpers(x: int) -> None:
    assert run(helpers, np.int32(x)) == helpers(x)
    assert run(powers, np.int64(x)) == powers(x)


@given(x=st.floats(-10, 200))
def test_a_captured_table(x: float) -> None:
    assert run(bisect, np.float64(x)) == bisect(x)


@pytest.mark.parametrize("kinds", list(itertools.product([int, np.int8, np.int32, np.int64], repeat=2)))
def test_ranges_of_any_types(kinds: tuple[Any, Any]) -> None:
    for a, b, s in itertools.product((-5, 0, 3), (-7, 0, 9), (-3, -1, 1, 2, 0)):
        start, stop = kinds[0](a), kinds[1](b)
        for step in (s, np.int16(s)):
            assert alike(run(any_step, start, stop, step), plain(any_step, a, b, s))


@pytest.mark.parametrize("kind", [np.int8, np.uint8, np.int32, np.uint32, np.int64, np.uint64])
def test_ranges_at_the_ends_of_a_type(kind: Any) -> None:
    low, high = (int(np.iinfo(kind).min), int(np.iinfo(kind).max))
    for a, b, s in itertools.product((low, low + 3, high - 2, high), (low, low + 5, high - 1, high), (1, 3)):
        if abs(b - a) < 1000:
            assert run(any_step, kind(a), kind(b), kind(s))[1] == len(range(a, b, s))


WIDE = (-(2**63), -129, -1, 0, 1, 127, 128, 2**31, 2**63 - 1, 2**63, 2**64 - 1)
KINDS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")


@pytest.mark.parametrize(("first", "second"), list(itertools.product(KINDS, repeat=2)))
def test_integer_comparisons_are_exact(first: str, second: str) -> None:
    def values(kind: str) -> list[Any]:
        info = np.iinfo(kind)
        return [np.dtype(kind).type(value) for value in WIDE if info.min <= value <= info.max]

    for a, b in itertools.product(values(first), values(second)):
        assert run(compared, a, b) == compared(int(a), int(b))
        assert run(compared, a, int(b) if b < 2**63 else b) == compared(int(a), int(b))


@pytest.mark.parametrize("kind", KINDS)
def test_literals_in_comparisons_are_exact(kind: str) -> None:
    for value in (0, 1, 100, 127):
        assert run(with_literals, np.dtype(kind).type(value)) == with_literals(value)


@pytest.mark.parametrize(("a", "b"), list(itertools.product([False, True], repeat=2)))
def test_bools(a: bool, b: bool) -> None:
    assert run(bools, a, b) == bools(a, b)
    assert run(counted, a, b) == counted(a, b)


@given(x=st.integers(0, 100))
def test_casts(x: int) -> None:
    for kind in (np.int8, np.uint16, np.int64, np.float32, np.float64):
        assert run(casts, kind(x)) == casts(kind(x))


def test_casts_wrap_and_saturate() -> None:
    def narrow(x: Any) -> Any:
        return np.int8(x), np.uint16(x)

    assert run(narrow, np.int64(-129)) == (127, 65407)
    assert run(narrow, np.float64(-1e10)) == (-128, 0)
    assert run(narrow, np.float64(math.nan)) == (0, 0)
    assert run(narrow, np.float64(1e10)) == (127, 65535)


def test_divmod_and_division() -> None:
    def divided(a: Any, b: Any) -> Any:
        whole, rest = divmod(a, b)
        return whole, rest, a // b, a % b, a / b

    for a, b in itertools.product((-7, 0, 7, 100), (-3, 2, 5)):
        assert run(divided, np.int32(a), np.int32(b)) == divided(a, b)
    assert run(divided, np.int32(1), np.int32(0)) == "ZeroDivisionError"


def test_an_empty_docstring_and_pass_do_nothing() -> None:
    def quiet(x: Any) -> Any:
        """Do little."""
        pass  # noqa: PIE790
        ...  # noqa: PIE790
        if x > 0:
            pass
        return x

    assert run(quiet, np.float64(2.0)) == 2.0


def test_several_results() -> None:
    assert run(swaps, np.int32(3), np.int32(5)) == swaps(3, 5)
    one = run(lambda x: (x, x > 1), np.float32(2.5))
    assert one == (2.5, True)
