"""Bokeh figures in one style: axes, tools, hover, colours, named lines."""

from __future__ import annotations

import importlib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..errors import BackendMissing

__all__ = ["COLORS", "GREY", "PAPER", "TEXT", "Drawn", "color", "hover", "label_axis",
           "mark_places", "models", "new_figure", "number", "require_bokeh", "safe", "short",
           "tagged", "whole_ticks"]  # fmt: skip

COLORS = ("#0067A5", "#B84700", "#00755A", "#A3467F", "#5A5FC7", "#7A6100", "#333333")
"""Colours that colour-blind readers can tell apart, each with a contrast of 4.5 on white."""

TEXT, GREY, PAPER = "#1F2933", "#6B7280", "#FFFFFF"
_GRID, _LETTERS, _MOST_MARKS = "#E5E7EB", 18, 24


@dataclass
class Drawn:
    """A figure, the notes about it, and its legend."""

    figure: Any
    notes: list[str] = field(default_factory=list)
    legend: list[tuple[str, str, bool]] = field(default_factory=list)
    """Colour, name and whether dashed, for the renderers with tag 0, 1, ... in the figure."""


def color(k: int) -> str:
    """Return colour number k; colours repeat."""
    return COLORS[k % len(COLORS)]


def number(value: float) -> str:
    """A number as it is read in a table or on an axis."""
    return f"{value:.4g}"


def short(name: str, most: int = _LETTERS) -> str:
    """A name cut to what fits beside an axis."""
    return name if len(name) <= most else f"{name[: most - 1]}…"


def safe(text: str) -> str:
    r"""Return a text that Bokeh draws unchanged.

    Bokeh takes text between "$$" or "\(" for a formula, and would load a library from the network
    to draw it.
    """
    for opening in ("$$", r"\(", r"\[", r"\)", r"\]"):
        text = text.replace(opening, f"{opening[0]}\u2060{opening[1]}")
    return text


def require_bokeh() -> Any:
    """The module ``bokeh.plotting``.

    Raises
    ------
    BackendMissing
        If Bokeh is not installed.
    """
    try:
        import bokeh.plotting as plotting
    except ImportError as error:
        raise BackendMissing.of("spikemem.report", "bokeh", "report") from error
    return plotting


def models() -> Any:
    """The module ``bokeh.models``."""
    return importlib.import_module("bokeh.models")


def new_figure(
    height: float,
    *,
    x: str = "",
    y: str = "",
    tools: str = "pan,box_zoom,wheel_zoom,reset,save",
    drag: str = "box_zoom",
    **options: Any,
) -> Any:
    """An empty figure as wide as the page, `height` pixels high."""
    figure = require_bokeh().figure(
        height=int(height), sizing_mode="stretch_width", tools=tools, active_drag=drag,
        active_scroll=None, toolbar_location="above", x_axis_label=safe(x) or None,
        y_axis_label=safe(y) or None, min_width=200, background_fill_color=PAPER,
        border_fill_color=PAPER, **options,
    )  # fmt: skip
    figure.toolbar.logo = None
    figure.toolbar.autohide = False
    figure.outline_line_color = None
    for axis in (*figure.xaxis, *figure.yaxis):
        axis.axis_label_text_font_style = "normal"
        axis.axis_label_text_font_size = axis.major_label_text_font_size = "12px"
        axis.axis_label_text_color = axis.major_label_text_color = TEXT
        axis.axis_line_color = axis.major_tick_line_color = GREY
        axis.minor_tick_line_color = None
    figure.grid.grid_line_color = _GRID
    return figure


def hover(figure: Any, rows: Sequence[tuple[str, str]], glyphs: Iterable[Any] = (),
          mode: str = "mouse", **options: Any) -> None:  # fmt: skip
    """Show facts about what is under the pointer; ``@column`` stands for its value."""
    columns = {f"@{{{name}}}": "printf" for _, text in rows for name in _numbers_in(text)}
    figure.add_tools(
        models().HoverTool(tooltips=list(rows), mode=mode, renderers=list(glyphs) or "auto",
                  formatters=columns, **options)
    )  # fmt: skip


def _numbers_in(text: str) -> list[str]:
    """Columns that are written as numbers: ``@{name}{%...}``."""
    return [part.partition("}")[0] for part in text.split("@{")[1:] if "}{%" in part]


def label_axis(axis: Any, places: Mapping[float, str]) -> None:
    """Write names at these places of an axis instead of numbers."""
    whole = {place: safe(short(name)) for place, name in places.items()}
    axis.ticker = models().FixedTicker(ticks=list(whole))
    axis.major_label_overrides = {
        (int(place) if float(place).is_integer() and abs(place) < 1e9 else place): name
        for place, name in whole.items()
    }


def tagged(renderer: Any, k: int) -> Any:
    """Return a renderer, marked as belonging to entry k of the legend."""
    renderer.tags = [k]
    return renderer


def whole_ticks(axis: Any) -> None:
    """Label counted things by whole numbers only."""
    axis.ticker = models().BasicTicker(min_interval=1, num_minor_ticks=0)


def mark_places(figure: Any, marks: Sequence[tuple[float, str]]) -> None:
    """Draw named vertical lines; the names stand above the picture."""
    if not marks:
        return
    names: dict[float, str] = {}
    for place, name in marks:
        names[place] = f"{names[place]}, {name}" if place in names else name
    for place in names:
        figure.add_layout(
            models().Span(location=place, dimension="height", line_color=GREY, line_dash="dotted",
                 line_width=1, level="underlay")
        )  # fmt: skip
    every = -(-len(names) // _MOST_MARKS)
    axis = models().LinearAxis(major_label_orientation=math.pi / 5, axis_line_color=None,
                      major_label_text_font_size="11px", major_label_text_color=TEXT,
                      minor_tick_line_color=None)  # fmt: skip
    label_axis(axis, dict(list(names.items())[::every]))
    figure.add_layout(axis, "above")
    figure.min_border_right = 60
