"""Kernels of the kernel language that are measured, each with its inputs and a definition of its own in NumPy.

They differ in what is hard about them: integer arithmetic alone; floats with trip counts that differ between elements;
a division in a loop that ends by a tolerance; table lookups by bisection; branches that no two elements take alike.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

import hybrid_rs as hr

HASH_ROUNDS = 64
MANDELBROT_LIMIT = 200
# Knots of the interpolated curve, so ten steps of bisection or eleven.
KNOTS = 1500
MACHINE_STEPS = 64
_SEED = 7


@hr.kernel
def hash_rounds(x: Any, rounds: Any) -> Any:
    """Mix a 32-bit number by the last steps of MurmurHash3 (Austin Appleby), `rounds` times."""
    h = np.uint32(x)
    for _ in range(rounds):
        h ^= h >> 16
        h *= 0x85EBCA6B
        h ^= h >> 13
        h *= 0xC2B2AE35
        h ^= h >> 16
        h += 0x9E3779B9
    return h


@hr.kernel
def mandelbrot(cx: Any, cy: Any, limit: Any) -> Any:
    """Count the steps until z * z + c leaves the circle of radius 2, `limit` where it stays."""
    zx = 0.0
    zy = 0.0
    for i in range(limit):
        a = zx * zx
        b = zy * zy
        if a + b > 4.0:
            return i
        zy = 2 * zx * zy + cy
        zx = a - b + cx
    return limit


@hr.kernel
def newton_root(a: Any) -> Any:
    """Give the cube root of a positive number by Newton's method, as near as the steps bring it."""
    x = max(1.0, a)
    for _ in range(200):
        following = x - (x * x * x - a) / (3.0 * x * x)
        if abs(following - x) <= 1e-14 * following:
            return following
        x = following
    return x


@hr.kernel
def interpolate(x: Any, knots: Any, values: Any) -> Any:
    """Give the value at `x` of a curve through points; the knots ascend, and the place is found by bisection."""
    low = 0
    high = len(knots) - 1
    while high - low > 1:
        middle = (low + high) // 2
        if knots[middle] <= x:
            low = middle
        else:
            high = middle
    share = (x - knots[low]) / (knots[high] - knots[low])
    return values[low] + share * (values[high] - values[low])


@hr.kernel
def state_machine(seed: Any, steps: Any) -> Any:
    """Walk through four states by the digits of a linear congruential generator, and count what happens on the way."""
    bits = np.uint32(seed)
    state = 0
    count = 0
    for _ in range(steps):
        bits = bits * 1664525 + 1013904223
        digit = bits >> 28
        if state == 0:
            state = 1 if digit < 9 else 2
        elif state == 1:
            count += 1
            if digit % 3 == 0:
                state = 3
        elif state == 2:
            count += 2
            if digit & 1:
                state = 0
        else:
            if digit == 15:
                return -count
            state = 2
    return count


@dataclass(frozen=True, slots=True)
class Workload:
    """A kernel with inputs of `n` elements, and the result that they must have."""

    name: str
    kernel: hr.Kernel
    arguments: Callable[[int], tuple[Any, ...]]
    expected: Callable[[int], NDArray[Any]]


def _counted(n: int) -> tuple[Any, ...]:
    return np.arange(n, dtype=np.uint32), HASH_ROUNDS


def _hashed(n: int) -> NDArray[np.uint32]:
    h = np.arange(n, dtype=np.uint32)
    for _ in range(HASH_ROUNDS):
        h ^= h >> np.uint32(16)
        h *= np.uint32(0x85EBCA6B)
        h ^= h >> np.uint32(13)
        h *= np.uint32(0xC2B2AE35)
        h ^= h >> np.uint32(16)
        h += np.uint32(0x9E3779B9)
    return h


