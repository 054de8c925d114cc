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
from hybrid_rs.ir.nodes import Cast, Const, Expr, Op, Var
from hybrid_rs.ir.types import BOOL, Type
from hybrid_rs.passes.identities import IDENTITIES, simpler_cast
from hybrid_rs.passes.intervals import EXACT, FULL, Interval, constant, inside
from hybrid_rs.passes.widths import (
    CHOICES,
    INF,
    Costs,
    Local,
    Number,
    Other,
    Part,
    Prices,
    place,
    priced,
    typed,
    whole,
    widest,
)

__all__ = ["Reader"]

Rebuild: TypeAlias = Callable[[Expr, Sequence[Part]], Expr]

_BY_OP: Final = {"mul": "product", "min": "size", "max": "size", "abs": "size"}
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

    def price(self, prices: Prices) -> None:  # noqa: ARG002 - nothing
        self.own = self.best = [0.0] * 4

    def width(self, to: int) -> int:  # noqa: ARG002
        return 0

    def at(self, place: int) -> Expr:
        type_ = typed(self.type, place)
        return Const(type_, integers.wrap(type_, self.value))


class _Use(Number):
    """A variable."""

    __slots__ = ("local",)

    def __init__(self, local: Local, interval: Interval) -> None:
        super().__init__(local.type, interval)
        self.local = local

    def price(self, prices: Prices) -> None:
        at = self.local.width
        self.own = [INF] * 4
        self.own[at] = 0.0
        self.best = list(prices.conversions[at])

    def width(self, to: int) -> int:
        # What is cast of a parameter is cast ahead of loops.
        return min(to, self.place) if self.local.fixed else self.local.choices[0]

    def cheapest(self, to: int) -> int:  # noqa: ARG002
        return self.local.width

    def made(self, place: int) -> Expr:  # noqa: ARG002
        return self.local.var()


class _Arithmetic(Number):
    __slots__ = ("args", "op", "row", "site")

    def __init__(self, expr: Op, interval: Interval, args: list[Number], op: str) -> None:
        super().__init__(expr.type, interval)
        self.op = op
        self.site = expr.site if op == expr.op else None
        self.args = args
        self.row = _BY_OP.get(op, "simple")
        if op in _DIVISIONS:
            self.row = "by constant" if isinstance(args[1], _Value) else "quotient"

    def costs(self, prices: Prices) -> Costs:
        for arg in self.args:
            arg.price(prices)
        found, row = [INF] * 4, prices.rows[self.row]
        for at in self.choices:
            found[at] = row[at] + sum([arg.best[at] for arg in self.args])
        return found

    def needed(self, to: int) -> int:
        to = max(to, self.choices[0])
        return max(to, *[arg.width(to) for arg in self.args])

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

    def costs(self, prices: Prices) -> Costs:
        base = priced(self.cond, prices)
        for arg in self.args:
            arg.price(prices)
        args = [base + sum([arg.best[at] for arg in self.args]) for at in range(4)]
        return _spread(self.type, prices.rows["select"], args)

    def needed(self, to: int) -> int:
        to = max(to, self.choices[0])
        return max(to, widest((self.cond,)), *[arg.width(to) for arg in self.args])

    def made(self, place: int) -> Expr:
        args = (whole(self.cond, self.expr.args[0]), *[arg.at(place) for arg in self.args])
        return IDENTITIES["select"](Op("select", typed(self.type, place), args))


class _Recast(Number):
    """A number as one of another integer type."""

    __slots__ = ("arg",)

    def __init__(self, type_: Type, interval: Interval, arg: Number) -> None:
        super().__init__(type_, interval)
        self.arg = arg

    def costs(self, prices: Prices) -> Costs:
        arg, found = self.arg, [INF] * 4
        arg.price(prices)
        for at in self.choices:
            came = self.came(at)
            same = came != at or arg.type.kind == self.type.kind
            found[at] = arg.best[came] + arg.conversions[came][at] + (0.0 if same else prices.rows["sign"][at])
        return found

    def needed(self, to: int) -> int:
        return self.arg.width(to) if to <= self.arg.place else max(to, self.arg.width(self.arg.right.start))

    def came(self, at: int) -> int:
        """Give the width of its operand: the same if that isn't wider than its type; else one that holds it."""
        arg = self.arg
        if at <= arg.place:
            return at
        return min([(arg.best[came] + arg.conversions[came][at], came) for came in arg.right])[1]

    def made(self, place: int) -> Expr:
        return simpler_cast(Cast(typed(self.type, place), self.arg.at(self.came(place))))


class _FromOther(Number):
    """A bool as a number."""

    __slots__ = ("expr", "part")

    def __init__(self, expr: Cast, interval: Interval, part: Other | None) -> None:
        super().__init__(expr.type, interval)
        self.expr = expr
        self.part = part

    def costs(self, prices: Prices) -> Costs:
        return _spread(self.type, prices.rows["select"], priced(self.part, prices))

    def needed(self, to: int) -> int:
        return max(to, self.choices[0], widest((self.part,)))

    def made(self, place: int) -> Expr:
        return Cast(typed(self.type, place), whole(self.part, self.expr.arg))


