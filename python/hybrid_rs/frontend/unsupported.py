"""What isn't in the language: each construct with what to write instead."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final

from hybrid_rs.errors import CompileError

if TYPE_CHECKING:
    from hybrid_rs.frontend.walk import Walk

__all__ = ["refuse"]

_NUMBERS: Final = "numbers that stand for the cases"
_LOOP: Final = "a `for` loop over range(...)"
_TABLE: Final = "a NumPy array: as a parameter that the kernel indexes, or as a global"

_REFUSED: Final[dict[str, tuple[str, str]]] = {
    # expressions
    "JoinedStr": ("strings", _NUMBERS),
    "TemplateStr": ("strings", _NUMBERS),
    "Dict": ("dicts", _TABLE),
    "Set": ("sets", "comparisons, as `x == 1 or x == 2`"),
    "List": ("lists", _TABLE),
    "ListComp": ("comprehensions", _LOOP),
    "SetComp": ("comprehensions", _LOOP),
    "DictComp": ("comprehensions", _LOOP),
    "GeneratorExp": ("generator expressions", _LOOP),
    "Lambda": ("lambdas", "a function of its own, outside of the kernel"),
    "Await": ("await", "a plain call"),
    "Yield": ("yield", "return; a kernel gives one value for each element"),
    "YieldFrom": ("yield", "return; a kernel gives one value for each element"),
    "NamedExpr": ("`:=`", "an assignment before the expression"),
    "Starred": ("star arguments", "each argument by itself"),
    "Slice": ("slices", "one index for each axis; loop over range(...) for several elements"),
    # statements
    "Try": ("try", '`if` for what may go wrong; to go on after a fault, call with on_fault="mask"'),
    "TryStar": ("try", '`if` for what may go wrong; to go on after a fault, call with on_fault="mask"'),
    "With": ("with", "the statements by themselves"),
    "AsyncWith": ("async statements", "plain statements"),
    "AsyncFor": ("async statements", _LOOP),
    "AsyncFunctionDef": ("async functions", "a function of its own, outside of the kernel"),
    "FunctionDef": (
        "nested functions",
        "a function of its own, outside of the kernel; the kernel may call it",
    ),
    "ClassDef": ("classes", "numbers"),
    "Delete": ("del", "nothing: a variable costs nothing"),
    "Import": ("import", "the import at the top of the file"),
    "ImportFrom": ("import", "the import at the top of the file"),
    "Global": ("global", "return the value; a kernel changes nothing outside"),
    "Nonlocal": ("nonlocal", "return the value; a kernel changes nothing outside"),
    "Match": ("match", "if, elif and else"),
    "TypeAlias": ("type aliases", "nothing: types come from the arguments"),
}


def refuse(walk: Walk, node: ast.AST) -> CompileError:
    """Make the error about a construct that isn't in the language."""
    what, advice = _REFUSED.get(type(node).__name__, (f"`{type(node).__name__}`", "plain arithmetic"))
    return walk.fail(node, f"unsupported: {what} in a kernel", advice)
