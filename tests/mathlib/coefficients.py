"""Where the constants of mathlib's float64 functions come from: run it to print them.

    python -m tests.mathlib.coefficients exp log

Each polynomial is the minimax one for its weight: with the weight `w` the greatest ``|w * (p - f)|`` is least. Where
the first coefficients must be plain numbers (1, 1, 1/2 of exp) they are taken out of `f`. The coefficients are then
rounded to float64.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import mpmath
import numpy as np
from mpmath import mpf

from .minimax import DIGITS, minimax

__all__ = ["CONSTANTS", "POLYNOMIALS", "Polynomial", "guess", "main", "split"]


@dataclass(frozen=True, slots=True)
class Polynomial:
    """What a polynomial approximates, where, and how its error counts."""

    function: Callable[[Any], Any]
    interval: Callable[[], tuple[Any, Any]]
    degree: int
    weight: Callable[[Any], Any]

    def coefficients(self) -> tuple[list[Any], Any]:
        """Find the coefficients, from that of the least power, and the greatest weighted error."""
        with mpmath.workdps(DIGITS):
            return minimax(self.function, *self.interval(), self.degree, self.weight)


def _around(half: Callable[[], Any]) -> Callable[[], tuple[Any, Any]]:
    """Give an interval around 0, a little wider than what the reduction leaves."""
    return lambda: (-half() * mpf("1.0001"), half() * mpf("1.0001"))


def _atanh_rest(z: Any) -> Any:
    """Give (atanh(s) / s - 1) / s**2 for z = s**2."""
    s = mpmath.sqrt(z)
    return (mpmath.atanh(s) / s - 1) / z


def _half_ln2() -> Any:
    return mpmath.log(2) / 2


def _greatest_of_log() -> Any:
    """Give the greatest z of m from sqrt(1/2) to sqrt(2), and a little more."""
    return ((mpmath.sqrt(2) - 1) / (mpmath.sqrt(2) + 1)) ** 2 * mpf("1.0001")


def guess() -> tuple[int, float]:
    """Find the constant of cbrt's first guess, and the greatest ``|x y**3 - 1|`` of the guesses y that it makes."""
    x = np.exp2(np.linspace(0.0, 3.0, 40001))
    upper = (x.view(np.uint64) >> np.uint64(32)).astype(np.int64)

    def worst(constant: int) -> float:
        bits = np.rint(constant - upper / 3).astype(np.uint64) << np.uint64(32)
        return float(np.abs(x * bits.view(np.float64) ** 3 - 1).max())

    # Without the correction it is right at the powers of two, and too large between them.
    right = 0x3FF00000 * 4 // 3
    best = min(range(right - 200_000, right, 500), key=worst)
    return best, worst(best)


POLYNOMIALS: Final[dict[str, Polynomial]] = {
    # exp(r) = 1 + r + r**2 * (1/2 + r * p(r)); the relative error of exp counts.
    "exp": Polynomial(
        lambda r: (mpmath.expm1(r) - r - r * r / 2) / r**3,
        _around(_half_ln2),
        8,
        lambda r: abs(r) ** 3 / mpmath.exp(r),
    ),
    # The same with a smaller error, for differences of exponentials.
    "expm1": Polynomial(
        lambda r: (mpmath.expm1(r) - r - r * r / 2) / r**3,
        _around(_half_ln2),
        9,
        lambda r: abs(r) ** 3 / mpmath.exp(r),
    ),
    # 2**f = 1 + f * ln 2 + f**2 * p(f)
    "exp2": Polynomial(
        lambda f: (mpmath.expm1(f * mpmath.log(2)) - f * mpmath.log(2)) / f**2,
        _around(lambda: mpf("0.5")),
        9,
        lambda f: f * f / 2**f,
    ),
    # log(m) = 2 s + s * z * p(z) with s = (m - 1) / (m + 1), z = s**2 and m from sqrt(1/2) to sqrt(2)
    "log": Polynomial(
        lambda z: 2 * _atanh_rest(z),
        lambda: (mpf(0), _greatest_of_log()),
        6,
        lambda z: z,
    ),
    # log(m) = s * (2 + z * (2/3 + z * p(z))) of pow; the relative error counts, of which s is half.
    "pow": Polynomial(
        lambda z: (2 * _atanh_rest(z) - mpf(2) / 3) / z,
        lambda: (mpf(0), _greatest_of_log()),
        7,
        lambda z: z * z / 2,
    ),
    # cosh(r) = 1 + z * (1/2 + z * p(z)) with z = r**2
    "cosh": Polynomial(
        lambda z: ((mpmath.cosh(mpmath.sqrt(z)) - 1) / z - mpf("0.5")) / z,
        lambda: (mpf(0), _half_ln2() ** 2 * mpf("1.0002")),
        4,
        lambda z: z * z,
    ),
    # sinh(r) = r + r * z * p(z)
    "sinh": Polynomial(
        lambda z: (mpmath.sinh(mpmath.sqrt(z)) / mpmath.sqrt(z) - 1) / z,
        lambda: (mpf(0), _half_ln2() ** 2 * mpf("1.0002")),
        4,
        lambda z: z,
    ),
    # atanh(s) = s + s * z * p(z) for m from 2/3 to 3/2, and what the choice of k by linear interpolation adds
    "atanh": Polynomial(_atanh_rest, lambda: (mpf(0), mpf("0.2005") ** 2), 7, lambda z: z),
    # (1 + e)**(-1/3) = 1 + e * p(e), the first step of cbrt
    "cbrt": Polynomial(
        lambda e: ((1 + e) ** (-mpf(1) / 3) - 1) / e,
        _around(lambda: mpf(guess()[1])),
        2,
        lambda e: abs(e) * (1 + e) ** (mpf(1) / 3),
    ),
}


def split(value: Any, bits: int = 53) -> tuple[float, float]:
    """Split a number into a float64 of so many bits and the float64 nearest to the rest."""
    with mpmath.workprec(bits):
        high = +value
    return float(high), float(value - high)


CONSTANTS: Final[dict[str, Callable[[], Sequence[float]]]] = {
    "1 / ln 2": lambda: split(1 / mpmath.log(2)),
    # 11 bits less: a product with an integer of 11 bits is exact.
    "ln 2": lambda: split(mpmath.log(2), 42),
    "ln 2, whole": lambda: split(mpmath.log(2)),
    "2 / 3": lambda: split(mpf(2) / 3),
    "log10 2": lambda: split(mpmath.log(2, 10), 42),
    "log10 e": lambda: split(1 / mpmath.log(10)),
    "guess of cbrt": lambda: guess()[:1],
}


def main(argv: Sequence[str] | None = None) -> int:
    """Print polynomials, all or those named, and the other constants."""
    names = sys.argv[1:] if argv is None else argv
    for name, polynomial in POLYNOMIALS.items():
        if not names or name in names:
            coefficients, error = polynomial.coefficients()
            print(f"{name}: error 2**{float(mpmath.log(error, 2)):.2f}")
            print(*[f"    {float(coefficient)!r}" for coefficient in coefficients], sep="\n")
    with mpmath.workdps(DIGITS):
        for name, values in CONSTANTS.items():
            print(f"{name}: {', '.join(map(repr, values()))}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
