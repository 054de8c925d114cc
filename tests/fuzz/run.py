"""Fuzzing at length, over processes, resumable, with a record.

    python -m tests.fuzz.run --programs 100000 --seed 1 --jobs 2 --record fuzz.json

Every program is one seed; the first line tells where the seeds begin. A mismatch prints the smallest program found that
still shows it, as a module for ``tests/fuzz/regressions``; the exit status is 1. A record that exists is continued: its
seeds aren't run again.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

import hybrid_rs as hr

from . import check as checking
from .check import MismatchError, Tally, check
from .generate import generate
from .shrink import script, shrink

# Seeds that a process takes at a time.
BLOCK = 50
# A program that takes longer than this is one that hangs.
HANGS_S = 120.0


def block(first: int, count: int, mark: str | None = None) -> tuple[Tally, list[dict[str, Any]]]:
    """Run the programs of some seeds; return what was compared, and the mismatches with their smallest programs."""
    import faulthandler

    tally, found = Tally(), []
    for seed in range(first, first + count):
        if mark is not None:
            # A crash leaves the seed behind.
            Path(mark).joinpath(str(os.getpid())).write_text(str(seed), encoding="ascii")
            faulthandler.dump_traceback_later(HANGS_S, exit=True)
        program = generate(seed)
        try:
            tally.add(check(program))
        except MismatchError as error:
            smaller = shrink(program, error)
            found.append({"seed": seed, "kind": error.kind, "text": str(error), "case": script(smaller, str(error))})
        except Exception as error:  # noqa: BLE001 - whatever else is raised is a finding, too
            text = f"{type(error).__name__}: {error}"
            found.append({"seed": seed, "kind": type(error).__name__, "text": text, "case": script(program, text)})
        finally:
            if mark is not None:
                faulthandler.cancel_dump_traceback_later()
    return tally, found


def machine() -> dict[str, Any]:
    """Describe where this ran."""
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty"],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parent,
    )
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "commit": commit.stdout.strip() or "unknown",
        "machine": f"{platform.machine()}, {os.cpu_count()} processors",
        "versions": f"hybrid_rs {hr.__version__}, Python {platform.python_version()}, NumPy {np.__version__}",
    }


class Record:
    """The record's file: counts over all sittings, and the next seed."""

    def __init__(self, path: Path | None, seed: int) -> None:
        """Read what an earlier sitting left."""
        self.path = path
        self.tally, self.seconds, self.found = Tally(), 0.0, list[dict[str, Any]]()
        self.first = self.following = seed
        if path is not None and path.exists():
            held = json.loads(path.read_text(encoding="utf-8"))
            self.tally = Tally(**held["compared"])
            self.seconds, self.found = held["seconds"], held["mismatches"]
            self.first, self.following = held["first_seed"], held["next_seed"]

    def save(self) -> None:
        """Write it."""
        if self.path is None:
            return
        document = {
            **machine(),
            "first_seed": self.first,
            "next_seed": self.following,
            "compared": asdict(self.tally),
            "seconds": round(self.seconds, 1),
            "mismatches": self.found,
        }
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def set_share(share: float) -> None:
    """Say how many of this process's programs are compiled to machine code."""
    checking.compiled_share = share


def fuzz(programs: int, seconds: float, jobs: int, share: float, record: Record, scratch: Path) -> None:
    """Run blocks of seeds in `jobs` processes until the programs or the seconds are used up."""
    begun, base = time.monotonic(), record.seconds
    last = record.following + programs
    pending: dict[Future[Any], tuple[int, int]] = {}
    with ProcessPoolExecutor(jobs, initializer=set_share, initargs=(share,)) as pool:
        handed = record.following
        while True:
            while len(pending) < 2 * jobs and handed < last and time.monotonic() - begun < seconds:
                count = min(BLOCK, last - handed)
                pending[pool.submit(block, handed, count, str(scratch))] = (handed, count)
                handed += count
            if not pending:
                break
            done, _ = wait(pending, return_when=FIRST_COMPLETED)
            for future in done:
                pending.pop(future)
                tally, found = future.result()
                record.tally.add(tally)
                record.found += found
                for one in found:
                    print(f"MISMATCH seed {one['seed']}: {one['text']}\n{one['case']}", flush=True)
            # Seeds below this are done; what runs beside it may be run again after a break.
            record.following = min((first for first, _ in pending.values()), default=handed)
            record.seconds = base + time.monotonic() - begun
            record.save()
            print(f"{status(record)}", file=sys.stderr, flush=True)


def status(record: Record) -> str:
    """Say how far it is."""
    tally = record.tally
    rate = tally.programs / record.seconds if record.seconds else 0.0
    return (
        f"next seed {record.following}: {tally.programs:,} programs ({tally.plain:,} with plain Python, "
        f"{tally.native:,} as machine code), {tally.elements:,} elements, {tally.faulty:,} programs with faults, "
        f"{len(record.found)} mismatches, {rate:.1f} programs/s"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Fuzz; the status is 1 after a mismatch or a crash."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--programs", type=int, default=1000, help="how many programs, one a seed")
    parser.add_argument("--seed", type=int, default=None, help="the first seed (default: drawn)")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="begin nothing new after this long")
    parser.add_argument("--record", type=Path, default=None, help="JSON to write, and to continue where it exists")
    parser.add_argument(
        "--compiled", type=float, default=checking.compiled_share, help="the share of programs run as machine code, too"
    )
    options = parser.parse_args(arguments)
    seed = int.from_bytes(os.urandom(4), "little") if options.seed is None else options.seed
    record = Record(options.record, seed)
    print(f"seed {record.following}", flush=True)
    import tempfile

    with tempfile.TemporaryDirectory(prefix="hybrid_rs-fuzz-") as scratch, tempfile.TemporaryDirectory() as cache:
        os.environ["HYBRID_RS_CACHE_DIR"] = cache  # code of random programs is worth nothing later
        try:
            fuzz(options.programs, options.seconds, options.jobs, options.compiled, record, Path(scratch))
        except BrokenProcessPool:
            seeds = sorted(int(file.read_text(encoding="ascii")) for file in Path(scratch).iterdir())
            print(f"CRASH or hang: a process died; the programs that ran: {seeds}", flush=True)
            return 1
    print(status(record))
    return 1 if record.found else 0


if __name__ == "__main__":
    sys.exit(main())
