"""The documentation site: every page can be reached, and every public name has a reference page."""

from __future__ import annotations

import fnmatch
import importlib
import inspect
import os
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
PACKAGES = (
    "spikemem", "spikemem.backends", "spikemem.backends.brian2", "spikemem.backends.native",
    "spikemem.cli", "spikemem.codes", "spikemem.data", "spikemem.hardware",
    "spikemem.hardware.nir", "spikemem.hardware.pynn", "spikemem.hardware.resistive",
    "spikemem.hardware.resistive.devices", "spikemem.hardware.spinnaker", "spikemem.metrics",
    "spikemem.models", "spikemem.networks.ca3", "spikemem.networks.dendrites",
    "spikemem.networks.hlop", "spikemem.networks.liquid", "spikemem.networks.reference",
    "spikemem.networks.sparsey", "spikemem.panels", "spikemem.plotting", "spikemem.reporting",
    "spikemem.streams", "spikemem.stress",
)  # fmt: skip
TOCTREE = re.compile(r"^```\{toctree\}\n(.*?)^```$", flags=re.M | re.S)
SUMMARY = re.compile(r"\.\. currentmodule:: (\S+)\s+\.\. autosummary::\n(.*?)^```$", re.M | re.S)


def pages() -> list[str]:
    """Names of all pages of the site, without their suffix."""
    found = [path.relative_to(DOCS) for path in DOCS.rglob("*.md")]
    made = {"notebooks", "reference/api"}
    return sorted(
        str(path.with_suffix(""))
        for path in found
        if str(path) != "README.md" and str(path.parent) not in made and path.parts[0][0] != "_"
    )


def children(page: str) -> list[str]:
    """Pages that the toctrees of a page name."""
    text = (DOCS / f"{page}.md").read_text(encoding="utf-8")
    known = [*pages(), *(f"notebooks/{path.stem}" for path in NOTEBOOKS)]
    found = []
    for block in TOCTREE.findall(text):
        for line in block.splitlines():
            if line and not line.startswith(":"):
                name = re.sub(r"^.*<(.*)>$", r"\1", line)
                full = os.path.normpath(os.path.join(os.path.dirname(page), name))
                matches = [each for each in known if fnmatch.fnmatch(each, full)]
                if ":glob:" in block and "*" in name:
                    folder = os.path.dirname(full)
                    matches = [each for each in matches if os.path.dirname(each) == folder]
                else:
                    assert matches, f"docs/{page}.md names {name}, which is not there"
                found += [each for each in matches if each != page]
    return found


def test_every_page_is_in_one_toctree():
    reached: list[str] = ["index"]
    for page in reached:
        if not page.startswith("notebooks/"):
            reached += children(page)
    assert len(reached) == len(set(reached)), "a page stands in two toctrees"
    notebooks = {f"notebooks/{path.stem}" for path in NOTEBOOKS}
    assert set(reached) == set(pages()) | notebooks
    assert len(pages()) > 40


def test_every_notebook_is_on_the_page_of_tutorials():
    assert NOTEBOOKS
    assert children("tutorials/index") == [f"notebooks/{path.stem}" for path in NOTEBOOKS]


def listed() -> dict[str, str]:
    """Reference page of each name in an autosummary."""
    found: dict[str, str] = {}
    for path in sorted((DOCS / "reference").glob("*.md")):
        for module, block in SUMMARY.findall(path.read_text(encoding="utf-8")):
            for name in re.findall(r"^   ([A-Za-z]\w*)$", block, flags=re.M):
                full = f"{module}.{name}"
                assert full not in found, f"{full} is on {found[full]} and on {path.name}"
                found[full] = path.name
    return found


def thing(full: str) -> object:
    module, _, name = full.rpartition(".")
    return getattr(importlib.import_module(module), name)


@pytest.mark.parametrize("page", sorted(path.name for path in (DOCS / "reference").glob("*.md")))
def test_every_listed_name_exists(page):
    names = [full for full, where in listed().items() if where == page]
    assert names or page == "index.md"
    for full in names:
        thing(full)


@pytest.mark.parametrize("package", PACKAGES)
def test_every_public_name_is_on_a_reference_page(package):
    names = listed()
    assert len(names) > 250
    missing = []
    for name in importlib.import_module(package).__all__:
        full = f"{package}.{name}"
        if full in names or name.startswith("__"):
            continue
        namesakes = [each for each in names if each.endswith(f".{name}")]
        value = thing(full)
        on_a_page = any(thing(each) is value for each in namesakes)
        if inspect.ismodule(value):
            on_a_page = any(each.startswith(f"{full}.") for each in names)
        if not on_a_page:
            missing.append(full)
    assert not missing, "list these in docs/reference/"
