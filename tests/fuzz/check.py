"""One program held against its oracles: plain Python, then the reference interpreter, then the fast engines.

The reference interpreter's answers for the program's rows are held against plain Python's. Batches of many lengths then
repeat the rows in random order, so that lanes diverge, and the VM and machine code have to give the same bits, the same
masks of faults and the same first fault, whatever the path, chunk size, threads, lanes and kinds of arguments.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

import hybrid_rs as hr
from hybrid_rs.targets import native

from . import build
from .generate import Program
from .oracle import Answer, answers, canonical

# Around the VM's block sizes and the chunk sizes below.
LENGTHS = (1, 2, 3, 7, 63, 64, 65, 127, 255, 256, 257, 300, 511, 512, 513, 600)
CHUNKS = (None, None, 1, 5, 64, 100, 256, 1000)
PLENTY = 1_000_000
# Programs that are compiled to machine code as well, and what the compiler is asked for.
compiled_share = 0.3
SHAPES = (None, None, None, (1, 1), (4, 1), (8, 1), (8, 2), (16, 1), (2, 4))
# Texts of raise and assert that the generator writes, which the fault's exception has to carry.
WRITTEN = {"no such case", "must hold", "not {this}, 50 %"}

Arrays = tuple[NDArray[Any], ...]


class MismatchError(AssertionError):
    """Two answers differ, or one side refuses a program. `kind` is what a smaller program has to share."""

    def __init__(self, kind: str, text: str) -> None:
        """Keep both."""
        super().__init__(text)
        self.kind = kind


@dataclass
class Tally:
    """What was compared."""

    programs: int = 0
    plain: int = 0
    native: int = 0
    """Programs that were compiled to machine code, too."""
    elements: int = 0
    faults: int = 0
    """Elements that faulted."""
    faulty: int = 0
    """Programs in which some elements faulted."""

    def add(self, other: "Tally") -> None:
        """Add another's counts."""
        for name in self.__dataclass_fields__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


def check(program: Program) -> Tally:
    """Hold a program against its oracles. Raises MismatchError with what differs."""
    rng = random.Random(program.seed)
    tally = Tally(programs=1, plain=int(program.plain))
    compiles = rng.random() < compiled_share
    wanted: dict[str, Any] = {"shape": rng.choice(SHAPES), "refill": rng.random() < 0.7}
    with build.module(program.source) as names, native.forced(**wanted):
        kernel = build.kernel_of(names)
        try:
            expected = reference(kernel, program)
        except hr.CompileError as error:
            raise MismatchError(f"refused: {str(error).splitlines()[0]}", f"refused: {error}") from error
        if program.plain:
            against_python(answers(kernel.py_func, program), expected, program)
        tally.faults += int((~expected.ok).sum())
        tally.faulty += int(not expected.ok.all())
        engines = ("vm", "native", "native") if compiles and compilable(kernel, program) else ("vm", "vm", "auto")
        tally.native += int("native" in engines)
        for _ in range(3):
            tally.elements += one_batch(kernel, program, expected, rng, engines)
        if rng.random() < 0.25:
            tally.elements += few_steps(kernel, program, rng, rng.choice(engines))
        if rng.random() < 0.25:
            weak_arguments(kernel, program, rng, rng.choice(engines))
    return tally


def compilable(kernel: Any, program: Program) -> bool:
    """Whether there is machine code for all that the program does."""
    try:
        kernel(*arguments(program, slice(0, 1)), engine="native", on_fault="mask")
    except hr.CompileError as error:
        if native.UNSUPPORTED in str(error):
            return False
        raise MismatchError("native", str(error)) from error
    return True


@dataclass(frozen=True)
class Expected:
    """The reference interpreter's answers, row by row: results, which rows have some, and the others' exceptions.

    An exception costs a call of its own, so it is asked for when it is needed.
    """

    values: Arrays
    ok: NDArray[np.bool_]
    cause: Callable[[int], BaseException]


def reference(kernel: Any, program: Program, **options: Any) -> Expected:
    """Ask the reference interpreter."""
    given = arguments(program, slice(None))
    result, ok = kernel(*given, engine="reference", on_fault="mask", **options)

    @cache
    def alone(row: int) -> BaseException:
        try:
            kernel(*arguments(program, slice(row, row + 1)), engine="reference", **options)
        except hr.KernelFault as fault:
            return cause(fault)
        raise MismatchError("mask", f"row {row} is masked as faulty, but alone it doesn't fault")

    return Expected(as_tuple(result), ok, alone)


