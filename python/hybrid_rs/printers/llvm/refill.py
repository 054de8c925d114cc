"""The function `refill`: a loop whose finished lanes take new elements while the others go on.

```
entry → fetch: free lanes take elements → prologue of these → loop ─ few lanes left ─▶ epilogue of the finished → fetch
```

Elements of lanes lie in memory while they wait: their indices and inputs, by lane.
"""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import Final

from hybrid_rs.ir.nodes import Param
from hybrid_rs.ir.tree import Block, Exit, Loop, Return, Tree, bits
from hybrid_rs.ir.types import BOOL, INT64
from hybrid_rs.printers.llvm.code import UNLIKELY, Label, Module, constant
from hybrid_rs.printers.llvm.frame import DONE, FAULT, FAULT_INDEX, FAULT_SITE, NEXT, OK, STOPPED, Framed, in_memory
from hybrid_rs.printers.llvm.leaving import BUDGET, EDGES
from hybrid_rs.printers.llvm.loops import STEPS
from hybrid_rs.printers.llvm.masks import ALIVE, Around, Level
from hybrid_rs.printers.llvm.shape import Value

__all__ = ["RefillFunction"]

CURSOR: Final = "cursor"
"""The state's key of the next element of the range, and of the range's end."""
LIMIT: Final = "limit"
MARK: Final = "mark"
"""The state's key of how many lanes may be left in the loop when the others take new elements; 0 if there are none."""


