"""What arguments and results become, what is refused, in which words; copies and pickles of kernels."""

import copy
import ctypes
import math
import multiprocessing
import pickle
from concurrent.futures import ProcessPoolExecutor
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import hybrid_rs as hr
from hybrid_rs import arrays

busy = hr.kernels.busy_work
narrow = hr.foreign(ctypes.CFUNCTYPE(ctypes.c_float, ctypes.c_float)(lambda x: x))
wide = hr.foreign(ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_double)(lambda x: x))
LIMIT = 2**128 - 2**103  # the least number that rounds to infinity in float32


def _bits(value: float) -> str:
    """Name a number in short: pytest can't write integers of thousands of digits."""
    return f"{value.bit_length()} bits" if isinstance(value, int) else repr(value)


# Python numbers and lists of them.


@pytest.mark.parametrize("value", [1e300, -1e300, 10**40, LIMIT, -LIMIT, float(LIMIT), 10**400, 10**5000], ids=_bits)
def test_numbers_out_of_float32_are_named(value: float) -> None:
    with pytest.raises(OverflowError, match=r"arrays\[0\]: .* does not fit float32$"):
        narrow([0.0, value])
    if type(value) is int:
        with pytest.raises(OverflowError, match=r"arrays\[0\]: .* does not fit float32$"):
            narrow(value)


@pytest.mark.parametrize("value", [10**400, 10**5000, 2**1024 - 2**970], ids=_bits)
def test_integers_out_of_float64_are_named(value: int) -> None:
    for argument in (value, [value], [[0.5, value]]):
        with pytest.raises(OverflowError, match=r"arrays\[0\]: an integer of \d+ bits does not fit float64"):
            wide(argument)
        with pytest.raises(OverflowError, match=r"arrays\[0\]: an integer of \d+ bits does not fit"):
            hr.map(abs, argument)


def test_numbers_at_the_edges_of_float32() -> None:
    values = [math.inf, -math.inf, math.nan, -0.0, LIMIT - 1, 1 - LIMIT, 1e-60, True]
    most = float(np.finfo(np.float32).max)
    expected = [math.inf, -math.inf, math.nan, -0.0, most, -most, 0.0, 1.0]
    with np.errstate(all="raise"):
        assert repr(narrow(values).tolist()) == repr(expected)
    assert narrow([2**60 + 2**36 + 1, -(2**60) - 2**36 - 1]).tolist() == [1152921642045800448, -1152921642045800448]


@given(
    st.one_of(
        st.integers(1 - LIMIT, LIMIT - 1),
        # Next to the middle between two neighbours, where rounding twice goes wrong.
        st.builds(
            lambda m, e, d: (2 * m + 1) * 2**e + d,
            st.integers(2**23, 2**24 - 1),
            st.integers(2, 90),
            st.integers(-1, 1),
        ),
    )
)
def test_integers_are_rounded_to_float32_once(value: int) -> None:
    got = np.float32(narrow([value])[0])
    error = abs(Fraction(float(got)) - value)
    with np.errstate(all="ignore"):
        others = [np.nextafter(got, np.float32(math.inf)), np.nextafter(got, np.float32(-math.inf))]
    for other in others:
        if np.isfinite(other):
            distance = abs(Fraction(float(other)) - value)
            assert error < distance or (error == distance and int(got.view(np.uint32)) % 2 == 0)


def test_lists_of_numbers_take_the_kernels_dtype() -> None:
    assert narrow([1, 2.5, True]).tolist() == [1.0, 2.5, 1.0]
    assert narrow([[1], (0.1,)]).tolist() == [[1.0], [float(np.float32(0.1))]]
    integer = hr.foreign(ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_int32)(lambda x: x))
    assert integer([1, -2, True]).tolist() == [1, -2, 1]
    assert (integer([]).shape, narrow(()).shape, busy([[], []], 1).shape) == ((0,), (0,), (2, 0))
    assert busy([2**64 - 1, 3], 0).tolist() == [-1, 3]
    assert wide([2**53 + 1, 0.5]).tolist() == [2.0**53, 0.5]
    assert hr.map(abs, [1, 2**63]).tolist() == [1, 2**63]
    with pytest.raises(TypeError, match=r"dtype int64 can't be cast safely to int32.*a\.astype\('int32'\)"):
        integer(np.array([1]))


