"""Functions whose ranges are checked while they run: every value has to lie in the interval that was found for it."""

import math
from collections.abc import Iterator, Sequence
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
    Function,
    If,
    Load,
    Loop,
    Op,
    Param,
    Return,
    Stmt,
    Table,
    Var,
)
from hybrid_rs.passes import ranges
from hybrid_rs.passes.intervals import Interval
from hybrid_rs.passes.ranges import BOTH, FIRST, SECOND, LoopFacts


def within(value: float, interval: Interval) -> bool:
    """Whether a value of the reference lies in an interval."""
    if isinstance(value, float) and math.isnan(value):
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

    def run(self, args: Sequence[Any], max_steps: int) -> Any:
        scalars = [arg for param, arg in zip(self.function.params, args, strict=True) if isinstance(param, Param)]
        tables = [arg for param, arg in zip(self.function.params, args, strict=True) if isinstance(param, Table)]
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
            then = self.statements(stmt.then) if ways in (BOTH, FIRST) else _never()
            orelse = self.statements(stmt.orelse) if ways in (BOTH, SECOND) else _never()
            return If(cond, then, orelse)
        return self.loop(stmt) if isinstance(stmt, Loop) else stmt

    def loop(self, stmt: Loop) -> Loop:
        facts = next(self.items)
        assert isinstance(facts, LoopFacts)
        head = self.statements(stmt.head)
        cond, body = stmt.cond, _never()
        if facts.ways is not None:
            cond = self.expr(cond)
            if facts.ways != SECOND:
                body = self.statements(stmt.body)
        step = self.statements(stmt.step) if facts.stepping else _never()
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


def _never() -> tuple[Stmt, ...]:
    """Make what must not be reached."""
    return (Assign("never", Const(_never, 0)),)  # type: ignore[arg-type]


def _inside_selects(expr: Expr) -> Iterator[Expr]:
    """List what a select evaluates but doesn't take."""
    if isinstance(expr, Op) and expr.op == "select":
        for side in expr.args[1:]:
            yield from _all(side)


def _all(expr: Expr) -> Iterator[Expr]:
    yield expr
    for operand in walk.operands(expr):
        yield from _all(operand)


class _Machine(reference._Machine):
    def __init__(self, checked: Checked, tables: list[Any], max_steps: int) -> None:
        self.checked = checked
        self.free: set[int] = set()
        function = checked.function
        body = checked.body
        made = Function(
            function.name, function.params, function.locals, function.results, body, function.sites, function.steps_site
        )
        super().__init__(made, tables, max_steps, lambda: None)

    def value(self, expr: Expr) -> Any:
        self.free.update(id(inner) for inner in _inside_selects(expr))
        evaluate = super().value(expr)
        interval = self.checked.intervals.get(id(expr))
        if interval is None or id(expr) in self.free:
            return evaluate

        def checking(env: Any) -> Any:
            value = evaluate(env)
            assert within(value, interval), (expr, value, interval)
            return value

        return checking

    def assign(self, stmt: Assign) -> Any:
        assert self.checked is not None
        if stmt.target == "never":

            def fail(_env: Any) -> Any:
                raise AssertionError("a statement that was found not to be reached")

            return fail
        execute = super().assign(stmt)

        def checking(env: Any) -> Any:
            outcome = execute(env)
            assert within(env[stmt.target], self.checked.hulls[stmt.target]), stmt
            return outcome

        return checking

    def loop(self, stmt: Loop) -> Any:
        facts = self.checked.loops[id(stmt)]
        head = stmt.head

        def look(env: Any) -> None:
            for name, interval in facts.head.items():
                if not name.startswith("+"):
                    assert within(env[name], interval), (stmt.label, name, env[name], interval)

        del head
        inner = super().loop(stmt)

        def checking(env: Any) -> Any:
            look(env)
            return inner(env)

        return checking
