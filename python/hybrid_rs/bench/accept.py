"""The acceptance test (report row S16): each path against a multiple of ``runtime_seq``, and what it can reach."""

from dataclasses import dataclass

from hybrid_rs.bench.paths import BASELINE, DIRECT, RATIOS, PathComparison, compare_paths
from hybrid_rs.bench.table import duration, render, significant, span, spread
from hybrid_rs.bench.timing import LEAST_SAMPLES
from hybrid_rs.bench.workload import DEFAULT_BATCH, DEFAULT_ITERS

DEFAULT_TARGET = 2.0
# The verdict is theirs: they are the paths that are meant to be used. The others are there to be compared with.
DECIDING = ("hybrid_fnptr_chunked", "hybrid_auto_chunked")
# Parallel paths that call the scalar function one element at a time: they gain the threads and no vector lanes.
# An element's own work has to be this many times the baseline's submission, or the ratio measures the submission.
LEAST_WORK = 10.0
ELEMENT_PATHS = ("hybrid_dyn", "hybrid_fnptr", "hybrid_dyn_chunked")


@dataclass(frozen=True, slots=True)
class Acceptance:
    """The verdict for each path of a comparison against ``target`` times the throughput of ``runtime_seq``."""

    comparison: PathComparison
    target: float

    @property
    def passed(self) -> bool:
        """Whether all deciding paths reach the target."""
        return all(self.path_passed(name) for name in DECIDING)

    def path_passed(self, name: str) -> bool:
        """Whether a path reaches the target: with all of its interval, or with its ratio where samples are too few.

        Raises KeyError for an unknown path.
        """
        row = self.comparison.row(name)
        return (row.interval.low if self.enough(name) else row.vs_runtime_seq) >= self.target

    def enough(self, name: str) -> bool:
        """Whether a path has the rounds that an interval needs to decide. Raises KeyError for an unknown path."""
        return self.comparison.row(name).rounds >= LEAST_SAMPLES

    @property
    def notes(self) -> tuple[str, ...]:
        """What takes meaning from the verdict: elements without work, too few samples. Mostly nothing."""
        compared = self.comparison
        own_ns = compared.row(DIRECT).sample.median / compared.batch * 1e9
        notes = []
        if own_ns < LEAST_WORK * compared.submission_ns:
            notes.append(
                f"an element's own work ({significant(own_ns)} ns) is less than {LEAST_WORK:g} times its submission "
                f"({significant(compared.submission_ns)} ns): the ratios measure the baseline's submission cost"
            )
        if not all(self.enough(row.name) for row in compared.rows):
            notes.append(f"fewer than {LEAST_SAMPLES} samples: verdicts rest on the ratio of the medians alone")
        return tuple(notes)

    def cap(self, name: str) -> float | None:
        """Return the multiple of ``runtime_seq`` that the machine allows a path, or None where lanes set no limit.

        A path that runs scalar code element by element can at best be as fast as ``seq_direct`` on every thread.
        Raises KeyError for an unknown path.
        """
        direct = self.comparison.row(DIRECT).vs_runtime_seq
        if name == BASELINE:
            return 1.0
        if name == DIRECT:
            return direct
        return direct * self.comparison.threads if name in ELEMENT_PATHS else None

    def to_dict(self) -> dict[str, object]:
        """Return the verdicts, ready for JSON: batch, iters, target, pass, threads, paths, and what explains them."""
        paths: dict[str, object] = {}
        for row in self.comparison.rows:
            paths[row.name] = {
                "median_s": row.sample.median,
                "melem_s": row.melem_s,
                "vs_runtime_seq": row.vs_runtime_seq,
                "pass": self.path_passed(row.name),
                "cap": self.cap(row.name),
                "decides": row.name in DECIDING,
                "spread_s": row.sample.spread,
                "samples": len(row.sample.seconds),
                "interval": row.interval.to_dict(),
                "paired_rounds": row.rounds,
                "verdict": self.verdict(row.name),
                "outliers": len(row.sample.outliers),
                "chunk_size": row.choice.chunk_size,
            }
        return {
            "batch": self.comparison.batch,
            "iters": self.comparison.iters,
            "target": self.target,
            "pass": self.passed,
            "threads": self.comparison.threads,
            "submission_ns": self.comparison.submission_ns,
            "note": "; ".join(self.notes) or None,
            "paths": paths,
        }

    def __str__(self) -> str:
        """Return a table for people, the verdict below it."""
        compared = self.comparison
        header = ("path", "median", "spread", "Melem/s", "vs runtime_seq", "interval", "samples", "verdict")
        rows = [
            (
                row.name,
                duration(row.sample.median),
                spread(row.sample.seconds),
                significant(row.melem_s),
                f"{significant(row.vs_runtime_seq)}x",
                span(row.interval),
                str(len(row.sample.seconds)),
                self.verdict(row.name),
            )
            for row in compared.rows
        ]
        title = (
            f"busy_work, {compared.batch:,} elements x {compared.iters} iterations, {compared.threads} threads, "
            f"target {self.target:g}x {BASELINE}"
        )
        foot = (
            f"{'PASS' if self.passed else 'FAIL'}: decided by {' and '.join(DECIDING)}. cap: what scalar code on "
            f"{compared.threads} threads can reach. {BASELINE} pays {significant(compared.submission_ns)} ns an "
            f"element for submission, metrics included. {RATIOS}"
        )
        return "\n".join([title, render(header, rows), foot, *(f"note: {note}" for note in self.notes)])

    def verdict(self, name: str) -> str:
        """Return ``PASS``, ``FAIL``, ``undecided`` where the target lies within the interval, or what caps the path.

        Only PASS passes. A path that the machine doesn't allow the target is below it, which is no failure of its own.
        """
        if name == BASELINE:
            return "baseline"
        if self.path_passed(name):
            return "PASS"
        cap = self.cap(name)
        if cap is not None and cap < self.target:
            return f"below target (cap {significant(cap)}x)"
        return "undecided" if self.enough(name) and self.comparison.row(name).interval.high >= self.target else "FAIL"


def cap_text(cap: float | None) -> str:
    """Return a cap as text, ``-`` for none."""
    return "-" if cap is None else f"{significant(cap)}x"


def accept(
    batch: int = DEFAULT_BATCH,
    iters: int = DEFAULT_ITERS,
    target: float = DEFAULT_TARGET,
    threads: int | None = None,
    samples: int = 10,
) -> Acceptance:
    """Compare the paths and judge each against ``target`` times ``runtime_seq``.

    One timing decides nothing, so at least 5 ``samples`` are taken, whatever is asked for.

    Raises ValueError for a target that is not positive or ``samples`` below 1, and what ``compare_paths`` raises.
    """
    if samples < 1:
        raise ValueError(f"samples has to be at least 1, got {samples}")
    if not target > 0.0:
        raise ValueError(f"target has to be positive, got {target}")
    return Acceptance(compare_paths(batch, iters, threads, max(samples, LEAST_SAMPLES)), target)
