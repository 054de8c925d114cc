"""All measurements of a report in one sitting, and how much of each a quick or a full report takes."""

from collections.abc import Callable
from dataclasses import dataclass

from hybrid_rs.bench import accept, fit, gap, lite, paths, scaling, sweep, tiny
from hybrid_rs.bench.workload import DEFAULT_BATCH, DEFAULT_ITERS
from hybrid_rs.report import machine

# The batches whose sweep curves the original report shows.
CURVE_BATCHES = (50_000, 100_000)


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


# Quick stays under a minute and full under five on two cores; most of both goes into the paths that run scalar code.
QUICK = Effort(5, 12, (DEFAULT_BATCH,), (10_000, *CURVE_BATCHES), sweep.DEFAULT_SIZES, 10_000)
FULL = Effort(15, 40, (10_000, 50_000, DEFAULT_BATCH), fit.DEFAULT_BATCHES, fit.WIDE_SIZES, 50_000)


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
        }


def measure(effort: Effort, threads: int | None = None, note: Callable[[str], None] = lambda _: None) -> Study:
    """Measure everything, one thing after the other; ``note`` is told what comes next.

    Raises ValueError or TypeError for ``threads`` as ``hr.Runtime`` does, and oracle.WrongResultError when a path gives
    a wrong result.
    """
    facts = machine.facts()
    note("comparing the paths")
    compared = tuple(paths.compare_paths(batch, effort.iters, threads, effort.samples) for batch in effort.path_batches)
    note("sweeping chunk sizes")
    sweeps = fit.sweep_batches(effort.sweep_batches, effort.iters, effort.sizes, threads, effort.fast_samples)
    note("re-timing the best sizes beside the automatic path")
    gaps = tuple(gap.measure_gap(one.elements, effort.iters, threads, 2 * effort.fast_samples, one) for one in sweeps)
    note("measuring what metrics cost")
    metrics = lite.measure_metrics(effort.metrics_batch, effort.iters, threads, 2 * effort.samples)
    note("counting threads")
    scaled = scaling.measure_scaling(effort.batch, effort.iters, threads, effort.samples)
    note("calling on tiny batches")
    small = tiny.measure_tiny(iters=effort.iters, threads=threads, samples=effort.fast_samples)
    accepted = accept.Acceptance(compared[-1], accept.DEFAULT_TARGET)
    return Study(facts, effort, compared, accepted, sweeps, fit.fit(sweeps), gaps, metrics, scaled, small)
