"""Where the constants of mathlib's trigonometric, inverse, error and gamma functions of float64 come from.

    python -m tests.mathlib.coefficients_special sine erfc

prints the polynomials that are named, or all, and the other constants.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Sequence
from typing import Any, Final

import mpmath
import numpy as np
from mpmath import mpf

from .coefficients import split
from .rounded import DIGITS, Wanted

__all__ = ["CONSTANTS", "POLYNOMIALS", "main", "reciprocal", "two_over_pi"]

Function = Callable[[Any], Any]

# ---- in z = r**2, of functions that are r and an odd series


def _odd(function: Function, first: Any) -> Function:
    """Give (function(r) / r - 1) / z, which is `first` at 0."""

    def rest(z: Any) -> Any:
        r = mpmath.sqrt(z)
        return (function(r) / r - 1) / z if z else first

    return rest


def _odd_weight(function: Function) -> Function:
    """Make the relative error of the function count."""

    def weight(z: Any) -> Any:
        r = mpmath.sqrt(z)
        return z * r / function(r) if z else mpf(0)

    return weight


def _eighth_turn() -> tuple[Any, Any]:
    """Give the squares of angles up to pi/4, and a little more."""
    return mpf(0), (mpmath.pi / 4 * (1 + mpf(2) ** -20)) ** 2


# ---- the error function


def _erf_over_x(w: Any) -> Any:
    """Give erf(x) / x - 1 for w = x**2 - 1/2."""
    x = mpmath.sqrt(max(w + mpf("0.5"), 0))
    return mpmath.erf(x) / x - 1 if x else 2 / mpmath.sqrt(mpmath.pi) - 1


_BREAK: Final = mpf("0.9375")
_LINEAR, _SHIFT, _MIDDLE, _VALUE = mpf("1.25"), mpf("3.5"), mpf("0.40625"), mpf(0.8742332162369683)
_FARTHEST: Final = mpf("27.3")


@functools.cache
def _scaled_erfc(w: Any) -> Any:
    """Give erfc(a) exp(a**2) (1 + 5/4 a) for w = 13/32 - a / (a + 7/2)."""
    v = _MIDDLE - w
    a = _SHIFT * v / (1 - v)
    return (1 + _LINEAR * a) * mpmath.exp(a * a) * mpmath.erfc(a)


# ---- the gamma function


def _stirling(z: Any) -> Any:
    """Give S(z) of Stirling's formula, z = 1 / y**2; from its asymptotic series where y is large."""
    if z < mpf("2e-5"):
        series = ("1/12", "-1/360", "1/1260", "-1/1680", "1/1188", "-691/360360", "1/156")
        return sum(mpf(int(n)) / int(d) * z**i for i, (n, d) in enumerate(text.split("/") for text in series))
    y = 1 / mpmath.sqrt(z)
    return (mpmath.loggamma(y) - ((y - mpf("0.5")) * mpmath.log(y) - y + mpmath.log(2 * mpmath.pi) / 2)) * y


def _first() -> tuple[Any, Any]:
    """Give the first two coefficients of log(gamma(2 + w)) / w."""
    return 1 - mpmath.euler, (mpmath.pi**2 / 6 - 1) / 2


def _near_two(w: Any) -> Any:
    """Give log(gamma(2 + w)) / w less its first two terms, over w**2."""
    if abs(w) < mpf("1e-15"):
        return (1 - mpmath.zeta(3)) / 3
    first, second = _first()
    return (mpmath.loggamma(2 + w) / w - first - second * w) / w**2


