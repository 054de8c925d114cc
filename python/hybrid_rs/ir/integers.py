"""Fixed-width integer arithmetic on Python ints, for the reference meaning of ops."""

from __future__ import annotations

from typing import Final

from hybrid_rs.ir.types import ALL, Type

__all__ = ["HIGH", "LOW", "OpFault", "checked", "floordiv", "mod", "power", "quot", "rem", "shl", "shr", "wrap"]

# By a type's code, because the properties of `Type` are computed at each use.
LOW: Final = tuple(type_.low for type_ in ALL)
HIGH: Final = tuple(type_.high for type_ in ALL)
_SPAN: Final = tuple(1 << type_.bits for type_ in ALL)


class OpFault(Exception):  # noqa: N818 - a fault, which is no error of hybrid_rs
    """An op met operands that it faults on; which exception that is stands in its row."""


def wrap(type_: Type, value: int) -> int:
    """Reduce a value into the type's range, modulo 2 ** bits."""
    code = type_.code
    if LOW[code] <= value <= HIGH[code]:
        return value
    value %= _SPAN[code]
    return value - _SPAN[code] if value > HIGH[code] else value


def checked(type_: Type, value: int) -> int:
    """Return a value that fits; OpFault for others."""
    if not LOW[type_.code] <= value <= HIGH[type_.code]:
        raise OpFault
    return value


def floordiv(type_: Type, a: int, b: int) -> int:
    """Divide, rounding down; INT_MIN // -1 wraps; OpFault for a zero divisor."""
    if b == 0:
        raise OpFault
    return wrap(type_, a // b)


def mod(_type: Type, a: int, b: int) -> int:
    """Give the remainder with the sign of `b`; OpFault for a zero divisor."""
    if b == 0:
        raise OpFault
    return a % b


def quot(type_: Type, a: int, b: int) -> int:
    """Divide, rounding towards zero; INT_MIN / -1 wraps; OpFault for a zero divisor."""
    if b == 0:
        raise OpFault
    whole = abs(a) // abs(b)
    return wrap(type_, whole if (a < 0) == (b < 0) else -whole)


def rem(_type: Type, a: int, b: int) -> int:
    """Give the remainder with the sign of `a`; OpFault for a zero divisor."""
    if b == 0:
        raise OpFault
    rest = abs(a) % abs(b)
    return -rest if a < 0 else rest


def power(type_: Type, a: int, b: int) -> int:
    """Raise to a power, wrapping; 0 ** 0 is 1; OpFault for a negative exponent."""
    if b < 0:
        raise OpFault
    return wrap(type_, pow(a, b, _SPAN[type_.code]))


def shl(type_: Type, a: int, b: int) -> int:
    """Shift left; 0 where the count is outside of the width."""
    return wrap(type_, a << b) if 0 <= b < type_.bits else 0


def shr(type_: Type, a: int, b: int) -> int:
    """Shift right with the sign; 0 or -1, by the sign, where the count is outside of the width."""
    if 0 <= b < type_.bits:
        return a >> b
    return -1 if a < 0 else 0
