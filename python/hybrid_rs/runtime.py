"""The Runtime: maps kernels over arrays, on its own worker threads."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self, SupportsIndex

import numpy as np

from hybrid_rs import _core, arrays, calls, flags, overrides, policy, progress, tracebacks, workers
from hybrid_rs.errors import DeviceError

if TYPE_CHECKING:
    from hybrid_rs.metrics import Metrics
    from hybrid_rs.policy import Policy
    from hybrid_rs.progress import Progress

__all__ = ["PATHS", "Runtime", "call", "core_of", "default", "map", "name_of", "resolve"]

AnyKernel = _core.Kernel | _core.Dispatcher

PATHS: Final[tuple[str, ...]] = tuple(_core.paths())
"""The execution paths by name; "auto" stands for "hybrid_auto_chunked"."""

_AUTO = "auto"
_ENGINES = ("auto", "vm", "native", "reference")
_ON_FAULT = ("raise", "mask")
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
        where: Any = True,
        max_steps: SupportsIndex | None = None,
        on_fault: str = "raise",
    ) -> Any:
        """Apply a kernel to every element of the broadcast arrays.

        Args:
            kernel: A `hybrid_rs.Kernel`, or any Python callable of numbers (then `hybrid_rs.dyn` of it).
            *arrays: One for each input of the kernel: arrays, lists or numbers of any shapes that broadcast, of dtypes
                that can be cast safely to what the kernel takes. Python numbers, and lists of them, take the kernel's
                type if they fit.
            path: How to execute: "auto", or a name of `hybrid_rs.PATHS`.
            engine: For kernels of the kernel language "auto", which begins on the block VM and changes over to machine
                code once that is likely to pay; "vm"; "native", which waits for the compiler; or "reference", which is
                slow and the definition. All give the same bits. Other kernels have one engine each.
            device: "auto" or "cpu".
            chunk_size: Elements a worker takes at a time, at least 1. None: HYBRID_CHUNK_SIZE, else the policy.
            threads: Worker threads for this call, 1 to 1024.
            out: An array of the result's shape to store into, of a dtype that the result can be cast to ("same_kind").
                It may overlap the inputs. For several results a tuple of an array or None for each.
            progress: True for a bar on standard error, or a callback ``(elements done, elements in all)``.
            timeout: Seconds after which the batch is stopped, at the next look at the clock; a batch that ends before
                that isn't. 0: before anything is computed.
            where: Bools that broadcast with the arrays: the elements to compute. The others keep what ``out`` has, and
                are zero in a new array.
            max_steps: The most times that an element may go round its loops, all of them together; one that needs more
                fails. For kernels of the kernel language.
            on_fault: "raise", or "mask": go on behind elements that fail, and return ``(result, ok)``, with ``ok`` a
                bool array that is False for these. Their results are as those of elements not computed.

        Returns:
            A new array of the broadcast shape (a NumPy scalar where that is ``()``), or ``out``; a tuple of several
            results. What has an ``__array_ufunc__`` or ``__array_wrap__`` of its own is treated as by NumPy's ufuncs.

        Raises:
            KernelFault: The kernel failed at an element; the lowest one is named, every element below is computed.
            Cancelled: The timeout has passed; carries the finished ranges.
            KeyboardInterrupt: Ctrl-C; carries the finished ranges as ``finished``.
            CompileError: The kernel's function can't be compiled for these types.
            KernelError: The core failed.
            TypeError: For an argument of the wrong type or dtype, naming it.
            ValueError: For an unusable value or shape, naming the argument.
            OverflowError: For a number that the kernel's type can't hold, naming the argument.
            RuntimeError: The Runtime is closed, or the system has no more threads.
        """
        core = core_of(kernel)
        if engine is not _AUTO:
            _check_engine(engine, core)
        if device is not _AUTO:
            _check_device("device", device)
        mask = on_fault != "raise" and _check_on_fault(on_fault)
        tell, end = _progress.callback(progress)
        try:
            result = NotImplemented
            if where is True and engine != "reference":
                result = self._core.map(
                    core, arrays, out, path, chunk_size, threads, timeout, tell, max_steps, mask, engine, False
                )
            if result is NotImplemented:
                options = calls.Options(path, chunk_size, threads, timeout, tell, max_steps, mask, engine)
                result = self.run(kernel, core, arrays, out, where, options)
            if tell is not None:
                first = result
                while isinstance(first, tuple):
                    first = first[0]
                if isinstance(first, np.ndarray | np.generic):
                    tell(first.size, first.size)
            return result
        except tracebacks.ERRORS as error:
            if tracebacks.is_ours(error):
                raise error.with_traceback(None) from error.__cause__
            raise
        finally:
            end()

    def run(
        self,
        kernel: Any,
        core: AnyKernel,
        given: tuple[object, ...],
        out: Any,
        where: object,
        options: calls.Options,
    ) -> Any:
        """Do what `map` does, without the core's quick path."""
        scalars = given
        if isinstance(core, _core.Dispatcher) and (tables := core.resolver.tables):
            # A table isn't an operand: its class has no say.
            labels = core.resolver.labels
            given = tuple(_arrays.as_array(labels[k], a) if k in tables else a for k, a in enumerate(given))
            scalars = tuple(array for k, array in enumerate(given) if k not in tables)
        outs = out if isinstance(out, tuple) else (out,)
        taken = overrides.find((*scalars, *outs))
        if taken:
            return self._hand_over(kernel, given, out, where, options)
        wrap = overrides.wrapper(kernel, scalars)
        resolved = resolve(core, given, engine=options.engine, steps=options.max_steps is not None)
        results, ok = calls.run(self._core, resolved, out, where, options)
        given_outs = outs if len(outs) == len(results) else outs * len(results)
        final = [
            result if had is not None else (wrap(result, k) if wrap else _plain(result))
            for k, (result, had) in enumerate(zip(results, given_outs, strict=True))
        ]
        value = final[0] if len(final) == 1 else tuple(final)
        return (value, _plain(ok)) if ok is not None else value

    def _hand_over(
        self, kernel: Any, given: tuple[object, ...], out: Any, where: object, options: calls.Options
    ) -> Any:
        """Let an argument's ``__array_ufunc__`` do the call, as NumPy's ufuncs do."""
        named = {
            "path": options.path,
            "chunk_size": options.chunk_size,
            "threads": options.threads,
            "timeout": options.timeout,
            "progress": False if options.tell is None else options.tell,
            "max_steps": options.max_steps,
            "on_fault": "mask" if options.mask else "raise",
            "engine": options.engine,
            "where": where,
        }
        usual: dict[str, Any] = {"path": _AUTO, "engine": _AUTO, "on_fault": "raise", "where": True, "progress": False}
        keywords = {name: value for name, value in named.items() if value is not usual.get(name)}
        outs = out if isinstance(out, tuple) else (out,)
        if any(array is not None for array in outs):
            keywords["out"] = outs
        bound = _Bound(self, kernel, len(given), mask=options.mask)
        plain = self is _default and not options.mask and hasattr(kernel, "_core")
        if not plain or (bound.__name__, bound.nin) != (kernel.__name__, kernel.nin):
            kernel = bound
        try:
            result = overrides.apply(kernel, given, outs, keywords)
        except NotImplementedError as error:  # pandas, where `out` is not of as many arrays as there are results
            kinds = ", ".join(repr(type(one).__name__) for one in overrides.find((*given, *outs)))
            raise TypeError(f"arrays: {kinds} does not support such a call of {bound.__name__}") from error
        assert result is not overrides.NOTHING
        if options.mask and isinstance(result, tuple) and len(result) == bound.nout:
            *results, ok = result
            return (results[0] if len(results) == 1 else tuple(results)), ok
        return result

    def chunk_size(self, kernel: object, n: SupportsIndex) -> tuple[int, str]:
        """Return the chunk size that "auto" would use now for ``n`` elements of a kernel, and why."""
        core = core_of(kernel)
        _policy.adaptive(n)  # refuses what is no number of elements
        if isinstance(core, _core.Dispatcher):
            core = core.resolver.latest
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
    where: Any = True,
    max_steps: SupportsIndex | None = None,
    on_fault: str = "raise",
) -> Any:
    """Apply a kernel to every element of the broadcast arrays, on the default Runtime.

    Arguments, result and errors are those of `Runtime.map`; ``threads`` may also come from `hybrid_rs.threads` and
    `hybrid_rs.set_num_threads`.
    """
    try:
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
            where=where,
            max_steps=max_steps,
            on_fault=on_fault,
        )
    except tracebacks.ERRORS as error:
        if tracebacks.is_ours(error):
            raise error.with_traceback(None) from error.__cause__
        raise


