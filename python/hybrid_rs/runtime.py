"""The Runtime: maps kernels over arrays, on its own worker threads."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self, SupportsIndex

import numpy as np

from hybrid_rs import _core, arrays, flags, policy, progress, workers
from hybrid_rs.errors import DeviceError, KernelError

if TYPE_CHECKING:
    from hybrid_rs.metrics import Metrics
    from hybrid_rs.policy import Policy
    from hybrid_rs.progress import Progress

__all__ = ["PATHS", "Runtime", "default", "map"]

PATHS: Final[tuple[str, ...]] = tuple(_core.paths())
"""The execution paths by name; "auto" stands for "hybrid_auto_chunked"."""

_AUTO = "auto"
_ENGINES = ("auto", "vm", "native", "reference")
_DEVICES = ("auto", "cpu", "cuda", "both")


class Runtime:
    """Maps kernels over arrays. Its worker threads start with the first batch that needs them.

    Usable from several threads at once; a map started from inside a running one runs on the worker that started it. A
    forked child gets threads of its own.
    """

    __slots__ = ("_core", "policy", "threads_source")

    policy: Policy
    threads_source: str
    """Which rule decided the number of threads."""

    def __init__(
        self,
        threads: SupportsIndex | None = None,
        metrics: bool = True,
        policy: str | Policy = "adaptive",
        devices: str = "auto",
    ) -> None:
        """Make a Runtime; environment variables are read now.

        Args:
            threads: Worker threads, 1 to 1024. None: HYBRID_RS_NUM_THREADS, RAYON_NUM_THREADS, OMP_NUM_THREADS, or the
                processors that this process may use (affinity and container quota), whichever comes first.
            metrics: Whether to count; HYBRID_RS_LITE=1 and builds with the feature hybrid-lite turn counting off.
            policy: How chunk sizes are chosen: a name or a `hybrid_rs.policy.Policy`.
            devices: "auto" or "cpu".

        Raises:
            TypeError: For an argument of the wrong type.
            ValueError: For an unusable value, an environment variable's included.
            DeviceError: For a device that this build can't use.
        """
        environment = flags.resolve()
        argument = None if threads is None else workers.check(threads)
        count, self.threads_source = flags.thread_count(argument, None)
        self.policy = _policy.get(policy)
        _check_device("devices", devices)
        if not isinstance(metrics, bool):
            raise TypeError(f"metrics: must be a bool, not {type(metrics).__name__}")
        counts = metrics and not environment.lite
        self._core = _core.Runtime(count, counts, self.policy.name, self.policy.size, environment.chunk_size)

    @property
    def threads(self) -> int:
        """The number of worker threads."""
        return self._core.threads

    def map(
        self,
        kernel: object,
        *arrays: object,
        path: str = "auto",
        engine: str = "auto",
        device: str = "auto",
        chunk_size: SupportsIndex | None = None,
        threads: SupportsIndex | None = None,
        out: Any = None,
        progress: Progress = False,
        timeout: float | None = None,
    ) -> Any:
        """Apply a kernel to every element of the broadcast arrays.

        Args:
            kernel: A `hybrid_rs.Kernel`, or any Python callable of numbers (then `hybrid_rs.dyn` of it).
            *arrays: One for each input of the kernel: arrays, lists or numbers of any shapes that broadcast, of dtypes
                that can be cast safely to what the kernel takes. Python numbers, and lists of them, take the kernel's
                type if they fit.
            path: How to execute: "auto", or a name of `hybrid_rs.PATHS`.
            engine: "auto"; kernels of this build have one engine each.
            device: "auto" or "cpu".
            chunk_size: Elements a worker takes at a time, at least 1. None: HYBRID_CHUNK_SIZE, else the policy.
            threads: Worker threads for this call, 1 to 1024.
            out: An array of the result's shape to store into, of a dtype that the result can be cast to ("same_kind").
                It may overlap the inputs.
            progress: True for a bar on standard error, or a callback ``(elements done, elements in all)``.
            timeout: Seconds after which the batch is stopped.

        Returns:
            A new array of the broadcast shape (a NumPy scalar where that is ``()``), or ``out``.

        Raises:
            KernelFault: The kernel failed at an element; the lowest one is named, every element below is computed.
            Cancelled: The timeout has passed; carries the finished ranges.
            KeyboardInterrupt: Ctrl-C; carries the finished ranges as ``finished``.
            KernelError: The core failed.
            TypeError: For an argument of the wrong type or dtype, naming it.
            ValueError: For an unusable value or shape, naming the argument.
            OverflowError: For a number that the kernel's type can't hold, naming the argument.
            RuntimeError: The Runtime is closed, or the system has no more threads.
        """
        if engine is not _AUTO:
            _check_engine(engine)
        if device is not _AUTO:
            _check_device("device", device)
        core = _core_of(kernel)
        if isinstance(out, tuple):
            out = _only(out)
        tell, end = _progress.callback(progress)
        call = (path, chunk_size, threads, timeout, tell)
        try:
            result = self.run(core, arrays, out, call)
            if tell is not None:
                size = int(np.size(result))
                tell(size, size)
            return result
        finally:
            end()

    def run(self, core: _core.Kernel, given: tuple[object, ...], out: Any, call: tuple[Any, ...]) -> Any:
        """Do what `map` does with arguments by position, as the core takes them; for this package's own use."""
        if core.joined:
            return self._map_joined(core, given, out, call)
        result = self._core.map(core, given, out, *call)
        return self._map_prepared(core, given, out, call) if result is NotImplemented else result

    def _map_prepared(self, core: _core.Kernel, given: tuple[object, ...], out: Any, call: tuple[Any, ...]) -> Any:
        """Convert the arguments first; a result that can't go straight into ``out`` goes through a temporary."""
        inputs, result = _arrays.prepare(core, given)
        if out is None:
            return _done(self._core.map(core, inputs, None, *call))
        shape = np.broadcast_shapes(*(array.shape for array in inputs))
        dtype = result or np.dtype(core.result)
        target = _arrays.check_out(out, dtype, shape)
        if target.dtype == dtype and self._core.map(core, inputs, target, *call) is not NotImplemented:
            return out
        temporary = np.empty(shape, dtype)
        try:
            _done(self._core.map(core, inputs, temporary, *call))
        except BaseException as error:
            # What is finished counts, and the rest stays as it was.
            finished = np.zeros(temporary.size, dtype=bool)
            for begin, end in getattr(error, "finished", ()):
                finished[begin:end] = True
            np.copyto(target, temporary, casting="same_kind", where=finished.reshape(shape))
            raise
        np.copyto(target, temporary, casting="same_kind")
        return out

    def _map_joined(self, core: _core.Kernel, given: tuple[object, ...], out: Any, call: tuple[Any, ...]) -> Any:
        """Collect the results of a callable without a dtype, then give them the dtype they need together."""
        results = self._core.map(core, given, None, *call)
        if results is NotImplemented:
            inputs, _ = _arrays.prepare(core, given)
            results = _done(self._core.map(core, inputs, None, *call))
        whole = isinstance(results, np.ndarray)
        values = _arrays.join(np.asarray(results, dtype=object))
        if out is not None:
            np.copyto(_arrays.check_out(out, values.dtype, values.shape), values, casting="same_kind")
            return out
        return values if whole else values[()]

    def chunk_size(self, kernel: object, n: SupportsIndex) -> tuple[int, str]:
        """Return the chunk size that "auto" would use now for ``n`` elements of a kernel, and why."""
        core = _core_of(kernel)
        _policy.adaptive(n)  # refuses what is no number of elements
        return self._core.chunk_size(core, min(n.__index__(), 2**64 - 1))

    def metrics(self) -> Metrics:
        """Return all counters at this moment; zero where the Runtime doesn't count."""
        from hybrid_rs.metrics import Metrics

        return Metrics(self._core.metrics(), counts=self._core.counts)

    def close(self) -> None:
        """End the worker threads. Batches under way are finished; later ones raise RuntimeError."""
        self._core.close()

    def __enter__(self) -> Self:
        """Use as a context manager: the threads end with the block."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close."""
        self.close()

    def __repr__(self) -> str:
        """Show the number of threads, who decided it, and the policy."""
        return f"Runtime(threads={self.threads} ({self.threads_source}), policy={self.policy!r})"


