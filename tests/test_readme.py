"""The README: its example gives what it says, and what it points to is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from spikemem.stress.measures import MEASURES
from spikemem.stress.table import EXPERIMENTS

ROOT = Path(__file__).resolve().parents[1]
PAGES = (
    "README.md", "docs/README.md", "docs/board.md", "docs/ca3.md", "docs/dendrites.md",
    "docs/extensions.md", "docs/hlop.md", "docs/hlop_baselines.md", "docs/hlop_spikes.md",
    "docs/liquid.md", "docs/liquid_machines.md", "docs/liquid_measures.md", "docs/networks.md",
    "docs/reference_memories.md", "docs/semantics.md", "docs/sparsey.md", "docs/sparsey_spiking.md",
    "docs/reference_memories.md", "docs/semantics.md", "docs/sparsey.md", "docs/sparsey_spiking.md",
    "docs/spinnaker.md", "docs/stress.md", "docs/stress_experiments.md",
)  # fmt: skip
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


def test_the_page_about_networks(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    parts = blocks("python", "docs/networks.md")
    names: dict[str, object] = {}
    printed = []
    for part in parts:
        exec(part, names)
        printed.append(capsys.readouterr().out)
    assert printed == blocks("text", "docs/networks.md")
    assert (tmp_path / "network").is_dir()


def test_the_page_about_liquids(capsys):
    names: dict[str, object] = {}
    printed = []
    for example in blocks("python", "docs/liquid.md"):
        exec(example, names)
        printed.append(capsys.readouterr().out)
    assert printed == blocks("text", "docs/liquid.md")


def test_the_page_about_experiments(capsys):
    page = "docs/stress_experiments.md"
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
