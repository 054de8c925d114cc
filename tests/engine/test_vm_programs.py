"""Programs of the VM's printer on the VM: random functions against the reference interpreter, over many blocks."""

import random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import hybrid_rs as hr
import irgen
from hybrid_rs import _core, elementary
from hybrid_rs.ir import reference
from hybrid_rs.ir.nodes import Function, Param
from hybrid_rs.ir.types import ALL, BOOL, FLOAT64, INT32
from hybrid_rs.targets import vm

PATHS = ("auto", "seq_direct", "runtime_seq", "hybrid_fnptr", "hybrid_fnptr_chunked", "hybrid_auto_chunked")


class Case:
    """A function with a batch of arguments, and what the reference makes of it."""

    def __init__(self, rng: random.Random, function: Function, count: int, steps: int | None) -> None:
        self.function, self.steps = function, steps
        columns, tables = irgen.arguments(rng, function, count)
        chance = rng.choice([0.0, 0.3, 1.0])
        self.uniform = tuple(rng.random() < chance for _ in function.params)
        self.arguments: list[Any] = []
        inputs = []
        rest_columns, rest_tables = iter(columns), iter(tables)
        for param, flag in zip(function.params, self.uniform, strict=True):
            if isinstance(param, Param):
                column = next(rest_columns)
                inputs.append(np.full(count, column[0]) if flag else column)
                self.arguments.append(column[0] if flag else column)
            else:
                self.arguments.append(next(rest_tables))
        if all(flag for param, flag in zip(function.params, self.uniform, strict=True) if isinstance(param, Param)):
            count, inputs = 1, [column[:1] for column in inputs]
        self.outputs = [np.zeros(count, type_.name) for type_ in function.results]
        self.ok = np.zeros(count, bool)
        reference.run_batch(function, inputs, tables, self.outputs, self.ok, steps, lambda _: None)

    def call(self, core: _core.Runtime, path: str, *, mask: bool) -> Any:
        kernel = vm.build(self.function, self.uniform, self.steps is not None)
        given = tuple(self.arguments)
        return core.map(kernel, given, None, path, 100, None, None, None, self.steps, mask, "auto", False)


def columns(results: Any) -> list[NDArray[Any]]:
    return [np.atleast_1d(result) for result in (results if isinstance(results, tuple) else (results,))]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32))
def test_random_functions_mean_the_same_on_the_vm(seed: int) -> None:
    rng = random.Random(seed)
    types = rng.choice([ALL, (INT32, FLOAT64, BOOL)])
    opaque = rng.random() < 0.2
    size = rng.choice([4, 8, 14, 25])
    function = irgen.generate(rng, size=size, faults=rng.choice([0, 0.02, 0.1]), opaque=opaque, types=types)
    function = elementary.expanded(function)
    case = Case(rng, function, rng.choice([1, 3, 60, 300, 700]), rng.choice([None, None, 1, 3, 10, 1000]))
    with hr.Runtime(threads=2) as runtime:
        core = runtime._core
        results, ok = case.call(core, rng.choice(PATHS), mask=True)
        assert np.array_equal(np.atleast_1d(ok), case.ok)
        for found, wanted in zip(columns(results), case.outputs, strict=True):
            assert found.dtype == wanted.dtype
            # Byte for byte: nans are canonical, and zeros have signs.
            assert found[case.ok].tobytes() == wanted[case.ok].tobytes()
        lowest = None if case.ok.all() else int(np.argmin(case.ok))
        if lowest is None:
            case.call(core, rng.choice(PATHS), mask=False)
        else:
            with pytest.raises(hr.KernelFault) as caught:
                case.call(core, rng.choice(PATHS), mask=False)
            assert caught.value.index in (lowest, ())
