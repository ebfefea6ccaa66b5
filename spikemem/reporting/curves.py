"""Lines, points, intervals and distributions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..panels import Curves, Histogram, Series
from .figures import (
    Drawn,
    color,
    hover,
    label_axis,
    mark_places,
    models,
    new_figure,
    safe,
    tagged,
    whole_ticks,
)
from .thinning import LARGEST, MOST_MARKS, MOST_POINTS, drawable, envelope, some

__all__ = ["draw_curves", "draw_histogram"]

_HEIGHT, _MOST_SERIES, _TOGETHER = 300, 40, 8
_GRAIN = 10_000_000
"""Values that a histogram counts at most."""


def draw_curves(panel: Curves) -> Drawn:
    """Draw lines and points with their intervals."""
    shown = panel.series[:_MOST_SERIES]
    if panel.rows and len(shown) > 1:
        return _draw_rows(panel, shown)
    span: dict[str, Any] = {} if panel.y_range is None else {"y_range": panel.y_range}
    drawn = Drawn(
        new_figure(
            _HEIGHT + 40 * bool(panel.marks), x=panel.x, y=panel.y,
            x_axis_type="log" if panel.log_x else "linear",
            y_axis_type="log" if panel.log_y else "linear", match_aspect=panel.equal,
            **span,
        )
    )  # fmt: skip
    if len(panel.series) > len(shown):
        drawn.notes.append(f"Only the first {len(shown)} of {len(panel.series)} are drawn.")
    if not panel.log_x and all(np.array_equal(one.x, np.rint(one.x)) for one in shown):
        whole_ticks(drawn.figure.xaxis[0])
    glyphs = [_draw_series(drawn, panel, k, one) for k, one in enumerate(shown)]
    lines = all(one.style != "points" for one in shown)
    rows = [("", "$name"), (panel.x or "x", "@{x}{%.5g}"), (panel.y or "y", "@{y}{%.5g}")]
    if any(one.low is not None for one in shown):
        rows.append(("interval", "@{low}{%.4g} to @{high}{%.4g}"))
    together = lines and len(shown) <= _TOGETHER
    hover(drawn.figure, rows, glyphs, "vline" if together else "mouse",
          **({"line_policy": "nearest"} if lines else {}))  # fmt: skip
    mark_places(drawn.figure, panel.marks)
    return drawn


def _draw_rows(panel: Curves, shown: Sequence[Series]) -> Drawn:
    """Draw each series in a row of its own, the first one at the top."""
    values = np.concatenate([drawable(one.y) for one in shown])
    low, high = (float(values.min()), float(values.max())) if values.size else (0.0, 1.0)
    step = 1.15 * max(high - low, 1e-9 * abs(high), 1e-12)
    bases = [step * (len(shown) - 1 - k) - low for k in range(len(shown))]
    figure = new_figure(
        min(52 * len(shown), 560) + 90 + 40 * bool(panel.marks), x=panel.x,
        y_range=(-0.08 * step, step * len(shown)),
    )  # fmt: skip
    drawn = Drawn(figure)
    glyphs = []
    for k, one in enumerate(shown):
        keep = _kept(panel, one, drawn)
        data = {"x": one.x[keep], "value": one.y[keep], "y": one.y[keep] + bases[k]}
        glyphs.append(figure.line("x", "y", source=_source(data), color=color(k), line_width=1.5,
                                  name=safe(one.name)))  # fmt: skip
    middle = (low + high) / 2
    names = {base + middle: one.name for base, one in zip(bases, shown, strict=True)}
    label_axis(figure.yaxis[0], names)
    figure.ygrid.visible = False
    rows = [("", "$name"), (panel.x or "x", "@{x}{%.6g}"), (panel.y or "y", "@{value}{%.5g}")]
    hover(figure, rows, glyphs, "vline", line_policy="nearest")
    drawn.notes.append(f"Each row spans {low:.5g} to {high:.5g} on one scale, {panel.y}.")
    mark_places(figure, panel.marks)
    return drawn


def _draw_series(drawn: Drawn, panel: Curves, k: int, series: Series) -> Any:
    """Draw one series, and note its colour; returns its glyph."""
    keep = _kept(panel, series, drawn)
    data = {"x": series.x[keep], "y": series.y[keep]}
    for name, values in (("low", series.low), ("high", series.high)):
        data[name] = data["y"] if values is None else values[keep]
    look: dict[str, Any] = {"color": color(k), "name": safe(series.name)}
    drawn.legend.append((color(k), series.name, series.dashed))
    figure = drawn.figure
    if series.low is not None:
        _draw_interval(figure, k, data, look, series.style == "points")
    source = _source(data)
    if series.style == "points":
        few = len(data["x"]) <= 2000
        size, alpha = (7, 0.9) if few else (3, 0.4)
        return tagged(figure.scatter("x", "y", source=source, size=size, alpha=alpha, **look), k)
    line = {"line_width": 2, "line_dash": "dashed" if series.dashed else "solid", **look}
    if series.style == "steps":
        return tagged(figure.step("x", "y", source=source, mode="after", **line), k)
    if len(data["x"]) <= 60 and not series.dashed:
        tagged(figure.scatter("x", "y", source=source, size=6, **look), k)
    return tagged(figure.line("x", "y", source=source, **line), k)


def _source(data: dict[str, Any]) -> Any:
    return models().ColumnDataSource(data)


def _draw_interval(
    figure: Any, k: int, data: dict[str, Any], look: dict[str, Any], bars: bool
) -> None:
    """A bar for each point, or a band along the line."""
    fine = np.isfinite(data["low"]) & np.isfinite(data["high"])
    part = _source({name: values[fine] for name, values in data.items()})
    if bars:
        tagged(figure.segment("x", "low", "x", "high", source=part, line_width=1.5, **look), k)
    else:
        tagged(figure.varea("x", "low", "high", source=part, fill_alpha=0.18,
                            fill_color=color(k)), k)  # fmt: skip


def _kept(panel: Curves, series: Series, drawn: Drawn) -> NDArray[np.intp]:
    """Indices of the points to draw; what is left out is noted."""
    fits = ~(np.abs(series.x) > LARGEST) & ~(np.abs(series.y) > LARGEST)
    fits &= series.x > 0 if panel.log_x else True
    fits &= series.y > 0 if panel.log_y else True
    every = np.flatnonzero(fits)
    if series.style == "points":
        kept = every[some(len(every))]
        kind = f"a regular part of {MOST_MARKS:,} points"
    elif len(every) > MOST_POINTS:
        kept = every[envelope(series.x[every], series.y[every])]
        kind = "the lowest and highest value of each short piece"
    else:
        return every
    note = f"Of {len(every):,} points the picture shows {kind}."
    if len(kept) < len(every) and note not in drawn.notes:
        drawn.notes.append(note)
    return np.asarray(kept, dtype=np.intp)


def draw_histogram(panel: Histogram) -> Drawn:
    """Draw which share of the values lies in each range, one outline for each name."""
    figure = new_figure(
        _HEIGHT - 40 + 40 * bool(panel.marks), x=panel.x, y="share of the values",
    )  # fmt: skip
    drawn = Drawn(figure)
    samples = {name: drawable(values) for name, values in panel.values.items()}
    ends = [end for one in samples.values() if one.size for end in (one.min(), one.max())]
    low, high = (min(ends), max(ends)) if ends else (0.0, 1.0)
    if not high - low > 1e-9 * max(abs(low), abs(high)):
        half = max(abs(low), 1.0) * 0.05
        low, high = low - half, high + half
    edges = np.linspace(low, high, panel.bins + 1)
    glyphs = []
    for k, (name, values) in enumerate(samples.items()):
        part = values[some(len(values), _GRAIN)]
        counts = np.histogram(part, edges)[0]
        data = {"left": edges[:-1], "right": edges[1:], "top": counts / max(counts.sum(), 1),
                "n": counts}  # fmt: skip
        bars = figure.quad(
            left="left", right="right", bottom=0, top="top", source=_source(data),
            fill_color=color(k), fill_alpha=0.35, line_color=color(k), name=safe(name),
        )  # fmt: skip
        glyphs.append(tagged(bars, k))
        drawn.legend.append((color(k), f"{name} ({len(values):,})", False))
    figure.y_range.start = 0
    hover(figure, [("", "$name"), (panel.x or "x", "@{left}{%.4g} to @{right}{%.4g}"),
                   ("share", "@{top}{%.3g}"), ("count", "@{n}")], glyphs)  # fmt: skip
    mark_places(figure, panel.marks)
    return drawn
