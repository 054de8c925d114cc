"""Arrays and comparisons that the file tests share."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hybrid_rs.interop import files

DTYPES = ["?", "i1", "u2", "i4", "u8", "f2", "f4", "f8", ">i4", ">f8"]


def sample(dtype: str, shape: tuple[int, ...] = (7,)) -> NDArray[Any]:
    """Make an array of a dtype with extreme values in it."""
    kind = np.dtype(dtype)
    flat = np.arange(np.prod(shape, dtype=int)).astype(kind)
    if kind.kind in "iu" and flat.size > 1:
        flat[0], flat[1] = np.iinfo(kind).min, np.iinfo(kind).max
    if kind.kind == "f" and flat.size > 3:
        flat[:4] = [np.finfo(kind).max, np.finfo(kind).smallest_subnormal, -0.0, 1 / 3]
    return flat.reshape(shape)


def assert_same(actual: NDArray[Any], expected: NDArray[Any]) -> None:
    """Compare dtype, shape and bits."""
    assert actual.dtype == expected.dtype
    assert actual.shape == expected.shape
    assert actual.tobytes() == expected.tobytes()


def only(spec: str) -> NDArray[Any]:
    """Read a spec that names one array."""
    ((_, array),) = files.read_arrays(spec)
    return array
