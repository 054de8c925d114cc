"""The VM's printer: programs mean what their functions mean, and have no more ops than they should."""

import math
import random
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import bytecode
import irgen
from hybrid_rs import _core, frontend, language, passes
from hybrid_rs.errors import CompileError, KernelError
from hybrid_rs.ir import nodes, reference
from hybrid_rs.ir.nodes import Function, Op, Param, Var
from hybrid_rs.ir.types import ALL, BOOL, FLOAT64, INT32, INT64, named
from hybrid_rs.printers.vm import Program, code
from hybrid_rs.targets import vm

TABLE: bytecode.Table = _core.vm_ops()


def same(found: Any, wanted: Any) -> bool:
    if isinstance(found, float) and isinstance(wanted, float):
        if math.isnan(found) or math.isnan(wanted):
            return math.isnan(found) and math.isnan(wanted)
        return found == wanted and math.copysign(1, found) == math.copysign(1, wanted)
    return type(found) is type(wanted) and bool(found == wanted)


class Case:
    """A function with a batch of arguments, and what the reference says to each element."""

    def __init__(
        self,
        rng: random.Random,
        function: Function,
        columns: Sequence[Sequence[Any]],
        tables: Sequence[Any],
        uniform: tuple[bool, ...],
        steps: int | None,
    ) -> None:
        self.rng, self.function, self.columns, self.tables = rng, function, columns, tables
        self.uniform, self.steps, self.count = uniform, steps, len(columns[0]) if columns else 0
        self.wanted = [self.element(place) for place in range(self.count)]

    def element(self, place: int) -> tuple[Any, ...] | int:
        """Give the results of an element, or the site of its fault."""
        scalars, tables = iter(self.columns), iter(self.tables)
        arguments = [
            next(scalars)[place] if isinstance(param, Param) else next(tables) for param in self.function.params
        ]
        try:
            return reference.run(self.function, arguments, self.steps)
        except reference.Faulted as fault:
            return fault.site

    def check(self, program: Program, *, lanes: int, masks: bool) -> None:
        """Run the program and compare."""
        machine = bytecode.Vm(
            program, TABLE, self.columns, self.tables, len(self.function.results),
            count=self.count, lanes=lanes, max_steps=self.steps, masks=masks, rng=self.rng,
        )  # fmt: skip
        result = machine.run()
        faults = [(place, site) for place, site in enumerate(self.wanted) if isinstance(site, int)]
        if not masks:
            assert result.fault == (faults[0] if faults else None)
        for place in range(self.count if masks or not faults else faults[0][0]):
            wanted = self.wanted[place]
            assert result.ok[place] == isinstance(wanted, tuple)
            if isinstance(wanted, tuple):
                found = [output[place] for output in result.outputs]
                assert all(map(same, found, wanted)), (place, found, wanted)


def drawn(rng: random.Random, function: Function, count: int, steps: int | None) -> Case:
    """Draw arguments for a function."""
    columns, tables = irgen.arguments(rng, function, count)
    chance = rng.choice([0.0, 0.3, 1.0])
    uniform = tuple(isinstance(param, nodes.Table) or rng.random() < chance for param in function.params)
    flags = [flag for param, flag in zip(function.params, uniform, strict=True) if isinstance(param, Param)]
    given_columns = [
        column.tolist()[:1] * count if flag else column.tolist() for column, flag in zip(columns, flags, strict=True)
    ]
    return Case(rng, function, given_columns, tables, uniform, steps)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.integers(0, 2**32))
def test_random_functions_mean_the_same_as_bytecode(seed: int) -> None:
    rng = random.Random(seed)
    types = rng.choice([ALL, (INT32, FLOAT64, BOOL)])
    function = irgen.generate(rng, size=rng.choice([4, 8, 14, 25]), faults=rng.choice([0, 0.05, 0.2]), types=types)
    # Never without a limit: some functions are bounded, but take minutes in two slow interpreters.
    steps = rng.choice([0, 1, 3, 10, 100, 1000])
    case = drawn(rng, function, rng.choice([1, 3, 7, 17, 30]), steps)
    program = vm.program(function, case.uniform, steps is not None)
    for masks in (False, True):
        case.check(program, lanes=rng.choice([1, 2, 5, 8]), masks=masks)


