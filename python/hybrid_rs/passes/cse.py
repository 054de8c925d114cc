"""Common subexpressions: what was computed already, on every path to here and with the same values, is not again.

Two walks. The first numbers values: expressions of equal numbers are equal. It lists for each expression met whether it
is new or the value of an earlier one. The second walk meets the same expressions in the same order, and writes those
whose value is needed again to a temporary in front of their statement, or takes a variable that holds it anyway.

Behind an `if` a variable's number is made of the condition's and of those that it has at the ends of both bodies: after
two that decide and compute alike the variables of the second are copies of the first's, and its bodies are dead code.

Nothing moves across control flow. In its statement an expression moves to the front; one that can fault only does so
if no fault could have come first.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, TypeAlias

from hybrid_rs.ir import walk
from hybrid_rs.ir.nodes import (
    Assign,
    Block,
    Cast,
    Const,
    Dim,
    Expr,
    Function,
    If,
    Load,
    Loop,
    Op,
    Param,
    Return,
    Stmt,
    Var,
)
from hybrid_rs.ir.ops import OPS
from hybrid_rs.passes.forward import Forward, Known, ends

__all__ = ["eliminate"]


class _Value:
    """An expression that is computed, and what becomes of it."""

    __slots__ = ("holder", "needed", "number", "variable")

    def __init__(self, number: int) -> None:
        self.number = number
        self.needed = False
        """Whether a later expression wants it from a temporary."""
        self.variable: str | None = None
        """The variable that it was assigned to."""
        self.holder: Var | None = None
        """The temporary, from the second walk."""


# What the first walk tells the second of each expression: new; or that of a value; or that of a variable.
Meeting: TypeAlias = tuple[_Value, bool] | Var


def eliminate(function: Function) -> Function:
    """Eliminate the common subexpressions of a function."""
    numbering = _Numbering(function)
    body = numbering.body(function.body)
    if not numbering.found:
        return function
    rewriting = _Rewriting(function, numbering.meetings)
    body = rewriting.body(body)
    return replace(function, locals=(*function.locals, *rewriting.temporaries), body=body)


class _Numbering(Forward):
    """The first walk; it changes no expression."""

    def __init__(self, function: Function) -> None:
        super().__init__()
        scalars = [*function.locals, *[param for param in function.params if isinstance(param, Param)]]
        self.types = {scalar.name: scalar.type for scalar in scalars}
        self.count = 0
        self.numbers: dict[tuple[Any, ...], int] = {}
        self.variables: Known[str, int] = Known()
        self.available: Known[int, _Value] = Known()
        self.known = (self.variables, self.available)
        self.meetings: list[Meeting] = []
        self.found = False
        # The number of each operation node of the expression at hand, by identity.
        self.by_node: dict[int, int] = {}

    def new(self) -> int:
        self.count += 1
        return self.count

    def forget(self, names: Iterable[str]) -> None:
        for name in names:
            self.variables.put(name, self.new())

    def learn(self, target: str, value: Expr) -> None:
        number = self.number(value)
        self.variables.put(target, number)
        computed = self.available.get(number)
        if computed is not None and (computed.variable is None or self.variables.get(computed.variable) != number):
            computed.variable = target

    def branch(self, stmt: If, out: list[Stmt]) -> None:
        if ends(If(stmt.cond, stmt.then, stmt.then)) or ends(If(stmt.cond, stmt.orelse, stmt.orelse)):
            super().branch(stmt, out)
            return
        cond = self.number(self.expr(stmt.cond))
        names = sorted(walk.assigned(stmt.then, stmt.orelse))
        marks = self.mark()
        then = self.body(stmt.then)
        thens = [self.variable(name) for name in names]
        self.undo(marks)
        orelse = self.body(stmt.orelse)
        elses = [self.variable(name) for name in names]
        self.undo(marks)
        out.append(If(stmt.cond, then, orelse))
        for name, first, second in zip(names, thens, elses, strict=True):
            number = first if first == second else self.numbers.setdefault(("if", cond, first, second), self.count + 1)
            self.count = max(self.count, number)
            self.variables.put(name, number)
            if first != second:
                self.join(name, number, out)

    def join(self, name: str, number: int, out: list[Stmt]) -> None:
        """Copy a variable behind an `if` from one that holds the same, if there is one."""
        value = self.available.get(number)
        if value is None:
            value = _Value(number)
            self.available.put(number, value)
        other = value.variable
        if other is None or self.variables.get(other) != number:
            value.variable = name
        elif other != name:
            out.append(Assign(name, Var(other, self.types[other])))
            self.found = True

    def variable(self, name: str) -> int:
        """Give a variable's number."""
        found = self.variables.get(name)
        if found is None:
            found = self.new()
            # Not by `put`: it is a fact of the whole function, which no join takes back.
            self.variables.data[name] = found
        return found

    def expr(self, expr: Expr) -> Expr:
        self.by_node = {}
        self.number(expr)
        self.meet(expr)
        return expr

    def number(self, expr: Expr) -> int:
        """Give an expression's number; a shared node is looked at once."""
        if isinstance(expr, Var):
            return self.variable(expr.name)
        found = self.by_node.get(id(expr))
        if found is None:
            key = self.key(expr)
            found = self.numbers.get(key)
            if found is None:
                found = self.numbers[key] = self.new()
            self.by_node[id(expr)] = found
        return found

    def key(self, expr: Expr) -> tuple[Any, ...]:
        if isinstance(expr, Op):
            numbers = [self.number(arg) for arg in expr.args]
            if len(numbers) == 2 and numbers[0] > numbers[1] and OPS[expr.op].commutes:
                numbers.reverse()
            return (expr.op, expr.type.code, *numbers)
        if isinstance(expr, Const):
            return ("", expr.type.code, expr.value, math.copysign(1.0, expr.value))
        if isinstance(expr, Cast):
            return ("cast", expr.type.code, expr.site is None, self.number(expr.arg))
        if isinstance(expr, Load):
            return ("load", expr.table, *[self.number(place) for place in expr.index])
        assert isinstance(expr, Dim)
        return ("dim", expr.table, expr.axis)

    def meet(self, expr: Expr) -> None:
        """List an expression and its operands in the order of `_Rewriting.expr`."""
        if isinstance(expr, Var | Const | Dim):
            return
        number = self.number(expr)
        value = self.available.get(number)
        if value is None:
            value = _Value(number)
            self.available.put(number, value)
            self.meetings.append((value, True))
            for operand in walk.operands(expr):
                self.meet(operand)
            return
        self.found = True
        if value.variable is not None and self.variables.get(value.variable) == number:
            self.meetings.append(Var(value.variable, expr.type))
        else:
            value.needed = True
            self.meetings.append((value, False))


