"""The reference interpreter against plain Python: control flow, faults, tables, steps and batches."""

import itertools
import math
import random
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

import irgen
from hybrid_rs.ir import ops
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
from hybrid_rs.ir.reference import Faulted, run, run_batch
from hybrid_rs.ir.types import BOOL, FLOAT64, INT64, UINT64, named
from hybrid_rs.ir.verify import verify

STEPS, DIVISION, INDEX = range(3)
SITES = (
    Site("RuntimeError", "steps", "a.py", 1),
    Site("ZeroDivisionError", "zero", "a.py", 2),
    Site("IndexError", "index", "a.py", 3),
)
N, K, TOTAL = Var("n", INT64), Var("k", INT64), Var("total", INT64)


def const(value: int) -> Const:
    return Const(INT64, value)


def op(name: str, *args: Expr, site: int | None = None) -> Op:
    return Op(name, BOOL if name in {"lt", "eq", "ne"} else args[0].type, args, site)


def function(*body: Stmt, tables: tuple[Table, ...] = ()) -> Function:
    """Make a function of n, and of tables, with locals k and total."""
    made = Function(
        "f",
        (*tables, Param("n", INT64)),
        (Param("k", INT64), Param("total", INT64)),
        (INT64,),
        body,
        SITES,
        STEPS,
    )
    verify(made)
    return made


COUNTING = function(
    Assign("k", const(0)),
    Assign("total", const(0)),
    Loop(
        "L",
        (),
        op("lt", K, N),
        (
            If(op("eq", op("mod", K, const(3), site=DIVISION), const(1)), (Continue("L"),), ()),
            If(op("eq", K, const(20)), (Break("L"),), ()),
            Assign("total", op("add", TOTAL, op("floordiv", const(100), op("sub", K, const(12)), site=DIVISION))),
        ),
        (Assign("k", op("add", K, const(1))),),
    ),
    Return((TOTAL,)),
)
"""Faults from n = 13 on, when k gets to 12."""


def counting(n: int) -> int:
    total = 0
    for k in range(n):
        if k % 3 == 1:
            continue
        if k == 20:
            break
        total += 100 // (k - 12)
    return total


@pytest.mark.parametrize("n", range(-2, 13))
def test_a_loop(n: int) -> None:
    assert run(COUNTING, (n,)) == (counting(n),)


def test_a_fault_names_its_site() -> None:
    with pytest.raises(Faulted) as caught:
        run(COUNTING, (13,))
    assert (caught.value.site, caught.value.index) == (DIVISION, None)


@pytest.mark.parametrize("n", range(6))
def test_steps_are_the_back_edges(n: int) -> None:
    assert run(COUNTING, (n,), n) == (counting(n),)
    if n:
        with pytest.raises(Faulted) as caught:
            run(COUNTING, (n,), n - 1)
        assert caught.value.site == STEPS


def test_steps_of_all_loops_count_together() -> None:
    inner = Loop("M", (), op("lt", K, const(3)), (), (Assign("k", op("add", K, const(1))),))
    outer = Loop(
        "L", (), op("lt", TOTAL, N), (Assign("k", const(0)), inner), (Assign("total", op("add", TOTAL, const(1))),)
    )
    made = function(Assign("total", const(0)), outer, Return((TOTAL,)))
    assert run(made, (5,), 5 * 4) == (5,)
    with pytest.raises(Faulted):
        run(made, (5,), 5 * 4 - 1)


def test_a_break_leaves_the_loop_without_a_step() -> None:
    made = function(Assign("k", const(7)), Loop("L", (), Const(BOOL, True), (Break("L"),), ()), Return((K,)))
    assert run(made, (0,), 0) == (7,)


def test_leaving_several_at_once() -> None:
    inner = Loop("M", (), Const(BOOL, True), (If(op("lt", K, N), (Continue("L"),), (Break("B"),)),), ())
    outer = Loop("L", (), Const(BOOL, True), (inner,), (Assign("k", op("add", K, const(1))),))
    made = function(Assign("k", const(0)), Block("B", (outer,)), Return((K,)))
    assert run(made, (5,)) == (5,)


def test_operands_fault_from_left_to_right() -> None:
    table = Table("t", INT64, 1)
    load = Load("t", INT64, (N,), INDEX)
    zero = op("floordiv", const(1), const(0), site=DIVISION)
    for first, second, site in ((load, zero, INDEX), (zero, load, DIVISION)):
        made = function(Return((op("add", first, second),)), tables=(table,))
        with pytest.raises(Faulted) as caught:
            run(made, ((1, 2), 5))
        assert caught.value.site == site


def test_nans_come_out_canonical() -> None:
    made = Function("f", (Param("x", FLOAT64),), (), (FLOAT64, FLOAT64), (Return((Var("x", FLOAT64),) * 2),), SITES, 0)
    for nan in (-math.nan, np.array([0xFFF0_0000_0000_0001], "u8").view("f8")[0].item()):
        assert [np.float64(value).view("u8") for value in run(made, (nan,))] == [0x7FF8_0000_0000_0000] * 2


