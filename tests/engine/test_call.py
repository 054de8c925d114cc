"""Calls of kernels with several results and tables: values, out, layouts, faults, masks and limits of steps."""

from typing import Any

import numpy as np
import pytest

import hybrid_rs as hr
from probes import STEPS_MESSAGE, expected, probe, quick_probe

TABLE = np.arange(20.0) * 1.5


def operands(n: int = 1000, seed: int = 0) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    rng = np.random.default_rng(seed)
    return rng.integers(-1000, 1000, n), rng.integers(1, 20, n)


def check(got: Any, a: Any, b: Any, table: Any = TABLE) -> None:
    for one, wanted in zip(got, expected(a, b, table), strict=True):
        assert one.dtype == wanted.dtype
        np.testing.assert_array_equal(one, wanted)


@pytest.mark.parametrize("path", hr.PATHS)
@pytest.mark.parametrize("n", [0, 1, 63, 1000])
def test_several_results_are_a_tuple(path: str, n: int) -> None:
    a, b = operands(n)
    got = hr.map(probe(), a, b, TABLE, path=path, chunk_size=50)
    assert type(got) is tuple
    check(got, a, b)


def test_a_specialisation_is_called_without_the_resolver() -> None:
    kernel, resolver = quick_probe()
    a, b = operands()
    check(kernel(a, b, TABLE), a, b)
    check(hr.map(kernel, a, b[0], TABLE), a, b[0])
    check(hr.map(kernel, a, b, TABLE, max_steps=5000), a, b)
    assert resolver.asked == 1  # b[0] is one value for all, for which there is no specialisation
    check(kernel(a[0], b[0], TABLE), a[0], b[0])
    assert resolver.asked == 1  # one element only: any distribution does
    check(kernel(a.astype(np.int64)[::-1], b[::-1], TABLE[::-1]), a[::-1], b[::-1], TABLE[::-1])
    assert resolver.asked == 1


def test_scalars_give_scalars() -> None:
    first, second = probe()(7, np.int64(2), TABLE)
    assert type(first) is np.int64
    assert type(second) is np.float64
    assert first == 3
    assert second == 3.0


@pytest.mark.parametrize(
    "table",
    [TABLE.tolist(), np.arange(40.0)[::2], np.arange(20.0)[::-1], TABLE.astype(">f8"), np.zeros(21)[1:] + 2],
    ids=["list", "strided", "reversed", "swapped", "offset"],
)
def test_tables_of_any_layout(table: Any) -> None:
    a, b = operands(100)
    check(probe()(a, b, table), a, b, np.asarray(table, dtype=np.float64))


def test_a_table_is_not_broadcast() -> None:
    check(probe()(np.array([[6], [9]]), np.array([1, 2, 3]), TABLE), np.array([[6], [9]]), np.array([1, 2, 3]))
    with pytest.raises(TypeError, match=r"table \(arrays\[2\]\): a table of 1 axis is needed, not an array of 0"):
        probe()(1, 1, 2.0)
    with pytest.raises(TypeError, match=r"table \(arrays\[2\]\): a table of 1 axis is needed, not an array of 2"):
        probe()(1, 1, np.zeros((2, 2)))
    with pytest.raises(TypeError, match=r"table \(arrays\[2\]\): dtype complex128 is not supported; kernels take bool"):
        probe()(1, 1, np.zeros(3, complex))


def test_out_for_each_result() -> None:
    a, b = operands(200)
    for kernel in (probe(), quick_probe()[0]):
        outs = np.empty(200, np.int64), np.empty(200, np.float64)
        got = kernel(a, b, TABLE, out=outs)
        assert got[0] is outs[0]
        assert got[1] is outs[1]
        check(outs, a, b)
        wide = np.empty(200, np.float64)
        got = kernel(a, b, TABLE, out=(wide, None))
        assert got[0] is wide
        np.testing.assert_array_equal(wide, expected(a, b, TABLE)[0])
        np.testing.assert_array_equal(got[1], expected(a, b, TABLE)[1])
        scalars = np.empty((), np.int64), None
        got = kernel(7, 2, TABLE, out=scalars)
        assert got[0] is scalars[0]
        assert type(got[1]) is np.float64


def test_out_may_overlap_inputs_tables_and_other_outs() -> None:
    for kernel in (probe(), quick_probe()[0]):
        a, b = operands(20)
        table = TABLE.copy()
        wanted = expected(a, b, table)
        got = kernel(a, b, table, out=(a, table))
        assert got[0] is a
        assert got[1] is table
        np.testing.assert_array_equal(a, wanted[0])
        np.testing.assert_array_equal(table, wanted[1])
        a, b = operands(20)
        both = np.zeros(20)
        kernel(a, b, TABLE, out=(both, both))
        np.testing.assert_array_equal(both, expected(a, b, TABLE)[1])


