"""What the core can't take as it is, made into what it can: lists, other dtypes, broadcasting, awkward layouts."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from hybrid_rs import _core
from hybrid_rs.errors import KernelFault

__all__ = [
    "SUPPORTED",
    "Weak",
    "as_array",
    "broadcast",
    "cast",
    "check_out",
    "convert",
    "is_masked",
    "join",
    "printable",
    "shown",
    "shown_object",
    "signature",
    "spread",
]

if TYPE_CHECKING:
    from numpy.typing import NDArray

    AnyArray: TypeAlias = NDArray[Any]

SUPPORTED = "bool, integers of 8 to 64 bits, float32 and float64"
_INT64_MAX = 2**63 - 1
_NUMBERS = {int, float, bool}
# By the size of the float dtype, the least number that rounds to infinity in it.
_LIMITS = {4: 2**128 - 2**103, 8: 2**1024 - 2**970}
_MOST_BITS = 200
_EXACT = 2**53
_MOST_TEXT = 60
_MOST_AXES = 64


def convert(core: _core.Kernel, arguments: tuple[object, ...]) -> tuple[list[AnyArray], np.dtype[Any] | None]:
    """Return the arguments as arrays of dtypes that the kernel takes, in their own shapes.

    Python numbers, and lists of nothing else, take the kernel's dtype if every value fits it.

    The second value is the result's dtype; None where the kernel itself doesn't know (a dynamic one).

    Raises:
        TypeError: For a dtype that the kernel doesn't take, naming the argument, and for another number of them.
        OverflowError: For Python numbers out of the range of what the kernel takes.
        ValueError: For ragged lists.
    """
    core.check_count(len(arguments))
    labels = [f"arrays[{k}]" for k in range(len(arguments))]
    read = [
        Weak.of(label, argument) or as_array(label, argument) for label, argument in zip(labels, arguments, strict=True)
    ]
    result = None
    if core.signatures:
        inputs = [inputs for inputs, _ in core.signatures]
        place = signature(core.name, inputs, read, arguments, labels)
        dtypes = [np.dtype(name) for name in inputs[place]]
        result = np.dtype(core.signatures[place][1][0])
    else:
        dtypes = [own_dtype(label, operand) for label, operand in zip(labels, read, strict=True)]
    return [cast(label, operand, dtype) for label, operand, dtype in zip(labels, read, dtypes, strict=True)], result


def broadcast(shapes: list[tuple[int, ...]]) -> tuple[int, ...]:
    """Return the shape that all broadcast to; ValueError if there is none."""
    try:
        return np.broadcast_shapes(*shapes)
    except ValueError:
        shown = " ".join(map(str, shapes))
        raise ValueError(f"arrays: operands could not be broadcast together with shapes {shown}") from None
    except RuntimeError:
        # NumPy 2 has arrays of 64 axes, and broadcasts up to 32.
        raise ValueError(f"arrays: operands of {max(map(len, shapes))} axes can't be broadcast") from None


def is_masked(kind: type) -> bool:
    """Whether a class is of masked arrays; without loading their module, which takes milliseconds."""
    masked = sys.modules.get("numpy.ma")
    return masked is not None and issubclass(kind, masked.MaskedArray)


class Weak:
    """A Python number, or a list of nothing but numbers (also nested): without a dtype of its own, as in NEP 50."""

    __slots__ = ("_high", "_low", "floats", "kinds", "shape", "values")

    def __init__(self, values: list[Any], shape: tuple[int, ...], kinds: set[type]) -> None:
        self.values = values
        self.shape = shape
        self.kinds = kinds
        self.floats = float in kinds
        integers = values if not self.floats else [value for value in values if type(value) is not float]
        self._low, self._high = min(integers, default=0), max(integers, default=0)

    @classmethod
    def of(cls, label: str, argument: object) -> Weak | None:
        """Return the argument as this, if it is nothing else."""
        if type(argument) in _NUMBERS:
            return cls([argument], (), {type(argument)})
        if not isinstance(argument, list | tuple):
            return None
        kinds = _kinds(argument)
        if any(is_masked(kind) for kind in kinds):
            raise TypeError(f"{label}: masked arrays are not supported; fill them first: a.filled(value)")
        kinds = {kind for kind in kinds if not issubclass(kind, list | tuple)}
        if not kinds <= _NUMBERS:
            return None
        objects = np.array(argument, dtype=object)
        values = objects.ravel().tolist()
        # Of a ragged list NumPy makes an array of lists here, and a good message where no dtype is given.
        return cls(values, objects.shape, kinds) if set(map(type, values)) <= _NUMBERS else None

    def within(self, low: int, high: int) -> bool:
        """Whether all integers are."""
        return low <= self._low and self._high <= high

    def fits(self, dtype: np.dtype[Any]) -> bool:
        """Whether every value can be a `dtype`; floats are rounded, and never become integers."""
        if dtype.kind == "b":
            return self.kinds <= {bool}
        if dtype.kind != "f":
            limits = np.iinfo(dtype)
            return not self.floats and self.within(int(limits.min), int(limits.max))
        limit = _LIMITS[dtype.itemsize]
        if not self.within(1 - limit, limit - 1):
            return False
        # A float is in the range of float64, and infinity and nan are values of float32, too.
        return dtype.itemsize == 8 or not any(limit <= abs(value) < math.inf for value in self.values)

    def cast(self, dtype: np.dtype[Any]) -> AnyArray:
        """Return the values, which fit, as an array; each is rounded once."""
        values = self.values
        if dtype == np.float32 and self.kinds != {float}:
            values = [_float32_ready(value) if type(value) is int else value for value in values]
        with np.errstate(all="ignore"):
            return np.array(values, dtype=dtype).reshape(self.shape)


def _kinds(values: list[Any] | tuple[Any, ...], depth: int = 0) -> set[type]:
    """Return the types of all items, those of lists in it included."""
    kinds = set(map(type, values))
    # As deep as NumPy's arrays go; what is deeper is refused there.
    if depth < _MOST_AXES and any(issubclass(kind, list | tuple) for kind in kinds):
        lists = {id(value): value for value in values if isinstance(value, list | tuple)}
        kinds.update(*(_kinds(value, depth + 1) for value in lists.values()))
    return kinds


def _float32_ready(value: int) -> float:
    """Return a float that rounds to the same float32 as the integer: half a hundred bits, the last one sticky."""
    surplus = value.bit_length() - 50
    if surplus <= 0:
        return float(value)
    size = abs(value)
    kept = size >> surplus
    kept |= kept << surplus != size
    return math.copysign(float(kept << surplus), value)


def as_array(label: str, argument: object) -> AnyArray:
    """Return an argument as a plain array of whatever dtype NumPy gives it; `label` is its name in messages."""
    if is_masked(type(argument)):
        raise TypeError(f"{label}: masked arrays are not supported; fill it first: a.filled(value)")
    try:
        return np.asarray(argument)
    except ValueError as error:
        raise ValueError(f"{label}: {error}") from None
    except OverflowError as error:
        raise OverflowError(f"{label}: {error}") from None


def own_dtype(label: str, operand: Weak | AnyArray) -> np.dtype[Any]:
    """Return the dtype that a dynamic kernel gets, in native byte order."""
    if isinstance(operand, Weak):
        names = ["float64"] if operand.floats or not operand.values else ["bool", "int64", "uint64"]
        fitting = (np.dtype(name) for name in names if operand.fits(np.dtype(name)))
        dtype = next(fitting, None)
        if dtype is None:
            raise _misfit(label, operand, names[-2:], "the callable")
        return dtype
    dtype = operand.dtype
    if dtype == np.float16:
        dtype = np.dtype(np.float32)
    if dtype.kind not in "biuf" or dtype.itemsize > 8:
        raise TypeError(f"{label}: dtype {dtype} is not supported; kernels take {SUPPORTED}")
    return dtype.newbyteorder("=")


def signature(
    name: str,
    signatures: list[list[str]],
    operands: list[Weak | AnyArray],
    arguments: tuple[object, ...],
    labels: Sequence[str],
) -> int:
    """Return the place of the first signature whose dtypes every argument can be cast to safely.

    Raises:
        TypeError: If there is none, naming the argument that fits nowhere.
        OverflowError: The same, for Python numbers.
    """
    for place, inputs in enumerate(signatures):
        if all(map(_fits, operands, map(np.dtype, inputs))):
            return place
    for k, operand in enumerate(operands):
        wanted = sorted({inputs[k] for inputs in signatures})
        if any(_fits(operand, np.dtype(dtype)) for dtype in wanted):
            continue
        if isinstance(operand, Weak):
            raise _misfit(labels[k], operand, wanted, name)
        raise TypeError(
            f"{labels[k]}: dtype {operand.dtype} can't be cast safely to {' or '.join(wanted)}, "
            f"which {name} takes{_advice(arguments[k], operand.dtype, wanted)}"
        )
    given = ", ".join("number" if isinstance(operand, Weak) else str(operand.dtype) for operand in operands)
    raise TypeError(f"arrays: {name} has no signature for ({given})")


def _misfit(label: str, weak: Weak, wanted: list[str], name: str) -> Exception:
    dtypes = [np.dtype(dtype) for dtype in wanted]
    if weak.floats and all(dtype.kind in "iu" for dtype in dtypes):
        value = next(value for value in weak.values if type(value) is float)
        advice = f"; to truncate: np.array(list, dtype={_largest(wanted)!r})" if weak.shape else ""
        return TypeError(f"{label}: {value!r} does not fit: it is a float; {name} takes integers there{advice}")
    for value in weak.values:
        if not any(Weak([value], (), {type(value)}).fits(dtype) for dtype in dtypes):
            return OverflowError(f"{label}: {shown(value)} does not fit {' or '.join(wanted)}")
    return OverflowError(f"{label}: the list's numbers do not fit {' or '.join(wanted)} together")


def shown(value: float) -> str:
    """Text of a number; Python refuses to write integers of thousands of digits."""
    if type(value) is int and value.bit_length() > _MOST_BITS:
        return f"an integer of {value.bit_length()} bits"
    return repr(value)


def shown_object(value: object) -> str:
    """Text of any object, cut where it is long."""
    text = printable(repr(value))
    return text if len(text) <= _MOST_TEXT else f"{text[:_MOST_TEXT]}..."


def printable(text: str) -> str:
    """Return the text with a question mark for each lone surrogate, which UTF-8 can't have."""
    return text if text.isascii() else text.encode(errors="replace").decode()


