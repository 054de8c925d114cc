"""Calls that need more than the core's quick path: conversion, other array kinds, `where`, temporaries, objects."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeAlias

import numpy as np

from hybrid_rs import _core, arrays
from hybrid_rs.errors import KernelError, KernelFault

if TYPE_CHECKING:
    from numpy.typing import NDArray

    AnyArray: TypeAlias = NDArray[Any]

__all__ = ["Options", "Resolved", "Resolver", "run"]

Tell: TypeAlias = "Callable[[int, int], object] | None"


class Options(NamedTuple):
    """What a call asks for beside its operands."""

    path: str
    chunk_size: Any
    threads: Any
    timeout: Any
    tell: Tell
    max_steps: Any
    mask: bool
    engine: str = "auto"


class Resolved(NamedTuple):
    """A call's arguments, converted, and what computes them."""

    kernel: _core.Kernel | None
    """The core's kernel; None with an engine of another kind."""
    inputs: list[AnyArray]
    """Scalar inputs in their own shapes, and tables."""
    tables: frozenset[int]
    """Which inputs are tables."""
    captured: tuple[AnyArray, ...]
    """More tables, behind the inputs."""
    results: tuple[np.dtype[Any], ...] | None
    """The results' dtypes; None: one result of Python objects, which are given their dtype together."""
    engine: Engine | None = None
    """What computes in place of the core."""


class Engine(Protocol):
    """Computes a batch on the calling thread."""

    def __call__(
        self,
        core: _core.Runtime,
        inputs: tuple[AnyArray, ...],
        outputs: tuple[AnyArray, ...],
        options: Options,
    ) -> AnyArray | None:
        """Fill the outputs; return the flags of the elements that have not failed where faults are masked."""
        ...


class Resolver(Protocol):
    """What a `_core.Dispatcher` belongs to."""

    labels: tuple[str, ...]
    """How messages name the parameters: "x (arrays[0])"."""

    def resolve(self, given: tuple[object, ...], *, steps: bool, engine: str) -> Resolved:
        """Convert a call's arguments, and compile for their types if that is still to do."""
        ...

    @property
    def tables(self) -> frozenset[int]:
        """Which parameters are tables."""
        ...

    @property
    def latest(self) -> _core.Kernel:
        """A compiled kernel; ValueError if there is none yet."""
        ...


def run(core: _core.Runtime, resolved: Resolved, out: Any, where: object, options: Options) -> tuple[list[Any], Any]:
    """Compute a call whose arguments are converted.

    Args:
        core: The Runtime.
        resolved: The converted arguments.
        out: None, an array, or a tuple of one array or None for each result.
        where: True, or a bool array that broadcasts with the inputs: the elements to compute.
        options: The rest.

    Returns:
        The results: arrays of the broadcast shape, new ones or `out`'s; and the flags of the elements that have not
        failed, or None where faults aren't masked.
    """
    selection = None if where is True or where is np.True_ else _flags(where)
    shape = _shape(resolved, selection)
    batch = _Batch(core, resolved, shape, options)
    if selection is not None:
        batch.select(np.broadcast_to(selection, shape))
    if resolved.results is None:
        return _joined(batch, out)
    outs = _outs(out, len(resolved.results))
    targets = [
        None if array is None else arrays.check_out(array, dtype, shape)
        for array, dtype in zip(outs, resolved.results, strict=True)
    ]
    results, ok = _into(batch, targets)
    return [given if given is not None else result for given, result in zip(outs, results, strict=True)], ok


