"""One row for each op: how it is written. The rows of integer division, fmod and casts have modules of their own."""

from __future__ import annotations

from typing import Final

from hybrid_rs.printers.llvm import checked, divide, modulo
from hybrid_rs.printers.llvm.use import Emit, Faulting, Use

__all__ = ["FAULTING", "ROWS", "canonical"]


def _two(name: str) -> Emit:
    return lambda use: use.op(name, *use.texts)


def _compare(name: str) -> Emit:
    return lambda use: use.compare(name, *use.texts)


def _call(name: str, flags: str = "") -> Emit:
    return lambda use: use.intrinsic(name, *use.texts, flags=flags)


def _chosen(name: str) -> Emit:
    """Write Python's min or max: `b if b < a else a`, or with `>`."""

    def emit(use: Use) -> str:
        a, b = use.texts
        return use.select(use.compare(name, b, a), b, a)

    return emit


def _ones(use: Use) -> str:
    return use.literal(use.element, "-1")


def _bits(use: Use) -> str:
    """Write the bits of a float as an integer."""
    return use.cast("bitcast", use.texts[0], use.element, _word(use))


def _word(use: Use) -> str:
    return f"i{use.type.bits}"


def canonical(use: Use) -> str:
    """Write a float with its nan made canonical."""
    a = use.texts[-1]
    return use.select(use.compare("uno", a, a), use.number(float("nan")), a)


def _canonical_bits(use: Use) -> str:
    use.texts = [canonical(use)]
    return _bits(use)


def _from_bits(use: Use) -> str:
    return use.cast("bitcast", use.texts[0], _word(use), use.element)


def _quotient(use: Use) -> str:
    """Write a division of floats, frozen: LLVM 22 finds 0 / 0 equal to 0 where it sees both zeros."""
    return use.code.emit(f"freeze {use.kind} {use.op('fdiv', *use.texts)}")


def _copysign(use: Use) -> str:
    a = use.texts[0]
    return use.intrinsic("copysign", a, canonical(use))


def _shift(name: str) -> Emit:
    """Write a shift that gives 0 for counts outside of the width."""

    def emit(use: Use) -> str:
        a, b = use.texts
        inside = use.compare("ult", b, use.number(use.type.bits))
        return use.select(inside, use.op(name, a, b), use.number(0))

    def known(use: Use) -> str:
        if use.const is None:
            return emit(use)
        return use.op(name, *use.texts) if 0 <= use.const < use.type.bits else use.number(0)

    return known


def _shift_signed(use: Use) -> str:
    """Write a shift to the right whose counts outside of the width give the sign."""
    a, b = use.texts
    most = use.number(use.type.bits - 1)
    return use.op("ashr", a, use.intrinsic("umin", b, most))


def _isinf(use: Use) -> str:
    return use.compare("oeq", use.intrinsic("fabs", *use.texts), use.number(float("inf")))


def _isfinite(use: Use) -> str:
    return use.compare("olt", use.intrinsic("fabs", *use.texts), use.number(float("inf")))


def _select(use: Use) -> str:
    condition, a, b = use.texts
    return use.select(condition, a, b)


def _fneg(use: Use) -> str:
    return use.code.emit(f"fneg {use.kind} {use.texts[0]}")


ROWS: Final[dict[tuple[str, str], Emit]] = {}
"""How an op is written that can't fault, by its name and the kind of its type."""
FAULTING: Final[dict[tuple[str, str], Faulting]] = {}
"""How an op is written that can."""


def _row(name: str, kinds: str, emit: Emit) -> None:
    for kind in kinds:
        ROWS[name, kind] = emit


for _name in ("add", "sub", "mul"):
    _row(_name, "iu", _two(_name))
    _row(_name, "f", _two(f"f{_name}"))
_row("div", "f", _quotient)
for _name in ("and", "or", "xor"):
    _row(_name, "biu", _two(_name))
_row("not", "b", lambda use: use.op("xor", use.texts[0], use.literal(f"i{use.code.shape.mask_bits}", "-1")))
_row("invert", "iu", lambda use: use.op("xor", use.texts[0], _ones(use)))
_row("shl", "iu", _shift("shl"))
_row("shr", "u", _shift("lshr"))
_row("shr", "i", _shift_signed)
_row("neg", "iu", lambda use: use.op("sub", use.number(0), use.texts[0]))
_row("neg", "f", _fneg)
_row("abs", "i", _call("abs", flags="false"))
_row("abs", "u", lambda use: use.texts[0])
_row("abs", "f", _call("fabs"))

for _name in ("eq", "ne"):
    _row(_name, "iu", _compare(_name))
_row("eq", "b", lambda use: use.op("xor", use.op("xor", *use.texts), use.literal(f"i{use.code.shape.mask_bits}", "-1")))
_row("ne", "b", _two("xor"))
for _name in ("lt", "le", "gt", "ge"):
    _row(_name, "i", _compare(f"s{_name}"))
    _row(_name, "u", _compare(f"u{_name}"))
    _row(_name, "f", _compare(f"o{_name}"))
_row("eq", "f", _compare("oeq"))
_row("ne", "f", _compare("une"))

for _name, _sign in (("min", "lt"), ("max", "gt")):
    _row(_name, "i", _call(f"s{_name}"))
    _row(_name, "u", _call(f"u{_name}"))
    _row(_name, "f", _chosen(f"o{_sign}"))
_row("minimum", "f", _call("minimum"))
_row("maximum", "f", _call("maximum"))
_row("select", "biuf", _select)

_row("sqrt", "f", _call("sqrt"))
_row("floor", "f", _call("floor"))
_row("ceil", "f", _call("ceil"))
_row("trunc", "f", _call("trunc"))
_row("rint", "f", _call("roundeven"))
_row("isnan", "f", lambda use: use.compare("uno", use.texts[0], use.texts[0]))
_row("isinf", "f", _isinf)
_row("isfinite", "f", _isfinite)
_row("fma", "f", _call("fma"))
_row("copysign", "f", _copysign)
_row("bits", "f", _canonical_bits)
_row("from_bits", "f", _from_bits)
_row("fmod", "f", modulo.fmod)
_row("mod", "f", modulo.mod)
_row("floordiv", "f", modulo.floordiv)

for _kind in "iu":
    for _name in ("floordiv", "mod", "quot", "rem"):
        FAULTING[_name, _kind] = divide.faulting(_name)
    FAULTING["pow", _kind] = checked.power
    for _name in ("add", "sub", "mul", "neg", "abs"):
        FAULTING[f"{_name}_checked", _kind] = checked.ROWS[_name, _kind]
