"""Which variables are still needed: at the points of a tree where lanes may wait for each other."""

from __future__ import annotations

from hybrid_rs.ir.tree import Assign, Block, Body, Exit, Fault, If, Loop, Return, Tree, bits

__all__ = ["run"]


def run(tree: Tree) -> None:
    """Set `inputs` of a tree and the `live_...` attributes of a tree's nodes, and lengthen variables' lives over loops.

    The whole tree is walked backwards until no loop's head needs more than before: once more than loops are nested.
    """
    walk = _Walk()
    while walk.changed:
        walk.changed = False
        tree.inputs = walk.body(tree.body, 0)
    last = tree.last
    for loop in tree.loops:
        for variable in bits(loop.live_head):
            last[variable] = max(last[variable], loop.end)


class _Walk:
    def __init__(self) -> None:
        self.changed = True

    def body(self, body: Body, live: int) -> int:
        """Give what is live at a body's start, from what is live at its end."""
        for node in reversed(body.nodes):
            if isinstance(node, Assign):
                live = (live & ~(1 << node.target)) | node.uses
            elif isinstance(node, If):
                node.live_after = live
                node.live_else = self.body(node.orelse, live)
                live = self.body(node.then, live) | node.live_else | node.uses
            elif isinstance(node, Loop):
                live = self.loop(node, live)
            elif isinstance(node, Block):
                node.live_after = live
                live = self.body(node.body, live)
            elif isinstance(node, Exit):
                target = node.target
                live = target.live_step if node.goes_on and isinstance(target, Loop) else target.live_after
            else:
                assert isinstance(node, Return | Fault)
                live = node.uses if isinstance(node, Return) else 0
        return live

    def loop(self, loop: Loop, live: int) -> int:
        loop.live_after = live
        loop.live_step = self.body(loop.step, loop.live_head)
        inside = self.body(loop.body, loop.live_step)
        if not loop.endless:
            inside |= live
        head = self.body(loop.head, inside | loop.uses)
        if head != loop.live_head:
            loop.live_head = head
            self.changed = True
        return head
