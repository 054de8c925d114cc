"""The chunk-size sweep (report row S12): a time and a grade per size, and which sizes noise leaves undecided."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

import hybrid_rs as hr
from hybrid_rs.bench import oracle, stats
from hybrid_rs.bench.table import PAIRED, duration, percent, render, significant, spread
from hybrid_rs.bench.timing import Call, Sample, affordable, clock, interleave

# The sizes of the original report's sweep, in elements.
DEFAULT_SIZES = (500, 750, 1000, 1250, 1500, 1750, 2000)
# How far above the best median a size may be for its grade, as a fraction of the best; beyond all, WORST_GRADE.
# The original report gave no thresholds. Ours: A+ is about one sitting's noise, C is a loss that users notice.
GRADES = (("A+", 0.01), ("A", 0.03), ("B+", 0.07), ("B", 0.15))
WORST_GRADE = "C"
# A size counts as slower than the best only where the interval of this level says so. Higher than the usual 0.95, for
# each size is one more chance to be wrong, and the best was picked because it looked good. Needs at least 8 samples.
DECISION_LEVEL = 0.99


def grade(median_s: float, best_s: float) -> str:
    """Return the grade of a median time against the best one: A+, A, B+, B or C (thresholds in ``GRADES``)."""
    behind = median_s / best_s - 1.0
    for name, limit in GRADES:
        if behind <= limit:
            return name
    return WORST_GRADE


@dataclass(frozen=True, slots=True)
class SizeRow:
    """One chunk size: its timings, and its time as a multiple of the best size's, in pairs of the same round."""

    size: int
    sample: Sample
    elements: int
    grade: str
    ratio: float
    interval: stats.Interval
    undecided: bool

    @property
    def melem_s(self) -> float:
        """Throughput in million elements a second, from the median."""
        return self.elements / self.sample.median / 1e6

    def to_dict(self) -> dict[str, object]:
        """Return the row with its raw timings, ready for JSON."""
        return {
            "chunk_size": self.size,
            **self.sample.to_dict(),
            "melem_s": self.melem_s,
            "grade": self.grade,
            "ratio_to_best": self.ratio,
            "ratio_interval": self.interval.to_dict(),
            "undecided": self.undecided,
        }


@dataclass(frozen=True, slots=True)
class Sweep:
    """Chunk sizes of one kernel, batch and path, ascending; ``undecided`` sizes can't be told from the best one."""

    kernel: str
    path: str
    elements: int
    threads: int
    rows: tuple[SizeRow, ...]

    @property
    def best(self) -> SizeRow:
        """The size with the lowest median."""
        return min(self.rows, key=lambda row: row.sample.median)

    @property
    def plateau(self) -> tuple[int, ...]:
        """The best size and all that can't be told from it, ascending."""
        return tuple(row.size for row in self.rows if row.undecided or row is self.best)

    @property
    def decided(self) -> bool:
        """Whether one size is better than all others beyond the noise."""
        return len(self.plateau) == 1

    def to_dict(self) -> dict[str, object]:
        """Return everything, ready for JSON."""
        return {
            "kernel": self.kernel,
            "path": self.path,
            "elements": self.elements,
            "threads": self.threads,
            "best": self.best.size,
            "plateau": list(self.plateau),
            "decided": self.decided,
            "sizes": [row.to_dict() for row in self.rows],
        }

    def __str__(self) -> str:
        """Return a table for people."""
        best = self.best
        header = ("chunk", "median", "spread", "Melem/s", "grade", "against the best", "outliers")
        rows = [
            (
                str(row.size),
                duration(row.sample.median),
                spread(row.sample.seconds),
                significant(row.melem_s),
                row.grade,
                standing(row, best),
                str(len(row.sample.outliers)),
            )
            for row in self.rows
        ]
        title = f"{self.kernel}, {self.elements:,} elements, {self.path}, {self.threads} threads"
        return f"{title}\n{render(header, rows, left=0)}\n{self.summary()}\n{PAIRED}"

    @property
    def best_is_largest(self) -> bool:
        """Whether the best size is the largest of several: a larger one may be better still."""
        return len(self.rows) > 1 and self.best is self.rows[-1]

    def summary(self) -> str:
        """Say which size is best, or which ones can't be told apart, and what limits that."""
        parts = [self._winner()]
        if self.best_is_largest:
            parts.append("It is the largest size swept; a larger one may be better still.")
        whole = ", ".join(str(row.size) for row in self.rows if row.size >= self.elements)
        if whole:
            parts.append(f"Note: a chunk of {whole} holds the whole batch, so nothing is chunked there.")
        return " ".join(parts)

    def _winner(self) -> str:
        if self.decided:
            return f"Best: chunks of {self.best.size} elements."
        if any(row.interval.coverage < DECISION_LEVEL for row in self.rows if row is not self.best):
            few = len(self.best.sample.seconds)
            return f"Best median: {self.best.size}. {few} samples a size are too few to decide; take at least 8."
        sizes = ", ".join(str(size) for size in self.plateau)
        return f"Best median: {self.best.size}. A plateau: within the noise, {sizes} can't be told apart."