def cause(fault: hr.KernelFault) -> BaseException:
    """Give the exception that a fault stands for."""
    found = fault.cause
    if not isinstance(found, BaseException):
        raise MismatchError("cause", f"the fault's cause is {found!r}")
    return found


def arguments(program: Program, rows: Any, uniform: frozenset[str] = frozenset()) -> list[Any]:
    """Give the call's arguments: the tables, some rows of the scalars, and the uniform ones as NumPy scalars."""
    return [
        program.tables[name]
        if name in program.tables
        else program.rows[name][0]
        if name in uniform
        else program.rows[name][rows]
        for name in program.arguments
    ]


def as_tuple(result: Any) -> Arrays:
    """Give results as a tuple of arrays."""
    return tuple(np.asarray(one) for one in (result if isinstance(result, tuple) else (result,)))


def same(
    ours: NDArray[Any],
    theirs: NDArray[Any],
    where: NDArray[np.bool_],
    what: str,
    rows: NDArray[Any],
    kind: str = "value",
) -> None:
    """Compare dtypes and bits of some elements; `rows` says which input row each element is."""
    if ours.dtype != theirs.dtype or ours.shape != theirs.shape:
        raise MismatchError(
            f"{kind} dtype", f"{what}: {ours.dtype} {ours.shape}, expected {theirs.dtype} {theirs.shape}"
        )
    wrong = np.flatnonzero((canonical(ours) != canonical(theirs)) & where)
    if wrong.size:
        at = int(wrong[0])
        raise MismatchError(kind, f"{what}: element {at} (row {rows[at]}) is {ours[at]!r}, expected {theirs[at]!r}")


def against_python(found: list[Answer], expected: Expected, program: Program) -> None:
    """Compare plain Python's answers with the reference interpreter's; exceptions of a few rows, one a kind."""
    seen: set[tuple[type, object]] = set()
    for row, answer in enumerate(found):
        if answer.values is None:
            error = answer.error
            assert error is not None
            if expected.ok[row]:
                raise MismatchError("python", f"row {row}: Python raises {error!r}, the reference doesn't")
            if (type(error), str(error)) in seen:
                continue
            seen.add((type(error), str(error)))
            ours = expected.cause(row)
            if type(ours) is not type(error) or (WRITTEN & {*error.args} and ours.args != error.args):
                raise MismatchError("python", f"row {row}: Python raises {error!r}, the reference {ours!r}")
            continue
        if not expected.ok[row]:
            gives = f"row {row}: Python gives {answer.values}"
            raise MismatchError("python", f"{gives}, the reference {expected.cause(row)!r}")
        for number, value in enumerate(answer.values):
            theirs, got = np.asarray(value).reshape(1), expected.values[number][row : row + 1]
            if theirs.dtype.name != program.results[number]:
                meant = program.results[number]
                raise MismatchError("generator", f"result {number} is {theirs.dtype} in Python, {meant} was meant")
            what = f"result {number}, the reference against Python"
            same(got, theirs, np.ones(1, bool), what, np.array([row]), "python")


