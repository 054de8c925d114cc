"""What pruning takes away, and what all passes leave of a loop."""

from hybrid_rs import passes
from hybrid_rs.ir.nodes import (
    Assign,
    Block,
    Break,
    Cast,
    Continue,
    Fault,
    Function,
    If,
    Loop,
    Param,
    Return,
    Var,
)
from hybrid_rs.ir.types import INT64, UINT64
from hybrid_rs.passes.dead import prune
from irsmall import (
    DIVIDED,
    DIVISION,
    LOADED,
    LOCALS,
    PARAMS,
    SITES,
    STEPS,
    TOTAL,
    VALUE,
    B,
    C,
    J,
    K,
    M,
    N,
    X,
    Y,
    after,
    const,
    function,
    lines,
    op,
)


def test_what_nothing_reads_goes() -> None:
    made = prune(function(Assign("k", N), Assign("k", M), Assign("j", op("neg", K)), Assign("j", N), Return((K,))))
    assert lines(made) == ["k = m", "return k"]
    assert made.locals == (Param("k", INT64),)


def test_what_can_fault_stays() -> None:
    assert after(prune, Assign("k", DIVIDED), Assign("j", LOADED), Return((N,))) == [
        "k = n // m",
        "j = t[n]",
        "return n",
    ]
    constant = op("floordiv", N, const(3), site=DIVISION)
    assert after(prune, Assign("k", constant), Return((N,))) == ["return n"]


def test_a_counter_that_only_counts_goes() -> None:
    loop = Loop(
        "L",
        (),
        op("lt", J, N),
        (Assign("total", op("add", TOTAL, J)),),
        (Assign("k", op("add", K, const(1))), Assign("j", op("add", J, const(1)))),
    )
    start = [Assign(name, const(0)) for name in ("k", "j", "total")]
    assert after(prune, *start, loop, Return((TOTAL,))) == [
        "j = 0", "total = 0", "loop L while j < n:", "    total = total + j", "step L:",
        "    j = j + 1", "return total",
    ]  # fmt: skip


def test_counters_that_only_count_each_other_go() -> None:
    body = (Assign("k", op("add", J, const(1))), Assign("j", op("add", K, const(1))))
    loop = Loop("L", (), B, (Loop("M", (), C, body, ()),), ())
    assert after(prune, Assign("j", N), loop, Return((N,))) == [
        "loop L while b:",
        "    loop M while c:",
        "        pass",
        "return n",
    ]


def test_what_the_next_round_reads_stays() -> None:
    body = (Assign("total", op("add", TOTAL, K)), Assign("k", op("add", K, const(1))))
    found = after(prune, Assign("k", N), Assign("total", M), Loop("L", (), B, body, ()), Return((TOTAL,)))
    assert found == ["k = n", "total = m", "loop L while b:", "    total = total + k", "    k = k + 1", "return total"]


def test_what_is_read_where_a_jump_leads_stays() -> None:
    jumps = If(B, (Assign("k", N), Break("L")), (Assign("k", M), Continue("L")))
    loop = Loop("L", (), C, (jumps,), (Assign("total", op("add", TOTAL, K)),))
    found = after(prune, Assign("total", N), Assign("k", M), loop, Return((op("add", K, TOTAL),)))
    assert found == [
        "total = n", "k = m", "loop L while c:", "    if b:", "        k = n", "        break L", "    else:",
        "        k = m", "        continue L", "step L:", "    total = total + k", "return k + total",
    ]  # fmt: skip


def test_empty_ifs_go_unless_their_condition_faults() -> None:
    assert after(prune, If(B, (Assign("k", N),), (Assign("j", N),)), Return((N,))) == ["return n"]
    asks = op("lt", DIVIDED, const(1))
    assert after(prune, If(asks, (Assign("k", N),), ()), Return((N,))) == ["if n // m < 1:", "    pass", "return n"]
    assert after(prune, If(B, (Fault(VALUE),), ()), Return((N,)))[0] == "if b:"


def test_an_if_with_an_else_only_is_turned_round() -> None:
    for cond, text in ((op("lt", N, M), "if n >= m:"), (op("eq", X, Y), "if x != y:"), (op("not", B), "if b:")):
        found = after(prune, Assign("k", M), If(cond, (), (Assign("k", N),)), Return((K,)))
        assert found == ["k = m", text, "    k = n", "return k"]
    found = after(prune, Assign("k", M), If(op("lt", X, Y), (), (Assign("k", N),)), Return((K,)))
    assert found == ["k = m", "if x < y:", "    pass", "else:", "    k = n", "return k"]


def test_loops_stay_since_their_steps_count() -> None:
    loop = Loop("L", (), op("lt", J, N), (), (Assign("j", op("add", J, const(1))),))
    assert "loop L while j < n:" in after(prune, Assign("j", const(0)), loop, Return((N,)))


def test_a_counted_loop_is_left_with_what_it_needs() -> None:
    """``for _ in range(n)`` with a helper's result: no counter of its own, no block, no repeated product."""
    helper = Block("h", (Assign("j", op("mul", M, M)), Break("h")))
    body = (Assign("k", Var("i", INT64)), helper, Assign("total", op("add", TOTAL, op("mul", M, M))))
    step = (
        Assign("i", op("add", Var("i", INT64), const(1))),
        Assign("left", op("sub", Var("left", UINT64), const(1, UINT64))),
    )
    loop = Loop("L", (), op("ne", Var("left", UINT64), const(0, UINT64)), body, step)
    made = Function(
        "f",
        PARAMS,
        (*LOCALS, Param("i", INT64), Param("left", UINT64)),
        (INT64,),
        (
            Assign("total", const(0)),
            Assign("i", const(0)),
            Assign("left", Cast(UINT64, N)),
            loop,
            Return((TOTAL,)),
        ),
        SITES,
        STEPS,
    )
    assert lines(passes.run(made)) == [
        "total = 0", "left = uint64(n)", "loop L while left != 0u64:", "    j = m * m", "    total = total + j",
        "step L:", "    left = left - 1u64", "return total",
    ]  # fmt: skip
