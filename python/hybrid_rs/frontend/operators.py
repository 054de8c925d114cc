"""The operators: one function for each gives its type and its IR."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from hybrid_rs.errors import CompileError
from hybrid_rs.frontend.convert import common, convert, number, same
from hybrid_rs.frontend.values import Value, literal
from hybrid_rs.ir.nodes import Const
from hybrid_rs.ir.types import BOOL, FLOAT64, Type

if TYPE_CHECKING:
    from hybrid_rs.frontend.walk import Walk

__all__ = ["absolute", "binary", "invert", "negate", "power", "quotient"]

_DIVIDED: Final = "integer division or modulo by zero"
_MODULO: Final = "integer modulo by zero"
_MOST_BITS: Final = 4096
"""Literals are computed as Python's ints up to this size, which no type comes near."""
_OF_BITS: Final = (operator.and_, operator.or_, operator.xor, operator.lshift, operator.rshift)

Rule = Callable[["Walk", ast.expr, list[Value], list[ast.expr]], Value]


def _arithmetic(op: str, fold: Callable[[Any, Any], Any]) -> Rule:
    def rule(walk: Walk, node: ast.expr, values: list[Value], nodes: list[ast.expr]) -> Value:
        values = [number(walk, value) for value in values]
        known = _folded(walk, node, fold, values)
        if known is not None:
            return known
        type_, weak = common(walk, values, nodes, node, f"`{_sign(op)}`")
        a, b = same(walk, values, type_, weak, nodes)
        if walk.checked and type_.is_integer:
            site = walk.site("OverflowError", f"{type_} overflow in `{_sign(op)}`", node)
            return walk.op(f"{op}_checked", type_, (a, b), site=site, weak=weak)
        return walk.op(op, type_, (a, b), weak=weak)

    return rule


def _folded(walk: Walk, node: ast.expr, fold: Callable[[Any, Any], Any], values: list[Value]) -> Value | None:
    """Compute an operator on literals, as Python does before any types are known.

    None where a value isn't known, or where the kernel says what Python leaves to an exception, as in ``1 / 0``.

    Raises:
        CompileError: If the result is larger than any use of it.
    """
    a, b = (value.known for value in values)
    if a is None or b is None:
        return None
    if isinstance(a, int) and isinstance(b, int):
        if fold in (operator.lshift, operator.rshift) and b < 0:
            return literal(-1 if a < 0 and fold is operator.rshift else 0)
        grown = b if fold is operator.lshift and a else 0
        if fold is operator.pow:
            grown = (abs(a).bit_length() - 1) * b
        if max(a.bit_length(), b.bit_length(), grown) > _MOST_BITS:
            raise _too_large(walk, node)
    elif fold in _OF_BITS:
        return None
    try:
        result = fold(a, b)
    except OverflowError:
        if isinstance(a, int) and isinstance(b, int):
            raise _too_large(walk, node) from None
        return None
    except (ArithmeticError, ValueError):
        return None
    if isinstance(result, int) and result.bit_length() > _MOST_BITS:
        raise _too_large(walk, node)
    return literal(result) if isinstance(result, int | float) else None


def _too_large(walk: Walk, node: ast.expr) -> CompileError:
    return walk.fail(node, "literal out of range: a result larger than any type holds", "a float, as 1e30")


def _divide(walk: Walk, node: ast.expr, values: list[Value], nodes: list[ast.expr]) -> Value:
    values = [number(walk, value) for value in values]
    known = _folded(walk, node, operator.truediv, values)
    if known is not None:
        return known
    type_, weak = common(walk, values, nodes, node, "`/`")
    values = [
        value if value.known is None else convert(walk, value, type_, at)
        for value, at in zip(values, nodes, strict=True)
    ]
    wanted = type_ if type_.is_float else FLOAT64
    a, b = [_to_float(walk, value, wanted, at) for value, at in zip(values, nodes, strict=True)]
    return walk.op("div", wanted, (a, b), weak=weak)


