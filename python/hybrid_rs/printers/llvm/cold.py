"""Helpers that are functions of their own: what is seldom needed, and loops inside of an op.

Cold ones take vectors in memory and leave all registers alone (`preserve_allcc`), so that the code around their calls
is as good as without them.
"""

from __future__ import annotations

from typing import Final

from hybrid_rs.printers.llvm.code import Code, Module

__all__ = ["power", "remainder", "two", "whole"]

_BITS: Final = {"float": 32, "double": 64}


def two(code: Code, name: str, element: str, a: str, b: str) -> str:
    """Call a helper that computes `sdiv`, `udiv` or `fmod` lane by lane."""
    helper = f"{name}.{element}"
    if name == "fmod":
        scalar = f"call {element} @{_fmod(code.module, element)}({element} %x, {element} %y)"
    else:
        scalar = f"{name} {element} %x, %y"
    if helper not in code.module.helpers:
        code.module.helpers[helper] = _each_lane(code.shape.lanes, helper, [element, element], element, scalar)
    return _through_memory(code, helper, [(element, a), (element, b)], element)


def whole(code: Code, element: str, target: str, signed: bool, text: str) -> str:
    """Call a helper that converts floats to integers lane by lane, as `fptosi.sat` does."""
    name = f"llvm.fpto{'s' if signed else 'u'}i.sat.{target}.{'f64' if element == 'double' else 'f32'}"
    code.module.intrinsic(name, target, element)
    helper = f"{name[5:]}.lanes"
    if helper not in code.module.helpers:
        scalar = f"call {target} @{name}({element} %x)"
        code.module.helpers[helper] = _each_lane(code.shape.lanes, helper, [element], target, scalar)
    return _through_memory(code, helper, [(element, text)], target)


def _through_memory(code: Code, helper: str, operands: list[tuple[str, str]], result: str) -> str:
    rooms = []
    for number, (element, text) in enumerate(operands):
        rooms.append(code.room(number))
        code.store_lanes(element, text, rooms[-1], "align 1")
    out = code.room(2)
    code.line(f"call preserve_allcc void @{helper}({', '.join(f'ptr {room}' for room in (*rooms, out))})")
    return code.load_lanes(result, out, 1)


def _each_lane(width: int, helper: str, operands: list[str], result: str, scalar: str) -> str:
    """Define a helper that does something on each lane's operands, %x and %y."""
    pointers = ["%a", "%b"][: len(operands)]
    loads = []
    for pointer, value, element in zip(pointers, ("%x", "%y"), operands, strict=False):
        loads += [
            f"{value}p = getelementptr {element}, ptr {pointer}, i64 %k",
            f"{value} = load {element}, ptr {value}p",
        ]
    body = "\n".join(loads)
    given = ", ".join(f"ptr {one}" for one in (*pointers, "%out"))
    return f"""define internal preserve_allcc void @{helper}({given}) #1 {{
entry:
br label %loop
loop:
%k = phi i64 [ 0, %entry ], [ %n, %loop ]
{body}
%r = {scalar}
%rp = getelementptr {result}, ptr %out, i64 %k
store {result} %r, ptr %rp
%n = add i64 %k, 1
%more = icmp ne i64 %n, {width}
br i1 %more, label %loop, label %done
done:
ret void
}}"""


def remainder(code: Code, element: str, a: str, b: str) -> str:
    """Call the helper for the remainder of two scalars."""
    name = _fmod(code.module, element)
    return code.emit(f"call {element} @{name}({element} {a}, {element} {b})")


