"""A slow interpreter of the block VM's bytecode, written from `docs/design/007-block-vm.md` alone.

It takes what ops mean from the rows of `ir/ops`. Wherever the design leaves something open it draws at random: what
dead lanes and fresh registers hold, when lanes are compacted and refilled, in which order they come to lie. A program
that leans on any of that gives wrong results sooner or later.
"""

import random
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import irgen
from hybrid_rs.ir import floats, ops
from hybrid_rs.ir.ops import OPS, OpFault
from hybrid_rs.ir.types import ALL, BOOL, INT64, UINT64, Type
from hybrid_rs.printers.vm import Program

EVERY = 0xFFFF
FIELDS = ("dst", "a", "b", "c", "d", "imm")
TYPES = {("bool" if type_ is BOOL else f"{type_.kind}{type_.bits}"): type_ for type_ in ALL}
# Uniform registers that are written, beside those of `dst`.
ALSO_WRITTEN = {("refill", "b"), ("due", "d")}
GARBAGE = [[irgen.constant(random.Random(seed), type_) for seed in range(50)] for type_ in ALL]
Table = Mapping[str, tuple[int, Sequence[tuple[str, str]]]]


@dataclass
class Instruction:
    name: str
    dst: int
    a: int
    b: int
    c: int
    d: int
    imm: int
    kinds: dict[str, str]

    def __str__(self) -> str:
        shown = [f"{name}={getattr(self, name):#x}" if kind == "mask" else f"{name}={getattr(self, name)}"
                 for name, kind in self.kinds.items()]  # fmt: skip
        return f"{self.name} {' '.join(shown)}"


class MalformedError(AssertionError):
    """The program breaks a rule that the core's verifier checks."""


def decode(program: Program, table: Table) -> list[Instruction]:
    """Take a program apart and check it as the core's verifier does."""
    names = _numbered(table)
    found = []
    for words in struct.iter_unpack("<HHHHHHI", program.code):
        name, kinds = names[words[0]]
        dst, a, b, c, d, imm = words[1:]
        instruction = Instruction(name, dst, a, b, c, d, imm, kinds)
        for place in FIELDS:
            check_field(program, instruction, place)
        found.append(instruction)
    check_flow(program, found)
    if program.lanes[0] != BOOL.code:
        raise MalformedError("lane register 0 isn't bool")
    for register in program.permute:
        if not 0 < register < len(program.lanes):
            raise MalformedError(f"permute list: {register}")
    return found


_NUMBERED: dict[int, dict[int, tuple[str, dict[str, str]]]] = {}


def _numbered(table: Table) -> dict[int, tuple[str, dict[str, str]]]:
    found = _NUMBERED.get(id(table))
    if found is None:
        found = {number: (name, dict(kinds)) for name, (number, kinds) in table.items()}
        _NUMBERED[id(table)] = found
    return found


def check_field(program: Program, instruction: Instruction, place: str) -> None:
    kind, value = instruction.kinds.get(place), getattr(instruction, place)
    if kind is None:
        if value:
            raise MalformedError(f"{instruction}: field {place} is {value}")
    elif kind.startswith(("V:", "S:")):
        registers = program.lanes if kind[0] == "V" else program.uniforms
        if value >= len(registers) or ALL[registers[value]] is not TYPES[kind[2:]]:
            raise MalformedError(f"{instruction}: field {place} is no {kind}")
        writes = place == "dst" or (instruction.name.split(".")[0], place) in ALSO_WRITTEN
        if writes and kind[0] == "S" and value in {register for register, _ in program.consts}:
            raise MalformedError(f"{instruction}: writes a constant")
    elif kind == "mask" and value != EVERY and (value >= len(program.lanes) or program.lanes[value] != BOOL.code):
        raise MalformedError(f"{instruction}: field {place} is no mask")


def check_flow(program: Program, code: list[Instruction]) -> None:
    """Check jumps, segments and windows."""
    starts = [0] if program.loop_start is None else [0, program.loop_start, program.epilogue]
    ends = [*starts[1:], len(code)]
    for begin, end in zip(starts, ends, strict=True):
        assert begin is not None
        assert end is not None
        depth = 0
        depths = []
        for place in range(begin, end):
            instruction = code[place]
            depth += (instruction.name == "enter") - (instruction.name == "leave")
            depths.append(depth - (instruction.name == "enter"))
            if (instruction.name == "end") != (place == end - 1):
                raise MalformedError(f"{place}: an end inside a segment, or none at its end")
            if (instruction.name == "refill") != (place == program.loop_start):
                raise MalformedError(f"{place}: refill belongs at the head of the refill loop, and only there")
            if instruction.name == "compact" and depth == 0:
                raise MalformedError(f"{place}: compact outside of enter and leave")
        for place in range(begin, end):
            if "target" in code[place].kinds.values():
                target = code[place].imm
                if not begin <= target < end or (target > place) == (code[place].name == "back"):
                    raise MalformedError(f"{place}: target {target}")
                jumper = depths[place - begin] + (code[place].name == "enter")
                landing = depths[target - begin] + (code[target].name == "leave")
                if jumper != landing:
                    raise MalformedError(f"{place}: jump to {target} in another window")


