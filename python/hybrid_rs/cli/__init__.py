"""The command line: ``hybrid-rs`` and ``python -m hybrid_rs``.

Exit status: 0 done; 1 a verdict of FAIL, a kernel fault or a cancelled batch, or output that nobody reads; 2 bad usage,
bad input or too little memory; 130 Ctrl-C. Results go to stdout, everything else to stderr; with ``--json`` an error is
also a document on stdout: ``{"error": {"type": ..., "message": ...}}``.
"""

import argparse
import contextlib
import os
import sys
import traceback
from collections.abc import Sequence

import hybrid_rs as hr
from hybrid_rs import flags
from hybrid_rs.cli import accept, bench, cache, info, report, run, sweep
from hybrid_rs.cli.command import FAILED, INTERRUPTED, USAGE, Outcome, Parser, UsageError, UsageExit, to_json

_PROGRAM = "hybrid-rs"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: The words after the program's name; by default those of the process.

    Returns:
        The exit status.

    Raises:
        SystemExit: From argparse, for ``--help``, ``--version`` and usage errors.
    """
    words = sys.argv[1:] if arguments is None else list(arguments)
    try:
        options = _options(words)
    except UsageExit as end:
        if "--json" in words:
            _document("UsageError", end.message)
        raise
    try:
        return _execute(options)
    except BrokenPipeError:
        return _abandoned()
    except KeyboardInterrupt as stop:
        # No traceback, at any log level: where it stopped is chance.
        _complain(options, "interrupted", stop)
        return INTERRUPTED
    except UsageError as error:
        if error.detail:
            print(error.detail.rstrip(), file=sys.stderr)
        return _failed(options, USAGE, str(error), error)
    except hr.CompileError as error:
        return _failed(options, USAGE, str(error), error)
    except hr.KernelError as error:
        return _failed(options, FAILED, _with_cause(error), error)
    except OSError as error:
        return _failed(options, USAGE, _describe(error), error)
    except (ValueError, ImportError) as error:
        return _failed(options, USAGE, str(error), error)
    except MemoryError as error:
        return _failed(options, USAGE, f"not enough memory ({error})" if error.args else "not enough memory", error)


def _options(words: Sequence[str]) -> argparse.Namespace:
    """Parse the command line; words that a command doesn't know are refused with that command's own usage."""
    options, unknown = _parser().parse_known_args(words)
    if unknown:
        options.parser.error(f"unrecognized arguments: {' '.join(unknown)}")
    return options


def _parser() -> argparse.ArgumentParser:
    """Put the commands together."""
    parser = Parser(
        prog=_PROGRAM,
        description="Run a function of a few scalars over arrays at the speed of the whole machine.",
        epilog=f"example:\n  {_PROGRAM} run busy_work x.npy 512 --out result.npy",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"{_PROGRAM} {hr.__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND", dest="command")
    for module in (info, run, bench, sweep, accept, report, cache):
        module.add(commands)
    return parser


def _execute(options: argparse.Namespace) -> int:
    """Run the chosen command and print what it found."""
    # What a kernel's own file prints must not end up inside the document.
    with contextlib.redirect_stdout(sys.stderr) if options.json else contextlib.nullcontext():
        outcome: Outcome = options.execute(options)
    print(to_json(outcome.document) if options.json else outcome.text)
    sys.stdout.flush()
    return outcome.status


def _failed(options: argparse.Namespace, status: int, message: str, error: BaseException) -> int:
    """Say what went wrong; with the log level "debug" also where."""
    if _debugging():
        traceback.print_exception(error)
    _complain(options, message, error)
    return status


def _complain(options: argparse.Namespace, message: str, error: BaseException) -> None:
    """Write a message to stderr, unless nobody reads it any more, and to stdout where a document is expected."""
    with contextlib.suppress(BrokenPipeError):
        print(f"{_PROGRAM} {options.command}: {message}", file=sys.stderr)
    if options.json:
        # NumPy's own kind of MemoryError has a private name.
        _document("MemoryError" if isinstance(error, MemoryError) else type(error).__name__, message)


def _document(kind: str, message: str) -> None:
    """Print an error as the one document of the output."""
    try:
        print(to_json({"error": {"type": kind, "message": message}}))
        sys.stdout.flush()
    except BrokenPipeError:
        _abandoned()


def _debugging() -> bool:
    """Tell whether tracebacks were asked for. The environment may be what is wrong, so a bad flag counts as no."""
    try:
        return flags.resolve().log_level == "debug"
    except ValueError:
        return False


def _describe(error: OSError) -> str:
    """Word an operating system's error the way other messages are: the file first."""
    if error.filename is None or error.strerror is None:
        return str(error)
    return f"{os.fsdecode(error.filename)}: {error.strerror}"


def _with_cause(error: BaseException) -> str:
    """Add to a kernel's fault the place in the user's own function that raised."""
    cause = getattr(error, "cause", None) or error.__cause__
    if not isinstance(cause, BaseException):
        return str(error)
    text = str(error)
    if str(cause) not in text:
        text += f"\n  cause: {type(cause).__name__}: {cause}"
    frames = traceback.extract_tb(cause.__traceback__)
    return f"{text}\n  at {frames[-1].filename}, line {frames[-1].lineno}" if frames else text


def _abandoned() -> int:
    """Leave quietly when the reader of the output has gone (``| head``): what is still buffered can't be written."""
    sink = os.open(os.devnull, os.O_WRONLY)
    os.dup2(sink, sys.stdout.fileno())
    os.close(sink)
    return FAILED
