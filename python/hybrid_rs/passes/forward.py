"""What the passes that go forward in the order of execution share: what is known where, and what a join forgets."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Generic, TypeVar

from hybrid_rs.ir import walk
from hybrid_rs.ir.nodes import Assign, Block, Break, Const, Continue, Expr, If, Loop, Return, Stmt
from hybrid_rs.ir.types import BOOL
from hybrid_rs.passes.tails import leads, without_tail_jumps

__all__ = ["Forward", "Known", "ends"]

K = TypeVar("K")
V = TypeVar("V")


class Known(Generic[K, V]):
    """A dict that can go back to what it was at a mark, in time proportional to what changed."""

    __slots__ = ("data", "log")

    def __init__(self) -> None:
        """Start with nothing known."""
        self.data: dict[K, V] = {}
        self.log: list[tuple[K, V | None]] = []

    def get(self, key: K) -> V | None:
        """Look up."""
        return self.data.get(key)

    def put(self, key: K, value: V) -> None:
        """Learn."""
        self.log.append((key, self.data.get(key)))
        self.data[key] = value

    def undo(self, mark: int) -> None:
        """Go back to when the log was `mark` long."""
        while len(self.log) > mark:
            key, old = self.log.pop()
            if old is None:
                del self.data[key]
            else:
                self.data[key] = old


def ends(stmt: Stmt) -> bool:
    """Whether no path leads behind a statement whose bodies hold nothing unreachable."""
    if isinstance(stmt, Assign):
        return False
    if isinstance(stmt, If):
        return _all_end(stmt.then) and _all_end(stmt.orelse)
    if isinstance(stmt, Loop):
        return isinstance(stmt.cond, Const) and bool(stmt.cond.value) and not leads(Break(stmt.label), (stmt,))
    return not isinstance(stmt, Block) or (_all_end(stmt.body) and not leads(Break(stmt.label), stmt.body))


def _all_end(body: tuple[Stmt, ...]) -> bool:
    return bool(body) and ends(body[-1])


class Forward:
    """Rewrites statements in the order of execution.

    A pass says what it does with expressions (`expr`) and what an assignment teaches it (`learn`), keeps what it knows
    in dicts named by `known`, and can `forget` variables. Statements behind one that always leaves are dropped.
    """

    def __init__(self) -> None:
        """Start with nothing known."""
        self.known: tuple[Known[Any, Any], ...] = ()

    def expr(self, expr: Expr) -> Expr:
        """Rewrite an expression of the statement at hand."""
        raise NotImplementedError

    def learn(self, target: str, value: Expr) -> None:
        """Take note of an assignment whose value is rewritten already."""
        raise NotImplementedError

    def forget(self, names: Iterable[str]) -> None:
        """Take note that variables may have got any value."""
        raise NotImplementedError

    def mark(self) -> list[int]:
        """Remember what is known."""
        return [len(known.log) for known in self.known]

    def undo(self, marks: list[int]) -> None:
        """Go back to what was known."""
        for known, mark in zip(self.known, marks, strict=True):
            known.undo(mark)

    def body(self, body: tuple[Stmt, ...]) -> tuple[Stmt, ...]:
        """Rewrite a body."""
        out: list[Stmt] = []
        for stmt in body:
            if isinstance(stmt, Assign):
                self.assign(stmt, out)
            elif isinstance(stmt, If):
                self.branch(stmt, out)
            elif isinstance(stmt, Loop):
                self.loop(stmt, out)
            elif isinstance(stmt, Block):
                self.block(stmt, out)
            elif isinstance(stmt, Return):
                out.append(Return(tuple([self.expr(value) for value in stmt.values])))
            else:
                out.append(stmt)
            if out and ends(out[-1]):
                break
        return tuple(out)

    def assign(self, stmt: Assign, out: list[Stmt]) -> None:
        """Rewrite an assignment."""
        value = self.expr(stmt.value)
        self.learn(stmt.target, value)
        out.append(stmt if value is stmt.value else Assign(stmt.target, value))

    def branch(self, stmt: If, out: list[Stmt]) -> None:
        """Rewrite an if; behind it, what is known is what both sides leave alone."""
        cond = self.expr(stmt.cond)
        marks = self.mark()
        then = self.body(stmt.then)
        self.undo(marks)
        orelse = self.body(stmt.orelse)
        if not _all_end(then):
            self.undo(marks)
            self.forget(walk.assigned(then))
            if not _all_end(orelse):
                self.forget(walk.assigned(orelse))
        out.append(If(cond, then, orelse))

    def block(self, stmt: Block, out: list[Stmt]) -> None:
        """Rewrite a block, into its body if nothing leaves that early.

        Else what is known behind it is what it leaves alone.
        """
        marks = self.mark()
        jump = Break(stmt.label)
        body = self.body(without_tail_jumps(stmt.body, jump))
        if body[-1:] == (jump,):
            body = body[:-1]
        if not leads(jump, body):
            out += body
            return
        self.undo(marks)
        self.forget(walk.assigned(body))
        out.append(Block(stmt.label, body))

    def loop(self, stmt: Loop, out: list[Stmt]) -> None:
        """Rewrite a loop; inside and behind it, what is known is what it leaves alone.

        What can't be reached goes: the step where the body always leaves, all but the head where that always leaves.
        """
        changed = walk.assigned(stmt.head, stmt.body, stmt.step)
        marks = self.mark()
        self.forget(changed)
        inside = self.mark()
        head = self.body(stmt.head)
        # Where the head always leaves, the condition is never asked, and no path leads from it behind the loop.
        cond: Expr = Const(BOOL, value=True)
        body: tuple[Stmt, ...] = ()
        never = _all_end(head)
        if not never:
            cond = self.expr(stmt.cond)
            never = isinstance(cond, Const) and not cond.value
        if not never:
            body = self.body(without_tail_jumps(stmt.body, Continue(stmt.label)))
        again = leads(Continue(stmt.label), (*head, *body))
        # The step also comes behind each Continue.
        self.undo(inside)
        self.forget(changed)
        step = self.body(stmt.step) if again or not (never or _all_end(body)) else ()
        self.undo(marks)
        self.forget(changed)
        out.append(Block(stmt.label, head) if never and not again else Loop(stmt.label, head, cond, body, step))
