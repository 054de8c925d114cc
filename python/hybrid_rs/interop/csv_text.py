"""Numeric columns from and to comma-separated text.

NumPy's C reader does the parsing. It says which cell it can't read by row number alone and stops at the first, so
the slow scan of `_column_types` runs where it has something to say: over the first rows, to choose each column's
dtype, and over the whole file when the fast reader refused it, to name line and column or to widen a dtype.
"""

import csv
import re
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

# Rows looked at before the first attempt. A column that changes its kind later costs one scan of the file.
_SAMPLE_ROWS = 64
# Rows formatted at a time when writing: bounds the memory of the text to some MB.
_WRITE_ROWS = 65_536

_ENCODING = "utf-8-sig"  # UTF-8, with or without the mark that spreadsheets put first
# Longer ones can't be 64-bit integers (and Python refuses to convert thousands of digits): they are read as floats.
_INTEGER = re.compile(r"\s*[+-]?[0-9]{1,32}\s*", re.ASCII)
_INT64 = np.iinfo(np.int64)
_UINT64 = np.iinfo(np.uint64)

# A physical line number (the row's last, from 1) and the row's cells.
_Row = tuple[int, list[str]]


class _Layout(NamedTuple):
    """What the first row says: column names, and how many lines precede the data."""

    names: list[str]
    header_lines: int


def read_columns(path: Path, wanted: str | None) -> list[tuple[str, NDArray[Any]]]:
    """Read the columns of a CSV file, or the one called `wanted`.

    The first row is a header when none of its cells is a number; without a header the columns are called "1", "2", ….
    A column of whole numbers is int64 (uint64 when only that holds them), every other one float64. Columns that aren't
    wanted may hold anything.

    Returns:
        Names and one-dimensional contiguous arrays, in the file's order.

    Raises:
        ValueError: Empty file, no such column, rows of different lengths, a cell that isn't a number (line and column
            are named), or text that isn't UTF-8.
        OSError: The file can't be read.
    """
    try:
        layout = _layout(path)
        columns = _selection(layout.names, wanted, path)
        tables = _parse(path, layout, columns)
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: not UTF-8 text ({error.reason} at byte {error.start})") from error
    except csv.Error as error:
        raise ValueError(f"{path}: not readable as CSV ({error})") from error
    return [(layout.names[column], array) for column, array in zip(columns, tables, strict=True)]


def write_columns(stream: BinaryIO, columns: Mapping[str, NDArray[Any]]) -> None:
    """Write one-dimensional columns of equal length with a header row.

    Numbers are written with the fewest digits that give the same value back in the column's dtype; booleans as 0 and 1.
    """
    stream.write((",".join(_quoted(name) for name in columns) + "\n").encode())
    arrays = list(columns.values())
    for begin in range(0, len(arrays[0]), _WRITE_ROWS):
        cells = [_formatted(array[begin : begin + _WRITE_ROWS]) for array in arrays]
        lines = cells[0] if len(cells) == 1 else map(",".join, zip(*cells, strict=True))
        stream.write(("\n".join(lines) + "\n").encode())


def _layout(path: Path) -> _Layout:
    """Read the first row and decide whether it names the columns."""
    first = next(_rows(path, 0), None)
    if first is None:
        raise ValueError(f"{path}: the file is empty")
    line, cells = first
    numeric = [_is_number(cell) for cell in cells]
    if all(numeric):
        return _Layout([str(number) for number in range(1, len(cells) + 1)], 0)
    if any(numeric):
        bad = numeric.index(False)
        raise ValueError(
            f"{path}: line {line}, column {bad + 1}: {_shown(cells[bad])} is not a number"
            " (a header row has no numbers in it)"
        )
    return _Layout([cell.strip() for cell in cells], line)


def _selection(names: Sequence[str], wanted: str | None, path: Path) -> list[int]:
    """Give the positions of the columns to read."""
    if wanted is None:
        return list(range(len(names)))
    found = [position for position, name in enumerate(names) if name == wanted]
    if len(found) == 1:
        return found
    if found:
        raise ValueError(f"{path}: {len(found)} columns are called {wanted!r}")
    raise ValueError(f"{path}: no column {wanted!r}; the file has {', '.join(map(repr, names))}")


