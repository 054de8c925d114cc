"""What one writes with Warp, on the processor, where it runs elements one after the other."""

# mypy: ignore-errors

from collections.abc import Callable
from typing import Any

import numpy as np
import warp as wp
from numpy.typing import NDArray

from hybrid_rs.bench.peers.work import Arguments
from hybrid_rs.bench.timing import Call

NAME = "Warp"
VERSION = str(wp.config.version)

_I32: Any = wp.array(dtype=wp.int32)
_F64: Any = wp.array(dtype=wp.float64)


@wp.kernel
def _hetero(x: _I32, counts: _I32, out: _I32):
    i = wp.tid()
    acc = x[i]
    n = counts[i]
    for _ in range(n):
        acc = (acc * 7 + 13) % 997
    out[i] = acc


@wp.kernel
def _mandelbrot(cx: _F64, cy: _F64, limit: wp.int32, out: _I32):
    i = wp.tid()
    zx = wp.float64(0.0)
    zy = wp.float64(0.0)
    found = limit
    for k in range(limit):
        a = zx * zx
        b = zy * zy
        if a + b > wp.float64(4.0):
            found = k
            break
        zy = wp.float64(2.0) * zx * zy + cy[i]
        zx = a - b + cx[i]
    out[i] = found


@wp.kernel
def _axpy(x: _F64, y: _F64, out: _F64):
    i = wp.tid()
    out[i] = wp.float64(2.5) * x[i] + y[i]


def prepare(threads: int) -> Callable[[str, Arguments, NDArray[Any]], Call | None]:
    """Start Warp, which has one thread on a processor; return what makes a call of a work, or gives None."""
    del threads
    wp.config.quiet = True
    wp.init()

    def array(values: Any) -> Any:
        # Shares the memory of the NumPy array.
        return wp.from_numpy(values, device="cpu") if isinstance(values, np.ndarray) else values

    def ready(work: str, arguments: Arguments, out: NDArray[Any]) -> Call | None:
        if work in ("busy", "hetero, sorted", "hetero, random"):
            x, counts = arguments
            kernel, given = _hetero, (x, np.broadcast_to(np.int32(counts), x.shape).copy())
        elif work.startswith("Mandelbrot"):
            kernel, given = _mandelbrot, arguments
        elif work == "axpy":
            kernel, given = _axpy, arguments
        else:
            return None
        inputs, outputs = [array(one) for one in given], [wp.array(out, device="cpu", copy=False)]
        return lambda: wp.launch(kernel, dim=out.size, inputs=inputs, outputs=outputs, device="cpu")

    return ready