def _points(n: int) -> tuple[Any, ...]:
    """Give points row by row, of a picture twice as wide as high (the last row may be cut)."""
    width = max(1, round((2 * n) ** 0.5))
    index = np.arange(n)
    cx = -2.0 + 2.6 * (index % width) / width
    cy = -1.3 + 2.6 * (index // width) / max(1, n // width)
    return cx, cy, MANDELBROT_LIMIT


def _escapes(n: int) -> NDArray[np.int64]:
    cx, cy, limit = _points(n)
    zx, zy, count = np.zeros(n), np.zeros(n), np.full(n, limit, dtype=np.int64)
    inside = np.arange(n)
    for i in range(limit):
        a, b = zx[inside] ** 2, zy[inside] ** 2
        left = a + b > 4.0
        count[inside[left]] = i
        inside, a, b = inside[~left], a[~left], b[~left]
        zy[inside] = 2 * zx[inside] * zy[inside] + cy[inside]
        zx[inside] = a - b + cx[inside]
    return count


def _positives(n: int) -> tuple[Any, ...]:
    """Give numbers of all sizes: the larger, the more steps from them to their root."""
    return (10.0 ** np.random.default_rng(_SEED).uniform(-3.0, 12.0, n),)


def _roots(n: int) -> NDArray[np.float64]:
    (a,) = _positives(n)
    x, result = np.maximum(a, 1.0), np.zeros(n)
    going = np.arange(n)
    for _ in range(200):
        old = x[going]
        following = old - (old * old * old - a[going]) / (3.0 * old * old)
        ended = np.abs(following - old) <= 1e-14 * following
        result[going[ended]] = following[ended]
        x[going] = following
        going = going[~ended]
    result[going] = x[going]
    # Newton's steps were copied; that they lead to a root is another matter.
    if not np.allclose(result, np.cbrt(a), rtol=1e-13, atol=0.0):
        raise AssertionError("the definition of newton_root doesn't give cube roots")
    return result


def _curve(n: int) -> tuple[Any, ...]:
    rng = np.random.default_rng(_SEED)
    knots = np.sort(rng.uniform(0.0, 1.0, KNOTS))
    return rng.uniform(knots[0], knots[-1], n), knots, np.sin(20.0 * knots)


def _interpolated(n: int) -> NDArray[np.float64]:
    x, knots, values = _curve(n)
    high = np.clip(np.searchsorted(knots, x, side="right"), 1, KNOTS - 1)
    low = high - 1
    share = (x - knots[low]) / (knots[high] - knots[low])
    result: NDArray[np.float64] = values[low] + share * (values[high] - values[low])
    return result


def _seeds(n: int) -> tuple[Any, ...]:
    return np.random.default_rng(_SEED).integers(0, 2**32, n, dtype=np.uint32), MACHINE_STEPS


def _walked(n: int) -> NDArray[np.int64]:
    """Take each step for all elements at once, by a table of what each state does on each digit."""
    bits, steps = _seeds(n)
    digits = np.arange(16)
    following = np.array([
        np.where(digits < 9, 1, 2),
        np.where(digits % 3 == 0, 3, 1),
        np.where(digits & 1, 0, 2),
        np.full(16, 2),
    ])  # fmt: skip
    gain = np.array([0, 1, 2, 0])
    state, count = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64)
    ended = np.zeros(n, dtype=bool)
    for _ in range(steps):
        bits = bits * np.uint32(1664525) + np.uint32(1013904223)
        digit = (bits >> np.uint32(28)).astype(np.int64)
        count += np.where(ended, 0, gain[state])
        leaving = ~ended & (state == 3) & (digit == 15)
        count = np.where(leaving, -count, count)
        ended |= leaving
        state = following[state, digit]
    return count


WORKLOADS = (
    Workload("integer hash", hash_rounds, _counted, _hashed),
    Workload("Mandelbrot", mandelbrot, _points, _escapes),
    Workload("Newton root", newton_root, _positives, _roots),
    Workload("table interpolation", interpolate, _curve, _interpolated),
    Workload("state machine", state_machine, _seeds, _walked),
)
