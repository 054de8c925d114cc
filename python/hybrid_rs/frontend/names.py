"""The functions that a kernel may call, by the objects that their names stand for."""

from __future__ import annotations

import ast
import builtins
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from hybrid_rs import language
from hybrid_rs.frontend import operators
from hybrid_rs.frontend.compare import compare
from hybrid_rs.frontend.convert import (
    as_float,
    as_integer,
    cast_to,
    common,
    convert,
    joined,
    number,
    same,
    settle,
    truth,
)
from hybrid_rs.frontend.values import Operand, Tuple, Value, literal, strong
from hybrid_rs.ir.types import BOOL, FLOAT32, FLOAT64, Type, named

if TYPE_CHECKING:
    from hybrid_rs.frontend.walk import Walk

__all__ = ["FUNCTIONS", "Entry", "cast_type", "enter"]

Values = list[Value]
Nodes = list[ast.expr]
Rule = Callable[["Walk", ast.Call, Values, Nodes], Operand]


@dataclass(frozen=True, slots=True)
class Entry:
    """A function: what lowers a call of it, and how many arguments it takes."""

    rule: Rule
    least: int
    most: int


FUNCTIONS: Final[dict[object, Entry]] = {}
"""Every function that isn't inlined, by its object."""


def enter(names: str, rule: Rule, least: int, most: int | None = None) -> None:
    """Enter a rule under names such as "math.sin np.sin"; those that this Python or NumPy doesn't have are left out."""
    modules = {"math": math, "np": np, "hr": language, "builtins": builtins}
    for name in names.split():
        module, _, attribute = name.partition(".")
        function = getattr(modules[module], attribute, None)
        if function is not None:
            FUNCTIONS[function] = Entry(rule, least, least if most is None else most)


def cast_type(function: object) -> Type | None:
    """Return the type that a class casts to: NumPy's scalar types and Python's bool; None for any other object."""
    if function is bool:
        return BOOL
    if isinstance(function, type) and issubclass(function, np.generic):
        try:
            return named(np.dtype(function).name)
        except (KeyError, TypeError):
            return None
    return None


# ---- elementary functions


def _floats(walk: Walk, values: Values, nodes: Nodes, node: ast.expr) -> tuple[Values, Type, bool]:
    """Convert operands to one float type: float32 if that is what they promote to, else float64."""
    values = [number(walk, value) for value in values]
    type_, weak = common(walk, values, nodes, node, "a function of floats")
    if not type_.is_float:
        values = [
            convert(walk, v, type_, at) if v.known is not None and not weak else v
            for v, at in zip(values, nodes, strict=True)
        ]
        type_ = FLOAT64
    return same(walk, values, type_, weak, nodes), type_, weak


def _elementary(op: str) -> Rule:
    def rule(walk: Walk, node: ast.Call, values: Values, nodes: Nodes) -> Value:
        if len(values) == 1:
            value = as_float(walk, values[0], nodes[0])
            return walk.op(op, value.type, (value,), weak=value.weak)
        values, type_, weak = _floats(walk, values, nodes, node)
        return walk.op(op, type_, tuple(values), weak=weak)

    return rule


for _op, _names in {
    "sqrt": "math.sqrt np.sqrt", "cbrt": "math.cbrt np.cbrt", "exp": "math.exp np.exp", "exp2": "math.exp2 np.exp2",
    "expm1": "math.expm1 np.expm1", "log2": "math.log2 np.log2", "log10": "math.log10 np.log10",
    "log1p": "math.log1p np.log1p", "sin": "math.sin np.sin", "cos": "math.cos np.cos", "tan": "math.tan np.tan",
    "asin": "math.asin np.arcsin np.asin", "acos": "math.acos np.arccos np.acos", "atan": "math.atan np.arctan np.atan",
    "sinh": "math.sinh np.sinh", "cosh": "math.cosh np.cosh", "tanh": "math.tanh np.tanh",
    "asinh": "math.asinh np.arcsinh np.asinh", "acosh": "math.acosh np.arccosh np.acosh",
    "atanh": "math.atanh np.arctanh np.atanh", "erf": "math.erf", "erfc": "math.erfc", "tgamma": "math.gamma",
    "lgamma": "math.lgamma", "floor": "np.floor", "ceil": "np.ceil", "trunc": "np.trunc np.fix", "rint": "np.rint",
    "abs": "math.fabs np.fabs",
}.items():  # fmt: skip
    enter(_names, _elementary(_op), 1)
