"""Identities by op: each takes an op node that isn't all constant and gives an equal expression, or the node itself.

They hold for every value, bit for bit, and for faults: a zero divisor still faults, and operands that can fault are not
dropped. For floats that rules out x + 0.0 (x may be -0.0) and x * 0.0 (x may be inf or negative); a nan's bits can't be
seen by a kernel, so x * 1.0 is x.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final, TypeAlias

from hybrid_rs.ir import floats, ops, walk
from hybrid_rs.ir.nodes import Cast, Const, Expr, Op, Var
from hybrid_rs.ir.types import BOOL

__all__ = ["IDENTITIES", "opposite", "simpler_cast"]

Identity: TypeAlias = Callable[[Op], Expr]


def _is(expr: Expr, value: float) -> bool:
    """Whether an expression is a constant of this value; zeros have signs."""
    if not isinstance(expr, Const) or expr.value != value:
        return False
    return value != 0 or math.copysign(1.0, expr.value) == math.copysign(1.0, value)


def _instead(dropped: Expr, result: Expr, expr: Op) -> Expr:
    """Give the result in place of a node that evaluates `dropped`, if that can't fault."""
    return expr if walk.can_fault(dropped) else result


def _add(expr: Op) -> Expr:
    left, right = expr.args
    zero = -0.0 if expr.type.is_float else 0
    if _is(right, zero):
        return left
    return right if _is(left, zero) else expr


def _sub(expr: Op) -> Expr:
    left, right = expr.args
    return left if _is(right, 0.0) else expr


def _mul(expr: Op) -> Expr:
    left, right = expr.args
    for factor, other in ((left, right), (right, left)):
        if _is(factor, 1):
            return other
        if expr.type.is_integer and _is(factor, 0):
            return _instead(other, Const(expr.type, 0), expr)
    return expr


def _div(expr: Op) -> Expr:
    """Divide by a power of two by multiplying with its inverse, which is exact where the inverse exists."""
    left, right = expr.args
    if not isinstance(right, Const) or not math.isfinite(right.value):
        return expr
    inverse = floats.divide(expr.type, 1.0, right.value)
    if abs(math.frexp(right.value)[0]) != 0.5 or not math.isfinite(inverse) or inverse * right.value != 1.0:
        return expr
    return left if right.value == 1 else Op("mul", expr.type, (left, Const(expr.type, inverse)))


def _power_of_two(expr: Op, *, signed: bool) -> int | None:
    """Give the exponent where an integer's right operand is a constant power of two."""
    right = expr.args[1]
    if not isinstance(right, Const) or expr.type.is_float or (expr.type.kind == "i" and not signed):
        return None
    value = int(right.value)
    return value.bit_length() - 1 if value > 0 and value & (value - 1) == 0 else None


def _quotient(*, signed: bool) -> Identity:
    """Make the identities of a division; `signed` says whether a shift rounds signed ones as it does."""

    def identity(expr: Op) -> Expr:
        left, right = expr.args
        if expr.type.is_integer and _is(right, 1):
            return left
        exponent = _power_of_two(expr, signed=signed)
        return expr if exponent is None else Op("shr", expr.type, (left, Const(expr.type, exponent)))

    return identity


def _remainder(*, signed: bool) -> Identity:
    """Make the identities of a remainder; `signed` says whether it is never negative for a positive divisor."""

    def identity(expr: Op) -> Expr:
        left, right = expr.args
        if expr.type.is_integer and _is(right, 1):
            return _instead(left, Const(expr.type, 0), expr)
        if _power_of_two(expr, signed=signed) is None or not isinstance(right, Const):
            return expr
        return Op("and", expr.type, (left, Const(expr.type, right.value - 1)))

    return identity


def _pow(expr: Op) -> Expr:
    left, right = expr.args
    if expr.type.is_float or not isinstance(right, Const):
        return expr
    if right.value == 0:
        return _instead(left, Const(expr.type, 1), expr)
    if right.value == 1:
        return left
    if isinstance(left, Var) and 2 <= right.value <= 4:
        square = Op("mul", expr.type, (left, left))
        return square if right.value == 2 else Op("mul", expr.type, (square, left if right.value == 3 else square))
    return expr


