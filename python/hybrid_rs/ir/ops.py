"""One row for each op: what types it takes, what type it gives, how it faults, and what it means on Python values.

Values are ints in their type's range, bools, and Python floats, of float32 those that it holds exactly. The meanings
are the definition that every engine is held against; `docs/design/006-kernel-language.md` has them in words.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from hybrid_rs.ir import floats, integers
from hybrid_rs.ir.integers import HIGH, LOW, OpFault
from hybrid_rs.ir.nodes import Expr, Op
from hybrid_rs.ir.types import ALL, BOOL, Type, named

__all__ = ["OPS", "OpFault", "Row", "convert", "convert_checked", "elementary", "fits", "held", "main_type"]

Function: TypeAlias = Callable[..., float]
Form: TypeAlias = tuple[tuple[Type, ...], Type]

_BOOLS: Final = (BOOL,)
_INTS: Final = tuple(type_ for type_ in ALL if type_.is_integer)
_FLOATS: Final = tuple(type_ for type_ in ALL if type_.is_float)
_UNSIGNED: Final = {32: named("uint32"), 64: named("uint64")}


@dataclass(frozen=True, slots=True)
class Row:
    """An op.

    `operands` and `result` are written with letters: T is the op's main type, one of `types`; b is bool; U is the
    unsigned integer of T's width.
    """

    name: str
    types: tuple[Type, ...]
    operands: str
    result: str
    function: Function
    """Its meaning: called with T and the operands' values. Raises OpFault."""
    faults: str | None = None
    """The exception of its faults, which only integers have; None where it has none."""
    opaque: bool = False
    """Whether on floats it is an elementary function: a name for a definition, which is put in ahead of engines."""
    commutes: bool = False
    """Whether swapping its two operands never changes the result."""
    forms: Mapping[int, Form] = field(default_factory=dict, repr=False)
    """The operands' types and the result's, by the code of T."""

    @property
    def arity(self) -> int:
        """How many operands it takes."""
        return len(self.operands)

    def fault(self, type_: Type) -> str | None:
        """Name the exception that it may fault with where T is this type."""
        return self.faults if type_.kind in "iu" else None


def _of_letter(letter: str, type_: Type) -> Type:
    if letter == "T":
        return type_
    return BOOL if letter == "b" else _UNSIGNED[type_.bits]


OPS: Final[dict[str, Row]] = {}
"""Every op by its name."""


def main_type(op: Op) -> Type:
    """Give the T of an op node whose name and arity are right."""
    place = OPS[op.op].operands.find("T")
    return op.args[place].type if place >= 0 else op.type


def elementary(expr: Expr) -> bool:
    """Whether an expression is an elementary function's op."""
    return isinstance(expr, Op) and expr.type.is_float and OPS[expr.op].opaque


def _row(
    name: str,
    types: tuple[Type, ...],
    signature: str,
    function: Function,
    faults: str | None = None,
    *,
    opaque: bool = False,
    commutes: bool = False,
) -> None:
    operands, _, result = signature.partition(" ")
    forms = {
        type_.code: (tuple([_of_letter(letter, type_) for letter in operands]), _of_letter(result, type_))
        for type_ in types
    }
    OPS[name] = Row(name, types, operands, result, function, faults, opaque, commutes, forms)


# ---- conversions


def convert(source: Type, target: Type, value: float) -> float:
    """Convert a value between types: integers wrap, floats truncate and saturate to integers with nan to 0."""
    if target.kind == "b":
        return value != 0
    if target.kind == "f":
        if source.kind == "f" or abs(value) <= 1 << 53:
            return floats.round_to(target, float(value))
        return floats.nearest(target, int(value))
    if source.kind != "f":
        return integers.wrap(target, int(value))
    if math.isnan(value):
        return 0
    low, high = LOW[target.code], HIGH[target.code]
    if math.isinf(value):
        return high if value > 0 else low
    return min(max(math.trunc(value), low), high)


def convert_checked(_source: Type, target: Type, value: float) -> float:
    """Convert a value to an integer type; OpFault where the type can't hold it after truncation."""
    if not math.isfinite(value):
        raise OpFault
    return integers.checked(target, math.trunc(value))


def fits(source: Type, target: Type) -> bool:
    """Whether a type holds every value of another; floats hold integers of at most their precision's bits."""
    if source is target or source.kind == "b":
        return True
    if target.kind == "f":
        precision = 53 if target.bits == 64 else 24
        return source.bits <= target.bits if source.kind == "f" else source.bits - (source.kind == "i") <= precision
    return target.is_integer and source.is_integer and target.low <= source.low and source.high <= target.high


def held(type_: Type, value: object) -> bool:
    """Whether a Python value is one of the type's values, in the form that the reference uses."""
    if type_.kind == "b":
        return isinstance(value, bool)
    if type_.kind == "f":
        return isinstance(value, float) and (value != value or floats.round_to(type_, value) == value)  # noqa: PLR0124
    return isinstance(value, int) and not isinstance(value, bool) and LOW[type_.code] <= value <= HIGH[type_.code]


# ---- meanings


def _exact(function: Callable[..., Any]) -> Function:
    """Round or wrap what Python's operator gives."""

    def meaning(type_: Type, *values: float) -> float:
        result = function(*values)
        return floats.round_to(type_, result) if type_.kind == "f" else integers.wrap(type_, result)

    return meaning


