"""Expressions as numbers with costs: the second walk over what `ranges` found."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

from hybrid_rs.ir import walk
from hybrid_rs.ir.nodes import Cast, Const, Expr, Load, Op, Var
from hybrid_rs.ir.types import BOOL, Type
from hybrid_rs.passes.identities import IDENTITIES
from hybrid_rs.passes.intervals import EXACT, FULL, Interval, constant, inside
from hybrid_rs.passes.widths import (
    Exact,
    FromFloat,
    FromOther,
    Given,
    Local,
    Low,
    Number,
    Order,
    Part,
    Plain,
    Recast,
    Select,
    Shift,
    ToOther,
    Use,
    Value,
    Whole,
    whole,
)

__all__ = ["Reader"]

_LOW: Final = frozenset(("add", "sub", "mul", "neg", "and", "or", "xor", "invert"))
_EXACT: Final = frozenset(("floordiv", "mod", "quot", "rem", "shr", "min", "max", "abs"))
_ORDERS: Final = frozenset(("lt", "le", "gt", "ge", "eq", "ne"))
_CHECKED: Final = "_checked"


class Reader:
    """Takes the intervals of expressions in the order in which they were found."""

    def __init__(self, items: list[Any]) -> None:
        """Begin with the first."""
        self.items = iter(items)
        self.locals: dict[str, Local] = {}
        """What each integer variable is at the moment."""
        self.used: list[Local] = []
        """The variables that were read since it was emptied."""
        self.simpler = False
        """Whether ranges decided something."""
        self.interval: Interval = ()
        """That of the last expression."""

    def part(self, expr: Expr) -> Part:
        """Give what is inside an expression."""
        if isinstance(expr, Const):
            self.interval = constant(expr)
            return Value(expr.type, int(expr.value)) if expr.type.is_integer else None
        if isinstance(expr, Var):
            return self._var(expr)
        args: list[Any] = []
        intervals = []
        for operand in walk.operands(expr):
            args.append(self.part(operand))
            intervals.append(self.interval)
        interval = self.interval = next(self.items)
        type_ = expr.type
        if type_.kind != "f" and interval[0] == interval[1] and not walk.can_fault(expr):
            self.simpler = True
            return Given(value=bool(interval[0])) if type_ is BOOL else Value(type_, int(interval[0]))
        if isinstance(expr, Op):
            return self._op(expr, interval, args, intervals)
        if isinstance(expr, Cast):
            return self._cast(expr, interval, args[0], intervals[0])
        return Whole(expr, interval, args, _rebuilt) if type_.is_integer else _plain(expr, args)

    def _var(self, expr: Var) -> Part:
        self.interval = next(self.items)
        if not expr.type.is_integer:
            return None
        local = self.locals[expr.name]
        self.used.append(local)
        return Use(local, self.interval)

    def _op(self, expr: Op, interval: Interval, args: list[Any], intervals: list[Interval]) -> Part:
        name = expr.op
        if not expr.type.is_integer:
            return Order(name, args) if name in _ORDERS and expr.args[0].type.is_integer else _plain(expr, args)
        if name.endswith(_CHECKED):
            plain = name.removesuffix(_CHECKED)
            if not inside(EXACT[plain](*intervals), FULL[expr.type.code]):
                return Whole(expr, interval, args, _rebuilt)
            self.simpler = True
            name = plain
        if name in _LOW:
            return Low(expr, interval, args, name)
        if name in _EXACT:
            return Exact(expr, interval, args, name)
        if name == "shl":
            return Shift(expr, interval, args, name)
        if name == "select":
            return Select(expr, interval, args[0], args[1:])
        return Whole(expr, interval, args, _rebuilt)

    def _cast(self, expr: Cast, interval: Interval, arg: Part, given: Interval) -> Part:
        source, target = expr.arg.type, expr.type
        if expr.site is not None:
            if not _holds(target, given):
                return Whole(expr, interval, (arg,), _rebuilt)
            self.simpler = True
        if not target.is_integer:
            return ToOther(target, arg) if isinstance(arg, Number) else _plain(expr, (arg,))
        if isinstance(arg, Number):
            return Recast(target, interval, arg)
        return (FromFloat if source.is_float else FromOther)(expr, interval, arg)


def _holds(type_: Type, given: Interval) -> bool:
    """Whether an integer type holds all values of a number after truncation."""
    if len(given) == 2:
        return inside(given, FULL[type_.code])
    low, high, nan = given
    if nan or math.isinf(low) or math.isinf(high):
        return False
    return inside((math.trunc(low), math.trunc(high)), FULL[type_.code])


def _plain(expr: Expr, args: Sequence[Part]) -> Part:
    return Plain(expr, args, _rebuilt) if any(arg is not None for arg in args) else None


def _rebuilt(expr: Expr, args: Sequence[Part]) -> Expr:
    """Make an expression of its operands, in their own types."""
    operands = tuple([whole(part, old) for part, old in zip(args, walk.operands(expr), strict=True)])
    if isinstance(expr, Op):
        made = Op(expr.op, expr.type, operands, expr.site)
        known = any(isinstance(operand, Const) for operand in operands)
        return IDENTITIES[expr.op](made) if known and expr.op in IDENTITIES else made
    if isinstance(expr, Cast):
        return Cast(expr.type, operands[0], expr.site)
    if isinstance(expr, Load):
        return Load(expr.table, expr.type, operands, expr.site)
    return expr
