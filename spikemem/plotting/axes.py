"""What the pictures share: colours, new axes, checks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from ..checks import Instance
from ..errors import DescriptionError, shown
from ..units import to_tuple

if TYPE_CHECKING:
    from matplotlib.axes import Axes
else:  # declared without importing matplotlib
    Axes = Annotated[Any, Instance("matplotlib.axes:Axes")]

__all__ = ["COLORS", "OFF", "Axes", "check_type", "legend", "new_axes", "two"]

COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
"""Okabe and Ito's colours, which colour-blind readers can tell apart (without the yellow)."""

OFF = "#EEEEEE"
"""Ground of pictures of bits."""


def new_axes(width: float, height: float) -> Axes:
    """Axes of a new figure of this size, in inches."""
    from matplotlib import pyplot

    figure = pyplot.figure(figsize=(width, height), layout="constrained")
    return figure.add_subplot()


def check_type(value: Any, cls: type, where: str) -> None:
    """Raise :class:`DescriptionError` unless `value` is a `cls`."""
    if not isinstance(value, cls):
        raise DescriptionError(f"{where} must be a {cls.__name__}, got {shown(value)}.")


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


def two(value: Any, where: str) -> tuple[Any, Any]:
    """A pair, or :class:`DescriptionError`."""
    parts = to_tuple(value, where, "two numbers")
    if len(parts) != 2:
        raise DescriptionError(f"{where} must be two numbers, got {shown(value)}.")
    return parts[0], parts[1]
