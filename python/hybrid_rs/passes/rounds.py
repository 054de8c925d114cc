"""What is assumed at a loop's head from walk to walk, until it holds again behind the loop's step."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from hybrid_rs.ir.types import Type
from hybrid_rs.passes.conditions import Env
from hybrid_rs.passes.intervals import FULL, Interval, hull, inside

__all__ = ["Rounds"]

Trips: TypeAlias = Callable[[Env, Env], int | None]

_MOST_TAKEN_BACK: Final = 2
"""How many walks of a loop take back what widening lost."""


class Rounds:
    """Decides what is assumed at a loop's head from walk to walk, until nothing is left to change."""

    def __init__(
        self, entry: Env, carried: Mapping[str, Type], thresholds: Callable[[], Mapping[str, list[int]]], trips: Trips
    ) -> None:
        """Begin.

        Args:
            entry: What variables hold where the loop is entered.
            carried: Those that it changes and that hold something there, with their types.
            thresholds: Gives for variables the bounds to try first, in order.
            trips: Bounds the number of trips, from what holds at the head and by how much a trip changes variables.
        """
        self.entry = entry
        self.carried = carried
        self.thresholds = thresholds
        self.most_trips = trips
        self.widened = False
        self.taken_back = -1
        # Variables that each trip adds to: what they hold while a trip runs, by how much a trip changes them, and how
        # many trips there are.
        self.inside: Env = {}
        self.growth: dict[str, Interval] = {}
        self.trips = 0

    def following(self, head: Env, back: Env | None) -> Env | None:
        """Give what to assume next, after a walk went from `head` to `back`; None at the end."""
        if back is None:
            return None
        if self.taken_back < 0:
            grown = self._grown(head, back)
            if grown is not None:
                return grown
        self.taken_back += 1
        if self.taken_back >= _MOST_TAKEN_BACK:
            return None
        smaller = dict(head)
        for name in self.carried:
            if name not in self.growth:
                smaller[name] = hull(self.entry[name], back[name])
        return None if smaller == head else smaller

    def _grown(self, head: Env, back: Env) -> Env | None:
        """Give more to assume where what was assumed doesn't hold again; None where it does."""
        wider = {}
        growth = {name: back["+" + name] for name in self.carried if "+" + name in back}
        trips: int | None = None
        if self.growth or not self.widened:
            trips = self.most_trips(head, growth)
        for name, bound in list(self.growth.items()):
            if trips is None or trips > self.trips or name not in growth or not inside(growth[name], bound):
                del self.growth[name], self.inside[name]
                wider[name] = FULL[self.carried[name].code]
        for name in self.carried:
            if name in self.growth or name in wider or inside(back[name], head[name]):
                continue
            counted = None
            if trips is not None and name in growth and not self.widened:
                counted = self._counted(name, growth[name], trips)
            wider[name] = counted or self._wider(name, head[name], back[name])
        if trips is not None and not self.widened:
            self.trips = trips
        self.widened = True
        return {**head, **wider} if wider else None

    def _counted(self, name: str, growth: Interval, trips: int) -> Interval | None:
        """Bound a variable by the number of trips; None where it may wrap."""
        low, high, *_ = self.entry[name]
        down, up = min(growth[0], 0), max(growth[1], 0)
        found = (low + down * trips, high + up * trips)
        if not inside(found, FULL[self.carried[name].code]):
            return None
        last = max(trips - 1, 0)
        self.growth[name] = (down, up)
        self.inside[name] = (low + down * last, high + up * last)
        return found

    def _wider(self, name: str, head: Interval, back: Interval) -> Interval:
        """Move the bounds out that have moved."""
        full = FULL[self.carried[name].code]
        if len(head) == 3:
            return full
        low, high, *_ = head
        limits = [] if self.widened else self.thresholds().get(name, [])
        if back[0] < low:
            place = bisect_right(limits, back[0]) - 1
            low = max(limits[place], full[0]) if place >= 0 else full[0]
        if back[1] > high:
            place = bisect_left(limits, back[1])
            high = min(limits[place], full[1]) if place < len(limits) else full[1]
        return (low, high)
