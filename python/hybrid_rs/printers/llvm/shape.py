"""What values look like in LLVM: scalars, or vectors of one element for each lane."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from hybrid_rs.ir.types import BOOL, Type

__all__ = ["LANGUAGE", "Shape", "Value", "number", "scalar"]

LANGUAGE: Final = ("i1", "i8", "i16", "i32", "i64", "i8", "i16", "i32", "i64", "float", "double")
"""The types' names in LLVM, by their codes."""

_DOUBLE: Final = struct.Struct("<d")
_WORD: Final = struct.Struct("<Q")


@dataclass(frozen=True, slots=True)
class Shape:
    """How many lanes there are, and what a mask of them is."""

    width: int
    """Lanes of a vector; where it is 1, values are scalars."""
    mask_bits: int
    """1: masks are vectors of i1; else vectors of integers of so many bits, 0 or -1."""
    pieces: int = 1
    """How many vectors a value is kept in."""
    fma: bool = True
    """Whether the machine has fused multiply-add."""
    converts: bool = False
    """Whether it converts between vectors of 64-bit integers and floats."""
    clear: str = ""
    """An intrinsic to call where vector code ends and code begins that may know nothing of vectors."""
    attributes: str = ""
    """Attributes of all functions."""

    @property
    def lanes(self) -> int:
        """Give the number of lanes."""
        return self.width * self.pieces

    @property
    def word(self) -> str:
        """Name the type of integers that have a bit for each lane."""
        return f"i{self.lanes}"

    @property
    def mask(self) -> str:
        """Name the type of masks, and of bools that vary."""
        return self.vector(f"i{self.mask_bits}")

    def vector(self, element: str) -> str:
        """Name the type that has an element for each lane of a vector."""
        return element if self.width == 1 else f"<{self.width} x {element}>"

    def type(self, type_: Type, *, lanes: bool) -> str:
        """Name the type of values of a type."""
        if type_ is BOOL:
            return self.mask if lanes else "i1"
        return self.vector(LANGUAGE[type_.code]) if lanes else LANGUAGE[type_.code]

    def suffix(self, element: str, *, lanes: bool) -> str:
        """Name a type in the way that intrinsics have it in their names."""
        short = {"float": "f32", "double": "f64"}.get(element, element)
        return f"v{self.width}{short}" if lanes and self.width > 1 else short


class Value:
    """A value: text is that of an operand, of the type of `Shape.type`.

    A bool that varies has up to two texts: `text` as a mask, and `bit` as a vector of i1, which is to be used in one
    basic block only (`home`), because vectors of i1 are slow where they go from block to block.
    """

    __slots__ = ("bit", "const", "home", "lanes", "text", "type")

    def __init__(self, type_: Type, text: str | None, *, lanes: bool, const: bool = False) -> None:
        self.type = type_
        self.text = text
        self.lanes = lanes
        self.const = const
        """Whether it is a scalar whose text is a number."""
        self.bit: str | None = None
        self.home: object = None


def scalar(type_: Type, text: str) -> Value:
    """Give a value that is the same for all lanes."""
    return Value(type_, text, lanes=False)


def number(type_: Type, value: float) -> str:
    """Write a number."""
    if type_ is BOOL:
        return "true" if value else "false"
    if type_.kind != "f":
        return str(int(value))
    if value != value:  # noqa: PLR0124 - the nan test
        return "0x7FF8000000000000"
    return f"0x{_WORD.unpack(_DOUBLE.pack(value))[0]:016X}"
