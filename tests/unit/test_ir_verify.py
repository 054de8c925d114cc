"""The verifier takes what is right and names what isn't."""

import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import irgen
from hybrid_rs.errors import KernelError
from hybrid_rs.ir.nodes import (
    Assign,
    Block,
    Break,
    Cast,
    Const,
    Continue,
    Dim,
    Expr,
    Fault,
    Function,
    If,
    Load,
    Loop,
    Op,
    Param,
    Return,
    Site,
    Stmt,
    Table,
    Var,
)
from hybrid_rs.ir.types import BOOL, FLOAT32, FLOAT64, INT32, INT64, Type, named
from hybrid_rs.ir.verify import VerifyError, verify

X, Y, N = Var("x", FLOAT64), Var("y", FLOAT64), Var("n", INT64)
ZERO, ONE, TRUE = Const(INT64, 0), Const(INT64, 1), Const(BOOL, True)
SITES = tuple(
    Site(exception, "text", "a.py", 1)
    for exception in ("RuntimeError", "ZeroDivisionError", "IndexError", "OverflowError", "ValueError")
)
STEPS, DIVISION, INDEX, OVERFLOW, VALUE = range(5)
DONE = Return((X,))


def function(*body: Stmt, **changes: Any) -> Function:
    """Make a function of x: float64, n: int64, t: float32[:, :] with locals y: float64, k: int64, b: bool."""
    params = (Param("x", FLOAT64), Param("n", INT64), Table("t", FLOAT32, 2))
    locals_ = (Param("y", FLOAT64), Param("k", INT64), Param("b", BOOL))
    return replace(Function("f", params, locals_, (FLOAT64,), body, SITES, STEPS), **changes)


def op(name: str, type_: Type, *args: Expr, site: int | None = None) -> Op:
    return Op(name, type_, args, site)


def give(expr: Expr) -> Function:
    """Evaluate an expression of any type."""
    return function(Return((expr,)), results=(expr.type,))


def loop(
    *body: Stmt, cond: Expr = TRUE, head: tuple[Stmt, ...] = (), step: tuple[Stmt, ...] = (), label: str = "L"
) -> Loop:
    return Loop(label, head, cond, body, step)


SET_Y = Assign("y", X)
Y_DONE = Return((Y,))

RIGHT: dict[str, Function] = {
    "straight": function(SET_Y, Y_DONE),
    "both sides assign": function(If(TRUE, (SET_Y,), (SET_Y,)), Y_DONE),
    "the other side leaves": function(If(TRUE, (SET_Y,), (DONE,)), Y_DONE),
    "the other side faults": function(If(TRUE, (SET_Y,), (Fault(VALUE),)), Y_DONE),
    "assigned at each break": function(Block("B", (If(TRUE, (SET_Y, Break("B")), ()), SET_Y)), Y_DONE),
    "endless loop": function(loop(DONE)),
    "endless loop without a way out": function(loop()),
    "assigned before the break of an endless loop": function(loop(SET_Y, Break("L")), Y_DONE),
    "head assigns for what comes after": function(loop(head=(SET_Y,), cond=op("lt", BOOL, Y, X)), Y_DONE),
    "head assigns for the step": function(
        loop(Continue("L"), head=(SET_Y,), cond=op("lt", BOOL, Y, X), step=(Assign("y", Y),)), DONE
    ),
    "dead code behind a return": function(DONE, Assign("y", Y), If(TRUE, (), ())),
    "labels in a row": function(Block("B", ()), Block("B", (Break("B"),)), DONE),
    "leaving both": function(loop(Block("B", (loop(Break("B"), label="M"),)), Continue("L"), cond=TRUE)),
    "a table": give(Load("t", FLOAT32, (ZERO, Dim("t", 1, INT64)), INDEX)),
    "a checked cast": give(Cast(INT32, X, OVERFLOW)),
    "an int division": give(op("floordiv", INT64, N, N, site=DIVISION)),
    "a float division": give(op("floordiv", FLOAT64, X, X)),
    "bits": give(op("bits", named("uint64"), X)),
    "back from bits": give(op("from_bits", FLOAT32, Const(named("uint32"), 1))),
    "select": give(op("select", FLOAT64, TRUE, X, X)),
    "nan and zeros": give(op("add", FLOAT32, Const(FLOAT32, float("nan")), Const(FLOAT32, -0.0))),
}

