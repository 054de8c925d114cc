"""The elementary functions beside NumPy's and SLEEF's: time for one element, on one thread.

    python benches/elementary.py --json

Each function takes the same batch, which a core's cache holds, again and again, a million elements or more in all.
Results are compared before anything is timed, rounds interleaved. Ours are kernels of one call each, run as machine
code on the calling thread; a call of 3 to 5 µs for each batch is in their time. SLEEF's vector functions are called
from C (`benches/peers/sleef.c`); where SLEEF or gcc isn't installed, they are left out.
"""

import argparse
import ctypes
import json
import linecache
import math
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import hybrid_rs as hr
from hybrid_rs.bench.oracle import WrongResultError
from hybrid_rs.bench.table import UNKNOWN, render, significant
from hybrid_rs.bench.timing import Call, Sample, interleave, pairs
from hybrid_rs.report import machine

SOURCE = Path(__file__).resolve().parent / "peers" / "sleef.c"
FLAGS = ("-O3", "-march=native", "-shared", "-fPIC")
# Bytes of a batch of one argument: with the result a quarter to half of the second-level cache.
BATCH_BYTES = 1 << 17
# All three are within 1.5 ulp or a little more; NumPy's, where it has its own, within 4.
MOST_ULP = {"NumPy": 6.0, "SLEEF": 4.0}


