"""Intervals of values, and what each op makes of them.

An interval of integers is (least, greatest), of bools the same with 0 and 1; of floats (least, greatest, whether it may
be nan), where zeros have no sign and a value that is nan has no place. Every op's function gives an interval that holds
all results for operands in the given ones. It need not be the smallest, and is any where the op always faults.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final, TypeAlias

from hybrid_rs.ir import floats, ops
from hybrid_rs.ir.integers import HIGH, LOW
from hybrid_rs.ir.nodes import Const
from hybrid_rs.ir.types import ALL, BOOL, Type

__all__ = ["EXACT", "FLOATS", "FULL", "INTEGERS", "Interval", "constant", "converted", "hull", "inside"]

Interval: TypeAlias = tuple[float, ...]
Meaning: TypeAlias = Callable[..., Interval]

_INF: Final = math.inf
_ANY: Final[Interval] = (-_INF, _INF, True)
FULL: Final[tuple[Interval, ...]] = tuple(
    (0, 1) if type_ is BOOL else (type_.low, type_.high) if type_.is_integer else _ANY for type_ in ALL
)
"""All values of a type, by its code."""


def constant(expr: Const) -> Interval:
    """Give the interval of a constant."""
    value = expr.value
    if expr.type.kind != "f":
        return (int(value), int(value))
    return _ANY if value != value else (value, value, False)  # noqa: PLR0124


def hull(a: Interval, b: Interval) -> Interval:
    """Give the smallest interval that holds two of one type."""
    low, high = min(a[0], b[0]), max(a[1], b[1])
    return (low, high) if len(a) == 2 else (low, high, a[2] or b[2])


def inside(a: Interval, b: Interval) -> bool:
    """Whether an interval lies in another."""
    return b[0] <= a[0] and a[1] <= b[1] and (len(a) == 2 or a[2] <= b[2])


def _held(type_: Type, low: int, high: int) -> Interval:
    """Give the results of an op that wraps, from its exact ones."""
    code = type_.code
    return (low, high) if LOW[code] <= low and high <= HIGH[code] else FULL[code]


def _unfaulted(type_: Type, low: int, high: int) -> Interval:
    """Give the results of an op that faults instead of wrapping."""
    least, most = max(low, LOW[type_.code]), min(high, HIGH[type_.code])
    return (least, most) if least <= most else FULL[type_.code]


# ---- integers; the bounds of an interval are its first two numbers


def _sums(a: Interval, b: Interval) -> tuple[int, int]:
    return a[0] + b[0], a[1] + b[1]  # type: ignore[return-value]


def _differences(a: Interval, b: Interval) -> tuple[int, int]:
    return a[0] - b[1], a[1] - b[0]  # type: ignore[return-value]


def _products(a: Interval, b: Interval) -> tuple[int, int]:
    corners = (a[0] * b[0], a[0] * b[1], a[1] * b[0], a[1] * b[1])
    return min(corners), max(corners)  # type: ignore[return-value]


def _negatives(a: Interval) -> tuple[int, int]:
    return -a[1], -a[0]  # type: ignore[return-value]


def _sizes(a: Interval) -> tuple[int, int]:
    low, high = a
    if low >= 0:
        return low, high  # type: ignore[return-value]
    return (-high if high < 0 else 0), max(-low, high)  # type: ignore[return-value]


def _limited(exact: Callable[..., tuple[int, int]], limit: Callable[[Type, int, int], Interval]) -> Meaning:
    return lambda type_, *args: limit(type_, *exact(*args))


def _divisors(b: Interval) -> list[int]:
    """List the divisors that are nearest to and farthest from 0, of each sign."""
    low, high = int(b[0]), int(b[1])
    found = []
    if high > 0:
        found += [max(low, 1), high]
    if low < 0:
        found += [low, min(high, -1)]
    return found


EXACT: Final[dict[str, Callable[..., tuple[int, int]]]] = {
    "add": _sums,
    "sub": _differences,
    "mul": _products,
    "neg": _negatives,
    "abs": _sizes,
}
"""The exact results of ops that wrap, or fault where their checked forms are meant."""


def _quotients(divide: Callable[[int, int], int]) -> Meaning:
    def meaning(type_: Type, a: Interval, b: Interval) -> Interval:
        found = [divide(int(one), other) for one in a for other in _divisors(b)]
        return _held(type_, min(found), max(found)) if found else FULL[type_.code]

    return meaning


def _towards_zero(a: int, b: int) -> int:
    whole = abs(a) // abs(b)
    return whole if (a < 0) == (b < 0) else -whole


def _mod(_type: Type, a: Interval, b: Interval) -> Interval:
    """Remainders have the sign of the divisor and are smaller."""
    low = high = 0
    if b[1] > 0:
        same = a[0] >= 0 and a[1] < max(b[0], 1)
        if same and b[0] >= 0:
            return a
        high = int(min(b[1] - 1, a[1])) if a[0] >= 0 else int(b[1] - 1)
    if b[0] < 0:
        low = int(max(b[0] + 1, a[0])) if a[1] <= 0 else int(b[0] + 1)
    return (low, high)


def _rem(_type: Type, a: Interval, b: Interval) -> Interval:
    """Remainders have the sign of the dividend, are smaller than the divisor and no larger than the dividend."""
    most = max(abs(b[0]), abs(b[1]), 1) - 1
    return (0 if a[0] >= 0 else max(a[0], -most), 0 if a[1] <= 0 else min(a[1], most))


def _pow(type_: Type, a: Interval, b: Interval) -> Interval:
    low, high = int(a[0]), int(a[1])
    exponent = int(b[0])
    if b[0] != b[1] or not 0 <= exponent <= 64:
        return FULL[type_.code]
    ends = [low**exponent, high**exponent]
    if exponent % 2 == 0 and low < 0 < high:
        ends.append(0)
    return _held(type_, min(ends), max(ends))


def _span(a: Interval, b: Interval) -> int:
    """Give the least 2 ** n that all values are below, and whose negative they aren't below."""
    largest = max(int(a[1]), int(b[1]), ~int(a[0]), ~int(b[0]), 0)
    return 1 << largest.bit_length()


