"""Each row of the LLVM printer means what its op's row says, on extreme values; so do conversions.

Ops that can't fault are results of one kernel for each type; those that can are branches of one kernel, chosen by a
uniform input. Each is run with inputs that vary and with inputs that are uniform.
"""

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

import native
from hybrid_rs.ir import ops
from hybrid_rs.ir.nodes import Cast, Const, Expr, Function, If, Op, Param, Return, Site, Stmt, Var
from hybrid_rs.ir.ops import OPS, OpFault, Row
from hybrid_rs.ir.types import ALL, BOOL, FLOAT64, INT64, Type, named
from hybrid_rs.ir.verify import verify
from hybrid_rs.printers.llvm.rows import FAULTING, ROWS
from hybrid_rs.targets import cpu

pytest.importorskip("llvmlite")

SITES = (Site("RuntimeError", "steps", "a.py", 1), *(
    Site(exception, "text", "a.py", 2) for exception in ("ZeroDivisionError", "OverflowError", "ValueError")
))  # fmt: skip
SITE = {site.exception: place for place, site in enumerate(SITES)}
WHICH = Param("which", INT64)


def edges(type_: Type) -> list[float]:
    if type_ is BOOL:
        return [False, True]
    if type_.is_integer:
        mixed = [v for k in (3, 7, 15, 24, 31, 32, 51, 52, 53, 62) for v in (2**k - 1, 2**k, -(2**k), 1 - 2**k)]
        plain = [type_.low, type_.low + 1, -7, -3, -2, -1, 0, 1, 2, 3, 5, 7, 8, 10, 63, 64, 100, type_.bits - 1,
                 type_.bits, 997, type_.high - 1, type_.high]  # fmt: skip
        return sorted({v for v in (*mixed, *plain) if type_.low <= v <= type_.high})
    limits = np.finfo(type_.name)
    positive = [
        0.0, float(limits.smallest_subnormal), float(limits.tiny), 3 * float(limits.smallest_subnormal), 0.1, 0.25, 0.5,
        float(np.nextafter(limits.dtype.type(0.5), limits.dtype.type(0))), 1.0, float(1 + limits.eps), 1.5, 2.5, 3.0,
        7.0, 1e6, 127.5, 255.5, 32767.9, 65535.5, 2.0**31, 2.0**32, 2.0**51, 2.0**52, 2.0**53, 2.0**63, 2.0**64, 1e30,
        float(1 / limits.eps) - 0.5, float(2 / limits.eps), float(limits.max), math.inf,
    ]  # fmt: skip
    rounded = [float(limits.dtype.type(value)) for value in positive]
    return [*rounded, *[-value for value in rounded], math.nan]


def rows(type_: Type, *, faulting: bool) -> list[Row]:
    """List the ops on a type that can or can't fault, those aside that have no row."""
    found = [row for row in OPS.values() if type_ in row.types and bool(row.fault(type_)) == faulting]
    return [row for row in found if (row.name, type_.kind) in (FAULTING if faulting else ROWS)]


def tuples(operands: Sequence[Type]) -> list[tuple[float, ...]]:
    cells = [edges(operand) for operand in operands]
    if len(cells) == 3:
        cells = [column[::3] for column in cells]
    return list(itertools.product(*cells))


def meaning(function: Any, *args: Any) -> Any:
    try:
        return function(*args)
    except OpFault:
        return None


