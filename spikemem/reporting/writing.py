"""Reports are written whole or not at all, once or whenever their file changes."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from ..checks import Kind, PathName, Quantity, checked
from ..errors import DescriptionError, StorageError, shown
from ..files import check_replaceable, write_atomically
from .page import html
from .sections import page_of_file, page_of_object, shows_itself

__all__ = ["report", "watch"]

_LOOK = 0.5
"""Interval at which a watched file is checked for changes, s."""


@dataclass(frozen=True)
class Reportable(Kind):
    """Path of a file, or an object that has panels, a view or facts."""

    def check(self, value: Any, where: str) -> Any:
        """Return a ``Path``, or the object itself."""
        if isinstance(value, str | Path):
            return PathName().check(value, where)
        if shows_itself(value):
            return value
        raise DescriptionError(
            f"{where} must be the path of a file, or an object such as a network, a recording, a "
            f"memory or an array of devices, got {shown(value)}."
        )


Seconds = Annotated[float, Quantity("s", low=0.1, high=86_400.0)]


@checked
def report(
    thing: Annotated[Any, Reportable()],
    out: Annotated[str | Path, PathName()] = "report.html",
    *,
    refresh: Seconds | None = None,
) -> Path:
    """Write a page of HTML about a file or an object, with pictures to zoom into.

    The page is one self-contained file, which loads nothing from the network. An existing file is
    replaced once the new one is complete.

    Parameters
    ----------
    thing : str, Path or object
        A file of spikemem, or a network, a recording, a model, a programmed array: anything with
        `panels`, a `view` or `facts()`.
    out : str or Path
        Page to write.
    refresh : float, optional
        Time after which the page reloads itself, s, for a page that is written repeatedly.
        Default: 10 s while the object says that some of its work is not done yet, else never.

    Returns
    -------
    Path
        `out`.

    Raises
    ------
    DescriptionError
        If the argument is neither a path nor an object with panels, a view or facts.
    StorageError
        If the file cannot be read, or if the page cannot be written.
    BackendMissing
        If Bokeh is not installed.

    Examples
    --------
    >>> import tempfile
    >>> import spikemem as sm
    >>> net = sm.Network([sm.Population("in", sm.SpikeSource.from_lists([[1.0]]))])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     page = report(net, Path(folder) / "net.html").read_text(encoding="utf-8")
    >>> "<h2" in page and "https://cdn" not in page.partition("<script>")[0]
    True
    """
    target = Path(out)
    check_replaceable(target, "report")
    page = page_of_file(thing) if isinstance(thing, Path) else page_of_object(thing)
    return write_atomically(target, html(page, refresh).encode(), "report")


@checked
def watch(
    path: Annotated[str | Path, PathName()],
    out: Annotated[str | Path, PathName()] = "report.html",
    *,
    every: Seconds = 5.0,
    written: Callable[[Path], object] = print,
    ended: Callable[[], bool] = lambda: False,
) -> Path:
    """Write the page of a file again whenever the file changes, until it is interrupted.

    Parameters
    ----------
    path : str or Path
        A file of spikemem; it must be there at the beginning, and may be replaced later.
    out : str or Path
        Page to write.
    every : float
        Time after which the open page reloads itself, s.
    written : callable
        Called with `out` after each time.
    ended : callable
        Whether to stop, asked twice a second.

    Returns
    -------
    Path
        `out`, which does not read itself again any more.

    Raises
    ------
    StorageError
        As :func:`report`. Once a page is written, a file that is damaged or gone for a while
        leaves the last page as it is.
    """
    source, seen, first = Path(path), None, True
    try:
        while True:
            state = _state(source)
            if first or (state is not None and state != seen):
                _write_again(source, Path(out), every, first=first)
                written(Path(out))
                seen, first = state, False
            if ended():
                break
            time.sleep(_LOOK)
    except KeyboardInterrupt:
        pass
    with contextlib.suppress(StorageError):
        report(source, out)
    return Path(out)


def _state(path: Path) -> tuple[int, int, int] | None:
    """Return the identity, size and time of a file, which change with its content; else None."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns


def _write_again(source: Path, out: Path, every: float, *, first: bool) -> None:
    try:
        report(source, out, refresh=every)
    except StorageError:
        if first or (source.exists() and not out.parent.is_dir()):
            raise
