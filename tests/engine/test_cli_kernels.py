"""``hybrid-rs run`` with kernels written in Python: several results, tables, and errors with their place."""

import json
from pathlib import Path

import numpy as np
import pytest

from hybrid_rs import cli

KERNELS = '''
import hybrid_rs as hr

@hr.kernel
def look_up(x, table, shift):
    """Give a number's neighbour and its place in a table."""
    return x + shift, table[x % len(table)]

@hr.kernel
def pixel(i, j, image):
    return image[i, j]

@hr.kernel
def wrong(x):
    return "a" + x

@hr.kernel
def inverse(x):
    return 60 // x
'''


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a folder with kernels and inputs."""
    (tmp_path / "model.py").write_text(KERNELS)
    np.save(tmp_path / "x.npy", np.arange(10))
    np.save(tmp_path / "table.npy", np.array([1.5, 2.5, 3.5]))
    np.save(tmp_path / "image.npy", np.arange(6.0).reshape(2, 3))
    (tmp_path / "table.csv").write_text("value\n1.5\n2.5\n3.5\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


WANTED = (np.arange(10) + 7, np.array([1.5, 2.5, 3.5])[np.arange(10) % 3])


def test_several_results_are_keys_of_an_npz() -> None:
    assert cli.main(["run", "model.py:look_up", "x.npy", "table.npy", "7", "--out", "r.npz"]) == 0
    with np.load("r.npz") as found:
        assert set(found) == {"result_0", "result_1"}
        np.testing.assert_array_equal(found["result_0"], WANTED[0])
        np.testing.assert_array_equal(found["result_1"], WANTED[1])
        assert (found["result_0"].dtype, found["result_1"].dtype) == (np.int64, np.float64)


def test_several_results_are_columns_of_a_csv_and_the_table_may_be_a_column_too() -> None:
    assert cli.main(["run", "model.py:look_up", "x.npy", "table.csv:value", "7", "--out", "r.csv"]) == 0
    found = np.genfromtxt("r.csv", delimiter=",", names=True)
    assert found.dtype.names == ("result_0", "result_1")
    np.testing.assert_array_equal(found["result_0"], WANTED[0])
    np.testing.assert_array_equal(found["result_1"], WANTED[1])


def test_several_results_are_columns_of_a_parquet_file() -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    assert cli.main(["run", "model.py:look_up", "x.npy", "table.npy", "7", "--out", "r.parquet"]) == 0
    found = parquet.read_table("r.parquet")
    assert found.column_names == ["result_0", "result_1"]
    np.testing.assert_array_equal(found.column("result_1").to_numpy(), WANTED[1])


def test_a_table_of_two_axes_fits_into_a_csv_of_results() -> None:
    assert cli.main(["run", "model.py:pixel", "1", "2", "image.npy", "--out", "r.csv"]) == 0
    assert float(np.genfromtxt("r.csv", skip_header=1)) == 5.0


def test_several_results_do_not_fit_an_npy(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["run", "model.py:look_up", "x.npy", "table.npy", "7", "--out", "r.npy"]) == 2
    assert "use .npz" in capsys.readouterr().err
    assert not Path("r.npy").exists()


def test_errors_show_their_place(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["run", "model.py:wrong", "x.npy", "--out", "r.npy"]) == 2
    err = capsys.readouterr().err
    assert 'return "a" + x' in err
    assert "model.py, line 15, in wrong" in err


def test_a_fault_names_the_element(capsys: pytest.CaptureFixture[str]) -> None:
    np.save("y.npy", np.array([5, 3, 0, 1]))
    assert cli.main(["run", "model.py:inverse", "y.npy", "--out", "r.npy"]) == 1
    err = capsys.readouterr().err
    assert "element 2" in err
    assert "ZeroDivisionError" in err


def test_lengths_are_compared_without_the_tables(capsys: pytest.CaptureFixture[str]) -> None:
    np.save("y.npy", np.arange(4))
    assert cli.main(["run", "model.py:look_up", "x.npy", "table.npy", "y.npy", "--out", "r.npz"]) == 2
    err = capsys.readouterr().err
    assert "x.npy (10,), y.npy (4,)" in err
    assert "table.npy" not in err


def test_the_document_names_all_results(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["run", "model.py:look_up", "x.npy", "table.npy", "7", "--out", "r.npz", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["dtypes"] == {"result_0": "int64", "result_1": "float64"}
    assert document["elements"] == 10
