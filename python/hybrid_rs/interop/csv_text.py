"""Numeric columns from and to comma-separated text.

NumPy's C reader does the parsing. It says which cell it can't read by row number alone and stops at the first, so
the slow scan of `_column_types` runs where it has something to say: over the first rows, to choose each column's
dtype, and over the whole file when the fast reader refused it, to name line and column or to widen a dtype.
"""

import csv
import re
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

# Rows looked at before the first attempt. A column that changes its kind later costs one scan of the file.
_SAMPLE_ROWS = 64
# Rows formatted at a time when writing: bounds the memory of the text to some MB.
_WRITE_ROWS = 65_536

# What `header` may be.
HEADERS = ("auto", "yes", "no")
# More names than this are not listed when the columns taken are told.
_SHOWN_COLUMNS = 8

_ENCODING = "utf-8-sig"  # UTF-8, with or without the mark that spreadsheets put first
_INTEGER = re.compile(r"\s*([+-]?)0*([0-9]+)\s*", re.ASCII)
# Longer ones can't be 64-bit integers, and Python refuses to convert thousands of digits: this many nines stand in.
_DIGITS = 32
_INT64 = np.iinfo(np.int64)
_UINT64 = np.iinfo(np.uint64)

# A physical line number (the row's last, from 1) and the row's cells.
_Row = tuple[int, list[str]]


class _Layout(NamedTuple):
    """What the first row says: column names, and how many lines precede the data."""

    names: list[str]
    header_lines: int


def read_columns(
    path: Path, wanted: str | None, header: str = "auto", tell: Callable[[str], object] | None = None
) -> list[tuple[str, NDArray[Any]]]:
    """Read the columns of a CSV file, or the one called `wanted`.

    The first row is a header when `header` is "yes", and with "auto" when none of its cells is a number or one of them
    is exactly `wanted`; without a header the columns are called "1", "2", …. A column of whole numbers is int64 (uint64
    when only that holds them), every other one float64. Columns that aren't wanted may hold anything. `tell` is called
    with a line about the columns taken and the header.

    Returns:
        Names and one-dimensional contiguous arrays, in the file's order.

    Raises:
        ValueError: Empty file, no such column, two columns of one name, rows of different lengths, a cell that isn't a
            number or a column of whole numbers that no 64-bit integer type holds (line and column are named), or text
            that isn't UTF-8.
        OSError: The file can't be read.
    """
    try:
        layout = _layout(path, wanted, header)
        columns = _selection(layout.names, wanted, path)
        tables = _parse(path, layout, columns)
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: not UTF-8 text ({error.reason} at byte {error.start})") from error
    except csv.Error as error:
        raise ValueError(f"{path}: not readable as CSV ({error})") from error
    if tell is not None:
        tell(_account(path, layout, columns))
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


def _account(path: Path, layout: _Layout, columns: Sequence[int]) -> str:
    """Say which columns were taken and what the first row was taken for."""
    shown = ", ".join(repr(layout.names[column]) for column in columns[:_SHOWN_COLUMNS])
    more = f" and {len(columns) - _SHOWN_COLUMNS} more" if len(columns) > _SHOWN_COLUMNS else ""
    first = "the first row is a header" if layout.header_lines else "no header, the first row is data"
    return f"{path}: {'column' if len(columns) == 1 else 'columns'} {shown}{more}; {first}"


def _layout(path: Path, wanted: str | None, header: str) -> _Layout:
    """Read the first row and decide whether it names the columns."""
    if header not in HEADERS:
        raise ValueError(f"csv_header: must be one of {', '.join(HEADERS)}, not {header!r}")
    first = next(_rows(path, 0), None)
    if first is None:
        raise ValueError(f"{path}: the file is empty")
    line, cells = first
    numeric = [_is_number(cell) for cell in cells]
    names = [cell.strip() for cell in cells]
    if header == "yes" or (header == "auto" and wanted in names):
        return _Layout(names, line)
    if header == "no" or all(numeric):
        return _Layout([str(number) for number in range(1, len(cells) + 1)], 0)
    if any(numeric):
        bad = numeric.index(False)
        raise ValueError(
            f"{path}: line {line}, column {bad + 1}: {_shown(cells[bad])} is not a number"
            " (a header with numbers in it needs --csv-header yes)"
        )
    return _Layout(names, line)


def _selection(names: Sequence[str], wanted: str | None, path: Path) -> list[int]:
    """Give the positions of the columns to read."""
    found = [position for position, name in enumerate(names) if wanted in (None, name)]
    repeated = [name for name, times in Counter(names[position] for position in found).items() if times > 1]
    if repeated:
        raise ValueError(f"{path}: more than one column is called {', '.join(map(repr, repeated))}")
    if found:
        return found
    raise ValueError(f"{path}: no column {wanted!r}; the file has {', '.join(map(repr, names))}")


