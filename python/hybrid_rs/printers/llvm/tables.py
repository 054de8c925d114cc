"""Reading of tables.

Where all lanes' indices are in range, which is nearly always, nothing is done but the loads; one look at the signs of
`i | (n - 1 - i)` tells. Elsewhere, behind a branch, indices are brought into range and lanes fault.
"""

from __future__ import annotations

from typing import Final

from hybrid_rs.ir.nodes import Const, Expr, Load, Op, Var
from hybrid_rs.ir.tree import Tree
from hybrid_rs.ir.types import BOOL, INT64, Type
from hybrid_rs.printers.llvm.code import UNLIKELY, Module, Whole
from hybrid_rs.printers.llvm.masks import Masks
from hybrid_rs.printers.llvm.shape import LANGUAGE, Value
from hybrid_rs.printers.llvm.use import Use

__all__ = ["Tables"]

LOADED: Final = "loaded"
"""The state's key of what was read, until the paths to it meet."""
NEAR: Final = 1 << 32
"""Bound of the constants that are left out of indices."""


class Tables(Masks):
    """Prints the reading of tables."""

    def __init__(self, tree: Tree, module: Module, *, steps: bool) -> None:
        super().__init__(tree, module, steps=steps)
        self.places: dict[tuple[object, ...], str] = {}
        """Places in tables that were computed, in these statements: vectors, or where they lie in memory."""

    def forget(self) -> None:
        """Forget what is known of values: other lanes may be here, or what was computed may not have been."""
        self.places.clear()
        self.small.clear()

    def load(self, expr: Load) -> Value:
        """Print the reading of a table's element."""
        indices = [self.value(index) for index in expr.index]
        if self.shape.width == 1 or not any(index.lanes for index in indices):
            return self.load_safely(expr, indices)
        if self.here() is None:
            parts = [self.split(*pair) for pair in zip(expr.index, indices, strict=True)]
        else:
            parts = [(self.vector(index), 0) for index in indices]
        seldom = self.outside(self.tree.tables[expr.table], indices)
        places = self.places_of(expr, parts)
        near, far, after = self.ahead("near"), self.ahead("far"), self.label("loaded")
        after.keys = (*after.keys, LOADED)
        self.branch(seldom, far, near, UNLIKELY)
        env, state, pending = self.env, self.state, self.pending
        self.env, self.state = dict(env), dict(state)
        self.place(near)
        self.state[LOADED] = self.load_quickly(expr, parts, places)
        self.jump(after)
        self.env, self.state, self.pending = dict(env), dict(state), list(pending)
        self.place(far)
        self.state[LOADED] = self.load_safely(expr, indices)
        self.flush()
        self.jump(after)
        # Those from before wait on; on the way behind us they have been noted, which may be done twice.
        self.pending = pending
        self.bind(after, self.every)
        if len(indices) == 1:
            # An axis with elements is shorter than memory.
            self.small |= {value.text for value in (*indices, parts[0][0]) if value.text is not None}
        return self.state.pop(LOADED)

    def split(self, expr: Expr, value: Value) -> tuple[Value, int]:
        """Give an index as that of a variable and a constant behind it."""
        if value.lanes and isinstance(expr, Op) and expr.op in ("add", "sub"):
            left, right = expr.args
            if expr.op == "add" and isinstance(left, Const):
                left, right = right, left
            if isinstance(left, Var) and isinstance(right, Const) and abs(int(right.value)) < NEAR:
                variable = self.value(left)
                if variable.lanes:
                    return variable, int(right.value) if expr.op == "add" else -int(right.value)
        return value, 0

    def outside(self, table: int, indices: list[Value]) -> str:
        """Print the question whether any index that counts is negative or out of range."""
        word, uniform = "", ""
        for axis, index in enumerate(indices):
            length, text = self.dims[table, axis].text, index.text
            if index.lanes:
                use = Use(self, INT64, [], lanes=True)
                last = self.splat("i64", self.lasts[table, axis])
                one = use.op("or", self.lanes(index), use.op("sub", last, self.lanes(index)))
                word = use.op("or", word, one) if word else one
            else:
                one = self.emit(f"icmp uge i64 {text}, {length}")
                uniform = self.emit(f"or i1 {uniform}, {one}") if uniform else one
        kind, here = self.shape.vector("i64"), self.here_bit()
        if here is None:
            found = self.any_bit(self.whole(f"icmp slt {kind} {self.united('or', kind, word)}, zeroinitializer"))
        else:
            bits = self.emit(f"icmp slt {kind} {word}, zeroinitializer")
            found = self.any_bit(self.emit(f"and {self.shape.vector('i1')} {bits}, {here}"))
        return self.emit(f"or i1 {found}, {uniform}") if uniform else found

    def places_of(self, expr: Load, parts: list[tuple[Value, int]]) -> str:
        """Print the places that varying indices lead to, 0 for lanes that aren't here; give what holds them."""
        table = self.tree.tables[expr.table]
        varying = [(axis, index) for axis, (index, _) in enumerate(parts) if index.lanes]
        mask, here = self.here(), self.here_bit()
        key = (
            None if len(parts) == 1 else table,
            None if mask is None else mask.text,
            *[(axis, self.lanes(index)) for axis, index in varying],
        )
        if key in self.places:
            return self.places[key]
        use = Use(self, INT64, [], lanes=True)
        flat = ""
        for axis, index in varying:
            one = self.lanes(index)
            stride = self.stride(table, axis, len(parts))
            if stride:
                one = use.op("mul", one, self.splat("i64", stride))
            flat = use.op("add", flat, one) if flat else one
        if here is not None:
            flat = use.select(here, flat, use.number(0))
        if not self.shape.converts:
            # Scalars go by memory: extracting them takes more, and they are needed for each load anew.
            name = f"%places{len(self.scratch)}"
            self.scratch[name] = f"{name} = alloca [{8 * self.shape.lanes} x i8], align 64"
            self.store_lanes("i64", flat, name, "align 8")
            flat = name
        self.places[key] = flat
        return flat

    def stride(self, table: int, axis: int, axes: int) -> str:
        """Print how many elements are between neighbours along an axis; nothing for one."""
        found = ""
        for inner in range(axis + 1, axes):
            length = self.dims[table, inner].text
            assert length is not None
            found = self.emit(f"mul i64 {found}, {length}") if found else length
        return found

    def load_quickly(self, expr: Load, parts: list[tuple[Value, int]], places: str) -> Value:
        """Print the reading at places that are known to be good."""
        table, type_ = self.tree.tables[expr.table], expr.type
        element = "i8" if type_ is BOOL else LANGUAGE[type_.code]
        base = self.bases[table]
        for axis, (index, constant) in enumerate(parts):
            offset = str(constant) if index.lanes else index.text
            if offset != "0":
                stride = self.stride(table, axis, len(parts))
                if stride:
                    offset = self.emit(f"mul i64 {offset}, {stride}")
                base = self.emit(f"getelementptr {element}, ptr {base}, i64 {offset}")
        if self.shape.converts:
            return self.gather(type_, base, places, lanes=True)
        return self.loaded(type_, self.load_each(element, base, places), lanes=True)

    def load_each(self, element: str, base: str, places: str) -> str:
        """Print loads of single elements at places that lie in memory."""
        assert self.block is not None
        shape = self.shape
        kind, name = shape.vector(element), self.name(varies=True)
        for piece in range(shape.pieces):
            text = "poison"
            for lane in range(shape.width):
                cell = self.whole(f"getelementptr i64, ptr {places}, i64 {piece * shape.width + lane}")
                at = self.whole(f"getelementptr {element}, ptr {base}, i64 {self.whole(f'load i64, ptr {cell}')}")
                one = self.whole(f"load {element}, ptr {at}, align 1")
                line = f"insertelement {kind} {text}, {element} {one}, i64 {lane}"
                if lane < shape.width - 1:
                    text = self.whole(line)
                else:
                    self.block.lines.append(Whole(f"{self.piece(name, piece)} = {line}"))
        return name

    def load_safely(self, expr: Load, indices: list[Value]) -> Value:
        """Print the reading with a look at each index: their bounds from the left, the place in memory."""
        table = self.tree.tables[expr.table]
        lanes = any(index.lanes for index in indices)
        flat, bad = "", ""
        for axis, index in enumerate(indices):
            length = self.dims[table, axis]
            place, outside = self.bound(index, length)
            self.fault(outside, expr.site, lanes=index.lanes)
            use = Use(self, INT64, [], lanes=lanes)
            if lanes and not index.lanes:
                outside = self.bit(self.vector(self.of_bit(outside, lanes=False)))
                place = self.lanes(Value(INT64, place, lanes=False))
            bad = use.both("or", bad, outside) if bad else outside
            flat = use.op("add", use.op("mul", flat, self.text(length, lanes=lanes)), place) if flat else place
        use = Use(self, INT64, [], lanes=lanes)
        flat = use.select(bad, use.number(0), flat)
        return self.gather(expr.type, self.bases[table], flat, lanes=lanes)

    def bound(self, index: Value, length: Value) -> tuple[str, str]:
        """Print an index made non-negative, and whether it is out of range."""
        use = Use(self, INT64, [], lanes=index.lanes)
        i, n = self.text(index, lanes=index.lanes), self.text(length, lanes=index.lanes)
        if index.const and index.text is not None and not index.text.startswith("-"):
            place = i
        else:
            place = use.select(use.compare("slt", i, use.number(0)), use.op("add", i, n), i)
        return place, use.compare("uge", place, n)

    def gather(self, type_: Type, base: str, flat: str, *, lanes: bool) -> Value:
        """Print the reading of elements at safe places."""
        element = "i8" if type_ is BOOL else LANGUAGE[type_.code]
        if not lanes or self.shape.width == 1:
            place = self.emit(f"getelementptr {element}, ptr {base}, i64 {flat}")
            text = self.emit(f"load {element}, ptr {place}, align 1")
        else:
            width = self.shape.width
            places = self.emit(f"getelementptr {element}, ptr {base}, <{width} x i64> {flat}")
            kind, suffix = self.shape.vector(element), self.shape.suffix(element, lanes=True)
            text = self.call(
                f"llvm.masked.gather.{suffix}.v{width}p0", kind,
                (f"<{width} x ptr>", f"align 1 {places}"), (f"<{width} x i1>", "splat (i1 true)"),
                (kind, "poison"),
            )  # fmt: skip
        return self.loaded(type_, text, lanes=lanes)
