"""Results of a sweep: rows, arrays, a table of text, JSON, a frame, capacities."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Annotated, Any, ClassVar

import h5py
import numpy as np
from numpy.typing import NDArray

from ..checks import Count, Instance, PathName, Quantity, Text, checked
from ..errors import BackendMissing, DescriptionError, UnsupportedError, unknown_name
from ..plotting.kinds import Axes
from ..storage import FileKind
from ..storage import load as load_file
from .bisection import Bisect
from .crossing import Capacity, crossing
from .experiments.base import Measure
from .journal import points_in
from .pooling import Pooled, pooled
from .records import CURVES, Point, Record, key_of, read_points, write_record
from .subject import Subject
from .table import SUBJECTS, subject_class

__all__ = ["SWEEP", "Results", "load"]

Confidence = Annotated[float, Quantity(above=0.0, below=1.0)]

_MOST_READINGS = 5


class Results:
    """Results of a sweep, finished or not.

    Parameters
    ----------
    record : Record
        Plan and points.

    Attributes
    ----------
    plan : dict
        Subject, experiment, settings, axes, trials, seed, measures and version, as plain data.
    points : tuple of Point
        The finished points, in the order of the axes.
    """

    panels: ClassVar[str] = "spikemem.stress.panels:sweep_panels"

    @checked
    def __init__(self, record: Annotated[Record, Instance(Record)]) -> None:
        self.record = record

    @property
    def plan(self) -> dict[str, Any]:
        """The sweep as plain data."""
        return self.record.plan

    @property
    def points(self) -> tuple[Point, ...]:
        """The finished points."""
        return self.record.points

    @property
    def axes(self) -> dict[str, Any]:
        """Values of each axis: a list, or a :class:`Bisect`."""
        return {
            name: axis if isinstance(axis, list) else Bisect(**axis["bisect"])
            for name, axis in self.plan["axes"].items()
        }

    @property
    def measures(self) -> dict[str, Measure]:
        """Kind and label of each measure."""
        return self.record.measures

    @property
    def main(self) -> str:
        """The measure that is plotted, and that a bisection compares with its criterion."""
        return str(self.plan["main"])

    @property
    def bisected(self) -> str | None:
        """Name of the axis that is bisected, if there is one."""
        return next((n for n, axis in self.axes.items() if isinstance(axis, Bisect)), None)

    @property
    def n_combinations(self) -> int:
        """Number of combinations of the axes that are not bisected."""
        return math.prod(len(axis) for axis in self.axes.values() if isinstance(axis, list))

    @property
    def n_points(self) -> int | None:
        """Number of points of the whole sweep; None for a bisection, which finds them itself."""
        return self.n_combinations if self.bisected is None else None

    @property
    def content_hash(self) -> str:
        """Hash of all results, without times. Equal results have equal hashes."""
        return self.record.content_hash

    @checked
    def equal(self, other: Annotated[Any, Instance("spikemem.stress.results:Results")]) -> bool:
        """Whether two sweeps have the same plan and the same results; times are ignored."""
        return bool(self.content_hash == other.content_hash)

    @checked
    def rows(self, *, confidence: Confidence = 0.95) -> list[dict[str, Any]]:
        """One dict for each finished point.

        Parameters
        ----------
        confidence : float
            Of the intervals.

        Returns
        -------
        list of dict
            The axes; for each measure ``NAME``, ``NAME_low`` and ``NAME_high``: pooled value and
            interval (Wilson's of proportions, whose attempts count as independent; Student's of
            means over trials), arrays for curves; the numbers of the experiment's summary;
            ``trials`` and ``failed``, numbers of trials; ``wall_time`` and ``cpu_time``, s.
        """
        return [self._row(point, confidence) for point in self.points]

    def _row(self, point: Point, confidence: float) -> dict[str, Any]:
        row = dict(point.values)
        for name, measure in self.measures.items():
            found = self.pooled(point, name, measure.kind, confidence)
            row.update({name: found.value, f"{name}_low": found.low, f"{name}_high": found.high})
        row.update(point.facts.get("summary", {}))
        row.update(trials=len(point.done), failed=len(point.failures))
        row.update(wall_time=point.times.wall, cpu_time=point.times.cpu)
        return row

    def pooled(self, point: Point, name: str, kind: str, confidence: float) -> Pooled:
        """Return a measure of a point, pooled over trials; NaN if no trial has it."""
        column = point.columns.get(name)
        if column is None:
            nothing: Any = np.empty(0) if kind in CURVES else np.nan
            return Pooled(nothing, nothing, nothing)
        return pooled(column, kind, confidence)

    @checked
    def array(
        self,
        measure: Annotated[str, Text()] | None = None,
        bound: Annotated[str, Text()] = "value",
        *,
        confidence: Confidence = 0.95,
    ) -> NDArray[Any]:
        """A measure on the grid of the axes.

        Parameters
        ----------
        measure : str, optional
            Default: the main one.
        bound : {"value", "low", "high"}
            The pooled value, or an end of its interval.
        confidence : float
            Of the interval.

        Returns
        -------
        ndarray of float64
            Shape (length of each axis); NaN at points that are not finished. For a curve one
            more dimension, as long as the longest.

        Raises
        ------
        DescriptionError
            If the measure is unknown, or if the sweep has a bisection, whose points are not a
            grid.
        """
        name = self.main if measure is None else measure
        if name not in self.measures:
            raise DescriptionError(f"array: {unknown_name('measure', name, self.measures)}")
        if bound not in Pooled._fields:
            raise DescriptionError(f"array: {unknown_name('bound', bound, Pooled._fields)}")
        if self.bisected is not None:
            raise DescriptionError("array: points of a bisection are not a grid; use rows().")
        kind = self.measures[name].kind
        found = [
            np.asarray(getattr(self.pooled(p, name, kind, confidence), bound)) for p in self.points
        ]
        extra = (max((len(value) for value in found), default=0),) if kind in CURVES else ()
        shape = tuple(len(axis) for axis in self.axes.values())
        full = np.full((*shape, *extra), np.nan)
        places = [{json.dumps(v): k for k, v in enumerate(axis)} for axis in self.axes.values()]
        for point, value in zip(self.points, found, strict=True):
            entries = zip(places, point.values.values(), strict=True)
            at: Any = tuple(place[json.dumps(entry)] for place, entry in entries)
            full[(*at, slice(len(value))) if extra else at] = value
        return full

    @checked
    def capacities(self, *, confidence: Confidence = 0.95) -> list[Capacity]:
        """Where the measure crosses the criterion of the bisection; see :func:`.crossing`.

        Returns
        -------
        list of Capacity
            One for each combination of the other axes that has been begun.

        Raises
        ------
        DescriptionError
            If no axis is bisected.
        """
        axis = self.bisected
        if axis is None:
            raise DescriptionError("capacities: no axis is bisected; vary one with a Bisect.")
        search = self.axes[axis]
        kind = self.measures[self.main].kind
        groups: dict[str, list[Point]] = {}
        for point in self.points:
            rest = {name: value for name, value in point.values.items() if name != axis}
            groups.setdefault(key_of(rest), []).append(point)
        return [
            crossing(search, axis, points, self.main, kind, confidence)
            for points in groups.values()
        ]

    @checked
    def to_json(
        self,
        path: Annotated[str | Path, PathName()] | None = None,
        *,
        confidence: Confidence = 0.95,
    ) -> str:
        """Plan, rows and failed trials as JSON text; NaN becomes null.

        Parameters
        ----------
        path : str or Path, optional
            File that the text is written to as well.
        confidence : float
            Of the intervals.

        Raises
        ------
        StorageError
            The file cannot be written.
        """
        from ..files import write_atomically

        failures = [
            {**point.values, "trial": failure.trial, "error": failure.error}
            for point in self.points
            for failure in point.failures
        ]
        document: dict[str, Any] = {"sweep": self.plan, "rows": self.rows(confidence=confidence)}
        if self.bisected is not None:
            document["capacities"] = [c._asdict() for c in self.capacities(confidence=confidence)]
        text = json.dumps(_json({**document, "failures": failures}), indent=1, allow_nan=False)
        if path is not None:
            write_atomically(path, (text + "\n").encode(), "to_json")
        return text

    @checked
    def frame(self, *, confidence: Confidence = 0.95) -> Any:
        """The rows as a ``pandas.DataFrame``.

        Raises
        ------
        BackendMissing
            If pandas is not installed.
        """
        try:
            import pandas
        except ImportError as error:
            raise BackendMissing(
                "frame needs the package 'pandas', which is not installed: run "
                "pip install pandas, or use rows()."
            ) from error
        return pandas.DataFrame(self.rows(confidence=confidence))

    @checked
    def subject(self, point: Annotated[Point, Instance(Point)]) -> Subject:
        """The subject of a point with its settings.

        Raises
        ------
        UnsupportedError
            The sweep was made with a subject of one's own.
        """
        from dataclasses import fields

        names = {place.partition(":")[2]: model for model, place in SUBJECTS.items()}
        if self.plan["subject"] not in names:
            raise UnsupportedError(
                f"Results.subject: {self.plan['subject']} is not a class of spikemem."
            )
        cls = subject_class(names[self.plan["subject"]])
        every = {**self.plan["settings"], **point.values}
        made: Subject = cls(**{item.name: every[item.name] for item in fields(cls)})
        return made

    @checked
    def plot(
        self,
        path: Annotated[str | Path, PathName()] | None = None,
        *,
        measure: Annotated[str, Text()] | None = None,
        kind: Annotated[str, Text()] | None = None,
        ax: Axes | None = None,
    ) -> Axes:
        """Draw a measure with 95 % intervals and the published laws that apply.

        Parameters
        ----------
        path : str or Path, optional
            File of the picture: .png, .pdf, .svg, ...
        measure : str, optional
            Default: the main one.
        kind : {"curve", "map", "within", "capacity"}, optional
            "curve" draws the measure against the first varied axis, with one line for each
            combination of the others. "map" draws it on two axes. "within" draws a curve that each
            trial measures, such as recall against lag. "capacity" draws where a bisection crosses
            its criterion. Default: what shows most.
        ax : matplotlib.axes.Axes, optional
            Axes to draw into. Default: those of a new figure.

        Returns
        -------
        matplotlib.axes.Axes

        Raises
        ------
        DescriptionError
            An unknown measure or kind, one that the sweep does not have, or no finished point.
        StorageError
            The picture cannot be written.
        """
        from .figures import plot

        return plot(self, None if path is None else Path(path), measure, kind, ax)

    @checked
    def plot_examples(
        self,
        path: Annotated[str | Path, PathName()] | None = None,
        *,
        point: Annotated[int, Count(low=-(10**6), high=10**6)] = -1,
        n: Annotated[int, Count(high=100)] = 8,
        ax: Axes | None = None,
    ) -> Axes:
        """Draw stored and recalled items from the first trial of a point.

        The trial runs again and gives the same answers as before.

        Parameters
        ----------
        path : str or Path, optional
            File of the picture.
        point : int
            Index into :attr:`points`; -1 is the last.
        n : int
            Most probes that are drawn.
        ax : matplotlib.axes.Axes, optional
            Axes to draw into. Default: those of a new figure.

        Raises
        ------
        DescriptionError
            If there is no such point, or if its items are too long to be drawn.
        UnsupportedError
            If the answers are not patterns, or if spikemem does not contain the subject.
        StorageError
            The picture cannot be written.
        """
        from .examples import draw_examples
        from .figures import write_picture

        target = draw_examples(self, point, n, ax=ax)
        if path is not None:
            write_picture(target, Path(path))
        return target

    def __repr__(self) -> str:
        whole = "" if self.n_points is None else f" of {self.n_points}"
        return (
            f"Results({self.plan['experiment']} of {self.plan['subject']}, "
            f"{len(self.points)}{whole} points of {self.plan['trials']} trials)"
        )

    def __str__(self) -> str:
        from .text import summary

        return summary(self)


def _json(value: Any) -> Any:
    """A value that JSON has: arrays as lists, and None for NaN and infinity."""
    if isinstance(value, dict):
        return {name: _json(entry) for name, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_json(entry) for entry in value]
    if isinstance(value, np.ndarray | np.generic):
        return _json(value.tolist())
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value


@checked
def load(path: Annotated[str | Path, PathName()]) -> Results:
    """Read the results of a sweep, finished, interrupted or still running.

    Raises
    ------
    StorageError
        As :func:`spikemem.load`, which leaves out the points that a running sweep has not yet
        written to its file.
    """
    place = Path(path)
    for _ in range(_MOST_READINGS):
        held: Results = load_file(place, "sweep")
        before = _identity(place)
        points = points_in(place, held.plan)
        # A running sweep that has rewritten its file meanwhile has emptied the journal.
        if points and _identity(place) == before:
            return Results(held.record.with_points(points))
        if not points and _identity(place) == before:
            break
    return held


def _identity(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_ino, found.st_mtime_ns


def _write(file: h5py.File, results: Results) -> None:
    write_record(file, results.record)


def _read(file: h5py.File) -> Results:
    return Results(read_points(file))


SWEEP = FileKind(_write, _read, Results, groups=("sweep",))
