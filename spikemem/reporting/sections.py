"""What a page says: the objects of a file, with their facts, tables, panels and origin."""

from __future__ import annotations

import importlib
import json
import platform
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from .._version import __version__
from ..display import View
from ..errors import DescriptionError, StorageError, shown
from ..panels import Panel, Picture, Rows
from ..storage import KINDS, contents, load

__all__ = ["Page", "Section", "page_of_file", "page_of_object", "shows_itself"]

_ORIGIN = ("backend", "integrator", "device", "seed", "content_hash")
"""Attributes that say where an object comes from, beside its ``provenance``."""


@dataclass(frozen=True)
class Section:
    """One object: a heading, facts, panels, its description as text, and its origin."""

    title: str
    facts: Mapping[str, Any]
    panels: list[Panel]
    text: str = ""
    origin: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Page:
    """A page: its title, its sections, and the origin of the file."""

    title: str
    sections: list[Section]
    origin: Mapping[str, Any]


def shows_itself(thing: Any) -> bool:
    """Whether an object names its panels or its view, or says facts about itself."""
    if isinstance(thing, type):
        return False
    return any(hasattr(type(thing), name) for name in ("panels", "view", "facts"))


def page_of_file(path: Path) -> Page:
    """Read all that a file holds.

    Raises
    ------
    StorageError
        As :func:`spikemem.load`, and if nothing that this version reads is inside.
    """
    held = contents(path)
    if not set(held["kinds"]) & set(KINDS):
        raise StorageError(f"load: {str(path)!r} holds nothing that this version reads.")
    kinds = [kind for kind in KINDS if kind in held["kinds"]]
    sections = [section_of(load(path, kind), kind) for kind in kinds]
    state = path.stat()
    written = datetime.fromtimestamp(state.st_mtime).astimezone()
    origin = {
        "file": path.name,
        "size": f"{state.st_size:,} bytes",
        "last change": written.isoformat(" ", "seconds"),
        "holds": ", ".join(held["kinds"]),
        "written by": f"spikemem {held['writer']}, schema {held['schema_version']}",
    }
    return Page(path.name, sections, origin | _made())


def page_of_object(thing: Any) -> Page:
    """Say what one object is."""
    section = section_of(thing)
    return Page(section.title, [section], {"object": type(thing).__name__} | _made())


def _made() -> dict[str, str]:
    now = datetime.now().astimezone().isoformat(" ", "seconds")
    return {
        "this page": f"made {now} by spikemem {__version__}, Python {platform.python_version()}"
    }


def section_of(thing: Any, kind: str | None = None) -> Section:
    """Collect what an object says about itself; `kind` is its kind in a file."""
    name = type(thing).__name__
    view = _called(thing, "view")
    facts = view.facts if isinstance(view, View) else _plain_facts(thing)
    panels: list[Panel] = []
    if isinstance(view, View):
        panels += [_table(title, rows) for title, rows in view.tables.items()]
    own = _called(thing, "panels")
    if own is not None:
        panels += _panels(own, name)
    elif isinstance(view, View) and view.draw is not None:
        panels.append(Picture(f"Picture of the {name}", f"The {name} at a glance.", view.draw))
    title = name if kind is None or kind == name.lower() else f"{name} ({kind})"
    text = thing.describe() if hasattr(thing, "describe") else ""
    return Section(title, facts, panels, text, _origin(thing))


def _called(thing: Any, item: str) -> Any:
    """What a method gives, or the function that the class names instead; None without either."""
    place = getattr(type(thing), item, None)
    if callable(place):
        return place(thing)
    if not isinstance(place, str) or not place:
        return None
    module, _, function = place.partition(":")
    try:
        named = getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError, ValueError) as error:
        raise DescriptionError(
            f"report: {type(thing).__name__}.{item} must name a function as 'module:function', "
            f"got {shown(place)} ({error})."
        ) from error
    return named(thing)


def _panels(own: Iterable[Any], name: str) -> list[Panel]:
    panels = []
    for panel in own:
        if not isinstance(panel, Panel):
            raise DescriptionError(
                f"report: the panels of {name} must be objects of spikemem.panels, got "
                f"{shown(panel)}."
            )
        panels.append(panel)
    return panels


def _table(title: str, rows: Any) -> Rows:
    return Rows(f"{title[:1].upper()}{title[1:]} (table)", "", rows)


def _plain_facts(thing: Any) -> dict[str, Any]:
    """Facts as one line each; those of many parts are left to the description."""
    if not hasattr(thing, "facts"):
        return {}
    return {str(name).replace("_", " "): value for name, value in thing.facts().items()}


def _origin(thing: Any) -> dict[str, Any]:
    given = getattr(thing, "provenance", None)
    found: dict[str, Any] = dict(given) if isinstance(given, Mapping) else {}
    for item in _ORIGIN:
        value = getattr(thing, item, None)
        if value is not None and not callable(value):
            found.setdefault(item.replace("content_", ""), value)
    return {str(name): line(value) for name, value in found.items()}


def line(value: Any) -> str:
    """Any value on one line, as a reader wants it."""
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping | list | tuple):
        return json.dumps(value, default=str, ensure_ascii=False)
    return str(value)
