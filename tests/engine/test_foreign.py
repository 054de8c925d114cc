"""Foreign kernels: what may stand for a C function, and that calling it gives what calling it from Python gives."""

from __future__ import annotations

import ctypes
import ctypes.util
import math
import re
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import hybrid_rs as hr
from hybrid_rs.interop.foreign import resolve

if TYPE_CHECKING:
    from collections.abc import Callable

PATHS = (
    "seq_direct",
    "runtime_seq",
    "hybrid_dyn",
    "hybrid_fnptr",
    "hybrid_dyn_chunked",
    "hybrid_fnptr_chunked",
    "hybrid_auto_chunked",
)
LIBM = ctypes.util.find_library("m") or "libm.so.6"
LIBC = ctypes.util.find_library("c") or "libc.so.6"
C_TYPES: dict[str, Any] = {
    "int32": ctypes.c_int32,
    "int64": ctypes.c_int64,
    "uint32": ctypes.c_uint32,
    "uint64": ctypes.c_uint64,
    "float32": ctypes.c_float,
    "float64": ctypes.c_double,
}


def libm(name: str, signature: str = "") -> Any:
    """A fresh ctypes function, its types declared where a signature is given."""
    function = ctypes.CDLL(LIBM)[name]
    if signature:
        result, *arguments = re.findall(r"\w+", signature)
        function.restype, function.argtypes = C_TYPES[result], [C_TYPES[argument] for argument in arguments]
    return function


def address_of(function: Any) -> int:
    return ctypes.cast(function, ctypes.c_void_p).value or 0


def capsule(address: int, name: bytes | None, keep: list[object]) -> object:
    """A PyCapsule; its name, which it does not copy, is put into ``keep``."""
    new = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p)(
        ("PyCapsule_New", ctypes.pythonapi)
    )
    keep.append(name)
    made: object = new(address, name, None)
    return made


def edges(dtype: str) -> np.ndarray[Any, Any]:
    if dtype.startswith("float"):
        limits = np.finfo(dtype)
        values = [0.1, -0.0, float(limits.max), float(limits.smallest_subnormal), -math.inf, math.nan, -1.5]
    else:
        low, high = int(np.iinfo(dtype).min), int(np.iinfo(dtype).max)
        values = [0, 1, low, high, low + 1, high - 1, high // 3]
    return np.array(values, dtype)


@pytest.mark.parametrize(("name", "oracle"), [("sqrt", math.sqrt), ("cbrt", math.cbrt), ("atan", math.atan)])
def test_libm_of_one_argument(name: str, oracle: Callable[[float], float]) -> None:
    x = np.linspace(0.0, 1e6, 5_001)
    got = hr.map(hr.foreign(libm(name), "float64(float64)"), x)
    assert got.dtype == np.float64
    assert got.tolist() == [oracle(value) for value in x.tolist()]


def test_libm_of_two_arguments() -> None:
    x, y = np.linspace(0.01, 30.0, 3_000), np.linspace(-5.0, 5.0, 3_000)
    got = hr.map(hr.foreign(libm("pow"), "f64(f64, f64)"), x, y)
    assert got.tolist() == [math.pow(a, b) for a, b in zip(x.tolist(), y.tolist(), strict=True)]


def test_libm_of_three_arguments() -> None:
    rng = np.random.default_rng(7)
    a, b, c = rng.normal(size=(3, 1_000))
    got = hr.map(hr.foreign(libm("fma"), "f64(f64, f64, f64)"), a, b, c)
    exact = [float(Fraction(p) * Fraction(q) + Fraction(r)) for p, q, r in zip(a, b, c, strict=True)]
    assert got.tolist() == exact


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("chunk_size", [None, 7])
@pytest.mark.parametrize("n", [0, 1, 1_501])
def test_all_paths_agree(path: str, chunk_size: int | None, n: int) -> None:
    x = np.linspace(0.0, 9.0, n)
    options: dict[str, Any] = {} if chunk_size is None else {"chunk_size": chunk_size}
    one = hr.map(hr.foreign(libm("sqrt"), "float64(float64)"), x, path=path, **options)
    three = hr.map(hr.foreign(libm("fma"), "float64(float64, float64, float64)"), x, x, x, path=path, **options)
    assert one.tolist() == [math.sqrt(value) for value in x.tolist()]
    assert three.tolist() == [float(Fraction(value) * Fraction(value) + Fraction(value)) for value in x.tolist()]


@pytest.mark.parametrize("arity", [1, 2, 3, 8])
@pytest.mark.parametrize("dtype", C_TYPES)
def test_values_arrive_and_return_whole(dtype: str, arity: int) -> None:
    """The last argument comes back; in eight integers it has come over the stack."""
    kind = C_TYPES[dtype]
    callback = ctypes.CFUNCTYPE(kind, *[kind] * arity)(lambda *arguments: arguments[-1])
    values = edges(dtype)
    got = hr.map(hr.foreign(callback), *[np.zeros_like(values)] * (arity - 1), values)
    assert got.dtype == values.dtype
    assert got.tobytes() == values.tobytes()


@pytest.mark.parametrize("path", PATHS)
def test_eight_mixed_arguments(path: str) -> None:
    dtypes = ["int32", "float64", "int64", "float32", "uint64", "uint32", "float64", "int32"]
    seen: list[tuple[float, ...]] = []

    def record(*arguments: float) -> int:
        seen.append(arguments)
        return int(arguments[0]) - int(arguments[-1])

    callback = ctypes.CFUNCTYPE(ctypes.c_int64, *[C_TYPES[dtype] for dtype in dtypes])(record)
    arrays = [np.arange(20).astype(dtype) * (k + 1) + k for k, dtype in enumerate(dtypes)]
    got = hr.map(hr.foreign(callback), *arrays, path=path)
    assert got.tolist() == [int(a) - int(b) for a, b in zip(arrays[0], arrays[-1], strict=True)]
    assert sorted(seen) == list(zip(*(array.tolist() for array in arrays), strict=True))


def test_each_element_is_called_once_on_layouts_of_all_kinds() -> None:
    calls: list[int] = []

    def count(x: int) -> int:
        calls.append(x)
        return x * 2

    kernel = hr.foreign(ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64)(count))
    x = np.arange(1_200, dtype=np.int64).reshape(30, 40)
    for array in (x, x.T, x[::-1, ::3], x.astype(">i8"), x[:, 0], np.int64(21)):
        calls.clear()
        assert np.array_equal(hr.map(kernel, array), np.asarray(array) * 2)
        assert sorted(calls) == sorted(np.asarray(array).ravel().tolist())


