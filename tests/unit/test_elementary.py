"""Definitions of the elementary functions: what the package carries is what the source says, and fit to be put in."""

import json
import math

import numpy as np
import pytest

import hybrid_rs as hr
from hybrid_rs import elementary
from hybrid_rs.ir import ops, store, walk
from hybrid_rs.ir.nodes import Const, Function, Loop, Op, Return
from hybrid_rs.ir.types import FLOAT32, FLOAT64, Type
from hybrid_rs.ir.verify import verify
from irsmall import DIVIDED, LOADED, X, function, op

EVERY = pytest.mark.parametrize(
    ("name", "type_"), [(name, type_) for name in elementary.NAMES for type_ in (FLOAT32, FLOAT64)], ids=str
)


@EVERY
def test_the_package_carries_what_the_source_says(name: str, type_: Type) -> None:
    carried = elementary.definition(name, type_)
    assert repr(carried) == repr(elementary.lower(name, type_))


@EVERY
def test_definitions_can_be_put_in(name: str, type_: Type) -> None:
    made = elementary.definition(name, type_)
    verify(made)
    assert [param.type for param in made.params] == [type_] * ops.OPS[name].arity
    assert made.results == (type_,)
    statements = list(walk.statements(made.body))
    # A loop would count as steps of the user's element.
    assert not [stmt for stmt in statements if isinstance(stmt, Loop)]
    assert not any(walk.can_fault(expr) for stmt in statements for expr in walk.expressions(stmt))


def test_the_file_has_no_other_lines() -> None:
    keys = [line.partition(" ")[0] for line in elementary.lowered_file().read_text("ascii").splitlines()]
    assert keys == [f"{name}.{type_}" for name in elementary.NAMES for type_ in (FLOAT32, FLOAT64)]


def test_functions_are_stored_and_read() -> None:
    values = [math.inf, -math.inf, -0.0, 5e-324, 0.1, 1.7976931348623157e308]
    made = function(*(Return((op("add", Const(FLOAT64, value), X),)) for value in values), results=(FLOAT64,))
    again = store.loads(store.dumps(made))
    assert again == made
    assert repr(again) == repr(made)
    assert "\n" not in store.dumps(made)
    made = function(Return((op("add", DIVIDED, LOADED),)))
    assert store.loads(store.dumps(made)) == made


@pytest.mark.parametrize("text", ["", "[]", "3", '["Nothing",1]', '["Function",1]', '["Type",99]', "{}"])
def test_text_that_is_no_function(text: str) -> None:
    with pytest.raises(ValueError, match=r"text|Expecting value"):
        store.loads(text)


def test_nans_are_stored() -> None:
    made = function(Return((Const(FLOAT64, math.nan),)), results=(FLOAT64,))
    assert json.loads(store.dumps(made))
    again = store.loads(store.dumps(made)).body[0]
    assert isinstance(again, Return)
    (value,) = again.values
    assert isinstance(value, Const)
    assert math.isnan(value.value)


def test_constants_in_calls_are_folded() -> None:
    root = Op("pow", FLOAT64, (X, Const(FLOAT64, 0.5)))
    whole = elementary.expanded(function(Return((root,)), results=(FLOAT64,)))
    less = elementary.optimised(function(Return((root,)), results=(FLOAT64,)))

    def size(made: Function) -> int:
        return len(repr(made.body))

    assert size(less) < size(whole)


@hr.kernel
def several(x, y):  # type: ignore[no-untyped-def]
    total = 0.0
    while math.exp(-x) > 0.1 and total < 9:
        total += math.log1p(abs(y)) if y > 0 else math.cos(math.sin(y))
        x += math.hypot(x, 1.0)
    return total + math.pow(abs(y), 2.5)


def test_engines_agree_with_each_other_and_with_python() -> None:
    rng = np.random.default_rng(5)
    x, y = rng.uniform(-3, 2, 400), rng.uniform(-2, 2, 400)
    slow = several(x, y, engine="reference")
    assert slow.tobytes() == several(x, y, engine="vm").tobytes()
    plain = [several.py_func(a, b) for a, b in zip(x.tolist(), y.tolist(), strict=True)]
    np.testing.assert_allclose(slow, plain, rtol=1e-14)
