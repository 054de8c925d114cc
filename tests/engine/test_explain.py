"""What kernels tell about themselves: what a call would be run by, and their machine code as text."""

from typing import Any

import numpy as np
import pytest

import hybrid_rs as hr


def halved(x: float, by: float) -> float:
    return x / 2 + by


def counted(n: int) -> int:
    steps = 0
    while n > 1:
        n = n // 2 if n % 2 == 0 else 3 * n + 1
        steps += 1
    return steps


X = np.arange(100_000.0)


def test_a_kernel_that_was_not_called() -> None:
    found = hr.explain(hr.kernel(halved), X, 1.0)
    assert (found.kernel, found.elements, found.engine, found.source) == ("halved", 100_000, "vm", "none")
    assert found.signature == "halved: float64(float64, float64)"
    assert (found.width, found.form, found.block_ns, found.streams) == (None, None, None, False)
    assert found.why == "compiling would not pay yet, the VM has spent 0.0 ms"
    assert found.chunk_size >= 1
    assert str(found).splitlines()[0] == "halved: float64(float64, float64), 100,000 elements"


def test_machine_code() -> None:
    kernel = hr.kernel(halved)
    np.testing.assert_array_equal(kernel(X, 1.0, engine="native", threads=1), X / 2 + 1)
    found = hr.explain(kernel, X, 1.0)
    assert (found.engine, found.form, found.streams) == ("native", "block", False)
    assert found.width is not None
    assert found.width >= 1
    assert found.block_ns is not None
    assert found.block_ns > 0
    assert found.refill_ns is None
    assert found.compile_ms > 0
    assert found.source in {"compiled", "cache"}
    text = str(found)
    assert f"blocks of {found.width}, form block (block {found.block_ns:.3g} ns)" in text
    assert "go through the caches" in text


def test_lanes_that_take_other_elements() -> None:
    kernel = hr.kernel(counted)
    n = np.random.default_rng(1).integers(1, 3000, 200_000)
    kernel(n, engine="native")
    found = hr.explain(kernel, n)
    assert found.form in {"block", "refill"}
    assert found.block_ns is not None
    assert found.refill_ns is not None
    assert (found.form == "block") == (found.block_ns <= found.refill_ns)


def test_more_operands_than_the_caches_hold() -> None:
    kernel = hr.kernel(halved)
    kernel(X, 1.0, engine="native")
    (variant,) = kernel._specialiser.variants()
    core: Any
    (core,) = variant.kernels.values()
    limit = core.native["streams_from"]
    enough = limit // 16 + 1  # elements of 8 bytes, and as many results
    x = np.empty(2 * enough)
    assert hr.explain(kernel, x[:enough], 1.0).streams
    assert "bypass the caches" in str(hr.explain(kernel, x, 1.0))
    assert not hr.explain(kernel, x[: enough // 2], 1.0).streams
    assert not hr.explain(kernel, x[::2], 1.0).streams


def test_other_kernels() -> None:
    found = hr.explain(hr.kernels.busy_work, np.arange(5), 3)
    assert (found.kernel, found.elements, found.engine, found.why) == (
        "busy_work",
        5,
        "fixed",
        "the kernel has one engine",
    )
    assert hr.explain(lambda x: x, [1, 2]).elements == 2
    with hr.threads(3):
        assert hr.explain(hr.kernels.busy_work, np.arange(5), 3).threads == 3


def test_wrong_calls_are_told_as_by_the_call() -> None:
    kernel: Any = hr.kernel(halved)
    with pytest.raises(TypeError, match="takes 2 inputs, 1 given"):
        hr.explain(kernel, X)
    with pytest.raises(ValueError, match="broadcast"):
        hr.explain(kernel, X, X[1:])
    with pytest.raises(TypeError, match="kernel: must be"):
        hr.explain(3, X)


def test_code_as_text() -> None:
    kernel = hr.kernel(halved)
    with pytest.raises(ValueError, match="has not been compiled for any types yet"):
        kernel.inspect_llvm()
    for types in ("float64, float64", (np.float64, "float64")):
        assert "define i32 @block(" in kernel.inspect_llvm(types)
        assert "\nblock:" in kernel.inspect_asm(types)
    one = kernel.inspect_llvm()
    assert one.count("define i32 @block(") == 1
    kernel(X.astype(np.float32), np.float32(1))
    assert kernel.inspect_llvm().count("define i32 @block(") == 2
    assert kernel.inspect_llvm("float64, float64") == one
    with pytest.raises(ValueError, match="2 parameters, 1 types given"):
        kernel.inspect_asm("float64")
    with pytest.raises(hr.CompileError):
        hr.kernel(missing).inspect_llvm("float64")


def missing(x: float) -> float:
    return nothing(x)  # type: ignore[name-defined, no-any-return]  # noqa: F821


def test_no_text_where_machine_code_is_turned_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HYBRID_RS_DISABLE_JIT", "1")
    kernel = hr.kernel(halved)
    for show in (kernel.inspect_llvm, kernel.inspect_asm):
        with pytest.raises(hr.CompileError, match="turned off by HYBRID_RS_DISABLE_JIT"):
            show("float64, float64")
    assert hr.explain(kernel, X, 1.0).why == "machine code is turned off by HYBRID_RS_DISABLE_JIT"
