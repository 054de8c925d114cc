"""Trigonometric functions of float64 and their inverses against mpmath, C99's Annex F and the reference interpreter."""

import math
from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest

import hybrid_rs as hr
from hybrid_rs.mathlib import f64_inverse, f64_reduce, f64_trig
from mathlib.cases import wrong
from mathlib.coefficients_special import POLYNOMIALS, two_over_pi
from mathlib.points import SPECIAL, exponents, near
from mathlib.rows_angles import HARDEST, ROWS
from mathlib.ulp import error, run

RANGES = [pytest.param(name, label, id=f"{name}-{label}") for name, row in ROWS.items() for label in row.ranges]

PI, PI2, PI4 = math.pi, math.pi / 2, math.pi / 4
# What C99 (F.9.1, F.9.4 of the draft N1256) says of each function.
SPECIAL_VALUES: dict[Callable[..., Any], str] = {
    f64_trig.sin: "0->0 -0->-0 inf->nan -inf->nan nan->nan 5e-324->5e-324 -5e-324->-5e-324",
    f64_trig.cos: "0->1 -0->1 inf->nan -inf->nan nan->nan 5e-324->1",
    f64_trig.tan: "0->0 -0->-0 inf->nan -inf->nan nan->nan 5e-324->5e-324 -5e-324->-5e-324",
    f64_inverse.asin: f"0->0 -0->-0 1->{PI2} -1->{-PI2} 1.5->nan -inf->nan nan->nan -5e-324->-5e-324",
    f64_inverse.acos: f"1->0 0->{PI2} -0->{PI2} -1->{PI} -1.5->nan inf->nan nan->nan",
    f64_inverse.atan: f"0->0 -0->-0 inf->{PI2} -inf->{-PI2} 1->{PI4} -1->{-PI4} nan->nan -5e-324->-5e-324",
    f64_inverse.atan2: f"0,-0->{PI} -0,-0->{-PI} 0,0->0 -0,0->-0 0,-1->{PI} -0,-1->{-PI} 0,-inf->{PI} 0,1->0 -0,1->-0"
    f" -0,inf->-0 -1,0->{-PI2} -1,-0->{-PI2} 1,0->{PI2} 5e-324,-0->{PI2} 1,-inf->{PI} -1,-inf->{-PI} 1,inf->0"
    f" -1,inf->-0 inf,1->{PI2} -inf,-1e308->{-PI2} inf,-inf->{3 * PI4} -inf,-inf->{-3 * PI4} inf,inf->{PI4}"
    f" -inf,inf->{-PI4} nan,inf->nan nan,0->nan 0,nan->nan inf,nan->nan -5e-324,nan->nan nan,nan->nan"
    f" 1e308,1e308->{PI4} 5e-324,-5e-324->{3 * PI4} 5e-324,1e308->0 -1e308,5e-324->{-PI2} 5e-324,1->5e-324",
}


@pytest.mark.parametrize(("name", "label"), RANGES)
def test_errors_stay_below_their_bounds(name: str, label: str) -> None:
    found = ROWS[name].measure(label, 10_000)
    assert found.worst <= ROWS[name].bound, found
    assert found.count > 5_000


@pytest.mark.parametrize("function", SPECIAL_VALUES, ids=lambda function: function.__name__)
def test_special_values(function: Callable[..., Any]) -> None:
    assert not wrong(function, SPECIAL_VALUES[function])


def test_arguments_that_are_hardest_to_reduce() -> None:
    angles = np.concatenate([HARDEST, -HARDEST])
    for function, exact in ((f64_trig.sin, mpmath.sin), (f64_trig.cos, mpmath.cos), (f64_trig.tan, mpmath.tan)):
        found = run(function, angles)
        with mpmath.workprec(1300):
            # The precision that mpmath needs itself: it reduces by a pi of more than a thousand bits.
            assert max(error(y, exact, [x]) for x, y in zip(angles, found, strict=True)) < 0.75
    # 6381956970095103 * 2**797 is 2**-61 quarter turns from an odd number of them.
    assert 4e-19 < abs(run(f64_trig.cos, HARDEST[:1])[0]) < 5e-19


def test_words_of_two_over_pi() -> None:
    words = {value for value in f64_reduce._window.__code__.co_consts if isinstance(value, int) and value > 1 << 31}
    assert words == set(two_over_pi())


def test_sincos_is_sine_and_cosine() -> None:
    angles = np.concatenate([exponents(3000), SPECIAL])
    sine, cosine = hr.kernel(f64_trig.sincos)(angles)
    assert np.array_equal(sine, run(f64_trig.sin, angles), equal_nan=True)
    assert np.array_equal(cosine, run(f64_trig.cos, angles), equal_nan=True)


@pytest.mark.parametrize("name", ROWS)
def test_the_reference_gives_the_same_bits(name: str) -> None:
    row = ROWS[name]
    samples = [
        sample if isinstance(sample, tuple) else (sample,) for sample in (row.ranges[label](40) for label in row.ranges)
    ]
    # Some samplers give a few numbers around each of many points.
    parts = [np.concatenate([one[:: one.size // 40 or 1] for one in column]) for column in zip(*samples, strict=True)]
    special = np.concatenate([SPECIAL, near([0.5, 1.0, 2.0**23, 2.0**1000], 20)])
    ends = list(map(np.ravel, np.meshgrid(special[::4], special[::5]))) if len(parts) == 2 else [special]
    args = [np.concatenate([part, end]) for part, end in zip(parts, ends, strict=True)]
    kernel = hr.kernel(row.function)
    found, wanted = kernel(*args, engine="vm"), kernel(*args, engine="reference")
    assert (found.view(np.uint64) == wanted.view(np.uint64)).all()


@pytest.mark.parametrize(("name", "function"), [("sine", f64_trig.below_sine), ("cosine", f64_trig.above_cosine)])
def test_coefficients_are_those_of_their_generator(name: str, function: Callable[..., Any]) -> None:
    found = POLYNOMIALS[name].rounded()
    assert found.rounded_error < 2.0**-57
    # A negative literal is a positive constant with a sign before it, or a negative one.
    assert {abs(value) for value in found.coefficients} <= {
        abs(value) for value in function.__code__.co_consts if isinstance(value, float)
    }