def _advice(argument: object, dtype: np.dtype[Any], wanted: list[str]) -> str:
    """Say how to convert, where that helps: arrays and lists of numbers."""
    if dtype.kind not in "biuf":
        return ""
    target = _largest(wanted)
    how = f"a.astype({target!r})" if hasattr(argument, "astype") else f"np.array(list, dtype={target!r})"
    truncates = dtype.kind == "f" and np.dtype(target).kind in "iu"
    return f"; to truncate the floats: {how}" if truncates else f"; convert it first: {how}"


def _largest(wanted: list[str]) -> str:
    """Return the dtype that loses least: a float if there is one, signed before unsigned."""
    return max(wanted, key=lambda name: ("buif".index(np.dtype(name).kind), np.dtype(name).itemsize))


def _fits(operand: Weak | AnyArray, dtype: np.dtype[Any]) -> bool:
    if isinstance(operand, Weak):
        return operand.fits(dtype)
    return bool(np.can_cast(operand.dtype, dtype, "safe"))


def cast(label: str, operand: Weak | AnyArray, dtype: np.dtype[Any]) -> AnyArray:
    """Return an argument as an array of a dtype that it can be cast to safely."""
    if isinstance(operand, Weak):
        return operand.cast(dtype)
    try:
        return operand.astype(dtype, casting="safe", copy=False)
    except (TypeError, ValueError) as error:
        raise type(error)(f"{label}: {error}") from None


