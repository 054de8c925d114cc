"""A kernel's source with that of the helpers it calls."""

from __future__ import annotations

from types import FunctionType

from hybrid_rs.errors import CompileError
from hybrid_rs.frontend.capture import function_of, resolve
from hybrid_rs.frontend.errors import located
from hybrid_rs.frontend.source import Definition, define

__all__ = ["Source", "load"]


class Source:
    """A parsed kernel; one serves all its specialisations.

    Attributes:
        name: The kernel's name.
        parameters: Its parameters' names.
        defaults: The default values of its last parameters.
        definition: Its syntax.
    """

    def __init__(self, function: FunctionType, definition: Definition) -> None:
        """Keep a parsed kernel."""
        self.function = function
        self.definition = definition
        self.name: str = function.__name__
        self.parameters = definition.parameters
        self.defaults: tuple[object, ...] = function.__defaults__ or ()
        self._helpers: dict[FunctionType, Definition] = {}

    @property
    def tables(self) -> dict[str, int]:
        """The parameters that are tables, with their number of axes.

        Found again at each access: a helper that gets a table may be defined, or be another one, only later.
        """
        return self._tables(self.definition, [])

    def define(self, function: FunctionType) -> Definition:
        """Return the definition of the kernel itself or of a helper, parsed again only if its code is another one."""
        if function is self.function and function.__code__ is self.definition.code:
            return self.definition
        known = self._helpers.get(function)
        if known is None or known.code is not function.__code__:
            known = self._helpers[function] = define(function)
        return known

    def refresh(self) -> Definition:
        """Parse the kernel again if its code was replaced, and return its definition."""
        if self.function.__code__ is not self.definition.code:
            self.definition = _kernel(self.function)
            self.parameters = self.definition.parameters
        return self.definition

    def _tables(self, definition: Definition, chain: list[Definition]) -> dict[str, int]:
        found = {
            name: axes
            for name, axes in definition.scan.indexed.items()
            if name in definition.parameters or name in definition.keyword_only
        }
        for call, place, name in definition.scan.passed:
            if name not in definition.parameters and name not in definition.keyword_only:
                continue
            callee = resolve(definition, call.func)
            if callee is None:
                continue
            if callee.value is len and len(call.args) == 1:
                found.setdefault(name, 1)
                continue
            function = function_of(callee.value)
            if function is None:
                continue
            try:
                helper = self.define(function)
            except CompileError:
                continue  # told of when the call is lowered
            if helper is definition or helper in chain:
                continue
            given = place if isinstance(place, str) else (helper.parameters[place : place + 1] or ("",))[0]
            axes = self._tables(helper, [*chain, definition]).get(given, 0)
            if axes:
                found[name] = max(found.get(name, 0), axes)
        return found


def load(py_func: object) -> Source:
    """Find and parse the source of a kernel.

    Raises:
        CompileError: If it is no plain function, its source can't be had, or its parameters are of a kind that a kernel
            can't have.
    """
    definition = _kernel(py_func)
    return Source(definition.function, definition)


def _kernel(py_func: object) -> Definition:
    definition = define(py_func)
    if definition.keyword_only:
        node = definition.arguments.kwonlyargs[0]
        raise located(
            definition, node, f"unsupported: the keyword-only parameter {node.arg}", "positional parameters only"
        )
    return definition
