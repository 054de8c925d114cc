"""Prints a kernel as LLVM IR; `docs/design/008-native-code.md` says how it is called."""

from __future__ import annotations

from typing import Final

from hybrid_rs.ir import walk
from hybrid_rs.ir.nodes import Expr, Function, Op
from hybrid_rs.ir.ops import main_type
from hybrid_rs.ir.tree import Tree
from hybrid_rs.printers.llvm.block import BlockFunction
from hybrid_rs.printers.llvm.code import METADATA, Module
from hybrid_rs.printers.llvm.refill import RefillFunction
from hybrid_rs.printers.llvm.rows import FAULTING, ROWS
from hybrid_rs.printers.llvm.shape import Shape

__all__ = ["Shape", "emit", "supported"]

ATTRIBUTES: Final = ("", " cold noinline", " noinline")
"""Attributes of kernels, of cold helpers and of others. What needs no library: no checks of the stack's size."""


def emit(tree: Tree, shape: Shape, *, steps: bool, refill: Tree | None = None, stream: bool = False) -> str:
    """Print a function.

    Args:
        tree: The function's tree with its liveness and uniformity, without a refill loop: it becomes `block`.
        shape: The lanes.
        steps: Whether back edges are counted and bounded by the call's `max_steps`.
        refill: A tree of the same function with a refill loop, which becomes `refill`; None for none.
        stream: Whether to print `stream` too, if the function has no loop.
    """
    module = Module(shape)
    functions = [BlockFunction(tree, module, steps=steps).function()]
    if refill is not None and refill.refill is not None:
        functions.append(RefillFunction(refill, module, steps=steps).function())
    if stream and not tree.loops:
        functions.append(BlockFunction(tree, module, steps=steps, stream=True).function())
    attributes = [
        f'attributes #{number} = {{ nounwind "no-stack-arg-probe"{more} {shape.attributes} }}'
        for number, more in enumerate(ATTRIBUTES)
    ]
    return "\n".join([*module.declared.values(), *module.helpers.values(), *functions, *attributes, *METADATA, ""])


def supported(function: Function, *, fma: bool) -> bool:
    """Whether all ops of a function have rows that a machine with or without fused multiply-add can run."""
    return all(_has_rows(expr, fma) for stmt in walk.statements(function.body) for expr in walk.expressions(stmt))


def _has_rows(expr: Expr, fma: bool) -> bool:
    if isinstance(expr, Op):
        key = (expr.op, main_type(expr).kind)
        if (key not in ROWS and key not in FAULTING) or (expr.op == "fma" and not fma):
            return False
    return all(_has_rows(operand, fma) for operand in walk.operands(expr))