def test_a_long_call_can_be_stopped() -> None:
    usleep = hr.foreign(ctypes.CDLL(LIBC)["usleep"], "int32(uint32)")
    n = 2_000
    with pytest.raises(hr.Cancelled) as caught:
        hr.map(usleep, np.full(n, 5_000, np.uint32), path="hybrid_fnptr_chunked", chunk_size=1_000, timeout=0.2)
    assert sum(end - begin for begin, end in caught.value.finished) < n


def test_the_kernel_keeps_its_function_alive() -> None:
    import gc
    import weakref

    callback = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_int32)(lambda x: x + 1)
    watched = weakref.ref(callback)
    kernel = hr.foreign(callback)
    del callback
    gc.collect()
    assert watched() is not None
    assert hr.map(kernel, np.array([41], np.int32)).tolist() == [42]


# What may stand for a C function.


def test_an_address() -> None:
    address = address_of(libm("sqrt"))
    resolved = resolve(address, " f64( float64 ) ")
    assert (resolved.address, resolved.signature, resolved.keep_alive) == (address, "float64(float64)", None)
    assert resolved.name == f"foreign_{address:#x}"
    for integer in (address, np.uint64(address)):
        assert hr.map(hr.foreign(integer, "float64(float64)"), np.array([9.0])).tolist() == [3.0]
    with pytest.raises(TypeError, match="signature: is needed"):
        hr.foreign(address)


def test_a_void_pointer() -> None:
    pointer = ctypes.c_void_p(address_of(libm("sqrt")))
    assert hr.map(hr.foreign(pointer, "float64(float64)"), np.array([9.0])).tolist() == [3.0]


def test_a_ctypes_function_with_types() -> None:
    function = libm("pow", "float64(float64, float64)")
    kernel = hr.foreign(function)
    assert (kernel.name, kernel.signatures) == ("pow", ["float64(float64, float64)"])
    assert hr.map(kernel, np.array([2.0]), 10.0).tolist() == [1024.0]
    with pytest.raises(TypeError, match=r"'int32\(float64\)'.*pow.*float64\(float64, float64\)"):
        hr.foreign(function, "int32(float64)")


def test_a_ctypes_function_with_its_result_alone() -> None:
    function = libm("sqrt")
    function.restype = ctypes.c_double
    assert resolve(function, "float64(float64)").signature == "float64(float64)"
    with pytest.raises(TypeError, match="the result float64"):
        resolve(function, "float32(float64)")
    with pytest.raises(TypeError, match="signature: is needed"):
        resolve(function, None)


