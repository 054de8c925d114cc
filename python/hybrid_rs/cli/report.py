"""``hybrid-rs report``: everything measured, as Markdown with pictures."""

import argparse
import sys
from pathlib import Path

from hybrid_rs.cli.command import Outcome, Subparsers, add_command, add_threads


def add(commands: Subparsers) -> None:
    """Add the command."""
    parser = add_command(
        commands,
        "report",
        "measure everything and write it as Markdown with plots (accept is the command whose status is the verdict)",
        "hybrid-rs report --out report --quick",
        _execute,
    )
    parser.add_argument("--out", required=True, metavar="DIR", help="folder to write to, made where it is missing")
    parser.add_argument(
        "--quick", action="store_true", help="fewer samples and sizes: under a minute instead of several"
    )
    add_threads(parser)


def _execute(options: argparse.Namespace) -> Outcome:
    """Measure, write, and show the table that the verdict rests on. The folder is checked before the minutes go by."""
    # Not at the top: plots are an extra, and the other commands don't need to import it all.
    from hybrid_rs import report
    from hybrid_rs.report import canvas, files

    canvas.require_matplotlib()
    folder = files.make_directory(Path(options.out))
    files.require_writable(folder)
    study = report.measure(report.QUICK if options.quick else report.FULL, options.threads, _note)
    written = report.save(study, folder)
    verdict = study.acceptance
    document = {"report": written, "pass": verdict.passed, "acceptance": verdict.to_dict()}
    return Outcome(document, f"{verdict}\n\nreport: {written}")


def _note(step: str) -> None:
    """Tell a waiting person what is being measured."""
    print(f"{step} ...", file=sys.stderr, flush=True)
