"""``hybrid-rs sweep``: one path with one chunk size after the other."""

import argparse

import numpy as np

import hybrid_rs as hr
from hybrid_rs.cli.command import Outcome, Subparsers, add_command, add_measuring, positive


def add(commands: Subparsers) -> None:
    """Add the command."""
    parser = add_command(
        commands,
        "sweep",
        "time busy_work with different chunk sizes and grade them",
        "hybrid-rs sweep --batch 50000 100000 --sizes 500 1000 2000 4000",
        _execute,
    )
    parser.add_argument(
        "--batch",
        type=positive,
        nargs="+",
        default=[50_000, 100_000],
        metavar="N",
        help="batch sizes (default 50000 100000)",
    )
    parser.add_argument(
        "--sizes", type=positive, nargs="+", metavar="N", help="chunk sizes in elements (default 500 to 2000 by 250)"
    )
    parser.add_argument(
        "--path",
        choices=[path for path in hr.PATHS if path.endswith("_chunked")],
        default="hybrid_fnptr_chunked",
        metavar="PATH",
        help="a chunked path (default hybrid_fnptr_chunked)",
    )
    add_measuring(parser)


def _execute(options: argparse.Namespace) -> Outcome:
    """Sweep at each batch size."""
    from hybrid_rs.bench.sweep import DEFAULT_SIZES, sweep

    sweeps = [
        sweep(
            hr.kernels.busy_work,
            np.arange(batch, dtype=np.uint64),
            options.iters,
            sizes=options.sizes or DEFAULT_SIZES,
            path=options.path,
            threads=options.threads,
            samples=options.samples,
        )
        for batch in options.batch
    ]
    return Outcome({"sweeps": [result.to_dict() for result in sweeps]}, "\n\n".join(map(str, sweeps)))
