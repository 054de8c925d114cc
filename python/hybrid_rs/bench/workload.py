"""The standard workload: ``busy_work`` over ``arange(batch)``, bound to a Runtime, checked before it is timed."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

import hybrid_rs as hr
from hybrid_rs.bench import oracle

DEFAULT_BATCH = 100_000
DEFAULT_ITERS = 512


@dataclass(frozen=True, slots=True, eq=False)
class Workload:
    """``busy_work`` over ``arange(batch)`` (uint64) with ``iters`` steps an element, into one reused int32 array.

    The output is reused because a fresh one of this size costs page faults: up to some percent of a fast path's time.
    """

    batch: int = DEFAULT_BATCH
    iters: int = DEFAULT_ITERS
    x: NDArray[np.uint64] = field(init=False, repr=False)
    out: NDArray[np.int32] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Make the arrays. Raises ValueError for an empty batch or negative iters."""
        if self.batch < 1:
            raise ValueError(f"batch has to be at least 1, got {self.batch}")
        if self.iters < 0:
            raise ValueError(f"iters has to be at least 0, got {self.iters}")
        object.__setattr__(self, "x", np.arange(self.batch, dtype=np.uint64))
        object.__setattr__(self, "out", np.empty(self.batch, dtype=np.int32))

    def call(self, rt: hr.Runtime, path: str, chunk_size: int | None = None) -> Callable[[], object]:
        """Return the timed call: one batch through ``path``."""
        kernel, x, iters, out = hr.kernels.busy_work, self.x, self.iters, self.out
        return lambda: rt.map(kernel, x, iters, path=path, chunk_size=chunk_size, out=out)

    def checked(self, rt: hr.Runtime, path: str, chunk_size: int | None = None) -> Callable[[], object]:
        """Run the call once, hold its result against the oracle, and return it. Raises oracle.WrongResultError."""
        call = self.call(rt, path, chunk_size)
        self.out.fill(-1)
        call()
        what = path if chunk_size is None else f"{path} with chunks of {chunk_size}"
        oracle.require_same(self.out, oracle.counting(self.batch, self.iters), what)
        return call


@dataclass(frozen=True, slots=True)
class Choice:
    """What the runtime chose for a batch: chunk size in elements (None: not chunked, or no metrics) and why."""

    chunk_size: int | None
    reason: str | None


def last_choice(rt: hr.Runtime) -> Choice:
    """Return the choice of the latest batch, from the Runtime's metrics; empty where the build leaves those out."""
    last = rt.metrics().to_dict().get("last")
    if not last:
        return Choice(None, None)
    chunk, reason = last.get("chunk_size"), last.get("reason")
    return Choice(int(chunk) if chunk else None, str(reason) if reason is not None else None)
