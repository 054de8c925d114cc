"""Each row's meaning against NumPy, Python or exact arithmetic, on extreme values and drawn ones."""

import itertools
import math
import operator
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hybrid_rs.ir import floats, ops
from hybrid_rs.ir.ops import OPS, OpFault, Row
from hybrid_rs.ir.types import ALL, BOOL, FLOAT32, FLOAT64, Type, named

Oracle = Callable[..., Any]
FAULT = "fault"


def edges(type_: Type) -> list[float]:
    if type_ is BOOL:
        return [False, True]
    if type_.is_integer:
        return sorted({v for v in (type_.low, type_.low + 1, -7, -2, -1, 0, 1, 2, 3, 7, 8, type_.bits - 1, type_.bits,
                                   type_.high - 1, type_.high) if type_.low <= v <= type_.high})  # fmt: skip
    limits = np.finfo(type_.name)
    positive = [
        0.0, float(limits.smallest_subnormal), float(limits.tiny), 0.25, 0.5, 1.0, float(1 + limits.eps), 1.5, 2.5, 3.0,
        7.0, float(1 / limits.eps) - 0.5, float(2 / limits.eps), float(limits.max), math.inf,
    ]  # fmt: skip
    return [*positive, *[-value for value in positive], math.nan]


def values(type_: Type) -> st.SearchStrategy[float]:
    if type_ is BOOL:
        return st.booleans()
    if type_.is_integer:
        drawn: st.SearchStrategy[float] = st.integers(type_.low, type_.high)
    else:
        drawn = st.floats(width=32 if type_ is FLOAT32 else 64)
    return st.sampled_from(edges(type_)) | drawn


# ---- what NumPy says


def numpy_oracle(function: Oracle) -> Oracle:
    """Take the answer from NumPy scalars of the types."""

    def answer(type_: Type, operands: tuple[Type, ...], args: tuple[float, ...]) -> float:
        with np.errstate(all="ignore"):
            cells = [np.array([arg], dtype=operand.name) for arg, operand in zip(args, operands, strict=True)]
            return function(*cells)[0].item()  # type: ignore[no-any-return]

    return answer


def plain_oracle(function: Oracle) -> Oracle:
    """Take the answer of Python ints, FAULT where it is out of the type's range."""

    def answer(type_: Type, _operands: tuple[Type, ...], args: tuple[float, ...]) -> Any:
        result = function(*args)
        return result if type_.low <= result <= type_.high else FAULT

    return answer


def zero_faults(function: Oracle, on_ints: Oracle) -> Oracle:
    """Divide floats by NumPy's function; ints by exact arithmetic, wrapped, with faults for zero divisors."""

    def answer(type_: Type, operands: tuple[Type, ...], args: tuple[float, ...]) -> Any:
        if type_.is_float:
            return numpy_oracle(function)(type_, operands, args)
        if args[1] == 0:
            return FAULT
        exact = on_ints(Fraction(args[0]), Fraction(args[1]))
        return (exact - type_.low) % (1 << type_.bits) + type_.low

    return answer


def power(type_: Type, operands: tuple[Type, ...], args: tuple[float, ...]) -> Any:
    if args[1] < 0:
        return FAULT
    return numpy_oracle(np.power)(type_, operands, args)


def exact_fma(type_: Type, _operands: tuple[Type, ...], args: tuple[float, ...]) -> float:
    """Choose the float that is nearest to the exact value, by looking at the neighbours of a guess."""
    a, b, c = args
    if not all(map(math.isfinite, args)):
        return c if math.isfinite(a) and math.isfinite(b) else a * b + c
    exact = Fraction(a) * Fraction(b) + Fraction(c)
    if exact == 0:
        return a * b + c
    scalar = np.dtype(type_.name).type
    limits = np.finfo(scalar)
    top = Fraction(float(limits.max))
    if abs(exact) >= top + Fraction(float(limits.max) - float(np.nextafter(limits.max, scalar(0)))) / 2:
        return math.copysign(math.inf, exact)
    with np.errstate(all="ignore"):
        guess = scalar(float(max(min(exact, top), -top)))
        near = [np.nextafter(guess, scalar(-np.inf)), guess, np.nextafter(guess, scalar(np.inf))]
    finite = [float(value) for value in near if np.isfinite(value)]
    best = min(finite, key=lambda value: (abs(Fraction(value) - exact), floats.to_bits(type_, value) & 1))
    return math.copysign(best, exact)


def sign_of_nan_is_plus(a: Any, b: Any) -> Any:
    return np.copysign(a, np.where(np.isnan(b), 1.0, b).astype(a.dtype))


def nan_bits(a: Any) -> Any:
    return np.where(np.isnan(a), np.abs(np.full_like(a, np.nan)), a).view(f"u{a.dtype.itemsize}")


def zeros_apart(function: Oracle, zero: float) -> Oracle:
    """NumPy leaves open which of -0 and +0 is the lesser; IEEE's minimum says it."""

    def answer(a: Any, b: Any) -> Any:
        mixed = (a == 0) & (b == 0) & (np.signbit(a) != np.signbit(b))
        return np.where(mixed, zero, function(a, b)).astype(a.dtype)

    return answer


