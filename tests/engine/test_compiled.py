"""Kernels of the user's own: the decorator, what it refuses, what calls of them take and give."""

import copy
import inspect
import math
import pickle
from typing import Any

import numpy as np
import pytest

import hybrid_rs as hr
from hybrid_rs import _core

ENGINES = [
    "reference",
    pytest.param("vm", marks=pytest.mark.skipif(not hasattr(_core.Kernel, "vm"), reason="built without the VM")),
]
needs_vm = pytest.mark.skipif(not hasattr(_core.Kernel, "vm"), reason="built without the VM")


@hr.kernel
def power_sum(x: float, y: float, n: int = 3) -> float:
    """Sum of x * y ** i."""
    total = x
    for _ in range(n):
        total = total * y + x
    return total


@hr.kernel
def split(a: int, b: int) -> tuple[int, int]:
    return a // b, a % b


@hr.kernel
def lookup(i: int, table: Any, scale: float) -> float:
    value: float = table[i] * scale
    return value


@hr.kernel("float64(float64, int64)", "float32(float32, int32)")
def declared(x: float, n: int) -> float:
    return x * n


def plain_power_sum(x: Any, y: Any, n: int = 3) -> Any:
    total = x
    for _ in range(n):
        total = total * y + x
    return total


# The decorator.


def test_metadata() -> None:
    assert power_sum.__name__ == power_sum.name == "power_sum"
    assert power_sum.__qualname__ == "power_sum"
    assert power_sum.__module__ == __name__
    assert power_sum.__doc__ == "Sum of x * y ** i."
    assert power_sum.__wrapped__ is power_sum.py_func
    assert power_sum.py_func(1.0, 2.0) == plain_power_sum(1.0, 2.0)
    assert list(inspect.signature(power_sum).parameters) == ["x", "y", "n"]
    assert isinstance(power_sum, hr.Kernel)
    assert (power_sum.nin, power_sum.nout, split.nout, lookup.nin) == (3, 1, 2, 3)


@pytest.mark.parametrize(
    ("thing", "text"),
    [
        (int, "not of the class int"),
        (len, "not of the built-in function len, whose source is not Python"),
        (power_sum, "not of a kernel already: power_sum"),
        ([].append, "not of the built-in function append"),
        (hr.kernels.busy_work, "not of a Kernel"),
        (staticmethod(math.sin), "not of a staticmethod; put the kernel decorator below it"),
        (5, "not of a int"),
        (None, "not of a NoneType"),
    ],
)
def test_only_functions_become_kernels(thing: Any, text: str) -> None:
    with pytest.raises(TypeError, match=text):
        hr.kernel(thing)
    with pytest.raises(TypeError, match=text):
        hr.kernel()(thing)


def test_bound_methods_generators_and_coroutines_are_refused() -> None:
    class Holder:
        def method(self, x: float) -> float:
            return x

    with pytest.raises(TypeError, match="not of the bound method .*Holder.method"):
        hr.kernel(Holder().method)

    def generator(x: float) -> Any:
        yield x

    async def coroutine(x: float) -> float:
        return x

    for function, what in ((generator, r"a generator \(yield\)"), (coroutine, "an async function")):
        with pytest.raises(hr.CompileError, match=f"unsupported: {what} as a kernel") as caught:
            hr.kernel(function)
        assert caught.value.filename == __file__
        assert caught.value.lineno == function.__code__.co_firstlineno


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "expected"),
        ("float64", "expected"),
        ("float64(float64", "expected"),
        ("(float64, float64)", "the result's type is missing"),
        ("float64(float64, complex128)", "unknown type 'complex128'; there are bool, int8"),
        ("float64(float64, quux)", "unknown type 'quux'"),
        ("float64(float64 float64)", "expected a comma at 'float64'"),
        ("float64(float64, )", "expected a type at 'the end'"),
        ("float64(float64, 3)", "expected a type at '3'"),
        ("float64(float64[], float64)", "expected a comma"),
        ("float64[:](float64, float64)", "a result can't be a table"),
        ("float64(float64)", "1 types, but f has 2 parameters"),
    ],
)
def test_wrong_signatures_are_named(text: str, why: str) -> None:
    def f(x: float, y: float) -> float:
        return x + y

    with pytest.raises(ValueError, match="signature") as caught:
        hr.kernel(text)(f)
    assert repr(text) in str(caught.value)
    assert why in str(caught.value)


