"""Kernels of the kernel language beside their Numba twins, and how long a new kernel's first call takes.

    python benches/compare_vm.py --json

Same inputs, same number of threads, results compared before anything is timed, rounds interleaved in one process.
Ratios are Numba's time over ours, so more is better. Where Numba isn't installed, ours are timed alone.
"""

import argparse
import json
import linecache
import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray
from peers import unseen  # type: ignore[import-not-found]

import hybrid_rs as hr
from hybrid_rs.bench import oracle, stats
from hybrid_rs.bench.table import UNKNOWN, duration, render, significant, spread
from hybrid_rs.bench.timing import LEAST_FOR_SPREAD, Call, Sample, affordable, clock, interleave, pairs
from hybrid_rs.bench.vm_kernels import mandelbrot

FIRST_CALL_ELEMENTS, REPEAT_ELEMENTS = 1_000, 64


@hr.kernel
def busy_work(x: Any, iters: Any) -> Any:
    """Iterate acc = (acc * 7 + 13) rem 997 on 32-bit numbers, the remainder with the sign of the dividend."""
    acc = np.int32(x)
    for _ in range(iters):
        acc = hr.rem(acc * 7 + 13, 997)
    return acc


@hr.kernel
def axpy(a: Any, b: Any, c: Any) -> Any:
    """Multiply and add: the least work that takes three arguments."""
    return a * b + c


def small_call() -> float:
    """Time a call that is hardly more than the call itself, in seconds."""
    x = np.linspace(0.0, 1.0, REPEAT_ELEMENTS)
    axpy(x, x, x)
    return min(clock(lambda: axpy(x, x, x), 500) for _ in range(7))


@dataclass(frozen=True)
class Case:
    """One piece of work: our call, the twin's (given its module), the result's dtype, and elements."""

    name: str
    ours: Callable[[hr.Runtime, Any], object]
    theirs: Callable[[Any, Any], object]
    dtype: str
    elements: int


def cases(small: bool) -> list[Case]:
    """Give the work; a small one for smoke runs."""
    count, iters, side, limit, most = (2_000, 32, 48, 100, 500) if small else (100_000, 512, 1024, 1000, 20_000)
    x = np.arange(count, dtype=np.int32)
    # Mean about 512, with a heavy tail: some elements cost forty times the mean.
    counts = np.clip((np.random.default_rng(7).pareto(1.5, count) + 1) * 170, 1, most).astype(np.int32)
    found = [
        Case(
            f"busy_work {count:,} x {iters}",
            lambda rt, out: rt.map(busy_work, x, iters, engine="vm", out=out),
            lambda peer, out: peer.busy(x, iters, out),
            "int32",
            count,
        )
    ]
    for order, given in (("random", counts), ("sorted", np.sort(counts))):
        found.append(_hetero(order, x, given))
    cx, cy = (axis.ravel() for axis in np.meshgrid(np.linspace(-2, 0.6, side), np.linspace(-1.3, 1.3, side)))
    turned = np.random.default_rng(0).permutation(cx.size)
    for order, places in (("in order", np.arange(cx.size)), ("shuffled", turned)):
        found.append(_mandelbrot(order, cx[places].copy(), cy[places].copy(), limit))
    return found


def _hetero(order: str, x: NDArray[Any], counts: NDArray[Any]) -> Case:
    return Case(
        f"busy_work, {order} counts",
        lambda rt, out: rt.map(busy_work, x, counts, engine="vm", out=out),
        lambda peer, out: peer.hetero(x, counts, out),
        "int32",
        x.size,
    )


def _mandelbrot(order: str, cx: NDArray[Any], cy: NDArray[Any], limit: int) -> Case:
    return Case(
        f"Mandelbrot {cx.size:,}, {order}",
        lambda rt, out: rt.map(mandelbrot, cx, cy, limit, engine="vm", out=out),
        lambda peer, out: peer.mandelbrot(cx, cy, limit, out),
        "int64",
        cx.size,
    )


def numba_twins(threads: int) -> Any:
    """Return the module of the twins, or None where Numba is not installed."""
    try:
        from peers import peer_numba
    except ImportError:
        return None
    peer_numba.set_threads(threads)
    return peer_numba


def compare(case: Case, rt: hr.Runtime, peer: Any, samples: int) -> dict[str, Any]:
    """Time one piece of work in interleaved rounds. Raises oracle.WrongResultError where the results differ."""
    out, other = np.zeros(case.elements, case.dtype), np.ones(case.elements, case.dtype)
    calls: dict[str, Call] = {"hybrid_rs vm": lambda: case.ours(rt, out)}
    if peer is not None:
        calls["Numba prange"] = lambda: case.theirs(peer, other)
    for call in calls.values():
        call()
    if peer is not None:
        oracle.require_same(out, other, case.name)
    timed = interleave(calls, affordable(max(clock(call) for call in calls.values()), samples), apart=True)
    row: dict[str, Any] = {name: sample.to_dict() for name, sample in timed.items()}
    row["melem_s"] = case.elements / timed["hybrid_rs vm"].median / 1e6
    if peer is not None:
        row["ratio"], row["interval"] = ratio(timed["Numba prange"], timed["hybrid_rs vm"])
    return row


