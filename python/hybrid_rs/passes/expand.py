"""Expansion: elementary functions become the statements that define them.

An op such as ``exp`` is a name until here; its definition is a function of the IR, written in the kernel language and
without faults. An expression that has such an op in it is computed in parts: the op's operands, the definition's
statements, what is left. Operands to its left that can fault are computed before, so that the order of faults stays.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias

from hybrid_rs.ir import walk
from hybrid_rs.ir.nodes import (
    Assign,
    Block,
    Break,
    Cast,
    Const,
    Continue,
    Expr,
    Function,
    If,
    Loop,
    Op,
    Param,
    Return,
    Stmt,
    Var,
)
from hybrid_rs.ir.ops import elementary
from hybrid_rs.ir.types import Type
from hybrid_rs.passes.tails import without_tail_jumps

__all__ = ["Definitions", "expand"]

Definitions: TypeAlias = Callable[[str, Type], Function]
"""Gives the definition of an elementary function for a float type: one result, no tables, no sites that fault."""


def expand(function: Function, definitions: Definitions) -> Function:
    """Replace the elementary functions in a function by their definitions."""
    work = _Expansion(definitions)
    body = work.body(function.body)
    return replace(function, locals=(*function.locals, *work.locals), body=body) if work.locals else function


def _inside(expr: Expr) -> bool:
    return elementary(expr) or any(_inside(operand) for operand in walk.operands(expr))


class _Expansion:
    def __init__(self, definitions: Definitions) -> None:
        self.definitions = definitions
        self.locals: list[Param] = []
        self.count = 0

    # ---- statements

    def body(self, body: tuple[Stmt, ...]) -> tuple[Stmt, ...]:
        out: list[Stmt] = []
        for stmt in body:
            self.statement(stmt, out)
        return tuple(out)

    def statement(self, stmt: Stmt, out: list[Stmt]) -> None:
        if isinstance(stmt, Assign):
            out.append(Assign(stmt.target, self.value(stmt.value, out)))
        elif isinstance(stmt, If):
            cond = self.value(stmt.cond, out)
            out.append(If(cond, self.body(stmt.then), self.body(stmt.orelse)))
        elif isinstance(stmt, Loop):
            head = list(self.body(stmt.head))
            cond = self.value(stmt.cond, head)
            out.append(Loop(stmt.label, tuple(head), cond, self.body(stmt.body), self.body(stmt.step)))
        elif isinstance(stmt, Block):
            out.append(Block(stmt.label, self.body(stmt.body)))
        elif isinstance(stmt, Return):
            out.append(Return(tuple(self.row(stmt.values, out))))
        else:
            out.append(stmt)

    # ---- expressions

    def value(self, expr: Expr, out: list[Stmt]) -> Expr:
        """Give an expression without elementary functions, after the statements that are put out."""
        if not _inside(expr):
            return expr
        operands = self.row(walk.operands(expr), out)
        if isinstance(expr, Op) and elementary(expr):
            return self.call(expr.op, expr.type, operands, out)
        return walk.with_operands(expr, tuple(operands))

    def row(self, exprs: tuple[Expr, ...], out: list[Stmt]) -> list[Expr]:
        """Do the same with expressions that are evaluated one after the other."""
        left = sum(map(_inside, exprs))
        values = []
        for expr in exprs:
            left -= _inside(expr)
            value = self.value(expr, out)
            values.append(self.kept(value, "value", out) if left and walk.can_fault(value) else value)
        return values

    def kept(self, value: Expr, name: str, out: list[Stmt]) -> Var:
        """Compute an expression now, in a local of its own."""
        self.count += 1
        local = Param(f"%{name}.{self.count}", value.type)
        self.locals.append(local)
        out.append(Assign(local.name, value))
        return Var(local.name, local.type)

    def call(self, name: str, type_: Type, operands: list[Expr], out: list[Stmt]) -> Var:
        """Put out an elementary function's statements; give the variable with its result."""
        definition = self.definitions(name, type_)
        values: dict[str, Expr] = {
            param.name: value if isinstance(value, Const | Var) else self.kept(value, name, out)
            for param, value in zip(definition.params, operands, strict=True)
        }
        self.count += 1
        copy = _Copy(f"%{name}.{self.count}", values)
        result = Param(copy.renamed("%result"), type_)
        self.locals += [Param(copy.renamed(local.name), local.type) for local in definition.locals]
        self.locals.append(result)
        out += copy.inlined(definition.body, result.name)
        return Var(result.name, type_)


class _Copy:
    """A definition's statements with names of their own."""

    def __init__(self, prefix: str, values: dict[str, Expr]) -> None:
        self.prefix = prefix
        self.values = values

    def renamed(self, name: str) -> str:
        return f"{self.prefix}.{name}"

    def inlined(self, body: tuple[Stmt, ...], result: str) -> tuple[Stmt, ...]:
        """Give the statements with assignments to `result` in place of the returns."""
        end = Break(self.renamed("%end"))
        copied = without_tail_jumps(self.body(body, result, end), end)
        jumps = any(stmt == end for stmt in walk.statements(copied))
        return (Block(end.label, copied),) if jumps else copied

    def body(self, body: tuple[Stmt, ...], result: str, end: Break) -> tuple[Stmt, ...]:
        out: list[Stmt] = []
        for stmt in body:
            if isinstance(stmt, Assign):
                out.append(Assign(self.renamed(stmt.target), self.expr(stmt.value)))
            elif isinstance(stmt, Return):
                out += (Assign(result, self.expr(stmt.values[0])), end)
            elif isinstance(stmt, If):
                sides = [self.body(side, result, end) for side in (stmt.then, stmt.orelse)]
                out.append(If(self.expr(stmt.cond), *sides))
            elif isinstance(stmt, Loop):
                parts = [self.body(part, result, end) for part in (stmt.head, stmt.body, stmt.step)]
                out.append(Loop(self.renamed(stmt.label), parts[0], self.expr(stmt.cond), parts[1], parts[2]))
            elif isinstance(stmt, Block):
                out.append(Block(self.renamed(stmt.label), self.body(stmt.body, result, end)))
            else:
                assert isinstance(stmt, Break | Continue), "definitions don't fault"
                out.append(type(stmt)(self.renamed(stmt.label)))
        return tuple(out)

    def expr(self, expr: Expr) -> Expr:
        if isinstance(expr, Var):
            return self.values.get(expr.name) or Var(self.renamed(expr.name), expr.type)
        if isinstance(expr, Op):
            return Op(expr.op, expr.type, tuple([self.expr(arg) for arg in expr.args]))
        if isinstance(expr, Cast):
            return Cast(expr.type, self.expr(expr.arg))
        assert isinstance(expr, Const), "definitions read no tables"
        return expr
