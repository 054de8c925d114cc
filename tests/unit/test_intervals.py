"""Intervals against all values of small types, and what conditions tell against all values that meet them."""

import math
import random
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import irgen
from hybrid_rs.ir import ops
from hybrid_rs.ir.nodes import Cast, Const, Expr, Op, Var
from hybrid_rs.ir.ops import OPS, OpFault
from hybrid_rs.ir.types import ALL, BOOL, FLOAT32, FLOAT64, INT64, Type, named
from hybrid_rs.passes.conditions import Env, refine
from hybrid_rs.passes.intervals import FLOATS, FULL, INTEGERS, Interval, converted, hull, inside
from ranged import within

INT8, INT16, UINT8 = named("int8"), named("int16"), named("uint8")
SMALL = (INT8, UINT8)


def interval(rng: random.Random, type_: Type) -> Interval:
    """Draw an interval: a short one, one value, or any."""
    if type_.is_float:
        ends = sorted(value for value in (irgen.constant(rng, type_) for _ in range(6)) if not math.isnan(value))
        low, *_, high = ends or [0.0]
        return (low, rng.choice([low, high]), rng.random() < 0.5)
    low, high = FULL[type_.code]
    one = rng.choice([rng.randint(int(low), int(high)), int(low), int(high), max(int(low), 0)])
    length = rng.choice([0, 1, 3, 9, 300])
    return (one, min(one + length, int(high)))


def members(rng: random.Random, type_: Type, limits: Interval) -> list[float]:
    """List an interval's values, of floats some."""
    if not type_.is_float:
        return [bool(value) if type_ is BOOL else value for value in range(int(limits[0]), int(limits[1]) + 1)]
    found = [limits[0], limits[1], *([math.nan] if limits[2] else [])]
    drawn = [irgen.constant(rng, type_) for _ in range(40)]
    return found + [value for value in drawn if limits[0] <= value <= limits[1]]


def rows(rng: random.Random, type_: Type, limits: list[Interval]) -> Iterator[list[float]]:
    """List operands, all of them where they aren't too many."""
    columns = [members(rng, type_, one) for one in limits]
    for first in columns[0]:
        if len(columns) == 1:
            yield [first]
        else:
            for second in columns[1] if len(columns[1]) < 40 else rng.sample(columns[1], 40):
                yield [first, second]


CASES = [(name, type_) for name in INTEGERS for type_ in (*SMALL, BOOL) if type_ in OPS[name].types] + [
    (name, type_) for name in FLOATS for type_ in (FLOAT32, FLOAT64)
]


@pytest.mark.parametrize(("name", "type_"), CASES, ids=[f"{name}-{type_}" for name, type_ in CASES])
@given(seed=st.integers(0, 2**32))
@settings(max_examples=15)
def test_an_op_stays_in_its_interval(name: str, type_: Type, seed: int) -> None:
    rng, row = random.Random(seed), OPS[name]
    limits = [interval(rng, type_) for _ in range(row.arity)]
    found = (FLOATS if type_.is_float else INTEGERS)[name](type_, *limits)
    assert inside(found, FULL[row.forms[type_.code][1].code])
    for values in rows(rng, type_, limits):
        try:
            value = row.function(type_, *values)
        except OpFault:
            continue
        assert within(value, found), (limits, values, value, found)


def test_intervals_are_as_small_as_they_can_be_for_what_matters() -> None:
    def of(name: str, *limits: Interval, type_: Type = INT16) -> Interval:
        return INTEGERS[name](type_, *limits)

    assert of("add", of("mul", (-996, 996), (7, 7)), (13, 13)) == (-6959, 6985)
    assert of("rem", (-6959, 6985), (997, 997)) == (-996, 996)
    assert of("mod", (-6959, 6985), (997, 997)) == (0, 996)
    assert of("mod", (3, 90), (997, 997)) == (3, 90)
    assert of("floordiv", (-7, 7), (2, 2)) == (-4, 3)
    assert of("and", (-5, 900), (0, 255)) == (0, 255)
    assert of("shr", (-32768, 32767), (8, 8)) == (-128, 127)
    assert of("abs", (-4, 3)) == (0, 4)
    assert of("abs", (-32768, 3)) == FULL[INT16.code]
    assert of("add", (32767, 32767), (0, 1)) == FULL[INT16.code]
    assert of("add_checked", (30000, 32767), (0, 1)) == (30000, 32767)
    assert of("lt", (0, 4), (5, 9)) == (1, 1)
    assert FLOATS["lt"](FLOAT64, (0.0, 4.0, True), (5.0, 9.0, False)) == (0, 1)
    clamped = FLOATS["min"](FLOAT64, FLOATS["max"](FLOAT64, FULL[FLOAT64.code], (0, 0, False)), (255.0, 255.0, False))
    assert clamped == (0.0, 255.0, True)


CASTS = [(source, target) for source in (*SMALL, BOOL, FLOAT32, FLOAT64, INT64) for target in ALL]