def ratio(theirs: Sample, ours: Sample) -> tuple[float, dict[str, float] | None]:
    """Return the median of their time over ours in pairs of one round, and its interval where there are enough."""
    a, b = pairs(theirs, ours)
    if len(a) < LEAST_FOR_SPREAD:
        return theirs.median / ours.median, None
    found, interval = stats.paired_ratio(a, b)
    return found, interval.to_dict()


def first_calls(count: int) -> dict[str, Any]:
    """Time the first call of kernels that were never seen, from their definition on, and a repeat call.

    Each kernel has its own constants and names, so nothing that was remembered of another one fits. Results are held
    against plain Python for some elements.
    """
    x = np.linspace(-3.0, 3.0, FIRST_CALL_ELEMENTS)
    n = np.arange(FIRST_CALL_ELEMENTS, dtype=np.int32) % 17
    first, repeat = [], []
    for number in range(count):
        source, name = unseen.source(number), f"<unseen {number}>"
        linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
        names: dict[str, Any] = {"hr": hr, "np": np}
        code = compile(source, name, "exec")
        begun = perf_counter()
        exec(code, names)
        kernel = names["kernel"]
        got = kernel(x, n)
        first.append(perf_counter() - begun)
        some = range(0, FIRST_CALL_ELEMENTS, 97)
        wanted = np.array([kernel.py_func(x[place], n[place]) for place in some])
        oracle.require_same(got[::97], wanted, f"unseen kernel {number}")
        a, b = x[:REPEAT_ELEMENTS].copy(), n[:REPEAT_ELEMENTS].copy()
        kernel(a, b)
        repeat.append(min(clock(lambda kernel=kernel, a=a, b=b: kernel(a, b), 200) for _ in range(5)))  # type: ignore[misc]
    # The very first one also loads the compiler's modules.
    return {
        "elements": FIRST_CALL_ELEMENTS,
        "loading_s": first[0],
        "first_call_s": first[1:],
        "first_call_median_s": median(first[1:]),
        "repeat_elements": REPEAT_ELEMENTS,
        "repeat_s": repeat[1:],
        "repeat_median_s": median(repeat[1:]),
        "repeat_small_s": small_call(),
    }


def measure(threads: int | None, samples: int, small: bool) -> dict[str, Any]:
    """Make all comparisons and return their figures, ready for JSON."""
    with hr.Runtime(threads=threads) as rt:
        peer = numba_twins(rt.threads)
        rows = {case.name: compare(case, rt, peer, samples) for case in cases(small)}
        used = rt.threads
    return {
        "machine": f"{platform.machine()}, {used} threads",
        "versions": f"hybrid_rs {hr.__version__}, Python {platform.python_version()}, NumPy {np.__version__}",
        "numba": peer is not None,
        "threads": used,
        "cases": rows,
        "calls": first_calls(4 if small else 30),
    }


def table(measured: dict[str, Any]) -> str:
    """Return the figures as text."""
    rows = []
    for name, row in measured["cases"].items():
        ours, theirs, span = row["hybrid_rs vm"], row.get("Numba prange"), row.get("interval")
        rows.append(
            (
                name,
                duration(ours["median_s"]),
                spread(ours["seconds"]),
                significant(row["melem_s"]),
                duration(theirs["median_s"]) if theirs else UNKNOWN,
                f"{row['ratio']:.2f}x" if theirs else UNKNOWN,
                f"{span['low']:.2f} to {span['high']:.2f}" if span else UNKNOWN,
                str(ours["samples"]),
            )
        )
    header = ("work", "ours", "spread", "Melem/s", "Numba", "Numba / ours", "95 % interval", "samples")
    calls = measured["calls"]
    first, loading = duration(calls["first_call_median_s"]), duration(calls["loading_s"])
    what = (
        f"An unseen kernel of {unseen.LINES} lines, from its definition to the result on {calls['elements']:,} elements"
    )
    lines = (
        f"Block VM against Numba prange, {measured['threads']} threads",
        render(header, rows),
        f"{what}: {first} ({loading} the first time, which loads the compiler).",
        (
            f"A repeat call of it on {calls['repeat_elements']} elements: {duration(calls['repeat_median_s'])}; "
            f"of a * b + c, whose elements take next to nothing: {duration(calls['repeat_small_s'])}."
        ),
    )
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    """Compare and print a table, or JSON with all timings."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=None, help="threads (default: the Runtime's choice)")
    parser.add_argument("--samples", type=int, default=30, help="timings of fast work; slow work gets half")
    parser.add_argument("--smoke", action="store_true", help="small work and few samples: only to see that it runs")
    parser.add_argument("--json", action="store_true", help="print JSON with all timings instead of a table")
    options = parser.parse_args(arguments)
    samples = min(options.samples, 3) if options.smoke else options.samples
    measured = measure(options.threads, samples, options.smoke)
    print(json.dumps(measured, indent=1) if options.json else table(measured))


if __name__ == "__main__":
    main()
