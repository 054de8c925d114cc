"""Lowering of expressions."""

from __future__ import annotations

import ast
import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from hybrid_rs.frontend import captured, operators
from hybrid_rs.frontend.compare import compare, refuse_comparison
from hybrid_rs.frontend.convert import joined, number, same, truth
from hybrid_rs.frontend.dispatch import evaluate, evaluate_all, expression
from hybrid_rs.frontend.values import Operand, Tuple, Value, boolean, literal
from hybrid_rs.ir.nodes import Assign, Const, If, Stmt, Var
from hybrid_rs.ir.types import BOOL

if TYPE_CHECKING:
    from hybrid_rs.frontend.walk import Walk

__all__ = ["condition"]

_COMPARISONS: Final = (ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE)


def condition(walk: Walk, node: ast.expr) -> Value:
    """Lower an expression that is only asked whether it is true."""
    if isinstance(node, ast.BoolOp):
        value = condition(walk, node.values[0])
        for other in node.values[1:]:
            value = _both(walk, value, other, condition, is_and=isinstance(node.op, ast.And))
        return value
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return _not(walk, condition(walk, node.operand))
    value = evaluate(walk, node)
    return truth(walk, value)


def _not(walk: Walk, value: Value) -> Value:
    return boolean(not value.expr.value) if isinstance(value.expr, Const) else walk.op("not", BOOL, (value,))


def _both(
    walk: Walk, value: Value, node: ast.expr, lowered: Callable[[Walk, ast.expr], Value], *, is_and: bool
) -> Value:
    """Lower `and` or `or` of bools, the right one only computed where the left one doesn't decide."""
    other, statements = walk.apart(lambda: lowered(walk, node))
    return _lazy(walk, value, other, statements, is_and=is_and)


def _lazy(walk: Walk, value: Value, other: Value, statements: list[Stmt], *, is_and: bool) -> Value:
    if not statements and not other.faults:
        return walk.op("and" if is_and else "or", BOOL, (value, other))
    name = walk.temporary(BOOL)
    assert value.expr is not None
    assert other.expr is not None
    walk.out.append(Assign(name, value.expr))
    result = Value(Var(name, BOOL), BOOL)
    test = result if is_and else _not(walk, result)
    assert test.expr is not None
    walk.out.append(If(test.expr, (*statements, Assign(name, other.expr)), ()))
    return result


@expression(ast.BoolOp)
def _bool_op(walk: Walk, node: ast.BoolOp) -> Value:
    is_and = isinstance(node.op, ast.And)
    value = evaluate(walk, node.values[0])
    for other_node in node.values[1:]:
        other, statements = walk.apart(functools.partial(evaluate, walk, other_node))
        if value.type is BOOL and other.type is BOOL:
            value = _lazy(walk, value, other, statements, is_and=is_and)
            continue
        nodes = [node.values[0], other_node]
        word = "`and`" if is_and else "`or`"
        type_, weak = joined(walk, [value, other], nodes, node, word)
        first = walk.once(same(walk, [value], type_, weak, nodes[:1])[0])
        test = truth(walk, first)
        second = _settled(walk, other, statements, type_, other_node, weak=weak)
        if is_and:
            value = _choose(walk, test, (second, statements), (first, []), weak=weak)
        else:
            value = _choose(walk, test, (first, []), (second, statements), weak=weak)
    return value


def _settled(walk: Walk, value: Value, statements: list[Stmt], type_: Any, node: ast.expr, *, weak: bool) -> Value:
    """Convert the value of a lazy side, together with the statements that compute it."""
    made, more = walk.apart(lambda: same(walk, [value], type_, weak, [node])[0])
    statements += more
    return made


def _choose(
    walk: Walk, test: Value, yes: tuple[Value, list[Stmt]], no: tuple[Value, list[Stmt]], *, weak: bool
) -> Value:
    """Give one of two values of one type, and compute only that one if it matters."""
    (then, before_then), (other, before_other) = yes, no
    type_ = then.type
    assert then.expr is not None
    assert other.expr is not None
    if not (before_then or before_other or then.faults or other.faults):
        return walk.op("select", type_, (test, then, other), weak=weak)
    name = walk.temporary(type_)
    assert test.expr is not None
    walk.out.append(If(test.expr, (*before_then, Assign(name, then.expr)), (*before_other, Assign(name, other.expr))))
    return Value(Var(name, type_), type_, weak=weak)


