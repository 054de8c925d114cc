"""The choice of a width for each variable."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from hybrid_rs.passes.widths import FREE, OWN, Local, Number, Part, Prices, priced, widest

__all__ = ["PER_LOOP", "Copy", "Demand", "choose"]

PER_LOOP: Final = 10.0
"""How often the body of a loop is reckoned to run."""
_WORTH: Final = 0.97
# How often all variables are gone through.
_SWEEPS: Final = 2


class Demand:
    """What a statement's expressions are needed for."""

    __slots__ = ("cost", "counts", "locals", "parts", "target", "weight")

    def __init__(
        self, weight: float, parts: Sequence[Part], target: Local | None, used: Iterable[Local], *, counts: bool
    ) -> None:
        self.weight = weight
        """How often the statement runs."""
        self.parts = parts
        self.target = target
        """The integer that the one part is assigned to."""
        self.locals = {*used} if target is None else {*used, target}
        """The variables whose width it depends on."""
        self.counts = counts
        """Whether it stands where the number of lanes is decided."""
        self.cost = 0.0

    def price(self, prices: Prices) -> float:
        """Find what it costs."""
        if self.target is None:
            cost = sum([priced(part, prices) for part in self.parts], 0.0)
        else:
            (number,) = self.parts
            assert isinstance(number, Number)
            number.price(prices)
            cost = number.best[self.target.width] + prices.rows["store"][self.target.width]
        self.cost = cost * self.weight
        return self.cost

    def width(self) -> int:
        """Give the place of the widest integer that it takes at least."""
        if self.target is None:
            return widest(self.parts)
        (number,) = self.parts
        assert isinstance(number, Number)
        narrowest = self.target.choices[0]
        return max(narrowest, number.width(narrowest))


class Copy(Demand):
    """The copies of a loop's variable from and to the one that it stands for."""

    __slots__ = ()

    def price(self, prices: Prices) -> float:
        """Find what they cost: nothing where widths are the same."""
        local = self.target
        assert local is not None
        assert local.outer is not None
        self.cost = 2 * self.weight * prices.conversions[local.width][local.outer.width]
        return self.cost


def choose(variables: Sequence[Local], demands: Sequence[Demand], floats: int, numbers: int) -> tuple[float, bool]:
    """Choose the widths that cost least together.

    Args:
        variables: What to choose for.
        demands: What they are used for.
        floats: The place of the widest float where the number of lanes is decided, 0 for none.
        numbers: That of the widest integer, as it is written.

    Returns:
        What everything costs, and whether that is worth a change: else all keep the width of their type.
    """
    old = max(floats, numbers)
    before = _total(demands, OWN[old])
    original = [local.width for local in variables]
    new = max([floats, *[demand.width() for demand in demands if demand.counts]])
    if new < old:
        for local in variables:
            local.width = local.choices[0]
    prices = FREE[min(new, old)]
    cost = _total(demands, prices)
    able = [local for local in variables if len(local.choices) > 1]
    touched: dict[Local, list[Demand]] = {local: [] for local in variables}
    for demand in demands:
        for local in demand.locals:
            if local in touched:
                touched[local].append(demand)
    for _ in range(_SWEEPS):
        gain = sum([_improve(local, touched[local], prices) for local in able], 0.0)
        cost -= gain
        if not gain:
            break
    if cost >= before * _WORTH:
        for local, width in zip(variables, original, strict=True):
            local.width = width
        prices = FREE[old]
    cost = _total(demands, prices)
    return cost, cost < before * _WORTH


def _total(demands: Sequence[Demand], prices: Prices) -> float:
    return sum([demand.price(prices) for demand in demands], 0.0)


def _improve(local: Local, demands: Sequence[Demand], prices: Prices) -> float:
    """Give a variable the width that is best beside the others; return what that saves."""
    costs = [demand.cost for demand in demands]
    begun = best = sum(costs, 0.0)
    width = local.width
    for other in local.choices:
        if other != width:
            local.width = other
            cost = _total(demands, prices)
            if cost < best:
                best, width, costs = cost, other, [demand.cost for demand in demands]
    local.width = width
    for demand, cost in zip(demands, costs, strict=True):
        demand.cost = cost
    return begun - best
