"""The rules of types: promotion of operands, and the join of all that is assigned to one variable."""

from __future__ import annotations

from typing import Final

from hybrid_rs.ir.types import ALL, BOOL, FLOAT32, FLOAT64, INT64, Type, named

__all__ = ["CONFLICT", "FLOAT_BIT", "INT_BIT", "Join", "bit_of", "fits", "join", "promote", "same_kind"]

INT_BIT: Final = 1 << len(ALL)
"""The bit of a weak int in a join's mask; a strong type's bit is ``1 << type.code``."""
FLOAT_BIT: Final = INT_BIT << 1
"""The bit of a weak float."""

Join = tuple[Type, bool]
"""A type, and whether it is weak."""
CONFLICT: Final[Join] = (BOOL, True)
"""The join of types that have none."""


def _promote(a: Type, b: Type) -> Type | None:
    if a is b:
        return a
    if a.kind == b.kind:
        return a if a.bits > b.bits else b
    if a is BOOL or b is BOOL:
        return None
    if a.is_float or b.is_float:
        real, whole = (a, b) if a.is_float else (b, a)
        return FLOAT32 if real is FLOAT32 and whole.bits <= 16 else FLOAT64
    signed, unsigned = (a, b) if a.kind == "i" else (b, a)
    bits = max(signed.bits, 2 * unsigned.bits)
    return named(f"int{bits}") if bits <= 64 else None


_PROMOTED: Final = {(a, b): _promote(a, b) for a in ALL for b in ALL}


def promote(a: Type, b: Type) -> Type | None:
    """Return NumPy's promotion of two types; None for bool with a number, and for uint64 with a signed integer."""
    return _PROMOTED[a, b]


def bit_of(type_: Type, weak: bool) -> int:
    """Return the bit of a type in the mask of a join."""
    if weak:
        return FLOAT_BIT if type_ is FLOAT64 else INT_BIT
    return 1 << type_.code


_JOINS: dict[int, Join] = {}


def join(mask: int) -> Join:
    """Return the join of all types whose bits are set in a mask that isn't 0; `CONFLICT` where there is none.

    It doesn't depend on an order. Floats decide where there are any, since NumPy's promotion isn't associative:
    int16 with uint16 is int32, which makes float64 of float32, yet each alone makes float32.
    """
    found = _JOINS.get(mask)
    if found is None:
        found = _JOINS[mask] = _join(mask)
    return found


def _join(mask: int) -> Join:
    strong = [type_ for type_ in ALL if mask >> type_.code & 1]
    weak_float = bool(mask & FLOAT_BIT)
    if BOOL in strong:
        return (BOOL, False) if mask == 1 << BOOL.code else CONFLICT
    if not strong:
        return (FLOAT64 if weak_float else INT64), True
    strong.sort(key=lambda type_: type_.kind != "f")
    if weak_float and not strong[0].is_float:
        return FLOAT64, False
    result: Type | None = strong[0]
    for type_ in strong[1:]:
        result = _PROMOTED[result, type_] if result is not None else None
    return (result, False) if result is not None else CONFLICT


def fits(value: int, type_: Type) -> bool:
    """Return whether an integer type holds a value."""
    return type_.low <= value <= type_.high


_KINDS: Final = "buif"


def same_kind(given: Type, wanted: Type) -> bool:
    """Return whether NumPy's "same_kind" rule casts one type to the other."""
    return _KINDS.index(given.kind) <= _KINDS.index(wanted.kind)
