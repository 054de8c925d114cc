"""Kernels: one function of a few numbers, ready to run on every element of arrays."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, Self

import numpy as np

from hybrid_rs import _core, runtime, tracebacks

__all__ = ["Kernel", "dyn", "foreign"]


_OPTIONS = frozenset(runtime.map.__kwdefaults__ or ())


class Kernel:
    """A kernel. Call it with arrays, like a NumPy ufunc; keyword arguments are those of `hybrid_rs.map`.

    Made by `hybrid_rs.kernel`, `hybrid_rs.kernels`, `hybrid_rs.foreign` and `hybrid_rs.dyn`. Kernels don't change, so
    that copies are the kernel itself. They can be pickled, a dynamic one if its callable can; foreign ones can't. As an
    attribute of a class a kernel stays a kernel: it isn't bound to instances as methods are.
    """

    signature: str | None = None
    """As of NumPy's elementwise ufuncs: none."""

    py_func: Callable[..., Any] | None
    """The same function in plain Python, where there is one."""

    def __init__(
        self,
        core: _core.Kernel | _core.Dispatcher,
        py_func: Callable[..., Any] | None = None,
        doc: str | None = None,
        keep_alive: object = None,
        remake: tuple[Callable[..., Kernel], tuple[Any, ...]] | None = None,
    ) -> None:
        """Wrap a kernel of the core.

        Args:
            core: The kernel.
            py_func: The same function in plain Python.
            doc: The docstring.
            keep_alive: What its code belongs to.
            remake: What gives it in another process: a function and its arguments.
        """
        if not isinstance(core, _core.Kernel | _core.Dispatcher):
            raise TypeError(
                f"core: must be a kernel of the core, not {type(core).__name__}; "
                "kernels come from hybrid_rs.kernels, hybrid_rs.dyn and hybrid_rs.foreign"
            )
        self._core: Any = core
        self._keep_alive = keep_alive
        self._remake = remake
        self.py_func = py_func
        self.__doc__ = doc

    @property
    def name(self) -> str:
        """The kernel's name."""
        return str(self._core.name)

    @property
    def __name__(self) -> str:
        """The kernel's name, as functions have it."""
        return str(self._core.name)

    @property
    def nin(self) -> int | None:
        """The number of inputs; None for a dynamic kernel, which takes any number."""
        nin: int | None = self._core.nin
        return nin

    @property
    def nout(self) -> int:
        """The number of results."""
        return 1

    @property
    def signatures(self) -> list[str]:
        """The dtypes it takes and gives, as "int32(int64, float64)", in the order they are tried."""
        return [f"{', '.join(outputs)}({', '.join(inputs)})" for inputs, outputs in self._core.signatures]

    @property
    def types(self) -> list[str]:
        """The signatures in NumPy's letters, as ufuncs have them: "ld->i"."""
        letters = [
            ["".join(np.dtype(name).char for name in names) for names in signature]
            for signature in self._core.signatures
        ]
        return [f"{inputs}->{outputs}" for inputs, outputs in letters]

    @property
    def tile(self) -> int:
        """Elements that are computed together; chunks are best multiples of it."""
        return int(self._core.tile)

    # The options are not spelled out: handing eight keywords on costs a tenth of a small call.
    def __call__(self, *arrays: object, **options: Any) -> Any:
        """Apply the kernel to every element of the broadcast arrays.

        Args:
            *arrays: One for each input, as `hybrid_rs.map` takes them.
            **options: Keyword arguments of `hybrid_rs.map`: ``path="auto"``, ``engine="auto"``, ``device="auto"``,
                ``chunk_size=None``, ``threads=None``, ``out=None``, ``progress=False``, ``timeout=None``,
                ``where=True``, ``max_steps=None``, ``on_fault="raise"``.

        Result and errors are those of `hybrid_rs.map`, too.
        """
        try:
            if not options:
                return runtime.call(self, self._core, arrays)
            return runtime.map(self, *arrays, **options)
        except tracebacks.ERRORS as error:
            unknown = next((name for name in options if name not in _OPTIONS), None)
            if unknown is not None:
                text = f"{self.name}: unknown keyword argument {unknown!r}; inputs are given by position"
                raise TypeError(text) from None
            if tracebacks.is_ours(error):
                raise error.with_traceback(None) from error.__cause__
            raise

    def __copy__(self) -> Self:
        """Return the kernel itself."""
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """Return the kernel itself."""
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle by name, or by what the kernel was made of."""
        if self._remake is None:
            raise TypeError(f"{self.name}: foreign kernels hold an address of this process and can't be pickled")
        return self._by_name() or self._remake

    def _by_name(self) -> tuple[Any, ...] | None:
        """Pickle a decorated function, whose name stands for the kernel; None where it doesn't."""
        place = (getattr(self.py_func, "__module__", None), getattr(self.py_func, "__qualname__", None))
        try:
            return (_named, place) if all(place) and _named(*place) is self else None
        except (ImportError, AttributeError):
            return None

    def __repr__(self) -> str:
        """Show name and signatures."""
        signatures = self.signatures
        shown = ", ".join(signatures[:2]) + (", ..." if len(signatures) > 2 else "")
        return f"<hybrid_rs kernel {self.name}: {shown or 'any inputs'}>"


