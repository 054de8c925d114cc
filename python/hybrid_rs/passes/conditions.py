"""What a condition tells about the variables in it, and how often a loop goes round that it ends."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Final, TypeAlias

from hybrid_rs.ir.nodes import Cast, Const, Expr, Op, Var
from hybrid_rs.passes.intervals import EXACT, FULL, Interval, inside

__all__ = ["Env", "most_trips", "refine", "squared"]

Env: TypeAlias = dict[str, Interval]
"""What each variable holds that is assigned on every path to here."""
Value: TypeAlias = Callable[[Expr], Interval]

_OPPOSITE: Final = {"lt": "ge", "ge": "lt", "gt": "le", "le": "gt", "eq": "ne", "ne": "eq"}
_FLIPPED: Final = {"lt": "gt", "gt": "lt", "le": "ge", "ge": "le", "eq": "eq", "ne": "ne"}


def refine(env: Env, cond: Expr, truth: bool, value: Value) -> bool:
    """Make an environment say that a condition is true, or false.

    Args:
        env: What is changed.
        cond: The condition; evaluating it changed nothing.
        truth: What it is.
        value: Gives the interval of an expression before the condition was known.

    Returns:
        Whether that can be.
    """
    if isinstance(cond, Var):
        return _meet(env, cond.name, (truth, truth))
    if not isinstance(cond, Op):
        return not isinstance(cond, Const) or bool(cond.value) is truth
    if cond.op == "not":
        return refine(env, cond.args[0], not truth, value)
    if cond.op in ("and", "or"):
        if (cond.op == "and") is not truth:
            return True
        return all(refine(env, arg, truth, value) for arg in cond.args)
    relation = cond.op if truth else _OPPOSITE.get(cond.op)
    if relation not in _OPPOSITE:
        return True
    left, right = cond.args
    a, b = value(left), value(right)
    return _bound(env, left, relation, b, truth, value) and _bound(env, right, _FLIPPED[relation], a, truth, value)


def _bound(env: Env, expr: Expr, relation: str, other: Interval, truth: bool, value: Value) -> bool:
    """Make an environment say that an expression is in a relation to something in an interval."""
    low, high = -math.inf, math.inf
    floating = len(other) == 3
    if floating and not truth and other[2]:
        return True
    if relation in ("lt", "le", "eq"):
        high = other[1] - (relation == "lt" and not floating)
    if relation in ("gt", "ge", "eq"):
        low = other[0] + (relation == "gt" and not floating)
    if relation == "ne":
        if floating or other[0] != other[1]:
            return True
        found = value(expr)
        if found[0] == found[1] == other[0]:
            return False
        low = found[0] + (found[0] == other[0])
        high = found[1] - (found[1] == other[1])
    limits = (low, high, not truth) if floating else (low, high)
    return _limit(env, expr, limits, value)


def _limit(env: Env, expr: Expr, limits: Interval, value: Value) -> bool:
    """Make an environment say that an expression is in an interval, as far as it is about one variable."""
    if isinstance(expr, Var):
        return _meet(env, expr.name, limits)
    if len(limits) == 3:
        return True
    full = FULL[expr.type.code]
    if isinstance(expr, Cast) and expr.arg.type.is_integer and inside(value(expr.arg), full):
        return _limit(env, expr.arg, limits, value)
    if isinstance(expr, Op) and expr.op in ("add", "sub") and isinstance(expr.args[1], Const):
        by = expr.args[1].value if expr.op == "add" else -expr.args[1].value
        low, high, *_ = value(expr.args[0])
        if inside((low + by, high + by), full):
            return _limit(env, expr.args[0], (limits[0] - by, limits[1] - by), value)
    base = squared(expr)
    if base is not None and math.isfinite(limits[1]):
        held = value(base)
        if inside(EXACT["mul"](held, held), full):
            root = math.isqrt(max(int(limits[1]), 0))
            return limits[1] >= 0 and _meet(env, base.name, (-root, root))
    return True


def squared(expr: Expr) -> Var | None:
    """Give the variable that an expression multiplies by itself, None for other expressions."""
    if isinstance(expr, Op) and expr.op == "mul" and isinstance(expr.args[0], Var) and expr.args[0] == expr.args[1]:
        return expr.args[0]
    return None


def _meet(env: Env, name: str, limits: Interval) -> bool:
    held = env[name]
    low, high = max(held[0], limits[0]), min(held[1], limits[1])
    if len(held) == 2:
        if low > high:
            return False
        env[name] = (low, high)
        return True
    nan = bool(held[2] and limits[2])
    if low <= high:
        env[name] = (low, high, nan)
    return low <= high or nan


def most_trips(cond: Expr, entry: Env, growth: Env, value: Value) -> int | None:
    """Bound how often a loop's body runs, None where nothing does.

    Args:
        cond: The loop's condition.
        entry: What variables hold where the loop is entered.
        growth: By how much a trip changes variables, of those that it changes by adding without wrapping.
        value: Gives the interval of an expression at the loop's condition.
    """
    found = None
    for relation, left, right in _orders(cond):
        if not isinstance(left, Var) or left.name not in growth:
            continue
        least, most = growth[left.name]
        begin, end = entry[left.name], value(right)
        trips = None
        if relation in ("lt", "le") and least > 0:
            trips = -((begin[0] - end[1] - (relation == "le")) // least)
        elif relation in ("gt", "ge") and most < 0:
            trips = -((end[0] - begin[1] - (relation == "ge")) // -most)
        elif relation == "ne" and end[0] == end[1]:
            if least == most == -1 and begin[0] >= end[0]:
                trips = begin[1] - end[0]
            elif least == most == 1 and begin[1] <= end[0]:
                trips = end[0] - begin[0]
        if trips is not None:
            found = max(int(trips), 0) if found is None else min(found, max(int(trips), 0))
    return found


def _orders(cond: Expr) -> Iterator[tuple[str, Expr, Expr]]:
    """List the comparisons of integers that all hold where a condition does, each from both sides."""
    if isinstance(cond, Op):
        if cond.op == "and":
            for arg in cond.args:
                yield from _orders(arg)
        elif cond.op in _OPPOSITE and cond.args[0].type.is_integer:
            left, right = cond.args
            yield cond.op, left, right
            yield _FLIPPED[cond.op], right, left
