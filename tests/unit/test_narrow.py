"""What narrowing makes of kernels, and that it keeps results, faults and steps."""

import random
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hybrid_rs as hr
import irgen
import loopgen
from hybrid_rs import frontend, passes
from hybrid_rs.bench import vm_kernels
from hybrid_rs.frontend import Arg, TableArg
from hybrid_rs.ir import walk
from hybrid_rs.ir.nodes import Block, Cast, Expr, Function, Loop, Param
from hybrid_rs.ir.reference import Faulted, run
from hybrid_rs.ir.show import show, show_expr
from hybrid_rs.ir.types import Type, named
from hybrid_rs.ir.verify import verify
from hybrid_rs.passes.narrow import narrow, narrow_counting

INT16, INT32, INT64 = named("int16"), named("int32"), named("int64")
UINT8, UINT32, UINT64, FLOAT64 = named("uint8"), named("uint32"), named("uint64"), named("float64")
ELEMENTS, PLENTY = 8, 100_000


def plain(kernel: Callable[..., Any], *types: Type | TableArg, overflow: str = "wrap") -> Function:
    args = tuple(Arg(one) if isinstance(one, Type) else one for one in types)
    return frontend.lower(frontend.load(kernel), args, overflow=overflow).function


def final(kernel: Callable[..., Any], *types: Type | TableArg, steps: bool = False, overflow: str = "wrap") -> Function:
    """Give a kernel after all passes."""
    return passes.run(plain(kernel, *types, overflow=overflow), steps=steps)


def of_locals(function: Function) -> dict[str, str]:
    return {local.name: local.type.name for local in function.locals}


def loop_text(function: Function) -> list[str]:
    """Give the text of a function's last loop, without comments."""
    lines = [line.split("  #")[0] for line in show(function).splitlines()]
    begin = max(place for place, line in enumerate(lines) if line.lstrip().startswith("loop "))
    depth = len(lines[begin]) - len(lines[begin].lstrip())
    inside = [lines[begin]]
    for line in lines[begin + 1 :]:
        indent = len(line) - len(line.lstrip())
        if indent < depth or (indent == depth and not line.lstrip().startswith("step ")):
            break
        inside.append(line)
    return [line.strip() for line in inside]


def expressions(function: Function) -> list[Expr]:
    found: list[Expr] = []

    def add(expr: Expr) -> None:
        found.append(expr)
        for operand in walk.operands(expr):
            add(operand)

    for stmt in walk.statements(function.body):
        for expr in walk.expressions(stmt):
            add(expr)
    return found


# ---- what becomes of kernels


def busy(x: Any, iters: Any) -> Any:
    acc = x
    for _ in range(iters):
        acc = hr.rem(acc * 7 + 13, 997)
    return acc


def busy_mod(x: Any, iters: Any) -> Any:
    acc = x
    for _ in range(iters):
        acc = (acc * 7 + 13) % 997
    return acc


@pytest.mark.parametrize("x", [INT32, INT64], ids=str)
@pytest.mark.parametrize("iters", [INT32, INT64], ids=str)
@pytest.mark.parametrize(
    ("kernel", "text"), [(busy, "rem(acc'1 * 7i16 + 13i16, 997i16)"), (busy_mod, "(acc'1 * 7i16 + 13i16) % 997i16")]
)
def test_busy_work_runs_in_16_bits_from_the_second_trip_on(
    kernel: Callable[..., Any], text: str, iters: Type, x: Type
) -> None:
    function = final(kernel, x, iters)
    assert of_locals(function)["acc'1"] == "int16"
    assert f"acc'1 = {text}" in loop_text(function)
    # The loop stays outside of any if: lanes are refilled only in such loops.
    (block,) = [stmt for stmt in function.body if isinstance(stmt, Block)]
    assert any(isinstance(stmt, Loop) for stmt in block.body)


def test_where_steps_count_no_trip_is_made_ahead() -> None:
    function = final(busy, INT32, INT64, steps=True)
    assert not any(isinstance(stmt, Block) for stmt in walk.statements(function.body))
    assert "acc = rem(acc * 7i32 + 13i32, 997i32)" in loop_text(function)