@pytest.mark.parametrize(("source", "target"), CASTS, ids=[f"{source}-{target}" for source, target in CASTS])
@given(seed=st.integers(0, 2**32))
@settings(max_examples=10)
def test_a_cast_stays_in_its_interval(source: Type, target: Type, seed: int) -> None:
    rng = random.Random(seed)
    limits = interval(rng, source)
    for checked in (False, True) if target.is_integer else (False,):
        found = converted(source, target, limits, checked=checked)
        assert inside(found, FULL[target.code])
        for value in members(rng, source, limits):
            try:
                result = (ops.convert_checked if checked else ops.convert)(source, target, value)
            except OpFault:
                continue
            assert within(result, found), (limits, value, result, found)


@given(st.integers(0, 2**32))
def test_a_hull_holds_both(seed: int) -> None:
    rng = random.Random(seed)
    type_ = rng.choice(ALL)
    a, b = interval(rng, type_), interval(rng, type_)
    assert inside(a, hull(a, b))
    assert inside(b, hull(a, b))


# ---- conditions

A, B = Var("i8", INT8), Var("small", INT8)
F, G = Var("x", FLOAT64), Var("y", FLOAT64)
VALUES = (-math.inf, -2.0, -1.0, 0.0, 0.5, 1.0, 3.0, math.inf, math.nan)


def condition(rng: random.Random, depth: int) -> Expr:
    """Draw a condition on two small integers and two floats."""
    kind = rng.random()
    if depth and kind < 0.3:
        return Op(rng.choice(["and", "or"]), BOOL, (condition(rng, depth - 1), condition(rng, depth - 1)))
    if depth and kind < 0.4:
        return Op("not", BOOL, (condition(rng, depth - 1),))
    name = rng.choice(["lt", "le", "gt", "ge", "eq", "ne"])
    if kind < 0.6:
        floats: list[Expr] = [F, G, Const(FLOAT64, rng.choice(VALUES))]
        return Op(name, BOOL, (rng.choice(floats), rng.choice(floats)))
    type_ = rng.choice([INT8, INT8, INT64, UINT8])
    return Op(name, BOOL, (integer(rng, type_), integer(rng, type_)))


def integer(rng: random.Random, type_: Type) -> Expr:
    """Draw an integer that is about one variable at most."""
    number = Const(type_, rng.randint(max(type_.low, -20), 20))
    if rng.random() < 0.3:
        return number
    one: Expr = rng.choice([A, B])
    if type_ is not INT8:
        one = Cast(type_, one)
    if rng.random() < 0.2 and type_ is INT8:
        return Op("mul", type_, (one, one))
    return Op(rng.choice(["add", "sub"]), type_, (one, number)) if rng.random() < 0.4 else one


def evaluate(expr: Expr, env: Env) -> Interval:
    """Give the interval of an expression."""
    if isinstance(expr, Var):
        return env[expr.name]
    if isinstance(expr, Const):
        return (expr.value, expr.value) if expr.type.kind != "f" else (expr.value,) * 2 + (False,)
    if isinstance(expr, Cast):
        return converted(expr.arg.type, expr.type, evaluate(expr.arg, env), checked=False)
    assert isinstance(expr, Op)
    meaning = (FLOATS if expr.args[0].type.is_float else INTEGERS)[expr.op]
    return meaning(expr.args[0].type, *[evaluate(arg, env) for arg in expr.args])


@given(st.integers(0, 2**32))
def test_what_a_condition_tells_holds_for_all_values_that_meet_it(seed: int) -> None:
    rng = random.Random(seed)
    cond = condition(rng, 2)
    if any(isinstance(value, Const) and value.value != value.value for value in constants(cond)):
        return
    before: Env = {
        "i8": interval(rng, INT8),
        "small": interval(rng, INT8),
        "x": (rng.choice([-math.inf, -1.0]), rng.choice([1.0, math.inf]), rng.random() < 0.5),
        "y": (-2.0, 3.0, rng.random() < 0.5),
    }
    columns = [[value for value in VALUES if within(value, before[name])] for name in "xy"]
    columns += [members(rng, INT8, before[name]) for name in ("i8", "small")]
    found = [
        {name: rng.choice(column) for name, column in zip(("x", "y", "i8", "small"), columns, strict=True)}
        for _ in range(40)
    ]
    for truth in (True, False):
        env = dict(before)
        possible = refine(env, cond, truth, lambda expr: evaluate(expr, before))
        for row in found:
            if bool(holds(cond, row)) is truth:
                assert possible, (cond, truth, row)
                assert all(within(value, env[name]) for name, value in row.items()), (cond, truth, row, env)


def constants(expr: Expr) -> Iterator[Expr]:
    if isinstance(expr, Const):
        yield expr
    for arg in expr.args if isinstance(expr, Op) else (expr.arg,) if isinstance(expr, Cast) else ():
        yield from constants(arg)


def holds(expr: Expr, row: dict[str, float]) -> float:
    if isinstance(expr, Var):
        return row[expr.name]
    if isinstance(expr, Const):
        return expr.value
    if isinstance(expr, Cast):
        return ops.convert(expr.arg.type, expr.type, holds(expr.arg, row))
    assert isinstance(expr, Op)
    return OPS[expr.op].function(expr.args[0].type, *[holds(arg, row) for arg in expr.args])
