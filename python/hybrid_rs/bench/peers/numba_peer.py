"""What one writes with Numba for the same work: scalar functions, and a parallel loop over each."""

# mypy: disable-error-code="untyped-decorator"

import math
from collections.abc import Callable
from typing import Any

import numba
import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from hybrid_rs.bench.peers.kernels import RATE, VOLATILITY
from hybrid_rs.bench.peers.work import Arguments
from hybrid_rs.bench.timing import Call

NAME = "Numba"
VERSION = numba.__version__


@njit(nogil=True)
def _busy(x: Any, iters: Any) -> Any:
    acc = np.int32(x)
    for _ in range(iters):
        acc = np.int32(np.fmod(np.int32(np.int32(acc * np.int32(7)) + np.int32(13)), np.int32(997)))
    return acc


@njit(nogil=True)
def _mandelbrot(cx: Any, cy: Any, limit: Any) -> Any:
    zx = 0.0
    zy = 0.0
    for i in range(limit):
        a = zx * zx
        b = zy * zy
        if a + b > 4.0:
            return np.int32(i)
        zy = 2 * zx * zy + cy
        zx = a - b + cx
    return np.int32(limit)


@njit(nogil=True)
def _normal(x: Any) -> Any:
    return 0.5 * math.erfc(-x * 0.7071067811865476)


@njit(nogil=True)
def _black_scholes(spot: Any, strike: Any, years: Any) -> Any:
    deviation = math.sqrt(years) * VOLATILITY
    d1 = (math.log(spot / strike) + (RATE + 0.5 * VOLATILITY * VOLATILITY) * years) / deviation
    return spot * _normal(d1) - strike * math.exp(-RATE * years) * _normal(d1 - deviation)


@njit(nogil=True)
def _axpy(x: Any, y: Any) -> Any:
    return 2.5 * x + y


@njit(nogil=True)
def _hashed(x: Any, rounds: Any) -> Any:
    h = np.uint64(x)
    for _ in range(rounds):
        h += np.uint64(0x9E3779B97F4A7C15)
        h = (h ^ (h >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        h = (h ^ (h >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        h ^= h >> np.uint64(31)
    return h


@njit(nogil=True)
def _kepler(mean: Any, eccentricity: Any) -> Any:
    angle = mean
    for _ in range(30):
        step = (angle - eccentricity * math.sin(angle) - mean) / (1.0 - eccentricity * math.cos(angle))
        angle -= step
        if abs(step) < 1e-12:
            break
    return angle


@njit(nogil=True)
def _interpolated(x: Any, table: Any) -> Any:
    place = x * float(len(table) - 1)
    i = min(int(place), len(table) - 2)
    return table[i] + (place - i) * (table[i + 1] - table[i])


@njit(nogil=True)
def _logistic(x: Any, r: Any, steps: Any) -> Any:
    for _ in range(steps):
        x = r * x * (1.0 - x)
    return x


@njit(nogil=True)
def _blended(over: Any, under: Any, alpha: Any) -> Any:
    product = np.uint16(over) * np.uint16(alpha) + np.uint16(under) * np.uint16(255 - alpha) + np.uint16(128)
    return np.uint8((product + (product >> 8)) >> 8)


@njit(nogil=True)
def _marched(x: Any, y: Any) -> Any:
    depth = np.float32(0.0)
    for _ in range(64):
        z = depth - np.float32(3.0)
        tube = np.sqrt(x * x + y * y) - np.float32(1.0)
        distance = np.sqrt(tube * tube + z * z) - np.float32(0.4)
        if distance < np.float32(0.001):
            return depth
        depth += distance
        if depth > np.float32(8.0):
            break
    return np.float32(-1.0)


@njit(nogil=True)
def _collatz(n: Any) -> Any:
    steps = np.int32(0)
    while n > 1:
        n = n // 2 if n % 2 == 0 else 3 * n + 1
        steps += np.int32(1)
    return steps


# One loop for each number and kind of arguments; Numba makes one of its own for every function given.


@njit(parallel=True)
def _each(function: Any, a: Any, out: Any) -> None:
    for i in prange(a.size):
        out[i] = function(a[i])


@njit(parallel=True)
def _each_and(function: Any, a: Any, whole: Any, out: Any) -> None:
    for i in prange(a.size):
        out[i] = function(a[i], whole)


@njit(parallel=True)
def _pairs(function: Any, a: Any, b: Any, out: Any) -> None:
    for i in prange(a.size):
        out[i] = function(a[i], b[i])


@njit(parallel=True)
def _pairs_and(function: Any, a: Any, b: Any, whole: Any, out: Any) -> None:
    for i in prange(a.size):
        out[i] = function(a[i], b[i], whole)


@njit(parallel=True)
def _triples(function: Any, a: Any, b: Any, c: Any, out: Any) -> None:
    for i in prange(a.size):
        out[i] = function(a[i], b[i], c[i])


_LOOPS: dict[str, tuple[Any, Any]] = {
    "busy": (_each_and, _busy),
    "hetero, sorted": (_pairs, _busy),
    "hetero, random": (_pairs, _busy),
    "Mandelbrot": (_pairs_and, _mandelbrot),
    "Mandelbrot, shuffled": (_pairs_and, _mandelbrot),
    "Black-Scholes": (_triples, _black_scholes),
    "axpy": (_pairs, _axpy),
    "hash": (_each_and, _hashed),
    "Kepler": (_pairs, _kepler),
    "table": (_each_and, _interpolated),
    "logistic map": (_pairs_and, _logistic),
    "pixels": (_triples, _blended),
    "ray march, float32": (_pairs, _marched),
    "Collatz": (_each, _collatz),
}


def prepare(threads: int) -> Callable[[str, Arguments, NDArray[Any]], Call | None]:
    """Set the number of threads; return what makes a call that fills `out` with a work's result, or gives None."""
    numba.set_num_threads(threads)

    def ready(work: str, arguments: Arguments, out: NDArray[Any]) -> Call | None:
        if work not in _LOOPS:
            return None
        loop, function = _LOOPS[work]
        return lambda: loop(function, *arguments, out)

    return ready
