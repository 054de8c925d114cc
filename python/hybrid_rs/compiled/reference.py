"""Batches on the reference interpreter: on the calling thread, one element at a time."""

from __future__ import annotations

import builtins
import time
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from hybrid_rs import _core, calls
from hybrid_rs.errors import Cancelled, KernelFault
from hybrid_rs.ir import nodes, reference

if TYPE_CHECKING:
    from numpy.typing import NDArray

    AnyArray: TypeAlias = NDArray[Any]

__all__ = ["Reference"]

# Seconds between two calls of a progress callback.
_TELL_EVERY = 0.02


class Reference:
    """Computes batches of one function."""

    def __init__(self, function: nodes.Function) -> None:
        """Keep the function."""
        self.function = function
        self._tables = [isinstance(param, nodes.Table) for param in function.params]

    def __call__(
        self,
        core: _core.Runtime,
        inputs: tuple[AnyArray, ...],
        outputs: tuple[AnyArray, ...],
        options: calls.Options,
    ) -> AnyArray | None:
        """Fill the outputs; return the flags of the elements that have not failed where faults are masked."""
        timeout, max_steps = core.check(
            options.path, options.chunk_size, options.threads, options.timeout, options.max_steps
        )
        shape = outputs[0].shape
        size = outputs[0].size
        pairs = list(zip(self._tables, inputs, strict=True))
        scalars = [array if array.ndim == 0 else array.reshape(-1) for table, array in pairs if not table]
        tables = [array for table, array in pairs if table]
        # Flat results of their own: an output of any layout may also be one of the inputs.
        flat = [np.zeros(size, output.dtype) for output in outputs]
        ok = np.ones(size, dtype=bool) if options.mask else None
        watch = _Watch(size, timeout, options.tell)
        try:
            watch.begin()
            reference.run_batch(self.function, scalars, tables, flat, ok, max_steps, watch.poll)
        except reference.Faulted as fault:
            index = fault.index or 0
            self._store(flat, outputs, index)
            error = self._fault(fault.site, index, scalars, shape)
            error.finished = [(0, index)] if index else []  # type: ignore[attr-defined]
            raise error from error.cause
        except BaseException as error:
            self._store(flat, outputs, watch.done)
            error.finished = [(0, watch.done)] if watch.done else []  # type: ignore[attr-defined]
            raise
        self._store(flat, outputs, size, ok)
        return None if ok is None else ok.reshape(shape)

    def _store(
        self, flat: list[AnyArray], outputs: tuple[AnyArray, ...], finished: int, ok: AnyArray | None = None
    ) -> None:
        computed = np.arange(outputs[0].size) < finished
        if ok is not None:
            computed &= ok
        for values, output in zip(flat, outputs, strict=True):
            np.copyto(output, values.reshape(output.shape), where=computed.reshape(output.shape))

    def _fault(self, place: int, flat: int, scalars: list[AnyArray], shape: tuple[int, ...]) -> KernelFault:
        index: int | tuple[int, ...] = flat
        if len(shape) > 1:
            index = tuple(int(k) for k in np.unravel_index(flat, shape))
        inputs = tuple((array if array.ndim == 0 else array[flat]).item() for array in scalars)
        site = self.function.sites[place]
        text = f"{site.exception}: {site.message}" if site.message else site.exception
        text = f"{text} ({PurePath(site.file).name}, line {site.line})"
        return KernelFault(f"element {index}, inputs {inputs}: {text}", index, inputs, _exception(site))


def _exception(site: nodes.Site) -> BaseException:
    """Return the exception of a site; what its class raises where it takes no such message."""
    try:
        made: BaseException = getattr(builtins, site.exception)(*([site.message] if site.message else []))
    except TypeError as error:
        return error
    return made


class _Watch:
    """Looks at the clock, and tells of progress, from the interpreter's polls."""

    def __init__(self, size: int, timeout: float | None, tell: calls.Tell) -> None:
        self.size = size
        self.done = 0
        self._tell = tell
        now = time.monotonic()
        self._deadline = None if timeout is None else now + timeout
        self._next = now + _TELL_EVERY

    def begin(self) -> None:
        """Look before the first element: a timeout may be 0."""
        if self.size:
            self.poll(0)

    def poll(self, done: int) -> None:
        """Look now; Cancelled if the time is up."""
        self.done = done
        now = time.monotonic()
        if self._deadline is not None and now >= self._deadline and done < self.size:
            raise Cancelled(f"the batch was timed out with {done} elements finished")
        if self._tell is not None and now >= self._next:
            self._next = now + _TELL_EVERY
            self._tell(done, self.size)