def _to_float(walk: Walk, value: Value, type_: Type, node: ast.AST) -> Value:
    expr = value.expr
    if isinstance(expr, Const) and not expr.type.is_float:
        return convert(walk, literal(expr.value), type_, node)
    return convert(walk, value, type_, node)


def _floor(op: str, message: str, fold: Callable[[Any, Any], Any]) -> Rule:
    def rule(walk: Walk, node: ast.expr, values: list[Value], nodes: list[ast.expr]) -> Value:
        values = [number(walk, value) for value in values]
        known = _folded(walk, node, fold, values)
        if known is not None:
            return known
        type_, weak = common(walk, values, nodes, node, f"`{_sign(op)}`")
        a, b = same(walk, values, type_, weak, nodes)
        site = walk.site("ZeroDivisionError", message, node) if type_.is_integer else None
        return walk.op(op, type_, (a, b), site=site, weak=weak)

    return rule


def quotient(op: str) -> Rule:
    """Return the rule of `hybrid_rs.quot` or `hybrid_rs.rem`."""

    def rule(walk: Walk, node: ast.expr, values: list[Value], nodes: list[ast.expr]) -> Value:
        values = [number(walk, value) for value in values]
        type_, weak = common(walk, values, nodes, node, op)
        if not type_.is_integer:
            raise walk.fail(
                node,
                f"unsupported: {op} of floats",
                "np.trunc(a / b), or math.fmod(a, b)",
                zip(nodes, values, strict=True),
            )
        a, b = same(walk, values, type_, weak, nodes)
        message = _DIVIDED if op == "quot" else _MODULO
        return walk.op(op, type_, (a, b), site=walk.site("ZeroDivisionError", message, node), weak=weak)

    return rule


def _bitwise(op: str, fold: Callable[[Any, Any], Any]) -> Rule:
    def rule(walk: Walk, node: ast.expr, values: list[Value], nodes: list[ast.expr]) -> Value:
        if op in {"and", "or", "xor"} and all(value.type is BOOL for value in values):
            return walk.op(op, BOOL, (values[0], values[1]))
        values = [number(walk, value) for value in values]
        known = _folded(walk, node, fold, values)
        if known is not None:
            return known
        type_, weak = common(walk, values, nodes, node, f"`{_sign(op)}`")
        if not type_.is_integer:
            raise walk.fail(
                node,
                f"unsupported: `{_sign(op)}` of floats",
                _between(walk, node, op) or "int(...) around the floats, or hr.bits(x)",
                zip(nodes, values, strict=True),
            )
        a, b = same(walk, values, type_, weak, nodes)
        return walk.op(op, type_, (a, b), weak=weak)

    return rule


def _between(walk: Walk, node: ast.expr, op: str) -> str:
    """Say how two comparisons are combined, where an operator of bits binds their inner sides instead."""
    around = (
        other for stmt in walk.frame.definition.body for other in ast.walk(stmt) if isinstance(other, ast.Compare)
    )
    for outer in around:
        if node in (outer.left, *outer.comparators) and len(outer.ops) > 1 and op in {"and", "or"}:
            return f"parentheses around the comparisons, `(a < b) {_sign(op)} (c < d)`, or Python's `{op}`"
    return ""


def power(walk: Walk, node: ast.expr, values: list[Value], nodes: list[ast.expr]) -> Value:
    """Lower ``a ** b``; a literal exponent of integers, and the square of anything, becomes products."""
    values = [number(walk, value) for value in values]
    known = _folded(walk, node, operator.pow, values)
    if known is not None:
        return known
    exponent = values[1].known
    type_, weak = common(walk, values, nodes, node, "`**`")
    if isinstance(exponent, int) and exponent < 0 and type_.is_integer:
        raise walk.fail(
            nodes[1],
            "unsupported: a negative power of an integer",
            "float(x) ** n, or 1 / x",
            zip(nodes, values, strict=True),
        )
    a = same(walk, values[:1], type_, weak, nodes[:1])[0]
    if exponent == 2 or (type_.is_integer and isinstance(exponent, int) and 0 < exponent <= 64):
        return _products(walk, node, a, int(exponent), weak=weak)
    b = same(walk, values[1:], type_, weak, nodes[1:])[0]
    site = (
        walk.site("ValueError", "integers to negative integer powers are not allowed", node)
        if type_.is_integer
        else None
    )
    return walk.op("pow", type_, (a, b), site=site, weak=weak)