class _Rewriting:
    """The second walk."""

    def __init__(self, function: Function, meetings: list[Meeting]) -> None:
        self.meetings = iter(meetings)
        self.names = {local.name for local in function.locals}
        self.temporaries: list[Param] = []
        self.out: list[Stmt] = []
        # Whether something to the left in the statement, that stays there, can fault.
        self.faults = False

    def body(self, body: tuple[Stmt, ...]) -> tuple[Stmt, ...]:
        outer, self.out = self.out, []
        for stmt in body:
            self.statement(stmt)
        done, self.out = self.out, outer
        return tuple(done)

    def statement(self, stmt: Stmt) -> None:
        self.faults = False
        if isinstance(stmt, Assign):
            stmt = Assign(stmt.target, self.expr(stmt.value))
        elif isinstance(stmt, If):
            cond = self.expr(stmt.cond)
            stmt = If(cond, self.body(stmt.then), self.body(stmt.orelse))
        elif isinstance(stmt, Loop):
            stmt = self.loop(stmt)
        elif isinstance(stmt, Block):
            stmt = Block(stmt.label, self.body(stmt.body))
        elif isinstance(stmt, Return):
            stmt = Return(tuple([self.expr(value) for value in stmt.values]))
        self.out.append(stmt)

    def loop(self, stmt: Loop) -> Loop:
        outer, self.out = self.out, list(self.body(stmt.head))
        self.faults = False
        cond = self.expr(stmt.cond)
        head, self.out = tuple(self.out), outer
        return Loop(stmt.label, head, cond, self.body(stmt.body), self.body(stmt.step))

    def expr(self, expr: Expr) -> Expr:
        if isinstance(expr, Var | Const | Dim):
            return expr
        meeting = next(self.meetings)
        if isinstance(meeting, Var):
            return meeting
        value, new = meeting
        if not new:
            if value.holder is not None:
                return value.holder
            self.faults = self.faults or walk.can_fault(expr)
            return expr
        before = self.faults
        expr = self.rebuilt(expr)
        self.faults = self.faults or walk.faults(expr)
        if not value.needed or (before and walk.can_fault(expr)):
            return expr
        self.faults = before
        value.holder = self.temporary(expr)
        return value.holder

    def rebuilt(self, expr: Expr) -> Expr:
        old = walk.operands(expr)
        operands = tuple([self.expr(operand) for operand in old])
        if all(one is other for one, other in zip(old, operands, strict=True)):
            return expr
        return walk.with_operands(expr, operands)

    def temporary(self, expr: Expr) -> Var:
        number = len(self.temporaries) + 1
        while f"%c{number}" in self.names:
            number += 1
        name = f"%c{number}"
        self.names.add(name)
        self.temporaries.append(Param(name, expr.type))
        self.out.append(Assign(name, expr))
        return Var(name, expr.type)
