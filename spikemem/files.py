"""Writes files completely or not at all, and opens only regular files."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
from collections.abc import Callable, Iterator
from io import FileIO
from pathlib import Path
from typing import Any, BinaryIO

from .errors import StorageError
from .kinds import PathName

try:
    import fcntl
except ImportError:  # Windows refuses to remove a file that another process has open
    fcntl = None  # type: ignore[assignment]

__all__ = ["NotRegular", "check_replaceable", "lock", "open_regular", "to_path", "write_atomically"]

Content = bytes | bytearray | memoryview | Callable[[BinaryIO], object]
"""Content of a file, or a function that writes it to a binary file."""

_PREFIX, _SUFFIX = ".spikemem-", ".part"
_PIECE = 1 << 24
_TYPES = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a FIFO"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def to_path(path: Any, where: str) -> Path:
    """Convert a str or Path to a ``Path``; errors begin with `where`.

    Raises
    ------
    DescriptionError
        If `path` is neither, is empty, or has a part that is too long.
    """
    return Path(PathName().check(path, f"{where}: path"))


def write_atomically(path: str | Path, content: Content, where: str = "save") -> Path:
    """Write a file so that it holds either the old content or the new one, never a part.

    The content is written to a partial file in the same folder and flushed to disk; then the file
    is renamed. Partial files that a dead process left in the folder are removed.

    Parameters
    ----------
    path : str or Path
        A new file, or a regular file to replace. A symbolic link is kept, and the file that it
        points to is replaced.
    content : bytes-like or callable
        The content, or a function ``content(file)`` that writes it to a binary file.
    where : str
        The message of an error begins with it.

    Returns
    -------
    Path
        `path`.

    Raises
    ------
    DescriptionError
        If `path` is not a path.
    StorageError
        If the file cannot be written, or `path` is a folder, a FIFO, a socket or a device. An
        existing file is unchanged.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_atomically(Path(folder) / "a.txt", b"abc").read_bytes()
    b'abc'
    """
    target = to_path(path, where)
    try:
        real_path = _replaceable(target)
        _write_beside(real_path, content)
    except OSError as error:
        raise _unwritable(target, error, where) from error
    return target


def _unwritable(target: Path, error: OSError, where: str) -> StorageError:
    reason = f"it is {error}" if isinstance(error, NotRegular) else error.strerror or str(error)
    return StorageError(
        f"{where}: cannot write {str(target)!r}: {reason}. "
        f"Give a file in a folder that exists and that you can write to."
    )


class NotRegular(OSError):
    """The path is a folder, a FIFO, a socket or a device; the message tells which."""


def check_replaceable(path: Path, where: str = "save") -> None:
    """Raise an error if :func:`write_atomically` could not replace what exists at this path.

    Raises
    ------
    StorageError
        If the path is a folder, a FIFO, a socket or a device.
    """
    try:
        _replaceable(path)
    except OSError as error:
        raise _unwritable(path, error, where) from error


def _replaceable(target: Path) -> Path:
    """Return the path with symbolic links resolved, if it is a regular file or does not exist."""
    with contextlib.suppress(FileNotFoundError):
        _check_regular(os.stat(target))
    return Path(os.path.realpath(target))


def _check_regular(status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        names = (name for test, name in _TYPES if test(status.st_mode))
        raise NotRegular(next(names, "not a regular file"))


def _write_beside(real_path: Path, content: Content) -> None:
    _remove_leftovers(real_path.parent)
    file = _new_part(real_path.parent)
    try:
        with file:
            if callable(content):
                content(file)
            else:
                _write_all(file, content)
            file.flush()
            os.fsync(file.fileno())
            if fcntl is None:
                file.close()
            # The file is renamed while it is locked, so that no other process removes it.
            os.replace(file.name, real_path)
    finally:
        with contextlib.suppress(OSError):
            os.unlink(file.name)
    _sync_folder(real_path.parent)


def _new_part(folder: Path) -> BinaryIO:
    """Make a new partial file and lock it; try again if another process removes it first."""
    while True:
        name = f"{_PREFIX}{os.getpid()}-{secrets.token_hex(8)}{_SUFFIX}"
        file = open(folder / name, "xb", opener=_open_new)  # noqa: SIM115
        if _lock(file) is not False and os.fstat(file.fileno()).st_nlink:
            return file
        file.close()


def _open_new(name: str, flags: int) -> int:
    return os.open(name, flags, 0o666)


def _write_all(file: BinaryIO, content: bytes | bytearray | memoryview) -> None:
    view = memoryview(content)
    for start in range(0, len(view), _PIECE):
        file.write(view[start : start + _PIECE])


def _sync_folder(folder: Path) -> None:
    """Flush the new file name to disk, where the system supports it."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def lock(file: BinaryIO | FileIO) -> bool | None:
    """Lock an open file for this process alone, until it is closed.

    Returns
    -------
    bool or None
        False if another process has locked it, None if the system or the folder has no locks.
    """
    return _lock(file)


def _lock(file: BinaryIO | FileIO) -> bool | None:
    """Mark a partial file as in use; False if another process does, None if there are no locks."""
    if fcntl is None:
        return True
    try:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return False if error.errno in (errno.EWOULDBLOCK, errno.EACCES) else None
    return True


def _remove_leftovers(folder: Path) -> None:
    """Remove the partial files that no living process is writing."""
    with contextlib.suppress(OSError):
        for name in [name for name in os.listdir(folder) if _is_part(name)]:
            part = folder / name
            with contextlib.suppress(OSError):
                _check_regular(os.lstat(part))
                with open(part, "r+b") as file:
                    if _lock(file):
                        part.unlink()


def _is_part(name: str) -> bool:
    return name.startswith(_PREFIX) and name.endswith(_SUFFIX)


@contextlib.contextmanager
def open_regular(path: str | Path) -> Iterator[BinaryIO]:
    """Open a regular file for reading; never wait for a FIFO or a device.

    Raises
    ------
    NotRegular
        If the path is a folder, a FIFO, a socket or a device.
    OSError
        If the file does not exist or cannot be read.
    """
    # Opening some devices has an effect, and opening a FIFO may wait.
    _check_regular(os.stat(path))
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    with open(os.open(path, flags), "rb") as file:
        _check_regular(os.fstat(file.fileno()))
        yield file