def _products(walk: Walk, node: ast.expr, base: Value, exponent: int, *, weak: bool) -> Value:
    """Return an integer's power, which wraps or is checked like its products, or a square."""
    op, site = "mul", None
    if walk.checked and base.type.is_integer and exponent > 1:
        # No product is further from 0 than the power itself: where one overflows, so does the power.
        op, site = "mul_checked", walk.site("OverflowError", f"{base.type} overflow in `**`", node)
    square, result = walk.once(base), None
    while True:
        if exponent & 1:
            result = square if result is None else walk.op(op, square.type, (result, square), site=site, weak=weak)
        exponent >>= 1
        if not exponent:
            assert result is not None
            return result
        square = walk.op(op, square.type, (square, square), site=site, weak=weak)
        if exponent > 1 or result is not None:
            square = walk.once(square)


def negate(walk: Walk, node: ast.expr, value: Value) -> Value:
    """Lower ``-a``."""
    value = number(walk, value)
    if value.known is not None:
        return literal(-value.known)
    if walk.checked and value.type.is_integer:
        site = walk.site("OverflowError", f"{value.type} overflow in `-`", node)
        return walk.op("neg_checked", value.type, (value,), site=site, weak=value.weak)
    return walk.op("neg", value.type, (value,), weak=value.weak)


def absolute(walk: Walk, node: ast.expr, value: Value) -> Value:
    """Lower ``abs(a)``."""
    value = number(walk, value)
    if value.known is not None:
        return literal(abs(value.known))
    if walk.checked and value.type.is_integer:
        site = walk.site("OverflowError", f"{value.type} overflow in abs", node)
        return walk.op("abs_checked", value.type, (value,), site=site, weak=value.weak)
    return walk.op("abs", value.type, (value,), weak=value.weak)


def invert(walk: Walk, node: ast.expr, value: Value, at: ast.expr) -> Value:
    """Lower ``~a``."""
    if value.type is BOOL:
        raise walk.fail(node, "unsupported: `~` of a bool, which is -1 or -2 in Python", "not x", [(at, value)])
    if isinstance(value.known, int):
        return literal(~value.known)
    if not value.type.is_integer:
        raise walk.fail(node, "unsupported: `~` of a float", "int(x), or hr.bits(x)", [(at, value)])
    return walk.op("invert", value.type, (value,), weak=value.weak)


_SIGNS: Final = {
    "add": "+", "sub": "-", "mul": "*", "floordiv": "//", "mod": "%", "and": "&", "or": "|", "xor": "^", "shl": "<<",
    "shr": ">>",
}  # fmt: skip


def _sign(op: str) -> str:
    return _SIGNS[op]


_BINARY: Final[dict[type[ast.operator], Rule]] = {
    ast.Add: _arithmetic("add", operator.add),
    ast.Sub: _arithmetic("sub", operator.sub),
    ast.Mult: _arithmetic("mul", operator.mul),
    ast.Div: _divide,
    ast.FloorDiv: _floor("floordiv", _DIVIDED, operator.floordiv),
    ast.Mod: _floor("mod", _MODULO, operator.mod),
    ast.Pow: power,
    ast.BitAnd: _bitwise("and", operator.and_),
    ast.BitOr: _bitwise("or", operator.or_),
    ast.BitXor: _bitwise("xor", operator.xor),
    ast.LShift: _bitwise("shl", operator.lshift),
    ast.RShift: _bitwise("shr", operator.rshift),
}


def binary(walk: Walk, sign: type[ast.operator], node: ast.expr, values: list[Value], nodes: list[ast.expr]) -> Value:
    """Lower a binary operator on two numbers."""
    rule = _BINARY.get(sign)
    if rule is None:
        raise walk.fail(node, "unsupported: `@` in a kernel", "the sum of products, element by element")
    return rule(walk, node, values, nodes)
