"""The text of the IR: what a person reads must be what the tree says."""

import ast
import random
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

import irgen
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
    Table,
    Var,
)
from hybrid_rs.ir.show import show, show_expr
from hybrid_rs.ir.types import BOOL, FLOAT32, FLOAT64, INT32, INT64, UINT64, named

A, B, C = Var("a", INT64), Var("b", INT64), Var("c", INT64)
P, Q = Var("p", BOOL), Var("q", BOOL)


def op(name: str, *args: Expr, site: int | None = None) -> Op:
    return Op(name, BOOL if name in {"lt", "eq", "not"} else args[-1].type, args, site)


@pytest.mark.parametrize(
    ("expr", "text"),
    [
        (op("add", op("mul", A, B), C), "a * b + c"),
        (op("mul", op("add", A, B), C), "(a + b) * c"),
        (op("sub", A, op("sub", B, C)), "a - (b - c)"),
        (op("sub", op("sub", A, B), C), "a - b - c"),
        (op("neg", op("add", A, B)), "-(a + b)"),
        (op("neg", op("neg", A)), "-(-a)"),
        (op("mul", op("neg", A), B), "-a * b"),
        (op("shl", A, op("add", B, C)), "a << b + c"),
        (op("and", A, op("or", B, C)), "a & (b | c)"),
        (op("and", P, op("or", P, Q)), "p and (p or q)"),
        (op("not", op("and", P, Q)), "not (p and q)"),
        (op("and", op("not", P), Q), "not p and q"),
        (op("eq", op("lt", A, B), P), "(a < b) == p"),
        (op("lt", op("and", A, B), C), "a & b < c"),
        (op("xor", P, Q), "p ^ q"),
        (op("add_checked", A, B, site=1), "a +! b"),
        (op("quot", A, op("add", B, C), site=1), "quot(a, b + c)"),
        (Op("from_bits", FLOAT32, (Const(named("uint32"), 1),)), "from_bits(1u32, float32)"),
        (Cast(INT32, op("add", A, B)), "int32(a + b)"),
        (Cast(INT32, A, 1), "int32!(a)"),
        (Load("t", FLOAT64, (A, op("neg", B)), 1), "t[a, -b]"),
        (Dim("t", 1, INT64), "t.shape[1]"),
        (Const(INT64, -3), "-3"),
        (op("neg", Const(INT64, -3)), "-(-3)"),
        (Const(UINT64, 3), "3u64"),
        (Const(FLOAT32, 0.5), "0.5f32"),
        (Const(FLOAT64, 0.5), "0.5"),
        (Const(BOOL, True), "True"),
    ],
)
def test_expressions(expr: Expr, text: str) -> None:
    assert show_expr(expr) == text


def test_a_function() -> None:
    sites = (
        Site("RuntimeError", "steps", "a.py", 1),
        Site("ZeroDivisionError", "zero", "a.py", 7),
        Site("ValueError", "no", "a.py", 9),
    )
    divided = op("floordiv", A, op("mod", B, Const(INT64, 0), site=1), site=1)
    body = (
        Assign("k", divided),
        Loop(
            "L1",
            (Assign("k", op("floordiv", A, Const(INT64, 2), site=1)),),
            op("lt", A, B),
            (If(P, (Break("L1"),), (Continue("L1"),)),),
            (Assign("k", A),),
        ),
        Block("B1", (If(P, (), ()),)),
        If(P, (Fault(2),), ()),
        Loop("L2", (), P, (), ()),
        Return((Var("k", INT64), P)),
    )
    params = (Param("a", INT64), Param("b", INT64), Param("p", BOOL), Table("t", FLOAT64, 2))
    locals_ = (Param("k", INT64), Param("x", FLOAT64), Param("m", INT64))
    assert show(Function("f", params, locals_, (INT64, BOOL), body, sites, 0)) == (
        """\
f(a: int64, b: int64, p: bool, t: float64[:, :]) -> int64, bool:
    local int64: k, m
    local float64: x
    k = a // (b % 0)  # line 7: ZeroDivisionError
    loop L1 head:
        k = a // 2
    then L1 while a < b:
        if p:
            break L1
        else:
            continue L1
    step L1:
        k = a
    block B1:
        if p:
            pass
    if p:
        fault ValueError('no')  # line 9
    loop L2 while p:
        pass
    return k, p
"""
    )


@given(st.integers(0, 2**32))
def test_expressions_read_as_python_reads_them(seed: int) -> None:
    """Parse the text with Python's own precedence, and compare the two trees."""
    rng = random.Random(seed)
    made = irgen.generate(rng)
    shown = show(made)
    assert shown == show(irgen.generate(random.Random(seed)))
    for stmt in made.body:
        if isinstance(stmt, Assign):
            text = re.sub(r"(?<=[\w.])([iuf])(8|16|32|64)\b|!(?!=)|_checked", "", show_expr(stmt.value))
            text = text.replace("inff32", "inf").replace("nanf32", "nan")
            assert ast.unparse(ast.parse(text, mode="eval")) == ast.unparse(tree(stmt.value))


SIGNS: dict[str, ast.operator] = {
    "add": ast.Add(), "sub": ast.Sub(), "mul": ast.Mult(), "div": ast.Div(), "floordiv": ast.FloorDiv(),
    "mod": ast.Mod(), "shl": ast.LShift(), "shr": ast.RShift(), "xor": ast.BitXor(),
    "and": ast.BitAnd(), "or": ast.BitOr(),
}  # fmt: skip
ORDERS: dict[str, ast.cmpop] = {
    "eq": ast.Eq(), "ne": ast.NotEq(), "lt": ast.Lt(), "le": ast.LtE(), "gt": ast.Gt(), "ge": ast.GtE()
}  # fmt: skip
PREFIXES: dict[str, ast.unaryop] = {"neg": ast.USub(), "invert": ast.Invert(), "not": ast.Not()}


def tree(expr: Expr) -> ast.expr:
    """Make Python's tree of an expression."""
    if isinstance(expr, Const):
        return ast.parse(repr(expr.value), mode="eval").body
    if isinstance(expr, Var):
        return ast.Name(expr.name)
    if isinstance(expr, Dim):
        return ast.parse(f"{expr.table}.shape[{expr.axis}]", mode="eval").body
    if isinstance(expr, Cast):
        return ast.Call(ast.Name(expr.type.name), [tree(expr.arg)], [])
    if isinstance(expr, Load):
        places = [tree(place) for place in expr.index]
        return ast.Subscript(ast.Name(expr.table), ast.Tuple(places) if len(places) > 1 else places[0])
    name, args = expr.op.removesuffix("_checked"), [tree(arg) for arg in expr.args]
    if name in {"and", "or"} and expr.type is BOOL:
        sign = ast.And() if name == "and" else ast.Or()
        left = args[0].values if isinstance(args[0], ast.BoolOp) and type(args[0].op) is type(sign) else args[:1]
        return ast.BoolOp(sign, [*left, args[1]])
    if name in SIGNS:
        return ast.BinOp(args[0], SIGNS[name], args[1])
    if name in ORDERS:
        return ast.Compare(args[0], [ORDERS[name]], [args[1]])
    if name in PREFIXES:
        return ast.UnaryOp(PREFIXES[name], args[0])
    if name == "from_bits":
        args.append(ast.Name(expr.type.name))
    return ast.Call(ast.Name(expr.op.removesuffix("_checked")), args, [])
