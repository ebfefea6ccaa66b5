"""Output files of commands: checked before the work begins, written completely or not at all."""

from __future__ import annotations

import io
import secrets
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import DescriptionError, StorageError
from .files import check_replaceable, to_path, write_atomically

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["check_folder", "check_format", "check_target", "save_figure"]

DPI = 150
"""Resolution of pictures, pixels per inch."""


def check_target(path: Path, *, overwrite: bool = False) -> Path:
    """Raise an error if a file cannot be written, or exists and `overwrite` is False.

    Raises
    ------
    DescriptionError
        If the name is too long.
    StorageError
        If the file exists, is a folder or a device, or its folder does not exist or cannot be
        written to.
    """
    to_path(path, "output")
    if path.is_dir():
        raise StorageError(f"{str(path)!r} is a folder; give the name of a file.")
    check_replaceable(path, "output")
    if path.exists() and not overwrite:
        raise StorageError(f"{str(path)!r} exists already; --overwrite replaces it.")
    if not path.parent.is_dir():
        raise StorageError(f"there is no folder {str(path.parent)!r}; make it first.")
    _try_to_write(path.parent)
    return path


def check_folder(folder: Path) -> Path:
    """Make a folder and its parents, and check that files can be written into it.

    Raises
    ------
    StorageError
        If the folder cannot be made or written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"cannot make the folder {str(folder)!r}: {error.strerror}.") from error
    _try_to_write(folder)
    return folder


def _try_to_write(folder: Path) -> None:
    trial = folder / f".spikemem-{secrets.token_hex(8)}.part"
    try:
        trial.touch(exist_ok=False)
        trial.unlink(missing_ok=True)
    except OSError as error:
        raise StorageError(f"cannot write in {str(folder)!r}: {error.strerror}.") from error


def check_format(path: Path) -> None:
    """Raise an error if matplotlib cannot write pictures with this file name extension.

    Raises
    ------
    DescriptionError
        The message lists the valid extensions.
    """
    from matplotlib.backend_bases import FigureCanvasBase

    valid_endings = sorted(FigureCanvasBase.get_supported_filetypes())
    if path.suffix.lower().removeprefix(".") not in valid_endings:
        raise DescriptionError(
            f"{str(path)!r} has no file name extension of a picture; use one of "
            f"{', '.join(valid_endings)}."
        )


def save_figure(figure: Figure, path: Path) -> Path:
    """Write a picture; an existing file is replaced once the new one is complete.

    Raises
    ------
    DescriptionError
        If matplotlib does not know the file name extension.
    StorageError
        If the file cannot be written.
    """
    check_replaceable(path, "save_figure")
    check_format(path)
    picture = io.BytesIO()
    figure.savefig(picture, format=path.suffix.lower().removeprefix("."), dpi=DPI)
    return write_atomically(path, picture.getbuffer(), "save_figure")