def test_wrong_options_of_the_decorator() -> None:
    with pytest.raises(ValueError, match="fastmath: is not available in this version"):
        hr.kernel(fastmath=True)
    with pytest.raises(ValueError, match="overflow: must be 'wrap' or 'raise', not 'saturate'"):
        hr.kernel(overflow="saturate")  # type: ignore[call-overload]
    with pytest.raises(TypeError, match="signature: must be a str, not int"):
        hr.kernel("float64(float64)", [3])  # type: ignore[list-item]
    with pytest.raises(TypeError, match="speed"):
        hr.kernel(speed="high")  # type: ignore[call-overload]


def test_kernels_are_pickled_by_name_and_copied_as_themselves() -> None:
    assert pickle.loads(pickle.dumps(power_sum)) is power_sum
    assert copy.copy(power_sum) is power_sum
    assert copy.deepcopy({"k": power_sum})["k"] is power_sum

    @hr.kernel
    def local(x: float) -> float:
        return x

    with pytest.raises(TypeError, match="local: a kernel is pickled by its name, but .*<locals>.local is not this"):
        pickle.dumps(local)
    assert len({power_sum, power_sum, local}) == 2
    assert power_sum != local


def test_a_kernel_in_a_class_is_not_a_method() -> None:
    class Model:
        step = power_sum

    assert Model().step is power_sum
    assert Model.step is power_sum


def test_errors_in_declared_signatures_come_at_once() -> None:
    def join(x: float) -> Any:
        return "a"

    with pytest.raises(hr.CompileError):
        hr.kernel("float64(float64)")(join)

    def narrow(x: float) -> float:
        return x

    with pytest.raises(hr.CompileError):
        hr.kernel("int32(float64)")(narrow)


# Values.


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("path", hr.PATHS)
def test_paths_and_engines(engine: str, path: str) -> None:
    rng = np.random.default_rng(1)
    x, y = rng.random(400), rng.random(400)
    got = hr.map(power_sum, x, y, 5, engine=engine, path=path, chunk_size=70)
    np.testing.assert_array_equal(got, plain_power_sum(x, y, 5))
    a, b = rng.integers(-99, 99, (20, 1)), rng.integers(1, 9, 20)
    got = hr.map(split, a, b, engine=engine, path=path, chunk_size=30)
    assert type(got) is tuple
    for one, wanted in zip(got, np.divmod(a, b), strict=True):
        assert one.dtype == np.int64
        np.testing.assert_array_equal(one, wanted)
    table = rng.random(100)
    got = hr.map(lookup, a, table, 2.0, engine=engine, path=path)
    np.testing.assert_array_equal(got, table[a] * 2.0)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    "dtype", ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "f4", "f8"]
)
def test_weak_numbers_take_the_arrays_type(engine: str, dtype: str) -> None:
    x = np.arange(1, 6).astype(dtype)
    got = power_sum(x, 2, 2, engine=engine)
    assert got.dtype == x.dtype
    np.testing.assert_array_equal(got, plain_power_sum(x, 2, 2))
    got = power_sum(x, np.int64(2) if x.dtype.kind != "u" else np.uint64(2), 2, engine=engine)
    assert got.dtype == np.result_type(x, np.int64 if x.dtype.kind != "u" else np.uint64)


