"""Compare float32 functions of mathlib with float64 ones at every float32 number.

    python -m tests.mathlib.exhaustive --function exp --jobs 2

Each block of 2**24 numbers is written to a file when it is finished, so that an interrupted run goes on where it was;
a function whose definition has changed since begins anew. Functions of two arguments are compared at random pairs, as
many of them. With `--stride` only each so many-th number is looked at. `--record FILE` puts each function into a JSON
file as it is finished. The last lines are a table in Markdown; the exit status is 1 if a bound was passed.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final

import numpy as np

import hybrid_rs as hr
from hybrid_rs import _core, elementary
from hybrid_rs.ir import store
from hybrid_rs.ir.types import FLOAT32
from hybrid_rs.report import machine

from .f32_functions import FUNCTIONS, Array, Function
from .pairs import pairs
from .ulp import error as exact_error

__all__ = ["BLOCKS", "Block", "arguments", "compare", "merged"]

BLOCKS: Final = 256
_PIECE: Final = 1 << 16
# What the float64 functions may be off, in ulp of a float32, with room to spare; beyond it mpmath decides.
_MARGIN: Final = 2.0**-20


@dataclass(frozen=True, slots=True)
class Block:
    """What was found in some of the numbers."""

    number: int
    count: int
    worst: float
    """The greatest error, in ulp; inf where a result is of another kind: a nan, an infinity, the other zero.

    It is 1/2 where every result is the float32 next to the exact one: errors below aren't told apart."""
    argument: tuple[float, ...]
    """Where the worst one is; empty for 1/2."""
    rounded: int
    """How many results aren't the float32 next to the exact one."""


def arguments(function: Function, number: int, stride: int = 1) -> Iterator[tuple[Array, ...]]:
    """Give the arguments of a block, in pieces."""
    size = (1 << 32) // BLOCKS
    if function.arguments == 2:
        yield from pairs(function.name, max(size // stride, 1024), seed=number)
        return
    start = number * size
    first = start + -start % stride
    for begin in range(first, start + size, _PIECE * stride):
        end = min(begin + _PIECE * stride, start + size)
        yield (np.arange(begin, end, stride, dtype=np.uint64).astype(np.uint32).view(np.float32),)


def compare(name: str, number: int, stride: int = 1) -> Block:
    """Compare a function with its definition over a block."""
    function, kernel = FUNCTIONS[name], _kernel(name)
    count, rounded, worst = 0, 0, 0.5
    argument: tuple[float, ...] = ()
    for given in arguments(function, number, stride):
        results = np.asarray(kernel(*given))
        wanted = function.wanted(*given)
        places = _unlike(results, wanted)
        count += results.size
        rounded += places.size
        if not places.size:
            continue
        at = tuple(array[places] for array in given)
        errors = function.error(results[places], wanted[places], *at)
        for place in np.nonzero(abs(errors - function.bound) < _MARGIN)[0]:
            errors[place] = exact_error(results[places[place]], function.exact, [array[place] for array in at])
        largest = int(np.argmax(errors))
        if errors[largest] > worst:
            worst, argument = float(errors[largest]), tuple(float(array[largest]) for array in at)
    return Block(number, count, worst, argument, rounded)


def _unlike(results: Array, wanted: Array) -> Array:
    """Find the results that aren't the wanted ones rounded; one nan is as good as another."""
    with np.errstate(all="ignore"):
        nearest = wanted.astype(np.float32)
    places: Array = np.nonzero(results.view(np.uint32) != nearest.view(np.uint32))[0]
    if places.size:
        places = places[~(np.isnan(results[places]) & np.isnan(wanted[places]))]
    return places


@cache
def _kernel(name: str) -> Any:
    """Make a function a kernel, which is compiled once in each process."""
    return hr.kernel(FUNCTIONS[name].narrow)


def merged(blocks: Sequence[Block]) -> Block:
    """Put blocks together."""
    worst = max(blocks, key=lambda block: block.worst)
    return Block(
        -1, sum(b.count for b in blocks), worst.worst, tuple(worst.argument), sum(block.rounded for block in blocks)
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Compare, and print a table; 1 if a bound was passed."""
    parser = argparse.ArgumentParser(prog="python -m tests.mathlib.exhaustive", description=__doc__.splitlines()[0])
    parser.add_argument("--function", action="append", choices=list(FUNCTIONS), help="may be repeated; without, all")
    parser.add_argument("--jobs", type=int, default=1, help="processes (1)")
    parser.add_argument("--stride", type=int, default=1, help="every so many-th number (1)")
    parser.add_argument("--record", type=Path, help="a JSON file for what is found of each function")
    parser.add_argument("--folder", type=Path, default=Path("build/mathlib"), help="of the finished blocks")
    options = parser.parse_args(argv)
    options.folder.mkdir(parents=True, exist_ok=True)
    lines = ["| function | compared | max ulp | at | not rounded correctly |", "|---|--:|--:|---|--:|"]
    passed = False
    for name in options.function or list(FUNCTIONS):
        whole = merged(_finished(name, options.stride, options.jobs, options.folder))
        passed |= not whole.worst <= FUNCTIONS[name].bound
        where = ", ".join(map(repr, whole.argument))
        if options.record:
            _record(options.record, name, whole)
        lines.append(f"| {name} | {whole.count} | {whole.worst:.4f} | {where} | {whole.rounded / whole.count:.2%} |")
        print(lines[-1], file=sys.stderr, flush=True)
    print("\n".join(lines))
    return int(passed)


def _finished(name: str, stride: int, jobs: int, folder: Path) -> list[Block]:
    """Compare the blocks that aren't in the function's file yet, and return all of them."""
    file = folder / f"{name}.{stride}.{_digest(name)}.jsonl"
    blocks = [Block(**json.loads(line)) for line in file.read_text().splitlines()] if file.exists() else []
    rest = sorted(set(range(BLOCKS)) - {block.number for block in blocks})
    # Processes of their own, each with one thread: most of the time is NumPy's.
    with (
        ProcessPoolExecutor(
            jobs, mp_context=get_context("spawn"), initializer=hr.set_num_threads, initargs=(1,)
        ) as pool,
        file.open("a") as out,
    ):
        for done in as_completed([pool.submit(compare, name, number, stride) for number in rest]):
            blocks.append(done.result())
            out.write(json.dumps(asdict(blocks[-1])) + "\n")
            out.flush()
    return blocks


def _digest(name: str) -> str:
    """Tell the function's definition from others."""
    return hashlib.sha256(store.dumps(elementary.definition(name, FLOAT32)).encode()).hexdigest()[:12]


def _record(file: Path, name: str, whole: Block) -> None:
    """Put what was found of a function into the file, with what it was found of."""
    found = json.loads(file.read_text()) if file.exists() else {}
    facts = machine.facts()
    found[name] = {
        "inputs": whole.count,
        "all": FUNCTIONS[name].arguments == 1 and whole.count == 1 << 32,
        "max_ulp": whole.worst,
        "at": whole.argument,
        "bound_ulp": FUNCTIONS[name].bound,
        "not_nearest": whole.rounded,
        "definition": _digest(name),
        "date": facts["date"],
        "commit": facts["commit"],
        "processor": _core.topology()["model"],
    }
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    sys.exit(main())
