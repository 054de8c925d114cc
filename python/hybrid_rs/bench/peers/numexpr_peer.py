"""What one writes with numexpr: whole-array expressions, where the work is one."""

from collections.abc import Callable
from typing import Any

import numexpr
from numpy.typing import NDArray

from hybrid_rs.bench.peers.work import Arguments
from hybrid_rs.bench.timing import Call

NAME = "numexpr"
VERSION = numexpr.__version__


def prepare(threads: int) -> Callable[[str, Arguments, NDArray[Any]], Call | None]:
    """Set the number of threads; return what makes a call that fills `out` with a work's result, or gives None."""
    numexpr.set_num_threads(threads)

    def ready(work: str, arguments: Arguments, out: NDArray[Any]) -> Call | None:
        if work != "axpy":
            return None
        x, y = arguments
        return lambda: numexpr.evaluate("2.5*x+y", local_dict={"x": x, "y": y}, out=out)

    return ready