# Runtime's arguments carry the names of these modules.
_arrays, _policy, _progress = arrays, policy, progress

_default: Runtime | None = None
_default_lock = threading.Lock()


def default() -> Runtime:
    """Return the Runtime that `hybrid_rs.map` and kernels use; made at first use, never closed."""
    global _default  # noqa: PLW0603 - one for the process
    if _default is None:
        with _default_lock:
            if _default is None:
                _default = Runtime()
    return _default


def map(  # noqa: A001 - the contract's name
    kernel: object,
    *arrays: object,
    path: str = "auto",
    engine: str = "auto",
    device: str = "auto",
    chunk_size: SupportsIndex | None = None,
    threads: SupportsIndex | None = None,
    out: Any = None,
    progress: Progress = False,
    timeout: float | None = None,
) -> Any:
    """Apply a kernel to every element of the broadcast arrays, on the default Runtime.

    Arguments, result and errors are those of `Runtime.map`; ``threads`` may also come from `hybrid_rs.threads` and
    `hybrid_rs.set_num_threads`.
    """
    return (_default or default()).map(
        kernel,
        *arrays,
        path=path,
        engine=engine,
        device=device,
        chunk_size=chunk_size,
        threads=workers.chosen() if threads is None else threads,
        out=out,
        progress=progress,
        timeout=timeout,
    )