@dataclass
class Result:
    outputs: list[list[Any]]
    """A list for each output; None where nothing was stored."""
    ok: list[bool]
    fault: tuple[int, int] | None
    """The lowest faulting element and its site."""


class Vm:
    """Runs one program over one batch."""

    def __init__(
        self,
        program: Program,
        table: Table,
        columns: Sequence[Sequence[Any]],
        tables: Sequence[Any],
        outputs: int,
        *,
        count: int,
        lanes: int = 6,
        max_steps: int | None = None,
        masks: bool = False,
        rng: random.Random,
    ) -> None:
        self.program, self.columns, self.tables = program, columns, tables
        self.code = decode(program, table)
        self.rng, self.count, self.max_steps, self.masks = rng, count, max_steps, masks
        self.lane_types = [ALL[code] for code in program.lanes]
        self.uniform_types = [ALL[code] for code in program.uniforms]
        self.size = min(lanes, count)
        self.v = [[self.garbage(type_) for _ in range(self.size)] for type_ in self.lane_types]
        self.s = [self.garbage(type_) for type_ in self.uniform_types]
        for register, bits in program.consts:
            self.s[register] = unpack(self.uniform_types[register], bits)
        self.index = [-1] * self.size
        self.window = (0, 0)
        self.windows: list[tuple[int, int]] = []
        self.taken = 0
        self.result = Result([[None] * count for _ in range(outputs)], [True] * count, None)
        self.fuel = 200_000
        self.where = 0

    # ---- blocks and segments

    def run(self) -> Result:
        """Compute all elements."""
        while self.begin(0, self.size):
            if self.program.loop_start is not None:
                self.segment(self.program.loop_start)
        return self.result

    def begin(self, low: int, high: int) -> bool:
        """Take new elements into lanes and run the prologue on them; say whether there were any."""
        new = min(high - low, self.count - self.taken)
        if self.result.fault is not None and not self.masks:
            new = 0
        if new <= 0:
            return False
        for lane in range(low, low + new):
            for register, type_ in enumerate(self.lane_types):
                self.v[register][lane] = self.garbage(type_)
            self.index[lane] = self.taken
            self.v[0][lane] = True
            self.taken += 1
        self.window = (low, low + new)
        self.segment(0)
        self.window = (0 if self.program.loop_start is not None else low, low + new)
        return True

    def segment(self, place: int) -> None:
        while self.code[place].name != "end":
            self.fuel -= 1
            if self.fuel == 0:
                raise AssertionError("the program doesn't end")
            self.where = place
            next_place = self.step(self.code[place])
            if next_place == -1:
                return
            place = place + 1 if next_place is None else next_place
        assert not self.windows, "a segment ended within a window"

    def refill(self, mask: int, asked: int) -> bool:
        """Finish lanes that are done and take new ones; say whether any lane lives."""
        if not self.s[asked] and self.rng.random() < 0.9:
            return True
        while True:
            self.s[asked] = False
            low, high = self.window
            live = [lane for lane in range(low, high) if self.v[mask][lane]]
            if len(live) == high - low and live:
                return True
            if live and self.rng.random() < 0.5:
                return True
            self.permute(live)
            middle = low + len(live)
            if middle < high:
                assert self.program.epilogue is not None
                self.window = (middle, high)
                self.segment(self.program.epilogue)
            self.window = (low, middle)
            if not self.begin(middle, high):
                self.window = (low, middle)
                return bool(live)

    def garbage(self, type_: Type) -> Any:
        """Draw what a register holds that nobody wrote."""
        return GARBAGE[type_.code][int(self.rng.random() * 50)]

    def permute(self, first: list[int]) -> None:
        """Bring some lanes of the window to its front, in any order."""
        low, high = self.window
        order = [*self.rng.sample(first, len(first)), *[lane for lane in range(low, high) if lane not in first]]
        for register, values in enumerate(self.v):
            if register == 0 or register in self.program.permute:
                values[low:high] = [values[lane] for lane in order]
            else:
                values[low:high] = [self.garbage(self.lane_types[register]) for _ in order]
        self.index[low:high] = [self.index[lane] for lane in order]

    # ---- instructions; each gives where to go on, -1 to end the segment, None for the next one

    def step(self, instruction: Instruction) -> int | None:
        rule = CONTROL.get(instruction.name.split(".")[0])
        if rule is not None:
            return rule(self, instruction)
        parts = instruction.name.split(".")
        rule = MOVES.get(parts[0])
        if rule is not None:
            rule(self, instruction)
        else:
            self.compute(instruction, parts)
        return None

    def lanes(self, mask: int) -> list[int]:
        low, high = self.window
        return [lane for lane in range(low, high) if mask == EVERY or self.v[mask][lane]]

    def fault(self, lane: int, site: int) -> None:
        if not self.v[0][lane]:
            return
        self.v[0][lane] = False
        index = self.index[lane]
        self.result.ok[index] = False
        if self.masks:
            return
        if self.result.fault is None or index < self.result.fault[0]:
            self.result.fault = (index, site)
        for other in range(self.size):
            if self.index[other] > self.result.fault[0]:
                self.v[0][other] = False

    def compute(self, instruction: Instruction, parts: list[str]) -> None:
        """Carry out an op of the IR, or a cast."""
        kinds = instruction.kinds
        reads = [name for name in ("a", "b", "c") if kinds.get(name, "")[:2] in ("V:", "S:")]
        site = instruction.imm if "site" in kinds.values() else None
        mask = instruction.c if kinds.get("c") == "mask" else EVERY
        function = meaning(parts)
        target = TYPES[kinds["dst"][2:]]
        if kinds["dst"][0] == "S":
            try:
                value = function(*[self.s[getattr(instruction, name)] for name in reads])
            except OpFault:
                assert site is not None
                for lane in self.lanes(mask):
                    self.fault(lane, site)
                value = ops.convert(INT64, target, 0)
            self.s[instruction.dst] = value
            return
        places = [getattr(instruction, name) for name in reads]
        really = set(self.lanes(mask))
        for lane in self.lanes(EVERY):
            values = [
                self.v[place][lane] if kinds[name][0] == "V" else self.s[place]
                for name, place in zip(reads, places, strict=True)
            ]
            if lane in really:
                try:
                    value = function(*values)
                except OpFault:
                    assert site is not None
                    self.fault(lane, site)
                    value = self.garbage(target)
            else:
                value = self.garbage(target)
            assert ops.held(target, value), (instruction, value)
            self.v[instruction.dst][lane] = value

    def move(self, instruction: Instruction) -> None:
        from_lanes, to_lanes = instruction.kinds["a"][0] == "V", instruction.kinds["dst"][0] == "V"
        if not to_lanes:
            self.s[instruction.dst] = self.s[instruction.a]
            return
        for lane in self.lanes(instruction.c if "c" in instruction.kinds else EVERY):
            self.v[instruction.dst][lane] = self.v[instruction.a][lane] if from_lanes else self.s[instruction.a]

    def without(self, instruction: Instruction) -> None:
        for lane in self.lanes(EVERY):
            self.v[instruction.dst][lane] = self.v[instruction.a][lane] and not self.v[instruction.b][lane]

    def bound(self, instruction: Instruction) -> None:
        length = self.s[instruction.b]

        def place(index: Any, lanes: list[int]) -> Any:
            if -length <= index < length:
                return index + length if index < 0 else index
            for lane in lanes:
                self.fault(lane, instruction.imm)
            return 0

        really = self.lanes(instruction.c)
        if instruction.kinds["dst"][0] == "S":
            self.s[instruction.dst] = place(self.s[instruction.a], really)
            return
        for lane in self.lanes(EVERY):
            index = self.v[instruction.a][lane]
            drawn = self.garbage(INT64)
            self.v[instruction.dst][lane] = place(index, [lane]) if lane in really else drawn

    def gather(self, instruction: Instruction) -> None:
        cells = self.tables[instruction.imm].ravel()
        type_ = TYPES[instruction.kinds["dst"][2:]]

        def cell(index: Any) -> Any:
            return cells[index].item() if 0 <= index < len(cells) else ops.convert(INT64, type_, 0)

        if instruction.kinds["dst"][0] == "S":
            self.s[instruction.dst] = cell(self.s[instruction.a])
            return
        for lane in self.lanes(EVERY):
            self.v[instruction.dst][lane] = cell(self.v[instruction.a][lane])

    def dim(self, instruction: Instruction) -> None:
        self.s[instruction.dst] = self.tables[instruction.a].shape[instruction.b]

    def input(self, instruction: Instruction) -> None:
        column = self.columns[instruction.a]
        if instruction.kinds["dst"][0] == "S":
            self.s[instruction.dst] = column[0]
            return
        for lane in self.lanes(EVERY):
            self.v[instruction.dst][lane] = column[self.index[lane]]

    def store(self, instruction: Instruction) -> None:
        for lane in self.lanes(instruction.c):
            value = self.v[instruction.a][lane] if instruction.kinds["a"][0] == "V" else self.s[instruction.a]
            if isinstance(value, float):
                value = floats.canonical(value)
            self.result.outputs[instruction.b][self.index[lane]] = value

    def fault_all(self, instruction: Instruction) -> None:
        for lane in self.lanes(instruction.c):
            self.fault(lane, instruction.imm)

    def count_step(self, instruction: Instruction) -> None:
        assert self.lane_types[instruction.a] is UINT64
        for lane in self.lanes(instruction.c):
            self.v[instruction.a][lane] += 1
            if self.max_steps is not None and self.v[instruction.a][lane] > self.max_steps:
                self.fault(lane, instruction.imm)

    def due(self, instruction: Instruction) -> int | None:
        """Look which lanes are due, if it is time to look; set when to look again."""
        clock = self.s[instruction.b]
        if clock != self.s[instruction.d]:
            return instruction.imm
        type_ = self.uniform_types[instruction.b]
        left = {lane: (self.v[instruction.a][lane] - clock) % 2**type_.bits for lane in self.lanes(instruction.c)}
        for lane in self.lanes(EVERY):
            self.v[instruction.dst][lane] = left.get(lane) == 0
        later = [rest for rest in left.values() if rest]
        wait = self.rng.randint(1, min(later)) if later else self.rng.randrange(2**type_.bits)
        if later and self.rng.random() < 0.5:
            wait = min(later)
        self.s[instruction.d] = OPS["add"].function(type_, clock, ops.convert(UINT64, type_, wait))
        return None if 0 in left.values() else instruction.imm

    def enter(self) -> None:
        self.windows.append(self.window)

    def compact(self, instruction: Instruction) -> None:
        if self.rng.random() < 0.6:
            live = self.lanes(instruction.a)
            self.permute(live)
            self.window = (self.window[0], self.window[0] + len(live))

    def leave(self) -> None:
        self.window = self.windows.pop()