def test_counts_of_few_trips_take_32_bits() -> None:
    def kernel(x: Any, n: Any) -> Any:
        count = 0
        for i in range(n):
            if x > i:
                count += 1
        return count

    assert of_locals(final(kernel, FLOAT64, INT32)) == {"count": "int32", "i": "int32", "%1": "int32"}
    assert of_locals(final(kernel, FLOAT64, INT64)) == {"count": "int64", "i": "int64"}


def test_a_clamped_float_takes_32_bits() -> None:
    def kernel(x: Any, n: Any) -> Any:
        total = 0.0
        for _ in range(n):
            i = int(min(max(x, 0.0), 255.0))
            total += i
            x = x * 1.5
        return total

    function = final(kernel, FLOAT64, INT64)
    casts = [expr for expr in expressions(function) if isinstance(expr, Cast)]
    assert {cast.type for cast in casts if cast.arg.type is FLOAT64} == {INT32}
    assert {cast.arg.type for cast in casts if cast.type is FLOAT64} == {INT32}


@pytest.mark.parametrize(
    ("kernel", "types", "changes"),
    [
        (vm_kernels.mandelbrot, (FLOAT64, FLOAT64, INT64), {}),
        (vm_kernels.mandelbrot, (FLOAT64, FLOAT64, INT32), {"i": "int32", "%1": "int32"}),
        (vm_kernels.interpolate, (FLOAT64, TableArg(FLOAT64, 1), TableArg(FLOAT64, 1)), {}),
        (vm_kernels.hash_rounds, (UINT32, INT64), {}),
        (vm_kernels.state_machine, (UINT32, INT64), {"state": "int16", "digit": "uint16"}),
    ],
    ids=["mandelbrot", "mandelbrot int32", "interpolate", "hash", "state machine"],
)
def test_the_measured_kernels(kernel: Any, types: Sequence[Any], changes: dict[str, str]) -> None:
    before = plain(kernel.py_func, *types)
    for one in passes.ORDER[:-1]:
        before = one(before)
    after = narrow(before)
    assert of_locals(after) == {**of_locals(before), **changes}
    if not changes:
        assert after is before


def test_loops_are_counted_in_32_bits_and_without_casts() -> None:
    def kernel(x: Any) -> Any:
        total = 0.0
        most = int(min(max(x, 0.0), 100.0))
        for i in range(most):
            total += x * i
        for _ in range(5):
            total *= 0.5
        return total

    function = final(kernel, FLOAT64)
    loops = [stmt for stmt in walk.statements(function.body) if isinstance(stmt, Loop)]
    assert [show_expr(loop.cond) for loop in loops] == ["i < most", "%4 != 0u32"]
    assert {of_locals(function)[name] for name in ("i", "most")} == {"int32"}


def test_a_hash_of_64_bits_stays() -> None:
    def mix(x: Any, n: Any) -> Any:
        h = x
        for _ in range(n):
            h = (h ^ h >> 33) * 0xFF51AFD7ED558CCD
        return h

    assert of_locals(final(mix, UINT64, INT64))["h"] == "uint64"


def test_low_bits_come_from_low_bits() -> None:
    def kernel(s: Any, n: Any) -> Any:
        for _ in range(n):
            s = (s * 1103515245 + 12345) % 2147483648
        return s

    function = final(kernel, INT64, INT64)
    assert "s.local'1 = s.local'1 * 1103515245i32 + 12345i32 & 2147483647i32" in loop_text(function)


def test_what_ranges_decide_goes() -> None:
    def kernel(x: Any) -> Any:
        i = x % 10
        if i < 10:
            i += 1
        else:
            i *= x
        assert i > 0
        while i > 20:
            i -= 1
        return i * 3 if i >= 0 else i // x

    function = final(kernel, INT32, overflow="raise")
    assert show(function).splitlines()[-1].strip().startswith("return")
    assert not [expr for expr in expressions(function) if walk.faults(expr)]
    assert "else" not in show(function)


