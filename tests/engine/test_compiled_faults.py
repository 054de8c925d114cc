"""Faults, stopping and progress of compiled kernels: the same on every engine and path."""

import linecache
import signal
import threading
import time
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hybrid_rs as hr

ENGINES = ["vm", "reference"]
TABLE = np.arange(10.0)


@hr.kernel
def guarded(kind: int, n: int) -> float:
    total = 0.0
    for i in range(n):
        total += i
    if kind == 1:
        raise ValueError("kind 1 is not known")
    if kind == 2:
        raise LookupError
    assert kind != 3, "kind 3 is a mistake"
    if kind == 4:
        return total // (n - n)
    if kind == 5:
        return TABLE[n + 10]  # type: ignore[no-any-return]
    if kind == 6:
        raise KeyError("six")
    return total + n % (kind - 7)


MESSAGES = {
    1: (ValueError, "ValueError: kind 1 is not known"),
    2: (LookupError, "LookupError"),
    3: (AssertionError, "AssertionError: kind 3 is a mistake"),
    5: (IndexError, "IndexError: "),
    6: (KeyError, "KeyError: six"),
    7: (ZeroDivisionError, "ZeroDivisionError: integer "),
}


@hr.kernel
def spin(n: int) -> int:
    total = 0
    for i in range(n):
        total = (total + i) ^ n
    return total


@settings(max_examples=40)
@given(
    n=st.integers(1, 600),
    hits=st.lists(st.tuples(st.integers(0, 10**6), st.sampled_from(list(MESSAGES))), min_size=1, max_size=5),
    path=st.sampled_from(hr.PATHS),
    chunk=st.integers(1, 200),
    engine=st.sampled_from(ENGINES),
    axes=st.booleans(),
)
def test_the_lowest_fault(n: int, hits: Any, path: str, chunk: int, engine: str, axes: bool) -> None:
    kind, count = np.zeros(2 * n, np.int64), np.arange(2 * n) % 13
    for place, which in hits:
        kind[place % (2 * n)] = which
    lowest = int(np.flatnonzero(kind)[0])
    shape = (2, n) if axes else (2 * n,)
    out = np.full(shape, -1.0)
    with pytest.raises(hr.KernelFault) as caught:
        hr.map(guarded, kind.reshape(shape), count.reshape(shape), path=path, chunk_size=chunk, engine=engine, out=out)
    fault = caught.value
    index = tuple(int(k) for k in np.unravel_index(lowest, shape)) if axes else lowest
    error, text = MESSAGES[int(kind[lowest])]
    assert fault.index == index
    assert fault.inputs == (kind[lowest], count[lowest])
    assert str(fault).startswith(f"element {index}, inputs ({kind[lowest]}, {count[lowest]}): {text}")
    assert f" ({__file__.rsplit('/', 1)[-1]}, line " in str(fault)
    assert type(fault.cause) is error
    assert fault.__cause__ is fault.cause
    wanted = [sum(range(int(k))) + int(k) % -7 for k in count]
    np.testing.assert_array_equal(out.ravel()[:lowest], wanted[:lowest])
    assert out.ravel()[lowest] == -1
    result, ok = hr.map(guarded, kind, count, path=path, chunk_size=chunk, engine=engine, on_fault="mask")
    np.testing.assert_array_equal(ok, kind == 0)
    np.testing.assert_array_equal(result, np.where(ok, wanted, 0))


@pytest.mark.parametrize("engine", ENGINES)
def test_causes_are_what_plain_python_raises(engine: str) -> None:
    for kind in MESSAGES:
        with pytest.raises(hr.KernelFault) as caught:
            guarded(kind, 5, engine=engine)
        with pytest.raises(MESSAGES[kind][0]) as plain:
            guarded.py_func(kind, 5)
        assert type(caught.value.cause) is type(plain.value)
        # Other texts are the interpreter's and NumPy's, or pytest's, which rewrites assert statements.
        if kind in (1, 2, 6):
            assert caught.value.cause is not None
            assert caught.value.cause.args == plain.value.args
    assert np.isnan(guarded(4, 3, engine=engine)) or np.isinf(guarded(4, 3, engine=engine))


