"""The command line: results, documents, exit statuses and messages."""

import json
import math
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import hybrid_rs as hr
from hybrid_rs import cli, flags
from hybrid_rs.bench.timing import LEAST_SAMPLES
from hybrid_rs.cli import command, info

COMMANDS = ["info", "run", "bench", "sweep", "accept", "report"]
SMALL = ["--iters", "3", "--samples", "5", "--threads", "2"]

KERNELS = """
import math
import neighbour
from hybrid_rs.kernels import busy_work as again
print("printed while importing")
not_callable = 3
def scaled(x, y):
    return x * neighbour.FACTOR + y
def inverse(x):
    return 1.0 / x
class Model:
    @staticmethod
    def step(x):
        return math.sqrt(x)
"""


def busy(x: int, iters: int) -> int:
    """Define `busy_work` again, on its own: truncating remainder, all values fit after the first step."""
    value = (x + 2**31) % 2**32 - 2**31
    for _ in range(iters):
        value = (value * 7 + 13 + 2**31) % 2**32 - 2**31
        value = int(math.copysign(abs(value) % 997, value))
    return value


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a folder with a file of kernels and one of inputs."""
    (tmp_path / "model.py").write_text(KERNELS)
    (tmp_path / "neighbour.py").write_text("FACTOR = 10\n")
    np.save(tmp_path / "x.npy", np.arange(1, 101))
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, "neighbour", raising=False)
    return tmp_path


def run(*words: str) -> int:
    """Run a command in this process and give its exit status, argparse's included."""
    try:
        return cli.main(list(words))
    except SystemExit as end:
        return int(str(end.code))


