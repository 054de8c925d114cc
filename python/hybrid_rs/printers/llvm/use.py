"""An op in use: its operands' texts, and short ways to write instructions of its type."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from hybrid_rs.ir.types import Type
from hybrid_rs.printers.llvm.code import Code
from hybrid_rs.printers.llvm.shape import LANGUAGE, number

__all__ = ["Emit", "Faulting", "Use"]


class Use:
    """An op on operands of type `type`, which are vectors where `lanes` says so."""

    __slots__ = ("code", "const", "element", "here", "kind", "lanes", "texts", "type")

    def __init__(
        self,
        code: Code,
        type_: Type,
        texts: list[str],
        *,
        lanes: bool,
        const: float | None = None,
        here: Callable[[], str | None] = lambda: None,
    ) -> None:
        self.code = code
        self.type = type_
        self.texts = texts
        self.lanes = lanes
        self.const = const
        """The last operand's value where it is a constant."""
        self.here = here if lanes else lambda: None
        """Gives the mask of the lanes that count; None for all."""
        self.element = LANGUAGE[type_.code]
        self.kind = code.shape.type(type_, lanes=lanes)

    def vector(self, element: str) -> str:
        """Name the type of values of another element type."""
        return self.code.shape.vector(element) if self.lanes else element

    def number(self, value: float) -> str:
        """Write a number of the op's type."""
        return self.literal(self.element, number(self.type, value))

    def literal(self, element: str, text: str) -> str:
        """Write a number of another element type."""
        return f"splat ({element} {text})" if self.lanes and self.code.shape.width > 1 else text

    def op(self, name: str, a: str, b: str, kind: str | None = None) -> str:
        """Write an instruction of two operands."""
        return self.code.emit(f"{name} {kind or self.kind} {a}, {b}")

    def both(self, name: str, a: str, b: str) -> str:
        """Write a logical instruction on bits."""
        return self.code.emit(f"{name} {self.vector('i1')} {a}, {b}")

    def compare(self, name: str, a: str, b: str, kind: str | None = None) -> str:
        """Write a comparison, which gives bits."""
        word = "fcmp" if self.type.is_float and kind is None else "icmp"
        return self.code.emit(f"{word} {name} {kind or self.kind} {a}, {b}")

    def select(self, bit: str, a: str, b: str, kind: str | None = None) -> str:
        """Write a choice by bits."""
        kind = kind or self.kind
        return self.code.emit(f"select {self.vector('i1')} {bit}, {kind} {a}, {kind} {b}")

    def cast(self, name: str, text: str, source: str, target: str) -> str:
        """Write a conversion between element types."""
        return self.code.emit(f"{name} {self.vector(source)} {text} to {self.vector(target)}")

    def intrinsic(self, name: str, *texts: str, element: str | None = None, flags: str = "") -> str:
        """Write a call of an intrinsic on values of one type; `flags` are operands of type i1 behind them."""
        element = element or self.element
        kind = self.vector(element)
        operands = [(kind, text) for text in texts]
        if flags:
            operands.append(("i1", flags))
        suffix = self.code.shape.suffix(element, lanes=self.lanes)
        return self.code.call(f"llvm.{name}.{suffix}", kind, *operands)

    def any(self, bit: str) -> str:
        """Write the question whether any bit is set."""
        return self.code.any_bit(bit) if self.lanes else bit

    @property
    def signed(self) -> bool:
        """Whether the op is on signed integers."""
        return self.type.kind == "i"


Emit: TypeAlias = Callable[[Use], str]
"""Writes an op; gives the result: a value, a mask where the operands are bools, else bits where it is a bool."""
Faulting: TypeAlias = Callable[[Use], tuple[str, str]]
"""Writes an op that faults; gives the result, and the bits of those that fault."""
