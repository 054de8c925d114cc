"""Code kept on the disk: found again as it was, and never taken from where others could have put it."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from hybrid_rs import cli
from hybrid_rs.targets import cache
from hybrid_rs.targets.cache import Entry

KEY = bytes(range(32))
ENTRY = Entry(b"\x7fELF and so on" * 50, 8, 0.25)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep code in a folder of the test's."""
    place = tmp_path / "code"
    monkeypatch.setenv("HYBRID_RS_CACHE_DIR", str(place))
    return place


def file_of(folder: Path, key: bytes = KEY) -> Path:
    return folder / f"{key.hex()}.code"


def test_what_is_stored_is_found(folder: Path) -> None:
    assert cache.find(KEY) is None
    assert not folder.exists()
    cache.store(KEY, ENTRY)
    assert cache.find(KEY) == ENTRY
    assert cache.find(bytes(32)) is None
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(file_of(folder).stat().st_mode) == 0o600
    cache.store(KEY, Entry(b"other", 4, 1.0))
    assert cache.find(KEY) == Entry(b"other", 4, 1.0)
    assert [one.name for one in folder.iterdir()] == [file_of(folder).name]


def test_digests_tell_parts_apart() -> None:
    assert cache.digest(b"ab", b"c") != cache.digest(b"a", b"bc")
    assert cache.digest(b"ab", b"c") == cache.digest(b"ab", b"c")
    assert len(cache.digest()) == 32


def test_torn_and_altered_files_are_passed_over_and_replaced(folder: Path) -> None:
    cache.store(KEY, ENTRY)
    file = file_of(folder)
    whole = file.read_bytes()
    for size in (0, 1, 7, 8, 39, 40, 60, 83, 84, len(whole) - 1):
        file.write_bytes(whole[:size])
        assert cache.find(KEY) is None, size
    for at in range(0, len(whole), 13):
        file.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        assert cache.find(KEY) is None, at
    file.write_bytes(whole + b"x")
    assert cache.find(KEY) is None
    cache.store(KEY, ENTRY)
    assert cache.find(KEY) == ENTRY


def test_a_file_under_another_name_is_not_taken(folder: Path) -> None:
    cache.store(KEY, ENTRY)
    file_of(folder).rename(file_of(folder, bytes(32)))
    assert cache.find(bytes(32)) is None


def test_links_and_what_others_may_write_are_not_read(folder: Path, tmp_path: Path) -> None:
    cache.store(KEY, ENTRY)
    file = file_of(folder)
    for mode in (0o620, 0o602, 0o666):
        file.chmod(mode)
        assert cache.find(KEY) is None
    file.chmod(0o600)
    assert cache.find(KEY) == ENTRY
    elsewhere = file.rename(tmp_path / "elsewhere")
    file.symlink_to(elsewhere)
    assert cache.find(KEY) is None
    file.unlink()
    os.mkfifo(file, 0o600)
    assert cache.find(KEY) is None  # and doesn't wait for a writer
    file.unlink()
    file.mkdir()
    assert cache.find(KEY) is None


@pytest.mark.parametrize("mode", [0o770, 0o707, 0o777, 0o720])
def test_a_folder_that_others_may_write_to_is_refused(folder: Path, mode: int) -> None:
    cache.store(KEY, ENTRY)
    folder.chmod(mode)
    for job in (lambda: cache.find(KEY), lambda: cache.store(KEY, ENTRY), cache.clear):
        with pytest.raises(cache.RefusedError, match="others may write to it"):
            job()
    assert cache.state().refused == f"{folder}: others may write to it"
    folder.chmod(0o700)
    assert cache.find(KEY) == ENTRY


def test_a_folder_that_is_a_link_or_a_file_is_refused(folder: Path, tmp_path: Path) -> None:
    real = tmp_path / "real"
    real.mkdir(mode=0o700)
    folder.symlink_to(real)
    with pytest.raises(cache.RefusedError, match="is a link"):
        cache.store(KEY, ENTRY)
    assert not list(real.iterdir())
    folder.unlink()
    folder.write_text("")
    with pytest.raises(cache.RefusedError, match=str(folder)):
        cache.store(KEY, ENTRY)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can give folders away")
