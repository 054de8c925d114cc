"""Hand-written C with vector lanes and OpenMP, compiled by gcc for this machine; with SLEEF where that is installed."""

import ctypes
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from hybrid_rs.bench.peers.kernels import RATE, VOLATILITY
from hybrid_rs.bench.peers.work import Arguments
from hybrid_rs.bench.timing import Call

NAME = "C"
SOURCE = Path(__file__).with_name("simd.c")
FLAGS = ("-O3", "-march=native", "-mprefer-vector-width=512", "-fopenmp", "-ffp-contract=off", "-shared", "-fPIC")

_COMPILER = shutil.which("gcc")
if _COMPILER is None:
    raise ImportError("gcc is needed to build the C peer")


def _output(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - the compiler
    if done.returncode != 0:
        raise ImportError(f"gcc refused {SOURCE.name}:\n{done.stderr}")
    return done.stdout


VERSION = f"gcc {_output(_COMPILER, '-dumpfullversion').strip()}"


def _built() -> tuple[Any, bool]:
    """Return the library, and whether SLEEF is in it. The file goes as soon as it is loaded."""
    assert _COMPILER is not None
    with tempfile.TemporaryDirectory() as folder:
        target = str(Path(folder) / "simd.so")
        try:
            _output(_COMPILER, *FLAGS, "-DSLEEF", str(SOURCE), "-o", target, "-lsleef", "-lm")
            return ctypes.CDLL(target), True
        except (ImportError, OSError):
            _output(_COMPILER, *FLAGS, str(SOURCE), "-o", target, "-lm")
            return ctypes.CDLL(target), False


def prepare(threads: int) -> Callable[[str, Arguments, NDArray[Any]], Call | None]:
    """Build the library; return what makes a call that fills `out` with a work's result, or gives None."""
    library, sleef = _built()
    library.omp_set_num_threads(threads)
    count, whole, real = ctypes.c_size_t, ctypes.c_int32, ctypes.c_double

    def ready(work: str, arguments: Arguments, out: NDArray[Any]) -> Call | None:
        def call(name: str, arrays: int, *last: Any) -> Call:
            function = library[name]
            function.restype = None
            given = [ctypes.c_void_p(one.ctypes.data) for one in (*arguments[:arrays], out)]
            return lambda: function(*given, count(out.size), *last)

        if work == "busy":
            return call("busy", 1, whole(arguments[1]))
        if work.startswith("Mandelbrot"):
            return call("mandelbrot", 2, whole(arguments[2]))
        if work == "axpy":
            return call("axpy", 2)
        if work == "Black-Scholes" and sleef and hasattr(library, "black_scholes"):
            return call("black_scholes", 3, real(RATE), real(VOLATILITY))
        return None

    return ready