class RefillFunction(Framed):
    """Prints a function that goes over ranges with lanes that are always busy."""

    def __init__(self, tree: Tree, module: Module, *, steps: bool) -> None:
        super().__init__(tree, module, steps=steps)
        assert tree.refill is not None
        self.refill = tree.refill
        self.live = Level(tree.refill)
        self.level_of = {block: Level(block) for block in tree.around if block.masked}
        # Without new lanes, or where all of them fault, a uniform loop ahead may be left before its end.
        self.uniforms = self.refill.live_head & ~tree.varying
        self.uniforms &= reduce(or_, (loop.assigned for loop in tree.loops if loop.place < self.refill.place), 0)
        """Uniform variables that lanes in the loop keep while others run the prologue."""
        self.lowest_mark = self.shape.lanes - max(self.shape.lanes // 4, 1)
        self.ahead_of_loop: Label | None = None
        """Where lanes go that are done with the prologue, while that is printed."""

    @property
    def word_type(self) -> str:
        """Name the type of a mask as an integer."""
        return self.shape.word

    def function(self) -> str:
        """Print the function."""
        self.stopped = self.ahead("stopped")
        self.open()
        self.make_rooms()
        self.begin()
        head = self.head(self.refill.live_head & self.tree.varying | self.uniforms, self.tree.varying)
        self.fetch()
        self.body(self.tree.body)
        self.jump(self.end_label)
        assert self.bind(self.end_label, 0), "every path ends"
        results = [self.stored(place) for place in range(len(self.tree.function.results))]
        self.store_part(results, self.word(self.state[ALIVE]))
        self.jump(self.stored_label)
        self.bind(self.stored_label, 0)
        self.env, self.state = self.kept_env, {**self.kept_state, BUDGET: self.state[BUDGET]}
        self.back(head)
        self.place(self.stopped)
        self.leave_with(str(STOPPED))
        return "\n".join([
            "define i32 @refill(ptr noalias %frame, i64 %begin, i64 %end) #0 {", *self.body_text(), "}"
        ])  # fmt: skip

    def make_rooms(self) -> None:
        """Make room for the elements of lanes."""
        width = self.shape.lanes
        self.columns: list[tuple[int, Param, str]] = []
        for place, param in enumerate(self.tree.params):
            if self.tree.inputs & self.tree.varying & 1 << place:
                self.columns.append((place, param, f"%input{place}"))
        rooms = [("i64", "%index"), *((in_memory(param.type), room) for _, param, room in self.columns)]
        for element, room in rooms:
            self.scratch[room] = f"{room} = alloca [{width} x {element}], align 64"
            self.line(f"store [{width} x {element}] zeroinitializer, ptr {room}, align 64")
        self.scratch["%range"] = "%range = alloca [2 x i64], align 16"

    def begin(self) -> None:
        """Begin without any lane."""
        nobody = Value(BOOL, self.no_lanes, lanes=True)
        tree = self.tree
        for variable in bits(self.refill.live_head & tree.varying):
            if variable >= len(tree.params):
                self.env[variable] = self.zero(tree.types[variable])
        for variable in bits(self.uniforms):
            self.env[variable] = constant(tree.types[variable], 0)
        for key in (ALIVE, self.levels[0], self.live, *self.level_of.values()):
            self.state[key] = nobody
        self.make_room(self.refill)
        for block in self.level_of:
            self.make_room(block)
        self.begin_results()
        if self.steps:
            self.state[STEPS] = self.zero(INT64)
        self.state[BUDGET] = constant(INT64, EDGES)
        self.state[CURSOR] = Value(INT64, "%begin", lanes=False)
        self.state[LIMIT] = Value(INT64, "%end", lanes=False)

    # ---- taking elements

    def fetch(self) -> None:
        """Print the taking of new elements by free lanes, and begin the prologue with these."""
        word = self.word_type
        here = self.block
        assert here is not None
        free = self.emit(f"xor {word} {self.word(self.state[self.live])}, -1")
        check, ask, one = self.ahead("check"), self.ahead("ask"), self.ahead("one")
        more, call, fetched = self.ahead("more"), self.ahead("call"), self.ahead("fetched")
        again = self.ahead("again")
        self.end(f"br label %{check.name}")

        self.place(check)
        left, got, cursor, limit = (self.name() for _ in range(4))
        fewer, got2, cursor2, begin, end = (self.name() for _ in range(5))
        first, last = self.state[CURSOR].text, self.state[LIMIT].text
        check.phis += [
            f"{left} = phi {word} [ {free}, %{here.name} ], [ {fewer}, %{one.name} ], [ {left}, %{again.name} ]",
            f"{got} = phi {word} [ 0, %{here.name} ], [ {got2}, %{one.name} ], [ {got}, %{again.name} ]",
            f"{cursor} = phi i64 [ {first}, %{here.name} ], [ {cursor2}, %{one.name} ], [ {begin}, %{again.name} ]",
            f"{limit} = phi i64 [ {last}, %{here.name} ], [ {limit}, %{one.name} ], [ {end}, %{again.name} ]",
        ]
        self.branch(self.emit(f"icmp eq {word} {left}, 0"), fetched, ask)
        self.place(ask)
        self.branch(self.emit(f"icmp eq i64 {cursor}, {limit}"), more, one)

        self.place(one)
        lane = self.lowest(left)
        self.line(f"store i64 {cursor}, ptr {self.at('i64', '%index', lane)}")
        for place, param, room in self.columns:
            element = in_memory(param.type)
            cell = self.emit(f"load {element}, ptr {self.at(element, self.pointers[place], cursor)}, align 1")
            self.line(f"store {element} {cell}, ptr {self.at(element, room, lane)}")
        self.line(f"{fewer} = and {word} {left}, {self.emit(f'sub {word} {left}, 1')}")
        taken = self.emit(f"xor {word} {left}, {fewer}")
        self.line(f"{got2} = or {word} {got}, {taken}")
        self.line(f"{cursor2} = add i64 {cursor}, 1")
        self.end(f"br label %{check.name}")

        self.place(more)
        fault = self.emit(f"load i64, ptr {self.at('i8', '%frame', str(FAULT_INDEX))}, align 8")
        self.branch(self.emit(f"icmp eq i64 {fault}, -1"), call, fetched)
        self.place(call)
        self.module.helpers.setdefault("following", self.calling("following", NEXT, "ptr %frame, ptr %range"))
        some = self.emit("call preserve_allcc i32 @following(ptr %frame, ptr %range)")
        self.branch(self.emit(f"icmp ne i32 {some}, 0"), again, fetched)
        self.place(again)
        self.line(f"{begin} = load i64, ptr %range")
        self.line(f"{end} = load i64, ptr {self.at('i64', '%range', '1')}")
        self.end(f"br label %{check.name}")

        self.place(fetched)
        mark = self.name()
        fetched.phis.append(
            f"{mark} = phi i64 [ {self.lowest_mark}, %{check.name} ], [ 0, %{more.name} ], [ 0, %{call.name} ]"
        )
        self.state[CURSOR] = Value(INT64, cursor, lanes=False)
        self.state[LIMIT] = Value(INT64, limit, lanes=False)
        self.state[MARK] = Value(INT64, mark, lanes=False)
        self.prologue(got, free)

    def prologue(self, got: str, free: str) -> None:
        """Begin the prologue with lanes that took elements; end where there are no more."""
        word = self.word_type
        run, leave = self.ahead("prologue"), self.ahead("leave")
        nothing = self.emit(f"icmp eq {word} {got}, 0")
        idle = self.emit(f"icmp eq {word} {free}, -1")
        self.branch(self.emit(f"and i1 {nothing}, {idle}"), leave, run)
        self.place(leave)
        fault = self.emit(f"load i64, ptr {self.at('i8', '%frame', str(FAULT_INDEX))}, align 8")
        none = self.emit(f"icmp eq i64 {fault}, -1")
        self.leave_with(self.emit(f"select i1 {none}, i32 {DONE}, i32 {FAULT}"))
        self.place(run)
        takes = self.takes = self.of_word(got)
        self.old_env, self.old_state = dict(self.env), dict(self.state)
        for place, param, room in self.columns:
            value = self.loaded(param.type, self.load_lanes(in_memory(param.type), room, 1), lanes=True)
            self.lanes(value)
            self.env[place] = value
        self.state[ALIVE] = self.state[self.levels[0]] = takes
        if self.steps:
            self.state[STEPS] = self.blend(takes, self.zero(INT64), self.state[STEPS])
        self.end_label = self.label("results")
        self.ahead_of_loop = self.label("entered")
        for level in self.level_of.values():
            level.end = self.ahead_of_loop

    # ---- what differs ahead of the loop

    def block_of(self, node: Block) -> None:
        """Print a block; one around the loop has parts ahead of it and behind it."""
        if not node.around:
            super().block_of(node)
            return
        self.flush()
        level = self.level_of.get(node)
        if level is not None:
            self.state[level] = self.exactly(self.here())
            self.levels.append(level)
        end = self.ends[node] = self.label("out")
        self.body(node.body)
        self.jump(end)
        reached = self.bind(end, node.live_after)
        if level is not None:
            self.levels.pop()
            if reached:
                self.take_back(node, self.state.pop(level))

    def leave(self, node: Exit) -> None:
        """Print a Break or Continue."""
        target = node.target
        if node.masked or self.ahead_of_loop is None or not isinstance(target, Block) or not target.around:
            super().leave(node)
            return
        mask = self.exactly(self.here())
        self.put_aside(target, mask)
        self.remove(mask, self.levels[self.levels.index(self.level_of[target]) :])
        self.jump(self.ahead_of_loop)

    def give_late(self, node: Return) -> None:
        """Print a Return."""
        if node.masked or self.ahead_of_loop is None:
            super().give_late(node)
            return
        mask = self.keep_results(node)
        if mask is not None:
            self.remove(mask, self.levels)
            self.jump(self.ahead_of_loop)

    # ---- the loop

    def loop(self, loop: Loop) -> None:
        """Print a loop."""
        if not loop.refill:
            super().loop(loop)
            return
        self.flush()
        assert self.ahead_of_loop is not None
        self.jump(self.ahead_of_loop)
        self.bind(self.ahead_of_loop, loop.live_head)
        self.ahead_of_loop = None
        self.unite(loop)
        self.levels.append(self.live)
        self.wind_up(loop)
        end = self.ends[loop] = self.label("take")
        around = Around(loop, end, len(self.levels))
        self.around.append(around)
        self.fork(self.crowded(self.word(self.state[self.live])), self.ahead("enter"), end)
        self.iterate(loop)
        self.around.pop()
        self.levels.pop()
        self.epilogue(loop, end)

    def unite(self, loop: Loop) -> None:
        """Bring the lanes that come from the prologue together with those that are in the loop."""
        for variable in bits(loop.live_head & self.tree.varying):
            old = self.old_env.get(variable)
            if old is not None and variable >= len(self.tree.params):
                self.env[variable] = self.blend(self.takes, self.env[variable], old)
        entering = self.exactly(self.here())
        if self.uniforms:
            some = self.emit(f"icmp ne {self.word_type} {self.word(entering)}, 0")
            for variable in bits(self.uniforms):
                self.env[variable] = self.either(some, self.env.get(variable), self.old_env[variable])
        for level in (self.levels[0], *self.level_of.values()):
            self.state[level] = self.blend(self.takes, self.state[level], self.old_state[level])
        live = self.old_state[self.live]
        self.state[ALIVE] = self.both("or", live, self.state[ALIVE])
        self.state[self.live] = self.both("or", live, entering)

    def either(self, new: str, value: Value | None, old: Value) -> Value:
        """Give a uniform variable's new value where a condition holds, else its old one."""
        if value is None:
            return old
        kind = self.shape.type(old.type, lanes=False)
        return Value(old.type, self.emit(f"select i1 {new}, {kind} {value.text}, {kind} {old.text}"), lanes=False)

    def crowded(self, word: str) -> str:
        """Ask whether so many lanes are in the loop that it goes on."""
        kind, lanes = self.word_type, self.shape.lanes
        count = self.call(f"llvm.ctpop.{kind}", kind, (kind, word))
        if lanes != 64:
            count = self.emit(f"{'zext' if lanes < 64 else 'trunc'} {kind} {count} to i64")
        return self.emit(f"icmp ugt i64 {count}, {self.state[MARK].text}")

    def leave_if_empty(self) -> None:
        """Leave the loop around if no lane is in it any more; if too many have left, its next back edge is the last."""
        if not self.around or self.around[-1].node is not self.refill or self.block is None or self.holds:
            super().leave_if_empty()
            return
        word = self.word(self.state[self.live])
        self.fork(self.emit(f"icmp ne {self.word_type} {word}, 0"), self.ahead("left"), self.around[-1].end)
        key = (self.refill, "look") if self.refill in self.quiets else BUDGET
        left = self.emit(f"select i1 {self.crowded(word)}, i64 {self.state[key].text}, i64 1")
        self.state[key] = Value(INT64, left, lanes=False)

    def stay(self, loop: Loop) -> str:
        """Ask whether enough lanes are left for the loop to go on."""
        return self.crowded(self.word(self.state[self.live])) if loop is self.refill else super().stay(loop)

    def back_edge(self) -> None:
        """Count a step, and look from time to time whether to poll, or to leave the loop for new elements."""
        if not self.around or self.around[-1].node is not self.refill:
            super().back_edge()
            return
        if self.steps:
            self.count()
        left = self.emit(f"sub i64 {self.state[BUDGET].text}, 1")
        self.state[BUDGET] = Value(INT64, left, lanes=False)
        after = self.label("go")
        self.fork(self.emit(f"icmp eq i64 {left}, 0"), self.ahead("poll"), after, UNLIKELY)
        self.poll()
        self.state[BUDGET] = constant(INT64, EDGES)
        self.branch(self.crowded(self.word(self.state[self.live])), after, self.ends[self.refill])
        self.bind(after, self.every)

    def epilogue(self, loop: Loop, end: Label) -> None:
        """Go on behind the loop with the lanes that are finished."""
        self.bind(end, loop.live_head | loop.live_after)
        for variable in [variable for variable, other in self.counters.items() if other is loop]:
            value = self.held(variable)
            if value is not None:
                self.env[variable] = value
        self.run_down(loop)
        kept = loop.live_head & self.tree.varying | self.uniforms
        self.kept_env = {variable: self.env[variable] for variable in bits(kept) if variable in self.env}
        self.kept_state = dict(self.state)
        done = self.without(self.state[ALIVE], self.state[self.live])
        self.stored_label = self.label("stored")
        self.fork(self.any(done), self.ahead("epilogue"), self.stored_label)
        self.state[ALIVE] = done
        for level in (self.levels[0], *self.level_of.values()):
            self.state[level] = self.both("and", self.state[level], done)
        self.take_back(loop, None)
        for block, level in self.level_of.items():
            level.end = self.ends[block]

    # ---- elements

    def index_of(self, lane: str) -> str:
        """Print the index of a lane's element."""
        return self.emit(f"load i64, ptr {self.at('i64', '%index', lane)}")

    def record(self, mask: Value, site: int) -> None:
        """Print the recording of a fault of some lanes."""
        word = self.word_type
        self.module.helpers.setdefault("fault.at", fault_helper(self.module, self.shape.lanes))
        self.line(f"call preserve_allcc void @fault.at(ptr %frame, ptr %index, {word} {self.word(mask)}, i64 {site})")


def fault_helper(module: Module, width: int) -> str:
    """Define the recording of a fault of the lanes of a word, whose elements have the indices in memory."""
    kind = f"i{width}"
    cttz = module.intrinsic(f"llvm.cttz.{kind}", kind, kind, "i1")
    extend = "%k = add i64 %lane, 0" if width == 64 else f"%k = {'zext' if width < 64 else 'trunc'} {kind} %lane to i64"
    return f"""define internal preserve_allcc void @fault.at(ptr %frame, ptr %indices, {kind} %word, i64 %site) #1 {{
entry:
%okp = getelementptr i8, ptr %frame, i64 {OK}
%ok = load ptr, ptr %okp, align 8
%records = icmp eq ptr %ok, null
%lastp = getelementptr i8, ptr %frame, i64 {FAULT_INDEX}
%sitep = getelementptr i8, ptr %frame, i64 {FAULT_SITE}
br label %loop
loop:
%left = phi {kind} [ %word, %entry ], [ %fewer, %mask ], [ %fewer, %record ], [ %fewer, %lowest ]
%none = icmp eq {kind} %left, 0
br i1 %none, label %done, label %one
one:
%lane = call {kind} @{cttz}({kind} %left, i1 false)
{extend}
%indexp = getelementptr i64, ptr %indices, i64 %k
%index = load i64, ptr %indexp, align 8
%less = sub {kind} %left, 1
%fewer = and {kind} %left, %less
br i1 %records, label %record, label %mask
mask:
%cell = getelementptr i8, ptr %ok, i64 %index
store i8 0, ptr %cell
br label %loop
record:
%last = load i64, ptr %lastp, align 8
%lower = icmp ult i64 %index, %last
br i1 %lower, label %lowest, label %loop
lowest:
store i64 %index, ptr %lastp, align 8
store i64 %site, ptr %sitep, align 8
br label %loop
done:
ret void
}}"""
