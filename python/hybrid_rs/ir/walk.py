"""Walks over expressions and statements that several users of the IR need."""

from __future__ import annotations

from collections.abc import Iterator

from hybrid_rs.ir.nodes import Assign, Block, Cast, Const, Expr, If, Load, Loop, Op, Return, Stmt, Var

__all__ = [
    "assigned",
    "bodies",
    "can_fault",
    "expressions",
    "faults",
    "operands",
    "statements",
    "variables",
    "with_operands",
]

_DIVISIONS = frozenset(("floordiv", "mod", "quot", "rem"))


def operands(expr: Expr) -> tuple[Expr, ...]:
    """Give an expression's operands from left to right."""
    if isinstance(expr, Op):
        return expr.args
    if isinstance(expr, Cast):
        return (expr.arg,)
    return expr.index if isinstance(expr, Load) else ()


def with_operands(expr: Expr, given: tuple[Expr, ...]) -> Expr:
    """Make an expression of other operands, in the order and of the types of its own."""
    if isinstance(expr, Op):
        return Op(expr.op, expr.type, given, expr.site)
    if isinstance(expr, Cast):
        return Cast(expr.type, given[0], expr.site)
    return Load(expr.table, expr.type, given, expr.site) if isinstance(expr, Load) else expr


def faults(expr: Expr) -> bool:
    """Whether evaluating the node itself, its operands aside, can fault.

    Division by a constant other than 0, and a power with a constant exponent that isn't negative, can't; they have a
    site like all others.
    """
    if isinstance(expr, Load):
        return True
    if not isinstance(expr, Op | Cast) or expr.site is None:
        return False
    if isinstance(expr, Cast) or not isinstance(expr.args[-1], Const):
        return True
    if expr.op in _DIVISIONS:
        return expr.args[-1].value == 0
    return expr.op != "pow" or expr.args[-1].value < 0


def can_fault(expr: Expr) -> bool:
    """Whether evaluating an expression can fault."""
    return faults(expr) or any(can_fault(operand) for operand in operands(expr))


def variables(expr: Expr) -> Iterator[str]:
    """Name the parameters and locals that an expression reads, each as often as it is read."""
    if isinstance(expr, Var):
        yield expr.name
    for operand in operands(expr):
        yield from variables(operand)


def expressions(stmt: Stmt) -> tuple[Expr, ...]:
    """Give a statement's own expressions in the order of evaluation; a loop's condition is its own."""
    if isinstance(stmt, Assign):
        return (stmt.value,)
    if isinstance(stmt, If | Loop):
        return (stmt.cond,)
    return stmt.values if isinstance(stmt, Return) else ()


def bodies(stmt: Stmt) -> tuple[tuple[Stmt, ...], ...]:
    """Give the statements inside a statement."""
    if isinstance(stmt, If):
        return stmt.then, stmt.orelse
    if isinstance(stmt, Loop):
        return stmt.head, stmt.body, stmt.step
    return (stmt.body,) if isinstance(stmt, Block) else ()


def statements(body: tuple[Stmt, ...]) -> Iterator[Stmt]:
    """Give all statements of a body, outer ones before the ones inside."""
    for stmt in body:
        yield stmt
        for inner in bodies(stmt):
            yield from statements(inner)


def assigned(*parts: tuple[Stmt, ...]) -> set[str]:
    """Name the locals that bodies may assign to."""
    found: set[str] = set()
    left = list(parts)
    while left:
        for stmt in left.pop():
            if isinstance(stmt, Assign):
                found.add(stmt.target)
            else:
                left += bodies(stmt)
    return found
