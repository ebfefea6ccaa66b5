"""Matrices in colours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..panels import Heat
from .figures import (
    PAPER,
    TEXT,
    Drawn,
    hover,
    label_axis,
    models,
    new_figure,
    number,
    safe,
    whole_ticks,
)
from .thinning import LARGEST, MOST_FIELDS, blocks

__all__ = ["draw_heat"]

_FEW, _MOST_NAMES = 3000, 40
KINDS = ("#E5E7EB", "#0067A5", "#D55E00", "#E69F00", "#A3467F", "#00755A", "#333333")
"""Colours of a matrix of kinds; the first is what is not there."""


def draw_heat(panel: Heat) -> Drawn:
    """Draw a matrix; of a large one each field stands for a block of values."""
    values, (a, b) = blocks(np.where(np.abs(panel.values) <= LARGEST, panel.values, np.nan))
    n, m = values.shape
    written = panel.written and n * m <= 400
    height = np.clip(n * (30 if written else 16), 90, 460) + 110
    figure = new_figure(
        height, x=panel.x, y=panel.y, tools="box_zoom,pan,wheel_zoom,reset,save",
        x_range=(-0.5 * b, (m - 0.5) * b), y_range=((n - 0.5) * a, -0.5 * a),
    )  # fmt: skip
    figure.grid.visible = False
    drawn = Drawn(figure)
    if (a, b) != (1, 1):
        drawn.notes.append(
            f"The matrix has {panel.values.shape[0]:,} × {panel.values.shape[1]:,} values; each "
            f"field shows the largest of {a} × {b} of them (at most {MOST_FIELDS} fields a side)."
        )
    for axis, names, count in ((figure.xaxis[0], panel.columns, m), (figure.yaxis[0], panel.rows,
                                                                     n)):  # fmt: skip
        _name_axis(axis, names, count)
    if panel.names:
        drawn.legend += [(KINDS[k], name, False) for k, name in enumerate(panel.names)]
    small = n * m <= _FEW and (a, b) == (1, 1)
    (_draw_fields if small else _draw_image)(drawn, panel, values, (a, b))
    return drawn


def _name_axis(axis: Any, names: Sequence[str], count: int) -> None:
    if names and count <= _MOST_NAMES:
        label_axis(axis, dict(enumerate(map(str, names))))
        if sum(map(len, names)) > 60:
            axis.major_label_orientation = 0.7
    else:
        whole_ticks(axis)


def _mapper(panel: Heat, values: NDArray[np.float64]) -> Any:
    """Colours of the values: a scale, or one colour for each kind."""
    if panel.names:
        return models().LinearColorMapper(palette=list(KINDS[: len(panel.names)]), low=-0.5,
                                 high=len(panel.names) - 0.5, nan_color=PAPER)  # fmt: skip
    from bokeh.palettes import Viridis256

    fine = values[np.isfinite(values)]
    low, high = panel.limits or ((float(fine.min()), float(fine.max())) if fine.size else (0, 1))
    palette: Any = Viridis256
    if panel.limits is None and low < 0 < high:
        palette, high = _two_sided(), max(-low, high)
        low = -high
    if low == high:
        low, high = (low, low + 1.0) if low >= 0 else (low, 0.0)
    return models().LinearColorMapper(palette=palette, low=low, high=high, nan_color=PAPER)


def _two_sided() -> list[str]:
    """Colours of values on both sides of 0: blue below, grey at 0, brown above."""
    ends = np.array([[0x00, 0x44, 0x7A], [0xE8, 0xE8, 0xE8], [0x9A, 0x38, 0x00]], dtype=np.float64)
    at = np.linspace(0.0, 2.0, 255)
    channels = [np.interp(at, [0.0, 1.0, 2.0], ends[:, k]) for k in range(3)]
    return [f"#{r:02x}{g:02x}{b:02x}" for r, g, b in np.rint(channels).astype(int).T]


def _draw_fields(
    drawn: Drawn, panel: Heat, values: NDArray[np.float64], block: tuple[int, int]
) -> None:
    """A rectangle for each value, which says on hover what it is."""
    row, column = np.nonzero(np.isfinite(values))
    shown = values[row, column]
    rows = panel.rows or tuple(map(str, range(values.shape[0])))
    columns = panel.columns or tuple(map(str, range(values.shape[1])))
    if panel.names:
        words = [_kind(panel.names, value) for value in shown]
    else:
        words = [number(value) for value in shown]
    source = models().ColumnDataSource(
        {"column": column, "row": row, "value": shown, "text": words,
         "row_name": [rows[k] for k in row], "column_name": [columns[k] for k in column]}
    )  # fmt: skip
    mapper = _mapper(panel, values)
    glyph = drawn.figure.rect(
        "column", "row", width=0.96, height=0.96, source=source, line_color=None,
        fill_color={"field": "value", "transform": mapper},
    )  # fmt: skip
    hover(drawn.figure, [(panel.y or "row", "@{row_name}"), (panel.x or "column", "@{column_name}"),
                         (panel.value or "value", "@{text}")], [glyph])  # fmt: skip
    if panel.written and values.size <= 400:
        _write(drawn.figure, panel, source, mapper)
    if not panel.names and not panel.written:
        _add_scale(drawn.figure, panel, mapper)


def _kind(names: Sequence[str], value: float) -> str:
    return names[int(value)] if 0 <= value < len(names) else number(value)


def _write(figure: Any, panel: Heat, source: Any, mapper: Any) -> None:
    """Write the values into their fields, white on dark ones."""
    high, low = mapper.high, mapper.low
    dark = source.data["value"] < low + 0.6 * (high - low)
    source.data["ink"] = [PAPER if each else TEXT for each in dark]
    figure.text("column", "row", text="text", text_color="ink", text_align="center",
                text_baseline="middle", text_font_size="12px", source=source)  # fmt: skip


def _draw_image(
    drawn: Drawn, panel: Heat, values: NDArray[np.float64], block: tuple[int, int]
) -> None:
    """One image of all fields."""
    (n, m), (a, b) = values.shape, block
    mapper = _mapper(panel, values)
    glyph = drawn.figure.image(
        image=[values.astype(np.float32)], x=-0.5 * b, y=-0.5 * a, dw=m * b, dh=n * a,
        color_mapper=mapper,
    )  # fmt: skip
    hover(drawn.figure, [(panel.y or "row", "$y{0}"), (panel.x or "column", "$x{0}"),
                         (panel.value or "value", "@{image}{%.4g}")], [glyph])  # fmt: skip
    if not panel.names:
        _add_scale(drawn.figure, panel, mapper)


def _add_scale(figure: Any, panel: Heat, mapper: Any) -> None:
    bar = models().ColorBar(
        color_mapper=mapper, width=12, title=safe(panel.value) or None, padding=6,
        title_text_font_style="normal", title_text_font_size="12px", title_text_color=TEXT,
        major_label_text_font_size="12px", major_label_text_color=TEXT, bar_line_color=None,
    )  # fmt: skip
    figure.add_layout(bar, "right")
