"""Leaving: Break, Continue and Return, by a jump where all lanes go and by masks where some stay."""

from __future__ import annotations

from hybrid_rs.ir.nodes import Expr
from hybrid_rs.ir.tree import Block, Exit, Loop, Return, Tree, bits
from hybrid_rs.ir.types import BOOL
from hybrid_rs.printers.vm.code import EVERY, OK, SHORT, Code, Label
from hybrid_rs.printers.vm.masks import Frame, Level
from hybrid_rs.printers.vm.values import Values

__all__ = ["Exits"]

# A place where no variable ends.
_NOWHERE = -2


class Exits(Values):
    """Prints exits, and the function's results."""

    def __init__(self, tree: Tree, code: Code, *, steps: bool) -> None:
        super().__init__(tree, code)
        self.steps = steps
        self.faults = tree.body.faults or (steps and bool(tree.loops))
        """Whether lanes may fault."""
        self.end = Label()
        self.ends: dict[Block | Loop, Label] = {}
        self.next: dict[Loop, Label] = {}
        self.shadows: dict[Loop, dict[int, int]] = {}
        # Where lanes go that are done ahead of the refill loop, while that is ahead.
        self.ahead: Label | None = Label() if tree.refill else None
        self.parted = False
        self.loop_depth = 0
        self.returned = False

    def start(self) -> None:
        """Load the inputs that are used; make room for results that wait."""
        code = self.code
        for place, param in enumerate(self.tree.params):
            if self.tree.inputs >> place & 1:
                home = self.home(place)
                code.first(f"input.{SHORT[param.type.code]}.{'v' if home >= 0 else 's'}", max(home, ~home), place)
        if self.tree.late:
            self.masks.level.frame.live = code.lanes.take(BOOL)
            code.first("mov.bool.s", self.masks.level.frame.live, code.const(BOOL, True))
            for type_ in self.tree.function.results:
                self.types.append(type_)
                self.homes.append(None)
                self.home(len(self.homes) - 1)

    def finish(self) -> None:
        """Print the end of the program."""
        self.code.bind(self.end)
        if self.tree.late:
            first = len(self.tree.types)
            for place in range(len(self.tree.function.results)):
                self.store(place, self.home(first + place))
        self.code.emit("end")

    def store(self, place: int, operand: int) -> None:
        """Print the storing of a result."""
        name = f"store.{SHORT[self.tree.function.results[place].code]}.{'v' if operand >= 0 else 's'}"
        self.code.emit(name, 0, max(operand, ~operand), place, OK if self.faults else EVERY)

    def give(self, node: Return) -> None:
        """Print a Return."""
        if not self.tree.late:
            self.give_now(node.values)
            return
        first = len(self.tree.types)
        if not (self.returned or self.loop_depth):
            # No lane has a result yet that must stay.
            here, self.place = self.place, _NOWHERE
            for place, value in enumerate(node.values, first):
                if place == first + len(node.values) - 1:
                    # Not before may a result take the register of a variable that ends here.
                    self.place = here
                self.move(place, self.done(self.value(value, place)))
            mask = self.masks.here()
        else:
            operands = [self.value(value) for value in node.values]
            mask = self.masks.here()
            for place, operand in enumerate(operands):
                self.move(first + place, operand, mask)
                self.release(operand)
        self.returned = True
        if node.masked or self.ahead is not None:
            self.masks.leave_frames(self.frames(None), mask, [])
        if not node.masked:
            self.jump(self.end)

    def done(self, operand: int) -> int:
        """Release an operand that the next instruction is the last to read."""
        self.release(operand)
        return operand

    def give_now(self, values: tuple[Expr, ...]) -> None:
        """Print a Return that stores its results at once."""
        operands = [self.value(value) for value in values]
        for place, operand in enumerate(operands):
            self.store(place, operand)
            self.release(operand)
        self.code.emit("jump", imm=self.end)

    def jump(self, label: Label) -> None:
        """Jump; ahead of the refill loop to its entry, as what is behind it is in another segment."""
        if self.ahead is not None:
            label = self.ahead
            self.parted = True
        self.code.emit("jump", imm=label)

    def frames(self, outer: Frame | None) -> list[Frame]:
        """List the frames around, up to an outer one that isn't left."""
        found = []
        frame: Frame | None = self.masks.level.frame
        while frame is not outer:
            assert frame is not None
            found.append(frame)
            frame = frame.outer
        return found

    def leave(self, node: Exit, *, last: bool) -> None:
        """Print a Break or Continue.

        Args:
            node: The exit.
            last: Whether the level ends with it, so that the level's mask needs no care.
        """
        target = node.target
        if not node.masked and not (isinstance(target, Block) and target.around and self.ahead is not None):
            label = self.next[target] if node.goes_on and isinstance(target, Loop) else self.ends[target]
            self.code.emit("jump", imm=label)
            return
        mask = self.masks.here()
        if isinstance(target, Loop) and not node.goes_on:
            frame = next(frame for frame in self.frames(None) if frame.loop is target)
            self.put_aside(target, target.live_after, mask)
            self.masks.leave_frames(self.frames(frame.outer), mask, [])
            return
        place = next(i for i, level in enumerate(self.masks.levels) if level.node is target)
        levels = self.masks.levels[place:]
        live = target.live_step if node.goes_on and isinstance(target, Loop) else target.live_after
        frames = self.frames(levels[0].frame)
        if frames and frames[-1].loop is not None:
            self.put_aside(frames[-1].loop, live, mask)
        self.masks.leave_frames(frames, mask, self.masks_of(levels, last=last))
        if not node.masked:
            self.jump(self.ends[target])

    def masks_of(self, levels: list[Level], *, last: bool) -> list[int]:
        """List the masks of levels in the first one's frame."""
        found = [level.mask for level in levels if level.frame is levels[0].frame and level.mask != EVERY]
        if last and levels[-1].frame is levels[0].frame and levels[-1].mask != EVERY:
            found.pop()
        return found

    def put_aside(self, loop: Loop, live: int, mask: int) -> None:
        """Copy what lanes need that leave a loop to its shadows."""
        for variable in bits(loop.shadows & live):
            operand = self.variable(variable)
            self.code.emit(f"movm.{SHORT[self.types[variable].code]}.v", self.shadows[loop][variable], operand, 0, mask)
            self.release(operand)
