"""The frame that machine code is given, and what functions begin with; `docs/design/008-native-code.md` has it."""

from __future__ import annotations

from hybrid_rs.ir.nodes import Table
from hybrid_rs.ir.tree import Tree
from hybrid_rs.ir.types import BOOL, INT64, Type
from hybrid_rs.printers.llvm.branches import Printer
from hybrid_rs.printers.llvm.code import UNLIKELY, Block, Module
from hybrid_rs.printers.llvm.rows import canonical
from hybrid_rs.printers.llvm.shape import LANGUAGE, Value
from hybrid_rs.printers.llvm.use import Use

__all__ = ["DONE", "FAULT", "STOPPED", "Framed"]

OPERANDS, TABLES, OK, POLL, MAX_STEPS, FAULT_INDEX, FAULT_SITE, NEXT = range(0, 64, 8)
DONE, FAULT, STOPPED = range(3)


def in_memory(type_: Type) -> str:
    """Name the type that values have in memory."""
    return "i8" if type_ is BOOL else LANGUAGE[type_.code]


class Framed(Printer):
    """Prints what functions do with their frame."""

    stopped: Block
    """Where to go if the frame's poll says so."""

    def __init__(self, tree: Tree, module: Module, *, steps: bool) -> None:
        super().__init__(tree, module, steps=steps)
        self.ends, self.next, self.leaving = {}, {}, []
        self.clocks, self.counters, self.ticks = {}, {}, {}
        self.quiets, self.begun = {}, {}

    def field(self, offset: int, kind: str, name: str) -> str:
        """Print the loading of a field of the frame."""
        assert self.block is not None
        self.block.lines += [
            f"{name}p = getelementptr i8, ptr %frame, i64 {offset}",
            f"{name} = load {kind}, ptr {name}p, align 8",
        ]
        return name

    def open(self) -> None:
        """Print the loading of pointers, uniform inputs and lengths of axes."""
        tree = self.tree
        operands = self.field(OPERANDS, "ptr", "%operands")
        self.pointers = []
        for place in range(len(tree.params) + len(tree.function.results)):
            slot = self.emit(f"getelementptr ptr, ptr {operands}, i64 {place}")
            self.pointers.append(self.emit(f"load ptr, ptr {slot}, align 8"))
        for place, param in enumerate(tree.params):
            if tree.inputs >> place & 1 and not tree.varying >> place & 1:
                text = self.emit(f"load {in_memory(param.type)}, ptr {self.pointers[place]}, align 1")
                self.env[place] = self.loaded(param.type, text, lanes=False)
        if tree.tables:
            self.open_tables()
        if self.steps:
            self.field(MAX_STEPS, "i64", "%max_steps")

    def open_tables(self) -> None:
        """Print the loading of the tables' addresses and lengths."""
        words = self.field(TABLES, "ptr", "%tables")
        place = 0
        for table in self.tree.function.params:
            if not isinstance(table, Table):
                continue
            number = self.tree.tables[table.name]
            base = self.emit(f"load ptr, ptr {self.emit(f'getelementptr i64, ptr {words}, i64 {place}')}, align 8")
            empty = "false"
            for axis in range(table.ndim):
                slot = self.emit(f"getelementptr i64, ptr {words}, i64 {place + 1 + axis}")
                length = self.emit(f"load i64, ptr {slot}, align 8")
                self.dims[number, axis] = Value(INT64, length, lanes=False)
                self.lasts[number, axis] = self.emit(f"sub i64 {length}, 1")
                none = self.emit(f"icmp eq i64 {length}, 0")
                empty = self.emit(f"or i1 {empty}, {none}")
            self.bases.append(self.emit(f"select i1 {empty}, ptr %frame, ptr {base}"))
            place += 1 + table.ndim

    def poll(self) -> None:
        """Print a call of the frame's poll; go on where it says so."""
        call = "call preserve_allcc i32 @poll(ptr %frame)"
        self.module.helpers.setdefault("poll", self.calling("poll", POLL, "ptr %frame"))
        stopped = self.emit(f"icmp ne i32 {self.emit(call)}, 0")
        on = self.ahead("on")
        self.branch(stopped, self.stopped, on, UNLIKELY)
        self.place(on)

    def calling(self, name: str, offset: int, operands: str) -> str:
        """Define a helper that calls a function of the frame's and leaves all registers alone."""
        return f"""define internal preserve_allcc i32 @{name}({operands}) #1 {{
%p = getelementptr i8, ptr %frame, i64 {offset}
%f = load ptr, ptr %p, align 8
{self.clearing()}
%r = call i32 %f({operands})
ret i32 %r
}}"""

    def clearing(self) -> str:
        """Write what comes ahead of code that may know nothing of vectors."""
        if not self.shape.clear:
            return ""
        self.module.intrinsic(self.shape.clear, "void")
        return f"call void @{self.shape.clear}()"

    def leave_with(self, status: str) -> None:
        """Print the return to the caller."""
        if self.shape.clear:
            self.line(self.clearing())
        self.end(f"ret i32 {status}")

    def stored(self, place: int) -> str:
        """Print a result as it is in memory."""
        type_ = self.tree.function.results[place]
        value = self.state[self.result_key(place)]
        if type_ is BOOL:
            return self.emit(f"zext {self.shape.vector('i1')} {self.bit(value)} to {self.shape.vector('i8')}")
        text = self.lanes(value)
        return canonical(Use(self, type_, [text], lanes=True)) if type_.is_float else text

    def begin_results(self) -> None:
        """Begin results as zeros."""
        for place, type_ in enumerate(self.tree.function.results):
            self.state[self.result_key(place)] = self.zero(type_)

    def index_of(self, lane: str) -> str:
        """Print the index of a lane's element."""
        raise NotImplementedError

    def outputs(self) -> list[tuple[str, str]]:
        """Give the outputs' types in memory and pointers."""
        pointers = self.pointers[len(self.tree.params) :]
        return [
            (in_memory(type_), pointer) for type_, pointer in zip(self.tree.function.results, pointers, strict=True)
        ]

    def store_part(self, results: list[str], word: str) -> None:
        """Print the storing of some lanes, one after the other."""
        rooms = []
        for place, ((element, _), text) in enumerate(zip(self.outputs(), results, strict=True)):
            rooms.append(self.room(place))
            self.store_lanes(element, text, rooms[-1], "align 1")
        source, loop, copy, after = self.block, self.ahead("each"), self.ahead("copy"), self.ahead("copied")
        assert source is not None
        self.end(f"br label %{loop.name}")
        kind = self.shape.word
        self.place(loop)
        left, fewer = self.name(), self.name()
        loop.phis.append(f"{left} = phi {kind} [ {word}, %{source.name} ], [ {fewer}, %{copy.name} ]")
        self.branch(self.emit(f"icmp eq {kind} {left}, 0"), after, copy)
        self.place(copy)
        lane = self.lowest(left)
        index = self.index_of(lane)
        for (element, pointer), room in zip(self.outputs(), rooms, strict=True):
            cell = self.emit(f"load {element}, ptr {self.at(element, room, lane)}")
            self.line(f"store {element} {cell}, ptr {self.at(element, pointer, index)}, align 1")
        self.line(f"{fewer} = and {kind} {left}, {self.emit(f'sub {kind} {left}, 1')}")
        self.end(f"br label %{loop.name}")
        self.place(after)

    def at(self, element: str, pointer: str, index: str) -> str:
        """Print an element's address."""
        return self.emit(f"getelementptr {element}, ptr {pointer}, i64 {index}")

    def lowest(self, word: str) -> str:
        """Print the number of a word's lowest set bit."""
        width = self.shape.lanes
        lane = self.call(f"llvm.cttz.i{width}", f"i{width}", (f"i{width}", word), ("i1", "false"))
        if width == 64:
            return lane
        return self.emit(f"{'zext' if width < 64 else 'trunc'} i{width} {lane} to i64")