@pytest.mark.parametrize(
    ("out", "error", "text"),
    [
        (np.empty(3), ValueError, "out: the kernel has 2 results, an array given"),
        ((np.empty(3),), ValueError, "out: the kernel has 2 results, 1 arrays given"),
        ((None, None, None), ValueError, "out: the kernel has 2 results, 3 arrays given"),
        ((None, np.empty(3, np.int64)), TypeError, "out: dtype int64, but the result is float64"),
        ((None, np.empty(4)), ValueError, r"out: shape \(4,\), but the result has shape \(3,\)"),
        (([1, 2, 3], None), TypeError, "out: must be an ndarray, not list"),
    ],
)
def test_wrong_outs(out: Any, error: type[Exception], text: str) -> None:
    for kernel in (probe(), quick_probe()[0]):
        with pytest.raises(error, match=text):
            kernel(np.arange(3), np.arange(1, 4), TABLE, out=out)


# Faults.


@pytest.mark.parametrize("path", hr.PATHS)
@pytest.mark.parametrize("threads", [1, 3])
def test_the_lowest_fault_is_raised_with_its_site(path: str, threads: int) -> None:
    a, b = operands(1000)
    b[[700, 123, 999]] = [0, 50, 0]
    outs = np.full(1000, -7), np.full(1000, -7.0)
    with pytest.raises(hr.KernelFault) as caught:
        hr.map(probe(), a, b, TABLE, path=path, chunk_size=40, threads=threads, out=outs)
    fault = caught.value
    text = "IndexError: index is out of range for axis 0 (probe.py, line 8)"
    assert str(fault) == f"element 123, inputs ({a[123]}, 50): {text}"
    assert (fault.index, fault.inputs) == (123, (int(a[123]), 50))
    assert type(fault.cause) is IndexError
    assert fault.cause.args == ("index is out of range for axis 0",)
    assert fault.__cause__ is fault.cause
    for out, wanted in zip(outs, expected(a[:123], b[:123], TABLE), strict=True):
        np.testing.assert_array_equal(out[:123], wanted)
        assert out[123] == -7
        assert out[700] == -7


def test_a_fault_in_several_axes() -> None:
    b = np.ones((3, 4), np.int64)
    b[1, 2] = 0
    with pytest.raises(hr.KernelFault) as caught:
        probe()(5, b, TABLE)
    assert caught.value.index == (1, 2)
    text = "ZeroDivisionError: integer division or modulo by zero (probe.py, line 7)"
    assert str(caught.value) == f"element (1, 2), inputs (5, 0): {text}"
    assert isinstance(caught.value.cause, ZeroDivisionError)


@pytest.mark.parametrize("path", hr.PATHS)
def test_masked_faults(path: str) -> None:
    a, b = operands(1000)
    b[[3, 500, 999]] = 0
    fine = b != 0
    for kernel in (probe(), quick_probe()[0]):
        (first, second), ok = hr.map(kernel, a, b, TABLE, path=path, on_fault="mask", chunk_size=33)
        assert ok.dtype == np.bool_
        np.testing.assert_array_equal(ok, fine)
        check((first[fine], second[fine]), a[fine], b[fine])
        assert not first[~fine].any()
        assert not second[~fine].any()
        for dtype in (np.int64, np.float64):
            outs = np.full(1000, -7, dtype), np.full(1000, -7.0)
            got, ok = hr.map(kernel, a, b, TABLE, path=path, on_fault="mask", out=outs)
            assert got[0] is outs[0]
            assert got[1] is outs[1]
            assert (outs[0][~fine] == -7).all()
            assert (outs[1][~fine] == -7).all()
            np.testing.assert_array_equal(outs[0][fine], expected(a[fine], b[fine], TABLE)[0])


def test_masked_faults_of_scalars_and_shapes() -> None:
    for kernel in (probe(), quick_probe()[0]):
        value, ok = kernel(4, 0, TABLE, on_fault="mask")
        assert value == (0, 0.0)
        assert type(ok) is np.bool_
        assert not ok
        value, ok = kernel(4, 2, TABLE, on_fault="mask")
        assert value == (2, 3.0)
        assert ok
        (first, _), ok = kernel(np.array([[4], [5]]), np.array([1, 0]), TABLE, on_fault="mask")
        assert first.tolist() == [[4, 0], [5, 0]]
        assert ok.tolist() == [[True, False], [True, False]]


