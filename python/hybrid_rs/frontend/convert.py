"""Conversions of values: what operands meet, what literals fit, and the casts that a kernel writes."""

from __future__ import annotations

import ast
import math
from typing import TYPE_CHECKING

from hybrid_rs.frontend.types import fits, promote
from hybrid_rs.frontend.values import Number, Value, boolean, cast_name, strong
from hybrid_rs.ir import floats
from hybrid_rs.ir.nodes import Cast, Const, Expr, Op
from hybrid_rs.ir.types import BOOL, FLOAT32, FLOAT64, INT64, UINT64, Type

if TYPE_CHECKING:
    from hybrid_rs.frontend.walk import Walk

__all__ = ["as_float", "as_integer", "cast_to", "common", "convert", "joined", "number", "same", "settle", "truth"]


def settle(walk: Walk, value: Value, node: ast.AST | None) -> Value:
    """Return a value with an IR. A literal becomes an int64 or float64, still weak, or uint64 if only that holds it."""
    known = value.known
    if known is None:
        return value
    if isinstance(known, float):
        return Value(Const(FLOAT64, known), FLOAT64, weak=True)
    if fits(known, INT64):
        return Value(Const(INT64, known), INT64, weak=True)
    if fits(known, UINT64):
        return strong(UINT64, known)
    raise walk.fail(node, f"literal out of range: {_shown(known)} fits neither int64 nor uint64", "a float, as 1e30")


def convert(walk: Walk, value: Value, type_: Type, node: ast.AST | None) -> Value:
    """Return a value as one of a type that it promotes to."""
    if value.known is not None:
        return strong(type_, _constant(walk, value.known, type_, node))
    expr = value.expr
    assert expr is not None
    if expr.type is type_:
        return Value(expr, type_, faults=value.faults, depth=value.depth) if value.weak else value
    if value.weak and isinstance(expr, Op) and expr.op == "select":
        # One of two literals, as in `1 if x > 0 else -1`: they take the type themselves.
        _, a, b = expr.args
        if isinstance(a, Const) and isinstance(b, Const):
            condition = Value(expr.args[0], BOOL, faults=value.faults, depth=value.depth - 1)
            chosen = [strong(type_, _constant(walk, const.value, type_, node)) for const in (a, b)]
            return walk.op("select", type_, (condition, *chosen))
    narrows = value.weak and type_.is_integer and not _surely_fits(expr, type_)
    site = walk.site("OverflowError", f"Python integer out of range of {type_}", node) if narrows else None
    return walk.cast(value, type_, site=site)


def _surely_fits(expr: Expr, type_: Type) -> bool:
    """Return whether the value of a weak integer, which is an int64, can't but fit a type."""
    bounds = _bounds(expr)
    return bounds is not None and fits(bounds[0], type_) and fits(bounds[1], type_)


def _bounds(expr: Expr) -> tuple[int, int] | None:
    """Return what an integer that is made of bools and literals lies between; None for others."""
    if isinstance(expr, Const):
        return int(expr.value), int(expr.value)
    if isinstance(expr, Cast):
        return (0, 1) if expr.arg.type is BOOL else None
    if not isinstance(expr, Op) or expr.op not in {"select", "add", "sub", "mul", "min", "max"}:
        return None
    a, b = _bounds(expr.args[-2]), _bounds(expr.args[-1])
    if a is None or b is None:
        return None
    if expr.op == "add":
        ends = [a[0] + b[0], a[1] + b[1]]
    elif expr.op == "sub":
        ends = [a[0] - b[1], a[1] - b[0]]
    elif expr.op == "mul":
        ends = [x * y for x in a for y in b]
    else:
        ends = [*a, *b]
    return (min(ends), max(ends)) if fits(min(ends), INT64) and fits(max(ends), INT64) else None


def _constant(walk: Walk, known: Number, type_: Type, node: ast.AST | None) -> float:
    """Return a literal's value in a type."""
    if type_.is_integer:
        assert isinstance(known, int)
        if not fits(known, type_):
            raise walk.fail(
                node,
                f"literal out of range: {_shown(known)} does not fit {type_} ({type_.low} to {type_.high})",
                _wider(walk, known, type_, node),
            )
        return known
    rounded = _rounded(known, type_)
    if math.isinf(rounded) and not (isinstance(known, float) and math.isinf(known)):
        raise walk.fail(
            node,
            f"literal out of range: {_shown(known)} does not fit {type_}",
            "a smaller literal, or a cast of the other operand to float64" if type_ is FLOAT32 else "a smaller literal",
        )
    return rounded


def _wider(walk: Walk, known: int, type_: Type, node: ast.AST | None) -> str:
    """Say how an integer literal is used that the type of the other operand doesn't hold."""
    if fits(known, UINT64) and not fits(known, INT64):
        text = walk.frame.definition.text(node) if isinstance(node, ast.Constant | ast.Name) else hex(known)
        return f"np.uint64({text}), and np.uint64(...) around the other operand as well: hashes are computed in uint64"
    wide = next((each for each in (INT64, UINT64) if fits(known, each) and each is not type_), None)
    return (
        f"a literal in that range, or {cast_name(wide)}(...) around the other operand" if wide else "a float, as 1e30"
    )


def _rounded(known: Number, type_: Type) -> float:
    if isinstance(known, float) or abs(known) <= 1 << 53:
        return floats.round_to(type_, float(known))
    try:
        return floats.nearest(type_, known)
    except OverflowError:
        return math.inf


