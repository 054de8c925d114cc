"""Inlining of helpers: their body is lowered where they are called."""

from __future__ import annotations

import ast
from types import FunctionType
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from hybrid_rs.errors import CompileError
from hybrid_rs.frontend import captured
from hybrid_rs.frontend.capture import Options
from hybrid_rs.frontend.convert import convert
from hybrid_rs.frontend.dispatch import lower
from hybrid_rs.frontend.frame import Frame
from hybrid_rs.frontend.source import Definition
from hybrid_rs.frontend.statements import run_body
from hybrid_rs.frontend.tidy import without_exits
from hybrid_rs.frontend.typed import Guard
from hybrid_rs.frontend.types import fits
from hybrid_rs.frontend.values import Operand, Table, Tuple, Value, describe
from hybrid_rs.ir.nodes import Assign, Block, Const, Var
from hybrid_rs.ir.types import Type

if TYPE_CHECKING:
    from hybrid_rs.frontend.walk import Walk

__all__ = ["inline", "inline_values"]


_MOST_CALLS: Final = 2_000
_MOST_NODES: Final = 20_000


def inline(walk: Walk, node: ast.Call, function: FunctionType, options: Options | None = None) -> Operand:
    """Lower a call of a helper; `options` are those of one that is a kernel."""
    definition = _defined(walk, node, function)
    given = _arguments(walk, node, definition)
    declared = _as_declared(walk, node, definition, given, options.declared) if options and options.declared else None
    checked = walk.checked if options is None else options.overflow == "raise"
    return _inlined(walk, node, definition, given, checked=checked, declared=declared)


def inline_values(walk: Walk, node: ast.Call, function: FunctionType, *values: Value) -> Operand:
    """Lower a call of one of mathlib's functions, whose arguments are lowered; its integers wrap."""
    definition = _defined(walk, node, function)
    given: dict[str, tuple[Operand, ast.AST]] = {
        name: (value, node) for name, value in zip(definition.parameters, values, strict=True)
    }
    return _inlined(walk, node, definition, given, checked=False)


def _defined(walk: Walk, node: ast.Call, function: FunctionType) -> Definition:
    """Return a helper's definition, if it can be inlined here."""
    _bound(walk, node)
    definition = _define(walk, node, function)
    walk.guards.add(Guard(function, "__code__", definition.code))
    chain = walk.frame.chain()
    if any(_alike(outer.function, function) for outer in chain):
        names = " -> ".join([*(outer.name for outer in chain), definition.name])
        raise walk.fail(node, f"unsupported: recursion in a kernel ({names})", "a loop")
    return definition


def _inlined(
    walk: Walk,
    node: ast.Call,
    definition: Definition,
    given: dict[str, tuple[Operand, ast.AST]],
    *,
    checked: bool,
    declared: tuple[Type, ...] | None = None,
) -> Operand:
    """Lower a helper's body; `checked` says whether its integers may overflow."""
    caller = walk.frame
    frame = Frame(definition, caller, node, walk.session.instance(caller.number, node))
    frame.declared = declared
    outer = walk.checked
    walk.frame, walk.checked = frame, checked
    try:
        for name, (operand, at) in given.items():
            _bind(walk, frame, name, operand, at)
        result = _body(walk, frame)
    finally:
        walk.frame, walk.checked = caller, outer
    if frame.assigned is None and frame.count is None:
        caller.assigned = None  # it always raises
    return result


def _bound(walk: Walk, node: ast.Call) -> None:
    """Refuse what inlining would make too large."""
    walk.calls += 1
    if walk.too_large is None:
        if walk.calls <= _MOST_CALLS and walk.nodes <= _MOST_NODES:
            return
        walk.too_large = walk.fail(
            node,
            f"too large: all calls are inlined, and here are {walk.calls} of them with {walk.nodes} operations",
            "a loop around one call, or fewer helpers that call others several times",
        )
    raise walk.too_large


def _as_declared(
    walk: Walk,
    node: ast.Call,
    definition: Definition,
    given: dict[str, tuple[Operand, ast.AST]],
    signatures: tuple[Any, ...],
) -> tuple[Type, ...]:
    """Cast what a kernel gets to the first of its signatures that takes it safely; return the results' types."""
    operands = [given[name][0] for name in definition.parameters]
    for signature in signatures:
        if all(_fits(operand, wanted) for operand, wanted in zip(operands, signature.arguments, strict=True)):
            break
    else:
        raise walk.fail(
            node,
            f"{definition.name} has no signature for ({', '.join(map(describe, operands))})",
            f"casts to one of its signatures: {'; '.join(one.text for one in signatures)}",
        )
    for name, operand, wanted in zip(definition.parameters, operands, signature.arguments, strict=True):
        if isinstance(operand, Value) and (operand.weak or operand.type is not wanted.type):
            made = convert(walk, operand, wanted.type, node) if operand.weak else walk.cast(operand, wanted.type)
            given[name] = made, given[name][1]
    results: tuple[Type, ...] = signature.results
    return results


def _fits(operand: Operand, wanted: Any) -> bool:
    """Return whether a parameter of a signature takes an operand by NumPy's "safe" rule."""
    if isinstance(operand, Table):
        return bool(wanted.ndim == operand.ndim and wanted.type is operand.type)
    if isinstance(operand, Tuple) or wanted.ndim is not None:
        return False
    type_: Type = wanted.type
    if operand.known is None and not (operand.weak and operand.type.is_float):
        return np.can_cast(np.dtype(operand.type.name), np.dtype(type_.name), "safe")
    if isinstance(operand.known, int) and type_.is_integer:
        return fits(operand.known, type_)
    return type_.is_float


