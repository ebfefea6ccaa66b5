"""Where commands write: checked before the work begins, and each file whole or not at all."""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import DescriptionError, StorageError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["check_folder", "check_format", "check_target", "save_figure"]

DPI = 150
"""Resolution of pictures, pixels per inch."""


def check_target(path: Path, *, overwrite: bool = False) -> Path:
    """Refuse a file that can't be written, or that exists already unless `overwrite`.

    Raises
    ------
    StorageError
        It exists, it is not a regular file, its name is too long, or its folder does not exist or
        can't be written.
    """
    try:
        _look_at(path, overwrite)
    except StorageError:
        raise
    except OSError as error:
        raise StorageError(f"can't write {str(path)!r}: {error.strerror}.") from error
    _try_to_write(path.parent)
    return path


def _look_at(path: Path, overwrite: bool) -> None:
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        if not path.parent.is_dir():
            raise StorageError(f"there is no folder {str(path.parent)!r}; make it first.") from None
        return
    if stat.S_ISDIR(mode):
        raise StorageError(f"{str(path)!r} is a folder; give the name of a file.")
    if not stat.S_ISREG(mode):
        raise StorageError(f"{str(path)!r} is a device or a pipe; give the name of a file.")
    if not overwrite:
        raise StorageError(f"{str(path)!r} exists already; --overwrite replaces it.")


def check_folder(folder: Path) -> Path:
    """Make a folder, with those above it, and refuse one that can't be written.

    Raises
    ------
    StorageError
        It can't be made or written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"can't make the folder {str(folder)!r}: {error.strerror}.") from error
    _try_to_write(folder)
    return folder


def _try_to_write(folder: Path) -> None:
    trial = _part(folder, "")
    try:
        trial.touch(exist_ok=False)
        trial.unlink()
    except OSError as error:
        raise StorageError(f"can't write in {str(folder)!r}: {error.strerror}.") from error


def _part(folder: Path, suffix: str) -> Path:
    return folder / f".spikemem-{secrets.token_hex(8)}{suffix}"


def check_format(path: Path) -> None:
    """Refuse the name of a picture whose ending matplotlib does not know.

    Raises
    ------
    DescriptionError
        With the endings that it knows.
    """
    from matplotlib.backend_bases import FigureCanvasBase

    known = sorted(FigureCanvasBase.get_supported_filetypes())
    if path.suffix.lower().removeprefix(".") not in known:
        raise DescriptionError(
            f"{str(path)!r} does not end as a picture does; use one of {', '.join(known)}."
        )


def save_figure(figure: Figure, path: Path) -> Path:
    """Write a picture; a file that is there is replaced once the new one is complete.

    Raises
    ------
    StorageError
        The file can't be written.
    """
    part = _part(path.parent, path.suffix)
    try:
        figure.savefig(part, dpi=DPI)
        os.replace(part, path)
    except OSError as error:
        raise StorageError(f"can't write {str(path)!r}: {error.strerror or error}.") from error
    finally:
        part.unlink(missing_ok=True)
    return path
