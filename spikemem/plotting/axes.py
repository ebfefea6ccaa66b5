"""What the pictures share: colours, new axes, texts, windows."""

from __future__ import annotations

from typing import Any

from ..errors import DescriptionError, shown
from ..recording import Recording
from .kinds import Axes

__all__ = [
    "COLORS",
    "OFF",
    "legend",
    "new_axes",
    "plain",
    "run_of",
    "time_window",
]

COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
"""Okabe and Ito's colours, which colour-blind readers can tell apart (without the yellow)."""

OFF = "#EEEEEE"
"""Ground of pictures of bits."""


def new_axes(width: float, height: float) -> Axes:
    """Axes of a new figure of this size, in inches."""
    from matplotlib import pyplot

    figure = pyplot.figure(figsize=(width, height), layout="constrained")
    return figure.add_subplot()


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
            fontsize="small",
            ncols=-(-n_lines // 10),
        )
