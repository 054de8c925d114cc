"""Passes keep what a function computes and how it faults, and leave nothing of what they are there to remove."""

import random
import sys
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import irgen
from hybrid_rs import passes
from hybrid_rs.errors import CompileError
from hybrid_rs.ir.nodes import Assign, Const, Expr, Function, If, Param, Return, Site, Stmt, Var
from hybrid_rs.ir.reference import run
from hybrid_rs.ir.types import BOOL, INT64
from hybrid_rs.ir.verify import verify
from hybrid_rs.passes.cse import eliminate
from hybrid_rs.passes.dead import prune
from hybrid_rs.passes.fold import fold

ELEMENTS = 6
LIMIT = 25


# Pruning is only for functions without unreachable code, which folding removes.
CHOICES = {
    "fold": (fold,),
    "eliminate": (eliminate,),
    "prune": (fold, prune),
    "all": passes.ORDER,
    "twice": passes.ORDER * 2,
}


@pytest.mark.parametrize("steps", CHOICES.values(), ids=CHOICES)
@given(seed=st.integers(0, 2**32))
@settings(max_examples=60)
def test_a_random_function_keeps_its_results_and_faults(
    steps: tuple[Callable[[Function], Function], ...], seed: int
) -> None:
    rng = random.Random(seed)
    function = irgen.generate(rng, size=rng.choice([4, 12, 25]), faults=rng.choice([0.0, 0.1, 0.3]))
    columns, tables = irgen.arguments(rng, function, ELEMENTS)
    expected = irgen.outcomes(function, columns, tables, LIMIT)
    for one in steps:
        function = one(function)
        verify(function)
    assert irgen.outcomes(function, columns, tables, LIMIT) == expected


@given(st.integers(0, 2**32))
@settings(max_examples=30)
def test_the_same_function_gives_the_same_function(seed: int) -> None:
    made = [passes.run(irgen.generate(random.Random(seed))) for _ in range(2)]
    assert repr(made[0]) == repr(made[1])


@given(st.integers(0, 2**32))
@settings(max_examples=30)
def test_a_function_is_not_changed(seed: int) -> None:
    function = irgen.generate(random.Random(seed))
    before = repr(function)
    passes.run(function)
    assert repr(function) == before


def test_the_generator_makes_what_the_passes_are_about() -> None:
    """Count over a fixed set of seeds, so that the properties above aren't true of nothing."""
    results = faulted = shorter = 0
    for seed in range(60):
        rng = random.Random(seed)
        function = irgen.generate(rng)
        columns, tables = irgen.arguments(rng, function, ELEMENTS)
        found = irgen.outcomes(function, columns, tables, LIMIT)
        results += len({value for value in found if isinstance(value, str)}) > 1
        faulted += any(isinstance(value, int) for value in found)
        shorter += len(repr(passes.run(function))) < 0.9 * len(repr(function))
    assert results > 15
    assert faulted > 10
    assert shorter > 15


def nested(depth: int) -> Function:
    body: tuple[Stmt, ...] = (Return((Const(INT64, 1),)),)
    for _ in range(depth):
        body = (If(Var("b", BOOL), body, ()), Return((Const(INT64, 0),)))
    return Function("deep", (Param("b", BOOL),), (), (INT64,), body, (Site("RuntimeError", "", "a.py", 1),), 0)


def test_deep_nesting_is_taken_or_refused() -> None:
    assert run(passes.run(nested(100)), (True,)) == (1,)
    with pytest.raises(CompileError, match="deep nests too deeply"):
        passes.run(nested(100_000))


def test_a_long_function_takes_time_in_proportion() -> None:
    """Count the work instead of the time: Python calls made by the passes for 400 and for 1600 statements."""

    def calls(statements: int) -> int:
        x: Expr = Var("x", INT64)
        body = [Assign(f"v{i % 50}", Const(INT64, i)) for i in range(statements)]
        function = Function(
            "long",
            (Param("x", INT64),),
            tuple(Param(f"v{i}", INT64) for i in range(50)),
            (INT64,),
            (*body, Return((x,))),
            (Site("RuntimeError", "", "a.py", 1),),
            0,
        )
        count = 0

        def tick(*_args: object) -> None:
            nonlocal count
            count += 1

        sys.setprofile(tick)
        try:
            passes.run(function)
        finally:
            sys.setprofile(None)
        return count

    assert calls(1600) < 4.5 * calls(400)
