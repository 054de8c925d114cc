"""Loops: plain ones that all lanes leave together, and masked ones."""

from __future__ import annotations

from typing import Final

from hybrid_rs.ir.quiet import positives
from hybrid_rs.ir.tree import Loop, bits
from hybrid_rs.ir.types import INT64, UINT64
from hybrid_rs.printers.llvm.clocks import asks_at_end
from hybrid_rs.printers.llvm.code import UNLIKELY, constant
from hybrid_rs.printers.llvm.leaving import BUDGET, EDGES, Leaving
from hybrid_rs.printers.llvm.masks import Around, Level
from hybrid_rs.printers.llvm.shape import Value
from hybrid_rs.printers.llvm.use import Use

__all__ = ["STEPS", "Loops"]

STEPS: Final = "steps"
"""The state's key of the steps that each element has taken."""


class Loops(Leaving):
    """Prints loops."""

    def loop(self, loop: Loop) -> None:
        """Print a loop."""
        self.flush()
        if self.block is None:
            return
        mask = self.here()
        if loop.masked:
            level = Level(loop)
            self.state[level] = self.exactly(mask)
            self.make_room(loop)
            self.levels.append(level)
        end = self.ends[loop] = self.label("end")
        around = Around(loop, end, len(self.levels))
        self.around.append(around)
        if mask is not None or self.faults:
            self.fork(self.any(self.exactly(self.here())), self.ahead("enter"), end)
        self.wind_up(loop)
        self.iterate(loop)
        self.run_down(loop)
        self.around.pop()
        self.finish(loop, around)

    def iterate(self, loop: Loop) -> None:
        """Print the loop's blocks, from its head to the back edge."""
        at_end = asks_at_end(loop, steps=self.steps)
        if at_end:
            self.condition(loop)
        if self.block is None:
            return
        if loop in self.clocks:
            self.set_alarm(loop)
        settled, end = self.hush(loop), self.ends[loop]
        if settled is not None:
            self.ends[loop] = self.around[-1].end = settled
        self.turn(loop, at_end=at_end)
        if settled is not None:
            self.ends[loop] = self.around[-1].end = end
            self.settle(loop, settled, end)

    def turn(self, loop: Loop, *, at_end: bool) -> None:
        """Print an iteration."""
        clocks = sum(1 << variable for variable in self.counters)
        head = self.head(loop.assigned & loop.live_head, self.tree.varying & ~clocks)
        if loop.continues:
            level = Level(loop, steps=True)
            self.state[level] = self.exactly(self.here())
            self.make_room(loop, goes_on=True)
            self.levels.append(level)
        step = self.next[loop] = self.label("step")
        if loop.continues:
            self.levels[-1].end = step
        positive = self.positive - set(bits(loop.assigned))
        self.positive = set(positive)
        self.body(loop.head)
        if not loop.endless and not at_end and self.reached():
            self.condition(loop)
        self.positive |= positives(self.tree, loop)
        self.body(loop.body)
        self.positive = positive
        if loop in self.quiets:
            self.count_iteration(loop)
        elif not at_end:
            self.depart_all(loop, loop.live_step)
        self.jump(step)
        if self.bind(step, self.every if at_end else loop.live_step) and loop.continues:
            self.take_back(loop, self.state[self.levels[-1]], goes_on=True)
        if loop.continues:
            self.state.pop(self.levels.pop(), None)
        if self.block is not None:
            self.body(loop.step)
        if at_end and self.reached():
            self.ask_at_end(loop)
        if self.block is not None and loop in self.quiets:
            same = at_end and loop not in self.clocks and self.quiets[loop].by_condition is None
            self.look(loop, self.value(loop.cond) if same else None)
        elif self.block is not None:
            self.back_edge()
        self.back(head)

    def ask_at_end(self, loop: Loop) -> None:
        """Print what `asks_at_end` says."""
        plan = self.quiets.get(loop)
        if loop in self.clocks:
            if plan is None:
                self.depart_all(loop, loop.live_head)
            if self.reached():
                self.wait_for_alarm(loop)
            return
        if plan is not None:
            if plan.by_condition is not None:
                self.slip(loop, plan.by_condition, self.opposite(self.vector(self.value(loop.cond))))
            return
        cond = self.value(loop.cond)
        if cond.lanes:
            self.note(self.without(self.exactly(self.here()), cond), None)
        self.depart_all(loop, loop.live_head)
        if not cond.lanes and self.block is not None:
            self.same_condition(loop, cond)

    def condition(self, loop: Loop) -> None:
        """Leave the loop where its condition doesn't hold."""
        cond = self.value(loop.cond)
        self.flush()
        if self.block is None:
            return
        if not loop.masked:
            self.fork(self.bit(cond), self.ahead("body"), self.ends[loop])
        elif not cond.lanes:
            self.same_condition(loop, cond)
        elif loop in self.quiets:
            way = self.quiets[loop].by_condition
            assert way is not None
            self.slip(loop, way, self.opposite(cond))
        else:
            leaving = self.without(self.exactly(self.here()), cond)
            body = self.label("body")
            self.fork(self.any(leaving), self.ahead("leave"), body, UNLIKELY)
            self.depart_from(loop, leaving)
            self.jump(body)
            self.bind(body, self.every)

    def same_condition(self, loop: Loop, cond: Value) -> None:
        """Leave a masked loop where a condition doesn't hold that is the same for all lanes."""
        body = self.label("body")
        self.fork(self.emit(f"xor i1 {cond.text}, true"), self.ahead("leave"), body, UNLIKELY)
        self.depart_from(loop, self.exactly(self.here()))
        self.jump(self.next[loop] if loop.continues and self.levels[-1].steps else self.ends[loop])
        self.bind(body, self.every)

    def back_edge(self) -> None:
        """Count a step, and poll from time to time."""
        if self.steps:
            self.count()
            if self.block is None:
                return
        left = self.emit(f"sub i64 {self.state[BUDGET].text}, 1")
        self.state[BUDGET] = Value(INT64, left, lanes=False)
        after, cold = self.label("go"), self.ahead("poll")
        self.fork(self.emit(f"icmp eq i64 {left}, 0"), cold, after, UNLIKELY)
        self.poll()
        self.state[BUDGET] = constant(INT64, EDGES)
        self.jump(after)
        self.bind(after, self.every)

    def count(self) -> None:
        """Count a step of the lanes that are here; those with too many fault."""
        steps, mask = self.state[STEPS], self.here()
        use = Use(self, UINT64, [], lanes=True)
        one = use.number(1) if mask is None else use.cast("zext", self.bit(mask), "i1", "i64")
        total = use.op("add", self.lanes(steps), one)
        self.state[STEPS] = Value(UINT64, total, lanes=True)
        most = self.lanes(Value(UINT64, "%max_steps", lanes=False))
        self.fault(use.compare("ugt", total, most), self.tree.function.steps_site, lanes=True)
        self.flush()

    def finish(self, loop: Loop, around: Around) -> None:
        """Go on behind a loop."""
        level = self.levels.pop() if loop.masked else None
        kept = self.aside(loop, goes_on=False) if loop.masked else 0
        if not self.bind(around.end, loop.live_after & ~kept):
            return
        if level is not None:
            self.take_back(loop, None)
            del self.state[level]
        if around.leaks:
            self.leave_if_empty()