def one_batch(kernel: Any, program: Program, expected: Expected, rng: random.Random, engines: tuple[str, ...]) -> int:
    """Run one of the engines once on rows in random order, in a random way; return the number of elements."""
    count = rng.choice(LENGTHS) if rng.random() < 0.7 else rng.randint(1, 600)
    rows = np.array([rng.randrange(program.count) for _ in range(count)])
    names = set(program.rows)
    uniform = program.uniform if rng.random() < 0.6 and program.uniform != names else frozenset()
    given = arguments(program, rows, uniform)
    options: dict[str, Any] = {
        "engine": rng.choice(engines),
        "path": rng.choice(("auto", "auto", *hr.PATHS)),
        "threads": rng.choice((None, 1, 2, 3)),
    }
    if options["path"] == "auto" or options["path"].endswith("chunked"):
        options["chunk_size"] = rng.choice(CHUNKS)
        if rng.random() < 0.1:
            rows = np.concatenate([rows] * (1 + 1500 // count))
            count, given = len(rows), arguments(program, rows, uniform)
    if rng.random() < 0.15:
        options["max_steps"] = PLENTY
    what = f"{count} elements, uniform {sorted(uniform)}, {options}"
    ok = expected.ok[rows]
    wanted = tuple(values[rows] for values in expected.values)
    if rng.random() < 0.5:
        masked(kernel, given, options, wanted, ok, rows, what)
    else:
        raising(kernel, given, options, wanted, expected, rows, what)
    return count


def masked(
    kernel: Any,
    given: list[Any],
    options: dict[str, Any],
    wanted: Arrays,
    ok: NDArray[np.bool_],
    rows: NDArray[Any],
    what: str,
) -> None:
    """Run with a mask of faults: bits where there is a result, zeros where not."""
    result, got = kernel(*given, on_fault="mask", **options)
    if not np.array_equal(got, ok):
        at = int(np.flatnonzero(np.asarray(got) != ok)[0])
        raise MismatchError("mask", f"{what}: ok[{at}] (row {rows[at]}) is {got[at]}, expected {ok[at]}")
    for number, (ours, theirs) in enumerate(zip(as_tuple(result), wanted, strict=True)):
        same(ours, theirs, ok, f"{what}: result {number}", rows)
        same(ours, np.zeros_like(theirs), ~ok, f"{what}: result {number} of a fault", rows)


def raising(
    kernel: Any,
    given: list[Any],
    options: dict[str, Any],
    wanted: Arrays,
    expected: Expected,
    rows: NDArray[Any],
    what: str,
) -> None:
    """Run into arrays of our own: the first fault is named, everything below is computed, nothing else is spoilt."""
    ok = expected.ok[rows]
    first = len(rows) if ok.all() else int(np.flatnonzero(~ok)[0])
    before = tuple(np.ones_like(one) for one in wanted)
    out = tuple(one.copy() for one in before)
    try:
        kernel(*given, out=out if len(out) > 1 else out[0], **options)
    except hr.KernelFault as fault:
        if fault.index != first:
            raise MismatchError("fault", f"{what}: the fault is at {fault.index!r}, expected {first}") from fault
        theirs = expected.cause(int(rows[first]))
        ours = cause(fault)
        if type(ours) is not type(theirs) or ours.args != theirs.args:
            raise MismatchError("fault", f"{what}: the fault is {ours!r}, expected {theirs!r}") from fault
    else:
        if first < len(rows):
            raise MismatchError("fault", f"{what}: no fault, expected {expected.cause(int(rows[first]))!r} at {first}")
    places = np.arange(len(rows))
    for number, (got, want, was) in enumerate(zip(out, wanted, before, strict=True)):
        same(got, want, places < first, f"{what}: result {number}", rows)
        untouched = canonical(got) == canonical(was)
        same(got, want, (places > first) & ok & ~untouched, f"{what}: result {number} behind the fault", rows)
        same(got, was, ~ok, f"{what}: result {number} of a fault", rows)


def few_steps(kernel: Any, program: Program, rng: random.Random, engine: str) -> int:
    """Bound the loops tightly: the same elements have to run out of steps."""
    most = rng.choice((1, 2, 5, 20))
    expected = reference(kernel, program, max_steps=most)
    rows = np.array([rng.randrange(program.count) for _ in range(rng.choice(LENGTHS))])
    given, wanted = arguments(program, rows), tuple(values[rows] for values in expected.values)
    options = {"engine": engine, "max_steps": most, "chunk_size": rng.choice(CHUNKS)}
    what = f"{len(rows)} elements, {options}"
    masked(kernel, given, options, wanted, expected.ok[rows], rows, what)
    raising(kernel, given, options, wanted, expected, rows, what)
    return 2 * len(rows)


def weak_arguments(kernel: Any, program: Program, rng: random.Random, engine: str) -> None:
    """Give Python numbers for some arguments; both engines have to take or refuse them alike."""
    able = [name for name, values in program.rows.items() if values.dtype.name in ("bool", "int64", "float64")]
    chosen = {name for name in able if rng.random() < 0.6}
    if len(program.rows) == len(chosen) or not chosen:
        return
    rows = np.arange(program.count)
    given = arguments(program, rows)
    for place, name in enumerate(program.arguments):
        if name in chosen:
            given[place] = program.rows[name][0].item()
    theirs, ours = attempt(kernel, given, "reference"), attempt(kernel, given, engine)
    if isinstance(theirs, str) or isinstance(ours, str):
        if theirs != ours:
            raise MismatchError("weak", f"Python numbers for {sorted(chosen)}: the reference {theirs}, {engine} {ours}")
        return
    for number, (got, want) in enumerate(zip(ours, theirs, strict=True)):
        what = f"Python numbers for {sorted(chosen)}: result {number}"
        same(got, want, np.ones(len(rows), bool), what, rows, "weak")


def attempt(kernel: Any, given: list[Any], engine: str) -> Arrays | str:
    """Call with a mask of faults; a refusal as text."""
    try:
        result, ok = kernel(*given, engine=engine, on_fault="mask")
    except (hr.CompileError, OverflowError, TypeError) as error:
        return f"{type(error).__name__}: {error}"
    return (*as_tuple(result), ok)
