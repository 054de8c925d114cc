"""Assignments, branches and blocks."""

from __future__ import annotations

from hybrid_rs.ir.nodes import Expr, Op, Var
from hybrid_rs.ir.tree import Assign, Block, Body, Exit, If, Loop, Return
from hybrid_rs.ir.types import BOOL
from hybrid_rs.printers.vm.code import EVERY, SHORT, Label
from hybrid_rs.printers.vm.loops import Loops
from hybrid_rs.printers.vm.masks import Level

__all__ = ["Printer"]

CHEAP = 6
"""Ops that are computed for all lanes even where none needs them: a look at the mask costs about one."""


class Printer(Loops):
    """Prints statements."""

    def body(self, body: Body, *, own: bool) -> None:
        """Print statements; `own` says whether the level ends with them."""
        for node in body.nodes:
            self.place = node.place
            if isinstance(node, Assign):
                self.assign(node)
            elif isinstance(node, If):
                self.branch(node)
                self.expire(node.end)
            elif isinstance(node, Loop):
                self.loop(node)
                self.expire(node.end)
            elif isinstance(node, Block):
                self.block(node)
                self.expire(node.end)
            elif isinstance(node, Exit):
                self.leave(node, last=own)
            elif isinstance(node, Return):
                self.give(node)
            else:
                self.code.emit("fault", c=self.masks.here(), imm=node.site)
            self.expire(node.place)

    def assign(self, node: Assign) -> None:
        """Print an assignment, of the level's lanes where others need the variable as it was."""
        if node in self.steps_of_clocks and not self.tick(self.steps_of_clocks[node]):
            return
        if not node.masked and isinstance(node.value, Var) and self.takes_over(node, node.value):
            return
        operand = self.value(node.value, None if node.masked else node.target)
        self.move(node.target, operand, self.masks.level.mask if node.masked else EVERY)
        self.release(operand)

    def takes_over(self, node: Assign, value: Var) -> bool:
        """Give a copy the register of a variable that nothing needs any more, if it is one of that kind."""
        source = self.tree.names[value.name]
        home = self.homes[source]
        if home is None or home < 0 or self.tree.last[source] != node.place or self.homes[node.target] is not None:
            return False
        if not self.varying >> node.target & 1:
            return False
        self.homes[source], self.homes[node.target] = None, home
        return True

    def block(self, node: Block) -> None:
        """Print a block."""
        self.ends[node] = Label()
        if node.masked:
            mask = self.masks.copy(self.masks.here())
            self.masks.levels.append(Level(self.masks.level.frame, mask, node=node))
        self.body(node.body, own=node.masked)
        if node.masked:
            self.code.lanes.drop(self.masks.levels.pop().mask)
        self.code.bind(self.ends[node])

    def branch(self, node: If) -> None:
        """Print an if."""
        if not node.varies:
            self.jump_over(node)
        elif not self.select(node):
            self.mask_both(node)

    def jump_over(self, node: If) -> None:
        """Print an if that all lanes take alike."""
        operand = self.value(node.cond)
        self.release(operand)
        self.expire(node.place)
        orelse, end = Label(), Label()
        level = self.masks.level
        version = level.version
        self.code.emit("jump_unless", a=~operand, imm=orelse)
        self.body(node.then, own=False)
        level.version = version
        if node.orelse.nodes:
            if node.then.completes:
                self.code.emit("jump", imm=end)
            self.code.bind(orelse)
            self.body(node.orelse, own=False)
            level.version = version
            self.code.bind(end)
        else:
            self.code.bind(orelse)

    def select(self, node: If) -> bool:
        """Print an if that only chooses what one variable is assigned; say whether it is one."""
        target = None if node.then.cost + node.orelse.cost > CHEAP else chosen(node)
        if target is None or not self.varying >> target & 1:
            return False
        masked = node.waiting >> target & 1
        operands = self.choices(node)
        for place in range(node.place, node.end):
            self.expire(place)
        self.place = node.end
        dst = self.choose(target, operands, self.dest(self.types[target], None if masked else target, lanes=True))
        self.move(target, dst, self.masks.level.mask if masked else EVERY)
        self.release(dst)
        return True

    def choices(self, node: If) -> list[int]:
        """Print the condition and the two values of an if that chooses a value; release them."""
        operands = [self.value(node.cond)]
        for body in (node.then, node.orelse):
            inner = body.nodes[0]
            if isinstance(inner, Assign):
                operands.append(self.value(inner.value))
            else:
                assert isinstance(inner, If)
                target = chosen(inner)
                assert target is not None
                parts = self.choices(inner)
                operands.append(self.choose(target, parts, self.take(self.types[target], lanes=True)))
        for operand in operands:
            self.release(operand)
        return operands

    def choose(self, target: int, operands: list[int], dst: int) -> int:
        """Print a select of a variable's type."""
        form = "".join(["v" if operand >= 0 else "s" for operand in operands])
        registers = [max(operand, ~operand) for operand in operands]
        self.code.emit(f"select.{SHORT[self.types[target].code]}.{form}", dst, *registers)
        return dst

    def mask_both(self, node: If) -> None:
        """Print an if whose bodies are run by different lanes."""
        then, orelse = node.then, node.orelse
        exact = deep(then) or deep(orelse)
        masks = self.masks
        frame = masks.level.frame
        outer = masks.here() if exact else masks.level.mask
        cond, inverted = stripped(node.cond)
        operand = self.value(cond)
        levels: list[Level | None] = [None, None]
        # The mask that is new comes first, for the other may take the condition's register.
        for place in (0, 1) if inverted else (1, 0):
            if (then, orelse)[place].nodes:
                level = levels[place] = Level(frame, exact=exact)
                if inverted == (place == 0):
                    level.mask = self.unless(operand, outer)
                else:
                    self.when(level, operand, outer, kept=not self.changes(node, cond))
        if not any(level is not None and level.mask == operand for level in levels):
            self.release(operand)
        self.expire(node.place)
        for body, side in zip((then, orelse), levels, strict=True):
            if side is not None:
                # Lanes that left in the other body were not in this one.
                side.version = frame.version if exact else -1
                self.side(body, side)

    def unless(self, operand: int, outer: int) -> int:
        """Give a new mask of the lanes for which a condition doesn't hold."""
        mask = self.code.lanes.take(BOOL)
        if outer == EVERY:
            self.code.emit("not.bool.v", mask, operand)
        else:
            self.code.emit("andn.bool.vv", mask, outer, operand)
        return mask

    def when(self, level: Level, operand: int, outer: int, *, kept: bool) -> None:
        """Set a level's mask to the lanes for which a condition holds; `kept` if its register stays as it is."""
        level.mask = operand
        if operand in self.temporary:
            self.keep(operand)
        elif outer != EVERY:
            level.mask = self.code.lanes.take(BOOL)
        elif kept:
            level.owned = False
        else:
            level.mask = self.masks.copy(operand)
        if outer != EVERY:
            self.code.emit("and.bool.vv", level.mask, operand, outer)

    def changes(self, node: If, cond: Expr) -> bool:
        """Whether the condition isn't a variable that stays as it is in the bodies, and may be their mask."""
        if cond is not node.cond or not isinstance(cond, Var):
            return True
        variable = 1 << self.tree.names[cond.name]
        return any(body.exits or body.assigned & variable for body in (node.then, node.orelse))

    def side(self, body: Body, level: Level) -> None:
        """Print one body of an if."""
        skip = Label()
        if deep(body):
            self.code.emit("jump_if_none", a=level.mask, imm=skip)
        self.masks.levels.append(level)
        self.body(body, own=True)
        self.masks.levels.pop()
        self.code.bind(skip)
        if level.owned:
            self.code.lanes.drop(level.mask)


def chosen(node: If) -> int | None:
    """Give the one variable that an if assigns in both bodies, without faults; None if it does other things."""
    found: set[int | None] = set()
    for body in (node.then, node.orelse):
        inner = body.nodes[0] if len(body.nodes) == 1 and not body.faults else None
        if isinstance(inner, If):
            found.add(chosen(inner) if inner.varies else None)
        else:
            found.add(inner.target if isinstance(inner, Assign) else None)
    return found.pop() if len(found) == 1 else None


def deep(body: Body) -> bool:
    """Whether a body needs an exact mask, or is worth a look whether any lane takes it."""
    return body.exits or body.faults or body.cost > CHEAP


def stripped(cond: Expr) -> tuple[Expr, bool]:
    """Take the nots off a condition; say whether that turned it round."""
    inverted = False
    while isinstance(cond, Op) and cond.op == "not":
        cond, inverted = cond.args[0], not inverted
    return cond, inverted
