"""What folding does to small functions."""

import itertools
import math

import pytest

from hybrid_rs.ir import ops
from hybrid_rs.ir.nodes import (
    Assign,
    Block,
    Break,
    Cast,
    Continue,
    Expr,
    Function,
    If,
    Loop,
    Param,
    Return,
    Var,
)
from hybrid_rs.ir.reference import Faulted, run
from hybrid_rs.ir.show import show_expr
from hybrid_rs.ir.types import ALL, BOOL, FLOAT32, FLOAT64, INT32, INT64, UINT64, Type, named
from hybrid_rs.ir.verify import verify
from hybrid_rs.passes.fold import fold
from irsmall import (
    DIVIDED,
    DIVISION,
    INT8,
    OVERFLOW,
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
    op,
)


def folded(expr: Expr) -> str:
    made = fold(function(Return((expr,)), results=(expr.type,)))
    verify(made)
    (stmt,) = made.body
    assert isinstance(stmt, Return)
    return show_expr(stmt.values[0])


@pytest.mark.parametrize(
    ("expr", "text"),
    [
        (op("add", const(2), op("mul", const(3), const(4))), "14"),
        (op("add", N, op("sub", const(3), const(3))), "n"),
        (op("add", const(0), N), "n"),
        (op("sub", N, const(0)), "n"),
        (op("sub", const(0), N), "0 - n"),
        (op("mul", N, const(1)), "n"),
        (op("mul", const(0), N), "0"),
        (op("mul", const(0), DIVIDED), "0 * (n // m)"),
        (op("floordiv", N, const(1), site=DIVISION), "n"),
        (op("mod", N, const(1), site=DIVISION), "0"),
        (op("mod", DIVIDED, const(1), site=DIVISION), "n // m % 1"),
        (op("quot", N, const(1), site=DIVISION), "n"),
        (op("rem", N, const(1), site=DIVISION), "0"),
        (op("floordiv", N, const(8), site=DIVISION), "n >> 3"),
        (op("mod", N, const(8), site=DIVISION), "n & 7"),
        (op("quot", N, const(8), site=DIVISION), "quot(n, 8)"),
        (op("rem", N, const(8), site=DIVISION), "rem(n, 8)"),
        (op("quot", Var("u", UINT64), const(2**63, UINT64), site=DIVISION), "u >> 63u64"),
        (op("rem", Var("u", UINT64), const(2**63, UINT64), site=DIVISION), f"u & {2**63 - 1}u64"),
        (op("floordiv", N, const(-8), site=DIVISION), "n // -8"),
        (op("mod", N, const(-(2**63)), site=DIVISION), f"n % {-(2**63)}"),
        (op("mod", N, const(6), site=DIVISION), "n % 6"),
        (op("floordiv", const(1), const(0), site=DIVISION), "1 // 0"),
        (op("mod", const(-7), const(3), site=DIVISION), "2"),
        (op("add_checked", const(2**63 - 1), const(1), site=OVERFLOW), f"{2**63 - 1} +! 1"),
        (op("add_checked", const(2), const(1), site=OVERFLOW), "3"),
        (op("pow", N, const(0), site=VALUE), "1"),
        (op("pow", N, const(1), site=VALUE), "n"),
        (op("pow", N, const(2), site=VALUE), "n * n"),
        (op("pow", N, const(3), site=VALUE), "n * n * n"),
        (op("pow", N, const(4), site=VALUE), "n * n * (n * n)"),
        (op("pow", N, const(5), site=VALUE), "pow(n, 5)"),
        (op("pow", op("neg", N), const(2), site=VALUE), "pow(-n, 2)"),
        (op("pow", const(2), const(-1), site=VALUE), "pow(2, -1)"),
        (op("and", N, const(-1)), "n"),
        (op("and", const(0), N), "0"),
        (op("and", Var("u", UINT64), const(2**64 - 1, UINT64)), "u"),
        (op("or", N, const(0)), "n"),
        (op("or", N, const(-1)), "-1"),
        (op("or", DIVIDED, const(-1)), "n // m | -1"),
        (op("xor", const(0), N), "n"),
        (op("shl", N, const(0)), "n"),
        (op("shr", N, const(64)), "n >> 64"),
        (op("and", B, const(True, BOOL)), "b"),
        (op("and", const(False, BOOL), B), "False"),
        (op("or", B, const(True, BOOL)), "True"),
        (op("xor", B, const(True, BOOL)), "not b"),
        (op("not", op("not", B)), "b"),
        (op("not", op("eq", X, Y)), "x != y"),
        (op("not", op("lt", N, M)), "n >= m"),
        (op("not", op("lt", X, Y)), "not x < y"),
        (op("neg", op("neg", N)), "n"),
        (op("invert", op("invert", N)), "n"),
        (op("abs", Var("u", UINT64)), "u"),
        (op("abs", N), "abs(n)"),
        (op("select", const(True, BOOL), N, M), "n"),
        (op("select", const(False, BOOL), N, M), "m"),
        (op("select", const(False, BOOL), DIVIDED, M), "select(False, n // m, m)"),
        # floats
        (op("add", X, const(0.0, FLOAT64)), "x + 0.0"),
        (op("add", X, const(-0.0, FLOAT64)), "x"),
        (op("sub", X, const(0.0, FLOAT64)), "x"),
        (op("sub", X, const(-0.0, FLOAT64)), "x - -0.0"),
        (op("mul", X, const(1.0, FLOAT64)), "x"),
        (op("mul", X, const(0.0, FLOAT64)), "x * 0.0"),
        (op("div", X, const(1.0, FLOAT64)), "x"),
        (op("div", X, const(4.0, FLOAT64)), "x * 0.25"),
        (op("div", X, const(-0.5, FLOAT64)), "x * -2.0"),
        (op("div", X, const(3.0, FLOAT64)), "x / 3.0"),
        (op("div", X, const(0.0, FLOAT64)), "x / 0.0"),
        (op("div", X, const(5e-324, FLOAT64)), "x / 5e-324"),
        (op("div", X, const(2.0**1023, FLOAT64)), f"x * {2.0**-1023}"),
        (op("div", Var("f", FLOAT32), const(2.0**-140, FLOAT32)), f"f / {2.0**-140}f32"),
        (op("floordiv", X, const(1.0, FLOAT64)), "x // 1.0"),
        (op("add", const(0.1, FLOAT64), const(0.2, FLOAT64)), "0.30000000000000004"),
        (op("sqrt", const(-1.0, FLOAT64)), "nan"),
        (op("isnan", op("div", const(0.0, FLOAT64), const(0.0, FLOAT64))), "True"),
        # casts
        (Cast(INT64, N), "n"),
        (Cast(FLOAT64, const(3)), "3.0"),
        (Cast(INT8, const(300)), "44i8"),
        (Cast(INT8, const(300), OVERFLOW), "int8!(300)"),
        (Cast(INT8, const(100), OVERFLOW), "100i8"),
        (Cast(INT64, Var("i8", INT8), OVERFLOW), "int64(i8)"),
        (Cast(UINT64, Var("i8", INT8), OVERFLOW), "uint64!(i8)"),
        (Cast(INT64, Cast(INT32, Var("i8", INT8))), "int64(i8)"),
        (Cast(INT8, Cast(INT32, N)), "int8(n)"),
        (Cast(INT64, Cast(INT8, N)), "int64(int8(n))"),
        (Cast(INT32, Cast(UINT64, Var("i8", INT8))), "int32(i8)"),
        (Cast(INT8, Cast(FLOAT64, Cast(INT32, N))), "int8(float64(int32(n)))"),
        (Cast(INT64, Cast(FLOAT64, Cast(INT32, N))), "int64(int32(n))"),
        (Cast(FLOAT32, Cast(FLOAT64, Var("f", FLOAT32))), "f"),
        (Cast(FLOAT64, Cast(FLOAT32, X)), "float64(float32(x))"),
        (Cast(INT32, Cast(FLOAT64, Var("f", FLOAT32))), "int32(f)"),
        (Cast(BOOL, Cast(INT64, B)), "b"),
        (Cast(INT64, Cast(BOOL, N)), "int64(bool(n))"),
        (Cast(INT8, Cast(INT32, N, OVERFLOW)), "int8(int32!(n))"),
    ],
)
def test_folded_expressions(expr: Expr, text: str) -> None:
    assert folded(expr) == text


