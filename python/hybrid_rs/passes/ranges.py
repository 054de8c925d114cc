"""What values integers and floats can have: intervals for each expression of a function, wherever it is evaluated.

The statements are walked in the order of execution with an interval for each variable; conditions narrow them. A loop
is walked until what holds at its head holds again behind its step: bounds that grow are moved out, first to the next
constant that something is compared with, then to the type's, and what the widened loop leaves is taken back. Where the
condition bounds the number of trips, a variable that each trip only adds to is bounded by that many.

What is found is a list in the order of the walk, for a second walk to take item by item; see `Ranges`.
"""

from __future__ import annotations

import math
from typing import Any, Final

from hybrid_rs.ir import walk
from hybrid_rs.ir.nodes import (
    Assign,
    Block,
    Break,
    Cast,
    Const,
    Continue,
    Dim,
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
from hybrid_rs.ir.types import INT64, Type
from hybrid_rs.passes.conditions import Env, most_trips, refine, squared
from hybrid_rs.passes.intervals import FLOATS, FULL, INTEGERS, Interval, constant, converted, hull, inside
from hybrid_rs.passes.rounds import Rounds

__all__ = ["BOTH", "FIRST", "SECOND", "LoopFacts", "Ranges", "TooLongError", "analyse"]

BOTH, FIRST, SECOND = 0, 1, 2
"""Which ways a condition leads: both, into the first body (or round the loop) only, into the second (or out) only."""

_MOST_PER_STATEMENT: Final = 12
_MOST_AT_LEAST: Final = 1500
"""How many statements may be walked for each one that there is, and in all cases; the innermost of a nest of loops are
walked some three times for each loop around them. A few milliseconds."""
_VARIABLES: Final = 16
"""How many variables are joined in the time that a statement takes."""

_LENGTH: Final[Interval] = (0, INT64.high)


class TooLongError(Exception):
    """The walk takes too long: loops nest deeply."""


class LoopFacts:
    """What is known of a loop."""

    __slots__ = ("after", "back", "entry", "head", "hulls", "stepping", "stmt", "ways")

    def __init__(self, stmt: Loop, entry: Env) -> None:
        self.stmt = stmt
        self.entry = entry
        """What variables hold where it is entered."""
        self.head: Env = entry
        """What they hold at its head."""
        self.back: Env | None = None
        """What they hold where it goes back to its head; None where it never does."""
        self.after: frozenset[str] | None = None
        """Those that are assigned behind it; None where no path leads there."""
        self.hulls: Env = {}
        """What its statements assign to each variable."""
        self.ways: int | None = BOTH
        """Which ways its condition leads, None where that is never asked."""
        self.stepping = False
        """Whether its step is reached."""


class Ranges:
    """What the walk found.

    Attributes:
        items: In the order of the walk: for each body the number of its statements that are reached; for an If, behind
            its condition's expressions, which ways it leads; for a Loop its LoopFacts, ahead of its head; for a Break
            or Continue the variables that are assigned there; for each expression but constants, behind its operands,
            its interval.
        hulls: What is assigned to each variable.
    """

    __slots__ = ("hulls", "items")

    def __init__(self, items: list[Any], hulls: Env) -> None:
        self.items = items
        self.hulls = hulls


def analyse(function: Function) -> Ranges:
    """Find the ranges of a verified function.

    Raises:
        TooLongError: It would take too long.
    """
    walker = _Walk(function)
    walker.body(function.body)
    return Ranges(walker.items, walker.hulls)


def _thresholds(function: Function) -> dict[str, list[int]]:
    """List for variables the integers that they are compared with and their neighbours, and where squares wrap."""
    found: dict[str, set[int]] = {}
    for stmt in walk.statements(function.body):
        for expr in walk.expressions(stmt):
            _collect(expr, found)
    return {name: sorted(limits) for name, limits in found.items()}


def _collect(expr: Expr, found: dict[str, set[int]]) -> None:
    operands = walk.operands(expr)
    if isinstance(expr, Op) and expr.op in _ORDERS and operands[0].type.is_integer:
        for one, other in (operands, operands[::-1]):
            if isinstance(other, Const):
                limit = int(other.value)
                for name in walk.variables(one):
                    found.setdefault(name, set()).update((limit - 1, limit, limit + 1))
            base = squared(other)
            if base is not None:
                found.setdefault(base.name, set()).add(math.isqrt(other.type.high))
    for operand in operands:
        _collect(operand, found)


_ORDERS: Final = frozenset(("eq", "ne", "lt", "le", "gt", "ge", "min", "max"))


def _join(a: Env | None, b: Env | None) -> Env | None:
    """Give what holds where two paths meet."""
    if a is None:
        return b
    if b is None:
        return a
    joined = {}
    for name, one in a.items():
        other = b.get(name)
        if other is not None:
            joined[name] = one if one == other else hull(one, other)
    return joined


class _Walk:
    """Walks statements; `env` is None where no path leads.

    For a variable `v` that the innermost loop assigns to, `+v` in the environment says by how much it has changed since
    the loop's head, as long as it was only added to and didn't wrap.
    """

    def __init__(self, function: Function) -> None:
        self.items: list[Any] = []
        self.hulls: Env = {}
        self.env: Env | None = {
            param.name: FULL[param.type.code] for param in function.params if isinstance(param, Param)
        }
        self.types: dict[str, Type] = {local.name: local.type for local in function.locals}
        self.function = function
        self.limits: dict[str, list[int]] | None = None
        self.breaks: dict[str, Env | None] = {}
        self.continues: dict[str, Env | None] = {}
        self.changed: dict[int, list[str]] = {}
        self.left = _MOST_AT_LEAST + _MOST_PER_STATEMENT * sum(1 for _ in walk.statements(function.body))

    @property
    def thresholds(self) -> dict[str, list[int]]:
        """The bounds that widening tries first, by variable."""
        if self.limits is None:
            self.limits = _thresholds(self.function)
        return self.limits

    # ---- statements

    def body(self, body: tuple[Stmt, ...]) -> None:
        place, count = len(self.items), 0
        self.items.append(0)
        for stmt in body:
            self.statement(stmt)
            count += 1
            if self.env is None:
                break
        self.items[place] = count
        self.left -= count
        if self.left < 0:
            raise TooLongError

    def statement(self, stmt: Stmt) -> None:
        assert self.env is not None
        if isinstance(stmt, Assign):
            self.assign(stmt)
        elif isinstance(stmt, If):
            self.branch(stmt)
        elif isinstance(stmt, Loop):
            self.loop(stmt)
        elif isinstance(stmt, Block):
            self.breaks[stmt.label] = None
            self.body(stmt.body)
            self.env = _join(self.env, self.breaks.pop(stmt.label))
        elif isinstance(stmt, Return):
            for value in stmt.values:
                self.value(value)
            self.env = None
        elif isinstance(stmt, Break | Continue):
            self.items.append(frozenset(self.env))
            ends = self.breaks if isinstance(stmt, Break) else self.continues
            ends[stmt.label] = _join(ends[stmt.label], self.env)
            self.env = None
        else:
            assert isinstance(stmt, Fault)
            self.env = None

    def assign(self, stmt: Assign) -> None:
        assert self.env is not None
        target = stmt.target
        found = self.value(stmt.value)
        known = self.hulls.get(target)
        self.hulls[target] = found if known is None else hull(known, found)
        grown = self.env.get("+" + target)
        if grown is not None:
            step = self.step(target, stmt.value)
            if step is None:
                del self.env["+" + target]
            else:
                self.env["+" + target] = (grown[0] + step[0], grown[1] + step[1])
        self.env[target] = found

    def step(self, target: str, expr: Expr) -> Interval | None:
        """Give what an assignment adds to its variable, None where it does something else or may wrap."""
        if not isinstance(expr, Op) or expr.op not in ("add", "sub"):
            return None
        left, right = expr.args
        if not isinstance(left, Var) or left.name != target:
            if expr.op == "sub" or not isinstance(right, Var) or right.name != target:
                return None
            left, right = right, left
        low, high, *_ = self.quiet(right)
        if expr.op == "sub":
            low, high = -high, -low
        old = self.quiet(left)
        return (low, high) if inside((old[0] + low, old[1] + high), FULL[expr.type.code]) else None

    def branch(self, stmt: If) -> None:
        then, orelse, ways = self.ways(stmt.cond)
        self.items.append(ways)
        self.env = then
        if then is not None:
            self.body(stmt.then)
        then, self.env = self.env, orelse
        if orelse is not None:
            self.body(stmt.orelse)
        self.env = _join(then, self.env)
        if self.env is not None:
            self.left -= len(self.env) // _VARIABLES

    def ways(self, cond: Expr) -> tuple[Env | None, Env | None, int]:
        """Evaluate a condition; give the environments in which it is true and false, None for what can't be.

        One that can fault leads both ways, so that it stays.
        """
        assert self.env is not None
        found = self.value(cond)
        first = self.where(cond, truth=True) if found[1] else None
        second = self.where(cond, truth=False) if not found[0] else None
        if (first is None or second is None) and walk.can_fault(cond):
            return first or dict(self.env), second or dict(self.env), BOTH
        return first, second, SECOND if first is None else FIRST if second is None else BOTH

    def where(self, cond: Expr, *, truth: bool) -> Env | None:
        assert self.env is not None
        env = dict(self.env)
        return env if refine(env, cond, truth, self.quiet) else None

    # ---- loops

    def loop(self, stmt: Loop) -> None:
        entry = self.env
        assert entry is not None
        changed = self.changed.get(id(stmt))
        if changed is None:
            changed = self.changed[id(stmt)] = sorted(walk.assigned(stmt.head, stmt.body, stmt.step))
        carried = [name for name in changed if name in entry]
        facts = LoopFacts(stmt, entry)
        self.items.append(facts)
        outer, mark = self.hulls, len(self.items)
        head = dict(entry)
        for name in changed:
            head.pop("+" + name, None)
        for name in carried:
            if len(entry[name]) == 2:
                head["+" + name] = (0, 0)

        def trips(head: Env, growth: Env) -> int | None:
            self.env = head
            return None if stmt.head else most_trips(stmt.cond, entry, growth, self.quiet)

        rounds = Rounds(entry, {name: self.types[name] for name in carried}, lambda: self.thresholds, trips)
        while True:
            del self.items[mark:]
            self.hulls = facts.hulls = {}
            facts.head = head
            after = self.once(stmt, facts, rounds.inside)
            following = rounds.following(head, facts.back)
            if following is None:
                break
            head = following
        for name, interval in facts.hulls.items():
            known = outer.get(name)
            outer[name] = interval if known is None else hull(known, interval)
        self.hulls = outer
        self.env = after
        facts.after = None
        if after is not None:
            facts.after = frozenset(after)
            for name in changed:
                after.pop("+" + name, None)

    def once(self, stmt: Loop, facts: LoopFacts, inside_: Env) -> Env | None:
        """Walk a loop once from what holds at its head; give what holds behind it."""
        label = stmt.label
        self.breaks[label] = self.continues[label] = None
        self.env = dict(facts.head)
        self.body(stmt.head)
        after = None
        facts.ways = None
        if self.env is not None:
            self.env, after, facts.ways = self.ways(stmt.cond)
            if self.env is not None:
                for name, (low, high, *_) in inside_.items():
                    held = self.env[name]
                    self.env[name] = (max(held[0], low), min(held[1], high))
                self.body(stmt.body)
        self.env = _join(self.env, self.continues.pop(label))
        facts.stepping = self.env is not None
        if facts.stepping:
            self.body(stmt.step)
        facts.back = self.env
        return _join(after, self.breaks.pop(label))

    # ---- expressions

    def quiet(self, expr: Expr) -> Interval:
        """Evaluate an expression without noting it."""
        if isinstance(expr, Var):
            assert self.env is not None
            return self.env[expr.name]
        if isinstance(expr, Const):
            return constant(expr)
        mark = len(self.items)
        found = self.value(expr)
        del self.items[mark:]
        return found

    def value(self, expr: Expr) -> Interval:
        """Evaluate an expression."""
        if isinstance(expr, Const):
            return constant(expr)
        if isinstance(expr, Var):
            assert self.env is not None
            found = self.env[expr.name]
        elif isinstance(expr, Op):
            found = self.select(expr) if expr.op == "select" else self.op(expr)
        elif isinstance(expr, Cast):
            found = converted(expr.arg.type, expr.type, self.value(expr.arg), checked=expr.site is not None)
        elif isinstance(expr, Dim):
            found = _LENGTH
        else:
            for place in expr.index:
                self.value(place)
            found = FULL[expr.type.code]
        self.items.append(found)
        return found

    def op(self, expr: Op) -> Interval:
        args = [self.value(arg) for arg in expr.args]
        type_ = expr.args[0].type
        meaning = (FLOATS if type_.kind == "f" else INTEGERS).get(expr.op)
        return FULL[expr.type.code] if meaning is None else meaning(type_, *args)

    def select(self, expr: Op) -> Interval:
        """Evaluate a select: an operand that can't fault only where it is what the condition selects."""
        cond, *sides = expr.args
        outer, truth = self.env, self.value(cond)
        found = None
        for side, taken in zip(sides, (True, False), strict=True):
            where = None
            if not isinstance(side, Const) and not walk.can_fault(side):
                where = self.where(cond, truth=taken)
            self.env = where or outer
            interval = self.value(side)
            self.env = outer
            if truth[taken] == taken:
                found = interval if found is None else hull(found, interval)
        assert found is not None
        return found
