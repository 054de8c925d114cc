"""Which lanes are really here: levels of masks, and what faults do to them.

A *level* is a body that only some lanes run: the function once lanes have returned, a masked loop or block, a side of
an `if`. The masks of levels are in the state, and hold nothing but lanes that are really there; those inside are
subsets of those around. A side of an `if` gets its mask when it is first asked for.

Faults wait: a lane that faulted may compute on, so faults are looked at together, before control flow.
"""

from __future__ import annotations

from hybrid_rs.ir.tree import Block, Loop, Tree
from hybrid_rs.ir.types import BOOL
from hybrid_rs.printers.llvm.code import UNLIKELY, Label, Module
from hybrid_rs.printers.llvm.expressions import Expressions
from hybrid_rs.printers.llvm.shape import Value

__all__ = ["ALIVE", "Around", "Level", "Masks"]

ALIVE = "alive"
"""The state's key of the mask of the lanes that have an element and have not faulted."""


class Level:
    """A body that only some lanes run; its mask is in the state under the level itself as the key."""

    __slots__ = ("cond", "end", "negated", "node", "steps")

    def __init__(
        self,
        node: Block | Loop | None = None,
        end: Label | None = None,
        *,
        steps: bool = False,
        cond: Value | None = None,
        negated: bool = False,
    ) -> None:
        self.node = node
        self.end = end
        """Where lanes go when none is left."""
        self.steps = steps
        """Whether it is the part of a loop's iteration ahead of the step."""
        self.cond = cond
        """What holds in the lanes of a side of an `if`, or doesn't where it is negated."""
        self.negated = negated


class Around:
    """A loop around the statement being printed."""

    __slots__ = ("depth", "end", "leaks", "node")

    def __init__(self, node: Loop, end: Label, depth: int) -> None:
        self.node = node
        self.end = end
        self.depth = depth
        """How many levels belong to it and what is around it."""
        self.leaks = False
        """Whether lanes in it may leave more than it."""


class Masks(Expressions):
    """Knows the levels and loops around the statement being printed."""

    def __init__(self, tree: Tree, module: Module, *, steps: bool) -> None:
        super().__init__(tree, module)
        self.steps = steps
        self.faults = tree.body.faults or (steps and bool(tree.loops))
        """Whether lanes may fault."""
        self.every = (1 << len(tree.types)) - 1
        self.levels = [Level()]
        self.around: list[Around] = []
        self.pending: list[tuple[Value, int]] = []
        self.holds = False
        """Whether more lanes leave before it is asked who is left."""

    def bind(self, label: Label, live: int) -> bool:
        """Go on at a label. Lanes that have left a body around it wait for what is live behind that."""
        for level in self.levels:
            if level.node is not None:
                live |= level.node.live_after
        return super().bind(label, live)

    # ---- the lanes that are here

    def mask_at(self, depth: int) -> Value | None:
        """Give the mask of a level, counted from the function's; None if only faulted lanes may be missing."""
        level = self.levels[depth]
        found = self.state.get(level)
        if found is None and level.cond is not None:
            outer = self.exactly(self.mask_at(depth - 1))
            if level.negated:
                found = self.without(outer, level.cond)
            else:
                found = level.cond if outer.text == self.all_lanes else self.both("and", outer, level.cond)
            self.state[level] = found = self.vector(found)
        return found if found is not None or depth == 0 else self.mask_at(depth - 1)

    def here(self) -> Value | None:
        """Give the mask of the lanes that are here; None if only faulted lanes may be missing."""
        return self.mask_at(len(self.levels) - 1)

    def exactly(self, mask: Value | None) -> Value:
        """Give a mask of lanes that have not faulted."""
        if mask is not None:
            return mask
        return self.state[ALIVE] if self.faults else Value(BOOL, self.all_lanes, lanes=True)

    def here_bit(self) -> str | None:
        """Give the bits of the lanes that are here; None for all."""
        mask = self.here()
        return None if mask is None else self.bit(mask)

    def remove(self, gone: Value, levels: list[Level]) -> None:
        """Take lanes out of levels."""
        for level in levels:
            mask = self.state.get(level)
            if mask is not None:
                self.state[level] = self.without(mask, gone)

    # ---- faults

    def record(self, mask: Value, site: int) -> None:
        """Print the recording of a fault of some lanes."""
        raise NotImplementedError

    def fault(self, bad: str, site: int, *, lanes: bool) -> None:
        """Note the bits of lanes that fault."""
        value = self.vector(self.of_bit(bad, lanes=lanes))
        mask = self.here()
        self.pending.append((value if mask is None else self.both("and", mask, value), site))

    def flush(self) -> None:
        """Print what happens to lanes that faulted."""
        if self.block is None or not self.pending:
            self.pending.clear()
            return
        gone = self.pending[0][0]
        for bad, _ in self.pending[1:]:
            gone = self.both("or", gone, bad)
        after, cold = self.label("on"), self.ahead("fault")
        self.fork(self.any(gone), cold, after, UNLIKELY)
        found, self.pending = self.pending, []
        for bad, site in found:
            self.record(bad, site)
        self.lose(gone)
        self.jump(after)
        self.bind(after, self.every)

    def lose(self, gone: Value) -> None:
        """Take faulted lanes out of everything."""
        self.state[ALIVE] = self.without(self.state[ALIVE], gone)
        self.remove(gone, self.levels)
        for around in self.around:
            around.leaks = True
        self.leave_if_empty()

    # ---- loops that are empty

    def leave_if_empty(self) -> None:
        """Leave the loop around if no lane is in it any more."""
        if not self.around or self.block is None or self.holds:
            return
        around = self.around[-1]
        mask = self.exactly(self.mask_at(around.depth - 1))
        self.fork(self.any(mask), self.ahead("left"), around.end)
