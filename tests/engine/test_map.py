"""hr.map on every path: values, shapes, dtypes, layouts, out, and what bad input gets."""

import ctypes
import ctypes.util
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hybrid_rs as hr
from oracle import busy_work

busy = hr.kernels.busy_work
assert busy.py_func is not None
plain = busy.py_func
SIZES = [0, 1, 63, 64, 65, 499, 500, 999, 1000]
INTEGERS = ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]


def inputs(n: int, seed: int = 0) -> np.ndarray[Any, Any]:
    return np.random.default_rng(seed).integers(-(2**63), 2**63, n, dtype=np.int64)


@pytest.mark.parametrize("path", hr.PATHS)
@pytest.mark.parametrize("n", [*SIZES, 100_000])
def test_paths_equal_the_oracle(path: str, n: int) -> None:
    x = inputs(n)
    result = hr.map(busy, x, 12, path=path)
    assert result.dtype == np.int32
    np.testing.assert_array_equal(result, busy_work(x, 12))


@settings(max_examples=60, deadline=None)
@given(
    n=st.one_of(st.sampled_from(SIZES), st.integers(0, 3000)),
    path=st.sampled_from(hr.PATHS),
    chunk=st.one_of(st.none(), st.integers(1, 4000), st.just(2**70)),
    threads=st.integers(1, 3),
    kind=st.sampled_from(["busy", "dyn", "bare"]),
    seed=st.integers(0, 2**32 - 1),
)
def test_same_bits_whatever_path_and_chunk(n: int, path: str, chunk: int, threads: int, kind: str, seed: int) -> None:
    x = inputs(n, seed)
    iters = np.random.default_rng(seed + 1).integers(-3, 30, n)
    if kind == "busy":
        result = hr.map(busy, x, iters, path=path, chunk_size=chunk, threads=threads)
        np.testing.assert_array_equal(result, busy_work(x, iters))
        return
    small = x % 1000

    def function(a: int, b: int) -> float:
        return a / 7 + b

    kernel = hr.dyn(function, np.float64) if kind == "dyn" else function
    result = hr.map(kernel, small, iters, path=path, chunk_size=chunk, threads=threads)
    assert result.dtype == np.float64
    np.testing.assert_array_equal(result, small / 7 + iters)


