"""Bytecode under construction: instructions, labels, registers."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from hybrid_rs.errors import KernelError
from hybrid_rs.ir.types import ALL, BOOL, Type

__all__ = ["EVERY", "SHORT", "Code", "Label", "Program"]

EVERY: Final = 0xFFFF
"""The mask of every lane."""
OK: Final = 0
"""The lane register of the lanes that have not faulted."""
SHORT: Final = tuple(type_.kind + str(type_.bits) if type_ is not BOOL else "bool" for type_ in ALL)
"""The types' names in the names of ops, by their codes."""
MOST_REGISTERS: Final = 65_000

_WORD: Final = struct.Struct("<HHHHHHI")
_FLOATS: Final = {32: struct.Struct("<f"), 64: struct.Struct("<d")}


@dataclass(frozen=True, slots=True)
class Program:
    """What the core makes a kernel of; `docs/design/007-block-vm.md` explains it."""

    lanes: bytes
    """The types of the lane registers, by their codes."""
    uniforms: bytes
    """The types of the uniform registers."""
    consts: list[tuple[int, int]]
    """Uniform registers with the bits that they start with."""
    code: bytes
    loop_start: int | None
    """The refill loop's first instruction."""
    epilogue: int | None
    """The first instruction behind the refill loop."""
    permute: list[int]
    """Lane registers that move with their elements."""


class Label:
    """A place that jumps go to; `place` is known once the code before it is."""

    __slots__ = ("place",)

    def __init__(self) -> None:
        self.place = -1


_Instruction: TypeAlias = tuple[str, int, int, int, int, int, int | Label]


class Registers:
    """Registers of one class, each of one type; those that were given back are taken again."""

    def __init__(self, what: str) -> None:
        self.what = what
        self.types = bytearray()
        self.free: list[list[int]] = [[] for _ in ALL]
        self.held: set[int] = set()

    def take(self, type_: Type) -> int:
        """Give a register that nothing else uses."""
        free = self.free[type_.code]
        if not free:
            return self.new(type_)
        register = free.pop()
        self.held.add(register)
        return register

    def new(self, type_: Type) -> int:
        """Give a register that nothing used before."""
        register = len(self.types)
        if register == MOST_REGISTERS:
            raise KernelError(f"the kernel is too large: it needs over {MOST_REGISTERS:,} {self.what} registers")
        self.types.append(type_.code)
        self.held.add(register)
        return register

    def drop(self, register: int) -> None:
        """Give a register back."""
        self.held.remove(register)
        self.free[self.types[register]].append(register)


class Code:
    """Instructions and registers of a program. `start` is code that runs ahead of all others."""

    def __init__(self, numbers: Mapping[str, int]) -> None:
        self.numbers = numbers
        self.start: list[_Instruction] = []
        self.rest: list[_Instruction] = []
        self.lanes = Registers("lane")
        self.lanes.take(BOOL)  # OK
        self.uniforms = Registers("uniform")
        self.consts: dict[tuple[int, int], int] = {}
        self.permute: set[int] = set()
        # No jump at the end may be taken back behind this place, because labels point there.
        self.labelled = 0

    def emit(
        self, name: str, dst: int = 0, a: int = 0, b: int = 0, c: int = 0, imm: int | Label = 0, d: int = 0
    ) -> None:
        """Append an instruction."""
        self.rest.append((name, dst, a, b, c, d, imm))

    def last(self) -> tuple[str, int, int, int]:
        """Give name, dst, a and b of the last instruction, if the next one is only reached by it; else no name."""
        return self.rest[-1][:4] if len(self.rest) > self.labelled else ("", 0, 0, 0)

    def take_back(self) -> None:
        """Take the last instruction back."""
        self.rest.pop()

    def first(self, name: str, dst: int, a: int, b: int = 0) -> None:
        """Append an instruction to those that run ahead."""
        self.start.append((name, dst, a, b, 0, 0, 0))

    def bind(self, label: Label) -> None:
        """Put a label here. A jump to it that would go nowhere is taken back."""
        here = len(self.rest)
        if here > self.labelled and self.rest[-1][0] == "jump" and self.rest[-1][6] is label:
            self.rest.pop()
            here -= 1
        label.place = self.labelled = here

    def const(self, type_: Type, value: float) -> int:
        """Give the uniform register of a constant."""
        if type_.kind == "f":
            bits = int.from_bytes(_FLOATS[type_.bits].pack(value), "little")
        else:
            bits = int(value) & ((1 << type_.bits) - 1)
        key = (type_.code, bits)
        register = self.consts.get(key)
        if register is None:
            register = self.consts[key] = self.uniforms.new(type_)
        return register

    def moves(self) -> None:
        """Note that lanes may be permuted here: what is in use has to move with them."""
        self.permute |= self.lanes.held

    def program(self, loop: Label | None, epilogue: Label | None) -> Program:
        """Put it together."""
        shift = len(self.start)
        code = bytearray()
        for name, dst, a, b, c, d, imm in (*self.start, *self.rest):
            code += _WORD.pack(
                self.numbers[name], dst, a, b, c, d, imm.place + shift if isinstance(imm, Label) else imm
            )
        return Program(
            bytes(self.lanes.types),
            bytes(self.uniforms.types),
            [(register, bits) for (_, bits), register in self.consts.items()],
            bytes(code),
            loop.place + shift if loop else None,
            epilogue.place + shift if epilogue else None,
            sorted(self.permute - {OK}),
        )