def standing(row: SizeRow, best: SizeRow) -> str:
    """Say how a size stands against the best: ``best``, ``undecided``, or how much slower it is."""
    if row is best:
        return "best"
    return "undecided" if row.undecided else percent((row.ratio - 1.0) * 100.0)


def sweep(
    kernel: hr.Kernel | Callable[..., object],
    *arrays: object,
    sizes: Sequence[int] = DEFAULT_SIZES,
    path: str = "hybrid_fnptr_chunked",
    threads: int | None = None,
    samples: int = 10,
) -> Sweep:
    """Time ``path`` with each chunk size (in elements) on a kernel and arrays of your own, in interleaved rounds.

    ``arrays`` are what ``hr.map`` takes: arrays that broadcast together, or scalars for all elements. All sizes have
    to give the same bits. Sizes that the noise can't tell from the best one are marked undecided instead of ranked;
    that needs at least 8 samples to separate anything. A size that holds the whole batch is timed, and noted.

    Raises ValueError for no sizes, repeated ones, one below 1, a path that has no chunks, no samples, an empty batch
    or scalars alone; TypeError for ``sizes`` that are no sequence of integers;
    ``hybrid_rs.bench.oracle.WrongResultError`` (a ``hr.KernelError``) when two sizes give different bits; and what
    ``hr.map`` raises.
    """
    ordered = checked_sizes(sizes)
    if path in hr.PATHS and not path.endswith("_chunked"):
        raise ValueError(f"path has to be a chunked one, got {path!r}, which has no chunk size")
    with hr.Runtime(threads=threads) as rt:
        first = rt.map(kernel, *arrays, path=path, chunk_size=ordered[0])
        if not isinstance(first, np.ndarray | tuple):
            raise ValueError("arrays are all scalars: nothing to sweep")
        elements = outputs(first)[0].size
        if elements == 0:
            raise ValueError("arrays hold no elements: nothing to sweep")
        expected = tuple(array.copy() for array in outputs(first))
        calls: dict[str, Call] = {}
        for size in ordered:
            calls[str(size)] = _call(rt, kernel, arrays, path, size, first)
            for array in outputs(first):
                array.fill(0)
            calls[str(size)]()
            for got, want in zip(outputs(first), expected, strict=True):
                oracle.require_same(got, want, f"{path} with chunks of {size}")
        timed = interleave(calls, affordable(clock(calls[str(ordered[0])]), samples))
        used = rt.threads
    name = str(getattr(kernel, "name", None) or getattr(kernel, "__name__", "kernel"))
    return Sweep(name, path, elements, used, rank({int(size): sample for size, sample in timed.items()}, elements))


def rank(timed: dict[int, Sample], elements: int) -> tuple[SizeRow, ...]:
    """Return the rows of the timed sizes, ascending, graded and compared with the best in pairs of the same round."""
    best = min(timed.values(), key=lambda sample: sample.median)
    rows = []
    for size, sample in sorted(timed.items()):
        ratio, interval = stats.paired_ratio(sample.seconds, best.seconds, DECISION_LEVEL)
        separated = interval.low > 1.0 and interval.coverage >= DECISION_LEVEL
        undecided = sample is not best and not separated
        rows.append(SizeRow(size, sample, elements, grade(sample.median, best.median), ratio, interval, undecided))
    return tuple(rows)


def checked_sizes(sizes: Sequence[int]) -> list[int]:
    """Return the sizes ascending.

    Raises ValueError for none, a repeated one or one below 1, TypeError for non-integers or what is no sequence.
    """
    if not isinstance(sizes, Iterable):
        raise TypeError(f"sizes has to be a sequence of integers, got {sizes!r}")
    for size in sizes:
        if isinstance(size, bool) or not isinstance(size, int | np.integer):
            raise TypeError(f"sizes have to be integers, got {size!r}")
        if size < 1:
            raise ValueError(f"sizes have to be at least 1, got {size}")
    ordered = sorted({int(size) for size in sizes})
    if not ordered or len(ordered) != len(sizes):
        raise ValueError("sizes has to name at least one chunk size, and each once")
    return ordered


def outputs(result: object) -> tuple[np.ndarray[tuple[int, ...], np.dtype[np.generic]], ...]:
    """Return a map's result as a tuple of arrays, whether the kernel has one output or several."""
    arrays = result if isinstance(result, tuple) else (result,)
    return tuple(np.asarray(array) for array in arrays)


def _call(
    rt: hr.Runtime,
    kernel: hr.Kernel | Callable[..., object],
    arrays: tuple[object, ...],
    path: str,
    size: int,
    out: object,
) -> Call:
    return lambda: rt.map(kernel, *arrays, path=path, chunk_size=size, out=out)
