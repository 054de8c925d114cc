"""Narrowing: integers are computed in as few bits as their ranges need, where that is cheaper.

Fewer bits are more elements in a vector. Variables get narrower types, in a loop also those that only there hold small
numbers (`v'1` stands for `v` in it, with copies around the loop); expressions are computed in narrower types than they
are written in; integers of 64 bits that 32 bits hold are converted to floats from those. What ranges decide goes:
comparisons, branches, checks of arithmetic and casts that can't fault. Faults stay as they are, and so do steps.

Where only the first trip of a loop makes a variable wide, that trip is made ahead of the loop, see `peel`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final, TypeAlias

from hybrid_rs.ir import walk
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
    Loop,
    Op,
    Param,
    Return,
    Stmt,
    Var,
)
from hybrid_rs.ir.types import BOOL
from hybrid_rs.passes.choose import PER_LOOP, Copy, Demand, choose
from hybrid_rs.passes.dead import prune
from hybrid_rs.passes.fold import fold
from hybrid_rs.passes.intervals import FULL, hull
from hybrid_rs.passes.parts import Reader
from hybrid_rs.passes.peel import peel
from hybrid_rs.passes.ranges import BOTH, FIRST, SECOND, LoopFacts, Ranges, TooLongError, analyse
from hybrid_rs.passes.widths import Local, Number, Part, whole

__all__ = ["narrow", "narrow_counting"]

Make: TypeAlias = Callable[[list[Stmt]], None]
"""Adds what becomes of a statement to a body."""

# A trip ahead of a loop is more code, so it has to save something.
_PEELING_PAYS: Final = 0.9


def narrow(function: Function) -> Function:
    """Narrow a function's integers; loops may get their first trip ahead of them, which is no step then."""
    return _narrowed(function, peeling=True)


def narrow_counting(function: Function) -> Function:
    """Narrow a function's integers, keeping the number of steps of each element."""
    return _narrowed(function, peeling=False)


def _narrowed(function: Function, *, peeling: bool) -> Function:
    if not _has_integers(function):
        return function
    try:
        found = analyse(function)
        plan = _Plan(function, found)
        if peeling:
            peeled = peel(function, found)
            if peeled is not None:
                other = _Plan(peeled, analyse(peeled))
                if other.cost < plan.cost * _PEELING_PAYS:
                    plan = other
    except TooLongError:
        return function
    if not plan.changes:
        return function
    made = plan.function()
    if plan.simpler:
        made = fold(made)
    # Not all copies around loops are needed.
    return prune(made) if plan.simpler or any(local.outer is not None for local in plan.variables) else made


def _has_integers(function: Function) -> bool:
    """Whether there are integers that could be narrower: in variables, or between floats."""
    if any(local.type.is_integer and local.type.bits > 8 for local in function.locals):
        return True
    return any(_casts(expr) for stmt in walk.statements(function.body) for expr in walk.expressions(stmt))


def _casts(expr: Expr) -> bool:
    if isinstance(expr, Cast) and (expr.type.is_integer or expr.arg.type.is_integer):
        return True
    return any(_casts(operand) for operand in walk.operands(expr))