def _neutral(ones: bool) -> Identity:
    """Make the identities of `and` (neutral: all ones, absorbing: 0) or `or` (the other way round)."""

    def identity(expr: Op) -> Expr:
        left, right = expr.args
        every = -1 if expr.type.kind == "i" else (expr.type.high if expr.type is not BOOL else True)
        none = False if expr.type is BOOL else 0
        neutral, absorbing = (every, none) if ones else (none, every)
        for one, other in ((left, right), (right, left)):
            if _is(one, neutral):
                return other
            if _is(one, absorbing):
                return _instead(other, Const(expr.type, absorbing), expr)
        return expr

    return identity


def _xor(expr: Op) -> Expr:
    left, right = expr.args
    for one, other in ((left, right), (right, left)):
        if _is(one, 0):
            return other
        if expr.type is BOOL and _is(one, 1):
            return _not(Op("not", BOOL, (other,)))
    return expr


def _shift(expr: Op) -> Expr:
    left, right = expr.args
    return left if _is(right, 0) else expr


# The opposites of comparisons; those of order hold for integers only, nan being neither less nor greater.
_OPPOSITE: Final = {"eq": "ne", "ne": "eq"}
_OPPOSITE_ORDER: Final = {"lt": "ge", "ge": "lt", "gt": "le", "le": "gt"}


def opposite(expr: Expr) -> Expr | None:
    """Give the opposite of a condition where it costs nothing."""
    if not isinstance(expr, Op):
        return None
    if expr.op == "not":
        return expr.args[0]
    name = _OPPOSITE.get(expr.op)
    if name is None and expr.args[0].type.is_integer:
        name = _OPPOSITE_ORDER.get(expr.op)
    return None if name is None else Op(name, BOOL, expr.args)


def _not(expr: Op) -> Expr:
    return opposite(expr.args[0]) or expr


def _twice(expr: Op) -> Expr:
    """Drop an op that undoes itself."""
    (arg,) = expr.args
    return arg.args[0] if isinstance(arg, Op) and arg.op == expr.op else expr


def _abs(expr: Op) -> Expr:
    return expr.args[0] if expr.type.kind == "u" else expr


def _select(expr: Op) -> Expr:
    cond, left, right = expr.args
    if isinstance(cond, Const):
        taken, dropped = (left, right) if cond.value else (right, left)
        return _instead(dropped, taken, expr)
    return expr


IDENTITIES: Final[dict[str, Identity]] = {
    "add": _add,
    "sub": _sub,
    "mul": _mul,
    "div": _div,
    "floordiv": _quotient(signed=True),
    "quot": _quotient(signed=False),
    "mod": _remainder(signed=True),
    "rem": _remainder(signed=False),
    "pow": _pow,
    "and": _neutral(ones=True),
    "or": _neutral(ones=False),
    "xor": _xor,
    "shl": _shift,
    "shr": _shift,
    "not": _not,
    "neg": _twice,
    "invert": _twice,
    "abs": _abs,
    "select": _select,
}


def simpler_cast(expr: Cast) -> Expr:
    """Simplify a cast of what isn't constant: one to its own type, one that can't fault, one of another cast."""
    arg, target = expr.arg, expr.type
    if expr.site is not None and ops.fits(arg.type, target):
        expr = Cast(target, arg)
    if arg.type is target:
        return arg if expr.site is None else expr
    if not isinstance(arg, Cast) or arg.site is not None:
        return expr
    source, between = arg.arg.type, arg.type
    if ops.fits(source, between):
        # The value is the same before and after, so only the rule of the second cast must be: integers wrap, floats
        # saturate.
        exact = not (between.is_float and target.is_integer and source.is_integer and expr.site is None)
        exact = exact or ops.fits(source, target)
    else:
        # Wrapping twice is wrapping once to the narrower.
        exact = all(type_.is_integer for type_ in (source, between, target)) and target.bits <= between.bits
        exact = exact and expr.site is None
    return simpler_cast(Cast(target, arg.arg, expr.site)) if exact else expr
