"""The text that stands in for a progress bar: how much of it, and where."""

import io
import sys
import time
from typing import Any

import numpy as np
import pytest

import hybrid_rs as hr
from hybrid_rs import progress


class Terminal(io.StringIO):
    """Standard error as a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def no_tqdm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)


def shown(monkeypatch: pytest.MonkeyPatch, stream: io.StringIO, steps: int, seconds: float = 0.0) -> str:
    """Tell of a batch in many steps of so many seconds, and give what was written."""
    now = [1000.0]
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    tell, end = progress.callback(True)
    assert tell is not None
    for done in range(steps + 1):
        tell(done, steps)
        now[0] += seconds
    tell(steps, steps)
    end()
    return stream.getvalue()


def test_a_file_gets_a_line_for_each_tenth(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = shown(monkeypatch, io.StringIO(), 5000, 0.02).splitlines(keepends=True)
    assert lines == [f"{done:,} of 5,000 elements ({done // 50}%)\n" for done in range(500, 5001, 500)]
    assert shown(monkeypatch, io.StringIO(), 1) == "1 of 1 element (100%)\n"
    assert shown(monkeypatch, io.StringIO(), 0) == "0 of 0 elements (100%)\n"


def test_a_terminal_gets_ten_updates_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    text = shown(monkeypatch, Terminal(), 1000, 0.01)
    assert 90 <= text.count("\r") <= 103, "ten seconds"
    assert text.startswith("\r0 of 1,000 elements (0%)\r")
    assert text.endswith("\r1,000 of 1,000 elements (100%)\n")
    assert text.count("\n") == 1


def test_a_batch_that_tells_nothing_writes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    progress.callback(True)[1]()
    assert stream.getvalue() == ""


def test_without_standard_error(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    assert hr.map(hr.kernels.busy_work, np.arange(10), 1, progress=True).shape == (10,)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("value", [np.True_, np.False_, True, False])
def test_booleans_of_any_kind(capsys: pytest.CaptureFixture[str], value: Any) -> None:
    hr.map(hr.kernels.busy_work, np.arange(1000), 1, progress=value)
    err = capsys.readouterr().err
    assert ("1,000 of 1,000 elements (100%)\n" in err) is bool(value)
    assert "\r" not in err
