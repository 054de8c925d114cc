"""Minimax polynomials with float32 coefficients: Remez's exchange, then one coefficient after the other.

A `Fit` says what is approximated; `solve` gives the coefficients. Rounding one to float32 moves the others: so
the lowest one is rounded first, and the rest are fitted anew with it held.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import mpmath
import numpy as np
from mpmath import mpf

__all__ = ["Fit", "Solved", "solve"]

Real: TypeAlias = Any
"""An mpmath number, which has no types."""

DIGITS: Final = 40
_ROUNDS: Final = 30


@dataclass(frozen=True, slots=True)
class Fit:
    """What a polynomial approximates: sum of c[i] * x**i over `low` <= x <= `high`."""

    function: Callable[[Real], Real]
    low: Real
    high: Real
    count: int
    """How many coefficients it has."""
    weight: Callable[[Real], Real] = lambda _x: mpf(1)
    """What a difference is multiplied with, to be the error that counts: relative to a result, in most cases."""
    held: tuple[float, ...] = ()
    """The lowest coefficients, where they are given."""
    tried: int = 3
    """For how many coefficients both of the nearest float32 numbers are tried."""
    doubled: bool = False
    """Whether the lowest coefficient is the sum of two float32 numbers; it is given as one number."""


@dataclass(frozen=True, slots=True)
class Solved:
    """A polynomial's coefficients, from the lowest, and the greatest weighted error that they leave."""

    coefficients: tuple[float, ...]
    error: float


def solve(fit: Fit) -> Solved:
    """Fit a polynomial, its coefficients being float32 numbers."""
    with mpmath.workdps(DIGITS):
        low, high = mpf(fit.low), mpf(fit.high)
        # Chebyshev's places lie close at the ends, where the error's extremes are.
        many = 40 * fit.count + 1
        places = [(low + high - (high - low) * mpmath.cospi(mpf(i) / (many - 1))) / 2 for i in range(many)]
        values = [mpf(fit.function(x)) for x in places]
        weights = [abs(mpf(fit.weight(x))) for x in places]
        held = [mpf(c) for c in fit.held]
        if fit.doubled:
            first = _remez(places, values, weights, held, fit.count)[0]
            most = mpf(float(np.float32(float(first))))
            held.append(most + mpf(float(np.float32(float(first - most)))))
        chosen = _rounded(places, values, weights, held, fit.count, fit.tried)
        return Solved(tuple(float(c) for c in chosen), float(_greatest(places, values, weights, chosen)))


def _rounded(
    places: Sequence[Real], values: Sequence[Real], weights: Sequence[Real], held: list[Real], count: int, tries: int
) -> list[Real]:
    """Round the coefficients above the held ones; for the first few of them both neighbours are tried."""
    if len(held) == count:
        return held
    best = _remez(places, values, weights, held, count)[0]
    nearest = np.float32(float(best))
    tried = [nearest]
    if len(held) < tries:
        tried.append(np.nextafter(nearest, np.float32(np.inf if best > float(nearest) else -np.inf)))
    found = [_rounded(places, values, weights, [*held, mpf(float(c))], count, tries) for c in tried]
    return min(found, key=lambda made: _greatest(places, values, weights, made))


def _value(coefficients: Sequence[Real], x: Real) -> Real:
    """Compute a polynomial, given from the lowest coefficient."""
    total = mpf(0)
    for c in reversed(coefficients):
        total = total * x + c
    return total


def _greatest(places: Sequence[Real], values: Sequence[Real], weights: Sequence[Real], made: Sequence[Real]) -> Real:
    """Return the greatest weighted error of a polynomial."""
    left = (w * (v - _value(made, x)) for x, v, w in zip(places, values, weights, strict=True))
    return max(abs(e) for e in left)


def _remez(
    places: Sequence[Real], values: Sequence[Real], weights: Sequence[Real], held: Sequence[Real], count: int
) -> list[Real]:
    """Find the coefficients above the held ones that make the greatest weighted error least, on the places."""
    free = count - len(held)
    left = [v - _value(held, x) for x, v in zip(places, values, strict=True)]
    # Errors alternate where the lowest basis function is positive everywhere, which x itself isn't.
    weights = [abs(w) * (-1 if x < 0 and len(held) % 2 else 1) for x, w in zip(places, weights, strict=True)]
    basis = [[w * x ** (len(held) + i) for i in range(free)] for x, w in zip(places, weights, strict=True)]
    target = [w * v for w, v in zip(weights, left, strict=True)]
    # Places where the weight or the power is 0 say nothing.
    usable = [i for i in range(len(places)) if basis[i][0] != 0]
    chosen = [usable[round(k * (len(usable) - 1) / free)] for k in range(free + 1)]
    found: list[Real] = []
    for _ in range(_ROUNDS):
        system = mpmath.matrix(free + 1, free + 1)
        right = mpmath.matrix(free + 1, 1)
        for row, place in enumerate(chosen):
            for column in range(free):
                system[row, column] = basis[place][column]
            system[row, free] = (-1) ** row
            right[row] = target[place]
        solution = mpmath.lu_solve(system, right)
        found = [solution[i] for i in range(free)]
        errors = {i: target[i] - sum(b * c for b, c in zip(basis[i], found, strict=True)) for i in usable}
        level = abs(solution[free])
        following = _extremes(usable, errors, free + 1)
        if (
            len(following) < len(chosen)
            or following == chosen
            or max(abs(e) for e in errors.values()) <= level * mpf("1.0001")
        ):
            break
        chosen = following
    return found


def _extremes(usable: Sequence[int], errors: dict[int, Real], count: int) -> list[int]:
    """Choose `count` places where the error is greatest and changes its sign from one to the next."""
    peaks: list[int] = []
    for place in usable:
        if peaks and (errors[peaks[-1]] > 0) == (errors[place] > 0):
            if abs(errors[place]) > abs(errors[peaks[-1]]):
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
