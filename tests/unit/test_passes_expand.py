"""Expansion: definitions in place of elementary functions, with the order of faults and lazy sides as they were."""

import math
import random
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import irgen
from hybrid_rs.ir import floats, ops, walk
from hybrid_rs.ir.nodes import Assign, Block, Break, Cast, Const, Expr, Function, If, Loop, Op, Param, Return, Site, Var
from hybrid_rs.ir.types import BOOL, FLOAT64, INT64, Type
from hybrid_rs.ir.verify import verify
from hybrid_rs.passes import expand
from irsmall import DIVIDED, LOADED, X, const, function, lines, op

NAMES = tuple(name for name, row in ops.OPS.items() if row.opaque)


def stand_in(type_: Type, *values: float) -> float:
    """Compute what the stand-in definition computes: a half of what is negative, small ones, then a doubled sum."""
    total = values[0]
    for value in values[1:]:
        total = floats.round_to(type_, total - value)
    if total < 0:
        return floats.round_to(type_, total * 0.5)
    turns = 0
    while turns < 3 and total < 100:
        total = floats.round_to(type_, total * 2.0)
        turns += 1
    return total


def definition(name: str, type_: Type) -> Function:
    """Give an early return, a loop, a block and a local that is assigned to, under names that callers have as well."""
    row = ops.OPS[name]
    params = [Param(f"p{place}", type_) for place in range(row.arity)]
    total: Expr = Var(params[0].name, type_)
    for param in params[1:]:
        total = Op("sub", type_, (total, Var(param.name, type_)))
    v, turns, n = Var("v1", type_), Var("n", INT64), Const(INT64, 3)

    def times(value: float) -> Op:
        return Op("mul", type_, (v, Const(type_, value)))

    loop = Loop(
        "loop",
        (),
        Op("and", BOOL, (Op("lt", BOOL, (turns, n)), Op("lt", BOOL, (v, Const(type_, 100.0))))),
        (Assign("v1", times(2.0)),),
        (Assign("n", Op("add", INT64, (turns, Const(INT64, 1)))),),
    )
    negative = If(Op("lt", BOOL, (v, Const(type_, 0.0))), (Return((times(0.5),)),), ())
    body = (Assign("v1", total), Assign("n", const(0)), Block("b", (negative, loop, Break("b"))), Return((v,)))
    sites = (Site("RuntimeError", "steps", "definition.py", 1),)
    made = Function(
        name, tuple(params), (Param("v1", type_), Param("n", INT64), Param("result", type_)), (type_,), body, sites, 0
    )
    verify(made)
    return made


@pytest.fixture(autouse=True)
def _meanings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the elementary functions mean what the stand-in means."""
    for name in NAMES:
        row = ops.OPS[name]

        def meaning(type_: Type, *values: float, of_ints: ops.Function = row.function) -> float:
            return stand_in(type_, *values) if type_.is_float else of_ints(type_, *values)

        monkeypatch.setitem(ops.OPS, name, replace(row, function=meaning))


def expressions(made: Function) -> Iterator[Expr]:
    pending = [expr for stmt in walk.statements(made.body) for expr in walk.expressions(stmt)]
    while pending:
        expr = pending.pop()
        yield expr
        pending += walk.operands(expr)


@given(seed=st.integers(0, 2**32))
@settings(max_examples=150, deadline=None)
def test_a_random_function_keeps_its_results_and_faults(seed: int) -> None:
    rng = random.Random(seed)
    made = irgen.generate(rng, size=rng.choice([4, 12, 25]), faults=rng.choice([0.0, 0.3]), opaque=True)
    columns, tables = irgen.arguments(rng, made, 6)
    expanded = expand.expand(made, definition)
    verify(expanded)
    assert not any(map(ops.elementary, expressions(expanded)))
    # The definition's own loop takes steps as well, so these are without a limit.
    assert irgen.outcomes(expanded, columns, tables, None) == irgen.outcomes(made, columns, tables, None)


def test_what_faults_on_the_left_is_computed_first() -> None:
    made = function(Return((op("add", DIVIDED, Cast(INT64, op("exp", Cast(FLOAT64, LOADED)))),)))
    text = lines(expand.expand(made, definition))
    divided = next(place for place, line in enumerate(text) if "//" in line)
    loaded = next(place for place, line in enumerate(text) if "t[" in line)
    assert divided < loaded


def test_a_function_without_any_is_left_alone() -> None:
    made = function(Assign("k", DIVIDED), Return((const(1),)))
    assert expand.expand(made, definition) is made


def test_a_loops_condition_is_computed_in_each_round() -> None:
    cond = op("lt", op("exp", Cast(FLOAT64, Var("k", INT64))), Const(FLOAT64, 50.0))
    step = Assign("k", op("add", Var("k", INT64), const(1)))
    made = function(Assign("k", const(0)), Loop("l", (), cond, (), (step,)), Return((Var("k", INT64),)))
    expected = next(k for k in range(99) if not stand_in(FLOAT64, float(k)) < 50)
    expanded = expand.expand(made, definition)
    verify(expanded)
    for one in (made, expanded):
        columns, tables = irgen.arguments(random.Random(1), one, 1)
        assert irgen.outcomes(one, columns, tables, None) == [repr((expected,))]


def test_nested_calls_are_computed_from_the_inside() -> None:
    made = function(Return((op("exp", op("log", X)),)), results=(FLOAT64,))
    expanded = expand.expand(made, definition)
    verify(expanded)
    columns, tables = irgen.arguments(random.Random(2), made, 8)
    columns[2][:3] = 0.3, -7.0, math.inf
    assert irgen.outcomes(expanded, columns, tables, None) == irgen.outcomes(made, columns, tables, None)
