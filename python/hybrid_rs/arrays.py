"""What the core can't take as it is, made into what it can: lists, other dtypes, broadcasting, awkward layouts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from hybrid_rs import _core

__all__ = ["check_out", "join", "prepare"]

if TYPE_CHECKING:
    from numpy.typing import NDArray

    AnyArray: TypeAlias = NDArray[Any]

_SUPPORTED = "bool, integers of 8 to 64 bits, float32 and float64"
_INT64_MAX = 2**63 - 1


def prepare(core: _core.Kernel, arguments: tuple[object, ...]) -> tuple[tuple[AnyArray, ...], np.dtype[Any] | None]:
    """Return the arguments as arrays of one shape (or of shape ``()``) and of dtypes that the kernel takes.

    The second value is the result's dtype; None where the kernel itself doesn't know (a dynamic one).

    Raises:
        TypeError: For a dtype that the kernel doesn't take, naming the argument.
        ValueError: For shapes that don't broadcast, and ragged lists.
    """
    converted = [_as_array(k, argument) for k, argument in enumerate(arguments)]
    weak = [type(argument) in (int, float, bool) for argument in arguments]
    result = None
    if core.signatures:
        dtypes, result = _signature(core, converted, weak, arguments)
        pairs = enumerate(zip(converted, dtypes, strict=True))
        converted = [_cast(k, array, dtype, weak[k]) for k, (array, dtype) in pairs]
    else:
        converted = [_supported(k, array) for k, array in enumerate(converted)]
    try:
        shape = np.broadcast_shapes(*(array.shape for array in converted))
    except ValueError:
        shapes = " ".join(str(array.shape) for array in converted)
        raise ValueError(f"arrays: operands could not be broadcast together with shapes {shapes}") from None
    return tuple(_spread(array, shape) for array in converted), result


def _as_array(k: int, argument: object) -> AnyArray:
    if isinstance(argument, np.ma.MaskedArray):
        raise TypeError(f"arrays[{k}]: masked arrays are not supported; fill it first: a.filled(value)")
    try:
        return np.asarray(argument)
    except ValueError as error:
        raise ValueError(f"arrays[{k}]: {error}") from None
    except OverflowError as error:
        raise OverflowError(f"arrays[{k}]: {error}") from None


def _supported(k: int, array: AnyArray) -> AnyArray:
    """Return the array in native byte order if a dynamic kernel can take it."""
    dtype = array.dtype
    if dtype == np.float16:
        dtype = np.dtype(np.float32)
    if dtype.kind not in "biuf" or dtype.itemsize > 8:
        raise TypeError(f"arrays[{k}]: dtype {dtype} is not supported; kernels take {_SUPPORTED}")
    return array.astype(dtype.newbyteorder("="), copy=False)


def _signature(
    core: _core.Kernel, arrays: list[AnyArray], weak: list[bool], arguments: tuple[object, ...]
) -> tuple[list[np.dtype[Any]], np.dtype[Any]]:
    """Return the dtypes of the first signature that every argument can be cast to safely."""
    for inputs, outputs in core.signatures:
        dtypes = [np.dtype(name) for name in inputs]
        if all(_fits(*pair) for pair in zip(arrays, weak, dtypes, strict=True)):
            return dtypes, np.dtype(outputs[0])
    for k, array in enumerate(arrays):
        wanted = sorted({inputs[k] for inputs, _ in core.signatures})
        if not any(_fits(array, weak[k], np.dtype(name)) for name in wanted):
            if weak[k]:
                raise _misfit(k, arguments[k], wanted)
            raise TypeError(
                f"arrays[{k}]: dtype {array.dtype} can't be cast safely to {' or '.join(wanted)}, "
                f"which {core.name} takes; convert it first: a.astype({wanted[0]!r})"
            )
    given = ", ".join(str(array.dtype) for array in arrays)
    raise TypeError(f"arrays: {core.name} has no signature for ({given})")


def _misfit(k: int, value: object, wanted: list[str]) -> Exception:
    message = f"arrays[{k}]: {value!r} does not fit {' or '.join(wanted)}"
    return OverflowError(message) if isinstance(value, int) else TypeError(message)


def _fits(array: AnyArray, weak: bool, dtype: np.dtype[Any]) -> bool:
    if not weak:
        return bool(np.can_cast(array.dtype, dtype, "safe"))
    if array.dtype.kind == "f":
        return dtype.kind == "f"
    if dtype.kind == "f":
        return True
    limits = np.iinfo(dtype)
    return int(limits.min) <= int(array) <= int(limits.max)


def _cast(k: int, array: AnyArray, dtype: np.dtype[Any], weak: bool) -> AnyArray:
    try:
        return array.astype(dtype, casting="unsafe" if weak else "safe", copy=False)
    except (TypeError, ValueError) as error:
        raise type(error)(f"arrays[{k}]: {error}") from None


def _spread(array: AnyArray, shape: tuple[int, ...]) -> AnyArray:
    """Return the array in the batch's shape with one stride between elements, or as a 0-d array that is repeated."""
    if array.size == 1 and array.shape != shape:
        return array.reshape(())
    if array.shape == shape and (array.ndim <= 1 or array.flags.c_contiguous):
        return array
    return np.ascontiguousarray(np.broadcast_to(array, shape)).reshape(shape)