for _op, _names in {
    "atan2": "math.atan2 np.arctan2 np.atan2", "hypot": "math.hypot np.hypot", "fmod": "math.fmod",
    "copysign": "math.copysign np.copysign",
}.items():  # fmt: skip
    enter(_names, _elementary(_op), 2)
enter("math.fma hr.fma", _elementary("fma"), 3)
enter("np.log", _elementary("log"), 1)


def _log(walk: Walk, node: ast.Call, values: Values, nodes: Nodes) -> Value:
    values, type_, weak = _floats(walk, values, nodes, node)
    logs = [walk.op("log", type_, (value,), weak=weak) for value in values]
    return logs[0] if len(logs) == 1 else walk.op("div", type_, (logs[0], logs[1]), weak=weak)


enter("math.log", _log, 1, 2)


def _np_fmod(walk: Walk, node: ast.Call, values: Values, nodes: Nodes) -> Operand:
    values = [number(walk, value) for value in values]
    type_, _ = common(walk, values, nodes, node, "np.fmod")
    return (
        operators.quotient("rem")(walk, node, values, nodes)
        if type_.is_integer
        else _elementary("fmod")(walk, node, values, nodes)
    )


def _pow(walk: Walk, node: ast.Call, values: Values, nodes: Nodes) -> Value:
    """`math.pow`: always of floats."""
    known = values[1].known
    if known is None:
        values, _, weak = _floats(walk, values, nodes, node)
        return walk.op("pow", values[0].type, tuple(values), weak=weak)
    base = as_float(walk, values[0], nodes[0])
    return operators.power(walk, node, [base, literal(float(known))], nodes)


enter("np.fmod", _np_fmod, 2)
enter("math.pow", _pow, 2)


def _class_of_float(op: str) -> Rule:
    def rule(walk: Walk, _node: ast.Call, values: Values, nodes: Nodes) -> Value:
        value = as_float(walk, values[0], nodes[0])
        return walk.op(op, BOOL, (Value(value.expr, value.type, faults=value.faults, depth=value.depth),))

    return rule


for _op in ("isnan", "isinf", "isfinite"):
    enter(f"math.{_op} np.{_op}", _class_of_float(_op), 1)


def _angle(factor: float) -> Rule:
    def rule(walk: Walk, node: ast.Call, values: Values, nodes: Nodes) -> Value:
        value = as_float(walk, values[0], nodes[0])
        return operators.binary(walk, ast.Mult, node, [value, literal(factor)], [nodes[0], nodes[0]])

    return rule


enter("math.radians np.radians np.deg2rad", _angle(math.pi / 180.0), 1)
enter("math.degrees np.degrees np.rad2deg", _angle(180.0 / math.pi), 1)

# ---- rounding and casts


def _rounding(op: str) -> Rule:
    """`math.floor` and its like, and `round`: int64 of floats, integers as they are."""

    def rule(walk: Walk, node: ast.Call, values: Values, nodes: Nodes) -> Value:
        value = values[0]
        if value.type.is_float:
            value = as_float(walk, value, nodes[0])
            # A weak float has no use for its weakness here: the result is an int64.
            plain = Value(value.expr, value.type, faults=value.faults, depth=value.depth)
            value = plain if op == "trunc" else walk.op(op, value.type, (plain,))
        return as_integer(walk, value, node)

    return rule


def _round_float(walk: Walk, node: ast.Call, values: Values, nodes: Nodes) -> Operand:
    value = number(walk, values[0])
    return _elementary("rint")(walk, node, values, nodes) if value.type.is_float else value


def _int(walk: Walk, node: ast.Call, values: Values, _nodes: Nodes) -> Value:
    return as_integer(walk, values[0], node)


def _float(walk: Walk, node: ast.Call, values: Values, nodes: Nodes) -> Value:
    value = as_float(walk, values[0], nodes[0])
    return value if value.weak else cast_to(walk, value, FLOAT64, node)


enter("math.floor", _rounding("floor"), 1)
enter("math.ceil", _rounding("ceil"), 1)
enter("math.trunc", _rounding("trunc"), 1)
enter("builtins.round", _rounding("rint"), 1)
enter("np.round np.around", _round_float, 1)
enter("builtins.int", _int, 1)
enter("builtins.float", _float, 1)

# ---- least and greatest, choice


