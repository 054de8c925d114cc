"""where=: which elements are computed, what the others keep, and where faults are."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import hybrid_rs as hr
from oracle import busy_work
from probes import expected, probe

busy = hr.kernels.busy_work
TABLE = np.arange(20.0)
SHAPES = hnp.mutually_broadcastable_shapes(num_shapes=3, max_dims=3, max_side=4)


@settings(max_examples=80)
@given(shapes=SHAPES, path=st.sampled_from(hr.PATHS), data=st.data(), kind=st.sampled_from(["busy", "dyn", "joined"]))
def test_selected_elements_of_any_shapes(shapes: Any, path: str, data: st.DataObject, kind: str) -> None:
    x_shape, n_shape, where_shape = shapes.input_shapes
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    x, n, where = rng.integers(-99, 99, x_shape), rng.integers(0, 9, n_shape), rng.random(where_shape) < 0.5
    selected = np.broadcast_to(where, shapes.result_shape)
    kernel = busy if kind == "busy" else hr.dyn(lambda a, b: a * 100 + b, "int32" if kind == "dyn" else None)
    full = busy_work(x + 0 * n, n) if kind == "busy" else x * 100 + n
    result = hr.map(kernel, x, n, where=where, path=path)
    assert np.shape(result) == shapes.result_shape
    np.testing.assert_array_equal(result, np.where(selected, full, 0))
    out = np.full(shapes.result_shape, -5, np.int64)
    assert hr.map(kernel, x, n, where=where, path=path, out=out) is out
    np.testing.assert_array_equal(out, np.where(selected, full, -5))


def test_results_of_unselected_elements_have_the_right_dtype() -> None:
    result = busy(np.arange(3), 1, where=False)
    assert result.dtype == np.int32
    assert result.tolist() == [0, 0, 0]
    scalar = busy(3, 1, where=np.bool_(False))
    assert type(scalar) is np.int32
    assert scalar == 0
    assert busy(3, 1, where=[True, False]).tolist() == [int(busy(3, 1)), 0]
    assert busy(np.arange(3), 1, where=np.True_).tolist() == busy(np.arange(3), 1).tolist()


def test_several_results() -> None:
    a, b = np.arange(12).reshape(3, 4), np.arange(1, 5)
    where = a % 3 == 0
    outs = np.full((3, 4), -1), np.full((3, 4), -1.0)
    got = probe()(a, b, TABLE, where=where, out=outs)
    for one, out, wanted in zip(got, outs, expected(a, b, TABLE), strict=True):
        assert one is out
        np.testing.assert_array_equal(out, np.where(where, wanted, -1))
    for one, wanted in zip(probe()(a, b, TABLE, where=where), expected(a, b, TABLE), strict=True):
        np.testing.assert_array_equal(one, np.where(where, wanted, 0))


def test_out_may_be_an_input() -> None:
    a = np.arange(10)
    where = a % 2 == 0
    wanted = np.where(where, a * 2, a)
    hr.dyn(lambda x: x * 2, "int64")(a, out=a, where=where)
    np.testing.assert_array_equal(a, wanted)


def test_where_may_share_memory_with_out() -> None:
    """As in NumPy, the selection is what it was before anything was stored."""
    above = hr.dyn(lambda x: x > 4, "bool")
    numpys: Any = np.greater
    for shift in (-1, 0, 1):
        for kernel in (above, lambda *x, **o: numpys(*x, 4, **o)):
            flags = np.array([1, 0, 0, 1, 1, 0, 1, 1, 0, 1], bool)
            out, where = flags[1 + shift : 9 + shift], flags[1:9]
            selected, before = where.copy(), out.copy()
            x = np.array([5, 2, 9, 3, 4, 6, 1, 8])
            assert kernel(x, out=out, where=where) is out
            np.testing.assert_array_equal(out, np.where(selected, x > 4, before))


def test_where_may_be_out_where_faults_are_masked() -> None:
    flags = np.ones(6, bool)
    x = np.array([5, 1, 0, 2, 6, 7])
    result, ok = hr.dyn(lambda x: 60 // x > 11, "bool")(x, out=flags, where=flags, on_fault="mask")
    assert result is flags
    assert flags.tolist() == [True, True, True, True, False, False]  # the third keeps what it had
    assert ok.tolist() == [True, True, False, True, True, True]


def test_where_may_be_one_of_several_outs() -> None:
    @hr.kernel
    def both(x: int) -> tuple[bool, int]:
        return x > 2, x * 2

    flags, doubled = np.array([1, 1, 0, 1, 0, 1], bool), np.full(6, -1)
    both(np.arange(6), out=(flags, doubled), where=flags)
    assert flags.tolist() == [False, False, False, True, False, True]
    assert doubled.tolist() == [0, 2, -1, 6, -1, 10]


@pytest.mark.parametrize("path", hr.PATHS)
def test_faults_have_their_place_in_the_whole_batch(path: str) -> None:
    a, b = np.arange(100).reshape(10, 10), np.ones((10, 10), np.int64)
    b[2, 1] = b[6, 3] = b[9, 9] = 0
    where = np.ones((10, 10), bool)
    where[2, 1] = where[::2, 5] = False
    outs = np.full((10, 10), -1), np.full((10, 10), -1.0)
    with pytest.raises(hr.KernelFault, match=r"^element \(6, 3\), inputs \(63, 0\): ZeroDivisionError") as caught:
        hr.map(probe(), a, b, TABLE, where=where, path=path, chunk_size=7, out=outs)
    assert caught.value.index == (6, 3)
    done = np.arange(100).reshape(10, 10) < 63
    np.testing.assert_array_equal(outs[0][done], np.where(where, a, -1)[done])
    assert outs[0][6, 3] == -1
    finished = getattr(caught.value, "finished", [])
    assert finished[0][0] == 0
    assert finished[0][1] >= 63
    b[6, 3] = 1
    flat = where.ravel()
    with pytest.raises(hr.KernelFault) as caught:
        hr.map(probe(), a.ravel(), b.ravel(), TABLE, where=flat, path=path)
    assert caught.value.index == 99
    _, ok = hr.map(probe(), a, b, TABLE, where=where, path=path, on_fault="mask")
    assert np.argwhere(~ok).tolist() == [[9, 9]]


def test_faults_of_results_that_are_no_numbers() -> None:
    values = [1, "a", 2, "b"]
    with pytest.raises(hr.KernelFault, match=r"^element 3: TypeError: the callable returned 'b'") as caught:
        hr.map(lambda i: values[i], np.arange(4), where=[True, False, True, True])
    assert caught.value.index == 3


def test_a_batch_cut_short_tells_what_is_finished() -> None:
    def slow(x: int) -> int:
        if x >= 6:
            import time

            time.sleep(0.01)
        return x

    where = np.arange(3000) % 2 == 0
    out = np.full(3000, -1)
    with pytest.raises(hr.Cancelled) as caught:
        hr.map(hr.dyn(slow, "int64"), np.arange(3000), where=where, timeout=0.1, path="seq_direct", out=out)
    for begin, end in caught.value.finished:
        inside = np.arange(begin, end)
        np.testing.assert_array_equal(out[begin:end], np.where(inside % 2 == 0, inside, -1))
    assert out[-2] == -1


def test_progress_counts_all_elements() -> None:
    told = []
    hr.map(busy, np.arange(1000), 3, where=np.arange(1000) < 10, progress=lambda *both: told.append(both))
    assert told[-1] == (1000, 1000)
    assert {total for _, total in told} == {1000}
