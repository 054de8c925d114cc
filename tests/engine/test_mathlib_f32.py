"""Elementary functions of float32 against float64 ones, C99's Annex F and the reference interpreter."""

import math
import re
from functools import cache
from typing import Any

import numpy as np
import pytest

import hybrid_rs as hr
from mathlib.exhaustive import compare, merged
from mathlib.f32_functions import FUNCTIONS, Array
from mathlib.fit import solve
from mathlib.fits import FITS
from mathlib.pairs import pairs

# Odd, so that every low bit occurs.
STRIDE = 65_521

# What C99 (F.9) says of each function: arguments -> result.
SPECIAL_VALUES = {
    "exp": "0->1 -0->1 inf->inf -inf->0 nan->nan 89->inf -104->0 1e-45->1",
    "exp2": "0->1 -0->1 inf->inf -inf->0 nan->nan 128->inf -149->1.4e-45 -150->0 -126->1.17549435e-38",
    "expm1": "0->0 -0->-0 inf->inf -inf->-1 nan->nan 1e-45->1e-45 -1e-40->-1e-40 89->inf -1e30->-1",
    "log": "1->0 0->-inf -0->-inf -1e-45->nan -inf->nan inf->inf nan->nan",
    "log2": "1->0 0->-inf -0->-inf -1->nan -inf->nan inf->inf nan->nan 1.4e-45->-149 1.17549435e-38->-126",
    "log10": "1->0 0->-inf -0->-inf -1->nan -inf->nan inf->inf nan->nan",
    "log1p": "0->0 -0->-0 -1->-inf -1.5->nan -inf->nan inf->inf nan->nan -1e-45->-1e-45",
    "sin": "0->0 -0->-0 inf->nan -inf->nan nan->nan -1e-45->-1e-45",
    "cos": "0->1 -0->1 inf->nan -inf->nan nan->nan",
    "tan": "0->0 -0->-0 inf->nan -inf->nan nan->nan -1e-45->-1e-45",
    "asin": "0->0 -0->-0 1.0000001->nan -inf->nan inf->nan nan->nan 1e-45->1e-45 1->1.57079633 -1->-1.57079633",
    "acos": "1->0 0->1.57079633 -1->3.14159265 1.0000001->nan -2->nan inf->nan nan->nan",
    "atan": "0->0 -0->-0 inf->1.57079633 -inf->-1.57079633 nan->nan -1e-45->-1e-45 1->0.785398163",
    "atan2": "0,-0->3.14159265 -0,-0->-3.14159265 0,0->0 -0,0->-0 0,-2->3.14159265 -0,-2->-3.14159265 0,2->0 -0,2->-0"
    " -1,0->-1.57079633 -1,-0->-1.57079633 1,-0->1.57079633 3,-inf->3.14159265 -3,-inf->-3.14159265 3,inf->0 -3,inf->-0"
    " inf,3->1.57079633 -inf,3->-1.57079633 inf,-inf->2.35619449 -inf,-inf->-2.35619449 inf,inf->0.785398163"
    " -inf,inf->-0.785398163 nan,1->nan 1,nan->nan nan,inf->nan inf,nan->nan 1e-45,3e38->0 1e-45,-3e38->3.14159265"
    " 3e38,3e38->0.785398163 1e-45,1e-45->0.785398163 1e-45,1->1e-45",
    "sinh": "0->0 -0->-0 inf->inf -inf->-inf nan->nan -1e-45->-1e-45 90->inf -90->-inf",
    "cosh": "0->1 -0->1 inf->inf -inf->inf nan->nan -90->inf",
    "tanh": "0->0 -0->-0 inf->1 -inf->-1 nan->nan -1e-45->-1e-45 10->1",
    "asinh": "0->0 -0->-0 inf->inf -inf->-inf nan->nan -1e-45->-1e-45",
    "acosh": "1->0 0.99999994->nan -1->nan -inf->nan inf->inf nan->nan -1e30->nan",
    "atanh": "0->0 -0->-0 1->inf -1->-inf 1.0000001->nan -inf->nan inf->nan nan->nan -1e-45->-1e-45",
    "cbrt": "0->0 -0->-0 inf->inf -inf->-inf nan->nan -27->-3",
    "hypot": "0,-0->0 -0,-3->3 inf,nan->inf nan,-inf->inf -inf,1->inf nan,0->nan 1,nan->nan 1e-45,0->1e-45 3,-4->5"
    " 3e38,3e38->inf",
    "erf": "0->0 -0->-0 inf->1 -inf->-1 nan->nan -1e-45->-1e-45",
    "erfc": "0->1 -0->1 inf->0 -inf->2 nan->nan 10.1->0 -5->2",
    "tgamma": "0->inf -0->-inf -1->nan -3->nan -1e30->nan -inf->nan inf->inf nan->nan 1->1 5->24 36->inf -50.5->-0"
    " -49.5->0 1e-45->inf -1e-45->-inf",
    "lgamma": "1->0 2->0 0->inf -0->inf -1->inf -3->inf -1e30->inf -inf->inf inf->inf nan->nan 5e36->inf",
    # All of F.9.4.4, some of them beyond what they say for odd, even and broken exponents.
    "pow": "0,-3->inf -0,-3->-inf 0,-2->inf -0,-2->inf -0,-2.5->inf 0,-inf->inf -0,-inf->inf 0,3->0 -0,3->-0 -0,2->0"
    " -0,2.5->0 -0,inf->0 -1,inf->1 -1,-inf->1 1,nan->1 1,inf->1 1,-2.5->1 nan,0->1 nan,-0->1 inf,0->1 -3,-0->1"
    " 0,0->1 -3,2.5->nan -1,0.5->nan -1e-45,1e-45->nan 0.5,-inf->inf -0.5,-inf->inf 2,-inf->0 -2,-inf->0 0.5,inf->0"
    " -0.5,inf->0 2,inf->inf -2,inf->inf 0.99999994,inf->0 1.0000001,inf->inf -inf,-3->-0 -inf,-2->0 -inf,-2.5->0"
    " -inf,3->-inf -inf,2->inf -inf,2.5->inf inf,-1e-45->0 inf,1e-45->inf nan,1->nan 2,nan->nan nan,nan->nan"
    " -1,nan->nan 0,nan->nan -10,16777215->-inf -10,39->-inf -10,40->inf -10,-47->-0 -0.1,16777215->-0"
    " -0.1,16777216->0 -2,-149->-1.4e-45 -2,-148->2.8e-45 2,127->1.70141183e38 -3,3->-27 1e-45,-0.5->2.67137384e22",
}


