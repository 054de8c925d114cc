"""What a function that could not be compiled had captured: a failure stays until something of it changes."""

from __future__ import annotations

from types import CellType, FunctionType
from typing import Any

from hybrid_rs import _core

__all__ = ["snapshot"]

_Row = tuple[object, str, object, bool]


def snapshot(function: FunctionType) -> _core.Guards:
    """Return guards of everything that a function and its helpers may look at by name."""
    rows: list[_Row] = []
    todo, seen = [function], {id(function)}
    while todo:
        current = todo.pop()
        rows.append((current, "__code__", current.__code__, False))
        for row in (*_globals(current), *_cells(current)):
            rows.append(row)
            value: Any = row[2]
            helper = value if isinstance(value, FunctionType) else getattr(value, "py_func", None)
            if isinstance(helper, FunctionType) and id(helper) not in seen:
                seen.add(id(helper))
                todo.append(helper)
    return _core.Guards(rows, [])


def _globals(function: FunctionType) -> list[_Row]:
    names = function.__globals__
    return [(names, name, names.get(name), name not in names) for name in function.__code__.co_names]


def _cells(function: FunctionType) -> list[_Row]:
    return [_cell(cell) for cell in function.__closure__ or ()]


def _cell(cell: CellType) -> _Row:
    try:
        return (cell, "cell_contents", cell.cell_contents, False)
    except ValueError:
        return (cell, "cell_contents", None, True)
