"""Hoisting: what a loop computes anew in each iteration from variables that it doesn't assign is computed ahead of it.

Only what can't fault moves, and only from where every iteration comes by, so that no element computes much in vain.
What is a single cheap op stays: it costs what holding its result costs.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from hybrid_rs.ir import walk
from hybrid_rs.ir.nodes import Assign, Block, Const, Dim, Expr, Function, If, Loop, Op, Param, Stmt, Var
from hybrid_rs.ir.ops import elementary

__all__ = ["hoist"]

_DEAR: Final = frozenset(("sqrt", "div", "floordiv", "mod", "quot", "rem", "fmod", "pow"))
"""Ops that are worth moving alone."""


def hoist(function: Function) -> Function:
    """Move what doesn't change in a loop ahead of it."""
    if not any(isinstance(stmt, Loop) for stmt in walk.statements(function.body)):
        return function
    work = _Hoisting({local.name for local in function.locals})
    body = work.body(function.body)
    return replace(function, locals=(*function.locals, *work.locals), body=body) if work.locals else function


class _Hoisting:
    def __init__(self, names: set[str]) -> None:
        self.names = names
        self.locals: list[Param] = []

    def body(self, body: tuple[Stmt, ...]) -> tuple[Stmt, ...]:
        """Rewrite the loops of a body, inner ones first."""
        out: list[Stmt] = []
        for stmt in body:
            if isinstance(stmt, If):
                out.append(If(stmt.cond, self.body(stmt.then), self.body(stmt.orelse)))
            elif isinstance(stmt, Block):
                out.append(Block(stmt.label, self.body(stmt.body)))
            elif isinstance(stmt, Loop):
                head, inside, step = (self.body(part) for part in (stmt.head, stmt.body, stmt.step))
                self.loop(Loop(stmt.label, head, stmt.cond, inside, step), out)
            else:
                out.append(stmt)
        return tuple(out)

    def loop(self, stmt: Loop, out: list[Stmt]) -> None:
        """Put out a loop behind what is moved out of it."""
        changed = walk.assigned(stmt.head, stmt.body, stmt.step)
        ahead: list[Stmt] = []
        head = self.part(stmt.head, changed, ahead)
        cond = self.expr(stmt.cond, changed, ahead)
        loop = Loop(stmt.label, head, cond, self.part(stmt.body, changed, ahead), self.part(stmt.step, changed, ahead))
        out += [*ahead, loop]

    def part(self, body: tuple[Stmt, ...], changed: set[str], ahead: list[Stmt]) -> tuple[Stmt, ...]:
        """Rewrite the statements of a part of a loop that all its iterations come by."""
        out: list[Stmt] = []
        for stmt in body:
            if isinstance(stmt, Assign):
                out.append(Assign(stmt.target, self.expr(stmt.value, changed, ahead)))
            elif isinstance(stmt, If):
                out.append(If(self.expr(stmt.cond, changed, ahead), stmt.then, stmt.orelse))
            else:
                out.append(stmt)
        return tuple(out)

    def expr(self, expr: Expr, changed: set[str], ahead: list[Stmt]) -> Expr:
        """Rewrite an expression: its largest parts that don't change are taken from variables."""
        if isinstance(expr, Var | Const | Dim):
            return expr
        if not walk.can_fault(expr) and changed.isdisjoint(walk.variables(expr)):
            return self.held(expr, ahead) if _cost(expr) > 1 else expr
        operands = tuple([self.expr(operand, changed, ahead) for operand in walk.operands(expr)])
        return walk.with_operands(expr, operands)

    def held(self, expr: Expr, ahead: list[Stmt]) -> Var:
        """Move an expression to a variable of its own."""
        number = len(self.locals) + 1
        while f"%h{number}" in self.names:
            number += 1
        local = Param(f"%h{number}", expr.type)
        self.names.add(local.name)
        self.locals.append(local)
        ahead.append(Assign(local.name, expr))
        return Var(local.name, local.type)


def _cost(expr: Expr) -> int:
    """Count the ops of an expression; a dear one counts twice, constants alone nothing."""
    if isinstance(expr, Var | Const | Dim):
        return 0
    own = 2 if isinstance(expr, Op) and (expr.op in _DEAR or elementary(expr)) else 1
    return own + sum(_cost(operand) for operand in walk.operands(expr))
