"""LLVM IR under construction: blocks, labels with what reaches them, loop heads.

What the program knows at a place is in two dictionaries: `env`, the variables' values by their numbers, and `state`,
what the printer itself carries along, such as masks. Where paths meet, phis are made of what differs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, TypeAlias

from hybrid_rs.ir.tree import bits
from hybrid_rs.ir.types import BOOL, Type
from hybrid_rs.printers.llvm.shape import LANGUAGE, Shape, Value, number, scalar

__all__ = [
    "LIKELY",
    "METADATA",
    "UNLIKELY",
    "Block",
    "Code",
    "Env",
    "Head",
    "Key",
    "Label",
    "Module",
    "State",
    "constant",
]

Key: TypeAlias = object
Env: TypeAlias = dict[int, Value]
State: TypeAlias = dict[Key, Value]

TOGETHER: Final = 16
"""Instructions of a piece in a row. In long rows the processor sees one piece at a time, and waits for each of its
results; where the pieces alternate more often, loops have less room for what they carry."""
LIKELY: Final = ", !prof !0"
UNLIKELY: Final = ", !prof !1"
METADATA: Final = (
    '!0 = !{!"branch_weights", i32 2000, i32 1}',
    '!1 = !{!"branch_weights", i32 1, i32 2000}',
    "!2 = !{i32 1}",
)

_NAME: Final = re.compile(r"(%[vw]\d+)(\.\d+)?")
_PIECES: Final = re.compile(r"%w\d+")


class Whole(str):
    """An instruction that is about all pieces of a value, or one of them by its name."""

    __slots__ = ()


class Block:
    """A basic block; `end` is its terminator."""

    __slots__ = ("end", "lines", "name", "phis")

    def __init__(self, name: str) -> None:
        self.name = name
        self.phis: list[str] = []
        self.lines: list[str] = []
        self.end = ""


class Label:
    """A place that is reached from several others, each with what it knows."""

    __slots__ = ("edges", "keys", "name")

    def __init__(self, name: str, keys: Iterable[Key]) -> None:
        self.name = name
        self.keys = tuple(keys)
        """What of the state is carried on."""
        self.edges: list[tuple[Block, Env, State]] = []


class Head:
    """A loop's first block, with its phis: for each the place in the env or state, its value and what it begins as."""

    __slots__ = ("block", "entry", "phis")

    def __init__(self, block: Block, entry: Block) -> None:
        self.block = block
        self.entry = entry
        self.phis: list[tuple[Key, bool, Value, Value]] = []


class Module:
    """What functions share: declarations of intrinsics and definitions of helpers, by their names."""

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        self.declared: dict[str, str] = {}
        self.helpers: dict[str, str] = {}

    def intrinsic(self, name: str, result: str, *operands: str) -> str:
        """Declare an intrinsic; give its name."""
        if name not in self.declared:
            self.declared[name] = f"declare {result} @{name}({', '.join(operands)})"
        return name


