"""``hybrid-rs bench``: every path on the same batch."""

import argparse

from hybrid_rs.cli.command import Outcome, Subparsers, add_command, add_measuring, positive


def add(commands: Subparsers) -> None:
    """Add the command."""
    parser = add_command(
        commands,
        "bench",
        "time the execution paths on busy_work, side by side",
        "hybrid-rs bench --batch 10000 50000 100000",
        _execute,
    )
    parser.add_argument(
        "--batch", type=positive, nargs="+", default=[100_000], metavar="N", help="batch sizes (default 100000)"
    )
    add_measuring(parser)


def _execute(options: argparse.Namespace) -> Outcome:
    """Compare the paths at each batch size."""
    from hybrid_rs.bench.paths import compare_paths

    comparisons = [
        compare_paths(batch=batch, iters=options.iters, threads=options.threads, samples=options.samples)
        for batch in options.batch
    ]
    document = {"comparisons": [comparison.to_dict() for comparison in comparisons]}
    return Outcome(document, "\n\n".join(map(str, comparisons)))
