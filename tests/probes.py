"""A kernel with a table, two results, faults and steps, made without a compiler: for tests of calls."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

import hybrid_rs as hr
from hybrid_rs import _core, calls
from hybrid_rs.compiled import operands

STEPS_MESSAGE = "RuntimeError: more steps than max_steps allows (probe.py, line 9)"


class Resolver:
    """Converts the probe's arguments; counts how often it was asked."""

    tables = frozenset({2})
    labels: tuple[str, ...] = ("a (arrays[0])", "b (arrays[1])", "table (arrays[2])")

    def __init__(self) -> None:
        self.asked = 0
        self.latest = _core.Kernel.call_probe((False, False))

    def resolve(self, given: tuple[object, ...], *, steps: bool, engine: str) -> calls.Resolved:
        self.asked += 1
        if len(given) != 3:
            raise TypeError(f"arrays: probe takes 3 inputs, {len(given)} given")
        axes = (None, None, 1)
        read = [operands.read(*one) for one in zip(self.labels, given, axes, strict=True)]
        dtypes = (np.dtype(np.int64), np.dtype(np.float64))
        return calls.Resolved(self.latest, [one.array for one in read], self.tables, (), dtypes)


class Probe(hr.Kernel):
    """What the kernel decorator makes has its own count of results, too."""

    @property
    def nout(self) -> int:
        return 2


def probe() -> hr.Kernel:
    """Make the kernel ``(a, b, table) -> (a / b, table[b])``: a and b int64, a / b truncated, |a| steps."""
    return Probe(_core.Dispatcher("probe", Resolver(), 3, (), []))


def quick_probe() -> tuple[hr.Kernel, Resolver]:
    """Make the same with a specialisation, so that the resolver is needed for conversions only."""
    resolver = Resolver()
    dispatcher = _core.Dispatcher("probe", resolver, 3, (), [])
    keys = [("int64", -1, False, False), ("int64", -1, False, False), ("float64", 1, False, True)]
    guards = _core.Guards([], [])
    dispatcher.replace([_core.Specialisation(keys, guards, [], resolver.latest, steps) for steps in (False, True)])
    return Probe(dispatcher), resolver


def expected(a: Any, b: Any, table: Any) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Compute the same with NumPy."""
    a, b = np.asarray(a), np.asarray(b)
    return np.trunc(a / b).astype(np.int64), np.asarray(table)[np.broadcast_to(b, np.broadcast(a, b).shape)]