def call(kernel: Any, core: AnyKernel, arrays: tuple[object, ...]) -> Any:
    """Do what ``map(kernel, *arrays)`` does, without the microseconds that keyword arguments cost."""
    runtime = _default or default()
    threads = workers.chosen()
    result = runtime._core.map(core, arrays, None, _AUTO, None, threads, None, None, None, False, _AUTO, False)  # noqa: SLF001
    if result is NotImplemented:
        options = calls.Options(_AUTO, None, threads, None, None, None, mask=False)
        return runtime.run(kernel, core, arrays, None, True, options)
    return result


def _plain(array: Any) -> Any:
    """Return a result as NumPy's ufuncs do: a scalar where there are no axes."""
    return array if array.ndim else array[()]


class _Bound:
    """A kernel together with the Runtime that is to run it, for those that call it again, as a ufunc."""

    signature = None

    def __init__(self, runtime: Runtime, kernel: Any, count: int, *, mask: bool) -> None:
        self._runtime = runtime
        self._kernel = kernel
        self._mask = mask
        name = name_of(kernel)
        # pandas takes what is named like an operator for the operator.
        operator = isinstance(getattr(np, name, None), np.ufunc) or hasattr(int, f"__{name}__")
        self.__name__ = f"hybrid_rs.{name}" if operator else name
        self.nin = getattr(kernel, "nin", None) or count
        # Where faults are masked the flags are one more result.
        self.nout = getattr(kernel, "nout", 1) + mask

    def __call__(self, *arrays: object, **options: Any) -> Any:
        result = self._runtime.map(self._kernel, *arrays, **options)
        if not self._mask or options.get("on_fault") != "mask":
            return result
        results, ok = result
        return (*results, ok) if isinstance(results, tuple) else (results, ok)

    def __repr__(self) -> str:
        return f"<{self.__name__} on {self._runtime!r}>"