def foreign(pointer: object, signature: str | None = None) -> Kernel:
    """Make a kernel of a C function.

    Args:
        pointer: An address, a ctypes or cffi function, a ``numba.cfunc``, a PyCapsule in the form of
            ``scipy.LowLevelCallable``, or such an object itself.
        signature: As "float64(float64, int32)": one to eight arguments of int32, int64, uint32, uint64, float32 and
            float64 or their C names (double, float, int, unsigned long, int64_t and so on, of this platform's sizes).
            May be left out where the pointer declares its own types, which it must agree with.

    The function is called from several threads at once, without the GIL. Null addresses are refused, and on Linux those
    outside executable memory; beyond that a wrong address or signature crashes the process: nothing can check it.

    A callback written in Python must not raise: the exception can't get out, ctypes prints it, and the result is
    whatever its memory held before. Use `dyn` for Python functions.

    Raises:
        TypeError: For a pointer that is none, or whose own types disagree with the signature.
        ValueError: For a null pointer or a signature that can't be used.
    """
    from hybrid_rs.interop.foreign import resolve  # ctypes and patterns: milliseconds that few programs need

    resolved = resolve(pointer, signature)
    core = _core.Kernel.foreign(resolved.name, resolved.address, resolved.signature)
    return Kernel(core, doc=f"C function {resolved.signature}", keep_alive=resolved.keep_alive)


def dyn(callable: Callable[..., Any], dtype: object = None) -> Kernel:  # noqa: A002
    """Make a kernel of any Python callable; it is called with Python numbers, once an element, under the GIL.

    Give a dtype where you know it: that takes about half the time. Without one, all results are kept as Python objects
    until the last is there.

    Args:
        callable: A function of as many numbers as arrays are given.
        dtype: The results' dtype: bool, an integer of 8 to 64 bits, float32 or float64. A result that doesn't fit is a
            `hybrid_rs.KernelFault`. None: the dtype that all results together need (bool, int64, uint64 or float64);
            integers that those can't hold exactly are an OverflowError.

    Raises:
        TypeError: If ``callable`` is not callable, or ``dtype`` no dtype.
        ValueError: If results can't be of that dtype.
    """
    if not _is_callable(callable):
        raise TypeError(f"callable: must be callable, not {type(callable).__name__}")
    try:
        name = "object" if dtype is None else np.dtype(dtype).name  # type: ignore[call-overload]
    except TypeError as error:
        raise TypeError(f"dtype: {error}") from None
    if dtype is not None and name == "object":
        raise ValueError("dtype: object is not bool, an integer of 8 to 64 bits, float32 or float64")
    core = _core.Kernel.dynamic(callable, runtime.name_of(callable), name)
    remake = (dyn, (callable, None if dtype is None else name))
    return Kernel(core, py_func=callable, doc=getattr(callable, "__doc__", None), remake=remake)


def _named(module: Any, name: Any) -> Any:
    """Return what a module has by a dotted name."""
    import importlib

    return operator.attrgetter(name)(importlib.import_module(module))


def _is_callable(thing: object) -> bool:
    return callable(thing)