@pytest.mark.parametrize("engine", ENGINES)
def test_scalars_and_defaults(engine: str) -> None:
    got = power_sum(1.5, 2, engine=engine)
    assert type(got) is np.float64
    assert got == plain_power_sum(1.5, 2)
    assert type(power_sum(3, 2, engine=engine)) is np.int64
    assert power_sum(np.float32(3), 2, 1, engine=engine).dtype == np.float32
    assert power_sum([1, 2], [[0.5]], engine=engine).tolist() == [[plain_power_sum(v, 0.5) for v in (1, 2)]]
    assert power_sum(np.zeros(0), 1.0, engine=engine).shape == (0,)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ((1.0,), TypeError, "arrays: power_sum takes 2 to 3 inputs, 1 given; they are x, y, n"),
        ((1.0, 2.0, 3, 4), TypeError, "arrays: power_sum takes 2 to 3 inputs, 4 given"),
        (
            (np.ones(2, "f2"), 1.0),
            TypeError,
            r"x \(arrays\[0\]\): dtype float16 is not supported.*a.astype\('float32'\)",
        ),
        (
            (1.0, np.ones(2, complex)),
            TypeError,
            r"y \(arrays\[1\]\): dtype complex128 is not supported; kernels take bool",
        ),
        ((1.0, np.array(["2020"], "M8[Y]")), TypeError, r"y \(arrays\[1\]\): dtype datetime64\[Y\] is not supported"),
        ((1.0, np.zeros(2, [("a", "i4")])), TypeError, r"y \(arrays\[1\]\): dtype \[\('a', '<i4'\)\] is not supported"),
        ((1.0, None), TypeError, r"y \(arrays\[1\]\): dtype object is not supported.*; None is no number"),
        (
            (1.0, np.array([1, None])),
            TypeError,
            r"dtype object is not supported.*; convert it first: a.astype\('float64",
        ),
        ((1.0, {1: 2}), TypeError, r"dtype object is not supported.*; {1: 2} is no number"),
        ((1.0, 1j), TypeError, r"dtype complex128 is not supported.*; give the real and the imaginary part: a.real, a"),
        ((1.0, "abc"), TypeError, r"y \(arrays\[1\]\): dtype <U3 is not supported.*; give modes as numbers"),
        ((1.0, np.longdouble(1)), TypeError, r"y \(arrays\[1\]\): dtype float128 is not supported"),
        ((1.0, [[1], [2, 3]]), ValueError, r"y \(arrays\[1\]\): "),
        ((np.ma.masked_array([1.0]), 1.0), TypeError, r"x \(arrays\[0\]\): masked arrays are not supported"),
        ((2**64, 1.0), OverflowError, r"x \(arrays\[0\]\): 18446744073709551616 does not fit int64 or uint64"),
        ((-(10**5000), 1.0), OverflowError, r"x \(arrays\[0\]\): an integer of \d+ bits does not fit int64 or uint64"),
        ((np.ones(3, "i1"), 300), OverflowError, r"y \(arrays\[1\]\): 300 does not fit int8"),
        ((np.ones(3, "u4"), -1), OverflowError, r"y \(arrays\[1\]\): -1 does not fit uint32"),
        (
            (np.ones(3, "i4"), 2**63),
            OverflowError,
            r"y \(arrays\[1\]\): 9223372036854775808 does not fit int64, and power_sum",
        ),
        ((np.ones(3), np.ones(2)), ValueError, r"could not be broadcast together with shapes \(3,\) \(2,\)"),
    ],
)
def test_what_calls_refuse(engine: str, arguments: tuple[Any, ...], error: type[Exception], text: str) -> None:
    for _ in range(2):
        with pytest.raises(error, match=text):
            power_sum(*arguments, engine=engine)


@pytest.mark.parametrize("engine", ENGINES)
def test_weak_floats_beyond_float32_become_inf(engine: str) -> None:
    for value, wanted in ((1e300, math.inf), (-1e300, -math.inf), (1e-300, 0.0), (0.1, float(np.float32(0.1)))):
        got = power_sum(np.zeros(2, "f4"), value, 0, engine=engine)
        assert got.dtype == np.float32
        scaled = lookup(0, np.ones(1, "f4"), value, engine=engine)
        assert scaled.dtype == np.float32
        assert scaled == wanted


