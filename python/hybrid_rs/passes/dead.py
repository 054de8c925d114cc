"""Dead code: assignments that nothing reads, ifs that do nothing, locals that are left over.

What is live is found backwards. A variable that only computes its own next value isn't: an assignment keeps what it
reads alive only if it is itself wanted, or if it can fault. Loops are kept, since their steps are counted. There must
be no unreachable code; folding removes it.
"""

from __future__ import annotations

from dataclasses import replace

from hybrid_rs.ir import walk
from hybrid_rs.ir.nodes import (
    Assign,
    Block,
    Break,
    Const,
    Continue,
    Expr,
    Function,
    If,
    Loop,
    Return,
    Stmt,
    Var,
)
from hybrid_rs.passes.identities import opposite

__all__ = ["prune"]


def prune(function: Function) -> Function:
    """Remove a function's dead code."""
    pruner = _Pruner(function)
    body = pruner.whole(function.body)
    used = walk.assigned(body)
    return replace(function, locals=tuple([local for local in function.locals if local.name in used]), body=body)


class _Pruner:
    """Goes backwards over the function; sets of live variables are ints of one bit a local."""

    def __init__(self, function: Function) -> None:
        self.bits = {local.name: 1 << place for place, local in enumerate(function.locals)}
        # What is live where a Break or Continue leads, by the label.
        self.breaks: dict[str, int] = {}
        self.continues: dict[str, int] = {}
        # What is live at each loop's head, as far as is known: grows from round to round.
        self.heads: dict[int, int] = {}
        self.grown = False

    def whole(self, body: tuple[Stmt, ...]) -> tuple[Stmt, ...]:
        """Go over everything until the loops' heads are known; each round settles a level of nesting at least."""
        while True:
            self.grown = False
            found, _ = self.body(body, 0)
            if not self.grown:
                return found

    def reads(self, expr: Expr, live: int) -> int:
        """Add what an expression reads."""
        if isinstance(expr, Var):
            return live | self.bits.get(expr.name, 0)
        for operand in walk.operands(expr):
            live = self.reads(operand, live)
        return live

    def body(self, body: tuple[Stmt, ...], live: int) -> tuple[tuple[Stmt, ...], int]:
        """Rewrite a body behind which `live` is live; give with it what is live in front of it."""
        kept: list[Stmt] = []
        for stmt in reversed(body):
            if isinstance(stmt, Assign):
                bit = self.bits[stmt.target]
                if not live & bit and not walk.can_fault(stmt.value):
                    continue
                live = self.reads(stmt.value, live & ~bit)
                kept.append(stmt)
            else:
                live = self.statement(stmt, live, kept)
        kept.reverse()
        return tuple(kept), live

    def statement(self, stmt: Stmt, live: int, kept: list[Stmt]) -> int:
        """Rewrite any other statement, adding what is left of it last statement first; give what is live before it."""
        if isinstance(stmt, If):
            return self.branch(stmt, live, kept)
        if isinstance(stmt, Loop):
            return self.loop(stmt, live, kept)
        if isinstance(stmt, Block):
            return self.block(stmt, live, kept)
        kept.append(stmt)
        if isinstance(stmt, Break | Continue):
            return (self.breaks if isinstance(stmt, Break) else self.continues)[stmt.label]
        live = 0
        if isinstance(stmt, Return):
            for value in stmt.values:
                live = self.reads(value, live)
        return live

    def branch(self, stmt: If, live: int, kept: list[Stmt]) -> int:
        then, live_then = self.body(stmt.then, live)
        orelse, live_orelse = self.body(stmt.orelse, live)
        if not then and not orelse and not walk.can_fault(stmt.cond):
            return live
        cond = stmt.cond
        other = opposite(cond) if orelse and not then else None
        if other is not None:
            cond, then, orelse = other, orelse, then
        kept.append(If(cond, then, orelse))
        return self.reads(stmt.cond, live_then | live_orelse)

    def block(self, stmt: Block, live: int, kept: list[Stmt]) -> int:
        self.breaks[stmt.label] = live
        body, live = self.body(stmt.body, live)
        kept.append(Block(stmt.label, body))
        return live

    def loop(self, stmt: Loop, live: int, kept: list[Stmt]) -> int:
        head_live = self.heads.get(id(stmt), 0)
        self.breaks[stmt.label] = live
        step, step_live = self.body(stmt.step, head_live)
        self.continues[stmt.label] = step_live
        body, body_live = self.body(stmt.body, step_live)
        endless = isinstance(stmt.cond, Const) and stmt.cond.value
        leaving = 0 if endless else live
        head, before = self.body(stmt.head, self.reads(stmt.cond, leaving | body_live))
        if before & ~head_live:
            self.heads[id(stmt)] = before | head_live
            self.grown = True
        kept.append(Loop(stmt.label, head, stmt.cond, body, step))
        return before
