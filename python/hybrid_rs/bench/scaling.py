"""Speed-up over the number of threads (report row S24), as far as the machine goes."""

from contextlib import ExitStack
from dataclasses import dataclass

import hybrid_rs as hr
from hybrid_rs.bench import stats
from hybrid_rs.bench.table import PAIRED, duration, render, significant
from hybrid_rs.bench.timing import Call, Sample, affordable, clock, interleave
from hybrid_rs.bench.workload import DEFAULT_BATCH, DEFAULT_ITERS, Workload

# Vectorised and scalar: the first shows the runtime's own cost sooner, for its chunks are shorter.
DEFAULT_PATHS = ("hybrid_fnptr_chunked", "hybrid_fnptr")


@dataclass(frozen=True, slots=True)
class ScalingRow:
    """One path on ``threads`` threads, and its speed-up over one thread in pairs of the same round."""

    path: str
    threads: int
    sample: Sample
    speedup: float
    interval: stats.Interval

    @property
    def efficiency(self) -> float:
        """Speed-up per thread, 1.0 being ideal."""
        return self.speedup / self.threads

    def to_dict(self) -> dict[str, object]:
        """Return the row with its raw timings, ready for JSON."""
        return {
            "path": self.path,
            "threads": self.threads,
            **self.sample.to_dict(),
            "speedup": self.speedup,
            "interval": self.interval.to_dict(),
            "efficiency": self.efficiency,
        }


@dataclass(frozen=True, slots=True)
class Scaling:
    """Speed-ups of paths on one batch, by path and then by number of threads."""

    batch: int
    iters: int
    rows: tuple[ScalingRow, ...]

    def to_dict(self) -> dict[str, object]:
        """Return everything, ready for JSON."""
        return {"batch": self.batch, "iters": self.iters, "rows": [row.to_dict() for row in self.rows]}

    def __str__(self) -> str:
        """Return a table for people."""
        header = ("path", "threads", "median", "speed-up", "efficiency")
        rows = [
            (
                row.path,
                str(row.threads),
                duration(row.sample.median),
                f"{significant(row.speedup)}x",
                f"{row.efficiency * 100.0:.0f} %",
            )
            for row in self.rows
        ]
        return f"{render(header, rows)}\n{PAIRED}"


def thread_counts(most: int) -> tuple[int, ...]:
    """Return 1, 2, 4, 8 … up to ``most``, which is always the last. Raises ValueError for less than one thread."""
    if most < 1:
        raise ValueError(f"threads has to be at least 1, got {most}")
    counts = [1]
    while counts[-1] * 2 < most:
        counts.append(counts[-1] * 2)
    return tuple(dict.fromkeys([*counts, most]))


def measure_scaling(
    batch: int = DEFAULT_BATCH, iters: int = DEFAULT_ITERS, threads: int | None = None, samples: int = 10
) -> Scaling:
    """Time paths on 1, 2, 4 … threads up to ``threads`` (default: the Runtime's own choice), in interleaved rounds.

    Raises oracle.WrongResultError, or ValueError for an empty batch, negative iters or no samples.
    """
    work = Workload(batch, iters)
    rows: list[ScalingRow] = []
    with hr.Runtime(threads=threads) as widest:
        most = widest.threads
    with ExitStack() as open_runtimes:
        for path in DEFAULT_PATHS:
            # New ones for each path, since policies learn a kernel's cost and the paths differ in it.
            runtimes = {n: open_runtimes.enter_context(hr.Runtime(threads=n)) for n in thread_counts(most)}
            calls: dict[str, Call] = {str(count): work.checked(rt, path) for count, rt in runtimes.items()}
            timed = interleave(calls, affordable(clock(calls["1"]), samples))
            for count in runtimes:
                speedup, interval = stats.paired_ratio(timed["1"].seconds, timed[str(count)].seconds)
                rows.append(ScalingRow(path, count, timed[str(count)], speedup, interval))
    return Scaling(batch, iters, tuple(rows))
