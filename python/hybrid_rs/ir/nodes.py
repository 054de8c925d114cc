"""What a function is made of; `docs/design/006-kernel-language.md` gives the meaning. Nodes don't change once made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from hybrid_rs.ir.types import Type

__all__ = [
    "Assign",
    "Block",
    "Break",
    "Cast",
    "Const",
    "Continue",
    "Dim",
    "Expr",
    "Fault",
    "Function",
    "If",
    "Load",
    "Loop",
    "Op",
    "Param",
    "Return",
    "Site",
    "Stmt",
    "Table",
    "Var",
]


@dataclass(frozen=True, slots=True)
class Const:
    """A value: an int in the type's range, a bool, or a float (of float32 one that it holds exactly)."""

    type: Type
    value: float


@dataclass(frozen=True, slots=True)
class Var:
    """The value of a parameter or local."""

    name: str
    type: Type


@dataclass(frozen=True, slots=True)
class Op:
    """An op of the table on operands, evaluated from left to right. `site` says which fault it may raise."""

    op: str
    type: Type
    args: tuple[Expr, ...]
    site: int | None = None


@dataclass(frozen=True, slots=True)
class Cast:
    """A conversion to `type`; one that is checked faults at `site` where the value doesn't fit."""

    type: Type
    arg: Expr
    site: int | None = None


@dataclass(frozen=True, slots=True)
class Load:
    """A table's element; int64 indices, one for each axis; negative ones count from the end; others fault at `site`."""

    table: str
    type: Type
    index: tuple[Expr, ...]
    site: int


@dataclass(frozen=True, slots=True)
class Dim:
    """The length of a table's axis, an int64."""

    table: str
    axis: int
    type: Type


Expr: TypeAlias = Const | Var | Op | Cast | Load | Dim


@dataclass(frozen=True, slots=True)
class Assign:
    """Stores a value of the local's type."""

    target: str
    value: Expr


@dataclass(frozen=True, slots=True)
class If:
    """Runs one of two bodies; `cond` is a bool."""

    cond: Expr
    then: tuple[Stmt, ...]
    orelse: tuple[Stmt, ...]


@dataclass(frozen=True, slots=True)
class Block:
    """Runs `body` once; ``Break(label)`` leaves it."""

    label: str
    body: tuple[Stmt, ...]


@dataclass(frozen=True, slots=True)
class Loop:
    """``while True: head; if not cond: break; body; step``.

    ``Break(label)`` leaves it, ``Continue(label)`` goes on with `step`. Going from `step` back to `head` is the back
    edge that counts as a step of the element.
    """

    label: str
    head: tuple[Stmt, ...]
    cond: Expr
    body: tuple[Stmt, ...]
    step: tuple[Stmt, ...]


@dataclass(frozen=True, slots=True)
class Break:
    """Leaves the block or loop of that label."""

    label: str


@dataclass(frozen=True, slots=True)
class Continue:
    """Goes on with the step of the loop of that label."""

    label: str


@dataclass(frozen=True, slots=True)
class Return:
    """Ends the element with its results."""

    values: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Fault:
    """Ends the element with a fault."""

    site: int


Stmt: TypeAlias = Assign | If | Block | Loop | Break | Continue | Return | Fault


@dataclass(frozen=True, slots=True)
class Param:
    """A scalar parameter; never assigned to."""

    name: str
    type: Type


@dataclass(frozen=True, slots=True)
class Table:
    """A table parameter: an array of `ndim` axes, passed whole."""

    name: str
    type: Type
    ndim: int


@dataclass(frozen=True, slots=True)
class Site:
    """A place that can fault."""

    exception: str
    """The name of a built-in exception."""
    message: str
    file: str
    line: int


@dataclass(frozen=True, slots=True)
class Function:
    """A kernel for one choice of types. Scalars and tables are in the order of the arguments, captured tables last."""

    name: str
    params: tuple[Param | Table, ...]
    locals: tuple[Param, ...]
    results: tuple[Type, ...]
    body: tuple[Stmt, ...]
    sites: tuple[Site, ...]
    steps_site: int
    """The site of the fault that ends an element which takes more steps than `max_steps`."""