def spread(array: AnyArray, shape: tuple[int, ...]) -> AnyArray:
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
    if is_masked(type(out)):
        raise TypeError("out: masked arrays are not supported")
    if not out.flags.writeable:
        raise ValueError("out: the array is read-only")
    if out.shape != shape:
        raise ValueError(f"out: shape {out.shape}, but the result has shape {shape}")
    if result is not None and not np.can_cast(result, out.dtype, "same_kind"):
        raise TypeError(f"out: dtype {out.dtype}, but the result is {result} and can't be cast by same_kind rules")
    return np.asarray(out)


def join(results: AnyArray, ok: AnyArray | None = None) -> AnyArray:
    """Return an object array of results as an array of the dtype that all of them together need.

    bool, int64 (uint64 where a value needs it) or float64; NumPy scalars by NumPy's promotion; float64 when empty.

    Args:
        results: What the callable returned.
        ok: Which results count, where faults are masked: the others become 0. Results that are no numbers get false.

    Raises:
        KernelFault: For a result that is no number, naming the lowest such element.
        OverflowError: For integers that no 64-bit type holds together, or that floats beside them would round.
    """
    if ok is not None:
        numbers = np.array([_is_number(type(value)) for value in results.ravel()], dtype=bool).reshape(results.shape)
        ok &= numbers
        values = join(results[ok])
        joined = np.zeros(results.shape, values.dtype)
        joined[ok] = values
        return joined
    listed = results.ravel().tolist()
    kinds = set(map(type, listed))
    others = {kind for kind in kinds if not _is_number(kind)}
    if others:
        raise _no_number(results.shape, next(k for k, value in enumerate(listed) if type(value) in others), listed)
    dtypes = {_integer(listed) if kind is int else np.dtype(kind) for kind in kinds}
    dtype = np.result_type(*dtypes) if dtypes else np.dtype(np.float64)
    if dtype.kind == "f":
        integral = tuple(kind for kind in kinds if issubclass(kind, int | np.integer))
        for value in listed if integral else ():
            if isinstance(value, integral) and abs(int(value)) > _EXACT and int(float(value)) != int(value):
                raise OverflowError(
                    f"the callable's results mix floats and {value}, which {dtype} rounds; give a dtype"
                )
    return np.array(listed, dtype=dtype).reshape(results.shape)


