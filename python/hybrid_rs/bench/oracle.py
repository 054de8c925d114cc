"""The expected results: ``busy_work`` in plain NumPy, and bit comparison. Nothing is timed before it passed."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from hybrid_rs.errors import KernelError


class WrongResultError(KernelError):
    """A path gave another result than the definition; its timing would mean nothing.

    A ``hybrid_rs.KernelError``, so it can be caught without importing this module.
    """


def busy_work(x: NDArray[np.integer], iters: int) -> NDArray[np.int32]:
    """Return ``busy_work(x, iters)`` as int32, computed array-wise, step by step.

    ``np.fmod`` of integers truncates: the sign of the dividend, as the definition wants. int32 arrays wrap.
    """
    acc = x.astype(np.int32)
    for _ in range(iters):
        acc *= np.int32(7)
        acc += np.int32(13)
        np.fmod(acc, np.int32(997), out=acc)
    return acc


@lru_cache(maxsize=8)
def counting(batch: int, iters: int) -> NDArray[np.int32]:
    """Return the expected result for ``x = arange(batch)``, read-only, remembered for the next caller."""
    expected = busy_work(np.arange(batch, dtype=np.uint64), iters)
    expected.setflags(write=False)
    return expected


def same_bits(a: NDArray[np.generic], b: NDArray[np.generic]) -> bool:
    """Say whether two arrays have the same shape, dtype and bits (so a nan equals itself, and 0.0 is not -0.0)."""
    return a.shape == b.shape and a.dtype == b.dtype and a.tobytes() == b.tobytes()


def require_same(result: NDArray[np.generic], expected: NDArray[np.generic], what: str) -> None:
    """Raise WrongResultError, naming ``what`` and the first different element, unless the bits are the same."""
    if same_bits(result, expected):
        return
    if result.shape != expected.shape or result.dtype != expected.dtype:
        raise WrongResultError(
            f"{what}: got shape {result.shape} of {result.dtype}, expected {expected.shape} of {expected.dtype}"
        )
    width = result.dtype.itemsize
    ours = np.frombuffer(result.tobytes(), dtype=np.uint8).reshape(-1, width)
    theirs = np.frombuffer(expected.tobytes(), dtype=np.uint8).reshape(-1, width)
    index = int(np.flatnonzero((ours != theirs).any(axis=1))[0])
    raise WrongResultError(f"{what}: element {index} is {result.flat[index]}, expected {expected.flat[index]}")
