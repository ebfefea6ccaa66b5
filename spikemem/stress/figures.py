"""Pictures of sweeps: curves with intervals and laws, maps of two axes, forgetting, capacities."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from ..errors import DescriptionError, SpikememError, unknown_name
from ..plotting.axes import COLORS, GREY, LINE, MAP, SMALL, THIN, legend, new_axes, title
from ..plotting.kinds import Axes
from .experiments.base import Measure
from .forgetting import LAWS
from .records import CURVES, Point, key_of
from .table import model_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from .crossing import Capacity

__all__ = [
    "KINDS", "Line", "abscissa_of", "is_numeric", "is_varied", "laws_of", "lines_of", "plot",
    "write_picture",
]  # fmt: skip

Kind = Literal["curve", "map", "within", "capacity"]
KINDS: tuple[Kind, ...] = ("curve", "map", "within", "capacity")
"""Kinds of pictures: a measure against one axis, on two axes, against its own abscissa, or the
value of an axis at which it crosses a criterion."""

_MOST_LINES = 12
_BAND = 0.18
_CONFIDENCE = 0.95


def plot(
    results: Any,
    path: Path | None = None,
    measure: str | None = None,
    kind: str | None = None,
    ax: Any = None,
) -> Axes:
    """Draw a measure of a sweep; see :meth:`.Results.plot`."""
    name = _measure(results, measure)
    chosen = _kind(results, name) if kind is None else kind
    if chosen not in KINDS:
        raise DescriptionError(f"plot: {unknown_name('kind', chosen, KINDS)}")
    if not results.points:
        raise DescriptionError("plot: the sweep has no finished point yet.")
    draw = {"curve": _curve, "map": _map, "within": _within, "capacity": _capacity}[chosen]
    target: Axes = new_axes(6.4, 3.6) if ax is None else ax
    draw(results, name, target)
    plan = results.plan
    title(
        target,
        f"{plan['experiment']} of {model_of(plan['subject'])}, {plan['trials']} trials a point",
    )
    if path is not None:
        write_picture(target, path)
    return target


def write_picture(ax: Axes, path: Path) -> None:
    """Write the figure of some axes to a file."""
    from ..output import save_figure

    save_figure(cast("Figure", ax.figure), path)


def _measure(results: Any, name: str | None) -> str:
    found = results.main if name is None else name
    if found not in results.measures:
        raise DescriptionError(f"plot: {unknown_name('measure', found, results.measures)}")
    return found


def _kind(results: Any, name: str) -> str:
    """Choose the kind of picture that fits a sweep best."""
    if results.measures[name].kind in CURVES:
        return "within"
    if results.bisected is not None:
        return "capacity"
    grid = {n: values for n, values in results.axes.items() if len(values) > 1}
    if len(grid) == 2 and all(len(v) > 3 and is_numeric(v) for v in grid.values()):
        return "map"
    return "curve"


def is_numeric(values: Any) -> bool:
    """Whether all values are numbers."""
    return all(isinstance(v, int | float) and not isinstance(v, bool) for v in values)


class Line(NamedTuple):
    """Points that differ only in the abscissa."""

    label: str
    points: list[Point]


def lines_of(results: Any, x: str | None) -> list[Line]:
    """Group the points into lines: the points of a line differ only on the axis `x`."""
    groups: dict[str, Line] = {}
    varied = [n for n, values in results.axes.items() if n != x and is_varied(values)]
    for point in results.points:
        rest = {name: point.values[name] for name in varied}
        label = ", ".join(f"{name} = {_text(value)}" for name, value in rest.items())
        groups.setdefault(key_of(rest), Line(label, [])).points.append(point)
    if len(groups) > _MOST_LINES:
        raise DescriptionError(
            f"plot: {len(groups)} lines are too many to tell apart (at most {_MOST_LINES}); vary "
            f"fewer axes, or draw kind='map'."
        )
    return list(groups.values())


def is_varied(values: Any) -> bool:
    """Whether an axis has more than one value."""
    return not isinstance(values, list) or len(values) > 1


def _text(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _values(
    results: Any, points: list[Point], name: str
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    kind = results.measures[name].kind
    found = [results.pooled(point, name, kind, _CONFIDENCE) for point in points]
    value, low, high = (np.array(column, float) for column in zip(*found, strict=True))
    return value, low, high


def _curve(results: Any, name: str, ax: Any) -> None:
    """A measure against the first axis, one line for each combination of the others."""
    x = next((n for n, v in results.axes.items() if is_varied(v)), None)
    if x is None:
        x = next(iter(results.axes), "")
    lines = lines_of(results, x)
    words = x != "" and not is_numeric([p.values[x] for p in results.points])
    for k, line in enumerate(lines):
        points = line.points if words else sorted(line.points, key=lambda p: p.values.get(x, 0))
        abscissas = [_text(p.values[x]) if words else p.values.get(x, 0) for p in points]
        y, low, high = _values(results, points, name)
        color = COLORS[k % len(COLORS)]
        if words:
            ax.errorbar(
                abscissas, y, [np.maximum(y - low, 0), np.maximum(high - y, 0)],
                fmt="o", color=color, label=line.label, capsize=3,
            )  # fmt: skip
        else:
            ax.fill_between(abscissas, low, high, color=color, alpha=_BAND, linewidth=0)
            ax.plot(abscissas, y, "o-", color=color, linewidth=LINE, markersize=4, label=line.label)
    _label(ax, x, results.measures[name])
    _scale(ax, [p.values[x] for p in results.points] if not words and x else [])
    _laws(results, name, x, lines, ax)
    _finish(ax, results, name, len([line for line in lines if line.label]))


def _laws(results: Any, name: str, x: str, lines: list[Line], ax: Any) -> None:
    """Draw published laws: vertical lines for a load, horizontal lines for the measure.

    A law whose value differs between the lines of data has the colour of its line.
    """
    found = [laws_of(results, name, x, line.points[0]) for line in lines]
    common = {law: v for law, v in found[0].items() if all(o.get(law) == v for o in found)}
    _draw_laws(common, x, GREY, ax)
    for k, laws in enumerate(found):
        own = {law: value for law, value in laws.items() if law not in common}
        _draw_laws(own, x, COLORS[k % len(COLORS)], ax, named=not k)


def _draw_laws(laws: Mapping[str, float], x: str, color: str, ax: Any, named: bool = True) -> None:
    for law, value in laws.items():
        what, _, label = law.partition(": ")
        if what == "load" and x in ("load", "n_items"):
            ax.axvline(value, color=color, linewidth=THIN, linestyle="--")
            at, turned = (value, 0.03), 90
            where = ax.get_xaxis_transform()
        elif what == "value":
            ax.axhline(value, color=color, linewidth=THIN, linestyle="--")
            at, turned = (0.02, value), 0
            where = ax.get_yaxis_transform()
        else:
            continue
        if not named:
            continue
        ax.annotate(
            label, at, xycoords=where, textcoords="offset points", xytext=(2, 2), color="0.35",
            fontsize=SMALL, rotation=turned, va="bottom", ha="left",
            bbox={"facecolor": "white", "alpha": 0.8, "edgecolor": "none", "pad": 0.5},
        )  # fmt: skip


def laws_of(results: Any, name: str, x: str, point: Point) -> Mapping[str, float]:
    """Return the published laws of a measure at a point; loads are in the unit of axis `x`."""
    facts = point.facts
    laws: Mapping[str, float] = facts.get("theory", {})
    if name != results.main:  # A point stores only the laws of the main measure.
        try:
            laws = results.subject(point).theory(name)
        except SpikememError:
            laws = {}
    factor = facts.get("scale", 1.0) if x == "n_items" else 1.0
    return {
        law: value * factor if law.startswith("load: ") else value for law, value in laws.items()
    }


def _map(results: Any, name: str, ax: Any) -> None:
    """Draw a measure on two axes."""
    grid = [n for n, values in results.axes.items() if is_varied(values)]
    if results.bisected is not None or len(grid) != 2 or results.measures[name].kind in CURVES:
        raise DescriptionError(
            f"plot: a map needs two varied axes and a measure that is a number, got "
            f"{len(grid)} axes."
        )
    x, y = grid
    shape = len(results.axes[x]), len(results.axes[y])
    order = list(results.axes)
    table = results.array(name)
    table = np.moveaxis(table, (order.index(x), order.index(y)), (0, 1)).reshape(shape)
    share = results.measures[name].kind == "proportion"
    picture = ax.imshow(
        table.T, origin="lower", aspect="auto", cmap=MAP, interpolation="nearest",
        vmin=0 if share else None, vmax=1 if share else None,
    )  # fmt: skip
    for axis, axis_name in ((ax.xaxis, x), (ax.yaxis, y)):
        values = results.axes[axis_name]
        step = -(-len(values) // 10)
        ticks = range(0, len(values), step)
        axis.set_ticks(list(ticks), [_text(values[k]) for k in ticks])
    ax.set_xlabel(x.replace("_", " "))
    ax.set_ylabel(y.replace("_", " "))
    ax.figure.colorbar(picture, ax=ax, label=results.measures[name].label)


def _within(results: Any, name: str, ax: Any) -> None:
    """Draw a curve within trials, such as recall against lag, with one line for each point."""
    measure = results.measures[name]
    if measure.kind not in CURVES:
        raise DescriptionError(f"plot: {name} is not a curve; draw it with kind='curve'.")
    lines = lines_of(results, None)
    for k, line in enumerate(lines):
        point, color = line.points[-1], COLORS[k % len(COLORS)]
        y = results.pooled(point, name, measure.kind, _CONFIDENCE)
        x = abscissa_of(results, point, measure, len(y.value))
        ax.fill_between(x, y.low, y.high, color=color, alpha=_BAND, linewidth=0)
        ax.plot(x, y.value, "o-", color=color, linewidth=LINE, markersize=3, label=line.label)
        if len(lines) == 1:
            _fits(point, x, results.plan["settings"].get("chance", 0.0), ax)
    label = results.measures[measure.against].label if measure.against else "position"
    ax.set_xlabel(label)
    ax.set_ylabel(measure.label)
    _finish(ax, results, name, len([line for line in lines if line.label]))


def _fits(point: Point, x: NDArray[Any], chance: float, ax: Any) -> None:
    """Draw the fitted laws of forgetting, with their Akaike weights."""
    numbers = point.facts.get("summary", {})
    fitted = [law for law in LAWS if f"{law}_a" in numbers]
    lags = np.linspace(min(x, default=0), max(x, default=1), 200)
    for style, law in zip(("--", ":", "-."), fitted, strict=False):
        a, b, weight = (numbers[f"{law}_{name}"] for name in ("a", "b", "weight"))
        share = chance + (1 - chance) * a * LAWS[law].value(lags, b)
        label = f"{law} law, weight {weight:.2f}"
        ax.plot(lags, share, style, color="0.35", linewidth=LINE, label=label)
    if fitted:
        legend(ax, len(fitted) + 1)


def abscissa_of(results: Any, point: Point, measure: Measure, n: int) -> NDArray[Any]:
    """Return the `n` abscissas of a curve within trials."""
    if not measure.against:
        return np.arange(n)
    kind = results.measures[measure.against].kind
    return np.asarray(results.pooled(point, measure.against, kind, _CONFIDENCE).value)[:n]


def _capacity(results: Any, name: str, ax: Any) -> None:
    """Draw the value at which a bisection crosses its criterion, against the first other axis."""
    axis = results.bisected
    if axis is None:
        raise DescriptionError("plot: kind='capacity' needs a bisected axis.")
    others = [n for n, values in results.axes.items() if n != axis and is_varied(values)]
    if not others:
        _curve(results, name, ax)
        _crossing(results, ax)
        return
    x = others[0]
    groups: dict[str, list[Capacity]] = {}
    for found in results.capacities():
        rest = {n: found.values[n] for n in others[1:]}
        groups.setdefault(", ".join(f"{n} = {_text(v)}" for n, v in rest.items()), []).append(found)
    for k, (label, group) in enumerate(groups.items()):
        known = [c for c in group if np.isfinite(c.value)]
        value = np.array([c.value for c in known])
        reach = [value - [c.low for c in known], [c.high for c in known] - value]
        abscissas = [c.values[x] for c in known]
        if not is_numeric(abscissas):
            abscissas = [_text(v) for v in abscissas]
        ax.errorbar(
            abscissas, value, np.maximum(np.nan_to_num(reach), 0), fmt="o-", capsize=3,
            color=COLORS[k % len(COLORS)], linewidth=LINE, label=label or None,
        )  # fmt: skip
    ax.set_xlabel(x.replace("_", " "))
    search = results.axes[axis]
    ax.set_ylabel(
        f"{axis.replace('_', ' ')} at {results.main.replace('_', ' ')} {search.criterion:g}"
    )
    _scale(ax, [v for v in results.axes[x] if is_numeric([v])])
    ax.set_ylim(bottom=0)
    legend(ax, len([label for label in groups if label]))


def _crossing(results: Any, ax: Any) -> None:
    found = results.capacities()[0]
    search = results.axes[found.axis]
    ax.axhline(search.criterion, color=GREY, linewidth=THIN)
    if np.isfinite(found.value):
        ax.axvspan(found.low, found.high, color=GREY, alpha=_BAND, linewidth=0)
        ax.axvline(found.value, color=GREY, linewidth=THIN)


def _label(ax: Any, x: str, measure: Measure) -> None:
    ax.set_xlabel(x.replace("_", " "))
    ax.set_ylabel(measure.label)


def _scale(ax: Any, values: list[Any]) -> None:
    """Make the abscissa logarithmic if the values span more than two decades."""
    positive = [value for value in values if value > 0]
    if len(positive) == len(values) > 2 and max(positive) > 100 * min(positive):
        ax.set_xscale("log")


def _finish(ax: Any, results: Any, name: str, n_labels: int) -> None:
    if results.measures[name].kind in ("proportion", "proportions"):
        ax.set_ylim(-0.03, 1.03)
    if n_labels == 1:
        ax.legend(loc="best", frameon=False, fontsize=SMALL)
    legend(ax, n_labels)
