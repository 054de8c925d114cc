"""Lowering of loops."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final

from hybrid_rs.frontend.advice import advice as instead_of
from hybrid_rs.frontend.capture import resolve
from hybrid_rs.frontend.convert import convert, number
from hybrid_rs.frontend.dispatch import evaluate_all, statement
from hybrid_rs.frontend.expressions import condition
from hybrid_rs.frontend.frame import LoopFrame
from hybrid_rs.frontend.members import ONE_ELEMENT
from hybrid_rs.frontend.statements import run_body
from hybrid_rs.frontend.types import fits
from hybrid_rs.frontend.values import Table, Value, describe, literal, strong
from hybrid_rs.ir.nodes import Assign, Const, Fault, If, Loop, Op, Var
from hybrid_rs.ir.types import BOOL, INT32, INT64, UINT64, Type, named

if TYPE_CHECKING:
    from hybrid_rs.frontend.walk import Walk

_UINT32: Final = named("uint32")
_DIVIDED: Final = "integer division or modulo by zero"


@statement(ast.While)
def _while(walk: Walk, node: ast.While) -> None:
    _refuse_else(walk, node)
    frame = walk.frame
    test, head = walk.apart(lambda: condition(walk, node.test))
    assert test.expr is not None
    before = frame.assigned
    assert before is not None
    loop = LoopFrame(walk.label("loop"))
    frame.loops.append(loop)
    frame.assigned = set(before)
    _, body = walk.apart(lambda: run_body(walk, node.body))
    frame.loops.pop()
    walk.out.append(Loop(loop.label, tuple(head), test.expr, tuple(body), ()))
    frame.assigned = before
    if isinstance(test.expr, Const) and test.expr.value:
        frame.assigned = set.intersection(*loop.breaks) if loop.breaks else None
        if not loop.breaks and frame.count is None and walk.endless is None:
            walk.endless = walk.fail(node, "this loop never ends: it has neither break nor return", "a break in it")


def _refuse_else(walk: Walk, node: ast.While | ast.For) -> None:
    if node.orelse:
        raise walk.fail(
            node.orelse[0],
            "unsupported: else after a loop",
            "a bool that is set before `break`, and an if after the loop",
        )


@statement(ast.For)
def _for(walk: Walk, node: ast.For) -> None:
    _refuse_else(walk, node)
    if not isinstance(node.target, ast.Name):
        raise walk.fail(node.target, "unsupported: this loop variable", "one name: `for i in range(...)`")
    values, nodes = _range(walk, node.iter)
    if isinstance(walk.frame.bound.get(node.target.id), Table):
        raise walk.fail(
            node.target, f"unsupported: an assignment to {node.target.id}, which is a table", "another variable"
        )
    type_ = _type(walk, node, values, nodes)
    step_value = values[2]
    if step_value.known == 0:
        raise walk.fail(nodes[2], "range has a step of 0", "another step")
    small = all(_small(value) for value in values)
    start, stop, step = _ends(walk, values, nodes, type_)
    if step.known in (1, -1) and type_ is INT64 and _read(node):
        if isinstance(stop.expr, Var) and stop.expr.name not in walk.temporaries:
            stop = walk.spill(stop)  # a variable may change in the loop
        _emit(walk, node, start, stop, step, type_, counts=False)
        return
    if step.known is None:
        count, advance = _count_any(walk, node, start, stop, step, type_, small=small)
    else:
        count, advance = _count(walk, start, stop, int(step.known), type_, small=small), step
    _emit(walk, node, start, count, advance, type_)


def _read(node: ast.For) -> bool:
    """Return whether a loop's variable is read in its body."""
    assert isinstance(node.target, ast.Name)
    name = node.target.id
    return any(
        isinstance(inner, ast.Name) and inner.id == name and isinstance(inner.ctx, ast.Load)
        for stmt in node.body
        for inner in ast.walk(stmt)
    )


