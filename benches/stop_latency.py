"""How long Ctrl-C and a timeout take to stop a running map, path by path.

    python benches/stop_latency.py --json

A thread sends SIGINT to this process in the middle of a batch that would run for minutes; the time until
KeyboardInterrupt is caught is measured, and that a `timeout` is overrun. Bar: 100 ms.
"""

import argparse
import json
import os
import signal
import statistics
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial

import numpy as np

import hybrid_rs as hr

BAR_MS = 100.0
_BEFORE_S = 0.15

Call = Callable[..., object]


@dataclass(frozen=True)
class Row:
    """One way to stop one workload on one path."""

    work: str
    path: str
    how: str
    ms: list[float]


def workloads() -> dict[str, Call]:
    """Name the batches: many elements of 1 ms, a few endless ones, and Python calls."""
    many, few = np.arange(1_000_000), np.arange(64)
    python = hr.dyn(lambda v: v + sum(range(1000)), "int64")
    return {
        "busy_work, 1 ms an element": partial(hr.map, hr.kernels.busy_work, many, 200_000),
        "busy_work, endless elements": partial(hr.map, hr.kernels.busy_work, few, 2**62),
        "Python, 10 µs an element": partial(hr.map, python, many),
    }


def interrupted(call: Call, path: str) -> float:
    """Return the ms from SIGINT to KeyboardInterrupt."""
    sent: list[float] = []

    def send() -> None:
        time.sleep(_BEFORE_S)
        sent.append(time.perf_counter())
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=send)
    thread.start()
    try:
        call(path=path)
    except KeyboardInterrupt:
        return (time.perf_counter() - sent[0]) * 1e3
    finally:
        thread.join()
    raise RuntimeError("the batch ended before it was interrupted")


def timed_out(call: Call, path: str) -> float:
    """Return the ms by which a timeout is overrun."""
    start = time.perf_counter()
    try:
        call(path=path, timeout=_BEFORE_S)
    except hr.Cancelled:
        return (time.perf_counter() - start - _BEFORE_S) * 1e3
    raise RuntimeError("the batch ended before its timeout")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=5, help="interrupts a path and workload")
    parser.add_argument("--json", action="store_true", help="print JSON with all timings instead of a table")
    arguments = parser.parse_args()
    # A process started in the background of a shell ignores SIGINT.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    rows = []
    for work, call in workloads().items():
        for path in hr.PATHS:
            for how, stop in (("Ctrl-C", interrupted), ("timeout", timed_out)):
                times = [stop(call, path) for _ in range(arguments.samples)]
                rows.append(Row(work, path, how, times))
    if arguments.json:
        print(json.dumps({"bar_ms": BAR_MS, "rows": [asdict(row) for row in rows]}, indent=1))
        return
    for row in rows:
        verdict = "" if max(row.ms) < BAR_MS else "  over the bar"
        print(
            f"{row.work:<28} {row.path:<21} {row.how:<8} "
            f"median {statistics.median(row.ms):6.1f} ms  worst {max(row.ms):6.1f} ms{verdict}"
        )


if __name__ == "__main__":
    main()
