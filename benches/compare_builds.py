"""What metrics cost (report row S15), from two builds: one with and one without the cargo feature ``hybrid-lite``.

    python benches/compare_builds.py --out record.json

Both are built in release into a temporary folder, then timed in turns, each turn a process of its own: what one build
leaves in caches and allocators can't help or harm the other, and drift of the machine hits both. Needs maturin and pip.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Sequence
from pathlib import Path

from hybrid_rs.bench import stats
from hybrid_rs.bench.lite import BAR_PERCENT, DEFAULT_PATHS
from hybrid_rs.bench.table import duration, percent, render
from hybrid_rs.interop.atomic import check_target, replacing

ROOT = Path(__file__).resolve().parents[1]
BUILDS = {"full": (), "lite": ("hybrid-lite",)}
# Run by the interpreter of each turn, which finds one build or the other on its path.
TURN = """
import json, sys
import hybrid_rs as hr
from hybrid_rs.bench.timing import interleave
from hybrid_rs.bench.workload import Workload
batch, iters, threads, samples, lite, *paths = json.loads(sys.argv[1])
if hr.features()["hybrid-lite"] is not lite:
    sys.exit("the wrong build was imported: " + hr.__file__)
work = Workload(batch, iters)
with hr.Runtime(threads=threads) as rt:
    # The same chunks in both builds: policies learn from what they measured, and may choose differently.
    sizes = {path: hr.policy.v2(batch) if path.endswith("_chunked") else None for path in paths}
    timed = interleave({path: work.checked(rt, path, sizes[path]) for path in paths}, samples)
print(json.dumps({path: sample.median for path, sample in timed.items()}))
"""


def build(features: Sequence[str], folder: Path) -> Path:
    """Build the package with its usual cargo features and ``features``, and return the folder to import it from."""
    # Features on the command line replace those of pyproject.toml, so they are named again.
    usual = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["maturin"]["features"]
    wheels = folder / "wheels"
    command = [sys.executable, "-m", "maturin", "build", "--release", "--out", str(wheels), "--quiet"]
    command += ["--interpreter", sys.executable, "--features", ",".join([*usual, *features])]
    target = {"CARGO_TARGET_DIR": str(folder / "target")}
    subprocess.run(command, cwd=ROOT, env={**os.environ, **target}, check=True)
    (wheel,) = wheels.glob("*.whl")
    site = folder / "site"
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(site), str(wheel)]
    subprocess.run(install, check=True)
    return site


def take_turn(site: Path, arguments: Sequence[object]) -> dict[str, float]:
    """Time all paths once in a new process and return their medians in seconds."""
    # The build's folder comes first on the path, so it wins over a package installed for development.
    command = [sys.executable, "-c", TURN, json.dumps(arguments)]
    done = subprocess.run(
        command, env={**os.environ, "PYTHONPATH": str(site)}, cwd=site, check=True, stdout=subprocess.PIPE, text=True
    )
    medians: dict[str, float] = json.loads(done.stdout)
    return medians


def compare(turns: dict[str, list[dict[str, float]]]) -> dict[str, dict[str, object]]:
    """Return the cost of metrics per path, in percent with the interval of its median, from pairs of turns."""
    compared: dict[str, dict[str, object]] = {}
    for path in turns["full"][0]:
        full, lite = ([turn[path] for turn in turns[name]] for name in ("full", "lite"))
        ratio, interval = stats.paired_ratio(full, lite)
        compared[path] = {
            "percent": (ratio - 1.0) * 100.0,
            "interval": interval.scaled(100.0, -100.0).to_dict(),
            "full_s": stats.median(full),
            "lite_s": stats.median(lite),
            "full_seconds": full,
            "lite_seconds": lite,
        }
    return compared


def table(compared: dict[str, dict[str, object]]) -> str:
    """Return the comparison as text."""
    rows = []
    for path, row in compared.items():
        interval = row["interval"]
        assert isinstance(interval, dict)
        rows.append(
            (
                path,
                duration(float(str(row["full_s"]))),
                duration(float(str(row["lite_s"]))),
                percent(float(str(row["percent"]))),
                f"{percent(interval['low'])} to {percent(interval['high'])}",
                "yes" if interval["high"] < BAR_PERCENT else "not shown",
            )
        )
    header = ("path", "with metrics", "lite build", "cost", "95 % interval", f"under {BAR_PERCENT:g} %")
    return render(header, rows)


def main(arguments: Sequence[str] | None = None) -> None:
    """Build, time in turns, print a table, and write the JSON where asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch", type=int, default=100_000, help="elements")
    parser.add_argument("--iters", type=int, default=512, help="iterations an element")
    parser.add_argument("--threads", type=int, default=None, help="worker threads (default: the Runtime's choice)")
    parser.add_argument("--samples", type=int, default=11, help="timings a path in each turn")
    parser.add_argument("--turns", type=int, default=10, help="processes for each build")
    parser.add_argument("--out", type=Path, default=None, help="JSON file to write")
    options = parser.parse_args(arguments)
    if options.out is not None:
        check_target(options.out)
    turns: dict[str, list[dict[str, float]]] = {name: [] for name in BUILDS}
    with tempfile.TemporaryDirectory(prefix="hybrid_rs-builds-") as scratch:
        sites = {name: build(features, Path(scratch) / name) for name, features in BUILDS.items()}
        for number in range(options.turns):
            for name in list(BUILDS)[:: -1 if number % 2 else 1]:
                asked = (options.batch, options.iters, options.threads, options.samples, name == "lite")
                turns[name].append(take_turn(sites[name], [*asked, *DEFAULT_PATHS]))
    compared = compare(turns)
    print(table(compared))
    if options.out is not None:
        settings = {key: value for key, value in vars(options).items() if key != "out"}
        with replacing(options.out) as stream:
            stream.write(json.dumps({"settings": settings, "paths": compared}, indent=1).encode() + b"\n")


if __name__ == "__main__":
    main()
