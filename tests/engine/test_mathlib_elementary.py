"""Elementary functions of float64 against mpmath, C99's Annex F and the reference interpreter."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import hybrid_rs as hr
from hybrid_rs.ir.ops import OPS
from hybrid_rs.mathlib import FILES, f64_exp, f64_hyperbolic, f64_log, f64_pow, f64_roots, function
from mathlib.coefficients import POLYNOMIALS
from mathlib.points import SPECIAL, exponents, linear, near
from mathlib.rows_f64 import ROWS
from mathlib.ulp import run

INF, NAN = math.inf, math.nan
RANGES = [pytest.param(name, label, id=f"{name}-{label}") for name, row in ROWS.items() for label in row.ranges]

# What C99 (F.9) says of each function, and results that are exact: arguments -> result.
SPECIAL_VALUES: dict[Callable[..., Any], str] = {
    f64_exp.exp: "0->1 -0->1 inf->inf -inf->0 nan->nan 1e300->inf -1e300->0 5e-324->1",
    f64_exp.exp2: "0->1 -0->1 inf->inf -inf->0 nan->nan 1024->inf -1074->5e-324 -1076->0",
    f64_exp.expm1: "0->0 -0->-0 inf->inf -inf->-1 nan->nan 5e-324->5e-324 -1e300->-1 710->inf",
    f64_log.log: "1->0 0->-inf -0->-inf -5e-324->nan -inf->nan inf->inf nan->nan",
    f64_log.log2: "1->0 0->-inf -0->-inf -1->nan -inf->nan inf->inf nan->nan 5e-324->-1074",
    f64_log.log10: "1->0 0->-inf -0->-inf -1->nan -inf->nan inf->inf nan->nan",
    f64_log.log1p: "0->0 -0->-0 -1->-inf -1.5->nan -inf->nan inf->inf nan->nan -5e-324->-5e-324",
    f64_roots.cbrt: "0->0 -0->-0 inf->inf -inf->-inf nan->nan -27->-3 1e-300->1e-100",
    f64_roots.hypot: "0,-0->0 -0,-3->3 inf,nan->inf nan,-inf->inf -inf,1->inf nan,0->nan 1,nan->nan 3e300,4e300->5e300"
    " 5e-324,0->5e-324 1.5e308,1.5e308->inf",
    f64_hyperbolic.sinh: "0->0 -0->-0 inf->inf -inf->-inf nan->nan -5e-324->-5e-324 711->inf",
    f64_hyperbolic.cosh: "0->1 -0->1 inf->inf -inf->inf nan->nan -711->inf",
    f64_hyperbolic.tanh: "0->0 -0->-0 inf->1 -inf->-1 nan->nan -5e-324->-5e-324 19.1->1",
    f64_hyperbolic.asinh: "0->0 -0->-0 inf->inf -inf->-inf nan->nan -5e-324->-5e-324",
    f64_hyperbolic.acosh: "1->0 0.5->nan -1->nan -inf->nan inf->inf nan->nan -1e200->nan",
    f64_hyperbolic.atanh: "0->0 -0->-0 1->inf -1->-inf 1.5->nan -inf->nan inf->nan nan->nan",
}

ODD, EVEN, BROKEN = [1.0, 3.0, 2.0**53 - 1], [2.0, 4.0, 2.0**53, 1e300], [0.5, 2.5, 1e-300]
# The cases of F.9.4.4 in its order; each is (x, y, pow(x, y)) for all of some xs and ys.
POW_CASES = [
    *[(zero, -y, math.copysign(INF, zero)) for zero in (0.0, -0.0) for y in ODD],
    *[(zero, -y, INF) for zero in (0.0, -0.0) for y in [*EVEN, *BROKEN, INF]],
    *[(zero, y, zero) for zero in (0.0, -0.0) for y in ODD],
    *[(zero, y, 0.0) for zero in (0.0, -0.0) for y in [*EVEN, *BROKEN, INF]],
    *[(-1.0, y, 1.0) for y in (INF, -INF)],
    *[(1.0, y, 1.0) for y in (*ODD, *BROKEN, 0.0, INF, -INF, NAN)],
    *[(x, y, 1.0) for x in (0.0, -0.0, 1.0, -3.0, 5e-324, INF, -INF, NAN) for y in (0.0, -0.0)],
    *[(-x, y, NAN) for x in (5e-324, 0.5, 1.0, 3.0, 1e308) for y in BROKEN],
    *[(x, -INF, INF) for x in (0.0, 5e-324, 0.5, -0.5, 1 - 2**-53, -(1 - 2**-53))],
    *[(x, -INF, 0.0) for x in (1 + 2**-52, -(1 + 2**-52), 2.0, -1e308, INF, -INF)],
    *[(x, INF, 0.0) for x in (0.0, 5e-324, 0.5, -0.5, 1 - 2**-53, -(1 - 2**-53))],
    *[(x, INF, INF) for x in (1 + 2**-52, -(1 + 2**-52), 2.0, -1e308, INF, -INF)],
    *[(-INF, -y, -0.0) for y in ODD],
    *[(-INF, -y, 0.0) for y in [*EVEN, *BROKEN]],
    *[(-INF, y, -INF) for y in ODD],
    *[(-INF, y, INF) for y in [*EVEN, *BROKEN]],
    *[(INF, -y, 0.0) for y in [*ODD, *EVEN, *BROKEN]],
    *[(INF, y, INF) for y in [*ODD, *EVEN, *BROKEN]],
    *[(NAN, y, NAN) for y in (1.0, -2.5, INF, NAN)],
    *[(x, NAN, NAN) for x in (0.0, -1.0, 2.0, INF)],
    # Too large and too small ones have the sign of an odd power.
    (-10.0, 2.0**53 - 1, -INF), (-10.0, 400.0, INF), (-10.0, -401.0, -0.0), (-0.1, 2.0**53 - 1, -0.0),
    # Exact ones, subnormal numbers among them.
    (-2.0, -1074.0, 5e-324), (-2.0, -1073.0, -1e-323), (2.0, 1023.0, 2.0**1023), (5e-324, -0.5, 2.0**537),
]  # fmt: skip


def same(found: Any, wanted: Any) -> bool:
    """Return whether two floats are the same, the sign of zeros included."""
    return bool(np.isnan(found) and np.isnan(wanted)) or bool(
        found == wanted and np.signbit(found) == np.signbit(wanted)
    )


@pytest.mark.parametrize(("name", "label"), RANGES)
def test_errors_stay_below_their_bounds(name: str, label: str) -> None:
    found = ROWS[name].measure(label, 20_000)
    assert found.worst <= ROWS[name].bound, found
    assert found.count > 10_000


@pytest.mark.parametrize("function", SPECIAL_VALUES, ids=lambda function: function.__name__)
def test_special_values(function: Callable[..., Any]) -> None:
    cases = [case.replace("->", ",").split(",") for case in SPECIAL_VALUES[function].split()]
    *args, wanted = np.array(cases).astype(np.float64).T.copy()
    found = run(function, *args)
    assert not [case for case, is_, should in zip(cases, found, wanted, strict=True) if not same(is_, should)]


def test_special_values_of_pow() -> None:
    x, y, wanted = np.array(POW_CASES).T.copy()
    found = run(f64_pow.pow, x, y)
    assert not [case for case, z in zip(POW_CASES, found, strict=True) if not same(z, case[2])]
    assert wanted.size > 100


def test_exact_results() -> None:
    whole = np.arange(-1074.0, 1024.0)
    assert (run(f64_exp.exp2, whole) == np.ldexp(1.0, whole.astype(np.int32))).all()
    assert (run(f64_log.log2, np.ldexp(1.0, whole.astype(np.int32))) == whole).all()
    tens = np.array([float(10**k) for k in range(23)])
    assert (run(f64_log.log10, tens) == np.arange(23.0)).all()
    assert (run(f64_pow.pow, np.full(23, 10.0), np.arange(23.0)) == tens).all()
    roots = np.arange(-200_000.0, 200_001.0, 7.0)
    assert (run(f64_roots.cbrt, roots**3) == roots).all()
    sides = np.arange(1.0, 100_001.0)
    assert (run(f64_roots.hypot, -5.0 * sides, 12.0 * sides) == 13.0 * sides).all()
    bases = [(base, power) for base in range(2, 100) for power in range(1, 54) if base**power < 2**53]
    x, y = np.array(bases, dtype=np.float64).T.copy()
    assert (run(f64_pow.pow, x, y) == [float(base**power) for base, power in bases]).all()
    assert (run(f64_pow.pow, -x, y) == [float((-base) ** power) for base, power in bases]).all()


@pytest.mark.parametrize(
    ("function", "low", "high"),
    [
        (f64_exp.exp, -745.2, 709.7),
        (f64_log.log, 0.0, 1e3),
        (f64_roots.cbrt, -9.0, 9.0),
        (f64_hyperbolic.tanh, -20, 20),
    ],
)
def test_greater_arguments_give_no_smaller_results_far_apart(
    function: Callable[..., Any], low: float, high: float
) -> None:
    found = run(function, np.linspace(low, high, 200_001))
    assert (np.diff(found) >= 0).all()


@pytest.mark.parametrize("name", ROWS)
def test_the_reference_gives_the_same_bits(name: str) -> None:
    row = ROWS[name]
    samples = [
        sample if isinstance(sample, tuple) else (sample,) for sample in (row.ranges[label](40) for label in row.ranges)
    ]
    two = len(samples[0]) == 2
    # Some samplers give a few numbers around each of many points.
    parts = [np.concatenate([one[:: one.size // 40 or 1] for one in column]) for column in zip(*samples, strict=True)]
    special = np.concatenate([SPECIAL, exponents(20, seed=3), near([1.0, 709.8, -745.2], 20)])
    ends = list(map(np.ravel, np.meshgrid(special[::4], special[::5]))) if two else [special]
    args = [np.concatenate([part, end]) for part, end in zip(parts, ends, strict=True)]
    kernel = hr.kernel(row.function)
    found, wanted = kernel(*args, engine="vm"), kernel(*args, engine="reference")
    assert (found.view(np.uint64) == wanted.view(np.uint64)).all()


def test_the_reference_agrees_on_a_grid_around_the_branches() -> None:
    x = np.concatenate([near([math.sqrt(0.5), math.sqrt(2), 2.0**-1022], 90), linear(-0.5, 0.5, 30)])
    for smooth in (f64_log.log, f64_log.log1p, f64_hyperbolic.asinh, f64_hyperbolic.atanh):
        kernel = hr.kernel(smooth)
        assert (kernel(x).view(np.uint64) == kernel(x, engine="reference").view(np.uint64)).all()


def test_coefficients_are_those_of_their_generator() -> None:
    found, error = POLYNOMIALS["sinh"].coefficients()
    assert error < 2.0**-61
    constants = {value for value in f64_hyperbolic.hyperbolic.__code__.co_consts if isinstance(value, float)}
    assert {float(coefficient) for coefficient in found} <= constants


@pytest.mark.parametrize(("op", "bits"), FILES)
def test_functions_are_those_of_the_ops(op: str, bits: int) -> None:
    found = function(op, bits)
    assert OPS[op].opaque
    assert found.__code__.co_argcount == OPS[op].arity
    assert f"f{bits}_" in found.__module__
