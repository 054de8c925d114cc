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
from typing import Final, TypeAlias

from hybrid_rs.ir.integers import HIGH, LOW
from hybrid_rs.ir.nodes import Cast, Expr, Var
from hybrid_rs.ir.types import ALL, Type
from hybrid_rs.passes.identities import simpler_cast
from hybrid_rs.passes.intervals import Interval

__all__ = [
    "CHOICES",
    "CONVERSION",
    "INF",
    "STORE",
    "Costs",
    "Local",
    "Number",
    "Other",
    "Part",
    "least",
    "priced",
    "typed",
    "whole",
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

CONVERSION: Final = ((0.0, 1.5, 2.5, 4.0), (1.5, 0.0, 2.0, 3.5), (2.5, 2.0, 0.0, 3.0), (4.0, 3.5, 3.0, 0.0))
STORE: Final = (0.5, 0.5, 1.0, 2.0)


def typed(type_: Type, place: int) -> Type:
    """Give the integer type of the same kind and the width at a place."""
    return _TYPES[type_.kind][place]


def least(type_: Type, interval: Interval) -> int:
    """Give the place of the narrowest width whose type of the same kind holds an interval."""
    low, high, *_ = interval
    place = 0
    for lowest, highest in _LIMITS[type_.kind]:
        if lowest <= low and high <= highest:
            break
        place += 1
    return place


class Local:
    """A variable, or what stands for one in a loop."""

    __slots__ = ("choices", "least", "name", "outer", "type", "width")

    def __init__(self, name: str, type_: Type, interval: Interval, outer: Local | None = None) -> None:
        self.name = name
        self.type = type_
        self.least = least(type_, interval)
        self.choices = tuple([place for place in CHOICES[type_.bits] if place >= self.least])
        self.width = _PLACES[type_.bits]
        self.outer = outer
        """The variable that it stands for in a loop."""

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

    __slots__ = ("best", "choices", "least", "own", "type")

    def __init__(self, type_: Type, interval: Interval) -> None:
        self.type = type_
        self.least = least(type_, interval)
        self.choices: tuple[int, ...] = CHOICES[type_.bits]
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
        return range(max(self.least, CHOICES[self.type.bits][0]), self.place + 1)

    def price(self, free: bool) -> None:
        """Find the costs, of its operands first; if not `free`, everything is computed in its own type."""
        self.own = own = self.costs(free)
        if not free:
            place = self.place
            cost = own[place]
            own = self.own = [INF] * 4
            own[place] = cost
            self.best = [cost + CONVERSION[place][to] for to in range(4)]
            return
        self.best = best = [INF] * 4
        for at in self.choices:
            cost = own[at]
            conversion = CONVERSION[at]
            for to in range(4) if at >= self.least else range(at + 1):
                best[to] = min(best[to], cost + conversion[to])

    def costs(self, free: bool) -> Costs:
        """Find what it costs to compute it in each width."""
        raise NotImplementedError

    def at(self, place: int) -> Expr:
        """Make it in a width."""
        where = self.cheapest(place)
        made = self.made(where)
        return made if where == place else simpler_cast(Cast(typed(self.type, place), made))

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


def priced(part: Part, free: bool) -> float:
    """Give what a part costs in its own type."""
    if isinstance(part, Number):
        part.price(free)
        return part.best[part.place]
    return 0.0 if part is None else part.price(free)


def whole(part: Part, expr: Expr) -> Expr:
    """Make a part in its own type."""
    return expr if part is None else part.at(part.place) if isinstance(part, Number) else part.made()
