"""Uniformity and liveness: what is one value for all lanes, who waits where, which loop is refilled.

That programs made from these answers are right is checked in `test_printer`; here it is that they aren't too cautious.
"""

from typing import Any

import pytest

from hybrid_rs import frontend, passes
from hybrid_rs.ir import tree as trees
from hybrid_rs.ir.nodes import (
    Assign,
    Block,
    Break,
    Const,
    Continue,
    Expr,
    Function,
    If,
    Loop,
    Op,
    Param,
    Return,
    Site,
    Stmt,
    Var,
)
from hybrid_rs.ir.tree import Tree
from hybrid_rs.ir.types import BOOL, INT64, named
from hybrid_rs.passes import liveness, uniform


def analysed(function: Function, *flags: bool) -> Tree:
    tree = Tree(function)
    liveness.run(tree)
    uniform.run(tree, flags)
    return tree


def of(function: Any, *flags: bool) -> Tree:
    """Analyse a Python function of int64 arguments."""
    arguments = tuple(frontend.Arg(named("int64")) for _ in flags)
    return analysed(passes.run(frontend.lower(frontend.load(function), arguments).function), *flags)


def written(body: tuple[Stmt, ...], locals_: str, parameters: str = "x u") -> Function:
    """Make a function of int64 variables that returns `r`."""
    return Function(
        "written",
        tuple(Param(name, INT64) for name in parameters.split()),
        tuple(Param(name, INT64) for name in locals_.split()),
        (INT64,),
        (*body, Return((var("r"),))),
        (Site("RuntimeError", "steps", "written.py", 1),),
        0,
    )


def var(name: str) -> Expr:
    return Var(name, INT64)


def put(name: str, value: int | str) -> Assign:
    return Assign(name, var(value) if isinstance(value, str) else Const(INT64, value))


def positive(name: str) -> Expr:
    return Op("gt", BOOL, (var(name), Const(INT64, 0)))


def varying(tree: Tree) -> set[str]:
    names = list(tree.names)
    return {names[place] for place in trees.bits(tree.varying)}


def test_values_of_uniform_ones_are_uniform_and_others_vary() -> None:
    tree = analysed(written((put("a", "u"), put("b", "x"), put("r", "a")), "a b r"), False, True)
    assert varying(tree) == {"x", "b"}


def test_what_lanes_assign_in_a_branch_varies_only_where_others_read_it() -> None:
    body = (
        put("kept", 0),
        put("r", "x"),
        If(positive("x"), (put("inside", "u"), put("kept", 1), Assign("r", var("inside"))), ()),
        Assign("r", Op("add", INT64, (var("r"), var("kept")))),
    )
    assert varying(analysed(written(body, "inside kept r"), False, True)) == {"x", "kept", "r"}


def test_a_variable_that_the_other_body_reads_varies() -> None:
    body = (put("a", 1), If(positive("x"), (put("a", 2), put("r", "a")), (put("r", "a"),)))
    assert "a" in varying(analysed(written(body, "a r"), False, True))


def test_a_variable_that_only_one_body_knows_stays_uniform() -> None:
    body = (put("r", 0), If(positive("x"), (put("a", "u"), put("r", "a")), (put("a", 3), put("r", "a"))))
    tree = analysed(written(body, "a r"), False, True)
    assert varying(tree) == {"x", "r"}


def test_lanes_that_returned_leave_uniform_variables_alone() -> None:
    body = (put("r", 1), If(positive("x"), (Return((var("x"),)),), ()), put("r", 2))
    tree = analysed(written(body, "r"), False, True)
    assert varying(tree) == {"x"}
    assert tree.late


def test_lanes_at_the_end_of_a_block_need_what_they_brought() -> None:
    body = (put("r", 1), Block("B", (If(positive("x"), (Break("B"),), ()), put("r", 2), put("other", 3))))
    tree = analysed(written(body, "r other"), False, True)
    assert varying(tree) == {"x", "r"}
    block = tree.body.nodes[1]
    assert isinstance(block, trees.Block)
    assert block.masked


def test_lanes_at_a_loops_step_need_what_they_brought() -> None:
    count = Op("sub", INT64, (var("n"), Const(INT64, 1)))
    rest = (put("a", 5), put("b", 6), Assign("r", var("b")))
    loop = Loop("L", (), positive("n"), (put("a", 4), If(positive("x"), (Continue("L"),), ()), *rest), (
        Assign("r", Op("add", INT64, (var("r"), var("a")))), Assign("n", count),
    ))  # fmt: skip
    tree = analysed(written((put("n", "u"), put("r", 0), loop), "n a b r"), False, True)
    assert varying(tree) == {"x", "a", "r"}
    assert tree.loops[0].continues
    assert not tree.loops[0].masked


