"""The scaling law (report row S13): the best chunk size as a line over the batch size, beside the report's formulas."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

import hybrid_rs as hr
from hybrid_rs.bench.sweep import DEFAULT_SIZES, Sweep, sweep
from hybrid_rs.bench.table import render, significant
from hybrid_rs.bench.workload import DEFAULT_ITERS

DEFAULT_BATCHES = (10_000, 50_000, 100_000, 200_000, 400_000)
# The sweep's sizes and some beyond, for the optimum need not lie where the original report looked.
WIDE_SIZES = (250, *DEFAULT_SIZES, 3000, 4000, 8000)
# The original's line is anchored at this batch size; ours is written the same way, so that both can be compared.
ANCHOR_BATCH = 10_000


@dataclass(frozen=True, slots=True)
class Point:
    """The best chunk size of one batch, the sizes that can't be told from it, and what the formulas pick (elements)."""

    batch: int
    best: int
    plateau: tuple[int, ...]
    picks: Mapping[str, int]

    def to_dict(self) -> dict[str, object]:
        """Return the point, ready for JSON."""
        return {"batch": self.batch, "best": self.best, "plateau": list(self.plateau), "picks": dict(self.picks)}


@dataclass(frozen=True, slots=True)
class Fit:
    """``chunk = intercept + (batch - 10_000) * slope``, by least squares, with the root mean square of what is left."""

    points: tuple[Point, ...]
    intercept: float
    slope: float
    residual: float

    @property
    def plateaus(self) -> int:
        """How many batches have no single best size."""
        return sum(len(point.plateau) > 1 for point in self.points)

    @property
    def meaningful(self) -> bool:
        """Whether at least half of the batches have a single best size; a line through plateaus follows noise."""
        return 2 * self.plateaus <= len(self.points)

    def predict(self, batch: int) -> int:
        """Return the line's chunk size for a batch, truncated, at least 1."""
        return max(1, int(self.intercept + (batch - ANCHOR_BATCH) * self.slope))

    def to_dict(self) -> dict[str, object]:
        """Return everything, ready for JSON."""
        return {
            "intercept": self.intercept,
            "slope": self.slope,
            "residual": self.residual,
            "plateaus": self.plateaus,
            "meaningful": self.meaningful,
            "points": [{**point.to_dict(), "fitted": self.predict(point.batch)} for point in self.points],
        }

    def __str__(self) -> str:
        """Return a table for people."""
        return f"{render(self.header(), self.table())}\n{self.formula()}, {self.residual_text()}\n{self.verdict()}"

    def header(self) -> tuple[str, ...]:
        """Return the column names of ``table``."""
        return ("batch", "best", "plateau", "fitted", *self.points[0].picks)

    def table(self) -> list[tuple[str, ...]]:
        """Return a row of cells for each batch."""
        return [
            (
                f"{point.batch:,}",
                str(point.best),
                f"{point.plateau[0]} to {point.plateau[-1]}" if len(point.plateau) > 1 else "-",
                str(self.predict(point.batch)),
                *(str(pick) for pick in point.picks.values()),
            )
            for point in self.points
        ]

    def formula(self) -> str:
        """Return the fitted line as text, with enough digits to give the table's sizes."""
        sign = "-" if self.slope < 0 else "+"
        return f"chunk = {self.intercept:.2f} {sign} (batch - {ANCHOR_BATCH:,}) * {abs(self.slope):.7f}"

    def residual_text(self) -> str:
        """Return how far the best sizes lie from the line, as text."""
        return f"residual {significant(self.residual)} elements (root mean square)"

    def verdict(self) -> str:
        """Say what the line is worth."""
        share = f"{self.plateaus} of {len(self.points)} batches have a plateau instead of a single best size"
        if self.meaningful:
            return f"{share}: the line follows the others."
        return f"{share}: the line follows noise, and any size of the plateau is as good."


def line(batches: Sequence[int], chunks: Sequence[float]) -> tuple[float, float, float]:
    """Return intercept at ``ANCHOR_BATCH``, slope and root mean square residual of the least-squares line.

    Raises ValueError for fewer than two different batches.
    """
    if len(set(batches)) < 2:
        raise ValueError("a line needs at least two batch sizes")
    design = np.column_stack([np.ones(len(batches)), np.asarray(batches, dtype=np.float64) - ANCHOR_BATCH])
    target = np.asarray(chunks, dtype=np.float64)
    (intercept, slope), *_ = np.linalg.lstsq(design, target, rcond=None)
    left = target - design @ np.array([intercept, slope])
    return float(intercept), float(slope), float(np.sqrt(np.mean(left**2)))


def fit(sweeps: Sequence[Sweep]) -> Fit:
    """Fit the line to the best sizes of sweeps over different batches. Raises ValueError for fewer than two batches."""
    points = tuple(
        Point(one.elements, one.best.size, one.plateau, formula_picks(one.elements))
        for one in sorted(sweeps, key=lambda one: one.elements)
    )
    return Fit(points, *line([point.batch for point in points], [point.best for point in points]))


def formula_picks(batch: int) -> dict[str, int]:
    """Return what the original's line and policies pick for a batch, in elements."""
    return {
        "original's line": hr.policy.linear(batch),
        "v1": hr.policy.v1(batch),
        "v2": hr.policy.v2(batch),
        "ratio": hr.policy.ratio(batch),
    }


def sweep_batches(
    batches: Sequence[int] = DEFAULT_BATCHES,
    iters: int = DEFAULT_ITERS,
    sizes: Sequence[int] = WIDE_SIZES,
    threads: int | None = None,
    samples: int = 20,
) -> tuple[Sweep, ...]:
    """Sweep ``busy_work`` over ``arange(batch)`` for each batch size.

    Sizes that leave fewer chunks than threads are skipped: they measure idle threads, not chunking. Raises ValueError
    where no size is left, and what ``sweep`` raises.
    """
    swept = []
    for batch in batches:
        with hr.Runtime(threads=threads) as rt:
            usable = [size for size in sizes if size * max(2, rt.threads) <= batch]
        if not usable:
            raise ValueError(f"every chunk size is too large for a batch of {batch}")
        x = np.arange(batch, dtype=np.uint64)
        swept.append(sweep(hr.kernels.busy_work, x, iters, sizes=usable, threads=threads, samples=samples))
    return tuple(swept)
