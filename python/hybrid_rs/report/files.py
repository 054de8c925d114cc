"""The report's directory, and its files: each whole or not there."""

import tempfile
from pathlib import Path

from hybrid_rs.interop.atomic import replacing


def make_directory(directory: Path) -> Path:
    """Create a directory with its parents and return it. Raises NotADirectoryError where a file is in the way."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise NotADirectoryError(f"{directory} can't be a directory: a file is in the way") from error
    return directory


def require_writable(directory: Path) -> None:
    """Raise PermissionError (or another OSError) unless files can be made in the directory, by making one."""
    with tempfile.TemporaryFile(dir=directory):
        pass


def write_whole(path: Path, content: str | bytes) -> Path:
    """Write a file so that readers see the old content or all of the new, and return its path; text is UTF-8.

    Raises OSError as ``open`` does; nothing is left behind then.
    """
    with replacing(path) as stream:
        stream.write(content.encode() if isinstance(content, str) else content)
    return path