def _parse(path: Path, layout: _Layout, columns: Sequence[int]) -> list[NDArray[Any]]:
    """Parse the data rows of the chosen columns, with dtypes guessed from the first rows and widened when needed."""
    sample = list(islice(_rows(path, layout.header_lines), _SAMPLE_ROWS))
    if not sample:
        return [np.empty(0, np.float64) for _ in columns]
    width = len(layout.names)
    dtypes = _column_types(path, sample, columns, width)
    # Not `None in`: NumPy takes None for float64.
    if any(dtype is None for dtype in dtypes):
        # Integers too large: whether that is an error, or the column one of floats, the whole of it tells.
        return _load(path, layout, columns, _all_types(path, layout, columns))
    try:
        return _load(path, layout, columns, dtypes)
    except UnicodeDecodeError:
        raise
    except ValueError as refused:
        widened = _all_types(path, layout, columns)
        if widened == dtypes:
            raise ValueError(f"{path}: {refused}") from refused
    return _load(path, layout, columns, widened)


def _all_types(path: Path, layout: _Layout, columns: Sequence[int]) -> list[np.dtype[Any] | None]:
    """Choose the dtypes by all rows; every column gets one, or the number that is too large is named."""
    return _column_types(path, _rows(path, layout.header_lines), columns, len(layout.names), final=True)


def _load(
    path: Path, layout: _Layout, columns: Sequence[int], dtypes: Sequence[np.dtype[Any] | None]
) -> list[NDArray[Any]]:
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


def _column_types(
    path: Path, rows: Iterable[_Row], columns: Sequence[int], width: int, *, final: bool = False
) -> list[np.dtype[Any] | None]:
    """Give each column the narrowest of int64, uint64 and float64 that holds its cells, or name the bad cell.

    A column of whole numbers that no integer type holds gets None; with `final` it is an error.
    """
    whole = [True] * len(columns)
    # The lowest and the highest integer, each with its line.
    low = [(0, 0)] * len(columns)
    high = [(0, 0)] * len(columns)
    for line, cells in rows:
        if len(cells) != width:
            raise ValueError(f"{path}: line {line} has {_columns(len(cells))} where the first row has {width}")
        for position, column in enumerate(columns):
            cell = cells[column]
            if whole[position] and (match := _INTEGER.fullmatch(cell)):
                value = _integer(*match.groups())
                low[position] = min(low[position], (value, line))
                high[position] = max(high[position], (value, -line))
            elif _is_number(cell):
                whole[position] = False
            else:
                raise ValueError(f"{path}: line {line}, column {column + 1}: {_shown(cell)} is not a number")
    dtypes = [_dtype(integral, *span) for integral, *span in zip(whole, low, high, strict=True)]
    for position, dtype in enumerate(dtypes):
        if final and dtype is None:
            raise _too_large(path, columns[position], low[position], high[position])
    return dtypes


def _integer(sign: str, digits: str) -> int:
    """Convert a whole number; one that is far too long to a number that is too large as well."""
    magnitude = int(digits) if len(digits) <= _DIGITS else 10**_DIGITS
    return -magnitude if sign == "-" else magnitude


def _dtype(whole: bool, low: tuple[int, int], high: tuple[int, int]) -> np.dtype[Any] | None:
    """Choose the dtype of a column from whether it is integral, and from its lowest and highest integer."""
    if not whole:
        return np.dtype(np.float64)
    if low[0] >= _INT64.min and high[0] <= _INT64.max:
        return np.dtype(np.int64)
    return np.dtype(np.uint64) if low[0] >= 0 and high[0] <= _UINT64.max else None


def _too_large(path: Path, column: int, low: tuple[int, int], high: tuple[int, int]) -> ValueError:
    """Word the error for integers that have no type: which they are, and the way out."""
    value, line = low if low[0] < _INT64.min else (high[0], -high[1])
    shown = str(value) if abs(value) < 10**_DIGITS else f"a number of more than {_DIGITS} digits"
    beside = f" beside {low[0]}, which uint64 doesn't hold" if low[0] < 0 and _INT64.max < value <= _UINT64.max else ""
    return ValueError(
        f"{path}: line {line}, column {column + 1}: {shown} does not fit a 64-bit integer{beside}; "
        "write the column's numbers with a decimal point to have them rounded to float64"
    )


def _columns(count: int) -> str:
    """Count columns in words."""
    return "1 column" if count == 1 else f"{count} columns"


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
