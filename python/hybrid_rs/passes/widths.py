"""What integers cost in each width, and the widths that cost the least together.

An integer expression is a `Number`, with a cost for each width of 8 to 64 bits that it can be computed in. Sums,
products and the like give the low bits of their result from the low bits of their operands, so they can be computed in
any width and cut to fewer bits; divisions, comparisons, shifts to the right and conversions to floats need operands
that are right as they are, which ranges show. Each variable has one width; all start as narrow as their ranges allow,
then one after the other takes the width that is best beside the others.

Costs are about times of the block VM and of AVX2 code, an addition of 16 bits being 1; what stands in a loop counts
ten times. Whether a value is the same for all elements isn't known here.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

from hybrid_rs.ir import integers
from hybrid_rs.ir.integers import HIGH, LOW
from hybrid_rs.ir.nodes import Cast, Const, Expr, Op, Var
from hybrid_rs.ir.types import ALL, BOOL, Type
from hybrid_rs.passes.identities import IDENTITIES, simpler_cast
from hybrid_rs.passes.intervals import Interval

__all__ = [
    "CONVERSION",
    "Exact",
    "FromFloat",
    "FromOther",
    "Given",
    "Local",
    "Low",
    "Number",
    "Order",
    "Other",
    "Part",
    "Plain",
    "Recast",
    "STORE",
    "Select",
    "Shift",
    "ToOther",
    "Use",
    "Value",
    "Whole",
    "least",
    "priced",
    "whole",
]

Costs: TypeAlias = list[float]
"""One for each width, by its place among 8, 16, 32 and 64; inf where that is no choice."""

_PLACES: Final = {8: 0, 16: 1, 32: 2, 64: 3}
_TYPES: Final = {kind: [t for bits in _PLACES for t in ALL if (t.kind, t.bits) == (kind, bits)] for kind in "iu"}
# The places that a type of so many bits may be computed in. Bytes have no products and no shifts on x86, and what they
# would save beside 16 bits is little.
_CHOICES: Final = {8: (0,), 16: (1,), 32: (1, 2), 64: (1, 2, 3)}
_INF: Final = math.inf

CONVERSION: Final = ((0.0, 1.5, 2.5, 4.0), (1.5, 0.0, 2.0, 3.5), (2.5, 2.0, 0.0, 3.0), (4.0, 3.5, 3.0, 0.0))
_SIGN: Final = (0.3, 0.3, 0.5, 1.0)
STORE: Final = (0.5, 0.5, 1.0, 2.0)
_SIMPLE: Final = (1.0, 1.0, 2.0, 4.0)
_ORDER: Final = (1.0, 1.0, 2.0, 6.0)
_TO_FLOAT: Final = (5.5, 5.5, 4.0, 14.0)
_FROM_FLOAT: Final = (13.0, 13.0, 9.0, 26.0)
_BY_CONSTANT: Final = (6.0, 3.0, 7.0, 45.0)
_QUOTIENT: Final = (15.0, 15.0, 30.0, 100.0)
_BY_OP: Final = {"mul": (9.0, 1.0, 2.0, 10.0), "min": _ORDER, "max": _ORDER, "abs": _ORDER}
_DIVISIONS: Final = frozenset(("floordiv", "mod", "quot", "rem"))


def _typed(type_: Type, place: int) -> Type:
    """Give the integer type of the same kind and the width at a place."""
    return _TYPES[type_.kind][place]


def least(type_: Type, interval: Interval) -> int:
    """Give the place, of 8, 16, 32 and 64 bits, of the narrowest width whose type of the same kind holds an interval."""
    low, high, *_ = interval
    return next(at for at, t in enumerate(_TYPES[type_.kind]) if LOW[t.code] <= low and high <= HIGH[t.code])


class Local:
    """A variable, or what stands for one in a loop."""

    __slots__ = ("choices", "least", "name", "outer", "type", "width")

    def __init__(self, name: str, type_: Type, interval: Interval, outer: Local | None = None) -> None:
        self.name = name
        self.type = type_
        self.least = least(type_, interval)
        self.choices = tuple([place for place in _CHOICES[type_.bits] if place >= self.least])
        self.width = _PLACES[type_.bits]
        self.outer = outer
        """The variable that it stands for in a loop."""

    @property
    def own(self) -> Local:
        """What it is: the variable that it stands for, if that has the same width."""
        local = self
        while local.outer is not None and local.outer.width == local.width:
            local = local.outer
        return local

    @property
    def final(self) -> Type:
        """The type of its width."""
        return _typed(self.type, self.width)

    def var(self) -> Var:
        """Read it."""
        return Var(self.own.name, self.final)


class Number:
    """An integer expression. Each kind says what it costs in itself, and makes itself in one width."""

    __slots__ = ("best", "choices", "least", "own", "type")

    def __init__(self, type_: Type, interval: Interval) -> None:
        self.type = type_
        self.least = least(type_, interval)
        self.choices: tuple[int, ...] = _CHOICES[type_.bits]
        self.own: Costs = []
        """The costs of computing it in a width: its low bits, which are all where `least` is no larger."""
        self.best: Costs = []
        """The costs of having it in a width."""

    @property
    def place(self) -> int:
        """The place of its own type."""
        return _PLACES[self.type.bits]

    @property
    def right(self) -> range:
        """The places of the widths that hold it."""
        return range(max(self.least, _CHOICES[self.type.bits][0]), self.place + 1)

    def price(self, free: bool) -> None:
        """Find the costs, of its operands first; if not `free`, everything is computed in its own type."""
        self.own = own = self.costs(free)
        if not free:
            place = self.place
            own = self.own = [cost if at == place else _INF for at, cost in enumerate(own)]
        self.best = [
            min([own[at] + CONVERSION[at][to] for at in range(4) if at >= to or at >= self.least]) for to in range(4)
        ]

    def costs(self, free: bool) -> Costs:
        """Find what it costs to compute it in each width."""
        raise NotImplementedError

    def at(self, place: int) -> Expr:
        """Make it in a width."""
        where = self.cheapest(place)
        made = self.made(where)
        return made if where == place else simpler_cast(Cast(_typed(self.type, place), made))

    def cheapest(self, to: int) -> int:
        """Give the width to compute it in where it is needed in another."""
        found = [(self.own[at] + CONVERSION[at][to], at) for at in range(4) if at >= to or at >= self.least]
        return min(found)[1]

    def made(self, place: int) -> Expr:
        """Make it, computed in a width."""
        raise NotImplementedError


class Other:
    """An expression of another type with integers inside."""

    __slots__ = ()

    def price(self, free: bool) -> float:
        """Find what the integers in it cost."""
        raise NotImplementedError

    def made(self) -> Expr:
        """Make it."""
        raise NotImplementedError


Part: TypeAlias = Number | Other | None
"""None is an expression without integers, which stays as it is."""


def _spread(type_: Type, costs: Sequence[float], base: Sequence[float] | float = 0.0) -> Costs:
    """List costs for the widths that a type may be computed in."""
    found = [_INF] * 4
    for at in _CHOICES[type_.bits]:
        found[at] = costs[at] + (base if isinstance(base, float) else base[at])
    return found


def priced(part: Part, free: bool) -> float:
    """Give what a part costs in its own type."""
    if isinstance(part, Number):
        part.price(free)
        return part.best[part.place]
    return 0.0 if part is None else part.price(free)


def whole(part: Part, expr: Expr) -> Expr:
    """Make a part in its own type."""
    return expr if part is None else part.at(part.place) if isinstance(part, Number) else part.made()


# ---- numbers


class Value(Number):
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
        type_ = _typed(self.type, place)
        return Const(type_, integers.wrap(type_, self.value))


class Use(Number):
    """A variable."""

    __slots__ = ("local",)

    def __init__(self, local: Local, interval: Interval) -> None:
        super().__init__(local.type, interval)
        self.local = local

    def price(self, free: bool) -> None:  # noqa: ARG002 - it has the width that it has
        at = self.local.width
        self.own = [_INF] * 4
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
            self.price_of = _BY_CONSTANT if isinstance(args[1], Value) else _QUOTIENT

    def costs(self, free: bool) -> Costs:
        for arg in self.args:
            arg.price(free)
        found = [_INF] * 4
        for at in self.choices:
            found[at] = self.price_of[at] + sum([arg.best[at] for arg in self.args])
        return found

    def made(self, place: int) -> Expr:
        args = tuple([arg.at(place) for arg in self.args])
        return Op(self.op, _typed(self.type, place), args, self.site)


class Low(_Arithmetic):
    """An op whose low bits come from its operands' low bits."""

    __slots__ = ()


