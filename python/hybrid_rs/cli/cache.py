"""``hybrid-rs cache``: machine code that is kept between runs."""

import argparse

from hybrid_rs.cli.command import Outcome, Subparsers, UsageError, add_command, counted
from hybrid_rs.targets import cache

_MIB = 1 << 20


def add(commands: Subparsers) -> None:
    """Add the command."""
    parser = add_command(
        commands,
        "cache",
        "show where machine code is kept between runs and how much there is, or remove it",
        "hybrid-rs cache info",
        _execute,
    )
    parser.add_argument("action", choices=("info", "clear"), help="what to do")


def _execute(options: argparse.Namespace) -> Outcome:
    """Show what is kept, or remove it and tell what that was."""
    if options.action == "info":
        found = cache.state()
    else:
        try:
            found = cache.clear()
        except cache.RefusedError as why:
            raise UsageError(str(why)) from None
    document = {
        "folder": found.folder,
        "files": found.files,
        "bytes": found.bytes,
        "limit": cache.LIMIT,
        "refused": found.refused,
        "cleared": options.action == "clear",
    }
    return Outcome(document, _text(found, cleared=options.action == "clear"))


def _text(found: cache.State, *, cleared: bool) -> str:
    size = f"{counted(found.files, 'file')}, {found.bytes / _MIB:.1f} MiB"
    if cleared:
        return f"removed {size} from {found.folder}"
    lines = [f"folder  {found.folder}", f"code    {size} of at most {cache.LIMIT // _MIB} MiB"]
    if found.refused is not None:
        lines.append(f"NOT USED: {found.refused}")
    return "\n".join(lines)