class _Plan(Reader):
    """The second walk over a function whose ranges are known: prices everything, and then makes it."""

    def __init__(self, function: Function, found: Ranges) -> None:
        super().__init__(found.items)
        self.old = function
        self.weight = 1.0
        self.demands: list[Demand] = []
        self.variables: list[Local] = []
        self.names = {param.name for param in (*function.params, *function.locals)}
        # The loops and blocks around, with the variables that stand for others in a loop.
        self.around: list[tuple[str, dict[str, Local]]] = []
        for param in function.params:
            if isinstance(param, Param) and param.type.is_integer:
                self.locals[param.name] = Local(param.name, param.type, FULL[param.type.code])
        for param in function.locals:
            if param.type.is_integer and param.name in found.hulls:
                self.locals[param.name] = local = Local(param.name, param.type, found.hulls[param.name])
                self.variables.append(local)
        self.body = self.statements(function.body)
        self.cost, worth = choose(self.variables, self.demands)
        self.changes = worth or self.simpler

    def function(self) -> Function:
        """Make the function."""
        body: list[Stmt] = []
        for make in self.body:
            make(body)
        kept = {local.name: local for local in self.variables if local.outer is None}
        declared = [
            Param(param.name, kept[param.name].final) if param.name in kept else param for param in self.old.locals
        ]
        declared += [Param(local.name, local.final) for local in self.variables if local.own is local and local.outer]
        return replace(self.old, locals=tuple(declared), body=tuple(body))

    # ---- statements

    def statements(self, body: tuple[Stmt, ...]) -> list[Make]:
        count = next(self.items)
        self.simpler = self.simpler or count < len(body)
        return [self.statement(stmt) for stmt in body[:count]]

    def statement(self, stmt: Stmt) -> Make:
        if isinstance(stmt, Assign):
            return self.assign(stmt)
        if isinstance(stmt, If):
            return self.branch(stmt)
        if isinstance(stmt, Loop):
            return self.loop(stmt)
        if isinstance(stmt, Block):
            self.around.append((stmt.label, {}))
            body = self.statements(stmt.body)
            self.around.pop()
            return lambda out: out.append(Block(stmt.label, _made(body)))
        if isinstance(stmt, Return):
            parts = self.needed(stmt.values)
            return lambda out: out.append(
                Return(tuple([whole(part, value) for part, value in zip(parts, stmt.values, strict=True)]))
            )
        if isinstance(stmt, Break | Continue):
            return self.leave(stmt)
        assert isinstance(stmt, Fault)
        return lambda out: out.append(stmt)

    def needed(self, exprs: Sequence[Expr], target: Local | None = None) -> list[Part]:
        """Walk a statement's expressions."""
        self.used = []
        parts = [self.part(expr) for expr in exprs]
        if target is not None or any(part is not None for part in parts):
            self.demands.append(Demand(self.weight, parts, target, self.used))
        return parts

    def assign(self, stmt: Assign) -> Make:
        if not stmt.value.type.is_integer:
            (part,) = self.needed((stmt.value,))
            return lambda out: out.append(stmt if part is None else Assign(stmt.target, whole(part, stmt.value)))
        local = self.locals[stmt.target]
        (number,) = self.needed((stmt.value,), local)
        assert isinstance(number, Number)
        return lambda out: out.append(Assign(local.own.name, number.at(local.width)))

    def branch(self, stmt: If) -> Make:
        (cond,) = self.needed((stmt.cond,))
        ways = next(self.items)
        then = self.statements(stmt.then) if ways != SECOND else []
        orelse = self.statements(stmt.orelse) if ways != FIRST else []
        if ways == BOTH:
            return lambda out: out.append(If(whole(cond, stmt.cond), _made(then), _made(orelse)))
        self.simpler = True
        return lambda out: out.extend(_made(then or orelse))

    def loop(self, stmt: Loop) -> Make:
        facts: LoopFacts = next(self.items)
        standing = self.standing(facts)
        outer = {name: self.locals[name] for name in standing}
        for local in standing.values():
            self.variables.append(local)
            self.demands.append(Copy(self.weight, (), local, (local, local.outer)))  # type: ignore[arg-type]
        self.locals.update(standing)
        for name in _counting(stmt):
            if name in self.locals:
                self.locals[name].widen()
        self.around.append((stmt.label, standing))
        self.weight *= PER_LOOP
        head = self.statements(stmt.head)
        test: Part = None
        body: list[Make] = []
        if facts.ways is not None:
            (test,) = self.needed((stmt.cond,))
            if facts.ways != SECOND:
                body = self.statements(stmt.body)
        always = facts.ways in (None, FIRST)
        step = self.statements(stmt.step) if facts.stepping else []
        self.weight /= PER_LOOP
        self.around.pop()
        self.locals.update(outer)
        self.simpler = self.simpler or facts.ways != BOTH

        def make(out: list[Stmt]) -> None:
            out += [copy for name, local in standing.items() if name in facts.entry for copy in _copied(local)]
            if facts.ways is None and not facts.stepping:
                out.append(Block(stmt.label, _made(head)))
            else:
                cond = Const(BOOL, value=True) if always else whole(test, stmt.cond)
                out.append(Loop(stmt.label, _made(head), cond, _made(body), _made(step)))
            if facts.after is not None:
                out += [copy for name, local in standing.items() if name in facts.after for copy in _copied_back(local)]

        return make

    def standing(self, facts: LoopFacts) -> dict[str, Local]:
        """Make variables for a loop, to stand in it for those that hold small numbers only there."""
        found = {}
        for name, interval in facts.hulls.items():
            local = self.locals.get(name)
            if local is None or local.least < 2:
                continue
            there = hull(interval, facts.head[name]) if name in facts.head else interval
            small = Local(self.name(name), local.type, there, local)
            if small.choices[0] < local.choices[0]:
                found[name] = small
                self.names.add(small.name)
        return found

    def name(self, stem: str) -> str:
        """Name a new variable after another."""
        number = 1
        while f"{stem}'{number}" in self.names:
            number += 1
        return f"{stem}'{number}"

    def leave(self, stmt: Break | Continue) -> Make:
        """Leave loops, behind which their variables aren't copied back: that is done here."""
        assigned = next(self.items)
        left = []
        for label, standing in reversed(self.around):
            if label == stmt.label:
                break
            left += [local for name, local in standing.items() if name in assigned]
        if not left:
            return lambda out: out.append(stmt)

        def make(out: list[Stmt]) -> None:
            for local in left:
                out += _copied_back(local)
            out.append(stmt)

        return make


def _counting(loop: Loop) -> list[str]:
    """Name the variable that counts a loop's trips and the one that it counts to, if they are alone in its condition.

    Printers know such loops by that form.
    """
    cond = loop.cond
    if not isinstance(cond, Op) or not isinstance(cond.args[0], Var) or not isinstance(cond.args[-1], Var | Const):
        return []
    names = [arg.name for arg in cond.args if isinstance(arg, Var)]
    return names if any(isinstance(stmt, Assign) and stmt.target == names[0] for stmt in loop.step) else []


def _made(body: list[Make]) -> tuple[Stmt, ...]:
    out: list[Stmt] = []
    for make in body:
        make(out)
    return tuple(out)


def _copied(local: Local) -> list[Stmt]:
    """Set a loop's variable from the one that it stands for."""
    assert local.outer is not None
    return [Assign(local.name, Cast(local.final, local.outer.var()))] if local.own is local else []


def _copied_back(local: Local) -> list[Stmt]:
    """Set the variable that a loop's one stands for."""
    outer = local.outer
    assert outer is not None
    return [Assign(outer.own.name, Cast(outer.final, local.var()))] if local.own is local else []
