"""Assignments, branches and blocks."""

from __future__ import annotations

from typing import Final

from hybrid_rs.ir.tree import Assign, Block, Body, Exit, If, Loop, Return, Tree, bits
from hybrid_rs.printers.llvm.code import UNLIKELY, Env, Module
from hybrid_rs.printers.llvm.loops import Loops
from hybrid_rs.printers.llvm.masks import Level
from hybrid_rs.printers.llvm.shape import Value

__all__ = ["Printer"]

CHEAP: Final = 12
"""Ops that are computed for all lanes even where none needs them: a branch around them costs as much."""


class Printer(Loops):
    """Prints statements."""

    def __init__(self, tree: Tree, module: Module, *, steps: bool) -> None:
        super().__init__(tree, module, steps=steps)
        self.leaving: list[tuple[Value, Body, Env]] = []
        """Lanes that leave at the end of the loop's body: their mask, what they do then, and what they know."""

    def body(self, body: Body) -> None:
        """Print statements, as far as a path leads."""
        for place, node in enumerate(body.nodes):
            if self.block is None:
                return
            if isinstance(node, If) and self.may_wait(node, body, place):
                self.wait(node)
                continue
            if isinstance(node, Assign):
                value = self.value(node.value)
                if value.lanes:
                    self.lanes(value)  # a bool becomes a mask where it is made
                self.env[node.target] = value
            elif isinstance(node, If):
                self.branch_of(node)
            elif isinstance(node, Loop):
                self.loop(node)
            elif isinstance(node, Block):
                self.block_of(node)
            elif isinstance(node, Exit):
                self.flush()
                if self.block is not None:
                    self.leave(node)
            elif isinstance(node, Return):
                (self.give_late if self.tree.late else self.give)(node)
            else:
                self.flush()
                if self.block is not None:
                    self.fail(node.site)
        self.flush()

    # ---- leaving at the end of a loop's body

    def wait(self, node: If) -> None:
        """Note that lanes leave."""
        cond = self.vector(self.value(node.cond))
        self.flush()
        mask = self.both("and", self.exactly(self.here()), cond)
        for earlier, _, _ in self.leaving:
            mask = self.without(mask, earlier)
        self.leaving.append((mask, node.then, self.env.copy()))

    def loop_body(self, loop: Loop) -> None:
        """Print a loop's body."""
        self.body(loop.body)
        found, self.leaving = self.leaving, []
        if self.block is None or not found:
            return
        total = found[0][0]
        for mask, _, _ in found[1:]:
            total = self.both("or", total, mask)
        after = self.label("stay")
        self.fork(self.any(total), self.ahead("go"), after, UNLIKELY)
        env = self.env
        for mask, body, known in found:
            level = Level(cond=mask)
            self.env = dict(known)
            self.levels.append(level)
            self.state[level] = mask
            self.body(body)
            self.levels.pop()
            self.state.pop(level, None)
        self.env = dict(env)
        for variable in bits(loop.live_step & loop.assigned):
            value = env.get(variable)
            if value is not None and value.lanes:
                self.env[variable] = self.blend(self.exactly(self.here()), value, self.zero(value.type))
        self.jump(after)
        self.bind(after, self.every)

    def may_wait(self, node: If, body: Body, place: int) -> bool:
        """Whether lanes that leave in an `if` may go on to the end of the loop's body with the others.

        Then the body is one piece of code, in which lanes are computed a few at a time.
        """
        around = self.around[-1] if self.around else None
        if around is None or body is not around.node.body or not around.node.masked or not node.varies:
            return False
        if node.orelse.nodes or node.then.completes or node.then.faults or node.then.cost > CHEAP:
            return False
        return all(
            isinstance(other, Assign) or (isinstance(other, If) and (not deep(other.then)) and not deep(other.orelse))
            for other in body.nodes[place + 1 :]
        ) and not body.faults

    # ---- other statements

    def fail(self, site: int) -> None:
        """Print a fault of all lanes that are here."""
        mask = self.exactly(self.here())
        self.record(mask, site)
        self.lose(mask)

    def block_of(self, node: Block) -> None:
        """Print a block."""
        self.flush()
        if self.block is None:
            return
        level = Level(node)
        if node.masked:
            self.state[level] = self.exactly(self.here())
            self.make_room(node)
            self.levels.append(level)
        end = self.ends[node] = level.end = self.label("out")
        self.body(node.body)
        self.jump(end)
        reached = self.bind(end, node.live_after)
        if node.masked:
            self.levels.pop()
        if node.masked and reached:
            self.take_back(node, self.state.pop(level))

    # ---- ifs

    def branch_of(self, node: If) -> None:
        """Print an if."""
        cond = self.value(node.cond)
        self.flush()
        if self.block is None:
            return
        if not node.varies:
            self.same(node, cond)
        elif deep(node.then) or deep(node.orelse):
            self.apart(node, self.vector(cond))
        else:
            self.choose(node, self.vector(cond))

    def same(self, node: If, cond: Value) -> None:
        """Print an if that all lanes take alike."""
        env, state = self.env, self.state
        end, then, orelse = self.label("done"), self.ahead("then"), self.ahead("else")
        self.fork(self.bit(cond), then, orelse)
        self.body(node.then)
        self.jump(end)
        self.env, self.state = dict(env), dict(state)
        self.place(orelse)
        self.body(node.orelse)
        self.jump(end)
        self.bind(end, node.live_after)

    def choose(self, node: If, cond: Value) -> None:
        """Print both bodies of an if for all lanes, and choose what they assigned."""
        found: list[Env] = []
        env = self.env
        for body in (node.then, node.orelse):
            self.env = dict(env)
            self.levels.append(Level(cond=cond, negated=body is node.orelse))
            self.body(body)
            self.state.pop(self.levels.pop(), None)
            found.append(self.env)
        then, orelse = found
        self.env = env
        for variable in bits((node.then.assigned | node.orelse.assigned) & node.live_after):
            a, b = then.get(variable), orelse.get(variable)
            if a is not None:
                self.env[variable] = self.blend(cond, a, b)
            elif b is not None:
                self.env[variable] = b

    def apart(self, node: If, cond: Value) -> None:
        """Print an if whose bodies are run by different lanes, each skipped where no lane runs it."""
        for body, live in ((node.then, node.live_else | node.live_after), (node.orelse, node.live_after)):
            if not body.nodes or self.block is None:
                continue
            self.one_side(body, Level(cond=cond, negated=body is node.orelse), live)

    def one_side(self, body: Body, level: Level, live: int) -> None:
        """Print a body for the lanes of a level; others keep their variables."""
        end = self.label("past")
        before = self.env
        self.levels.append(level)
        if body.exits or body.cost > CHEAP:
            mask = self.here()
            assert mask is not None
            self.fork(self.any(mask), self.ahead("run"), end, UNLIKELY if body.exits else "")
        self.env = dict(self.env)
        self.body(body)
        self.levels.pop()
        if self.block is not None:
            after = self.env
            self.env = dict(before)
            if body.completes:
                for variable in bits(body.assigned & live):
                    value = after.get(variable)
                    if value is not None:
                        self.env[variable] = self.on_side(level, value, before.get(variable))
        self.jump(end)
        self.bind(end, self.every)
        self.state.pop(level, None)

    def on_side(self, level: Level, value: Value, other: Value | None) -> Value:
        """Give a value in the lanes of a level, another one elsewhere."""
        assert level.cond is not None
        if level.negated and other is not None:
            return self.blend(level.cond, other, value)
        return self.blend(level.cond, value, other)


def deep(body: Body) -> bool:
    """Whether a body needs a mask of its own, or is worth a look whether any lane takes it."""
    return body.exits or body.faults or body.cost > CHEAP
