"""What the commands share: their result, the error a user sees, argument types, and JSON."""

import argparse
import json
import math
from collections.abc import Callable, Mapping
from os import PathLike, fspath
from typing import Any, NamedTuple, NoReturn, Protocol

# Exit statuses. argparse itself exits with USAGE.
OK = 0
FAILED = 1
USAGE = 2
INTERRUPTED = 130


class Outcome(NamedTuple):
    """What a command found: a document for ``--json``, text for people, and the exit status."""

    document: Mapping[str, Any]
    text: str
    status: int = OK


class UsageError(Exception):
    """Something the user wrote or gave that can't be used. `detail` is shown first, on lines of its own."""

    def __init__(self, message: str, detail: str = "") -> None:
        """Keep the one-line message and the optional lines before it."""
        super().__init__(message)
        self.detail = detail


class UsageExit(SystemExit):
    """The end after a command line that can't be parsed; argparse's own one doesn't keep the message."""

    def __init__(self, message: str) -> None:
        """Keep the message, which is on stderr already."""
        super().__init__(USAGE)
        self.message = message


class Parser(argparse.ArgumentParser):
    """A parser whose errors leave with the message."""

    def error(self, message: str) -> NoReturn:
        """Print usage and message, then leave."""
        try:
            super().error(message)
        except SystemExit as end:
            raise UsageExit(message) from end


class Subparsers(Protocol):
    """The part of argparse's collection of commands that is used here (its own class is private)."""

    def add_parser(self, name: str, **options: Any) -> argparse.ArgumentParser:
        """Add a command."""


def add_command(
    commands: Subparsers, name: str, summary: str, example: str, execute: Callable[[argparse.Namespace], Outcome]
) -> argparse.ArgumentParser:
    """Add a command with ``--json``, its summary and its example, and the function that executes it."""
    parser = commands.add_parser(
        name,
        help=summary,
        description=summary[0].upper() + summary[1:] + ".",
        epilog=f"example:\n  {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument(
        "--json", action="store_true", help="print one JSON document and nothing else, an error included"
    )
    parser.set_defaults(execute=execute, parser=parser)
    return parser


def add_measuring(parser: argparse.ArgumentParser) -> None:
    """Add the options of every measuring command."""
    parser.add_argument("--iters", type=count, default=512, metavar="N", help="iterations an element (default 512)")
    parser.add_argument("--samples", type=positive, default=10, metavar="N", help="timed runs each (default 10)")
    add_threads(parser)


def add_threads(parser: argparse.ArgumentParser) -> None:
    """Add ``--threads``."""
    parser.add_argument("--threads", type=positive, metavar="N", help="worker threads (default: what info shows)")


def positive(text: str) -> int:
    """Parse a whole number of at least 1."""
    value = count(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a positive integer")
    return value


def count(text: str) -> int:
    """Parse a whole number of at least 0."""
    try:
        value = int(text)
    except ValueError:
        value = -1
    if value < 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 0")
    return value


def above_zero(text: str) -> float:
    """Parse a finite number above 0."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")
    return value


def counted(number: int, noun: str) -> str:
    """Write a number and what it counts: "1 thread", "2 threads"."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def to_json(document: Mapping[str, Any]) -> str:
    """Write a document as JSON that every reader takes: NumPy scalars as numbers, paths as text, nan, inf as null."""
    return json.dumps(_plain(document), indent=2, allow_nan=False, ensure_ascii=False)


def _plain(value: Any) -> Any:
    """Replace what JSON doesn't have."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(item) for item in value]
    if isinstance(value, PathLike):
        return fspath(value)
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value
