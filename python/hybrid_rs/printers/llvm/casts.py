"""Conversions between types."""

from __future__ import annotations

from fractions import Fraction
from typing import Final

from hybrid_rs.ir.floats import nearest
from hybrid_rs.ir.types import BOOL, FLOAT64, Type
from hybrid_rs.printers.llvm import cold
from hybrid_rs.printers.llvm.code import UNLIKELY
from hybrid_rs.printers.llvm.shape import LANGUAGE
from hybrid_rs.printers.llvm.use import Use

__all__ = ["convert", "from_bool", "misfits"]

MAGIC: Final = 0x4338_0000_0000_0000
"""The bits of 1.5 * 2 ** 52."""


def convert(use: Use, target: Type) -> str:
    """Write a conversion of a value of another type than bool and than the target; bits where that is bool."""
    source, text = use.type, use.texts[0]
    goal = LANGUAGE[target.code]
    if target is BOOL:
        return use.compare("une" if source.is_float else "ne", text, use.number(0))
    if source.is_float:
        if target.is_float:
            return use.cast("fpext" if target is FLOAT64 else "fptrunc", text, use.element, goal)
        return _whole(use, target)
    if target.is_float:
        return _float(use, target)
    if source.bits == target.bits:
        return text
    name = "trunc" if target.bits < source.bits else "sext" if use.signed else "zext"
    return use.cast(name, text, use.element, goal)


def from_bool(use: Use, target: Type) -> str:
    """Write a bool, given as bits, as 0 or 1."""
    element = LANGUAGE[target.code]
    if target.is_float:
        # Not a select: of a division by 1 or 0 LLVM 22 makes a masked one, and folds that wrongly (AVX-512).
        return use.cast("uitofp", use.texts[0], "i1", element)
    return use.select(use.texts[0], use.literal(element, "1"), use.literal(element, "0"), use.vector(element))


def _vector(use: Use) -> bool:
    return use.lanes and use.code.shape.width > 1 and not use.code.shape.converts


# ---- integers to floats


def _float(use: Use, target: Type) -> str:
    text = use.texts[0]
    if use.type.bits == 64 and _vector(use):
        if use.signed and text in use.code.small:
            found = _near(use, text)
            return found if target is FLOAT64 else use.cast("fptrunc", found, "double", "float")
        if target is FLOAT64:
            return _double(use, text)
    return use.cast("sitofp" if use.signed else "uitofp", text, use.element, LANGUAGE[target.code])


def _near(use: Use, text: str) -> str:
    """Write 64 bits of a number of a size below 2 ** 51 as float64."""
    moved = use.cast("bitcast", use.op("add", text, use.number(MAGIC)), "i64", "double")
    return use.op("fsub", moved, use.literal("double", f"0x{MAGIC:016X}"), use.vector("double"))


def _double(use: Use, text: str) -> str:
    """Write 64 bits as float64: the two halves, put behind exponents that fit, are added with one rounding."""
    doubles = use.vector("double")
    # 2 ** 52 with the lower half in its last bits; 2 ** 84 with the upper half, its sign bit turned round.
    low = use.op("or", use.op("and", text, use.number(0xFFFF_FFFF)), use.number(0x4330_0000_0000_0000))
    high = use.op("lshr", text, use.number(32))
    high = use.op("xor", high, use.number(0x4530_0000_8000_0000 if use.signed else 0x4530_0000_0000_0000))
    # 2 ** 84 + 2 ** 52, and 2 ** 63 more for the sign bit.
    offset = use.literal("double", "0x4530000080100000" if use.signed else "0x4530000000100000")
    above = use.op("fsub", use.cast("bitcast", high, "i64", "double"), offset, doubles)
    return use.op("fadd", above, use.cast("bitcast", low, "i64", "double"), doubles)


# ---- floats to integers


