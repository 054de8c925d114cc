"""Integer expressions with a cost for each width of 8 to 64 bits, and variables of one width each.

Costs are about times of the block VM and of AVX2 code, an addition of 16 bits being 1. Machine code computes as many
elements at once as a register holds of its *floor*, the widest type in the innermost loops. A narrower value takes
as long as one of the floor's width, and where it meets a mask that must be converted. Whether a value is the same for
all elements isn't known here.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Final, TypeAlias

from hybrid_rs.ir.integers import HIGH, LOW
from hybrid_rs.ir.nodes import Cast, Expr, Var
from hybrid_rs.ir.types import ALL, Type
from hybrid_rs.passes.identities import simpler_cast
from hybrid_rs.passes.intervals import Interval

__all__ = [
    "CHOICES",
    "FREE",
    "INF",
    "OWN",
    "Costs",
    "Local",
    "Number",
    "Other",
    "Part",
    "Prices",
    "least",
    "place",
    "priced",
    "typed",
    "whole",
    "widest",
]

Costs: TypeAlias = list[float]
"""One for each width, by its place among 8, 16, 32 and 64; inf where that is no choice."""

_PLACES: Final = {8: 0, 16: 1, 32: 2, 64: 3}
_TYPES: Final = {kind: [t for bits in _PLACES for t in ALL if (t.kind, t.bits) == (kind, bits)] for kind in "iu"}
_LIMITS: Final = {kind: [(LOW[t.code], HIGH[t.code]) for t in types] for kind, types in _TYPES.items()}
# The places that a type of so many bits may be computed in. Bytes have no products and no shifts on x86, and what they
# would save beside 16 bits is little.
CHOICES: Final = {8: (0,), 16: (1,), 32: (1, 2), 64: (1, 2, 3)}
INF: Final = math.inf

Row: TypeAlias = tuple[float, ...]

_CONVERSIONS: Final = ((0.0, 1.5, 2.5, 5.0), (1.5, 0.0, 2.0, 4.5), (2.5, 2.0, 0.0, 4.0), (5.0, 4.5, 4.0, 0.0))
_SIMPLE: Final = (1.0, 1.0, 2.0, 4.0)
_ROWS: Final[dict[str, Row]] = {
    "simple": _SIMPLE,
    "product": (9.0, 1.0, 2.0, 10.0),
    "size": (1.0, 1.0, 2.0, 6.0),
    "by constant": (6.0, 3.0, 7.0, 45.0),
    "quotient": (15.0, 15.0, 30.0, 100.0),
    "sign": (0.3, 0.3, 0.5, 1.0),
    "order": (1.0, 1.0, 2.0, 4.2),
    "select": _SIMPLE,
    "store": (0.5, 0.5, 1.0, 2.0),
}
# Those that make or take a mask, and how much of an addition its conversion is.
_MASKED: Final = {"order": 0.7, "select": 0.7, "store": 0.4}
_TO_FLOAT: Final = (5.5, 5.5, 4.0, 14.0)
_FROM_FLOAT: Final = (13.0, 13.0, 9.0, 26.0)


class Prices:
    """What ops cost by the place of the width that they are computed in, for a floor.

    Attributes:
        free: Whether any width is a choice; else everything is computed in its own type.
        rows: Costs by the kind of op.
        conversions: Those of casts between integers, by both places.
    """

    __slots__ = ("conversions", "free", "rows")

    def __init__(self, floor: int, *, free: bool) -> None:
        """Find the costs for the floor at a place."""
        self.free = free
        times = [max(_SIMPLE[floor] / cost, 1.0) for cost in _SIMPLE]
        self.rows: dict[str, Row] = {"to float": _TO_FLOAT, "from float": _FROM_FLOAT}
        for name, row in _ROWS.items():
            mask = _MASKED.get(name, 0.0) * _SIMPLE[floor]
            self.rows[name] = tuple([
                cost * times[at] + (mask if at < floor else 0.0) for at, cost in enumerate(row)
            ])  # fmt: skip
        self.conversions = tuple([
            tuple([cost * times[max(at, to)] for to, cost in enumerate(row)]) for at, row in enumerate(_CONVERSIONS)
        ])  # fmt: skip


OWN: Final = tuple([Prices(floor, free=False) for floor in range(4)])
"""For each floor the prices of everything in its own type."""
FREE: Final = tuple([Prices(floor, free=True) for floor in range(4)])
"""For each floor those of everything in the width that is cheapest."""


def place(bits: int) -> int:
    """Give the place of a width."""
    return _PLACES[bits]


def typed(type_: Type, place: int) -> Type:
    """Give the integer type of the same kind and the width at a place."""
    return _TYPES[type_.kind][place]


def least(type_: Type, interval: Interval) -> int:
    """Give the place of the narrowest width whose type of the same kind holds an interval."""
    low, high, *_ = interval
    at = 0
    for lowest, highest in _LIMITS[type_.kind]:
        if lowest <= low and high <= highest:
            break
        at += 1
    return at


class Local:
    """A variable, or what stands for one in a loop."""

    __slots__ = ("choices", "fixed", "least", "name", "outer", "type", "width")

    def __init__(
        self, name: str, type_: Type, interval: Interval, outer: Local | None = None, *, fixed: bool = False
    ) -> None:
        self.name = name
        self.type = type_
        self.least = least(type_, interval)
        self.choices = tuple([place for place in CHOICES[type_.bits] if place >= self.least])
        self.width = _PLACES[type_.bits]
        self.outer = outer
        """The variable that it stands for in a loop."""
        self.fixed = fixed
        """Whether it is a parameter."""

    def widen(self) -> None:
        """Take 32 bits at least, if its type has them."""
        self.choices = tuple([place for place in self.choices if place >= _PLACES[32]]) or self.choices

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
        return typed(self.type, self.width)

    def var(self) -> Var:
        """Read it."""
        return Var(self.own.name, self.final)


class Number:
    """An integer expression. Each kind says what it costs in itself, and makes itself in one width."""

    __slots__ = ("best", "choices", "conversions", "least", "own", "type")

    def __init__(self, type_: Type, interval: Interval) -> None:
        self.type = type_
        self.least = least(type_, interval)
        self.choices: tuple[int, ...] = CHOICES[type_.bits]
        self.own: Costs = []
        """The costs of computing it in a width: its low bits, which are all where `least` is no larger."""
        self.best: Costs = []
        """The costs of having it in a width."""
        self.conversions = FREE[0].conversions

    @property
    def place(self) -> int:
        """The place of its own type."""
        return _PLACES[self.type.bits]

    @property
    def right(self) -> range:
        """The places of the widths that hold it."""
        return range(max(self.least, CHOICES[self.type.bits][0]), self.place + 1)

    def price(self, prices: Prices) -> None:
        """Find the costs, of its operands first."""
        own = self.own = self.costs(prices)
        self.conversions = prices.conversions
        if not prices.free:
            place = self.place
            cost = own[place]
            self.own = [INF] * 4
            self.own[place] = cost
            self.best = [cost + conversion for conversion in prices.conversions[place]]
            return
        best = self.best = [INF] * 4
        for at in self.choices:
            cost, conversions = own[at], prices.conversions[at]
            for to in range(4) if at >= self.least else range(at + 1):
                best[to] = min(best[to], cost + conversions[to])

    def costs(self, prices: Prices) -> Costs:
        """Find what it costs to compute it in each width."""
        raise NotImplementedError

    def width(self, to: int) -> int:
        """Give the place of the widest width that it takes at least to have its low bits in a width."""
        return self.needed(min(to, self.right.start))

    def needed(self, to: int) -> int:
        """Give that where it is computed in a width of that place at least."""
        raise NotImplementedError

    def at(self, place: int) -> Expr:
        """Make it in a width."""
        where = self.cheapest(place)
        made = self.made(where)
        return made if where == place else simpler_cast(Cast(typed(self.type, place), made))

    def cheapest(self, to: int) -> int:
        """Give the width to compute it in where it is needed in another."""
        found = [(self.own[at] + self.conversions[at][to], at) for at in range(4) if at >= to or at >= self.least]
        return min(found)[1]

    def made(self, place: int) -> Expr:
        """Make it, computed in a width."""
        raise NotImplementedError


class Other:
    """An expression of another type with integers inside."""

    __slots__ = ()

    def price(self, prices: Prices) -> float:
        """Find what the integers in it cost."""
        raise NotImplementedError

    def width(self) -> int:
        """Give the place of the widest integer that it takes at least."""
        raise NotImplementedError

    def made(self) -> Expr:
        """Make it."""
        raise NotImplementedError


Part: TypeAlias = Number | Other | None
"""None is an expression without integers, which stays as it is."""


def priced(part: Part, prices: Prices) -> float:
    """Give what a part costs in its own type."""
    if isinstance(part, Number):
        part.price(prices)
        return part.best[part.place]
    return 0.0 if part is None else part.price(prices)


def widest(parts: Iterable[Part]) -> int:
    """Give the place of the widest integer that parts take at least, in their own types."""
    found = 0
    for part in parts:
        if part is not None:
            found = max(found, part.width(part.place) if isinstance(part, Number) else part.width())
    return found


def whole(part: Part, expr: Expr) -> Expr:
    """Make a part in its own type."""
    return expr if part is None else part.at(part.place) if isinstance(part, Number) else part.made()
