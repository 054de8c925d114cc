"""Machine code kept between runs, in a folder that nobody but its owner can write to.

What a file holds is executed, so the folder and each file must be the user's own, written by nobody else, and no links;
otherwise the cache does without. A file is named by a digest of all that its code depends on, holds a digest of its own
content, and takes its place in one step: a torn or altered file is passed over and written anew.
"""

from __future__ import annotations

import os
import stat
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final, NamedTuple

from hybrid_rs import flags

__all__ = ["LIMIT", "Entry", "RefusedError", "State", "clear", "digest", "find", "state", "store"]

LIMIT: Final = 256 << 20
"""Bytes that the files may take together; beyond that the ones that were not used for longest go."""

# What is left when some have to go, of the limit.
_LEFT = 0.75
# Largest file that is read, and age in seconds of a temporary file that nobody will finish.
_MOST = 64 << 20
_ABANDONED = 3600.0
_MAGIC = b"HRSCODE1"
_DIGEST = 32
# Behind magic and digest: the key, lanes of a block, seconds that compiling took.
_HEAD = struct.Struct("<32sId")
_ENDING, _TEMPORARY = ".code", ".tmp"
# Others may not write: group and world.
_OTHERS = stat.S_IWGRP | stat.S_IWOTH


class Entry(NamedTuple):
    """Machine code of one kernel."""

    object: bytes
    """The object file."""
    width: int
    """Elements that a block computes together."""
    seconds: float
    """How long it took to make."""


class State(NamedTuple):
    """What the cache looks like."""

    folder: Path | None
    """Where it is; None where there is no place for it."""
    files: int
    bytes: int
    refused: str | None
    """Why it can't be used."""


class RefusedError(Exception):
    """The folder can't be used; the message says why."""


def digest(*parts: bytes) -> bytes:
    """Return the SHA-256 of the parts, each counted with its length."""
    state = _sha256()()
    for part in parts:
        state.update(len(part).to_bytes(8, "little"))
        state.update(part)
    made: bytes = state.digest()
    return made


def _sha256() -> Any:
    """Return the constructor, without loading OpenSSL where Python has an implementation of its own."""
    try:
        from _sha2 import sha256  # type: ignore[import-not-found] # Python 3.12 and later
    except ImportError:
        try:
            from _sha256 import sha256  # type: ignore[import-not-found]
        except ImportError:
            from hashlib import sha256
    return sha256


def find(key: bytes) -> Entry | None:
    """Return the code that was stored under a key; None if there is none that can be used.

    Raises:
        RefusedError: The folder can't be used.
    """
    with _folder(create=False) as folder:
        if folder is None:
            return None
        try:
            data = _read(_name(key), folder)
        except (OSError, RefusedError):
            return None
    start = len(_MAGIC) + _DIGEST
    head, rest = data[:start], data[start:]
    if len(rest) < _HEAD.size or head != _MAGIC + digest(rest):
        return None
    found, width, seconds = _HEAD.unpack_from(rest)
    return Entry(rest[_HEAD.size :], width, seconds) if found == key else None


def store(key: bytes, entry: Entry) -> None:
    """Keep code under a key.

    Raises:
        RefusedError: The folder can't be used.
        OSError: The file could not be written.
    """
    rest = _HEAD.pack(key, entry.width, entry.seconds) + entry.object
    with _folder(create=True) as folder:
        assert folder is not None
        temporary = f".{os.getpid()}-{time.monotonic_ns():x}{_TEMPORARY}"
        how = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(temporary, how, 0o600, dir_fd=folder)
        try:
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(_MAGIC + digest(rest) + rest)
            os.rename(temporary, _name(key), src_dir_fd=folder, dst_dir_fd=folder)
        except BaseException:
            with suppress(OSError):
                os.unlink(temporary, dir_fd=folder)
            raise
        _evict(folder)


def state() -> State:
    """Describe the cache."""
    where = flags.cache_folder()
    try:
        with _folder(create=False) as folder:
            files = [] if folder is None else list(_files(folder))
    except RefusedError as why:
        return State(where, 0, 0, str(why))
    return State(where, len(files), sum(size for _, size, _ in files), None)


def clear() -> State:
    """Remove what is kept, and tell what that was.

    Raises:
        RefusedError: The folder can't be used.
    """
    found = state()
    if found.refused is not None:
        raise RefusedError(found.refused)
    with _folder(create=False) as folder:
        for name, *_ in () if folder is None else list(_files(folder)):
            with suppress(FileNotFoundError):
                os.unlink(name, dir_fd=folder)
    return found


def _name(key: bytes) -> str:
    return key.hex() + _ENDING


@contextmanager
def _folder(*, create: bool) -> Iterator[int | None]:
    """Open the folder, which has to be the user's own; None if it isn't there."""
    where = flags.cache_folder()
    if where is None:
        raise RefusedError("there is no home folder to keep code in; set HYBRID_RS_CACHE_DIR")
    if not hasattr(os, "geteuid"):
        raise RefusedError("this system doesn't tell whose a folder is")
    try:
        if create:
            where.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(where, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        if create:
            raise RefusedError(f"{where}: can't be made") from None
        yield None
        return
    except OSError as error:
        # A link opened as a folder is "not a directory" or "too many links", as the system likes.
        what = "is a link" if os.path.islink(where) else error.strerror  # noqa: PTH114 - pathlib raises here
        raise RefusedError(f"{where}: {what}") from None
    try:
        _check(where, os.fstat(descriptor))
        yield descriptor
    finally:
        os.close(descriptor)


def _check(where: object, status: os.stat_result) -> None:
    if status.st_uid != os.geteuid():
        raise RefusedError(f"{where}: belongs to another user")
    if status.st_mode & _OTHERS:
        raise RefusedError(f"{where}: others may write to it")


def _read(name: str, folder: int) -> bytes:
    """Read a file of the user's own; OSError for any other."""
    descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK, dir_fd=folder)
    with os.fdopen(descriptor, "rb", buffering=0) as stream:
        status = os.fstat(descriptor)
        _check(name, status)
        if not stat.S_ISREG(status.st_mode) or status.st_size > _MOST:
            raise OSError(f"{name} is no file of the cache")
        data = stream.read(status.st_size)
        with suppress(OSError):
            os.utime(descriptor)  # Files that are used stay longest.
    return data


def _files(folder: int) -> Iterator[tuple[str, int, float]]:
    """Give name, size and time of last use of each file."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.endswith((_ENDING, _TEMPORARY)) and not entry.is_dir(follow_symlinks=False):
                with suppress(FileNotFoundError):
                    status = entry.stat(follow_symlinks=False)
                    yield entry.name, status.st_size, status.st_mtime


def _evict(folder: int) -> None:
    """Remove the files that were not used for longest where there are too many, and abandoned ones."""
    files = sorted(_files(folder), key=lambda file: file[2])
    total = sum(size for _, size, _ in files)
    most = LIMIT if total <= LIMIT else LIMIT * _LEFT
    for name, size, used in files:
        abandoned = name.endswith(_TEMPORARY) and time.time() - used > _ABANDONED
        if abandoned or (total > most and name.endswith(_ENDING)):
            with suppress(FileNotFoundError):
                os.unlink(name, dir_fd=folder)
            total -= size
