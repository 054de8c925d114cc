"""Reading arrays and writing results, against NumPy's and pyarrow's own readers and writers."""

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from hybrid_rs.interop import files
from samples import DTYPES, assert_same, only, sample


class TestNpy:
    @pytest.mark.parametrize("dtype", DTYPES)
    @pytest.mark.parametrize("block", [3, 1 << 20])
    def test_reads_what_numpy_saved(
        self, tmp_path: Path, dtype: str, block: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(files, "_READ_BYTES", block)
        expected = sample(dtype)
        np.save(tmp_path / "x.npy", expected)
        ((name, array),) = files.read_arrays(str(tmp_path / "x.npy"))
        assert name == "x"
        assert_same(array, expected)
        assert array.flags.writeable
        assert type(array) is np.ndarray

    def test_a_file_that_shrinks_later_changes_nothing(self, tmp_path: Path) -> None:
        expected = np.arange(10_000_000.0)  # what a mapping was once thought worth for
        np.save(tmp_path / "x.npy", expected)
        array = only(str(tmp_path / "x.npy"))
        os.truncate(tmp_path / "x.npy", 0)
        np.testing.assert_array_equal(array, expected)

    def test_a_file_that_shrinks_while_it_is_read(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        np.save(tmp_path / "x.npy", np.arange(100_000))
        header = files._npy_header

        def shrinking(*arguments: Any, **options: Any) -> Any:
            os.truncate(tmp_path / "x.npy", 1000)
            return header(*arguments, **options)

        monkeypatch.setattr(files, "_npy_header", shrinking)
        with pytest.raises(ValueError, match=r"x\.npy: truncated: \d+ of 800000 bytes are missing"):
            files.read_arrays(f"{tmp_path}/x.npy")

    def test_shapes_and_fortran_order(self, tmp_path: Path) -> None:
        for expected in (sample("f8", (3, 4)), np.asfortranarray(sample("i4", (3, 4))), np.array(2.5)):
            np.save(tmp_path / "x.npy", expected)
            array = only(str(tmp_path / "x.npy"))
            assert_same(array, expected)
            assert array.flags.f_contiguous == expected.flags.f_contiguous

    def test_reads_every_format_version(self, tmp_path: Path) -> None:
        expected = sample("f8")
        for version in ((1, 0), (2, 0), (3, 0)):
            with (tmp_path / "x.npy").open("wb") as stream:
                np.lib.format.write_array(stream, expected, version)
            assert_same(only(str(tmp_path / "x.npy")), expected)

    @pytest.mark.parametrize("dtype", DTYPES)
    def test_writes_what_numpy_loads(self, tmp_path: Path, dtype: str) -> None:
        for expected in (sample(dtype), sample(dtype, (2, 3)), sample(dtype, (0,)), sample(dtype, ())):
            files.write_result(tmp_path / "r.npy", {"result": expected})
            assert_same(np.load(tmp_path / "r.npy", allow_pickle=False), expected)

    def test_two_arrays_are_refused(self, tmp_path: Path) -> None:
        with pytest.raises(ValueError, match=r"r\.npy: an npy file holds one array and the result has 2"):
            files.write_result(tmp_path / "r.npy", {"a": np.ones(2), "b": np.ones(2)})
        assert not list(tmp_path.iterdir())


class TestNpz:
    @pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
    def test_reads_what_numpy_saved(self, tmp_path: Path, save: Any) -> None:
        first, second = sample("i4"), sample(">f8", (2, 3))
        save(tmp_path / "x.npz", first=first, second=second)
        assert_same(only(f"{tmp_path}/x.npz:first"), first)
        assert_same(only(f"{tmp_path}/x.npz:second"), second)
        save(tmp_path / "y.npz", only=first)
        ((name, array),) = files.read_arrays(f"{tmp_path}/y.npz")
        assert name == "only"
        assert_same(array, first)

    def test_writes_what_numpy_loads(self, tmp_path: Path) -> None:
        # "file" is what `np.savez` can't take as a name.
        columns = {"file": sample("u8"), "result_1": sample("f4", (2, 2))}
        files.write_result(tmp_path / "r.npz", columns)
        with np.load(tmp_path / "r.npz") as archive:
            assert sorted(archive.files) == sorted(columns)
            for name, expected in columns.items():
                assert_same(archive[name], expected)

    def test_several_arrays_need_a_choice(self, tmp_path: Path) -> None:
        np.savez(tmp_path / "x.npz", a=np.ones(2), b=np.ones(2))
        with pytest.raises(ValueError, match=r"x\.npz: the archive holds 'a', 'b'; choose one"):
            files.read_arrays(f"{tmp_path}/x.npz")
        with pytest.raises(ValueError, match=r"x\.npz: no array 'c'; the archive holds 'a', 'b'"):
            files.read_arrays(f"{tmp_path}/x.npz:c")


@pytest.fixture
def parquet() -> Any:
    """Give pyarrow.parquet, or skip."""
    return pytest.importorskip("pyarrow.parquet")


class TestParquet:
    def test_reads_what_pyarrow_wrote(self, tmp_path: Path, parquet: Any) -> None:
        import pyarrow as pa

        natives = [dtype for dtype in DTYPES if not dtype.startswith(">")]
        columns = {f"c.{dtype}": sample(dtype) for dtype in natives}
        parquet.write_table(pa.table(columns), tmp_path / "t.parquet", row_group_size=3)
        read = files.read_arrays(f"{tmp_path}/t.parquet")
        assert [name for name, _ in read] == list(columns)
        for name, array in read:
            assert_same(array, columns[name])
            assert_same(only(f"{tmp_path}/t.parquet:{name}"), columns[name])

    @pytest.mark.parametrize("dtype", DTYPES)
    def test_writes_what_pyarrow_reads(self, tmp_path: Path, parquet: Any, dtype: str) -> None:
        expected = sample(dtype)
        files.write_result(tmp_path / "r.parquet", {"result_0": expected, "result_1": np.full(7, np.nan)})
        table = parquet.read_table(tmp_path / "r.parquet")
        assert table.column_names == ["result_0", "result_1"]
        native = expected.astype(expected.dtype.newbyteorder("="))
        assert_same(table.column("result_0").to_numpy(), native)
        assert table.column("result_1").null_count == 0

    def test_missing_floats_are_nan_and_missing_integers_refused(self, tmp_path: Path, parquet: Any) -> None:
        import pyarrow as pa

        table = pa.table({"f": pa.array([1.5, None], pa.float32()), "i": pa.array([1, None], pa.int64())})
        parquet.write_table(table, tmp_path / "t.parquet")
        assert_same(only(f"{tmp_path}/t.parquet:f"), np.array([1.5, np.nan], "f4"))
        with pytest.raises(ValueError, match=r"t\.parquet: column 'i': 1 missing values in a column of int64"):
            files.read_arrays(f"{tmp_path}/t.parquet:i")

    def test_text_is_refused_unless_another_column_is_asked_for(self, tmp_path: Path, parquet: Any) -> None:
        import pyarrow as pa

        parquet.write_table(pa.table({"s": ["a"], "x": [1.0]}), tmp_path / "t.parquet")
        assert_same(only(f"{tmp_path}/t.parquet:x"), np.array([1.0]))
        with pytest.raises(ValueError, match=r"t\.parquet: column 's': type string is not a plain number"):
            files.read_arrays(f"{tmp_path}/t.parquet")
        with pytest.raises(ValueError, match=r"no column 'y'; the file has 's', 'x'"):
            files.read_arrays(f"{tmp_path}/t.parquet:y")

    def test_without_pyarrow_the_extra_is_named(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "pyarrow", None)
        (tmp_path / "t.parquet").write_bytes(b"PAR1")
        for call in (
            lambda: files.read_arrays(f"{tmp_path}/t.parquet"),
            lambda: files.check_output(tmp_path / "r.parquet"),
            lambda: files.write_result(tmp_path / "r.parquet", {"x": np.ones(2)}),
        ):
            with pytest.raises(ImportError, match=r"\.parquet: .*hybrid_rs\[io\]"):
                call()
        assert not (tmp_path / "r.parquet").exists()


class TestRefusedInput:
    def test_path_errors(self, tmp_path: Path) -> None:
        (tmp_path / "folder.npy").mkdir()
        (tmp_path / "empty.npz").touch()
        with pytest.raises(FileNotFoundError, match=r"none\.npy"):
            files.read_arrays(f"{tmp_path}/none.npy")
        with pytest.raises(IsADirectoryError, match=r"folder\.npy"):
            files.read_arrays(f"{tmp_path}/folder.npy")
        with pytest.raises(ValueError, match=r"empty\.npz: the file is empty"):
            files.read_arrays(f"{tmp_path}/empty.npz")
        with pytest.raises(ValueError, match=r"x\.txt: unsupported file type \.txt"):
            files.read_arrays(f"{tmp_path}/x.txt")
        with pytest.raises(ValueError, match=r"unsupported file type \(no suffix\)"):
            files.read_arrays(str(tmp_path / "x"))

    @pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
    def test_unreadable(self, tmp_path: Path) -> None:
        np.save(tmp_path / "x.npy", np.ones(2))
        (tmp_path / "x.npy").chmod(0)
        with pytest.raises(PermissionError, match=r"x\.npy"):
            files.read_arrays(f"{tmp_path}/x.npy")

    @pytest.mark.parametrize(
        ("array", "message"),
        [
            (np.array([{}, None]), "holds pickled Python objects"),
            (np.zeros(3, [("mass", "f8"), ("name", "U3")]), "structured dtype with fields mass, name"),
            (np.array(["text"]), "is not bool, an integer or a float"),
            (np.array([1j]), "complex128 is not bool"),
            (np.array(["2001-01-01"], "M8[D]"), "is not bool"),
        ],
    )
    @pytest.mark.parametrize("suffix", ["npy", "npz"])
    def test_dtypes_that_are_no_numbers(self, tmp_path: Path, array: NDArray[Any], message: str, suffix: str) -> None:
        (np.save if suffix == "npy" else np.savez)(tmp_path / f"x.{suffix}", array)
        with pytest.raises(ValueError, match=rf"x\.{suffix}: .*{message}"):
            files.read_arrays(f"{tmp_path}/x.{suffix}")
        with pytest.raises(ValueError, match=rf"r\.{suffix}: result: .*{message}"):
            files.write_result(tmp_path / f"r.{suffix}", {"result": array})

    def test_nothing_is_unpickled(self, tmp_path: Path) -> None:
        witness = tmp_path / "witness"

        class Bomb:
            def __reduce__(self) -> tuple[Any, ...]:
                return Path.touch, (witness,)

        np.save(tmp_path / "x.npy", np.array([Bomb()], dtype=object), allow_pickle=True)
        with pytest.raises(ValueError, match="never loaded"):
            files.read_arrays(f"{tmp_path}/x.npy")
        assert not witness.exists()
        np.load(tmp_path / "x.npy", allow_pickle=True)
        assert witness.exists(), "the bomb works where it is let"

    def test_every_truncation_of_an_npy(self, tmp_path: Path) -> None:
        np.save(tmp_path / "x.npy", np.arange(5))
        whole = (tmp_path / "x.npy").read_bytes()
        for length in range(len(whole)):
            (tmp_path / "x.npy").write_bytes(whole[:length])
            with pytest.raises(ValueError, match=r"x\.npy: .*(truncated|empty)"):
                files.read_arrays(f"{tmp_path}/x.npy")

    @pytest.mark.parametrize(
        ("shape", "message"),
        [
            ("(10000000000000000,)", "truncated"),
            ("(4000000000, 4000000000)", "truncated"),
            ("(-1,)", "lengths that aren't whole numbers"),
            ("(-1, -8)", "lengths that aren't whole numbers"),
            ("(True,)", "lengths that aren't whole numbers"),
            ("(0, 99999999999999999999999)", "no array has shape"),
            ("(0, 4611686018427387904, 8)", "no array has shape"),
            (f"({'1,' * 70})", "no array has 70 dimensions"),
            (f"({'0,' * 70})", "no array has 70 dimensions"),
        ],
    )
    def test_shapes_that_lie(self, tmp_path: Path, shape: str, message: str) -> None:
        header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
        data = (
            b"\x93NUMPY\x01\x00"
            + len(header).to_bytes(2, "little")
            + header.encode()
            + bytes(8 if "1,1" in shape else 0 if "0," in shape else 64)
        )
        (tmp_path / "x.npy").write_bytes(data)
        with zipfile.ZipFile(tmp_path / "x.npz", "w") as archive:
            archive.writestr("x.npy", data)
        for name in ("x.npy", "x.npz"):
            with pytest.raises(ValueError, match=rf"{re.escape(name)}.*: .*{message}"):
                files.read_arrays(f"{tmp_path}/{name}")

    def test_members_of_one_name(self, tmp_path: Path) -> None:
        np.save(tmp_path / "x.npy", np.ones(2))
        with zipfile.ZipFile(tmp_path / "x.npz", "w") as archive:
            for name in ("a.npy", "a"):
                archive.write(tmp_path / "x.npy", name)
        for spec in ("x.npz", "x.npz:a"):
            with pytest.raises(ValueError, match=r"x\.npz: more than one array 'a' \('a\.npy' and 'a'\)"):
                files.read_arrays(f"{tmp_path}/{spec}")

    @pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
    def test_archives_that_declare_what_is_not_there(self, tmp_path: Path, method: int) -> None:
        count = 500_000_000
        header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': ({count},), }}".ljust(117) + "\n"
        data = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode() + bytes(6400)
        with zipfile.ZipFile(tmp_path / "x.npz", "w", method) as archive:
            archive.writestr("x.npy", data)
        whole = (tmp_path / "x.npz").read_bytes()
        size = len(data).to_bytes(4, "little")
        lying = whole.replace(size, (len(data) - 6400 + count * 8).to_bytes(8, "little")[:4])
        assert lying != whole
        for content in (whole, lying):
            (tmp_path / "x.npz").write_bytes(content)
            with pytest.raises(ValueError, match=r"x\.npz: "):
                files.read_arrays(f"{tmp_path}/x.npz")

    def test_more_data_than_the_header_says(self, tmp_path: Path) -> None:
        np.save(tmp_path / "x.npy", np.ones(2))
        with zipfile.ZipFile(tmp_path / "x.npz", "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("x.npy", (tmp_path / "x.npy").read_bytes() + bytes(1000))
        with pytest.raises(ValueError, match=r"x\.npz: .* needs 16 bytes, 1016 are declared"):
            files.read_arrays(f"{tmp_path}/x.npz")

    def test_every_byte_of_a_directory_may_be_wrong(self, tmp_path: Path) -> None:
        np.savez(tmp_path / "x.npz", x=np.arange(3))
        whole = (tmp_path / "x.npz").read_bytes()
        for position in range(whole.index(b"PK\x01\x02"), len(whole)):
            broken = bytearray(whole)
            broken[position] ^= 0xFF
            (tmp_path / "x.npz").write_bytes(broken)
            told = ""
            try:
                np.testing.assert_array_equal(only(f"{tmp_path}/x.npz"), np.arange(3))
            except ValueError as error:
                told = str(error)
            assert told == "" or "x.npz: " in told

    @pytest.mark.parametrize("name", ["x.npy", "x.npz", "x.csv"])
    def test_too_little_memory(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
        files.write_result(tmp_path / name, {"x": np.ones(3)})

        def failing(*_arguments: Any, **_options: Any) -> Any:
            raise MemoryError

        monkeypatch.setattr(np, "empty", failing)
        monkeypatch.setattr(np, "loadtxt", failing)
        with pytest.raises(MemoryError, match=rf"{re.escape(name)}: not enough memory"):
            files.read_arrays(f"{tmp_path}/{name}")

    def test_broken_archives(self, tmp_path: Path) -> None:
        np.savez_compressed(tmp_path / "x.npz", x=np.arange(1000))
        whole = (tmp_path / "x.npz").read_bytes()
        for length in range(1, len(whole), 7):
            (tmp_path / "x.npz").write_bytes(whole[:length])
            with pytest.raises(ValueError, match=r"x\.npz"):
                files.read_arrays(f"{tmp_path}/x.npz")
        flipped = bytearray(whole)
        flipped[len(whole) // 2] ^= 0xFF
        (tmp_path / "x.npz").write_bytes(flipped)
        with pytest.raises(ValueError, match=r"x\.npz"):
            files.read_arrays(f"{tmp_path}/x.npz")

    def test_one_format_under_the_name_of_another(self, tmp_path: Path) -> None:
        pytest.importorskip("pyarrow")
        np.save(tmp_path / "x.npy", np.ones(2))
        np.savez(tmp_path / "x.npz", np.ones(2))
        (tmp_path / "x.npy").rename(tmp_path / "a.npz")
        (tmp_path / "x.npz").rename(tmp_path / "a.npy")
        (tmp_path / "a.parquet").write_text("x\n1\n")
        for name in ("a.npz", "a.npy", "a.parquet"):
            with pytest.raises(ValueError, match=name.replace(".", r"\.")):
                files.read_arrays(f"{tmp_path}/{name}")

    def test_truncated_parquet(self, tmp_path: Path) -> None:
        pytest.importorskip("pyarrow")
        files.write_result(tmp_path / "x.parquet", {"x": np.arange(100)})
        whole = (tmp_path / "x.parquet").read_bytes()
        for length in range(1, len(whole), 13):
            (tmp_path / "x.parquet").write_bytes(whole[:length])
            with pytest.raises(ValueError, match=r"x\.parquet: not a readable parquet file"):
                files.read_arrays(f"{tmp_path}/x.parquet")

    def test_name_on_an_npy(self, tmp_path: Path) -> None:
        np.save(tmp_path / "x.npy", np.ones(2))
        with pytest.raises(ValueError, match=r"x\.npy: an npy file holds one array; leave out ':a'"):
            files.read_arrays(f"{tmp_path}/x.npy:a")


def test_specs_with_colons(tmp_path: Path) -> None:
    assert files.split_spec("a.npz:k:2") == (Path("a.npz"), "k:2")
    assert files.split_spec("C:/data/a.CSV:x") == (Path("C:/data/a.CSV"), "x")
    assert files.split_spec("2024:01.npy") == (Path("2024:01.npy"), None)
    odd = tmp_path / "a.npz:b.npy"
    np.save(odd, np.ones(3))
    assert_same(only(str(odd)), np.ones(3))


class TestRefusedOutput:
    def test_suffix_shape_and_length(self, tmp_path: Path) -> None:
        with pytest.raises(ValueError, match=r"r\.json: unsupported file type \.json"):
            files.write_result(tmp_path / "r.json", {"x": np.ones(2)})
        with pytest.raises(ValueError, match=r"r\.csv: csv columns have one dimension, the result has 2"):
            files.write_result(tmp_path / "r.csv", {"x": np.ones((2, 2))})
        with pytest.raises(ValueError, match=r"r\.csv: columns of different lengths \(2, 3\)"):
            files.write_result(tmp_path / "r.csv", {"x": np.ones(2), "y": np.ones(3)})
        with pytest.raises(ValueError, match=r"r\.npz: nothing to write"):
            files.write_result(tmp_path / "r.npz", {})
        assert not list(tmp_path.iterdir())

    def test_targets_that_cannot_be_replaced(self, tmp_path: Path) -> None:
        (tmp_path / "folder.npy").mkdir()
        os.mkfifo(tmp_path / "pipe.npy")
        with pytest.raises(IsADirectoryError, match=r"folder\.npy"):
            files.check_output(tmp_path / "folder.npy")
        with pytest.raises(FileNotFoundError, match=r"folder for the output doesn't exist.*none/r\.npy"):
            files.check_output(tmp_path / "none" / "r.npy")
        with pytest.raises(OSError, match=r"not a regular file.*pipe\.npy"):
            files.check_output(tmp_path / "pipe.npy")
        files.check_output(tmp_path / "new.npy")
        assert not (tmp_path / "new.npy").exists()


def test_importing_the_package_stays_light() -> None:
    script = (
        "import sys, numpy; before = set(sys.modules); import hybrid_rs\n"
        "print(sorted({'argparse', 'csv', 'pyarrow', 'hybrid_rs.cli', 'hybrid_rs.interop.files'}"
        " & (set(sys.modules) - before)))"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert result.stdout == "[]\n"