def _shown(known: Number) -> str:
    if isinstance(known, int) and known.bit_length() > 200:
        return f"a number of {known.bit_length()} bits"
    return repr(known)


def number(walk: Walk, value: Value) -> Value:
    """Return a bool as the weak int 0 or 1, and numbers as they are."""
    if value.type is not BOOL:
        return value
    if isinstance(value.expr, Const):
        return Value(None, INT64, weak=True, known=int(value.expr.value))
    made = walk.cast(value, INT64)
    return Value(made.expr, INT64, weak=True, faults=made.faults, depth=made.depth)


def common(walk: Walk, values: list[Value], nodes: list[ast.expr], node: ast.AST, word: str) -> tuple[Type, bool]:
    """Return the type that numbers promote to together (NEP 50), and whether it is weak.

    Args:
        walk: The walk.
        values: Numbers.
        nodes: Where each comes from, for the error.
        node: The whole expression, likewise.
        word: What is done with them, likewise.
    """
    found: Type | None = None
    weak_float = False
    for value in values:
        if value.weak:
            weak_float = weak_float or value.type is FLOAT64
            continue
        both = value.type if found is None else promote(found, value.type)
        if both is None:
            raise walk.fail(
                node,
                f"incompatible types: {found} and {value.type} in {word}",
                _alike(walk, values, nodes),
                zip(nodes, values, strict=False),
            )
        found = both
    if found is None:
        return (FLOAT64 if weak_float else INT64), True
    return (FLOAT64 if weak_float and not found.is_float else found), False


def _alike(walk: Walk, values: list[Value], nodes: list[ast.expr]) -> str:
    """Say which casts make numbers alike that don't promote: a uint64 and a signed integer."""
    text = walk.frame.definition.text
    signed = next((text(at) for value, at in zip(values, nodes, strict=False) if value.type.kind == "i"), "...")
    large = next((text(at) for value, at in zip(values, nodes, strict=False) if value.type is UINT64), "...")
    return (
        f"np.uint64({signed}), which wraps below 0; or np.int64({large}), which wraps from 2**63 up; or np.float64(...)"
    )


def joined(walk: Walk, values: list[Value], nodes: list[ast.expr], node: ast.AST, word: str) -> tuple[Type, bool]:
    """Return the type of a value that is one of several: as `common`, but bools don't mix with numbers."""
    bools = sum(value.type is BOOL for value in values)
    if bools == len(values):
        return BOOL, False
    if bools:
        raise walk.fail(
            node,
            f"incompatible types: bool and a number in {word}",
            "bool(...) or int(...) around one of them",
            zip(nodes, values, strict=False),
        )
    return common(walk, values, nodes, node, word)


def truth(walk: Walk, value: Value) -> Value:
    """Return whether a value is true, as Python's bool does: nan is."""
    if value.type is BOOL:
        return value
    if value.known is not None:
        return boolean(value.known)
    return walk.op(
        "ne",
        BOOL,
        (Value(value.expr, value.type, faults=value.faults, depth=value.depth), strong(value.type, _zero(value.type))),
    )


def _zero(type_: Type) -> float:
    return 0.0 if type_.is_float else 0


def as_float(walk: Walk, value: Value, node: ast.AST | None) -> Value:
    """Return an operand of an elementary function: floats as they are, others as float64; weak stays weak."""
    value = number(walk, value)
    if value.type.is_float and not value.weak:
        return value
    made = convert(walk, value, FLOAT64, node)
    return Value(made.expr, FLOAT64, weak=value.weak, faults=made.faults, depth=made.depth) if value.weak else made


def as_integer(walk: Walk, value: Value, node: ast.AST | None) -> Value:
    """Return a number as `int` gives it: int64; floats are truncated, large uint64 saturate, weak ints stay weak."""
    if isinstance(value.known, float) and math.isfinite(value.known):
        return Value(None, INT64, weak=True, known=int(value.known))
    value = number(walk, value)
    if value.type.is_integer and value.weak:
        return value
    if value.type is UINT64 and not walk.checked:
        value = walk.op("min", UINT64, (value, strong(UINT64, INT64.high)))
    return cast_to(walk, value, INT64, node)


def cast_to(walk: Walk, value: Value, type_: Type, node: ast.AST | None) -> Value:
    """Return the cast of a value that a kernel writes: integers wrap, floats truncate and saturate."""
    if type_ is BOOL:
        return truth(walk, value)
    if isinstance(value.known, int) and type_.is_integer:
        return convert(walk, value, type_, node)
    if value.known is not None and type_.is_float:
        return strong(type_, _rounded(value.known, type_))
    value = settle(walk, value, node)
    given = value.type
    narrows = walk.checked and type_.is_integer and given is not BOOL and given is not type_
    if narrows and given.is_integer and promote(given, type_) is type_:
        narrows = False
    site = walk.site("OverflowError", f"value does not fit {type_}", node) if narrows else None
    return walk.cast(value, type_, site=site)


def same(walk: Walk, values: list[Value], type_: Type, weak: bool, nodes: list[ast.expr]) -> list[Value]:
    """Convert each value to the type that `common` or `joined` gave."""
    made = [convert(walk, value, type_, node) for value, node in zip(values, nodes, strict=True)]
    if weak:
        for value in made:
            value.weak = True
    return made
