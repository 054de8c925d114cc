"""Arrays from files and results to files: npy, npz, csv and parquet.

A *spec* names what to read: ``a.npy``, ``b.npz`` (one array) or ``b.npz:key``, ``t.csv`` or ``t.csv:column``,
``t.parquet`` or ``t.parquet:column``. Nothing is ever unpickled. All errors name the file.
"""

import errno
import math
import os
import zipfile
from collections.abc import Callable, Mapping
from os import PathLike, fspath, strerror
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import IO, Any, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hybrid_rs.interop import atomic

SUFFIXES = (".npy", ".npz", ".csv", ".parquet")

# Bytes read at a time.
_READ_BYTES = 16 << 20
# The most that deflate can shrink anything by.
_DEFLATE_RATIO = 1032
# Shapes longer than this are not spelled out in messages.
_SHOWN_LENGTHS = 8

_Named = list[tuple[str, NDArray[Any]]]


def read_arrays(spec: str, csv_header: str = "auto", tell: Callable[[str], object] | None = None) -> _Named:
    """Read the arrays that a spec names.

    Args:
        spec: A path, or a path, a colon and the name of an array (npz) or column (csv, parquet). Without the name an
            npz must hold one array; a table gives all its columns in order.
        csv_header: Whether the first row of a csv names the columns: "yes", "no", or "auto" to judge by its cells.
        tell: Called with a line on what was taken from a csv, whose text leaves room for a wrong guess.

    Returns:
        Name and array. dtypes are those of the file (bool, integers, floats); for csv int64, uint64 or float64 as each
        column needs. Arrays of parquet may be read-only.

    Raises:
        ValueError: Unsupported suffix, truncated or broken file, no such key, or content that isn't plain numbers.
        OSError: The file is missing, is a directory, or can't be read.
        ImportError: A parquet file, and pyarrow isn't installed.
        MemoryError: The file's content doesn't fit into memory.
    """
    path, name = split_spec(spec)
    try:
        return _read(path, name, csv_header, tell)
    except MemoryError as error:
        raise MemoryError(f"{path}: not enough memory for what the file holds") from error


def _read(path: Path, name: str | None, csv_header: str, tell: Callable[[str], object] | None) -> _Named:
    """Read by the file's format."""
    suffix = checked_suffix(path)
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, strerror(errno.EISDIR), fspath(path))
    if path.stat().st_size == 0:
        raise ValueError(f"{path}: the file is empty")
    if suffix == ".npy":
        if name is not None:
            raise ValueError(f"{path}: an npy file holds one array; leave out ':{name}'")
        return [(path.stem, _read_npy(path))]
    if suffix == ".npz":
        return [_read_npz(path, name)]
    if suffix == ".csv":
        # Here and not above: it brings `csv` and `re`, which only this format needs.
        from hybrid_rs.interop import csv_text

        return csv_text.read_columns(path, name, csv_header, tell)
    return _read_parquet(path, name)


def write_result(path: str | PathLike[str], columns: Mapping[str, ArrayLike]) -> None:
    """Write arrays to a file whose format its suffix names, all or nothing.

    Args:
        path: Ends in ``.npy`` (takes one array of any shape), ``.npz`` (arrays of any shapes), ``.csv`` or ``.parquet``
            (columns of one length).
        columns: Names and numeric arrays; the name isn't kept in an npy.

    Raises:
        ValueError: Unsupported suffix, or arrays that the format can't hold.
        OSError: The file can't be written. What was at `path` before is untouched after any error.
        ImportError: A parquet file, and pyarrow isn't installed.
    """
    where = Path(path)
    suffix = checked_suffix(where)
    arrays = {name: np.asarray(column) for name, column in columns.items()}
    check_holds(where, [array.ndim for array in arrays.values()])
    for name, array in arrays.items():
        _require_numeric(array.dtype, f"{where}: {name}")
    if suffix in (".csv", ".parquet"):
        arrays = {name: np.atleast_1d(array) for name, array in arrays.items()}
        lengths = {len(array) for array in arrays.values()}
        if len(lengths) > 1:
            raise ValueError(f"{where}: columns of different lengths ({', '.join(map(str, sorted(lengths)))})")
    write = {".npy": _write_npy, ".npz": _write_npz, ".csv": _write_csv, ".parquet": _write_parquet}[suffix]
    if suffix == ".parquet":
        _pyarrow(where)
    with atomic.replacing(where) as stream:
        write(stream, arrays)


