"""Machine code of random functions means what the reference interpreter says: values, faults, masks, all shapes."""

import random
from typing import Any

import pytest

import irgen
import native
from hybrid_rs.ir import reference
from hybrid_rs.ir.nodes import Function, Param, Table
from hybrid_rs.ir.types import ALL, BOOL, FLOAT32, FLOAT64, INT32, named
from hybrid_rs.targets import cpu

pytest.importorskip("llvmlite")

TYPES = (ALL, ALL, (INT32, FLOAT64, BOOL), (named("int16"), FLOAT32, BOOL))
# More than any function takes that ends soon; functions that take longer are left out.
ENOUGH = 2000


class Case:
    """A random function with a batch, and what the reference says to each element."""

    def __init__(self, seed: int, lanes: int) -> None:
        self.rng = rng = random.Random(seed)
        self.function: Function = irgen.generate(
            rng, size=rng.choice([4, 8, 14, 25]), faults=rng.choice([0, 0.05, 0.2]), types=rng.choice(TYPES)
        )
        self.steps = rng.choice([None, None, 0, 1, 3, 10, 100])
        self.count = lanes * rng.choice([1, 2, 3])
        chance = rng.choice([0.0, 0.3, 1.0])
        self.uniform = tuple(isinstance(param, Table) or rng.random() < chance for param in self.function.params)
        columns, self.tables = irgen.arguments(rng, self.function, self.count)
        scalars = [param for param in self.function.params if isinstance(param, Param)]
        for param, column in zip(scalars, columns, strict=True):
            if self.uniform[self.function.params.index(param)]:
                column[:] = column[0]
        self.columns = native.stored(columns)
        self.wanted = [self.element([column[place].item() for column in columns]) for place in range(self.count)]

    @property
    def short(self) -> bool:
        """Whether no element takes more steps than the interpreter was let take."""
        return self.steps is not None or self.function.steps_site not in self.wanted

    def element(self, values: list[Any]) -> tuple[Any, ...] | int:
        """Give the results of an element, or the site of its fault."""
        scalars, tables = iter(values), iter(self.tables)
        arguments = [next(scalars) if isinstance(p, Param) else next(tables) for p in self.function.params]
        try:
            return reference.run(self.function, arguments, ENOUGH if self.steps is None else self.steps)
        except reference.Faulted as fault:
            return fault.site

    def check(self, code: cpu.Code, name: str, *, masks: bool) -> None:
        """Call machine code and compare."""
        outputs = native.fresh(self.function, self.count)
        before = [output.copy() for output in outputs]
        ranges = [(0, self.count)] if name == "block" else native.cuts(self.rng, self.count)
        result = native.Native(self.function, code).call(
            self.columns, self.tables, outputs, ranges, name=name, masks=masks, max_steps=self.steps or 0
        )
        faults = [(place, site) for place, site in enumerate(self.wanted) if isinstance(site, int)]
        assert result.status == (native.FAULT if faults and not masks else native.DONE)
        if not masks:
            assert result.fault == (faults[0] if faults else None)
        last = self.count if masks or not faults else faults[0][0]
        if result.ok is not None:
            assert result.ok.tolist() == [isinstance(wanted, tuple) for wanted in self.wanted]
        for place, wanted in enumerate(self.wanted[:last]):
            for number, output in enumerate(outputs):
                found = output[place : place + 1]
                if isinstance(wanted, int):
                    assert found.tobytes() == before[number][place : place + 1].tobytes()
                else:
                    type_ = self.function.results[number]
                    assert native.same_bits(found, [wanted[number]], type_), (place, number, found, wanted)


SHAPES = {
    "one lane": ("native", (1, 1)),
    "three lanes": ("native", (3, 1)),
    "small": ("native", (4, 1)),
    "pieces": ("avx2", (4, 3)),
    "wide": ("avx2", (16, 1)),
    "own": ("native", None),
    "baseline": ("baseline", (2, 2)),
}


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("group", range(2))
def test_random_functions_mean_the_same_as_machine_code(name: str, group: int) -> None:
    target = cpu.variant(SHAPES[name][0])
    if target.register_bits > cpu.host().register_bits:
        pytest.skip("the machine lacks the instructions")
    shape = SHAPES[name][1]
    refilled = 0
    for seed in range(1000 * group, 1000 * group + 12):
        lanes = 8 if shape is None else shape[0] * shape[1]
        case = Case(seed, lanes)
        if not case.short or not cpu.supported(case.function, target):
            continue
        code = cpu.build(case.function, case.uniform, case.steps is not None, target, shape=shape)
        if case.count % code.lanes:
            case = Case(seed, code.lanes)
        for entry in ("block", "refill") if code.has_refill else ("block",):
            for masks in (False, True):
                case.check(code, entry, masks=masks)
        refilled += code.has_refill
    assert refilled


@pytest.mark.parametrize("name", ["avx512", "aarch64"])
def test_code_for_other_machines_imports_nothing(name: str) -> None:
    target = cpu.variant(name)
    for seed in range(5000, 5008):
        case = irgen.generate(random.Random(seed), size=10, faults=0.1)
        code = cpu.build(case, (False,) * len(case.params), bool(seed % 2), target)
        assert native.imports(code.object) == 0


def test_the_check_of_imports_notices_one() -> None:
    import llvmlite.binding as llvm

    module = llvm.parse_assembly("declare double @sin(double)\ndefine double @f(double %x) {\n"
                                 "%y = call double @sin(double %x)\nret double %y\n}")  # fmt: skip
    machine = llvm.Target.from_triple(cpu.host().triple).create_target_machine(reloc="pic", codemodel="small")
    assert native.imports(machine.emit_object(module)) == 1