def _checked(function: Callable[..., int]) -> Function:
    return lambda type_, *values: integers.checked(type_, function(*values))


def _plain(function: Function) -> Function:
    """Take a meaning that is the same for each type."""
    return lambda _type, *values: function(*values)


def _named(name: str) -> Function:
    """Give the meaning of an elementary function: none here, since its definition is a function of the IR."""

    def meaning(_type: Type, *_values: float) -> float:
        raise LookupError(f"{name}: its definition wasn't put in")

    return meaning


def _floordiv(type_: Type, a: Any, b: Any) -> float:
    return floats.divmod_floor(type_, a, b)[0] if type_.kind == "f" else integers.floordiv(type_, a, b)


def _mod(type_: Type, a: Any, b: Any) -> float:
    return floats.divmod_floor(type_, a, b)[1] if type_.kind == "f" else integers.mod(type_, a, b)


_pow_float = _named("pow")


def _pow(type_: Type, a: Any, b: Any) -> float:
    return _pow_float(type_, a, b) if type_.kind == "f" else integers.power(type_, a, b)


def _select(condition: bool, a: float, b: float) -> float:
    return a if condition else b


# ---- the rows

for _name, _function in (("add", operator.add), ("sub", operator.sub), ("mul", operator.mul)):
    _row(_name, (*_INTS, *_FLOATS), "TT T", _exact(_function), commutes=_name != "sub")
    _row(f"{_name}_checked", _INTS, "TT T", _checked(_function), "OverflowError", commutes=_name != "sub")
for _name, _unary in (("neg", operator.neg), ("abs", operator.abs)):
    _row(_name, (*_INTS, *_FLOATS), "T T", _exact(_unary))
    _row(f"{_name}_checked", _INTS, "T T", _checked(_unary), "OverflowError")

_row("div", _FLOATS, "TT T", floats.divide)
_row("floordiv", (*_INTS, *_FLOATS), "TT T", _floordiv, "ZeroDivisionError")
_row("mod", (*_INTS, *_FLOATS), "TT T", _mod, "ZeroDivisionError")
_row("quot", _INTS, "TT T", integers.quot, "ZeroDivisionError")
_row("rem", _INTS, "TT T", integers.rem, "ZeroDivisionError")
_row("pow", (*_INTS, *_FLOATS), "TT T", _pow, "ValueError", opaque=True)
_row("fmod", _FLOATS, "TT T", _plain(floats.fmod))
_row("copysign", _FLOATS, "TT T", _plain(floats.copysign))

_row("and", (*_BOOLS, *_INTS), "TT T", _plain(operator.and_), commutes=True)
_row("or", (*_BOOLS, *_INTS), "TT T", _plain(operator.or_), commutes=True)
_row("xor", (*_BOOLS, *_INTS), "TT T", _plain(operator.xor), commutes=True)
_row("not", _BOOLS, "T T", _plain(operator.not_))
_row("invert", _INTS, "T T", _exact(operator.invert))
_row("shl", _INTS, "TT T", integers.shl)
_row("shr", _INTS, "TT T", integers.shr)

_row("eq", ALL, "TT b", _plain(operator.eq), commutes=True)
_row("ne", ALL, "TT b", _plain(operator.ne), commutes=True)
_row("lt", (*_INTS, *_FLOATS), "TT b", _plain(operator.lt))
_row("le", (*_INTS, *_FLOATS), "TT b", _plain(operator.le))
_row("gt", (*_INTS, *_FLOATS), "TT b", _plain(operator.gt))
_row("ge", (*_INTS, *_FLOATS), "TT b", _plain(operator.ge))

# Python's min and max are `b if b < a else a` and `b if b > a else a`.
_row("min", (*_INTS, *_FLOATS), "TT T", _plain(min))
_row("max", (*_INTS, *_FLOATS), "TT T", _plain(max))
_row("minimum", _FLOATS, "TT T", _plain(floats.minimum), commutes=True)
_row("maximum", _FLOATS, "TT T", _plain(floats.maximum), commutes=True)
_row("select", ALL, "bTT T", _plain(_select))

_row("sqrt", _FLOATS, "T T", floats.sqrt)
_row("floor", _FLOATS, "T T", _plain(floats.floor))
_row("ceil", _FLOATS, "T T", _plain(floats.ceil))
_row("trunc", _FLOATS, "T T", _plain(floats.trunc))
_row("rint", _FLOATS, "T T", _plain(floats.rint))
_row("isnan", _FLOATS, "T b", _plain(math.isnan))
_row("isinf", _FLOATS, "T b", _plain(math.isinf))
_row("isfinite", _FLOATS, "T b", _plain(math.isfinite))
_row("fma", _FLOATS, "TTT T", floats.fma)
_row("bits", _FLOATS, "T U", floats.to_bits)
_row("from_bits", _FLOATS, "U T", floats.from_bits)

for _name in (
    "exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "sin", "cos", "tan", "asin", "acos", "atan",
    "sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "cbrt", "erf", "erfc", "lgamma", "tgamma",
):  # fmt: skip
    _row(_name, _FLOATS, "T T", _named(_name), opaque=True)
for _name in ("atan2", "hypot"):
    _row(_name, _FLOATS, "TT T", _named(_name), opaque=True)
