"""Tracebacks that show the user's call and the error, not the inside of the package."""

from __future__ import annotations

from typing import Final

from hybrid_rs import flags
from hybrid_rs.errors import KernelError

__all__ = ["ERRORS", "is_ours"]

ERRORS: Final = (KernelError, OverflowError, TypeError, ValueError)
"""What calls raise about their kernel and their arguments."""

_PACKAGE = __name__.partition(".")[0]


def is_ours(error: Exception) -> bool:
    """Return whether the frames that an error came through are of no use to the user.

    So they are for what a kernel's source, its elements and wrong arguments raise; not for what is raised in a callback
    or another package's array, and not with HYBRID_RS_LOG_LEVEL=debug. Where the user's call came in such an error is
    raised again, ``raise error.with_traceback(None) from error.__cause__``: its cause stays whole.
    """
    if not isinstance(error, KernelError):
        place = error.__traceback__
        while place is not None and place.tb_next is not None:
            place = place.tb_next
        if place is None or str(place.tb_frame.f_globals.get("__name__")).partition(".")[0] != _PACKAGE:
            return False
    try:
        return flags.resolve().log_level != "debug"
    except ValueError:  # told of when a Runtime is made
        return True
