"""Panels of a sweep in a report: progress, measures against axes, failures."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..errors import DescriptionError
from ..panels import Curves, Done, Heat, Panel, Rows, Series
from .figures import Line, abscissa_of, is_numeric, is_varied, laws_of, lines_of
from .records import CURVES
from .table import model_of

__all__ = ["sweep_panels"]

_CONFIDENCE = 0.95
_MOST_MEASURES = 6
_BAND = "The band is the 95 % interval."


def sweep_panels(results: Any) -> Iterator[Panel]:
    """Yield the panels of a :class:`.Results`, finished or not."""
    failed = sum(len(point.failures) for point in results.points)
    total = results.n_points if results.n_points is not None else len(results.points)
    yield Done(
        "Points", "Number of finished points of the sweep, and of trials that failed.",
        done=len(results.points), total=total, failed=failed,
    )  # fmt: skip
    if not results.points:
        return
    yield from _capacities(results)
    for name in _measures(results):
        if results.measures[name].kind in CURVES:
            yield _within(results, name)
        else:
            yield from _against(results, name)
    if failed:
        yield _failures(results)


def _measures(results: Any) -> list[str]:
    """The main measure, then others that the sweep has measured."""
    abscissas = {measure.against for measure in results.measures.values()}
    names = [results.main, *(n for n in results.measures if n != results.main)]
    there = [n for n in names if n not in abscissas and n in results.points[0].columns]
    return there[:_MOST_MEASURES]


def _against(results: Any, name: str) -> Iterator[Panel]:
    """Yield a measure against the first axis, and a map of two axes."""
    measure = results.measures[name]
    x = next((n for n, values in results.axes.items() if is_varied(values)), None)
    if x is None or not is_numeric([point.values[x] for point in results.points]):
        yield _table(results, name)
        return
    try:
        lines = lines_of(results, x)
    except DescriptionError:  # There are too many lines to tell apart.
        lines = []
    if lines:
        found = [_series(results, line, x, name) for line in lines]
        laws = _laws(results, name, x, lines)
        share = (0.0, 1.02) if measure.kind == "proportion" else None
        yield Curves(
            measure.label.capitalize(), f"The measure against {_words(x)}. {_BAND}",
            [*found, *laws], x=_words(x), y=measure.label, y_range=share,
        )  # fmt: skip
    grid = [n for n, values in results.axes.items() if is_varied(values)]
    if len(grid) == 2 and results.bisected is None and min(map(len, results.axes.values())) > 2:
        yield _map(results, name, grid)


def _series(results: Any, line: Line, x: str, name: str) -> Series:
    points = sorted(line.points, key=lambda point: point.values[x])
    kind = results.measures[name].kind
    found = [results.pooled(point, name, kind, _CONFIDENCE) for point in points]
    value, low, high = (np.array(column, float) for column in zip(*found, strict=True))
    abscissa = np.array([point.values[x] for point in points], float)
    known = np.isfinite(value)
    low, high = np.where(np.isfinite(low), low, value), np.where(np.isfinite(high), high, value)
    label = line.label or name
    return Series(label, abscissa[known], value[known], low=low[known], high=high[known])


def _laws(results: Any, name: str, x: str, lines: list[Line]) -> list[Series]:
    """Published laws as dashed lines; of the first combination of the other axes."""
    values = [float(point.values[x]) for point in results.points]
    laws = laws_of(results, name, x, lines[0].points[0])
    found = []
    for law, value in laws.items():
        what, _, label = law.partition(": ")
        share = results.measures[name].kind == "proportion"
        if what == "load" and share and x in ("load", "n_items"):
            found.append(Series(label, np.full(2, value), np.array([0.0, 1.0]), dashed=True))
        elif what == "value":
            ends = np.array([min(values), max(values)])
            found.append(Series(label, ends, np.full(2, value), dashed=True))
    return found


def _map(results: Any, name: str, grid: list[str]) -> Heat:
    x, y = grid
    order = list(results.axes)
    shape = len(results.axes[y]), len(results.axes[x])
    table = np.moveaxis(results.array(name), (order.index(y), order.index(x)), (0, 1))
    return Heat(
        f"{results.measures[name].label.capitalize()} on two axes",
        "Each field is one point of the sweep.",
        table.reshape(shape), x=_words(x), y=_words(y), value=results.measures[name].label,
        rows=[str(v) for v in results.axes[y]], columns=[str(v) for v in results.axes[x]],
    )  # fmt: skip


def _within(results: Any, name: str) -> Curves:
    """A curve that each trial measures, such as recall against lag."""
    measure = results.measures[name]
    series = []
    for line in lines_of(results, None):
        point = line.points[-1]
        found = results.pooled(point, name, measure.kind, _CONFIDENCE)
        abscissa = abscissa_of(results, point, measure, len(found.value))
        known = np.isfinite(found.value)
        series.append(
            Series(
                line.label or name,
                abscissa[known],
                np.asarray(found.value)[known],
                low=np.asarray(found.low)[known],
                high=np.asarray(found.high)[known],
            )
        )
    label = results.measures[measure.against].label if measure.against else "position"
    share = (0.0, 1.02) if measure.kind == "proportions" else None
    return Curves(
        measure.label.capitalize(), f"The measure within a trial. {_BAND}", series,
        x=label, y=measure.label, y_range=share,
    )  # fmt: skip


def _table(results: Any, name: str) -> Rows:
    """Return a table of a measure at each point, for a first axis that is not numeric."""
    kind = results.measures[name].kind
    head = [*map(_words, results.axes), results.measures[name].label, "95 % interval"]
    rows: list[list[Any]] = [head]
    for point in results.points:
        found = results.pooled(point, name, kind, _CONFIDENCE)
        rows.append(
            [*map(str, point.values.values()), f"{found.value:.4g}",
             f"{found.low:.4g} to {found.high:.4g}"]
        )  # fmt: skip
    return Rows(results.measures[name].label.capitalize(), "The measure at each point.", rows)


def _capacities(results: Any) -> Iterator[Rows]:
    if results.bisected is None:
        return
    rows: list[list[Any]] = [["settings", _words(results.bisected), "95 % interval"]]
    for found in results.capacities():
        settings = ", ".join(f"{name} = {value}" for name, value in found.values.items()) or "all"
        value = found.note or f"{found.value:.4g}"
        rows.append([settings, value, "" if found.note else f"{found.low:.4g} to {found.high:.4g}"])
    yield Rows("Capacity", f"Value at which {_words(results.main)} crosses the criterion.", rows)


def _failures(results: Any) -> Rows:
    rows: list[list[Any]] = [["settings", "trial", "error"]]
    for point in results.points:
        settings = ", ".join(f"{name} = {value}" for name, value in point.values.items())
        rows += [[settings, str(failure.trial), failure.error] for failure in point.failures]
    of = model_of(results.plan["subject"])
    return Rows("Failed trials", f"Errors of {of}.", rows[:101])


def _words(name: str) -> str:
    return name.replace("_", " ")
