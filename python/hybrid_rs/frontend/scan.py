"""What one walk over a function's syntax tells before any types are known."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Scan", "scan"]

_SHAPES = ("shape", "size", "ndim")


@dataclass(slots=True)
class Scan:
    """Facts about a function's names and returns."""

    stores: set[str] = field(default_factory=set)
    """Names assigned to: its locals."""
    counters: frozenset[str] = frozenset()
    """Names that are targets of `for` loops only, and are read nowhere but in these loops."""
    returns: list[ast.Return] = field(default_factory=list)
    indexed: dict[str, int] = field(default_factory=dict)
    """Names that are used as tables, with the number of axes that this use shows."""
    passed: list[tuple[ast.Call, int | str, str]] = field(default_factory=list)
    """Names given to calls: the call, the argument's position or keyword, the name."""


def scan(body: list[ast.stmt]) -> Scan:
    """Collect the facts about a function's body."""
    found = Scan()
    loose: set[str] = set()  # names that something other than a loop assigns, or that are read outside of their loops
    targets: set[str] = set()
    stack: list[tuple[ast.AST, frozenset[str]]] = [(node, frozenset()) for node in reversed(body)]
    while stack:
        node, loops = stack.pop()
        kind = type(node)
        if kind is ast.Name:
            assert isinstance(node, ast.Name)
            if isinstance(node.ctx, ast.Load):
                if node.id not in loops:
                    loose.add(node.id)
            else:
                found.stores.add(node.id)
                loose.add(node.id)
        elif kind is ast.For and isinstance(node, ast.For) and isinstance(node.target, ast.Name):
            name = node.target.id
            found.stores.add(name)
            (loose if name in loops else targets).add(name)
            stack += [(child, loops) for child in reversed(node.orelse)]
            stack += [(child, loops | {name}) for child in reversed(node.body)]
            stack.append((node.iter, loops))
        elif kind not in _NESTED:
            note = _NOTES.get(kind)
            if note is not None:
                note(found, node)
            stack += [(child, loops) for child in reversed(_children(node))]
    found.counters = frozenset(targets - loose)
    return found


# What these hold is another function's business; each is refused when it is met.
_NESTED = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)


def _children(node: ast.AST) -> list[ast.AST]:
    """Return what `ast.iter_child_nodes` gives, less what holds no names, in half its time."""
    found: list[ast.AST] = []
    for field_name in node._fields:
        value = getattr(node, field_name, None)
        if isinstance(value, ast.AST):
            if not isinstance(value, _LEAVES):
                found.append(value)
        elif isinstance(value, list):
            found += [item for item in value if isinstance(item, ast.AST)]
    return found


_LEAVES = (ast.Constant, ast.expr_context, ast.operator, ast.unaryop, ast.boolop)


def _note_attribute(found: Scan, node: ast.Attribute) -> None:
    if isinstance(node.value, ast.Name) and node.attr in _SHAPES:
        _note_table(found, node.value.id, 1)


def _note_assign(found: Scan, node: ast.Assign) -> None:
    target = node.targets[0]
    whole = node.value.value if isinstance(node.value, ast.Attribute) and node.value.attr == "shape" else None
    if isinstance(target, ast.Tuple) and isinstance(whole, ast.Name):
        _note_table(found, whole.id, len(target.elts))


def _note_call(found: Scan, node: ast.Call) -> None:
    for place, argument in enumerate(node.args):
        if isinstance(argument, ast.Name):
            found.passed.append((node, place, argument.id))
    for keyword in node.keywords:
        if isinstance(keyword.value, ast.Name) and keyword.arg is not None:
            found.passed.append((node, keyword.arg, keyword.value.id))


def _note_subscript(found: Scan, node: ast.Subscript) -> None:
    """Note `t[i, j]`, `t[i][j]` and `t.shape[1]`."""
    axes = 0
    value: ast.expr = node
    while isinstance(value, ast.Subscript):
        axes += len(value.slice.elts) if isinstance(value.slice, ast.Tuple) else 1
        value = value.value
    if isinstance(value, ast.Name):
        _note_table(found, value.id, axes)
    elif isinstance(value, ast.Attribute) and value.attr == "shape" and isinstance(value.value, ast.Name):
        axis = node.slice.value if isinstance(node.slice, ast.Constant) else 0
        _note_table(found, value.value.id, axis + 1 if isinstance(axis, int) else 1)


def _note_table(found: Scan, name: str, axes: int) -> None:
    found.indexed[name] = max(found.indexed.get(name, 0), axes)


_NOTES: dict[type[ast.AST], Callable[[Scan, Any], None]] = {
    ast.Return: lambda found, node: found.returns.append(node),
    ast.Subscript: _note_subscript,
    ast.Attribute: _note_attribute,
    ast.Assign: _note_assign,
    ast.Call: _note_call,
}
