"""Loops that are left when a counter has come to its end: which iteration a lane leaves in is known when it enters.

So nothing needs to be counted lane by lane. Each lane gets the time at which it leaves, on a clock that all lanes
share, and the loop looks at the lanes only when the first of these times has come.
"""

from __future__ import annotations

from dataclasses import dataclass

from hybrid_rs.ir.nodes import Const, Expr, Op, Var
from hybrid_rs.ir.tree import Assign, Block, Body, If, Loop, Node, Return, Tree

__all__ = ["Counted", "counted"]

_STEPS = {"ne": -1, "lt": 1, "gt": -1}
_ADVANCES = {"add": 1, "sub": -1}


@dataclass(slots=True)
class Counted:
    """How a loop is counted, and the operands that the printer keeps it in."""

    variable: int
    """The counter."""
    end: Expr
    """What it comes to: a constant, or a variable that the loop doesn't assign."""
    up: bool
    step: Assign
    """The statement that counts."""
    exact: bool
    """Whether the counter comes to its end from wherever it starts; else a lane enters only if it is on this side."""
    derived: bool
    """Whether the counter isn't kept, but worked out where it is read."""
    time: int = -1
    clock: int = -1
    alarm: int = -1


def counted(tree: Tree, loop: Loop) -> Counted | None:
    """Say how a masked loop is counted; None if it isn't, or by more than 1 at a time."""
    cond = loop.cond
    if not isinstance(cond, Op) or cond.op not in _STEPS or loop.head.nodes or not loop.steps:
        return None
    left, end = cond.args
    if not isinstance(left, Var) or left.type.bits < 32 or left.type.kind == "f":
        return None
    variable, exact = tree.names[left.name], cond.op == "ne"
    bit = 1 << variable
    steps = [node for node in loop.step.nodes if isinstance(node, Assign) and node.target == variable]
    if len(steps) != 1 or loop.body.assigned & bit or not tree.varying & bit:
        return None
    if _advance(steps[0].value, left) != _STEPS[cond.op] or (exact and not _is(end, 0)):
        return None
    if isinstance(end, Var):
        if loop.assigned >> tree.names[end.name] & 1:
            return None
    elif not isinstance(end, Const):
        return None
    others = sum(1 for node in loop.step.nodes if node is not steps[0] and _reads(node, bit))
    derived = not others and _often(loop.body, bit) <= 1
    return Counted(variable, end, _STEPS[cond.op] > 0, steps[0], exact, derived)


def _is(expr: Expr, value: int) -> bool:
    return isinstance(expr, Const) and expr.value == value


def _advance(value: Expr, counter: Var) -> int:
    """Give what a statement adds to the counter, if that is 1 or -1; else 0."""
    if not isinstance(value, Op) or value.op not in _ADVANCES or value.site is not None:
        return 0
    a, b = value.args
    if not isinstance(a, Var) or a.name != counter.name:
        return 0
    return _ADVANCES[value.op] * (1 if _is(b, 1) else -1 if _is(b, -1) else 0)


def _often(body: Body, bit: int) -> int:
    """Count the statements that read a variable and go on, those in an inner loop several times."""
    found = 0
    for node in body.nodes:
        if isinstance(node, If):
            found += bool(node.uses & bit)
            found += sum(_often(inner, bit) for inner in (node.then, node.orelse) if inner.completes)
        elif isinstance(node, Block):
            found += _often(node.body, bit)
        elif isinstance(node, Loop):
            found += 2 * _reads(node, bit)
        elif not isinstance(node, Return):
            found += _reads(node, bit)
    return found


def _reads(node: Node, bit: int) -> bool:
    """Whether a statement, or one inside it, reads a variable."""
    if isinstance(node, Block):
        return any(_reads(inner, bit) for inner in node.body.nodes)
    inside: tuple[Body, ...] = ()
    if isinstance(node, If):
        inside = (node.then, node.orelse)
    elif isinstance(node, Loop):
        inside = (node.head, node.body, node.step)
    own = isinstance(node, Assign | If | Loop | Return) and bool(node.uses & bit)
    return own or any(_reads(inner, bit) for body in inside for inner in body.nodes)
