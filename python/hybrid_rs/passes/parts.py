"""Expressions with integers inside: their kinds with costs, and the second walk, which makes them of what was found.

Sums, products and the like give the low bits of their result from the low bits of their operands, so they can be
computed in any width and cut to fewer bits; divisions, comparisons, shifts to the right and conversions to floats need
operands that are right as they are, which ranges show.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias

from hybrid_rs.ir import integers, walk
from hybrid_rs.ir.nodes import Cast, Const, Expr, Load, Op, Var
from hybrid_rs.ir.types import BOOL, Type
from hybrid_rs.passes.identities import IDENTITIES, simpler_cast
from hybrid_rs.passes.intervals import EXACT, FULL, Interval, constant, inside
from hybrid_rs.passes.widths import CHOICES, CONVERSION, INF, Costs, Local, Number, Other, Part, priced, typed, whole

__all__ = ["Reader"]

Rebuild: TypeAlias = Callable[[Expr, Sequence[Part]], Expr]

_SIGN: Final = (0.3, 0.3, 0.5, 1.0)
_SIMPLE: Final = (1.0, 1.0, 2.0, 4.0)
_ORDER: Final = (1.0, 1.0, 2.0, 4.2)
_TO_FLOAT: Final = (5.5, 5.5, 4.0, 14.0)
_FROM_FLOAT: Final = (13.0, 13.0, 9.0, 26.0)
_BY_CONSTANT: Final = (6.0, 3.0, 7.0, 45.0)
_QUOTIENT: Final = (15.0, 15.0, 30.0, 100.0)
_BY_OP: Final = {"mul": (9.0, 1.0, 2.0, 10.0), "min": _ORDER, "max": _ORDER, "abs": _ORDER}
_DIVISIONS: Final = frozenset(("floordiv", "mod", "quot", "rem"))

_LOW: Final = frozenset(("add", "sub", "mul", "neg", "and", "or", "xor", "invert"))
_EXACT: Final = frozenset(("floordiv", "mod", "quot", "rem", "shr", "min", "max", "abs"))
_ORDERS: Final = frozenset(("lt", "le", "gt", "ge", "eq", "ne"))
_CHECKED: Final = "_checked"


def _spread(type_: Type, costs: Sequence[float], base: Sequence[float] | float = 0.0) -> Costs:
    """List costs for the widths that a type may be computed in."""
    found = [INF] * 4
    for at in CHOICES[type_.bits]:
        found[at] = costs[at] + (base if isinstance(base, float) else base[at])
    return found


# ---- numbers


class _Value(Number):
    """A constant."""

    __slots__ = ("value",)

    def __init__(self, type_: Type, value: int) -> None:
        super().__init__(type_, (value, value))
        self.value = value

    def costs(self, free: bool) -> Costs:  # noqa: ARG002 - the same either way
        return [0.0] * 4

    def price(self, free: bool) -> None:  # noqa: ARG002
        self.own = self.best = [0.0] * 4

    def at(self, place: int) -> Expr:
        type_ = typed(self.type, place)
        return Const(type_, integers.wrap(type_, self.value))


class _Use(Number):
    """A variable."""

    __slots__ = ("local",)

    def __init__(self, local: Local, interval: Interval) -> None:
        super().__init__(local.type, interval)
        self.local = local

    def price(self, free: bool) -> None:  # noqa: ARG002 - it has the width that it has
        at = self.local.width
        self.own = [INF] * 4
        self.own[at] = 0.0
        self.best = list(CONVERSION[at])

    def cheapest(self, to: int) -> int:  # noqa: ARG002
        return self.local.width

    def made(self, place: int) -> Expr:  # noqa: ARG002
        return self.local.var()


class _Arithmetic(Number):
    __slots__ = ("args", "op", "price_of", "site")

    def __init__(self, expr: Op, interval: Interval, args: list[Number], op: str) -> None:
        super().__init__(expr.type, interval)
        self.op = op
        self.site = expr.site if op == expr.op else None
        self.args = args
        self.price_of = _BY_OP.get(op, _SIMPLE)
        if op in _DIVISIONS:
            self.price_of = _BY_CONSTANT if isinstance(args[1], _Value) else _QUOTIENT

    def costs(self, free: bool) -> Costs:
        for arg in self.args:
            arg.price(free)
        found = [INF] * 4
        for at in self.choices:
            found[at] = self.price_of[at] + sum([arg.best[at] for arg in self.args])
        return found

    def made(self, place: int) -> Expr:
        args = tuple([arg.at(place) for arg in self.args])
        return Op(self.op, typed(self.type, place), args, self.site)


class _Low(_Arithmetic):
    """An op whose low bits come from its operands' low bits."""

    __slots__ = ()