@pytest.mark.parametrize("path", hr.PATHS)
def test_limits_of_steps(path: str) -> None:
    a, b = np.array([3, -5, 4, 6]), np.array([1, 1, 1, 1])
    for kernel in (probe(), quick_probe()[0]):
        check(hr.map(kernel, a, b, TABLE, path=path, max_steps=6), a, b)
        check(hr.map(kernel, a, b, TABLE, path=path, max_steps=2**80), a, b)
        with pytest.raises(hr.KernelFault) as caught:
            hr.map(kernel, a, b, TABLE, path=path, max_steps=np.int8(4))
        assert str(caught.value) == f"element 1, inputs (-5, 1): {STEPS_MESSAGE}"
        assert isinstance(caught.value.cause, RuntimeError)
        _, ok = hr.map(kernel, a, b, TABLE, path=path, max_steps=4, on_fault="mask")
        assert ok.tolist() == [True, False, True, False]


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"max_steps": 0}, ValueError, "max_steps: must be at least 1, got 0"),
        ({"max_steps": 1.5}, TypeError, "max_steps: must be an integer, not float"),
        ({"max_steps": True}, TypeError, "max_steps: must be an integer, not bool"),
        ({"on_fault": "ignore"}, ValueError, "on_fault: must be 'raise' or 'mask', not 'ignore'"),
        ({"on_fault": None}, TypeError, "on_fault: must be a str, not NoneType"),
        ({"engine": "native"}, ValueError, "engine: call_probe is never machine code"),
        ({"engine": "turbo"}, ValueError, "engine: unknown engine 'turbo'"),
        ({"where": [1, 0, 1]}, TypeError, "where: must be bool or an array of bools, not of int64"),
        ({"where": [True, False]}, ValueError, r"where: shape \(2,\) does not broadcast with the arrays' shape \(3,\)"),
        ({"where": [[True], [True, False]]}, ValueError, "where: setting an array element"),
        ({"where": np.ma.masked_array([True, False, True])}, TypeError, "where: masked arrays are not supported"),
        ({"casting": "unsafe"}, TypeError, "casting"),
        ({"dtype": "f4"}, TypeError, "dtype"),
    ],
)
def test_bad_options(options: dict[str, Any], error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        hr.map(probe(), np.arange(3), 1, TABLE, **options)


@pytest.mark.parametrize("kernel", [hr.kernels.busy_work, hr.dyn(lambda x, n: x), hr.dyn(lambda x, n: x, "int64")])
def test_kernels_of_other_kinds_count_no_steps(kernel: hr.Kernel) -> None:
    for x in (np.arange(3), [1, 2]):
        with pytest.raises(ValueError, match="max_steps: .* is not a kernel of the kernel language"):
            kernel(x, 2, max_steps=3)
    for engine in ("vm", "reference", "native"):
        with pytest.raises(ValueError, match=f"engine: '{engine}' needs a kernel of the kernel language"):
            kernel(np.arange(3), 2, engine=engine)


# Masked faults of other kernels.


def reciprocal(x: int) -> float:
    return 1 / x


@pytest.mark.parametrize("path", hr.PATHS)
@pytest.mark.parametrize("dtype", [None, "float64"])
def test_masked_faults_of_callables(path: str, dtype: str | None) -> None:
    x = np.arange(500) % 7
    fine = x != 0
    result, ok = hr.map(hr.dyn(reciprocal, dtype), x, path=path, on_fault="mask", chunk_size=60)
    np.testing.assert_array_equal(ok, fine)
    np.testing.assert_array_equal(result[fine], 1 / x[fine])
    assert not result[~fine].any()
    out = np.full(500, -1.0)
    got, _ = hr.map(hr.dyn(reciprocal, dtype), x, path=path, on_fault="mask", out=out)
    assert got is out
    np.testing.assert_array_equal(out, np.where(fine, 1 / np.where(fine, x, 1), -1))


def test_masked_results_that_are_no_numbers() -> None:
    values = [1, "a", 2.5, None]
    result, ok = hr.map(lambda i: values[i], np.arange(4), on_fault="mask")
    assert ok.tolist() == [True, False, True, False]
    assert result.tolist() == [1.0, 0.0, 2.5, 0.0]
    result, ok = hr.dyn(lambda i: values[i], "float64")(np.arange(4), on_fault="mask")
    assert ok.tolist() == [True, False, True, False]
    assert result.tolist() == [1.0, 0.0, 2.5, 0.0]


@pytest.mark.parametrize("dtype", [None, "int64"])
def test_a_mask_does_not_catch_what_is_no_error_of_the_element(dtype: str | None) -> None:
    def leave(x: int) -> int:
        if x == 3:
            raise SystemExit(5)
        return x

    with pytest.raises(SystemExit):
        hr.dyn(leave, dtype)(np.arange(10), on_fault="mask")


@pytest.mark.parametrize("path", hr.PATHS)
def test_kernels_that_never_fail_have_nothing_masked(path: str) -> None:
    x = np.arange(300)
    result, ok = hr.map(hr.kernels.busy_work, x, 3, path=path, on_fault="mask")
    np.testing.assert_array_equal(result, hr.kernels.busy_work(x, 3))
    assert ok.all()
