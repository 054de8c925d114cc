"""CSV columns, against literal arrays, the csv module and NumPy's own reader."""

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from hybrid_rs.interop import csv_text, files
from samples import DTYPES, assert_same, only, sample


class TestCsv:
    @staticmethod
    def read(tmp_path: Path, text: str, column: str = "") -> dict[str, NDArray[Any]]:
        (tmp_path / "t.csv").write_bytes(text.encode())
        return dict(files.read_arrays(f"{tmp_path}/t.csv{column}"))

    def test_each_column_gets_its_own_dtype(self, tmp_path: Path) -> None:
        columns = self.read(tmp_path, "a,b,c,d\n1,0.5,18446744073709551615,1.\n-2,nan,3,99999999999999999999\n")
        assert_same(columns["a"], np.array([1, -2], np.int64))
        assert_same(columns["b"], np.array([0.5, np.nan]))
        assert_same(columns["c"], np.array([2**64 - 1, 3], np.uint64))
        assert_same(columns["d"], np.array([1, 1e20]))
        assert list(columns) == ["a", "b", "c", "d"]

    def test_int64_limits_are_exact(self, tmp_path: Path) -> None:
        limits = [-(2**63), 2**63 - 1, 2**53 + 1]
        assert_same(self.read(tmp_path, "a\n" + "\n".join(map(str, limits)))["a"], np.array(limits, np.int64))

    def test_without_header_columns_are_numbered(self, tmp_path: Path) -> None:
        columns = self.read(tmp_path, "1,2.5\n3,4.5\n")
        assert_same(columns["1"], np.array([1, 3], np.int64))
        assert_same(columns["2"], np.array([2.5, 4.5]))
        assert list(self.read(tmp_path, "1,2.5\n3,4.5\n", ":2")) == ["2"]

    @pytest.mark.parametrize(
        "text",
        [
            "a,b\r\n1,2\r\n\r\n3,4",
            "\ufeffa,b\n1,2\n3,4\n",
            ' a , "b"\n 1,"2"\n"3", 4 \n\n',
            "\n\na,b\n1,2\n3,4\n",
        ],
        ids=["crlf and blank lines", "byte order mark", "quotes and blanks", "leading blank lines"],
    )
    def test_ways_to_write_the_same(self, tmp_path: Path, text: str) -> None:
        columns = self.read(tmp_path, text)
        values = list(columns.values())
        assert_same(values[0], np.array([1, 3], np.int64))
        assert_same(values[1], np.array([2, 4], np.int64))

    def test_header_names_with_commas_and_line_ends(self, tmp_path: Path) -> None:
        columns = self.read(tmp_path, 'a,"b,\nc"\n1,2\n3,4\n', ":b,\nc")
        assert_same(columns["b,\nc"], np.array([2, 4], np.int64))

    def test_text_in_a_column_that_is_not_asked_for(self, tmp_path: Path) -> None:
        columns = self.read(tmp_path, "name,x\nÄpfel,1\n漢字,2\n,3\n", ":x")
        assert_same(columns["x"], np.array([1, 2, 3], np.int64))

    def test_a_column_that_turns_float_late(self, tmp_path: Path) -> None:
        rows = csv_text._SAMPLE_ROWS + 5
        text = "x,y\n" + "".join(f"{i},{i}\n" for i in range(rows)) + f"{2**63},0.5\n"
        columns = self.read(tmp_path, text)
        assert_same(columns["x"], np.array([*range(rows), 2**63], np.uint64))
        assert_same(columns["y"], np.array([*range(rows), 0.5]))

    def test_large_integers_in_a_column_that_turns_float_late(self, tmp_path: Path) -> None:
        text = "x\n-1\n99999999999999999999\n" + "1\n" * csv_text._SAMPLE_ROWS + "0.5\n"
        assert self.read(tmp_path, text)["x"][[0, 1, -1]].tolist() == [-1.0, 1e20, 0.5]

    def test_a_header_of_numbers(self, tmp_path: Path) -> None:
        text = "2019,2020\n1,2\n3,4\n"
        assert_same(self.read(tmp_path, text)["1"], np.array([2019, 1, 3], np.int64))
        assert_same(self.read(tmp_path, text, ":2020")["2020"], np.array([2, 4], np.int64))
        told: list[str] = []
        spec = f"{tmp_path}/t.csv"
        for header, data in (("auto", [2019, 1, 3]), ("no", [2019, 1, 3]), ("yes", [1, 3])):
            assert files.read_arrays(spec, header, told.append)[0][1].tolist() == data
        assert told == [
            f"{spec}: columns '1', '2'; no header, the first row is data",
            f"{spec}: columns '1', '2'; no header, the first row is data",
            f"{spec}: columns '2019', '2020'; the first row is a header",
        ]
        assert files.read_arrays(f"{spec}:2", "no")[0][1].tolist() == [2020, 2, 4]
        with pytest.raises(ValueError, match=r"no column '2020'; the file has '1', '2'"):
            files.read_arrays(f"{spec}:2020", "no")
        self.read(tmp_path, "id,2020\n1,2\n", ":2020")
        with pytest.raises(ValueError, match=r"line 1, column 1: 'id' is not a number"):
            files.read_arrays(spec, "no")
        assert [name for name, _ in files.read_arrays(spec, "yes")] == ["id", "2020"]
        with pytest.raises(ValueError, match="csv_header: must be one of auto, yes, no"):
            files.read_arrays(spec, "maybe")

    def test_header_alone_gives_no_elements(self, tmp_path: Path) -> None:
        assert_same(self.read(tmp_path, "a,b\n")["b"], np.empty(0))

    @pytest.mark.parametrize(
        ("text", "column", "message"),
        [
            ("a,b\n1,2\n3,x4\n", "", r"line 3, column 2: 'x4' is not a number"),
            ("a,b\n1,2\n3,\n", "", r"line 3, column 2: an empty cell is not a number"),
            ("a,b\n1,2\n3\n", "", r"line 3 has 1 column where the first row has 2"),
            ("a,b\n1,2\n3,4,5\n", ":a", r"line 3 has 3 columns where the first row has 2"),
            ("1,oops\n1,2\n", "", r"line 1, column 2: 'oops' is not a number"),
            ("a,b\n1,1_000\n", "", r"line 2, column 2: '1_000' is not a number"),
            ("a,b\n1,٣\n", "", r"line 2, column 2: '٣' is not a number"),
            ("a,b\n1,2\n", ":c", r"no column 'c'; the file has 'a', 'b'"),
            ("a,a\n1,2\n", ":a", r"more than one column is called 'a'"),
            ("a,b,c,b,a\n1,2,3,4,5\n", "", r"more than one column is called 'a', 'b'"),
            ("1,oops\n1,2\n", "", r"--csv-header yes"),
            (f"a\n-1\n1\n{2**63}\n2\n", "", rf"line 4, column 1: {2**63} does not fit .* beside -1"),
            ("a,b\n1,-9223372036854775809\n", "", r"line 2, column 2: -9223372036854775809 does not"),
            (f"a\n1\n{2**64}\n", "", rf"line 3, column 1: {2**64} does not fit a 64-bit integer;"),
            (f"a\n{'1' * 5000}\n", "", r"line 2, column 1: a number of more than 32 digits does not fit"),
            (f"a\n-5\n{'1' * 100}\n", "", r"line 3, column 1: a number of more than 32 digits"),
            ("a\n" + "-1\n" * 100 + f"{2**63}\n" + "1\n" * 100, "", rf"line 102, column 1: {2**63} does not"),
            ("a\n" + "1\n" * 100 + "x\n", "", r"line 102, column 1: 'x' is not a number"),
            ("a,b\n" + "1,2\n" * 100 + "3\n", ":b", r"line 102 has 1 column where"),
            ("\n\n", "", r"the file is empty"),
            ("", "", r"the file is empty"),
            ("a\n1\n\0\n", "", r"line 3, column 1"),
        ],
    )
    def test_errors_name_the_place(self, tmp_path: Path, text: str, column: str, message: str) -> None:
        with pytest.raises(ValueError, match=rf"t\.csv: .*{message}"):
            self.read(tmp_path, text, column)

    @pytest.mark.parametrize("before", [1, 1000])
    def test_not_utf8(self, tmp_path: Path, before: int) -> None:
        (tmp_path / "t.csv").write_bytes(b"a\n" + b"1\n" * before + b"\xff\n")
        with pytest.raises(ValueError, match=r"t\.csv: not UTF-8 text"):
            files.read_arrays(f"{tmp_path}/t.csv")

    @pytest.mark.parametrize("dtype", DTYPES)
    def test_writes_exact_values(self, tmp_path: Path, dtype: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(csv_text, "_WRITE_ROWS", 3)
        expected = sample(dtype)
        files.write_result(tmp_path / "r.csv", {"result": expected, 'a "b", c': np.arange(7)})
        with (tmp_path / "r.csv").open(newline="") as text:
            header, *rows = csv.reader(text)
        assert header == ["result", 'a "b", c']
        parse = float if expected.dtype.kind == "f" else int
        assert_same(np.array([parse(row[0]) for row in rows], expected.dtype), expected)
        assert [row[1] for row in rows] == list("0123456")

    def test_floats_are_written_short(self, tmp_path: Path) -> None:
        files.write_result(tmp_path / "r.csv", {"a": np.array([0.1], "f4"), "b": np.array([0.1])})
        assert (tmp_path / "r.csv").read_text() == "a,b\n0.1,0.1\n"

    def test_nan_and_infinities_come_back(self, tmp_path: Path) -> None:
        expected = np.array([np.nan, np.inf, -np.inf, 1e300])
        files.write_result(tmp_path / "r.csv", {"x": expected})
        np.testing.assert_array_equal(only(f"{tmp_path}/r.csv"), expected)
        np.testing.assert_array_equal(np.loadtxt(tmp_path / "r.csv", skiprows=1), expected)

    def test_no_elements(self, tmp_path: Path) -> None:
        files.write_result(tmp_path / "r.csv", {"x": np.empty(0, "i4")})
        assert (tmp_path / "r.csv").read_text() == "x\n"
