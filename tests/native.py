"""Machine code loaded and called from tests: an ELF file checked, a frame filled in, results and faults read back."""

import ctypes
import itertools
import random
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hybrid_rs.ir.nodes import Function
from hybrid_rs.ir.types import Type
from hybrid_rs.targets import cpu

NONE = 2**64 - 1
DONE, FAULT, STOPPED = range(3)


class Frame(ctypes.Structure):
    """What machine code is given."""

    _fields_ = (
        ("operands", ctypes.c_void_p),
        ("tables", ctypes.c_void_p),
        ("ok", ctypes.c_void_p),
        ("poll", ctypes.c_void_p),
        ("max_steps", ctypes.c_uint64),
        ("fault_index", ctypes.c_uint64),
        ("fault_site", ctypes.c_uint64),
        ("next", ctypes.c_void_p),
    )


POLL = ctypes.CFUNCTYPE(ctypes.c_uint32, ctypes.c_void_p)
NEXT = ctypes.CFUNCTYPE(ctypes.c_uint32, ctypes.c_void_p, ctypes.POINTER(ctypes.c_uint64 * 2))
ENTRY = ctypes.CFUNCTYPE(ctypes.c_uint32, ctypes.c_void_p, ctypes.c_uint64, ctypes.c_uint64)


def dtype(type_: Type) -> str:
    """Name the NumPy type of values in memory; bools are bytes."""
    return "uint8" if type_.kind == "b" else type_.name


def sections(image: bytes) -> list[tuple[int, bytes, int]]:
    """Give the type, content and flags of an ELF file's sections."""
    offset = struct.unpack_from("<Q", image, 40)[0]
    size, count = struct.unpack_from("<HH", image, 58)
    found = []
    for place in range(offset, offset + size * count, size):
        _, kind, flags, _, begin, length = struct.unpack_from("<IIQQQQ", image, place)
        found.append((kind, image[begin : begin + length] if kind != 8 else b"", flags))
    return found


def imports(image: bytes) -> int:
    """Count the symbols that an ELF file asks others for."""
    table = next(content for kind, content, _ in sections(image) if kind == 2)
    symbols = [struct.unpack_from("<IBBH", table, place) for place in range(24, len(table), 24)]
    return sum(1 for name, _, _, section in symbols if section == 0 and name)


_engines: list[Any] = []


def load(code: cpu.Code) -> Callable[[str], Callable[[int, int, int], int]]:
    """Load machine code; give what finds a function by its name."""
    import llvmlite.binding as llvm

    assert imports(code.object) == 0
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    machine = llvm.Target.from_triple(llvm.get_process_triple()).create_target_machine()
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine)
    engine.add_object_file(llvm.ObjectFileRef.from_data(code.object))
    engine.finalize_object()
    _engines.append(engine)
    return lambda name: ENTRY(engine.get_function_address(name))


@dataclass
class Result:
    """What a call left behind."""

    status: int
    outputs: list[NDArray[Any]]
    ok: NDArray[np.uint8] | None
    fault: tuple[int, int] | None
    """The lowest faulting element and its site."""
    polls: int


class Native:
    """A function as machine code."""

    def __init__(self, function: Function, code: cpu.Code) -> None:
        self.function = function
        self.code = code
        self.find = load(code)

    def call(
        self,
        columns: Sequence[NDArray[Any]],
        tables: Sequence[NDArray[Any]],
        outputs: list[NDArray[Any]],
        ranges: Sequence[tuple[int, int]],
        *,
        name: str = "block",
        masks: bool = False,
        max_steps: int = 0,
        stop_after: int | None = None,
    ) -> Result:
        """Call a function on the first range; `refill` is given the others when it asks.

        Args:
            columns: For each scalar parameter its values, one for a uniform one; contiguous, bools as bytes.
            tables: The tables.
            outputs: Arrays of the results' dtypes, which are written to.
            ranges: What to compute.
            name: The function.
            masks: Whether faults are recorded as false in an array of all elements.
            max_steps: The bound of steps, for code that counts.
            stop_after: How many polls to let pass before one says stop.
        """
        polls = 0
        left = iter(ranges[1:])

        @POLL  # type: ignore[untyped-decorator]
        def poll(_frame: int) -> int:
            nonlocal polls
            polls += 1
            return int(stop_after is not None and polls > stop_after)

        @NEXT  # type: ignore[untyped-decorator]
        def following(_frame: int, place: Any) -> int:
            found = next(left, None)
            if found is not None:
                place[0][0], place[0][1] = found
            return int(found is not None)

        operands = (ctypes.c_void_p * (len(columns) + len(outputs)))(*[a.ctypes.data for a in (*columns, *outputs)])
        words = [word for table in tables for word in (table.ctypes.data, *table.shape)]
        held = (ctypes.c_uint64 * max(len(words), 1))(*words)
        ok = np.ones(len(outputs[0]), np.uint8) if masks else None
        frame = Frame(
            operands=ctypes.addressof(operands),
            tables=ctypes.addressof(held),
            ok=None if ok is None else ok.ctypes.data,
            poll=ctypes.cast(poll, ctypes.c_void_p),
            max_steps=max_steps,
            fault_index=NONE,
            fault_site=NONE,
            next=ctypes.cast(following, ctypes.c_void_p),
        )
        status = self.find(name)(ctypes.addressof(frame), *ranges[0])
        fault = None if frame.fault_index == NONE else (frame.fault_index, frame.fault_site)
        return Result(status, outputs, ok, fault, polls)


def stored(columns: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
    """Give columns as they lie in memory."""
    return [np.ascontiguousarray(c.view(np.uint8) if c.dtype == bool else c) for c in columns]


def fresh(function: Function, count: int) -> list[NDArray[Any]]:
    """Give outputs with a pattern in them, to see what isn't written."""
    return [np.frombuffer(b"\xaa" * (count * 8), dtype=dtype(r))[:count].copy() for r in function.results]


def cuts(rng: random.Random, count: int) -> list[tuple[int, int]]:
    """Cut [0, count) into ranges."""
    places = [0, *sorted(rng.randrange(count + 1) for _ in range(rng.choice([0, 1, 3]))), count]
    return list(itertools.pairwise(places))


def same_bits(found: NDArray[Any], wanted: Sequence[Any], type_: Type) -> bool:
    """Compare with Python numbers bit for bit; nans have to be the canonical one."""
    expected = np.array(wanted, dtype=dtype(type_))
    if type_.is_float:
        expected[np.isnan(expected)] = np.float64("nan")
    return found.tobytes() == expected.tobytes()
