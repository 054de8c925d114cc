"""Random functions of the IR, well-typed and ending, and arguments for them.

Everything is drawn from a `random.Random`, so that a seed names a function. Loops have a bounded number of trips, most
divisors and indices are made safe, and what remains faults on some elements.
"""

import math
import random
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

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
    Site,
    Stmt,
    Table,
    Var,
)
from hybrid_rs.ir.ops import OPS, held, main_type
from hybrid_rs.ir.reference import Faulted, run
from hybrid_rs.ir.types import ALL, BOOL, INT64, Type, named
from hybrid_rs.ir.walk import variables

UINT32 = named("uint32")
Body = tuple[Stmt, ...]


def constant(rng: random.Random, type_: Type) -> float:
    """Draw a value of a type: extremes, small ones, and any."""
    if type_ is BOOL:
        return rng.random() < 0.5
    if type_.is_integer:
        special = [type_.low, type_.low + 1, type_.high, type_.high - 1, 0, 1, 2, max(type_.low, -1), type_.bits]
        return rng.choice([rng.choice(special), rng.randint(max(type_.low, -9), 9), rng.randint(type_.low, type_.high)])
    limits = np.finfo(type_.name)
    special_floats = [
        0.0, -0.0, 1.0, -1.0, 0.5, 2.5, math.inf, -math.inf, math.nan, 2.0**31, -(2.0**31), 2.0**63, 2.0**64,
        float(limits.max), -float(limits.max), float(limits.tiny), float(limits.smallest_subnormal), float(limits.eps),
    ]  # fmt: skip
    any_float = rng.uniform(-1, 1) * 2.0 ** rng.uniform(-10, 40)
    with np.errstate(over="ignore"):
        drawn = rng.choice([rng.choice(special_floats), round(rng.uniform(-9, 9) * 4) / 4, any_float])
        return float(np.dtype(type_.name).type(drawn))


def table(rng: random.Random, param: Table, longest: int = 6) -> NDArray[Any]:
    """Draw a table; its axes may be empty."""
    shape = tuple(rng.choice([0, *range(1, longest + 1)]) if rng.random() < 0.1 else longest for _ in range(param.ndim))
    cells = [constant(rng, param.type) for _ in range(math.prod(shape))]
    return np.array(cells, dtype=param.type.name).reshape(shape)


def arguments(rng: random.Random, function: Function, count: int) -> tuple[list[NDArray[Any]], list[NDArray[Any]]]:
    """Draw a column of values for each scalar parameter, and the tables."""
    columns = [
        np.array([constant(rng, param.type) for _ in range(count)], dtype=param.type.name)
        for param in function.params
        if isinstance(param, Param)
    ]
    return columns, [table(rng, param) for param in function.params if isinstance(param, Table)]


def outcomes(function: Function, columns: list[Any], tables: list[Any], limit: int | None) -> list[Any]:
    """Compute each element: its results' text, which tells zeros apart, or its fault's site."""
    found: list[Any] = []
    for row in zip(*[column.tolist() for column in columns], strict=True):
        scalars, arrays = iter(row), iter(tables)
        args = [next(scalars) if isinstance(param, Param) else next(arrays) for param in function.params]
        try:
            found.append(repr(run(function, args, limit)))
        except Faulted as fault:
            found.append(fault.site)
    return found


def generate(
    rng: random.Random,
    *,
    size: int = 12,
    faults: float = 0.1,
    opaque: bool = False,
    types: tuple[Type, ...] = ALL,
) -> Function:
    """Draw a function.

    Args:
        rng: What decides.
        size: About how many statements it has.
        faults: How often a place that could fault is left so.
        opaque: Whether elementary functions may occur.
        types: The types of its parameters and of most of its locals.
    """
    return _Generator(rng, size, faults, opaque, types).function()


