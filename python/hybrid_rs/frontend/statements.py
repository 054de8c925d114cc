"""Lowering of statements."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from hybrid_rs.errors import CompileError
from hybrid_rs.frontend import operators
from hybrid_rs.frontend.capture import resolve
from hybrid_rs.frontend.convert import cast_to, convert
from hybrid_rs.frontend.dispatch import evaluate, lower, run_statement, statement
from hybrid_rs.frontend.expressions import condition
from hybrid_rs.frontend.types import same_kind
from hybrid_rs.frontend.unsupported import refuse
from hybrid_rs.frontend.values import Operand, Table, Tuple, Value, cast_name, describe
from hybrid_rs.ir.nodes import Assign, Break, Cast, Const, Continue, Expr, Fault, If, Load, Op, Return, Var
from hybrid_rs.ir.types import Type

if TYPE_CHECKING:
    from hybrid_rs.frontend.frame import LoopFrame
    from hybrid_rs.frontend.walk import Walk

__all__ = ["run_body"]


def run_body(walk: Walk, body: Iterable[ast.stmt]) -> None:
    """Lower statements, up to where no path goes on.

    A statement that is wrong doesn't end the walk: with types that aren't settled yet it may only seem wrong.
    """
    frame = walk.frame
    for node in body:
        if frame.assigned is None:
            return
        try:
            run_statement(walk, node)
        except CompileError as error:
            walk.frame = frame
            if walk.error is None:
                walk.error = error


@statement(ast.Pass)
def _pass(_walk: Walk, _node: ast.Pass) -> None:
    pass


@statement(ast.Expr)
def _expression(walk: Walk, node: ast.Expr) -> None:
    value = node.value
    if isinstance(value, ast.Constant) and isinstance(value.value, str | type(...)):
        return  # a docstring
    if isinstance(value, ast.Call):
        operand = lower(walk, value)
        items = operand.items if isinstance(operand, Tuple) else (operand,)
        for item in items:
            if isinstance(item, Value) and item.faults:
                walk.spill(item)
        return
    if isinstance(value, ast.Yield | ast.YieldFrom | ast.Await):
        raise refuse(walk, value)
    raise walk.fail(node, "unsupported: an expression whose value nobody uses", "an assignment or a return")


# ---- assignments


@statement(ast.Assign)
def _assign(walk: Walk, node: ast.Assign) -> None:
    operand = lower(walk, node.value)
    if len(node.targets) > 1 and isinstance(operand, Value):
        operand = walk.once(operand)
    for target in node.targets:
        _store(walk, target, operand, node.value)


@statement(ast.AnnAssign)
def _annotated(walk: Walk, node: ast.AnnAssign) -> None:
    if node.value is not None:
        _store(walk, node.target, lower(walk, node.value), node.value)


@statement(ast.AugAssign)
def _augmented(walk: Walk, node: ast.AugAssign) -> None:
    if not isinstance(node.target, ast.Name):
        raise _refuse_target(walk, node.target)
    target: ast.expr = node.target
    read = ast.copy_location(ast.Name(node.target.id, ast.Load()), target)
    value = evaluate(walk, read)
    other = evaluate(walk, node.value)
    result = operators.binary(walk, type(node.op), _whole(node), [value, other], [read, node.value])
    _store(walk, node.target, result, node.value)


def _whole(node: ast.AugAssign) -> Any:
    """Return the statement, which stands for the expression in it."""
    return node


def _store(walk: Walk, target: ast.expr, operand: Operand, node: ast.expr) -> None:
    if isinstance(target, ast.Name):
        if isinstance(operand, Tuple) and not operand.items:
            raise walk.fail(
                node, "unsupported: a call that gives no value, where one is needed", "a return in the helper"
            )
        if isinstance(operand, Tuple):
            raise walk.fail(node, f"unsupported: {target.id} would be a tuple", "a name for each item: `a, b = ...`")
        if isinstance(operand, Table):
            raise walk.fail(node, "unsupported: another name for a table", "the table's own name")
        _store_name(walk, target, operand)
    elif isinstance(target, ast.Tuple | ast.List):
        _store_tuple(walk, target, operand, node)
    else:
        raise _refuse_target(walk, target)


def _store_name(walk: Walk, target: ast.Name, value: Value) -> None:
    frame = walk.frame
    if isinstance(frame.bound.get(target.id), Table):
        raise walk.fail(target, f"unsupported: an assignment to {target.id}, which is a table", "another variable")
    walk.assign(frame.variable(target.id), value, target, target.id)
    if frame.assigned is not None:
        frame.assigned.add(target.id)
    frame.maybe.add(target.id)


def _store_tuple(walk: Walk, target: ast.Tuple | ast.List, operand: Operand, node: ast.expr) -> None:
    if not isinstance(operand, Tuple):
        raise walk.fail(node, "unsupported: several names for one value", "a value for each name")
    if any(isinstance(item, ast.Starred) for item in target.elts):
        raise walk.fail(target, "unsupported: star targets in a kernel", "a name for each item")
    if len(target.elts) != len(operand.items):
        raise walk.fail(node, f"{len(target.elts)} names for {len(operand.items)} values", "a name for each value")
    items = list(operand.items)
    names = {walk.frame.variable(at.id) for at in target.elts[:-1] if isinstance(at, ast.Name)}
    for place, item in enumerate(items):
        # All values are computed before the first of the names changes, as in a swap.
        if place and item.expr is not None and (item.faults or _reads(item.expr, names)):
            items[place] = walk.spill(item)
            continue
        if item.faults:
            items[place] = walk.spill(item)
    for at, item in zip(target.elts, items, strict=True):
        if isinstance(at, ast.Tuple | ast.List):
            raise walk.fail(at, "unsupported: nested tuples in a kernel", "one tuple of names")
        _store(walk, at, item, node)


def _reads(expr: Expr, names: set[str]) -> bool:
    if isinstance(expr, Var):
        return expr.name in names
    if isinstance(expr, Op):
        return any(_reads(arg, names) for arg in expr.args)
    if isinstance(expr, Cast):
        return _reads(expr.arg, names)
    return isinstance(expr, Load) and any(_reads(index, names) for index in expr.index)


def _refuse_target(walk: Walk, target: ast.expr) -> CompileError:
    if isinstance(target, ast.Subscript):
        return walk.fail(
            target,
            "unsupported: an assignment to an element",
            "return the value: the call puts each element's result in its place; tables are read-only",
        )
    if isinstance(target, ast.Attribute):
        return walk.fail(target, "unsupported: an assignment to an attribute", "a variable")
    return walk.fail(target, "unsupported: this target of an assignment", "a variable")


# ---- branches


@statement(ast.If)
def _if(walk: Walk, node: ast.If) -> None:
    frame = walk.frame
    test = condition(walk, node.test)
    assert test.expr is not None
    before = frame.assigned
    assert before is not None
    after_then, then = walk.apart(lambda: _branch(walk, node.body, before))
    if not node.orelse:
        walk.out.append(If(test.expr, tuple(then), ()))
        frame.assigned = before
        return
    after_else, orelse = walk.apart(lambda: _branch(walk, node.orelse, before))
    walk.out.append(If(test.expr, tuple(then), tuple(orelse)))
    if after_then is None or after_else is None:
        frame.assigned = after_else if after_then is None else after_then
    else:
        frame.assigned = after_then & after_else


def _branch(walk: Walk, body: list[ast.stmt], before: set[str]) -> set[str] | None:
    """Lower one side of an if, and return what is assigned after it."""
    walk.frame.assigned = set(before)
    run_body(walk, body)
    return walk.frame.assigned


def _loop(walk: Walk, node: ast.AST, word: str) -> LoopFrame:
    if not walk.frame.loops:
        raise walk.fail(node, f"{word} outside of a loop")
    return walk.frame.loops[-1]


@statement(ast.Break)
def _break(walk: Walk, node: ast.Break) -> None:
    loop = _loop(walk, node, "break")
    walk.out.append(Break(loop.label))
    assert walk.frame.assigned is not None
    loop.breaks.append(walk.frame.assigned)
    walk.frame.assigned = None


@statement(ast.Continue)
def _continue(walk: Walk, node: ast.Continue) -> None:
    walk.out.append(Continue(_loop(walk, node, "continue").label))
    walk.frame.assigned = None


# ---- ends


@statement(ast.Return)
def _return(walk: Walk, node: ast.Return) -> None:
    frame = walk.frame
    if node.value is None or (isinstance(node.value, ast.Constant) and node.value.value is None):
        items: tuple[Value, ...] = ()
        if frame.parent is None:
            raise walk.fail(node, "unsupported: a return without a value", "return with the element's result")
    else:
        operand = lower(walk, node.value)
        if isinstance(operand, Table):
            raise walk.fail(node, "unsupported: a table as a result", "one of its elements, as `t[i]`")
        items = operand.items if isinstance(operand, Tuple) else (operand,)
        if not items:
            raise walk.fail(node, "unsupported: a return of no values", "return with the element's result")
        frame.gives_tuple = isinstance(operand, Tuple)
    if frame.count is not None and frame.count != len(items):
        raise walk.fail(
            node, f"this return gives {len(items)} values, another one {frame.count}", "as many values in every return"
        )
    frame.count = len(items)
    if frame.declared is not None:
        items = _as_declared(walk, node, items, frame.declared)
    if frame.parent is None:
        _return_results(walk, node, items)
    elif frame.exit is None:
        frame.result = items
    else:
        for place, item in enumerate(items):
            walk.assign(frame.returned(place), item, node, f"the result of {frame.definition.name}")
        walk.out.append(Break(frame.exit))
    if frame.exit is not None or frame.parent is None:
        frame.assigned = None


def _return_results(walk: Walk, node: ast.Return, items: tuple[Value, ...]) -> None:
    """Return from the kernel. Each result is a variable, so far as its type goes."""
    made = []
    for place, value in enumerate(items):
        before = len(walk.out)
        walk.assign(walk.frame.returned(place), value, node, "the result")
        if len(walk.out) == before:
            return  # types that aren't settled
        assign = walk.out.pop()
        assert isinstance(assign, Assign)
        made.append(assign.value)
    walk.out.append(Return(tuple(made)))


def _as_declared(
    walk: Walk, node: ast.Return, items: tuple[Value, ...], declared: tuple[Type, ...]
) -> tuple[Value, ...]:
    if len(declared) != len(items):
        raise walk.fail(
            node, f"this return gives {len(items)} values, the signature {len(declared)}", "as many values as declared"
        )
    return tuple([_declared(walk, node, item, type_) for item, type_ in zip(items, declared, strict=True)])


def _declared(walk: Walk, node: ast.Return, value: Value, type_: Type) -> Value:
    """Cast a returned value to the type that the signature declares."""
    if value.weak:
        allowed = type_.is_float or (type_.is_integer and value.type.is_integer)
    else:
        allowed = same_kind(value.type, type_)
    if not allowed:
        assert node.value is not None
        raise walk.fail(
            node,
            f"incompatible types: the signature says {type_}, and this return gives {describe(value)}",
            f"{cast_name(type_)}(...) around the value, or another signature",
            [(node.value, value)],
        )
    if value.known is not None:
        return convert(walk, value, type_, node)
    return cast_to(walk, value, type_, node)


@statement(ast.Assert)
def _assert(walk: Walk, node: ast.Assert) -> None:
    test = condition(walk, node.test)
    message = _text(walk, node.msg, "the message") if node.msg is not None else ""
    site = walk.site("AssertionError", message, node)
    assert test.expr is not None
    if isinstance(test.expr, Const):
        failed: Expr = Const(test.type, not test.expr.value)
    else:
        failed = Op("not", test.type, (test.expr,))
    walk.out.append(If(failed, (Fault(site),), ()))


@statement(ast.Raise)
def _raise(walk: Walk, node: ast.Raise) -> None:
    advice = 'raise ValueError("what is wrong"), or another built-in exception'
    if node.exc is None or node.cause is not None:
        raise walk.fail(node, "unsupported: this form of raise in a kernel", advice)
    called = node.exc if isinstance(node.exc, ast.Call) else None
    found = resolve(walk.frame.definition, called.func if called is not None else node.exc)
    kind = found.value if found is not None else None
    if found is None or not (isinstance(kind, type) and issubclass(kind, Exception) and kind.__module__ == "builtins"):
        raise walk.fail(node.exc, "unsupported: raise of anything but a built-in exception", advice)
    message = ""
    if called is not None and (called.args or called.keywords):
        if len(called.args) > 1 or called.keywords:
            raise walk.fail(called, "unsupported: an exception with several arguments", advice)
        message = _text(walk, called.args[0], "the text")
    try:
        kind(message)
    except TypeError:
        raise walk.fail(node.exc, f"unsupported: {kind.__name__} can't be made of a text", advice) from None
    for guard in found.guards:
        walk.guards.add(guard)
    walk.out.append(Fault(walk.site(kind.__name__, message, node)))
    walk.frame.assigned = None


def _text(walk: Walk, node: ast.expr, what: str) -> str:
    if isinstance(node, ast.JoinedStr) and all(isinstance(part, ast.Constant) for part in node.values):
        text = "".join(str(part.value) for part in node.values if isinstance(part, ast.Constant))
    elif isinstance(node, ast.Constant) and isinstance(node.value, str | int | float):
        text = str(node.value)
    else:
        raise walk.fail(
            node,
            f"unsupported: {what} must be known when the kernel is compiled",
            "a literal string; the fault tells the element's inputs",
        )
    try:
        text.encode()
    except UnicodeEncodeError:
        raise walk.fail(node, "unsupported: half of a surrogate pair in a text", "the whole character") from None
    return text
