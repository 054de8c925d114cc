"""Tiny batches (report row S23): what a call costs when there is next to nothing to do."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass

import hybrid_rs as hr
from hybrid_rs.bench.table import duration, render, spread
from hybrid_rs.bench.timing import Sample, interleave
from hybrid_rs.bench.workload import DEFAULT_ITERS, Workload

DEFAULT_SIZES = (64, 499, 999)
EMPTY = ", empty"
# The plain loop to compare with, one task an element, and the two paths that are meant to be used.
DEFAULT_PATHS = ("seq_direct", "hybrid_fnptr", "hybrid_fnptr_chunked", "hybrid_auto_chunked")


@dataclass(frozen=True, slots=True)
class TinyRow:
    """One path on a tiny batch: the call's time with the work and, as ``empty``, without any iterations."""

    path: str
    elements: int
    sample: Sample
    empty: Sample

    def to_dict(self) -> dict[str, object]:
        """Return the row with its raw timings, ready for JSON."""
        return {
            "path": self.path,
            "elements": self.elements,
            "work": self.sample.to_dict(),
            "empty": self.empty.to_dict(),
        }


@dataclass(frozen=True, slots=True)
class Tiny:
    """Call times of tiny batches, by size and then by path."""

    iters: int
    threads: int
    rows: tuple[TinyRow, ...]

    def to_dict(self) -> dict[str, object]:
        """Return everything, ready for JSON."""
        return {"iters": self.iters, "threads": self.threads, "rows": [row.to_dict() for row in self.rows]}

    def __str__(self) -> str:
        """Return a table for people."""
        header = ("path", "elements", "a call", "spread", "with no work")
        rows = [
            (
                row.path,
                str(row.elements),
                duration(row.sample.median),
                spread(row.sample.seconds),
                duration(row.empty.median),
            )
            for row in self.rows
        ]
        return render(header, rows)


def measure_tiny(
    sizes: Sequence[int] = DEFAULT_SIZES, iters: int = DEFAULT_ITERS, threads: int | None = None, samples: int = 20
) -> Tiny:
    """Time whole calls on tiny batches of ``busy_work``, from Python, in interleaved rounds, results checked first.

    Raises oracle.WrongResultError, or ValueError for an empty batch, negative iters or no samples.
    """
    rows: list[TinyRow] = []
    names = [f"{path}{kind}" for path in DEFAULT_PATHS for kind in ("", EMPTY)]
    with ExitStack() as open_runtimes:
        # One for each call, since policies learn a kernel's cost and these differ in it.
        runtimes = {name: open_runtimes.enter_context(hr.Runtime(threads=threads)) for name in names}
        for size in sizes:
            work, idle = Workload(size, iters), Workload(size, 0)
            calls = {path: work.checked(runtimes[path], path) for path in DEFAULT_PATHS}
            calls |= {path + EMPTY: idle.checked(runtimes[path + EMPTY], path) for path in DEFAULT_PATHS}
            timed = interleave(calls, samples, warmup=3)
            rows += [TinyRow(path, size, timed[path], timed[path + EMPTY]) for path in DEFAULT_PATHS]
        used = runtimes[names[0]].threads
    return Tiny(iters, used, tuple(rows))