class _Shift(_Arithmetic):
    """A shift to the left: its count has to be right."""

    __slots__ = ()

    def __init__(self, expr: Op, interval: Interval, args: list[Number], op: str) -> None:
        super().__init__(expr, interval, args, op)
        self.choices = tuple([at for at in self.choices if at >= args[1].least])


class _Exact(_Arithmetic):
    """An op that needs its operands as they are."""

    __slots__ = ()

    def __init__(self, expr: Op, interval: Interval, args: list[Number], op: str) -> None:
        super().__init__(expr, interval, args, op)
        needed = max(self.least, *[arg.least for arg in args])
        self.choices = tuple([at for at in self.choices if at >= needed])


class _Select(Number):
    """One of two numbers."""

    __slots__ = ("args", "cond", "expr")

    def __init__(self, expr: Op, interval: Interval, cond: Other | None, args: list[Number]) -> None:
        super().__init__(expr.type, interval)
        self.expr = expr
        self.cond = cond
        self.args = args

    def costs(self, free: bool) -> Costs:
        base = priced(self.cond, free)
        for arg in self.args:
            arg.price(free)
        return _spread(self.type, _SIMPLE, [base + sum([arg.best[at] for arg in self.args]) for at in range(4)])

    def made(self, place: int) -> Expr:
        args = (whole(self.cond, self.expr.args[0]), *[arg.at(place) for arg in self.args])
        return IDENTITIES["select"](Op("select", typed(self.type, place), args))


class _Recast(Number):
    """A number as one of another integer type."""

    __slots__ = ("arg",)

    def __init__(self, type_: Type, interval: Interval, arg: Number) -> None:
        super().__init__(type_, interval)
        self.arg = arg

    def costs(self, free: bool) -> Costs:
        self.arg.price(free)
        found = [INF] * 4
        for at in self.choices:
            came = self.came(at)
            same = came != at or self.arg.type.kind == self.type.kind
            found[at] = self.arg.best[came] + CONVERSION[came][at] + (0.0 if same else _SIGN[at])
        return found

    def came(self, at: int) -> int:
        """Give the width of its operand: the same if that isn't wider than its type; else one that holds it."""
        arg = self.arg
        if at <= arg.place:
            return at
        return min([(arg.best[came] + CONVERSION[came][at], came) for came in arg.right])[1]

    def made(self, place: int) -> Expr:
        return simpler_cast(Cast(typed(self.type, place), self.arg.at(self.came(place))))


class _FromOther(Number):
    """A bool as a number."""

    __slots__ = ("expr", "part")

    def __init__(self, expr: Cast, interval: Interval, part: Other | None) -> None:
        super().__init__(expr.type, interval)
        self.expr = expr
        self.part = part

    def costs(self, free: bool) -> Costs:
        return _spread(self.type, _SIMPLE, priced(self.part, free))

    def made(self, place: int) -> Expr:
        return Cast(typed(self.type, place), whole(self.part, self.expr.arg))


class _FromFloat(_FromOther):
    """A float as a number, which saturates: it takes a width that holds it."""

    __slots__ = ()

    def __init__(self, expr: Cast, interval: Interval, part: Other | None) -> None:
        super().__init__(expr, interval, part)
        self.choices = tuple([at for at in self.choices if at >= self.least])

    def costs(self, free: bool) -> Costs:
        base = priced(self.part, free)
        return [base + _FROM_FLOAT[at] if at in self.choices else INF for at in range(4)]


class _Whole(Number):
    """A number that is computed in its own type only; `args` are the operands of its expression."""

    __slots__ = ("args", "expr", "rebuild")

    def __init__(self, expr: Expr, interval: Interval, args: Sequence[Part], rebuild: Rebuild) -> None:
        super().__init__(expr.type, interval)
        self.expr = expr
        self.args = args
        self.rebuild = rebuild
        self.choices = (self.place,)

    def costs(self, free: bool) -> Costs:
        found = [INF] * 4
        found[self.place] = sum([priced(arg, free) for arg in self.args], 0.0)
        return found

    def made(self, place: int) -> Expr:  # noqa: ARG002
        return self.rebuild(self.expr, self.args)


# ---- expressions of other types


class _Given(Other):
    """A bool that is known."""

    __slots__ = ("expr",)

    def __init__(self, *, value: bool) -> None:
        self.expr = Const(BOOL, value)

    def price(self, free: bool) -> float:  # noqa: ARG002
        return 0.0

    def made(self) -> Expr:
        return self.expr


