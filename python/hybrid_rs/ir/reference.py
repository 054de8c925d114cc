"""The reference interpreter: what a kernel means, one element at a time. Every engine is held against it.

It goes over the tree and takes each op's meaning from its row. It is slow and means to be plain.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias

from hybrid_rs.ir import floats, ops
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

__all__ = ["Faulted", "run", "run_batch"]

POLL_ELEMENTS: Final = 256
"""Elements between two polls: below a millisecond for small kernels."""
POLL_STEPS: Final = 10_000
"""Back edges between two polls: some ten milliseconds."""

Value: TypeAlias = float
Values: TypeAlias = tuple[Value, ...]
# How a statement ended: None goes on with the next one; a Break or Continue looks for its label; values are results.
Outcome: TypeAlias = Break | Continue | Values | None
Env: TypeAlias = dict[str, Value]
Execute: TypeAlias = Callable[[Env], Outcome]
Evaluate: TypeAlias = Callable[[Env], Value]


class Faulted(Exception):  # noqa: N818 - a fault, which is no error of hybrid_rs
    """An element ended with a fault.

    Attributes:
        site: The fault's place in `Function.sites`.
        index: The element's index in its batch; None for a single one.
    """

    def __init__(self, site: int, index: int | None = None) -> None:
        """Keep the site and the index."""
        super().__init__(site, index)
        self.site = site
        self.index = index


def run(function: Function, args: Sequence[Any], max_steps: int | None = None) -> Values:
    """Compute one element.

    Args:
        function: A verified function.
        args: One value for each parameter in order: ints, bools and floats of the parameter's type; tables are NumPy
            arrays or nested tuples.
        max_steps: How many back edges the element may take; None for any number.

    Returns:
        The results; nans are canonical.

    Raises:
        Faulted: The element ended with a fault.
    """
    scalars = [arg for param, arg in zip(function.params, args, strict=True) if isinstance(param, Param)]
    tables = [arg for param, arg in zip(function.params, args, strict=True) if isinstance(param, Table)]
    return _Machine(function, tables, max_steps, lambda: None).element(scalars)


def run_batch(
    function: Function,
    inputs: Sequence[Any],
    tables: Sequence[Any],
    outputs: Sequence[Any],
    ok: Any | None,
    max_steps: int | None,
    poll: Callable[[int], object],
) -> None:
    """Compute a batch in order of the elements.

    Args:
        function: A verified function.
        inputs: For each scalar parameter a 1-d array of n elements, or one scalar; of the parameters' dtypes.
        tables: For each table parameter its array.
        outputs: For each result a writable 1-d array of n elements. Faulted elements keep what is there.
        ok: An array of n bools that says which elements didn't fault, or None: then the first fault ends the batch.
        max_steps: How many back edges an element may take; None for any number.
        poll: Called with the number of finished elements every 256 elements and every 10,000 back edges. What it raises
            ends the batch.

    Raises:
        Faulted: With `ok` None, for the lowest element that faults; all below it are computed.
    """
    done, count = 0, len(outputs[0])
    machine = _Machine(function, tables, max_steps, lambda: poll(done))
    for begin in range(0, count, POLL_ELEMENTS):
        poll(done)
        end = min(begin + POLL_ELEMENTS, count)
        columns = [_cells(values, begin, end) for values in inputs]
        for row in range(end - begin):
            done = begin + row
            try:
                results = machine.element([column[row] for column in columns])
            except Faulted as fault:
                if ok is None:
                    raise Faulted(fault.site, done) from None
                ok[done] = False
                continue
            for output, value in zip(outputs, results, strict=True):
                output[done] = value
            if ok is not None:
                ok[done] = True
        done = end
    poll(done)


def _cells(values: Any, begin: int, end: int) -> list[Value]:
    """Give some elements as Python numbers."""
    if getattr(values, "ndim", 0) == 0:
        return [values.item() if hasattr(values, "item") else values] * (end - begin)
    return values[begin:end].tolist()  # type: ignore[no-any-return]


class _Machine:
    """Runs elements of one function, one after the other.

    Each node is turned once into a Python function of the element's variables, which saves looking at the tree again
    and again: `statement` and `value` do it, and have one method for each kind of node.
    """

    def __init__(
        self, function: Function, tables: Sequence[Any], max_steps: int | None, poll: Callable[[], object]
    ) -> None:
        self.names = [param.name for param in function.params if isinstance(param, Param)]
        kinds = [param for param in function.params if isinstance(param, Table)]
        self.tables = {param.name: table for param, table in zip(kinds, tables, strict=True)}
        self.shapes = {param.name: _shape(self.tables[param.name], param.ndim) for param in kinds}
        self.steps_site = function.steps_site
        self.max_steps = max_steps
        self.poll = poll
        self.steps = 0
        self.edges = 0
        self.body = self.sequence(function.body)

    def element(self, values: Sequence[Value]) -> Values:
        """Compute one element."""
        self.steps = 0
        outcome = self.body(dict(zip(self.names, values, strict=True)))
        assert isinstance(outcome, tuple), "every path of a verified function ends in Return or Fault"
        return outcome

    def back_edge(self) -> None:
        """Count a step."""
        self.steps += 1
        if self.max_steps is not None and self.steps > self.max_steps:
            raise Faulted(self.steps_site)
        self.edges += 1
        if self.edges % POLL_STEPS == 0:
            self.poll()

    # ---- statements

    def statement(self, stmt: Stmt) -> Execute:
        return _STATEMENTS[type(stmt)](self, stmt)

    def sequence(self, body: tuple[Stmt, ...]) -> Execute:
        steps = [self.statement(stmt) for stmt in body]

        def execute(env: Env) -> Outcome:
            for step in steps:
                outcome = step(env)
                if outcome is not None:
                    return outcome
            return None

        return execute

    def assign(self, stmt: Assign) -> Execute:
        target, value = stmt.target, self.value(stmt.value)

        def execute(env: Env) -> Outcome:
            env[target] = value(env)
            return None

        return execute

    def branch(self, stmt: If) -> Execute:
        cond, then, orelse = self.value(stmt.cond), self.sequence(stmt.then), self.sequence(stmt.orelse)
        return lambda env: then(env) if cond(env) else orelse(env)

    def block(self, stmt: Block) -> Execute:
        body = self.sequence(stmt.body)

        def execute(env: Env) -> Outcome:
            outcome = body(env)
            return None if isinstance(outcome, Break) and outcome.label == stmt.label else outcome

        return execute

    def loop(self, stmt: Loop) -> Execute:
        head, cond = self.sequence(stmt.head), self.value(stmt.cond)
        body, step = self.sequence(stmt.body), self.sequence(stmt.step)

        def execute(env: Env) -> Outcome:
            while True:
                outcome = head(env)
                if outcome is None:
                    if not cond(env):
                        return None
                    outcome = body(env)
                if outcome is None or (isinstance(outcome, Continue) and outcome.label == stmt.label):
                    outcome = step(env)
                if outcome is not None:
                    return None if isinstance(outcome, Break) and outcome.label == stmt.label else outcome
                self.back_edge()

        return execute

    def leave(self, stmt: Break | Continue) -> Execute:
        return lambda _env: stmt

    def results(self, stmt: Return) -> Execute:
        values = [self.value(value) for value in stmt.values]
        return lambda env: tuple([floats.canonical(value(env)) for value in values])

    def fault(self, stmt: Fault) -> Execute:
        def execute(_env: Env) -> Outcome:
            raise Faulted(stmt.site)

        return execute

    # ---- expressions

    def value(self, expr: Expr) -> Evaluate:
        return _EXPRESSIONS[type(expr)](self, expr)

    def const(self, expr: Const) -> Evaluate:
        return lambda _env: expr.value

    def var(self, expr: Var) -> Evaluate:
        name = expr.name
        return lambda env: env[name]

    def op(self, expr: Op) -> Evaluate:
        function, type_ = ops.OPS[expr.op].function, ops.main_type(expr)
        args = [self.value(arg) for arg in expr.args]
        return _faulting(lambda env: function(type_, *[arg(env) for arg in args]), expr.site)

    def cast(self, expr: Cast) -> Evaluate:
        source, target, arg = expr.arg.type, expr.type, self.value(expr.arg)
        convert = ops.convert if expr.site is None else ops.convert_checked
        return _faulting(lambda env: convert(source, target, arg(env)), expr.site)

    def load(self, expr: Load) -> Evaluate:
        table, shape = self.tables[expr.table], self.shapes[expr.table]
        indices = [self.value(index) for index in expr.index]

        def evaluate(env: Env) -> Value:
            places = []
            for index, length in zip([int(index(env)) for index in indices], shape, strict=True):
                place = index + length if index < 0 else index
                if not 0 <= place < length:
                    raise Faulted(expr.site)
                places.append(place)
            return _item(table, places)

        return evaluate

    def dim(self, expr: Dim) -> Evaluate:
        length = self.shapes[expr.table][expr.axis]
        return lambda _env: length


def _faulting(evaluate: Evaluate, site: int | None) -> Evaluate:
    """Give the faults of an op its site."""
    if site is None:
        return evaluate

    def with_site(env: Env) -> Value:
        try:
            return evaluate(env)
        except ops.OpFault:
            raise Faulted(site) from None

    return with_site


def _shape(table: Any, ndim: int) -> tuple[int, ...]:
    """Give the lengths of a table's axes; of nested tuples an axis behind an empty one has length 0."""
    if hasattr(table, "shape"):
        return tuple(table.shape)
    shape: list[int] = []
    for _ in range(ndim):
        shape.append(len(table))
        table = table[0] if table else ()
    return tuple(shape)


def _item(table: Any, places: list[int]) -> Value:
    if hasattr(table, "item"):
        return table.item(*places)  # type: ignore[no-any-return]
    for place in places:
        table = table[place]
    return table  # type: ignore[no-any-return]


_STATEMENTS: Final[dict[type[Any], Callable[[_Machine, Any], Execute]]] = {
    Assign: _Machine.assign,
    If: _Machine.branch,
    Block: _Machine.block,
    Loop: _Machine.loop,
    Break: _Machine.leave,
    Continue: _Machine.leave,
    Return: _Machine.results,
    Fault: _Machine.fault,
}
_EXPRESSIONS: Final[dict[type[Any], Callable[[_Machine, Any], Evaluate]]] = {
    Const: _Machine.const,
    Var: _Machine.var,
    Op: _Machine.op,
    Cast: _Machine.cast,
    Load: _Machine.load,
    Dim: _Machine.dim,
}
