"""Expressions: each becomes instructions that give a value."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from hybrid_rs.ir.nodes import Cast, Const, Dim, Expr, Load, Op, Var
from hybrid_rs.ir.ops import main_type
from hybrid_rs.ir.tree import Tree
from hybrid_rs.ir.types import BOOL, Type
from hybrid_rs.printers.llvm import casts
from hybrid_rs.printers.llvm.code import Code, Module, Whole, constant
from hybrid_rs.printers.llvm.rows import FAULTING, ROWS
from hybrid_rs.printers.llvm.shape import Value
from hybrid_rs.printers.llvm.use import Use

__all__ = ["Expressions"]


class Expressions(Code):
    """Prints expressions."""

    def __init__(self, tree: Tree, module: Module) -> None:
        super().__init__(module)
        self.tree = tree
        self.dims: dict[tuple[int, int], Value] = {}
        """The lengths of the tables' axes."""
        self.positive: set[int] = set()
        """Variables that the loop's condition says are positive; their signs needn't be looked at."""
        self.bases: list[str] = []
        """The tables' addresses; where a table is empty, that of something that may be read."""
        self.lasts: dict[tuple[int, int], str] = {}
        """The lengths of axes less one."""

    def here_bit(self) -> str | None:
        """Give the bits of the lanes that are here; None for all."""
        raise NotImplementedError

    def fault(self, bad: str, site: int, *, lanes: bool) -> None:
        """Note the bits of lanes that fault."""
        raise NotImplementedError

    # ---- bools

    def bit(self, value: Value) -> str:
        """Give a bool as bits: i1, or a vector of it."""
        text = value.text
        if not value.lanes or self.shape.width == 1 or self.shape.mask_bits == 1:
            assert text is not None or value.bit is not None
            return text or value.bit or ""
        if value.bit is None or value.home is not self.block:
            value.bit = self.emit(f"icmp slt {self.shape.mask} {self.lanes(value)}, zeroinitializer")
            value.home = self.block
        return value.bit

    def of_bit(self, text: str, *, lanes: bool) -> Value:
        """Make a bool of bits."""
        if not lanes or self.shape.width == 1 or self.shape.mask_bits == 1:
            return Value(BOOL, text, lanes=lanes)
        value = Value(BOOL, None, lanes=True)
        value.bit, value.home = text, self.block
        return value

    def both(self, name: str, a: Value, b: Value) -> Value:
        """Print `and`, `or` or `xor` of two masks."""
        return Value(BOOL, self.emit(f"{name} {self.shape.mask} {self.lanes(a)}, {self.lanes(b)}"), lanes=True)

    def without(self, a: Value, b: Value) -> Value:
        """Print the mask of the lanes of one mask that aren't in another."""
        if self.lanes(b) == self.all_lanes:
            return Value(BOOL, self.no_lanes, lanes=True)
        inverted = self.emit(f"xor {self.shape.mask} {self.lanes(b)}, {self.all_lanes}")
        if self.lanes(a) == self.all_lanes:
            return Value(BOOL, inverted, lanes=True)
        return Value(BOOL, self.emit(f"and {self.shape.mask} {self.lanes(a)}, {inverted}"), lanes=True)

    def opposite(self, mask: Value) -> Value:
        """Print the mask of the lanes that aren't in one."""
        return self.without(Value(BOOL, self.all_lanes, lanes=True), mask)

    def any(self, mask: Value) -> str:
        """Ask whether a mask has any lane."""
        shape = self.shape
        text = self.lanes(mask)
        if text == self.all_lanes:
            return "true"
        if shape.width == 1:
            return text
        if shape.mask_bits == 1:
            return self.any_bit(text)
        element = f"i{shape.mask_bits}"
        return self.whole(f"icmp ne {element} {self.any_number(element, text)}, 0")

    def word(self, mask: Value) -> str:
        """Give a mask as an integer with a bit for each lane."""
        shape, bit = self.shape, self.bit(mask)
        if shape.width == 1:
            return bit
        word = ""
        for number in range(shape.pieces):
            part = self.whole(f"bitcast <{shape.width} x i1> {self.piece(bit, number)} to i{shape.width}")
            if shape.pieces > 1:
                part = self.whole(f"zext i{shape.width} {part} to {shape.word}")
            if number:
                part = self.whole(f"shl {shape.word} {part}, {number * shape.width}")
            word = self.whole(f"or {shape.word} {word}, {part}") if number else part
        return word

    def of_word(self, word: str) -> Value:
        """Make a mask of an integer with a bit for each lane."""
        shape, name = self.shape, self.name(varies=True)
        if shape.width == 1:
            return Value(BOOL, word, lanes=True)
        assert self.block is not None
        for number in range(shape.pieces):
            part = word
            if number:
                part = self.whole(f"lshr {shape.word} {word}, {number * shape.width}")
            if shape.pieces > 1:
                part = self.whole(f"trunc {shape.word} {part} to i{shape.width}")
            line = f"{self.piece(name, number)} = bitcast i{shape.width} {part} to <{shape.width} x i1>"
            self.block.lines.append(Whole(line))
        return self.vector(self.of_bit(name, lanes=True))

    def blend(self, mask: Value, a: Value, b: Value | None) -> Value:
        """Choose the first value in a mask's lanes, the second one elsewhere; None there is anything."""
        if b is None or a is b or (a.text is not None and a.text == b.text and a.lanes == b.lanes):
            return a
        kind = self.shape.type(a.type, lanes=True)
        bits = self.shape.vector("i1")
        text = self.emit(f"select {bits} {self.bit(mask)}, {kind} {self.lanes(a)}, {kind} {self.lanes(b)}")
        return Value(a.type, text, lanes=True)

    # ---- expressions

    def value(self, expr: Expr) -> Value:
        """Print an expression."""
        return _RULES[type(expr)](self, expr)

    def text(self, value: Value, *, lanes: bool) -> str:
        """Give a value's text, as a vector where it has to be one."""
        if lanes:
            return self.lanes(value)
        assert value.text is not None
        return value.text

    def const(self, expr: Const) -> Value:
        """Give a constant."""
        return constant(expr.type, expr.value)

    def var(self, expr: Var) -> Value:
        """Give a variable."""
        value = self.held(self.tree.names[expr.name])
        assert value is not None, "a variable is assigned before it is read"
        return value

    def held(self, variable: int) -> Value | None:
        """Give what a variable holds; None where no lane has a value."""
        return self.env.get(variable)

    def dim(self, expr: Dim) -> Value:
        """Give the length of a table's axis."""
        return self.dims[self.tree.tables[expr.table], expr.axis]

    def op(self, expr: Op) -> Value:
        """Print an op."""
        type_ = main_type(expr)
        values = [self.value(arg) for arg in expr.args]
        lanes = any(value.lanes for value in values)
        if expr.op == "select":
            texts = [self.bit(values[0]), *[self.text(value, lanes=lanes) for value in values[1:]]]
            if lanes and not values[0].lanes:
                texts[0] = self.bit(self.vector(values[0]))
        else:
            texts = [self.text(value, lanes=lanes) for value in values]
        last = expr.args[-1]
        use = Use(
            self, type_, texts,
            lanes=lanes, const=last.value if isinstance(last, Const) else None, here=self.here_bit,
        )  # fmt: skip
        key = (expr.op, type_.kind)
        if expr.op == "shr" and isinstance(expr.args[0], Var) and self.tree.names[expr.args[0].name] in self.positive:
            key = ("shr", "u")
        emit = ROWS.get(key)
        if emit is None:
            text, bad = FAULTING[key](use)
            if "false" not in bad and expr.site is not None:
                self.fault(bad, expr.site, lanes=lanes)
        else:
            text = emit(use)
        if expr.type is BOOL and type_ is not BOOL:
            return self.of_bit(text, lanes=lanes)
        return Value(expr.type, text, lanes=lanes)

    def cast(self, expr: Cast) -> Value:
        """Print a conversion."""
        value = self.value(expr.arg)
        source, target, lanes = value.type, expr.type, value.lanes
        if source is target:
            return value
        if source is BOOL:
            return Value(target, casts.from_bool(Use(self, BOOL, [self.bit(value)], lanes=lanes), target), lanes=lanes)
        use = Use(self, source, [self.text(value, lanes=lanes)], lanes=lanes, here=self.here_bit)
        if expr.site is not None:
            bad = casts.misfits(use, target)
            if "false" not in bad:
                self.fault(bad, expr.site, lanes=lanes)
        text = casts.convert(use, target)
        if target is BOOL:
            return self.of_bit(text, lanes=lanes)
        return Value(target, text, lanes=lanes)

    # ---- tables

    def load(self, expr: Load) -> Value:
        """Print the reading of a table's element."""
        raise NotImplementedError

    def loaded(self, type_: Type, text: str, *, lanes: bool) -> Value:
        """Give what was read from memory, where bools are bytes."""
        if type_ is not BOOL:
            return Value(type_, text, lanes=lanes)
        kind = self.shape.vector("i8") if lanes else "i8"
        zero = "zeroinitializer" if lanes and self.shape.width > 1 else "0"
        return self.of_bit(self.emit(f"icmp ne {kind} {text}, {zero}"), lanes=lanes)


_RULES: Final[dict[type[Any], Callable[[Expressions, Any], Value]]] = {
    Cast: Expressions.cast,
    Const: Expressions.const,
    Dim: Expressions.dim,
    Load: lambda printer, expr: printer.load(expr),
    Op: Expressions.op,
    Var: Expressions.var,
}
