"""Every notebook runs from top to bottom, in less than a minute, and is stored without outputs."""

from __future__ import annotations

import importlib.util
import os
import time
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
NEEDS = {"06_continual": ("torch", "learn")}
"""Package and extra that a notebook says it needs; all others run without any extra."""


def test_there_are_notebooks():
    assert [path.name[:3] for path in NOTEBOOKS] == [f"{k:02d}_" for k in range(10)]
    assert {path.stem for path in NOTEBOOKS} > set(NEEDS)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_begins_with_a_title_and_ends_with_what_to_try(path):
    cells = nbformat.read(path, as_version=4).cells
    first, last = cells[0], cells[-1]
    title, _, opening = first.source.partition("\n\n")
    assert first.cell_type == last.cell_type == "markdown"
    assert title.startswith("# ")
    assert "ou will see" in opening
    assert "less than a minute" in opening
    assert "## What to try" in last.source
    assert all(not cell.metadata for cell in cells)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_an_extra_is_named_in_the_opening(path):
    opening = nbformat.read(path, as_version=4).cells[0].source
    extra = NEEDS.get(path.stem, (None, None))[1]
    assert "no extra" in opening or "extra `" in opening
    assert extra is None or f"extra `{extra}`" in opening


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_no_outputs_are_stored(path):
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "code":
            assert cell.outputs == []
            assert cell.execution_count is None


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_runs(path):
    from nbclient import NotebookClient

    package, extra = NEEDS.get(path.stem, (None, None))
    if package is not None and importlib.util.find_spec(package) is None:
        pytest.skip(f"{path.stem} needs {package}, of the extra {extra!r}")
    notebook = nbformat.read(path, as_version=4)
    resources = {"metadata": {"path": str(path.parent)}}
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    }
    client = NotebookClient(notebook, timeout=60, kernel_name="python3", resources=resources)
    began = time.monotonic()
    client.execute(env=environment)
    assert time.monotonic() - began < 60
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    assert not [output.text for output in outputs if output.get("name") == "stderr"]
    assert any("image/png" in output.get("data", ()) for output in outputs)
