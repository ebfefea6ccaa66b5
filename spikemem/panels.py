"""Panels of an object in a report: pictures as plain data, independent of a plotting library.

A class has a method ``panels`` that yields them. Alternatively, its attribute ``panels`` names a
function of the object as ``"module:function"``, which is imported only for a report.
:func:`spikemem.report` draws the panels.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from .checks import (
    AnyValue,
    Callback,
    Choice,
    Count,
    Each,
    Indices,
    Instance,
    Kind,
    MappingOf,
    Name,
    Quantity,
    Text,
    check_fields,
    check_shape,
)
from .errors import DescriptionError, shown
from .units import to_tuple

__all__ = [
    "Arrow",
    "Band",
    "Box",
    "Curves",
    "Done",
    "Graph",
    "Heat",
    "Histogram",
    "Panel",
    "Picture",
    "Raster",
    "Rows",
    "Series",
]


@dataclass(frozen=True)
class Numbers(Kind):
    """An array of numbers of some shape; values that are not finite are left out of a picture."""

    shape: tuple[str, ...]

    def __init__(self, *shape: str) -> None:
        object.__setattr__(self, "shape", shape)

    def check(self, value: Any, where: str) -> NDArray[np.float64]:
        """Return a float64 array."""
        try:
            array = np.asarray(value)
        except (TypeError, ValueError, OverflowError):
            array = np.asarray(None)
        if array.dtype.kind not in "biuf":
            raise DescriptionError(f"{where} must be an array of numbers, got {shown(value)}.")
        if self.shape:
            check_shape(array, self.shape, where)
        return array.astype(np.float64)


@dataclass(frozen=True)
class Limits(Kind):
    """Lower and upper end of an axis: two numbers, of which the second is larger."""

    def check(self, value: Any, where: str) -> tuple[float, float]:
        """Return a tuple of two floats."""
        ends = to_tuple(value, where, "two numbers")
        if len(ends) == 2:
            low, high = (Quantity().check(end, where) for end in ends)
            if low < high:
                return low, high
        raise DescriptionError(f"{where} must be (low, high), got {shown(value)}.")


@dataclass(frozen=True)
class MarkPairs(Kind):
    """Named places on an axis: pairs (number, str)."""

    def check(self, value: Any, where: str) -> tuple[tuple[float, str], ...]:
        """Return a tuple of pairs of float and str."""
        marks = []
        for k, pair in enumerate(to_tuple(value, where, "pairs (number, name)")):
            parts = to_tuple(pair, f"{where}[{k}]", "a pair (number, name)")
            if len(parts) != 2:
                raise DescriptionError(
                    f"{where}[{k}] must be a pair (number, name), got {shown(pair)}."
                )
            place = Quantity().check(parts[0], f"{where}[{k}]: number")
            marks.append((place, Text().check(parts[1], f"{where}[{k}]: name")))
        return tuple(marks)


@dataclass(frozen=True)
class TableRows(Kind):
    """Rows of a table: sequences of cells, all of one length, the first of them the head."""

    def check(self, value: Any, where: str) -> tuple[tuple[str, ...], ...]:
        """Return a tuple of tuples of str."""
        rows = Each(AnyValue(), "rows", least=1).check(value, where)
        cells = [to_tuple(row, f"{where}[{k}]", "cells") for k, row in enumerate(rows)]
        if len(set(map(len, cells))) > 1:
            raise DescriptionError(f"{where} must be rows of one length, got {shown(value)}.")
        return tuple(tuple(str(cell) for cell in row) for row in cells)


Row = Annotated[NDArray[Any], Numbers("n")]
Words = Annotated[str, Text()]
Marks = Annotated[Sequence[tuple[float, str]], MarkPairs()]


@dataclass(frozen=True, eq=False)
class Panel:
    """Base of all panels.

    Parameters
    ----------
    title : str
        Short title, which is also the entry in the table of contents.
    caption : str
        One sentence that says what the picture shows.
    """

    title: Words
    caption: Words

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True, eq=False)
class Series:
    """One line or one set of points of :class:`Curves`.

    Parameters
    ----------
    name : str
        Name in the legend.
    x, y : array_like, shape (n,)
        Values that are not finite leave a gap.
    low, high : array_like, shape (n,), optional
        Ends of the interval of each value.
    style : {"line", "points", "steps"}
        "steps": each value holds until the next one.
    dashed : bool
        Whether the line is dashed. Use it for laws and limits, which are not measured.
    """

    name: Words
    x: Row
    y: Row
    low: Row | None = None
    high: Row | None = None
    style: Annotated[str, Choice("line", "points", "steps")] = "line"
    dashed: bool = False

    def __post_init__(self) -> None:
        check_fields(self)
        lengths = {len(a) for a in (self.x, self.y, self.low, self.high) if a is not None}
        if len(lengths) > 1 or (self.low is None) != (self.high is None):
            raise DescriptionError(
                f"Series {shown(self.name)}: x, y, and low and high together, must have one "
                f"length, got {sorted(lengths)}."
            )


@dataclass(frozen=True, eq=False)
class Curves(Panel):
    """Lines and points in one picture.

    Parameters
    ----------
    series : sequence of Series
    x, y : str
        Names of the axes, with units.
    y_range : (low, high), optional
        Limits of the y axis. Default: the range of the data.
    log_x, log_y : bool
        Logarithmic axes; values that are not above 0 are left out.
    equal : bool
        Whether one unit has the same length on both axes.
    rows : bool
        Whether each series is drawn in its own row, all on one scale.
    marks : sequence of (float, str)
        Named vertical lines.
    """

    series: Annotated[Sequence[Series], Each(Instance(Series), "Series")]
    x: Words = ""
    y: Words = ""
    y_range: Annotated[tuple[float, float], Limits()] | None = None
    log_x: bool = False
    log_y: bool = False
    equal: bool = False
    rows: bool = False
    marks: Marks = ()


@dataclass(frozen=True, eq=False)
class Band:
    """Spikes of one population in a :class:`Raster`: cells `ids` at `times` (ms)."""

    name: Annotated[str, Name()]
    size: Annotated[int, Count()]
    ids: Annotated[NDArray[np.integer[Any]], Indices()]
    times: Row

    def __post_init__(self) -> None:
        check_fields(self)
        if len(self.ids) != len(self.times):
            raise DescriptionError(
                f"Band {shown(self.name)}: ids and times must have one length, got "
                f"{len(self.ids)} and {len(self.times)}."
            )


@dataclass(frozen=True, eq=False)
class Raster(Panel):
    """A mark for each spike, with a row for each cell.

    Parameters
    ----------
    bands : sequence of Band
        From bottom to top.
    start, stop : float
        Ends of the time axis, ms.
    marks : sequence of (float, str)
        Named moments, ms.
    """

    bands: Annotated[Sequence[Band], Each(Instance(Band), "Band objects")]
    start: Annotated[float, Quantity("ms")] = 0.0
    stop: Annotated[float, Quantity("ms")] = 0.0
    marks: Marks = ()


@dataclass(frozen=True, eq=False)
class Heat(Panel):
    """A matrix in colours.

    Parameters
    ----------
    values : array_like, shape (n_rows, n_columns)
        The first row is drawn at the top; values that are not finite stay white. With `names`
        indices into it.
    x, y : str
        Labels of the columns and of the rows.
    value : str
        Name of the values, with their unit.
    rows, columns : sequence of str, optional
        Names of the rows and columns. Default: their numbers.
    names : sequence of str, optional
        What each whole number means, for a matrix of kinds instead of sizes.
    limits : (low, high), optional
        Ends of the colours. Default: those of the data.
    written : bool
        Whether each value is written into its field. Use it for small matrices.
    """

    values: Annotated[NDArray[Any], Numbers("n_rows", "n_columns")]
    x: Words = ""
    y: Words = ""
    value: Words = ""
    rows: Annotated[Sequence[str], Each(Text(), "names")] = ()
    columns: Annotated[Sequence[str], Each(Text(), "names")] = ()
    names: Annotated[Sequence[str], Each(Text(), "names", most=7)] = ()
    limits: Annotated[tuple[float, float], Limits()] | None = None
    written: bool = False


@dataclass(frozen=True, eq=False)
class Histogram(Panel):
    """Distribution of values: the share of the values in each bin.

    Parameters
    ----------
    values : mapping of str to array_like
        Values of each sample, by its name in the legend.
    x : str
        What the values are, with their unit.
    bins : int
        Number of ranges.
    marks : sequence of (float, str)
        Named vertical lines.
    """

    values: Annotated[Mapping[str, NDArray[Any]], MappingOf(Text(), Numbers())]
    x: Words = ""
    bins: Annotated[int, Count(high=1000)] = 50
    marks: Marks = ()


@dataclass(frozen=True, eq=False)
class Rows(Panel):
    """A table; the first row holds the names of the columns."""

    rows: Annotated[Sequence[Sequence[Any]], TableRows()]


@dataclass(frozen=True, eq=False)
class Done(Panel):
    """Progress of some work. While work is left, the page reloads itself.

    Parameters
    ----------
    done, total : int
        Parts of the work.
    failed : int
        Parts among `done` that failed.
    """

    done: Annotated[int, Count(low=0)]
    total: Annotated[int, Count(low=0)]
    failed: Annotated[int, Count(low=0)] = 0


@dataclass(frozen=True, eq=False)
class Box:
    """A box of a :class:`Graph`: its name, what stands below it, and facts shown on hover."""

    name: Words
    text: Words = ""
    facts: Words = ""
    filled: bool = False

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True, eq=False)
class Arrow:
    """An arrow of a :class:`Graph` between two boxes; `blocks`: it ends in a bar."""

    name: Words
    tail: Words
    head: Words
    facts: Words = ""
    blocks: bool = False
    dashed: bool = False

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True, eq=False)
class Graph(Panel):
    """Boxes in columns, from left to right, with arrows between them."""

    columns: Annotated[Sequence[Sequence[Box]], Each(Each(Instance(Box), "Box objects"), "columns")]
    arrows: Annotated[Sequence[Arrow], Each(Instance(Arrow), "Arrow objects")] = field(default=())


@dataclass(frozen=True, eq=False)
class Picture(Panel):
    """A picture that matplotlib draws: ``draw(ax)``. It cannot be zoomed."""

    draw: Annotated[Callable[[Any], None], Callback()]
