"""Records of a sweep: points with the outcomes of their trials, and their form in a file."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import h5py
import numpy as np
from numpy.typing import NDArray

from ..errors import DescriptionError, StorageError
from ..hdf5 import read_array
from ..kinds import Name
from ..storage import put
from .bisection import Bisect
from .experiments.base import Measure

__all__ = ["Column", "Failure", "Point", "Record", "Times", "column_of", "key_of"]

WIDTHS = {"mean": 1, "curve": 1, "proportion": 2, "proportions": 2}
"""Numbers in a row of a measure, by its kind."""

CURVES = ("curve", "proportions")

TEXT = h5py.string_dtype()


def key_of(values: Mapping[str, Any]) -> str:
    """Return a text that identifies a point by the values of its axes."""
    return json.dumps(dict(values), sort_keys=True)


class Failure(NamedTuple):
    """A trial that failed."""

    trial: int
    error: str
    traceback: str
    """Last lines of the traceback."""


class Times(NamedTuple):
    """Computing time of a point."""

    wall: float
    """Wall time, s, summed over its batches of trials."""
    cpu: float
    """Processor time, s, of all threads."""
    processes: int
    """Processes that took part."""


NO_TIMES = Times(0.0, 0.0, 1)


class Column(NamedTuple):
    """One measure of a point."""

    trials: NDArray[np.int64]
    """Numbers of the trials that have it, in increasing order, shape (n,)."""
    lengths: NDArray[np.int64]
    """Rows of each trial, shape (n,); 1 if the measure is not a curve."""
    values: NDArray[np.float64]
    """Their rows, shape (sum of lengths, width)."""

    def rows(self) -> list[NDArray[np.float64]]:
        """The rows of each trial."""
        return np.split(self.values, np.cumsum(self.lengths)[:-1])


@dataclass(frozen=True)
class Point:
    """One finished point.

    Parameters
    ----------
    values : dict
        Values of the axes.
    done : ndarray of int64
        Numbers of the trials that succeeded.
    columns : dict of str to Column
        Their measures.
    failures : tuple of Failure
        The other trials.
    facts : dict
        ``scale``, ``n_synapses``, ``n_neurons``, ``theory`` and ``summary``.
    times : Times
        Computing time. It is not part of the result.
    """

    values: dict[str, Any]
    done: NDArray[np.int64]
    columns: dict[str, Column]
    failures: tuple[Failure, ...] = ()
    facts: dict[str, Any] = field(default_factory=dict)
    times: Times = NO_TIMES

    def pooled(self, name: str, kind: str) -> float:
        """A number of the point over its trials: successes by attempts, or the mean; NaN: none."""
        column = self.columns.get(name)
        if column is None or kind in CURVES:
            return math.nan
        if kind == "proportion":
            successes, attempts = column.values.sum(axis=0).tolist()
            return successes / attempts if attempts else math.nan
        known = column.values[~np.isnan(column.values)]
        return float(known.mean()) if known.size else math.nan

    def digest(self) -> bytes:
        """What the point holds, without times and tracebacks."""
        told = hashlib.sha256(json.dumps([self.values, self.facts], sort_keys=True).encode())
        told.update(self.done.tobytes())
        for name in sorted(self.columns):
            told.update(name.encode())
            for array in self.columns[name]:
                told.update(np.ascontiguousarray(array).tobytes())
        told.update(json.dumps([failure[:2] for failure in self.failures]).encode())
        return told.digest()


def column_of(
    name: str, measure: Measure, outcomes: Mapping[int, Mapping[str, Any]]
) -> Column | None:
    """Collect one measure of the trials, in the order of their numbers.

    Raises
    ------
    DescriptionError
        If a value does not have the shape of its kind.
    """
    numbers, lengths, rows = [], [], []
    width = WIDTHS[measure.kind]
    for number in sorted(outcomes):
        if name not in outcomes[number]:
            continue
        value = np.asarray(outcomes[number][name], np.float64)
        wanted = () if width == 1 else (2,)
        curve = measure.kind in CURVES
        if (value.shape[1:] if curve and value.ndim else value.shape) != wanted or (
            curve and not value.ndim
        ):
            shape = ("n", *wanted) if curve else wanted
            raise DescriptionError(
                f"stress: the measure {name!r} is of kind {measure.kind!r} and must have shape "
                f"{shape}, got {value.shape}."
            )
        numbers.append(number)
        lengths.append(len(value) if curve else 1)
        rows.append(value.reshape(-1, width))
    if not numbers:
        return None
    return Column(np.array(numbers, np.int64), np.array(lengths, np.int64), np.concatenate(rows))


@dataclass(frozen=True)
class Record:
    """A sweep as a file holds it.

    Parameters
    ----------
    plan : dict
        :meth:`Plan.facts`.
    points : tuple of Point
        Those that are finished, in the order of the axes.
    """

    plan: dict[str, Any]
    points: tuple[Point, ...] = ()

    @property
    def measures(self) -> dict[str, Measure]:
        """Every measure that the experiment declares or that a trial contains."""
        declared = {name: Measure(*entry) for name, entry in self.plan["measures"].items()}
        for point in self.points:
            for name in point.columns:
                declared.setdefault(name, Measure("mean", name))
        return declared

    def with_points(self, points: Iterable[Point]) -> Record:
        """Return a record with further points, in the order of the axes.

        If a point occurs twice, the later one is kept.
        """
        every = {key_of(point.values): point for point in (*self.points, *points)}
        places = {
            name: {json.dumps(value): k for k, value in enumerate(axis)}
            for name, axis in self.plan["axes"].items()
            if isinstance(axis, list)
        }

        def order(point: Point) -> tuple[Any, ...]:
            place = [places[name][json.dumps(point.values[name])] for name in places]
            rest = [value for name, value in point.values.items() if name not in places]
            return (*place, *rest)

        return Record(self.plan, tuple(sorted(every.values(), key=order)))

    @property
    def content_hash(self) -> str:
        """Hash of all results, without times."""
        told = hashlib.sha256(json.dumps(self.plan).encode())
        for point in self.points:
            told.update(point.digest())
        return told.hexdigest()


def write_record(file: h5py.File, record: Record) -> None:
    """Write a sweep, column by column."""
    root = file.create_group("sweep")
    root.attrs["plan"] = json.dumps(record.plan)
    points = record.points
    axes = root.create_group("axes", track_order=True)
    for name in record.plan["axes"]:
        _put_axis(axes, name, [point.values[name] for point in points])
    root.create_dataset("facts", data=[json.dumps(p.facts) for p in points], dtype=TEXT)
    _put_rows(root.create_group("trials"), [p.done for p in points])
    measures = root.create_group("measures", track_order=True)
    for name in record.measures:
        held = [(k, p.columns[name]) for k, p in enumerate(points) if name in p.columns]
        if held:
            group = measures.create_group(name)
            put(group, "point", np.repeat([k for k, _ in held], [len(c.trials) for _, c in held]))
            for part in Column._fields:
                put(group, part, np.concatenate([getattr(column, part) for _, column in held]))
    failures = root.create_group("failures")
    every = [(k, failure) for k, p in enumerate(points) for failure in p.failures]
    put(failures, "point", np.array([k for k, _ in every], np.int64))
    put(failures, "trial", np.array([failure.trial for _, failure in every], np.int64))
    for part in ("error", "traceback"):
        texts = [getattr(failure, part) for _, failure in every]
        failures.create_dataset(part, data=texts, dtype=TEXT)
    times = root.create_group("times")
    put(times, "wall", np.array([p.times.wall for p in points], np.float64), "s")
    put(times, "cpu", np.array([p.times.cpu for p in points], np.float64), "s")
    put(times, "processes", np.array([p.times.processes for p in points], np.int64))


def _put_axis(group: h5py.Group, name: str, values: list[Any]) -> None:
    """Numbers as numbers, everything else as JSON."""
    types = {type(value) for value in values}
    if types <= {int} and all(abs(v) < 2**62 for v in values):
        put(group, name, np.array(values, np.int64))
    elif types <= {float}:
        put(group, name, np.array(values, np.float64))
    else:
        group.create_dataset(name, data=[json.dumps(value) for value in values], dtype=TEXT)


def _put_rows(group: h5py.Group, rows: Sequence[NDArray[np.int64]]) -> None:
    put(group, "point", np.repeat(np.arange(len(rows)), [len(row) for row in rows]))
    put(group, "trial", np.concatenate([*rows, np.empty(0, np.int64)]))


def read_points(file: h5py.File) -> Record:
    """Read what :func:`write_record` wrote.

    Raises
    ------
    StorageError
        What stands there is not a sweep; the message is the reason alone.
    """
    root = file["sweep"]
    plan = checked_plan(json.loads(root.attrs["plan"]))
    n, trials = len(root["facts"]), plan["trials"]
    facts = [_mapping(json.loads(text)) for text in _texts(root, "facts", n)]
    axes = {name: _axis(root["axes"], name, n) for name in plan["axes"]}
    done = _rows(root["trials"], n, trials)
    columns: list[dict[str, Column]] = [{} for _ in range(n)]
    for name, group in root["measures"].items():
        kind = plan["measures"].get(name, ["mean"])[0]
        for point, column in _columns(group, WIDTHS[kind], kind in CURVES, n, trials):
            columns[point][Name().check(name, "measure")] = column
    failures = _failures(root["failures"], n, trials)
    wall, cpu = (read_array(root["times"], part, "float", (n,), low=0) for part in ("wall", "cpu"))
    processes = read_array(root["times"], "processes", "int", (n,), low=1)
    points = tuple(
        Point(
            {name: values[k] for name, values in axes.items()},
            done[k], columns[k], failures[k], facts[k],
            Times(float(wall[k]), float(cpu[k]), int(processes[k])),
        )
        for k in range(n)
    )  # fmt: skip
    check_points(plan, points)
    return Record(plan, points)


def check_points(plan: Mapping[str, Any], points: Iterable[Point]) -> None:
    """Raise an error for points that no sweep of this plan can have.

    Raises
    ------
    StorageError
        The message is the reason alone.
    """
    names, trials = set(plan["axes"]), plan["trials"]
    known = {
        name: {json.dumps(entry) for entry in axis} if isinstance(axis, list) else None
        for name, axis in plan["axes"].items()
    }
    for point in points:
        failed = [failure.trial for failure in point.failures]
        if sorted([*point.done.tolist(), *failed]) != list(range(trials)):
            raise StorageError("the trials of a point are not those of the sweep")
        if set(point.values) != names:
            raise StorageError("the axes of a point are not those of the sweep")
        for name, value in point.values.items():
            if not _is_on(value, known[name]):
                raise StorageError(f"a point has a value of {name} that is not in the sweep")
        for column in point.columns.values():
            if not set(column.trials.tolist()) <= set(point.done.tolist()):
                raise StorageError("a trial that failed has measures")


def _is_on(value: Any, known: set[str] | None) -> bool:
    """Whether an axis has a value: one of those that are known, or a number if it is bisected."""
    if known is not None:
        return json.dumps(value) in known
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and math.isfinite(value)


def checked_plan(plan: Any) -> dict[str, Any]:
    """The plan of a file, if it is one.

    Raises
    ------
    StorageError
        The message is the reason alone.
    """
    wanted = {"subject": str, "experiment": str, "settings": dict, "axes": dict, "trials": int,
              "seed": int, "main": str, "measures": dict, "unit": str, "version": str}  # fmt: skip
    if not isinstance(plan, dict) or set(plan) != set(wanted):
        raise StorageError("its plan is not that of a sweep")
    for name, kind in wanted.items():
        if not isinstance(plan[name], kind) or isinstance(plan[name], bool):
            raise StorageError(f"its plan has no {name}")
    if not 1 <= plan["trials"] <= 2**31 or plan["seed"] < 0:
        raise StorageError("its plan has no trials or no seed")
    for axis in plan["axes"].values():
        if not isinstance(axis, list) and not _is_search(axis):
            raise StorageError("its plan has no axes")
    for entry in plan["measures"].values():
        texts = (
            isinstance(entry, list) and len(entry) == 3 and all(isinstance(x, str) for x in entry)
        )
        if not texts or entry[0] not in WIDTHS:
            raise StorageError("its plan has no measures")
    return plan


def _is_search(axis: Any) -> bool:
    if (
        not isinstance(axis, dict)
        or set(axis) != {"bisect"}
        or not isinstance(axis["bisect"], dict)
    ):
        return False
    Bisect(**axis["bisect"])
    return True


def _mapping(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise StorageError("the facts of a point must be a mapping")
    return value


def _texts(group: h5py.Group, name: str, n: int) -> list[str]:
    data = group[name]
    if data.shape != (n,) or h5py.check_string_dtype(data.dtype) is None:
        raise StorageError(f"{name} must be {n} texts")
    return [str(text) for text in data.asstr()[()]]


def _axis(group: h5py.Group, name: str, n: int) -> list[Any]:
    data = group[name]
    if data.dtype.kind in "if":
        kind = "int" if data.dtype.kind == "i" else "float"
        return list(read_array(group, name, kind, (n,)).tolist())
    return [json.loads(text) for text in _texts(group, name, n)]


def _rows(group: h5py.Group, n: int, trials: int) -> list[NDArray[np.int64]]:
    point = read_array(group, "point", "int", (None,), low=0, high=n - 1)
    number = read_array(group, "trial", "int", point.shape, low=0, high=trials - 1)
    return [array.astype(np.int64) for array in _split(point, n, number)]


def _split(point: NDArray[Any], n: int, *arrays: NDArray[Any]) -> list[Any]:
    """Cut an array into the parts of the points, which stand in order."""
    if np.any(np.diff(point) < 0):
        raise StorageError("its points are not in order")
    cuts = np.searchsorted(point, np.arange(1, n))
    return np.split(arrays[0], cuts) if n else []


def _columns(
    group: h5py.Group, width: int, curve: bool, n: int, trials: int
) -> Iterable[tuple[int, Column]]:
    """The measure of each point that has it."""
    point = read_array(group, "point", "int", (None,), low=0, high=n - 1)
    size = point.shape
    number = read_array(group, "trials", "int", size, low=0, high=trials - 1).astype(np.int64)
    least, most = (0, 2**31) if curve else (1, 1)
    lengths = read_array(group, "lengths", "int", size, low=least, high=most).astype(np.int64)
    values = group["values"]
    if values.dtype.kind != "f" or values.shape != (int(lengths.sum()), width):
        raise StorageError(f"the values of {group.name} do not fit their lengths")
    rows: NDArray[np.float64] = values[()].astype(np.float64)
    ends = np.concatenate([[0], np.cumsum(lengths)])
    starts = np.flatnonzero(np.diff(point, prepend=-1))
    if np.any(np.diff(point) < 0):
        raise StorageError("its points are not in order")
    for first, last in zip(starts, [*starts[1:], len(point)], strict=True):
        held = number[first:last]
        if np.any(np.diff(held) <= 0):
            raise StorageError("its trials are not in order")
        yield int(point[first]), Column(held, lengths[first:last], rows[ends[first] : ends[last]])


def _failures(group: h5py.Group, n: int, trials: int) -> list[tuple[Failure, ...]]:
    point = read_array(group, "point", "int", (None,), low=0, high=max(n - 1, 0))
    number = read_array(group, "trial", "int", point.shape, low=0, high=trials - 1)
    texts = [_texts(group, part, len(point)) for part in ("error", "traceback")]
    found: list[list[Failure]] = [[] for _ in range(n)]
    for k, trial, error, traceback in zip(point.tolist(), number.tolist(), *texts, strict=True):
        found[k].append(Failure(trial, error, traceback))
    return [tuple(failures) for failures in found]
