"""Reports opened in headless Chromium: they draw, the console is clean, and nothing is loaded."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from browser import CHROMIUM, Browser, browser
from families import FAMILIES
from samples import small_network, small_recording
from test_report import NASTY, Sweep

import spikemem as sm
from spikemem import panels
from spikemem.hardware.resistive import PCM, Faults, program

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is found on the path")

COLOURS = 8
"""A picture with fewer colours shows axes at most."""


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browser(tmp_path_factory.mktemp("browser")) as found:
        yield found


def opened(tab: Browser, page: Path, *, phone: bool = False) -> dict[str, object]:
    """Open a page and check what holds for every one of them."""
    tab.complaints.clear()
    tab.requests.clear()
    tab.size(390 if phone else 1400, 844 if phone else 1800, phone=phone)
    tab.open(page)
    found = tab.look()
    assert tab.complaints == []
    assert [url for url in tab.requests if not url.startswith("data:")] == [page.as_uri()]
    assert found["failed"] == 0
    assert found["charts"]
    assert min(found["charts"].values()) >= COLOURS, found["charts"]
    assert found["wide"] <= 0, "the page is wider than the window"
    return found


def test_a_page_draws_on_a_desk_and_on_a_phone(tab, tmp_path):
    file = small_recording().save(tmp_path / "both.h5", network=small_network())
    page = sm.report(file, tmp_path / "page.html")
    for phone in (False, True):
        found = opened(tab, page, phone=phone)
        assert len(found["charts"]) >= 8
        assert "Input spikes" in found["text"]


def test_the_test_notices_what_is_wrong(tab, tmp_path):
    """An empty chart, an error, a warning, and a request are all seen."""
    text = sm.report(small_network(), tmp_path / "page.html").read_text(encoding="utf-8")
    page = tmp_path / "bad.html"
    bad = (
        '<div class="chart" id="empty"><canvas width="99" height="99"></canvas></div>'
        "<script>console.warn('a warning'); setTimeout(() => { throw Error('thrown'); }, 0);"
        "fetch('https://localhost:1/x').catch(() => 0);</script></main>"
    )
    page.write_text(text.replace("</main>", bad), encoding="utf-8")
    tab.complaints.clear()
    tab.requests.clear()
    tab.open(page)
    assert tab.look()["charts"]["empty"] == 1
    complaints = " ".join(tab.complaints)
    assert "a warning" in complaints
    assert "thrown" in complaints
    assert "https://localhost:1/x" in tab.requests


@pytest.mark.slow
def test_the_pages_of_a_running_sweep_keep_their_zoom(tab, tmp_path):
    page = sm.report(Sweep(), tmp_path / "sweep.html", refresh=1.0)
    opened(tab, page)
    start = "[...Bokeh.documents].flatMap((doc) => doc.roots())[0].x_range.start"
    tab.evaluate(
        "[...Bokeh.documents].flatMap((doc) => doc.roots())[0].x_range.setv({start: 5, end: 9})"
    )
    tab.evaluate("window.old = true")
    tab.wait("window.old !== true && document.body.dataset.ready === 'true'")
    assert tab.evaluate(start) == 5
    assert tab.complaints == []
    tab.evaluate("document.getElementById('pause').click()")
    tab.evaluate("window.old = true")
    tab.evaluate("new Promise((done) => setTimeout(done, 1500))")
    assert tab.evaluate("window.old") is True


@pytest.mark.slow
def test_dragging_zooms_and_a_button_hides(tab, tmp_path):
    x = np.arange(100.0)
    lines = [panels.Series(name, x, np.sin(x / k)) for k, name in ((5, "first"), (9, "second"))]
    page = sm.report(_Lines(lines), tmp_path / "lines.html")
    opened(tab, page)
    root = "[...Bokeh.documents].flatMap((doc) => doc.roots())[0]"
    before = tab.evaluate(f"[{root}.x_range.start, {root}.x_range.end]")
    box = tab.evaluate(
        "(() => { const b = document.querySelector('.chart')"
        ".getBoundingClientRect(); return [b.left, b.top, b.width, b.height]; })()"
    )
    left, top, width, height = box
    places = [(left + width * a, top + height * b) for a, b in ((0.3, 0.4), (0.5, 0.6), (0.6, 0.7))]
    for kind, (px, py) in zip(("mousePressed", "mouseMoved", "mouseReleased"), places, strict=True):
        tab.call("Input.dispatchMouseEvent", type=kind, x=px, y=py, button="left", buttons=1,
                 clickCount=1)  # fmt: skip
    after = tab.evaluate(f"[{root}.x_range.start, {root}.x_range.end]")
    assert before[0] < after[0] < after[1] < before[1]
    visible = f"{root}.renderers.map((r) => r.visible)"
    assert all(tab.evaluate(visible))
    tab.evaluate("document.querySelector('.legend button').click()")
    assert sum(tab.evaluate(visible)) == 1
    assert tab.complaints == []


class _Lines:
    panels = f"{__name__}:lines_of"

    def __init__(self, lines: list[panels.Series]) -> None:
        self.lines = lines


def lines_of(thing: _Lines) -> list[panels.Panel]:
    return [panels.Curves("Lines", "Two lines.", thing.lines, x="x", y="y")]


@pytest.mark.slow
def test_names_are_shown_as_text_on_hover(tab, tmp_path):
    source = sm.Population(NASTY, sm.SpikeSource.from_lists([[5.0]], duration=10.0))
    page = sm.report(sm.simulate(sm.Network([source]), backend="native"), tmp_path / "n.html")
    opened(tab, page)
    x, y = tab.evaluate(
        """(() => {
          const view = Array.from(Bokeh.index)[0], frame = view.frame;
          const box = view.el.getBoundingClientRect();
          return [box.left + frame.x_scale.compute(5), box.top + frame.bbox.vcenter];
        })()"""
    )
    tab.call("Input.dispatchMouseEvent", type="mouseMoved", x=x + 20, y=y)
    tab.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
    tab.evaluate("new Promise((done) => setTimeout(done, 200))")
    found = tab.evaluate(
        """(() => {
          const texts = [];
          const walk = (root) => {
            for (const one of root.querySelectorAll("*")) {
              if (one.shadowRoot) walk(one.shadowRoot);
              else if (!["STYLE", "SCRIPT"].includes(one.tagName)) texts.push(one.textContent);
            }
          };
          walk(document);
          return texts.join(" ");
        })()"""
    )
    assert NASTY in found
    assert "5 ms" in found
    assert tab.complaints == []


def small_array() -> object:
    weights = np.random.default_rng(0).normal(size=(6, 5))
    return program(PCM(), weights, seed=1, faults=Faults(stuck_low=0.1, stuck_high=0.1))


@pytest.mark.slow
@pytest.mark.parametrize("family", [*FAMILIES, None], ids=lambda f: f.name if f else "array")
def test_the_page_of_every_kind_of_file_draws(tab, tmp_path, family):
    thing = small_array() if family is None else family.trained()
    page = sm.report(thing.save(tmp_path / "file.h5"), tmp_path / "page.html")
    for phone in (False, True):
        opened(tab, page, phone=phone)


@pytest.mark.slow
def test_every_kind_of_panel_draws(tab, tmp_path):
    """Large ones, empty ones, and ones with values that are not finite."""
    rng = np.random.default_rng(0)
    n, gaps = 200_000, np.array([0.0, np.nan, 2.0, np.inf, 1.0])
    x = np.arange(5.0)
    band = panels.Band("many", 500, rng.integers(0, 500, n), rng.uniform(0, 1000, n))
    mixed = panels.Series("gaps", x, gaps, low=gaps - 1, high=gaps + 1)
    page = sm.report(
        _Any(
            panels.Raster("Spikes", "Spikes.", [band, panels.Band("none", 3, [], [])], 0, 1000,
                          marks=[(k * 30.0, f"mark {k}") for k in range(30)]),
            panels.Curves("C", "C.", [mixed], marks=[(1.0, "here")]),
            panels.Curves("P", "P.", [panels.Series("p", x, gaps, low=gaps, high=gaps,
                                                    style="points")]),
            panels.Curves("L", "L.", [panels.Series("l", x, gaps)], log_x=True, log_y=True),
            panels.Curves("R", "R.", [panels.Series("a", x, gaps), panels.Series("b", x, x)],
                          rows=True),
            panels.Heat("H", "H.", rng.normal(size=(900, 400))),
            panels.Heat("K", "K.", [[0, 1], [2, 0]], names=("no", "yes", "both")),
            panels.Heat("W", "W.", [[0.5, np.nan], [0.1, 0.9]], written=True, rows=("a", "b")),
            panels.Histogram("D", "D.", {"one": rng.normal(size=1000), "none": np.empty(0)}),
            panels.Graph("G", "G.", [[panels.Box("a")], [panels.Box("b"), panels.Box("c")]],
                         [panels.Arrow("ab", "a", "b"), panels.Arrow("bc", "b", "c", blocks=True),
                          panels.Arrow("cb", "c", "b"), panels.Arrow("cc", "c", "c"),
                          panels.Arrow("ca", "c", "a", dashed=True)]),
        ),
        tmp_path / "page.html",
    )  # fmt: skip
    found = opened(tab, page)
    assert len(found["charts"]) == 10
    opened(tab, page, phone=True)


class _Any:
    panels = f"{__name__}:any_panels"

    def __init__(self, *what: panels.Panel) -> None:
        self.what = what


def any_panels(thing: _Any) -> tuple[panels.Panel, ...]:
    return thing.what