@pytest.mark.parametrize("dtype", INTEGERS)
def test_integer_dtypes(dtype: str) -> None:
    limits = np.iinfo(dtype)
    edges = [limits.min, limits.max, 0, 1, limits.max // 2]
    x = np.array([*edges, *range(100)], dtype=dtype)
    for iters in (0, 1, 2, 50):
        np.testing.assert_array_equal(busy(x, iters), busy_work(x, iters))
        np.testing.assert_array_equal(busy(x, np.full(x.shape, iters, dtype=dtype)), busy_work(x, iters))


def test_plain_python_gives_the_same() -> None:
    values = [0, -1, 2**31 - 1, -(2**31), 2**32 - 1, 2**63 - 1, -(2**63), 5]
    for iters in (0, 1, 7):
        assert [int(busy(v, iters)) for v in values] == [plain(v, iters) for v in values]
    assert int(busy(2**64 - 1, 3)) == plain(2**64 - 1, 3)


def layouts() -> dict[str, np.ndarray[Any, Any]]:
    base = np.arange(-60, 60, dtype=np.int64)
    unaligned = np.frombuffer(b"x" + base.tobytes(), dtype=np.uint8)[1:].view(np.int64)
    readonly = base.copy()
    readonly.flags.writeable = False
    return {
        "contiguous": base,
        "every other": base[::2],
        "reversed": base[::-1],
        "unaligned": unaligned,
        "byte-swapped": base.astype(">i8"),
        "read-only": readonly,
        "two axes": base.reshape(10, 12),
        "transposed": base.reshape(10, 12).T,
        "sliced axes": base.reshape(10, 12)[::3, ::-2],
        "fortran": np.asfortranarray(base.reshape(10, 12)),
        "three axes": base.reshape(2, 5, 12)[:, ::2],
        "broadcast": np.broadcast_to(base[:12], (4, 12)),
        "empty": base[:0],
        "empty axes": base[:0].reshape(3, 0, 2),
        "one": base[:1],
        "field": np.array([(i, 0.5) for i in range(30)], dtype=[("a", "i4"), ("b", "f8")])["a"],
        "memory map": base.view(np.memmap),
    }


@pytest.mark.parametrize("name", layouts())
@pytest.mark.parametrize("path", ["seq_direct", "hybrid_fnptr_chunked", "auto"])
def test_layouts(name: str, path: str) -> None:
    x = layouts()[name]
    result = hr.map(busy, x, 9, path=path, chunk_size=7)
    assert type(result) is np.ndarray
    np.testing.assert_array_equal(result, busy_work(x, 9))


def test_broadcasting_and_scalars() -> None:
    x, iters = np.arange(5)[:, None], np.arange(4)
    np.testing.assert_array_equal(busy(x, iters), busy_work(x + 0 * iters, iters))
    np.testing.assert_array_equal(busy([1, 2, 3], [[4]]), busy_work(np.array([[1, 2, 3]]), 4))
    scalar = busy(5, 3)
    assert isinstance(scalar, np.int32)
    assert int(scalar) == plain(5, 3)
    zero_d = busy(np.array(5), np.int8(3))
    assert isinstance(zero_d, np.int32)
    assert zero_d == scalar


def test_out_takes_the_result() -> None:
    x = np.arange(100)
    expected = busy_work(x, 4)
    for out in (
        np.empty(100, np.int32),
        np.empty(200, np.int32)[::2],
        np.empty(100, np.int64),
        np.empty(100, ">i4"),
        np.empty(100, np.float64),
        np.empty((10, 10), np.int32).T.reshape(-1),
    ):
        assert hr.map(busy, x, 4, out=out) is out
        np.testing.assert_array_equal(out, expected)
    out = np.empty(100, np.int32)
    assert busy(x, 4, out=(out,)) is out
    two_d = np.empty((10, 10), np.int32, order="F")
    busy(x.reshape(10, 10), 4, out=two_d)
    np.testing.assert_array_equal(two_d, expected.reshape(10, 10))
    zero_d = np.empty((), np.int32)
    assert busy(5, 4, out=zero_d) is zero_d
    assert int(zero_d) == plain(5, 4)


@pytest.mark.parametrize("path", hr.PATHS)
def test_out_may_overlap_the_inputs(path: str) -> None:
    x = np.arange(4000, dtype=np.int32)
    expected = busy_work(x, 3)
    same = x.copy()
    np.testing.assert_array_equal(hr.map(busy, same, 3, out=same, path=path), expected)
    memory = np.arange(4001, dtype=np.int32)
    hr.map(busy, memory[:-1], 3, out=memory[1:], path=path)
    np.testing.assert_array_equal(memory[1:], expected)
    backwards = x.copy()
    hr.map(busy, backwards, 3, out=backwards[::-1], path=path)
    np.testing.assert_array_equal(backwards[::-1], expected)
    wide = np.arange(4000, dtype=np.int64)
    hr.map(busy, wide, 3, out=wide.view(np.int32)[:4000], path=path)
    np.testing.assert_array_equal(wide.view(np.int32)[:4000], expected)


@pytest.mark.parametrize(
    ("arrays", "error", "text"),
    [
        ((np.arange(3.0), 1), TypeError, r"arrays\[0\]: dtype float64 can't be cast safely"),
        ((np.arange(3), 1.5), TypeError, r"arrays\[1\]: 1.5 does not fit"),
        ((np.arange(3), np.array([1, 2])), ValueError, r"could not be broadcast together with shapes \(3,\) \(2,\)"),
        ((np.array([1, None], dtype=object), 1), TypeError, r"arrays\[0\]: dtype object"),
        ((np.arange(3) * 1j, 1), TypeError, r"arrays\[0\]: dtype complex128"),
        ((np.array(["a"]), 1), TypeError, r"arrays\[0\]: dtype <U1"),
        ((np.array(["2020-01-01"], dtype="M8[D]"), 1), TypeError, r"arrays\[0\]: dtype datetime64"),
        ((np.zeros(2, dtype=[("a", "i4")]), 1), TypeError, r"arrays\[0\]: dtype"),
        ((np.ma.masked_array([1, 2], [True, False]), 1), TypeError, r"arrays\[0\]: masked arrays"),
        (([[1, 2], [3]], 1), ValueError, r"arrays\[0\]: "),
        ((np.arange(3),), TypeError, r"arrays: busy_work takes 2 inputs, 1 given"),
        ((np.arange(3), 1, 2), TypeError, r"arrays: busy_work takes 2 inputs, 3 given"),
        ((), TypeError, r"arrays: busy_work takes 2 inputs, 0 given"),
        ((2**64, 1), OverflowError, r"arrays\[0\]: 18446744073709551616 does not fit"),
        (("abc", 1), TypeError, r"arrays\[0\]: dtype <U3"),
        ((None, 1), TypeError, r"arrays\[0\]: dtype object"),
    ],
)
@pytest.mark.parametrize("path", ["auto", "seq_direct"])
def test_bad_arrays(arrays: tuple[Any, ...], error: type[Exception], text: str, path: str) -> None:
    with pytest.raises(error, match=text):
        hr.map(busy, *arrays, path=path)


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"chunk_size": 0}, ValueError, "chunk_size: must be at least 1, got 0"),
        ({"chunk_size": -5}, ValueError, "chunk_size: must be at least 1, got -5"),
        ({"chunk_size": 1.5}, TypeError, "chunk_size: must be an integer, not float"),
        ({"chunk_size": "12"}, TypeError, "chunk_size: must be an integer, not str"),
        ({"chunk_size": True}, TypeError, "chunk_size: must be an integer, not bool"),
        ({"threads": 0}, ValueError, "threads: must be at least 1, got 0"),
        ({"threads": 2000}, ValueError, "threads: 2000 is not between 1 and 1024"),
        ({"threads": 2**80}, ValueError, "threads: .* is not between 1 and 1024"),
        ({"threads": "2"}, TypeError, "threads: must be an integer, not str"),
        ({"path": "fast"}, ValueError, "path: unknown path 'fast'; there are auto, seq_direct"),
        ({"path": 3}, TypeError, "path"),
        ({"engine": "vm"}, ValueError, "engine: 'vm'"),
        ({"engine": "turbo"}, ValueError, "engine: unknown engine 'turbo'"),
        ({"device": "cuda"}, hr.DeviceError, "device: 'cuda' is not available"),
        ({"device": "tpu"}, ValueError, "device: unknown device 'tpu'"),
        ({"timeout": -1}, ValueError, "timeout: must not be negative"),
        ({"timeout": float("nan")}, ValueError, "timeout: must be a number of seconds, got nan"),
        ({"timeout": "soon"}, TypeError, "timeout: must be a number of seconds"),
        ({"progress": 5}, TypeError, "progress: must be a bool or a callable, not int"),
        ({"out": [0, 0, 0]}, TypeError, "out: must be an ndarray, not list"),
        ({"out": np.empty(2, np.int32)}, ValueError, r"out: shape \(2,\), but the result has shape \(3,\)"),
        ({"out": np.empty(3, np.int8)[:, None]}, ValueError, "out: shape"),
        ({"out": np.empty(3, bool)}, TypeError, "out: dtype bool"),
        ({"out": np.broadcast_to(np.int32(0), (3,))}, ValueError, "out: the array is read-only"),
        ({"out": (np.empty(3, np.int32),) * 2}, ValueError, "out: the kernel has one result, 2 arrays given"),
        ({"flavour": 1}, TypeError, "flavour"),
    ],
)
def test_bad_options(options: dict[str, Any], error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        hr.map(busy, np.arange(3), 1, **options)


def test_bad_kernels() -> None:
    for thing in (None, 5, "busy_work", np.arange(3)):
        with pytest.raises(TypeError, match="kernel: must be a hybrid_rs.Kernel or a callable"):
            hr.map(thing, np.arange(3))


def test_huge_chunks_and_timeouts_are_fine() -> None:
    x = np.arange(2000)
    expected = busy_work(x, 2)
    for path in hr.PATHS:
        np.testing.assert_array_equal(hr.map(busy, x, 2, path=path, chunk_size=10**30), expected)
        np.testing.assert_array_equal(hr.map(busy, x, 2, path=path, timeout=float("inf")), expected)
        np.testing.assert_array_equal(hr.map(busy, x, 2, path=path, timeout=1e300), expected)


def test_aliases_name_the_same_paths() -> None:
    with hr.Runtime() as rt:
        for alias, name in [("auto", "hybrid_auto_chunked"), ("runtime_hybrid_dyn", "hybrid_dyn")]:
            rt.map(busy, np.arange(2000), 5, path=alias)
            assert rt.metrics()["last"]["path"] == name


def test_results_of_a_call_do_not_keep_references() -> None:
    x = np.arange(1000)
    before = sys.getrefcount(x)
    for path in hr.PATHS:
        hr.map(busy, x, 1, path=path)
        hr.map(lambda a: a, x, path=path)
    assert sys.getrefcount(x) == before


@pytest.mark.parametrize("path", hr.PATHS)
def test_out_of_another_dtype_keeps_what_was_not_computed(path: str) -> None:
    def refuse(v: int) -> int:
        if v == 777:
            raise ValueError(v)
        return v

    out = np.full(1000, 0.5)
    out[999] = np.nan
    with pytest.raises(hr.KernelFault):
        hr.dyn(refuse, "int32")(np.arange(1000), out=out, path=path, chunk_size=50)
    np.testing.assert_array_equal(out[:777], np.arange(777))
    assert all(value in (0.5, k) or np.isnan(value) for k, value in enumerate(out))
    assert out[777] == 0.5


def test_weak_numbers_are_rounded_once_whatever_the_layout() -> None:
    libm = ctypes.CDLL(ctypes.util.find_library("m"))
    largest = hr.foreign(libm.fmaxf, "float32(float32, float32)")
    value = 2**60 + 2**36 + 1
    for zeros in (np.zeros(2, "f4"), np.zeros((2, 2), "f4").T, np.zeros(2, ">f4")):
        # The nearest float32: 2**60 + 2**37 is 2**36 - 1 away, 2**60 is 2**36 + 1 away.
        assert set(largest(value, zeros).ravel().tolist()) == {float(2**60 + 2**37)}


def test_a_chunk_of_the_whole_batch_stays_vectorised_under_auto() -> None:
    x = np.arange(5000)
    with hr.Runtime() as rt:
        np.testing.assert_array_equal(rt.map(busy, x, 7, chunk_size=5000), busy_work(x, 7))
        assert rt.metrics()["last"]["chunk_size"] == 5000
        rt.map(busy, x, 7, chunk_size=5000, path="hybrid_fnptr_chunked")
        assert rt.metrics()["last"]["reason"].startswith("chunk size is the whole batch")


@hr.kernel
def doubled(x: Any) -> Any:
    return x * 2


@pytest.mark.parametrize("path", ["auto", *hr.PATHS])
@pytest.mark.parametrize("n", [1, 2, 64, 1000, 50_000])
@pytest.mark.parametrize("timeout", [0, 0.0, 1e-300])
def test_a_timeout_of_0_computes_nothing(path: str, n: int, timeout: float) -> None:
    calls: list[Any] = []

    def called(x: int) -> int:
        calls.append(x)
        return x

    for kernel in (doubled, hr.dyn(called, "int64")):
        for engine in ("auto", "reference") if kernel is doubled else ("auto",):
            out = np.full(n, -7)
            with pytest.raises(hr.Cancelled, match="timed out with 0 elements finished") as caught:
                hr.map(kernel, np.arange(n), path=path, engine=engine, timeout=timeout, out=out)
            assert caught.value.finished == []
            assert (out == -7).all()
            # There is nothing to stop.
            empty = hr.map(kernel, np.arange(0), path=path, engine=engine, timeout=timeout)
            assert empty.shape == (0,)
    assert calls == []
    with pytest.raises(hr.Cancelled):
        hr.map(busy, np.arange(n), 3, path=path, timeout=timeout, where=np.arange(n) == 0)
    assert not hr.map(busy, np.arange(n), 3, path=path, timeout=timeout, where=False).any()
