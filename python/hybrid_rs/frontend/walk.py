"""The state of one walk over a kernel, and what every construct needs from it: types, temporaries, sites, errors."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable
from typing import Final, TypeVar

from hybrid_rs.errors import CompileError
from hybrid_rs.frontend.capture import Guards
from hybrid_rs.frontend.convert import convert, settle
from hybrid_rs.frontend.errors import located
from hybrid_rs.frontend.frame import Frame
from hybrid_rs.frontend.kernel_source import Source
from hybrid_rs.frontend.typed import Arg, Guard, TableArg
from hybrid_rs.frontend.types import CONFLICT, Join, bit_of, join
from hybrid_rs.frontend.values import Operand, Table, Tuple, Value, describe
from hybrid_rs.ir import nodes as ir
from hybrid_rs.ir.types import Type

__all__ = ["Session", "Walk"]

_DEEPEST: Final = 40
"""Expressions deeper than this are cut by a temporary, so that no later walk over them runs out of stack."""

T = TypeVar("T")


def _mend(type_: Type, given: Type) -> str:
    """Say how values of two types that have no join may go into one variable."""
    if "b" in (type_.kind, given.kind):
        return "bool(...) or int(...) around one of the values, or another variable: bool mixes with no number"
    return "np.uint64(...) around every value that is signed, or another variable: uint64 mixes with no signed integer"


class Session:
    """What stays from walk to walk of one lowering.

    A walk lowers the whole kernel with the variables' types that the walk before it found, and finds them anew. When it
    finds what it assumed, it is the last.
    """

    def __init__(
        self, source: Source, args: tuple[Arg | TableArg, ...], *, checked: bool, results: tuple[Type, ...] | None
    ) -> None:
        """Begin with no types known."""
        self.source = source
        self.args = args
        self.checked = checked
        self.results = results
        self.assumed: dict[str, Join] = {}
        self.pinned = False
        """Whether variables that only weak numbers are assigned to have become int64 or float64."""
        self.cumulative: dict[str, int] | None = None
        """Once walks don't settle by themselves: all types ever found, so that they only go up."""
        self._instances: dict[tuple[int, int], int] = {}

    def instance(self, parent: int, call: ast.AST) -> int:
        """Return the number of a call that is inlined; the same in each walk."""
        return self._instances.setdefault((parent, id(call)), len(self._instances) + 1)


