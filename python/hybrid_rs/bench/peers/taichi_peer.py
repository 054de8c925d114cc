"""What one writes with Taichi, on the processor: the outermost loop of a kernel is its parallel one."""

# mypy: ignore-errors

from collections.abc import Callable
from typing import Any

import taichi as ti
from numpy.typing import NDArray

from hybrid_rs.bench.peers.work import Arguments
from hybrid_rs.bench.timing import Call

NAME = "Taichi"
VERSION = ".".join(map(str, ti.__version__))

_I32: Any = ti.types.ndarray(ti.i32, ndim=1)
_F64: Any = ti.types.ndarray(ti.f64, ndim=1)


@ti.kernel
def _busy(x: _I32, iters: ti.i32, out: _I32):
    for i in range(x.shape[0]):
        acc = x[i]
        for _ in range(iters):
            acc = ti.raw_mod(acc * 7 + 13, 997)
        out[i] = acc


@ti.kernel
def _hetero(x: _I32, counts: _I32, out: _I32):
    for i in range(x.shape[0]):
        acc = x[i]
        for _ in range(counts[i]):
            acc = ti.raw_mod(acc * 7 + 13, 997)
        out[i] = acc


@ti.kernel
def _mandelbrot(cx: _F64, cy: _F64, limit: ti.i32, out: _I32):
    for i in range(cx.shape[0]):
        zx = ti.cast(0.0, ti.f64)
        zy = ti.cast(0.0, ti.f64)
        count = 0
        while count < limit:
            a = zx * zx
            b = zy * zy
            if a + b > 4.0:
                break
            zy = 2.0 * zx * zy + cy[i]
            zx = a - b + cx[i]
            count += 1
        out[i] = count


@ti.kernel
def _axpy(x: _F64, y: _F64, out: _F64):
    for i in range(x.shape[0]):
        out[i] = 2.5 * x[i] + y[i]


_KERNELS: dict[str, Any] = {
    "busy": _busy,
    "hetero, sorted": _hetero,
    "hetero, random": _hetero,
    "Mandelbrot": _mandelbrot,
    "Mandelbrot, shuffled": _mandelbrot,
    "axpy": _axpy,
}


def prepare(threads: int) -> Callable[[str, Arguments, NDArray[Any]], Call | None]:
    """Start Taichi with threads; return what makes a call that fills `out` with a work's result, or gives None."""
    ti.init(arch=ti.cpu, cpu_max_num_threads=threads, fast_math=False, log_level=ti.ERROR)

    def ready(work: str, arguments: Arguments, out: NDArray[Any]) -> Call | None:
        kernel = _KERNELS.get(work)
        return None if kernel is None else lambda: kernel(*arguments, out)

    return ready
