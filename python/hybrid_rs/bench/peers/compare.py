"""Runs our kernels beside a peer's in interleaved rounds, and gathers all peers.

Each peer has a process of its own: their thread pools would be in each other's way, and an absent one is just left out.
"""

import importlib
import json
import math
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

import hybrid_rs as hr
from hybrid_rs.bench import stats
from hybrid_rs.bench.peers.work import WORKS, Work, named
from hybrid_rs.bench.table import UNKNOWN, duration, render
from hybrid_rs.bench.timing import LEAST_FOR_SPREAD, Call, affordable, clock, interleave, pairs

__all__ = ["PEERS", "Comparison", "compare", "one_peer"]

PEERS = ("numba", "c", "jax", "numexpr", "taichi", "warp")
"""The peers, by the names of their modules."""
OURS = "hybrid_rs"


@dataclass(frozen=True, slots=True)
class Comparison:
    """What was found: for each peer its version and rows, or why there are none."""

    threads: int
    found: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """Return everything with all raw timings, ready for JSON."""
        return {"threads": self.threads, "peers": self.found}

    def ratios(self, peer: str) -> dict[str, float]:
        """Return a peer's times over ours, by work; without those whose results differ."""
        rows = self.found[peer].get("rows", {})
        return {work: row["ratio"] for work, row in rows.items() if not row["different"]}

    def __str__(self) -> str:
        """Give a table of all work: our time, and each peer's time over ours."""
        names = [peer for peer in self.found if "rows" in self.found[peer]]
        header = ["work", "ours", *(self.found[peer]["name"] for peer in names)]
        rows = []
        for work in WORKS:
            cells = [work.name, UNKNOWN]
            for peer in names:
                row = self.found[peer]["rows"].get(work.name)
                if row is not None and cells[1] == UNKNOWN:
                    cells[1] = duration(row["ours"]["median_s"])
                cells.append(_cell(row))
            rows.append(cells)
        lines = [f"Peers' times over ours, {self.threads} threads (more than 1: ours is faster)", render(header, rows)]
        for peer in names:
            ratios = list(self.ratios(peer).values())
            if ratios:
                mean = math.exp(sum(map(math.log, ratios)) / len(ratios))
                name = f"{self.found[peer]['name']} {self.found[peer]['version']}"
                lines.append(f"{name}: geometric mean {mean:.2f}x over {len(ratios)} works, least {min(ratios):.2f}x")
        lines += [f"{peer}: not measured: {one['absent']}" for peer, one in self.found.items() if "absent" in one]
        return "\n".join(lines)


def _cell(row: dict[str, Any] | None) -> str:
    if row is None:
        return UNKNOWN
    if row["different"]:
        return f"differs in {row['different']}"
    span = row["interval"]
    return f"{row['ratio']:.2f}" + (f" ({span['low']:.2f}-{span['high']:.2f})" if span else "")


def compare(
    peers: Sequence[str] = PEERS,
    works: Sequence[str] = (),
    threads: int | None = None,
    samples: int = 15,
    *,
    small: bool = False,
) -> Comparison:
    """Run each peer in a process of its own; those that can't be imported are told with the reason.

    Args:
        peers: Names from `PEERS`.
        works: Names of work; none: all.
        threads: For ours and theirs; None: the Runtime's choice.
        samples: Rounds for fast work; slow work gets half.
        small: Some hundred elements, to see that it runs.

    Raises:
        ValueError: For a name that is none.
    """
    for peer in peers:
        if peer not in PEERS:
            raise ValueError(f"peers: no peer {peer!r}; there are {', '.join(PEERS)}")
    for work in works:
        if work not in (one.name for one in WORKS):
            raise ValueError(f"works: no work {work!r}; there is {', '.join(one.name for one in WORKS)}")
    with hr.Runtime(threads=threads) as rt:
        count = rt.threads
    request = {"works": list(works), "threads": count, "samples": samples, "small": small}
    return Comparison(count, {peer: _child(peer, request) for peer in peers})


def _child(peer: str, request: dict[str, Any]) -> dict[str, Any]:
    command = [sys.executable, "-m", "hybrid_rs.bench.peers.compare", peer, json.dumps(request)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - this interpreter
    try:
        last = done.stdout.strip().rpartition("\n")[2]
        found = json.loads(last)
    except json.JSONDecodeError:
        found = {"absent": (done.stderr.strip().rpartition("\n")[2] or f"exit status {done.returncode}")}
    return dict(found)


def one_peer(peer: str, works: Sequence[str], threads: int, samples: int, *, small: bool) -> dict[str, Any]:
    """Measure one peer in this process: its rows, or `absent` with the reason."""
    try:
        module = importlib.import_module(f"hybrid_rs.bench.peers.{peer}_peer")
    except ImportError as error:
        return {"absent": str(error)}
    ready = module.prepare(threads)
    rows = {}
    with hr.Runtime(threads=threads) as rt:
        for work in [named(name) for name in works] or WORKS:
            arguments = work.arguments(small)
            out = work.result(arguments)
            call = ready(work.name, arguments, out)
            if call is not None:
                rows[work.name] = _row(work, rt, arguments, call, out, samples)
    return {"name": module.NAME, "version": str(module.VERSION), "rows": rows}


def _row(
    work: Work, rt: hr.Runtime, arguments: tuple[Any, ...], call: Call, out: NDArray[Any], samples: int
) -> dict[str, Any]:
    mine = work.result(arguments)
    calls: dict[str, Call] = {OURS: lambda: rt.map(work.kernel, *arguments, out=mine), "peer": call}
    for one in calls.values():
        one()
    differences = different(mine, out, work.tolerance)
    slowest = max(clock(one) for one in calls.values())
    timed = interleave(calls, affordable(slowest, samples), apart=True)
    theirs, ours = pairs(timed["peer"], timed[OURS])
    ratio, interval = timed["peer"].median / timed[OURS].median, None
    if len(ours) >= LEAST_FOR_SPREAD:
        ratio, span = stats.paired_ratio(theirs, ours)
        interval = span.to_dict()
    return {
        "elements": mine.size,
        "ours": timed[OURS].to_dict(),
        "peer": timed["peer"].to_dict(),
        "ratio": ratio,
        "interval": interval,
        "different": differences,
    }


def different(ours: NDArray[Any], theirs: NDArray[Any], tolerance: float) -> int:
    """Count the elements that differ by more than a share `tolerance` of their value, or of 1 where they are small."""
    if tolerance == 0.0:
        return int(np.count_nonzero(~((ours == theirs) | ((ours != ours) & (theirs != theirs)))))  # noqa: PLR0124
    return int(np.count_nonzero(~np.isclose(ours, theirs, rtol=tolerance, atol=tolerance, equal_nan=True)))


if __name__ == "__main__":
    print(json.dumps(one_peer(sys.argv[1], **json.loads(sys.argv[2]))))
