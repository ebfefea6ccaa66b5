"""Marks times in a picture, such as the operations of a memory, with names above it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from ..checks import checked
from .axes import MARK_GID, MARK_ROW, SMALL, THIN, plain
from .kinds import Axes, Marks

__all__ = ["MARK_ROWS", "mark_times"]

MARK_ROWS = 3
"""Number of rows of names above a picture."""

_LINE = "0.8"
_GAP = 4.0  # points between two names


class _Name(NamedTuple):
    """A name with its position: row, and left end in pixels."""

    text: str
    time: float
    row: int
    left: float


@checked
def mark_times(ax: Axes, marks: Marks) -> Axes:
    """Draw a line at each of some times, with its name above the picture.

    Names never overlap: they are staggered over up to three rows. A name is left out if it has no
    room or repeats the name before it, but its line is always drawn.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        A picture with time in ms on its horizontal axis; the limits of the axis must be set
        before.
    marks : sequence of (float, str)
        Times in ms with names. Times outside the axis are left out.

    Returns
    -------
    matplotlib.axes.Axes

    Examples
    --------
    >>> from spikemem.plotting import new_axes
    >>> ax = new_axes()
    >>> _ = ax.set_xlim(0.0, 20.0)
    >>> [name.get_text() for name in mark_times(ax, [(2.0, "learn 0"), (9.0, "recall 0")]).texts]
    ['learn 0', 'recall 0']
    """
    start, stop = ax.get_xlim()
    inside = sorted((mark for mark in marks if start <= mark[0] < stop), key=lambda mark: mark[0])
    if not inside:
        return ax
    for time, _ in inside:
        ax.axvline(time, color=_LINE, linewidth=THIN, zorder=0.5, gid=MARK_GID)
    root = ax.figure.canvas.figure
    root.draw_without_rendering()  # computes the layout
    inverse = ax.transData.inverted()
    for name in _with_room(ax, inside):
        ax.annotate(
            name.text, (inverse.transform((name.left, 0.0))[0], 1.0), gid=MARK_GID,
            xytext=(0.0, 3.0 + name.row * MARK_ROW), xycoords=("data", "axes fraction"),
            textcoords="offset points", fontsize=SMALL, annotation_clip=False,
        )  # fmt: skip
    return ax


def _with_room(ax: Axes, marks: Sequence[tuple[float, str]]) -> Iterator[_Name]:
    """Yield the names that have room, each in the lowest possible row."""
    points = ax.figure.dpi / 72.0
    box = ax.get_window_extent()
    ends = [-1e9] * MARK_ROWS
    widths: dict[str, float] = {}
    before = None
    for time, name in marks:
        text = plain(name)
        if name == before or not text.strip():
            continue
        if text not in widths:
            widths[text] = _width(ax, text)
        at = ax.transData.transform((time, 0.0))[0] + points
        left = max(min(at, box.x1 - widths[text]), box.x0)
        row = next((k for k, end in enumerate(ends) if end + _GAP * points <= left), None)
        if row is None:
            continue
        ends[row], before = left + widths[text], name
        yield _Name(text, time, row, left)


def _width(ax: Axes, text: str) -> float:
    """Return the width of a name in the picture, pixels."""
    sample: Any = ax.annotate(text, (0.0, 0.0), fontsize=SMALL)
    width = float(sample.get_window_extent().width)
    sample.remove()
    return width