def test_the_check_notices_registers_that_do_not_move_with_their_elements() -> None:
    rng = random.Random(1)
    function = lowered(collatz, "int64")
    program = vm.program(function, (False,), False)
    columns = [[rng.randint(1, 50) for _ in range(40)]]
    wanted = [reference.run(function, (n,))[0] for n in columns[0]]

    def outputs(permute: list[int]) -> list[Any]:
        changed = Program(
            program.lanes, program.uniforms, program.consts, program.code, program.loop_start, program.epilogue, permute
        )
        machine = bytecode.Vm(changed, TABLE, columns, [], 1, count=40, rng=random.Random(2))
        return machine.run().outputs[0]

    assert outputs(program.permute) == wanted
    for register in program.permute:
        kept = [other for other in program.permute if other != register]
        try:
            found = outputs(kept)
        except AssertionError:
            continue  # it didn't end
        assert found != wanted, register


# ---- how many ops


def lowered(function: Callable[..., Any], *types: str) -> Function:
    source = frontend.load(function)
    return passes.run(frontend.lower(source, tuple(frontend.Arg(named(name)) for name in types)).function)


def loop_ops(function: Function, uniform: Sequence[bool]) -> list[str]:
    """Name the ops that the last loop of a program runs each time, those aside that it jumps over if no lane leaves."""
    program = vm.program(function, tuple(uniform), False)
    listing = bytecode.decode(program, TABLE)
    last = max(place for place, instruction in enumerate(listing) if instruction.name == "back")
    found, place = [], listing[last].imm
    while place <= last:
        found.append(listing[place].name)
        over = listing[place].name.startswith(("jump_if_none", "due"))
        place = listing[place].imm if over else place + 1
    return found


def on_lanes(ops: list[str]) -> list[str]:
    control = ("jump", "back", "refill", "due", "enter", "leave", "compact", "end")
    return [name for name in ops if not name.startswith(control) and not name.endswith((".s", ".ss", ".sss"))]


def busy(x: Any, n: Any) -> Any:
    acc = x
    for _ in range(n):
        acc = language.rem(acc * 7 + 13, np.int32(997))
    return acc


def mandelbrot(cx: Any, cy: Any, limit: Any) -> Any:
    zx = 0.0
    zy = 0.0
    for i in range(limit):
        a = zx * zx
        b = zy * zy
        if a + b > 4.0:
            return i
        zy = 2 * zx * zy + cy
        zx = a - b + cx
    return limit


def collatz(n: Any) -> Any:
    count = 0
    while n != 1:
        n = n // 2 if n % 2 == 0 else 3 * n + 1
        count += 1
    return count


def clamped(x: Any) -> Any:
    total = x
    for _ in range(100):
        if total < 0.0:
            total = 0.0
        elif total > 1.0:
            total = 1.0
        else:
            total = total * x
    return total


def test_a_uniform_count_costs_the_lanes_nothing() -> None:
    ops = loop_ops(lowered(busy, "int32", "int64"), (False, True))
    assert on_lanes(ops) == ["mul.i16.vs", "add.i16.vs", "rem.i16.vs"]


def test_a_count_of_each_lane_costs_the_lanes_nothing_either() -> None:
    ops = loop_ops(lowered(busy, "int32", "int64"), (False, False))
    assert on_lanes(ops) == ["mul.i16.vs", "add.i16.vs", "rem.i16.vs"]
    assert len(ops) <= 7


def test_mandelbrot_takes_ten_lane_ops() -> None:
    assert len(on_lanes(loop_ops(lowered(mandelbrot, "float64", "float64", "int64"), (False, False, True)))) <= 10


# ---- counters that aren't counted


def up_to(x: Any, n: Any) -> Any:
    total = x
    for i in range(n):
        total = total * 3 + i
    return total


def down_to(x: Any, n: Any) -> Any:
    total = x
    for i in range(n, x, -1):
        if total % 5 == 3:
            return i
        total += 7
    return total


def read_twice(x: Any, n: Any) -> Any:
    total = x
    for i in range(x, n):
        total += i
        if total % 3 == 0:
            total -= i * n
    return total


def read_in_a_loop(x: Any, n: Any) -> Any:
    total = 0
    for i in range(n):
        for j in range(i, x):
            total += i * j
    return total


def read_behind(x: Any, n: Any) -> Any:
    i = -1
    last = 0
    for i in range(x, n):
        last = i
        if i % 7 == 5:
            continue
        if last * 3 % 8 == 1:
            break
    return 100 * i + last


