"""Plain Python's answer: the undecorated function on NumPy scalars, element by element."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .generate import Program

# The exceptions that stand for a fault of the language.
FAULTS = (
    ArithmeticError, AssertionError, IndexError, KeyError, RuntimeError, TypeError, ValueError,
)  # fmt: skip
NAN_BITS: dict[str, Any] = {"float32": np.uint32(0x7FC00000), "float64": np.uint64(0x7FF8000000000000)}


@dataclass(frozen=True)
class Answer:
    """One row's results, or the exception that it ends with."""

    values: tuple[Any, ...] | None
    error: Exception | None


def answers(function: Callable[..., Any], program: Program) -> list[Answer]:
    """Call the plain function for each row."""
    found = []
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for row in range(program.count):
            given = [
                program.tables[name] if name in program.tables else program.rows[name][row]
                for name in program.arguments
            ]
            try:
                result = function(*given)
            except FAULTS as error:
                found.append(Answer(None, error))
            else:
                found.append(Answer(result if isinstance(result, tuple) else (result,), None))
    return found


def canonical(array: NDArray[Any]) -> NDArray[Any]:
    """Give the bits of an array, nans all alike and zeros by their sign."""
    if array.dtype.kind != "f":
        return array
    pattern = NAN_BITS[array.dtype.name]
    bits: NDArray[Any] = np.where(np.isnan(array), pattern, array.view(pattern.dtype))
    return bits
