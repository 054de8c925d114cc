"""What is measured of a function: the rows of `run.py`, which come from the modules ``rows_*`` beside this one."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from .ulp import Accuracy, Array, Estimate, Exact, measure

__all__ = ["Row", "Sampler", "rows"]

Sampler: TypeAlias = Callable[[int], Array | tuple[Array, ...]]
"""From a number of samples to about that many, one array for each argument."""


@dataclass(frozen=True, slots=True)
class Row:
    """A function of mathlib, what it is measured with, and where."""

    function: Callable[..., Any]
    exact: Exact
    ranges: Mapping[str, Sampler]
    """Samplers by the name of their range."""
    bound: float
    """The greatest error that the tests allow, in ulp."""
    dtype: Any = np.float64
    estimate: Estimate | None = None

    def measure(self, label: str, count: int) -> Accuracy:
        """Measure the error over one of the ranges."""
        return measure(self.function, self.exact, self.ranges[label](count), self.dtype, estimate=self.estimate)


def rows() -> dict[str, Row]:
    """Collect the rows of all modules, by the function's name and its type: ``exp.f64``."""
    found: dict[str, Row] = {}
    for file in sorted(Path(__file__).parent.glob("rows_*.py")):
        found |= importlib.import_module(f".{file.stem}", __package__).ROWS
    return found
