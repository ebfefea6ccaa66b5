"""The HTML of a report: one self-contained file."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any, NamedTuple

from ..panels import Panel
from .drawing import html_of, table
from .figures import require_bokeh
from .look import SCRIPT, STYLE
from .sections import Page, Section, line

__all__ = ["MOST_BYTES", "html"]

MOST_BYTES = 7_500_000
"""Size of a page above which further pictures are left out, bytes."""


class Entry(NamedTuple):
    """An entry of the table of contents: id, name, and entries below it."""

    name: str
    text: str
    inside: list[Entry]


class Body:
    """HTML that grows section by section, with its table of contents."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.entries: list[Entry] = []
        self.size = 0
        self.unfinished = False

    def add(self, *parts: str) -> None:
        """Add HTML."""
        self.parts += parts
        self.size += sum(map(len, parts))

    def add_section(self, section: Section, k: int) -> None:
        """Add an object: facts, panels, description."""
        name = f"part-{k}"
        entry = Entry(name, section.title, [])
        self.entries.append(entry)
        self.add(f'<h2 id="{name}">{escape(section.title)}</h2>', facts(section.facts))
        left_out = []
        for n, panel in enumerate(section.panels):
            if self.size > MOST_BYTES:
                left_out.append(panel.title)
                continue
            self._add_panel(panel, f"{name}-{n}", entry)
        if left_out:
            names = escape(", ".join(left_out))
            self.add(f'<p class="note">Left out, since the page would grow too large: {names}.</p>')
        if section.text:
            self.add(f"<details><summary>{escape(section.title)} as text</summary>"
                     f"<pre>{escape(section.text)}</pre></details>")  # fmt: skip

    def _add_panel(self, panel: Panel, name: str, entry: Entry) -> None:
        entry.inside.append(Entry(f"{name}-panel", panel.title, []))
        drawn = html_of(panel, name)
        self.unfinished |= drawn.unfinished
        notes = "".join(f'<p class="note">{escape(note)}</p>' for note in drawn.notes)
        caption = f"<p>{escape(panel.caption)}</p>" if panel.caption else ""
        self.add(
            f'<section class="panel" id="{name}-panel"><h3>{escape(panel.title)}</h3>'
            f"{caption}{notes}<figure>{drawn.html}</figure></section>"
        )


def facts(values: Mapping[str, Any]) -> str:
    """A table of names and values; what is not given is left out."""
    rows = [
        f'<tr><th scope="row">{escape(str(name))}</th><td>{escape(line(value))}</td></tr>'
        for name, value in values.items()
        if not (value is None or value is False or value == {})
    ]
    if not rows:
        return ""
    return f'<div class="scroll"><table class="facts">{"".join(rows)}</table></div>'


def html(page: Page, refresh: float | None = None) -> str:
    """Return the whole page.

    Parameters
    ----------
    page : Page
    refresh : float, optional
        Time after which the page reloads itself, s. Default: 10 s while a panel says that
        something is left to do, else never.
    """
    require_bokeh()
    body = Body()
    for k, section in enumerate(page.sections):
        body.add_section(section, k)
    _add_origin(body, page)
    every = refresh if refresh is not None else 10.0 if body.unfinished else 0.0
    return "\n".join(
        [
            "<!DOCTYPE html>",
            f'<html lang="en"><head><meta charset="utf-8"><title>{escape(page.title)}</title>',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f'<link rel="icon" href="data:,"><style>{STYLE}</style></head>',
            f'<body data-refresh="{every:g}"><header><h1>{escape(page.title)}</h1>',
            '<p class="lead">A report of spikemem. Drag across a picture to zoom in; its '
            "buttons move it, zoom with the wheel, reset it, or save it.</p>",
            _live(every),
            f"</header>{_contents(body.entries)}<main>",
            *body.parts,
            "</main>",
            _scripts() if 'class="plot"' in "".join(body.parts) else "",
            f"<script>{SCRIPT}</script></body></html>",
        ]
    )


def _live(every: float) -> str:
    if not every:
        return ""
    return (
        f'<p id="live">The file is still being written: this page reloads itself every '
        f'{every:g} s. <button type="button" id="pause">Pause</button></p>'
    )


def _contents(entries: list[Entry]) -> str:
    return f'<nav aria-labelledby="toc"><h2 id="toc">Contents</h2>{_list(entries)}</nav>'


def _list(entries: list[Entry]) -> str:
    items = [
        f'<li><a href="#{entry.name}">{escape(entry.text)}</a>'
        f"{_list(entry.inside) if entry.inside else ''}</li>"
        for entry in entries
    ]
    return f"<ul>{''.join(items)}</ul>"


def _add_origin(body: Body, page: Page) -> None:
    """Where the file and each object come from."""
    body.entries.append(Entry("origin", "Where this comes from", []))
    body.add('<h2 id="origin">Where this comes from</h2>', facts(page.origin))
    for section in page.sections:
        if section.origin:
            rows = [("", section.title), *section.origin.items()]
            body.add(table(rows))


def _scripts() -> str:
    from bokeh.resources import Resources

    return str(Resources(mode="inline", components=["bokeh"]).render_js())
