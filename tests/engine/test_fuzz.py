"""A bounded number of random kernels held against the reference interpreter and plain Python; past failures again."""

import importlib.util
import math
import os
import textwrap
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hybrid_rs as hr
from fuzz import build
from fuzz.check import MismatchError, check
from fuzz.deviations import DEVIATIONS, Deviation
from fuzz.generate import HEADER, Program, generate
from fuzz.shrink import script, shrink

REGRESSIONS = sorted((Path(__file__).parents[1] / "fuzz" / "regressions").glob("*.py"))
PROGRAMS, GROUPS = 300, 6


def load(path: Path) -> Program:
    """Read a regression case."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    case = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(case)

    def arrays(given: dict[str, tuple[str, Any]]) -> dict[str, Any]:
        return {name: np.array(values, dtype=kind) for name, (kind, values) in given.items()}

    return Program(
        case.SEED,
        case.PLAIN,
        case.SOURCE,
        case.ARGUMENTS,
        arrays(case.ROWS),
        arrays(case.TABLES),
        case.RESULTS,
        frozenset(case.UNIFORM),
    )


@pytest.mark.parametrize("group", range(GROUPS))
def test_random_kernels_agree_on_every_engine(group: int) -> None:
    first = int.from_bytes(os.urandom(4), "little")
    print(f"seeds from {first}")
    for seed in range(first, first + PROGRAMS // GROUPS):
        program = generate(seed)
        try:
            check(program)
        except MismatchError as error:
            case = script(shrink(program, error, seconds=10.0), str(error))
            pytest.fail(f"seed {seed}: {error}\n{case}", pytrace=False)


@pytest.mark.parametrize("path", REGRESSIONS, ids=lambda path: path.stem)
def test_past_failures_stay_mended(path: Path) -> None:
    check(load(path))


def alike(got: Any, wanted: Any) -> bool:
    """Compare a value with its type, nan equal to itself."""
    if type(got) is not type(wanted):
        return False
    return bool(got == wanted) or (isinstance(got, float | np.floating) and math.isnan(got) and math.isnan(wanted))


@pytest.mark.parametrize("name", DEVIATIONS)
def test_deviations_are_as_listed(name: str) -> None:
    row: Deviation = DEVIATIONS[name]
    parameters = ", ".join("xy"[: len(row.arguments)])
    source = f"{HEADER}\n\n@hr.kernel\ndef f({parameters}):\n{textwrap.indent(row.body, '    ')}\n"
    with build.module(source) as names, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        kernel = build.kernel_of(names)
        if isinstance(row.python, type):
            with pytest.raises(row.python):
                kernel.py_func(*row.arguments)
        elif row.python is not None:
            assert alike(kernel.py_func(*row.arguments), row.python)
            assert not alike(row.python, row.ours)
        for engine in ("reference", "vm"):
            if isinstance(row.ours, type):
                with pytest.raises(hr.KernelFault) as caught:
                    kernel(*row.arguments, engine=engine)
                assert type(caught.value.cause) is row.ours
            else:
                assert alike(kernel(*row.arguments, engine=engine), row.ours)
