"""The adaptive gap (report row S8): the automatic path against the best fixed chunk size, and why they differ."""

from dataclasses import dataclass

import hybrid_rs as hr
from hybrid_rs.bench import stats
from hybrid_rs.bench.sweep import Sweep, sweep
from hybrid_rs.bench.table import UNKNOWN, duration, percent, significant, span
from hybrid_rs.bench.timing import Sample, interleave
from hybrid_rs.bench.workload import DEFAULT_BATCH, DEFAULT_ITERS, Choice, Workload, last_choice

AUTO = "hybrid_auto_chunked"
FIXED = "hybrid_fnptr_chunked"
# Behind the best fixed chunk by more than this share, or this time where that is larger, is behind the project's bar.
BAR_RATIO = 0.02
BAR_S = 1e-6
# Chunk sizes between which the cost of one more chunk is measured, in elements: the ends of the swept range.
FEW_SIZE = 2000
MANY_SIZE = 500
# The automatic path corrects its choice by what it measured; it gets this many batches to do so, as a program would.
SETTLE_BATCHES = 20


@dataclass(frozen=True, slots=True)
class Gap:
    """The automatic path and the swept winner, re-timed side by side on one batch.

    ``ratio`` is auto / best in pairs of the same round. ``dispatch_ns`` is what one more chunk costs the batch, in
    nanoseconds of its wall time; ``fixed`` is the best size of the sweep.
    """

    elements: int
    threads: int
    fixed: int
    plateau: tuple[int, ...]
    choice: Choice
    auto_sample: Sample
    fixed_sample: Sample
    ratio: float
    interval: stats.Interval
    dispatch_ns: float
    dispatch_interval: stats.Interval

    @property
    def allowed(self) -> float:
        """The ratio that the bar allows: 2 % or 1 µs behind, whichever is larger."""
        return 1.0 + max(BAR_RATIO, BAR_S / self.fixed_sample.median)

    @property
    def verdict(self) -> str:
        """``behind`` or ``ahead`` where the whole interval says so, ``level`` within the bar, else ``undecided``."""
        if self.interval.low > self.allowed:
            return "behind"
        if self.interval.high < 1.0:
            return "ahead"
        return "level" if self.interval.high <= self.allowed else "undecided"

    def diagnosis(self) -> tuple[str, ...]:
        """Return sentences that say what was measured and what the gap can and cannot come from."""
        facts = [self._about_ratio(), self._about_choice()]
        if len(self.plateau) > 1:
            sizes = ", ".join(str(size) for size in self.plateau)
            facts.append(f"The sweep's plateau: {sizes}. It could not tell these sizes apart; this timing is finer.")
        if self.choice.chunk_size:
            facts.append(self._about_dispatch(self.choice.chunk_size))
        return tuple(facts)

    def _about_ratio(self) -> str:
        interval = span(self.interval.scaled(100.0, -100.0), percent)
        return (
            f"At {self.elements:,} elements auto takes {duration(self.auto_sample.median)}, chunks of {self.fixed} "
            f"take {duration(self.fixed_sample.median)}: {percent((self.ratio - 1.0) * 100.0)} "
            f"({'too few samples for an interval' if interval == UNKNOWN else interval}), {self.verdict}."
        )

    def _about_choice(self) -> str:
        if self.choice.chunk_size is None:
            return "What auto chose is not known: this build or Runtime keeps no metrics."
        where = "on the sweep's plateau" if self._on_plateau(self.choice.chunk_size) else "outside the sweep's plateau"
        reason = f" ({self.choice.reason})" if self.choice.reason else ""
        return f"Auto used chunks of {self.choice.chunk_size}{reason}, {where}."

    def _on_plateau(self, size: int) -> bool:
        return min(self.plateau) <= size <= max(self.plateau)

    def _about_dispatch(self, size: int) -> str:
        ours, theirs = -(-self.elements // size), -(-self.elements // self.fixed)
        cost_ns = (ours - theirs) * self.dispatch_ns
        gap_ns = (self.auto_sample.median - self.fixed_sample.median) * 1e9
        counts = f"That is {ours} chunks against {theirs}"
        if ours == theirs:
            return f"{counts}: dispatch has no part in the difference."
        if self.dispatch_interval.contains(0.0):
            return f"{counts}; what one more chunk costs is lost in the noise of batches without work."
        costs = f"{counts}; one more chunk costs {significant(self.dispatch_ns)} ns"
        # A share means something only of a difference that is there and that has the sign of its part.
        if self.interval.contains(1.0):
            return f"{costs}; whether there is a difference to explain is not decided."
        if gap_ns == 0.0 or not 0.0 <= cost_ns / gap_ns <= 1.0:
            return f"{costs}, which does not explain the difference."
        return (
            f"{costs}, so dispatch explains {significant(cost_ns / 1e3)} µs of a difference of "
            f"{significant(gap_ns / 1e3)} µs."
        )

    def to_dict(self) -> dict[str, object]:
        """Return everything, ready for JSON."""
        return {
            "elements": self.elements,
            "threads": self.threads,
            "best_fixed": self.fixed,
            "plateau": list(self.plateau),
            "auto_chunk_size": self.choice.chunk_size,
            "auto_reason": self.choice.reason,
            "ratio": self.ratio,
            "interval": self.interval.to_dict(),
            "verdict": self.verdict,
            "dispatch_ns": self.dispatch_ns,
            "dispatch_interval_ns": self.dispatch_interval.to_dict(),
            "auto": self.auto_sample.to_dict(),
            "fixed": self.fixed_sample.to_dict(),
            "diagnosis": list(self.diagnosis()),
        }

    def __str__(self) -> str:
        """Return the diagnosis, a fact a line."""
        return "\n".join(self.diagnosis())


def measure_gap(
    batch: int = DEFAULT_BATCH,
    iters: int = DEFAULT_ITERS,
    threads: int | None = None,
    samples: int = 30,
    swept: Sweep | None = None,
) -> Gap:
    """Compare auto with the best chunk size of a sweep of ``busy_work`` (``swept``, or a new one).

    The winner of a sweep won partly by luck, so it is timed again, on fresh samples interleaved with auto's.

    Raises ValueError for a sweep of another batch size, an empty batch or no samples; oracle.WrongResultError for a
    wrong result.
    """
    work = Workload(batch, iters)
    if swept is None:
        swept = sweep(hr.kernels.busy_work, work.x, iters, threads=threads, samples=samples)
    if swept.elements != batch:
        raise ValueError(f"the sweep is of {swept.elements} elements, the batch has {batch}")
    # Two Runtimes, so that auto learns from its own batches alone.
    with hr.Runtime(threads=threads) as learning, hr.Runtime(threads=threads) as told:
        auto = work.checked(learning, AUTO)
        fixed = work.checked(told, FIXED, swept.best.size)
        for _ in range(SETTLE_BATCHES):
            auto()
        timed = interleave({AUTO: auto, FIXED: fixed}, samples, warmup=2)
        choice = last_choice(learning)
        dispatch, dispatch_interval = dispatch_cost(told, batch, samples)
        used = told.threads
    ratio, interval = stats.paired_ratio(timed[AUTO].seconds, timed[FIXED].seconds)
    return Gap(
        batch,
        used,
        swept.best.size,
        swept.plateau,
        choice,
        timed[AUTO],
        timed[FIXED],
        ratio,
        interval,
        dispatch,
        dispatch_interval,
    )


def dispatch_cost(rt: hr.Runtime, batch: int, samples: int) -> tuple[float, stats.Interval]:
    """Return what one more chunk adds to a batch's wall time, in ns, and its interval; from batches without iterations.

    It is the slope between many small and few large chunks; all threads share the chunks, so a thread pays more. Zero
    when the batch is too small for the two sizes to give different numbers of chunks.
    """
    few, many = -(-batch // FEW_SIZE), -(-batch // MANY_SIZE)
    # At chunk size = batch size the path is another one (the unchunked fallback).
    if few < 2 or few == many:
        return 0.0, stats.Interval(0.0, 0.0, 1.0)
    idle = Workload(batch, 0)
    calls = {str(size): idle.call(rt, FIXED, size) for size in (FEW_SIZE, MANY_SIZE)}
    timed = interleave(calls, samples, warmup=2)
    pairs = zip(timed[str(MANY_SIZE)].seconds, timed[str(FEW_SIZE)].seconds, strict=True)
    costs = [(slow - fast) * 1e9 / (many - few) for slow, fast in pairs]
    return stats.median(costs), stats.median_interval(costs)
