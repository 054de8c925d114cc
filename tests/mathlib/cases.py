"""Special values of functions, written as ``"0->1 -inf->0 1,2->3"``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .ulp import run

__all__ = ["wrong"]


def wrong(function: Callable[..., Any], text: str) -> list[str]:
    """Run a function of float64 for the arguments of all cases, and give those whose result isn't as written.

    The signs of zeros count.
    """
    cases = text.split()
    numbers = [[float(number) for number in case.replace("->", ",").split(",")] for case in cases]
    *args, wanted = np.array(numbers).T.copy()
    found = run(function, *args)
    alike = (found == wanted) & (np.signbit(found) == np.signbit(wanted)) | (np.isnan(found) & np.isnan(wanted))
    return [f"{case}, not {value}" for case, value, fine in zip(cases, found, alike, strict=True) if not fine]
