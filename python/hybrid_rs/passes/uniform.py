"""What is the same for all lanes of a block, where lanes part, and what is put aside for those that wait.

A variable is *uniform* if one value serves all lanes; it then lives in a uniform register. It is *varying* if it is
assigned a value that varies, or assigned while lanes wait elsewhere that still need what it was: in the other body of
an `if`, behind a loop or block that they left, before a loop's step. Lanes that returned or faulted need nothing.

Lanes wait for each other at the points where control meets again; the walk keeps an entry for each such point around
the statement, with the variables that are live there. A loop that lanes leave at different times (a *masked* one)
writes its variables in all lanes and keeps what others need in shadows, so within it only what waits inside counts.
"""

from __future__ import annotations

from hybrid_rs.ir.tree import Assign, Block, Body, Exit, If, Loop, Return, Tree

__all__ = ["run"]


def run(tree: Tree, uniform: tuple[bool, ...], *, refill: bool = True) -> None:
    """Set `varying`, `refill` and `late` of a tree that has its liveness, and `masked` and the like of its nodes.

    Args:
        tree: The tree; it is changed.
        uniform: For each argument whether it is one value for all lanes; a table's flag means nothing.
        refill: Whether to look for a loop whose finished lanes take new elements; without one less varies.
    """
    flags = [flag for name, flag in zip(tree.function.params, uniform, strict=True) if name.name not in tree.tables]
    tree.varying = sum(1 << place for place, flag in enumerate(flags) if not flag)
    while True:
        walk = _Walk(tree, refill=refill)
        walk.body(tree.body)
        tree.varying = walk.varying
        if walk.refill is not tree.refill:
            _choose(tree, walk)
        elif not walk.changed:
            return


def _choose(tree: Tree, walk: _Walk) -> None:
    """Make a loop the refill loop; an earlier choice is given up."""
    if tree.refill is not None:
        tree.refill.refill = False
    for block in tree.around:
        block.around = False
    tree.refill, tree.around = walk.refill, walk.around
    if walk.refill is not None:
        walk.refill.refill = True
    for block in tree.around:
        block.around = True


class _Entry:
    """A point where lanes may wait."""

    __slots__ = ("later", "live", "node", "step", "waits")

    def __init__(self, node: Block | Loop | None, waits: bool, live: int, step: bool) -> None:
        self.node = node
        self.waits = waits
        """Whether lanes wait there while others go on."""
        self.live = live
        """What they need."""
        self.step = step
        """Whether it is a loop's step; else it is the end of the block or loop."""
        self.later = False
        """Whether all lanes leave a block ahead of the refill loop in it: they skip that and wait behind it."""


