"""Assignments, branches and blocks."""

from __future__ import annotations

from hybrid_rs.ir.quiet import CHEAP, deep
from hybrid_rs.ir.tree import Assign, Block, Body, Exit, If, Loop, Return, bits
from hybrid_rs.printers.llvm.code import UNLIKELY, Env
from hybrid_rs.printers.llvm.loops import Loops
from hybrid_rs.printers.llvm.masks import Level
from hybrid_rs.printers.llvm.shape import Value

__all__ = ["Printer"]


class Printer(Loops):
    """Prints statements."""

    def body(self, body: Body) -> None:
        """Print statements, as far as a path leads."""
        self.forget()
        self.statements(body)
        self.forget()

    def statements(self, body: Body) -> None:
        """Print statements one by one."""
        for place, node in enumerate(body.nodes):
            if self.block is None:
                return
            if not isinstance(node, Assign | Return):
                self.forget()
            if isinstance(node, If) and self.may_wait(node, body, place):
                self.wait(node)
                continue
            if isinstance(node, Assign):
                if self.tick(node):
                    continue
                value = self.value(node.value)
                self.positive.discard(node.target)
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
