"""``busy_work`` beside C compiled for this machine, and beside Numba where it is installed.

    python benches/compare_busy.py --json

Same int64 inputs, same number of threads, results compared before anything is timed, rounds interleaved. The C is
``benches/peers/busy.c``: a scalar loop, and one that computes vector lanes of elements, both over OpenMP threads.
"""

import argparse
import ctypes
import json
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import hybrid_rs as hr
from hybrid_rs.bench import oracle, stats
from hybrid_rs.bench.table import PAIRED, UNKNOWN, duration, render, significant, spread
from hybrid_rs.bench.timing import LEAST_FOR_SPREAD, Call, affordable, clock, interleave, pairs

SOURCE = Path(__file__).resolve().parent / "peers" / "busy.c"
FLAGS = ("-O3", "-march=native", "-mprefer-vector-width=512", "-fopenmp", "-ffp-contract=off", "-shared", "-fPIC")
OURS = ("hybrid_fnptr_chunked", "hybrid_auto_chunked")
# What the ratios are relative to.
PEER = "C busy_simd"


class Peer:
    """The C functions, built into ``folder``; their OpenMP runtime is told how many threads to use.

    Raises RuntimeError where there is no gcc, or it refuses the source.
    """

    def __init__(self, folder: Path, threads: int) -> None:
        compiler = shutil.which("gcc")
        if compiler is None:
            raise RuntimeError("gcc is needed to build the C peer")
        library = folder / "busy.so"
        done = subprocess.run(
            [compiler, *FLAGS, str(SOURCE), "-o", str(library)], capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise RuntimeError(f"gcc refused {SOURCE.name}:\n{done.stderr}")
        self.library = ctypes.CDLL(str(library))
        self.library.omp_set_num_threads(threads)
        for name in ("busy_scalar", "busy_simd"):
            function = self.library[name]
            function.restype = None
            function.argtypes = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int32)
            setattr(self, name, function)

    def call(self, name: str, x: NDArray[np.int64], out: NDArray[np.int32], iters: int) -> Call:
        """Return the call of a C function on the arrays, which the caller keeps alive."""
        function = getattr(self, name)
        source, target, count = x.ctypes.data, out.ctypes.data, x.size
        return lambda: function(source, target, count, iters)


def numba_call(x: NDArray[np.int64], out: NDArray[np.int32], iters: int, threads: int) -> Call | None:
    """Return the call of a Numba ``prange`` loop over the arrays, or None where Numba is not installed."""
    try:
        import numba
    except ImportError:
        return None
    numba.set_num_threads(threads)

    def busy(x: Any, out: Any, iters: int) -> None:
        seven, thirteen, modulus = np.int32(7), np.int32(13), np.int32(997)
        for i in numba.prange(x.size):
            acc = np.int32(x[i])
            for _ in range(iters):
                acc = np.int32(np.fmod(np.int32(acc * seven + thirteen), modulus))
            out[i] = acc

    compiled = numba.njit(parallel=True)(busy)
    return lambda: compiled(x, out, iters)


def compare(batch: int, iters: int, threads: int | None, samples: int) -> dict[str, Any]:
    """Time all candidates in interleaved rounds and return their figures, ready for JSON; ratios are time / PEER's.

    Raises oracle.WrongResultError for a wrong result, RuntimeError where the C can't be built.
    """
    x = np.arange(batch, dtype=np.int64)
    out = np.empty(batch, dtype=np.int32)
    kernel = hr.kernels.busy_work
    with hr.Runtime(threads=threads) as rt, tempfile.TemporaryDirectory(prefix="hybrid_rs-busy-") as scratch:
        peer = Peer(Path(scratch), rt.threads)
        calls: dict[str, Call] = {f"C {name}": peer.call(name, x, out, iters) for name in ("busy_simd", "busy_scalar")}
        for path in OURS:
            calls[path] = lambda path=path: rt.map(kernel, x, iters, path=path, out=out)  # type: ignore[misc]
        if (numba := numba_call(x, out, iters, rt.threads)) is not None:
            calls["Numba prange"] = numba
        expected = oracle.busy_work(x, iters)
        for name, call in calls.items():
            out.fill(-1)
            call()
            oracle.require_same(out, expected, name)
        wanted = {name: affordable(clock(call), samples) for name, call in calls.items()}
        timed = interleave(calls, wanted, apart=True)
        used = rt.threads
    rows: dict[str, Any] = {}
    for name, sample in timed.items():
        row = {**sample.to_dict(), "melem_s": batch / sample.median / 1e6}
        row["ratio"] = sample.median / timed[PEER].median
        ours, theirs = pairs(sample, timed[PEER])
        if len(ours) >= LEAST_FOR_SPREAD:
            row["ratio"], interval = stats.paired_ratio(ours, theirs)
            row["interval"] = interval.to_dict()
        rows[name] = row
    return {"batch": batch, "iters": iters, "threads": used, "relative_to": PEER, "candidates": rows}


def table(compared: dict[str, Any]) -> str:
    """Return the comparison as text."""
    rows = []
    for name, row in compared["candidates"].items():
        span = row.get("interval")
        rows.append(
            (
                name,
                duration(row["median_s"]),
                spread(row["seconds"]),
                significant(row["melem_s"]),
                f"{row['ratio']:.3f}",
                f"{span['low']:.3f} to {span['high']:.3f}" if span else UNKNOWN,
                str(row["samples"]),
            )
        )
    header = ("candidate", "median", "spread", "Melem/s", f"time / {PEER}", "95 % interval", "samples")
    title = f"busy_work, {compared['batch']:,} elements x {compared['iters']} iterations, {compared['threads']} threads"
    return f"{title}\n{render(header, rows)}\n{PAIRED}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Compare and print a table, or JSON with all timings."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch", type=int, default=100_000, help="elements")
    parser.add_argument("--iters", type=int, default=512, help="iterations an element")
    parser.add_argument("--threads", type=int, default=None, help="threads (default: the Runtime's choice)")
    parser.add_argument("--samples", type=int, default=30, help="timings of fast candidates; slow ones get half")
    parser.add_argument("--json", action="store_true", help="print JSON with all timings instead of a table")
    options = parser.parse_args(arguments)
    compared = compare(options.batch, options.iters, options.threads, options.samples)
    print(json.dumps(compared, indent=1) if options.json else table(compared))


if __name__ == "__main__":
    main()
