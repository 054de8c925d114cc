"""The IR as text that a person can read; this is what ``inspect_ir`` prints. The same function gives the same text."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from hybrid_rs.ir import walk
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
    Stmt,
    Table,
    Var,
)
from hybrid_rs.ir.types import BOOL, FLOAT64, INT64

__all__ = ["show", "show_expr"]

_INDENT: Final = "    "
# How an op is written, and how strongly it binds (Python's order). All others are written as calls.
_INFIX: Final = {
    "or": ("or", 1), "and": ("and", 2), "eq": ("==", 4), "ne": ("!=", 4), "lt": ("<", 4), "le": ("<=", 4),
    "gt": (">", 4), "ge": (">=", 4), "xor": ("^", 6), "shl": ("<<", 8), "shr": (">>", 8),
    "add": ("+", 9), "sub": ("-", 9), "add_checked": ("+!", 9), "sub_checked": ("-!", 9), "mul": ("*", 10),
    "mul_checked": ("*!", 10), "div": ("/", 10), "floordiv": ("//", 10), "mod": ("%", 10),
}  # fmt: skip
_BITWISE: Final = {"or": ("|", 5), "and": ("&", 7)}
_PREFIX: Final = {"not": ("not ", 3), "neg": ("-", 11), "neg_checked": ("-!", 11), "invert": ("~", 11)}
_CALL: Final = 12


def show(function: Function) -> str:
    """Write a function: header, locals with their types, and indented statements.

    A statement that can fault has a comment with each fault's line and exception. Literals have their type behind them
    unless they are bool, int64 or float64; a ``!`` marks arithmetic and casts that fault instead of wrapping.
    """
    params = ", ".join([_declared(param) for param in function.params])
    results = ", ".join([type_.name for type_ in function.results])
    lines = [f"{function.name}({params}) -> {results}:"]
    by_type: dict[str, list[str]] = {}
    for local in function.locals:
        by_type.setdefault(local.type.name, []).append(local.name)
    lines += [f"{_INDENT}local {type_}: {', '.join(names)}" for type_, names in by_type.items()]
    lines += _body(function, function.body, _INDENT)
    return "\n".join(lines) + "\n"


def _declared(param: Param | Table) -> str:
    axes = f"[{', '.join(':' * param.ndim)}]" if isinstance(param, Table) else ""
    return f"{param.name}: {param.type}{axes}"


# ---- expressions


def show_expr(expr: Expr) -> str:
    """Write an expression."""
    return _expr(expr)[0]


def _expr(expr: Expr) -> tuple[str, int]:
    """Write an expression, and say how strongly it binds."""
    if isinstance(expr, Const):
        return _const(expr)
    if isinstance(expr, Var):
        return expr.name, _CALL
    if isinstance(expr, Dim):
        return f"{expr.table}.shape[{expr.axis}]", _CALL
    operands = [_expr(operand) for operand in walk.operands(expr)]
    texts = ", ".join([text for text, _ in operands])
    if isinstance(expr, Load):
        return f"{expr.table}[{texts}]", _CALL
    if isinstance(expr, Cast):
        return f"{expr.type}{'' if expr.site is None else '!'}({texts})", _CALL
    infix = _BITWISE.get(expr.op) if expr.type is not BOOL else None
    infix = infix or _INFIX.get(expr.op)
    if infix is not None:
        sign, strength = infix
        # Comparisons don't chain here, so both sides of one need parentheses around another.
        left = _inside(operands[0], strength + (strength == 4))
        return f"{left} {sign} {_inside(operands[1], strength + 1)}", strength
    if expr.op in _PREFIX:
        sign, strength = _PREFIX[expr.op]
        return sign + _inside(operands[0], strength + (strength == 11)), strength
    if expr.op == "from_bits":
        texts = f"{texts}, {expr.type}"
    return f"{expr.op}({texts})", _CALL


def _inside(operand: tuple[str, int], strength: int) -> str:
    text, own = operand
    return text if own >= strength else f"({text})"


def _const(expr: Const) -> tuple[str, int]:
    text = repr(expr.value)
    if expr.type not in {BOOL, INT64, FLOAT64}:
        text += f"{expr.type.kind}{expr.type.bits}"
    return text, 11 if text.startswith("-") else _CALL


# ---- statements


def _body(function: Function, body: tuple[Stmt, ...], indent: str) -> Iterator[str]:
    if not body:
        yield f"{indent}pass"
    for stmt in body:
        yield from _STATEMENTS[type(stmt)](function, stmt, indent)


def _faults(function: Function, exprs: tuple[Expr, ...]) -> str:
    """Write the faults of expressions in the order in which they are looked for."""
    found: list[str] = []

    def visit(expr: Expr) -> None:
        for operand in walk.operands(expr):
            visit(operand)
        if isinstance(expr, Op | Cast | Load) and expr.site is not None and walk.faults(expr):
            found.append(_site(function, expr.site))

    for expr in exprs:
        visit(expr)
    return f"  # {', '.join(dict.fromkeys(found))}" if found else ""


def _site(function: Function, site: int) -> str:
    return f"line {function.sites[site].line}: {function.sites[site].exception}"


def _assign(function: Function, stmt: Assign, indent: str) -> Iterator[str]:
    yield f"{indent}{stmt.target} = {show_expr(stmt.value)}{_faults(function, (stmt.value,))}"


def _if(function: Function, stmt: If, indent: str) -> Iterator[str]:
    yield f"{indent}if {show_expr(stmt.cond)}:{_faults(function, (stmt.cond,))}"
    yield from _body(function, stmt.then, indent + _INDENT)
    if stmt.orelse:
        yield f"{indent}else:"
        yield from _body(function, stmt.orelse, indent + _INDENT)


def _block(function: Function, stmt: Block, indent: str) -> Iterator[str]:
    yield f"{indent}block {stmt.label}:"
    yield from _body(function, stmt.body, indent + _INDENT)


def _loop(function: Function, stmt: Loop, indent: str) -> Iterator[str]:
    """Write a loop; what comes before its condition is under `head`, what the back edge does under `step`."""
    name = f"loop {stmt.label}"
    if stmt.head:
        yield f"{indent}{name} head:"
        yield from _body(function, stmt.head, indent + _INDENT)
        name = name.replace("loop", "then", 1)
    yield f"{indent}{name} while {show_expr(stmt.cond)}:{_faults(function, (stmt.cond,))}"
    yield from _body(function, stmt.body, indent + _INDENT)
    if stmt.step:
        yield f"{indent}step {stmt.label}:"
        yield from _body(function, stmt.step, indent + _INDENT)


def _leave(_function: Function, stmt: Break | Continue, indent: str) -> Iterator[str]:
    yield f"{indent}{'break' if isinstance(stmt, Break) else 'continue'} {stmt.label}"


def _return(function: Function, stmt: Return, indent: str) -> Iterator[str]:
    texts = ", ".join([show_expr(value) for value in stmt.values])
    yield f"{indent}return {texts}{_faults(function, stmt.values)}"


def _fault(function: Function, stmt: Fault, indent: str) -> Iterator[str]:
    site = function.sites[stmt.site]
    message = f"({site.message!r})" if site.message else ""
    yield f"{indent}fault {site.exception}{message}  # line {site.line}"


_STATEMENTS: Final[dict[type[Any], Callable[[Function, Any, str], Iterator[str]]]] = {
    Assign: _assign,
    If: _if,
    Block: _block,
    Loop: _loop,
    Break: _leave,
    Continue: _leave,
    Return: _return,
    Fault: _fault,
}