def _whole(use: Use, target: Type) -> str:
    text, element = use.texts[0], use.element
    if target.bits == 64 and _vector(use):
        return _small(use, target)
    if _vector(use) and target.high < 1 << 31:
        return _clamped(use, target)
    shape, name = use.code.shape, "s" if target.kind == "i" else "u"
    goal = LANGUAGE[target.code]
    suffix = f"{shape.suffix(goal, lanes=use.lanes)}.{shape.suffix(element, lanes=use.lanes)}"
    return use.code.call(f"llvm.fpto{name}i.sat.{suffix}", use.vector(goal), (use.kind, text))


def _clamped(use: Use, target: Type) -> str:
    """Write floats as integers that int32 holds: what is outside of the type is moved to its ends before."""
    text, kind = use.texts[0], use.kind
    held = use.select(use.compare("uno", text, text), use.number(0.0), text)
    low, high = float(target.low), float(target.high)
    # float32 has no 2 ** 31 - 1: what is above the number below it is chosen afterwards.
    most = high if use.type is FLOAT64 or target.bits < 32 else float((1 << 31) - 128)
    held = use.select(use.compare("ogt", held, use.number(low)), held, use.number(low))
    inside = use.compare("olt", held, use.number(most))
    whole = use.code.emit(f"fptosi {kind} {use.select(inside, held, use.number(most))} to {use.vector('i32')}")
    if most != high:
        whole = use.select(
            use.compare("oge", text, use.number(high + 1)),
            use.literal("i32", str(target.high)),
            whole,
            use.vector("i32"),
        )
    return whole if target.bits == 32 else use.cast("trunc", whole, "i32", LANGUAGE[target.code])


def _small(use: Use, target: Type) -> str:
    """Write floats as 64-bit integers: those of a size below 2 ** 51 by adding a constant and looking at the bits."""
    code, text = use.code, use.texts[0]
    doubles, longs = use.vector("double"), use.vector("i64")
    wide = text if use.type is FLOAT64 else use.cast("fpext", text, "float", "double")
    size = use.intrinsic("fabs", wide, element="double")
    limit = use.literal("double", "0x4320000000000000")
    large = use.code.emit(f"fcmp uge {doubles} {size}, {limit}")
    here = use.here()
    if here is not None:
        large = use.both("and", large, here)
    seldom, slow, after = code.any_bit(large), code.ahead("far"), code.ahead("converted")
    whole = use.intrinsic("trunc", wide, element="double")
    if target.kind == "u":
        negative = code.emit(f"fcmp olt {doubles} {whole}, zeroinitializer")
        whole = use.select(negative, "zeroinitializer", whole, doubles)
    magic = use.literal("double", "0x4338000000000000")
    moved = use.cast("bitcast", use.op("fadd", whole, magic, doubles), "double", "i64")
    quick = use.op("sub", moved, use.literal("i64", str(MAGIC)), longs)
    fast = code.block
    assert fast is not None
    code.branch(seldom, slow, after, UNLIKELY)
    code.place(slow)
    careful = cold.whole(code, "double", "i64", target.kind == "i", wide)
    code.end(f"br label %{after.name}")
    code.place(after)
    return code.phi(longs, (quick, fast), (careful, slow))


# ---- what doesn't fit


def misfits(use: Use, target: Type) -> str:
    """Write the bits of the values that an integer type can't hold after truncation."""
    source, text = use.type, use.texts[0]
    never = use.literal("i1", "false")
    if source.is_float:
        below = nearest(source, Fraction(target.low - 1))
        inside = use.compare("ogt", text, use.number(below))
        if below != target.low - 1:
            inside = use.compare("oge", text, use.number(nearest(source, Fraction(target.low)) if target.low else 0.0))
        above = use.compare("olt", text, use.number(nearest(source, Fraction(target.high + 1))))
        return use.both("xor", use.both("and", inside, above), use.literal("i1", "true"))
    order = "s" if use.signed else "u"
    found = []
    if source.low < target.low:
        found.append(use.compare(f"{order}lt", text, use.number(target.low)))
    if source.high > target.high:
        found.append(use.compare(f"{order}gt", text, use.number(target.high)))
    if not found:
        return never
    return found[0] if len(found) == 1 else use.both("or", *found)
