"""The grammar of the IR: every function is checked after lowering and after each pass.

A function that passes has a meaning: its types agree, what it reads is assigned, its labels exist, every path ends in
Return or Fault, and each op that can fault says where. One walk; its time is linear in the size of the function.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from hybrid_rs.errors import KernelError
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
    Load,
    Loop,
    Op,
    Param,
    Return,
    Stmt,
    Table,
    Var,
)
from hybrid_rs.ir.ops import OPS, held, main_type
from hybrid_rs.ir.types import ALL, BOOL, INT64, Type

__all__ = ["VerifyError", "verify"]

# What is assigned where no path leads: everything, so that a join with such a place changes nothing.
_NOWHERE: Final = -1


class VerifyError(KernelError):
    """A function that breaks the rules of the IR: a mistake in hybrid_rs, not in the kernel."""


def verify(function: Function) -> None:
    """Check a function.

    Raises:
        VerifyError: It breaks a rule; the message names the node.
    """
    _Checker(function).check()


class _Checker:
    """Walks the function once; the assigned locals are a set of bits by their place in `function.locals`."""

    def __init__(self, function: Function) -> None:
        self.function = function
        self.types: dict[str, Type] = {}
        self.bits: dict[str, int] = {}
        self.tables: dict[str, Table] = {}
        self.assigned = 0
        # For each enclosing label: what is assigned at its breaks, and for loops at its continues.
        self.breaks: dict[str, int] = {}
        self.continues: dict[str, int] = {}

    def fail(self, message: str) -> VerifyError:
        return VerifyError(f"{self.function.name}: {message}")

    def check(self) -> None:
        self.declare()
        self.site(self.function.steps_site, None, "steps_site")
        if not self.function.results:
            raise self.fail("no results")
        self.body(self.function.body)
        if self.assigned != _NOWHERE:
            raise self.fail("a path ends without Return or Fault")

    def declare(self) -> None:
        for place, param in enumerate((*self.function.params, *self.function.locals)):
            if param.name in self.types or param.name in self.tables:
                raise self.fail(f"{param.name} is declared twice")
            if not any(param.type is type_ for type_ in ALL):
                raise self.fail(f"{param.name} has no type of the language")
            if isinstance(param, Table):
                if param.ndim < 1:
                    raise self.fail(f"{param.name} is a table of {param.ndim} axes")
                self.tables[param.name] = param
            else:
                self.types[param.name] = param.type
                self.bits[param.name] = 1 << place
        if any(isinstance(local, Table) for local in self.function.locals):
            raise self.fail("a local is a table")
        self.assigned = sum(self.bits[param.name] for param in self.function.params if isinstance(param, Param))
        self.params = self.assigned

    def site(self, site: object, exception: str | None, what: str) -> None:
        """Check a site's number, and that it raises the exception where that is fixed."""
        if not isinstance(site, int) or not 0 <= site < len(self.function.sites):
            raise self.fail(f"{what} has no site: {site!r}")
        found = self.function.sites[site].exception
        if exception is not None and found != exception:
            raise self.fail(f"{what} has a site of {found}, not {exception}")

    # ---- statements

    def body(self, body: tuple[Stmt, ...]) -> None:
        for stmt in body:
            rule = _STATEMENTS.get(type(stmt))
            if rule is None:
                raise self.fail(f"not a statement: {stmt!r}")
            rule(self, stmt)

    def assign(self, stmt: Assign) -> None:
        type_ = self.expr(stmt.value)
        bit = self.bits.get(stmt.target, 0)
        if not bit:
            raise self.fail(f"{stmt.target} is assigned but not declared")
        if bit & self.params:
            raise self.fail(f"the parameter {stmt.target} is assigned")
        if type_ is not self.types[stmt.target]:
            raise self.fail(f"{stmt.target} is {self.types[stmt.target]}, and assigned {type_}")
        self.assigned |= bit

    def condition(self, expr: Expr, what: str) -> None:
        if self.expr(expr) is not BOOL:
            raise self.fail(f"the condition of {what} is {expr.type}")

    def branch(self, stmt: If) -> None:
        self.condition(stmt.cond, "an if")
        before = self.assigned
        self.body(stmt.then)
        then, self.assigned = self.assigned, before
        self.body(stmt.orelse)
        self.assigned &= then

    def enter(self, label: str, *, loop: bool) -> None:
        if label in self.breaks:
            raise self.fail(f"the label {label} is inside one of the same name")
        self.breaks[label] = _NOWHERE
        if loop:
            self.continues[label] = _NOWHERE

    def block(self, stmt: Block) -> None:
        self.enter(stmt.label, loop=False)
        self.body(stmt.body)
        self.assigned &= self.breaks.pop(stmt.label)

    def loop(self, stmt: Loop) -> None:
        # What is assigned at the head is what is assigned before the loop: a back edge only adds to that.
        self.enter(stmt.label, loop=True)
        self.body(stmt.head)
        self.condition(stmt.cond, f"loop {stmt.label}")
        leaving = _NOWHERE if isinstance(stmt.cond, Const) and stmt.cond.value else self.assigned
        self.body(stmt.body)
        self.assigned &= self.continues.pop(stmt.label)
        # A Continue in the step would be one to itself, so the loop is no target for it here.
        self.body(stmt.step)
        self.assigned = leaving & self.breaks.pop(stmt.label)

    def leave(self, stmt: Break) -> None:
        if stmt.label not in self.breaks:
            raise self.fail(f"break to {stmt.label}, which isn't around it")
        self.breaks[stmt.label] &= self.assigned
        self.assigned = _NOWHERE

    def go_on(self, stmt: Continue) -> None:
        if stmt.label not in self.continues:
            raise self.fail(f"continue to {stmt.label}, which isn't a loop whose head or body is around it")
        self.continues[stmt.label] &= self.assigned
        self.assigned = _NOWHERE

    def results(self, stmt: Return) -> None:
        found = tuple([self.expr(value) for value in stmt.values])
        if found != self.function.results:
            raise self.fail(f"returns {found}, not {self.function.results}")
        self.assigned = _NOWHERE

    def fault(self, stmt: Fault) -> None:
        self.site(stmt.site, None, "fault")
        self.assigned = _NOWHERE

    # ---- expressions; each gives its type

    def expr(self, expr: Expr) -> Type:
        rule = _EXPRESSIONS.get(type(expr))
        if rule is None:
            raise self.fail(f"not an expression: {expr!r}")
        return rule(self, expr)

    def const(self, expr: Const) -> Type:
        if not held(expr.type, expr.value):
            raise self.fail(f"the constant {expr.value!r} isn't a value of {expr.type}")
        return expr.type

    def var(self, expr: Var) -> Type:
        if expr.type is not self.types.get(expr.name):
            raise self.fail(f"{expr.name} read as {expr.type} is {self.types.get(expr.name, 'not declared')}")
        if not self.assigned & self.bits[expr.name]:
            raise self.fail(f"{expr.name} may be read before it is assigned")
        return expr.type

    def op(self, expr: Op) -> Type:
        row = OPS.get(expr.op)
        found = [self.expr(arg) for arg in expr.args]
        if row is None:
            raise self.fail(f"no op {expr.op}")
        if len(found) != row.arity:
            raise self.fail(f"{expr.op} of {len(found)} operands")
        type_ = main_type(expr)
        form = row.forms.get(type_.code)
        if form is None or form[0] != tuple(found):
            raise self.fail(f"{expr.op} of {found}")
        if expr.type is not form[1]:
            raise self.fail(f"{expr.op} of {found} is typed {expr.type}")
        exception = row.fault(type_)
        if exception is not None:
            self.site(expr.site, exception, expr.op)
        elif expr.site is not None:
            raise self.fail(f"{expr.op} of {type_} has a site but can't fault")
        return expr.type

    def cast(self, expr: Cast) -> Type:
        self.expr(expr.arg)
        if expr.site is not None:
            if not expr.type.is_integer:
                raise self.fail(f"a checked cast to {expr.type}")
            self.site(expr.site, "OverflowError", "a checked cast")
        return expr.type

    def table(self, expr: Load | Dim) -> Table:
        table = self.tables.get(expr.table)
        if table is None:
            raise self.fail(f"no table {expr.table}")
        return table

    def load(self, expr: Load) -> Type:
        table = self.table(expr)
        if expr.type is not table.type:
            raise self.fail(f"{expr.table} of {table.type} is read as {expr.type}")
        if len(expr.index) != table.ndim:
            raise self.fail(f"{expr.table} of {table.ndim} axes has {len(expr.index)} indices")
        for index in expr.index:
            if self.expr(index) is not INT64:
                raise self.fail(f"an index of {expr.table} is {index.type}")
        self.site(expr.site, "IndexError", f"{expr.table}[]")
        return expr.type

    def dim(self, expr: Dim) -> Type:
        if expr.type is not INT64:
            raise self.fail(f"a length of {expr.table} is typed {expr.type}")
        if not 0 <= expr.axis < self.table(expr).ndim:
            raise self.fail(f"{expr.table} has no axis {expr.axis}")
        return expr.type


_STATEMENTS: Final[dict[type[Any], Callable[[_Checker, Any], None]]] = {
    Assign: _Checker.assign,
    If: _Checker.branch,
    Block: _Checker.block,
    Loop: _Checker.loop,
    Break: _Checker.leave,
    Continue: _Checker.go_on,
    Return: _Checker.results,
    Fault: _Checker.fault,
}
_EXPRESSIONS: Final[dict[type[Any], Callable[[_Checker, Any], Type]]] = {
    Const: _Checker.const,
    Var: _Checker.var,
    Op: _Checker.op,
    Cast: _Checker.cast,
    Load: _Checker.load,
    Dim: _Checker.dim,
}
