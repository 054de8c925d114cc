"""Prints a kernel as LLVM IR; `docs/design/008-native-code.md` says how it is called."""

from __future__ import annotations

from hybrid_rs.ir import walk
from hybrid_rs.ir.nodes import Expr, Function, Op
from hybrid_rs.ir.ops import main_type
from hybrid_rs.ir.tree import Tree
from hybrid_rs.printers.llvm.block import BlockFunction
from hybrid_rs.printers.llvm.code import METADATA, Module
from hybrid_rs.printers.llvm.refill import RefillFunction
from hybrid_rs.printers.llvm.rows import FAULTING, NEEDS, ROWS
from hybrid_rs.printers.llvm.shape import Shape

__all__ = ["Shape", "emit", "supported"]

ATTRIBUTES = (
    "attributes #0 = { nounwind }",
    "attributes #1 = { nounwind cold noinline }",
    "attributes #2 = { nounwind noinline }",
)


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
    return "\n".join([*module.declared.values(), *module.helpers.values(), *functions, *ATTRIBUTES, *METADATA, ""])


def supported(function: Function, shape: Shape) -> bool:
    """Whether all ops of a function have rows that machines of a shape can run."""
    return all(_has_rows(expr, shape) for stmt in walk.statements(function.body) for expr in walk.expressions(stmt))


def _has_rows(expr: Expr, shape: Shape) -> bool:
    if isinstance(expr, Op):
        key = (expr.op, main_type(expr).kind)
        if key not in ROWS and key not in FAULTING:
            return False
        if expr.op in NEEDS and not shape.fma:
            return False
    return all(_has_rows(operand, shape) for operand in walk.operands(expr))
