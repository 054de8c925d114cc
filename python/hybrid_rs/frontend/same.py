"""Whether a piece of source is what a function's code was compiled from."""

from __future__ import annotations

import ast
import dis
from types import CodeType, FunctionType, ModuleType

__all__ = ["same_code"]

_FUTURE = 0x1FE0000
"""The code flags that `from __future__ import` sets; `compile` takes them as they are."""


def same_code(node: ast.FunctionDef | ast.Lambda, function: FunctionType) -> bool:
    """Return whether compiling a function's syntax gives its code.

    A tool that rewrites asserts (pytest) adds names that begin with ``@``; then only the names are compared.
    """
    code = function.__code__
    # The file may import what the function names, or another one did, as with the cells of a notebook.
    imported = [name for name in code.co_names if isinstance(function.__globals__.get(name), ModuleType)]
    compiled = _compile(node, code, imported)
    if compiled is not None and imported and compiled.co_code != code.co_code:
        alone = _compile(node, code, [])
        compiled = alone if alone is not None and alone.co_code == code.co_code else compiled
    if compiled is None or compiled.co_varnames[: compiled.co_argcount] != code.co_varnames[: code.co_argcount]:
        return False
    if any(name.startswith("@") for name in (*code.co_names, *code.co_varnames)):
        return set(compiled.co_varnames) <= set(code.co_varnames) and _numbers(compiled) <= _numbers(code)
    if any(name.startswith("_") and "__" in name for name in (*code.co_names, *code.co_varnames)):
        return True  # perhaps a class's private name, which compiles to another one outside of the class
    return (
        compiled.co_names == code.co_names
        and compiled.co_varnames == code.co_varnames
        and compiled.co_freevars == code.co_freevars
        and _numbers(compiled) == _numbers(code)
        and (compiled.co_code == code.co_code or _steps(compiled) == _steps(code))
    )


def _steps(code: CodeType) -> list[tuple[str, object]]:
    """Return what the code does, alike for a call of a module's function and of a method."""
    return [
        (step.opname.replace("LOAD_METHOD", "LOAD_ATTR"), None if step.opcode in _JUMPS else _shown(step.argval))
        for step in dis.get_instructions(code)
        if step.opname not in _CALLING
    ]


def _shown(value: object) -> object:
    return None if isinstance(value, CodeType) else repr(value)


_JUMPS = {*dis.hasjrel, *dis.hasjabs}
_CALLING = {"PUSH_NULL", "PRECALL", "CACHE", "EXTENDED_ARG"}


def _compile(node: ast.FunctionDef | ast.Lambda, code: CodeType, modules: list[str]) -> CodeType | None:
    """Compile a function in surroundings that have the variables it closes over and import some modules.

    The latter because a call of an attribute of an imported name has an instruction of its own.
    """
    names = [ast.alias(name, lineno=1, col_offset=0) for name in modules]
    imports: list[ast.stmt] = [ast.Import(names, lineno=1, col_offset=0)] if names else []
    made: ast.stmt = node if isinstance(node, ast.FunctionDef) else ast.copy_location(ast.Expr(node), node)
    if code.co_freevars:
        cells = [
            ast.arg(name, lineno=1, col_offset=0) for name in code.co_freevars if name != node.__dict__.get("name")
        ]
        arguments = ast.arguments(posonlyargs=[], args=cells, kwonlyargs=[], kw_defaults=[], defaults=[])
        outer = ast.FunctionDef("outer", arguments, [made], [], lineno=1, col_offset=0)
        outer.type_params = []  # type: ignore[attr-defined,unused-ignore]
        made = ast.fix_missing_locations(outer)
    try:
        found = compile(
            ast.Module([*imports, made], []), code.co_filename, "exec", code.co_flags & _FUTURE, dont_inherit=True
        )
    except (SyntaxError, ValueError):
        return None
    return _find(found, code)


def _find(outer: CodeType, code: CodeType) -> CodeType | None:
    for constant in outer.co_consts:
        if isinstance(constant, CodeType):
            if constant.co_name == code.co_name and constant.co_firstlineno is not None:
                return constant
            if constant.co_name == "outer" or constant.co_name.startswith("<generic"):
                return _find(constant, code)
    return None


def _numbers(code: CodeType) -> set[tuple[type, str]]:
    return {(type(value), repr(value)) for value in code.co_consts if isinstance(value, int | float)}
