"""Removal of exits from blocks that end there anyway."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from hybrid_rs.ir.nodes import Block, Break, If, Loop, Stmt

__all__ = ["without_exits"]


_DEEPEST: Final = 16
"""Early returns that are nested at most; the others stay exits of the block."""


def without_exits(block: Block) -> tuple[Stmt, ...]:
    """Return the statements of a block: without the block itself where all its exits can be at its end.

    What follows an ``if`` that leaves becomes its other side, unless a loop follows, which is better off at the top.
    """
    body = _tail(_nested(block.body, block.label, 0), block.label)
    return (replace(block, body=body),) if _leaves(body, block.label) else body


def _nested(body: tuple[Stmt, ...], label: str, depth: int) -> tuple[Stmt, ...]:
    if depth == _DEEPEST:
        return body
    for place, stmt in enumerate(body[:-1]):
        if not isinstance(stmt, If):
            continue
        rest = body[place + 1 :]
        then_ends, else_ends = _ends(stmt.then, label), _ends(stmt.orelse, label)
        if not (then_ends or else_ends) or _loops(rest):
            continue
        rest = _nested(rest, label, depth + 1)
        then, orelse = (stmt.then, (*stmt.orelse, *rest)) if then_ends else ((*stmt.then, *rest), stmt.orelse)
        return (*body[:place], If(stmt.cond, then, orelse))
    return body


def _ends(body: tuple[Stmt, ...], label: str) -> bool:
    last = body[-1] if body else None
    return isinstance(last, Break) and last.label == label


def _loops(body: tuple[Stmt, ...]) -> bool:
    for stmt in body:
        if isinstance(stmt, Loop):
            return True
        if isinstance(stmt, If) and (_loops(stmt.then) or _loops(stmt.orelse)):
            return True
        if isinstance(stmt, Block) and _loops(stmt.body):
            return True
    return False


def _tail(body: tuple[Stmt, ...], label: str) -> tuple[Stmt, ...]:
    """Drop exits from the end of a body."""
    if not body:
        return body
    last = body[-1]
    if isinstance(last, Break) and last.label == label:
        return body[:-1]
    if isinstance(last, If):
        then, orelse = _tail(last.then, label), _tail(last.orelse, label)
        if then is not last.then or orelse is not last.orelse:
            return (*body[:-1], If(last.cond, then, orelse))
    return body


def _leaves(body: tuple[Stmt, ...], label: str) -> bool:
    for stmt in body:
        if isinstance(stmt, Break):
            if stmt.label == label:
                return True
        elif isinstance(stmt, If):
            if _leaves(stmt.then, label) or _leaves(stmt.orelse, label):
                return True
        elif isinstance(stmt, Block):
            if _leaves(stmt.body, label):
                return True
        elif isinstance(stmt, Loop) and (_leaves(stmt.head, label) or _leaves(stmt.body, label)):
            return True
    return False