WRONG: dict[str, tuple[Function, str]] = {
    # names
    "unknown local": (function(Assign("z", X), DONE), "z is assigned but not declared"),
    "unknown variable": (give(Var("z", FLOAT64)), "z read as float64 is not declared"),
    "assigned parameter": (function(Assign("x", X), DONE), "parameter x"),
    "assigned table": (function(Assign("t", X), DONE), "t is assigned"),
    "table as scalar": (give(Var("t", FLOAT32)), "t read"),
    "declared twice": (function(DONE, locals=(Param("k", INT64), Param("k", INT64))), "k is declared twice"),
    "local named as parameter": (function(DONE, locals=(Param("x", INT64),)), "x is declared twice"),
    "local named as table": (function(DONE, locals=(Param("t", INT64),)), "t is declared twice"),
    "table without axes": (function(DONE, params=(Param("x", FLOAT64), Table("t", INT64, 0))), "0 axes"),
    "foreign type": (function(DONE, locals=(Param("k", Type("int128", "i", 128, 4)),)), "no type"),
    # assignment
    "read before assigned": (function(Return((Y,))), "y may be read before it is assigned"),
    "one side only": (function(If(TRUE, (SET_Y,), ()), Y_DONE), "y may be read"),
    "other side breaks": (
        function(Block("B", (If(TRUE, (SET_Y,), (Break("B"),)), Assign("y", X))), Y_DONE),
        "y may be read",
    ),
    "loop may not run": (function(loop(SET_Y, cond=op("lt", BOOL, X, X)), Y_DONE), "y may be read"),
    "continue skips it": (
        function(loop(If(TRUE, (Continue("L"),), ()), SET_Y, step=(Assign("y", Y),)), DONE),
        "y may be read",
    ),
    "only the body assigns for the head": (
        function(loop(SET_Y, head=(Assign("k", Cast(INT64, Y)),), cond=op("lt", BOOL, X, X)), DONE),
        "y may be read",
    ),
    "only the step assigns": (function(loop(step=(SET_Y,), cond=op("lt", BOOL, X, Y)), DONE), "y may be read"),
    "break before it": (function(loop(Break("L"), cond=TRUE, step=(SET_Y,)), Y_DONE), "y may be read"),
    # paths
    "no return": (function(SET_Y), "a path ends"),
    "empty": (function(), "a path ends"),
    "one side returns": (function(If(TRUE, (DONE,), ())), "a path ends"),
    "break leads to the end": (function(loop(Break("L"), DONE)), "a path ends"),
    "condition leads to the end": (function(loop(cond=op("lt", BOOL, X, X))), "a path ends"),
    # labels
    "break to nothing": (function(Break("B"), DONE), "break to B"),
    "break from outside": (function(Block("B", ()), Break("B"), DONE), "break to B"),
    "continue to a block": (function(Block("B", (Continue("B"),)), DONE), "continue to B"),
    "continue in the step": (function(loop(step=(Continue("L"),)), DONE), "continue to L"),
    "label inside itself": (function(loop(Block("L", ()), DONE)), "label L"),
    # types
    "condition of an if": (function(If(N, (), ()), DONE), "condition of an if is int64"),
    "condition of a loop": (function(loop(DONE, cond=N)), "condition of loop L is int64"),
    "type of a local": (function(Assign("y", N), DONE), "y is float64, and assigned int64"),
    "type of a variable": (give(Var("x", FLOAT32)), "x read as float32 is float64"),
    "number of results": (function(Return((X, X))), "returns"),
    "type of a result": (function(Return((N,))), "returns"),
    "no results": (function(Return(()), results=()), "no results"),
    "unknown op": (give(op("plus", FLOAT64, X, X)), "no op plus"),
    "too few operands": (give(op("add", FLOAT64, X)), "add of 1 operands"),
    "too many operands": (give(op("neg", FLOAT64, X, X)), "neg of 2 operands"),
    "no operands": (give(op("neg", FLOAT64)), "neg of 0 operands"),
    "mixed operands": (give(op("add", FLOAT64, X, N)), "add of"),
    "mixed operands of a comparison": (give(op("lt", BOOL, X, N)), "lt of"),
    "select's condition": (give(op("select", FLOAT64, N, X, X)), "select of"),
    "select's sides": (give(op("select", FLOAT64, TRUE, X, N)), "select of"),
    "op not for the type": (give(op("shl", FLOAT64, X, X)), "shl of"),
    "order of bools": (give(op("lt", BOOL, TRUE, TRUE)), "lt of"),
    "typed wrongly": (give(op("add", FLOAT32, X, X)), "typed float32"),
    "comparison typed wrongly": (give(op("lt", FLOAT64, X, X)), "typed float64"),
    "bits typed wrongly": (give(op("bits", INT64, X)), "typed int64"),
    "from_bits of another width": (give(op("from_bits", FLOAT64, Const(named("uint32"), 1))), "from_bits of"),
    # constants
    "too large": (give(Const(named("int8"), 128)), "128 isn't a value of int8"),
    "negative": (give(Const(named("uint8"), -1)), "-1"),
    "float for int": (give(Const(INT64, 1.0)), "1.0"),
    "int for float": (give(Const(FLOAT64, 1)), "1 isn't"),
    "bool for int": (give(Const(INT64, True)), "True"),
    "int for bool": (give(Const(BOOL, 1)), "1 isn't"),
    "not a float32": (give(Const(FLOAT32, 0.1)), "0.1"),
    "beyond float32": (give(Const(FLOAT32, 1e300)), "1e[+]300"),
    # sites
    "division without": (give(op("floordiv", INT64, N, N)), "floordiv has no site"),
    "site out of range": (give(op("floordiv", INT64, N, N, site=99)), "floordiv has no site: 99"),
    "negative site": (function(Fault(-1)), "fault has no site: -1"),
    "wrong exception": (give(op("floordiv", INT64, N, N, site=INDEX)), "IndexError, not ZeroDivisionError"),
    "float division with": (give(op("floordiv", FLOAT64, X, X, site=DIVISION)), "can't fault"),
    "sum with": (give(op("add", INT64, N, N, site=OVERFLOW)), "can't fault"),
    "checked cast to float": (give(Cast(FLOAT32, X, OVERFLOW)), "checked cast to float32"),
    "checked cast's exception": (give(Cast(INT32, X, VALUE)), "ValueError, not OverflowError"),
    "steps": (function(DONE, steps_site=7), "steps_site"),
    # tables
    "unknown table": (give(Load("u", FLOAT32, (ZERO, ZERO), INDEX)), "no table u"),
    "scalar as table": (give(Load("x", FLOAT64, (ZERO,), INDEX)), "no table x"),
    "table's type": (give(Load("t", FLOAT64, (ZERO, ZERO), INDEX)), "t of float32"),
    "too few indices": (give(Load("t", FLOAT32, (ZERO,), INDEX)), "1 indices"),
    "index type": (give(Load("t", FLOAT32, (ZERO, Const(INT32, 0)), INDEX)), "index of t is int32"),
    "index site": (give(Load("t", FLOAT32, (ZERO, ZERO), VALUE)), "IndexError"),
    "axis": (give(Dim("t", 2, INT64)), "no axis 2"),
    "axis of a scalar": (give(Dim("n", 0, INT64)), "no table n"),
    "length's type": (give(Dim("t", 0, INT32)), "typed int32"),
    # not nodes
    "no statement": (function(X, DONE), "not a statement"),  # type: ignore[arg-type]
    "no expression": (function(Assign("y", SET_Y), DONE), "not an expression"),  # type: ignore[arg-type]
    "dead code is checked too": (function(DONE, Assign("y", N)), "y is float64"),
}