@pytest.mark.parametrize("name", ["floordiv", "mod", "quot", "rem", "pow"])
def test_integers_by_constants_keep_their_values(name: str) -> None:
    for type_ in (INT8, named("uint8")):
        for right in [1, 2, 3, 4, 5, 8, 64, *([-1, -2, -128] if type_ is INT8 and name != "pow" else [])]:
            site = VALUE if name == "pow" else DIVISION
            expr = op(name, Var("a", type_), const(right, type_), site=site)
            made = Function("f", (Param("a", type_),), (), (type_,), (Return((expr,)),), SITES, STEPS)
            simpler = fold(made)
            verify(simpler)
            for value in range(type_.low, type_.high + 1):
                assert run(simpler, (value,)) == run(made, (value,)), (value, right)


INTEGERS = [-(2**63), -(2**31) - 1, -129, -128, -1, 0, 1, 127, 128, 255, 2**24 + 1, 2**53 + 1, 2**63 - 1]
REALS = [0.0, -0.0, 0.5, -1.5, 126.9, 127.5, 2.0**31, 2.0**40, 1e300, math.inf, -math.inf, math.nan]


@pytest.mark.parametrize("source", ALL, ids=str)
def test_a_cast_of_a_cast_keeps_its_value(source: Type) -> None:
    samples = REALS if source.is_float else INTEGERS
    for between, target, checked in itertools.product(ALL, ALL, (False, True)):
        if checked and not target.is_integer:
            continue
        expr = Cast(target, Cast(between, Var("a", source)), OVERFLOW if checked else None)
        made = Function("f", (Param("a", source),), (), (target,), (Return((expr,)),), SITES, STEPS)
        simpler = fold(made)
        verify(simpler)
        for sample in samples:
            value = ops.convert(FLOAT64 if source.is_float else INT64, source, sample)
            assert outcome(simpler, value) == outcome(made, value), (source, between, target, value)


