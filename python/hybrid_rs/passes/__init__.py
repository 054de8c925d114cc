"""Passes: pure functions that make a function of the IR smaller without changing what it computes or how it faults."""

from __future__ import annotations

from hybrid_rs.errors import CompileError
from hybrid_rs.ir.nodes import Function
from hybrid_rs.ir.verify import verify
from hybrid_rs.passes.cse import eliminate
from hybrid_rs.passes.dead import prune
from hybrid_rs.passes.fold import fold
from hybrid_rs.passes.hoist import hoist
from hybrid_rs.passes.narrow import narrow, narrow_counting

__all__ = ["COUNTING", "ORDER", "SMALLER", "run"]

SMALLER = (fold, eliminate, prune)
"""The passes that take something away."""
ORDER = (*SMALLER, hoist, narrow)
COUNTING = (*SMALLER, hoist, narrow_counting)
"""The passes that keep the number of steps of each element."""


def run(function: Function, *, steps: bool = False) -> Function:
    """Run all passes, with the verifier before the first and after each.

    Args:
        function: What the frontend made.
        steps: Whether steps are counted, for calls with `max_steps`: then each element keeps their number.

    Raises:
        CompileError: The function nests deeper than Python's recursion limit allows.
        VerifyError: A mistake in hybrid_rs.
    """
    try:
        verify(function)
        for one in COUNTING if steps else ORDER:
            function = one(function)
            verify(function)
    except RecursionError:
        raise CompileError(f"{function.name} nests too deeply; split it into helpers with fewer levels") from None
    return function