def test_ctypes_types_are_told_apart_by_size() -> None:
    function = libm("sqrt")
    function.restype, function.argtypes = ctypes.c_long, [ctypes.c_size_t, ctypes.c_uint, ctypes.c_int, ctypes.c_float]
    long, size = 8 * ctypes.sizeof(ctypes.c_long), 8 * ctypes.sizeof(ctypes.c_size_t)
    assert resolve(function, None).signature == f"int{long}(uint{size}, uint32, int32, float32)"


@pytest.mark.parametrize("kind", [ctypes.c_char_p, ctypes.c_int16, ctypes.c_bool, ctypes.c_void_p, ctypes.c_longdouble])
def test_ctypes_types_that_kernels_have_not(kind: Any) -> None:
    function = libm("sqrt")
    function.restype, function.argtypes = ctypes.c_double, [ctypes.c_double, kind]
    with pytest.raises(TypeError, match=f"argument 2 of the ctypes function sqrt is {kind.__name__}"):
        resolve(function, "float64(float64, int32)")
    function.restype, function.argtypes = None, [ctypes.c_double]
    with pytest.raises(TypeError, match="result of the ctypes function sqrt is None"):
        resolve(function, None)


def test_functions_that_need_the_gil_are_refused() -> None:
    for function in (ctypes.pythonapi["PyLong_FromLong"], ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.c_int)(abs)):
        with pytest.raises(TypeError, match="needs the GIL"):
            hr.foreign(function, "int32(int32)")


def test_cffi() -> None:
    cffi = pytest.importorskip("cffi")
    ffi = cffi.FFI()
    ffi.cdef("double sqrt(double); unsigned long strtoul(char *, char *, int); int printf(char *, ...);")
    library = ffi.dlopen(LIBM)
    kernel = hr.foreign(library.sqrt)
    assert kernel.signatures == ["float64(float64)"]
    assert hr.map(kernel, np.array([16.0])).tolist() == [4.0]
    with pytest.raises(TypeError, match=r"'float64\(float32\)' does not match.*declares float64\(float64\)"):
        hr.foreign(library.sqrt, "float64(float32)")
    assert hr.map(hr.foreign(ffi.cast("void *", library.sqrt), "f64(f64)"), np.array([16.0])).tolist() == [4.0]
    callback = ffi.callback("uint32_t(int64_t, unsigned int, float)", lambda a, b, c: int(a) + b + int(c))
    assert resolve(callback, None).signature == "uint32(int64, uint32, float32)"
    assert hr.map(hr.foreign(callback), np.array([1]), np.uint32(2), np.float32(3)).tolist() == [6]
    library = ffi.dlopen(LIBC)
    for pointer, message in [
        (library.strtoul, r"argument 1 of .* is char \*"),
        (library.printf, "variable arguments"),
        (ffi.new("int *"), "is data, not a function"),
        (ffi.new("double[3]"), "is data, not a function"),
    ]:
        with pytest.raises(TypeError, match=message):
            hr.foreign(pointer, "int32(int32)")
    for null in (ffi.NULL, ffi.cast("int(*)(int)", 0)):
        with pytest.raises(ValueError, match="null pointer"):
            hr.foreign(null, "int32(int32)")


def test_numba_cfunc() -> None:
    numba = pytest.importorskip("numba")
    function = numba.cfunc("float64(int64, float32)")(lambda a, b: a * 0.5 + b)
    kernel = hr.foreign(function)
    assert kernel.signatures == ["float64(int64, float32)"]
    assert hr.map(kernel, np.arange(4), np.float32(0.25)).tolist() == [0.25, 0.75, 1.25, 1.75]
    with pytest.raises(TypeError, match=r"declares float64\(int64, float32\)"):
        hr.foreign(function, "float64(int64, float64)")
    with pytest.raises(TypeError, match=r"compile the function with numba\.cfunc"):
        hr.foreign(numba.njit(lambda a: a), "float64(float64)")


