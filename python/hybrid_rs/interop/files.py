"""Arrays from files and results to files: npy, npz, csv and parquet.

A *spec* names what to read: ``a.npy``, ``b.npz`` (one array) or ``b.npz:key``, ``t.csv`` or ``t.csv:column``,
``t.parquet`` or ``t.parquet:column``. Nothing is ever unpickled. All errors name the file.
"""

import errno
import math
import struct
import zipfile
import zlib
from collections.abc import Mapping
from os import PathLike, fspath, strerror
from pathlib import Path
from types import ModuleType
from typing import IO, Any, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hybrid_rs.interop import atomic

SUFFIXES = (".npy", ".npz", ".csv", ".parquet")

# From this size on an npy file is mapped and not read: workers then fault their own pages in, and a file larger than
# the memory can be used. Below it a plain read is as fast and safe from a file that shrinks while it is mapped.
MAP_BYTES = 64 << 20

_Named = list[tuple[str, NDArray[Any]]]


def read_arrays(spec: str) -> _Named:
    """Read the arrays that a spec names.

    Args:
        spec: A path, or a path, a colon and the name of an array (npz) or column (csv, parquet). Without the name an
            npz must hold one array; a table gives all its columns in order.

    Returns:
        Name and array. dtypes are those of the file (bool, integers, floats); for csv int64, uint64 or float64 as each
        column needs. Arrays may be read-only.

    Raises:
        ValueError: Unsupported suffix, truncated or broken file, no such key, or content that isn't plain numbers.
        OSError: The file is missing, is a directory, or can't be read.
        ImportError: A parquet file, and pyarrow isn't installed.
    """
    path, name = split_spec(spec)
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

        return csv_text.read_columns(path, name)
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
    offset: int


def _read_npy(path: Path) -> NDArray[Any]:
    """Read an npy file, or map it when it is large."""
    size = path.stat().st_size
    with path.open("rb") as stream:
        header = _npy_header(stream, size, path)
        if size < MAP_BYTES:
            stream.seek(0)
            return np.asarray(np.lib.format.read_array(stream, allow_pickle=False))
    return np.asarray(np.memmap(path, header.dtype, "r", header.offset, header.shape, "F" if header.fortran else "C"))


def _npy_header(stream: IO[bytes], size: int, where: str | Path) -> _Header:
    """Read an npy header and hold it against the dtypes we take and the bytes that follow it."""
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
    needed = math.prod(shape) * dtype.itemsize
    present = size - stream.tell()
    if min(shape, default=0) < 0 or needed > present:
        raise ValueError(f"{where}: truncated: shape {shape} of {dtype} needs {needed} bytes, {present} are there")
    return _Header(shape, fortran, dtype, stream.tell())


def _read_npz(path: Path, name: str | None) -> tuple[str, NDArray[Any]]:
    """Read one array of an npz archive."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
            if name is None and len(members) != 1:
                held = f"holds {', '.join(map(repr, members))}; choose one with {path}:NAME" if members else "is empty"
                raise ValueError(f"{path}: the archive {held}")
            key = next(iter(members)) if name is None else name
            if key not in members:
                raise ValueError(f"{path}: no array {key!r}; the archive holds {', '.join(map(repr, members))}")
            info = members[key]
            where = f"{path}: array {key!r}"
            with archive.open(info) as stream:
                _npy_header(stream, info.file_size, where)
            with archive.open(info) as stream:
                return key, np.asarray(np.lib.format.read_array(stream, allow_pickle=False))
    except (zipfile.BadZipFile, zlib.error, struct.error, EOFError, RuntimeError, OSError) as error:
        # RuntimeError: encrypted, or (NotImplementedError) a compression that zipfile doesn't know; struct.error and an
        # OSError without a file: offsets that lead nowhere.
        if _from_system(error):
            raise
        raise ValueError(f"{path}: not a readable npz archive ({error})") from error


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
    np.lib.format.write_array(stream, array, allow_pickle=False)


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