def _alike(a: FunctionType, b: FunctionType) -> bool:
    """Return whether two functions do the same; those that a factory makes close over other cells."""
    if a is b:
        return True
    cells, others = a.__closure__ or (), b.__closure__ or ()
    return a.__code__ is b.__code__ and all(one is other for one, other in zip(cells, others, strict=True))


def _define(walk: Walk, node: ast.Call, function: FunctionType) -> Definition:
    try:
        return walk.session.source.define(function)
    except CompileError as error:
        if error.text is not None:
            raise
        first, _, rest = str(error).partition("\n")
        raise walk.fail(node, first, rest.removeprefix("write instead: ")) from None


def _arguments(walk: Walk, node: ast.Call, definition: Definition) -> dict[str, tuple[Operand, ast.AST]]:
    """Return what each parameter gets, in the order of evaluation."""
    arguments = definition.arguments
    positional = definition.parameters
    names = dict.fromkeys((*positional[len(arguments.posonlyargs) :], *definition.keyword_only))
    given: dict[str, ast.expr] = {}
    for place, argument in enumerate(node.args):
        if isinstance(argument, ast.Starred):
            raise walk.fail(argument, "unsupported: star arguments in a kernel", "each argument by itself")
        if place >= len(positional):
            raise walk.fail(
                node,
                f"{definition.name} takes {len(positional)} arguments, not {len(node.args)}",
                "one argument for each parameter",
            )
        given[positional[place]] = argument
    for keyword in node.keywords:
        if keyword.arg is None:
            raise walk.fail(keyword, "unsupported: star arguments in a kernel", "each argument by itself")
        if keyword.arg not in names:
            raise walk.fail(
                keyword,
                f"{definition.name} has no parameter {keyword.arg} that can be given by name",
                f"one of its own: {', '.join(names)}" if names else "arguments by position",
            )
        if keyword.arg in given:
            raise walk.fail(keyword, f"{definition.name} gets {keyword.arg} twice", "each argument once")
        given[keyword.arg] = keyword.value
    operands: list[Any] = []
    for argument in given.values():
        mark = len(walk.out)
        operand = lower(walk, argument)
        if len(walk.out) > mark:
            walk.in_order(operands, mark)
        operands.append(operand)
    found: dict[str, tuple[Operand, ast.AST]] = dict(
        zip(given, zip(operands, given.values(), strict=True), strict=True)
    )
    missing = [name for name in (*positional, *definition.keyword_only) if name not in found]
    if missing:
        _defaults(walk, node, definition, missing, found)
    return found


def _defaults(
    walk: Walk, node: ast.Call, definition: Definition, missing: list[str], found: dict[str, tuple[Operand, ast.AST]]
) -> None:
    """Give the parameters that got no argument their default values."""
    function = definition.function
    defaults = function.__defaults__ or ()
    values: dict[str, object] = dict(
        zip(definition.parameters[len(definition.parameters) - len(defaults) :], defaults, strict=True)
    )
    by_name = function.__kwdefaults__ or {}
    values.update(by_name)
    walk.guards.add(Guard(function, "__defaults__", function.__defaults__))
    if definition.keyword_only:
        walk.guards.add(Guard(function, "__kwdefaults__", function.__kwdefaults__))
        for name in missing:
            if name in by_name:  # a dict, which may change as it is
                walk.guards.add(Guard(by_name, name, by_name[name]))
    for name in missing:
        if name not in values:
            raise walk.fail(node, f"{definition.name} gets no {name}", f"a value for {name}")
        value = captured.constant(values[name])
        if value is None:
            raise walk.fail(
                node,
                f"unsupported: the default value of {name} in {definition.name}, a {type(values[name]).__name__}",
                "a number",
            )
        found[name] = value, node


def _bind(walk: Walk, frame: Frame, name: str, operand: Operand, at: ast.AST) -> None:
    """Let a parameter stand for its argument; one that is assigned to becomes a variable."""
    if isinstance(operand, Tuple):
        raise walk.fail(at, "unsupported: a tuple as an argument", "its items, each as an argument")
    if name in frame.definition.scan.stores:
        if isinstance(operand, Table):
            raise walk.fail(at, f"unsupported: an assignment to {name}, which is a table", "another variable")
        walk.assign(frame.variable(name), operand, at, name)
        assert frame.assigned is not None
        frame.assigned.add(name)
        frame.maybe.add(name)
    elif isinstance(operand, Table) or operand.expr is None or isinstance(operand.expr, Const | Var):
        frame.bound[name] = operand
    else:
        local = walk.named_temporary(frame.variable(name), operand.type)
        walk.out.append(Assign(local, operand.expr))
        frame.bound[name] = Value(Var(local, operand.type), operand.type, weak=operand.weak)


def _body(walk: Walk, frame: Frame) -> Operand:
    scan = frame.definition.scan
    body = frame.definition.body
    if not scan.returns or (len(scan.returns) == 1 and scan.returns[0] is body[-1]):
        run_body(walk, body)
        items = frame.result
    else:
        frame.exit = walk.label(f"{frame.definition.name}.")
        _, statements = walk.apart(lambda: run_body(walk, body))
        _check_end(walk, frame)
        walk.out += without_exits(Block(frame.exit, tuple(statements)))
        items = tuple([walk.read(frame.returned(place)) for place in range(frame.count or 0)])
    if items is None or not frame.count:
        return Tuple(())
    return items[0] if frame.count == 1 and not frame.gives_tuple else Tuple(items)


def _check_end(walk: Walk, frame: Frame) -> None:
    if frame.assigned is not None and frame.count:
        raise walk.fail(
            None, f"missing return: {frame.definition.name} ends without one on some path", "a return at its end"
        )
