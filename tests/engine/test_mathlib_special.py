"""Error and gamma functions of float64 against mpmath, C99's Annex F and the reference interpreter."""

import math
from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest

import hybrid_rs as hr
from hybrid_rs.mathlib import f64_erf, f64_gamma
from mathlib.cases import wrong
from mathlib.coefficients_special import POLYNOMIALS
from mathlib.points import SPECIAL, near
from mathlib.rows_special import ROWS, ZEROS, log_gamma
from mathlib.ulp import run

RANGES = [pytest.param(name, label, id=f"{name}-{label}") for name, row in ROWS.items() for label in row.ranges]

# What C99 (F.9.5) says of each function.
SPECIAL_VALUES: dict[Callable[..., Any], str] = {
    f64_erf.erf: "0->0 -0->-0 inf->1 -inf->-1 nan->nan 5e-324->5e-324 -5e-324->-5e-324 6->1 -6->-1",
    f64_erf.erfc: "0->1 -0->1 inf->0 -inf->2 nan->nan 5e-324->1 28->0 -6->2 1e300->0",
    f64_gamma.tgamma: "0->inf -0->-inf -1->nan -2->nan -171->nan -1e300->nan -inf->nan inf->inf nan->nan 172->inf"
    " 1e300->inf 5e-324->inf -5e-324->-inf -190.5->-0 -191.5->0 1.1754943508222875e-38->8.507059173023462e+37",
    f64_gamma.lgamma: "1->0 2->0 0->inf -0->inf -1->inf -2->inf -1e300->inf -inf->inf inf->inf nan->nan 1e308->inf",
}


@pytest.mark.parametrize(("name", "label"), RANGES)
def test_errors_stay_below_their_bounds(name: str, label: str) -> None:
    found = ROWS[name].measure(label, 10_000)
    assert found.worst <= ROWS[name].bound, found
    assert found.count > 300


@pytest.mark.parametrize("function", SPECIAL_VALUES, ids=lambda function: function.__name__)
def test_special_values(function: Callable[..., Any]) -> None:
    assert not wrong(function, SPECIAL_VALUES[function])


def test_factorials_are_exact() -> None:
    whole = np.arange(1.0, 24.0)
    assert (run(f64_gamma.tgamma, whole) == [float(math.factorial(n)) for n in range(23)]).all()


def test_the_logarithm_of_gamma_near_its_zeros() -> None:
    # Where terms cancel an absolute error remains.
    x = near(ZEROS, 600, reach=51)
    x = x[(x < -2) & (x > -7)]
    found = run(f64_gamma.lgamma, x)
    with mpmath.workprec(200):
        exact = [log_gamma(mpmath.mpf(value)) for value in x.tolist()]
        off = [float(abs(value - wanted)) for value, wanted in zip(found.tolist(), exact, strict=True)]
    assert max(off) > 0
    assert all(d <= 2.0**-56 + 0.75 * np.spacing(abs(y)) for d, y in zip(off, found, strict=True))


@pytest.mark.parametrize("name", ROWS)
def test_the_reference_gives_the_same_bits(name: str) -> None:
    row = ROWS[name]
    parts = [np.asarray(row.ranges[label](40)) for label in row.ranges]
    x = np.concatenate(
        [SPECIAL, near([-3.0, -0.5, 27.0, 171.6], 20), *[part[:: part.size // 40 or 1] for part in parts]]
    )
    kernel = hr.kernel(row.function)
    found, wanted = kernel(x, engine="vm"), kernel(x, engine="reference")
    assert (found.view(np.uint64) == wanted.view(np.uint64)).all()


def test_coefficients_are_those_of_their_generator() -> None:
    found = POLYNOMIALS["stirling"].rounded()
    assert found.rounded_error < 2.0**-58
    assert {abs(value) for value in found.coefficients} <= {
        abs(value) for value in f64_gamma._stirling.__code__.co_consts if isinstance(value, float)
    }