class _Walk:
    """One walk in the order of the program. What it finds only ever grows from walk to walk."""

    def __init__(self, tree: Tree, *, refill: bool) -> None:
        self.tree = tree
        self.refills = refill
        self.varying = tree.varying
        self.changed = False
        self.entries: list[_Entry] = []
        # The first entry inside the innermost masked loop; what entries need in all, and those inside it.
        self.base = 0
        self.needed = 0
        self.inside = 0
        # Variables that lanes need which are in the refill loop while others run the epilogue.
        self.carried = 0
        self.refill: Loop | None = None
        self.around: list[Block] = []
        # How many loops and ifs are around.
        self.depth = 0

    # ---- entries

    def add_up(self) -> None:
        """Bring up to date what the entries need."""
        needed, inside = self.carried, 0
        for place, entry in enumerate(self.entries):
            needed |= entry.live
            if place >= self.base:
                inside |= entry.live
        self.needed, self.inside = needed, inside

    def push(self, node: Block | Loop | None, *, waits: bool = False, live: int = 0, step: bool = False) -> _Entry:
        entry = _Entry(node, waits, live, step)
        self.entries.append(entry)
        self.add_up()
        return entry

    def pop(self) -> None:
        self.entries.pop()
        self.add_up()

    # ---- statements

    def body(self, body: Body) -> None:
        for node in body.nodes:
            if isinstance(node, Assign):
                self.assign(node)
            elif isinstance(node, If):
                self.branch(node)
            elif isinstance(node, Loop):
                self.loop(node)
            elif isinstance(node, Block):
                self.push(node)
                self.body(node.body)
                self.pop()
            elif isinstance(node, Exit):
                node.masked = self.leave(node.target, node.goes_on)
            elif isinstance(node, Return):
                self.give(node)

    def assign(self, node: Assign) -> None:
        bit = 1 << node.target
        if (node.uses & self.varying or bit & self.needed) and not bit & self.varying:
            self.varying |= bit
            self.changed = True
        node.masked = bool(bit & self.inside)

    def branch(self, node: If) -> None:
        node.varies = bool(node.uses & self.varying)
        node.waiting = self.inside
        self.depth += 1
        if node.varies:
            entry = self.push(None, waits=True, live=node.live_else)
            self.body(node.then)
            entry.waits = node.then.completes
            entry.live = node.live_after if entry.waits else 0
            self.add_up()
            self.body(node.orelse)
            self.pop()
        else:
            self.body(node.then)
            self.body(node.orelse)
        self.depth -= 1

    def loop(self, loop: Loop) -> None:
        if loop.masked and self.refills and self.refill is None and self.depth == 0:
            self.refill = loop
            self.around = [entry.node for entry in self.entries if isinstance(entry.node, Block)]
        self.depth += 1
        loop.resume = 0
        waiting, base, place = self.inside, self.base, len(self.entries)
        # Lanes of the refill loop are in different iterations, so one that goes on is like one that waits.
        self.push(loop, waits=loop.masked, live=loop.outside | (loop.live_head | loop.live_after if loop.refill else 0))
        if loop.masked:
            self.base = place + 1
        step = self.push(loop, step=True)
        self.body(loop.head)
        if not loop.endless and (loop.uses & self.varying or step.waits or loop.masked):
            self.cross(place, loop.live_after)
        self.body(loop.body)
        step.waits, step.live = False, 0
        self.add_up()
        self.body(loop.step)
        self.base = base
        self.pop()
        self.pop()
        self.depth -= 1
        loop.shadows = loop.assigned & self.varying & (loop.resume | waiting)
        loop.entry = loop.shadows & waiting
        if loop.refill:
            self.behind(loop)

    def behind(self, loop: Loop) -> None:
        """Go on behind the refill loop."""
        self.carried = loop.live_head
        for entry in self.entries:
            entry.waits |= entry.later
        self.add_up()

    # ---- exits

    def cross(self, place: int, live: int) -> None:
        """Note that some lanes leave all loops from an entry on, and what they need then."""
        outermost = True
        for entry in self.entries[place:]:
            loop = entry.node
            if not isinstance(loop, Loop) or entry.step:
                continue
            if not loop.masked or live & ~loop.outside:
                loop.masked = self.changed = True
                loop.outside |= live
            if outermost:
                loop.resume |= live
                outermost = False

    def leave(self, target: Block | Loop, goes_on: bool) -> bool:
        """Go to the end of a target, or a loop's step; say whether other lanes stay behind."""
        place = next(i for i, entry in enumerate(self.entries) if entry.node is target and entry.step == goes_on)
        entry = self.entries[place]
        live = target.live_step if goes_on and isinstance(target, Loop) else target.live_after
        masked = any(inner.waits for inner in self.entries[place + 1 :])
        if isinstance(target, Loop) and not goes_on:
            if not masked and not target.masked:
                return False
            self.cross(place, live)
            return True
        if masked:
            self.cross(place + 1, live)
            entry.waits = True
        elif isinstance(target, Block) and target.around and self.refill is None:
            entry.later = True
        else:
            return False
        entry.live |= live
        self.add_up()
        if isinstance(target, Block):
            target.masked = True
        else:
            target.continues = True
        return masked

    def give(self, node: Return) -> None:
        node.masked = any(entry.waits for entry in self.entries)
        if node.masked:
            self.cross(0, 0)
        # Ahead of the refill loop results have to wait too: its end is where elements are finished.
        if node.masked or (self.tree.refill is not None and self.refill is None):
            self.tree.late = True
