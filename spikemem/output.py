"""Where commands write: checked before the work begins, and each file whole or not at all."""

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
    """Refuse a file that can't be written, or that exists already unless `overwrite`.

    Raises
    ------
    DescriptionError
        The name is too long.
    StorageError
        It exists, it is a folder, a device or the like, or its folder does not exist or can't be
        written.
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
    trial = folder / f".spikemem-{secrets.token_hex(8)}.part"
    try:
        trial.touch(exist_ok=False)
        trial.unlink(missing_ok=True)
    except OSError as error:
        raise StorageError(f"can't write in {str(folder)!r}: {error.strerror}.") from error


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
    DescriptionError
        matplotlib does not know the ending of the name.
    StorageError
        The file can't be written.
    """
    check_replaceable(path, "save_figure")
    check_format(path)
    picture = io.BytesIO()
    figure.savefig(picture, format=path.suffix.lower().removeprefix("."), dpi=DPI)
    return write_atomically(path, picture.getbuffer(), "save_figure")