def check_out(out: object, result: np.dtype[Any] | None, shape: tuple[int, ...]) -> AnyArray:
    """Return ``out`` as a plain array if results can be stored into it.

    Raises:
        TypeError: If it is no array, or the result's dtype can't be cast to its own.
        ValueError: If it is read-only or of another shape.
    """
    if not isinstance(out, np.ndarray):
        raise TypeError(f"out: must be an ndarray, not {type(out).__name__}")
    if isinstance(out, np.ma.MaskedArray):
        raise TypeError("out: masked arrays are not supported")
    if not out.flags.writeable:
        raise ValueError("out: the array is read-only")
    if out.shape != shape:
        raise ValueError(f"out: shape {out.shape}, but the result has shape {shape}")
    if result is not None and not np.can_cast(result, out.dtype, "same_kind"):
        raise TypeError(f"out: dtype {out.dtype}, but the result is {result} and can't be cast to it safely")
    return np.asarray(out)


def join(results: AnyArray) -> AnyArray:
    """Return an object array of results as an array of the dtype that all of them together need.

    bool, int64 (uint64 where a value needs it) or float64; NumPy scalars by NumPy's promotion; float64 when empty.

    Raises:
        TypeError: For a result that is no number, naming the element.
        OverflowError: For integers that no 64-bit type holds together.
    """
    values = results.ravel().tolist()
    dtypes: set[np.dtype[Any]] = set()
    for kind in set(map(type, values)):
        if kind is bool:
            dtypes.add(np.dtype(np.bool_))
        elif kind is int:
            dtypes.add(_integer(values))
        elif kind is float:
            dtypes.add(np.dtype(np.float64))
        elif issubclass(kind, np.bool_ | np.integer | np.floating) and np.dtype(kind).itemsize <= 8:
            dtypes.add(np.dtype(kind))
        else:
            k = next(k for k, value in enumerate(values) if type(value) is kind)
            raise TypeError(f"the callable returned {values[k]!r} ({kind.__name__}) at element {k}, expected a number")
    dtype = np.result_type(*dtypes) if dtypes else np.dtype(np.float64)
    return np.array(values, dtype=dtype).reshape(results.shape)


def _integer(values: list[object]) -> np.dtype[Any]:
    integers = [value for value in values if type(value) is int]
    low, high = min(integers), max(integers)
    if low >= -_INT64_MAX - 1 and high <= _INT64_MAX:
        return np.dtype(np.int64)
    if low >= 0 and high <= 2 * _INT64_MAX + 1:
        return np.dtype(np.uint64)
    raise OverflowError(f"the callable's integers from {low} to {high} fit neither int64 nor uint64; give a dtype")
