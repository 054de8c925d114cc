"""Pairs of float32 arguments for functions of two: special values, any bits, and pairs with results of all sizes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .points import special

__all__ = ["pairs", "special_pairs"]

Array: TypeAlias = NDArray[Any]

# Powers look at whether an exponent is whole, and odd.
_WHOLE: Final = [4.0, 7.0, 8.0, 2.0**23 - 0.5, 2.0**24 - 1.0, 2.0**24, 2.0**25, 1e-20, 1e20]


def special_pairs() -> tuple[Array, Array]:
    """Give each pair of special values."""
    whole = np.array(_WHOLE, dtype=np.float32)
    values = np.concatenate([special(np.float32), whole, -whole])
    first, second = np.meshgrid(values, values)
    return first.ravel(), second.ravel()


def pairs(name: str, count: int, seed: int) -> Iterator[tuple[Array, Array]]:
    """Give about so many pairs for pow, or for a function of two lengths, in pieces of one kind."""
    generator = np.random.default_rng(seed)
    yield special_pairs()
    for make in _POWERS if name == "pow" else _LENGTHS:
        for begin in range(0, count // len(_LENGTHS), 1 << 20):
            size = min(1 << 20, count // len(_LENGTHS) - begin)
            with np.errstate(all="ignore"):
                first, second = make(generator, size)
                yield first.astype(np.float32), second.astype(np.float32)


def _patterns(generator: np.random.Generator, count: int) -> Array:
    return generator.integers(0, 1 << 32, count, dtype=np.uint32).view(np.float32)


def _any(generator: np.random.Generator, count: int) -> tuple[Array, Array]:
    return _patterns(generator, count), _patterns(generator, count)


def _base(generator: np.random.Generator, bases: Array) -> tuple[Array, Array]:
    """Give exponents for which a power is any float32, or a little too large or small."""
    x = bases.astype(np.float32)
    return x, generator.uniform(-151, 129, x.size) / np.log2(x.astype(np.float64))


def _spread(reach: float) -> Any:
    """Give pairs whose quotient is at most 2**reach, and as little."""

    def make(generator: np.random.Generator, count: int) -> tuple[Array, Array]:
        x = _patterns(generator, count)
        return x, x * np.exp2(generator.uniform(-reach, reach, count)) * generator.choice([-1.0, 1.0], count)

    return make


def _smallest(generator: np.random.Generator, count: int) -> tuple[Array, Array]:
    x, y = generator.integers(0, 1 << 26, (2, count), dtype=np.uint32).view(np.float32)
    return x, y


_POWERS: Final = (
    _any,
    lambda generator, count: _base(generator, np.exp2(generator.uniform(-149, 128, count))),
    lambda generator, count: _base(generator, np.exp2(generator.uniform(-2, 2, count))),
    lambda generator, count: _base(generator, 1.0 + generator.integers(-4000, 4000, count) * 2.0**-24),
    lambda generator, count: (
        -np.abs(_patterns(generator, count)),
        generator.integers(-40, 41, count).astype(np.float32),
    ),
)
_LENGTHS: Final = (_any, _spread(3.0), _spread(30.0), _spread(150.0), _smallest)