def check_output(path: str | PathLike[str]) -> None:
    """Refuse an output path that `write_result` would refuse, before hours go into the result.

    Raises:
        ValueError, OSError, ImportError: As `write_result`.
    """
    where = Path(path)
    if checked_suffix(where) == ".parquet":
        _pyarrow(where)
    atomic.check_target(where)


def check_holds(path: str | PathLike[str], dimensions: list[int]) -> None:
    """Refuse arrays of these numbers of dimensions where the format of `path` can't hold them.

    Raises:
        ValueError: No array at all, several for npy, or more than one dimension for csv and parquet.
    """
    suffix = checked_suffix(path)
    if not dimensions:
        raise ValueError(f"{path}: nothing to write")
    if suffix == ".npy" and len(dimensions) > 1:
        raise ValueError(f"{path}: an npy file holds one array and the result has {len(dimensions)}; use .npz")
    if suffix in (".csv", ".parquet") and max(dimensions) > 1:
        raise ValueError(f"{path}: {suffix[1:]} columns have one dimension, the result has {max(dimensions)}; use .npy")


def split_spec(spec: str) -> tuple[Path, str | None]:
    """Split ``path:name``. A file that exists under the whole spec wins; colons may be in paths and in names."""
    whole = Path(spec)
    if not whole.exists():
        for position, character in enumerate(spec):
            path = Path(spec[:position])
            if character == ":" and path.suffix.lower() in SUFFIXES:
                return path, spec[position + 1 :]
    return whole, None


def checked_suffix(path: str | PathLike[str]) -> str:
    """Give the suffix in lower case, or raise ValueError when no format has it."""
    suffix = Path(path).suffix.lower()
    if suffix not in SUFFIXES:
        raise ValueError(f"{path}: unsupported file type {suffix or '(no suffix)'}; use {', '.join(SUFFIXES)}")
    return suffix


class _Header(NamedTuple):
    """What an npy header promises, checked against the bytes that are there."""

    shape: tuple[int, ...]
    fortran: bool
    dtype: np.dtype[Any]
    needed: int


def _read_npy(path: Path) -> NDArray[Any]:
    """Read an npy file. It isn't mapped: a file that shrinks under a mapping kills the process that looks at it."""
    with path.open("rb") as stream:
        size = os.fstat(stream.fileno()).st_size
        return _read_array(stream, _npy_header(stream, size, path), path)


def _npy_header(stream: IO[bytes], size: int, where: str | Path, *, exact: bool = False) -> _Header:
    """Read an npy header and hold it against what an array can be and the bytes that follow it."""
    try:
        version = np.lib.format.read_magic(stream)
        # Version 3 is version 2 with UTF-8 field names, and arrays with fields are refused below.
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, fortran, dtype = read(stream)
    except OSError:
        raise
    except Exception as error:
        # The header is a Python literal: broken text can raise whatever the parser and `np.dtype` raise.
        raise ValueError(f"{where}: not an npy array, or truncated ({error})") from error
    _require_numeric(dtype, where)
    # NumPy's own check takes True for an integer.
    if not all(type(length) is int and length >= 0 for length in shape):
        raise ValueError(f"{where}: not an npy array: shape {shape} has lengths that aren't whole numbers from 0 on")
    present = size - stream.tell()
    needed = math.prod(shape) * dtype.itemsize
    if needed > present:
        raise ValueError(f"{where}: truncated: shape {shape} of {dtype} needs {needed} bytes, {present} are there")
    if exact and needed < present:
        raise ValueError(f"{where}: shape {shape} of {dtype} needs {needed} bytes, {present} are declared")
    return _Header(shape, fortran, dtype, needed)


