"""Reading of tables by machine code: neighbours, several axes, indices from the end and beyond it."""

from typing import Any

import numpy as np
import pytest

import hybrid_rs as hr
from hybrid_rs.targets import native

pytest.importorskip("llvmlite")

N = 1000
ROW = np.random.default_rng(1).normal(size=37)
GRID = np.random.default_rng(2).integers(-1000, 1000, (11, 7))
FLAGS = np.random.default_rng(3).random(37) < 0.5


def neighbours(i: Any, row: Any) -> Any:
    """Read what is beside an element, and count with its place."""
    return row[i] + 2.0 * row[i + 1] - row[i - 1] * float(i) + row[1 + i] * float(i + 1)


def stencil(i: Any, j: Any, grid: Any) -> Any:
    """Read a cell's neighbours, a cell of a row that is the same for all, and the cell."""
    return grid[i - 1, j] + grid[i + 1, j] * 3 + grid[i, j + 1] * 5 - grid[2, j] * 7 + grid[i, -2] * 9 + grid[i, j]


def unsigned(i: Any, row: Any) -> Any:
    """Count with an index that is read as a signed number."""
    k = np.uint64(i)
    return row[np.int64(k)] + float(k) + np.float32(np.int64(k))


def masked(i: Any, row: Any, flags: Any) -> Any:
    """Read where an index was looked at before, and beside that."""
    total = 0.0
    for k in range(5):
        if 1 <= i + k < len(row):
            total += row[i + k] - row[i + k - 1] * float(i + k)
            if flags[i + k]:
                break
        else:
            total += float(i + k)
    return total


KERNELS = [
    (neighbours, (ROW,), 1),
    (stencil, (GRID,), 2),
    (unsigned, (ROW,), 1),
    (masked, (ROW, FLAGS), 1),
]
# Places within the tables, from their ends, beyond them, and at the ends of the type.
WAYS = {
    "inside": lambda rng, axis: rng.integers(1, axis - 1, N),
    "from the end": lambda rng, axis: rng.integers(-axis, axis - 1, N),
    "some outside": lambda rng, axis: np.where(
        rng.random(N) < 0.02,
        rng.choice([-(2**63), 2**63 - 1, axis, -axis - 1, 1 << 51], N),
        rng.integers(1, axis - 1, N),
    ),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("shape", [None, (4, 1), (4, 3), (2, 2), (3, 1)], ids=str)
@pytest.mark.parametrize(("function", "tables", "count"), KERNELS, ids=lambda one: getattr(one, "__name__", ""))
def test_the_same_as_the_reference(function: Any, tables: Any, count: int, shape: Any, way: str) -> None:
    rng = np.random.default_rng(4)
    axes = tables[0].shape
    indices = [WAYS[way](rng, axes[k]) for k in range(count)]
    arguments = (*indices, *tables)
    with native.forced(**({} if shape is None else {"shape": shape})):
        kernel = hr.kernel(function)
        found = answer(kernel, arguments, "native")
        wanted = answer(kernel, arguments, "reference")
    assert found == wanted


def answer(kernel: Any, arguments: Any, engine: str) -> Any:
    """Give the bytes of the results, those of elements that don't fault, and what the first that does says."""
    try:
        first: Any = kernel(*arguments, engine=engine).tobytes()
    except hr.KernelFault as fault:
        first = str(fault)
    values, fine = kernel(*arguments, engine=engine, on_fault="mask")
    return first, fine.tobytes(), values[fine].tobytes()
