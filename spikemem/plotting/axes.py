"""The style of all pictures: colours, line widths, text sizes, new axes, titles, legends."""

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
"""Okabe and Ito's colours for colour-blind readers, without yellow."""

OFF = "#EEEEEE"
"""Background of pictures of bits."""

WRONG = "#D55E00"
"""Colour of missing or faulty parts."""

GREY = "0.6"
"""Colour of auxiliary lines."""

MAP = "viridis"
"""Colour map of weights and conductances."""

LINE, THIN = 1.2, 0.8
"""Widths of data lines and of auxiliary lines, points."""

SMALL = "small"
"""Text size of legends and names in a picture, relative to the user's ``font.size``."""

MARK_GID, MARK_ROW = "mark", 11.0
"""Group id of the names above a picture, and height of a row of names, points."""

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
    """Remove the frame on the right and at the top, and return the axes."""
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
    r"""Return a name as text that matplotlib draws literally; a pair of "$" makes a formula.

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
    """Return the time window to draw, ms: `window`, or `start` to `stop` if it is None.

    Raises
    ------
    DescriptionError
        If the window does not overlap the run.
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
    """Return start and end of a recording, ms, at least one step apart.

    A recording without a length ends at `last`.
    """
    if recording.stop > recording.start:
        return recording.start, recording.stop
    return recording.start, max(last, recording.start + recording.dt)


def legend(ax: Axes, n_lines: int) -> None:
    """Add a legend beside the picture, unless there are too few or too many lines."""
    if 1 < n_lines <= 3 * len(COLORS):
        ax.legend(
            loc="upper left",
            bbox_to_anchor=(1.0, 1.0),
            frameon=False,
            fontsize=SMALL,
            ncols=-(-n_lines // 10),
        )


def whole_ticks(ax: Axes) -> None:
    """Use only whole numbers as tick labels, for example for cells."""
    from matplotlib.ticker import MaxNLocator

    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10], integer=True))


def color_bar(ax: Axes, picture: Any, label: str, *, whole: bool = False) -> None:
    """Add a colour bar of the height of the picture; `whole` uses only whole numbers."""
    from matplotlib.ticker import MaxNLocator

    beside = ax.inset_axes((1.03, 0.0, 0.04, 1.0))
    ticks = MaxNLocator(integer=True) if whole else None
    ax.figure.colorbar(picture, cax=beside, label=label, ticks=ticks)