def _extreme(op: str) -> Rule:
    """`min` or `max`."""

    def rule(walk: Walk, node: ast.Call, values: Values, nodes: Nodes) -> Value:
        if all(value.type is BOOL for value in values):
            result, op_of_bools = values[0], "and" if op == "min" else "or"
            for value in values[1:]:
                result = walk.op(op_of_bools, BOOL, (result, value))
            return result
        values = [number(walk, value) for value in values]
        type_, weak = common(walk, values, nodes, node, op)
        values = same(walk, values, type_, weak, nodes)
        result = values[0]
        for value in values[1:]:
            result = walk.op(op, type_, (result, value), weak=weak)
        return result

    return rule


def _np_extreme(op: str) -> Rule:
    """`np.minimum` or `np.maximum`: nan wins."""
    of_integers = _extreme("min" if op == "minimum" else "max")

    def rule(walk: Walk, node: ast.Call, values: Values, nodes: Nodes) -> Operand:
        values = [value if value.type is BOOL else number(walk, value) for value in values]
        if not any(value.type.is_float for value in values):
            return of_integers(walk, node, values, nodes)
        values, type_, weak = _floats(walk, values, nodes, node)
        return walk.op(op, type_, tuple(values), weak=weak)

    return rule


def _quiet_extreme(sign: type[ast.cmpop]) -> Rule:
    """`np.fmin` or `np.fmax`: nan loses."""
    of_integers = _extreme("min" if sign is ast.LtE else "max")

    def rule(walk: Walk, node: ast.Call, values: Values, nodes: Nodes) -> Operand:
        if not any(value.type.is_float for value in values):
            return of_integers(walk, node, values, nodes)
        values, type_, weak = _floats(walk, values, nodes, node)
        if values[0].faults:
            values[0] = walk.once(values[0])
        b = walk.once(values[1])
        a = walk.once(values[0])
        first = compare(walk, sign, node, [_plain(a), _plain(b)], nodes)
        first = walk.op("or", BOOL, (first, walk.op("isnan", BOOL, (b,))))
        return walk.op("select", type_, (first, a, b), weak=weak)

    return rule


def _plain(value: Value) -> Value:
    return Value(value.expr, value.type, faults=value.faults, depth=value.depth)


def _clip(walk: Walk, node: ast.Call, values: Values, nodes: Nodes) -> Operand:
    low = _np_extreme("maximum")(walk, node, values[:2], nodes[:2])
    assert isinstance(low, Value)
    return _np_extreme("minimum")(walk, node, [low, values[2]], [nodes[0], nodes[2]])


def _where(walk: Walk, node: ast.Call, values: Values, nodes: Nodes) -> Value:
    condition = truth(walk, values[0])
    type_, weak = joined(walk, values[1:], nodes[1:], node, "np.where")
    a, b = same(walk, values[1:], type_, weak, nodes[1:])
    return walk.op("select", type_, (condition, a, b), weak=weak)


enter("builtins.min", _extreme("min"), 2, 1000)
enter("builtins.max", _extreme("max"), 2, 1000)
enter("np.minimum", _np_extreme("minimum"), 2)
enter("np.maximum", _np_extreme("maximum"), 2)
enter("np.fmin", _quiet_extreme(ast.LtE), 2)
enter("np.fmax", _quiet_extreme(ast.GtE), 2)
enter("np.clip", _clip, 3)
enter("np.where", _where, 3)

# ---- the operators by name


def _binary(sign: type[ast.operator]) -> Rule:
    return lambda walk, node, values, nodes: operators.binary(walk, sign, node, values, nodes)


def _comparison(sign: type[ast.cmpop]) -> Rule:
    return lambda walk, node, values, nodes: compare(walk, sign, node, values, nodes)


def _logical(op: str) -> Rule:
    def rule(walk: Walk, _node: ast.Call, values: Values, _nodes: Nodes) -> Value:
        return walk.op(op, BOOL, tuple([truth(walk, value) for value in values]))

    return rule


for _sign, _names in {
    ast.Add: "np.add", ast.Sub: "np.subtract", ast.Mult: "np.multiply", ast.Div: "np.divide np.true_divide",
    ast.FloorDiv: "np.floor_divide", ast.Mod: "np.mod np.remainder", ast.Pow: "np.power np.pow builtins.pow",
    ast.BitAnd: "np.bitwise_and", ast.BitOr: "np.bitwise_or", ast.BitXor: "np.bitwise_xor",
    ast.LShift: "np.left_shift np.bitwise_left_shift", ast.RShift: "np.right_shift np.bitwise_right_shift",
}.items():  # fmt: skip
    enter(_names, _binary(_sign), 2)