def truncated(a: Fraction, b: Fraction) -> int:
    return math.trunc(a / b)


ORACLES: dict[str, Oracle] = {
    **{name: numpy_oracle(getattr(np, function)) for name, function in {
        "add": "add", "sub": "subtract", "mul": "multiply", "div": "divide", "fmod": "fmod", "and": "bitwise_and",
        "or": "bitwise_or", "xor": "bitwise_xor", "not": "logical_not", "invert": "invert", "shl": "left_shift",
        "shr": "right_shift", "neg": "negative", "abs": "absolute", "eq": "equal", "ne": "not_equal", "lt": "less",
        "le": "less_equal", "gt": "greater", "ge": "greater_equal", "select": "where", "sqrt": "sqrt", "floor": "floor",
        "ceil": "ceil", "trunc": "trunc", "rint": "rint", "isnan": "isnan", "isinf": "isinf", "isfinite": "isfinite",
    }.items()},
    "add_checked": plain_oracle(operator.add),
    "sub_checked": plain_oracle(operator.sub),
    "mul_checked": plain_oracle(operator.mul),
    "neg_checked": plain_oracle(operator.neg),
    "abs_checked": plain_oracle(operator.abs),
    "floordiv": zero_faults(np.floor_divide, lambda a, b: math.floor(a / b)),
    "mod": zero_faults(np.remainder, lambda a, b: int(a - b * math.floor(a / b))),
    "quot": zero_faults(np.floor_divide, truncated),
    "rem": zero_faults(np.fmod, lambda a, b: int(a - b * truncated(a, b))),
    "pow": power,
    "copysign": numpy_oracle(sign_of_nan_is_plus),
    "min": numpy_oracle(lambda a, b: np.where(b < a, b, a)),
    "max": numpy_oracle(lambda a, b: np.where(b > a, b, a)),
    "minimum": numpy_oracle(zeros_apart(np.minimum, -0.0)),
    "maximum": numpy_oracle(zeros_apart(np.maximum, 0.0)),
    "fma": exact_fma,
    "bits": numpy_oracle(nan_bits),
    "from_bits": numpy_oracle(lambda a: a.view(f"f{a.dtype.itemsize}")),
}  # fmt: skip


def computed(row: Row, type_: Type, args: tuple[float, ...]) -> Any:
    try:
        return row.function(type_, *args)
    except OpFault:
        return FAULT


def same(actual: Any, expected: Any) -> bool:
    """Compare values, zeros by their sign; any nan is like another."""
    if isinstance(expected, float) and isinstance(actual, float):
        if math.isnan(expected):
            return math.isnan(actual)
        return actual == expected and math.copysign(1.0, actual) == math.copysign(1.0, expected)
    return type(actual) is type(expected) and bool(actual == expected)


def check(row: Row, type_: Type, args: tuple[float, ...]) -> None:
    operands, result = row.forms[type_.code]
    actual, expected = computed(row, type_, args), ORACLES[row.name](type_, operands, args)
    assert same(actual, expected), f"{row.name} of {type_} {args}: {actual!r}, not {expected!r}"
    assert actual == FAULT or ops.held(result, actual)
    if expected == FAULT:
        assert row.fault(type_) is not None


EXACT = [row for row in OPS.values() if row.name in ORACLES]
FORMS = [(row, type_) for row in EXACT for type_ in row.types if row.name != "pow" or type_.is_integer]


def test_every_op_has_an_oracle_or_is_the_core_s() -> None:
    assert set(OPS) == set(ORACLES) | {row.name for row in OPS.values() if row.opaque}


@pytest.mark.parametrize("row", EXACT, ids=lambda row: row.name)
def test_extreme_values(row: Row) -> None:
    for type_ in row.types:
        if (row, type_) not in FORMS:
            continue
        operands, _ = row.forms[type_.code]
        cells = [edges(operand) for operand in operands]
        if len(cells) == 3:
            cells = [column[::3] for column in cells]
        for args in itertools.product(*cells):
            check(row, type_, args)


@given(st.data())
@settings(max_examples=300)
def test_drawn_values(data: st.DataObject) -> None:
    row, type_ = data.draw(st.sampled_from(FORMS))
    operands, _ = row.forms[type_.code]
    check(row, type_, tuple(data.draw(values(operand)) for operand in operands))


@pytest.mark.parametrize("name", ["floordiv", "mod", "quot", "rem", "shl", "shr"])
@pytest.mark.parametrize("type_", [named("int8"), named("uint8")], ids=str)
def test_all_pairs_of_bytes(name: str, type_: Type) -> None:
    every = np.arange(type_.low, type_.high + 1)
    divide, rest = np.floor_divide, np.remainder
    oracles: dict[str, Oracle] = {
        "floordiv": divide,
        "mod": rest,
        "quot": lambda a, b: np.sign(a) * np.sign(b) * divide(abs(a), abs(b)),
        "rem": lambda a, b: np.sign(a) * rest(abs(a), abs(b)),
        "shl": lambda a, b: np.where((b >= 0) & (b < 8), a << np.clip(b, 0, 7), 0),
        "shr": lambda a, b: np.where((b >= 0) & (b < 8), a >> np.clip(b, 0, 7), np.where(a < 0, -1, 0)),
    }
    a, b = (grid.ravel() for grid in np.meshgrid(every, every[every != 0]))
    expected = oracles[name](a, b).astype(type_.name).tolist()
    function = OPS[name].function
    assert [function(type_, x, y) for x, y in zip(a.tolist(), b.tolist(), strict=True)] == expected


