"""Peeling: the first trip of a loop is made ahead of it, where that alone makes a variable wide.

What a loop's variables are at first is often anything, and what each trip makes of them is small. The trip that is made
ahead is no step of the element.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from hybrid_rs.ir import walk
from hybrid_rs.ir.nodes import Block, Break, Const, Continue, Function, If, Loop, Op, Stmt
from hybrid_rs.ir.types import BOOL
from hybrid_rs.passes.identities import opposite
from hybrid_rs.passes.intervals import hull
from hybrid_rs.passes.ranges import LoopFacts, Ranges
from hybrid_rs.passes.tails import leads
from hybrid_rs.passes.widths import least

__all__ = ["peel"]

_MOST_STATEMENTS: Final = 24
"""How large a loop may be."""


def peel(function: Function, found: Ranges) -> Function | None:
    """Peel the innermost loops whose variables are narrower from the second trip on; None where there are none."""
    types = {local.name: local.type for local in function.locals if local.type.is_integer}

    def helps(facts: LoopFacts) -> bool:
        for name, interval in facts.hulls.items():
            if name in types and name in facts.entry:
                type_ = types[name]
                before = least(type_, hull(interval, facts.head[name]))
                if before > 1 and max(least(type_, interval), 1) < before:
                    return True
        return False

    chosen = {
        id(item.stmt)
        for item in found.items
        if isinstance(item, LoopFacts) and item.back is not None and _is_small(item.stmt) and helps(item)
    }
    labels = {stmt.label for stmt in walk.statements(function.body) if isinstance(stmt, Block | Loop)}
    return replace(function, body=_body(function.body, chosen, labels)) if chosen else None


def _is_small(loop: Loop) -> bool:
    inside = walk.statements((*loop.head, *loop.body, *loop.step))
    return all(count < _MOST_STATEMENTS and not isinstance(stmt, Loop) for count, stmt in enumerate(inside))


def _body(body: tuple[Stmt, ...], chosen: set[int], labels: set[str]) -> tuple[Stmt, ...]:
    out: list[Stmt] = []
    for stmt in body:
        if isinstance(stmt, If):
            out.append(If(stmt.cond, _body(stmt.then, chosen, labels), _body(stmt.orelse, chosen, labels)))
        elif isinstance(stmt, Block):
            out.append(Block(stmt.label, _body(stmt.body, chosen, labels)))
        elif isinstance(stmt, Loop):
            if id(stmt) in chosen:
                out.append(_peeled(stmt, labels))
            else:
                inner = [_body(part, chosen, labels) for part in (stmt.head, stmt.body, stmt.step)]
                out.append(Loop(stmt.label, inner[0], stmt.cond, inner[1], inner[2]))
        else:
            out.append(stmt)
    return tuple(out)


def _peeled(loop: Loop, labels: set[str]) -> Stmt:
    """Make a block of the first trip and the loop; the trip leaves it where it leaves the loop."""
    out, on = (_unused(f"{loop.label}'{end}", labels) for end in ("out", "first"))
    leave: tuple[Stmt, ...] = loop.head
    if not isinstance(loop.cond, Const) or not loop.cond.value:
        leave = (*leave, If(opposite(loop.cond) or Op("not", BOOL, (loop.cond,)), (Break(out),), ()))
    first = _led(loop, (*leave, *loop.body), out, on)
    if leads(Break(on), first):
        first = (Block(on, first),)
    return Block(out, (*first, *_led(loop, loop.step, out, on), loop))


def _unused(label: str, labels: set[str]) -> str:
    """Give a label that nothing has: a loop may have been peeled before."""
    while label in labels:
        label += "'"
    labels.add(label)
    return label


def _led(loop: Loop, body: tuple[Stmt, ...], out: str, on: str) -> tuple[Stmt, ...]:
    """Lead a loop's Breaks and Continues out of blocks in its place."""
    led: list[Stmt] = []
    for stmt in body:
        if isinstance(stmt, If):
            led.append(If(stmt.cond, _led(loop, stmt.then, out, on), _led(loop, stmt.orelse, out, on)))
        elif isinstance(stmt, Block):
            led.append(Block(stmt.label, _led(loop, stmt.body, out, on)))
        elif isinstance(stmt, Break | Continue) and stmt.label == loop.label:
            led.append(Break(out if isinstance(stmt, Break) else on))
        else:
            led.append(stmt)
    return tuple(led)