def test_what_looks_like_a_numba_cfunc() -> None:
    class Compiled:
        __name__ = "root"

        def __init__(self, **attributes: object) -> None:
            self.__dict__.update(attributes)

    class Signature:
        return_type = "float64"

        def __init__(self, *args: str) -> None:
            self.args = args

    address = address_of(libm("sqrt"))
    resolved = resolve(Compiled(address=address, _sig=Signature("float64")), None)
    assert (resolved.address, resolved.signature, resolved.name) == (address, "float64(float64)", "root")
    assert resolve(Compiled(address=address), "f64(f64)").signature == "float64(float64)"
    with pytest.raises(TypeError, match="argument 2 of the Compiled root is boolean"):
        resolve(Compiled(address=address, _sig=Signature("float64", "boolean")), None)
    with pytest.raises(TypeError, match="pointer: must be"):
        resolve(Compiled(address="here"), "f64(f64)")
    for wrong in (7, object(), Signature.__new__(Signature)):
        with pytest.raises(TypeError, match="pointer: the _sig of the Compiled root has no return_type and args"):
            resolve(Compiled(address=address, _sig=wrong), None)
    wrong = Signature()
    wrong.args = 3  # type: ignore[assignment]
    with pytest.raises(TypeError, match="pointer: the _sig of the Compiled root"):
        resolve(Compiled(address=address, _sig=wrong), None)


@pytest.mark.parametrize(
    ("name", "signature"),
    [
        ("double (double)", "float64(float64)"),
        ("int (int, double)", "int32(int32, float64)"),
        ("float (float)", "float32(float32)"),
        ("double(double,int __pyx_skip_dispatch)", "float64(float64, int32)"),
        ("long long (unsigned, unsigned long long int) noexcept nogil", "int64(uint32, uint64)"),
        ("uint32_t (const int64_t x, float y)", "uint32(int64, float32)"),
        ("long (unsigned long)", "int{0}(uint{0})".format(8 * ctypes.sizeof(ctypes.c_long))),
        ("size_t (Py_ssize_t)", "uint{0}(int{0})".format(8 * ctypes.sizeof(ctypes.c_size_t))),
    ],
)
def test_capsule_signatures(name: str, signature: str) -> None:
    keep: list[object] = []
    made = capsule(address_of(libm("sqrt")), name.encode(), keep)
    assert resolve(made, None).signature == signature
    assert resolve(made, signature.replace(" ", "")).signature == signature
    with pytest.raises(
        TypeError, match=re.escape(f"does not match the PyCapsule {name!r}, which declares {signature}")
    ):
        resolve(made, "float32(uint32, float64, int64)")


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        (b"double (double, void *)", ValueError, "takes user data"),
        (b"double (int, const void* data)", ValueError, "takes user data"),
        (b"datetime.datetime_CAPI", ValueError, "is not a C signature"),
        (b"double (double", ValueError, "is not a C signature"),
        (b"(double)", ValueError, "is not a C signature"),
        (b"", ValueError, "is not a C signature"),
        (None, ValueError, "has no name"),
        (b"double (double *)", TypeError, r"argument 1 of .* is double \*"),
        (b"void (double)", TypeError, "result of .* is void"),
        (b"long double (double)", TypeError, "result of .* is long double"),
        (b"double complex (double)", TypeError, "result of .* is double complex"),
        (b"double (short)", TypeError, "argument 1 of .* is short"),
        (b"double (long long long)", TypeError, "argument 1 of .* is long long long"),
        (b"double (int, )", TypeError, "argument 2 of"),
        (b"double (void)", ValueError, "signature"),
    ],
)
def test_capsules_that_are_refused(name: bytes | None, error: type[Exception], message: str) -> None:
    keep: list[object] = []
    made = capsule(address_of(libm("sqrt")), name, keep)
    with pytest.raises(error, match=message):
        hr.foreign(made)


def test_capsule_runs() -> None:
    keep: list[object] = []
    kernel = hr.foreign(capsule(address_of(libm("sqrt")), b"double (double)", keep), "float64(float64)")
    x = np.linspace(0.0, 1.0, 2_000)
    assert hr.map(kernel, x).tolist() == [math.sqrt(value) for value in x.tolist()]


def test_what_looks_like_a_low_level_callable() -> None:
    class LowLevelCallable(tuple[object, ...]):
        """The shape of SciPy's class: (capsule, function, user_data)."""

    keep: list[object] = []
    function = libm("sqrt")
    made = capsule(address_of(function), b"double (double)", keep)
    resolved = resolve(LowLevelCallable((made, function, None)), None)
    assert (resolved.signature, resolved.name) == ("float64(float64)", "sqrt")
    with pytest.raises(TypeError, match="without a PyCapsule"):
        resolve(LowLevelCallable((1, 2, 3)), None)


