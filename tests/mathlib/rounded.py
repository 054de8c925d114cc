"""Minimax polynomials on a grid, with coefficients that are float64 numbers.

Remez's exchange goes over the places of a grid, so functions whose errors count for very little somewhere make no
trouble. There are two ways to round the coefficients: one after the other, from the lowest, each time fitting the rest
anew; or all at once, the lowest up or down as it is best, for which all choices are tried. The better one is taken.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import mpmath
import numpy as np
from mpmath import mpf

if TYPE_CHECKING:
    from numpy.typing import NDArray


__all__ = ["DIGITS", "Rounded", "Wanted"]

Real: TypeAlias = Any
"""An mpmath number, which has no types."""

DIGITS: Final = 50
_DENSITY: Final = 16
"""Places of the grid for each coefficient."""
_ROUNDS: Final = 40
_CHOICES: Final = 10
"""Coefficients whose rounding is chosen."""


@dataclass(frozen=True, slots=True)
class Rounded:
    """Coefficients, from that of ``x**0`` up, and their greatest weighted error, before and after rounding."""

    coefficients: tuple[float, ...]
    error: float
    rounded_error: float


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a polynomial approximates: with the weight w the greatest ``|w * (p - f)|`` is to be least."""

    function: Callable[[Real], Real]
    interval: Callable[[], tuple[Real, Real]]
    count: int
    """How many coefficients it has."""
    weight: Callable[[Real], Real]

    def rounded(self) -> Rounded:
        """Find the coefficients."""
        with mpmath.workdps(DIGITS):
            low, high = map(mpf, self.interval())
            last = _DENSITY * self.count
            # Closer towards the ends, as the extrema are.
            places = [(low + high - (high - low) * mpmath.cospi(mpf(i) / last)) / 2 for i in range(last + 1)]
            weights = [abs(mpf(self.weight(x))) for x in places]
            values = [mpf(self.function(x)) for x in places]
            exact = _exchange(places, values, weights, self.count)
            fitted = _one_by_one(exact, places, values, weights)
            chosen = _all_at_once(exact, places, values, weights)
            level, *levels = [float(np.abs(_errors(c, places, values, weights)).max()) for c in (exact, fitted, chosen)]
            return Rounded(tuple(fitted if levels[0] < levels[1] else chosen), level, min(levels))


def _exchange(places: Sequence[Real], values: Sequence[Real], weights: Sequence[Real], count: int) -> list[Real]:
    """Find the best coefficients for a grid."""
    basis = [[w * x**j for j in range(count)] for x, w in zip(places, weights, strict=True)]
    target = [w * v for v, w in zip(values, weights, strict=True)]
    usable = [i for i, w in enumerate(weights) if w]
    chosen = [usable[round(k * (len(usable) - 1) / count)] for k in range(count + 1)]
    found: list[Real] = []
    for _ in range(_ROUNDS):
        system = mpmath.matrix([[*basis[place], (-1) ** row] for row, place in enumerate(chosen)])
        solution = mpmath.lu_solve(system, mpmath.matrix([target[place] for place in chosen]))
        found = list(solution[:count])
        errors = {i: target[i] - mpmath.fdot(basis[i], found) for i in usable}
        following = _extremes(errors, count + 1)
        greatest = max(abs(error) for error in errors.values())
        if following == chosen or len(following) <= count or greatest <= abs(solution[count]) * mpf("1.001"):
            break
        chosen = following
    return found


def _extremes(errors: dict[int, Real], count: int) -> list[int]:
    """Choose places of the greatest errors whose signs alternate; too few if there aren't as many."""
    peaks: list[int] = []
    for place, error in errors.items():
        if peaks and (errors[peaks[-1]] > 0) == (error > 0):
            if abs(error) > abs(errors[peaks[-1]]):
                peaks[-1] = place
        else:
            peaks.append(place)
    while len(peaks) > count:
        if len(peaks) == count + 1:
            peaks.pop(0 if abs(errors[peaks[0]]) < abs(errors[peaks[-1]]) else -1)
            continue
        # Two neighbours go, so that the signs still alternate.
        least = min(range(len(peaks) - 1), key=lambda i: max(abs(errors[peaks[i]]), abs(errors[peaks[i + 1]])))
        del peaks[least : least + 2]
    return peaks


def _errors(
    coefficients: Sequence[Any], places: Sequence[Real], values: Sequence[Real], weights: Sequence[Real]
) -> NDArray[np.float64]:
    """Compute the weighted errors of a polynomial on the grid."""
    given = [mpf(c) for c in coefficients]
    each = [
        w * (mpmath.fdot(given, [x**j for j in range(len(given))]) - v)
        for x, v, w in zip(places, values, weights, strict=True)
    ]
    return np.array(each, dtype=np.float64)


def _one_by_one(
    exact: Sequence[Real], places: Sequence[Real], values: Sequence[Real], weights: Sequence[Real]
) -> list[float]:
    """Round the lowest coefficient, fit the others anew, and so on."""
    left, weighted, rest, found = list(values), list(weights), list(exact), [float(exact[0])]
    while len(rest) > 1:
        left = [(v - found[-1]) / x if x else mpf(0) for v, x in zip(left, places, strict=True)]
        weighted = [w * abs(x) for w, x in zip(weighted, places, strict=True)]
        rest = _exchange(places, left, weighted, len(rest) - 1)
        found.append(float(rest[0]))
    return found


def _all_at_once(
    exact: Sequence[Real], places: Sequence[Real], values: Sequence[Real], weights: Sequence[Real]
) -> list[float]:
    """Round coefficients to the nearest float64, the lowest to it or to the one on the other side."""
    near = [float(c) for c in exact]
    other = [float(np.nextafter(n, np.inf if c > n else -np.inf)) for n, c in zip(near, exact, strict=True)]
    free = range(min(_CHOICES, len(near)))
    base = _errors(near, places, values, weights)
    steps = np.array(
        [[float(w * (mpf(other[j]) - near[j]) * x**j) for x, w in zip(places, weights, strict=True)] for j in free]
    )
    picks = np.array(list(itertools.product((0.0, 1.0), repeat=len(free))))
    best = min(picks, key=lambda pick: float(np.abs(base + pick @ steps).max()))
    return [other[j] if j < len(best) and best[j] else near[j] for j in range(len(near))]
