"""Loops that lanes leave without a branch: each element's result and count, whoever else is in its vector."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hybrid_rs as hr
from hybrid_rs.targets import native


def two_ways(x: float, limit: int) -> tuple[int, float]:
    depth = 0.0
    for i in range(limit):
        depth = depth + x
        if depth > 5.0:
            return i, depth
        x = x * 1.01
        if x > 0.9:
            break
    return -1, x


def counted_down(x: int, k: int) -> tuple[int, int]:
    while x > 1:
        x = (x >> 1) if x % 2 == 0 else 3 * x + 1
        k -= 3
    return x, k


def shrinking(x: float, k: int) -> tuple[int, float]:
    # What a lane that is left would come to are subnormal numbers.
    n = k & 1
    while x > 1e-3:
        x *= 0.25
        n += 1
    return n, x


def doubly(x: float, k: int) -> tuple[int, float]:
    total = 0.0
    for i in range(k % 5 + 1):
        y = x + i
        while y < 20.0:
            y = y * 1.5 + 0.25
            if y > 11.0 + k:
                break
        total += y
        if total > 60.0:
            return i, total
    return -k, total


def narrow_counts(x: int, k: int) -> tuple[int, int]:
    for i in range(60000):
        x = (x * 5 + 3) & 0x3FFF
        if x < k:
            return x, i
    return -1, k


CASES = [two_ways, counted_down, shrinking, doubly, narrow_counts]


def arguments(function: Any, count: int) -> tuple[Any, Any]:
    rng = np.random.default_rng(count)
    if function in (counted_down, narrow_counts):
        return rng.integers(-3, 5000, count), rng.integers(0, 900, count)
    return rng.uniform(1e-3, 3.0, count), rng.integers(0, 60, count)


def check(kernel: Any, function: Any, count: int) -> None:
    x, k = arguments(function, count)
    expected = [function(*row) for row in zip(x.tolist(), k.tolist(), strict=True)]
    for found, column in zip(kernel(x, k, engine="native"), zip(*expected, strict=True), strict=True):
        np.testing.assert_array_equal(found, column)
    for one in (0, 7, 41):
        expected = [function(row, one) for row in x.tolist()]
        for found, column in zip(kernel(x, one, engine="native"), zip(*expected, strict=True), strict=True):
            np.testing.assert_array_equal(found, column)


@pytest.mark.parametrize("function", CASES)
@pytest.mark.parametrize("shape", [(1, 1), (4, 1), (8, 2), (4, 3)])
@pytest.mark.parametrize("refill", [True, False])
def test_every_shape(function: Any, shape: tuple[int, int], refill: bool) -> None:
    with native.forced(shape=shape, refill=refill):
        kernel = hr.kernel(function)
        for count in (1, 13, 700):
            check(kernel, function, count)


@pytest.mark.parametrize("function", CASES)
@pytest.mark.parametrize("target", ["baseline", "avx2", "avx512"])
def test_other_processors(function: Any, target: str) -> None:
    if target == "avx512" and "avx512dq" not in Path("/proc/cpuinfo").read_text():
        pytest.skip("no such processor")
    if target == "avx2" and "avx2" not in Path("/proc/cpuinfo").read_text():
        pytest.skip("no such processor")
    with native.forced(target=target):
        check(hr.kernel(function), function, 300)


def test_long_batches_in_ranges() -> None:
    kernel = hr.kernel(counted_down)
    x, k = np.arange(1, 60_001), np.arange(60_000) % 11
    with hr.Runtime(threads=2) as rt:
        results = tuple(np.zeros(60_000, np.int64) for _ in range(2))
        rt.map(kernel, x, k, out=results, engine="native", chunk_size=20_000)
    np.testing.assert_array_equal(results[0], 1)
    picked = range(0, 60_000, 997)
    np.testing.assert_array_equal(results[1][::997], [counted_down(int(x[i]), int(k[i]))[1] for i in picked])


def test_steps_are_still_bounded() -> None:
    kernel = hr.kernel(counted_down)
    with pytest.raises(hr.KernelError, match="steps"):
        kernel(np.array([27]), np.array([0]), engine="native", max_steps=20)
    assert kernel(27, 0, engine="native", max_steps=200) == counted_down(27, 0)


def test_an_endless_loop_is_stopped() -> None:
    def endless(x: int) -> int:
        n = 0
        while x > 0:
            x = x | 1
            n += 1
        return n

    with pytest.raises(hr.Cancelled):
        hr.kernel(endless)(np.arange(5), engine="native", timeout=0.2)


def sine_over_cosine(x: float, k: int) -> tuple[float, float]:
    y = x
    for _ in range(k):
        y = y + math.sin(y) * 0.5 / (math.cos(y) + 2.0)
    return y, math.sqrt(x * x + 1.0)


def test_sine_and_cosine_that_share_their_computation() -> None:
    kernel = hr.kernel(sine_over_cosine)
    rng = np.random.default_rng(3)
    x, k = rng.uniform(-4, 4, 300) * 10.0 ** rng.integers(0, 12, 300), rng.integers(0, 9, 300)
    expected = kernel(x, k, engine="reference")
    for engine in ("native", "vm"):
        for found, column in zip(kernel(x, k, engine=engine), expected, strict=True):
            np.testing.assert_array_equal(found, column)
    plain = [sine_over_cosine(*row)[0] for row in zip(x[:50], k[:50].tolist(), strict=True)]
    np.testing.assert_allclose(expected[0][:50], plain, rtol=1e-6)