class Shift(_Arithmetic):
    """A shift to the left: its count has to be right."""

    __slots__ = ()

    def __init__(self, expr: Op, interval: Interval, args: list[Number], op: str) -> None:
        super().__init__(expr, interval, args, op)
        self.choices = tuple([at for at in self.choices if at >= args[1].least])


class Exact(_Arithmetic):
    """An op that needs its operands as they are."""

    __slots__ = ()

    def __init__(self, expr: Op, interval: Interval, args: list[Number], op: str) -> None:
        super().__init__(expr, interval, args, op)
        needed = max(self.least, *[arg.least for arg in args])
        self.choices = tuple([at for at in self.choices if at >= needed])


class Select(Number):
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
        return IDENTITIES["select"](Op("select", _typed(self.type, place), args))


class Recast(Number):
    """A number as one of another integer type."""

    __slots__ = ("arg",)

    def __init__(self, type_: Type, interval: Interval, arg: Number) -> None:
        super().__init__(type_, interval)
        self.arg = arg

    def costs(self, free: bool) -> Costs:
        self.arg.price(free)
        found = [_INF] * 4
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
        return simpler_cast(Cast(_typed(self.type, place), self.arg.at(self.came(place))))


class FromOther(Number):
    """A bool as a number."""

    __slots__ = ("expr", "part")

    def __init__(self, expr: Cast, interval: Interval, part: Other | None) -> None:
        super().__init__(expr.type, interval)
        self.expr = expr
        self.part = part

    def costs(self, free: bool) -> Costs:
        return _spread(self.type, _SIMPLE, priced(self.part, free))

    def made(self, place: int) -> Expr:
        return Cast(_typed(self.type, place), whole(self.part, self.expr.arg))