def _range(walk: Walk, node: ast.expr) -> tuple[list[Value], list[ast.expr]]:
    """Lower the arguments of a range; a missing start is 0, a missing step 1."""
    called = resolve(walk.frame.definition, node.func) if isinstance(node, ast.Call) else None
    if not isinstance(node, ast.Call) or called is None or called.value is not range:
        advice = (called and instead_of(called.value)) or "for i in range(...)"
        around = resolve(walk.frame.definition, node)
        if isinstance(node, ast.Name):
            text = node.id
            advice = f"for i in range(len({text})), with {text}[i] in the loop"
            if isinstance(walk.frame.bound.get(text), Value):
                advice = f"no loop: {ONE_ELEMENT}, here {text}; for the whole array in each element {advice}"
            elif around is not None and isinstance(around.value, list | tuple):
                advice = f"{text} = np.array(...) above the kernel, and {advice}"
        raise walk.fail(node, "unsupported: a loop over anything but range(...)", advice)
    for guard in called.guards:
        walk.guards.add(guard)
    if node.keywords or not 1 <= len(node.args) <= 3 or any(isinstance(arg, ast.Starred) for arg in node.args):
        raise walk.fail(
            node, "range takes one to three arguments", "range(stop), range(start, stop) or range(start, stop, step)"
        )
    nodes = list(node.args)
    values = [number(walk, value) for value in evaluate_all(walk, nodes)]
    if len(values) == 1:
        values, nodes = [literal(0), *values], [node, *nodes]
    if len(values) == 2:
        values, nodes = [*values, literal(1)], [*nodes, node]
    for value, at in zip(values, nodes, strict=True):
        if not value.type.is_integer:
            raise walk.fail(at, f"unsupported: a range of {describe(value)}", "int(...) around it", [(at, value)])
    return values, nodes


def _type(walk: Walk, node: ast.For, values: list[Value], nodes: list[ast.expr]) -> Type:
    """Return the type that a range counts in: uint64 if an argument is one, else int64."""
    types = [value.type if value.known is None or fits(int(value.known), INT64) else UINT64 for value in values]
    if all(type_ is not UINT64 for type_ in types):
        return INT64
    for value, type_, at in zip(values, types, nodes, strict=True):
        if type_.kind == "i" and not value.weak:
            raise walk.fail(
                at,
                "incompatible types: uint64 and a signed integer in range",
                "np.int64(...) or np.uint64(...)",
                [(arg, given) for arg, given in zip(nodes, values, strict=True) if arg is not node.iter],
            )
    return UINT64


def _small(value: Value) -> bool:
    """Return whether an argument surely fits int32."""
    if value.known is not None:
        return fits(int(value.known), INT32)
    from_bool = value.weak and value.expr is not None and not isinstance(value.expr, Var | Op | Const)
    return from_bool or (not value.weak and value.type.low >= INT32.low and value.type.high <= INT32.high)


def _ends(walk: Walk, values: list[Value], nodes: list[ast.expr], type_: Type) -> tuple[Value, Value, Value]:
    """Convert the arguments of a range to its type, each to be used several times; a literal step stays a literal."""
    faults = any(value.faults for value in values)
    made = []
    for place, (value, at) in enumerate(zip(values, nodes, strict=True)):
        if place == 2 and value.known is not None:
            made.append(value)
            continue
        converted = convert(walk, value, type_, at)
        made.append(walk.spill(converted) if faults and converted.faults else walk.once(converted))
    return made[0], made[1], made[2]


def _unsigned(walk: Walk, value: Value, wide: Type) -> Value:
    """Return an end as an unsigned integer, in which differences don't wrap."""
    if isinstance(value.expr, Const):
        return strong(wide, int(value.expr.value) % (wide.high + 1))
    return walk.cast(value, wide)


def _count(walk: Walk, start: Value, stop: Value, step: int, type_: Type, *, small: bool) -> Value:
    """Return the number of iterations of a range whose step is a literal."""
    wide = _UINT32 if small else UINT64
    low, high = (start, stop) if step > 0 else (stop, start)
    if isinstance(low.expr, Const) and isinstance(high.expr, Const):
        count = len(range(int(start.expr.value), int(stop.expr.value), step))  # type: ignore[union-attr]
        return strong(wide, count)
    span = _difference(walk, _unsigned(walk, high, wide), _unsigned(walk, low, wide), wide)
    size = abs(step)
    if size > 1:
        one = strong(wide, 1)
        site = walk.site("ZeroDivisionError", _DIVIDED, None)
        whole = walk.op(
            "floordiv", wide, (walk.op("sub", wide, (span, one)), strong(wide, min(size, wide.high))), site=site
        )
        span = walk.op("add", wide, (whole, one))
    some = walk.op("lt", BOOL, (low, high))
    del type_
    return walk.op("select", wide, (some, span, strong(wide, 0)))


def _difference(walk: Walk, high: Value, low: Value, wide: Type) -> Value:
    if isinstance(low.expr, Const) and low.expr.value == 0:
        return high
    return walk.op("sub", wide, (high, low))