@cache
def kernel(name: str) -> Any:
    return hr.kernel(FUNCTIONS[name].narrow)


def wrong(name: str, text: str) -> list[str]:
    """Give those cases whose result isn't as written, the signs of zeros included."""
    cases = text.split()
    numbers = [[float(number) for number in case.replace("->", ",").split(",")] for case in cases]
    *args, wanted = np.array(numbers).astype(np.float32).T.copy()
    found = kernel(name)(*args)
    alike = (found == wanted) & (np.signbit(found) == np.signbit(wanted)) | (np.isnan(found) & np.isnan(wanted))
    return [f"{case}, not {value}" for case, value, fine in zip(cases, found, alike, strict=True) if not fine]


def samples(name: str, stride: int) -> tuple[Array, ...]:
    """Give every so many-th float32 number, or as many pairs of each kind."""
    if FUNCTIONS[name].arguments == 1:
        return (np.arange(0, 1 << 32, stride, dtype=np.uint64).astype(np.uint32).view(np.float32),)
    given = list(pairs(name, (1 << 32) // stride, seed=1))
    return tuple(np.concatenate(each) for each in zip(*given, strict=True))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_errors_stay_below_their_bounds(name: str) -> None:
    function, given = FUNCTIONS[name], samples(name, STRIDE)
    errors = function.error(kernel(name)(*given), function.wanted(*given), *given)
    assert errors.size > 60_000
    assert errors.max() <= function.bound, [array[errors.argmax()] for array in given]


def test_blocks_are_compared() -> None:
    found = merged([compare("exp", number, 1025) for number in (0, 127, 191)])
    assert found.count > 45_000
    assert 0.5 < found.worst <= 1.0
    assert 0 < found.rounded < found.count / 2


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        ("exp", 0.3, 0.4),
        ("expm1", 0.3, 0.45),
        ("log", 0.7, 0.76),
        ("log2", 1.3, 1.42),
        ("log10", 1.3, 1.4),
        ("log1p", -0.28, -0.24),
        ("sin", 0.7, 2.4),
        ("cos", 0.7, 2.4),
        ("tan", 0.7, 2.4),
        ("asin", 0.49, 0.6),
        ("acos", 0.49, 0.6),
        ("atan", 0.65, 1.6),
        ("sinh", 7.9, 8.0),
        ("tanh", 0.98, 1.05),
        ("asinh", 0.48, 0.52),
        ("acosh", 1.48, 1.55),
        ("atanh", 0.48, 0.52),
        ("erf", 0.78, 0.83),
        ("erfc", 0.65, 1.6),
        ("tgamma", 0.03, 0.6),
        ("lgamma", 1.2, 1.3),
        ("lgamma", 2.4, 2.6),
    ],
)
def test_errors_stay_below_their_bounds_where_they_are_greatest(name: str, low: float, high: float) -> None:
    function = FUNCTIONS[name]
    numbers = np.linspace(low, high, 50_001).astype(np.float32)
    errors = function.error(kernel(name)(numbers), function.wanted(numbers), numbers)
    assert errors.max() <= function.bound, numbers[errors.argmax()]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_special_values(name: str) -> None:
    assert not wrong(name, SPECIAL_VALUES[name])