def size(dtype: Any) -> int:
    """Return the number of elements in a batch."""
    return int(BATCH_BYTES // np.dtype(dtype).itemsize)


@dataclass(frozen=True)
class Case:
    """A function by its name in `math`, NumPy's of that meaning, and the intervals of the arguments."""

    name: str
    numpy: str
    first: tuple[float, float]
    second: tuple[float, float] | None = None

    def arguments(self, dtype: Any) -> list[NDArray[Any]]:
        """Give a batch of each argument, in random order."""
        generator = np.random.default_rng(1)
        intervals = [self.first] if self.second is None else [self.first, self.second]
        return [generator.uniform(*interval, size(dtype)).astype(dtype) for interval in intervals]

    def kernel(self) -> Any:
        """Make a kernel that calls the function."""
        names = "x" if self.second is None else "x, y"
        module = "np" if self.name == "cbrt" or (self.name == "exp2" and not hasattr(math, "exp2")) else "math"
        source = f"def kernel({names}):\n    return {module}.{self.name}({names})\n"
        file = f"<{self.name}>"
        linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
        found: dict[str, Any] = {"math": math, "np": np}
        exec(compile(source, file, "exec"), found)
        return hr.kernel(found["kernel"])


CASES = (
    Case("exp", "exp", (-20, 20)),
    Case("exp2", "exp2", (-30, 30)),
    Case("expm1", "expm1", (-2, 2)),
    Case("log", "log", (1e-3, 1e3)),
    Case("log2", "log2", (1e-3, 1e3)),
    Case("log10", "log10", (1e-3, 1e3)),
    Case("log1p", "log1p", (-0.5, 10)),
    Case("pow", "power", (0.1, 10), (-5, 5)),
    Case("cbrt", "cbrt", (-1e3, 1e3)),
    Case("hypot", "hypot", (-10, 10), (-10, 10)),
    Case("sin", "sin", (-10, 10)),
    Case("cos", "cos", (-10, 10)),
    Case("tan", "tan", (-10, 10)),
    Case("asin", "arcsin", (-1, 1)),
    Case("acos", "arccos", (-1, 1)),
    Case("atan", "arctan", (-10, 10)),
    Case("atan2", "arctan2", (-1, 1), (-1, 1)),
    Case("sinh", "sinh", (-5, 5)),
    Case("cosh", "cosh", (-5, 5)),
    Case("tanh", "tanh", (-5, 5)),
    Case("asinh", "arcsinh", (-10, 10)),
    Case("acosh", "arccosh", (1, 10)),
    Case("atanh", "arctanh", (-0.99, 0.99)),
    Case("erf", "", (-3, 3)),
    Case("erfc", "", (-3, 5)),
    Case("gamma", "", (0.5, 20)),
    Case("lgamma", "", (0.5, 20)),
)


class Sleef:
    """SLEEF's functions in loops of C, built into ``folder``. Raises RuntimeError where it can't be built."""

    def __init__(self, folder: Path) -> None:
        compiler = shutil.which("gcc")
        if compiler is None:
            raise RuntimeError("gcc is needed to build the loops")
        library = folder / "sleef.so"
        done = subprocess.run(
            [compiler, *FLAGS, str(SOURCE), "-lsleef", "-o", str(library)], capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise RuntimeError(f"gcc refused {SOURCE.name}:\n{done.stderr.splitlines()[0]}")
        self.library = ctypes.CDLL(str(library))
        self.library.instructions.restype = ctypes.c_char_p
        number = self.library.version()
        version = f"{number // 10000}.{number // 100 % 100}.{number % 100}"
        self.version = f"{version} ({self.library.instructions().decode()})"

    def call(self, name: str, args: Sequence[NDArray[Any]], out: NDArray[Any]) -> Call:
        """Give the call of one of the loops on a batch."""
        function = self.library[f"{name}_f{8 * out.itemsize}"]
        function.restype = None
        pointers = [ctypes.c_void_p(array.ctypes.data) for array in (args[0], args[-1], out)]
        size = ctypes.c_size_t(out.size)
        return lambda: function(*pointers, size)


def sleef(folder: Path) -> Sleef | None:
    """Build SLEEF's loops, or say why there are none."""
    try:
        return Sleef(folder)
    except (RuntimeError, OSError) as error:
        print(f"skipped: SLEEF ({error})", file=sys.stderr)
        return None


def candidates(case: Case, dtype: Any, rt: hr.Runtime, peer: Sleef | None) -> dict[str, tuple[Call, NDArray[Any]]]:
    """Give the calls of a function on one batch, each with the array that it writes to."""
    args = case.arguments(dtype)
    count = size(dtype)
    outs = {name: np.empty(count, dtype) for name in ("ours", "NumPy", "SLEEF")}
    kernel = case.kernel()
    found: dict[str, tuple[Call, NDArray[Any]]] = {
        # One chunk stays on the calling thread.
        "ours": (lambda: rt.map(kernel, *args, engine="native", chunk_size=count, out=outs["ours"]), outs["ours"])
    }
    if case.numpy:
        ufunc: Callable[..., Any] = getattr(np, case.numpy)
        found["NumPy"] = (lambda: ufunc(*args, out=outs["NumPy"]), outs["NumPy"])
    if peer is not None:
        found["SLEEF"] = (peer.call(case.name, args, outs["SLEEF"]), outs["SLEEF"])
    return found


def require_near(case: Case, found: dict[str, tuple[Call, NDArray[Any]]]) -> dict[str, float]:
    """Run each once, and return how many ulp the others are from ours at most. Raises WrongResultError beyond a few."""
    for call, _ in found.values():
        call()
    ours = found["ours"][1]
    # Near 1 and 2 SLEEF's lgamma is exact to an ulp of 1 only.
    unit = np.spacing(np.maximum(np.abs(ours), 1) if case.name == "lgamma" else np.abs(ours)).astype(np.float64)
    apart = {}
    for name, (_, result) in found.items():
        if name == "ours":
            continue
        apart[name] = float((np.abs(result.astype(np.float64) - ours) / unit).max())
        if not apart[name] <= MOST_ULP[name]:
            raise WrongResultError(f"{case.name} of {ours.dtype}: {name} is {apart[name]:.1f} ulp from ours")
    return apart


def ratio(theirs: Sample, ours: Sample) -> float:
    """Return the median of their time over ours in pairs of one round, whose machine is equally busy."""
    return float(np.median([a / b for a, b in zip(*pairs(theirs, ours), strict=True)]))


def compare(case: Case, dtype: Any, rt: hr.Runtime, peer: Sleef | None, samples: int) -> dict[str, Any]:
    """Time a function; give ns for one element."""
    found = candidates(case, dtype, rt, peer)
    row: dict[str, Any] = {"from": case.first, "and": case.second, "apart_ulp": require_near(case, found)}
    timed = interleave({name: call for name, (call, _) in found.items()}, samples)
    count = size(dtype)
    for name, sample in timed.items():
        low, high = sample.quartiles
        row[name] = {
            "ns": sample.median / count * 1e9,
            "least_ns": sample.minimum / count * 1e9,
            "spread_ns": (high - low) / count * 1e9,
            "samples": len(sample.seconds),
            "batches": sample.repeats,
        }
        if name != "ours":
            row[name]["ratio"] = ratio(sample, timed["ours"])
    return row


def measure(names: Sequence[str], samples: int) -> dict[str, Any]:
    """Make all comparisons and return their figures, ready for JSON."""
    rows = {}
    with tempfile.TemporaryDirectory() as folder, hr.Runtime(threads=1) as rt:
        peer = sleef(Path(folder))
        for dtype in (np.float64, np.float32):
            for case in CASES:
                if not names or case.name in names:
                    rows[f"{case.name} {np.dtype(dtype).name}"] = compare(case, dtype, rt, peer, samples)
        version = peer.version if peer is not None else None
    return {**machine.facts(), "sleef": version, "batch_bytes": BATCH_BYTES, "functions": rows}


def table(measured: dict[str, Any]) -> str:
    """Return the figures as text."""
    rows = []
    for name, row in measured["functions"].items():
        times = [row[each]["ns"] if each in row else math.nan for each in ("ours", "NumPy", "SLEEF")]
        ratios = [row[each]["ratio"] if each in row else math.nan for each in ("NumPy", "SLEEF")]
        rows.append((name, *[UNKNOWN if math.isnan(value) else significant(value) for value in (*times, *ratios)]))
    header = ("function", "ours", "NumPy", "SLEEF", "NumPy / ours", "SLEEF / ours")
    return (
        f"ns for an element, one thread, medians; ratios are medians of rounds. SLEEF: {measured['sleef'] or UNKNOWN}\n"
        + render(header, rows)
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Compare and print a table, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--function", action="append", default=[], choices=[case.name for case in CASES])
    parser.add_argument("--samples", type=int, default=64, help="rounds (64)")
    parser.add_argument("--smoke", action="store_true", help="one sample: only to see that it runs")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    options = parser.parse_args(arguments)
    measured = measure(options.function, 1 if options.smoke else options.samples)
    print(json.dumps(measured, indent=1) if options.json else table(measured))


if __name__ == "__main__":
    main()
