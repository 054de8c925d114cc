"""What a function takes from its surroundings: globals, closure cells, builtins, attributes of modules, helpers."""

from __future__ import annotations

import ast
from types import CellType, FunctionType, ModuleType
from typing import Any, Final, NamedTuple

from hybrid_rs.frontend.source import Definition
from hybrid_rs.frontend.typed import MISSING, Guard

__all__ = ["NOTHING", "Found", "Guards", "Options", "function_of", "is_kernel", "lookup", "options_of", "resolve"]


class _Nothing:
    """The type of `NOTHING`."""


NOTHING: Final = _Nothing()
"""What isn't found, or isn't captured at all."""


class Found:
    """A captured object, and the guards that say where it came from; the last one holds the object itself."""

    __slots__ = ("guards", "value")

    def __init__(self, value: Any, guards: tuple[Guard, ...]) -> None:
        """Keep both."""
        self.value = value
        self.guards = guards


class Options(NamedTuple):
    """What a kernel that is called by another one keeps of its own; a plain function has none of it."""

    overflow: str
    declared: tuple[Any, ...]
    """Its signatures, each with `text`, `arguments` (each with `type` and `ndim`) and `results`."""


class Guards:
    """The guards of one lowering, each once, in the order of their first use."""

    def __init__(self) -> None:
        """Begin with none."""
        self._found: dict[tuple[int, str], Guard] = {}

    def add(self, guard: Guard) -> None:
        """Add a guard, if there is none of its place."""
        self._found.setdefault((id(guard.container), guard.name), guard)

    def all(self) -> tuple[Guard, ...]:
        """Return the guards."""
        return tuple(self._found.values())


def lookup(function: FunctionType, name: str) -> Found | None:
    """Return what a name stands for in a function, if it isn't one of its locals; None for an unknown name."""
    code = function.__code__
    if name in code.co_freevars:
        cell: CellType = (function.__closure__ or ())[code.co_freevars.index(name)]
        try:
            value = cell.cell_contents
        except ValueError:
            return None
        return Found(value, (Guard(cell, "cell_contents", value),))
    names = function.__globals__
    if name in names:
        return Found(names[name], (Guard(names, name, names[name]),))
    anything: Any = function  # Type stubs differ about this attribute.
    builtins: dict[str, Any] = anything.__builtins__
    if name in builtins:
        return Found(builtins[name], (Guard(names, name, MISSING), Guard(builtins, name, builtins[name])))
    return None


def resolve(definition: Definition, node: ast.expr) -> Found | None:
    """Return what a captured name, or an attribute of a captured module, stands for; None for anything else."""
    if isinstance(node, ast.Name):
        if node.id in definition.scan.stores or node.id in definition.parameters or node.id in definition.keyword_only:
            return None
        return lookup(definition.function, node.id)
    if isinstance(node, ast.Attribute):
        base = resolve(definition, node.value)
        if base is None or not isinstance(base.value, ModuleType):
            return None
        names = vars(base.value)
        # A module may also make an attribute when it is asked for.
        value = names[node.attr] if node.attr in names else getattr(base.value, node.attr, NOTHING)
        container = names if node.attr in names else base.value
        return None if value is NOTHING else Found(value, (*base.guards, Guard(container, node.attr, value)))
    return None


def function_of(value: object) -> FunctionType | None:
    """Return the Python function that a call of a captured object runs: its own, or that of a kernel."""
    if isinstance(value, FunctionType):
        return value
    inner = getattr(value, "py_func", None)
    return inner if isinstance(inner, FunctionType) and not isinstance(value, type) else None


def options_of(value: object) -> Options | None:
    """Return the options of a kernel that can be inlined; None for anything else."""
    overflow = getattr(value, "overflow", None)
    if not is_kernel(value) or not isinstance(overflow, str):
        return None
    return Options(overflow, tuple(getattr(value, "_declared", ())))


def is_kernel(value: object) -> bool:
    """Return whether an object is a kernel of any kind, also one that isn't written in the kernel language."""
    return any(kind.__module__ == "hybrid_rs.kernel_object" for kind in type(value).__mro__)
