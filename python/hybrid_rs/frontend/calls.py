"""Lowering of calls: functions of the table, casts, and helpers, which are inlined."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

import numpy as np

from hybrid_rs.errors import CompileError
from hybrid_rs.frontend import captured, members, suggest
from hybrid_rs.frontend.advice import advice
from hybrid_rs.frontend.capture import Found, function_of, is_kernel, options_of, resolve
from hybrid_rs.frontend.convert import cast_to
from hybrid_rs.frontend.dispatch import evaluate_all, expression, lower
from hybrid_rs.frontend.inline import inline
from hybrid_rs.frontend.names import FUNCTIONS, cast_type
from hybrid_rs.frontend.values import Operand, Table, Tuple, Value, literal
from hybrid_rs.ir.nodes import Dim
from hybrid_rs.ir.types import INT64

if TYPE_CHECKING:
    from hybrid_rs.frontend.walk import Walk

__all__ = ["call"]


@expression(ast.Call)
def call(walk: Walk, node: ast.Call) -> Operand:
    """Lower a call."""
    found = resolve(walk.frame.definition, node.func)
    if found is None:
        raise _unknown(walk, node)
    value = found.value
    options = options_of(value)
    if options is None and is_kernel(value):
        raise walk.fail(
            node,
            f"unsupported: a call of {_name(node)}, a kernel that isn't written in the kernel language",
            "a call of the Python function itself; or map it outside, and pass its results as an argument",
        )
    function = function_of(value)
    if function is not None and not _known(value) and not advice(value):
        for guard in found.guards:
            walk.guards.add(guard)
        return inline(walk, node, function, options)
    _check_plain(walk, node)
    result = _call_known(walk, node, found)
    for guard in found.guards:
        walk.guards.add(guard)
    return result


def _known(value: object) -> bool:
    try:
        return value in FUNCTIONS
    except TypeError:
        return False  # what can't be hashed


def _call_known(walk: Walk, node: ast.Call, found: Found) -> Operand:
    value = found.value
    if value is len:
        return _len(walk, node)
    if value is float and len(node.args) == 1 and isinstance(node.args[0], ast.Constant):
        text = node.args[0].value
        if isinstance(text, str) and text.strip().lower().lstrip("+-") in {"inf", "infinity", "nan"}:
            return literal(float(text))
    entry = FUNCTIONS[value] if _known(value) else None
    type_ = cast_type(value)
    if entry is None and type_ is None:
        raise _refuse(walk, node, value)
    least, most = (entry.least, entry.most) if entry is not None else (1, 1)
    if not least <= len(node.args) <= most:
        if value in (min, max) and len(node.args) == 1:
            if isinstance(node.args[0], ast.List | ast.Tuple):
                items = ", ".join(map(ast.unparse, node.args[0].elts))
                raise walk.fail(node, f"unsupported: {value.__name__} of one argument", f"{value.__name__}({items})")
            raise walk.fail(
                node,
                f"unsupported: {value.__name__} of one argument",
                f"two or more numbers: {members.ONE_ELEMENT}; for a table a loop over range(len(t))",
            )
        wanted = f"{least}" if least == most else f"{least} or more" if most > 10 else f"{least} or {most}"
        raise walk.fail(
            node,
            f"{_name(node)} takes {wanted} argument{'s' * (wanted != '1')} here, not {len(node.args)}",
            advice(value) or "as many arguments as it takes",
        )
    values = evaluate_all(walk, node.args)
    if entry is not None:
        return entry.rule(walk, node, values, node.args)
    assert type_ is not None
    return cast_to(walk, values[0], type_, node)


def _name(node: ast.Call) -> str:
    return ast.unparse(node.func)


def _check_plain(walk: Walk, node: ast.Call) -> None:
    """Refuse keyword and star arguments where no helper gives them a meaning."""
    if node.keywords:
        raise walk.fail(
            node.keywords[0], f"unsupported: keyword arguments of {_name(node)}", "positional arguments only"
        )
    star = next((arg for arg in node.args if isinstance(arg, ast.Starred)), None)
    if star is not None:
        raise walk.fail(star, "unsupported: star arguments in a kernel", "each argument by itself")


def _len(walk: Walk, node: ast.Call) -> Operand:
    operand = lower(walk, node.args[0]) if len(node.args) == 1 else None
    if isinstance(operand, Table):
        return Value(Dim(operand.name, 0, INT64), INT64)
    if isinstance(operand, Tuple):
        return literal(len(operand.items))
    text = walk.frame.definition.text(node.args[0]) if len(node.args) == 1 else "it"
    raise walk.fail(
        node,
        "unsupported: len of anything but a table",
        f"no len: {members.ONE_ELEMENT}, and {text} is a number; a whole array is a parameter that is indexed",
    )


def _unknown(walk: Walk, node: ast.Call) -> CompileError:
    func = node.func
    if isinstance(func, ast.Name):
        if func.id in walk.frame.bound or func.id in walk.frame.definition.scan.stores:
            return walk.fail(
                node, f"unsupported: a call of {func.id}, which is a number here", "a function that is a global"
            )
        meant = suggest.function(walk.frame, func.id)
        return walk.fail(
            func,
            f"unknown name: {func.id} is no global or builtin function" + suggest.question(meant),
            meant or "a function that is defined before the call",
        )
    if isinstance(func, ast.Attribute):
        return captured.refused(walk, func, node.args)
    return walk.fail(node, "unsupported: this call in a kernel", "a call of a function by its name")


def _refuse(walk: Walk, node: ast.Call, value: object) -> CompileError:
    instead = advice(value)
    if isinstance(value, type) and issubclass(value, BaseException):
        instead = f"raise {value.__name__}(...)"
    elif isinstance(value, type) and issubclass(value, np.generic):
        instead = instead or "np.float64, np.float32, or an integer type of 8 to 64 bits"
    elif getattr(value, "py_func", value) is None:
        instead = "a Python function: one that is C only can't be inlined"
    name = _name(node)
    return walk.fail(
        node,
        f"unsupported: a call of {name}" + (f" ({type(value).__name__})" if not hasattr(value, "__name__") else ""),
        instead or "a function of math or numpy that docs/language.md lists, or a Python function of your own",
    )