def _fmod(module: Module, element: str) -> str:
    """Define the remainder by long division of the significands, a bit at a time."""
    name = f"fmod.scalar.{element}"
    if name in module.helpers:
        return name
    bits = _BITS[element]
    word, digits = f"i{bits}", 52 if bits == 64 else 23
    infinity = ((1 << (bits - 1 - digits)) - 1) << digits
    module.intrinsic(f"llvm.ctlz.{word}", word, word, "i1")
    unpack = "\n".join(
        f"""%e{letter}0 = lshr {word} %u{letter}, {digits}
%sub{letter} = icmp eq {word} %e{letter}0, 0
%lz{letter} = call {word} @llvm.ctlz.{word}({word} %u{letter}, i1 false)
%s{letter} = sub {word} %lz{letter}, {bits - 1 - digits}
%m{letter}s = shl {word} %u{letter}, %s{letter}
%e{letter}s = sub {word} 1, %s{letter}
%m{letter}f = and {word} %u{letter}, {(1 << digits) - 1}
%m{letter}n = or {word} %m{letter}f, {1 << digits}
%m{letter} = select i1 %sub{letter}, {word} %m{letter}s, {word} %m{letter}n
%e{letter} = select i1 %sub{letter}, {word} %e{letter}s, {word} %e{letter}0"""
        for letter in "ab"
    )
    module.helpers[name] = f"""define internal {element} @{name}({element} %x, {element} %y) #1 {{
entry:
%wa = bitcast {element} %x to {word}
%wb = bitcast {element} %y to {word}
%ua = and {word} %wa, {(1 << (bits - 1)) - 1}
%ub = and {word} %wb, {(1 << (bits - 1)) - 1}
%sign = and {word} %wa, {-(1 << (bits - 1))}
%c1 = icmp uge {word} %ua, {infinity}
%c2 = icmp ugt {word} %ub, {infinity}
%c3 = icmp eq {word} %ub, 0
%c4 = or i1 %c1, %c2
%c5 = or i1 %c4, %c3
br i1 %c5, label %none, label %finite
none:
ret {element} 0x7FF8000000000000
finite:
%less = icmp ult {word} %ua, %ub
br i1 %less, label %small, label %unpack
small:
ret {element} %x
unpack:
{unpack}
%count = sub {word} %ea, %eb
br label %loop
loop:
%m = phi {word} [ %ma, %unpack ], [ %next, %step ]
%left = phi {word} [ %count, %unpack ], [ %fewer, %step ]
%d = sub {word} %m, %mb
%fits = icmp uge {word} %m, %mb
%r = select i1 %fits, {word} %d, {word} %m
%last = icmp eq {word} %left, 0
br i1 %last, label %pack, label %step
step:
%next = shl {word} %r, 1
%fewer = sub {word} %left, 1
br label %loop
pack:
%zero = icmp eq {word} %r, 0
br i1 %zero, label %nothing, label %norm
nothing:
%z = bitcast {word} %sign to {element}
ret {element} %z
norm:
%lz = call {word} @llvm.ctlz.{word}({word} %r, i1 false)
%s = sub {word} %lz, {bits - 1 - digits}
%mn = shl {word} %r, %s
%e = sub {word} %eb, %s
%normal = icmp sgt {word} %e, 0
%f = and {word} %mn, {(1 << digits) - 1}
%ex = shl {word} %e, {digits}
%big = or {word} %f, %ex
%down = sub {word} 1, %e
%tiny = lshr {word} %mn, %down
%u = select i1 %normal, {word} %big, {word} %tiny
%w = or {word} %u, %sign
%result = bitcast {word} %w to {element}
ret {element} %result
}}"""
    return name


def power(code: Code, element: str, *, lanes: bool) -> str:
    """Define the power of integers by squaring; give the helper's name."""
    shape = code.shape
    suffix = shape.suffix(element, lanes=lanes)
    name = f"power.{suffix}"
    if name in code.module.helpers:
        return name
    vector = lanes and shape.width > 1
    kind, bit = (shape.vector(element), shape.vector("i1")) if vector else (element, "i1")
    one = f"splat ({element} 1)" if vector else "1"
    zero = "zeroinitializer" if vector else "0"
    most = "%e2"
    reduce = ""
    if vector:
        code.module.intrinsic(f"llvm.vector.reduce.or.{suffix}", element, kind)
        most = "%most"
        reduce = f"%most = call {element} @llvm.vector.reduce.or.{suffix}({kind} %e2)\n"
    code.module.helpers[name] = f"""define internal fastcc {kind} @{name}({kind} %a, {kind} %b) #2 {{
entry:
br label %loop
loop:
%r = phi {kind} [ {one}, %entry ], [ %r2, %loop ]
%base = phi {kind} [ %a, %entry ], [ %base2, %loop ]
%e = phi {kind} [ %b, %entry ], [ %e2, %loop ]
%low = and {kind} %e, {one}
%odd = icmp ne {kind} %low, {zero}
%p = mul {kind} %r, %base
%r2 = select {bit} %odd, {kind} %p, {kind} %r
%base2 = mul {kind} %base, %base
%e2 = lshr {kind} %e, {one}
{reduce}%more = icmp ne {element} {most}, 0
br i1 %more, label %loop, label %done
done:
ret {kind} %r2
}}"""
    return name
