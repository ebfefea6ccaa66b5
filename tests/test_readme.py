"""The README: its example gives what it says, and what it points to is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from spikemem.backends import BACKENDS
from spikemem.stress.measures import MEASURES
from spikemem.stress.table import EXPERIMENTS

ROOT = Path(__file__).resolve().parents[1]
PAGES = [
    "README.md",
    "CONTRIBUTING.md",
    *sorted(
        str(path.relative_to(ROOT))
        for path in (ROOT / "docs").rglob("*.md")
        if path.parent.name not in ("notebooks", "api")
    ),
]
EXAMPLE = re.compile(r"^```python\n(.*?)^```\n(?:\n```text\n(.*?)^```$)?", flags=re.M | re.S)
NEEDS = {
    "docs/explanation/hlop.md": ("slow",),
    "docs/explanation/hlop_baselines.md": ("slow",),
    "docs/explanation/hlop_spikes.md": ("slow",),
    "docs/explanation/liquid_machines.md": ("slow",),
    "docs/explanation/liquid_measures.md": ("slow",),
    "docs/howto/board.md": ("slow", "spinnaker"),
    "docs/howto/nest.md": ("nest",),
    "docs/validation/studies_hlop.md": ("slow",),
}
"""Marks of pages whose examples take long, or need another simulator."""
LARGEST = 100_000


def blocks(language: str, page: str = "README.md") -> list[str]:
    text = (ROOT / page).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, flags=re.M | re.S)


def test_the_example(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    example, apart, by_hand = blocks("python")
    printed, rates = blocks("text")
    names: dict[str, object] = {}
    exec(example, names)
    assert capsys.readouterr().out == printed
    assert (tmp_path / "raster.png").read_bytes().startswith(b"\x89PNG")
    assert len(example.replace("\n\n", "\n").splitlines()) <= 12
    exec(apart, names)
    assert names["answers"] == [{0, 1, 8, 9}, {0, 1, 8, 9}, {0}]
    exec(by_hand, names)
    assert capsys.readouterr().out == rates
    assert len(by_hand.replace("\n\n", "\n").splitlines()) <= 10


def with_examples() -> list[object]:
    """Pages that hold code, with the marks of what they need."""
    marked = []
    for page in PAGES[1:]:
        if blocks("python", page):
            marks = [getattr(pytest.mark, name) for name in NEEDS.get(page, ())]
            marked.append(pytest.param(page, marks=marks))
    return marked


@pytest.mark.parametrize("page", with_examples())
def test_the_examples_of_a_page(page, capsys, monkeypatch, tmp_path):
    """All code of a page runs, in order, and prints what stands below it."""
    if page == "docs/howto/board.md":
        pytest.importorskip("unicorn")
    monkeypatch.chdir(tmp_path)
    text = (ROOT / page).read_text(encoding="utf-8")
    names: dict[str, object] = {"__name__": "__main__"}
    known = dict(BACKENDS)
    try:
        for code, printed in EXAMPLE.findall(text):
            # Without the future imports of this file.
            exec(compile(code, page, "exec", dont_inherit=True), names)
            assert capsys.readouterr().out == printed
    finally:
        BACKENDS.clear()
        BACKENDS.update(known)


def test_the_page_about_reports(monkeypatch, tmp_path):
    pytest.importorskip("bokeh")
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for example in blocks("python", "docs/howto/report.md"):
        exec(example, names)
    assert {path.name for path in tmp_path.iterdir()} >= {"memory.html", "study.html"}
    assert "4 of 9 done" in (tmp_path / "study.html").read_text(encoding="utf-8")


def test_no_page_shows_code_that_is_not_run():
    found = with_examples()
    assert len(found) > 20
    for page in PAGES:
        text = (ROOT / page).read_text(encoding="utf-8")
        assert not re.findall(r"^```(?:py|python3|pycon|ipython)$", text, flags=re.M), page
        assert len(EXAMPLE.findall(text)) == text.count("```python\n"), page


def test_the_page_about_experiments(capsys):
    page = "docs/explanation/stress_experiments.md"
    printed = []
    for example in blocks("python", page):
        exec(example, {})
        printed.append(capsys.readouterr().out)
    assert printed == blocks("text", page)
    text = (ROOT / page).read_text(encoding="utf-8")
    for name, entry in MEASURES.items():
        assert f"| `{name}` | {entry.unit} | {entry.definition} |" in text
    assert all(f"| `{name}` |" in text for name in EXPERIMENTS)


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        if not target.startswith("http"):
            assert (ROOT / page).parent.joinpath(target).exists(), target


def test_the_pictures_are_small():
    pictures = [path for path in (ROOT / "docs" / "images").iterdir() if path.suffix == ".png"]
    assert pictures
    assert all(path.stat().st_size < LARGEST for path in pictures)


def test_the_commands_are_there():
    from spikemem.cli import commands

    text = (ROOT / "README.md").read_text(encoding="utf-8")
    used = re.findall(r"^spikemem (\w+)", text, flags=re.M)
    assert used
    assert set(used) <= set(commands.table)
