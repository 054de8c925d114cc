"""What the first call as machine code costs: compiled by LLVM, and found in the cache. Each time in a new process.

    python benches/first_native.py --samples 9

The milliseconds are those beyond a kernel that is ready on the VM: key, LLVM's import, its work, loading; or key, file,
loading. Results are compared with plain Python's before anything is timed.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

CHILD = """
import json, sys, time
import numpy as np
import hybrid_rs as hr

@hr.kernel
def escape(cx, cy, limit):
    zx = 0.0
    zy = 0.0
    for i in range(limit):
        x2 = zx * zx
        y2 = zy * zy
        if x2 + y2 > 4.0:
            return i
        zy = 2.0 * zx * zy + cy
        zx = x2 - y2 + cx
    return limit

x = np.linspace(-2, 1, 999)
expected = [escape.py_func(one, 0.3, 50) for one in x.tolist()]
assert escape(x, 0.3, 50, engine="vm").tolist() == expected
start = time.perf_counter()
found = escape(x, 0.3, 50, engine="native")
seconds = time.perf_counter() - start
assert found.tolist() == expected
explained = hr.explain(escape, x, 0.3, 50)
loaded = any(name.startswith("llvmlite") for name in sys.modules)
print(json.dumps({"ms": seconds * 1e3, "source": explained.source, "llvmlite": loaded}))
"""


def measure(folder: str) -> dict[str, float | str | bool]:
    """Run one process with a cache folder."""
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / "first.py"
        file.write_text(CHILD)
        environment = os.environ | {"HYBRID_RS_CACHE_DIR": folder}
        done = subprocess.run([sys.executable, str(file)], capture_output=True, text=True, env=environment, check=False)
    if done.returncode != 0:
        raise SystemExit(done.stderr)
    row: dict[str, float | str | bool] = json.loads(done.stdout)
    return row


def main() -> None:
    """Measure in turns, and print medians with the spread."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=9, help="processes of each kind")
    samples = parser.parse_args().samples
    cold: list[float] = []
    hit: list[float] = []
    for _ in range(samples):
        with tempfile.TemporaryDirectory() as folder:
            for times, source, llvmlite in ((cold, "compiled", True), (hit, "cache", False)):
                row = measure(folder)
                if (row["source"], row["llvmlite"]) != (source, llvmlite):
                    raise SystemExit(f"expected {source}, found {row}")
                times.append(float(row["ms"]))
    for name, times in (("compiled by LLVM", cold), ("found in the cache", hit)):
        print(f"{name:<20}{statistics.median(times):8.1f} ms  ({min(times):.1f} to {max(times):.1f})")


if __name__ == "__main__":
    main()
