"""All measurements of a report in one sitting, and how much of each a quick or a full report takes."""

from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter

import hybrid_rs as hr
from hybrid_rs.bench import accept, fit, gap, lite, paths, scaling, sweep, tiny, vm
from hybrid_rs.bench.paths import DIRECT
from hybrid_rs.bench.timing import LEAST_SAMPLES, clock
from hybrid_rs.bench.workload import DEFAULT_BATCH, DEFAULT_ITERS, Workload
from hybrid_rs.report import machine

# The batches whose sweep curves the original report shows.
CURVE_BATCHES = (50_000, 100_000)
# What is measured, in this order, and the share of the whole time that it takes on two cores.
PHASES = (
    ("comparing the paths", 0.45),
    ("sweeping chunk sizes", 0.06),
    ("re-timing the best sizes beside the automatic path", 0.04),
    ("measuring what metrics cost", 0.11),
    ("counting threads", 0.14),
    ("calling on tiny batches", 0.02),
    ("sweeping chunk sizes of kernels written in Python", 0.18),
)
# Elements that are timed to guess how long it all takes.
PROBE = 2000


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is measured: samples for slow and for fast runs, batches, iterations an element, chunk sizes."""

    samples: int
    fast_samples: int
    path_batches: tuple[int, ...]
    sweep_batches: tuple[int, ...]
    sizes: tuple[int, ...]
    metrics_batch: int
    batch: int = DEFAULT_BATCH
    iters: int = DEFAULT_ITERS
    curve_batches: tuple[int, ...] = CURVE_BATCHES
    workload_batches: tuple[int, ...] = vm.DEFAULT_BATCHES
    workload_sizes: tuple[int, ...] = (500, 1000, 2000, 4000)


# Quick stays under a minute and full under five on two cores; most of both goes into the paths that run scalar code.
QUICK = Effort(5, 12, (DEFAULT_BATCH,), (10_000, *CURVE_BATCHES), sweep.DEFAULT_SIZES, 10_000)
FULL = Effort(
    15,
    40,
    (10_000, 50_000, DEFAULT_BATCH),
    fit.DEFAULT_BATCHES,
    fit.WIDE_SIZES,
    50_000,
    workload_sizes=(250, 500, 1000, 1500, 2000, 3000, 4000, 8000),
)


@dataclass(frozen=True, slots=True)
class Study:
    """Everything that a report tells of, measured by ``measure``."""

    facts: dict[str, object]
    effort: Effort
    comparisons: tuple[paths.PathComparison, ...]
    acceptance: accept.Acceptance
    sweeps: tuple[sweep.Sweep, ...]
    fitted: fit.Fit
    gaps: tuple[gap.Gap, ...]
    metrics: lite.MetricsCost
    scaling: scaling.Scaling
    tiny: tiny.Tiny
    workloads: tuple[vm.WorkloadSweep, ...]

    @property
    def curves(self) -> tuple[sweep.Sweep, ...]:
        """The sweeps that are shown as curves."""
        return tuple(one for one in self.sweeps if one.elements in self.effort.curve_batches)

    def to_dict(self) -> dict[str, object]:
        """Return everything with all raw timings, ready for JSON."""
        return {
            "machine": self.facts,
            "acceptance": self.acceptance.to_dict(),
            "paths": [one.to_dict() for one in self.comparisons],
            "sweeps": [one.to_dict() for one in self.sweeps],
            "fit": self.fitted.to_dict(),
            "gaps": [one.to_dict() for one in self.gaps],
            "metrics": self.metrics.to_dict(),
            "scaling": self.scaling.to_dict(),
            "tiny": self.tiny.to_dict(),
            "workloads": [one.to_dict() for one in self.workloads],
        }


class Progress:
    """Tells ``note`` which phase of how many begins, and about how long the rest takes."""

    def __init__(self, effort: Effort, threads: int | None, note: Callable[[str], None]) -> None:
        """Time a few elements, from which the first phase's length is guessed. Raises what ``hr.Runtime`` raises."""
        with hr.Runtime(threads=threads) as rt:
            count = rt.threads
            probe = Workload(PROBE, effort.iters).call(rt, DIRECT)
            element_s = min(clock(probe) for _ in range(2)) / PROBE
        # Two paths run scalar code on one thread, three on all; each is checked, clocked and timed.
        rounds = max(LEAST_SAMPLES, effort.samples // 2) + 4
        first = element_s * sum(effort.path_batches) * rounds * (2 + 3 / count)
        self.total_s = first / PHASES[0][1]
        self.note = note
        self.done = 0
        self.begun = perf_counter()

    def next(self) -> None:
        """Announce the next phase; the estimate follows the time that the earlier ones took."""
        share = sum(part for _, part in PHASES[: self.done])
        elapsed = perf_counter() - self.begun
        left = elapsed * (1.0 - share) / share if self.done else self.total_s
        what = PHASES[self.done][0]
        self.done += 1
        self.note(f"{self.done} of {len(PHASES)}: {what} (about {max(left, 1.0):.0f} s left)")


def measure(effort: Effort, threads: int | None = None, note: Callable[[str], None] = lambda _: None) -> Study:
    """Measure everything, one thing after the other; ``note`` is told what comes next, and how long it may all take.

    Raises ValueError or TypeError for ``threads`` as ``hr.Runtime`` does, and oracle.WrongResultError when a path gives
    a wrong result.
    """
    facts = machine.facts()
    step = Progress(effort, threads, note)
    step.next()
    compared = tuple(paths.compare_paths(batch, effort.iters, threads, effort.samples) for batch in effort.path_batches)
    step.next()
    sweeps = fit.sweep_batches(effort.sweep_batches, effort.iters, effort.sizes, threads, effort.fast_samples)
    step.next()
    gaps = tuple(gap.measure_gap(one.elements, effort.iters, threads, 2 * effort.fast_samples, one) for one in sweeps)
    step.next()
    metrics = lite.measure_metrics(effort.metrics_batch, effort.iters, threads, 2 * effort.samples)
    step.next()
    scaled = scaling.measure_scaling(effort.batch, effort.iters, threads, effort.samples)
    step.next()
    small = tiny.measure_tiny(iters=effort.iters, threads=threads, samples=effort.fast_samples)
    step.next()
    swept = vm.sweep_workloads(effort.workload_batches, effort.workload_sizes, threads, effort.fast_samples)
    accepted = accept.Acceptance(compared[-1], accept.DEFAULT_TARGET)
    return Study(facts, effort, compared, accepted, sweeps, fit.fit(sweeps), gaps, metrics, scaled, small, swept)
