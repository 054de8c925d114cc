"""Loops: plain ones that all lanes leave together, masked ones, and the refill loop."""

from __future__ import annotations

from hybrid_rs.ir.counted import Counted, counted
from hybrid_rs.ir.tree import Assign, Body, Loop, Tree, bits
from hybrid_rs.ir.types import BOOL, UINT64
from hybrid_rs.printers.vm.code import EVERY, OK, SHORT, Code, Label
from hybrid_rs.printers.vm.exits import Exits
from hybrid_rs.printers.vm.masks import Frame, Level

__all__ = ["Loops"]


class Loops(Exits):
    """Prints loops."""

    def __init__(self, tree: Tree, code: Code, *, steps: bool) -> None:
        super().__init__(tree, code, steps=steps)
        self.loop_place: Label | None = None
        self.epilogue: Label | None = None
        self.clocks: dict[Loop, Counted] = {}
        self.steps_of_clocks: dict[Assign, Counted] = {}
        if tree.refill:
            self.masks.left = code.uniforms.new(BOOL)
        self.counter = 0
        if steps and tree.loops:
            self.counter = code.lanes.take(UINT64)
            code.first("mov.u64.s", self.counter, code.const(UINT64, 0))

    def body(self, body: Body, *, own: bool) -> None:
        """Print statements; `own` says whether the level ends with them."""
        raise NotImplementedError

    def loop(self, loop: Loop) -> None:
        """Print a loop."""
        self.ends[loop] = Label()
        self.next[loop] = Label()
        if not loop.refill:
            self.loop_depth += 1
        if loop.refill:
            self.refill_loop(loop)
        elif loop.masked:
            self.masked_loop(loop)
        else:
            self.plain_loop(loop)
        self.loop_depth -= 1

    # ---- plain loops

    def plain_loop(self, loop: Loop) -> None:
        """Print a loop whose lanes stay together. It isn't begun, and not gone on with, when no lane is left."""
        end, top = self.ends[loop], Label()
        here = self.masks.here()
        faults = loop.faults or self.steps
        if not faults and (here != EVERY or self.faults):
            self.code.emit("jump_if_none", a=OK if here == EVERY else here, imm=end)
        self.code.bind(top)
        if faults:
            self.leave_if_faulted(here, end)
        self.iteration(loop, here)
        if loop.steps:
            self.back(top)
        self.code.bind(end)

    def leave_if_faulted(self, here: int, end: Label) -> None:
        """Leave the loop when all its lanes have faulted, for they might never leave it."""
        if here == EVERY:
            self.code.emit("jump_if_none", a=OK, imm=end)
            return
        mask = self.code.lanes.take(BOOL)
        self.code.emit("and.bool.vv", mask, here, OK)
        self.code.emit("jump_if_none", a=mask, imm=end)
        self.code.lanes.drop(mask)

    def back(self, top: Label) -> None:
        """Print the way from the step back to the head."""
        if self.steps:
            self.code.emit("step", 0, self.counter, 0, self.masks.here(), self.tree.function.steps_site)
        self.code.emit("back", imm=top)

    def iteration(self, loop: Loop, lanes: int) -> None:
        """Print head, condition, body and step."""
        if loop.continues:
            self.masks.levels.append(Level(self.masks.level.frame, self.masks.copy(lanes), node=loop))
        self.body(loop.head, own=loop.continues)
        if loop.head.completes:
            if not loop.endless:
                self.place = loop.cond_place
                self.condition(loop)
                self.expire(loop.cond_place)
            if loop.masked and not loop.refill:
                self.thin_out(loop)
            self.body(loop.body, own=loop.continues)
        if loop.continues:
            self.code.lanes.drop(self.masks.levels.pop().mask)
        self.code.bind(self.next[loop])
        if loop.steps:
            self.body(loop.step, own=False)

    def condition(self, loop: Loop) -> None:
        """Leave the loop where its condition doesn't hold."""
        if loop.masked:
            self.masked_condition(loop)
        else:
            operand = self.value(loop.cond)
            self.release(operand)
            self.code.emit("jump_unless", a=~operand, imm=self.ends[loop])

    # ---- masked loops

    def masked_loop(self, loop: Loop) -> None:
        """Print a loop that lanes leave at different times."""
        top = Label()
        here = self.masks.here()
        frame = self.enter(loop)
        self.code.emit("enter")
        clock = self.clocks.get(loop)
        if not self.often(loop) and (here != EVERY or self.faults or (clock is not None and not clock.exact)):
            self.code.emit("jump_if_none", a=frame.live, imm=self.ends[loop])
        self.code.bind(top)
        self.masks.levels.append(Level(frame))
        self.drop_faulted(loop, frame)
        self.iteration(loop, frame.live)
        if loop.steps:
            self.back(top)
        self.masks.levels.pop()
        self.code.bind(self.ends[loop])
        self.code.emit("leave")
        self.take_back(loop, frame)

    def refill_loop(self, loop: Loop) -> None:
        """Print the loop whose finished lanes take new elements."""
        assert self.ahead is not None
        self.code.bind(self.ahead)
        if self.parted:
            self.masks.forget()
        frame = self.enter(loop)
        self.ahead = None
        self.masks.tell()
        self.code.emit("end")
        self.loop_place = Label()
        self.code.bind(self.loop_place)
        self.code.emit("refill", a=frame.live, b=self.masks.left)
        self.code.moves()
        self.loop_depth += 1
        self.masks.levels.append(Level(frame))
        self.drop_faulted(loop, frame)
        self.iteration(loop, frame.live)
        self.back(self.loop_place)
        self.masks.levels.pop()
        self.code.bind(self.ends[loop])
        self.code.emit("end")
        self.epilogue = Label()
        self.code.bind(self.epilogue)
        self.take_back(loop, frame)

    def enter(self, loop: Loop) -> Frame:
        """Set up the live mask and the shadows."""
        frame = Frame(loop, self.masks.level.frame, self.masks.copy(self.masks.here()))
        if self.faults and not (loop.faults or self.steps):
            self.code.emit("and.bool.vv", frame.live, frame.live, OK)
        clock = counted(self.tree, loop)
        shadows = self.shadows[loop] = {}
        # Lanes that are beyond the end when they come don't enter.
        entry = loop.entry if clock is None or clock.exact else loop.entry | loop.live_after
        for variable in bits(loop.shadows):
            shadows[variable] = self.code.lanes.take(self.types[variable])
            if entry >> variable & 1:
                self.code.emit(f"mov.{SHORT[self.types[variable].code]}.v", shadows[variable], self.home(variable))
        if clock is not None:
            self.clocks[loop] = self.steps_of_clocks[clock.step] = clock
            self.wind_up(clock, frame)
        return frame

    def wind_up(self, clock: Counted, frame: Frame) -> None:
        """Set the time at which each lane leaves. The clock shows anything when the loop is entered."""
        code, variable = self.code, clock.variable
        type_ = self.types[variable]
        name, home = SHORT[type_.code], self.home(variable)
        clock.clock, clock.alarm = code.uniforms.new(type_), code.uniforms.new(type_)
        clock.time = home if clock.derived else code.lanes.take(type_)
        if clock.exact:
            code.emit(f"add.{name}.vs", clock.time, home, clock.clock)
        else:
            end = self.value(clock.end)
            enters = self.two("lt" if clock.up else "gt", type_, home, end, BOOL)
            code.emit("and.bool.vv", frame.live, frame.live, enters)
            self.release(enters)
            high, low = (end, home) if clock.up else (home, end)
            form = "".join("v" if operand >= 0 else "s" for operand in (high, low))
            code.emit(f"sub.{name}.{form}", clock.time, max(high, ~high), max(low, ~low))
            code.emit(f"add.{name}.vs", clock.time, clock.time, clock.clock)
        code.emit(f"mov.{name}.ss", clock.alarm, clock.clock)
        if clock.derived:
            self.counters[variable] = clock

    def tick(self, clock: Counted) -> bool:
        """Let a clock go on; say whether the counter is kept as well."""
        type_ = self.types[clock.variable]
        self.code.emit(f"add.{SHORT[type_.code]}.ss", clock.clock, clock.clock, self.code.const(type_, 1))
        return not clock.derived

    def take_back(self, loop: Loop, frame: Frame) -> None:
        """Copy the shadows back."""
        clock = self.clocks.pop(loop, None)
        if clock is not None:
            if clock.derived:
                del self.counters[clock.variable]
            else:
                self.code.lanes.drop(clock.time)
        for variable, shadow in self.shadows.pop(loop).items():
            self.code.emit(f"mov.{SHORT[self.types[variable].code]}.v", self.home(variable), shadow)
            self.code.lanes.drop(shadow)
        self.code.lanes.drop(frame.live)

    def drop_faulted(self, loop: Loop, frame: Frame) -> None:
        """Take faulted lanes out of the loop, for they might never leave it."""
        if loop.faults or self.steps:
            self.code.emit("and.bool.vv", frame.live, frame.live, OK)
            if loop.refill:
                self.masks.tell()

    def thin_out(self, loop: Loop) -> None:
        """Leave the loop when no lane is in it, and work on fewer lanes when few are."""
        if self.often(loop):
            self.leave_or_compact(loop)

    def often(self, loop: Loop) -> bool:
        """Whether lanes may be gone in each iteration, and not only where the condition says so."""
        return loop.endless or loop.exits or loop.faults or self.steps

    def leave_or_compact(self, loop: Loop) -> None:
        """Leave a masked loop that no lane is in; else bring its lanes together."""
        live = self.masks.level.frame.live
        self.code.emit("jump_if_none", a=live, imm=self.ends[loop])
        self.code.emit("compact", a=live)
        self.code.moves()

    def masked_condition(self, loop: Loop) -> None:
        """Leave a masked loop where its condition doesn't hold. Where no lane leaves, two ops and a jump are all."""
        masks, frame = self.masks, self.masks.level.frame
        here = masks.here()
        often = self.often(loop)
        skip = Label()
        clock = self.clocks.get(loop)
        operand = self.value(loop.cond) if clock is None else 0
        if clock is not None:
            leaving = self.code.lanes.take(BOOL)
            name = SHORT[self.types[clock.variable].code]
            self.code.emit(f"due.{name}", leaving, clock.time, clock.clock, here, skip, clock.alarm)
        elif operand < 0:
            self.release(operand)
            self.code.emit("jump_if", a=~operand, imm=skip)
            leaving = here
        elif often and not loop.refill and not loop.shadows & loop.live_after and here == frame.live:
            self.release(operand)
            frame.version += 1
            self.code.emit("and.bool.vv", here, here, operand)
            return
        else:
            self.release(operand)
            leaving = self.code.lanes.take(BOOL)
            self.code.emit("andn.bool.vv", leaving, here, operand)
            self.code.emit("jump_if_none", a=leaving, imm=skip)
        self.put_aside(loop, loop.live_after, leaving)
        masks.leave_frames([frame], leaving, [])
        if leaving != here:
            self.code.lanes.drop(leaving)
        if not often and not loop.refill:
            self.leave_or_compact(loop)
        self.code.bind(skip)
