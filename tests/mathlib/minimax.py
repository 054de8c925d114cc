"""Minimax polynomials, by Remez's algorithm on mpmath numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias

import mpmath

__all__ = ["DIGITS", "minimax"]

Function: TypeAlias = Callable[[Any], Any]

DIGITS: Final = 80
"""Decimal digits that are computed with: functions like (exp(x) - 1 - x) / x**2 lose half of them near 0."""
_GRID: Final = 40
_ROUNDS: Final = 30


def minimax(function: Function, low: Any, high: Any, degree: int, weight: Function) -> tuple[list[Any], Any]:
    """Find the polynomial p of a degree for which the greatest ``|weight(x) * (p(x) - function(x))|`` is least.

    Returns:
        Its coefficients from that of ``x**0`` up, as mpmath numbers, and that greatest error.
    """
    with mpmath.workdps(DIGITS):
        low, high = mpmath.mpf(low), mpmath.mpf(high)
        count = degree + 2
        # The extrema of Chebyshev's polynomial, a place to start from; not the one at the weight's zero.
        nodes = [low + (high - low) * (1 - mpmath.cos(mpmath.pi * i / count)) / 2 for i in range(count + 1)]
        nodes.remove(min(nodes, key=lambda x: abs(weight(x))))
        for _ in range(_ROUNDS):
            rows = [[x**j for j in range(degree + 1)] + [(-1) ** i / weight(x)] for i, x in enumerate(nodes)]
            solved = mpmath.lu_solve(mpmath.matrix(rows), mpmath.matrix([function(x) for x in nodes]))
            coefficients, level = list(solved[: degree + 1]), abs(solved[degree + 1])

            def error(x: Any, coefficients: Sequence[Any] = coefficients) -> Any:
                return (
                    weight(x) * (mpmath.polyval(coefficients, x, asc=True) - function(x))
                    if weight(x)
                    else mpmath.mpf(0)
                )

            nodes, greatest = _extrema(error, low, high, count)
            if greatest < level * mpmath.mpf("1.0001"):
                break
        return coefficients, greatest


def _extrema(error: Function, low: Any, high: Any, count: int) -> tuple[list[Any], Any]:
    """Find the places of the greatest errors whose signs alternate."""
    steps = _GRID * count
    # Closer towards the ends, as the extrema are.
    places = [low + (high - low) * (1 - mpmath.cos(mpmath.pi * i / steps)) / 2 for i in range(steps + 1)]
    values = [error(x) for x in places]
    found: list[tuple[Any, Any]] = []
    for i, value in enumerate(values):
        before, after = values[max(i - 1, 0)], values[min(i + 1, steps)]
        if value == 0 or abs(value) < abs(before) or abs(value) < abs(after):
            continue
        x, y = places[i], value
        if 0 < i < steps:
            # The vertex of the parabola through the three places.
            left, right = places[i - 1], places[i + 1]
            top = (before - value) * (x - right) ** 2 - (after - value) * (x - left) ** 2
            bottom = (before - value) * (x - right) - (after - value) * (x - left)
            if bottom != 0 and left < (vertex := x - top / bottom / 2) < right:
                x, y = vertex, error(vertex)
        if found and (found[-1][1] > 0) == (y > 0):
            if abs(y) > abs(found[-1][1]):
                found[-1] = (x, y)
        else:
            found.append((x, y))
    while len(found) > count:
        # Of too many the least goes, from an end if that keeps the signs alternating.
        drop = 0 if abs(found[0][1]) < abs(found[-1][1]) else len(found) - 1
        del found[drop]
    assert len(found) == count, f"{len(found)} extrema of {count}: lower the degree"
    return [x for x, _ in found], max(abs(y) for _, y in found)
