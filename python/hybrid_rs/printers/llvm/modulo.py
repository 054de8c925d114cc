"""The exact remainder of floats, and CPython's floor division made of it (`_float_div_mod` of Objects/floatobject.c).

Where the quotient has no more bits than a float, one fused multiply-add gives the remainder of the truncated rounded
quotient exactly, and that is off by one divisor at most. Larger quotients are left to a loop on the bits.
"""

from __future__ import annotations

from hybrid_rs.printers.llvm import cold
from hybrid_rs.printers.llvm.code import UNLIKELY
from hybrid_rs.printers.llvm.use import Use

__all__ = ["floordiv", "fmod", "mod"]


def fmod(use: Use) -> str:
    """Write the remainder with the sign of the first operand."""
    return _remainder(use, *use.texts)


def mod(use: Use) -> str:
    """Write the remainder with the sign of the second operand."""
    b = use.texts[1]
    rest, apart = _parts(use)
    zero = use.compare("oeq", rest, use.number(0.0))
    moved = use.select(apart, use.op("fadd", rest, b), rest)
    return use.select(zero, use.intrinsic("copysign", use.number(0.0), b), moved)


def floordiv(use: Use) -> str:
    """Write the floor of the quotient."""
    a, b = use.texts
    rest, apart = _parts(use)
    ratio = use.op("fdiv", a, b)
    whole = use.op("fdiv", use.op("fsub", a, rest), b)
    whole = use.select(apart, use.op("fsub", whole, use.number(1.0)), whole)
    floor = use.intrinsic("floor", whole)
    low = use.compare("ogt", use.op("fsub", whole, floor), use.number(0.5))
    floor = use.select(low, use.op("fadd", floor, use.number(1.0)), floor)
    zero = use.compare("oeq", whole, use.number(0.0))
    result = use.select(zero, use.intrinsic("copysign", use.number(0.0), ratio), floor)
    return use.select(use.compare("oeq", b, use.number(0.0)), ratio, result)


def _parts(use: Use) -> tuple[str, str]:
    """Give the remainder, and whether it isn't 0 and on the other side of 0 than the divisor."""
    a, b = use.texts
    rest = _remainder(use, a, b)
    zero = use.number(0.0)
    sides = use.both("xor", use.compare("olt", b, zero), use.compare("olt", rest, zero))
    return rest, use.both("and", sides, use.compare("une", rest, zero))


def _remainder(use: Use, a: str, b: str) -> str:
    code = use.code
    if not code.shape.fma:
        return _large(use, a, b)
    digits = 53 if use.type.bits == 64 else 24
    ratio = use.op("fdiv", a, b)
    size = use.intrinsic("fabs", ratio)
    large = use.compare("oge", size, use.number(2.0**digits))
    here = use.here()
    if here is not None:
        large = use.both("and", large, here)
    seldom, slow, after = use.any(large), code.ahead("long"), code.ahead("reduced")
    minus = code.emit(f"fneg {use.kind} {use.intrinsic('trunc', ratio)}")
    rest = use.intrinsic("fma", minus, b, a)
    signed = use.intrinsic("copysign", rest, a)
    over = use.compare("une", signed, rest)
    back = use.op("fadd", rest, use.intrinsic("copysign", b, a))
    rest = use.intrinsic("copysign", use.select(over, back, rest), a)
    less = use.compare("olt", use.intrinsic("fabs", a), use.intrinsic("fabs", b))
    quick = use.select(less, a, rest)
    fast = code.block
    assert fast is not None
    code.branch(seldom, slow, after, UNLIKELY)
    code.place(slow)
    careful = _large(use, a, b)
    code.end(f"br label %{after.name}")
    code.place(after)
    return code.phi(use.kind, (quick, fast), (careful, slow))


def _large(use: Use, a: str, b: str) -> str:
    if use.lanes and use.code.shape.width > 1:
        return cold.two(use.code, "fmod", use.element, a, b)
    return cold.remainder(use.code, use.element, a, b)