def test_scipy_low_level_callable() -> None:
    scipy = pytest.importorskip("scipy")
    made = scipy.LowLevelCallable(libm("sqrt", "float64(float64)"))
    kernel = hr.foreign(made)
    assert kernel.signatures == ["float64(float64)"]
    assert hr.map(kernel, np.array([25.0])).tolist() == [5.0]


# What may not.


@pytest.mark.parametrize(
    "null", [0, ctypes.c_void_p(), ctypes.c_void_p(0), ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int)()]
)
def test_null_is_refused(null: object) -> None:
    with pytest.raises(ValueError, match="pointer: is a null pointer"):
        hr.foreign(null, "int32(int32)")


@pytest.mark.parametrize("address", [-1, 1 << 64, -(1 << 70)])
def test_impossible_addresses_are_refused(address: int) -> None:
    with pytest.raises(ValueError, match=f"pointer: {address} is not an address"):
        hr.foreign(address, "int32(int32)")


def test_addresses_of_data_are_refused() -> None:
    array = np.zeros(4)
    buffer = ctypes.create_string_buffer(64)
    for address in (array.ctypes.data, ctypes.addressof(buffer), id(array), 1, (1 << 64) - 1):
        with pytest.raises(ValueError, match=f"pointer: {address:#x} is not a function"):
            hr.foreign(address, "int32(int32)")


@pytest.mark.parametrize(
    "data",
    [
        ctypes.pointer(ctypes.c_int(3)),
        ctypes.c_int(3),
        ctypes.create_string_buffer(8),
        (ctypes.c_double * 3)(),
        ctypes.pointer(ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int)(abs)),
    ],
)
def test_ctypes_data_is_refused(data: object) -> None:
    with pytest.raises(TypeError, match="is data, not a function"):
        hr.foreign(data, "int32(int32)")


@pytest.mark.parametrize("other", [None, True, 1.5, "sqrt", b"sqrt", [1], (1, 2), object(), ctypes.c_int, np.zeros(2)])
def test_other_objects_are_refused(other: object) -> None:
    with pytest.raises(TypeError, match="pointer: must be an address, a ctypes function"):
        hr.foreign(other, "int32(int32)")


def test_a_python_function_is_sent_to_dyn() -> None:
    with pytest.raises(TypeError, match=r"use hybrid_rs\.dyn"):
        hr.foreign(math.sqrt, "float64(float64)")


@pytest.mark.parametrize(
    ("signature", "error"),
    [
        (3, TypeError),
        (b"int32(int32)", TypeError),
        ("", ValueError),
        ("int32", ValueError),
        ("int32()", ValueError),
        ("int32(int32", ValueError),
        ("int16(int32)", ValueError),
        ("complex128(float64)", ValueError),
        ("int32, int32(int32)", ValueError),
        ("double(short)", ValueError),
        ("double(void)", ValueError),
        ("double *(double)", ValueError),
        ("\udc80(float64)", ValueError),
        (f"float64({', '.join(['float64'] * 9)})", ValueError),
    ],
)
def test_bad_signatures_are_refused(signature: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="signature: "):
        hr.foreign(address_of(libm("sqrt")), signature)


@pytest.mark.parametrize(
    ("signature", "dtypes"),
    [
        ("double(double)", "float64(float64)"),
        ("double sqrt(double x)", "float64(float64)"),
        ("float(float, f64)", "float32(float32, float64)"),
        ("int(int64)", "int32(int64)"),
        ("unsigned(unsigned int, long long)", "uint32(uint32, int64)"),
        ("unsigned long (const long)", "uint{0}(int{0})".format(8 * ctypes.sizeof(ctypes.c_long))),
        ("size_t(int32_t)", f"uint{8 * ctypes.sizeof(ctypes.c_size_t)}(int32)"),
    ],
)
def test_signatures_in_names_of_c(signature: str, dtypes: str) -> None:
    function = libm("sqrt")
    assert hr.foreign(address_of(function), signature).signatures == [dtypes]


def test_an_unknown_type_among_known_ones_is_the_one_named() -> None:
    with pytest.raises(ValueError, match='unknown dtype "short"'):
        hr.foreign(address_of(libm("sqrt")), "double(short)")


@pytest.mark.parametrize("arrays", [(), (np.zeros(3),) * 2, (np.zeros(3, complex),), (np.array(["a"]),)])
def test_wrong_arrays_are_refused(arrays: tuple[np.ndarray[Any, Any], ...]) -> None:
    with pytest.raises(TypeError):
        hr.map(hr.foreign(libm("sqrt"), "float64(float64)"), *arrays)
