"""What an expression evaluates to while it is lowered."""

from __future__ import annotations

from typing import Final, TypeAlias

from hybrid_rs.frontend.types import bit_of
from hybrid_rs.ir.nodes import Const, Expr
from hybrid_rs.ir.types import BOOL, FLOAT64, INT64, Type

__all__ = ["Number", "Operand", "Table", "Tuple", "Value", "boolean", "cast_name", "describe", "literal", "strong"]


Number: TypeAlias = int | float
"""A Python number. For mypy a float may be an int only where that is said."""


class Value:
    """A number.

    Attributes:
        expr: Its IR; None for a weak number whose value is known.
        type: Its type; of a weak one int64 or float64.
        weak: Whether it takes the type of what it meets.
        known: The value of a weak number, if it is known while compiling: an int of any size, or a float.
        faults: Whether evaluating `expr` may fault.
        depth: How deep `expr` is.
    """

    __slots__ = ("depth", "expr", "faults", "known", "type", "weak")

    def __init__(
        self,
        expr: Expr | None,
        type_: Type,
        *,
        weak: bool = False,
        known: Number | None = None,
        faults: bool = False,
        depth: int = 0,
    ) -> None:
        """Make a value."""
        self.expr = expr
        self.type = type_
        self.weak = weak
        self.known = known
        self.faults = faults
        self.depth = depth

    @property
    def bit(self) -> int:
        """The bit of its type in the mask of a join."""
        return bit_of(self.type, self.weak)


class Tuple:
    """Several values: a tuple in the source, or what a helper or `divmod` gives."""

    __slots__ = ("items",)

    def __init__(self, items: tuple[Value, ...]) -> None:
        """Keep the values."""
        self.items = items


class Table:
    """A table parameter, or a captured array."""

    __slots__ = ("name", "ndim", "type")

    def __init__(self, name: str, type_: Type, ndim: int) -> None:
        """Keep its name in the IR, the elements' type and the number of axes."""
        self.name = name
        self.type = type_
        self.ndim = ndim


Operand: TypeAlias = Value | Tuple | Table

_TRUE: Final = Value(Const(BOOL, True), BOOL)
_FALSE: Final = Value(Const(BOOL, False), BOOL)


def boolean(value: object) -> Value:
    """Return a constant bool."""
    return _TRUE if value else _FALSE


def literal(value: Number) -> Value:
    """Return a weak number of a known value."""
    return Value(None, FLOAT64 if isinstance(value, float) else INT64, weak=True, known=value)


def strong(type_: Type, value: float) -> Value:
    """Return a constant of a type."""
    return Value(Const(type_, value), type_)


def describe(operand: Operand) -> str:
    """Say what type an operand has."""
    if isinstance(operand, Tuple):
        return f"a tuple of {len(operand.items)}"
    if isinstance(operand, Table):
        return f"a table of {operand.type} with {operand.ndim} ax{'i' if operand.ndim == 1 else 'e'}s"
    if not operand.weak:
        return operand.type.name
    number = "float" if operand.type is FLOAT64 else "int"
    if operand.known is not None:
        return f"a literal {number}"
    return f"a Python {number}"


def cast_name(type_: Type) -> str:
    """Return how a cast to a type is written; NumPy 1 has no `np.bool`."""
    return "np.bool_" if type_ is BOOL else f"np.{type_}"
