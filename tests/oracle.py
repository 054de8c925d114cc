"""Independent definitions that results are held against."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def busy_work(x: NDArray[Any], iters: Any) -> NDArray[np.int32]:
    """Iterate the whole array in 64-bit NumPy arithmetic; ``iters`` is a number or an array of them."""
    acc = np.asarray(x).astype(np.int64, casting="unsafe").astype(np.int32).astype(np.int64)
    counts = np.broadcast_to(np.asarray(iters).astype(np.int64), acc.shape)
    for step in range(int(counts.max(initial=0))):
        following = np.fmod((acc * 7 + 13).astype(np.int32).astype(np.int64), 997)
        acc = np.where(step < counts, following, acc)
    return acc.astype(np.int32)