def left_from_inside(x: Any, n: Any) -> Any:
    total = 0
    for i in range(n):
        for j in range(x):
            total += j
            if total % 11 == 10:
                return total + 1000 * i
            if total % 4 == 3:
                break
    return total


def in_a_branch(x: Any, n: Any) -> Any:
    total = x
    if x % 2 == 0:
        for i in range(n, 3 * n):
            total += i % (x + 9)
    for _ in range(total % 5):
        total = 2 * total + 1
    return total


def of_a_changing_end(x: Any, n: Any) -> Any:
    end = n
    i = x
    while i < end:
        i += 1
        end -= i % 2
    return 10 * i + end


@pytest.mark.parametrize(
    "function",
    [up_to, down_to, read_twice, read_in_a_loop, read_behind, left_from_inside, in_a_branch, of_a_changing_end],
)
@pytest.mark.parametrize("type_", ["int32", "int64", "uint8"])
def test_counters_are_what_they_would_be(function: Callable[..., Any], type_: str) -> None:
    lowered_function = lowered(function, type_, type_)
    rng = random.Random(f"{function.__name__} {type_}")
    for _ in range(12):
        for uniform in ((False, False), (True, False), (False, True)):
            low = 0 if type_ == "uint8" else -3
            values = [[rng.randint(low, 12) for _ in range(25)] for _ in range(2)]
            columns = [column[:1] * 25 if flag else column for column, flag in zip(values, uniform, strict=True)]
            case = Case(rng, lowered_function, columns, [], uniform, None)
            case.check(vm.program(lowered_function, uniform, False), lanes=6, masks=False)


def test_branches_that_choose_a_value_become_selects() -> None:
    ops = on_lanes(loop_ops(lowered(clamped, "float64"), (False,)))
    assert sorted(ops) == ["gt.f64.vs", "lt.f64.vs", "mul.f64.vv", "select.f64.vsv", "select.f64.vsv"]


def test_selects_inside_selects_choose_what_the_branches_would() -> None:
    function = lowered(clamped, "float64")
    for seed in range(20):
        case = drawn(random.Random(seed), function, 20, None)
        case.check(vm.program(function, case.uniform, False), lanes=6, masks=False)


def test_registers_are_used_again() -> None:
    def chain(x: Any) -> Any:
        a = x * 2.0
        b = a + x
        c = b * b
        d = c - 1.0
        e = d * d
        return e + 1.0

    program = vm.program(lowered(chain, "float64"), (False,), False)
    assert len(program.lanes) <= 3  # ok, x, and one more


def test_functions_of_uniform_inputs_use_no_lanes() -> None:
    program = vm.program(lowered(collatz, "int64"), (True,), False)
    assert len(program.lanes) == 1
    assert program.loop_start is None


def test_too_many_registers_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(code, "MOST_REGISTERS", 8)
    names = [f"v{place}" for place in range(10)]
    x = Var("x", INT64)
    body: list[nodes.Stmt] = [nodes.Assign(name, Op("mul", INT64, (x, x))) for name in names]
    total: nodes.Expr = x
    for name in names:
        total = Op("add", INT64, (total, Var(name, INT64)))
    function = Function(
        "large",
        (Param("x", INT64),),
        tuple(Param(name, INT64) for name in names),
        (INT64,),
        (*body, nodes.Return((total,))),
        (nodes.Site("RuntimeError", "steps", "large.py", 1),),
        0,
    )
    with pytest.raises(KernelError, match="over 8 lane registers"):
        vm.program(function, (False,), False)


def test_nesting_that_python_cannot_follow_is_refused() -> None:
    inner: tuple[nodes.Stmt, ...] = (nodes.Assign("r", Var("x", INT64)),)
    for level in range(2000):
        inner = (nodes.If(Op("gt", BOOL, (Var("x", INT64), nodes.Const(INT64, level))), inner, ()),)
    function = Function(
        "deep",
        (Param("x", INT64),),
        (Param("r", INT64),),
        (INT64,),
        (nodes.Assign("r", Var("x", INT64)), *inner, nodes.Return((Var("r", INT64),))),
        (nodes.Site("RuntimeError", "steps", "deep.py", 1),),
        0,
    )
    with pytest.raises(CompileError, match="deep nests too deeply"):
        vm.program(function, (False,), False)