@pytest.mark.parametrize("name", RIGHT)
def test_takes(name: str) -> None:
    verify(RIGHT[name])


@pytest.mark.parametrize("name", WRONG)
def test_refuses(name: str) -> None:
    wrong, message = WRONG[name]
    with pytest.raises(VerifyError, match=message):
        verify(wrong)


def test_its_error_is_one_of_the_package() -> None:
    assert issubclass(VerifyError, KernelError)


def rewritten(body: tuple[Stmt, ...], change: Callable[[Stmt], Stmt]) -> tuple[Stmt, ...]:
    out: list[Stmt] = []
    for stmt in body:
        found = stmt
        if isinstance(stmt, If):
            found = If(stmt.cond, rewritten(stmt.then, change), rewritten(stmt.orelse, change))
        elif isinstance(stmt, Block):
            found = Block(stmt.label, rewritten(stmt.body, change))
        elif isinstance(stmt, Loop):
            parts = [rewritten(part, change) for part in (stmt.head, stmt.body, stmt.step)]
            found = Loop(stmt.label, parts[0], stmt.cond, parts[1], parts[2])
        out.append(change(found))
    return tuple(out)


@given(st.integers(0, 2**32))
def test_random_functions_are_right_until_a_type_is_changed(seed: int) -> None:
    rng = random.Random(seed)
    made = irgen.generate(rng)
    verify(made)
    places = 0

    def cast_some(stmt: Stmt) -> Stmt:
        nonlocal places
        if isinstance(stmt, Assign):
            places += 1
            if places == 1:
                other = INT32 if stmt.value.type is not INT32 else FLOAT64
                return Assign(stmt.target, Cast(other, stmt.value))
        return stmt

    broken = replace(made, body=rewritten(made.body, cast_some))
    if places:
        with pytest.raises(VerifyError, match="assigned"):
            verify(broken)
