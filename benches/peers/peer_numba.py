"""What one writes with Numba for the work that `compare_vm.py` times: scalar functions below parallel loops.

Importing this needs Numba. The functions are the kernels' twins, statement by statement; the remainder is Numba's own
truncating one of int32, written so that its result has the dividend's sign as the kernel's has.
"""

# mypy: disable-error-code="untyped-decorator"

from typing import Any

import numpy as np
from numba import njit, prange


@njit(nogil=True)
def _busy(x: Any, iters: Any) -> Any:
    acc = np.int32(x)
    for _ in range(iters):
        acc = np.int32(np.fmod(np.int32(np.int32(acc * np.int32(7)) + np.int32(13)), np.int32(997)))
    return acc


@njit(parallel=True)
def busy(x: Any, iters: Any, out: Any) -> None:
    """Compute ``busy_work`` with one count for all elements."""
    for i in prange(x.size):
        out[i] = _busy(x[i], iters)


@njit(parallel=True)
def hetero(x: Any, iters: Any, out: Any) -> None:
    """Compute ``busy_work`` with a count for each element."""
    for i in prange(x.size):
        out[i] = _busy(x[i], iters[i])


@njit(nogil=True)
def _escape(cx: Any, cy: Any, limit: Any) -> Any:
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


@njit(parallel=True)
def mandelbrot(cx: Any, cy: Any, limit: Any, out: Any) -> None:
    """Count the steps of Mandelbrot's iteration."""
    for i in prange(cx.size):
        out[i] = _escape(cx[i], cy[i], limit)


def set_threads(count: int) -> None:
    """Use this many threads."""
    import numba

    numba.set_num_threads(count)
