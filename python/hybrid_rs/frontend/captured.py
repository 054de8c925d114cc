"""Values that a kernel takes from its surroundings: numbers become constants, arrays tables."""

from __future__ import annotations

import ast
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from hybrid_rs.errors import CompileError
from hybrid_rs.frontend import members, suggest
from hybrid_rs.frontend.capture import Found, function_of, resolve
from hybrid_rs.frontend.dispatch import evaluate, expression, lower
from hybrid_rs.frontend.values import Operand, Table, Tuple, Value, boolean, literal, strong
from hybrid_rs.ir.nodes import Dim
from hybrid_rs.ir.types import INT64, Type, named

if TYPE_CHECKING:
    from hybrid_rs.frontend.walk import Walk

__all__ = ["constant", "refused", "type_of", "value_of"]


def value_of(walk: Walk, node: ast.Name | ast.Attribute) -> Operand:
    """Return the constant or table that a captured name stands for."""
    found = resolve(walk.frame.definition, node)
    if found is None:
        name = node.id if isinstance(node, ast.Name) else node.attr
        meant = suggest.variable(walk.frame, name)
        raise walk.fail(
            node,
            f"unknown name: {name} is no parameter, variable, global or builtin" + suggest.question(meant),
            meant or "an assignment to it before the kernel is called",
        )
    value = constant(found.value)
    if value is not None:
        _guard(walk, found)
        return value
    if isinstance(found.value, np.ndarray):
        return _table(walk, node, found, found.value)
    what, advice = _refusal(found.value)
    raise walk.fail(node, f"unsupported: {what} in a kernel", advice)


def constant(value: object) -> Value | None:
    """Return a Python number, a bool or a NumPy scalar as a constant; None for anything else."""
    if isinstance(value, bool):
        return boolean(value)
    if type(value) in (int, float):
        return literal(value)  # type: ignore[arg-type]
    if isinstance(value, np.generic):
        if isinstance(value, np.bool_):
            return boolean(value)
        type_ = type_of(value.dtype)
        return strong(type_, value.item()) if type_ is not None else None
    return None


def type_of(dtype: np.dtype[Any]) -> Type | None:
    """Return the type of a dtype; None where the language has none."""
    try:
        return named(dtype.name)
    except KeyError:
        return None


def _guard(walk: Walk, found: Found) -> None:
    for guard in found.guards:
        walk.guards.add(guard)


def _table(walk: Walk, node: ast.Name | ast.Attribute, found: Found, array: np.ndarray[Any, Any]) -> Table:
    type_ = type_of(array.dtype)
    if type_ is None:
        raise walk.fail(
            node,
            f"unsupported: an array of {array.dtype} in a kernel",
            "array.astype(np.float64), or another number type",
        )
    if array.ndim == 0:
        raise walk.fail(node, "unsupported: an array without axes in a kernel", "array.item()")
    *outer, guard = found.guards
    for each in outer:
        walk.guards.add(each)
    key = (id(guard.container), guard.name)
    known = walk.captured.get(key)
    if known is None:
        name = node.id if isinstance(node, ast.Name) else node.attr
        taken = {table.name for _, table in walk.captured.values()} | walk.kernel_names
        while name in taken:
            name += ".table"
        known = walk.captured[key] = guard, Table(name, type_, array.ndim)
    return known[1]


def _refusal(value: object) -> tuple[str, str]:
    """Say what a captured object is, and what to write instead."""
    if isinstance(value, str | bytes):
        return "strings", "numbers that stand for the cases"
    if isinstance(value, list | tuple):
        return f"a {type(value).__name__}", "np.array(...) of it, as a global or a parameter"
    if isinstance(value, dict | set | frozenset):
        return f"a {type(value).__name__}", "a NumPy array, as a global or a parameter"
    if isinstance(value, ModuleType):
        return "a module by itself", "one of its numbers or functions"
    if isinstance(value, FunctionType | BuiltinFunctionType | np.ufunc) or function_of(value) is not None:
        return "a function by itself", "a call of it"
    if isinstance(value, type):
        return f"the class {value.__name__} by itself", "a call, as np.float32(x)"
    if isinstance(value, complex | np.complexfloating):
        return "complex numbers", "two floats, the real and the imaginary part"
    if value is None:
        return "None", "a number, as -1 or math.nan"
    return f"an object of type {type(value).__name__}", "a number or a NumPy array"


@expression(ast.Attribute)
def attribute(walk: Walk, node: ast.Attribute) -> Operand:
    """Lower ``t.shape``, ``t.size``, ``t.ndim``, and what a module has."""
    table = _base(walk, node.value)
    if table is not None and node.attr in {"shape", "size", "ndim"}:
        return _shape(walk, table, node.attr)
    if table is None and resolve(walk.frame.definition, node) is not None:
        return value_of(walk, node)
    raise refused(walk, node)


def refused(walk: Walk, node: ast.Attribute, arguments: list[ast.expr] | None = None) -> CompileError:
    """Make the error about an attribute that isn't there, or about a call of it with some arguments."""
    table = _base(walk, node.value)
    if table is not None:
        return members.refuse(walk, node, table, arguments)
    base = resolve(walk.frame.definition, node.value)
    if base is None:
        value = evaluate(walk, node.value)  # a number; or its own error comes first
        return members.refuse(walk, node, value, arguments)
    if isinstance(base.value, ModuleType):
        meant = suggest.attribute(base.value, ast.unparse(node.value), node.attr)
        return walk.fail(
            node,
            f"unknown name: {base.value.__name__} has no {node.attr}" + suggest.question(meant),
            meant or "another name of that module",
        )
    return walk.fail(
        node,
        f"unsupported: the attribute .{node.attr} of an object of type {type(base.value).__name__}",
        f"a global that holds it, as `{node.attr} = ...` above the kernel; only modules have attributes here",
    )


def _base(walk: Walk, node: ast.expr) -> Table | None:
    """Return the table that a name stands for, if it is one."""
    if isinstance(node, ast.Name):
        bound = walk.frame.bound.get(node.id)
        if bound is not None:
            return bound if isinstance(bound, Table) else None
    found = resolve(walk.frame.definition, node)
    if found is not None and isinstance(found.value, np.ndarray):
        table = lower(walk, node)
        return table if isinstance(table, Table) else None
    return None


def _shape(walk: Walk, table: Table, attr: str) -> Operand:
    if attr == "ndim":
        return literal(table.ndim)
    dims = tuple([Value(Dim(table.name, axis, INT64), INT64) for axis in range(table.ndim)])
    if attr == "shape":
        return Tuple(dims)
    size = dims[0]
    for dim in dims[1:]:
        size = walk.op("mul", INT64, (size, dim))
    return size
