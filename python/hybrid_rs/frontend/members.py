"""Attributes and methods, which only modules and tables have here: what to write in place of those of numbers."""

from __future__ import annotations

import ast
import math
from typing import TYPE_CHECKING, Final

import numpy as np

from hybrid_rs.errors import CompileError
from hybrid_rs.frontend.capture import resolve
from hybrid_rs.frontend.names import FUNCTIONS, cast_type
from hybrid_rs.frontend.values import Operand, Table, cast_name

if TYPE_CHECKING:
    from hybrid_rs.frontend.walk import Walk

__all__ = ["ONE_ELEMENT", "refuse"]

ONE_ELEMENT: Final = "a kernel sees one element at a time"

_ITSELF: Final = {
    "T", "base", "conj", "conjugate", "copy", "data", "flat", "flatten", "item", "ravel", "real", "reshape", "squeeze",
    "swapaxes", "tolist", "transpose",
}  # fmt: skip
"""What gives a number itself, or of an array its elements."""
_REDUCTIONS: Final = {
    "all", "any", "argmax", "argmin", "argsort", "cumprod", "cumsum", "dot", "max", "mean", "median", "min", "nonzero",
    "prod", "ptp", "repeat", "searchsorted", "sort", "std", "sum", "take", "trace", "var",
}  # fmt: skip
"""What is about all elements of an array."""
_OTHERS: Final = {
    "imag": "0",
    "dtype": "nothing: the types are fixed when the kernel is compiled",
    "is_integer": "{x} == math.floor({x})",
    "bit_length": "a loop that shifts and counts",
    "bit_count": "a loop that shifts and counts",
    "hex": "hr.bits({x})",
    "view": "hr.bits({x}), or hr.from_bits({x}) for the way back",
    "nbytes": "the number itself",
    "fill": "an assignment",
    "append": "a variable for each number, or the result of the element",
}


def refuse(walk: Walk, node: ast.Attribute, operand: Operand, arguments: list[ast.expr] | None = None) -> CompileError:
    """Make the error about an attribute of a number or a table, or about a call of it with some arguments."""
    name, of = node.attr, [(node.value, operand)]
    text = walk.frame.definition.text(node.value)
    if isinstance(operand, Table):
        advice = "len(t), t.shape[0], t.size, t.ndim, or t[i]"
        if name in _REDUCTIONS:
            advice = f"a `for` loop over range(len({text})), with {text}[i] in it"
        return walk.fail(node, f"unsupported: `.{name}` of a table", advice, of)
    kind = "attribute" if arguments is None else "method"
    return walk.fail(node, f"unsupported: the {kind} .{name} of a number", _advice(walk, text, name, arguments), of)


def _advice(walk: Walk, text: str, name: str, arguments: list[ast.expr] | None) -> str:
    if name == "astype":
        return _cast(walk, text, arguments or [])
    if name in _ITSELF:
        return f"{text} itself: {ONE_ELEMENT}, a number"
    if name in _REDUCTIONS:
        return f"{text} itself: {ONE_ELEMENT}; .{name}() is for the whole array, before or after the kernel's call"
    if name in _OTHERS:
        return _OTHERS[name].format(x=text)
    for prefix, module in (("np", np), ("math", math)):
        if getattr(module, name, None) in FUNCTIONS:
            more = "".join(f", {ast.unparse(argument)}" for argument in arguments or [])
            return f"{prefix}.{name}({text}{more})"
    return "a function of the number, from math or numpy"


def _cast(walk: Walk, text: str, arguments: list[ast.expr]) -> str:
    """Say how a number is cast to the dtype of an `astype`."""
    given = arguments[0] if arguments else None
    wanted: object = None
    if isinstance(given, ast.Constant):
        wanted = given.value
    elif given is not None:
        found = resolve(walk.frame.definition, given)
        wanted = None if found is None else found.value
    if isinstance(wanted, type) and wanted in (int, float, bool):
        return f"{wanted.__name__}({text})"
    try:
        type_ = cast_type(np.dtype(wanted).type if isinstance(wanted, str) else wanted)
    except TypeError:
        type_ = None
    return f"np.float32({text}), or another NumPy type" if type_ is None else f"{cast_name(type_)}({text})"
