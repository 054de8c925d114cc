"""What metrics cost (report row S15): Runtimes with and without them, timed in turns in one process.

The other half of the row, the build without metrics, is compared by ``benches/compare_builds.py``.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import hybrid_rs as hr
from hybrid_rs.bench import stats
from hybrid_rs.bench.table import PAIRED, duration, percent, render, span
from hybrid_rs.bench.timing import Sample, affordable, clock, interleave
from hybrid_rs.bench.workload import DEFAULT_BATCH, DEFAULT_ITERS, Workload

DEFAULT_PATHS = ("hybrid_fnptr_chunked", "hybrid_fnptr", "runtime_seq")
# The original report's bar for the metrics' cost, in percent.
BAR_PERCENT = 5.0


@dataclass(frozen=True, slots=True)
class MetricsRow:
    """One path with and without metrics: the cost in percent and the interval of its median, from pairs of rounds."""

    path: str
    with_metrics: Sample
    without: Sample
    percent: float
    interval: stats.Interval

    @property
    def verdict(self) -> str:
        """``pass`` or ``fail`` where the whole interval lies on one side of the bar, else ``undecided``."""
        if self.interval.high < BAR_PERCENT:
            return "pass"
        return "fail" if self.interval.low >= BAR_PERCENT else "undecided"

    def to_dict(self) -> dict[str, object]:
        """Return the row with its raw timings, ready for JSON."""
        return {
            "percent": self.percent,
            "interval": self.interval.to_dict(),
            "verdict": self.verdict,
            "with_metrics": self.with_metrics.to_dict(),
            "without": self.without.to_dict(),
        }


@dataclass(frozen=True, slots=True)
class MetricsCost:
    """The cost of metrics on several paths. In a ``hybrid-lite`` build both sides are the same code."""

    batch: int
    iters: int
    threads: int
    lite_build: bool
    rows: tuple[MetricsRow, ...]

    def to_dict(self) -> dict[str, object]:
        """Return everything, ready for JSON."""
        return {
            "batch": self.batch,
            "iters": self.iters,
            "threads": self.threads,
            "lite_build": self.lite_build,
            "paths": {row.path: row.to_dict() for row in self.rows},
        }

    def __str__(self) -> str:
        """Return a table for people."""
        header = ("path", "with metrics", "without", "cost", "interval", f"under {BAR_PERCENT:.0f} %")
        rows = [
            (
                row.path,
                duration(row.with_metrics.median),
                duration(row.without.median),
                percent(row.percent),
                span(row.interval, percent),
                row.verdict,
            )
            for row in self.rows
        ]
        note = "\nThis build has no metrics (hybrid-lite): both sides are the same code." if self.lite_build else ""
        return f"{render(header, rows)}\n{PAIRED}{note}"


def measure_metrics(
    batch: int = DEFAULT_BATCH,
    iters: int = DEFAULT_ITERS,
    threads: int | None = None,
    samples: int = 20,
    paths: Sequence[str] = DEFAULT_PATHS,
) -> MetricsCost:
    """Time each path on Runtimes with and without metrics in interleaved rounds, results checked first.

    Raises oracle.WrongResultError, or ValueError for an empty batch, negative iters or no samples.
    """
    work = Workload(batch, iters)
    rows = []
    with hr.Runtime(threads=threads, metrics=True) as full, hr.Runtime(threads=threads, metrics=False) as bare:
        for path in paths:
            # The same chunks on both sides: policies learn from what they measured, and may choose differently.
            size = hr.policy.v2(batch) if path.endswith("_chunked") else None
            calls = {"with": work.checked(full, path, size), "without": work.checked(bare, path, size)}
            timed = interleave(calls, affordable(clock(calls["with"]), samples))
            ratio, interval = stats.paired_ratio(timed["with"].seconds, timed["without"].seconds)
            cost = (ratio - 1.0) * 100.0
            rows.append(MetricsRow(path, timed["with"], timed["without"], cost, interval.scaled(100.0, -100.0)))
        used = full.threads
    return MetricsCost(batch, iters, used, bool(hr.features()["hybrid-lite"]), tuple(rows))
