"""Loops that lanes leave without a branch: their masks shrink, and it is looked every few iterations who is left.

What a lane takes along is kept when it leaves: a variable by a select, or, if the variable only counts iterations, by
counting those of each lane. What lanes do where they leave is done once, for all that left, behind the loop.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import reduce
from operator import or_
from typing import Final

from hybrid_rs.ir.nodes import Const, Op, Var
from hybrid_rs.ir.tree import Assign, Body, Exit, If, Loop, Node, Return, Tree, bits

__all__ = ["CHEAP", "Quiet", "Way", "deep", "leaves", "positives", "quiet", "simple"]

CHEAP: Final = 12
"""Ops that are computed for all lanes even where none needs them: a branch around them costs as much."""
LARGEST: Final = 40
"""Ops of the longest iteration in which a branch for lanes that leave is worth avoiding."""
KEPT: Final = 2
"""Most variables that are kept by a select in each iteration."""


@dataclass(slots=True)
class Way:
    """A place where lanes leave."""

    body: Body | None
    """What they do there; None: they leave by the loop's condition."""
    takes: int
    """The variables that they take along, of those that the loop assigns."""


@dataclass(slots=True)
class Quiet:
    """How lanes leave a loop."""

    turns: int
    """Iterations from one look to the next."""
    ways: list[Way] = field(default_factory=list)
    of_if: dict[If, Way] = field(default_factory=dict)
    by_condition: Way | None = None
    ticks: dict[int, int] = field(default_factory=dict)
    """The variables that count iterations: what is added each time."""
    unkept: dict[Assign, int] = field(default_factory=dict)
    """Those among their statements whose variables nothing in the loop reads."""
    kept: int = 0
    """The variables that are kept by selects."""


def quiet(tree: Tree, loop: Loop, *, counter: int = -1, widest: int = 64) -> Quiet | None:
    """Say how lanes leave a loop quietly; None if they don't.

    Args:
        tree: The function's tree, with liveness and uniformity.
        loop: The loop.
        counter: The variable that a clock counts by, which rings where lanes leave by the condition; -1 for none.
        widest: The bits of the widest integers that count iterations lane by lane.
    """
    if not loop.masked or loop.continues or loop.faults or not loop.body.completes:
        return None
    cost = loop.head.cost + loop.body.cost + loop.step.cost
    if cost > LARGEST or not all(_stays(node) for node in (*loop.head.nodes, *loop.step.nodes)):
        return None
    found = Quiet(6 if cost <= LARGEST // 2 else 2)
    last = -1
    for place, node in enumerate(loop.body.nodes):
        if _stays(node):
            continue
        way = _way(node, loop) if isinstance(node, If) and leaves(node, loop.body, place) else None
        if way is None:
            return None
        assert isinstance(node, If)
        found.of_if[node] = way
        found.ways.append(way)
        last = place
    if not loop.endless and counter < 0 and loop.uses & tree.varying:
        found.by_condition = Way(None, loop.live_after & loop.assigned)
        found.ways.append(found.by_condition)
    if not found.ways:
        return None
    late = (*loop.body.nodes[last + 1 :], *loop.step.nodes)
    taken = reduce(or_, (way.takes for way in found.ways))
    for variable in bits(taken):
        step = _advance(tree, loop, variable, late)
        if step is not None and tree.types[variable].bits <= widest:
            found.ticks[variable] = step[1]
            if variable != counter and tree.varying >> variable & 1 and not _read(loop, variable, step[0]):
                found.unkept[step[0]] = variable
    found.kept = taken & ~sum(1 << variable for variable in found.ticks)
    return found if found.kept.bit_count() <= KEPT else None


def leaves(node: If, body: Body, place: int) -> bool:
    """Whether lanes that leave in an `if` may go on to the end of the body."""
    if not node.varies or node.orelse.nodes or node.then.completes or node.then.faults or node.then.cost > CHEAP:
        return False
    if body.faults:
        return False
    rest = enumerate(body.nodes[place + 1 :], place + 1)
    return all(simple(other) or (isinstance(other, If) and leaves(other, body, at)) for at, other in rest)


def deep(body: Body) -> bool:
    """Whether a body needs a mask of its own, or is worth a look whether any lane takes it."""
    return body.exits or body.faults or body.cost > CHEAP


def simple(node: object) -> bool:
    """Whether a statement is computed for all lanes whatever happens."""
    return isinstance(node, Assign) or (isinstance(node, If) and not deep(node.then) and not deep(node.orelse))


def positives(tree: Tree, loop: Loop) -> set[int]:
    """Give the variable of which a loop's condition says that it is positive in the body, if it says that of one."""
    cond = loop.cond
    if not isinstance(cond, Op) or cond.op not in ("gt", "ge"):
        return set()
    left, right = cond.args
    if not isinstance(left, Var) or left.type.is_float or not isinstance(right, Const) or right.value < 0:
        return set()
    return {tree.names[left.name]}


def _stays(node: Node) -> bool:
    """Whether no lane leaves in a statement."""
    if isinstance(node, If):
        return all(_stays(inner) for body in (node.then, node.orelse) for inner in body.nodes)
    return isinstance(node, Assign)


def _way(node: If, loop: Loop) -> Way | None:
    """Describe where lanes leave, if nothing but assignments is on their way."""
    *before, end = node.then.nodes
    if isinstance(end, Return):
        needed = end.uses
    elif isinstance(end, Exit):
        needed = end.target.live_step if end.goes_on and isinstance(end.target, Loop) else end.target.live_after
    else:
        return None
    for assign in reversed(before):
        if not isinstance(assign, Assign):
            return None
        needed = needed & ~(1 << assign.target) | assign.uses
    return Way(node.then, needed & loop.assigned)


def _advance(tree: Tree, loop: Loop, variable: int, late: Sequence[Node]) -> tuple[Assign, int] | None:
    """Give the one statement that assigns a variable and what it adds to it; None if it is none of the last ones."""
    bodies = (loop.head, loop.body, loop.step)
    found = [node for body in bodies for node in _assigns(body) if node.target == variable]
    if len(found) != 1 or found[0] not in late or not isinstance(value := found[0].value, Op):
        return None
    if value.op not in ("add", "sub") or value.type.is_float:
        return None
    first, second = value.args
    if not isinstance(first, Var) or tree.names[first.name] != variable or not isinstance(second, Const):
        return None
    return found[0], int(second.value) if value.op == "add" else -int(second.value)


def _assigns(body: Body) -> Iterator[Assign]:
    for node in body.nodes:
        if isinstance(node, Assign):
            yield node
        elif isinstance(node, If):
            yield from _assigns(node.then)
            yield from _assigns(node.orelse)


def _read(loop: Loop, variable: int, apart: Assign) -> bool:
    """Whether lanes that stay read a variable, but for one statement."""

    def reads(body: Body) -> bool:
        return any(
            node.uses >> variable & 1 or (isinstance(node, If) and (_inside(node.then) or _inside(node.orelse)))
            for node in body.nodes
            if isinstance(node, Assign | If) and node is not apart
        )

    def _inside(body: Body) -> bool:
        return body.completes and reads(body)

    return bool(loop.uses >> variable & 1) or any(reads(body) for body in (loop.head, loop.body, loop.step))