@pytest.mark.parametrize("engine", ENGINES)
def test_declared_signatures(engine: str) -> None:
    assert declared.signatures == ["float64(float64, int64)", "float32(float32, int32)"]
    assert declared.types == ["d" + np.dtype(np.int64).char + "->d", "f" + np.dtype(np.int32).char + "->f"]
    cases: list[tuple[Any, Any, str]] = [
        (np.ones(3), 2, "float64"),
        (np.ones(3, "f4"), np.ones(3, "i4"), "float64"),  # the first signature that takes it
        (np.ones(3, "f4")[::-1], 2, "float64"),
        (2, 2, "float64"),
        (np.float32(2), np.int8(3), "float64"),
        ([1, 2.5], True, "float64"),
    ]
    for x, n, name in cases:
        got = declared(x, n, engine=engine)
        assert got.dtype == name
        np.testing.assert_array_equal(got, np.asarray(x) * n)
    for arguments, error, text in (
        (
            (np.ones(3), 2.5),
            TypeError,
            r"n \(arrays\[1\]\): 2.5 does not fit: it is a float; declared takes integers there",
        ),
        (
            (np.ones(3), np.ones(3)),
            TypeError,
            r"n \(arrays\[1\]\): dtype float64 can't be cast safely to int32 or int64",
        ),
        ((np.ones(3), 2**63), OverflowError, r"n \(arrays\[1\]\): 9223372036854775808 does not fit int32 or int64"),
        ((1.0,), TypeError, "arrays: declared takes 2 inputs, 1 given"),
    ):
        with pytest.raises(error, match=text):
            declared(*arguments, engine=engine)


@needs_vm
def test_narrow_signatures_first() -> None:
    @hr.kernel(["float32(float32, float32)", "float64(float64, float64)"])
    def product(x: float, y: float) -> float:
        return x * y

    for layout in (lambda a: a, lambda a: np.repeat(a, 2)[::2], lambda a: a.astype(a.dtype.newbyteorder())):
        assert product(layout(np.ones(3, "f4")), 2).dtype == np.float32
        assert product(layout(np.ones(3, "f4")), 1e300).dtype == np.float64
        assert product(layout(np.ones(3, "f8")), 2).dtype == np.float64
        assert product(layout(np.ones(3, "i2")), 2).dtype == np.float32
        assert product(layout(np.ones(3, "i8")), 2).dtype == np.float64


@pytest.mark.parametrize("engine", ENGINES)
def test_tables_that_are_refused(engine: str) -> None:
    assert lookup(0, [5, 6], 2.0, engine=engine) == 10.0
    with pytest.raises(ValueError, match=r"table \(arrays\[1\]\): setting an array element with a sequence"):
        lookup(0, [[1], [2, 3]], 2.0, engine=engine)
    for masked in (np.ma.masked_array([1.0, 2.0], [False, True]), np.ma.masked_array([1.0])):
        with pytest.raises(TypeError, match=r"table \(arrays\[1\]\): masked arrays are not supported; fill it first"):
            lookup(0, masked, 2.0, engine=engine)


def test_more_axes_than_numpy_broadcasts() -> None:
    most = 64 if int(np.__version__.split(".", 1)[0]) >= 2 else 32
    deep = np.ones((1,) * most)
    assert power_sum(deep, 1.0).shape == deep.shape
    if most > 32:
        for options in ({}, {"where": np.ones(2, bool)}):
            with pytest.raises(ValueError, match="arrays: operands of 64 axes can't be broadcast"):
                power_sum(deep, np.ones(2), **options)
        with pytest.raises(ValueError, match="where: "):
            power_sum(1.0, 1.0, where=deep > 0)


def test_inputs_are_given_by_position() -> None:
    text = "power_sum: unknown keyword argument 'y'; inputs are given by position"
    with pytest.raises(TypeError, match=text):
        power_sum(1.0, y=2.0)
    with pytest.raises(TypeError, match="busy_work: unknown keyword argument 'kernel'"):
        hr.kernels.busy_work(1, 2, kernel=3)


