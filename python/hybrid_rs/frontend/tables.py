"""Reading tables."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from hybrid_rs.frontend.convert import convert, settle
from hybrid_rs.frontend.dispatch import evaluate_all, expression, lower
from hybrid_rs.frontend.members import ONE_ELEMENT
from hybrid_rs.frontend.unsupported import refuse
from hybrid_rs.frontend.values import Operand, Table, Tuple, Value, describe, strong
from hybrid_rs.ir.nodes import Load
from hybrid_rs.ir.types import INT64, UINT64

if TYPE_CHECKING:
    from hybrid_rs.frontend.walk import Walk

__all__ = ["subscript"]


@expression(ast.Subscript)
def subscript(walk: Walk, node: ast.Subscript) -> Operand:
    """Lower ``t[i]``, ``t[i, j]``, ``t[i][j]``, and an element of a tuple as ``t.shape[0]``."""
    indices: list[ast.expr] = []
    base: ast.expr = node
    while isinstance(base, ast.Subscript):
        indices[:0] = base.slice.elts if isinstance(base.slice, ast.Tuple) else [base.slice]
        base = base.value
    operand = lower(walk, base)
    if isinstance(operand, Tuple):
        return _item(walk, node, operand)
    if isinstance(operand, Value):
        raise walk.fail(
            node,
            "unsupported: an index into a number",
            f"{walk.frame.definition.text(base)} itself: {ONE_ELEMENT}; a parameter that is indexed is passed whole",
            [(base, operand)],
        )
    for index in indices:
        if isinstance(index, ast.Slice | ast.Starred):
            raise refuse(walk, index)
        if isinstance(index, ast.Constant) and (index.value is None or index.value is ...):
            raise walk.fail(index, "unsupported: this index in a kernel", "one integer for each axis")
    if len(indices) != operand.ndim:
        example = ", ".join("ijklmn"[: operand.ndim]) if operand.ndim <= 6 else "..."
        raise walk.fail(
            node,
            f"{len(indices)} ind{'ex' if len(indices) == 1 else 'ices'} for a table of {operand.ndim} axes",
            f"{walk.frame.definition.text(base)}[{example}]",
            [(base, operand)],
        )
    return _load(walk, node, operand, indices)


def _load(walk: Walk, node: ast.Subscript, table: Table, indices: list[ast.expr]) -> Value:
    values = [_index(walk, value, at) for value, at in zip(evaluate_all(walk, indices), indices, strict=True)]
    message = f"index out of range: {walk.frame.definition.text(node)}"
    site = walk.site("IndexError", message, node)
    index = tuple([value.expr for value in values])
    depth = max(value.depth for value in values)
    made = Value(Load(table.name, table.type, index, site), table.type, faults=True, depth=depth + 1)  # type: ignore[arg-type]
    return walk.shallow(made)


def _index(walk: Walk, value: Value, node: ast.expr) -> Value:
    if not value.type.is_integer:
        raise walk.fail(node, f"unsupported: an index that is {describe(value)}", "int(...) around it", [(node, value)])
    value = settle(walk, value, node)
    if value.type is UINT64:
        # The largest are out of any table's range, and must not become negative.
        value = walk.op("min", UINT64, (value, strong(UINT64, INT64.high)))
        return walk.cast(value, INT64)
    return convert(walk, value, INT64, node)


def _item(walk: Walk, node: ast.Subscript, operand: Tuple) -> Value:
    at = node.slice
    sign = 1
    if isinstance(at, ast.UnaryOp) and isinstance(at.op, ast.USub):
        sign, at = -1, at.operand
    place = at.value * sign if isinstance(at, ast.Constant) and type(at.value) is int else None
    if place is None or not -len(operand.items) <= place < len(operand.items):
        raise walk.fail(
            node.slice, "unsupported: this index into a tuple", f"a literal from 0 to {len(operand.items) - 1}"
        )
    return operand.items[place]
