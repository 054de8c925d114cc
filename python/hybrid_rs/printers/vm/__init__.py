"""Prints a kernel as bytecode of the block VM; `docs/design/007-block-vm.md` explains the VM."""

from __future__ import annotations

from collections.abc import Mapping

from hybrid_rs.ir.tree import Tree
from hybrid_rs.printers.vm.branches import Printer
from hybrid_rs.printers.vm.code import Code, Program

__all__ = ["Program", "emit"]


def emit(tree: Tree, numbers: Mapping[str, int], *, steps: bool) -> Program:
    """Print a function.

    Args:
        tree: The function's tree with its liveness and uniformity.
        numbers: The ops' numbers by their names, from the core.
        steps: Whether back edges are counted and bounded by the call's `max_steps`.

    Raises:
        KernelError: The program needs more registers than the VM has.
    """
    code = Code(numbers)
    printer = Printer(tree, code, steps=steps)
    printer.start()
    printer.body(tree.body, own=True)
    printer.finish()
    return code.program(printer.loop_place, printer.epilogue)
