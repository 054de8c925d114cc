"""Passes: pure functions that make a function of the IR smaller without changing what it computes or how it faults."""

from __future__ import annotations

from hybrid_rs.errors import CompileError
from hybrid_rs.ir.nodes import Function
from hybrid_rs.ir.verify import verify
from hybrid_rs.passes.cse import eliminate
from hybrid_rs.passes.dead import prune
from hybrid_rs.passes.fold import fold

__all__ = ["ORDER", "run"]

ORDER = (fold, eliminate, prune)


def run(function: Function) -> Function:
    """Run all passes, with the verifier before the first and after each.

    Raises:
        CompileError: The function nests deeper than Python's recursion limit allows.
        VerifyError: A mistake in hybrid_rs.
    """
    try:
        verify(function)
        for one in ORDER:
            function = one(function)
            verify(function)
    except RecursionError:
        raise CompileError(f"{function.name} nests too deeply; split it into helpers with fewer levels") from None
    return function
