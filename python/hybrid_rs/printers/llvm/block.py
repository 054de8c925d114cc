"""The function `block`, which computes W elements at a time; and `stream`, which stores past the caches."""

from __future__ import annotations

from hybrid_rs.ir.tree import Tree
from hybrid_rs.ir.types import BOOL, INT64
from hybrid_rs.printers.llvm.code import Module
from hybrid_rs.printers.llvm.frame import DONE, FAULT, FAULT_INDEX, FAULT_SITE, OK, STOPPED, Framed, in_memory
from hybrid_rs.printers.llvm.leaving import BUDGET, EDGES
from hybrid_rs.printers.llvm.loops import STEPS
from hybrid_rs.printers.llvm.masks import ALIVE
from hybrid_rs.printers.llvm.shape import Value

__all__ = ["BlockFunction"]


class BlockFunction(Framed):
    """Prints a function that goes over its range block by block."""

    def __init__(self, tree: Tree, module: Module, *, steps: bool, stream: bool = False) -> None:
        super().__init__(tree, module, steps=steps)
        self.stream = stream

    def function(self) -> str:
        """Print the function."""
        self.stopped = self.ahead("stopped")
        self.open()
        entry = self.block
        assert entry is not None
        budget = self.tree.loops
        empty, top, leave = self.emit("icmp eq i64 %begin, %end"), self.ahead("block"), self.ahead("leave")
        self.branch(empty, leave, top)
        self.place(top)
        if budget:
            self.state[BUDGET] = Value(INT64, "%budget", lanes=False)
        self.begin()
        self.body(self.tree.body)
        self.jump(self.end_label)
        assert self.bind(self.end_label, 0), "every path ends"
        self.store_all()
        latch = self.block
        assert latch is not None
        self.line(f"%following = add i64 %base, {self.shape.lanes}")
        last = self.emit("icmp eq i64 %following, %end")
        self.branch(last, leave, top)
        top.phis.append(f"%base = phi i64 [ %begin, %{entry.name} ], [ %following, %{latch.name} ]")
        if budget:
            spent = self.state[BUDGET].text
            top.phis.append(f"%budget = phi i64 [ {EDGES}, %{entry.name} ], [ {spent}, %{latch.name} ]")
        self.place(leave)
        self.leave_with(str(DONE))
        self.place(self.stopped)
        self.leave_with(str(STOPPED))
        name = "stream" if self.stream else "block"
        return "\n".join([
            f"define i32 @{name}(ptr noalias %frame, i64 %begin, i64 %end) #0 {{", *self.body_text(), "}"
        ])  # fmt: skip

    def begin(self) -> None:
        """Print the loading of a block's inputs."""
        tree = self.tree
        for place, param in enumerate(tree.params):
            if tree.inputs & tree.varying & 1 << place:
                element = in_memory(param.type)
                address = self.emit(f"getelementptr {element}, ptr {self.pointers[place]}, i64 %base")
                value = self.loaded(param.type, self.load_lanes(element, address, 1), lanes=True)
                self.lanes(value)
                self.env[place] = value
        everyone = Value(BOOL, self.all_lanes, lanes=True)
        if self.faults:
            self.state[ALIVE] = everyone
        if tree.late:
            self.state[self.levels[0]] = everyone
        if self.steps and tree.loops:
            self.state[STEPS] = self.zero(INT64)
        self.begin_results()
        self.end_label = self.label("results")

    # ---- results

    def store_all(self) -> None:
        """Print the storing of a block's results, of the lanes that have some."""
        results = [self.stored(place) for place in range(len(self.tree.function.results))]
        if not self.faults or self.state[ALIVE].text == self.all_lanes:
            self.store_whole(results)
            return
        alive = self.state[ALIVE]
        every = Value(BOOL, self.all_lanes, lanes=True)
        whole, part, after = self.ahead("whole"), self.ahead("part"), self.ahead("stored")
        lost = self.any(self.without(every, alive))
        self.branch(lost, part, whole)
        self.place(part)
        self.store_part(results, self.word(alive))
        ok = self.emit(f"load ptr, ptr {self.emit(f'getelementptr i8, ptr %frame, i64 {OK}')}, align 8")
        ends, fault = self.emit(f"icmp eq ptr {ok}, null"), self.ahead("faulted")
        self.branch(ends, fault, after)
        self.place(fault)
        self.leave_with(str(FAULT))
        self.place(whole)
        self.store_whole(results)
        self.end(f"br label %{after.name}")
        self.place(after)

    def store_whole(self, results: list[str]) -> None:
        """Print the storing of all lanes."""
        for (element, pointer), text in zip(self.outputs(), results, strict=True):
            self.store_lanes(element, text, self.at(element, pointer, "%base"), self.how(element))

    def how(self, element: str) -> str:
        """Say how a result is stored: what goes past the caches has to be aligned."""
        size = self.shape.width * {"i8": 1, "i16": 2, "i32": 4, "float": 4}.get(element, 8)
        if not self.stream or size < 16 or size & (size - 1):
            return "align 1"
        return f"align {min(size, 64)}, !nontemporal !2"

    def index_of(self, lane: str) -> str:
        """Print the index of a lane's element."""
        return self.emit(f"add i64 %base, {lane}")

    # ---- faults

    def record(self, mask: Value, site: int) -> None:
        """Print the recording of a fault of some lanes."""
        word = self.shape.word
        self.module.helpers.setdefault("fault", fault_helper(self.module, self.shape.lanes))
        self.line(f"call preserve_allcc void @fault(ptr %frame, i64 %base, {word} {self.word(mask)}, i64 {site})")


def fault_helper(module: Module, width: int) -> str:
    """Define the recording of a fault of the lanes of a word: as false, or as the lowest one's index and site."""
    kind = f"i{width}"
    cttz = module.intrinsic(f"llvm.cttz.{kind}", kind, kind, "i1")
    extend = "%k = add i64 %lane, 0" if width == 64 else f"%k = {'zext' if width < 64 else 'trunc'} {kind} %lane to i64"
    return f"""define internal preserve_allcc void @fault(ptr %frame, i64 %base, {kind} %word, i64 %site) #1 {{
entry:
%okp = getelementptr i8, ptr %frame, i64 {OK}
%ok = load ptr, ptr %okp, align 8
%records = icmp eq ptr %ok, null
br label %loop
loop:
%left = phi {kind} [ %word, %entry ], [ %fewer, %mask ]
%none = icmp eq {kind} %left, 0
br i1 %none, label %done, label %one
one:
%lane = call {kind} @{cttz}({kind} %left, i1 false)
{extend}
%index = add i64 %base, %k
br i1 %records, label %record, label %mask
mask:
%cell = getelementptr i8, ptr %ok, i64 %index
store i8 0, ptr %cell
%less = sub {kind} %left, 1
%fewer = and {kind} %left, %less
br label %loop
record:
%lastp = getelementptr i8, ptr %frame, i64 {FAULT_INDEX}
%last = load i64, ptr %lastp, align 8
%lower = icmp ult i64 %index, %last
br i1 %lower, label %lowest, label %done
lowest:
store i64 %index, ptr %lastp, align 8
%sitep = getelementptr i8, ptr %frame, i64 {FAULT_SITE}
store i64 %site, ptr %sitep, align 8
br label %done
done:
ret void
}}"""
