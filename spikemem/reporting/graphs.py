"""Graphs of boxes and arrows."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..panels import Arrow, Graph
from .figures import COLORS, GREY, PAPER, TEXT, Drawn, hover, models, new_figure, safe, short

__all__ = ["draw_graph"]

_WIDE, _HIGH = 0.56, 0.5
_PLAIN, _BLOCKING = COLORS[0], COLORS[1]


class Way(NamedTuple):
    """Course of an arrow, and the angle at which it arrives."""

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    angle: float


def draw_graph(panel: Graph) -> Drawn:
    """Draw boxes in columns, and arrows that leave to the right; others go above or below."""
    places = dict(_places(panel))
    rows = max((len(column) for column in panel.columns), default=1)
    arrows = [arrow for arrow in panel.arrows if {arrow.tail, arrow.head} <= set(places)]
    ways = _ways(places, arrows)
    low = min([-0.5, *(way.y.min() - 0.1 for way in ways)])
    high = max([rows - 0.5, *(way.y.max() + 0.1 for way in ways)])
    figure = new_figure(
        np.clip(78 * (high - low), 130, 700) + 30, drag="pan",
        tools="pan,wheel_zoom,box_zoom,reset,save",
        x_range=(-0.75, max(len(panel.columns), 1) - 0.25), y_range=(low, high),
    )  # fmt: skip
    figure.axis.visible = figure.grid.visible = False
    drawn = Drawn(figure)
    if arrows:
        _draw_arrows(figure, arrows, ways)
    _draw_boxes(figure, panel, places)
    if any(arrow.blocks for arrow in arrows):
        drawn.legend += [(_PLAIN, "excitatory", False), (_BLOCKING, "inhibitory", False)]
    return drawn


def _places(panel: Graph) -> Iterator[tuple[str, tuple[float, float]]]:
    rows = max((len(column) for column in panel.columns), default=1)
    for x, column in enumerate(panel.columns):
        first = (rows - len(column)) / 2
        for k, box in enumerate(column):
            yield box.name, (float(x), rows - 1 - first - k)


def _ways(places: dict[str, tuple[float, float]], arrows: list[Arrow]) -> list[Way]:
    """Courses of the arrows; those between the same boxes lie side by side."""
    found: dict[int, Way] = {}
    order = sorted(range(len(arrows)), key=lambda k: (arrows[k].tail, arrows[k].head))
    for _, group in groupby(order, key=lambda k: (arrows[k].tail, arrows[k].head)):
        same = list(group)
        for n, k in enumerate(same):
            shift = (n - (len(same) - 1) / 2) * min(0.12, 0.4 / len(same))
            found[k] = _way(places[arrows[k].tail], places[arrows[k].head], shift, n,
                            arrows[k].blocks)  # fmt: skip
    return [found[k] for k in range(len(arrows))]


def _way(
    tail: tuple[float, float], head: tuple[float, float], shift: float, n: int, blocks: bool
) -> Way:
    """Course of one arrow; the n-th backward one goes further out, an inhibitory one below."""
    (x0, y0), (x1, y1) = tail, head
    if x1 > x0:
        start = np.array([x0 + _WIDE / 2, y0 + shift])
        end = np.array([x1 - _WIDE / 2 - 0.035, y1 + shift])
        reach = np.array([0.5 * (end[0] - start[0]), 0.0])
        curve = _bezier(start, start + reach, end - reach, end)
        return Way(curve[:, 0], curve[:, 1], -np.pi / 2)
    if x0 == x1 and y0 != y1:  # downwards at the right of the column, upwards at its left
        side = 1.0 if y1 < y0 else -1.0
        start = np.array([x0 + side * _WIDE / 2, y0 + shift])
        end = np.array([x1 + side * (_WIDE / 2 + 0.035), y1 + shift])
        reach = np.array([side * (0.1 + 0.04 * abs(y0 - y1) + 0.03 * n), 0.0])
        curve = _bezier(start, start + reach, end + reach, end)
        return Way(curve[:, 0], curve[:, 1], side * np.pi / 2)
    up = -1.0 if blocks else 1.0
    start = np.array([x0 - 0.08 - 0.05 * n, y0 + up * _HIGH / 2])
    end = np.array([x1 + 0.08 + 0.05 * n, y1 + up * (_HIGH / 2 + 0.07)])
    lift = np.array([0.0, up * (0.3 + 0.14 * n + 0.12 * (x0 - x1))])
    curve = _bezier(start, start + lift, end + lift, end)
    return Way(curve[:, 0], curve[:, 1], np.pi if up > 0 else 0.0)


def _bezier(a: Any, b: Any, c: Any, d: Any) -> NDArray[np.float64]:
    t = np.linspace(0.0, 1.0, 33)[:, None]
    s = 1.0 - t
    curve: NDArray[np.float64] = a * s**3 + 3 * b * s**2 * t + 3 * c * s * t**2 + d * t**3
    return curve


def _draw_arrows(figure: Any, arrows: list[Arrow], ways: list[Way]) -> None:
    colors = [_BLOCKING if arrow.blocks else _PLAIN for arrow in arrows]
    source = models().ColumnDataSource(
        {"xs": [way.x for way in ways], "ys": [way.y for way in ways], "color": colors,
         "dash": [[6, 4] if arrow.dashed else [] for arrow in arrows],
         "name": [arrow.name for arrow in arrows],
         "ends": [f"{arrow.tail} to {arrow.head}" for arrow in arrows],
         "facts": [arrow.facts for arrow in arrows]}
    )  # fmt: skip
    lines = figure.multi_line("xs", "ys", source=source, line_color="color", line_dash="dash",
                              line_width=1.8, hover_line_width=3.5)  # fmt: skip
    heads = models().ColumnDataSource(
        {"x": [way.x[-1] for way in ways], "y": [way.y[-1] for way in ways], "color": colors,
         "angle": [way.angle for way in ways],
         "marker": ["dash" if arrow.blocks else "triangle" for arrow in arrows]}
    )  # fmt: skip
    figure.scatter("x", "y", source=heads, marker="marker", size=11, angle="angle",
                   line_color="color", fill_color="color", line_width=2)  # fmt: skip
    hover(figure, [("projection", "@{name}"), ("", "@{ends}"), ("", "@{facts}")], [lines],
          line_policy="interp")  # fmt: skip


def _draw_boxes(figure: Any, panel: Graph, places: dict[str, tuple[float, float]]) -> None:
    boxes = [box for column in panel.columns for box in column]
    source = models().ColumnDataSource(
        {"x": [places[box.name][0] for box in boxes], "y": [places[box.name][1] for box in boxes],
         "fill": ["#E5E7EB" if box.filled else PAPER for box in boxes],
         "name": [box.name for box in boxes], "text": [box.text for box in boxes],
         "label": [f"{safe(short(box.name, 14))}\n{safe(box.text)}" for box in boxes],
         "facts": [box.facts for box in boxes]}
    )  # fmt: skip
    drawn = figure.rect("x", "y", width=_WIDE, height=_HIGH, source=source, fill_color="fill",
                        line_color=GREY, line_width=1.2, hover_line_width=2.5,
                        border_radius=4)  # fmt: skip
    figure.text("x", "y", text="label", source=source, text_align="center",
                text_baseline="middle", text_font_size="12px", text_color=TEXT)  # fmt: skip
    hover(figure, [("population", "@{name}"), ("", "@{text}"), ("", "@{facts}")], [drawn])
