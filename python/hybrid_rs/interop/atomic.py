"""Writing a file so that its path holds the old content or the new one, never a part."""

import errno
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

# A name of the target's is cut to this many characters in the temporary name, which file systems limit to 255 bytes.
_NAME_CHARACTERS = 40


def check_target(path: str | os.PathLike[str]) -> None:
    """Find out before a long computation whether a file could be written at `path`.

    Raises:
        OSError: The folder is missing or not writable, or `path` is a directory, a device or write-protected.
    """
    _resolve(path)


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Open a temporary file beside `path` that takes its place when the block ends without an exception.

    The content is on the disk (fsync) before the rename, so a crash leaves the old file or the whole new one. When the
    block fails, Ctrl-C included, the temporary file is removed and `path` is as it was. Only a process killed in
    mid-write leaves the hidden temporary file, whose name ends in ``.tmp``. An existing file keeps its permissions, and
    a symbolic link keeps pointing to its target.

    Raises:
        OSError: As `check_target`, and whatever writing raises.
    """
    target = _resolve(path)
    temporary = target.with_name(f".{target.name[:_NAME_CHARACTERS]}.{secrets.token_hex(6)}.tmp")
    try:
        with temporary.open("xb") as stream:
            with suppress(FileNotFoundError):
                temporary.chmod(stat.S_IMODE(target.stat().st_mode))
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(target)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        if error.filename not in (None, os.fspath(temporary)):
            raise
        # A full disk is told of without a file, and the temporary name means nothing to anyone.
        if error.errno is None:
            raise OSError(f"{os.fspath(path)}: {error}") from error
        raise OSError(error.errno, error.strerror, os.fspath(path)) from error
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync_folder(target.parent)


def _resolve(path: str | os.PathLike[str]) -> Path:
    """Follow links to the file that will be replaced, and refuse what can't be or shouldn't be replaced."""
    try:
        target = Path(path).resolve()
    except RuntimeError:
        # How Python up to 3.12 tells of links that go round in a circle; later versions return such a link.
        target = Path(path)
    if target.is_symlink():
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), os.fspath(path))
    if not target.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, "the folder for the output doesn't exist", os.fspath(path))
    if target.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), os.fspath(path))
    if target.exists():
        if not target.is_file():
            raise OSError(errno.EINVAL, "not a regular file", os.fspath(path))
        # A rename would get past the protection of the file itself.
        if not os.access(target, os.W_OK):
            raise PermissionError(errno.EACCES, "the existing file is write-protected", os.fspath(path))
    if not os.access(target.parent, os.W_OK | os.X_OK):
        raise PermissionError(errno.EACCES, "the output's folder isn't writable", os.fspath(path))
    return target


def _sync_folder(folder: Path) -> None:
    """Make the rename itself durable, where the system lets a folder be opened and synchronised."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
