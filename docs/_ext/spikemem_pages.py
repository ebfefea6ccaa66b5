"""Pages: links that hold on GitHub and on the site, and a gallery of notebooks with thumbnails."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.parsers.rst import Directive
from sphinx.application import Sphinx

LINK = re.compile(r"\[([^\]]*)\]\((?!https?:|mailto:|#)([^)\s#]+)(#[^)\s]*)?\)")

GLOB = re.compile(r"^([\w./]+\*)\n", flags=re.M)


class Gallery(nodes.General, nodes.Element):
    """Stands where the cards of the notebooks will be."""


class NotebookGallery(Directive):
    """Cards of all notebooks of a folder, each with its title, first sentence and a picture."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Leave a place for the cards: the notebooks are read later."""
        return [Gallery(folder=self.arguments[0])]


def rewrite_links(app: Sphinx, docname: str, source: list[str]) -> None:
    """Point links as they are on GitHub to where the notebooks and pages are on the site."""
    page = Path(app.srcdir) / docname
    docs = Path(app.srcdir)
    # The folder of the file in the repository: the site sees the notebooks through a link.
    folder = docs.parent / "notebooks" if docname.startswith("notebooks/") else page.parent

    def moved(match: re.Match[str]) -> str:
        text, where, anchor = match.groups()
        target = Path(os.path.normpath(folder / where))
        if target.is_relative_to(docs.parent / "notebooks"):
            target = docs / "notebooks" / target.name
        if target == docs / "README.md":
            target = docs / "index.md"
        if not target.is_relative_to(docs):
            return text  # a file of the repository that is no page of the site
        return f"[{text}]({os.path.relpath(target, page.parent)}{anchor or ''})"

    source[0] = LINK.sub(moved, source[0])


def drop_empty_globs(app: Sphinx, docname: str, source: list[str]) -> None:
    """Leave out patterns of toctrees that match no page: Sphinx warns of them."""
    folder = (Path(app.srcdir) / docname).parent

    def kept(match: re.Match[str]) -> str:
        pattern = os.path.normpath(folder / match[1])
        found = list(Path(pattern).parent.glob(Path(pattern).name + ".*"))
        return match[0] if found else ""

    source[0] = GLOB.sub(kept, source[0])


def card(app: Sphinx, at: str, docname: str) -> nodes.Node:
    """One card: the last picture that the notebook draws, its title, its first sentence."""
    doctree = app.env.get_doctree(docname)
    title = next(doctree.findall(nodes.title)).astext()
    paragraph = next(doctree.findall(nodes.paragraph)).astext()
    sentence = re.split(r"(?<=[.!?])\s", paragraph.replace("\n", " "))[0]
    uri = app.builder.get_relative_uri(at, docname)
    box = nodes.container(
        classes=["sd-card", "sd-sphinx-override", "sd-shadow-sm", "sd-card-hover"]
    )
    pictures = list(doctree.findall(nodes.image))
    if pictures:
        picture = pictures[0].deepcopy()
        for name in ("width", "height", "scale"):
            picture.attributes.pop(name, None)
        picture["classes"] = ["sd-card-img-top"]
        picture["alt"] = title
        box += picture
    body = nodes.container(classes=["sd-card-body"])
    heading = nodes.paragraph(classes=["sd-card-title", "sd-font-weight-bold"])
    heading += nodes.reference("", title, internal=True, refuri=uri, classes=["sd-stretched-link"])
    body += heading
    body += nodes.paragraph("", sentence, classes=["sd-card-text"])
    box += body
    column = nodes.container(classes=["sd-col", "sd-d-flex-row"])
    column += box
    return column


def fill_galleries(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Put the cards into the galleries of a page."""
    for gallery in list(doctree.findall(Gallery)):
        folder = os.path.normpath(os.path.join(os.path.dirname(docname), gallery["folder"]))
        names = sorted(name for name in app.env.found_docs if os.path.dirname(name) == folder)
        outer = nodes.container(classes=["sd-container-fluid", "sd-mb-4"])
        classes = ["sd-row", "sd-row-cols-1", "sd-row-cols-sm-2", "sd-row-cols-md-3", "sd-g-3"]
        row = nodes.container(classes=classes)
        for container in (outer, row):
            container["is_div"] = True
        for name in names:
            row += card(app, docname, name)
        outer += row
        for each in outer.findall(nodes.container):
            each["is_div"] = True
            each["design_component"] = "gallery"
        gallery.replace_self(outer)


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect the functions above."""
    app.add_node(Gallery)
    app.add_directive("notebook-gallery", NotebookGallery)
    app.connect("source-read", rewrite_links)
    app.connect("source-read", drop_empty_globs)
    app.connect("doctree-resolved", fill_galleries)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