class Kernel:
    """A function of some operands and of which of its branches to take, with its code."""

    def __init__(
        self, operands: Sequence[Type], results: tuple[Type, ...], body: tuple[Stmt, ...], *, target: str, uniform: bool
    ) -> None:
        params = tuple(Param(f"p{k}", type_) for k, type_ in enumerate(operands))
        self.function = Function("ops", (*params, WHICH), (), results, body, SITES, 0)
        verify(self.function)
        self.operands = operands
        flags = (uniform,) * len(operands)
        code = cpu.build(self.function, (*flags, True), False, cpu.variant(target), shape=SHAPES.get(target))
        self.machine = native.Native(self.function, code)
        self.uniform = uniform

    def run(self, args: list[tuple[float, ...]], which: int) -> tuple[list[Any], Any]:
        """Give the outputs' arrays and which elements are fine."""
        lanes = self.machine.code.lanes
        count = -(-len(args) // lanes) * lanes
        padded = args + args[-1:] * (count - len(args))
        if self.uniform:
            parts = [self.call([one] * lanes, which) for one in args]
            outputs = [np.array([part[0][k][0] for part in parts]) for k in range(len(self.function.results))]
            return outputs, np.array([part[1][0] for part in parts])
        outputs, ok = self.call(padded, which)
        return [output[: len(args)] for output in outputs], ok[: len(args)]

    def call(self, args: list[tuple[float, ...]], which: int) -> tuple[list[Any], Any]:
        columns = [
            np.array([arg[k] for arg in args], dtype=native.dtype(type_)) for k, type_ in enumerate(self.operands)
        ]
        outputs = native.fresh(self.function, len(args))
        given = [*columns, np.array([which])]
        result = self.machine.call(given, [], outputs, [(0, len(args))], masks=True)
        assert result.ok is not None
        return outputs, result.ok


SHAPES = {"avx2": (4, 2), "baseline": (2, 1)}
KINDS = [("native", False), ("native", True), ("avx2", False), ("baseline", False)]


def variable(place: int, type_: Type) -> Var:
    return Var(f"p{place}", type_)


def usable(target: str) -> None:
    if cpu.variant(target).register_bits > cpu.host().register_bits:
        pytest.skip("the machine lacks the instructions")


def test_every_op_has_a_row_or_is_elementary() -> None:
    for row in OPS.values():
        for type_ in row.types:
            key = (row.name, type_.kind)
            if type_.is_float and row.opaque:
                continue
            assert (key in FAULTING) == bool(row.fault(type_))
            assert (key in ROWS) == (not row.fault(type_))


def operand_groups(type_: Type, found: list[Row]) -> dict[tuple[Type, ...], list[Row]]:
    groups: dict[tuple[Type, ...], list[Row]] = {}
    for row in found:
        groups.setdefault(row.forms[type_.code][0], []).append(row)
    return groups


@pytest.mark.parametrize(("target", "uniform"), KINDS)
@pytest.mark.parametrize("type_", ALL, ids=str)
def test_ops_that_cannot_fault(type_: Type, target: str, uniform: bool) -> None:
    usable(target)
    found = [row for row in rows(type_, faulting=False) if row.name != "fma" or cpu.variant(target).fma]
    for operands, group in operand_groups(type_, found).items():
        results = tuple(row.forms[type_.code][1] for row in group)
        values: list[Expr] = [
            Op(row.name, result, tuple(variable(k, operand) for k, operand in enumerate(operands)))
            for row, result in zip(group, results, strict=True)
        ]
        kernel = Kernel(operands, results, (Return(tuple(values)),), target=target, uniform=uniform)
        args = tuples(operands)[:: 17 if uniform else 1]
        outputs, _ = kernel.run(args, 0)
        for row, result, output in zip(group, results, outputs, strict=True):
            for arg, cell in zip(args, output, strict=True):
                wanted = row.function(type_, *arg)
                assert native.same_bits(cell[None], [wanted], result), (row.name, arg, cell, wanted)


@pytest.mark.parametrize(("target", "uniform"), KINDS)
@pytest.mark.parametrize("type_", [type_ for type_ in ALL if type_.is_integer], ids=str)
def test_ops_that_can_fault(type_: Type, target: str, uniform: bool) -> None:
    usable(target)
    for operands, group in operand_groups(type_, rows(type_, faulting=True)).items():
        values = []
        for row in group:
            fault = row.fault(type_)
            assert fault is not None
            values.append(Op(row.name, type_, tuple(variable(k, o) for k, o in enumerate(operands)), SITE[fault]))
        kernel = Kernel(operands, (type_,), branches(values), target=target, uniform=uniform)
        args = tuples(operands)[:: 29 if uniform else 1]
        for which, row in enumerate(group):
            outputs, ok = kernel.run(args, which)
            check(row.name, args, [meaning(row.function, type_, *arg) for arg in args], outputs[0], ok, type_)


def branches(values: Sequence[Expr]) -> tuple[Stmt, ...]:
    """Return one of some values, by the input that says which."""
    body: tuple[Stmt, ...] = (Return((values[-1],)),)
    for place in range(len(values) - 2, -1, -1):
        asked = Op("eq", BOOL, (Var("which", INT64), Const(INT64, place)))
        body = (If(asked, (Return((values[place],)),), body),)
    return body


def check(
    name: str, args: Sequence[tuple[float, ...]], wanted: Sequence[Any], output: Any, ok: Any, type_: Type
) -> None:
    for arg, want, cell, fine in zip(args, wanted, output, ok, strict=True):
        assert bool(fine) == (want is not None), (name, arg, want, cell)
        assert want is None or native.same_bits(cell[None], [want], type_), (name, arg, want, cell)


@pytest.mark.parametrize("target", ["native", "baseline"])
@pytest.mark.parametrize("type_", [type_ for type_ in ALL if type_.is_integer], ids=str)
def test_constant_operands(type_: Type, target: str) -> None:
    names = ("floordiv", "mod", "quot", "rem", "shl", "shr", "pow")
    a = variable(0, type_)
    found: list[tuple[str, float]] = []
    values: list[Expr] = []
    for name in names:
        fault = OPS[name].fault(type_)
        for constant in edges(type_):
            if (name == "pow" and constant < 0) or (fault == "ZeroDivisionError" and constant == 0):
                continue
            found.append((name, constant))
            values.append(Op(name, type_, (a, Const(type_, constant)), SITE[fault] if fault else None))
    kernel = Kernel([type_], (type_,) * len(values), (Return(tuple(values)),), target=target, uniform=False)
    args = tuples([type_])
    outputs, _ = kernel.run(args, 0)
    for (name, constant), output in zip(found, outputs, strict=True):
        wanted = [OPS[name].function(type_, arg[0], constant) for arg in args]
        check(f"{name} {constant}", args, wanted, output, [True] * len(args), type_)


@pytest.mark.parametrize(("target", "uniform"), KINDS)
@pytest.mark.parametrize("source", ALL, ids=str)
def test_conversions(source: Type, target: str, uniform: bool) -> None:
    usable(target)
    others = [type_ for type_ in ALL if type_ is not source]
    args = tuples([source])
    values: list[Expr] = [Cast(type_, variable(0, source)) for type_ in others]
    kernel = Kernel([source], tuple(others), (Return(tuple(values)),), target=target, uniform=uniform)
    outputs, _ = kernel.run(args, 0)
    for type_, output in zip(others, outputs, strict=True):
        check(str(type_), args, [ops.convert(source, type_, arg[0]) for arg in args], output, [True] * len(args), type_)
    whole = [type_ for type_ in ALL if type_.is_integer]
    checked: list[Expr] = [
        Cast(INT64, Cast(type_, variable(0, source), SITE["OverflowError"]), None) for type_ in whole
    ]
    kernel = Kernel([source], (INT64,), branches(checked), target=target, uniform=uniform)
    for which, type_ in enumerate(whole):
        outputs, ok = kernel.run(args, which)
        wanted = [meaning(ops.convert_checked, source, type_, arg[0]) for arg in args]
        signed = [None if want is None else ops.convert(type_, INT64, want) for want in wanted]
        check(f"checked {type_}", args, signed, outputs[0], ok, INT64)


def test_lesser_of_a_quotient_and_nothing() -> None:
    """LLVM stops at `min(a // b, 0)` of unsigned numbers if it may look through the division."""
    type_ = named("uint32")
    a, b = variable(0, type_), variable(1, type_)
    quotient = Op("floordiv", type_, (a, b), SITE["ZeroDivisionError"])
    values = (Op("min", type_, (quotient, Op("sub", type_, (a, a)))), Op("min", type_, (quotient, Const(type_, 1))))
    kernel = Kernel([type_, type_], (type_, type_), (Return(values),), target="native", uniform=False)
    args = [arg for arg in tuples([type_, type_]) if arg[1]]
    outputs, _ = kernel.run(args, 0)
    assert outputs[0].tolist() == [0] * len(args)
    assert outputs[1].tolist() == [min(x // y, 1) for x, y in args]


def test_remainders_of_far_quotients() -> None:
    """Lanes whose quotients have more bits than a float take another way than their neighbours."""
    rng = np.random.default_rng(3)
    for type_ in (FLOAT64, named("float32")):
        a, b = (rng.uniform(1, 2, 400) * 2.0 ** rng.integers(-120, 120, 400) * rng.choice([-1, 1], 400) for _ in "ab")
        pairs: list[tuple[float, ...]] = list(
            zip(a.astype(type_.name).tolist(), b.astype(type_.name).tolist(), strict=True)
        )
        names = ("fmod", "mod", "floordiv")
        values: list[Expr] = [Op(name, type_, (variable(0, type_), variable(1, type_))) for name in names]
        for target in ("native", "baseline"):
            kernel = Kernel(
                [type_, type_], (type_,) * 3, (Return(tuple(values)),), target=target, uniform=False
            )  # fmt: skip
            outputs, _ = kernel.run(pairs, 0)
            for name, output in zip(names, outputs, strict=True):
                wanted = [OPS[name].function(type_, *pair) for pair in pairs]
                check(name, pairs, wanted, output, [True] * len(pairs), type_)
