"""How objects show themselves in a notebook: a title, tables, and a small picture.

This module knows no class of spikemem: an object says what its tables and its picture are.
"""

from __future__ import annotations

import base64
import importlib
import io
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any, ClassVar

__all__ = ["Displayed", "Table", "page"]

Table = Sequence[Sequence[str]]
"""Rows of a table, the first of which are the names of the columns."""

MOST_ROWS = 24
"""Rows that a table shows; of the others it says how many there are."""

_CELL = "text-align:left;padding:1px 10px 1px 0;vertical-align:top;"
_SIZE, _DPI = (5.2, 2.6), 90


class Displayed:
    """Base of the classes that show themselves in a notebook.

    A subclass says its facts by ``_about``; it can add tables, and a picture.
    """

    drawing: ClassVar[str] = ""
    """Function that draws the object, ``"module:function"``; it takes the object and axes.

    It may change the size of the figure."""

    def _about(self) -> dict[str, str]:
        """Return facts about the object, in the order in which they are read."""
        raise NotImplementedError

    def _tables(self) -> dict[str, Table]:
        """Further tables by their titles."""
        return {}

    def _has_picture(self) -> bool:
        """Whether the object is small enough to be drawn."""
        return bool(self.drawing)

    def _repr_html_(self) -> str:
        return page(self)


def page(thing: Displayed) -> str:
    """Return the HTML of an object: its class, its facts, its tables and its picture.

    Parameters
    ----------
    thing : Displayed
        What to show.

    Returns
    -------
    str
        A ``<div>``; names in it are escaped, and the picture is a PNG within it.
    """
    parts = [f"<b>{escape(type(thing).__name__)}</b>", _facts(thing._about())]
    parts += [_table(title, rows) for title, rows in thing._tables().items()]
    left = f'<div style="margin-right:24px">{"".join(parts)}</div>'
    right = f"<div>{_picture(thing)}</div>" if thing._has_picture() else ""
    return f'<div style="display:flex;flex-wrap:wrap;align-items:flex-start">{left}{right}</div>'


def _facts(facts: Mapping[str, Any]) -> str:
    rows = "".join(
        f'<tr><th style="{_CELL}font-weight:normal;opacity:0.7">{_text(name)}</th>'
        f'<td style="{_CELL}">{_text(value)}</td></tr>'
        for name, value in facts.items()
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


def _picture(thing: Displayed) -> str:
    """The picture as an image element; it leaves no figure behind."""
    from matplotlib.figure import Figure

    module, _, name = thing.drawing.partition(":")
    figure = Figure(figsize=_SIZE, layout="constrained")
    getattr(importlib.import_module(module), name)(thing, figure.add_subplot())
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=_DPI)
    data = base64.b64encode(file.getvalue()).decode("ascii")
    about = escape(f"{type(thing).__name__}, drawn")
    return f'<img alt="{about}" src="data:image/png;base64,{data}">'