class _Plain(Other):
    """An expression whose operands have integers inside."""

    __slots__ = ("args", "expr", "rebuild")

    def __init__(self, expr: Expr, args: Sequence[Part], rebuild: Rebuild) -> None:
        self.expr = expr
        self.args = args
        self.rebuild = rebuild

    def price(self, free: bool) -> float:
        return sum([priced(arg, free) for arg in self.args], 0.0)

    def made(self) -> Expr:
        return self.rebuild(self.expr, self.args)


class _ToOther(Other):
    """A number as a float or bool."""

    __slots__ = ("arg", "type")

    def __init__(self, type_: Type, arg: Number) -> None:
        self.type = type_
        self.arg = arg

    def cost(self, at: int) -> float:
        return self.arg.best[at] + (_ORDER if self.type is BOOL else _TO_FLOAT)[at]

    def price(self, free: bool) -> float:
        self.arg.price(free)
        return self.cost(self.width(free))

    def width(self, free: bool) -> int:
        return min(self.arg.right, key=self.cost) if free else self.arg.place

    def made(self) -> Expr:
        return simpler_cast(Cast(self.type, self.arg.at(self.width(True))))


class _Order(Other):
    """A comparison of numbers."""

    __slots__ = ("args", "op")

    def __init__(self, op: str, args: list[Number]) -> None:
        self.op = op
        self.args = args

    def cost(self, at: int) -> float:
        return _ORDER[at] + self.args[0].best[at] + self.args[1].best[at]

    def price(self, free: bool) -> float:
        for arg in self.args:
            arg.price(free)
        return self.cost(self.width(free))

    def width(self, free: bool) -> int:
        first, second = self.args
        return min(max(first.right, second.right, key=min), key=self.cost) if free else first.place

    def made(self) -> Expr:
        at = self.width(True)
        return Op(self.op, BOOL, tuple([arg.at(at) for arg in self.args]))


# ---- the walk


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
            return _Value(expr.type, int(expr.value)) if expr.type.is_integer else None
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
            return _Given(value=bool(interval[0])) if type_ is BOOL else _Value(type_, int(interval[0]))
        if isinstance(expr, Op):
            return self._op(expr, interval, args, intervals)
        if isinstance(expr, Cast):
            return self._cast(expr, interval, args[0], intervals[0])
        return _Whole(expr, interval, args, _rebuilt) if type_.is_integer else _plain(expr, args)

    def _var(self, expr: Var) -> Part:
        self.interval = next(self.items)
        if not expr.type.is_integer:
            return None
        local = self.locals[expr.name]
        self.used.append(local)
        return _Use(local, self.interval)

    def _op(self, expr: Op, interval: Interval, args: list[Any], intervals: list[Interval]) -> Part:
        name = expr.op
        if not expr.type.is_integer:
            return _Order(name, args) if name in _ORDERS and expr.args[0].type.is_integer else _plain(expr, args)
        if name.endswith(_CHECKED):
            plain = name.removesuffix(_CHECKED)
            if not inside(EXACT[plain](*intervals), FULL[expr.type.code]):
                return _Whole(expr, interval, args, _rebuilt)
            self.simpler = True
            name = plain
        if name in _LOW:
            return _Low(expr, interval, args, name)
        if name in _EXACT:
            return _Exact(expr, interval, args, name)
        if name == "shl":
            return _Shift(expr, interval, args, name)
        if name == "select":
            return _Select(expr, interval, args[0], args[1:])
        return _Whole(expr, interval, args, _rebuilt)

    def _cast(self, expr: Cast, interval: Interval, arg: Part, given: Interval) -> Part:
        source, target = expr.arg.type, expr.type
        if expr.site is not None:
            if not _holds(target, given):
                return _Whole(expr, interval, (arg,), _rebuilt)
            self.simpler = True
        if not target.is_integer:
            return _ToOther(target, arg) if isinstance(arg, Number) else _plain(expr, (arg,))
        if isinstance(arg, Number):
            return _Recast(target, interval, arg)
        return (_FromFloat if source.is_float else _FromOther)(expr, interval, arg)


def _holds(type_: Type, given: Interval) -> bool:
    """Whether an integer type holds all values of a number after truncation."""
    if len(given) == 2:
        return inside(given, FULL[type_.code])
    low, high, nan = given
    if nan or math.isinf(low) or math.isinf(high):
        return False
    return inside((math.trunc(low), math.trunc(high)), FULL[type_.code])


def _plain(expr: Expr, args: Sequence[Part]) -> Part:
    return _Plain(expr, args, _rebuilt) if any(arg is not None for arg in args) else None


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
