"""Machine code through the public calls: the bits of NumPy and plain Python, in every layout and at every end."""

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hybrid_rs as hr
from hybrid_rs.targets import native


@hr.kernel
def scaled(x: float, y: float, factor: float) -> float:
    return x * factor + y


@hr.kernel
def collatz(n: int) -> int:
    steps = 0
    while n > 1:
        n = n // 2 if n % 2 == 0 else 3 * n + 1
        steps += 1
    return steps


@hr.kernel
def escape(cx: float, cy: float, limit: int) -> int:
    zx = 0.0
    zy = 0.0
    for i in range(limit):
        x2 = zx * zx
        y2 = zy * zy
        if x2 + y2 > 4.0:
            return i
        zy = 2.0 * zx * zy + cy
        zx = x2 - y2 + cx
    return limit


@hr.kernel
def both(a: int, b: int) -> tuple[int, bool]:
    return a // b, a % b > 3


@hr.kernel
def looked_up(k: int, table: Any) -> float:
    value: float = table[k, 1] + table.shape[0]
    return value


@hr.kernel
def endless(x: int) -> int:
    while x > 0:
        x = x | 1
    return x


def collatz_of(n: int) -> int:
    steps = 0
    while n > 1:
        n = n // 2 if n % 2 == 0 else 3 * n + 1
        steps += 1
    return steps


def width_of(kernel: Any, *arrays: Any) -> int:
    kernel(*arrays, engine="native")
    width = hr.explain(kernel, *arrays).width
    assert width is not None
    return width


def strided(array: np.ndarray[Any, Any], step: int, shift: int = 0) -> np.ndarray[Any, Any]:
    """Copy an array to every `step`-th place (backwards if negative), `shift` bytes off."""
    room = np.zeros(array.nbytes * abs(step) + shift + 8, np.uint8)
    place = room[shift : shift + array.nbytes * abs(step)].view(array.dtype)[:: abs(step)]
    found: np.ndarray[Any, Any] = place[::-1] if step < 0 else place
    found[...] = array
    return found


LAYOUTS = [(1, 0), (1, 1), (1, 3), (2, 0), (-1, 0), (-3, 5)]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_tail(layout: tuple[int, int]) -> None:
    width = width_of(scaled, np.ones(3), np.ones(3, np.float32), 2)
    rng = np.random.default_rng(1)
    for n in range(1, 2 * width + 2):
        x, y = rng.normal(size=n), rng.normal(size=n).astype(np.float32)
        given = strided(x, *layout), strided(y, *LAYOUTS[n % 6])
        for factor in (3, 2.5):
            expected = x * factor + y
            out = strided(np.full(n, -1.0), *LAYOUTS[n % 5])
            scaled(*given, factor, out=out, engine="native")
            np.testing.assert_array_equal(out, expected)
            np.testing.assert_array_equal(scaled(*given, factor, engine="native"), expected)
        k = rng.integers(1, 2000, n, np.int32)
        np.testing.assert_array_equal(
            collatz(strided(k, *layout), engine="native"), np.array([collatz_of(int(one)) for one in k])
        )


@pytest.mark.parametrize("layout", LAYOUTS)
def test_memory_between_results_is_left_alone(layout: tuple[int, int]) -> None:
    x = np.arange(1003.0)
    out = strided(np.zeros(1003), *layout)
    room = out.base
    assert room is not None
    while room.base is not None:
        room = room.base
    room[...] = 0xA5
    expected = room.copy()
    at = out.ctypes.data - room.ctypes.data
    for k, value in enumerate(x * 2 + 1):
        place = at + k * out.strides[0]
        expected[place : place + 8] = np.frombuffer(value.tobytes(), np.uint8)
    scaled(x, 1, 2, out=out, engine="native")
    np.testing.assert_array_equal(room, expected)


def test_results_in_place_of_inputs() -> None:
    for layout in LAYOUTS:
        x = strided(np.arange(517.0), *layout)
        scaled(x, 1.0, 3.0, out=x, engine="native")
        np.testing.assert_array_equal(x, np.arange(517.0) * 3 + 1)


@pytest.mark.parametrize("path", hr.PATHS)
def test_every_path(path: str) -> None:
    k = np.arange(1, 700)
    expected = np.array([collatz_of(int(one)) for one in k])
    np.testing.assert_array_equal(collatz(k, path=path, engine="native"), expected)
    np.testing.assert_array_equal(scaled(k, 1.5, 2, path=path, engine="native"), k * 2 + 1.5)