def outcome(made: Function, value: float) -> str:
    try:
        return repr(run(made, (value,)))
    except Faulted as fault:
        return str(fault)


# ---- fold: statements


def test_constants_and_copies_are_put_in_place() -> None:
    assert after(
        fold,
        Assign("k", const(3)),
        Assign("j", N),
        Assign("total", op("add", op("mul", K, const(2)), J)),
        Assign("k", M),
        Return((op("add", K, TOTAL),)),
    ) == ["k = 3", "j = n", "total = 6 + n", "k = m", "return m + total"]


def test_a_copy_ends_where_the_original_changes() -> None:
    assert after(
        fold, Assign("k", DIVIDED), Assign("j", K), Assign("k", op("add", K, const(1))), Return((op("add", J, K),))
    ) == ["k = n // m", "j = k", "k = k + 1", "return j + k"]


def test_a_swap() -> None:
    body = (
        Assign("k", DIVIDED), Assign("j", op("neg", K)), Assign("total", K), Assign("k", J), Assign("j", TOTAL),
        Return((op("sub", K, J),)),
    )  # fmt: skip
    assert after(fold, *body)[-1] == "return k - total"
    for n, m in ((7, 2), (-9, 4)):
        args = (n, m, 0.0, 0.0, True, True, 0.0, 0, 0, (1,))
        assert run(fold(function(*body)), args) == (-2 * (n // m),)


def test_what_one_side_changes_is_not_known_behind() -> None:
    assert after(
        fold,
        Assign("k", const(1)),
        Assign("j", const(2)),
        If(B, (Assign("k", const(5)), Assign("total", op("add", K, J))), (Assign("total", K),)),
        Return((op("add", K, J),)),
    ) == ["k = 1", "j = 2", "if b:", "    k = 5", "    total = 7", "else:", "    total = 1", "return k + 2"]


def test_a_side_that_leaves_changes_nothing_behind() -> None:
    assert after(
        fold, Assign("k", const(1)), If(B, (Assign("k", const(5)), Return((K,))), (Assign("j", N),)), Return((K,))
    ) == ["k = 1", "if b:", "    k = 5", "    return 5", "else:", "    j = n", "return 1"]


def test_a_block_may_be_left_before_its_end() -> None:
    assert (
        after(
            fold,
            Assign("k", const(1)),
            Block("L", (If(B, (Assign("k", const(2)), Break("L")), ()), Assign("j", K))),
            Return((K,)),
        )[-1]
        == "return k"
    )


def test_what_a_loop_changes_is_not_known_in_it() -> None:
    assert after(
        fold,
        Assign("k", const(1)),
        Assign("j", const(2)),
        Loop("L", (), op("lt", K, J), (Assign("total", op("add", K, J)),), (Assign("k", op("add", K, J)),)),
        Return((K,)),
    ) == ["k = 1", "j = 2", "loop L while k < 2:", "    total = k + 2", "step L:", "    k = k + 2", "return k"]


def test_the_step_knows_nothing_of_the_body() -> None:
    body = (If(B, (Continue("L"),), ()), Assign("k", const(7)))
    found = after(
        fold, Assign("k", N), Loop("L", (), op("lt", K, M), body, (Assign("k", op("add", K, const(1))),)), Return((K,))
    )
    assert found[-2:] == ["    k = k + 1", "return k"]


def test_branches_on_constants() -> None:
    assert after(fold, If(op("lt", const(1), const(2)), (Return((N,)),), (Return((M,)),))) == ["return n"]
    assert after(fold, If(const(False, BOOL), (Return((N,)),), ()), Return((M,))) == ["return m"]
    never = Loop("L", (Assign("k", N),), const(False, BOOL), (Return((M,)),), ())
    assert after(fold, never, Return((K,))) == ["block L:", "    k = n", "return k"]


def test_nothing_stays_behind_what_leaves() -> None:
    endless = Loop("L", (), const(True, BOOL), (If(B, (Return((N,)), Assign("k", N)), ()),), (Assign("j", N),))
    assert after(fold, endless, Assign("k", M), Return((K,))) == [
        "loop L while True:", "    if b:", "        return n", "step L:", "    j = n",
    ]  # fmt: skip
    once = Loop("L", (), const(True, BOOL), (Return((N,)),), (Assign("j", N),))
    assert after(fold, once) == ["loop L while True:", "    return n"]


def test_blocks_without_a_jump_go() -> None:
    block = Block("B", (Assign("k", N), Break("B")))
    assert after(fold, block, Return((K,))) == ["k = n", "return n"]
    last = If(B, (Assign("k", N), Break("B")), (Assign("k", M), Break("B")))
    assert after(fold, Block("B", (last,)), Return((K,))) == ["if b:", "    k = n", "else:", "    k = m", "return k"]
    either = If(const(True, BOOL), (Assign("k", N), Break("B")), ())
    assert after(fold, Block("B", (either, Assign("k", M))), Return((K,))) == ["k = n", "return n"]
    inner = Block("B", (Block("C", (If(B, (Break("B"),), (Break("C"),)),)), Assign("k", N)))
    assert after(fold, inner, Return((M,)))[0] == "block B:"


def test_an_early_way_out_becomes_an_else() -> None:
    first, second = (If(cond, (Assign("k", value), Break("B")), ()) for cond, value in ((B, N), (C, M)))
    helper = Block("B", (first, second, Assign("k", const(0)), Break("B")))
    assert after(fold, helper, Return((K,))) == [
        "if b:", "    k = n", "else:", "    if c:", "        k = m", "    else:", "        k = 0", "return k",
    ]  # fmt: skip
    loop = Loop("L", (), op("lt", J, N), (), (Assign("j", op("add", J, const(1))),))
    around = Block("B", (first, Assign("j", M), loop, Assign("k", J)))
    assert after(fold, around, Return((K,)))[0] == "block B:"


def test_a_continue_becomes_an_else() -> None:
    body = (If(C, (), (Assign("k", N), Continue("L"))), Assign("k", M))
    assert after(fold, Assign("k", N), Loop("L", (), B, body, ()), Return((K,))) == [
        "k = n", "loop L while b:", "    if c:", "        k = m", "    else:", "        k = n", "return k",
    ]  # fmt: skip
    leaving = Loop("L", (), B, (If(C, (Break("L"),), ()),), ())
    assert "        break L" in after(fold, leaving, Return((M,)))
