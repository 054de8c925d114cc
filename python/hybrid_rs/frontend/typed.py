"""What goes into `lower` and what comes out of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from hybrid_rs.ir.nodes import Function
from hybrid_rs.ir.types import Type

__all__ = ["MISSING", "Arg", "Guard", "TableArg", "Typed"]


class _Missing:
    """The type of `MISSING`."""

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = _Missing()
"""What a guard expects of a key that isn't there."""


@dataclass(frozen=True, slots=True)
class Arg:
    """The type of a scalar argument; `weak` for a Python int or float."""

    type: Type
    weak: bool = False


@dataclass(frozen=True, slots=True)
class TableArg:
    """The type of a table's elements, and how many axes it has."""

    type: Type
    ndim: int


@dataclass(frozen=True, slots=True)
class Guard:
    """Something that a kernel captured. It still holds if `container` has `expected` under `name`.

    `container` is a dict, or an object that has the attribute.
    """

    container: object
    name: str
    expected: object


@dataclass(frozen=True, slots=True)
class Typed:
    """A kernel lowered for one choice of argument types."""

    function: Function
    guards: tuple[Guard, ...]
    casts: tuple[tuple[int, Type], ...]
    """(argument, integer type): the weak argument's value must fit the type, or the call is an OverflowError."""
    captured: tuple[Guard, ...]
    """Captured arrays, in the order of the tables that follow the arguments in ``function.params``. The one found
    at the call is to be passed; it must have the expected one's dtype and number of axes."""