def _is_number(kind: type) -> bool:
    """Whether values of exactly this type are numbers of at most 64 bits."""
    if kind in _NUMBERS:
        return True
    return issubclass(kind, np.generic) and np.dtype(kind).kind in "biuf" and np.dtype(kind).itemsize <= 8


def _no_number(shape: tuple[int, ...], k: int, values: list[object]) -> KernelFault:
    cause = TypeError(
        f"the callable returned {shown_object(values[k])} ({type(values[k]).__name__}), expected a number: "
        "bool, int, float or a NumPy scalar of at most 64 bits"
    )
    index = tuple(int(i) for i in np.unravel_index(k, shape)) if len(shape) > 1 else k
    fault = KernelFault(f"element {index}: TypeError: {cause}", index, None, cause)
    fault.__cause__ = cause
    return fault


def _integer(values: list[object]) -> np.dtype[Any]:
    integers = [value for value in values if type(value) is int]
    low, high = min(integers), max(integers)
    if low >= -_INT64_MAX - 1 and high <= _INT64_MAX:
        return np.dtype(np.int64)
    if low >= 0 and high <= 2 * _INT64_MAX + 1:
        return np.dtype(np.uint64)
    span = f"from {shown(low)} to {shown(high)}"
    raise OverflowError(f"the callable's integers {span} fit neither int64 nor uint64; give a dtype")