@pytest.mark.parametrize("engine", ENGINES)
def test_names_that_utf_8_does_not_have(engine: str) -> None:
    source = "def odd(x):\n    if x > 1:\n        raise ValueError('\xe9')\n    return x\n"
    # As Python decodes a file name of other bytes.
    linecache.cache["odd\udce9.py"] = (len(source), None, source.splitlines(True), "odd\udce9.py")
    scope: dict[str, Any] = {}
    exec(compile(source, "odd\udce9.py", "exec"), scope)
    odd = scope["odd"]
    with pytest.raises(hr.KernelFault, match=r"ValueError: \xe9 \(odd\?.py, line 3\)") as caught:
        hr.kernel(odd)(np.arange(3), engine=engine)
    assert caught.value.index == 2
    odd.__name__ = "odd\ud800"
    assert hr.kernel(odd)(1, engine=engine) == hr.map(odd, 1) == 1


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("path", hr.PATHS)
def test_timeouts_tell_what_is_finished(engine: str, path: str) -> None:
    n = np.full(4000, 400_000 if engine == "vm" else 4_000)
    n[:20] = 5
    out = np.full(4000, -1)
    with pytest.raises(hr.Cancelled) as caught:
        hr.map(spin, n, engine=engine, path=path, timeout=0.2, out=out, chunk_size=20)
    done = np.zeros(4000, bool)
    for begin, end in caught.value.finished:
        done[begin:end] = True
    assert not done.all()
    assert (out[done] == spin(n, out=np.empty(4000, np.int64), where=done)[done]).all()
    with pytest.raises(hr.Cancelled):
        hr.map(spin, n, engine=engine, path=path, timeout=0)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("path", ["seq_direct", "runtime_seq", "auto"])
def test_one_endless_element_can_be_stopped(engine: str, path: str) -> None:
    @hr.kernel
    def endless(x: float) -> float:
        while x > 0.0:
            x = x + 1.0
        return x

    with pytest.raises(hr.Cancelled):
        hr.map(endless, 1.0, engine=engine, path=path, timeout=0.1)
    timer = threading.Timer(0.1, lambda: signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT))
    timer.start()
    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt) as caught:
        hr.map(endless, np.ones(3), engine=engine, path=path)
    assert getattr(caught.value, "finished", None) == []
    assert time.monotonic() - start < 60
    timer.join()


@pytest.mark.parametrize("engine", ENGINES)
def test_progress_and_its_errors(engine: str) -> None:
    told: list[tuple[int, int]] = []
    n = np.full(3000, 20)
    hr.map(spin, n, engine=engine, progress=lambda *both: told.append(both))
    assert told[-1] == (3000, 3000)
    assert [done for done, _ in told] == sorted(done for done, _ in told)

    class StopError(Exception):
        pass

    def stop(done: int, total: int) -> None:
        raise StopError

    with pytest.raises(StopError):
        hr.map(spin, np.full(3000, 2_000_000 if engine == "vm" else 4000), engine=engine, progress=stop)


@pytest.mark.parametrize("engine", ENGINES)
def test_options_are_checked_on_every_engine(engine: str) -> None:
    for options, error, text in (
        ({"path": "fast"}, ValueError, "path: unknown path 'fast'"),
        ({"chunk_size": 0}, ValueError, "chunk_size: must be at least 1"),
        ({"threads": 2000}, ValueError, "threads: 2000 is not between"),
        ({"timeout": -1}, ValueError, "timeout: must not be negative"),
        ({"max_steps": 0}, ValueError, "max_steps: must be at least 1"),
        ({"out": np.empty(4)}, ValueError, "out: shape"),
        ({"out": np.empty(3, bool)}, TypeError, "out: dtype bool"),
    ):
        with pytest.raises(error, match=text):
            spin(np.arange(3), engine=engine, **options)
    with hr.Runtime() as rt:
        rt.close()
        with pytest.raises(RuntimeError, match="closed"):
            rt.map(spin, np.arange(3), engine=engine)


def test_pandas_series_stay_series() -> None:
    pandas = pytest.importorskip("pandas")

    @hr.kernel
    def both(x: float, y: float) -> tuple[float, float]:
        return x + y, x - y

    series = pandas.Series([1.0, 2.0], index=["a", "b"])
    first, second = both(series, 1)
    assert first.to_dict() == {"a": 2.0, "b": 3.0}
    assert second.to_dict() == {"a": 0.0, "b": 1.0}