def core_of(kernel: object) -> AnyKernel:
    """Return the core's kernel, of a kernel or of any callable."""
    core = getattr(kernel, "_core", kernel)
    if isinstance(core, _core.Kernel | _core.Dispatcher):
        return core
    if not callable(kernel):
        raise TypeError(f"kernel: must be a hybrid_rs.Kernel or a callable, not {type(kernel).__name__}")
    return _core.Kernel.dynamic(kernel, name_of(kernel), "object")


def resolve(core: AnyKernel, given: tuple[object, ...], *, engine: str = _AUTO, steps: bool = False) -> calls.Resolved:
    """Convert a call's arguments."""
    if isinstance(core, _core.Dispatcher):
        return core.resolver.resolve(given, steps=steps, engine=engine)
    inputs, result = _arrays.convert(core, given)
    if core.joined:
        return calls.Resolved(core, inputs, frozenset(), (), None)
    dtype = np.dtype(core.result) if result is None else result
    return calls.Resolved(core, inputs, frozenset(), (), (dtype,))


def name_of(function: Callable[..., Any] | Any) -> str:
    """Return a callable's name for messages."""
    return _arrays.printable(str(getattr(function, "__name__", None) or type(function).__name__))


def _check_engine(engine: object, core: AnyKernel) -> None:
    if not isinstance(engine, str):
        raise TypeError(f"engine: must be a str, not {type(engine).__name__}")
    if engine == _AUTO:
        return
    if engine not in _ENGINES:
        raise ValueError(f"engine: unknown engine {engine!r}; there are {', '.join(_ENGINES)}")
    if not isinstance(core, _core.Dispatcher):
        raise ValueError(f"engine: {engine!r} needs a kernel of the kernel language, which {core.name} is not")


def _check_on_fault(on_fault: object) -> bool:
    """Return whether faults are masked."""
    if not isinstance(on_fault, str):
        raise TypeError(f"on_fault: must be a str, not {type(on_fault).__name__}")
    if on_fault not in _ON_FAULT:
        raise ValueError(f"on_fault: must be 'raise' or 'mask', not {on_fault!r}")
    return on_fault == "mask"


def _check_device(name: str, device: object) -> None:
    if not isinstance(device, str):
        raise TypeError(f"{name}: must be a str, not {type(device).__name__}")
    if device not in _DEVICES:
        raise ValueError(f"{name}: unknown device {device!r}; there are {', '.join(_DEVICES)}")
    if device not in ("auto", "cpu"):
        raise DeviceError(f"{name}: {device!r} is not available: this version runs on the CPU alone")
