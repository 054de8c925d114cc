"""Errors that show their place in the source and say what to write instead."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from pathlib import PurePath
from typing import TYPE_CHECKING, Final

from hybrid_rs.errors import CompileError

if TYPE_CHECKING:
    from hybrid_rs.frontend.source import Definition

__all__ = ["located", "short"]

_LONGEST: Final = 120
"""Characters of a source line that an error shows."""


def located(
    definition: Definition,
    node: ast.AST | None,
    message: str,
    advice: str = "",
    types: str = "",
    called_from: Iterable[tuple[str, str, int]] = (),
) -> CompileError:
    """Make an error about a node of a function.

    Args:
        definition: The function.
        node: What is wrong in it; None for the function as a whole.
        message: What is wrong.
        advice: What to write instead.
        types: The types seen, where they matter.
        called_from: Function, file and line of the calls that led here, the innermost first.
    """
    line, column, width, text = definition.place(node)
    shown = text.strip()
    indent = column - (len(text) - len(text.lstrip()))
    lines = [message, f"  {short(definition.filename)}, line {line}, in {definition.name}"]
    if shown:
        shown, indent = _cut(shown, indent)
        lines += [f"    {shown}", f"    {' ' * indent}{'^' * max(min(width, len(shown) - indent), 1)}"]
    lines += [f"  called from {short(file)}, line {at}, in {name}" for name, file, at in called_from]
    if types:
        lines.append(f"types: {types}")
    if advice:
        lines.append(f"write instead: {advice}")
    return CompileError("\n".join(lines), definition.filename, line, column + 1, text)


def _cut(text: str, at: int) -> tuple[str, int]:
    """Return the part of a long line around a column, and the column in it."""
    begin = max(at - _LONGEST // 2, 0) if len(text) > _LONGEST else 0
    head = "..." if begin else ""
    tail = "..." if len(text) > begin + _LONGEST else ""
    return head + text[begin : begin + _LONGEST] + tail, at - begin + len(head)


def short(filename: str) -> str:
    """Return a file's name without its folders."""
    return filename if filename.startswith("<") else PurePath(filename).name