def unpack(type_: Type, bits: int) -> Any:
    """Make a value of its bits."""
    if type_ is BOOL:
        return bool(bits)
    if type_.kind == "f":
        return struct.unpack("<f" if type_.bits == 32 else "<d", bits.to_bytes(type_.bits // 8, "little"))[0]
    return bits - (1 << type_.bits) if type_.kind == "i" and bits >> (type_.bits - 1) else bits


def meaning(parts: list[str]) -> Callable[..., Any]:
    """Give what an op does to one lane's values, from its name's parts."""
    if parts[0] in ("cast", "cast_checked"):
        convert = ops.convert if parts[0] == "cast" else ops.convert_checked
        return lambda value: convert(TYPES[parts[1]], TYPES[parts[2]], value)
    if parts[0] == "canon":
        return floats.canonical
    type_ = TYPES[parts[1]]
    if parts[0] in OPS:
        function = OPS[parts[0]].function
        return lambda *values: function(type_, *values)
    first, second = parts[0].split("_")
    before, after = OPS[first].function, OPS[second.removeprefix("r")].function
    if second == "rsub":
        return lambda a, b, c: after(type_, c, before(type_, a, b))
    return lambda a, b, c: after(type_, before(type_, a, b), c)


CONTROL: dict[str, Callable[[Vm, Instruction], int | None]] = {
    "jump": lambda vm, i: i.imm,
    "back": lambda vm, i: i.imm,
    "jump_if": lambda vm, i: i.imm if vm.s[i.a] else None,
    "jump_unless": lambda vm, i: None if vm.s[i.a] else i.imm,
    "jump_if_none": lambda vm, i: None if vm.lanes(i.a) else i.imm,
    "enter": lambda vm, i: vm.enter(),
    "compact": lambda vm, i: vm.compact(i),
    "leave": lambda vm, i: vm.leave(),
    "due": lambda vm, i: vm.due(i),
    "refill": lambda vm, i: None if vm.refill(i.a, i.b) else -1,
}
MOVES: dict[str, Callable[[Vm, Instruction], None]] = {
    "mov": Vm.move,
    "movm": Vm.move,
    "andn": Vm.without,
    "bound": Vm.bound,
    "gather": Vm.gather,
    "dim": Vm.dim,
    "input": Vm.input,
    "store": Vm.store,
    "fault": Vm.fault_all,
    "step": Vm.count_step,
}


def listing(program: Program, table: Table) -> str:
    """Show a program as text."""
    code = decode(program, table)
    marks = {program.loop_start: "loop:", program.epilogue: "epilogue:"}
    lines = []
    for place, instruction in enumerate(code):
        if place in marks:
            lines.append(marks[place])
        lines.append(f"{place:4} {instruction}")
    return "\n".join(lines)
