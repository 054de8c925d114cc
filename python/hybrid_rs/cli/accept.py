"""``hybrid-rs accept``: the verdict, path by path."""

import argparse

from hybrid_rs.cli.command import FAILED, OK, Outcome, Subparsers, above_zero, add_command, add_measuring, positive


def add(commands: Subparsers) -> None:
    """Add the command."""
    parser = add_command(
        commands,
        "accept",
        "judge each path against a multiple of runtime_seq; exit status 1 means FAIL",
        "hybrid-rs accept --batch 100000 --iters 512 --target 2",
        _execute,
    )
    parser.add_argument("--batch", type=positive, default=100_000, metavar="N", help="batch size (default 100000)")
    parser.add_argument(
        "--target", type=above_zero, default=2.0, metavar="X", help="required multiple of runtime_seq (default 2)"
    )
    add_measuring(parser)


def _execute(options: argparse.Namespace) -> Outcome:
    """Measure and judge."""
    from hybrid_rs.bench.accept import accept

    verdict = accept(
        batch=options.batch,
        iters=options.iters,
        target=options.target,
        threads=options.threads,
        samples=options.samples,
    )
    return Outcome(verdict.to_dict(), str(verdict), OK if verdict.passed else FAILED)
