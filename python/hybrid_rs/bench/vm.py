"""Chunk sizes swept for kernels of the kernel language (report row S18): does the best one move with the workload?"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import hybrid_rs as hr
from hybrid_rs.bench import oracle
from hybrid_rs.bench.sweep import SizeRow, Sweep, sweep
from hybrid_rs.bench.vm_kernels import WORKLOADS, Workload

DEFAULT_BATCHES = (50_000, 100_000)
# Pairs of workloads that the answer names.
SHOWN_PAIRS = 3


@dataclass(frozen=True, slots=True)
class WorkloadSweep:
    """The chunk sizes of one workload on one batch."""

    workload: str
    swept: Sweep

    def row(self, size: int) -> SizeRow:
        """Return the row of a chunk size. Raises KeyError for one that was not swept."""
        for row in self.swept.rows:
            if row.size == size:
                return row
        raise KeyError(size)

    def to_dict(self) -> dict[str, object]:
        """Return everything with all raw timings, ready for JSON."""
        return {"workload": self.workload, **self.swept.to_dict()}


def sweep_workloads(
    batches: Sequence[int] = DEFAULT_BATCHES,
    sizes: Sequence[int] = (500, 1000, 2000, 4000, 8000),
    threads: int | None = None,
    samples: int = 10,
    workloads: Sequence[Workload] = WORKLOADS,
) -> tuple[WorkloadSweep, ...]:
    """Sweep chunk sizes for each workload and batch size; results are checked against plain NumPy before.

    Sizes that leave fewer chunks than threads are skipped, as in ``fit.sweep_batches``. Raises ValueError where no size
    is left, oracle.WrongResultError, and what ``sweep`` raises.
    """
    found = []
    for batch in batches:
        for workload in workloads:
            arguments = workload.arguments(batch)
            with hr.Runtime(threads=threads) as rt:
                usable = [size for size in sizes if size * max(2, rt.threads) <= batch]
                oracle.require_same(rt.map(workload.kernel, *arguments), workload.expected(batch), workload.name)
            swept = sweep(workload.kernel, *arguments, sizes=usable, threads=threads, samples=samples)
            found.append(WorkloadSweep(workload.name, swept))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Common:
    """One chunk size for all workloads: what it costs at most over each one's own best, as a ratio of times."""

    size: int
    worst: str
    """The workload that it suits least."""
    ratio: float
    high: float
    """The upper end of that ratio's interval."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Whether the best size differs between workloads on one batch.

    ``apart`` are pairs of workloads with no size in common that is within the noise of the best for both. ``shared``
    are the sizes that are so for all workloads. ``common`` is the size that costs the worst-off workload least.
    """

    batch: int
    apart: tuple[tuple[str, str], ...]
    shared: tuple[int, ...]
    common: Common
    same: bool
    """Whether every workload has one and the same best size beyond the noise."""

    @property
    def verdict(self) -> str:
        """``moves``, ``stays`` or ``undecided``."""
        return "moves" if self.apart else "stays" if self.same else "undecided"

    def text(self) -> str:
        """Say it in words."""
        common = (
            f"One size for all, {self.common.size}, costs {self.common.worst} most: "
            f"{(self.common.ratio - 1.0) * 100.0:+.1f} % against its own best (interval up to "
            f"{(self.common.high - 1.0) * 100.0:+.1f} %)."
        )
        if self.apart:
            shown = "; ".join(f"{a} and {b}" for a, b in self.apart[:SHOWN_PAIRS])
            more = f" (and {len(self.apart) - SHOWN_PAIRS} more pairs)" if len(self.apart) > SHOWN_PAIRS else ""
            return f"Yes. No size is within the noise of the best for both of: {shown}{more}. {common}"
        if self.same:
            return f"No. Chunks of {self.shared[0]} are best for every workload, beyond the noise. {common}"
        if self.shared:
            sizes = ", ".join(str(size) for size in self.shared)
            return (
                f"Undecided: the intervals overlap. Within the noise of the best for every workload: {sizes}. {common}"
            )
        return (
            "Undecided: the intervals of each two workloads overlap somewhere, but no size is within the noise of the "
            f"best for all. {common}"
        )


def answer(swept: Sequence[WorkloadSweep]) -> Answer:
    """Compare the plateaus of the workloads of one batch. Raises ValueError for none, or for different batches."""
    batches = {one.swept.elements for one in swept}
    if len(batches) != 1:
        raise ValueError(f"workloads of one batch size are needed, got those of {sorted(batches)}")
    plateaus = {one.workload: set(one.swept.plateau) for one in swept}
    apart = tuple((a, b) for a, b in combinations(plateaus, 2) if not plateaus[a] & plateaus[b])
    shared = tuple(sorted(set.intersection(*plateaus.values())))
    same = all(one.swept.decided for one in swept) and len(shared) == 1
    return Answer(batches.pop(), apart, shared, _common(swept), same)


def _common(swept: Sequence[WorkloadSweep]) -> Common:
    """Find the size whose worst ratio is the least."""
    found = []
    for size in (row.size for row in swept[0].swept.rows):
        worst = max(swept, key=lambda one: one.row(size).ratio)
        row = worst.row(size)
        found.append(Common(size, worst.workload, row.ratio, row.interval.high))
    return min(found, key=lambda one: one.ratio)