class Walk:
    """One walk."""

    def __init__(self, session: Session, frame: Frame) -> None:
        """Begin a walk in the kernel's frame."""
        self.session = session
        self.checked = session.checked
        self.frame = frame
        self.out: list[ir.Stmt] = []
        self.guards = Guards()
        self.captured: dict[tuple[int, str], tuple[Guard, Table]] = {}
        self.kernel_names = frame.definition.scan.stores | set(frame.definition.parameters)
        self.weak_arguments: dict[str, int] = {}
        self.casts: dict[tuple[int, Type], None] = {}
        self.temporaries: dict[str, Type] = {}
        self.error: CompileError | None = None
        self.too_large: CompileError | None = None
        self.endless: CompileError | None = None
        """About a loop that nothing leaves; an error if the kernel has no return before it."""
        self.calls = 0
        """How many calls were inlined."""
        self.nodes = 0
        """How many ops and casts were made."""
        self._masks: dict[str, int] = dict(session.cumulative or ())
        self._used: dict[str, Join] = {}
        self._sites: dict[ir.Site, int] = {}
        self._labels = 0

    # ---- errors

    def fail(
        self, node: ast.AST | None, message: str, advice: str = "", types: Iterable[tuple[ast.expr, Operand]] = ()
    ) -> CompileError:
        """Make a located CompileError about the function that is being lowered."""
        frame = self.frame
        shown = dict.fromkeys(f"{frame.definition.text(at)} is {describe(operand)}" for at, operand in types)
        chain = []
        while frame.parent is not None and frame.call is not None:
            outer = frame.parent.definition
            chain.append((outer.name, outer.filename, outer.line(frame.call)))
            frame = frame.parent
        return located(self.frame.definition, node, message, advice, ", ".join(shown), chain)

    # ---- variables

    def read(self, name: str) -> Value:
        """Return the value of a variable, of the type that this walk takes it to have."""
        type_, weak = self._type(name)
        return Value(ir.Var(name, type_), type_, weak=weak)

    def assign(self, name: str, value: Value, node: ast.AST, what: str) -> None:
        """Assign to a variable, whose type becomes the join of all that is assigned to it."""
        value = settle(self, value, node)
        before = self._masks.get(name, 0)
        mask = before | value.bit
        found = join(mask)
        if found is CONFLICT:
            raise self.fail(
                node,
                f"incompatible types: {what} is {join(before)[0]}, and gets {describe(value)} here",
                _mend(join(before)[0], value.type),
            )
        self._masks[name] = mask
        type_ = self._type(name)
        if join(mask | (1 << type_[0].code))[0] is type_[0] or type_ == found:
            self.out.append(ir.Assign(name, convert(self, value, type_[0], node).expr))  # type: ignore[arg-type]

    def _type(self, name: str) -> Join:
        found = self._used.get(name)
        if found is None:
            found = self._used[name] = self._guess(name)
        return found

    def _guess(self, name: str) -> Join:
        """Return what the last walk found for a variable, or more if this one has seen more already."""
        assumed = self.session.assumed.get(name)
        if assumed is None:
            return self._final(name)
        mask = self._masks.get(name, 0) | bit_of(*assumed)
        found = join(mask)
        return assumed if found is CONFLICT else (found[0], found[1] and not self.session.pinned)

    def _final(self, name: str) -> Join:
        mask = self._masks.get(name)
        if mask is None:
            raise CompileError(f"{name} has no type yet")
        type_, weak = join(mask)
        return type_, weak and not self.session.pinned

    def types(self) -> dict[str, Join]:
        """Return the types of the variables that this walk found, in the order of their first assignment."""
        return {name: self._final(name) for name in self._masks}

    def masks(self) -> dict[str, int]:
        """Return all types assigned to each variable."""
        return self._masks

    def settled(self) -> bool:
        """Return whether every variable has the type that it was taken to have."""
        return all(self._final(name) == used for name, used in self._used.items() if name in self._masks)

    def read_weak(self) -> bool:
        """Return whether a variable was taken to be weak."""
        return any(weak for _, weak in self._used.values())

    # ---- statements and temporaries

    def temporary(self, type_: Type) -> str:
        """Make a temporary."""
        name = f"%{len(self.temporaries) + 1}"
        self.temporaries[name] = type_
        return name

    def named_temporary(self, name: str, type_: Type) -> str:
        """Make a local of a fixed type under a name that is free."""
        self.temporaries[name] = type_
        return name

    def counter(self, name: str, type_: Type) -> str:
        """Make the counter of a loop, named after its variable; a second loop of that variable has its own."""
        free, number = name, 1
        while free in self.temporaries:
            number += 1
            free = f"{name}:{number}"
        return self.named_temporary(free, type_)

    def label(self, word: str) -> str:
        """Make a label."""
        self._labels += 1
        return f"{word}{self._labels}"

    def spill(self, value: Value, at: int | None = None) -> Value:
        """Store a value in a temporary, at the end of the statements so far or at an earlier place."""
        assert value.expr is not None
        name = self.temporary(value.type)
        self.out.insert(len(self.out) if at is None else at, ir.Assign(name, value.expr))
        return Value(ir.Var(name, value.type), value.type, weak=value.weak)

    def once(self, value: Value) -> Value:
        """Return a value that may be used several times."""
        return value if value.expr is None or isinstance(value.expr, ir.Const | ir.Var) else self.spill(value)

    def apart(self, lower: Callable[[], T]) -> tuple[T, list[ir.Stmt]]:
        """Lower something with its statements set apart."""
        outer, self.out = self.out, []
        try:
            result = lower()
            return result, self.out
        finally:
            self.out = outer

    def in_order(self, lowered: list[Value | Table | Tuple], at: int) -> None:
        """Keep the order of faults: store what was lowered before the statements from a place on, if it can fault."""
        for place, value in enumerate(lowered):
            if isinstance(value, Value) and value.faults:
                lowered[place] = self.spill(value, at)
                at += 1

    def site(self, exception: str, message: str, node: ast.AST | None) -> int:
        """Return the number of a place that can fault."""
        definition = self.frame.definition
        line = definition.line(node if node is not None else definition.node)
        return self._sites.setdefault(ir.Site(exception, message, definition.filename, line), len(self._sites))

    def sites(self) -> tuple[ir.Site, ...]:
        """Return the sites."""
        return tuple(self._sites)

    # ---- values

    def op(
        self, op: str, type_: Type, args: tuple[Value, ...], *, site: int | None = None, weak: bool = False
    ) -> Value:
        """Make an op of operands that have the right types already."""
        self.nodes += 1
        depth, faults = 0, site is not None
        exprs = []
        for arg in args:
            depth = max(depth, arg.depth)
            faults = faults or arg.faults
            exprs.append(arg.expr)
        value = Value(ir.Op(op, type_, tuple(exprs), site), type_, weak=weak, faults=faults, depth=depth + 1)  # type: ignore[arg-type]
        return self.shallow(value)

    def shallow(self, value: Value) -> Value:
        """Return a value that isn't too deep, by way of a temporary where it is."""
        return self.spill(value) if value.depth > _DEEPEST else value

    def cast(self, value: Value, type_: Type, *, site: int | None = None) -> Value:
        """Make a cast, of a value that has an IR."""
        expr = value.expr
        assert expr is not None
        if isinstance(expr, ir.Cast) and expr.arg.type.kind == "b":
            expr = expr.arg  # a bool that went by int64
        if expr.type is type_:
            return Value(expr, type_, faults=value.faults, depth=value.depth)
        argument = self.weak_arguments.get(expr.name) if value.weak and isinstance(expr, ir.Var) else None
        if argument is not None and type_.is_integer and not value.type.is_float:
            self.casts.setdefault((argument, type_))
            site = None
        made = ir.Cast(type_, expr, site)
        return Value(made, type_, faults=value.faults or site is not None, depth=value.depth + 1)
