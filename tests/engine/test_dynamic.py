"""Any Python callable as a kernel: result dtypes, faults with place and cause, nesting, recursion."""

import gc
import math
import pickle
import threading
import weakref
from typing import Any

import numpy as np
import pytest

import hybrid_rs as hr


@pytest.mark.parametrize("path", hr.PATHS)
def test_a_raise_names_the_lowest_element_and_keeps_its_cause(path: str) -> None:
    x = np.arange(5000) - 1234
    x[4000] = 0

    def inverse(value: int) -> float:
        return 1 / value

    out = np.full(x.shape, np.nan)
    with pytest.raises(hr.KernelFault, match=r"element 1234, inputs \(0,\): ZeroDivisionError") as caught:
        hr.map(hr.dyn(inverse, float), x, path=path, chunk_size=100, out=out)
    fault = caught.value
    assert fault.index == 1234
    assert fault.inputs == (0,)
    assert isinstance(fault.cause, ZeroDivisionError)
    assert fault.__cause__ is fault.cause
    np.testing.assert_array_equal(out[:1234], 1 / x[:1234])
    assert np.isnan(out[1234])
    again = pickle.loads(pickle.dumps(fault))
    assert (again.index, again.inputs, str(again)) == (1234, (0,), str(fault))


def test_a_fault_in_several_axes_has_an_index_for_each() -> None:
    x = np.ones((4, 5, 6))
    x[2, 3, 1] = -1
    with pytest.raises(hr.KernelFault) as caught:
        hr.map(math.sqrt, x)
    assert caught.value.index == (2, 3, 1)
    assert isinstance(caught.value.cause, ValueError)


@pytest.mark.parametrize(
    ("dtype", "good", "wrong", "error"),
    [
        ("int8", 127, 128, OverflowError),
        ("int8", -128, 1.0, TypeError),
        ("uint8", 255, -1, OverflowError),
        ("int32", True, "5", TypeError),
        ("int64", np.int16(4), None, TypeError),
        ("uint64", 2**64 - 1, 2**64, OverflowError),
        ("float64", 3, "x", TypeError),
        ("float64", np.float32(0.5), 1j, TypeError),
        ("float32", 0.1, [], TypeError),
        ("bool", True, 1, TypeError),
        ("bool", np.True_, 0.0, TypeError),
    ],
)
def test_results_must_fit_the_dtype(dtype: str, good: Any, wrong: Any, error: type[Exception]) -> None:
    kernel = hr.dyn(lambda i: wrong if i == 7 else good, dtype)
    with pytest.raises(hr.KernelFault) as caught:
        kernel(np.arange(10))
    assert caught.value.index == 7
    assert isinstance(caught.value.cause, error)
    result = kernel(np.arange(7))
    assert result.dtype == dtype
    np.testing.assert_array_equal(result, np.full(7, good, dtype=dtype))


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        ([True, False], "bool"),
        ([1, 2], "int64"),
        ([True, 2], "int64"),
        ([1, 2.5], "float64"),
        ([1, 2**63], "uint64"),
        ([np.float32(1), np.float32(2)], "float32"),
        ([np.int8(1), np.int16(2)], "int16"),
        ([], "float64"),
    ],
)
def test_without_a_dtype_all_results_decide_together(values: list[Any], dtype: str) -> None:
    result = hr.map(lambda i: values[i], np.arange(len(values)))
    assert result.dtype == dtype
    np.testing.assert_array_equal(result, np.array(values, dtype=dtype))


def test_without_a_dtype_what_is_no_number_is_named() -> None:
    with pytest.raises(hr.KernelFault, match=r"element 3: TypeError: the callable returned 'abc' \(str\)") as caught:
        hr.map(lambda i: "abc" if i == 3 else i, np.arange(5))
    assert caught.value.index == 3
    assert isinstance(caught.value.cause, TypeError)
    with pytest.raises(OverflowError, match="give a dtype"):
        hr.map(lambda i: 2**63 if i else -1, np.arange(2))


def test_arguments_are_python_numbers() -> None:
    seen: list[tuple[type, Any]] = []

    def look(value: Any) -> int:
        seen.append((type(value), value))
        return 0

    for value, dtype in [(True, bool), (-3, np.int8), (2**64 - 1, np.uint64), (0.5, np.float32)]:
        hr.map(look, np.array([value], dtype))
    hr.map(look, 1.5)
    assert seen == [(bool, True), (int, -3), (int, 2**64 - 1), (float, 0.5), (float, 1.5)]


