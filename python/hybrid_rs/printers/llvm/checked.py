"""Integer arithmetic that faults where it overflows, and powers."""

from __future__ import annotations

from typing import Final

from hybrid_rs.printers.llvm import cold
from hybrid_rs.printers.llvm.use import Faulting, Use

__all__ = ["ROWS", "power"]


def _add(use: Use) -> tuple[str, str]:
    a, b = use.texts
    total = use.op("add", a, b)
    if not use.signed:
        return total, use.compare("ult", total, a)
    # The sum's sign differs from that of both operands.
    signs = use.op("and", use.op("xor", a, total), use.op("xor", b, total))
    return total, use.compare("slt", signs, use.number(0))


def _sub(use: Use) -> tuple[str, str]:
    a, b = use.texts
    difference = use.op("sub", a, b)
    if not use.signed:
        return difference, use.compare("ult", a, b)
    # The operands' signs differ, and the difference's is not the first one's.
    signs = use.op("and", use.op("xor", a, b), use.op("xor", a, difference))
    return difference, use.compare("slt", signs, use.number(0))


def _mul(use: Use) -> tuple[str, str]:
    a, b = use.texts
    if use.type.bits == 64:
        name = "smul" if use.signed else "umul"
        suffix = use.code.shape.suffix(use.element, lanes=use.lanes)
        pair = f"{{ {use.kind}, {use.vector('i1')} }}"
        both = use.code.call(f"llvm.{name}.with.overflow.{suffix}", pair, (use.kind, a), (use.kind, b))
        return use.code.emit(f"extractvalue {pair} {both}, 0"), use.code.emit(f"extractvalue {pair} {both}, 1")
    wide, extend = f"i{2 * use.type.bits}", "sext" if use.signed else "zext"
    exact = use.op(
        "mul", use.cast(extend, a, use.element, wide), use.cast(extend, b, use.element, wide), use.vector(wide)
    )
    product = use.cast("trunc", exact, wide, use.element)
    again = use.cast(extend, product, use.element, wide)
    return product, use.compare("ne", again, exact, use.vector(wide))


def _neg(use: Use) -> tuple[str, str]:
    (a,) = use.texts
    limit = use.number(use.type.low)
    return use.op("sub", use.number(0), a), use.compare("eq" if use.signed else "ne", a, limit)


def _abs(use: Use) -> tuple[str, str]:
    (a,) = use.texts
    if not use.signed:
        return a, use.literal("i1", "false")
    return use.intrinsic("abs", a, flags="false"), use.compare("eq", a, use.number(use.type.low))


ROWS: Final[dict[tuple[str, str], Faulting]] = {
    (name, kind): emit
    for name, emit in {"add": _add, "sub": _sub, "mul": _mul, "neg": _neg, "abs": _abs}.items()
    for kind in "iu"
}
"""How checked arithmetic is written, by the name of the plain op and the kind of its type."""


def power(use: Use) -> tuple[str, str]:
    """Write a power by squaring; a negative exponent faults."""
    a, b = use.texts
    if use.const is not None and use.const >= 0:
        return _chain(use, a, int(use.const)), use.literal("i1", "false")
    negative = use.compare("slt", b, use.number(0)) if use.signed else use.literal("i1", "false")
    name = cold.power(use.code, use.element, lanes=use.lanes)
    exponent = use.select(negative, use.number(0), b) if use.signed else b
    return use.code.emit(f"call fastcc {use.kind} @{name}({use.kind} {a}, {use.kind} {exponent})"), negative


def _chain(use: Use, base: str, exponent: int) -> str:
    """Write the multiplications of a power with a constant exponent, its bits from the highest."""
    if exponent == 0:
        return use.number(1)
    result = base
    for bit in f"{exponent:b}"[1:]:
        result = use.op("mul", result, result)
        if bit == "1":
            result = use.op("mul", result, base)
    return result
