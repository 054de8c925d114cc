"""Lanes that leave a loop's body go on to its end with the others, and all that leave are looked after there together.

Then the body is one piece of code with one branch, in which the code generator computes a few lanes at a time; a branch
in its middle would have it keep half-computed values of all lanes.
"""

from __future__ import annotations

from hybrid_rs.ir.quiet import leaves
from hybrid_rs.ir.tree import Body, If, Loop, bits
from hybrid_rs.printers.llvm.code import UNLIKELY, Env
from hybrid_rs.printers.llvm.exits import Exits
from hybrid_rs.printers.llvm.masks import Level
from hybrid_rs.printers.llvm.shape import Value

__all__ = ["Waiting"]


class Waiting(Exits):
    """Prints lanes that wait for the end of a loop's body in order to leave."""

    leaving: list[tuple[Value, Body | None, Env]]
    """Lanes that leave: their mask, what they do then, and what they know. Without a body they leave the loop."""

    def body(self, body: Body) -> None:
        """Print statements."""
        raise NotImplementedError

    def may_wait(self, node: If, body: Body, place: int) -> bool:
        """Whether lanes that leave in an `if` may go on to the end of the loop's body."""
        around = self.around[-1] if self.around else None
        if around is None or body is not around.node.body or not around.node.masked:
            return False
        return leaves(node, body, place)

    def wait(self, node: If) -> None:
        """Note that lanes leave in an `if`."""
        cond = self.vector(self.value(node.cond))
        self.flush()
        self.leave_by(node, cond)

    def leave_by(self, node: If, cond: Value) -> None:
        """Let lanes leave in an `if` at the end of the loop's body."""
        self.note(self.both("and", self.exactly(self.here()), cond), node.then)

    def note(self, mask: Value, body: Body | None) -> None:
        """Note that lanes leave, those aside that do already."""
        for earlier, _, _ in self.leaving:
            mask = self.without(mask, earlier)
        self.leaving.append((mask, body, self.env.copy()))

    def depart_all(self, loop: Loop, live: int) -> None:
        """Print the leaving of lanes; others go on with the variables that are live."""
        found, self.leaving = self.leaving, []
        if self.block is None or not found:
            return
        total = found[0][0]
        for mask, _, _ in found[1:]:
            total = self.both("or", total, mask)
        after = self.label("stay")
        self.fork(self.any(total), self.ahead("go"), after, UNLIKELY)
        env = self.env
        self.holds = True
        for mask, body, known in found:
            self.env = dict(known)
            if body is None:
                self.depart_from(loop, mask)
                continue
            level = Level(cond=mask)
            self.levels.append(level)
            self.state[level] = mask
            self.body(body)
            self.levels.pop()
            self.state.pop(level, None)
        self.env = dict(env)
        self.holds = False
        self.leave_if_empty()
        # Lanes that are done hold zeros. That is also a use of the values on this path, without which the code
        # generator would move their computation behind the branch, to where nobody has left.
        for variable in bits(live & loop.assigned):
            value = env.get(variable)
            if value is not None and value.lanes:
                self.env[variable] = self.blend(self.exactly(self.here()), value, self.zero(value.type))
        self.jump(after)
        self.bind(after, self.every)

    def depart_from(self, loop: Loop, mask: Value) -> None:
        """Print the leaving of a loop where its condition doesn't hold."""
        depth = next(i for i, level in enumerate(self.levels) if level.node is loop)
        self.put_aside(loop, mask)
        self.remove(mask, self.levels[depth:])
        self.leave_if_empty()
