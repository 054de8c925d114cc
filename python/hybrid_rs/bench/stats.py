"""Statistics for a handful of timings: quartiles, Tukey's fences, and a distribution-free interval of the median.

Timings are skewed and have outliers, so nothing here assumes a normal distribution and nothing is dropped.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb

import numpy as np

# Tukey's rule (Exploratory Data Analysis, 1977): an outlier lies over 1.5 interquartile ranges beyond its quartile.
TUKEY_FENCE_IQRS = 1.5


def quartiles(values: Sequence[float]) -> tuple[float, float, float]:
    """Return the lower quartile, the median and the upper quartile, interpolated linearly.

    Raises ValueError for no values.
    """
    if len(values) == 0:
        raise ValueError("quartiles of no values")
    low, middle, high = np.percentile(np.asarray(values, dtype=np.float64), (25.0, 50.0, 75.0))
    return float(low), float(middle), float(high)


def median(values: Sequence[float]) -> float:
    """Return the median. Raises ValueError for no values."""
    return quartiles(values)[1]


def outliers(values: Sequence[float]) -> tuple[int, ...]:
    """Return the indices of the values outside Tukey's fences, ascending. Raises ValueError for no values."""
    low, _, high = quartiles(values)
    reach = TUKEY_FENCE_IQRS * (high - low)
    return tuple(i for i, value in enumerate(values) if value < low - reach or value > high + reach)


@dataclass(frozen=True, slots=True)
class Interval:
    """A confidence interval ``[low, high]`` that holds the true median with probability ``coverage`` (0 to 1)."""

    low: float
    high: float
    coverage: float

    def contains(self, value: float) -> bool:
        """Say whether ``value`` lies in the interval, its ends included."""
        return self.low <= value <= self.high

    def scaled(self, factor: float, offset: float = 0.0) -> "Interval":
        """Return the interval of ``value * factor + offset``; ``factor`` has to be positive."""
        return Interval(self.low * factor + offset, self.high * factor + offset, self.coverage)

    def to_dict(self) -> dict[str, float]:
        """Return the fields, ready for JSON."""
        return {"low": self.low, "high": self.high, "coverage": self.coverage}


def median_interval(values: Sequence[float], level: float = 0.95) -> Interval:
    """Return the sign-test interval of the median: the narrowest pair of order statistics that covers ``level``.

    It is exact for independent values of any distribution: each lies below the true median with probability 1/2, so
    ``[x(k), x(n+1-k)]`` misses it with probability ``2 * P(Binomial(n, 1/2) < k)``. Too few values for ``level`` give
    the whole range, and ``coverage`` says how little that is (5 values: 0.9375).

    Raises ValueError for no values or a level outside (0, 1).
    """
    if len(values) == 0:
        raise ValueError("an interval of no values")
    if not 0.0 < level < 1.0:
        raise ValueError(f"level has to lie between 0 and 1, got {level}")
    ordered = sorted(values)
    n = len(ordered)
    rank, coverage, below = 1, 1.0 - 2.0 * 0.5**n, 1
    while rank < (n + 1) // 2:
        below += comb(n, rank)
        narrower = 1.0 - 2.0 * below / 2**n
        if narrower < level:
            break
        rank, coverage = rank + 1, narrower
    return Interval(ordered[rank - 1], ordered[n - rank], max(coverage, 0.0))


def paired_ratio(ours: Sequence[float], theirs: Sequence[float], level: float = 0.95) -> tuple[float, Interval]:
    """Return the median of ``ours[i] / theirs[i]`` and its interval; pairs come from the same round, so drift cancels.

    Raises ValueError for different lengths, no pairs, or a time that is not positive.
    """
    if len(ours) != len(theirs):
        raise ValueError(f"pairs are needed, got {len(ours)} and {len(theirs)} values")
    if any(value <= 0.0 for value in theirs):
        raise ValueError("a time that is not positive has no ratio")
    ratios = [a / b for a, b in zip(ours, theirs, strict=True)]
    return median(ratios), median_interval(ratios, level)
