"""Tracebacks: the user's call and the error, without the frames in between."""

import math
import traceback
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import hybrid_rs as hr


@hr.kernel
def checked(x: Any) -> Any:
    assert x > 0, "negative"
    return x


@hr.kernel
def wrong(x: Any) -> Any:
    return x & 1.5


@hr.kernel
def unsigned(x: Any, y: Any) -> Any:
    return x + y


def declared() -> Any:
    @hr.kernel("int32(float64)")
    def narrow(x: Any) -> Any:
        return x

    return narrow


def fails(x: float) -> float:
    return 1 / (x * 0)


CALLS: list[tuple[Callable[[], Any], type[Exception]]] = [
    (lambda: wrong(1.0), hr.CompileError),
    (lambda: wrong(np.ones(3), path="seq_direct"), hr.CompileError),
    (lambda: hr.map(wrong, np.ones(3), engine="reference"), hr.CompileError),
    (lambda: hr.Runtime().map(wrong, 1.0), hr.CompileError),
    (lambda: wrong.inspect_ir("float64"), hr.CompileError),
    (declared, hr.CompileError),
    (lambda: checked(-1.0), hr.KernelFault),
    (lambda: hr.map(checked, -np.ones(3), engine="reference"), hr.KernelFault),
    (lambda: hr.map(fails, 3), hr.KernelFault),
    (lambda: hr.map(checked, np.ones(3), timeout=-1), ValueError),
    (lambda: checked("a"), TypeError),
    (lambda: checked([[1], [2, 3]]), ValueError),
    (lambda: unsigned(np.int8(1), 300), OverflowError),
    (lambda: unsigned(np.int8(1), 2**63), OverflowError),
    (lambda: hr.kernels.busy_work(1.5, 2), TypeError),
    (lambda: checked(1.0, out=3), TypeError),
]


def frames(error: BaseException | None) -> list[str]:
    return [] if error is None else [frame.filename for frame in traceback.extract_tb(error.__traceback__)]


@pytest.mark.parametrize(("call", "error"), CALLS)
def test_few_frames(call: Callable[[], Any], error: type[Exception], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HYBRID_RS_LOG_LEVEL", raising=False)
    with pytest.raises(error) as caught:
        call()
    found = frames(caught.value)
    assert found[0] == found[1] == __file__
    inside = [name for name in found if name != __file__]
    assert 1 <= len(inside) <= 2
    if isinstance(caught.value, hr.KernelFault):
        assert caught.value.cause is caught.value.__cause__ is not None
    elif isinstance(caught.value.__cause__, hr.CompileError):
        assert frames(caught.value.__cause__) == []
    monkeypatch.setenv("HYBRID_RS_LOG_LEVEL", "debug")
    with pytest.raises(error) as whole:
        call()
    assert len(frames(whole.value)) >= len(found)
    assert str(whole.value) == str(caught.value)


def test_debug_shows_where_it_was_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HYBRID_RS_LOG_LEVEL", "debug")
    with pytest.raises(hr.CompileError) as caught:
        wrong(1.0)
    assert "frontend" in frames(caught.value)[-1]


def test_a_bad_variable_does_not_hide_the_error(monkeypatch: pytest.MonkeyPatch) -> None:
    checked(1.0)  # the default Runtime is there
    monkeypatch.setenv("HYBRID_RS_LOG_LEVEL", "loud")
    with pytest.raises(hr.KernelFault, match="negative"):
        checked(-1.0)


def test_the_users_own_frames_stay() -> None:
    with pytest.raises(hr.KernelFault) as fault:
        hr.map(fails, 3)
    assert traceback.extract_tb(fault.value.__cause__.__traceback__)[-1].name == "fails"  # type: ignore[union-attr]

    def tell(done: int, total: int) -> None:
        raise ValueError("enough")

    with pytest.raises(ValueError, match="enough") as told:
        hr.map(checked, np.ones(1000), progress=tell)
    assert traceback.extract_tb(told.value.__traceback__)[-1].name == "tell"

    class Odd:
        def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
            return math.sqrt("a")  # type: ignore[arg-type]

    with pytest.raises(TypeError, match="must be real number") as odd:
        checked(Odd())
    assert traceback.extract_tb(odd.value.__traceback__)[-1].name == "__array__"