def _parse(path: Path, layout: _Layout, columns: Sequence[int]) -> list[NDArray[Any]]:
    """Parse the data rows of the chosen columns, with dtypes guessed from the first rows and widened when needed."""
    sample = list(islice(_rows(path, layout.header_lines), _SAMPLE_ROWS))
    if not sample:
        return [np.empty(0, np.float64) for _ in columns]
    width = len(layout.names)
    dtypes = _column_types(path, sample, columns, width)
    try:
        return _load(path, layout, columns, dtypes)
    except UnicodeDecodeError:
        raise
    except ValueError as refused:
        widened = _column_types(path, _rows(path, layout.header_lines), columns, width)
        if widened == dtypes:
            raise ValueError(f"{path}: {refused}") from refused
    return _load(path, layout, columns, widened)


def _load(path: Path, layout: _Layout, columns: Sequence[int], dtypes: Sequence[np.dtype[Any]]) -> list[NDArray[Any]]:
    """Run NumPy's reader over the whole file, and make each column contiguous."""
    # Columns nobody asked for are read as one character: cheap, and every row's length is still checked.
    chosen = dict(zip(columns, dtypes, strict=True))
    fields = [(f"f{column}", chosen.get(column, np.dtype("U1"))) for column in range(len(layout.names))]
    with warnings.catch_warnings():
        # For an integer dtype the reader would cut "1.5" to 1, and only warn about it.
        warnings.simplefilter("error", DeprecationWarning)
        table = np.loadtxt(
            path.absolute(),  # not relative: the reader takes some relative names for addresses
            dtype=np.dtype(fields),
            delimiter=",",
            comments=None,
            quotechar='"',
            skiprows=layout.header_lines,
            ndmin=1,
            encoding=_ENCODING,
        )
    return [np.ascontiguousarray(table[f"f{column}"]) for column in columns]


def _column_types(path: Path, rows: Iterable[_Row], columns: Sequence[int], width: int) -> list[np.dtype[Any]]:
    """Give each column the narrowest of int64, uint64 and float64 that holds its cells, or name the bad cell."""
    whole = [True] * len(columns)
    low = [0] * len(columns)
    high = [0] * len(columns)
    for line, cells in rows:
        if len(cells) != width:
            raise ValueError(f"{path}: line {line} has {len(cells)} columns where the first row has {width}")
        for position, column in enumerate(columns):
            cell = cells[column]
            if whole[position] and _INTEGER.fullmatch(cell):
                value = int(cell)
                low[position] = min(low[position], value)
                high[position] = max(high[position], value)
            elif _is_number(cell):
                whole[position] = False
            else:
                raise ValueError(f"{path}: line {line}, column {column + 1}: {_shown(cell)} is not a number")
    return [_dtype(*kind) for kind in zip(whole, low, high, strict=True)]


def _dtype(whole: bool, low: int, high: int) -> np.dtype[Any]:
    """Choose the dtype of a column from whether it is integral, and from its lowest and highest integer."""
    if whole and low >= _INT64.min and high <= _INT64.max:
        return np.dtype(np.int64)
    if whole and low >= 0 and high <= _UINT64.max:
        return np.dtype(np.uint64)
    return np.dtype(np.float64)


def _rows(path: Path, header_lines: int) -> Iterator[_Row]:
    """Give the rows after the header with the number of their last line; blank lines are no rows."""
    with path.open(encoding=_ENCODING, newline="") as text:
        reader = csv.reader(text)
        for cells in reader:
            if cells and reader.line_num > header_lines:
                yield reader.line_num, cells


def _is_number(cell: str) -> bool:
    """Tell whether NumPy's reader takes the cell as a float: as Python's `float`, but ASCII and without underscores."""
    if not cell.isascii() or "_" in cell:
        return False
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _shown(cell: str) -> str:
    """Quote a cell for a message, shortened."""
    return "an empty cell" if not cell.strip() else repr(cell if len(cell) <= 40 else cell[:37] + "...")


def _quoted(name: str) -> str:
    """Quote a header cell where CSV needs it."""
    return '"' + name.replace('"', '""') + '"' if any(mark in name for mark in ',"\r\n') else name


def _formatted(block: NDArray[Any]) -> list[str]:
    """Write numbers as text that gives the same values back."""
    if block.dtype.kind == "b":
        return ["1" if value else "0" for value in block.tolist()]
    if block.dtype.kind == "f" and block.dtype.itemsize != 8:
        # `tolist` would widen a float32 and show digits that it doesn't have.
        return [str(text) for text in block.astype(np.str_).tolist()]
    return [repr(value) for value in block.tolist()]
