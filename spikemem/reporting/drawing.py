"""Converts panels to HTML: a Bokeh figure, a table, a progress bar or an image."""

from __future__ import annotations

import base64
import importlib
import io
import json
from collections.abc import Callable
from html import escape
from typing import Any, NamedTuple

from ..panels import Curves, Done, Graph, Heat, Histogram, Panel, Picture, Raster, Rows
from .curves import draw_curves, draw_histogram
from .figures import Drawn
from .graphs import draw_graph
from .heats import draw_heat
from .rasters import draw_raster

__all__ = ["Part", "html_of", "table"]

MOST_ROWS = 200
"""Rows of a table on a page."""

_FIGURES: dict[type[Panel], Callable[[Any], Drawn]] = {
    Curves: draw_curves,
    Graph: draw_graph,
    Heat: draw_heat,
    Histogram: draw_histogram,
    Raster: draw_raster,
}


class Part(NamedTuple):
    """HTML of a panel, the notes below its caption, and whether its work is unfinished."""

    html: str
    notes: list[str]
    unfinished: bool = False


def html_of(panel: Panel, name: str) -> Part:
    """Return the HTML of a panel; `name` is the beginning of the ids in it."""
    if isinstance(panel, Rows):
        return Part(table(panel.rows), [])
    if isinstance(panel, Done):
        return _progress(panel)
    if isinstance(panel, Picture):
        return Part(_image(panel), [])
    drawn = next(draw for kind, draw in _FIGURES.items() if isinstance(panel, kind))(panel)
    text = escape(f"{panel.title}. {panel.caption}")
    return Part(
        f'<div class="chart" id="{name}" role="img" aria-label="{text}"></div>'
        f"{_legend(drawn, name)}"
        f'<script type="application/json" class="plot" data-for="{name}">'
        f"{_plain_json(drawn.figure, name)}</script>",
        drawn.notes,
    )


def _plain_json(figure: Any, name: str) -> str:
    """The figure as JSON that cannot end the element it stands in."""
    embed: Any = importlib.import_module("bokeh.embed")
    text = json.dumps(embed.json_item(figure, name), separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _legend(drawn: Drawn, name: str) -> str:
    """Return the legend; each entry is a button that hides its series."""
    if len(drawn.legend) < 2:
        return ""
    hides = any(renderer.tags for renderer in drawn.figure.renderers)
    items = []
    for k, (color, text, dashed) in enumerate(drawn.legend):
        kind = "dashed" if dashed else "solid"
        key = f'<i style="border-color:{color};border-style:{kind}"></i>'
        inner = f"{key}{escape(text)}"
        if hides:
            inner = (f'<button type="button" data-chart="{name}" data-series="{k}" '
                     f'aria-pressed="true">{inner}</button>')  # fmt: skip
        items.append(f"<li>{inner}</li>")
    return f'<ul class="legend">{"".join(items)}</ul>'


def table(rows: Any, most: int = MOST_ROWS) -> str:
    """HTML of a table whose first row is its head."""
    head, *body = rows
    if not body:
        return "<p>None.</p>"
    lines = ["<thead><tr>", *(f'<th scope="col">{_cell(each)}</th>' for each in head),
             "</tr></thead><tbody>"]  # fmt: skip
    for row in body[:most]:
        lines += ["<tr>", *(f"<td>{_cell(each)}</td>" for each in row), "</tr>"]
    left_out = len(body) - most
    more = f"<p class=note>… and {left_out:,} more rows.</p>" if left_out > 0 else ""
    return f'<div class="scroll"><table>{"".join(lines)}</tbody></table></div>{more}'


def _cell(value: Any) -> str:
    return escape(str(value)).replace("\n", "<br>")


def _progress(panel: Done) -> Part:
    total = max(panel.total, panel.done)
    failed = f", {panel.failed:,} of them failed" if panel.failed else ""
    words = f"{panel.done:,} of {total:,} done{failed}"
    share = panel.done / total if total else 1.0
    html = (
        f'<div class="progress"><progress max="1" value="{share:.4f}" '
        f'aria-label="{escape(panel.title)}"></progress> <span>{words}</span></div>'
    )
    return Part(html, [], panel.done < total)


def _image(panel: Picture) -> str:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.0, 3.2), layout="constrained")
    panel.draw(figure.add_subplot())
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=110)
    data = base64.b64encode(file.getvalue()).decode("ascii")
    text = escape(f"{panel.title}. {panel.caption}")
    return f'<img alt="{text}" src="data:image/png;base64,{data}">'