POLYNOMIALS: Final[dict[str, Wanted]] = {
    # sin(r) = r - r * z * p(z) up to pi/4
    "sine": Wanted(lambda z: -_odd(mpmath.sin, -mpf(1) / 6)(z), _eighth_turn, 6, _odd_weight(mpmath.sin)),
    # cos(r) = 1 - z / 2 + z**2 * p(z)
    "cosine": Wanted(
        lambda z: (mpmath.cos(mpmath.sqrt(z)) - 1 + z / 2) / z**2 if z else mpf(1) / 24,
        _eighth_turn,
        6,
        lambda z: z**2 / mpmath.cos(mpmath.sqrt(z)),
    ),
    # asin(s) = s + s * z * p(z) up to 1/2
    "asin": Wanted(_odd(mpmath.asin, mpf(1) / 6), lambda: (mpf(0), mpf("0.25")), 13, _odd_weight(mpmath.asin)),
    # atan(t) = t + t * z * p(z) up to 1/2
    "atan": Wanted(_odd(mpmath.atan, -mpf(1) / 3), lambda: (mpf(0), mpf("0.25")), 12, _odd_weight(mpmath.atan)),
    # erf(x) = x + x * p(x**2 - 1/2) up to 15/16
    "erf": Wanted(_erf_over_x, lambda: (-mpf("0.5"), _BREAK**2 - mpf("0.5")), 12, lambda w: 1 / (1 + _erf_over_x(w))),
    # erf(x) = 1 - exp(-p(x - 1)) from there on
    "erf, far": Wanted(
        lambda w: -mpmath.log(mpmath.erfc(w + 1)),
        lambda: (_BREAK - 1, mpf("4.95")),
        18,
        lambda w: mpmath.erfc(w + 1) / mpmath.erf(w + 1),
    ),
    # erfc(a) exp(a**2) (1 + 5/4 a) = value + p(13/32 - a / (a + 7/2)), the value being that for 13/32, rounded
    "erfc": Wanted(
        lambda w: _scaled_erfc(w) - _VALUE,
        lambda: (_MIDDLE - _FARTHEST / (_FARTHEST + _SHIFT), _MIDDLE),
        23,
        lambda w: 1 / _scaled_erfc(w),
    ),
    # log(gamma(y)) = (y - 1/2) log(y) - y + log(2 pi) / 2 + p(1 / y**2) / y from 5/2 on; the absolute error counts
    "stirling": Wanted(_stirling, lambda: (mpf(0), 1 / mpf("2.5") ** 2), 13, mpmath.sqrt),
    # log(gamma(2 + w)) = w * (first + w * (second + w * p(w))) up to 1/2
    "gamma near 2": Wanted(
        _near_two, lambda: (-mpf("0.5"), mpf("0.5")), 17, lambda w: mpf("0.25") * w / mpmath.loggamma(2 + w) if w else 1
    ),
}


def two_over_pi() -> list[int]:
    """Give 19 words of 64 bits: 31 zeros, then the first bits of 2/pi."""
    with mpmath.workprec(64 * 20):
        bits = int(mpmath.floor(mpmath.ldexp(2 / mpmath.pi, 64 * 19 - 31)))
    return [bits >> 64 * (18 - i) & 0xFFFFFFFFFFFFFFFF for i in range(19)]


def reciprocal() -> tuple[int, float]:
    """Find the integer that, less the bits of x, is the bits of about 1 / x, and the greatest relative error."""
    x = np.linspace(1.0, 4.0, 60_000, endpoint=False)

    def worst(part: int) -> float:
        made = np.uint64((2046 << 52) - part * (1 << 52) // 1000) - x.view(np.uint64)
        return float(np.abs(made.view(np.float64) * x - 1).max())

    best = min(range(60, 130), key=worst)
    return (2046 << 52) - best * (1 << 52) // 1000, worst(best)


def _thirds(value: Any) -> list[float]:
    """Split pi/2 into 53 bits, the next 30, and the next 53."""
    first, _ = split(value)
    second, _ = split(value - first, 30)
    return [first, second, float(value - first - second)]


CONSTANTS: Final[dict[str, Callable[[], Sequence[Any]]]] = {
    "pi / 2, in three": lambda: _thirds(mpmath.pi / 2),
    "pi / 2": lambda: split(mpmath.pi / 2),
    "2 / pi": lambda: split(2 / mpmath.pi),
    "pi": lambda: split(mpmath.pi),
    "what pi is too small by, of itself": lambda: [float((mpmath.pi - float(mpmath.pi)) / mpmath.pi)],
    "log(pi)": lambda: split(mpmath.log(mpmath.pi)),
    "(log(2 pi) - 1) / 2": lambda: split((mpmath.log(2 * mpmath.pi) - 1) / 2),
    "first of gamma near 2": lambda: split(_first()[0]),
    "second of gamma near 2": lambda: split(_first()[1]),
    "words of 2 / pi": lambda: [f"0x{word:016X}" for word in two_over_pi()],
    "reciprocal": lambda: [hex(reciprocal()[0]), reciprocal()[1]],
}


def main(argv: Sequence[str] | None = None) -> int:
    """Print polynomials, all or those named, and the other constants."""
    names = sys.argv[1:] if argv is None else argv
    for name, wanted in POLYNOMIALS.items():
        if not names or name in names:
            found = wanted.rounded()
            print(f"{name}: error 2**{np.log2(found.error):.2f}, rounded 2**{np.log2(found.rounded_error):.2f}")
            print(*[f"    {coefficient!r}" for coefficient in found.coefficients], sep="\n", flush=True)
    with mpmath.workdps(DIGITS):
        for name, values in CONSTANTS.items():
            print(f"{name}: {', '.join(map(str, values()))}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
