"""Arguments to measure functions at. Everything random comes from a seed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["SPECIAL", "exponents", "linear", "near", "patterns", "special"]

Array: TypeAlias = NDArray[Any]

_UNSIGNED: Final = {2: np.uint16, 4: np.uint32, 8: np.uint64}


def linear(low: float, high: float, count: int, dtype: Any = np.float64, seed: int = 1) -> Array:
    """Give numbers that are spread evenly over an interval."""
    made: Array = np.random.default_rng(seed).uniform(low, high, count).astype(dtype)
    return np.clip(made, dtype(low), dtype(high))


def exponents(
    count: int, low: float = 0.0, high: float = np.inf, dtype: Any = np.float64, seed: int = 1, *, signed: bool = True
) -> Array:
    """Give numbers whose exponents are spread evenly over those of an interval, subnormal numbers among them.

    The interval is one of absolute values; with `signed` half of them are negative.
    """
    info, generator = np.finfo(dtype), np.random.default_rng(seed)
    smallest, largest = float(info.smallest_subnormal), float(info.max)
    first = np.frexp(max(low, smallest))[1]
    last = np.frexp(min(high, largest))[1]
    powers = generator.integers(first, last, count, endpoint=True)
    with np.errstate(under="ignore", over="ignore"):
        made: Array = np.ldexp(generator.uniform(0.5, 1.0, count), powers.astype(np.int32)).astype(dtype)
    made = np.clip(made, dtype(max(low, smallest)), dtype(min(high, largest)))
    return np.where(generator.random(count) < 0.5, -made, made).astype(dtype) if signed else made


def patterns(count: int, dtype: Any = np.float64, seed: int = 1) -> Array:
    """Give numbers of random bits, those that are finite."""
    size = np.dtype(dtype).itemsize
    drawn = np.random.default_rng(seed).integers(0, 256, count * size, dtype=np.uint8)
    made: Array = drawn.view(dtype)
    return made[np.isfinite(made)]


def near(points: Iterable[float], count: int, dtype: Any = np.float64, seed: int = 1, reach: int = 20) -> Array:
    """Give numbers around each point, itself included: up to 2**reach steps away, most of them close."""
    generator = np.random.default_rng(seed)
    centres = np.asarray(list(points), dtype=dtype)
    each = max(count // max(centres.size, 1), 3)
    steps = np.exp2(generator.uniform(0, reach, (centres.size, each))).astype(np.int64)
    steps *= generator.choice([-1, 1], steps.shape)
    steps[:, :3] = [0, 1, -1]
    unsigned = _UNSIGNED[centres.dtype.itemsize]
    top = 1 << (8 * centres.dtype.itemsize - 1)
    # Places in the order of numbers: those of negative ones count down from -1 below that of +0.
    bits = centres.view(unsigned).astype(object)
    places = np.array([bit if bit < top else top - 1 - bit for bit in bits], dtype=object)[:, None] + steps
    back = np.array([place if place >= 0 else top - 1 - place for place in places.ravel()], dtype=unsigned)
    made: Array = back.view(dtype)
    return made[np.isfinite(made)]


def special(dtype: Any = np.float64) -> Array:
    """Give the numbers that functions stumble over: zeros, ends of the type, small integers and their neighbours."""
    info = np.finfo(dtype)
    one = [0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 10.0, 100.0, float(info.eps), 1.0 - float(info.epsneg), 1.0 + float(info.eps)]
    ends = [float(info.smallest_subnormal), float(info.tiny), float(info.max)]
    below = float(np.nextafter(info.tiny, dtype(0)))
    numbers = np.array([*one, *ends, below, np.inf], dtype=dtype)
    return np.concatenate([numbers, -numbers, np.array([np.nan], dtype=dtype)])


SPECIAL: Final = special()