def spawn(*words: str, **options: Any) -> subprocess.Popen[str]:
    """Start a command as a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "hybrid_rs", *words],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        **options,
    )


def refused(capsys: pytest.CaptureFixture[str], *words: str, status: int = 2) -> str:
    """Run a command that must fail with one clear message, and give that message."""
    assert run(*words) == status
    out, err = capsys.readouterr()
    assert out == ""
    assert "Traceback" not in err
    assert err.startswith(f"hybrid-rs {words[0]}: ")
    return err


def saved(path: Path) -> NDArray[Any]:
    """Load an npy file with NumPy."""
    array: NDArray[Any] = np.load(path, allow_pickle=False)
    return array


@pytest.mark.usefixtures("folder")
class TestRun:
    @pytest.mark.parametrize("path", ["auto", *hr.PATHS, "runtime_hybrid_fnptr_chunked"])
    def test_builtin_on_every_path(self, folder: Path, path: str) -> None:
        assert run("run", "busy_work", "x.npy", "12", "--out", "r.npy", "--path", path, "--chunk-size", "7") == 0
        result = saved(folder / "r.npy")
        assert result.dtype == np.int32
        assert result.tolist() == [busy(x, 12) for x in range(1, 101)]

    def test_document_is_all_there_is_on_stdout(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        words = ["run", "model.py:scaled", "x.npy", "0.5", "--out", "r.npy", "--dtype", "float32", "--json"]
        assert run(*words, "--path", "hybrid_dyn_chunked", "--chunk-size", "30", "--threads", "2") == 0
        out, err = capsys.readouterr()
        document = json.loads(out)
        assert "printed while importing" in err
        assert document["kernel"] == "model.py:scaled"
        assert document["out"] == "r.npy"
        assert document["elements"] == 100
        assert document["dtypes"] == {"result": "float32"}
        assert (document["path"], document["chunk_size"], document["threads"]) == ("hybrid_dyn_chunked", 30, 2)
        assert document["seconds"] > 0
        assert document["melem_s"] == pytest.approx(100 / document["seconds"] / 1e6)
        np.testing.assert_array_equal(saved(folder / "r.npy"), np.arange(1, 101, dtype="f4") * 10 + 0.5)

    def test_text_tells_what_happened(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert run("run", "busy_work", "x.npy", "12", "--out", "r.npy", "--path", "hybrid_fnptr") == 0
        out, err = capsys.readouterr()
        assert "100 elements written to r.npy" in out
        assert "hybrid_fnptr" in out
        assert "Melem/s" in out
        assert err == "", "no progress bar where stderr is no terminal"

    def test_csv_columns_in_and_out(self) -> None:
        Path("t.csv").write_text("x,y\n1,0.5\n2,0.25\n")
        assert run("run", "model.py:scaled", "t.csv", "--out", "r.csv") == 0
        assert Path("r.csv").read_text() == "result\n10.5\n20.25\n"
        assert run("run", "model.py:scaled", "t.csv:y", "t.csv:x", "--out", "t.csv") == 0
        assert Path("t.csv").read_text() == "result\n6.0\n4.5\n", "the output may replace an input"

    def test_npz_and_numbers_with_signs(self) -> None:
        np.savez("b.npz", a=np.arange(3.0), b=np.ones(5))
        assert run("run", "model.py:scaled", "b.npz:a", "-0.5", "--out", "r.npz") == 0
        with np.load("r.npz") as archive:
            assert archive.files == ["result"]
            np.testing.assert_array_equal(archive["result"], [-0.5, 9.5, 19.5])

    def test_kernel_objects_and_nested_names(self, folder: Path) -> None:
        assert run("run", "model.py:again", "x.npy", "3", "--out", "r.npy") == 0
        assert saved(folder / "r.npy").tolist() == [busy(x, 3) for x in range(1, 101)]
        assert run("run", "model.py:Model.step", "x.npy", "--out", "r.npy") == 0
        np.testing.assert_array_equal(saved(folder / "r.npy"), np.sqrt(np.arange(1, 101)))

    def test_importing_a_file_leaves_no_trace(self, folder: Path) -> None:
        before, flag = list(sys.path), sys.dont_write_bytecode
        assert run("run", "model.py:scaled", "x.npy", "1", "--out", "r.npy") == 0
        assert run("run", "model.py:missing", "x.npy", "--out", "r.npy") == 2
        assert sys.path == before
        assert sys.dont_write_bytecode is flag
        assert sorted(entry.name for entry in folder.iterdir()) == ["model.py", "neighbour.py", "r.npy", "x.npy"]


@pytest.mark.usefixtures("folder")
class TestRefusals:
    @pytest.mark.parametrize(
        ("kernel", "message"),
        [
            ("busy_wrok", "no built-in kernel 'busy_wrok'; there is busy_work"),
            ("none.py:f", "none.py: no such file"),
            ("model.py", "say which function of the file"),
            ("model.py:scale", "model.py: no 'scale' in this file; did you mean 'scaled'?"),
            ("model.py:Model.leap", "model.py: no 'Model.leap' in this file"),
            ("model.py:not_callable", "model.py:not_callable: not callable, but int"),
        ],
    )
    def test_kernels(self, capsys: pytest.CaptureFixture[str], kernel: str, message: str) -> None:
        assert run("run", kernel, "x.npy", "--out", "r.npy", "--json") == 2
        out, err = capsys.readouterr()
        error = json.loads(out)["error"]
        assert error["type"] == "UsageError"
        assert message in error["message"]
        assert err.endswith(f"hybrid-rs run: {error['message']}\n")
        assert "Traceback" not in err
        assert not Path("r.npy").exists()

    @pytest.mark.parametrize(
        ("text", "shown"),
        [
            ("import math\n1 / 0\n", ["ZeroDivisionError", "line 2"]),
            ("def f(:\n", ["SyntaxError", "line 1"]),
            ("import no_such_module_here\n", ["ModuleNotFoundError", "line 1"]),
            ("raise SystemExit(0)\n", ["SystemExit", "line 1"]),
        ],
    )
    def test_a_file_that_fails_to_import(self, capsys: pytest.CaptureFixture[str], text: str, shown: list[str]) -> None:
        Path("broken.py").write_text(text)
        assert run("run", "broken.py:f", "x.npy", "--out", "r.npy") == 2
        err = capsys.readouterr().err
        assert all(part in err for part in shown)
        assert "importlib" not in err
        assert "hybrid_rs/cli" not in err
        assert err.endswith("hybrid-rs run: broken.py: importing this file failed\n")
        assert not any("broken" in name for name in sys.modules)

    @pytest.mark.parametrize(
        ("name", "content", "message"),
        [
            ("none.npy", None, "none.npy: No such file"),
            ("x.txt", b"1", "x.txt: unsupported file type .txt"),
            ("a.npy", b"", "a.npy: the file is empty"),
            ("a.npy", b"\x93NUMPY\x01\x00", "a.npy: not an npy array, or truncated"),
            ("a.npz", b"PK\x03\x04", "a.npz: not a readable npz archive"),
            ("a.csv", b"x,y\n1,2\n3\n", "a.csv: line 3 has 1 column where"),
            ("a.csv", b"x,y\n1,2\n3,abc\n", "a.csv: line 3, column 2: 'abc' is not a number"),
            ("5l2", None, "5l2: unsupported file type (no suffix)"),
        ],
    )
    def test_files(self, capsys: pytest.CaptureFixture[str], name: str, content: bytes | None, message: str) -> None:
        if content is not None:
            Path(name).write_bytes(content)
        assert message in refused(capsys, "run", "busy_work", name, "3", "--out", "r.npy")
        assert not Path("r.npy").exists()

    def test_lengths_that_differ(self, capsys: pytest.CaptureFixture[str]) -> None:
        np.save("y.npy", np.arange(99))
        message = refused(capsys, "run", "busy_work", "x.npy", "y.npy", "--out", "r.npy")
        assert "x.npy (100,)" in message
        assert "y.npy (99,)" in message

    @pytest.mark.parametrize(
        ("out", "message"),
        [
            ("r.txt", "r.txt: unsupported file type .txt"),
            ("none/r.npy", "none/r.npy: the folder for the output doesn't exist"),
            ("folder.npy", "folder.npy: Is a directory"),
        ],
    )
    def test_output_is_checked_before_anything_runs(
        self, capsys: pytest.CaptureFixture[str], out: str, message: str
    ) -> None:
        Path("folder.npy").mkdir()
        assert message in refused(capsys, "run", "busy_work", "no-such-input.npy", "3", "--out", out)

    def test_results_that_the_format_cannot_hold(self, capsys: pytest.CaptureFixture[str]) -> None:
        np.save("x.npy", np.ones((2, 3), np.int64))
        message = refused(capsys, "run", "busy_work", "x.npy", "3", "--out", "r.csv")
        assert "r.csv: csv columns have one dimension" in message

    def test_arguments_that_the_kernel_does_not_take(self, capsys: pytest.CaptureFixture[str]) -> None:
        np.save("f.npy", np.ones(3))
        assert "arrays[0] is f.npy" in refused(capsys, "run", "busy_work", "f.npy", "3", "--out", "r.npy")
        assert refused(capsys, "run", "busy_work", "x.npy", "--out", "r.npy")
        assert not Path("r.npy").exists()

    @pytest.mark.parametrize("dtype", ["int33", "S3", "O", "(", "datetime64[s]"])
    def test_dtypes(self, capsys: pytest.CaptureFixture[str], dtype: str) -> None:
        assert run("run", "model.py:inverse", "x.npy", "--out", "r.npy", "--dtype", dtype) == 2
        assert f"--dtype: {dtype!r}" in capsys.readouterr().err

    def test_dtype_of_a_kernel_that_has_one(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert "--dtype" in refused(capsys, "run", "busy_work", "x.npy", "3", "--out", "r.npy", "--dtype", "int32")

    @pytest.mark.parametrize(
        "words",
        [
            [],
            ["fly"],
            ["run", "busy_work", "x.npy"],
            ["run", "busy_work", "x.npy", "--out", "r.npy", "--threads", "0"],
            ["run", "busy_work", "x.npy", "--out", "r.npy", "--chunk-size", "-1"],
            ["run", "busy_work", "x.npy", "--out", "r.npy", "--timeout", "nan"],
            ["run", "busy_work", "x.npy", "--out", "r.npy", "--path", "fast"],
            ["accept", "--target", "0"],
            ["sweep", "--sizes", "0"],
            ["bench", "--batch", "1.5"],
        ],
    )
    def test_usage(self, capsys: pytest.CaptureFixture[str], words: list[str]) -> None:
        assert run(*words) == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert "usage: hybrid-rs" in err

    def test_tracebacks_come_with_the_debug_level(
        self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("HYBRID_RS_LOG_LEVEL", "debug")
        assert run("run", "busy_work", "none.npy", "3", "--out", "r.npy") == 2
        err = capsys.readouterr().err
        assert "Traceback" in err
        assert "FileNotFoundError" in err


@pytest.mark.usefixtures("folder")
class TestStops:
    def test_a_fault_names_the_element_and_the_place(self, capsys: pytest.CaptureFixture[str]) -> None:
        np.save("x.npy", np.array([4.0, 2.0, 0.0, 1.0]))
        Path("r.npy").write_bytes(b"old")
        assert run("run", "model.py:inverse", "x.npy", "--out", "r.npy") == 1
        err = capsys.readouterr().err
        line = KERNELS.splitlines().index("    return 1.0 / x") + 1
        assert re.search(r"^hybrid-rs run: .*\b2\b", err), "the element"
        assert err.count("ZeroDivisionError") == 1
        assert f"model.py, line {line}" in err
        assert "Traceback" not in err
        assert Path("r.npy").read_bytes() == b"old"

    def test_timeout(self, capsys: pytest.CaptureFixture[str]) -> None:
        Path("slow.py").write_text("import time\ndef f(x):\n    time.sleep(0.05)\n    return x\n")
        np.save("x.npy", np.arange(10_000))
        refused(capsys, "run", "slow.py:f", "x.npy", "--out", "r.npy", "--timeout", "0.2", status=1)
        assert not Path("r.npy").exists()

    def test_ctrl_c(self, folder: Path) -> None:
        Path("slow.py").write_text(
            "import time, pathlib\ndef f(x):\n    pathlib.Path('started').touch()\n    time.sleep(0.05)\n    return x\n"
        )
        np.save("x.npy", np.arange(10_000))
        with spawn("run", "slow.py:f", "x.npy", "--out", "r.npy") as process:
            while not Path("started").exists():
                assert process.poll() is None
                time.sleep(0.01)
            process.send_signal(signal.SIGINT)
            err = process.communicate(timeout=60)[1]
        assert process.returncode == 130
        assert err == "hybrid-rs run: interrupted\n"
        assert sorted(entry.name for entry in folder.iterdir() if entry.name not in {"model.py", "neighbour.py"}) == [
            "slow.py",
            "started",
            "x.npy",
        ]

    @pytest.mark.parametrize("words", [["info"], ["info", "--json"]])
    def test_nobody_reads_the_output(self, words: list[str]) -> None:
        reading, writing = os.pipe()
        os.close(reading)
        with spawn(*words, stdout=writing) as process:
            os.close(writing)
            err = process.communicate(timeout=60)[1]
        assert process.returncode == 1
        assert err == ""


class TestHelp:
    @pytest.mark.parametrize("name", COMMANDS)
    def test_every_command_shows_an_example(self, capsys: pytest.CaptureFixture[str], name: str) -> None:
        assert run(name, "--help") == 0
        out = capsys.readouterr().out
        assert f"example:\n  hybrid-rs {name}" in out
        assert "--json" in out

    def test_the_program_lists_its_commands(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert run("--help") == 0
        out = capsys.readouterr().out
        assert all(f"\n    {name} " in out for name in COMMANDS)

    def test_version(self) -> None:
        with spawn("--version", stdout=subprocess.PIPE) as process:
            out, _ = process.communicate(timeout=60)
        assert out == f"hybrid-rs {hr.__version__}\n"
        assert process.returncode == 0


class TestInfo:
    def test_document_is_the_configuration_with_the_flags_explained(
        self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("HYBRID_CHUNK_SIZE", "750")
        monkeypatch.setenv("HYBRID_RS_NUM_THREADS", "3")
        assert run("info", "--json") == 0
        document = json.loads(capsys.readouterr().out)
        explained = document.pop("flags")
        expected = json.loads(command.to_json(hr.config()))
        values = expected.pop("flags")
        assert document == expected
        assert document["threads"] == {"count": 3, "source": "HYBRID_RS_NUM_THREADS"}
        assert len(explained) == len(values)
        assert explained["HYBRID_CHUNK_SIZE"]["value"] == 750
        assert explained["HYBRID_RS_LITE"]["value"] is False
        assert list(explained) == [row["name"] for row in flags.table()]
        assert all(row["doc"] and row["accepts"] and row["default"] for row in explained.values())

    def test_text_says_who_chose_the_threads(
        self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("HYBRID_RS_NUM_THREADS", "3")
        assert run("info") == 0
        out = capsys.readouterr().out
        assert "3 (decided by: HYBRID_RS_NUM_THREADS)" in out
        assert hr.__version__ in out
        assert "HYBRID_CHUNK_SIZE = unset" in out

    def test_cpus_are_shown_as_ranges(self) -> None:
        assert info._ranges([0, 1, 2, 5, 7, 8]) == "0-2, 5, 7-8"
        assert info._ranges([]) == ""

    def test_bad_flags_are_shown(self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        assert run("info", "--json") == 0
        usual = json.loads(capsys.readouterr().out)
        monkeypatch.setenv("HYBRID_CHUNK_SIZE", "abc")
        monkeypatch.setenv("HYBRID_RS_LITE", "perhaps")
        monkeypatch.setenv("HYBRID_RS_NUM_THREADS", "3")
        assert run("info") == 0
        out = capsys.readouterr().out
        assert "HYBRID_CHUNK_SIZE = abc\n      CAN'T BE USED" in out
        assert "'abc' is not a positive integer" in out
        assert run("info", "--json") == 0
        document = json.loads(capsys.readouterr().out)
        assert [name for name, row in document["flags"].items() if "error" in row] == [
            "HYBRID_CHUNK_SIZE",
            "HYBRID_RS_LITE",
        ]
        assert document["flags"]["HYBRID_RS_LITE"]["value"] == "perhaps"
        assert document["flags"]["HYBRID_RS_NUM_THREADS"]["value"] == 3
        assert document["threads"] == {"count": 3, "source": "HYBRID_RS_NUM_THREADS"}
        same = set(usual) - {"flags", "threads"}
        assert {key: document[key] for key in same} == {key: usual[key] for key in same}


class TestMeasuring:
    def test_bench(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert run("bench", "--batch", "300", "600", *SMALL, "--json") == 0
        comparisons = json.loads(capsys.readouterr().out)["comparisons"]
        assert [comparison["batch"] for comparison in comparisons] == [300, 600]
        assert all(set(comparison["paths"]) == set(hr.PATHS) for comparison in comparisons)
        assert run("bench", "--batch", "300", *SMALL) == 0
        out = capsys.readouterr().out
        assert all(path in out for path in hr.PATHS)

    def test_sweep(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert run("sweep", "--batch", "900", "--sizes", "100", "300", *SMALL, "--json") == 0
        (result,) = json.loads(capsys.readouterr().out)["sweeps"]
        assert result["elements"] == 900
        assert [row["chunk_size"] for row in result["sizes"]] == [100, 300]
        assert result["path"] == "hybrid_fnptr_chunked"
        assert run("sweep", "--batch", "900", "--sizes", "100", "300", *SMALL) == 0
        assert "grade" in capsys.readouterr().out

    @pytest.mark.parametrize(("target", "status"), [("1e-9", 0), ("1", None), ("2", None), ("1e12", 1)])
    def test_accept(self, capsys: pytest.CaptureFixture[str], target: str, status: int | None) -> None:
        given = run("accept", "--batch", "400", "--target", target, *SMALL, "--json")
        document = json.loads(capsys.readouterr().out)
        assert status in (None, given)
        assert document["pass"] is (given == 0)
        deciding = ("hybrid_fnptr_chunked", "hybrid_auto_chunked")
        assert document["pass"] is all(document["paths"][name]["pass"] for name in deciding)
        baseline = document["paths"]["runtime_seq"]["median_s"]
        assert (document["batch"], document["iters"], document["threads"]) == (400, 3, 2)
        assert document["target"] == float(target)
        assert list(document["paths"]) == list(hr.PATHS)
        for row in document["paths"].values():
            assert row["melem_s"] == pytest.approx(400 / row["median_s"] / 1e6)
            assert row["vs_runtime_seq"] == pytest.approx(baseline / row["median_s"])
            decides = row["interval"]["low"] if row["paired_rounds"] >= LEAST_SAMPLES else row["vs_runtime_seq"]
            assert row["pass"] is (decides >= float(target))
        given = run("accept", "--batch", "400", "--target", target, *SMALL)
        assert status in (None, given)
        assert f"\n{'PASS' if given == 0 else 'FAIL'}: decided by" in capsys.readouterr().out

    def test_report(self, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        from hybrid_rs import report
        from hybrid_rs.bench.accept import accept

        measured: list[tuple[Any, ...]] = []

        def measure(effort: Any, threads: int | None, note: Any) -> Any:
            measured.append((effort, threads))
            note("measuring little")
            return SimpleNamespace(acceptance=accept(300, 3, 1e-9, 2, 5))

        monkeypatch.setattr("hybrid_rs.report.canvas.require_matplotlib", lambda: None)
        monkeypatch.setattr(report, "measure", measure)
        monkeypatch.setattr(report, "save", lambda _study, folder: folder / "report.md")
        target = tmp_path / "new" / "folder"
        assert run("report", "--out", str(target), "--threads", "2") == 0
        out, err = capsys.readouterr()
        assert out.endswith(f"report: {target}/report.md\n")
        assert "PASS" in out
        assert "measuring little" in err
        assert run("report", "--out", str(target), "--quick", "--json") == 0
        document = json.loads(capsys.readouterr().out)
        assert document["report"] == f"{target}/report.md"
        assert document["acceptance"]["batch"] == 300
        assert measured == [(report.FULL, 2), (report.QUICK, None)]

    def test_report_into_a_file(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        pytest.importorskip("matplotlib")
        (tmp_path / "file").touch()
        assert "file" in refused(capsys, "report", "--out", str(tmp_path / "file"))