def _into(batch: _Batch, targets: list[AnyArray | None]) -> tuple[list[AnyArray], AnyArray | None]:
    """Compute; results that can't go straight into their target go through a temporary."""
    dtypes = batch.resolved.results or ()
    given = [target for target in targets if target is not None]
    # Of targets that overlap the last wins.
    direct = batch.chosen is None and not any(np.may_share_memory(a, b) for a, b in combinations(given, 2))
    places = [
        target if direct and target is not None and target.dtype == dtype else batch.empty(dtype)
        for target, dtype in zip(targets, dtypes, strict=True)
    ]
    try:
        ok = batch.run(tuple(places))
        if ok is NotImplemented:  # A target overlaps an input or another target.
            places = [batch.empty(dtype) for dtype in dtypes]
            ok = _done(batch.run(tuple(places)))
    except BaseException as error:
        # What is finished counts, and the rest stays as it was.
        finished = np.zeros(batch.size, dtype=bool)
        for begin, end in getattr(error, "finished", None) or ():
            finished[begin:end] = True
        for place, target in zip(places, targets, strict=True):
            if target is not None and target is not place:
                batch.scatter(place, target, finished)
        batch.locate(error)
        raise
    results = []
    for place, target in zip(places, targets, strict=True):
        if target is None and batch.chosen is None:
            results.append(place)
        else:
            result = np.zeros(batch.shape, place.dtype) if target is None else target
            if result is not place:
                batch.scatter(place, result, ok)
            results.append(result)
    return results, None if ok is None else batch.spread_flags(ok)


def _joined(batch: _Batch, out: Any) -> tuple[list[AnyArray], AnyArray | None]:
    """Collect the results of a callable without a dtype, then give them the dtype they need together."""
    (given,) = _outs(out, 1)
    if given is not None:
        arrays.check_out(given, None, batch.shape)
    places = np.empty(batch.inner, object)
    try:
        ok = _done(batch.run((places,)))
        values = arrays.join(places, ok)
    except BaseException as error:
        batch.locate(error)
        raise
    if given is not None:
        # Without any result there is no dtype to check.
        if values.size if ok is None else ok.any():
            batch.scatter(values, arrays.check_out(given, values.dtype, batch.shape), ok)
    elif batch.chosen is not None:
        given = np.zeros(batch.shape, values.dtype)
        batch.scatter(values, given, ok)
    return [values if given is None else given], None if ok is None else batch.spread_flags(ok)