@expression(ast.IfExp)
def _if_exp(walk: Walk, node: ast.IfExp) -> Value:
    test = condition(walk, node.test)
    then, before_then = walk.apart(lambda: evaluate(walk, node.body))
    other, before_other = walk.apart(lambda: evaluate(walk, node.orelse))
    nodes = [node.body, node.orelse]
    type_, weak = joined(walk, [then, other], nodes, node, "the conditional expression")
    then = _settled(walk, then, before_then, type_, node.body, weak=weak)
    other = _settled(walk, other, before_other, type_, node.orelse, weak=weak)
    return _choose(walk, test, (then, before_then), (other, before_other), weak=weak)


@expression(ast.Compare)
def _compare(walk: Walk, node: ast.Compare) -> Value:
    for sign in node.ops:
        if not isinstance(sign, _COMPARISONS):
            raise refuse_comparison(walk, node, sign)
    nodes = [node.left, node.comparators[0]]
    left, right = evaluate_all(walk, nodes)
    if len(node.ops) == 1:
        return compare(walk, type(node.ops[0]), node, [left, right], nodes)
    if right.faults:
        if left.faults:
            left = walk.once(left)
        right = walk.once(right)
    value = compare(walk, type(node.ops[0]), node, [left, right], nodes)
    rest, statements = walk.apart(lambda: _link(walk, node, 1, right))
    return _lazy(walk, value, rest, statements, is_and=True)


def _link(walk: Walk, node: ast.Compare, place: int, given: Value) -> Value:
    """Lower a chained comparison from one of its signs on; `given` stands to the left of it."""
    nodes = [node.comparators[place - 1], node.comparators[place]]
    following = evaluate(walk, nodes[1])
    if place == len(node.ops) - 1:
        return compare(walk, type(node.ops[place]), node, [given, following], nodes)
    if following.faults:
        following = walk.once(following)
    value = compare(walk, type(node.ops[place]), node, [given, following], nodes)
    rest, statements = walk.apart(lambda: _link(walk, node, place + 1, following))
    return _lazy(walk, value, rest, statements, is_and=True)


@expression(ast.BinOp)
def _binary(walk: Walk, node: ast.BinOp) -> Value:
    # A long sum is a tree that leans to the left: it is walked along its spine, not by recursion.
    spine = [node]
    while isinstance(spine[-1].left, ast.BinOp):
        spine.append(spine[-1].left)
    value = evaluate(walk, spine[-1].left)
    for at in reversed(spine):
        values: list[Any] = [value]
        mark = len(walk.out)
        right = evaluate(walk, at.right)
        if len(walk.out) > mark:
            walk.in_order(values, mark)
        value = operators.binary(walk, type(at.op), at, [values[0], right], [at.left, at.right])
    return value


@expression(ast.UnaryOp)
def _unary(walk: Walk, node: ast.UnaryOp) -> Value:
    if isinstance(node.op, ast.Not):
        return condition(walk, node)
    value = evaluate(walk, node.operand)
    if isinstance(node.op, ast.USub):
        return operators.negate(walk, node, value)
    if isinstance(node.op, ast.Invert):
        return operators.invert(walk, node, value, node.operand)
    return number(walk, value)


@expression(ast.Constant)
def _constant(walk: Walk, node: ast.Constant) -> Value:
    value = node.value
    if isinstance(value, bool):
        return boolean(value)
    if isinstance(value, int | float):
        return literal(value)
    what, advice = {
        str: ("strings", "numbers that stand for the cases"),
        bytes: ("bytes", "numbers that stand for the cases"),
        complex: ("complex numbers", "two floats, the real and the imaginary part"),
        type(None): ("None", "a number, as -1 or math.nan"),
        type(...): ("...", "a number"),
    }[type(value)]
    raise walk.fail(node, f"unsupported: {what} in a kernel", advice)


@expression(ast.Tuple)
def _tuple(walk: Walk, node: ast.Tuple) -> Tuple:
    return Tuple(tuple(evaluate_all(walk, node.elts)))


@expression(ast.Name)
def _name(walk: Walk, node: ast.Name) -> Operand:
    frame = walk.frame
    name = node.id
    bound = frame.bound.get(name)
    if bound is not None:
        return bound
    counter = frame.counters.get(name)
    if counter is not None:
        return counter
    if name in frame.definition.scan.stores:
        if frame.assigned is not None and name not in frame.assigned:
            if name in frame.maybe:
                raise walk.fail(
                    node,
                    f"{name} may be unassigned here: not every path assigns it, and a loop may not run at all",
                    f"a value for {name} before the branch or loop",
                )
            raise walk.fail(node, f"{name} is used before it is assigned", f"a value for {name} first")
        return walk.read(frame.variable(name))
    return captured.value_of(walk, node)
