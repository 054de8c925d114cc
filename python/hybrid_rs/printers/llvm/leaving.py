"""Loops that lanes leave without a branch (`ir/quiet`): prints what happens to lanes there, and behind the loop."""

from __future__ import annotations

from typing import Final

from hybrid_rs.ir.quiet import Quiet, Way, quiet
from hybrid_rs.ir.tree import Assign, If, Loop, bits
from hybrid_rs.ir.types import ALL, BOOL, INT64, Type
from hybrid_rs.printers.llvm.clocks import Clocks, clock_of
from hybrid_rs.printers.llvm.code import UNLIKELY, Env, Label, constant
from hybrid_rs.printers.llvm.masks import Level
from hybrid_rs.printers.llvm.shape import LANGUAGE, Value
from hybrid_rs.printers.llvm.use import Use

__all__ = ["BUDGET", "EDGES", "Leaving"]

EDGES: Final = 4096
"""Back edges, each of all lanes, between two polls: some ten microseconds."""
BUDGET: Final = "budget"
"""The state's key of the back edges that are left until the next poll."""

OWN: Final = ("entered", "gone", "kept", "taken", "look")
"""The state's keys beside the loop: who entered, who left where, with what, after how many turns; the next look."""


class Leaving(Clocks):
    """Prints loops that lanes leave quietly."""

    quiets: dict[Loop, Quiet]
    begun: dict[Loop, Env]
    """What the variables that count iterations began as."""

    def poll(self) -> None:
        """Print the question whether to stop."""
        raise NotImplementedError

    def level_of_loop(self, loop: Loop) -> Level:
        """Give a loop's level."""
        return next(level for level in self.levels if level.node is loop)

    def hush(self, loop: Loop) -> Label | None:
        """Begin a loop that lanes leave quietly, if it is one; give where those go that leave it then."""
        clock = clock_of(self.tree, loop, steps=self.steps)
        shape = self.shape
        if self.steps or shape.width == 1:
            return None
        widest = 64 if shape.mask_bits == 1 else shape.mask_bits
        plan = quiet(self.tree, loop, counter=-1 if clock is None else clock.variable, widest=widest)
        if plan is None:
            return None
        self.quiets[loop] = plan
        self.begun[loop] = {variable: value for variable in plan.ticks if (value := self.env.get(variable)) is not None}
        self.state[loop, "entered"] = self.state[self.level_of_loop(loop)]
        for place in range(len(plan.ways) - 1):
            self.state[loop, "gone", place] = Value(BOOL, self.no_lanes, lanes=True)
        for variable in bits(plan.kept):
            if self.env.get(variable) is not None or self.tree.varying >> variable & 1:
                self.state[loop, "kept", variable] = self.zero(self.tree.types[variable])
        if plan.ticks:
            self.state[loop, "taken"] = self.zero(self.counting(plan))
        self.state[loop, "look"] = constant(INT64, plan.turns)
        return self.label("settle")

    def counting(self, plan: Quiet) -> Type:
        """Give the type in which iterations are counted."""
        if self.shape.mask_bits == 1:
            return max((self.tree.types[variable] for variable in plan.ticks), key=lambda type_: type_.bits)
        return next(type_ for type_ in ALL if type_.bits == self.shape.mask_bits and type_.kind == "u")

    # ---- in the loop

    def slip(self, loop: Loop, way: Way, cond: Value) -> None:
        """Let lanes leave in which a condition holds."""
        plan, level = self.quiets[loop], self.level_of_loop(loop)
        here = self.exactly(self.here())
        mask = self.both("and", here, cond)
        self.state[level] = self.without(here, cond)
        key = (loop, "gone", plan.ways.index(way))
        if key in self.state:
            self.state[key] = self.both("or", self.state[key], mask)
        for variable in bits(way.takes & plan.kept):
            value = self.held(variable)
            if value is not None:
                kept = (loop, "kept", variable)
                self.state[kept] = self.blend(mask, self.vector(value), self.state[kept])

    def leave_by(self, node: If, cond: Value) -> None:
        """Let lanes leave in an `if`."""
        loop = self.around[-1].node
        if loop in self.quiets:
            self.slip(loop, self.quiets[loop].of_if[node], cond)
        else:
            super().leave_by(node, cond)

    def tick(self, node: Assign) -> bool:
        """Skip the statement of a counter that isn't kept; say whether it is one."""
        return super().tick(node) or any(node in plan.unkept for plan in self.quiets.values())

    def count_iteration(self, loop: Loop) -> None:
        """Count an iteration of the lanes that go on with its end."""
        plan = self.quiets[loop]
        if not plan.ticks:
            return
        taken, here = self.state[loop, "taken"], self.exactly(self.here())
        use = Use(self, taken.type, [], lanes=True)
        if self.shape.mask_bits == 1:
            text = use.select(self.bit(here), use.op("add", self.lanes(taken), use.number(1)), self.lanes(taken))
        else:
            text = use.op("sub", self.lanes(taken), self.lanes(here))
        self.state[loop, "taken"] = Value(taken.type, text, lanes=True)

    def depart_from(self, loop: Loop, mask: Value) -> None:
        """Print the leaving of a loop where its condition doesn't hold."""
        entered = self.state.get((loop, "entered"))
        if entered is not None:
            self.state[loop, "entered"] = self.without(entered, mask)
        super().depart_from(loop, mask)

    def stay(self, loop: Loop) -> str:
        """Ask whether enough lanes are left for the loop to go on."""
        return self.any(self.state[self.level_of_loop(loop)])

    def same_condition(self, loop: Loop, cond: Value) -> None:
        """Leave a masked loop where a condition doesn't hold that is the same for all lanes."""
        raise NotImplementedError

    def look(self, loop: Loop, cond: Value | None) -> None:
        """Print a back edge: from time to time it is looked who is left, and where the same condition ends for all."""
        plan, after = self.quiets[loop], self.label("go")
        left = self.emit(f"sub i64 {self.state[loop, 'look'].text}, 1")
        self.state[loop, "look"] = Value(INT64, left, lanes=False)
        due = self.emit(f"icmp eq i64 {left}, 0")
        if cond is not None:
            due = self.emit(f"or i1 {due}, {self.emit(f'xor i1 {cond.text}, true')}")
        self.fork(due, self.ahead("look"), after)
        self.rest(loop, every=cond is not None)
        if cond is not None:
            self.same_condition(loop, cond)
        self.state[loop, "look"] = constant(INT64, plan.turns)
        budget = self.emit(f"sub i64 {self.state[BUDGET].text}, {plan.turns}")
        self.state[BUDGET] = Value(INT64, budget, lanes=False)
        on = self.label("on")
        self.fork(self.emit(f"icmp slt i64 {budget}, 1"), self.ahead("poll"), on, UNLIKELY)
        self.poll()
        self.state[BUDGET] = constant(INT64, EDGES)
        self.jump(on)
        self.bind(on, self.every)
        self.branch(self.stay(loop), after, self.ends[loop])
        self.bind(after, self.every)

    def rest(self, loop: Loop, *, every: bool) -> None:
        """Have lanes that left compute with zeros: the floats that they would come to may take the processor longer.

        It is also a use of the values here, without which their computation may be moved to where the loop goes on.
        """
        here = self.exactly(self.here())
        for variable in bits(loop.live_head & loop.assigned):
            value = self.env.get(variable)
            if value is not None and value.lanes and (every or value.type.is_float):
                self.env[variable] = self.blend(here, value, self.zero(value.type))

    # ---- behind it

    def settle(self, loop: Loop, label: Label, end: Label) -> None:
        """Go on behind a loop, where those that left do what is to be done there."""
        plan, begun = self.quiets.pop(loop), self.begun.pop(loop)
        needed = loop.live_head | loop.live_after | self.tree.varying
        for way in plan.ways:
            needed |= way.takes
            for node in way.body.nodes if way.body is not None else ():
                needed |= getattr(node, "uses", 0)
        if not self.bind(label, needed):
            return
        known = dict(self.env)
        for variable, step in plan.ticks.items():
            self.env[variable] = self.after(loop, begun, variable, step)
        for variable in bits(plan.kept):
            kept = self.state.get((loop, "kept", variable))
            if kept is not None:
                self.env[variable] = kept
        there = dict(self.env)
        rest = self.without(self.state[loop, "entered"], self.state[self.level_of_loop(loop)])
        self.holds = True
        for place, way in enumerate(plan.ways):
            mask = self.state.get((loop, "gone", place), rest)
            if mask is not rest:
                rest = self.without(rest, mask)
            self.env = dict(there)
            if way.body is None:
                super().depart_from(loop, mask)
                continue
            level = Level(cond=mask)
            self.levels.append(level)
            self.state[level] = mask
            self.body(way.body)
            self.levels.pop()
            self.state.pop(level, None)
        self.holds = False
        for variable in plan.unkept.values():
            known[variable] = there[variable]
        self.env = known
        for key in [key for key in self.state if isinstance(key, tuple) and key[0] is loop and key[1] in OWN]:
            del self.state[key]
        self.jump(end)

    def after(self, loop: Loop, begun: Env, variable: int, step: int) -> Value:
        """Give what a variable that counts iterations was where each lane left; a clock's counter on its clock."""
        type_ = self.tree.types[variable]
        taken = self.state[loop, "taken"]
        text = self.lanes(taken)
        if taken.type.bits > type_.bits:
            use = Use(self, taken.type, [], lanes=True)
            text = use.cast("trunc", text, LANGUAGE[taken.type.code], LANGUAGE[type_.code])
        if self.counters.get(variable) is loop:
            return Value(type_, text, lanes=True)
        use = Use(self, type_, [], lanes=True)
        if abs(step) != 1:
            text = use.op("mul", text, use.number(abs(step)))
        text = use.op("add" if step > 0 else "sub", self.lanes(begun[variable]), text)
        return Value(type_, text, lanes=True)
