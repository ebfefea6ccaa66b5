"""Rasters of spikes."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..panels import Raster
from .figures import (
    GREY,
    Drawn,
    color,
    hover,
    label_axis,
    mark_places,
    models,
    new_figure,
    safe,
    tagged,
)
from .thinning import MOST_MARKS, some

__all__ = ["draw_raster"]

_MOST_BANDS, _LEAST, _TALLEST = 60, 20.0, 640.0


def draw_raster(panel: Raster) -> Drawn:
    """Draw a mark for each spike. If there are too many, draw every k-th spike."""
    bands = panel.bands[:_MOST_BANDS]
    total = sum(len(band.times) for band in bands)
    part = some(total)
    sizes = np.array([band.size for band in bands], dtype=np.float64)
    tall = float(np.clip(6.0 * sizes.sum(), 60.0, _TALLEST))
    pixels = np.maximum(sizes / max(sizes.sum(), 1.0) * tall, _LEAST)
    bases = np.concatenate([[0.0], np.cumsum(pixels)])
    height = bases[-1] + 90 + 40 * bool(panel.marks)
    stop = panel.stop if panel.stop > panel.start else panel.start + 1.0
    figure = new_figure(height, x="time (ms)", x_range=(panel.start, stop),
                        y_range=(0.0, max(bases[-1], 1.0)))  # fmt: skip
    drawn = Drawn(figure)
    glyphs = []
    for k, band in enumerate(bands):
        row = pixels[k] / band.size
        ids, times = band.ids[part], band.times[part]
        glyphs.append(_draw_band(figure, k, safe(band.name), bases[k] + row * (ids + 0.5),
                                 row, ids, times))  # fmt: skip
    _lay_out(figure, bases, [f"{band.name} ({band.size})" for band in bands])
    hover(figure, [("population", "$name"), ("cell", "@{cell}"), ("time", "@{x}{%.6g} ms")], glyphs)
    mark_places(figure, panel.marks)
    if len(bands) < len(panel.bands):
        drawn.notes.append(
            f"Only the first {len(bands)} of {len(panel.bands)} populations are drawn."
        )
    if part.step > 1:
        drawn.notes.append(
            f"The picture shows every {part.step}th spike of each population, at most "
            f"{MOST_MARKS:,} of {total:,}; the file holds all of them."
        )
    return drawn


def _draw_band(figure: Any, k: int, name: str, y: Any, row: float, ids: Any, times: Any) -> Any:
    """Spikes of one population: strokes where there is room for them, else dots."""
    middle = y.astype(np.float32)
    data = {"x": times, "y": middle, "cell": ids.astype(np.int32)}
    look: dict[str, Any] = {"color": color(k), "name": name}
    if row < 3.0:
        size = 4.0 if len(times) <= 1000 else 2.5
        source = models().ColumnDataSource(data)
        return tagged(figure.scatter("x", "y", source=source, size=size, line_width=0, **look), k)
    data["low"], data["high"] = middle - np.float32(0.42 * row), middle + np.float32(0.42 * row)
    source = models().ColumnDataSource(data)
    strokes = figure.segment("x", "low", "x", "high", source=source, line_width=1.6, **look)
    return tagged(strokes, k)


def _lay_out(figure: Any, bases: Any, names: list[str]) -> None:
    """Names at the middle of their bands, and lines between them."""
    middles = (bases[:-1] + bases[1:]) / 2
    label_axis(figure.yaxis[0], dict(zip(middles.tolist(), names, strict=True)))
    figure.yaxis[0].major_tick_line_color = None
    figure.ygrid.visible = False
    for base in bases[1:-1]:
        figure.add_layout(models().Span(location=float(base), dimension="width", line_color=GREY,
                               line_width=0.6, level="underlay"))  # fmt: skip
