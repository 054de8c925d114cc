"""Comparisons of two numbers: exact for integers of any types, IEEE for floats."""

from __future__ import annotations

import ast
import math
import operator
import sys
from typing import TYPE_CHECKING, Final

from hybrid_rs.errors import CompileError
from hybrid_rs.frontend.convert import common, convert, number, settle
from hybrid_rs.frontend.types import fits, promote
from hybrid_rs.frontend.values import Value, boolean, strong
from hybrid_rs.ir.types import BOOL, FLOAT32, FLOAT64, INT64, Type

if TYPE_CHECKING:
    from hybrid_rs.frontend.walk import Walk

__all__ = ["compare", "refuse_comparison"]

_OPS: Final[dict[type[ast.cmpop], str]] = {
    ast.Eq: "eq", ast.NotEq: "ne", ast.Lt: "lt", ast.LtE: "le", ast.Gt: "gt", ast.GtE: "ge"
}  # fmt: skip
_MEANING: Final = {name: getattr(operator, name) for name in _OPS.values()}
_FLIPPED: Final = {"eq": "eq", "ne": "ne", "lt": "gt", "le": "ge", "gt": "lt", "ge": "le"}
_BELOW: Final = {"eq": False, "ne": True, "lt": True, "le": True, "gt": False, "ge": False}
"""What a number that is below the other gives."""

_BEYOND: Final = (1 << 1024) - (1 << 970)
"""The least integer that float64 rounds to infinity."""


def refuse_comparison(walk: Walk, node: ast.expr, sign: ast.cmpop) -> CompileError:
    """Make the error about `in` or `is`."""
    word = {ast.In: "in", ast.NotIn: "not in", ast.Is: "is", ast.IsNot: "is not"}[type(sign)]
    advice = (
        "== or !=; math.isnan(x) for a missing value" if word.startswith("is") else "comparisons, as `x == 1 or x == 2`"
    )
    return walk.fail(node, f"unsupported: `{word}` in a kernel", advice)


def compare(walk: Walk, sign: type[ast.cmpop], node: ast.expr, values: list[Value], nodes: list[ast.expr]) -> Value:
    """Lower one comparison."""
    op = _OPS[sign]
    a, b = values
    if a.type is BOOL and b.type is BOOL and op in {"eq", "ne"}:
        return walk.op(op, BOOL, (a, b))
    a, b = number(walk, a), number(walk, b)
    if a.known is not None and b.known is not None:
        return boolean(_MEANING[op](a.known, b.known))
    if a.type.is_float or b.type.is_float:
        return _of_floats(walk, op, node, [a, b], nodes)
    if a.known is not None:
        return _with_literal(walk, _FLIPPED[op], b, a, nodes[1])
    if b.known is not None:
        return _with_literal(walk, op, a, b, nodes[0])
    return _of_integers(walk, op, a, b)


def _of_floats(walk: Walk, op: str, node: ast.expr, values: list[Value], nodes: list[ast.expr]) -> Value:
    type_, _ = common(walk, values, nodes, node, "a comparison")
    for place, value in enumerate(values):
        if isinstance(value.known, int) and abs(value.known) >= _BEYOND:
            other = convert(walk, values[1 - place], FLOAT64, nodes[1 - place])
            return _with_huge(walk, op if place else _FLIPPED[op], other, value.known)
    if type_ is FLOAT32 and any(_beyond_float32(value) for value in values):
        type_ = FLOAT64
    a, b = (convert(walk, value, type_, at) for value, at in zip(values, nodes, strict=True))
    return walk.op(op, BOOL, (a, b))


def _with_huge(walk: Walk, op: str, a: Value, known: int) -> Value:
    """Compare a float64 with an integer that is beyond all but the infinities."""
    if op in {"eq", "ne"}:
        return walk.op(op, BOOL, (a, strong(FLOAT64, math.nan)))  # unequal to all
    if known > 0:
        return walk.op("le" if _BELOW[op] else "gt", BOOL, (a, strong(FLOAT64, sys.float_info.max)))
    return walk.op("lt" if _BELOW[op] else "ge", BOOL, (a, strong(FLOAT64, -sys.float_info.max)))


def _beyond_float32(value: Value) -> bool:
    """Return whether a literal is too large for float32: compared in float64, it is still exact."""
    largest = 3.4028235677973366e38  # halfway between float32's largest number and the next power of two
    return value.known is not None and math.isfinite(value.known) and abs(value.known) >= largest


def _with_literal(walk: Walk, op: str, a: Value, b: Value, at: ast.expr) -> Value:
    """Compare an integer with a literal, which its type need not hold."""
    known = b.known
    assert isinstance(known, int)
    type_ = a.type
    if not fits(known, type_):
        if fits(known, INT64) and not (type_.kind == "u" and type_.bits == INT64.bits):
            type_ = INT64
        else:
            if a.faults:
                walk.spill(settle(walk, a, at))
            below = a.type.low < known
            return boolean(_BELOW[op] if below else _BELOW[_FLIPPED[op]])
    return walk.op(op, BOOL, (convert(walk, a, type_, at), strong(type_, known)))


def _of_integers(walk: Walk, op: str, a: Value, b: Value) -> Value:
    """Compare integers whose values aren't known; weak ones are int64 here, so that no value is out of range."""
    type_ = promote(a.type, b.type)
    if type_ is not None:
        return walk.op(op, BOOL, (convert(walk, a, type_, None), convert(walk, b, type_, None)))
    if a.type.kind == "u":
        if a.faults:
            a = walk.once(a)
        return _signed_first(walk, _FLIPPED[op], b, a, a.type)
    return _signed_first(walk, op, a, b, b.type)


def _signed_first(walk: Walk, op: str, a: Value, b: Value, unsigned: Type) -> Value:
    """Compare a signed integer with a uint64: below 0 it is the smaller one, else it is a uint64 itself."""
    a = walk.once(a)
    zero = strong(a.type, 0)
    plain = Value(a.expr, a.type)
    whole = walk.op(op, BOOL, (walk.cast(plain, unsigned), b))
    if _BELOW[op]:
        return walk.op("or", BOOL, (walk.op("lt", BOOL, (plain, zero)), whole))
    return walk.op("and", BOOL, (walk.op("ge", BOOL, (plain, zero)), whole))
