"""Fraction and exponent of floats: `frexp` and `ldexp`, which mathlib has in the kernel language."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final

from hybrid_rs.frontend.convert import as_float, number, settle
from hybrid_rs.frontend.inline import inline_values
from hybrid_rs.frontend.names import Nodes, Rule, Values, enter
from hybrid_rs.frontend.values import Operand, Tuple, Value, strong
from hybrid_rs.ir.types import INT32, INT64, Type
from hybrid_rs.mathlib import f32_parts, f64_parts

if TYPE_CHECKING:
    from hybrid_rs.frontend.walk import Walk

# Every power that a float can take lies between.
_MOST: Final = 2200


def _frexp(exponent_type: Type) -> Rule:
    def rule(walk: Walk, node: ast.Call, values: Values, nodes: Nodes) -> Operand:
        value = as_float(walk, values[0], nodes[0])
        parts = f32_parts if value.type.bits == 32 else f64_parts
        found = inline_values(walk, node, parts.frexp, _plain(value))
        assert isinstance(found, Tuple)
        fraction, exponent = found.items
        fraction = Value(fraction.expr, value.type, weak=value.weak, depth=fraction.depth)
        return Tuple((fraction, walk.cast(exponent, exponent_type)))

    return rule


def _ldexp(walk: Walk, node: ast.Call, values: Values, nodes: Nodes) -> Operand:
    value, power = as_float(walk, values[0], nodes[0]), number(walk, values[1])
    if power.type.is_float:
        raise walk.fail(
            node, "unsupported: ldexp by a power that is no integer", "x * 2.0 ** y", [(nodes[1], values[1])]
        )
    narrow = value.type.bits == 32
    found = inline_values(
        walk,
        node,
        (f32_parts if narrow else f64_parts).ldexp,
        _plain(value),
        walk.cast(_between(walk, power, nodes[1]), INT32 if narrow else INT64),
    )
    assert isinstance(found, Value)
    return Value(found.expr, value.type, weak=value.weak, depth=found.depth)


def _between(walk: Walk, power: Value, node: ast.expr) -> Value:
    """Return a power that multiplies as another does, and fits any type of 16 bits."""
    if isinstance(power.known, int):
        return strong(INT64, min(max(power.known, -_MOST), _MOST))
    power = _plain(settle(walk, power, node))
    if power.type.high > _MOST:
        power = walk.op("min", power.type, (power, strong(power.type, _MOST)))
    if power.type.low < -_MOST:
        power = walk.op("max", power.type, (power, strong(power.type, -_MOST)))
    return power


def _plain(value: Value) -> Value:
    """Return a number that isn't weak."""
    return Value(value.expr, value.type, faults=value.faults, depth=value.depth)


# As with floor, the exponent is an int64 where Python gives an int, and of NumPy's type where NumPy does.
enter("math.frexp", _frexp(INT64), 1)
enter("np.frexp", _frexp(INT32), 1)
enter("math.ldexp np.ldexp", _ldexp, 2)
