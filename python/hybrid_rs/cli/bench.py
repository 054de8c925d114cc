"""``hybrid-rs bench``: every path on the same batch, or kernels beside other packages' on the same work."""

import argparse
import sys
from pathlib import Path

from hybrid_rs.cli.command import Outcome, Subparsers, UsageError, add_command, add_measuring, positive


def add(commands: Subparsers) -> None:
    """Add the command."""
    parser = add_command(
        commands,
        "bench",
        "time the execution paths on busy_work, or kernels beside other packages, side by side",
        "hybrid-rs bench --batch 10000 50000 100000\n  hybrid-rs bench --peers numba c --picture peers.svg",
        _execute,
    )
    parser.add_argument(
        "--batch", type=positive, nargs="+", default=[100_000], metavar="N", help="batch sizes (default 100000)"
    )
    add_measuring(parser)
    parser.add_argument(
        "--peers",
        nargs="*",
        metavar="NAME",
        help="instead: common work beside numba, c (gcc), jax, numexpr, taichi, warp; no names: all that are installed",
    )
    parser.add_argument(
        "--works", nargs="+", default=[], metavar="WORK", help="with --peers: this work alone (default: all)"
    )
    parser.add_argument("--picture", metavar="FILE", help="with --peers: draw the comparison as SVG")


def _execute(options: argparse.Namespace) -> Outcome:
    """Compare the paths at each batch size, or the peers."""
    if options.peers is not None:
        return _peers(options)
    if options.picture is not None or options.works:
        raise UsageError("--picture and --works belong to --peers")
    from hybrid_rs.bench.paths import compare_paths

    comparisons = [
        compare_paths(batch=batch, iters=options.iters, threads=options.threads, samples=options.samples)
        for batch in options.batch
    ]
    document = {"comparisons": [comparison.to_dict() for comparison in comparisons]}
    return Outcome(document, "\n\n".join(map(str, comparisons)))


def _peers(options: argparse.Namespace) -> Outcome:
    """Compare with the peers. Where the picture goes is checked before the minutes go by."""
    from hybrid_rs.bench.peers.compare import PEERS, compare
    from hybrid_rs.interop import atomic

    if options.picture is not None:
        from hybrid_rs.report import canvas

        canvas.require_matplotlib()
        try:
            atomic.check_target(options.picture)
        except OSError as error:
            raise UsageError(f"--picture: {error}") from error
    for peer in options.peers:
        if peer not in PEERS:
            raise UsageError(f"--peers: no peer {peer!r}; there are {', '.join(PEERS)}")
    print("measuring, some minutes a peer ...", file=sys.stderr, flush=True)
    try:
        compared = compare(options.peers or PEERS, options.works, options.threads, options.samples)
    except ValueError as error:
        raise UsageError(f"--{error}") from error
    text = str(compared)
    if options.picture is not None:
        from hybrid_rs.report.peers import picture

        try:
            drawn = picture(compared)
        except ValueError as error:
            raise UsageError(f"--picture: {error}", detail=text) from error
        with atomic.replacing(Path(options.picture)) as stream:
            stream.write(drawn)
        text += f"\n\npicture: {options.picture}"
    return Outcome(compared.to_dict(), text)