class _FromFloat(_FromOther):
    """A float as a number, which saturates: it takes a width that holds it."""

    __slots__ = ()

    def __init__(self, expr: Cast, interval: Interval, part: Other | None) -> None:
        super().__init__(expr, interval, part)
        self.choices = tuple([at for at in self.choices if at >= self.least])

    def costs(self, prices: Prices) -> Costs:
        base = priced(self.part, prices)
        return [base + cost if at in self.choices else INF for at, cost in enumerate(prices.rows["from float"])]


class _Whole(Number):
    """A number that is computed in its own type only; `args` are the operands of its expression."""

    __slots__ = ("args", "expr", "rebuild")

    def __init__(self, expr: Expr, interval: Interval, args: Sequence[Part], rebuild: Rebuild) -> None:
        super().__init__(expr.type, interval)
        self.expr = expr
        self.args = args
        self.rebuild = rebuild
        self.choices = (self.place,)

    def costs(self, prices: Prices) -> Costs:
        found = [INF] * 4
        found[self.place] = sum([priced(arg, prices) for arg in self.args], 0.0)
        return found

    def needed(self, to: int) -> int:  # noqa: ARG002
        return max(self.place, widest(self.args))

    def made(self, place: int) -> Expr:  # noqa: ARG002
        return self.rebuild(self.expr, self.args)


# ---- expressions of other types


class _Given(Other):
    """A bool that is known."""

    __slots__ = ("expr",)

    def __init__(self, *, value: bool) -> None:
        self.expr = Const(BOOL, value)

    def price(self, prices: Prices) -> float:  # noqa: ARG002
        return 0.0

    def width(self) -> int:
        return 0

    def made(self) -> Expr:
        return self.expr


class _Plain(Other):
    """An expression whose operands have integers inside."""

    __slots__ = ("args", "expr", "rebuild")

    def __init__(self, expr: Expr, args: Sequence[Part], rebuild: Rebuild) -> None:
        self.expr = expr
        self.args = args
        self.rebuild = rebuild

    def price(self, prices: Prices) -> float:
        return sum([priced(arg, prices) for arg in self.args], 0.0)

    def width(self) -> int:
        return widest(self.args)

    def made(self) -> Expr:
        return self.rebuild(self.expr, self.args)


class _ToOther(Other):
    """A number as a float or bool."""

    __slots__ = ("arg", "place", "type")

    def __init__(self, type_: Type, arg: Number) -> None:
        self.type = type_
        self.arg = arg
        self.place = arg.place
        """That of the width which it is converted from."""

    def price(self, prices: Prices) -> float:
        arg, row = self.arg, prices.rows["order" if self.type is BOOL else "to float"]
        arg.price(prices)
        cost, self.place = min([(arg.best[at] + row[at], at) for at in (arg.right if prices.free else (arg.place,))])
        return cost

    def width(self) -> int:
        return self.arg.width(self.arg.right.start)

    def made(self) -> Expr:
        return simpler_cast(Cast(self.type, self.arg.at(self.place)))


class _Order(Other):
    """A comparison of numbers."""

    __slots__ = ("args", "op", "place")

    def __init__(self, op: str, args: list[Number]) -> None:
        self.op = op
        self.args = args
        self.place = args[0].place
        """That of the width in which they are compared."""

    @property
    def right(self) -> range:
        """The places of the widths that hold both."""
        return max([arg.right for arg in self.args], key=min)

    def price(self, prices: Prices) -> float:
        first, second = self.args
        first.price(prices)
        second.price(prices)
        row = prices.rows["order"]
        places = self.right if prices.free else (first.place,)
        cost, self.place = min([(row[at] + first.best[at] + second.best[at], at) for at in places])
        return cost

    def width(self) -> int:
        to = self.right.start
        return max(to, *[arg.width(to) for arg in self.args])

    def made(self) -> Expr:
        return Op(self.op, BOOL, tuple([arg.at(self.place) for arg in self.args]))


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
        self.counts = True
        """Whether what is read runs where the number of lanes is decided."""
        self.floats = self.numbers = 0
        """The places of the widest float and the widest integer that were read there."""

    def part(self, expr: Expr) -> Part:
        """Give what is inside an expression."""
        if isinstance(expr, Const):
            self.interval = constant(expr)
            return _Value(expr.type, int(expr.value)) if expr.type.is_integer else None
        if self.counts and expr.type is not BOOL:
            self._met(expr.type)
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

    def _met(self, type_: Type) -> None:
        if type_.is_float:
            self.floats = max(self.floats, place(type_.bits))
        else:
            self.numbers = max(self.numbers, place(type_.bits))

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
    made = walk.with_operands(expr, operands)
    known = any(isinstance(operand, Const) for operand in operands)
    return IDENTITIES[made.op](made) if isinstance(made, Op) and known and made.op in IDENTITIES else made
