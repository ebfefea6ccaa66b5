"""Displays objects in a notebook: a title, tables, and a small picture.

This module knows no class of spikemem: each object supplies its tables and its picture.
"""

from __future__ import annotations

import base64
import importlib
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any, ClassVar

__all__ = ["Displayed", "Table", "View", "page"]

Table = Sequence[Sequence[str]]
"""Rows of a table; the first row holds the names of the columns."""

MOST_ROWS = 24
"""Largest number of rows that a table shows; a note tells how many more there are."""

_CELL = "text-align:left;padding:1px 10px 1px 0;vertical-align:top;"
_SIZE, _DPI = (5.2, 2.6), 90


@dataclass(frozen=True)
class View:
    """Content of an object's display.

    Parameters
    ----------
    facts : mapping of str to str
        Facts in the order of display; those without a value are left out.
    tables : mapping of str to Table
        Tables by title.
    draw : callable, optional
        Draws the object into axes; it may change the size of the figure. None: no picture.
    """

    facts: Mapping[str, Any]
    tables: Mapping[str, Table] = field(default_factory=dict)
    draw: Callable[[Any], None] | None = None


class Displayed:
    """Base of the classes that have a display in notebooks."""

    view: ClassVar[str]
    """Function that takes the object and returns its :class:`View`: ``"module:function"``."""

    def _repr_html_(self) -> str:
        return page(self)


def page(item: Displayed) -> str:
    """Return the HTML of an object: its class, its facts, its tables and its picture.

    Parameters
    ----------
    item : Displayed
        Object to show.

    Returns
    -------
    str
        A ``<div>``; names in it are escaped, and the picture is an inline PNG.
    """
    module, _, name = item.view.partition(":")
    view: View = getattr(importlib.import_module(module), name)(item)
    title = escape(type(item).__name__)
    parts = [f"<b>{title}</b>", _facts(view.facts)]
    parts += [_table(caption, rows) for caption, rows in view.tables.items()]
    left = f'<div style="margin-right:24px">{"".join(parts)}</div>'
    right = "" if view.draw is None else f"<div>{_picture(title, view.draw)}</div>"
    return f'<div style="display:flex;flex-wrap:wrap;align-items:flex-start">{left}{right}</div>'


def _facts(facts: Mapping[str, Any]) -> str:
    rows = "".join(
        f'<tr><th style="{_CELL}font-weight:normal;opacity:0.7">{_text(name)}</th>'
        f'<td style="{_CELL}">{_text(value)}</td></tr>'
        for name, value in facts.items()
        if not (value is None or value is False or (isinstance(value, Mapping) and not value))
    )
    return f"<table>{rows}</table>" if rows else ""


def _table(title: str, rows: Table) -> str:
    if len(rows) < 2:
        return ""
    head, *body = rows
    left_out = len(body) - MOST_ROWS
    note = f"<div>… and {left_out} more</div>" if left_out > 0 else ""
    lines = [_row("th", head), *(_row("td", row) for row in body[:MOST_ROWS])]
    return (
        f'<div style="opacity:0.7;margin-top:6px">{_text(title)}</div>'
        f"<table>{''.join(lines)}</table>{note}"
    )


def _row(tag: str, cells: Iterable[Any]) -> str:
    inside = "".join(f'<{tag} style="{_CELL}">{_text(cell)}</{tag}>' for cell in cells)
    return f"<tr>{inside}</tr>"


def _text(value: Any) -> str:
    return escape(str(value)).replace("\n", "<br>")


def _picture(title: str, draw: Callable[[Any], None]) -> str:
    """Return the picture as an image element; no figure stays open."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=_SIZE, layout="constrained")
    draw(figure.add_subplot())
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=_DPI)
    data = base64.b64encode(file.getvalue()).decode("ascii")
    return f'<img alt="Picture of the {title}" src="data:image/png;base64,{data}">'