# ---- float // and %: the rule's own examples


@pytest.mark.parametrize(
    ("a", "b", "quotient", "rest"),
    [
        (7.0, 2.0, 3.0, 1.0),
        (-7.0, 2.0, -4.0, 1.0),
        (7.0, -2.0, -4.0, -1.0),
        (-0.0, 3.0, -0.0, 0.0),
        (0.0, -3.0, -0.0, -0.0),
        (1.0, 0.1, 9.0, 1 - 9 * Fraction(0.1)),
        (5.0, math.inf, 0.0, 5.0),
        (-5.0, math.inf, -1.0, math.inf),
        (5.0, -math.inf, -1.0, -math.inf),
        (-5.0, -math.inf, 0.0, -5.0),
        (math.inf, 2.0, math.nan, math.nan),
        (-math.inf, math.inf, math.nan, math.nan),
        (math.nan, 2.0, math.nan, math.nan),
        (2.0, math.nan, math.nan, math.nan),
        (1.0, 0.0, math.inf, math.nan),
        (1.0, -0.0, -math.inf, math.nan),
        (0.0, 0.0, math.nan, math.nan),
    ],
)
def test_float_division_rounds_down(a: float, b: float, quotient: float, rest: Any) -> None:
    assert same(OPS["floordiv"].function(FLOAT64, a, b), quotient)
    assert same(OPS["mod"].function(FLOAT64, a, b), float(rest))


@given(values(FLOAT64), values(FLOAT64).filter(bool))
def test_float64_division_is_python_s(a: float, b: float) -> None:
    assert same(OPS["floordiv"].function(FLOAT64, a, b), a // b)
    assert same(OPS["mod"].function(FLOAT64, a, b), a % b)


# ---- conversions


def saturated(target: Type, value: float) -> int:
    if math.isnan(value):
        return 0
    limited = max(min(value, 1e30), -1e30)
    return max(min(math.trunc(Fraction(limited)), target.high), target.low)


def converted(source: Type, target: Type, value: float) -> Any:
    if source.is_float and target.is_integer:
        return saturated(target, value)
    if source.is_integer and target.is_integer:
        return (int(value) - target.low) % (1 << target.bits) + target.low
    with np.errstate(all="ignore"):
        return np.array([value], source.name).astype(target.name)[0].item()


@pytest.mark.parametrize("source", ALL, ids=str)
def test_casts_of_extreme_values(source: Type) -> None:
    near = [float(2**power_ + step) for power_ in (7, 8, 15, 16, 31, 32, 63, 64) for step in (-1, -0.5, 0, 1)]
    for target in ALL:
        cells = edges(source)
        if source is FLOAT64:
            cells = [*cells, *near, *[-value for value in near]]
        for value in cells:
            check_cast(source, target, value)


@given(st.data(), st.sampled_from(ALL), st.sampled_from(ALL))
@settings(max_examples=200)
def test_casts_of_drawn_values(data: st.DataObject, source: Type, target: Type) -> None:
    check_cast(source, target, data.draw(values(source)))


def check_cast(source: Type, target: Type, value: float) -> None:
    actual, expected = ops.convert(source, target, value), converted(source, target, value)
    assert same(actual, expected), f"{target}({source}({value!r})): {actual!r}, not {expected!r}"
    assert ops.held(target, actual)
    if not target.is_integer:
        return
    holds = math.isfinite(value) and target.low <= math.trunc(value) <= target.high
    try:
        checked: Any = ops.convert_checked(source, target, value)
    except OpFault:
        checked = FAULT
    assert checked == (math.trunc(value) if holds else FAULT)


def test_an_integer_is_rounded_to_float32_once() -> None:
    # Twice rounded, by way of float64, this would be 2.0 ** 60: it is just above the tie.
    value = 2**60 + 2**36 + 1
    assert ops.convert(named("int64"), FLOAT32, value) == 2.0**60 + 2.0**37


@given(st.sampled_from(ALL), st.sampled_from(ALL), st.data())
def test_a_type_fits_into_one_that_gives_its_values_back(source: Type, target: Type, data: st.DataObject) -> None:
    value = data.draw(values(source))
    if ops.fits(source, target) and not math.isnan(value):
        there = ops.convert(source, target, value)
        assert there == value
        assert same(ops.convert(target, source, there), value)


def test_fits_is_numpy_s_safe_cast_and_exact() -> None:
    for source, target in itertools.product(ALL, ALL):
        safe = np.can_cast(source.name, target.name, "safe")
        # NumPy takes 64-bit integers to float64 as safe although it holds 53 bits only.
        exact = not (source.is_integer and source.bits == 64 and target.is_float)
        assert ops.fits(source, target) == (safe and exact), (source, target)
