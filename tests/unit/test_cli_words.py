"""The command line: what its messages and documents say, where a first draft of them misled."""

import errno
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hybrid_rs as hr
from hybrid_rs import cli
from hybrid_rs.cli import command
from hybrid_rs.interop import files


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a folder with an array and a table whose header is numbers."""
    np.save(tmp_path / "x.npy", np.arange(1, 101))
    np.save(tmp_path / "one.npy", np.arange(1))
    (tmp_path / "years.csv").write_text("2019,2020\n1,2\n3,4\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    """Run a command in this process and give its status, stdout and stderr."""
    try:
        status = cli.main(list(words))
    except SystemExit as end:
        status = int(str(end.code))
    return status, *capsys.readouterr()


def busy_work(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    """Run `busy_work` with one iteration."""
    return run(capsys, "run", "busy_work", *words, "--out", "r.npy")


def test_what_a_csv_was_taken_for(capsys: pytest.CaptureFixture[str]) -> None:
    kernel = ["busy_work", "years.csv", "--out", "r.npy"]
    status, _, err = run(capsys, "run", *kernel)
    assert (status, err) == (0, "years.csv: columns '1', '2'; no header, the first row is data\n")
    assert np.load("r.npy").shape == (3,)
    status, out, err = run(capsys, "run", *kernel, "--csv-header", "yes", "--json")
    assert (status, err) == (0, "years.csv: columns '2019', '2020'; the first row is a header\n")
    assert json.loads(out)["elements"] == 2
    status, _, err = busy_work(capsys, "years.csv:2020", "1")
    assert (status, err) == (0, "years.csv: column '2020'; the first row is a header\n")
    assert np.load("r.npy").shape == (2,)
    assert busy_work(capsys, "years.csv:2020", "1", "--csv-header", "no")[0] == 2


def test_documents_of_errors(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def error(status: int, *words: str) -> dict[str, str]:
        given, out, err = busy_work(capsys, *words, "--json")
        assert given == status
        document = json.loads(out)
        assert list(document) == ["error"]
        assert err.endswith(f"{document['error']['message']}\n")
        found: dict[str, str] = document["error"]
        return found

    assert error(2, "none.npy", "1") == {"type": "FileNotFoundError", "message": "none.npy: No such file or directory"}
    assert error(2, "x.npy", "1", "--threads", "0")["type"] == "UsageError"
    assert error(2, "x.npy", "1", "--bogus") == {"type": "UsageError", "message": "unrecognized arguments: --bogus"}
    assert error(1, "x.npy", "10000000", "--timeout", "0.001")["type"] == "Cancelled"

    def interrupted(*_arguments: Any, **_options: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(hr.Runtime, "map", interrupted)
    assert error(130, "x.npy", "1") == {"type": "KeyboardInterrupt", "message": "interrupted"}


def test_too_little_memory(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*_arguments: Any, **_options: Any) -> Any:
        raise MemoryError(*text)

    monkeypatch.setattr(hr.Runtime, "map", failing)
    text: tuple[str, ...] = ()
    assert busy_work(capsys, "x.npy", "1") == (2, "", "hybrid-rs run: not enough memory\n")
    text = ("Unable to allocate 1 TiB",)
    assert busy_work(capsys, "x.npy", "1")[2] == "hybrid-rs run: not enough memory (Unable to allocate 1 TiB)\n"


def test_full_disk_and_links_in_a_circle(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    Path("a.npy").symlink_to("a.npy")
    status, out, err = run(capsys, "run", "busy_work", "x.npy", "1", "--out", "a.npy")
    assert (status, out) == (2, "")
    assert err.startswith("hybrid-rs run: a.npy: ")

    def full(*_arguments: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files, "_write_npy", full)
    assert busy_work(capsys, "x.npy", "1") == (2, "", "hybrid-rs run: r.npy: No space left on device\n")


def test_usage_is_that_of_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = busy_work(capsys, "x.npy", "1", "--bogus")
    assert (status, out) == (2, "")
    assert err.startswith("usage: hybrid-rs run ")
    assert err.endswith("hybrid-rs run: error: unrecognized arguments: --bogus\n")
    err = busy_work(capsys, "x.npy", "1", "--path", "foo")[2]
    assert err.endswith(f"no path 'foo'; there is auto, {', '.join(hr.PATHS)}\n")


def test_messages_are_not_for_people_in_python(capsys: pytest.CaptureFixture[str]) -> None:
    np.save("f.npy", np.ones(3))
    err = busy_work(capsys, "f.npy", "3")[2]
    assert "float64 can't be cast safely to" in err
    assert "astype" not in err
    assert err.endswith("; arrays[0] is f.npy\n")


def test_units_and_plurals(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.perf_counter", iter([1.0, 1.0 + 2.0**-15]).__next__)
    out = busy_work(capsys, "one.npy", "1", "--threads", "1")[1]
    assert "1 element written" in out
    assert ", 1 thread\n" in out
    assert "time        30.52 µs, " in out


def test_without_metrics(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HYBRID_RS_LITE", "1")
    out = busy_work(capsys, "x.npy", "1", "--threads", "2")[1]
    assert "path        metrics are off, 2 threads\nchunk size  metrics are off\n" in out
    out = busy_work(capsys, "x.npy", "1", "--path", "hybrid_fnptr_chunked", "--chunk-size", "7")[1]
    assert "path        hybrid_fnptr_chunked, " in out
    assert "chunk size  7\n" in out
    assert json.loads(busy_work(capsys, "x.npy", "1", "--json")[1])["metrics"] is False


def test_json_has_only_what_every_reader_takes() -> None:
    document: dict[Any, Any] = {
        "nan": math.nan,
        "inf": np.float32(np.inf),
        "count": np.int64(3),
        "array": np.array([1.5, np.nan]),
        "path": Path("a") / "b",
        "tuple": (1, "ü"),
        7: True,
    }
    assert json.loads(command.to_json(document)) == {
        "nan": None,
        "inf": None,
        "count": 3,
        "array": [1.5, None],
        "path": str(Path("a") / "b"),
        "tuple": [1, "ü"],
        "7": True,
    }