class FromFloat(FromOther):
    """A float as a number, which saturates: it takes a width that holds it."""

    __slots__ = ()

    def __init__(self, expr: Cast, interval: Interval, part: Other | None) -> None:
        super().__init__(expr, interval, part)
        self.choices = tuple([at for at in self.choices if at >= self.least])

    def costs(self, free: bool) -> Costs:
        base = priced(self.part, free)
        return [base + _FROM_FLOAT[at] if at in self.choices else _INF for at in range(4)]


class Whole(Number):
    """A number that is computed in its own type only; `args` are the operands of its expression."""

    __slots__ = ("args", "expr", "rebuild")

    def __init__(self, expr: Expr, interval: Interval, args: Sequence[Part], rebuild: Rebuild) -> None:
        super().__init__(expr.type, interval)
        self.expr = expr
        self.args = args
        self.rebuild = rebuild
        self.choices = (self.place,)

    def costs(self, free: bool) -> Costs:
        found = [_INF] * 4
        found[self.place] = sum([priced(arg, free) for arg in self.args], 0.0)
        return found

    def made(self, place: int) -> Expr:  # noqa: ARG002
        return self.rebuild(self.expr, self.args)


# ---- expressions of other types


class Given(Other):
    """A bool that is known."""

    __slots__ = ("expr",)

    def __init__(self, *, value: bool) -> None:
        self.expr = Const(BOOL, value)

    def price(self, free: bool) -> float:  # noqa: ARG002
        return 0.0

    def made(self) -> Expr:
        return self.expr


class Plain(Other):
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


class ToOther(Other):
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


class Order(Other):
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


Rebuild: TypeAlias = Callable[[Expr, Sequence[Part]], Expr]