def test_tables_and_their_axes() -> None:
    @hr.kernel
    def nearest(image: Any, i: int, row: Any) -> float:
        return image[i, i] + row[i]  # type: ignore[no-any-return]

    @hr.kernel("float64(int64, float64[:, :, :])")
    def told(i: int, cube: Any) -> float:
        return cube[i, i, i]  # type: ignore[no-any-return]

    assert nearest.tables == {"image": 2, "row": 1}
    assert (told.tables, lookup.tables, power_sum.tables) == ({"cube": 3}, {"table": 1}, {})
    with pytest.raises(AttributeError):
        nearest.tables = {}  # type: ignore[misc]


def test_inspect_ir() -> None:
    @hr.kernel
    def twice(x: float) -> float:
        return x * 2

    with pytest.raises(ValueError, match=r"not been compiled for any types yet; call it first, .*\('float64'\)"):
        twice.inspect_ir()
    with pytest.raises(ValueError, match=r"inspect_ir\('float64, float64\[:\], float64'\)"):
        hr.kernel(lookup.py_func).inspect_ir()
    text = twice.inspect_ir("float32")
    assert "twice" in text
    assert "float32" in text
    assert twice.inspect_ir((np.int8,)) != text
    assert text in twice.inspect_ir()
    assert twice.signatures == ["float32(float32)", "int8(int8)"]
    assert twice.types == ["f->f", "b->b"]
    for wrong in ("float32, float32", "complex64", ("spam",), (3,)):
        with pytest.raises(ValueError, match=r"types|signature"):
            twice.inspect_ir(wrong)
    assert lookup.inspect_ir("int64, float32[:], float64")


@pytest.mark.parametrize("engine", ENGINES)
def test_where_masks_and_out(engine: str) -> None:
    a, b = np.arange(-20, 20), np.arange(40) % 5
    (first, _), ok = split(a, b, engine=engine, on_fault="mask")
    np.testing.assert_array_equal(ok, b != 0)
    np.testing.assert_array_equal(first, np.where(ok, a // np.where(ok, b, 1), 0))
    outs = np.full(40, -5), np.full(40, -5.0)
    got = split(a, b, engine=engine, where=b != 0, out=outs)
    assert got[0] is outs[0]
    assert got[1] is outs[1]
    np.testing.assert_array_equal(outs[1], np.where(ok, a % np.where(ok, b, 1), -5))
    with pytest.raises(hr.KernelFault) as caught:
        split(a.reshape(8, 5), b.reshape(8, 5), engine=engine, where=a.reshape(8, 5) > -13)
    assert caught.value.index == (2, 0)
    assert caught.value.inputs == (-10, 0)
    line = split.py_func.__code__.co_firstlineno + 2
    text = f"ZeroDivisionError: integer division or modulo by zero (test_compiled.py, line {line})"
    assert str(caught.value) == f"element (2, 0), inputs (-10, 0): {text}"
    assert type(caught.value.cause) is ZeroDivisionError


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("path", hr.PATHS)
def test_max_steps(engine: str, path: str) -> None:
    n = np.array([3, 10, 0, 11, 2])
    x = np.ones(5)

    @hr.kernel
    def count(x: float, n: int) -> float:
        total = x
        while n > 0:
            total = total + 1.0
            n = n - 1
        return total

    np.testing.assert_array_equal(hr.map(count, x, n, engine=engine, path=path, max_steps=11), n + 1.0)
    with pytest.raises(hr.KernelFault, match=r"RuntimeError: more steps than max_steps allows") as caught:
        hr.map(count, x, n, engine=engine, path=path, max_steps=9)
    assert caught.value.index == 1
    assert caught.value.inputs == (1.0, 10)
    result, ok = hr.map(count, x, n, engine=engine, path=path, max_steps=9, on_fault="mask")
    assert ok.tolist() == [True, False, True, False, True]
    assert result.tolist() == [4.0, 0.0, 1.0, 0.0, 3.0]
