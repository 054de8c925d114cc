"""What is compiled when: once for each choice of types, again when what was captured changes, by one thread only."""

import math
import os
import threading
import types
from typing import Any

import numpy as np
import pytest

import hybrid_rs as hr
from hybrid_rs import _core, frontend

ENGINE = "vm" if hasattr(_core.Kernel, "vm") else "reference"
FACTOR: Any = 2.0
TABLE = np.arange(5.0)


def helper(x: float) -> float:
    return x + 1.0


@hr.kernel
def scaled(x: float) -> Any:
    return x * FACTOR


@hr.kernel
def helped(x: float) -> float:
    return helper(x) * math.tau


@hr.kernel
def looked_up(i: int) -> float:
    return TABLE[i]  # type: ignore[no-any-return, unused-ignore]


@pytest.fixture
def lowered(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the kernels that are lowered, in order."""
    names: list[str] = []
    original = frontend.lower

    def lower(source: Any, *args: Any, **options: Any) -> Any:
        names.append(source.name)
        return original(source, *args, **options)

    monkeypatch.setattr(frontend, "lower", lower)
    return names


def fresh() -> Any:
    @hr.kernel
    def double(x: float, n: int) -> float:
        return x * 2 + n

    return double


def test_once_for_each_choice_of_types(lowered: list[str]) -> None:
    double = fresh()
    x = np.arange(3.0)
    for _ in range(3):
        double(x, 1, engine=ENGINE)
        double(x[::-1], np.arange(3), engine=ENGINE)
        double(np.float64(2), 3, engine=ENGINE)
        double(x.reshape(3, 1), [1, 2], engine=ENGINE)
        double(x.astype(">f8"), 5, engine=ENGINE)
    assert len(lowered) == 2  # n weak, n int64
    double(x, 1.0, engine=ENGINE)
    double(x.astype("f4"), 1, engine=ENGINE)
    double(x, True, engine=ENGINE)
    double(x, 2**63, engine=ENGINE)
    assert len(lowered) == 6
    assert len(double.signatures) == 5


def test_other_values_of_globals(monkeypatch: pytest.MonkeyPatch, lowered: list[str]) -> None:
    x = np.arange(4.0)
    for value in (2.0, 3.0, -0.0, 0.0, 2.0, 3.0, 5):
        monkeypatch.setitem(globals(), "FACTOR", value)
        for _ in range(2):
            got = scaled(x, engine=ENGINE)
            np.testing.assert_array_equal(got, x * value)
            np.testing.assert_array_equal(np.signbit(got), np.signbit(x * value))
    assert len(lowered) == 5  # values that come back are still known
    monkeypatch.setitem(globals(), "FACTOR", float("5.25"))
    scaled(x, engine=ENGINE)
    monkeypatch.setitem(globals(), "FACTOR", float("5.25"))
    scaled(x, engine=ENGINE)
    assert len(lowered) == 6
    for value in range(100, 130):
        monkeypatch.setitem(globals(), "FACTOR", value)
        np.testing.assert_array_equal(scaled(x, engine=ENGINE), x * value)


def test_a_missing_name_is_an_error_until_it_is_there(monkeypatch: pytest.MonkeyPatch, lowered: list[str]) -> None:
    monkeypatch.delitem(globals(), "FACTOR")
    errors = []
    for _ in range(3):
        with pytest.raises(hr.CompileError) as caught:
            scaled(1, engine=ENGINE)
        errors.append(caught.value)
    assert len(lowered) == 3  # failures aren't kept: their causes may be anywhere
    assert len({id(error) for error in errors}) == 3
    assert len({(str(error), error.lineno, error.filename, error.text) for error in errors}) == 1
    monkeypatch.setitem(globals(), "FACTOR", 7)
    assert scaled(1, engine=ENGINE) == 7
    monkeypatch.setitem(globals(), "FACTOR", "text")
    for _ in range(2):
        with pytest.raises(hr.CompileError):
            scaled(1, engine=ENGINE)
    monkeypatch.setitem(globals(), "FACTOR", 7)
    assert scaled(1, engine=ENGINE) == 7


def test_failures_end_with_their_causes(monkeypatch: pytest.MonkeyPatch) -> None:
    module: Any = types.ModuleType("somewhere")
    module.inner = types.ModuleType("somewhere.inner")
    monkeypatch.setitem(globals(), "module", module)

    @hr.kernel
    def shifted(x: float) -> Any:
        return x + module.inner.SHIFT

    with pytest.raises(hr.CompileError):
        shifted(1.0, engine=ENGINE)
    module.inner.SHIFT = 2.0
    assert shifted(1.0, engine=ENGINE) == 3.0
    module.inner.SHIFT = "text"
    with pytest.raises(hr.CompileError):
        shifted(1.0, engine=ENGINE)
    module.inner.SHIFT = 4.0
    assert shifted(1.0, engine=ENGINE) == 5.0


@pytest.mark.parametrize("engine", ["reference", ENGINE])
def test_defaults_are_those_of_the_call(engine: str) -> None:
    @hr.kernel
    def shifted(x: float, by: float = 2.0) -> float:
        return x + by

    x = np.zeros(3)
    for _ in range(2):
        for defaults in ((2.0,), (5.0,), (7.0, 8.0), (np.ones(3),)):
            shifted.py_func.__defaults__ = defaults
            for _ in range(3):
                np.testing.assert_array_equal(shifted(x, engine=engine), x + defaults[-1])
                np.testing.assert_array_equal(shifted(x, 1.0, engine=engine), x + 1.0)
        shifted.py_func.__defaults__ = None
        with pytest.raises(TypeError, match="arrays: shifted takes 2 inputs, 1 given"):
            shifted(x, engine=engine)


def test_defaults_that_come_later() -> None:
    double = fresh()
    assert double(1.0, 3) == 5.0
    double.py_func.__defaults__ = (4,)
    assert [double(1.0), double(1.0), double(1.0, 0)] == [6.0, 6.0, 2.0]


def test_code_with_other_parameters_is_refused() -> None:
    @hr.kernel
    def one(x: float) -> float:
        return x

    @hr.kernel("float64(float64)")
    def told(x: float) -> float:
        return x

    for kernel in (one, told):
        assert kernel(1.0) == 1.0
        kernel.py_func.__code__ = fresh().py_func.__code__
        text = f"{kernel.name}: its code was replaced by one with 2 parameters in place of 1"
        for arguments in ((1.0,), (1.0, 2.0)):
            with pytest.raises(hr.CompileError, match=text):
                kernel(*arguments)
        with pytest.raises(hr.CompileError, match=text):
            kernel.inspect_ir("float32")


def test_masked_arrays_are_refused_where_they_are_captured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "TABLE", np.ma.masked_array(np.arange(5.0), [False, True, False, False, False]))
    kernel = hr.kernel(looked_up.py_func)
    for i in (1, np.arange(3)):
        with pytest.raises(TypeError, match="TABLE: masked arrays are not supported; fill it first"):
            kernel(i, engine=ENGINE)
    monkeypatch.setitem(globals(), "TABLE", np.arange(5.0))
    assert kernel(1, engine=ENGINE) == 1.0


def test_a_captured_array_of_other_axes_while_the_kernel_is_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "TABLE", np.arange(6.0))
    original = frontend.lower
    tables = [np.arange(6.0).reshape(2, 3), np.arange(6)]

    @hr.kernel
    def length() -> int:
        return len(TABLE)

    def lower(*args: Any, **options: Any) -> Any:
        typed = original(*args, **options)
        if tables:
            monkeypatch.setitem(globals(), "TABLE", tables.pop(0))
        return typed

    monkeypatch.setattr(frontend, "lower", lower)
    assert length(engine=ENGINE) == 6
    assert not tables


def test_an_argument_whose_shape_changes_while_the_kernel_is_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    original = frontend.lower
    table, x = np.arange(6.0), np.zeros(6, np.int64)

    @hr.kernel
    def at(i: int, table: Any) -> float:
        return table[i]  # type: ignore[no-any-return]

    def lower(*args: Any, **options: Any) -> Any:
        table.shape = x.shape = (2, 3)
        return original(*args, **options)

    monkeypatch.setattr(frontend, "lower", lower)
    assert at(x, table, engine=ENGINE).tolist() == [0.0] * 6


def test_other_helpers_and_their_globals(monkeypatch: pytest.MonkeyPatch) -> None:
    assert helped(1.0, engine=ENGINE) == 2.0 * math.tau

    def replaced(x: float) -> float:
        return x + FACTOR  # type: ignore[no-any-return]

    monkeypatch.setitem(globals(), "helper", replaced)
    assert helped(1.0, engine=ENGINE) == 3.0 * math.tau
    monkeypatch.setitem(globals(), "FACTOR", 9.0)
    assert helped(1.0, engine=ENGINE) == 10.0 * math.tau
    monkeypatch.setattr(math, "tau", 0.5)
    assert helped(1.0, engine=ENGINE) == 5.0

    def broken(x: float) -> Any:
        return {}

    monkeypatch.setitem(globals(), "helper", broken)
    with pytest.raises(hr.CompileError):
        helped(1.0, engine=ENGINE)
    broken.__code__ = replaced.__code__
    assert helped(1.0, engine=ENGINE) == 5.0


def test_closures() -> None:
    def make() -> Any:
        offset = 1

        @hr.kernel
        def shifted(x: float) -> float:
            return x + offset

        def move(value: Any) -> None:
            nonlocal offset
            offset = value

        return shifted, move

    shifted, move = make()
    assert shifted(1.0, engine=ENGINE) == 2.0
    move(5.5)
    assert shifted(1.0, engine=ENGINE) == 6.5
    other, _ = make()
    assert other(1.0, engine=ENGINE) == 2.0
    assert shifted(1.0, engine=ENGINE) == 6.5


def test_captured_arrays_are_those_of_the_call(monkeypatch: pytest.MonkeyPatch, lowered: list[str]) -> None:
    i = np.array([0, 2, -1])
    np.testing.assert_array_equal(looked_up(i, engine=ENGINE), TABLE[i])
    for table in (
        np.arange(9.0) * 3,
        np.arange(20.0)[::-2],
        np.arange(4.0).astype(">f8"),
        np.arange(4.0).view(np.memmap),
    ):
        monkeypatch.setitem(globals(), "TABLE", table)
        np.testing.assert_array_equal(looked_up(i, engine=ENGINE), np.asarray(table)[i])
    assert len(lowered) == 1
    table = np.arange(6.0)
    monkeypatch.setitem(globals(), "TABLE", table)
    assert looked_up(3, engine=ENGINE) == 3.0
    table[3] = 44
    assert looked_up(3, engine=ENGINE) == 44.0
    out = table
    assert looked_up(np.arange(6)[::-1], out=out, engine=ENGINE) is out
    np.testing.assert_array_equal(out, [5, 4, 44, 2, 1, 0])
    monkeypatch.setitem(globals(), "TABLE", np.arange(6))
    got = looked_up(i, engine=ENGINE)
    assert got.dtype == np.int64
    assert len(lowered) == 3  # i an array, i a number, and i an array with a table of integers
    with pytest.raises(hr.KernelFault, match=r"element 1, inputs \(6,\): IndexError"):
        looked_up([1, 6], engine=ENGINE)


def test_concurrent_first_calls_compile_once(lowered: list[str]) -> None:
    for _ in range(5):
        lowered.clear()
        double = fresh()
        barrier = threading.Barrier(8)
        results: list[Any] = []

        def call(double: Any, barrier: threading.Barrier, results: list[Any]) -> None:
            barrier.wait()
            results.append(double(np.arange(50.0), 3, engine=ENGINE))

        threads = [threading.Thread(target=call, args=(double, barrier, results)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert lowered == ["double"]
        assert len(results) == 8
        for result in results:
            np.testing.assert_array_equal(result, np.arange(50.0) * 2 + 3)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_child_forked_while_another_thread_compiles(monkeypatch: pytest.MonkeyPatch) -> None:
    double = fresh()
    original = frontend.lower
    begun, go_on = threading.Event(), threading.Event()
    main = threading.main_thread()

    def lower(*args: Any, **options: Any) -> Any:
        if threading.current_thread() is not main:
            begun.set()
            go_on.wait()
        return original(*args, **options)

    monkeypatch.setattr(frontend, "lower", lower)
    thread = threading.Thread(target=lambda: double(np.arange(3.0), 1, engine="reference"))
    thread.start()
    begun.wait()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            status = 0 if double(2.0, 1, engine="reference") == 5.0 else 2
        finally:
            os._exit(status)
    _, status = os.waitpid(child, 0)
    go_on.set()
    thread.join()
    assert os.waitstatus_to_exitcode(status) == 0


def test_kernels_are_freed_with_what_they_captured() -> None:
    import gc
    import weakref

    double = fresh()
    double(np.arange(3.0), 1, engine=ENGINE)
    dead = weakref.ref(double)
    del double
    gc.collect()
    assert dead() is None