def test_exact_results() -> None:
    whole = np.arange(-149, 128)
    powers = np.ldexp(np.float32(1.0), whole)
    assert (kernel("exp2")(whole.astype(np.float32)) == powers).all()
    assert (kernel("log2")(powers) == whole).all()
    tens = np.array([float(10**k) for k in range(11)], dtype=np.float32)
    assert (kernel("log10")(tens) == np.arange(11)).all()
    roots = np.arange(-255.0, 256.0, dtype=np.float32)
    assert (kernel("cbrt")(roots**3) == roots).all()
    sides = np.arange(1.0, 10_001.0, dtype=np.float32)
    assert (kernel("hypot")(-5 * sides, 12 * sides) == 13 * sides).all()
    bases = [(base, power) for base in range(2, 100) for power in range(1, 25) if base**power < 2**24]
    x, y = np.array(bases, dtype=np.float32).T.copy()
    assert (kernel("pow")(x, y) == [float(base**power) for base, power in bases]).all()
    assert (kernel("pow")(-x, y) == [float((-base) ** power) for base, power in bases]).all()
    assert (kernel("tgamma")(np.arange(1, 12, dtype=np.float32)) == [math.factorial(k) for k in range(11)]).all()


def test_large_angles_are_reduced_exactly() -> None:
    # The float32 number closest to a multiple of pi / 2, and others that are close to one or very large.
    hard = np.array([16367173.0 * 2.0**72, 8079.0 * 2.0**-8, 1e22, 3.4028234663852886e38, 2.0**120], dtype=np.float32)
    for name in ("sin", "cos", "tan"):
        function = FUNCTIONS[name]
        for numbers in (hard, -hard):
            assert function.error(kernel(name)(numbers), function.wanted(numbers), numbers).max() <= 1.0


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_reference_gives_the_same_bits(name: str) -> None:
    given = tuple(array[::193] for array in samples(name, STRIDE))
    assert 250 < given[0].size < 500
    on_vm = hr.map(kernel(name), *given, engine="vm")
    on_reference = hr.map(kernel(name), *given, engine="reference")
    assert on_vm.tobytes() == on_reference.tobytes()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_keep_to_types_of_32_bits(name: str) -> None:
    arguments_ = [np.ones(1, dtype=np.float32)] * FUNCTIONS[name].arguments
    kernel(name)(*arguments_)
    text = kernel(name).inspect_ir(", ".join(["float32"] * len(arguments_)))
    assert set(re.findall(r"\b(?:u?int|float)\d+\b", text)) <= {"float32", "int32", "uint32"}


# The others take longer: `python -m tests.mathlib.fits` prints all, and tells where they are others.
@pytest.mark.parametrize("label", ["sine", "cosine", "sinh", "cosh", "pow log2"])
def test_coefficients_are_those_of_the_generator(label: str) -> None:
    found = solve(FITS[label].fit)
    assert not FITS[label].missing(found.coefficients)
    assert found.error < 2.0**-27
