"""Integer division.

Machines divide integers one at a time, so vectors go through floats where that is exact: 8 and 16 bits through float32,
32 bits through float64, and 64 bits through float64 where all lanes are small, which is asked each time. A rounded
quotient of integers below 2 ** 53 is never an integer unless the exact one is, for that is farther from any integer
than half a unit in the last place.
"""

from __future__ import annotations

from typing import Final

from hybrid_rs.printers.llvm import cold
from hybrid_rs.printers.llvm.code import LIKELY
from hybrid_rs.printers.llvm.use import Faulting, Use

__all__ = ["faulting"]

SMALL: Final = 1 << 51
"""Integers of a size below this one are turned into floats by adding a constant to their bits."""
MAGIC: Final = 0x4338_0000_0000_0000
"""The bits of 1.5 * 2 ** 52."""
MAGIC_FLOAT: Final = "0x4338000000000000"


def faulting(name: str) -> Faulting:
    """Make the row of `floordiv`, `mod`, `quot` or `rem`."""

    def emit(use: Use) -> tuple[str, str]:
        a, b = use.texts
        never = use.literal("i1", "false")
        if use.const == -1 and use.signed:
            return use.op("sub", use.number(0), a) if name in ("quot", "floordiv") else use.number(0), never
        if use.const:
            return _divide(use, name, a, b), never
        bad = use.compare("eq", b, use.number(0))
        unsafe = bad
        if use.signed:
            lowest = use.compare("eq", a, use.number(use.type.low))
            unsafe = use.both("or", bad, use.both("and", lowest, use.compare("eq", b, use.number(-1))))
        return _divide(use, name, a, use.select(unsafe, use.number(1), b)), bad

    return emit


def _divide(use: Use, name: str, a: str, b: str) -> str:
    """Divide by what is neither 0, nor -1 where that overflows."""
    if use.lanes and use.code.shape.width > 1:
        if use.type.bits == 64:
            return _through_small(use, name, a, b)
        if use.const is None:
            return _through_floats(use, name, a, b)
    return _finish(use, name, a, b, use.op("sdiv" if use.signed else "udiv", a, b))


def _finish(use: Use, name: str, a: str, b: str, quotient: str) -> str:
    """Give the result from the truncated quotient."""
    if name == "quot" or (name == "floordiv" and not use.signed):
        return quotient
    rest = use.op("sub", a, use.op("mul", quotient, b))
    if name == "rem" or not use.signed:
        return rest
    if use.const is not None and use.const > 0:
        below = use.op("ashr", rest, use.number(use.type.bits - 1))
        return use.op("add", quotient, below) if name == "floordiv" else use.op("add", rest, use.op("and", below, b))
    signs = use.compare("slt", use.op("xor", rest, b), use.number(0))
    apart = use.both("and", signs, use.compare("ne", rest, use.number(0)))
    if name == "floordiv":
        return use.op("add", quotient, use.cast("sext", apart, "i1", use.element))
    return use.select(apart, use.op("add", rest, b), rest)


def _through_floats(use: Use, name: str, a: str, b: str) -> str:
    """Divide 8 to 32 bits."""
    element = "double" if use.type.bits == 32 else "float"
    letter = "s" if use.signed else "u"
    x, y = (use.cast(f"{letter}itofp", text, use.element, element) for text in (a, b))
    ratio = use.op("fdiv", x, y, use.vector(element))
    if use.signed and name in ("floordiv", "mod"):
        ratio = use.intrinsic("floor", ratio, element=element)
    # LLVM 22 makes a conversion to no bits of the lesser of this one and 0; what is frozen it leaves alone.
    quotient = use.code.emit(f"freeze {use.kind} {use.cast(f'fpto{letter}i', ratio, element, use.element)}")
    if name in ("quot", "floordiv"):
        return quotient
    return use.op("sub", a, use.op("mul", quotient, b))


def _through_small(use: Use, name: str, a: str, b: str) -> str:
    """Divide 64 bits, quickly where all lanes are small."""
    code = use.code
    if use.signed:
        bias = use.number(SMALL)
        size = use.op("or", use.op("add", a, bias), use.op("add", b, bias))
    else:
        size = use.op("or", a, b)
    here = use.here()
    if here is not None:
        size = use.select(here, size, use.number(0))
    most = code.any_number("i64", size)
    limit = 2 * SMALL if use.signed else SMALL
    small = code.emit(f"icmp ult i64 {most}, {limit}")
    fast, slow, after = code.ahead("small"), code.ahead("large"), code.ahead("divided")
    code.branch(small, fast, slow, LIKELY)
    code.place(fast)
    quick = _small(use, name, a, b)
    code.end(f"br label %{after.name}")
    code.place(slow)
    careful = _finish(use, name, a, b, cold.two(code, "sdiv" if use.signed else "udiv", "i64", a, b))
    code.end(f"br label %{after.name}")
    code.place(after)
    return code.phi(use.kind, (quick, fast), (careful, slow))


def _small(use: Use, name: str, a: str, b: str) -> str:
    """Divide integers of a size below 2 ** 51; every step but the quotient's rounding is exact."""
    doubles = use.vector("double")
    magic = use.literal("double", MAGIC_FLOAT)
    x, y = (
        use.op("fsub", use.cast("bitcast", use.op("add", text, use.number(MAGIC)), "i64", "double"), magic, doubles)
        for text in (a, b)
    )
    ratio = use.op("fdiv", x, y, doubles)
    floors = use.signed and name in ("floordiv", "mod")
    result = use.intrinsic("floor" if floors else "trunc", ratio, element="double")
    if name in ("rem", "mod"):
        result = use.op("fsub", x, use.op("fmul", result, y, doubles), doubles)
    moved = use.cast("bitcast", use.op("fadd", result, magic, doubles), "double", "i64")
    return use.op("sub", moved, use.number(MAGIC))
