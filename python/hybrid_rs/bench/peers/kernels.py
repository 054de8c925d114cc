"""The kernels of the comparison with peers, as a user of hybrid_rs writes them."""

import math
from typing import Any

import numpy as np

import hybrid_rs as hr

RATE, VOLATILITY = 0.02, 0.3
"""Black and Scholes' interest rate and volatility, a year."""


@hr.kernel
def busy(x: Any, iters: Any) -> Any:
    """Iterate acc = (acc * 7 + 13) rem 997 on 32-bit numbers, the remainder with the sign of the dividend."""
    acc = np.int32(x)
    for _ in range(iters):
        acc = hr.rem(acc * 7 + 13, 997)
    return acc


@hr.kernel
def mandelbrot(cx: Any, cy: Any, limit: Any) -> Any:
    """Count the steps until z * z + c leaves the circle of radius 2, `limit` where it stays."""
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


@hr.kernel
def normal(x: Any) -> Any:
    """Give the standard normal distribution's probability of less than x."""
    return 0.5 * math.erfc(-x * 0.7071067811865476)


@hr.kernel
def black_scholes(spot: Any, strike: Any, years: Any) -> Any:
    """Price a European call (Black and Scholes, 1973)."""
    deviation = math.sqrt(years) * VOLATILITY
    d1 = (math.log(spot / strike) + (RATE + 0.5 * VOLATILITY * VOLATILITY) * years) / deviation
    return spot * normal(d1) - strike * math.exp(-RATE * years) * normal(d1 - deviation)


@hr.kernel
def axpy(x: Any, y: Any) -> Any:
    """Multiply and add: as many bytes as a copy of two arrays, next to no arithmetic."""
    return 2.5 * x + y


@hr.kernel
def hashed(x: Any, rounds: Any) -> Any:
    """Mix a 64-bit number as the generator SplitMix64 does (Steele, Lea and Flood, 2014), `rounds` times."""
    h = np.uint64(x)
    for _ in range(rounds):
        h += 0x9E3779B97F4A7C15
        h = (h ^ (h >> 30)) * 0xBF58476D1CE4E5B9
        h = (h ^ (h >> 27)) * 0x94D049BB133111EB
        h ^= h >> 31
    return h


@hr.kernel
def kepler(mean: Any, eccentricity: Any) -> Any:
    """Solve Kepler's equation by Newton's method, each element for as long as it takes."""
    angle = mean
    for _ in range(30):
        step = (angle - eccentricity * math.sin(angle) - mean) / (1.0 - eccentricity * math.cos(angle))
        angle -= step
        if abs(step) < 1e-12:
            break
    return angle


@hr.kernel
def interpolated(x: Any, table: Any) -> Any:
    """Interpolate a table of equally spaced values between 0 and 1."""
    place = x * float(len(table) - 1)
    i = min(int(place), len(table) - 2)
    return table[i] + (place - i) * (table[i + 1] - table[i])


@hr.kernel
def logistic(x: Any, r: Any, steps: Any) -> Any:
    """Iterate the logistic map, a recurrence that nothing can shorten."""
    for _ in range(steps):
        x = r * x * (1.0 - x)
    return x


@hr.kernel
def blended(over: Any, under: Any, alpha: Any) -> Any:
    """Blend two 8-bit pixels by an 8-bit opacity, in integers of 16 bits, rounded to nearest."""
    product = np.uint16(over) * alpha + np.uint16(under) * (255 - alpha) + 128
    return np.uint8((product + (product >> 8)) >> 8)


@hr.kernel
def marched(x: Any, y: Any) -> Any:
    """March a ray towards a ring by its distance, in float32: the depth at which it is met, or -1."""
    depth = np.float32(0.0)
    for _ in range(64):
        z = depth - 3.0
        tube = math.sqrt(x * x + y * y) - 1.0
        distance = math.sqrt(tube * tube + z * z) - 0.4
        if distance < 0.001:
            return depth
        depth += distance
        if depth > 8.0:
            break
    return np.float32(-1.0)


@hr.kernel
def collatz(n: Any) -> Any:
    """Count the steps of Collatz's rule until 1."""
    steps = np.int32(0)
    while n > 1:
        n = n // 2 if n % 2 == 0 else 3 * n + 1
        steps += 1
    return steps
