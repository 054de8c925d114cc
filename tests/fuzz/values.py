"""Input values of each type: edges mixed with ordinary ones, the same for the same seed."""

import random
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

BOOL = "bool"
SIGNED = ("int8", "int16", "int32", "int64")
UNSIGNED = ("uint8", "uint16", "uint32", "uint64")
INTEGERS = SIGNED + UNSIGNED
FLOATS = ("float32", "float64")
NUMBERS = INTEGERS + FLOATS
TYPES = (BOOL, *NUMBERS)

# The share of values that are drawn from the edges of a type.
EDGES = 0.35


@cache
def promote(a: str, b: str) -> str:
    """Name the type that two strong types meet in."""
    return np.promote_types(a, b).name


@cache
def meeting(kind: str) -> tuple[tuple[str, str], ...]:
    """Give the pairs of number types that meet in `kind` by arithmetic that the language allows."""
    pairs = [(a, b) for a in NUMBERS for b in NUMBERS if promote(a, b) == kind]
    return tuple((a, b) for a, b in pairs if {a, b} - {*SIGNED, "uint64"} or "uint64" not in (a, b) or a == b)


@cache
def bits(kind: str) -> int:
    """Give the width of a type."""
    return np.dtype(kind).itemsize * 8


@cache
def bounds(kind: str) -> tuple[int, int]:
    """Give the least and the greatest value of an integer type."""
    info = np.iinfo(kind)
    return int(info.min), int(info.max)


@cache
def edges(kind: str) -> tuple[Any, ...]:
    """Give the values of a type where rules change."""
    if kind == BOOL:
        return (False, True)
    if kind in INTEGERS:
        low, high = bounds(kind)
        near = (0, 0, 1, 2, 7, 8, 31, 32, 63, 64, high, high - 1, high // 2 + 1)
        below = (-1, -1, -2, -7, low, low, low + 1) if low else (high, high - 7)
        return tuple(value for value in near + below if low <= value <= high)
    info = np.finfo(kind)
    tiny, least, huge = float(info.tiny), float(info.smallest_subnormal), float(info.max)
    ends = (0.0, -0.0, float("nan"), float("inf"), float("-inf"), tiny, -tiny, least, -least, 3 * least, huge, -huge)
    # Ties of rounding, and where conversions to integers of each width saturate.
    turns = (0.5, -0.5, 1.5, 2.5, -2.5, 1.0, -1.0, 127.5, 255.9, -128.9, 2.0**31, 2.0**53, -(2.0**63), 2.0**63, 2.0**64)
    return ends + turns


def ordinary(rng: random.Random, kind: str) -> Any:
    """Draw a value of moderate size, small ones more often."""
    if kind == BOOL:
        return rng.random() < 0.5
    if kind in INTEGERS:
        low, high = bounds(kind)
        reach = rng.choice((8, 40, 1000, high))
        return rng.randint(max(low, -reach), min(high, reach))
    wide = rng.choice((1.0, 10.0, 1e3, 1e6))
    return rng.uniform(-wide, wide)


def column(rng: random.Random, kind: str, count: int) -> NDArray[Any]:
    """Draw an array of `count` values of a type."""
    drawn = [rng.choice(edges(kind)) if rng.random() < EDGES else ordinary(rng, kind) for _ in range(count)]
    with np.errstate(all="ignore"):
        return np.array(drawn, dtype=kind)