def test_what_may_fault_stays() -> None:
    def kernel(x: Any, n: Any) -> Any:
        k = 0
        for _ in range(n):
            k = (k + 10 // x) % 7
        return k + x

    before, after = plain(kernel, INT32, INT32, overflow="raise"), final(kernel, INT32, INT32, overflow="raise")
    rows = [(x, n) for x in (0, 1, -3, INT32.high) for n in (0, 1, 5)]
    assert [outcome(before, row) for row in rows] == [outcome(after, row) for row in rows]
    assert len({str(outcome(after, row)) for row in rows}) > 4


def test_bytes_are_left_alone() -> None:
    def kernel(x: Any, n: Any) -> Any:
        for _ in range(n):
            x = x // 3 + 1
        return x

    assert of_locals(final(kernel, UINT8, INT64))["x.local"] == "uint8"


def test_a_loop_that_is_left_early_keeps_what_it_holds() -> None:
    def kernel(x: Any, n: Any) -> Any:
        acc = x
        k = 0
        for i in range(n):
            acc = acc % 1000 * 3 + 1
            if acc == 17:
                break
            if acc % 2 == 0:
                continue
            if acc % 5 == 3:
                return k - acc
            k += i
        return acc + k

    before, after = plain(kernel, INT64, INT32), final(kernel, INT64, INT32)
    assert "acc'1" in of_locals(after)
    rows = [(x, n) for x in (*range(-40, 40), INT64.low, INT64.high) for n in (0, 1, 2, 3, 7)]
    assert [outcome(before, row) for row in rows] == [outcome(after, row) for row in rows]


def test_loops_in_loops_copy_where_they_are_left() -> None:
    def first(a: Any, most: Any) -> Any:
        for i in range(9):
            for _ in range(5):
                a = a % 97 * 5 + i
                if a > most:
                    return a
        return a

    def kernel(x: Any, n: Any) -> Any:
        total = 0
        for _ in range(n):
            total += first(x, 40) + first(x + 1, 500)
            x = total
        return total

    kernel = hr.kernel(kernel).py_func
    before, after = plain(kernel, INT64, INT32), final(kernel, INT64, INT32)
    rows = [(x, n) for x in (*range(-20, 20), INT64.low) for n in (0, 1, 3)]
    assert [outcome(before, row) for row in rows] == [outcome(after, row) for row in rows]


# ---- properties


def outcome(function: Function, row: Sequence[Any], tables: Sequence[Any] = (), most: int = PLENTY) -> Any:
    """Give an element's results as text, which tells zeros apart, or its fault's site."""
    scalars, arrays = iter(row), iter(tables)
    args = [next(scalars) if isinstance(param, Param) else next(arrays) for param in function.params]
    try:
        return repr(run(function, args, most))
    except Faulted as fault:
        return fault.site


def same(function: Function, columns: Sequence[Any], tables: Sequence[Any]) -> None:
    """Compare a function with what narrowing makes of it, also where steps run out."""
    for one in passes.ORDER[:-1]:
        function = one(function)
    narrowed, counting = narrow(function), narrow_counting(function)
    verify(narrowed)
    verify(counting)
    for row in zip(*[column.tolist() for column in columns], strict=True):
        expected = outcome(function, row, tables)
        assert outcome(narrowed, row, tables) == expected
        assert outcome(counting, row, tables) == expected
        for most in (0, 1, 3, 8):
            assert outcome(counting, row, tables, most) == outcome(function, row, tables, most)


@given(st.integers(0, 2**32))
@settings(max_examples=60)
def test_a_random_function_is_the_same_narrowed(seed: int) -> None:
    rng = random.Random(seed)
    function = irgen.generate(rng, size=rng.choice([4, 12, 25]), faults=rng.choice([0.0, 0.1, 0.3]))
    same(function, *irgen.arguments(rng, function, ELEMENTS))


@given(st.integers(0, 2**32))
@settings(max_examples=100)
def test_a_random_loop_is_the_same_narrowed(seed: int) -> None:
    rng = random.Random(seed)
    function = loopgen.function(rng)
    if function is not None:
        same(function, *loopgen.arguments(rng, function, ELEMENTS))


def test_the_generator_of_loops_makes_what_narrowing_is_about() -> None:
    """Count over a fixed set of seeds, so that the properties above aren't true of nothing."""
    made = [function for seed in range(120) if (function := loopgen.function(random.Random(seed))) is not None]
    after = [passes.run(function) for function in made]
    changed = sum(
        of_locals(passes.run(one, steps=True)) != of_locals(two) for one, two in zip(made, after, strict=True)
    )
    ahead = sum("'out:" in show(function) for function in after)
    narrower = sum("int16" in of_locals(function).values() for function in after)
    assert len(made) > 60
    assert narrower > 20
    assert changed > 0
    assert ahead > 2
