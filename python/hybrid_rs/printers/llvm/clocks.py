"""Counted loops whose lanes leave at different times: each lane's time is known when it enters (`ir/counted`).

All lanes share a clock, so that nothing is counted or compared lane by lane: of the lanes that are in the loop, the
least that is left to wait is counted down, and the lanes are looked at when that is over. A counter that is seldom read
isn't kept; while the loop runs the variable stands for the clock, and its value is worked out of what it began with.
"""

from __future__ import annotations

from hybrid_rs.ir.counted import Counted, counted
from hybrid_rs.ir.quiet import CHEAP, simple
from hybrid_rs.ir.tree import Assign, Loop, Tree
from hybrid_rs.printers.llvm.code import UNLIKELY, constant
from hybrid_rs.printers.llvm.shape import LANGUAGE, Value
from hybrid_rs.printers.llvm.use import Use
from hybrid_rs.printers.llvm.waiting import Waiting

__all__ = ["Clocks", "asks_at_end", "clock_of"]


def asks_at_end(loop: Loop, *, steps: bool) -> bool:
    """Whether a loop's condition is asked ahead of it and at the end of its step, where other lanes leave too."""
    if not loop.masked or loop.endless or loop.head.nodes or loop.head.faults or loop.head.cost > CHEAP:
        return False
    return loop.steps and not loop.continues and not steps and all(simple(node) for node in loop.step.nodes)


def clock_of(tree: Tree, loop: Loop, *, steps: bool) -> Counted | None:
    """Say how a loop is counted by a clock; None if it isn't."""
    return counted(tree, loop) if asks_at_end(loop, steps=steps) else None


class Clocks(Waiting):
    """Prints counting by clocks."""

    clocks: dict[Loop, Counted]
    counters: dict[int, Loop]
    """The counters that aren't kept."""
    ticks: dict[Assign, Loop]
    """The statements that count."""

    def held(self, variable: int) -> Value | None:
        """Give what a variable holds; None where no lane has a value."""
        value = self.env.get(variable)
        loop = self.counters.get(variable)
        if loop is None or value is None:
            return value
        clock = self.clocks[loop]
        use = Use(self, value.type, [], lanes=True)
        text = use.op("add" if clock.up else "sub", self.lanes(self.state[loop, "base"]), self.lanes(value))
        return Value(value.type, text, lanes=True)

    def wind_up(self, loop: Loop) -> None:
        """Start a loop's clock, if it has one, where the loop is entered."""
        clock = clock_of(self.tree, loop, steps=self.steps)
        if clock is None:
            return
        self.clocks[loop] = clock
        self.ticks[clock.step] = loop
        if clock.derived:
            value = self.vector(self.env[clock.variable])
            self.state[loop, "base"] = value
            self.counters[clock.variable] = loop
            self.env[clock.variable] = constant(value.type, 0)

    def run_down(self, loop: Loop) -> None:
        """Give a loop's clock up, behind the loop."""
        clock = self.clocks.pop(loop, None)
        if clock is not None:
            del self.ticks[clock.step]
            self.counters.pop(clock.variable, None)

    def tick(self, node: Assign) -> bool:
        """Let the clock of a counter that isn't kept go on; say whether the statement is one for that."""
        loop = self.ticks.get(node)
        if loop is None or not self.clocks[loop].derived:
            return False
        value = self.env[node.target]
        text = self.emit(f"add {LANGUAGE[value.type.code]} {value.text}, 1")
        self.env[node.target] = Value(value.type, text, lanes=False)
        return True

    def set_alarm(self, loop: Loop) -> None:
        """Print how many iterations no lane leaves because of the count."""
        clock = self.clocks[loop]
        counter = self.held(clock.variable)
        assert counter is not None
        end = self.lanes(self.value(clock.end))
        use = Use(self, counter.type, [], lanes=True)
        first, second = (end, self.lanes(counter)) if clock.up else (self.lanes(counter), end)
        here = self.bit(self.exactly(self.here()))
        left = use.select(here, use.op("sub", first, second), use.number(-1))
        self.state[loop, "left"] = Value(counter.type, self.least(LANGUAGE[counter.type.code], left), lanes=False)

    def wait_for_alarm(self, loop: Loop) -> None:
        """Print the end of an iteration: the leaving of lanes whose time has come."""
        before = self.state[loop, "left"]
        element = LANGUAGE[before.type.code]
        left = self.emit(f"sub {element} {before.text}, 1")
        self.state[loop, "left"] = Value(before.type, left, lanes=False)
        on = self.label("on")
        self.fork(self.emit(f"icmp eq {element} {left}, 0"), self.ahead("alarm"), on, UNLIKELY)
        cond = self.vector(self.value(loop.cond))
        self.depart_from(loop, self.without(self.exactly(self.here()), cond))
        self.set_alarm(loop)
        self.jump(on)
        self.bind(on, self.every)
