"""Folding: constants, copies, and identities that are exact; branches on constants.

What a variable was assigned last, where that is a constant or another variable, is put in its place. Arithmetic on
constants is the op table's own. An op that can fault is only dropped where its operands show that it doesn't.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TypeAlias

from hybrid_rs.ir import floats, ops
from hybrid_rs.ir.nodes import (
    Assign,
    Cast,
    Const,
    Dim,
    Expr,
    Function,
    If,
    Load,
    Op,
    Stmt,
    Var,
)
from hybrid_rs.passes.forward import Forward, Known
from hybrid_rs.passes.identities import IDENTITIES, simpler_cast

__all__ = ["fold"]

# What a variable holds: a constant or another variable, and which assignments of both that was about.
Copy: TypeAlias = tuple[Const | Var, int, int]


def fold(function: Function) -> Function:
    """Fold a function."""
    return replace(function, body=_Folder().body(function.body))


class _Folder(Forward):
    def __init__(self) -> None:
        super().__init__()
        self.versions: Known[str, int] = Known()
        self.copies: Known[str, Copy] = Known()
        self.known = (self.versions, self.copies)
        self.count = 0

    # ---- what variables hold

    def forget(self, names: Iterable[str]) -> None:
        for name in names:
            self.count += 1
            self.versions.put(name, self.count)

    def learn(self, target: str, value: Expr) -> None:
        self.count += 1
        self.versions.put(target, self.count)
        if isinstance(value, Const):
            self.copies.put(target, (value, self.count, 0))
        elif isinstance(value, Var):
            self.copies.put(target, (value, self.count, self.versions.get(value.name) or 0))

    def var(self, expr: Var) -> Expr:
        copy = self.copies.get(expr.name)
        if copy is None:
            return expr
        value, own, other = copy
        if own != self.versions.get(expr.name):
            return expr
        if isinstance(value, Var) and other != (self.versions.get(value.name) or 0):
            return expr
        return value

    # ---- expressions

    def expr(self, expr: Expr) -> Expr:
        if isinstance(expr, Op):
            return self.op(expr)
        if isinstance(expr, Var):
            return self.var(expr)
        if isinstance(expr, Const | Dim):
            return expr
        if isinstance(expr, Cast):
            arg = self.expr(expr.arg)
            return _cast(expr if arg is expr.arg else Cast(expr.type, arg, expr.site))
        index = tuple([self.expr(place) for place in expr.index])
        return Load(expr.table, expr.type, index, expr.site)

    def op(self, expr: Op) -> Expr:
        args = []
        same = constant = True
        for arg in expr.args:
            found = self.expr(arg)
            same = same and found is arg
            constant = constant and isinstance(found, Const)
            args.append(found)
        if not same:
            expr = Op(expr.op, expr.type, tuple(args), expr.site)
        if constant and not ops.elementary(expr):
            return _evaluated(expr)
        identity = IDENTITIES.get(expr.op)
        return identity(expr) if identity is not None else expr

    # ---- statements

    def assign(self, stmt: Assign, out: list[Stmt]) -> None:
        value = self.expr(stmt.value)
        if isinstance(value, Var) and value.name == stmt.target:
            return
        self.learn(stmt.target, value)
        out.append(Assign(stmt.target, value))

    def branch(self, stmt: If, out: list[Stmt]) -> None:
        cond = self.expr(stmt.cond)
        if isinstance(cond, Const):
            out += self.body(stmt.then if cond.value else stmt.orelse)
        else:
            super().branch(stmt, out)


def _evaluated(expr: Op) -> Expr:
    """Compute an op on constants; one that faults stays as it is."""
    values = [arg.value for arg in expr.args if isinstance(arg, Const)]
    try:
        value = ops.OPS[expr.op].function(ops.main_type(expr), *values)
    except ops.OpFault:
        return expr
    return Const(expr.type, floats.canonical(value))


def _cast(expr: Cast) -> Expr:
    if not isinstance(expr.arg, Const):
        return simpler_cast(expr)
    convert = ops.convert if expr.site is None else ops.convert_checked
    try:
        value = convert(expr.arg.type, expr.type, expr.arg.value)
    except ops.OpFault:
        return expr
    return Const(expr.type, floats.canonical(value))
