"""Removal of exits from blocks that end there anyway."""

from __future__ import annotations

from dataclasses import replace

from hybrid_rs.ir.nodes import Block, Break, If, Loop, Stmt

__all__ = ["without_exits"]


def without_exits(block: Block) -> tuple[Stmt, ...]:
    """Return the statements of a block: without the block itself where all its exits were at its end."""
    body = _tail(block.body, block.label)
    return (replace(block, body=body),) if _leaves(body, block.label) else body


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