def counted(x: Any, n: Any) -> Any:
    total = x
    for i in range(n):
        total = total * 3 + i
    return total


def test_a_loop_of_a_uniform_count_is_plain() -> None:
    tree = of(counted, False, True)
    assert not tree.loops[0].masked
    assert tree.refill is None
    assert varying(tree) == {"x", "total"}


def test_a_loop_of_a_varying_count_is_refilled() -> None:
    tree = of(counted, True, False)
    assert tree.refill is tree.loops[0]
    # What goes round in it varies, for its lanes are in different iterations.
    assert "i" in varying(tree)


def inner_constant(n: Any, x: Any) -> Any:
    total = 0
    while n > 0:
        for k in range(4):
            total += k * n
        n -= x
    return total


def test_a_constant_loop_inside_a_masked_one_stays_plain() -> None:
    tree = of(inner_constant, False, True)
    outer, inner = tree.loops
    assert outer.refill
    assert not inner.masked
    assert "k" not in varying(tree)


def leaves_early(x: Any, u: Any) -> Any:
    for k in range(5):
        if k == u:
            return 0
    while x > 3:
        x //= 2
    return x


def test_leaving_ahead_of_the_refill_loop_by_a_uniform_choice_makes_no_masks() -> None:
    tree = of(leaves_early, False, True)
    first, second = tree.loops
    assert not first.masked
    assert tree.refill is second


def test_what_the_epilogue_assigns_varies_if_the_refill_loop_goes_on_with_it() -> None:
    down = Assign("r", Op("sub", INT64, (var("r"), var("step"))))
    loop = Loop("L", (), positive("r"), (down,), ())
    body = (
        put("r", "x"),
        put("step", "u"),
        loop,
        put("step", 7),
        Assign("r", Op("add", INT64, (var("r"), var("step")))),
    )
    tree = analysed(written(body, "r step"), False, True)
    assert varying(tree) == {"x", "r", "step"}
    # Another variable behind the loop is none that lanes in the loop read.
    other = (*body[:3], put("last", 7), Assign("r", Op("add", INT64, (var("r"), var("last")))))
    assert varying(analysed(written(other, "r step last"), False, True)) == {"x", "r"}


def two_loops(x: Any, y: Any) -> Any:
    total = 0
    while x > 0:
        x -= 2
        total += 1
    while y > 0:
        y -= 3
        total += 1
    return total


def test_the_first_masked_loop_is_the_refill_loop() -> None:
    tree = of(two_loops, False, False)
    assert [loop.refill for loop in tree.loops] == [True, False]
    assert of(two_loops, True, False).refill is not None


def nested(x: Any, u: Any) -> Any:
    total = 0
    for i in range(u):
        while x > i:
            x -= 2
            total += 1
        x += 5
    return total


def test_a_masked_loop_inside_a_plain_one_is_not_refilled() -> None:
    tree = of(nested, False, True)
    assert tree.refill is None
    assert [loop.masked for loop in tree.loops] == [False, True]


def test_shadows_are_only_for_what_is_needed_behind_the_loop() -> None:
    tree = of(nested, False, True)
    names = list(tree.names)
    shadows = {names[place].split(".")[0] for place in trees.bits(tree.loops[1].shadows)}
    assert shadows <= {"x", "total"}
    assert shadows


@pytest.mark.parametrize("depth", [1, 3, 20])
def test_liveness_of_nested_loops_is_quick_and_right(depth: int) -> None:
    stmt: tuple[Stmt, ...] = (Assign("r", Op("add", INT64, (var("r"), var("c")))), put("unread", "r"))
    for level in range(depth):
        stmt = (Loop(f"L{level}", (), positive("x"), stmt, (put("c", "d"),)),)
    tree = Tree(written((put("c", 1), put("d", 2), put("r", 0), *stmt), "c d r unread"))
    liveness.run(tree)
    names = list(tree.names)
    for loop in tree.loops:
        live = {names[place] for place in trees.bits(loop.live_head)}
        assert live == {"x", "c", "d", "r"}


def test_unreachable_statements_are_left_out() -> None:
    body = (Block("B", (Break("B"), put("r", 1))), put("r", 2), Return((var("r"),)), put("r", 3))
    tree = Tree(written(body, "r"))
    assert len(tree.body.nodes) == 3
    assert not tree.body.completes
