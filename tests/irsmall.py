"""Small functions of the IR to be written by hand in tests, and their text."""

from collections.abc import Callable

from hybrid_rs.ir import ops
from hybrid_rs.ir.nodes import (
    Const,
    Expr,
    Function,
    Load,
    Op,
    Param,
    Site,
    Stmt,
    Table,
    Var,
)
from hybrid_rs.ir.show import show
from hybrid_rs.ir.types import BOOL, FLOAT32, FLOAT64, INT64, UINT64, Type, named
from hybrid_rs.ir.verify import verify

N, M, K, J, TOTAL = (Var(name, INT64) for name in ("n", "m", "k", "j", "total"))
X, Y = Var("x", FLOAT64), Var("y", FLOAT64)
B, C = Var("b", BOOL), Var("c", BOOL)
INT8 = named("int8")
SITES = tuple(
    Site(exception, "text", "a.py", line)
    for line, exception in enumerate(["RuntimeError", "ZeroDivisionError", "IndexError", "OverflowError", "ValueError"])
)
STEPS, DIVISION, INDEX, OVERFLOW, VALUE = range(5)
PARAMS = (
    Param("n", INT64), Param("m", INT64), Param("x", FLOAT64), Param("y", FLOAT64), Param("b", BOOL), Param("c", BOOL),
    Param("f", FLOAT32), Param("i8", INT8), Param("u", UINT64), Table("t", INT64, 1),
)  # fmt: skip
LOCALS = (Param("k", INT64), Param("j", INT64), Param("total", INT64))


def const(value: float, type_: Type = INT64) -> Const:
    return Const(type_, value)


def op(name: str, *args: Expr, site: int | None = None) -> Op:
    row = ops.OPS[name]
    type_ = args[row.operands.find("T")].type
    return Op(name, row.forms[type_.code][1], args, site)


DIVIDED = op("floordiv", N, M, site=DIVISION)
LOADED = Load("t", INT64, (N,), INDEX)


def function(*body: Stmt, results: tuple[Type, ...] = (INT64,)) -> Function:
    made = Function("f", PARAMS, LOCALS, results, body, SITES, STEPS)
    verify(made)
    return made


def lines(made: Function) -> list[str]:
    """Give the text of a function without its header and without comments."""
    verify(made)
    text = [line.split("  #")[0].removeprefix("    ") for line in show(made).splitlines()[1:]]
    return [line for line in text if not line.startswith("local")]


def after(one: Callable[[Function], Function], *body: Stmt) -> list[str]:
    return lines(one(function(*body)))