class Code:
    """A function under construction."""

    def __init__(self, module: Module) -> None:
        self.module = module
        self.shape = module.shape
        self.scratch: dict[str, str] = {}
        """Room in memory for vectors, by its names; it is for cold code."""
        self.blocks: list[Block] = []
        self.aliases: dict[str, str] = {}
        self.small: set[str] = set()
        """Vectors of 64-bit integers below 2 ** 51 in size, in the lanes that are here and have not faulted."""
        self.named = 0
        self.env: Env = {}
        self.state: State = {}
        self.block: Block | None = None
        """Where instructions go; None where no path leads."""
        self.entry = self.start("entry")

    # ---- instructions

    def name(self, *, varies: bool = False) -> str:
        """Give a name that nothing has. What varies has a name with w, and is kept in pieces."""
        self.named += 1
        return f"%{'w' if varies else 'v'}{self.named}"

    def emit(self, text: str) -> str:
        """Append an instruction; give its result's name. It is repeated for each piece if an operand has pieces."""
        assert self.block is not None
        self.named += 1
        name = f"%{'w' if '%w' in text else 'v'}{self.named}"
        self.block.lines.append(f"{name} = {text}")
        return name

    def phi(self, kind: str, *pairs: tuple[str, Block]) -> str:
        """Put a phi at the block's beginning."""
        assert self.block is not None
        name = self.name(varies=any(text.startswith("%w") for text, _ in pairs))
        sources = ", ".join([f"[ {text}, %{block.name} ]" for text, block in pairs])
        self.block.phis.append(f"{name} = phi {kind} {sources}")
        return name

    # ---- pieces

    def piece(self, text: str, number: int) -> str:
        """Name a piece of a value."""
        return f"{text}.{number}" if self.shape.pieces > 1 and text.startswith("%w") else text

    def whole(self, text: str) -> str:
        """Append an instruction that isn't repeated; give its result's name."""
        assert self.block is not None
        name = self.name()
        self.block.lines.append(Whole(f"{name} = {text}"))
        return name

    def united(self, name: str, kind: str, text: str) -> str:
        """Combine a value's pieces by an instruction."""
        result = self.piece(text, 0)
        if text.startswith("%w"):
            for number in range(1, self.shape.pieces):
                result = self.whole(f"{name} {kind} {result}, {self.piece(text, number)}")
        return result

    def load_lanes(self, element: str, pointer: str, align: int) -> str:
        """Append the loading of all lanes' values, which lie side by side."""
        assert self.block is not None
        shape, kind = self.shape, self.shape.vector(element)
        name = self.name(varies=True)
        for piece in range(shape.pieces):
            at = self.beside(element, pointer, piece)
            self.block.lines.append(Whole(f"{self.piece(name, piece)} = load {kind}, ptr {at}, align {align}"))
        return name

    def store_lanes(self, element: str, text: str, pointer: str, how: str) -> None:
        """Append the storing of all lanes' values side by side."""
        assert self.block is not None
        kind = self.shape.vector(element)
        for piece in range(self.shape.pieces):
            at = self.beside(element, pointer, piece)
            self.block.lines.append(Whole(f"store {kind} {self.piece(text, piece)}, ptr {at}, {how}"))

    def beside(self, element: str, pointer: str, number: int) -> str:
        """Give the address of a piece."""
        if number == 0:
            return pointer
        return self.whole(f"getelementptr {element}, ptr {pointer}, i64 {number * self.shape.width}")

    def line(self, text: str) -> None:
        """Append an instruction without result."""
        assert self.block is not None
        self.block.lines.append(text)

    def call(self, name: str, result: str, *operands: tuple[str, str]) -> str:
        """Append a call of an intrinsic; operands are types and texts."""
        self.module.intrinsic(name, result, *[type_ for type_, _ in operands])
        return self.emit(f"call {result} @{name}({', '.join(f'{type_} {text}' for type_, text in operands)})")

    def room(self, number: int) -> str:
        """Give the name of room for a vector of any type."""
        name = f"%room{number}"
        self.scratch[name] = f"{name} = alloca [{8 * self.shape.lanes} x i8], align 64"
        return name

    def any_bit(self, bit: str) -> str:
        """Ask whether any bit of a vector of i1 is set."""
        width = self.shape.width
        if width == 1:
            return bit
        found = self.united("or", self.shape.vector("i1"), bit)
        return self.whole(f"icmp ne i{width} {self.whole(f'bitcast <{width} x i1> {found} to i{width}')}, 0")

    def any_number(self, element: str, text: str) -> str:
        """Give the bits that any lane's integer has."""
        width, kind = self.shape.width, self.shape.vector(element)
        found = self.united("or", kind, text)
        name = self.module.intrinsic(f"llvm.vector.reduce.or.v{width}{element}", element, kind)
        return self.whole(f"call {element} @{name}({kind} {found})")

    def least(self, element: str, text: str) -> str:
        """Give the least of all lanes' unsigned integers."""
        width, kind = self.shape.width, self.shape.vector(element)
        found = self.piece(text, 0)
        name = self.module.intrinsic(f"llvm.umin.{self.shape.suffix(element, lanes=True)}", kind, kind, kind)
        if text.startswith("%w"):
            for number in range(1, self.shape.pieces):
                found = self.whole(f"call {kind} @{name}({kind} {found}, {kind} {self.piece(text, number)})")
        if width == 1:
            return found
        name = self.module.intrinsic(f"llvm.vector.reduce.umin.v{width}{element}", element, kind)
        return self.whole(f"call {element} @{name}({kind} {found})")

    # ---- blocks

    def start(self, stem: str) -> Block:
        """Begin a block; the one before it has its terminator."""
        self.named += 1
        self.block = Block(f"{stem}{self.named}")
        self.blocks.append(self.block)
        return self.block

    def place(self, block: Block) -> None:
        """Go on in a block that was named before."""
        self.blocks.append(block)
        self.block = block

    def ahead(self, stem: str) -> Block:
        """Name a block that is begun later."""
        self.named += 1
        return Block(f"{stem}{self.named}")

    def label(self, stem: str) -> Label:
        """Name a place where paths will meet; what the state has now is carried on there."""
        self.named += 1
        return Label(f"{stem}{self.named}", self.state)

    def end(self, text: str) -> None:
        """End the block."""
        assert self.block is not None
        self.block.end = text
        self.block = None

    def jump(self, label: Label) -> None:
        """Go to a label, from where a path leads."""
        if self.block is not None:
            label.edges.append((self.block, self.env, self.state))
            self.end(f"br label %{label.name}")

    def branch(self, cond: str, then: Block | Label, orelse: Block | Label, weights: str = "") -> None:
        """Go to one of two places."""
        assert self.block is not None
        for place in (then, orelse):
            if isinstance(place, Label):
                place.edges.append((self.block, self.env, self.state))
        self.end(f"br i1 {cond}, label %{then.name}, label %{orelse.name}{weights}")

    def fork(self, cond: str, then: Block | Label, orelse: Block | Label, weights: str = "") -> None:
        """Go to one of two places; go on in the first one, with its own copy of what is known."""
        self.branch(cond, then, orelse, weights)
        assert isinstance(then, Block)
        self.env, self.state = dict(self.env), dict(self.state)
        self.place(then)

    def reached(self) -> bool:
        """Whether a path leads here."""
        return self.block is not None

    def bind(self, label: Label, live: int) -> bool:
        """Go on at a label, with the variables that are live there; say whether a path leads to it."""
        edges = label.edges
        if not edges:
            self.block = None
            return False
        block = Block(label.name)
        self.place(block)
        env: Env = {}
        for variable in bits(live):
            values = [edge[1].get(variable) for edge in edges]
            if any(value is not None for value in values):
                env[variable] = self.merge(block, [edge[0] for edge in edges], values)
        state: State = {}
        for key in label.keys:
            values = [edge[2].get(key) for edge in edges]
            if all(value is not None for value in values):
                state[key] = self.merge(block, [edge[0] for edge in edges], values)
        self.env, self.state = env, state
        return True

    def merge(self, block: Block, sources: list[Block], values: list[Value | None]) -> Value:
        """Give the value where paths meet. No lane comes by a path on which it has none."""
        first = next(value for value in values if value is not None)
        if all(value is first or (value is not None and alike(value, first)) for value in values):
            return first
        lanes = any(value is not None and value.lanes for value in values)
        kind = self.shape.type(first.type, lanes=lanes)
        texts = [
            self.splat_in(source, value, first.type, lanes=lanes) for source, value in zip(sources, values, strict=True)
        ]
        name = self.name(varies=lanes)
        pairs = ", ".join([f"[ {text}, %{source.name} ]" for text, source in zip(texts, sources, strict=True)])
        block.phis.append(f"{name} = phi {kind} {pairs}")
        return Value(first.type, name, lanes=lanes)

    def splat_in(self, block: Block, value: Value | None, type_: Type, *, lanes: bool) -> str:
        """Give the text of a value as the end of a block has it, made a vector if need be; zero for none."""
        if value is None:
            return "zeroinitializer" if lanes and self.shape.width > 1 else zero(type_)
        here, self.block = self.block, block
        text = self.lanes(value) if lanes else value.text
        self.block = here
        assert text is not None
        return text

    # ---- loops

    def head(self, variables: int, varying: int) -> Head:
        """Begin a loop whose variables change, and whose state may; a variable that varies becomes a vector."""
        assert self.block is not None
        entry = self.block
        values: list[tuple[Key, bool, Value]] = []
        for variable in bits(variables):
            value = self.env.get(variable)
            if value is not None:
                values.append((variable, False, self.vector(value) if varying >> variable & 1 else value))
        values += [(key, True, value) for key, value in self.state.items()]
        self.named += 1
        head = Head(Block(f"loop{self.named}"), entry)
        self.end(f"br label %{head.block.name}")
        self.place(head.block)
        self.env, self.state = dict(self.env), dict(self.state)
        for key, own, value in values:
            phi = Value(value.type, self.name(varies=value.lanes), lanes=value.lanes)
            head.phis.append((key, own, phi, value))
            if own:
                self.state[key] = phi
            else:
                assert isinstance(key, int)
                self.env[key] = phi
        return head

    def back(self, head: Head) -> None:
        """Go back to a loop's head, if a path leads here, and complete its phis."""
        latch = self.block
        for key, own, phi, begin in head.phis:
            assert phi.text is not None
            assert begin.text is not None
            value = phi
            if latch is not None:
                # Where no lane comes back a variable may have no value.
                value = self.state[key] if own else self.env.get(key, phi)  # type: ignore[call-overload]
            if latch is None or value is phi or alike(value, begin):
                self.aliases[phi.text] = begin.text
                continue
            text = self.splat_in(latch, value, phi.type, lanes=phi.lanes)
            kind = self.shape.type(phi.type, lanes=phi.lanes)
            pairs = f"[ {begin.text}, %{head.entry.name} ], [ {text}, %{latch.name} ]"
            head.block.phis.append(f"{phi.text} = phi {kind} {pairs}")
        if latch is not None:
            self.end(f"br label %{head.block.name}")

    # ---- vectors

    def lanes(self, value: Value) -> str:
        """Give the text of a value as a vector; of a bool as a mask."""
        shape = self.shape
        if value.lanes:
            if value.text is None:
                value.text = self.emit(f"sext {shape.vector('i1')} {value.bit} to {shape.mask}")
            return value.text
        text = value.text
        assert text is not None
        if value.type is BOOL:
            if value.const:
                return self.all_lanes if text == "true" else self.no_lanes
            if shape.width == 1:
                return text
            text = text if shape.mask_bits == 1 else self.emit(f"sext i1 {text} to i{shape.mask_bits}")
            return self.splat(f"i{shape.mask_bits}", text)
        if shape.width == 1:
            return text
        element = LANGUAGE[value.type.code]
        return f"splat ({element} {text})" if value.const else self.splat(element, text)

    def splat(self, element: str, text: str) -> str:
        """Give a vector of copies of a scalar."""
        kind = self.shape.vector(element)
        one = self.emit(f"insertelement {kind} poison, {element} {text}, i64 0")
        return self.emit(f"shufflevector {kind} {one}, {kind} poison, <{self.shape.width} x i32> zeroinitializer")

    def vector(self, value: Value) -> Value:
        """Give a value as one that varies."""
        if value.lanes and value.text is not None:
            return value
        text = self.lanes(value)
        return value if value.lanes else Value(value.type, text, lanes=True)

    @property
    def all_lanes(self) -> str:
        """Write the mask of all lanes."""
        if self.shape.width == 1:
            return "true"
        return f"splat (i{self.shape.mask_bits} {'true' if self.shape.mask_bits == 1 else -1})"

    @property
    def no_lanes(self) -> str:
        """Write the mask of no lanes."""
        return "false" if self.shape.width == 1 else "zeroinitializer"

    def zero(self, type_: Type) -> Value:
        """Give the vector of zeros."""
        vector = self.shape.width > 1
        return Value(type_, "zeroinitializer" if vector else zero(type_), lanes=True)

    # ---- text

    def body_text(self) -> list[str]:
        """Give the lines of the function's body."""
        lines: list[str] = []
        repeat = self.repeated if self.shape.pieces > 1 else self.final
        for block in self.blocks:
            lines.append(f"{block.name}:")
            if block is self.entry:
                lines += self.scratch.values()
            for phi in block.phis:
                lines += repeat([phi])
            lines += repeat(block.lines)
            lines.append(self.final([block.end])[0])
        return lines

    def final(self, lines: list[str]) -> list[str]:
        """Put what they stand for in the place of aliases."""
        aliases = self.aliases
        if not aliases:
            return lines

        def meant(match: re.Match[str]) -> str:
            name, number = match.group(1), match.group(2)
            if name not in aliases:
                return match.group()
            while name in aliases:
                name = aliases[name]
            return name + number if number and name.startswith("%w") else name

        return [type(line)(_NAME.sub(meant, line)) for line in lines]

    def repeated(self, lines: list[str]) -> list[str]:
        """Repeat instructions on values in pieces; some of a piece stay together."""
        found: list[str] = []
        run: list[str] = []
        for line in (*self.final(lines), Whole("")):
            repeats = type(line) is str and "%w" in line
            if not repeats or len(run) == TOGETHER:
                for number in range(self.shape.pieces):
                    found += [_PIECES.sub(rf"\g<0>.{number}", one) for one in run]
                run.clear()
            (run if repeats else found).append(line)
        return found[:-1]


def alike(a: Value, b: Value) -> bool:
    """Whether two values of a variable are the same."""
    return a.text is not None and a.text == b.text and a.lanes == b.lanes


def zero(type_: Type) -> str:
    """Write a type's zero."""
    return number(type_, 0.0 if type_.is_float else 0)


def constant(type_: Type, value: float) -> Value:
    """Give a constant."""
    found = scalar(type_, number(type_, value))
    found.const = True
    return found