class _Generator:
    def __init__(self, rng: random.Random, size: int, faults: float, opaque: bool, types: tuple[Type, ...]) -> None:
        self.rng, self.left, self.faults, self.types = rng, size, faults, types
        self.rows = [row for row in OPS.values() if opaque or not row.opaque or row.name == "pow"]
        self.float_pow = opaque
        self.sites = [Site("RuntimeError", "more steps than max_steps allows", "random.py", 1)]
        self.params: list[Param | Table] = []
        self.locals: list[Param] = []
        self.tables: list[Table] = []
        # The variables that may be read here; None where no path leads.
        self.assigned: set[str] | None = set()
        self.kinds: dict[str, Type] = {}
        self.counters: set[str] = set()
        self.labels: list[tuple[str, bool]] = []
        # What says that loops go on, while their heads are drawn.
        self.heads: dict[str, Expr] = {}
        self.breaks: dict[str, list[set[str]]] = {}
        self.count = 0
        self.seen: list[Expr] = []

    def chance(self, probability: float) -> bool:
        return self.rng.random() < probability

    def name(self, stem: str) -> str:
        self.count += 1
        return f"{stem}{self.count}"

    def site(self, exception: str) -> int:
        self.sites.append(Site(exception, f"text of {exception}", "random.py", len(self.sites) + 1))
        return len(self.sites) - 1

    def local(self, type_: Type, stem: str = "v") -> str:
        name = self.name(stem)
        self.locals.append(Param(name, type_))
        self.kinds[name] = type_
        return name

    def function(self) -> Function:
        for _ in range(self.rng.randint(1, 4)):
            param = Param(self.name("p"), self.rng.choice(self.types))
            self.params.append(param)
            self.kinds[param.name] = param.type
        self.assigned = set(self.kinds)
        for _ in range(self.rng.choice([0, 0, 1, 2])):
            self.tables.append(Table(self.name("t"), self.rng.choice(self.types), self.rng.choice([1, 1, 2, 3])))
            self.params.insert(self.rng.randint(0, len(self.params)), self.tables[-1])
        self.results = tuple(self.rng.choice(self.types) for _ in range(self.rng.choice([1, 1, 1, 2, 3])))
        for _ in range(self.rng.randint(2, 5)):
            self.local(self.rng.choice(self.types))
        body: list[Stmt] = []
        for _ in range(self.rng.randint(0, 3)):
            body += self.assign()
        while self.left > 0 and self.assigned is not None:
            body += self.statement(0)
        if self.assigned is not None:
            body.append(self.results_statement())
        return Function(
            "random",
            tuple(self.params),
            tuple(self.locals),
            self.results,
            tuple(body),
            tuple(self.sites),
            0,
        )

    # ---- statements

    def body(self, depth: int, longest: int = 4) -> Body:
        found: list[Stmt] = []
        for _ in range(self.rng.randint(0, longest)):
            if self.assigned is None and not self.chance(0.2):
                break
            unreachable = self.assigned is None
            found += self.assign() if unreachable else self.statement(depth)
            if unreachable:
                self.assigned = None
        return tuple(found)

    def statement(self, depth: int) -> list[Stmt]:
        self.left -= 1
        kinds: list[tuple[float, Callable[[int], list[Stmt]]]] = [(8, lambda _depth: self.assign())]
        if depth < 4:
            kinds += [(3, self.branch), (0.8, self.block), (1.5 if depth < 3 else 0.3, self.loop)]
        if depth > 0:
            kinds += [
                (0.4, lambda _depth: [self.results_statement()]),
                (2 * self.faults, lambda _depth: [self.fault()]),
            ]
        if self.labels:
            kinds.append((1.5, lambda _depth: [self.leave()]))
        (kind,) = self.rng.choices([kind for _, kind in kinds], [weight for weight, _ in kinds])
        return kind(depth)

    def assign(self) -> list[Stmt]:
        targets = [local for local in self.locals if local.name not in self.counters]
        target = self.rng.choice(targets)
        value = self.expr(target.type, 3)
        if self.assigned is not None:
            self.assigned.add(target.name)
        return [Assign(target.name, value)]

    def branch(self, depth: int) -> list[Stmt]:
        cond = self.expr(BOOL, 2)
        before = self.here()
        then = self.body(depth + 1)
        after, self.assigned = self.assigned, before
        orelse = self.body(depth + 1) if self.chance(0.5) else ()
        self.join(after)
        return [If(cond, then, orelse)]

    def block(self, depth: int) -> list[Stmt]:
        label = self.name("B")
        self.labels.append((label, False))
        self.breaks[label] = []
        body = self.body(depth + 1)
        self.labels.pop()
        for state in self.breaks.pop(label):
            self.join(state)
        return [Block(label, body)]

    def loop(self, depth: int) -> list[Stmt]:
        """Draw a loop of a bounded number of trips: a counter that nothing else touches runs down to 0."""
        label, counter = self.name("L"), self.local(UINT32, "n")
        self.counters.add(counter)
        trips: Expr = Const(UINT32, self.rng.randint(0, 6))
        if self.chance(0.6):
            trips = Op("and", UINT32, (self.expr(UINT32, 2), Const(UINT32, self.rng.choice([1, 3, 7]))))
        found: list[Stmt] = [Assign(counter, trips)]
        self.here().add(counter)
        more: Expr = Op("ne", BOOL, (Var(counter, UINT32), Const(UINT32, 0)))
        down = Assign(counter, Op("sub", UINT32, (Var(counter, UINT32), Const(UINT32, 1))))
        self.labels.append((label, True))
        self.breaks[label] = []
        before = self.here()
        self.heads[label] = more
        head = self.body(depth + 2, 2) if self.chance(0.3) else ()
        del self.heads[label]
        if self.assigned is None:  # nothing behind a head that always leaves
            head, self.assigned = (), set(before)
        body: Body = ()
        endless = self.chance(0.15)
        if endless:
            body = (If(Op("not", BOOL, (more,)), (Break(label),), ()),)
            self.breaks[label].append(self.here())
            more = Const(BOOL, True)
        elif self.chance(0.3):
            more = Op("and", BOOL, (more, self.expr(BOOL, 2)))
        leaving = None if endless else self.here()
        body += self.body(depth + 1)
        # A Continue in the head or body may come with less assigned, so the step reads what the loop began with.
        self.assigned = set(before)
        self.labels.pop()
        step = (*(self.assign() if self.chance(0.3) else []), down)
        self.assigned = leaving
        for state in self.breaks.pop(label):
            self.join(state)
        return [*found, Loop(label, head, more, body, step)]

    def here(self) -> set[str]:
        """Copy what may be read here."""
        return set(self.assigned or ())

    def join(self, other: set[str] | None) -> None:
        if self.assigned is None or other is None:
            self.assigned = other if self.assigned is None else self.assigned
        else:
            self.assigned = self.assigned & other

    def leave(self) -> Stmt:
        label, loop = self.rng.choice(self.labels)
        if loop and self.chance(0.5):
            if label in self.heads:
                # The loop's condition isn't asked behind this, so that the counter has to be.
                return If(self.heads[label], (Continue(label),), ())
            self.assigned = None
            return Continue(label)
        self.breaks[label].append(self.here())
        self.assigned = None
        return Break(label)

    def results_statement(self) -> Stmt:
        values = tuple(self.expr(type_, 2) for type_ in self.results)
        self.assigned = None
        return Return(values)

    def fault(self) -> Stmt:
        self.assigned = None
        return Fault(self.site(self.rng.choice(["ValueError", "AssertionError"])))

    # ---- expressions

    def expr(self, type_: Type, depth: int) -> Expr:
        assigned = self.assigned or set()
        if self.chance(0.15):
            again = [e for e in self.seen if e.type is type_ and assigned.issuperset(variables(e))]
            if again:
                return self.rng.choice(again)
        if depth == 0 or self.chance(0.2):
            return self.leaf(type_, assigned)
        found = self.cast(type_, depth) if self.chance(0.12) else self.op(type_, depth)
        if self.tables and self.chance(0.1):
            found = self.load(type_, depth) or found
        self.seen.append(found)
        return found

    def leaf(self, type_: Type, assigned: set[str]) -> Expr:
        names = [name for name in sorted(assigned) if self.kinds[name] is type_]
        if names and self.chance(0.75):
            return Var(self.rng.choice(names), type_)
        if type_ is INT64 and self.tables and self.chance(0.2):
            table_ = self.rng.choice(self.tables)
            return Dim(table_.name, self.rng.randrange(table_.ndim), INT64)
        if assigned and self.chance(0.5):
            name = self.rng.choice(sorted(assigned))
            return Cast(type_, Var(name, self.kinds[name]))
        drawn = Const(type_, constant(self.rng, type_))
        assert held(type_, drawn.value)
        return drawn

    def op(self, type_: Type, depth: int) -> Expr:
        choices = []
        for row in self.rows:
            for main in row.types:
                if row.forms[main.code][1] is type_ and (row.name != "pow" or main.is_integer or self.float_pow):
                    choices.append((row, main))
        # One of each name first: comparisons exist for all types, and would be most of what bools are made of.
        name = self.rng.choice(sorted({row.name for row, _ in choices}))
        if OPS[name].faults and self.chance(0.9 - 2 * self.faults if name.endswith("_checked") else 0.3):
            name = self.rng.choice(sorted({row.name for row, main in choices if not row.fault(main)}))
        row, main = self.rng.choice([choice for choice in choices if choice[0].name == name])
        args = [self.expr(operand, depth - 1) for operand in row.forms[main.code][0]]
        exception = row.fault(main)
        if exception == "ZeroDivisionError" and not self.chance(self.faults):
            args[1] = self.divisor(main, args[1])
        if exception == "ValueError" and not self.chance(self.faults):
            args[1] = Op("and", main, (args[1], Const(main, 7)))
        found = Op(name, type_, tuple(args), self.site(exception) if exception else None)
        assert main_type(found) is main
        return found

    def divisor(self, type_: Type, drawn: Expr) -> Expr:
        if self.chance(0.5):
            value = constant(self.rng, type_)
            return Const(type_, value or 1)
        return Op("or", type_, (drawn, Const(type_, 1)))

    def cast(self, type_: Type, depth: int) -> Expr:
        checked = type_.is_integer and self.chance(2 * self.faults)
        site = self.site("OverflowError") if checked else None
        return Cast(type_, self.expr(self.rng.choice(ALL), depth - 1), site)

    def load(self, type_: Type, depth: int) -> Expr | None:
        tables = [table_ for table_ in self.tables if table_.type is type_]
        if not tables:
            return None
        table_ = self.rng.choice(tables)
        index = []
        for axis in range(table_.ndim):
            place = self.expr(INT64, depth - 1)
            if not self.chance(self.faults):
                length = Op("max", INT64, (Dim(table_.name, axis, INT64), Const(INT64, 1)))
                place = Op("mod", INT64, (place, length), self.site("ZeroDivisionError"))
            index.append(place)
        return Load(table_.name, type_, tuple(index), self.site("IndexError"))