def _and(type_: Type, a: Interval, b: Interval) -> Interval:
    if type_ is BOOL:
        return (min(a[0], b[0]), min(a[1], b[1]))
    if a[0] >= 0 or b[0] >= 0:
        return (0, min(one[1] for one in (a, b) if one[0] >= 0))
    return (-_span(a, b), max(a[1], b[1]))


def _or(_type: Type, a: Interval, b: Interval) -> Interval:
    span = _span(a, b)
    if a[0] >= 0 and b[0] >= 0:
        return (max(a[0], b[0]), span - 1)
    return (-span, -1 if a[1] < 0 or b[1] < 0 else span - 1)


def _xor(_type: Type, a: Interval, b: Interval) -> Interval:
    span = _span(a, b)
    return (0 if a[0] >= 0 and b[0] >= 0 else -span, span - 1)


def _invert(type_: Type, a: Interval) -> Interval:
    """Turn all bits round: -1 - a, of unsigned ones the greatest value - a."""
    top = LOW[type_.code] + HIGH[type_.code]
    return (top - a[1], top - a[0])


def _shl(type_: Type, a: Interval, b: Interval) -> Interval:
    least, most = max(b[0], 0), min(b[1], type_.bits - 1)
    if least > most:
        return (0, 0)
    corners = [int(one) << int(count) for one in a for count in (least, most)]
    if b[0] < 0 or b[1] >= type_.bits:
        corners.append(0)
    return _held(type_, min(corners), max(corners))


def _shr(type_: Type, a: Interval, b: Interval) -> Interval:
    # A count outside of the width shifts all bits out, as the width does.
    outside = b[0] < 0 or b[1] >= type_.bits
    most = type_.bits if outside else int(b[1])
    least = min(max(int(b[0]), 0), most)
    corners = [int(one) >> count for one in a for count in (least, most)]
    return (min(corners), max(corners))


def _min(_type: Type, a: Interval, b: Interval) -> Interval:
    return (min(a[0], b[0]), min(a[1], b[1]))


def _max(_type: Type, a: Interval, b: Interval) -> Interval:
    return (max(a[0], b[0]), max(a[1], b[1]))


# ---- comparisons; nan compares false, but for ne


def _truth(surely: bool, never: bool, *ordered: Interval) -> Interval:
    """Give the interval of a comparison, which is false where an operand is nan."""
    if never:
        return (0, 0)
    return (1, 1) if surely and not any(len(one) == 3 and one[2] for one in ordered) else (0, 1)


def _lt(_type: Type, a: Interval, b: Interval) -> Interval:
    return _truth(a[1] < b[0], a[0] >= b[1], a, b)


def _le(_type: Type, a: Interval, b: Interval) -> Interval:
    return _truth(a[1] <= b[0], a[0] > b[1], a, b)


def _eq(_type: Type, a: Interval, b: Interval) -> Interval:
    return _truth(a[0] == a[1] == b[0] == b[1], a[1] < b[0] or b[1] < a[0], a, b)


def _ne(type_: Type, a: Interval, b: Interval) -> Interval:
    return _not(BOOL, _eq(type_, a, b))


def _not(_type: Type, a: Interval) -> Interval:
    return (1 - a[1], 1 - a[0])


_COMPARISONS: Final[dict[str, Meaning]] = {
    "lt": _lt,
    "le": _le,
    "gt": lambda type_, a, b: _lt(type_, b, a),
    "ge": lambda type_, a, b: _le(type_, b, a),
    "eq": _eq,
    "ne": _ne,
}

