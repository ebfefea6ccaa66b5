"""The style of every picture: colours, widths, sizes of text, new axes, titles, legends."""

from __future__ import annotations

from typing import Annotated, Any

from ..checks import Count, Quantity, Text, checked
from ..errors import DescriptionError, shown
from ..recording import Recording
from .kinds import Axes

__all__ = [
    "COLORS",
    "GREY",
    "LINE",
    "MAP",
    "MARK_GID",
    "MARK_ROW",
    "OFF",
    "SMALL",
    "THIN",
    "WRONG",
    "color_bar",
    "legend",
    "new_axes",
    "new_panels",
    "plain",
    "run_of",
    "tidy",
    "time_window",
    "title",
    "whole_ticks",
]

COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
"""Okabe and Ito's colours, which colour-blind readers can tell apart (without the yellow)."""

OFF = "#EEEEEE"
"""Ground of pictures of bits."""

WRONG = "#D55E00"
"""What is missing or broken."""

GREY = "0.6"
"""Lines that help to read a picture."""

MAP = "viridis"
"""Colours of weights and conductances."""

LINE, THIN = 1.2, 0.8
"""Widths of lines with data, and of lines that help to read, points."""

SMALL = "small"
"""Size of legends and of names in a picture, relative to the user's own ``font.size``."""

MARK_GID, MARK_ROW = "mark", 11.0
"""Label of the names above a picture, and the height of a row of them, points."""

_Inches = Annotated[float, Quantity("1", above=0.0, high=500.0)]


@checked
def new_axes(width: _Inches = 7.0, height: _Inches = 2.8) -> Axes:
    """Return the axes of a new figure in the style of the other pictures.

    Parameters
    ----------
    width, height : float
        Size of the figure, inches.

    Returns
    -------
    matplotlib.axes.Axes

    Examples
    --------
    >>> ax = new_axes(4.0, 3.0)
    >>> ax.figure.get_size_inches().tolist()
    [4.0, 3.0]
    """
    return new_panels(width, height)[0]


@checked
def new_panels(
    width: _Inches = 7.0,
    height: _Inches = 2.8,
    *,
    rows: Annotated[int, Count()] = 1,
    columns: Annotated[int, Count()] = 1,
) -> list[Axes]:
    """Return the axes of a new figure with several panels, row by row.

    Parameters
    ----------
    width, height : float
        Size of the figure, inches.
    rows, columns : int
        Number of panels.

    Returns
    -------
    list of matplotlib.axes.Axes
    """
    from matplotlib import pyplot

    figure = pyplot.figure(figsize=(width, height), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False).ravel().tolist()
    return [tidy(ax) for ax in panels]


def tidy(ax: Axes) -> Axes:
    """Take the frame away on the right and above; returns the axes."""
    ax.spines[["top", "right"]].set_visible(False)
    return ax


@checked
def title(ax: Axes, text: Annotated[str, Text()]) -> None:
    """Write a title at the left, above the names of :func:`spikemem.plotting.mark_times`."""
    names: list[Any] = [name for name in ax.texts if name.get_gid() == MARK_GID]
    rows = {name.xyann[1] for name in names}
    pad = max(rows) + MARK_ROW + 3.0 if rows else None
    ax.set_title(plain(text), loc="left", fontsize="medium", pad=pad)


def plain(text: Any) -> str:
    r"""A name as text that matplotlib draws unchanged: a pair of "$" would enclose a formula.

    Examples
    --------
    >>> print(plain("cost: 3$ or 4$"))
    cost: 3\$ or 4\$
    """
    name = text if isinstance(text, str) else shown(text)
    return name.replace("$", r"\$")


def time_window(
    window: tuple[float, float] | None, start: float, stop: float, where: str
) -> tuple[float, float]:
    """The part of the time to draw, ms: `window`, or all from `start` to `stop`.

    Raises
    ------
    DescriptionError
        No part of the run.
    """
    if window is None:
        return start, stop
    first, last = window
    if last <= start or first >= stop:
        raise DescriptionError(
            f"{where} must overlap the recording, from {start:g} to {stop:g} ms, got "
            f"{first:g} to {last:g} ms."
        )
    return first, last


def run_of(recording: Recording, last: float = 0.0) -> tuple[float, float]:
    """Start and end of a recording, ms, at least one step apart; it may end after `last`."""
    if recording.stop > recording.start:
        return recording.start, recording.stop
    return recording.start, max(last, recording.start + recording.dt)


def legend(ax: Axes, n_lines: int) -> None:
    """Add a legend beside the picture, if it is of use."""
    if 1 < n_lines <= 3 * len(COLORS):
        ax.legend(
            loc="upper left",
            bbox_to_anchor=(1.0, 1.0),
            frameon=False,
            fontsize=SMALL,
            ncols=-(-n_lines // 10),
        )


def whole_ticks(ax: Axes) -> None:
    """Label cells and other counted things by whole numbers only."""
    from matplotlib.ticker import MaxNLocator

    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10], integer=True))


def color_bar(ax: Axes, picture: Any, label: str, *, whole: bool = False) -> None:
    """Add a colour bar as high as the picture, whatever its shape; `whole`: of whole numbers."""
    from matplotlib.ticker import MaxNLocator

    beside = ax.inset_axes((1.03, 0.0, 0.04, 1.0))
    ticks = MaxNLocator(integer=True) if whole else None
    ax.figure.colorbar(picture, cax=beside, label=label, ticks=ticks)
