"""Jumps that lead to where the statements' end leads anyway: most of what inlined helpers and `continue` leave."""

from __future__ import annotations

from typing import Final

from hybrid_rs.ir import walk
from hybrid_rs.ir.nodes import Block, Break, Continue, If, Loop, Stmt

__all__ = ["leads", "without_tail_jumps"]

_DEEPEST: Final = 16
"""How many early ways out of one body become nested ifs."""


def leads(jump: Break | Continue, body: tuple[Stmt, ...]) -> bool:
    """Whether there is such a jump in a body."""
    return any(stmt == jump for stmt in walk.statements(body) if isinstance(stmt, Break | Continue))


def without_tail_jumps(body: tuple[Stmt, ...], jump: Break | Continue) -> tuple[Stmt, ...]:
    """Rewrite a body at whose end stands as good as the jump.

    Jumps at the end go. An if with the jump at the end of one side takes what follows it into the other side, as long
    as there is no loop in that: loops stay as far out as they are, where engines treat them best.
    """
    return _without(body, jump, _DEEPEST)


def _without(body: tuple[Stmt, ...], jump: Break | Continue, deepest: int) -> tuple[Stmt, ...]:
    while body and body[-1] == jump:
        body = body[:-1]
    for place, stmt in enumerate(body):
        rest = body[place + 1 :]
        if not isinstance(stmt, If) or not rest or deepest == 0:
            continue
        leaves = [side[-1:] == (jump,) for side in (stmt.then, stmt.orelse)]
        if any(leaves) and not _loops(rest):
            then, orelse = stmt.then + (() if leaves[0] else rest), stmt.orelse + (() if leaves[1] else rest)
            body = (*body[:place], If(stmt.cond, then, orelse))
            deepest -= 1
            break
    if not body:
        return body
    last = body[-1]
    if isinstance(last, If):
        last = If(last.cond, _without(last.then, jump, deepest), _without(last.orelse, jump, deepest))
    elif isinstance(last, Block):
        last = Block(last.label, _without(last.body, jump, deepest))
    return (*body[:-1], last)


def _loops(body: tuple[Stmt, ...]) -> bool:
    return any(isinstance(stmt, Loop) for stmt in walk.statements(body))
