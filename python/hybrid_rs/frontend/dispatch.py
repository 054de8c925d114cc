"""Which function lowers which construct; the modules of the constructs enter themselves."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeVar

from hybrid_rs.frontend.unsupported import refuse
from hybrid_rs.frontend.values import Operand, Tuple, Value

if TYPE_CHECKING:
    from hybrid_rs.frontend.walk import Walk

__all__ = ["evaluate", "evaluate_all", "expression", "lower", "run_statement", "statement"]

Rule = TypeVar("Rule", bound=Callable[..., Any])
_EXPRESSIONS: Final[dict[type[ast.AST], Callable[[Walk, Any], Operand]]] = {}
_STATEMENTS: Final[dict[type[ast.AST], Callable[[Walk, Any], None]]] = {}


def expression(kind: type[ast.expr]) -> Callable[[Rule], Rule]:
    """Enter the decorated function as the one that lowers a kind of expression."""
    return lambda rule: _EXPRESSIONS.setdefault(kind, rule)  # type: ignore[return-value]


def statement(*kinds: type[ast.stmt]) -> Callable[[Rule], Rule]:
    """Enter the decorated function as the one that lowers kinds of statements."""

    def enter(rule: Rule) -> Rule:
        _STATEMENTS.update(dict.fromkeys(kinds, rule))
        return rule

    return enter


def run_statement(walk: Walk, node: ast.stmt) -> None:
    """Lower one statement."""
    rule = _STATEMENTS.get(type(node))
    if rule is None:
        raise refuse(walk, node)
    rule(walk, node)


def lower(walk: Walk, node: ast.expr) -> Operand:
    """Lower an expression to a number, a tuple or a table."""
    rule = _EXPRESSIONS.get(type(node))
    if rule is None:
        raise refuse(walk, node)
    return rule(walk, node)


def evaluate(walk: Walk, node: ast.expr) -> Value:
    """Lower an expression that must be a number."""
    value = lower(walk, node)
    if isinstance(value, Value):
        return value
    if isinstance(value, Tuple) and not value.items:
        raise walk.fail(node, "unsupported: a call that gives no value, where one is needed", "a return in the helper")
    if isinstance(value, Tuple):
        raise walk.fail(
            node, "unsupported: a tuple where a number is needed", "`a, b = ...` first, then the one that is meant"
        )
    text = walk.frame.definition.text(node)
    advice = f"one of its elements, as `{text}[i]`"
    if text in walk.frame.definition.parameters:
        advice += f"; for {text} as one element of an array, no {text}[...], len({text}) or {text}.shape anywhere"
    raise walk.fail(node, "unsupported: a whole table where a number is needed", advice, [(node, value)])


def evaluate_all(walk: Walk, nodes: Sequence[ast.expr]) -> list[Value]:
    """Lower several numbers from left to right, and keep the order of their faults."""
    values: list[Any] = []
    for node in nodes:
        mark = len(walk.out)
        value = evaluate(walk, node)
        if len(walk.out) > mark:
            walk.in_order(values, mark)
        values.append(value)
    return values
