"""The types of the kernel language: NumPy's bool, integers of 8 to 64 bits, float32 and float64."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

__all__ = ["ALL", "BOOL", "FLOAT32", "FLOAT64", "INT32", "INT64", "UINT64", "Type", "named"]


@dataclass(frozen=True, slots=True)
class Type:
    """A scalar type. There is one object for each, so that `is` compares."""

    name: str
    """NumPy's name."""
    kind: str
    """NumPy's letter: b, i, u or f."""
    bits: int
    code: int
    """The core's number of it, which is also its place in `ALL`."""

    @property
    def is_integer(self) -> bool:
        """Whether it is a signed or unsigned integer; bool is none."""
        return self.kind in "iu"

    @property
    def is_float(self) -> bool:
        """Whether it is float32 or float64."""
        return self.kind == "f"

    @property
    def low(self) -> int:
        """The least value of an integer type."""
        return -(1 << (self.bits - 1)) if self.kind == "i" else 0

    @property
    def high(self) -> int:
        """The greatest value of an integer type."""
        return (1 << (self.bits - (self.kind == "i"))) - 1

    def __repr__(self) -> str:
        """Show the name."""
        return self.name


_NAMES: Final = (
    "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float32", "float64"
)  # fmt: skip


def _type(code: int, name: str) -> Type:
    digits = name.lstrip("abcdefghijklmnopqrstuvwxyz")
    return Type(name, name[0], int(digits or 8), code)


ALL: Final = tuple(_type(code, name) for code, name in enumerate(_NAMES))
"""Every type, by its code."""

_BY_NAME: Final = {type_.name: type_ for type_ in ALL}

BOOL, INT32, INT64, UINT64 = ALL[0], ALL[3], ALL[4], ALL[8]
FLOAT32, FLOAT64 = ALL[9], ALL[10]


def named(name: str) -> Type:
    """Return the type of a NumPy name; KeyError for others."""
    return _BY_NAME[name]