def _read_array(stream: IO[bytes], header: _Header, where: str | Path) -> NDArray[Any]:
    """Read an array's bytes; memory is taken up as they come, so that a size that lies costs nothing."""
    flat = np.empty(header.needed // header.dtype.itemsize, header.dtype)
    try:
        array = flat.reshape(header.shape, order="F" if header.fortran else "C")
    except (ValueError, OverflowError) as error:
        # Too many dimensions, or lengths beside a 0 that together overflow.
        raise ValueError(f"{where}: not an npy array: no array has {_shape_text(header.shape)} ({error})") from error
    rest = flat.view(np.uint8).data
    while rest:
        block = stream.read(min(len(rest), _READ_BYTES))
        if not block:
            raise ValueError(f"{where}: truncated: {len(rest)} of {header.needed} bytes are missing")
        rest[: len(block)] = block
        rest = rest[len(block) :]
    return array


def _shape_text(shape: tuple[int, ...]) -> str:
    """Show a shape, or only the number of its dimensions where there are too many to show."""
    return f"shape {shape}" if len(shape) <= _SHOWN_LENGTHS else f"{len(shape)} dimensions"


def _read_npz(path: Path, name: str | None) -> tuple[str, NDArray[Any]]:
    """Read one array of an npz archive."""
    try:
        with zipfile.ZipFile(path) as archive:
            key, info = _member(archive, path, name)
            where = f"{path}: array {key!r}"
            _require_plausible(info, where)
            with archive.open(info) as stream:
                # Read to the last byte, which is where the archive's checksum is looked at.
                return key, _read_array(stream, _npy_header(stream, info.file_size, where, exact=True), where)
    except MemoryError:
        raise
    except Exception as error:
        # A broken archive raises whatever zipfile and the decompressors come upon: their own errors, RuntimeError for
        # an encrypted one, struct.error, OverflowError and an OSError without a file for offsets that lead nowhere.
        if _from_system(error) or str(error).startswith(f"{path}: "):
            raise
        raise ValueError(f"{path}: not a readable npz archive ({str(error) or type(error).__name__})") from error


def _member(archive: zipfile.ZipFile, path: Path, name: str | None) -> tuple[str, zipfile.ZipInfo]:
    """Find the array to read in an archive."""
    members: dict[str, zipfile.ZipInfo] = {}
    for info in archive.infolist():
        key = info.filename.removesuffix(".npy")
        if key in members:
            raise ValueError(f"{path}: more than one array {key!r} ({members[key].filename!r} and {info.filename!r})")
        members[key] = info
    if name is None and len(members) != 1:
        held = f"holds {', '.join(map(repr, members))}; choose one with {path}:NAME" if members else "is empty"
        raise ValueError(f"{path}: the archive {held}")
    key = next(iter(members)) if name is None else name
    if key not in members:
        raise ValueError(f"{path}: no array {key!r}; the archive holds {', '.join(map(repr, members))}")
    return key, members[key]


def _require_plausible(info: zipfile.ZipInfo, where: str) -> None:
    """Refuse a declared size that the member's compressed bytes can't make."""
    most = {zipfile.ZIP_STORED: 1, zipfile.ZIP_DEFLATED: _DEFLATE_RATIO}.get(info.compress_type)
    if most is not None and info.file_size > info.compress_size * most:
        raise ValueError(
            f"{where}: declares {info.file_size} bytes, more than {info.compress_size} compressed ones can hold"
        )


def _read_parquet(path: Path, name: str | None) -> _Named:
    """Read the columns of a parquet file, or one of them."""
    arrow = _pyarrow(path)
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(path) as file:
            names = list(file.schema_arrow.names)
            if name is not None and names.count(name) != 1:
                known = f"no column {name!r}" if name not in names else f"more than one column {name!r}"
                raise ValueError(f"{path}: {known}; the file has {', '.join(map(repr, names))}")
            wanted = names if name is None else [name]
            for column in wanted:
                _require_plain(arrow, file.schema_arrow.field(names.index(column)).type, f"{path}: column {column!r}")
            table = file.read() if name is None else file.read(columns=[name])
    except MemoryError:
        raise
    except (arrow.ArrowException, OSError, UnicodeDecodeError) as error:
        if _from_system(error):
            raise
        raise ValueError(f"{path}: not a readable parquet file ({error})") from error
    if not names:
        raise ValueError(f"{path}: the file has no columns")
    return [(column, _from_arrow(table.column(index), path, column)) for index, column in enumerate(wanted)]


def _require_plain(arrow: ModuleType, kind: Any, where: str) -> None:
    """Refuse arrow types that have no plain NumPy number."""
    types = arrow.types
    if not (types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind)):
        raise ValueError(f"{where}: type {kind} is not a plain number")


