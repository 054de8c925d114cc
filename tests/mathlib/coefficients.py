"""Where the constants of mathlib's float64 functions come from: run it to print them.

    python -m tests.mathlib.coefficients exp log

Each polynomial is the minimax one for its weight: with the weight `w` the greatest ``|w * (p - f)|`` is least. Where the
first coefficients must be plain numbers (1, 1, 1/2 of exp) they are taken out of `f`. Coefficients are rounded to
float64 one by one, which costs less than 2**-60 of the result in each of them, since the greatest is multiplied by the
least power.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import mpmath
from mpmath import mpf

from .minimax import DIGITS, minimax

__all__ = ["CONSTANTS", "POLYNOMIALS", "Polynomial", "main", "split"]


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
    """Give (2 atanh(s) / s - 2) / s**2 for z = s**2."""
    s = mpmath.sqrt(z)
    return (2 * mpmath.atanh(s) / s - 2) / z


def _half_ln2() -> Any:
    return mpmath.log(2) / 2


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
        _atanh_rest,
        lambda: (mpf(0), ((mpmath.sqrt(2) - 1) / (mpmath.sqrt(2) + 1)) ** 2 * mpf("1.0001")),
        6,
        lambda z: z,
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
    "log10 2": lambda: split(mpmath.log(2, 10), 42),
    "log10 e": lambda: split(1 / mpmath.log(10)),
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