for _comparing, _names in {
    ast.Eq: "np.equal", ast.NotEq: "np.not_equal", ast.Lt: "np.less", ast.LtE: "np.less_equal", ast.Gt: "np.greater",
    ast.GtE: "np.greater_equal",
}.items():  # fmt: skip
    enter(_names, _comparison(_comparing), 2)
for _op, _names in {"and": "np.logical_and", "or": "np.logical_or", "xor": "np.logical_xor"}.items():
    enter(_names, _logical(_op), 2)
enter("np.logical_not", _logical("not"), 1)
enter("np.negative", lambda walk, node, values, _: operators.negate(walk, node, values[0]), 1)
enter("np.positive", lambda walk, _node, values, _: number(walk, values[0]), 1)
enter("np.absolute np.abs builtins.abs", lambda walk, node, values, _: operators.absolute(walk, node, values[0]), 1)


def _invert(walk: Walk, node: ast.Call, values: Values, nodes: Nodes) -> Operand:
    # NumPy's meaning, unlike that of Python's `~`.
    return (
        _logical("not")(walk, node, values, nodes)
        if values[0].type is BOOL
        else operators.invert(walk, node, values[0], nodes[0])
    )


enter("np.invert np.bitwise_not np.bitwise_invert", _invert, 1)
enter(
    "np.square",
    lambda walk, node, values, nodes: operators.power(walk, node, [values[0], literal(2)], [nodes[0], nodes[0]]),
    1,
)
enter("hr.quot", operators.quotient("quot"), 2)
enter("hr.rem", operators.quotient("rem"), 2)


def _divmod(walk: Walk, node: ast.Call, values: Values, nodes: Nodes) -> Tuple:
    values = [number(walk, value) for value in values]
    if any(value.faults for value in values):
        values = [walk.once(value) for value in values]
    whole = operators.binary(walk, ast.FloorDiv, node, values, nodes)
    return Tuple((whole, operators.binary(walk, ast.Mod, node, values, nodes)))


enter("builtins.divmod np.divmod", _divmod, 2)

# ---- bits and signs


def _bits(walk: Walk, node: ast.Call, values: Values, nodes: Nodes) -> Value:
    if not values[0].type.is_float:
        raise walk.fail(
            node, "unsupported: bits of a value that is no float", "the integer itself", [(nodes[0], values[0])]
        )
    value = _plain(as_float(walk, values[0], nodes[0]))
    return walk.op("bits", named(f"uint{value.type.bits}"), (value,))


def _from_bits(walk: Walk, node: ast.Call, values: Values, nodes: Nodes) -> Value:
    value = values[0]
    if value.weak or value.type.name not in {"uint32", "uint64"}:
        raise walk.fail(
            node,
            "unsupported: from_bits of a value that is neither uint32 nor uint64",
            "np.uint64(x) or np.uint32(x)",
            [(nodes[0], value)],
        )
    return walk.op("from_bits", FLOAT32 if value.type.bits == 32 else FLOAT64, (value,))


def _sign_of(walk: Walk, node: ast.Call, values: Values, _nodes: Nodes) -> Value:
    value = number(walk, values[0])
    if value.known is not None:
        value = settle(walk, value, node)
    value = walk.once(value)
    type_, weak = value.type, value.weak
    plain = _plain(value)
    zero, one = (strong(type_, float(n) if type_.is_float else n) for n in (0, 1))
    if type_.kind == "u":
        return walk.op("select", type_, (walk.op("gt", BOOL, (plain, zero)), one, zero), weak=weak)
    least = strong(type_, -1.0 if type_.is_float else -1)
    rest = plain
    if type_.is_float:
        # 0 for both zeros; nan stays.
        rest = walk.op("select", type_, (walk.op("eq", BOOL, (plain, zero)), zero, plain))
    below = walk.op("select", type_, (walk.op("lt", BOOL, (plain, zero)), least, rest))
    return walk.op("select", type_, (walk.op("gt", BOOL, (plain, zero)), one, below), weak=weak)


def _signbit(walk: Walk, _node: ast.Call, values: Values, nodes: Nodes) -> Value:
    value = as_float(walk, values[0], nodes[0])
    one, zero = strong(value.type, 1.0), strong(value.type, 0.0)
    return walk.op("lt", BOOL, (walk.op("copysign", value.type, (one, _plain(value))), zero))


enter("hr.bits", _bits, 1)
enter("hr.from_bits", _from_bits, 1)
enter("np.sign", _sign_of, 1)
enter("np.signbit", _signbit, 1)