class _Batch:
    """A call's elements: all of its shape, or those that `where` selects, then in one dimension."""

    def __init__(self, core: _core.Runtime, resolved: Resolved, shape: tuple[int, ...], options: Options) -> None:
        self.core = core
        self.resolved = resolved
        self.shape = shape
        self.options = options
        self.chosen: AnyArray | None = None
        self._mask: AnyArray | None = None
        self.inputs = tuple(
            array if k in resolved.tables else arrays.spread(array, shape) for k, array in enumerate(resolved.inputs)
        )
        self.inner = shape

    @property
    def size(self) -> int:
        """The number of elements to compute."""
        return int(np.prod(self.inner, dtype=np.intp))

    def select(self, mask: AnyArray) -> None:
        """Compute the selected elements only."""
        self._mask, self.chosen = mask, np.flatnonzero(mask)
        self.inputs = tuple(
            array if k in self.resolved.tables or array.ndim == 0 else array[mask]
            for k, array in enumerate(self.inputs)
        )
        self.inner = self.chosen.shape
        tell, skipped = self.options.tell, mask.size - self.chosen.size
        if tell is not None:
            self.options = self.options._replace(tell=lambda done, total: tell(done + skipped, total + skipped))

    def empty(self, dtype: np.dtype[Any]) -> AnyArray:
        """Make room for a result; zeros where elements may stay without one."""
        return np.zeros(self.inner, dtype) if self.options.mask else np.empty(self.inner, dtype)

    def run(self, outputs: tuple[AnyArray, ...]) -> Any:
        """Compute into the outputs; flags or None, or NotImplemented if the core can't write to them."""
        resolved = self.resolved
        inputs = (*self.inputs, *resolved.captured)
        if not self._has_shape():
            # Nothing but single values and a selection of many: one of them gets the shape.
            inputs = self._with_shape(inputs)
        if resolved.engine is not None:
            return resolved.engine(self.core, inputs, outputs, self.options)
        assert resolved.kernel is not None
        result = self.core.map(resolved.kernel, inputs, outputs, *self.options, True)
        if result is NotImplemented:
            return result
        return np.asarray(result[1]) if self.options.mask else None

    def _has_shape(self) -> bool:
        scalars = [array for k, array in enumerate(self.inputs) if k not in self.resolved.tables]
        return self.inner == () or any(array.shape == self.inner for array in scalars)

    def _with_shape(self, inputs: tuple[AnyArray, ...]) -> tuple[AnyArray, ...]:
        scalars = [k for k in range(len(self.inputs)) if k not in self.resolved.tables]
        if not scalars:
            raise ValueError("where: a kernel without scalar inputs computes one element")
        # The kernel may be made for arguments of shape () being the same everywhere.
        k = max(scalars, key=lambda k: self.resolved.inputs[k].ndim)
        return (*inputs[:k], np.broadcast_to(inputs[k], self.inner).copy(), *inputs[k + 1 :])

    def scatter(self, values: AnyArray, target: AnyArray, computed: AnyArray | None) -> None:
        """Store the values of the computed elements (None: all) where they belong."""
        if self._mask is None:
            # `where` itself can't be None.
            where: Any = True if computed is None else computed.reshape(self.shape)
            np.copyto(target, values, casting="same_kind", where=where)
            return
        mask, values = self._mask, values.ravel()
        if computed is not None:
            computed = computed.ravel()
            mask = mask.copy()
            mask[self._mask] = computed
            values = values[computed]
        target[mask] = values.astype(target.dtype, casting="same_kind", copy=False)

    def spread_flags(self, ok: AnyArray) -> AnyArray:
        """Return the flags of all elements; those that aren't computed have not failed."""
        if self._mask is None:
            return ok
        flags = np.ones(self.shape, dtype=bool)
        flags[self._mask] = ok
        return flags

    def locate(self, error: BaseException) -> None:
        """Turn places among the selected elements into places of the whole batch."""
        chosen = self.chosen
        if chosen is None:
            return
        if isinstance(error, KernelFault) and isinstance(error.index, int):
            flat = int(chosen[error.index])
            index = flat
            if len(self.shape) > 1:
                index = tuple(int(k) for k in np.unravel_index(flat, self.shape))  # type: ignore[assignment]
            text = str(error).removeprefix(f"element {error.index}")
            error.index = index
            error.args = (f"element {index}{text}", *error.args[1:])
        ranges = getattr(error, "finished", None)
        if ranges:
            size = int(np.prod(self.shape, dtype=np.intp))
            error.finished = [  # type: ignore[attr-defined]
                (0 if begin == 0 else int(chosen[begin]), size if end == chosen.size else int(chosen[end - 1]) + 1)
                for begin, end in ranges
            ]


def _flags(where: object) -> AnyArray:
    if arrays.is_masked(type(where)):
        raise TypeError("where: masked arrays are not supported; fill it first: a.filled(False)")
    try:
        # A copy: results may be stored where it is, and it is needed to the end of the call.
        selection = np.array(where)
    except ValueError as error:
        raise ValueError(f"where: {error}") from None
    if selection.dtype != np.bool_:
        raise TypeError(f"where: must be bool or an array of bools, not of {selection.dtype}")
    return selection


def _shape(resolved: Resolved, selection: AnyArray | None) -> tuple[int, ...]:
    shape = arrays.broadcast([array.shape for k, array in enumerate(resolved.inputs) if k not in resolved.tables])
    if selection is None:
        return shape
    try:
        return np.broadcast_shapes(shape, selection.shape)
    except (ValueError, RuntimeError):
        raise ValueError(f"where: shape {selection.shape} does not broadcast with the arrays' shape {shape}") from None


def _outs(out: Any, count: int) -> tuple[Any, ...]:
    """Return one array or None for each result."""
    if out is None:
        return (None,) * count
    outs = out if isinstance(out, tuple) else (out,)
    if len(outs) != count:
        results = "one result" if count == 1 else f"{count} results"
        arrays_given = "an array" if not isinstance(out, tuple) else f"{len(outs)} arrays"
        raise ValueError(f"out: the kernel has {results}, {arrays_given} given")
    return outs


def _done(result: Any) -> Any:
    """Return the result of a call whose arguments were converted, which the core has no reason to refuse."""
    if result is NotImplemented:
        raise KernelError("internal error: the core refused converted arguments")
    return result
