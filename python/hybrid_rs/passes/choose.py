"""The choice of a width for each variable."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from hybrid_rs.passes.widths import CONVERSION, STORE, Local, Number, Part, priced

__all__ = ["PER_LOOP", "Copy", "Demand", "choose"]

PER_LOOP: Final = 10.0
"""How often the body of a loop is reckoned to run."""
_WORTH: Final = 0.97
# How often all variables are gone through.
_SWEEPS: Final = 2


class Demand:
    """What a statement's expressions are needed for."""

    __slots__ = ("cost", "locals", "parts", "target", "weight")

    def __init__(self, weight: float, parts: Sequence[Part], target: Local | None, used: Iterable[Local]) -> None:
        self.weight = weight
        """How often the statement runs."""
        self.parts = parts
        self.target = target
        """The integer that the one part is assigned to."""
        self.locals = {*used} if target is None else {*used, target}
        """The variables whose width it depends on."""
        self.cost = 0.0

    def price(self, free: bool) -> float:
        """Find what it costs."""
        if self.target is None:
            cost = sum([priced(part, free) for part in self.parts], 0.0)
        else:
            (number,) = self.parts
            assert isinstance(number, Number)
            number.price(free)
            cost = number.best[self.target.width] + STORE[self.target.width]
        self.cost = cost * self.weight
        return self.cost


class Copy(Demand):
    """The copies of a loop's variable from and to the one that it stands for."""

    __slots__ = ()

    def price(self, free: bool) -> float:  # noqa: ARG002 - there are none where widths are the same
        """Find what they cost."""
        local = self.target
        assert local is not None
        assert local.outer is not None
        self.cost = 2 * self.weight * CONVERSION[local.width][local.outer.width]
        return self.cost


def choose(variables: Sequence[Local], demands: Sequence[Demand]) -> tuple[float, bool]:
    """Choose the widths that cost least together.

    Returns:
        What everything costs, and whether that is worth a change: else all keep the width of their type.
    """
    before = sum([demand.price(False) for demand in demands], 0.0)
    original = [local.width for local in variables]
    for local in variables:
        local.width = local.choices[0]
    cost = sum([demand.price(True) for demand in demands], 0.0)
    able = [local for local in variables if len(local.choices) > 1]
    touched: dict[Local, list[Demand]] = {local: [] for local in variables}
    for demand in demands:
        for local in demand.locals:
            if local in touched:
                touched[local].append(demand)
    for _ in range(_SWEEPS):
        gain = sum([_improve(local, touched[local]) for local in able], 0.0)
        cost -= gain
        if not gain:
            break
    if cost >= before * _WORTH:
        for local, width in zip(variables, original, strict=True):
            local.width = width
    cost = sum([demand.price(True) for demand in demands], 0.0)
    return cost, cost < before * _WORTH


def _improve(local: Local, demands: Sequence[Demand]) -> float:
    """Give a variable the width that is best beside the others; return what that saves."""
    costs = [demand.cost for demand in demands]
    begun = best = sum(costs, 0.0)
    width = local.width
    for other in local.choices:
        if other != width:
            local.width = other
            cost = sum([demand.price(True) for demand in demands], 0.0)
            if cost < best:
                best, width, costs = cost, other, [demand.cost for demand in demands]
    local.width = width
    for demand, cost in zip(demands, costs, strict=True):
        demand.cost = cost
    return begun - best