@pytest.mark.parametrize("kind", ["in order", "shuffled"])
def test_lanes_that_take_other_elements(kind: str) -> None:
    cx, cy = (one.ravel() for one in np.meshgrid(np.linspace(-2, 0.5, 200), np.linspace(-1.2, 1.2, 150)))
    if kind == "shuffled":
        order = np.random.default_rng(3).permutation(cx.size)
        cx, cy = cx[order], cy[order]
    z, expected = np.zeros(cx.size, complex), np.full(cx.size, 200)
    for i in range(200):
        over = (z.real * z.real + z.imag * z.imag > 4.0) & (expected == 200)
        expected[over] = i
        zx, zy = z.real, z.imag
        with np.errstate(all="ignore"):
            z = (zx * zx - zy * zy + cx) + 1j * (2.0 * zx * zy + cy)
        z[expected < 200] = 0
    for given in ((cx, cy), (strided(cx, 2), cy), (cx, strided(cy, -1))):
        for chunk_size in (None, 1000, 7):
            got = escape(*given, 200, engine="native", chunk_size=chunk_size)
            np.testing.assert_array_equal(got, expected)


def test_the_lowest_fault_across_chunks() -> None:
    a, b = np.arange(50_000), np.ones(50_000, np.int64)
    b[[49_999, 31_234, 31_233, 40_000]] = 0
    for chunk_size in (100, 1000, 25_000, None):
        quotient, flags = np.full(50_000, -7), np.zeros(50_000, bool)
        with pytest.raises(hr.KernelFault, match="element 31233, inputs .*ZeroDivisionError") as caught:
            both(a, b, out=(quotient, flags), engine="native", chunk_size=chunk_size)
        assert caught.value.index == 31_233
        np.testing.assert_array_equal(quotient[:31_233], a[:31_233])
        np.testing.assert_array_equal(flags[:31_233], np.zeros(31_233, bool))
        assert set(quotient[b == 0]) == {-7}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_masked_faults(layout: tuple[int, int]) -> None:
    rng = np.random.default_rng(5)
    for n in (1, 7, 8, 9, 100, 5003):
        a, b = rng.integers(-99, 99, n), rng.integers(-3, 4, n)
        (quotient, flags), ok = both(strided(a, *layout), strided(b, 1, 3), engine="native", on_fault="mask")
        np.testing.assert_array_equal(ok, b != 0)
        np.testing.assert_array_equal(quotient[ok], a[ok] // b[ok])
        np.testing.assert_array_equal(flags[ok], a[ok] % b[ok] > 3)
        assert not quotient[~ok].any()
        assert not flags[~ok].any()


def test_tables_of_any_layout() -> None:
    table = np.arange(60.0).reshape(20, 3)
    k = np.arange(-20, 20) % 20
    for given in (table, table.T.copy().T, np.arange(120.0).reshape(20, 6)[:, ::2], table[::-1]):
        np.testing.assert_array_equal(looked_up(k, given, engine="native"), given[k, 1] + 20)
    with pytest.raises(hr.KernelFault, match="element 1, .*IndexError"):
        looked_up(np.array([0, 20]), table, engine="native")


def test_bools_are_true_whatever_their_byte_is() -> None:
    flags = np.arange(5, dtype=np.uint8).view(bool)
    kernel = hr.kernel(negated)
    np.testing.assert_array_equal(kernel(flags, engine="native"), [True, False, False, False, False])


def negated(x: bool) -> bool:
    return not x


def test_a_loop_without_end_is_stopped() -> None:
    width_of(endless, np.zeros(9, np.int64))
    for n, path in ((100_000, "auto"), (9, "auto"), (1, "seq_direct"), (5, "hybrid_fnptr")):
        start = time.monotonic()
        with pytest.raises(hr.Cancelled):
            endless(np.ones(n, np.int64), engine="native", path=path, timeout=0.1)
        assert time.monotonic() - start < 20  # a hang, not a measurement


def test_steps_are_bounded() -> None:
    x = np.zeros(100, np.int64)
    x[41] = 1
    with pytest.raises(hr.KernelFault, match="element 41, .*max_steps"):
        endless(x, engine="native", max_steps=1000)
    result, ok = endless(x, engine="native", max_steps=1000, on_fault="mask")
    np.testing.assert_array_equal(ok, x == 0)
    np.testing.assert_array_equal(result, np.zeros(100))


def test_results_larger_than_the_caches() -> None:
    # Blocks of results bypass the caches from a single byte on; the array begins anywhere.
    for shape in ((4, 1), (8, 1), (4, 2)):
        with native.forced(shape=shape):
            kernel = hr.kernel(plain)
            kernel(np.ones(3), 1.0)
        (core,) = kernels_of(kernel)
        (plan,) = variant_of(kernel).plans.values()
        code = compiled(plan)
        core.attach(code.object, code.lanes, 1)
        for shift in (0, 8, 16, 24, 3, 40):
            x = np.arange(70_001.0)
            room = np.zeros(8 * 70_009, np.uint8)
            out = room[shift : shift + 8 * 70_001].view(np.float64)
            kernel(x, 0.5, out=out, engine="native")
            np.testing.assert_array_equal(out, x + 0.5)


def plain(x: float, y: float) -> float:
    return x + y


def kernels_of(kernel: Any) -> list[Any]:
    return list(variant_of(kernel).kernels.values())


def variant_of(kernel: Any) -> Any:
    (variant,) = kernel._specialiser.variants()
    return variant


def compiled(plan: native.Plan) -> Any:
    return plan._build()


def test_an_object_that_cant_be_loaded() -> None:
    kernel = hr.kernel(plain)
    kernel(np.ones(3), 1.0)
    (core,) = kernels_of(kernel)
    for content, width in ((b"", 8), (b"\x7fELF" + bytes(60), 8), (bytes(1000), 8)):
        with pytest.raises(ValueError, match="^object: "):
            core.attach(content, width)
    (plan,) = variant_of(kernel).plans.values()
    code = compiled(plan)
    for width in (0, 1 << 40):
        with pytest.raises(ValueError, match="^object: blocks of"):
            core.attach(code.object, width)
    for cut in range(0, len(code.object), 97):
        with pytest.raises(ValueError, match="^object: "):
            core.attach(code.object[:cut], code.lanes)
    assert core.native is None
    core.attach(code.object, code.lanes)
    np.testing.assert_array_equal(kernel(np.ones(3), 1.0, engine="native"), [2, 2, 2])


@pytest.mark.parametrize("shape", [(1, 1), (2, 1), (4, 1), (4, 2), (8, 1), (8, 2), (16, 1), (16, 4)])
@pytest.mark.parametrize("refill", [True, False])
def test_other_shapes(shape: tuple[int, int], refill: bool) -> None:
    with native.forced(shape=shape, refill=refill):
        kernel = hr.kernel(collatz.py_func)
        for n in (1, 15, 16, 17, 400):
            k = np.arange(1, n + 1)
            np.testing.assert_array_equal(kernel(k, engine="native"), [collatz_of(int(one)) for one in k])
        assert width_of(kernel, k) == shape[0] * shape[1]


@pytest.mark.parametrize("target", ["baseline", "avx2"])
def test_other_processors(target: str) -> None:
    if target == "avx2" and "avx2" not in Path("/proc/cpuinfo").read_text():
        pytest.skip("no such processor")
    with native.forced(target=target):
        kernel = hr.kernel(both.py_func)
        a, b = np.arange(-500, 500), np.arange(1000) % 7 - 3
        (quotient, flags), ok = kernel(a, b, engine="native", on_fault="mask")
        np.testing.assert_array_equal(ok, b != 0)
        np.testing.assert_array_equal(quotient[ok], a[ok] // b[ok])
        np.testing.assert_array_equal(flags[ok], a[ok] % b[ok] > 3)


def found_at_once(n: int, x: float) -> float:
    for _ in range(n):
        for _ in range(7):
            while True:
                return 5.0
    return x


def found_late(n: int, x: float) -> float:
    y = x * 2.0
    if n > 3:
        while True:
            while True:
                if n > 100:
                    return 5.0
                n += 7
    return x + y


def found_in_between(n: int, x: float) -> float:
    k = 0
    while k < 10:
        z = x + k
        if n > k:
            while True:
                k += 1
                if k > n:
                    return z
        else:
            k += 2
    return x * k


@pytest.mark.parametrize("function", [found_at_once, found_late, found_in_between])
@pytest.mark.parametrize("shape", [(1, 1), (4, 1), (8, 2)])
def test_lanes_that_wait_beside_loops_that_only_return(function: Any, shape: tuple[int, int]) -> None:
    # What waiting lanes need was lost where the loop ends that none of the others falls out of.
    n, x = np.array([27, 0, 5, 3, 1, 2, 9, 4, 0], np.int32), np.arange(9.0) + 1
    expected = [function(*row) for row in zip(n.tolist(), x.tolist(), strict=True)]
    with native.forced(shape=shape, refill=False):
        np.testing.assert_array_equal(hr.kernel(function)(n, x, engine="native"), expected)
