"""The function that is being lowered: the kernel, or a helper inlined into it."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field

from hybrid_rs.frontend.source import Definition
from hybrid_rs.frontend.values import Table, Value
from hybrid_rs.ir.types import Type

__all__ = ["Frame", "LoopFrame"]


@dataclass(slots=True)
class LoopFrame:
    """A loop around the statement that is being lowered."""

    label: str
    breaks: list[set[str]] = field(default_factory=list)
    """What was assigned at each break."""


class Frame:
    """One function.

    Attributes:
        definition: Its source.
        parent: The frame that it is called from.
        call: The call, in the parent's source.
        number: 0 for the kernel, else the call's own number.
        bound: Parameters that are never assigned to, and what they stand for.
        counters: The loop variables that are their loop's own counter, while in that loop.
        assigned: The variables that are surely assigned here; None where no path leads.
        maybe: The variables that were assigned on some path.
        loops: The loops around the current statement.
        exit: The label of the block that a helper's `return` leaves; None where a return is the last statement.
        count: How many values it returns; None while that isn't known. 0 for a helper that returns none.
        gives_tuple: Whether its returns give tuples.
        result: The value of the return that is a helper's last statement.
        declared: The types that a signature gives the results; None where there is none.
    """

    __slots__ = (
        "assigned",
        "bound",
        "call",
        "count",
        "counters",
        "declared",
        "definition",
        "exit",
        "gives_tuple",
        "loops",
        "maybe",
        "number",
        "parent",
        "result",
    )

    def __init__(
        self, definition: Definition, parent: Frame | None = None, call: ast.AST | None = None, number: int = 0
    ) -> None:
        """Begin a function."""
        self.definition = definition
        self.parent = parent
        self.call = call
        self.number = number
        self.bound: dict[str, Value | Table] = {}
        self.counters: dict[str, Value] = {}
        self.assigned: set[str] | None = set()
        self.maybe: set[str] = set()
        self.loops: list[LoopFrame] = []
        self.exit: str | None = None
        self.count: int | None = None
        self.gives_tuple = False
        self.result: tuple[Value, ...] | None = None
        self.declared: tuple[Type, ...] | None = None

    def variable(self, name: str) -> str:
        """Return the name in the IR of one of its variables."""
        if self.number:
            return f"{self.definition.name}.{name}.{self.number}"
        return f"{name}.local" if name in self.definition.parameters else name

    def returned(self, place: int) -> str:
        """Return the name in the IR of the variable that holds one of its results."""
        return f"{self.definition.name}.%{place + 1}.{self.number}" if self.number else f"%return{place + 1}"

    def chain(self) -> list[Definition]:
        """Return the functions that are being inlined, the kernel first."""
        found = self.parent.chain() if self.parent is not None else []
        return [*found, self.definition]
