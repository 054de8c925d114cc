"""The work of the comparison with peers: inputs, and how near results must be to each other."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

import hybrid_rs as hr
from hybrid_rs.bench.peers import kernels

__all__ = ["WORKS", "Arguments", "Work", "named"]

Arguments: TypeAlias = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Work:
    """One kernel with its inputs.

    `arguments` gives arrays, tables and numbers; a true `small` asks for some hundred elements, for smoke runs.
    `tolerance` is the relative difference that a peer's result may have; 0: the same values.
    """

    name: str
    kernel: hr.Kernel
    dtype: str
    arguments: Callable[[bool], Arguments]
    tolerance: float = 0.0

    def result(self, arguments: Arguments) -> NDArray[Any]:
        """Give an array for the result."""
        return np.zeros(arguments[0].shape, self.dtype)


def named(name: str) -> Work:
    """Return the work of that name. Raises KeyError for none."""
    return next(work for work in WORKS if work.name == name)


def _numbers(small: bool) -> NDArray[np.int32]:
    return np.arange(500 if small else 100_000, dtype=np.int32)


def _counts(small: bool, *, ascending: bool) -> Arguments:
    """Give each element its own count: about 512 on average, with a heavy tail to forty times that."""
    x = _numbers(small)
    drawn = np.clip((np.random.default_rng(7).pareto(1.5, x.size) + 1) * 170, 1, 20_000).astype(np.int32)
    counts = np.minimum(drawn, 400) if small else drawn
    return x, np.sort(counts) if ascending else counts


def _picture(small: bool, *, shuffled: bool) -> Arguments:
    side = 24 if small else 1024
    cx, cy = (axis.ravel() for axis in np.meshgrid(np.linspace(-2, 0.6, side), np.linspace(-1.3, 1.3, side)))
    places = np.random.default_rng(0).permutation(cx.size) if shuffled else np.arange(cx.size)
    return cx[places].copy(), cy[places].copy(), 50 if small else 1000


def _options(small: bool) -> Arguments:
    rng, n = np.random.default_rng(1), 500 if small else 4_000_000
    return rng.uniform(10, 200, n), rng.uniform(10, 200, n), rng.uniform(0.1, 5, n)


def _long(small: bool) -> Arguments:
    n = 500 if small else 20_000_000
    return np.linspace(0, 1, n), np.linspace(1, 2, n)


def _hashes(small: bool) -> Arguments:
    return np.arange(500 if small else 1_000_000, dtype=np.uint64), 32


def _orbits(small: bool) -> Arguments:
    rng, n = np.random.default_rng(2), 500 if small else 1_000_000
    return rng.uniform(0, 6.28, n), rng.uniform(0, 0.9, n)


def _table(small: bool) -> Arguments:
    rng, n = np.random.default_rng(3), 500 if small else 4_000_000
    return rng.uniform(0, 1, n), rng.normal(size=1024)


def _maps(small: bool) -> Arguments:
    rng, n = np.random.default_rng(4), 500 if small else 100_000
    return rng.uniform(0.1, 0.9, n), rng.uniform(2.5, 3.4, n), 500


def _pixels(small: bool) -> Arguments:
    rng, n = np.random.default_rng(5), 500 if small else 16_000_000
    over, under, alpha = (rng.integers(0, 256, n, dtype=np.uint8) for _ in range(3))
    return over, under, alpha


def _rays(small: bool) -> Arguments:
    side = 24 if small else 1024
    x, y = np.meshgrid(np.linspace(-2, 2, side, dtype=np.float32), np.linspace(-2, 2, side, dtype=np.float32))
    return x.ravel().copy(), y.ravel().copy()


def _starts(small: bool) -> Arguments:
    return (np.arange(1, 500 if small else 1_000_000, dtype=np.int64),)


WORKS = (
    Work("busy", kernels.busy, "int32", lambda small: (_numbers(small), 512)),
    Work("hetero, sorted", kernels.busy, "int32", lambda small: _counts(small, ascending=True)),
    Work("hetero, random", kernels.busy, "int32", lambda small: _counts(small, ascending=False)),
    Work("Mandelbrot", kernels.mandelbrot, "int32", lambda small: _picture(small, shuffled=False)),
    Work("Mandelbrot, shuffled", kernels.mandelbrot, "int32", lambda small: _picture(small, shuffled=True)),
    Work("Black-Scholes", kernels.black_scholes, "float64", _options, 1e-9),
    Work("axpy", kernels.axpy, "float64", _long, 1e-15),
    Work("hash", kernels.hashed, "uint64", _hashes),
    Work("Kepler", kernels.kepler, "float64", _orbits, 1e-11),
    Work("table", kernels.interpolated, "float64", _table),
    Work("logistic map", kernels.logistic, "float64", _maps, 1e-9),
    Work("pixels", kernels.blended, "uint8", _pixels),
    Work("ray march, float32", kernels.marched, "float32", _rays, 1e-3),
    Work("Collatz", kernels.collatz, "int32", _starts),
)
"""All of it, in the order of tables and pictures."""
