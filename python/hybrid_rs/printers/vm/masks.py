"""Which lanes are really here: registers of masks, and what leaving does to them.

A *frame* is the function or a masked loop around the statement; its `live` mask has the lanes that are still in it. A
*level* is a body that only some lanes of the frame run; its own mask says which. Lanes of a level that left the frame
later may still be in the level's mask; `Masks.here` clears them when an exact mask is asked for.
"""

from __future__ import annotations

from hybrid_rs.ir.tree import Block, Loop
from hybrid_rs.ir.types import BOOL
from hybrid_rs.printers.vm.code import EVERY, Code

__all__ = ["Frame", "Level", "Masks"]


class Frame:
    """The function, or a masked loop."""

    __slots__ = ("live", "loop", "outer", "version")

    def __init__(self, loop: Loop | None, outer: Frame | None, live: int) -> None:
        self.loop = loop
        self.outer = outer
        self.live = live
        self.version = 0
        """Counts the places where lanes left it."""


class Level:
    """A body; `mask` has its lanes, `version` is the frame's when they last were known to be in the frame."""

    __slots__ = ("frame", "mask", "node", "owned", "version")

    def __init__(
        self,
        frame: Frame,
        mask: int = EVERY,
        *,
        exact: bool = True,
        owned: bool = True,
        node: Block | Loop | None = None,
    ) -> None:
        self.frame = frame
        self.mask = mask
        self.version = frame.version if exact else -1
        self.owned = owned
        """Whether the register is the level's to change."""
        self.node = node
        """The block whose end, or the loop whose step, lanes of the level go on to."""


class Masks:
    """The levels around the statement being printed."""

    def __init__(self, code: Code) -> None:
        self.code = code
        # Says to the head of the refill loop that lanes may have left since it last looked.
        self.left = -1
        self.levels = [Level(Frame(None, None, EVERY))]

    @property
    def level(self) -> Level:
        """The innermost level."""
        return self.levels[-1]

    def here(self) -> int:
        """Give the mask of the lanes that are here; some may have faulted."""
        level = self.levels[-1]
        frame = level.frame
        if level.mask == EVERY:
            return frame.live
        if level.version != frame.version and frame.live != EVERY:
            assert level.owned, "a body that needs an exact mask owns it"
            self.code.emit("and.bool.vv", level.mask, level.mask, frame.live)
        level.version = frame.version
        return level.mask

    def copy(self, mask: int) -> int:
        """Give a new register with a mask."""
        register = self.code.lanes.take(BOOL)
        self.fill(register, mask)
        return register

    def fill(self, register: int, mask: int) -> None:
        """Set a register to a mask."""
        if mask == EVERY:
            self.code.emit("mov.bool.s", register, self.code.const(BOOL, True))
        else:
            self.code.emit("mov.bool.v", register, mask)

    def clear(self, registers: list[int], mask: int) -> None:
        """Take a mask's lanes out of other masks; the mask may be one of them."""
        assert mask != EVERY or not registers, "the lanes that leave a body or loop are those of some mask"
        for register in sorted(registers, key=lambda register: register == mask):
            self.code.emit("andn.bool.vv", register, register, mask)

    def leave_frames(self, frames: list[Frame], mask: int, others: list[int]) -> None:
        """Take lanes out of frames, and out of other masks."""
        for frame in frames:
            frame.version += 1
            if frame.loop is not None and frame.loop.refill:
                self.tell()
        self.clear([*(frame.live for frame in frames), *others], mask)

    def tell(self) -> None:
        """Tell the head of the refill loop to look whether lanes have left."""
        self.code.emit("mov.bool.ss", self.left, self.code.const(BOOL, True))

    def forget(self) -> None:
        """Note that lanes may come here which left frames by a jump."""
        for level in self.levels:
            level.version = -1
