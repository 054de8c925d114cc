"""How many lanes a kernel's machine code computes at once.

Values are kept in pieces of one native register of the widest type in the innermost loops (else anywhere). Several
pieces hide the latency of their instructions, until the registers don't hold what a loop carries. Measured on a Zen 3
with AVX2, ns an element with 1, 2, 3, 4 and 8 pieces: hash of 64 rounds (one carried variable) 33, 19, 14, 12, 8;
Newton's method (two) 109, 72, 58, 53, 55; bisection in a table 37, 23, -, 17, 17; a state machine (branches) 310,
282, 219, 153, 141; Mandelbrot (three carried) -, 2.1, 1.9, 2.6 with 2, 3, 4 pieces.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from hybrid_rs.ir import walk
from hybrid_rs.ir.nodes import Expr, Op, Var
from hybrid_rs.ir.ops import main_type
from hybrid_rs.ir.tree import LOOP_COST, Assign, Block, Body, If, Loop, Node, Return, Tree, bits
from hybrid_rs.ir.types import BOOL
from hybrid_rs.printers.llvm.clocks import clock_of

__all__ = ["choose"]

TEMPORARIES: Final = 5
"""Registers that a loop needs for one piece beside what it carries."""
LARGE: Final = 150
"""Ops of a function for which one vector of two registers is made: the time to compile is in proportion to both."""
LARGEST: Final = 600
"""Ops of a function for which one register is made."""
LINE: Final = 512
"""Bits of a line of the caches. Where there are no loops a block has results for one, or what four registers hold:
stores that bypass the caches are slow where a line isn't filled at once (0.25 and 0.21 ns an element of blended
pixels)."""


def choose(tree: Tree, register_bits: int, registers: int) -> tuple[int, int, int]:
    """Choose a shape for a tree with its liveness and uniformity.

    Args:
        tree: The function's tree.
        register_bits: The bits of a vector register.
        registers: How many there are.

    Returns:
        The lanes of a piece, the pieces, and the bits of the widest type.
    """
    inner = [loop for loop in tree.loops if not any(isinstance(node, Loop) for node in _nodes(loop))]
    nodes = [node for loop in inner for node in _counted(tree, loop)] if inner else list(_below(tree.body))
    widest = max((_width(tree, expr)[0] for node in nodes for expr in _varying(tree, node)), default=0) or 32
    width = max(register_bits // widest, 1)
    ops = tree.body.cost % LOOP_COST
    if not inner or ops > LARGE:
        if ops > LARGE:
            return width if ops > LARGEST else 2 * width, 1, widest
        narrowest = min((type_.bits for type_ in tree.function.results), default=LINE)
        return max(2 * width, min(4 * width, LINE // narrowest)), 1, widest
    return width, min(_pieces(tree, loop, registers) for loop in inner), widest


def _counted(tree: Tree, loop: Loop) -> list[Node]:
    """List the statements of a loop that aren't a clock's."""
    clock = clock_of(tree, loop, steps=False)
    own: list[Node] = [] if clock is not None else [loop]
    return own + [node for node in _nodes(loop) if clock is None or not clock.derived or node is not clock.step]


def _pieces(tree: Tree, loop: Loop, registers: int) -> int:
    """Give the pieces for a loop."""
    clock = clock_of(tree, loop, steps=False)
    kept = ~(1 << clock.variable) if clock is not None and clock.derived else -1
    carried = bits(loop.assigned & loop.live_head & tree.varying & kept)
    held = loop.masked + sum(1 for variable in carried if tree.types[variable] is not BOOL)
    if not all(isinstance(node, Assign) or _leaves(node) for node in _nodes(loop)):
        return 4
    if held <= 1:
        return 8
    return max(2, min(4, (registers - TEMPORARIES) // held))


def _leaves(node: Node) -> bool:
    """Whether a statement is one that a straight piece of code may have at its end."""
    return not isinstance(node, Block | Loop) and (not isinstance(node, If) or node.then.exits or not node.varies)


def _nodes(loop: Loop) -> Iterator[Node]:
    for body in (loop.head, loop.body, loop.step):
        yield from _below(body)


def _below(body: Body) -> Iterator[Node]:
    """Give all statements of a body."""
    for node in body.nodes:
        yield node
        if isinstance(node, If):
            yield from _below(node.then)
            yield from _below(node.orelse)
        elif isinstance(node, Block):
            yield from _below(node.body)
        elif isinstance(node, Loop):
            yield from _nodes(node)


def _varying(tree: Tree, node: Node) -> tuple[Expr, ...]:
    """Give the expressions of a statement, if what it computes varies."""
    if not isinstance(node, Assign | If | Loop | Return) or not node.uses & tree.varying:
        return ()
    if isinstance(node, Assign):
        return (node.value,)
    return node.values if isinstance(node, Return) else (node.cond,)


def _width(tree: Tree, expr: Expr) -> tuple[int, bool]:
    """Give the bits of the widest type that an expression computes in, lane by lane, and whether it varies."""
    if isinstance(expr, Var):
        return 0, bool(tree.varying >> tree.names[expr.name] & 1)
    below = [_width(tree, operand) for operand in walk.operands(expr)]
    if not any(varies for _, varies in below):
        return 0, False
    type_ = main_type(expr) if isinstance(expr, Op) else expr.type
    own = 0 if type_ is BOOL else type_.bits
    return max(own, *[bits_ for bits_, _ in below]), True
