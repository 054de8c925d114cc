"""The seven paths side by side on one batch (report rows S2 to S8), and the baseline's own cost per element."""

from contextlib import ExitStack
from dataclasses import dataclass

import hybrid_rs as hr
from hybrid_rs.bench import stats
from hybrid_rs.bench.table import duration, render, significant, span, spread
from hybrid_rs.bench.timing import Sample, affordable, clock, interleave, pairs
from hybrid_rs.bench.workload import DEFAULT_BATCH, DEFAULT_ITERS, Choice, Workload, last_choice

BASELINE = "runtime_seq"
DIRECT = "seq_direct"
RATIOS = '"vs" is the ratio of the medians, its interval that of the ratio in paired rounds.'
NO_CHOICE = Choice(None, None)


@dataclass(frozen=True, slots=True)
class PathRow:
    """One path's timings on ``elements`` elements, and what the runtime chose for it.

    ``vs_runtime_seq`` is the baseline's median over the path's. ``interval`` is that of the same ratio in pairs of the
    rounds where both ran, ``rounds`` of them; it decides, and need not lie around the ratio of the medians.
    """

    name: str
    sample: Sample
    elements: int
    vs_runtime_seq: float
    choice: Choice
    interval: stats.Interval
    rounds: int

    @property
    def melem_s(self) -> float:
        """Throughput in million elements a second, from the median."""
        return self.elements / self.sample.median / 1e6

    def to_dict(self) -> dict[str, object]:
        """Return the row with its raw timings, ready for JSON."""
        return {
            **self.sample.to_dict(),
            "melem_s": self.melem_s,
            "vs_runtime_seq": self.vs_runtime_seq,
            "vs_interval": self.interval.to_dict(),
            "paired_rounds": self.rounds,
            "chunk_size": self.choice.chunk_size,
            "reason": self.choice.reason,
        }


@dataclass(frozen=True, slots=True)
class PathComparison:
    """All paths at one batch size.

    ``submission_ns`` is what the baseline pays for handing one element to the Runtime, its metrics included, in
    nanoseconds, with its interval: ``runtime_seq`` less ``seq_direct``, both with no iterations, so that only the
    handing-over is left.
    """

    batch: int
    iters: int
    threads: int
    rows: tuple[PathRow, ...]
    submission_ns: float
    submission_interval: stats.Interval

    def row(self, name: str) -> PathRow:
        """Return the row of a path. Raises KeyError for one that was not measured."""
        for row in self.rows:
            if row.name == name:
                return row
        raise KeyError(name)

    def to_dict(self) -> dict[str, object]:
        """Return everything, ready for JSON."""
        return {
            "batch": self.batch,
            "iters": self.iters,
            "threads": self.threads,
            "submission_ns": self.submission_ns,
            "submission_interval_ns": self.submission_interval.to_dict(),
            "paths": {row.name: row.to_dict() for row in self.rows},
        }

    def __str__(self) -> str:
        """Return a table for people."""
        header = ("path", "median", "spread", "Melem/s", "vs runtime_seq", "interval", "chunk", "samples", "outliers")
        rows = [
            (
                row.name,
                duration(row.sample.median),
                spread(row.sample.seconds),
                significant(row.melem_s),
                f"{significant(row.vs_runtime_seq)}x",
                span(row.interval),
                str(row.choice.chunk_size or "-"),
                str(len(row.sample.seconds)),
                str(len(row.sample.outliers)),
            )
            for row in self.rows
        ]
        title = f"busy_work, {self.batch:,} elements x {self.iters} iterations, {self.threads} threads"
        foot = (
            f"runtime_seq pays {significant(self.submission_ns)} ns an element for submission, metrics included "
            f"({span(self.submission_interval)}). {RATIOS}"
        )
        return f"{title}\n{render(header, rows)}\n{foot}"


def compare_paths(
    batch: int = DEFAULT_BATCH, iters: int = DEFAULT_ITERS, threads: int | None = None, samples: int = 10
) -> PathComparison:
    """Time every path on ``busy_work`` over ``arange(batch)`` with ``iters`` steps an element, in interleaved rounds.

    Each path has a Runtime of its own: policies learn a kernel's cost, and what they learn from a path that runs it
    element by element would mislead the others. The choices shown are those of the last round.

    Every result is checked against plain NumPy first. Paths whose run takes ``timing.SLOW_RUN_S`` or longer get half
    the samples, but at least five. Raises oracle.WrongResultError, or ValueError for an empty batch, negative
    iters or no samples.
    """
    work = Workload(batch, iters)
    with ExitStack() as open_runtimes:
        runtimes = {path: open_runtimes.enter_context(hr.Runtime(threads=threads)) for path in hr.PATHS}
        calls = {path: work.checked(rt, path) for path, rt in runtimes.items()}
        wanted = {path: affordable(clock(call), samples) for path, call in calls.items()}
        timed = interleave(calls, wanted, warmup=0)
        choices = {path: last_choice(rt) if path.endswith("_chunked") else NO_CHOICE for path, rt in runtimes.items()}
        submission, interval = submission_cost(runtimes[BASELINE], batch, samples)
        used = runtimes[BASELINE].threads
    rows = tuple(compared_row(path, timed[path], timed[BASELINE], batch, choices[path]) for path in hr.PATHS)
    return PathComparison(batch, iters, used, rows, submission, interval)


def compared_row(name: str, sample: Sample, baseline: Sample, elements: int, choice: Choice = NO_CHOICE) -> PathRow:
    """Return a path's row, compared with the baseline's timings; pairs are the rounds where both ran.

    Raises ValueError where there is no such round.
    """
    theirs, ours = pairs(baseline, sample)
    _, interval = stats.paired_ratio(theirs, ours)
    return PathRow(name, sample, elements, baseline.median / sample.median, choice, interval, len(ours))


def submission_cost(rt: hr.Runtime, batch: int, samples: int) -> tuple[float, stats.Interval]:
    """Return what ``runtime_seq`` adds to ``seq_direct`` per element, in ns, and the interval of its median.

    With no iterations both paths do nothing but fetch, call and store; they are compared in pairs of the same round.
    """
    idle = Workload(batch, 0)
    timed = interleave({path: idle.checked(rt, path) for path in (DIRECT, BASELINE)}, samples)
    scale = 1e9 / batch
    costs = [(handed - direct) * scale for handed, direct in zip(*pairs(timed[BASELINE], timed[DIRECT]), strict=True)]
    return stats.median(costs), stats.median_interval(costs)
