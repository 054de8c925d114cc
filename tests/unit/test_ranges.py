"""The ranges of functions: how near they come, and that every value of a run lies in them."""

import contextlib
import random
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hybrid_rs as hr
import irgen
import loopgen
from fuzz import build
from fuzz.generate import generate
from hybrid_rs import elementary, frontend, passes
from hybrid_rs.ir.nodes import Function
from hybrid_rs.ir.reference import Faulted
from hybrid_rs.ir.types import Type, named
from hybrid_rs.passes.intervals import FULL
from hybrid_rs.passes.narrow import narrow
from hybrid_rs.passes.ranges import LoopFacts, TooLongError, analyse
from lowered import made
from ranged import Checked

INT16, INT32, INT64, UINT32, FLOAT64 = (named(name) for name in ("int16", "int32", "int64", "uint32", "float64"))
ELEMENTS, LIMIT = 8, 300


def lowered(kernel: Callable[..., Any], *types: Type) -> Function:
    function = frontend.lower(frontend.load(kernel), tuple(frontend.Arg(type_) for type_ in types)).function
    for one in passes.ORDER[:3]:
        function = one(function)
    return function


def held(kernel: Callable[..., Any], *types: Type) -> dict[str, Any]:
    """Give what a kernel assigns to its variables."""
    return analyse(lowered(kernel, *types)).hulls


def test_a_condition_bounds_what_it_is_about() -> None:
    def kernel(x: Any) -> Any:
        low = 0
        if x > 10 and not x >= 50:
            low = x
        other = x if x >= 5 and x < 9 else 5
        return low + min(other, 100)

    found = held(kernel, INT64)
    assert found["low"] == (0, 49)
    assert found["other"] == (5, 8)


def test_the_number_of_trips_bounds_a_count() -> None:
    def kernel(x: Any, n: Any) -> Any:
        count = 0
        twice = 0
        for i in range(n):
            if x > i:
                count += 1
            twice += 2
        return count + twice

    small = held(kernel, FLOAT64, INT16)
    assert small["count"] == (0, 2**15 - 1)
    assert small["twice"] == (0, 2**16 - 2)
    assert small["i"] == (0, 2**15 - 1)
    assert held(kernel, FLOAT64, INT64)["twice"] == FULL[INT64.code]


def test_a_loop_that_counts_down_or_in_steps() -> None:
    def kernel(n: Any) -> Any:
        total = 0
        while n > 3:
            n -= 2
            total -= 1
        for i in range(100, 0, -7):
            total = i
        return total

    found = held(kernel, INT16)
    assert found["n.local" if "n.local" in found else "n"] == FULL[INT16.code]
    # From 32767 in steps of 2 to 3 or below.
    assert found["total"] == (-((INT16.high - 3 + 1) // 2), 100)


def test_a_constant_that_stops_a_count_inside_of_a_loop() -> None:
    def kernel(x: Any, n: Any) -> Any:
        count = 0
        for _ in range(n):
            if count < 100:
                count += 1
        return count + x

    assert held(kernel, INT64, INT64)["count"] == (0, 100)


def test_states_that_a_loop_goes_through() -> None:
    def kernel(x: Any, n: Any) -> Any:
        state = 0
        for _ in range(n):
            if state == 0:
                state = 1 if x > 3 else 2
            elif state == 1:
                state = 3
            else:
                state = 0
        return state

    assert held(kernel, INT64, INT64)["state"] == (0, 3)


def test_a_remainder_is_small_behind_the_first_trip() -> None:
    def kernel(x: Any, n: Any) -> Any:
        acc = x
        for _ in range(n):
            acc = hr.rem(acc * 7 + 13, 997)
        return acc

    (loop,) = [item for item in analyse(lowered(kernel, INT32, INT32)).items if isinstance(item, LoopFacts)]
    assert (loop.hulls["acc"], loop.head["acc"]) == ((-996, 996), FULL[INT32.code])


def test_a_divisor_below_the_square_root() -> None:
    def kernel(n: Any) -> Any:
        d = 2
        while d * d <= n:
            if n % d == 0:
                return d
            d += 1
        return n

    assert held(kernel, INT32)["d"] == (2, 46341)


def test_a_float_that_is_clamped_is_a_small_integer() -> None:
    def kernel(x: Any) -> Any:
        i = int(min(max(x, -3.5), 255.0))
        j = 7
        if 1.0 <= x < 9.5:
            j = int(x)
        return i + j

    found = held(kernel, FLOAT64)
    assert found["i"] == (-3, 255)
    assert found["j"] == (1, 9)


def test_what_wraps_is_anything() -> None:
    def kernel(x: Any, n: Any) -> Any:
        h = x
        for _ in range(n):
            h = (h ^ h >> 16) * 0x85EBCA6B
        return h

    assert held(kernel, UINT32, INT32)["h"] == FULL[UINT32.code]


def test_nests_that_take_too_long_are_given_up() -> None:
    body = "n += " + " + ".join(f"i{depth}" for depth in range(12))
    for depth in reversed(range(12)):
        body = f"for i{depth} in range(n):\n" + "\n".join(f"    {line}" for line in body.splitlines())
    source = "def kernel(n):\n" + "\n".join(f"    {line}" for line in body.splitlines()) + "\n    return n\n"
    function = lowered(made(source, "kernel"), INT64)
    with pytest.raises(TooLongError):
        analyse(function)
    assert narrow(function) is function


def runs(function: Function, columns: Sequence[Any], tables: Sequence[Any]) -> None:
    checked = Checked(function)
    for row in zip(*[column.tolist() for column in columns], strict=True):
        # Faults are as good as results.
        with contextlib.suppress(Faulted):
            checked.run(row, tables, LIMIT)


@given(st.integers(0, 2**32))
@settings(max_examples=60)
def test_the_values_of_a_random_function_lie_in_their_intervals(seed: int) -> None:
    rng = random.Random(seed)
    function = irgen.generate(rng, size=rng.choice([4, 12, 25]), faults=rng.choice([0.0, 0.1, 0.3]))
    runs(function, *irgen.arguments(rng, function, ELEMENTS))


@given(st.integers(0, 2**32))
@settings(max_examples=60)
def test_the_values_of_a_random_loop_lie_in_their_intervals(seed: int) -> None:
    function = loopgen.function(random.Random(seed))
    if function is not None:
        runs(function, *loopgen.arguments(random.Random(seed), function, ELEMENTS))


@given(st.integers(0, 2**32))
@settings(max_examples=30)
def test_the_values_of_a_random_kernel_lie_in_their_intervals(seed: int) -> None:
    program = generate(seed)
    types: list[frontend.Arg | frontend.TableArg] = []
    for name in program.arguments:
        if name in program.tables:
            types.append(frontend.TableArg(named(program.tables[name].dtype.name), program.tables[name].ndim))
        else:
            types.append(frontend.Arg(named(program.rows[name].dtype.name)))
    with build.module(program.source) as names:
        typed = frontend.lower(frontend.load(build.kernel_of(names).py_func), tuple(types))
    captured = [guard.expected for guard in typed.captured]
    tables = [program.tables[name] for name in program.arguments if name in program.tables]
    columns = [program.rows[name] for name in program.arguments if name in program.rows]
    runs(elementary.expanded(typed.function), columns, [*tables, *captured])