@pytest.mark.parametrize("nested", [False, True])
def test_tables(nested: bool) -> None:
    cells = np.arange(6).reshape(2, 3) * 10
    table: Any = tuple(map(tuple, cells.tolist())) if nested else cells
    index = (op("floordiv", N, const(3), site=DIVISION), op("mod", N, const(3), site=DIVISION))
    made = function(Return((Load("t", INT64, index, INDEX),)), tables=(Table("t", INT64, 2),))
    for n in range(-6, 6):
        assert run(made, (table, n)) == (cells[n // 3, n % 3],)
    for n in (-7, 6):
        with pytest.raises(Faulted) as caught:
            run(made, (table, n))
        assert caught.value.site == INDEX
    lengths = function(
        Return((op("add", op("mul", Dim("t", 0, INT64), const(100)), Dim("t", 1, INT64)),)),
        tables=(Table("t", INT64, 2),),
    )
    assert run(lengths, (table, 0)) == (203,)


def test_an_index_far_out_wraps_once_only() -> None:
    made = function(Return((Load("t", INT64, (N,), INDEX),)), tables=(Table("t", INT64, 1),))
    table = np.array([5, 6, 7])
    assert run(made, (table, -3)) == (5,)
    for n in (-4, 3, 2**63 - 1, -(2**63)):
        with pytest.raises(Faulted):
            run(made, (table, n))
    with pytest.raises(Faulted):
        run(made, (np.array([], dtype=int), 0))


# ---- batches


def batch(inputs: list[Any], count: int, ok: NDArray[np.bool_] | None, max_steps: int | None = None) -> Any:
    out = np.full(count, -1)
    polled: list[int] = []
    run_batch(COUNTING, inputs, [], [out], ok, max_steps, polled.append)
    return out, polled


def test_a_batch_is_its_elements() -> None:
    n = np.arange(600) % 12
    out, polled = batch([n], 600, None)
    assert out.tolist() == [counting(int(value)) for value in n]
    assert polled == [0, 256, 512, 600]


@pytest.mark.parametrize("scalar", [5, np.int64(5), np.array(5)])
def test_scalars_stand_for_every_element(scalar: Any) -> None:
    out, _ = batch([scalar], 300, None)
    assert out.tolist() == [counting(5)] * 300


def test_an_empty_batch() -> None:
    out, polled = batch([np.array([], dtype=int)], 0, None)
    assert (out.tolist(), polled) == ([], [0])


def test_the_lowest_fault_ends_a_batch() -> None:
    n = np.array([1, 2, 30, 3, 31])
    out = np.full(5, -1)
    with pytest.raises(Faulted) as caught:
        run_batch(COUNTING, [n], [], [out], None, None, lambda _done: None)
    assert (caught.value.site, caught.value.index) == (DIVISION, 2)
    assert out.tolist() == [counting(1), counting(2), -1, -1, -1]


def test_masked_faults_leave_their_elements_alone() -> None:
    ok = np.array([False, False, True, False, True])
    out, _ = batch([np.array([1, 2, 30, 3, 31])], 5, ok)
    assert ok.tolist() == [True, True, False, True, False]
    assert out.tolist() == [counting(1), counting(2), -1, counting(3), -1]


def test_masked_step_limits() -> None:
    ok = np.zeros(4, dtype=bool)
    out, _ = batch([np.array([2, 5, 3, 4])], 4, ok, 3)
    assert ok.tolist() == [True, False, True, False]
    assert out.tolist() == [counting(2), -1, counting(3), -1]


class Stop(Exception):  # noqa: N818
    pass


def test_what_a_poll_raises_ends_a_batch() -> None:
    out = np.full(1000, -1)

    def poll(done: int) -> None:
        if done > 300:
            raise Stop

    with pytest.raises(Stop):
        run_batch(COUNTING, [np.full(1000, 3)], [], [out], None, None, poll)
    assert np.count_nonzero(out != -1) == 512


def test_a_long_element_is_polled() -> None:
    endless = function(Loop("L", (), Const(BOOL, True), (), ()))
    polls = 0

    def poll(done: int) -> None:
        nonlocal polls
        polls += 1
        if polls == 4:
            raise Stop

    with pytest.raises(Stop):
        run_batch(endless, [np.array([1])], [], [np.array([0])], None, None, poll)
    with pytest.raises(Faulted):
        run_batch(endless, [np.array([1])], [], [np.array([0])], None, 25_000, lambda _done: None)


def test_results_of_every_type_are_stored() -> None:
    made = Function(
        "f",
        (Param("u", UINT64), Param("x", FLOAT64)),
        (),
        (UINT64, FLOAT64, BOOL),
        (Return((Var("u", UINT64), Var("x", FLOAT64), Op("isnan", BOOL, (Var("x", FLOAT64),)))),),
        SITES,
        0,
    )
    verify(made)
    u, x = np.array([2**64 - 1, 0], dtype="u8"), np.array([math.nan, -0.0])
    outs = [np.zeros(2, "u8"), np.zeros(2), np.zeros(2, bool)]
    run_batch(made, [u, x], [], outs, None, None, lambda _done: None)
    assert outs[0].tolist() == [2**64 - 1, 0]
    assert outs[1].view("u8").tolist() == [0x7FF8_0000_0000_0000, 1 << 63]
    assert outs[2].tolist() == [True, False]


# ---- random functions against Python's own control flow


def python(made: Function) -> Callable[..., Any]:
    """Write a function as Python source: labels are exceptions, ops are calls of their rows."""
    labels: list[str] = []

    def write(expr: Expr) -> str:
        if isinstance(expr, Const):
            return repr(expr.value).replace("inf", "math.inf").replace("nan", "math.nan")
        if isinstance(expr, Var):
            return f"v['{expr.name}']"
        if isinstance(expr, Dim):
            return f"{expr.table}.shape[{expr.axis}]"
        if isinstance(expr, Load):
            return f"load({expr.table}, {expr.site}, {', '.join(map(write, expr.index))})"
        if isinstance(expr, Cast):
            return f"cast('{expr.arg.type}', '{expr.type}', {expr.site}, {write(expr.arg)})"
        return f"call('{expr.op}', '{ops.main_type(expr)}', {expr.site}, {', '.join(map(write, expr.args))})"

    def lines(body: tuple[Stmt, ...], indent: str) -> list[str]:
        out = [indent + "pass"]
        for stmt in body:
            out += statement(stmt, indent)
        return out

    def statement(stmt: Stmt, indent: str) -> list[str]:
        deeper = indent + " "
        if isinstance(stmt, Assign):
            return [f"{indent}v['{stmt.target}'] = {write(stmt.value)}"]
        if isinstance(stmt, If):
            then, orelse = lines(stmt.then, deeper), lines(stmt.orelse, deeper)
            return [f"{indent}if {write(stmt.cond)}:", *then, f"{indent}else:", *orelse]
        if isinstance(stmt, Return):
            return [f"{indent}return ({''.join(write(value) + ', ' for value in stmt.values)})"]
        if isinstance(stmt, Fault):
            return [f"{indent}raise Faulted({stmt.site})"]
        if isinstance(stmt, Break | Continue):
            return [f"{indent}raise {'Break' if isinstance(stmt, Break) else 'Continue'}{stmt.label}"]
        labels.append(stmt.label)
        if isinstance(stmt, Block):
            inner = lines(stmt.body, deeper)
        else:
            once = [*lines(stmt.head, deeper + "  "), f"{deeper}  if not {write(stmt.cond)}: break"]
            once += lines(stmt.body, deeper + "  ")
            inner = [f"{deeper}while True:", f"{deeper} try:", *once, f"{deeper} except Continue{stmt.label}: pass"]
            inner += [*lines(stmt.step, deeper + " "), f"{deeper} count()"]
        return [f"{indent}try:", *inner, f"{indent}except Break{stmt.label}: pass"]

    body = lines(made.body, " ")
    text = [f"class {kind}{label}(Exception): pass" for label in labels for kind in ("Break", "Continue")]
    text += [f"def f(v, count, {', '.join(p.name for p in made.params if isinstance(p, Table))}):", *body]
    namespace: dict[str, Any] = {"math": math, "Faulted": Faulted, "call": call, "cast": cast, "load": load}
    exec("\n".join(text), namespace)
    return namespace["f"]  # type: ignore[no-any-return]


def call(name: str, type_: str, site: int | None, *values: Any) -> Any:
    try:
        return ops.OPS[name].function(named(type_), *values)
    except ops.OpFault:
        assert site is not None
        raise Faulted(site) from None


def cast(source: str, target: str, site: int | None, value: Any) -> Any:
    if site is None:
        return ops.convert(named(source), named(target), value)
    try:
        return ops.convert_checked(named(source), named(target), value)
    except ops.OpFault:
        raise Faulted(site) from None


def load(table: NDArray[Any], site: int, *index: int) -> Any:
    try:
        return table[index].item()
    except IndexError:
        raise Faulted(site) from None


@given(st.integers(0, 2**32))
def test_random_functions_run_as_python_runs_them(seed: int) -> None:
    rng = random.Random(seed)
    made = irgen.generate(rng, size=rng.choice([5, 20]), faults=rng.choice([0.0, 0.1]))
    columns, tables = irgen.arguments(rng, made, 4)
    names = [param.name for param in made.params if isinstance(param, Param)]
    translated = python(made)
    limit = rng.choice([3, 1000])
    for row in zip(*[column.tolist() for column in columns], strict=True):
        budget = itertools.count(limit, -1)
        next(budget)

        def count(budget: Iterator[int] = budget) -> None:
            if next(budget) < 0:
                raise Faulted(made.steps_site)

        variables = dict(zip(names, row, strict=True))
        scalars, arrays = iter(row), iter(tables)
        args = [next(scalars) if isinstance(param, Param) else next(arrays) for param in made.params]
        assert outcome(run, made, args, limit) == outcome(translated, variables, count, *tables)


def outcome(compute: Callable[..., tuple[float, ...]], *args: Any) -> Any:
    """Give results in a form that compares bits, or the site of the fault."""
    try:
        return [repr(value) for value in compute(*args)]
    except Faulted as fault:
        return fault.site