def call(core: _core.Kernel, arrays: tuple[object, ...]) -> Any:
    """Do what ``map(kernel, *arrays)`` does, without the microseconds that keyword arguments cost."""
    return (_default or default()).run(core, arrays, None, ("auto", None, workers.chosen(), None, None))


def _core_of(kernel: object) -> _core.Kernel:
    """Return the core's kernel."""
    core = getattr(kernel, "_core", None)
    if isinstance(core, _core.Kernel):
        return core
    if not callable(kernel):
        raise TypeError(f"kernel: must be a hybrid_rs.Kernel or a callable, not {type(kernel).__name__}")
    return _core.Kernel.dynamic(kernel, name_of(kernel), "object")


def _done(result: Any) -> Any:
    """Return the result of a call whose arguments were converted, which the core has no reason to refuse."""
    if result is NotImplemented:
        raise KernelError("internal error: the core refused converted arguments")
    return result


def name_of(function: Callable[..., Any] | Any) -> str:
    """Return a callable's name for messages."""
    return str(getattr(function, "__name__", None) or type(function).__name__)


def _only(out: tuple[Any, ...]) -> Any:
    if len(out) != 1:
        raise ValueError(f"out: the kernel has one result, {len(out)} arrays given")
    return out[0]


def _check_engine(engine: object) -> None:
    if not isinstance(engine, str):
        raise TypeError(f"engine: must be a str, not {type(engine).__name__}")
    if engine == _AUTO:
        return
    if engine not in _ENGINES:
        raise ValueError(f"engine: unknown engine {engine!r}; there are {', '.join(_ENGINES)}")
    raise ValueError(f"engine: {engine!r} needs a kernel of the kernel language, which this version doesn't have")


def _check_device(name: str, device: object) -> None:
    if not isinstance(device, str):
        raise TypeError(f"{name}: must be a str, not {type(device).__name__}")
    if device not in _DEVICES:
        raise ValueError(f"{name}: unknown device {device!r}; there are {', '.join(_DEVICES)}")
    if device not in ("auto", "cpu"):
        raise DeviceError(f"{name}: {device!r} is not available: this version runs on the CPU alone")