def _from_arrow(column: Any, path: Path, name: str) -> NDArray[Any]:
    """Make a NumPy array of an arrow column. Missing floats are nan, as their writers mean; other gaps are refused."""
    if column.null_count and column.type.to_pandas_dtype() not in (np.float16, np.float32, np.float64):
        raise ValueError(f"{path}: column {name!r}: {column.null_count} missing values in a column of {column.type}")
    return np.asarray(column.to_numpy())


def _write_npy(stream: BinaryIO, arrays: Mapping[str, NDArray[Any]]) -> None:
    (array,) = arrays.values()
    # Not the stream itself: for real files NumPy has a way of its own that doesn't say why a write failed.
    np.lib.format.write_array(SimpleNamespace(write=stream.write), array, allow_pickle=False)


def _write_npz(stream: BinaryIO, arrays: Mapping[str, NDArray[Any]]) -> None:
    # Not `np.savez`, whose keyword arguments can't be called "file".
    with zipfile.ZipFile(stream, "w") as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, array, allow_pickle=False)


def _write_csv(stream: BinaryIO, arrays: Mapping[str, NDArray[Any]]) -> None:
    from hybrid_rs.interop import csv_text

    csv_text.write_columns(stream, arrays)


def _write_parquet(stream: BinaryIO, arrays: Mapping[str, NDArray[Any]]) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    # arrow knows native byte order only.
    native = {name: array.astype(array.dtype.newbyteorder("="), copy=False) for name, array in arrays.items()}
    parquet.write_table(pa.table(native), stream)


def _pyarrow(path: Path) -> ModuleType:
    """Import pyarrow, or say which extra brings it."""
    try:
        import pyarrow as pa
    except ImportError as error:
        raise ImportError(f"{path}: parquet files need pyarrow: pip install 'hybrid_rs[io]'", name="pyarrow") from error
    module: ModuleType = pa
    return module


def _from_system(error: BaseException) -> bool:
    """Tell the system's errors about a file, which name it, from those that readers raise about broken content."""
    return isinstance(error, OSError) and error.filename is not None


def _require_numeric(dtype: np.dtype[Any], where: str | Path) -> None:
    """Refuse dtypes that aren't plain numbers: objects, fields, text, dates, complex."""
    if dtype.hasobject:
        raise ValueError(f"{where}: holds pickled Python objects, which are never loaded or written")
    if dtype.names is not None:
        raise ValueError(f"{where}: structured dtype with fields {', '.join(dtype.names)}; save each field by itself")
    if dtype.kind not in "biuf":
        raise ValueError(f"{where}: dtype {dtype} is not bool, an integer or a float")