@pytest.mark.parametrize(
    ("argument", "error", "text"),
    [
        ([2**64], OverflowError, r"arrays\[0\]: 18446744073709551616 does not fit int32"),
        ([2**63, -1], OverflowError, r"arrays\[0\]: the list's numbers do not fit .* together"),
        (3.0, TypeError, r"arrays\[0\]: 3.0 does not fit: it is a float; busy_work takes integers there$"),
        ([1, 2.5], TypeError, r"arrays\[0\]: 2.5 .* is a float; .*to truncate: np.array\(list, dtype='int64'\)$"),
        ([np.float32(1)], TypeError, r"to truncate the floats: np.array\(list, dtype='int64'\)$"),
        (np.arange(3.0), TypeError, r"to truncate the floats: a.astype\('int64'\)$"),
        (np.float64(3), TypeError, r"to truncate the floats: a.astype\('int64'\)$"),
        ([np.ma.masked_array([1, 2], [True, False])], TypeError, r"arrays\[0\]: masked arrays are not supported"),
        ([[1, np.ma.masked]], TypeError, r"arrays\[0\]: masked arrays are not supported"),
        ([[1, 2], [3]], ValueError, r"arrays\[0\]: "),
        ((1, (2,)), ValueError, r"arrays\[0\]: "),
        ("abc", TypeError, "which busy_work takes$"),
        (["1"], TypeError, "which busy_work takes$"),
        ([None, 1], TypeError, "which busy_work takes$"),
        (None, TypeError, "which busy_work takes$"),
        (np.array(["2020"], "M8[Y]"), TypeError, "which busy_work takes$"),
        (np.arange(3) * 1j, TypeError, "which busy_work takes$"),
        (np.zeros(2, [("a", "i4")]), TypeError, "which busy_work takes$"),
    ],
)
def test_what_is_refused_says_what_helps(argument: object, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        busy(argument, 1)


def test_a_list_in_itself_is_refused() -> None:
    endless: list[object] = []
    endless.append(endless)
    with pytest.raises(ValueError, match=r"arrays\[0\]: "):
        busy(endless, 1)


def test_out_names_its_rule() -> None:
    with pytest.raises(
        TypeError, match="out: dtype uint32, but the result is int32 and can't be cast by same_kind rules"
    ):
        busy(np.arange(3), 1, out=np.zeros(3, np.uint32))


# Results without a dtype.


@pytest.mark.parametrize("wrong", [1j, np.complex64(1), np.timedelta64(1, "s"), "a", None, np.zeros(2)])
def test_results_that_are_no_numbers_are_faults(wrong: object) -> None:
    results = np.array([1, 2.5, None, 2**70], dtype=object).reshape(2, 2)
    results[1, 0] = wrong
    with pytest.raises(
        hr.KernelFault, match=r"element \(1, 0\): TypeError: the callable returned .* expected a number"
    ) as got:
        arrays.join(results)
    fault = got.value
    assert (fault.index, fault.inputs) == ((1, 0), None)
    assert isinstance(fault.cause, TypeError)
    assert fault.__cause__ is fault.cause
    with pytest.raises(hr.KernelFault) as got:
        arrays.join(results.ravel())
    assert got.value.index == 2


@pytest.mark.parametrize("values", [[0.5, 2**53 + 1], [np.float32(0.5), -(2**63) + 1], [np.uint64(2**64 - 1), -1]])
def test_integers_that_floats_would_round_are_refused(values: list[Any]) -> None:
    with pytest.raises(OverflowError, match="mix floats and .*give a dtype"):
        hr.map(lambda i: values[i], np.arange(2))


def test_integers_that_floats_hold_are_fine() -> None:
    values = [0.5, 2**53, -(2**63), True]
    assert hr.map(lambda i: values[i], np.arange(4)).tolist() == [0.5, 2.0**53, -(2.0**63), 1.0]


# Kernels as objects.


@hr.dyn
def decorated(x: float) -> float:
    return x + 1


def test_kernels_pickle() -> None:
    assert pickle.loads(pickle.dumps(busy)) is busy
    assert pickle.loads(pickle.dumps(decorated)) is decorated
    again = pickle.loads(pickle.dumps(hr.dyn(math.sqrt, "float32")))
    assert (again.name, again.py_func, again([4]).dtype) == ("sqrt", math.sqrt, np.float32)
    assert pickle.loads(pickle.dumps(hr.dyn(math.floor)))([4.5]).dtype == np.int64
    with pytest.raises(TypeError, match="foreign kernels hold an address of this process and can't be pickled"):
        pickle.dumps(narrow)


def test_copies_are_the_kernel_itself() -> None:
    for kernel in (busy, narrow, hr.dyn(lambda x: x)):
        assert copy.copy(kernel) is kernel
        assert copy.deepcopy([kernel])[0] is kernel


def test_kernels_cross_to_other_processes() -> None:
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        assert pool.submit(busy, 5, 3).result() == busy(5, 3)


def test_a_kernel_needs_one_of_the_core() -> None:
    with pytest.raises(TypeError, match="core: must be a kernel of the core, not int"):
        hr.Kernel(3)  # type: ignore[arg-type]


def test_help_names_every_option() -> None:
    doc = hr.Kernel.__call__.__doc__ or ""
    for option in ("path", "engine", "device", "chunk_size", "threads", "out", "progress", "timeout"):
        assert f"``{option}=" in doc
