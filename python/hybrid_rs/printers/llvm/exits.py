"""Leaving: Break, Continue and Return, by a jump where all lanes go and by masks where some stay.

Lanes that leave while others stay put what they need aside: in the state, under the target and the variable. At the
target it is brought together with what the others have.
"""

from __future__ import annotations

from hybrid_rs.ir.tree import Block, Exit, Loop, Return, bits
from hybrid_rs.printers.llvm.code import Key, Label
from hybrid_rs.printers.llvm.masks import Level
from hybrid_rs.printers.llvm.shape import Value
from hybrid_rs.printers.llvm.tables import Tables

__all__ = ["Exits"]


class Exits(Tables):
    """Prints exits."""

    ends: dict[Block | Loop, Label]
    next: dict[Loop, Label]
    end_label: Label

    def aside(self, target: Block | Loop, *, goes_on: bool) -> int:
        """Give the variables that lanes put aside which leave for a target."""
        if isinstance(target, Block):
            return target.live_after & target.body.assigned & self.tree.varying
        return (target.live_step if goes_on else target.live_after) & target.assigned & self.tree.varying

    def make_room(self, target: Block | Loop, *, goes_on: bool = False) -> None:
        """Begin what lanes put aside as zeros."""
        for variable in bits(self.aside(target, goes_on=goes_on)):
            self.state[target, goes_on, variable] = self.zero(self.tree.types[variable])

    def put_aside(self, target: Block | Loop, mask: Value, *, goes_on: bool = False) -> None:
        """Keep what lanes need that leave."""
        for variable in bits(self.aside(target, goes_on=goes_on)):
            value = self.held(variable)
            if value is not None:
                key = (target, goes_on, variable)
                self.state[key] = self.blend(mask, value, self.state[key])

    def take_back(self, target: Block | Loop, mask: Value | None, *, goes_on: bool = False) -> None:
        """Give the variables what was put aside, but in the lanes of a mask."""
        for variable in bits(self.aside(target, goes_on=goes_on)):
            kept = self.state.pop((target, goes_on, variable))
            value = self.env.get(variable)
            self.env[variable] = kept if value is None or mask is None else self.blend(mask, value, kept)

    # ---- exits

    def leave(self, node: Exit) -> None:
        """Print a Break or Continue."""
        target = node.target
        if not node.masked:
            self.jump(self.next[target] if node.goes_on and isinstance(target, Loop) else self.ends[target])
            return
        mask = self.exactly(self.here())
        self.put_aside(target, mask, goes_on=node.goes_on)
        depth = next(i for i, level in enumerate(self.levels) if level.node is target and level.steps == node.goes_on)
        self.depart(mask, depth)

    def depart(self, mask: Value, depth: int) -> None:
        """Take lanes out of the levels from one on, and go where no lane is left."""
        inner = self.levels[depth:]
        if inner[-1].cond is not None:
            self.state.pop(inner[-1], None)  # it ends here
            inner = inner[:-1]
        self.remove(mask, inner)
        crossed = [around for around in self.around if around.depth > depth]
        for around in crossed:
            around.leaks = around.leaks or self.levels[depth].node is not around.node
        if crossed:
            self.leave_if_empty()
        elif depth:
            self.leave_level(self.levels[depth])

    def leave_level(self, level: Level) -> None:
        """Go to a level's end if no lane is in it any more."""
        assert level.end is not None
        self.fork(self.any(self.state[level]), self.ahead("left"), level.end)

    # ---- results

    def result_key(self, place: int) -> Key:
        """Give the state's key of a result."""
        return ("result", place)

    def give(self, node: Return) -> None:
        """Print a Return."""
        values = [self.value(value) for value in node.values]
        self.flush()
        if self.block is None:
            return
        for place, value in enumerate(values):
            self.state[self.result_key(place)] = self.vector(value)
        self.jump(self.end_label)

    def give_late(self, node: Return) -> None:
        """Print a Return of some of the lanes, or behind which lanes wait."""
        mask = self.keep_results(node)
        if mask is None:
            return
        if node.masked:
            self.depart(mask, 0)
        else:
            self.jump(self.end_label)

    def keep_results(self, node: Return) -> Value | None:
        """Print the keeping of results of the lanes that are here; give their mask, None if no path leads here."""
        values = [self.value(value) for value in node.values]
        self.flush()
        if self.block is None:
            return None
        mask = self.exactly(self.here())
        for place, value in enumerate(values):
            key = self.result_key(place)
            self.state[key] = self.blend(mask, self.vector(value), self.state[key])
        return mask
