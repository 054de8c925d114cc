"""Functions whose ranges are checked while they run: every value has to lie in the interval that was found for it."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from hybrid_rs.ir import reference, walk
from hybrid_rs.ir.nodes import (
    Assign,
    Block,
    Break,
    Cast,
    Const,
    Continue,
    Expr,
    Fault,
    Function,
    If,
    Load,
    Loop,
    Op,
    Return,
    Stmt,
    Var,
)
from hybrid_rs.passes import ranges
from hybrid_rs.passes.intervals import Interval
from hybrid_rs.passes.ranges import BOTH, FIRST, SECOND, LoopFacts

# What stands where no path leads.
NEVER = Fault(-1)


def within(value: float, interval: Interval) -> bool:
    """Whether a value of the reference lies in an interval."""
    if math.isnan(value):
        return bool(interval[2])
    return interval[0] <= value <= interval[1]


class Checked:
    """A function with what was found about it, to be run by the reference."""

    def __init__(self, function: Function) -> None:
        found = ranges.analyse(function)
        self.function, self.hulls = function, found.hulls
        # By the identity of nodes, of which no two in the tree are one object.
        self.intervals: dict[int, Interval] = {}
        self.loops: dict[int, LoopFacts] = {}
        self.kept: list[Any] = []
        self.items = iter(found.items)
        self.body = self.statements(function.body)
        assert next(self.items, None) is None, "the second walk doesn't take all items"

    def run(self, scalars: Sequence[Any], tables: Sequence[Any], max_steps: int) -> Any:
        """Compute one element; AssertionError for a value outside of its interval, Faulted for a fault."""
        return _Machine(self, tables, max_steps).element(scalars)

    # ---- the second walk, which makes a new node of each

    def statements(self, body: tuple[Stmt, ...]) -> tuple[Stmt, ...]:
        reached = next(self.items)
        return tuple([self.statement(stmt) for stmt in body[:reached]])

    def statement(self, stmt: Stmt) -> Stmt:
        if isinstance(stmt, Assign):
            return Assign(stmt.target, self.expr(stmt.value))
        if isinstance(stmt, Return):
            return Return(tuple([self.expr(value) for value in stmt.values]))
        if isinstance(stmt, Block):
            return Block(stmt.label, self.statements(stmt.body))
        if isinstance(stmt, Break | Continue):
            next(self.items)
            return stmt
        if isinstance(stmt, If):
            cond = self.expr(stmt.cond)
            ways = next(self.items)
            then = self.statements(stmt.then) if ways in (BOTH, FIRST) else (NEVER,)
            orelse = self.statements(stmt.orelse) if ways in (BOTH, SECOND) else (NEVER,)
            return If(cond, then, orelse)
        return self.loop(stmt) if isinstance(stmt, Loop) else stmt

    def loop(self, stmt: Loop) -> Loop:
        facts = next(self.items)
        assert isinstance(facts, LoopFacts)
        head = self.statements(stmt.head)
        cond: Expr = stmt.cond
        body: tuple[Stmt, ...] = (NEVER,)
        if facts.ways is not None:
            cond = self.expr(cond)
            if facts.ways != SECOND:
                body = self.statements(stmt.body)
        step = self.statements(stmt.step) if facts.stepping else (NEVER,)
        made = Loop(stmt.label, head, cond, body, step)
        self.loops[id(made)] = facts
        self.kept.append(made)
        return made

    def expr(self, expr: Expr) -> Expr:
        if isinstance(expr, Const):
            return expr
        operands = tuple([self.expr(operand) for operand in walk.operands(expr)])
        if isinstance(expr, Op):
            made: Expr = Op(expr.op, expr.type, operands, expr.site)
        elif isinstance(expr, Cast):
            made = Cast(expr.type, operands[0], expr.site)
        elif isinstance(expr, Load):
            made = Load(expr.table, expr.type, operands, expr.site)
        else:
            made = Var(expr.name, expr.type) if isinstance(expr, Var) else type(expr)(expr.table, expr.axis, expr.type)
        self.intervals[id(made)] = next(self.items)
        self.kept.append(made)
        return made


class _Machine(reference._Machine):
    def __init__(self, checked: Checked, tables: Sequence[Any], max_steps: int) -> None:
        self.checked = checked
        # What a select evaluates but may not take is only known where it is taken.
        self.free: set[int] = set()
        # The check of the loop at hand, for its head.
        self.look: Any = None
        super().__init__(replace(checked.function, body=checked.body), tables, max_steps, lambda: None)

    def value(self, expr: Expr) -> Any:
        if isinstance(expr, Op) and expr.op == "select":
            self.free.update(id(inner) for side in expr.args[1:] for inner in _all(side))
        evaluate = super().value(expr)
        interval = self.checked.intervals.get(id(expr))
        if interval is None or id(expr) in self.free:
            return evaluate

        def checking(env: Any) -> Any:
            value = evaluate(env)
            assert within(value, interval), (expr, value, interval)
            return value

        return checking

    def statement(self, stmt: Stmt) -> Any:
        if stmt is NEVER:
            return _unreachable
        if isinstance(stmt, Loop):
            self.look = self.looking(self.checked.loops[id(stmt)])
        execute = super().statement(stmt)
        if not isinstance(stmt, Assign):
            return execute
        hull = self.checked.hulls[stmt.target]

        def checking(env: Any) -> Any:
            outcome = execute(env)
            assert within(env[stmt.target], hull), (stmt, env[stmt.target], hull)
            return outcome

        return checking

    def sequence(self, body: tuple[Stmt, ...]) -> Any:
        look, self.look = self.look, None
        execute = super().sequence(body)
        if look is None:
            return execute

        def checking(env: Any) -> Any:
            look(env)
            return execute(env)

        return checking

    def looking(self, facts: LoopFacts) -> Any:
        def look(env: Any) -> None:
            for name, interval in facts.head.items():
                if not name.startswith("+"):
                    assert within(env[name], interval), (facts.stmt.label, name, env[name], interval)

        return look


def _unreachable(_env: Any) -> Any:
    raise AssertionError("a statement that was found not to be reached")


def _all(expr: Expr) -> Iterator[Expr]:
    yield expr
    for operand in walk.operands(expr):
        yield from _all(operand)