@pytest.mark.parametrize("path", hr.PATHS)
def test_a_callable_may_map(path: str) -> None:
    def inner(x: float) -> float:
        return x * 2

    def outer(x: int) -> float:
        return float(hr.map(inner, np.arange(x, x + 5), path=path, chunk_size=2).sum())

    before = threading.active_count()
    result = hr.map(hr.dyn(outer, float), np.arange(200), path=path, chunk_size=9)
    np.testing.assert_array_equal(result, [2 * sum(range(x, x + 5)) for x in range(200)])
    assert threading.active_count() == before


def test_endless_recursion_is_an_error() -> None:
    def again(x: int) -> Any:
        return hr.map(again, np.arange(2), path="hybrid_fnptr_chunked", chunk_size=1)

    with pytest.raises((hr.KernelFault, RecursionError)) as caught:
        hr.map(again, np.arange(4), path="hybrid_fnptr_chunked", chunk_size=1)
    error: BaseException | None = caught.value
    while isinstance(error, hr.KernelFault):
        error = error.cause
    assert isinstance(error, RecursionError)
    assert hr.map(abs, np.array([-2.0]))[0] == 2


def test_base_exceptions_pass_through() -> None:
    def leave(x: int) -> int:
        raise SystemExit(x)

    for path in hr.PATHS:
        with pytest.raises(SystemExit):
            hr.map(leave, np.arange(1, 3), path=path)


def test_bad_dynamic_kernels() -> None:
    with pytest.raises(TypeError, match="callable: must be callable, not int"):
        hr.dyn(5)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="dtype"):
        hr.dyn(abs, "no such dtype")
    for dtype in ("complex128", "float16", "datetime64[s]", "U3", object):
        with pytest.raises(ValueError, match="dtype"):
            hr.dyn(abs, dtype)
    with pytest.raises(TypeError, match="needs at least one input"):
        hr.map(lambda: 1)
    for array in (np.array([1j]), np.array(["a"]), np.array([None]), np.zeros(1, np.longdouble)):
        with pytest.raises(TypeError, match=r"arrays\[0\]: dtype"):
            hr.map(abs, array)


def test_out_without_a_dtype() -> None:
    out = np.empty(4, np.float32)
    assert hr.map(lambda x: x / 2, np.arange(4), out=out) is out
    np.testing.assert_array_equal(out, np.arange(4) / 2)
    with pytest.raises(TypeError, match="out: dtype int64"):
        hr.map(lambda x: x / 2, np.arange(4), out=np.empty(4, np.int64))


def test_kernels_describe_themselves() -> None:
    def halve(x: float) -> float:
        """Half of it."""
        return x / 2

    kernel = hr.dyn(halve, float)
    assert (kernel.name, kernel.__name__, kernel.nin, kernel.nout, kernel.signatures) == ("halve", "halve", None, 1, [])
    assert kernel.__doc__ == "Half of it."
    assert kernel.py_func is halve
    busy = hr.kernels.busy_work
    assert (busy.nin, busy.nout) == (2, 1)
    assert busy.signatures[0].startswith("int32(int32, ")
    assert "busy_work" in repr(busy)


def test_complex_results_are_refused() -> None:
    for value in (1j, np.complex128(1 + 2j), np.complex64(1)):
        with pytest.raises(hr.KernelFault) as caught:
            hr.dyn(lambda v, value=value: value, float)(np.arange(3))
        assert isinstance(caught.value.cause, TypeError)


def test_cycles_through_a_kernel_are_collected() -> None:
    class Owner:
        def __init__(self) -> None:
            self.kernel = hr.dyn(self.method, float)

        def method(self, v: float) -> float:
            return v

    owner = Owner()
    owner.kernel(np.arange(3.0))
    alive = weakref.ref(owner)
    del owner
    gc.collect()
    assert alive() is None


def test_progress_of_a_plain_callable_reaches_the_end() -> None:
    told: list[tuple[int, int]] = []
    hr.map(lambda v: v, np.arange(50_000), progress=lambda *numbers: told.append(numbers))
    assert told[-1] == (50_000, 50_000)
