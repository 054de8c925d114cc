"""Error and gamma functions of float32, by way of those of float64: rounded twice, within 0.51 ulp."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import f64_erf, f64_gamma

__all__ = ["erf", "erfc", "lgamma", "tgamma"]


def erf(x: Any) -> Any:
    """Return the error function of x."""
    return np.float32(f64_erf.erf(np.float64(x)))


def erfc(x: Any) -> Any:
    """Return 1 less the error function of x."""
    return np.float32(f64_erf.erfc(np.float64(x)))


def lgamma(x: Any) -> Any:
    """Return the logarithm of the absolute value of the gamma function of x."""
    return np.float32(f64_gamma.lgamma(np.float64(x)))


def tgamma(x: Any) -> Any:
    """Return the gamma function of x."""
    return np.float32(f64_gamma.tgamma(np.float64(x)))