INTEGERS: Final[dict[str, Meaning]] = {
    **_COMPARISONS,
    "add": _limited(_sums, _held),
    "sub": _limited(_differences, _held),
    "mul": _limited(_products, _held),
    "neg": _limited(_negatives, _held),
    "abs": _limited(_sizes, _held),
    "add_checked": _limited(_sums, _unfaulted),
    "sub_checked": _limited(_differences, _unfaulted),
    "mul_checked": _limited(_products, _unfaulted),
    "neg_checked": _limited(_negatives, _unfaulted),
    "abs_checked": _limited(_sizes, _unfaulted),
    "floordiv": _quotients(lambda a, b: a // b),
    "quot": _quotients(_towards_zero),
    "mod": _mod,
    "rem": _rem,
    "pow": _pow,
    "and": _and,
    "or": _or,
    "xor": _xor,
    "not": _not,
    "invert": _invert,
    "shl": _shl,
    "shr": _shr,
    "min": _min,
    "max": _max,
}
"""The ops of integers and bools by name, called with the main type and the operands; select is the caller's."""


# ---- floats: bounds are computed as the op does it, which never turns the order of two results round


def _float(low: float, high: float, nan: bool) -> Interval:
    """Give an interval from bounds; a bound that is nan comes from infinities."""
    return (low, high, nan) if low <= high else _ANY


def _by_ends(name: str) -> Meaning:
    """Take an op of one operand that is nan only for nan, and grows with its operand."""
    function = ops.OPS[name].function
    return lambda type_, a: (function(type_, a[0]), function(type_, a[1]), a[2])


def _float_sum(type_: Type, a: Interval, b: Interval) -> Interval:
    low, high = floats.round_to(type_, a[0] + b[0]), floats.round_to(type_, a[1] + b[1])
    return _float(low, high, a[2] or b[2] or math.isinf(low) or math.isinf(high))  # type: ignore[arg-type]


def _float_difference(type_: Type, a: Interval, b: Interval) -> Interval:
    return _float_sum(type_, a, (-b[1], -b[0], b[2]))


def _float_product(type_: Type, a: Interval, b: Interval) -> Interval:
    corners = [floats.round_to(type_, one * other) for one in a[:2] for other in b[:2]]
    if any(math.isnan(corner) or math.isinf(corner) for corner in corners):
        return _ANY
    return (min(corners), max(corners), a[2] or b[2])


def _float_quotient(type_: Type, a: Interval, b: Interval) -> Interval:
    if b[0] != b[1] or b[2] or b[0] == 0 or math.isinf(b[0]):
        return _ANY
    ends = [floats.divide(type_, one, b[0]) for one in a[:2]]
    return (min(ends), max(ends), a[2])


def _float_negative(_type: Type, a: Interval) -> Interval:
    return (-a[1], -a[0], a[2])


def _float_size(_type: Type, a: Interval) -> Interval:
    if a[0] >= 0:
        return a
    return (max(-a[1], 0.0), max(-a[0], a[1]), a[2])


def _float_root(type_: Type, a: Interval) -> Interval:
    if a[1] < 0:
        return _ANY
    return (floats.sqrt(type_, max(a[0], 0.0)), floats.sqrt(type_, a[1]), a[2] or a[0] < 0)


def _pick(choose: Callable[[float, float], float]) -> Meaning:
    """Take Python's min or max: where either is nan, the first operand."""

    def meaning(_type: Type, a: Interval, b: Interval) -> Interval:
        found = (choose(a[0], b[0]), choose(a[1], b[1]), a[2])
        return hull(found, a) if b[2] else found

    return meaning


def _pick_nan(choose: Callable[[float, float], float]) -> Meaning:
    """Take NumPy's minimum or maximum: nan where either is."""
    return lambda _type, a, b: (choose(a[0], b[0]), choose(a[1], b[1]), a[2] or b[2])


FLOATS: Final[dict[str, Meaning]] = {
    **_COMPARISONS,
    "add": _float_sum,
    "sub": _float_difference,
    "mul": _float_product,
    "div": _float_quotient,
    "neg": _float_negative,
    "abs": _float_size,
    "sqrt": _float_root,
    "min": _pick(min),
    "max": _pick(max),
    "minimum": _pick_nan(min),
    "maximum": _pick_nan(max),
    **{name: _by_ends(name) for name in ("floor", "ceil", "trunc", "rint")},
}
"""The ops of floats that more is known of than their type."""


# ---- conversions


def converted(source: Type, target: Type, a: Interval, *, checked: bool) -> Interval:
    """Give the values that a cast makes; a checked one has faulted for those that don't fit."""
    if target.kind == "b":
        if a[0] > 0 or a[1] < 0:
            return (1, 1)
        return (0, 0) if tuple(a) in ((0, 0), (0, 0, False)) else (0, 1)
    if target.kind == "f":
        return (ops.convert(source, target, a[0]), ops.convert(source, target, a[1]), len(a) == 3 and a[2])
    if source.kind != "f":
        low, high = int(a[0]), int(a[1])
        return _unfaulted(target, low, high) if checked else _held(target, low, high)
    low, high = (int(ops.convert(source, target, end)) for end in a[:2])
    if a[2] and not checked:
        low, high = min(low, 0), max(high, 0)
    return (low, high)