def test_a_folder_of_another_user_is_refused(folder: Path) -> None:
    cache.store(KEY, ENTRY)
    os.chown(file_of(folder), 12345, -1)
    assert cache.find(KEY) is None
    os.chown(folder, 12345, -1)
    with pytest.raises(cache.RefusedError, match="belongs to another user"):
        cache.find(KEY)


def test_files_not_used_for_longest_go_first(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = [bytes([k]) * 32 for k in range(8)]
    for age, key in enumerate(keys):
        cache.store(key, ENTRY)
        os.utime(file_of(folder, key), (1000 + age, 1000 + age))
    assert cache.find(keys[0]) == ENTRY  # used now
    size = file_of(folder, keys[0]).stat().st_size
    monkeypatch.setattr(cache, "LIMIT", 8 * size)
    abandoned = folder / ".1-2.tmp"
    abandoned.write_bytes(b"x")
    os.utime(abandoned, (1000, 1000))
    cache.store(KEY, ENTRY)
    # Nine files are too many: six, three quarters of the limit, are left.
    assert {key for key in (*keys, KEY) if file_of(folder, key).exists()} == {keys[0], *keys[4:], KEY}
    assert not abandoned.exists()


def test_a_full_disk_leaves_nothing_behind(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_args: object, **_options: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "rename", full)
    with pytest.raises(OSError, match="No space left"):
        cache.store(KEY, ENTRY)
    assert not list(folder.iterdir())


def test_without_a_home_there_is_no_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hybrid_rs.flags.cache_folder", lambda: None)
    with pytest.raises(cache.RefusedError, match="HYBRID_RS_CACHE_DIR"):
        cache.find(KEY)


def test_where_the_folder_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("HYBRID_RS_CACHE_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache.state().folder == tmp_path / "hybrid_rs"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache.state().folder == tmp_path / ".cache" / "hybrid_rs"


MANY = """
import sys
from hybrid_rs.targets import cache
for round in range(60):
    for k in range(5):
        key = bytes([k]) * 32
        found = cache.find(key)
        assert found is None or found.object == bytes([k]) * 30000, "another's content"
        cache.store(key, cache.Entry(bytes([k]) * 30000, 8, 0.0))
        assert cache.find(key) is not None
"""


def test_several_processes_at_once(folder: Path) -> None:
    processes = [subprocess.Popen([sys.executable, "-c", MANY], stderr=subprocess.PIPE) for _ in range(3)]
    for process in processes:
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors.decode()
    assert cache.state()[1:3] == (5, sum(file.stat().st_size for file in folder.iterdir()))


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    status = cli.main(["cache", *words])
    return status, *capsys.readouterr()


def test_the_command(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cache.store(KEY, ENTRY)
    size = file_of(folder).stat().st_size
    status, out, _ = run(capsys, "info", "--json")
    expected = {"folder": str(folder), "files": 1, "bytes": size, "limit": 256 << 20, "refused": None, "cleared": False}
    assert (status, json.loads(out)) == (0, expected)
    status, out, _ = run(capsys, "info")
    assert (status, out.splitlines()[0]) == (0, f"folder  {folder}")
    status, out, _ = run(capsys, "clear", "--json")
    assert (status, json.loads(out)) == (0, expected | {"cleared": True})
    assert not list(folder.iterdir())
    cache.store(KEY, ENTRY)
    folder.chmod(0o777)
    status, out, _ = run(capsys, "info")
    assert (status, out.splitlines()[-1]) == (0, f"NOT USED: {folder}: others may write to it")
    status, _, err = run(capsys, "clear")
    assert (status, err) == (2, f"hybrid-rs cache: {folder}: others may write to it\n")
