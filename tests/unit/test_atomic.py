"""Output files are whole or untouched, whatever happens to the writer."""

import errno
import signal
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from hybrid_rs.interop import atomic, csv_text, files


def left_over(folder: Path) -> list[str]:
    """List temporary files, which nothing may leave behind."""
    return [entry.name for entry in folder.iterdir() if entry.name.endswith(".tmp")]


class TestAtomicity:
    @pytest.fixture(params=[RuntimeError, KeyboardInterrupt])
    def failure(self, request: pytest.FixtureRequest) -> type[BaseException]:
        kind: type[BaseException] = request.param
        return kind

    @pytest.mark.parametrize("before", [None, b"old"])
    def test_a_failure_leaves_what_was_there(
        self, tmp_path: Path, failure: type[BaseException], before: bytes | None
    ) -> None:
        target = tmp_path / "r.bin"
        if before is not None:
            target.write_bytes(before)

        def write_half() -> None:
            with atomic.replacing(target) as stream:
                stream.write(b"half")
                stream.flush()
                assert len(left_over(tmp_path)) == 1
                raise failure

        with pytest.raises(failure):
            write_half()
        assert left_over(tmp_path) == []
        assert (target.read_bytes() if target.exists() else None) == before

    def test_a_writer_that_fails_half_way(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        target = tmp_path / "r.csv"
        files.write_result(target, {"x": np.arange(3)})
        before = target.read_bytes()
        monkeypatch.setattr(csv_text, "_WRITE_ROWS", 2)
        formatted = csv_text._formatted
        calls = []

        def failing(block: NDArray[Any]) -> list[str]:
            calls.append(block)
            if len(calls) > 1:
                raise MemoryError
            return formatted(block)

        monkeypatch.setattr(csv_text, "_formatted", failing)
        with pytest.raises(MemoryError):
            files.write_result(target, {"x": np.arange(100)})
        assert len(calls) == 2
        assert target.read_bytes() == before
        assert [entry.name for entry in tmp_path.iterdir()] == ["r.csv"]

    def test_kill_in_mid_write(self, tmp_path: Path) -> None:
        target = tmp_path / "r.npy"
        np.save(target, np.arange(3))
        before = target.read_bytes()
        script = (
            "import sys, time\nfrom hybrid_rs.interop import atomic\n"
            "with atomic.replacing(sys.argv[1]) as stream:\n"
            "    stream.write(bytes(1 << 20)); stream.flush(); print('half', flush=True); time.sleep(60)\n"
        )
        command = [sys.executable, "-c", script, str(target)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"half\n"
            process.send_signal(signal.SIGKILL)
        assert target.read_bytes() == before
        # The system gives a killed process no chance to clean up; what it leaves is hidden and never read as a result.
        assert all(name.startswith(".") for name in left_over(tmp_path))
        files.write_result(target, {"result": np.arange(5)})
        np.testing.assert_array_equal(np.load(target), np.arange(5))

    def test_readers_see_old_or_new(self, tmp_path: Path) -> None:
        target = tmp_path / "r.npy"
        files.write_result(target, {"x": np.zeros(1000)})
        with target.open("rb") as reader:
            files.write_result(target, {"x": np.ones(2000)})
            np.testing.assert_array_equal(np.load(reader), np.zeros(1000))
        np.testing.assert_array_equal(np.load(target), np.ones(2000))

    def test_output_over_its_own_input(self, tmp_path: Path) -> None:
        target = tmp_path / "x.npy"
        np.save(target, np.arange(1000.0))
        ((_, given),) = files.read_arrays(str(target))
        files.write_result(target, {"x": given * 2})
        np.testing.assert_array_equal(given, np.arange(1000.0))
        np.testing.assert_array_equal(np.load(target), np.arange(1000.0) * 2)

    def test_permissions_and_links_are_kept(self, tmp_path: Path) -> None:
        target = tmp_path / "r.npy"
        files.write_result(target, {"x": np.ones(2)})
        plain = tmp_path / "plain"
        plain.touch()
        assert stat.S_IMODE(target.stat().st_mode) == stat.S_IMODE(plain.stat().st_mode)
        target.chmod(0o640)
        link = tmp_path / "link.npy"
        link.symlink_to(target)
        files.write_result(link, {"x": np.ones(3)})
        assert link.is_symlink()
        assert stat.S_IMODE(target.stat().st_mode) == 0o640
        assert np.load(target).shape == (3,)

    def test_long_names(self, tmp_path: Path) -> None:
        target = tmp_path / ("n" * 251 + ".npy")
        files.write_result(target, {"x": np.ones(2)})
        assert [entry.name for entry in tmp_path.iterdir()] == [target.name]

    def test_links_that_go_round(self, tmp_path: Path) -> None:
        (tmp_path / "a.npy").symlink_to(tmp_path / "b.npy")
        (tmp_path / "b.npy").symlink_to(tmp_path / "a.npy")
        for call in (files.check_output, lambda path: files.write_result(path, {"x": np.ones(2)})):
            with pytest.raises(OSError, match=r"a\.npy") as caught:
                call(tmp_path / "a.npy")
            assert caught.value.errno == errno.ELOOP

    @pytest.mark.parametrize("suffix", ["npy", "npz", "csv", "parquet"])
    def test_a_full_disk_names_the_file(self, tmp_path: Path, suffix: str) -> None:
        if suffix == "parquet":
            pytest.importorskip("pyarrow")
        target = tmp_path / f"r.{suffix}"
        target.write_bytes(b"old")
        # A limit on file sizes fails writes as a full disk does, with another number.
        script = (
            "import resource, signal, sys, numpy as np\nfrom hybrid_rs.interop import files\n"
            "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
            "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
            "try:\n    files.write_result(sys.argv[1], {'x': np.random.default_rng(1).random(100_000)})\n"
            "except OSError as error:\n    print(error.filename, error.errno)\n"
        )
        done = subprocess.run([sys.executable, "-c", script, str(target)], capture_output=True, text=True, check=True)
        assert done.stdout == f"{target} {errno.EFBIG}\n"
        assert target.read_bytes() == b"old"
        assert left_over(tmp_path) == []

    @pytest.mark.parametrize(
        ("raised", "told"),
        [
            (OSError(errno.ENOSPC, "No space left on device"), "No space left on device"),
            (OSError("nothing but text"), "nothing but text"),
            (OSError(errno.EIO, "broken", "another file"), "another file"),
        ],
    )
    def test_errors_of_the_system_keep_their_text(self, tmp_path: Path, raised: OSError, told: str) -> None:
        with pytest.raises(OSError, match=told) as caught, atomic.replacing(tmp_path / "r.bin"):
            raise raised
        assert caught.value.errno == raised.errno
        assert ("r.bin" in str(caught.value)) is (raised.filename is None)
        assert list(tmp_path.iterdir()) == []