def _count_any(
    walk: Walk, node: ast.For, start: Value, stop: Value, step: Value, type_: Type, *, small: bool
) -> tuple[Value, Value]:
    """Return the number of iterations of a range whose step isn't known, and the step, which isn't 0 then."""
    wide = _UINT32 if small else UINT64
    zero, one = strong(type_, 0), strong(wide, 1)
    bad = Op("eq", BOOL, (step.expr, zero.expr))  # type: ignore[arg-type]
    site = walk.site("ValueError", "range() arg 3 must not be zero", node.iter)
    walk.out.append(If(bad, (Fault(site),), ()))
    first, last, size = (_unsigned(walk, value, wide) for value in (start, stop, step))
    some = walk.op("lt", BOOL, (start, stop))
    span = walk.op("sub", wide, (last, first))
    if type_.kind == "i":
        up = walk.once(walk.op("gt", BOOL, (step, zero)))
        some = walk.op("select", BOOL, (up, some, walk.op("lt", BOOL, (stop, start))))
        span = walk.op("select", wide, (up, span, walk.op("sub", wide, (first, last))))
        size = walk.op("select", wide, (up, size, walk.op("sub", wide, (strong(wide, 0), size))))
    site = walk.site("ZeroDivisionError", _DIVIDED, None)
    whole = walk.op("floordiv", wide, (walk.op("sub", wide, (span, one)), size), site=site)
    return walk.op("select", wide, (some, walk.op("add", wide, (whole, one)), strong(wide, 0))), step


def _emit(
    walk: Walk, node: ast.For, start: Value, end: Value, step: Value, type_: Type, *, counts: bool = True
) -> None:
    """Emit the loop.

    Args:
        walk: The walk.
        node: The loop.
        start: The counter's first value.
        end: The number of iterations, which are counted down beside the counter; or where the counter stops.
        step: What is added to the counter.
        type_: The counter's type.
        counts: Whether `end` is the number of iterations. Else the step is 1 or -1, so that the counter meets `end`
            exactly, and can't wrap before.
    """
    assert isinstance(node.target, ast.Name)
    frame, name = walk.frame, node.target.id
    own = name in frame.definition.scan.counters
    counter = walk.counter(frame.variable(name), type_) if own else walk.temporary(type_)
    assert end.expr is not None
    assert start.expr is not None
    goes, advance = _countdown(walk, end) if counts else (None, [])
    walk.out.append(Assign(counter, start.expr))
    before = frame.assigned
    assert before is not None
    loop = LoopFrame(walk.label("loop"))
    frame.loops.append(loop)
    frame.assigned = set(before)
    current = Value(Var(counter, type_), type_)

    def body() -> None:
        if own:
            frame.counters[name] = current
        else:
            walk.assign(frame.variable(name), current, node.target, name)
            assert frame.assigned is not None
            frame.assigned.add(name)
            frame.maybe.add(name)
        run_body(walk, node.body)

    _, statements = walk.apart(body)
    frame.counters.pop(name, None)
    frame.loops.pop()
    frame.assigned = before
    if goes is None:
        goes = Op("lt" if step.known == 1 else "gt", BOOL, (Var(counter, type_), end.expr))
    steps = (Assign(counter, _advanced(current, step, type_)), *advance)
    walk.out.append(Loop(loop.label, (), goes, tuple(statements), steps))


def _countdown(walk: Walk, count: Value) -> tuple[Op, list[Assign]]:
    """Set up a number that counts iterations down; return what tells that some are left, and what counts."""
    wide = count.type
    left = walk.temporary(wide)
    assert count.expr is not None
    walk.out.append(Assign(left, count.expr))
    remaining = Var(left, wide)
    more = Op("ne", BOOL, (remaining, Const(wide, 0)))
    return more, [Assign(left, Op("sub", wide, (remaining, Const(wide, 1))))]


def _advanced(counter: Value, step: Value, type_: Type) -> Op:
    """Return the counter's next value; after the last iteration it may wrap, unseen."""
    assert counter.expr is not None
    if step.known is not None:
        size = int(step.known)
        op, amount = ("add", size) if size > 0 or type_.kind == "i" else ("sub", -size)
        if not fits(amount, type_):
            op, amount = "add", 0  # one iteration at most
        return Op(op, type_, (counter.expr, Const(type_, amount)))
    assert step.expr is not None
    return Op("add", type_, (counter.expr, step.expr))
