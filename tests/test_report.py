"""Reports: what stands on a page, what is refused, how large files are thinned, and watching."""

from __future__ import annotations

import base64
import gzip
import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
from families import FAMILIES
from hypothesis import HealthCheck, given, settings
from samples import any_network, any_recording, small_network, small_recording

import spikemem as sm
from spikemem import panels, reporting
from spikemem.cli import main
from spikemem.reporting import thinning
from spikemem.reporting.figures import COLORS, GREY, TEXT
from spikemem.reporting.page import MOST_BYTES, html
from spikemem.reporting.sections import page_of_object

ROOT = Path(__file__).resolve().parents[1]
NASTY = "<script>alert(1)<script>"


class Elements(HTMLParser):
    """Elements of a page, with their attributes, and the text outside scripts and styles."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text, self._inside = "", ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        self._inside = tag if tag in ("script", "style") else ""

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if not self._inside:
            self.text += data


class Shown:
    """An object with panels of its own."""

    panels = f"{__name__}:shown_panels"

    def __init__(self, *what: Any) -> None:
        self.what = what


def shown_panels(thing: Shown) -> Any:
    return iter(thing.what)


def page(*what: Any) -> str:
    return html(page_of_object(Shown(*what)))


def plots(text: str) -> list[dict[str, Any]]:
    """The figures of a page as Bokeh reads them."""
    found = re.findall(r'<script type="application/json" class="plot"[^>]*>(.*?)</script>', text)
    return [json.loads(one) for one in found]


def arrays(node: Any, name: str) -> list[np.ndarray]:
    """Columns of this name in a figure."""
    if isinstance(node, list):
        value = node[1] if len(node) == 2 and node[0] == name else None
        if isinstance(value, dict) and value.get("type") == "ndarray":
            raw = base64.b64decode(value["array"]["data"])
            raw = gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw
            return [np.frombuffer(raw, value["dtype"]).reshape(value["shape"])]
        return [found for each in node for found in arrays(each, name)]
    if isinstance(node, dict):
        return [found for each in node.values() for found in arrays(each, name)]
    return []


@given(any_network())
@settings(max_examples=10, suppress_health_check=[HealthCheck.too_slow])
def test_any_network_has_a_page(net):
    text = html(page_of_object(net))
    assert len(plots(text)) >= 1


@given(any_recording())
@settings(max_examples=15, suppress_health_check=[HealthCheck.too_slow])
def test_any_recording_has_a_page(recording):
    assert html(page_of_object(recording)).startswith("<!DOCTYPE html>")


@pytest.fixture
def both(tmp_path: Path) -> Path:
    recording = small_recording()
    return recording.save(tmp_path / "both.h5", network=small_network())


def test_a_page_needs_nothing_else(both, tmp_path):
    out = sm.report(both, tmp_path / "page.html")
    text = out.read_text(encoding="utf-8")
    elements = Elements(text)
    for tag, attributes in elements.found:
        for name in ("src", "href", "data", "action", "poster", "srcset"):
            value = attributes.get(name) or "#"
            assert value.startswith(("#", "data:")), (tag, value)
    styles = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
    assert styles
    assert not any("url(" in style or "@import" in style for style in styles)
    assert len(text) < 2_500_000


def test_the_page_says_what_the_file_holds(both, tmp_path):
    text = sm.report(both, tmp_path / "page.html").read_text(encoding="utf-8")
    elements = Elements(text)
    ids = {attributes["id"] for _, attributes in elements.found if "id" in attributes}
    links = [attributes["href"][1:] for tag, attributes in elements.found if tag == "a"]
    assert len(links) > 8
    assert set(links) <= ids
    charts = [each for _, each in elements.found if each.get("class") == "chart"]
    assert len(charts) == len(plots(text)) > 5
    assert all(len(each["aria-label"]) > 20 for each in charts)
    for words in ("both.h5", "seed", "written by", "spikemem", "Where this comes from",
                  "Input spikes", "Weights of learnt", "Potentials of out"):  # fmt: skip
        assert words in elements.text, words
    assert "meta http-equiv" not in text
    assert 'data-refresh="0"' in text


def test_every_picture_has_one_sentence(both, tmp_path):
    for thing in (sm.load(both, "network"), sm.load(both, "recording")):
        for panel in page_of_object(thing).sections[0].panels:
            if "(table)" not in panel.title:
                assert re.fullmatch(r".{10,}\.", panel.caption), panel.title


@pytest.mark.parametrize("family", FAMILIES, ids=[family.name for family in FAMILIES])
def test_every_model_brings_its_panels(family, tmp_path):
    for model in (family.untrained(), family.trained()):
        found = page_of_object(model).sections[0].panels
        assert len(found) > 0
        assert not any(isinstance(panel, panels.Picture) for panel in found)
    text = html(page_of_object(model))
    assert len(plots(text)) >= 1
    assert family.name in Elements(text).text


def test_the_page_of_a_memory_says_what_is_wrong_with_it():
    memory = sm.CA3Memory(4, 8, contents={0: [1, 2], 2: [2, 5]}, backend="native")
    good = Elements(html(page_of_object(memory))).text
    assert "Nothing is lost" in good
    weights = memory.weights
    weights["W1"][0, 1], weights["W1"][2, 7] = 0.0, 6.0
    memory.set_weights(weights)
    found = {panel.title: panel for panel in page_of_object(memory).sections[0].panels}
    stored, recalled = found["What is stored"], found["Recalled content"]
    assert [stored.names[int(stored.values[at])] for at in ((0, 1), (0, 2), (2, 7), (1, 1))] == [
        "lost", "stored", "ghost", "not stored"]  # fmt: skip
    assert [recalled.names[int(recalled.values[at])] for at in ((0, 1), (0, 2), (1, 7))] == [
        "missing", "right", "too many"]  # fmt: skip
    assert recalled.rows == ("0", "2")
    answers = {row[0]: row[3] for row in found["Answers"].rows[1:]}
    assert (answers["recall 0"], answers["recall 2"]) == ("NO", "NO")
    assert memory.time == 0.0  # A copy was asked.


def test_names_from_files_are_text(tmp_path):
    source = sm.Population(NASTY, sm.SpikeSource.from_lists([[1.0], [2.0]]))
    cell = sm.Population("$$\\alpha$$ & \"'", 2, sm.LIF(), record=["spikes", "v"])
    drive = sm.Projection.all_to_all("<img src=x onerror=alert(2)>", source, cell, weight=1.0,
                                     delay=1.0)  # fmt: skip
    net = sm.Network([source, cell], [drive])
    out = sm.simulate(net, backend="native").save(tmp_path / "nasty.h5", network=net)
    text = sm.report(out, tmp_path / "nasty.html").read_text(encoding="utf-8")
    elements = Elements(text)
    assert not [tag for tag, _ in elements.found if tag == "img"]
    ours = text.count("<script")
    clean = sm.report(small_network(), tmp_path / "clean.html").read_text(encoding="utf-8")
    assert ours - len(plots(text)) == clean.count("<script") - len(plots(clean))
    assert NASTY in elements.text
    # Between "$$" Bokeh would look for a formula, and load a library to draw it.
    assert "$$" not in json.dumps([plot["doc"]["roots"][0]["attributes"].get("left")
                                   for plot in plots(text)])  # fmt: skip


def test_a_raster_of_many_spikes_is_thinned_and_says_so():
    rng = np.random.default_rng(1)
    n = 1_000_000
    band = panels.Band("many", 1000, rng.integers(0, 1000, n), rng.uniform(0, 1e4, n))
    text = page(panels.Raster("Spikes", "Each mark is a spike.", [band], 0.0, 1e4))
    assert "every 25th spike" in Elements(text).text
    (times,) = arrays(plots(text), "x")
    assert len(times) == thinning.MOST_MARKS
    assert np.array_equal(times, band.times[::25])
    assert len(text) < 3_000_000


def test_a_long_line_keeps_its_extremes():
    x = np.arange(200_000.0)
    y = np.sin(x / 3000.0)
    y[77_777], y[123_456] = 9.0, -7.0
    text = page(panels.Curves("Line", "A line.", [panels.Series("line", x, y)]))
    (kept,) = arrays(plots(text), "y")
    assert len(kept) <= thinning.MOST_POINTS
    assert (kept.max(), kept.min()) == (9.0, -7.0)
    assert "Of 200,000 points" in Elements(text).text


def test_a_large_matrix_keeps_its_largest_value():
    values = np.zeros((1000, 700))
    values[501, 203] = -5.0
    small, (a, b) = thinning.blocks(values)
    assert (a, b) == (4, 3)
    assert max(small.shape) <= thinning.MOST_FIELDS
    assert small[501 // 4, 203 // 3] == -5.0 == small.min()
    assert "largest of 4 × 3" in Elements(page(panels.Heat("M", "A matrix.", values))).text


def test_a_page_with_too_much_leaves_pictures_out(monkeypatch):
    assert MOST_BYTES < 10_000_000
    monkeypatch.setattr("spikemem.reporting.page.MOST_BYTES", 500_000)
    values = np.random.default_rng(0).normal(size=(300, 300))
    text = page(*(panels.Heat(f"Noise {k}", "Noise.", values) for k in range(9)))
    assert 500_000 < len(text) - len(page(panels.Rows("t", "c", [("a",), ("b",)]))) < 3_000_000
    left_out = Elements(text).text.partition("the page would grow too large: ")[2]
    assert "Noise 8." in left_out
    assert len(plots(text)) + left_out.partition(".")[0].count("Noise") == 9


def test_values_that_are_not_finite_draw_gaps():
    x = np.arange(5.0)
    y = np.array([0.0, np.nan, 2.0, np.inf, -np.inf])
    text = page(
        panels.Curves("C", "C.", [panels.Series("a", x, y, low=y - 1, high=y + 1)]),
        panels.Curves("L", "L.", [panels.Series("a", x, y)], log_x=True, log_y=True),
        panels.Curves("R", "R.", [panels.Series("a", x, y), panels.Series("b", x, y)], rows=True),
        panels.Heat("H", "H.", np.full((2, 2), np.nan)),
        panels.Histogram("D", "D.", {"none": np.full(3, np.nan), "empty": np.empty(0)}),
    )
    assert len(plots(text)) == 5
    assert not re.search(r"\bNaN\b|\bInfinity\b", json.dumps(plots(text)))


def test_work_in_progress_makes_the_page_read_itself_again():
    going = panels.Done("Points", "Points of a sweep.", done=3, total=8, failed=1)
    text = page(going)
    assert 'data-refresh="10"' in text
    assert "3 of 8 done, 1 of them failed" in Elements(text).text
    assert 'id="pause"' in text
    assert 'data-refresh="0"' in page(panels.Done("Points", "Done.", done=8, total=8))


class Sweep:
    """As a sweep may look: axes, intervals, and work that is left."""

    panels = f"{__name__}:sweep_panels"
    provenance = MappingProxyType({"seed": 7, "model": "CA3Memory"})

    def facts(self) -> dict[str, Any]:
        return {"axes": "load", "trials": 20}


def sweep_panels(sweep: Sweep) -> Any:
    load = np.array([4.0, 8.0, 16.0])
    right = np.array([1.0, 0.9, 0.4])
    yield panels.Done("Points", "Points of the sweep that are done.", 3, 5)
    yield panels.Curves(
        "Exact recall", "Fraction of items recalled exactly; the band is the 95 % interval.",
        [panels.Series("robust", load, right, low=right - 0.1, high=np.minimum(right + 0.1, 1)),
         panels.Series("theory", load, np.exp(-load / 30), dashed=True)],
        x="load (items)", y="exact recall", y_range=(0, 1.02),
    )  # fmt: skip


def test_a_class_of_ones_own_brings_its_panels(tmp_path):
    out = sm.report(Sweep(), tmp_path / "sweep.html")
    text = out.read_text(encoding="utf-8")
    elements = Elements(text).text
    assert "3 of 5 done" in elements
    assert "95 % interval" in elements
    assert "CA3Memory" in elements
    low, high = arrays(plots(text), "low")[0], arrays(plots(text), "high")[0]
    assert np.allclose(low, [0.9, 0.8, 0.3])
    assert np.allclose(high, [1.0, 1.0, 0.5])


def test_panels_may_be_a_method_and_their_name_must_lead_somewhere(tmp_path):
    class Own:
        def panels(self) -> Any:
            yield panels.Rows("Mine", "A table.", [("a",), ("b",)])

    assert "A table." in html(page_of_object(Own()))
    for name in ("nosuchmodule:f", "spikemem.panels:nosuch", "spikemem"):
        wrong = type("Wrong", (), {"panels": name})()
        with pytest.raises(sm.DescriptionError, match=r"Wrong\.panels must name a function"):
            sm.report(wrong, tmp_path / "page.html")


def test_panels_must_be_panels(tmp_path):
    with pytest.raises(sm.DescriptionError, match=r"objects of spikemem\.panels, got 3"):
        page(3)
    for wrong in (3, None, sm.Network, [1, 2]):
        with pytest.raises(sm.DescriptionError, match="thing must be the path of a file, or an"):
            sm.report(wrong, tmp_path / "page.html")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: panels.Series("a", [1, 2], [1]), "must have one length"),
        (lambda: panels.Series("a", [1], [1], low=[1]), "low and high together"),
        (lambda: panels.Series("a", [1], [1], style="dots"), "'dots' is not a valid choice"),
        (lambda: panels.Band("a", 2, [0, 1], [1.0]), "one length"),
        (lambda: panels.Heat("t", "c", [1, 2]), "values must have shape"),
        (lambda: panels.Heat("t", "c", [["a"]]), "values must be an array of numbers"),
        (lambda: panels.Rows("t", "c", [("a",), ("b", "c")]), "rows of one length"),
        (lambda: panels.Curves("t", "c", [3]), "must be a Series"),
        (lambda: panels.Curves("t", "c", [], y_range=(1, 0)), r"y_range must be \(low, high\)"),
        (lambda: panels.Curves("t", "c", [], marks=[(1, 2)]), "marks.0.: name must be a str"),
        (lambda: panels.Done("t", "c", -1, 2), "done must be an int >= 0"),
    ],
)  # fmt: skip
def test_bad_panels_are_refused(call, message):
    with pytest.raises(sm.DescriptionError, match=message):
        call()


def contrast(color: str, ground: str) -> float:
    """Ratio of the luminances of two colours, as WCAG defines it."""

    def luminance(text: str) -> float:
        parts = [int(text[k : k + 2], 16) / 255 for k in (1, 3, 5)]
        lin = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        return 0.2126 * lin[0] + 0.7152 * lin[1] + 0.0722 * lin[2]

    high, low = sorted((luminance(color), luminance(ground)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_colours_can_be_read():
    assert contrast("#000000", "#ffffff") == pytest.approx(21.0)
    for color in (*COLORS, TEXT, GREY, "#4b5563", "#00558a", "#a33a00"):
        assert contrast(color, "#ffffff") >= 4.5, color
    for color in ("#00558a", "#4b5563"):
        assert contrast(color, "#f3f4f6") >= 4.5


def refused(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    capsys.readouterr()
    assert main(["report", *map(str, words)]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("spikemem: error: ")
    assert captured.err.count("\n") == 1
    return captured.err


def test_the_command_writes_a_page(both, capsys):
    assert main(["report", str(both)]) == 0
    out = both.with_name("both-report.html")
    assert capsys.readouterr().out == f"{out}\n"
    assert out.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert "exists already; --overwrite replaces it" in refused(capsys, both)
    assert main(["report", str(both), "--overwrite", "-q"]) == 0
    assert capsys.readouterr().out == ""


def test_bad_files_are_one_line(both, tmp_path, capsys):
    out = tmp_path / "page.html"
    other = tmp_path / "other.h5"
    other.write_text("not HDF5")
    cut = tmp_path / "cut.h5"
    cut.write_bytes(both.read_bytes()[:-500])
    assert "does not exist" in refused(capsys, tmp_path / "none.h5", "--out", out)
    assert "not a regular file" in refused(capsys, "/dev/null", "--out", out)
    assert "damaged" in refused(capsys, other, "--out", out)
    assert "damaged" in refused(capsys, cut, "--out", out)
    assert "no folder" in refused(capsys, both, "--out", tmp_path / "none" / "page.html")
    assert "is a folder" in refused(capsys, both, "--out", tmp_path)
    assert "the file itself" in refused(capsys, both, "--out", both, "--overwrite")
    assert "--every cannot be used with" in refused(capsys, both, "--out", out, "--every", 3)
    assert sm.load(both, "network").content_hash == small_network().content_hash
    assert {path.name for path in tmp_path.iterdir()} == {"both.h5", "other.h5", "cut.h5"}


def test_an_error_leaves_the_old_page(both, tmp_path, monkeypatch):
    out = tmp_path / "page.html"
    out.write_text("old")
    both.write_bytes(both.read_bytes()[:-500])
    with pytest.raises(sm.StorageError, match="damaged"):
        sm.report(both, out)
    assert out.read_text() == "old"
    assert {path.name for path in tmp_path.iterdir()} == {"both.h5", "page.html"}


def test_without_bokeh_the_message_names_the_extra(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "bokeh", None)
    monkeypatch.setitem(sys.modules, "bokeh.plotting", None)
    with pytest.raises(sm.BackendMissing, match=r'pip install "\.\[report\]"'):
        sm.report(small_network(), tmp_path / "page.html")


def test_bokeh_is_imported_when_it_is_used():
    code = (
        "import sys, spikemem as sm\n"
        "from spikemem import panels, reporting\n"
        "from spikemem.cli import report\n"
        "assert sm.report and 'bokeh' not in sys.modules\n"
        "assert 'matplotlib' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_watching_follows_the_file(both, tmp_path, monkeypatch):
    """The file changes twice, is gone, is damaged, and comes back."""
    monkeypatch.setattr("spikemem.reporting.writing._LOOK", 0.0)
    out, seen = tmp_path / "page.html", []
    whole = both.read_bytes()

    def network_named(name: str) -> None:
        sm.Network([sm.Population(name, sm.SpikeSource.from_lists([[1.0]]))]).save(both)

    steps = [
        lambda: network_named("network-two"),
        lambda: both.unlink(),
        lambda: both.write_bytes(whole[:-300]),
        lambda: network_named("network-three"),
        lambda: None,
    ]

    def ended() -> bool:
        text = out.read_text(encoding="utf-8")
        seen.append(
            [name for name in ("Weights of learnt", "network-two", "network-three") if name in text]
        )
        assert 'data-refresh="2"' in text
        steps.pop(0)()
        return not steps

    reporting.watch(both, out, every=2.0, written=lambda path: None, ended=ended)
    assert seen == [
        ["Weights of learnt"],
        ["network-two"],
        ["network-two"],
        ["network-two"],
        ["network-three"],
    ]
    text = out.read_text(encoding="utf-8")
    assert 'data-refresh="0"' in text
    assert "network-three" in text


def test_watching_needs_a_file_at_the_beginning(tmp_path):
    with pytest.raises(sm.StorageError, match="no such file"):
        reporting.watch(tmp_path / "none.h5", tmp_path / "page.html")
    assert not list(tmp_path.iterdir())
