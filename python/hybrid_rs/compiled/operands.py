"""A call's arguments for a kernel of the kernel language: read, typed, and refused by name where they can't be used."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np

from hybrid_rs import arrays
from hybrid_rs.compiled.signatures import Declared
from hybrid_rs.ir.types import ALL, BOOL, FLOAT64, INT64, UINT64, Type

if TYPE_CHECKING:
    from numpy.typing import NDArray

    AnyArray: TypeAlias = NDArray[Any]

__all__ = ["MOST_AXES", "Operand", "as_table", "check_cast", "read", "read_declared"]

MOST_AXES = 8
"""Most axes of a table."""

_ADVICE = {
    "O": "; convert it first: a.astype('float64')",
    "U": "; convert texts first: np.array(list, dtype='float64'); give modes as numbers",
    "S": "; convert texts first: np.array(list, dtype='float64'); give modes as numbers",
    "c": "; give the real and the imaginary part: a.real, a.imag",
    "M": "; convert it first: a.astype('int64')",
    "m": "; convert it first: a.astype('int64')",
    "V": "; give its fields, each as an argument: a['name']",
}
"""What to do about arrays of other dtypes, by their kind."""
_TYPES = {np.dtype(type_.name): type_ for type_ in ALL}


class Operand(NamedTuple):
    """An argument in an array of its type, native byte order."""

    array: AnyArray
    type: Type
    ndim: int | None = None
    """Number of axes of a table; None: a scalar parameter."""
    weak: bool = False
    uniform: bool = False
    """Whether it is one value for the whole batch."""


def read(label: str, argument: object, axes: int | None) -> Operand:
    """Return an argument by its own type.

    `label` is its name in messages; `axes` what a table parameter needs, None for a scalar one.

    Raises:
        TypeError: For a dtype that kernels don't take, naming it.
        OverflowError: For an int of more than 64 bits.
    """
    if axes is not None:
        array = as_table(label, argument, axes)
        return Operand(array, _TYPES[array.dtype], axes, weak=False, uniform=True)
    kind = type(argument)
    if kind is float:
        return Operand(np.array(argument), FLOAT64, None, weak=True, uniform=True)
    if kind is bool:
        return Operand(np.array(argument), BOOL, None, weak=False, uniform=True)
    if kind is int:
        return _integer(label, argument)  # type: ignore[arg-type]
    array = _native(label, arrays.as_array(label, argument)[...])
    return Operand(array, _TYPES[array.dtype], None, weak=False, uniform=array.ndim == 0)


def _integer(label: str, value: int) -> Operand:
    for type_, weak in ((INT64, True), (UINT64, False)):
        if type_.low <= value <= type_.high:
            return Operand(np.array(value, type_.name), type_, None, weak=weak, uniform=True)
    raise OverflowError(f"{label}: {arrays.shown(value)} does not fit int64 or uint64")


def _native(label: str, array: AnyArray) -> AnyArray:
    """Return the array in native byte order; TypeError for a dtype that kernels don't take."""
    dtype = array.dtype
    if dtype in _TYPES:
        return array
    native = dtype.newbyteorder("=")
    if native in _TYPES:
        return array.astype(native)
    advice = _ADVICE.get(dtype.kind, "")
    if dtype.kind == "f":
        advice = f"; convert it first: a.astype('float{32 if dtype == np.float16 else 64}')"
    if array.ndim == 0 and dtype.kind == "O":
        advice = f"; {arrays.shown_object(array.item())} is no number"
    raise TypeError(f"{label}: dtype {dtype} is not supported; kernels take {arrays.SUPPORTED}{advice}")


def as_table(label: str, argument: object, axes: int) -> AnyArray:
    """Return a table as a C-contiguous array; TypeError if it isn't one of that number of axes."""
    # A view keeps its own shape, whatever other threads do to the array's.
    array = _native(label, arrays.as_array(label, argument)[...])
    if array.ndim != axes:
        raise TypeError(
            f"{label}: a table of {axes} {'axis' if axes == 1 else 'axes'} is needed, not an array of {array.ndim}"
        )
    if axes > MOST_AXES:
        raise TypeError(f"{label}: a table has at most {MOST_AXES} axes, not {axes}")
    return np.ascontiguousarray(array)


def read_declared(
    name: str, signatures: Sequence[Declared], arguments: tuple[object, ...], labels: Sequence[str]
) -> tuple[int, list[Operand]]:
    """Return the place of the first signature that every argument can be cast to safely, and the arguments so cast.

    Raises:
        TypeError: If there is none, naming the argument that fits nowhere.
        OverflowError: The same, for Python numbers.
    """
    first = signatures[0]
    operands: list[arrays.Weak | AnyArray] = []
    for label, argument, wanted in zip(labels, arguments, first.arguments, strict=True):
        # Which parameters are tables, and of how many axes, is the same in all signatures.
        if wanted.ndim is not None:
            operands.append(as_table(label, argument, wanted.ndim))
        else:
            operands.append(arrays.Weak.of(label, argument) or arrays.as_array(label, argument)[...])
    names = [[item.type.name for item in declared.arguments] for declared in signatures]
    place = arrays.signature(name, names, operands, arguments, labels)
    found = []
    for label, operand, wanted in zip(labels, operands, signatures[place].arguments, strict=True):
        array = arrays.cast(label, operand, np.dtype(wanted.type.name))
        if wanted.ndim is not None:
            array = np.ascontiguousarray(array)
        found.append(Operand(array, wanted.type, wanted.ndim, weak=False, uniform=array.ndim == 0))
    return place, found


def check_cast(label: str, operand: Operand, type_: Type) -> None:
    """Raise OverflowError if a weak integer doesn't fit a type that it is cast to."""
    if operand.weak and operand.type is INT64 and type_.is_integer:
        value = int(operand.array)
        if not type_.low <= value <= type_.high:
            raise OverflowError(f"{label}: {value} does not fit {type_.name}")
