"""Files of any format: written whole or not at all, and read only if they are regular files."""

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
"""What a file is to hold, or a function that writes it to a binary file."""

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
        It is neither, it is empty, or a part of it is too long.
    """
    return Path(PathName().check(path, f"{where}: path"))


def write_atomically(path: str | Path, content: Content, where: str = "save") -> Path:
    """Write a file so that the name holds the old content or the new one, never a part of it.

    The content goes into a partial file in the same folder, is forced to the disk, and the file is
    then renamed. Partial files that a dead process has left in the folder are removed.

    Parameters
    ----------
    path : str or Path
        A new name, or a regular file that is replaced. A symbolic link stays one: the file that
        it names is replaced.
    content : bytes-like or callable
        The content, or ``content(file)`` that writes it to a binary file.
    where : str
        What the message of an error begins with.

    Returns
    -------
    Path
        `path`.

    Raises
    ------
    DescriptionError
        `path` is not a path.
    StorageError
        The file can't be written, or `path` is a folder, a FIFO, a socket or a device. A file that
        was there is unchanged.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_atomically(Path(folder) / "a.txt", b"abc").read_bytes()
    b'abc'
    """
    target = to_path(path, where)
    try:
        place = _replaceable(target)
        _write_beside(place, content)
    except OSError as error:
        raise _unwritable(target, error, where) from error
    return target


def _unwritable(target: Path, error: OSError, where: str) -> StorageError:
    why = f"it is {error}" if isinstance(error, NotRegular) else error.strerror or str(error)
    return StorageError(
        f"{where}: can't write {str(target)!r}: {why}. "
        f"Give a file in a folder that exists and that you may write to."
    )


class NotRegular(OSError):
    """A name that belongs to a folder, a FIFO, a socket or a device; the message says which."""


def check_replaceable(path: Path, where: str = "save") -> None:
    """Refuse a name that :func:`write_atomically` would refuse for what is there already.

    Raises
    ------
    StorageError
        There is a folder, a FIFO, a socket or a device of this name.
    """
    try:
        _replaceable(path)
    except OSError as error:
        raise _unwritable(path, error, where) from error


def _replaceable(target: Path) -> Path:
    """The name with its symbolic links resolved, if there is a regular file or nothing."""
    with contextlib.suppress(FileNotFoundError):
        _check_regular(os.stat(target))
    return Path(os.path.realpath(target))


def _check_regular(found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        names = (name for test, name in _TYPES if test(found.st_mode))
        raise NotRegular(next(names, "not a regular file"))


def _write_beside(place: Path, content: Content) -> None:
    _remove_leftovers(place.parent)
    file = _new_part(place.parent)
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
            # Renamed while it is locked: until then another process must not remove it.
            os.replace(file.name, place)
    finally:
        with contextlib.suppress(OSError):
            os.unlink(file.name)
    _sync_folder(place.parent)


def _new_part(folder: Path) -> BinaryIO:
    """A new file that is locked; another process may remove it until it is."""
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
    """Force the new name to the disk, where the system can; the content is there already."""
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
    """Open a regular file for reading, without waiting for anything.

    Raises
    ------
    NotRegular
        It is a folder, a FIFO, a socket or a device.
    OSError
        There is no such file, or it can't be read.
    """
    # Opening some devices has an effect, and opening a FIFO may wait.
    _check_regular(os.stat(path))
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    with open(os.open(path, flags), "rb") as file:
        _check_regular(os.fstat(file.fileno()))
        yield file
