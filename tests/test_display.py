"""What objects show of themselves: one line of text, and a page with tables and a picture."""

from __future__ import annotations

import base64
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from families import FAMILIES
from samples import RULE, small_network, small_recording

import spikemem as sm
from spikemem.display import MOST_ROWS, View, page
from spikemem.hardware import resistive
from spikemem.networks import dendrites
from spikemem.plotting.views import layers

ROOT = Path(__file__).resolve().parents[1]
VOID = {"br", "img"}


class Page(HTMLParser):
    """Reads a page: tags must be closed in order; cells and pictures are kept."""

    def __init__(self, text):
        super().__init__()
        self.open, self.rows, self.pictures, self.words = [], [], [], []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        assert tag in {"div", "b", "table", "tr", "th", "td", *VOID}
        if tag == "img":
            self.pictures.append(dict(attrs))
        if tag == "tr":
            self.rows.append([])
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)
        if self.open and self.open[-1] in ("td", "th"):
            self.rows[-1].append(data)


def read(thing):
    return Page(thing._repr_html_())


def png_of(shown):
    (picture,) = shown.pictures
    assert picture["alt"]
    return base64.b64decode(picture["src"].removeprefix("data:image/png;base64,"))


def test_a_network_shows_its_parts():
    shown = read(small_network())
    assert ["synapses", "9 (3 plastic)"] in shown.rows
    assert ["out", "3", "LIF", "spikes, v"] in shown.rows
    assert ["learnt", "in", "out", "3", "1 to 3 nA", "1 ms", "excitatory, plastic"] in shown.rows
    assert png_of(shown).startswith(b"\x89PNG")


def test_a_recording_shows_rates():
    shown = read(small_recording())
    assert ["time", "0 to 4 ms, dt = 1 ms"] in shown.rows
    # Three spikes of three cells in 4 ms.
    assert ["out", "3", "3", "250 Hz"] in shown.rows
    assert ["learnt", "2", "0.5 to 1.5 nA"] in shown.rows
    assert png_of(shown)
    assert not read(sm.Recording(spikes={})).pictures
    many = {f"p{k}": sm.SpikeTrains.empty(1) for k in range(30)}
    assert not read(sm.Recording(spikes=many)).pictures


@pytest.mark.parametrize("family", FAMILIES, ids=[family.name for family in FAMILIES])
def test_every_family_shows_itself(family):
    for model in (family.trained(), family.untrained()):
        shown = read(model)
        assert shown.words[0] == type(model).__name__
        assert len(shown.rows) > 3
        assert png_of(shown)


def test_a_memory_shows_what_it_holds():
    memory = sm.CA3Memory(4, 40, contents={2: [7, 3], 0: range(30)})
    shown = read(memory)
    assert ["stored", "2 of 4 cues hold something"] in shown.rows
    assert ["2", "3, 7"] in shown.rows
    assert any(row[1].endswith("15, … (30 in all)") for row in shown.rows if len(row) == 2)
    assert memory.time == 0


def test_dendrites_show_what_they_hold():
    neurons = sm.ActiveDendriteNeurons(100, n_segments=4, synapses_per_segment=6, threshold=5)
    neurons.store(sm.random_patterns(3, size=100, active=10, seed=1))
    assert ["stored", "3 patterns on 3 segments"] in read(neurons).rows
    assert ["synapses", "18, 18 connected"] in read(neurons).rows
    two = sm.ActiveDendriteNeurons(100, n_neurons=2, n_segments=4)
    assert png_of(read(two))
    assert ["learnt", "0 segments on 0 cells"] in read(dendrites.TemporalMemory(2000)).rows


def test_an_answer_shows_what_was_asked():
    memory = sm.CA3Memory(4, 8, contents={1: [2, 5]}, backend="native")
    shown = read(memory.recall(cue=1))
    assert shown.rows[:2] == [["asked", "RecallCue(cue=1)"], ["answer", "2, 5"]]
    assert ["latency", "6 ms"] in shown.rows
    assert not shown.pictures
    assert ["answer", "none"] in read(memory.recall(cue=0)).rows


EVIL = "<b>&\"'</b>$x$"


def test_names_are_escaped():
    source = sm.SpikeSource(spikes=sm.SpikeTrains(ids=[0], times=[1.0], size=1))
    name = EVIL.replace("/", "|")
    network = sm.Network(populations=[sm.Population(name=name, cell=source)])
    recording = sm.Recording(spikes={name: sm.SpikeTrains.empty(1)}, stop=1.0)
    for thing in (network, recording):
        assert any(name in row for row in read(thing).rows)


def test_long_tables_end_with_how_many_are_left():
    class Long:
        view = f"{__name__}:long_view"

    sys.modules[__name__].long_view = lambda _: View(
        {"a": "1\n2", "b": None, "c": {}},
        {"t": [["k"], *([str(k)] for k in range(40))], "empty": [["x"]]},
    )
    shown = Page(page(Long()))
    assert f"… and {40 - MOST_ROWS} more" in shown.words
    assert len(shown.rows) == 2 + MOST_ROWS
    assert "empty" not in shown.words


def test_populations_are_laid_out_by_their_distance_from_the_sources():
    assert layers(small_network()) == [["in"], ["out"]]
    cells = [sm.Population(name=name, cell=sm.LIF(), size=1) for name in "abcd"]
    wires = [sm.Projection.one_to_one(x + y, x, y, weight=1.0, delay=1.0)
             for x, y in ("ab", "bb", "cd", "dc")]  # fmt: skip
    assert layers(sm.Network(populations=cells, projections=wires)) == [["a"], ["b"], ["c", "d"]]


def test_nothing_is_drawn_before_a_notebook_asks():
    code = (
        "import sys, spikemem as sm; m = sm.CA3Memory(2, 3); repr(m);"
        "assert 'matplotlib' not in sys.modules; m._repr_html_();"
        "assert 'matplotlib' in sys.modules and 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def lines():
    """One object of each public class, with large arrays where it can have them."""
    network, large = small_network(), sm.LIF(tau_m=np.full(5000, 3.0))
    neurons = sm.ActiveDendriteNeurons(64)
    ones = np.ones((60, 50))
    wire = sm.Projection(name="p", pre="a", post="b", i=np.arange(5000), j=np.arange(5000),
                         weight=np.ones(5000), delay=1.0, plasticity=RULE)  # fmt: skip
    yield from (network, small_recording(), large, network.population("in").cell, wire, RULE)
    yield from (sm.Population(name="a", cell=large, size=5000, v_init=np.full(5000, -65.0)),)
    yield sm.STDP(a_plus=1.0, a_minus=1.0, w_max=1.0, enabled=[(k, k + 0.5) for k in range(900)])
    yield from (network.synapses("learnt"), sm.SpikeTrains.empty(3), sm.Session(network))
    yield from (device() for device in resistive.DEVICES.values())
    pcm = resistive.PCM()
    yield from (resistive.program(pcm, ones), resistive.Crossbar(pcm, ones))
    yield from (resistive.write(pcm, network), resistive.Faults(), resistive.Converters())
    yield from (resistive.BitSlices(), resistive.DifferentialPair(), resistive.Periphery())
    yield from (family.trained() for family in FAMILIES)
    yield from (neurons, neurons.spiking(), dendrites.TemporalMemory(64))
    yield from (dendrites.TemporalMemory(64).spiking(), dendrites.PermanenceRule())
    memory = sm.CA3Memory(2, 300, contents={0: range(300)})
    yield from (memory.parameters, memory.health(), sm.Learn(0, np.ones(300, bool)))
    yield from (sm.RecallContent(range(300)), sm.Recall([1], operation=None))


def test_texts_are_one_short_line_without_arrays():
    seen = set()
    for thing in lines():
        text = repr(thing)
        seen.add(type(thing).__name__)
        assert text.startswith(type(thing).__name__), text
        assert "\n" not in text
        assert "array(" not in text
        assert " object at " not in text
        assert len(text) <= 300, text
    assert len(seen) > 30


def test_texts_say_sizes_and_ranges():
    text = repr(small_network().population("out").cell)
    assert text.startswith("LIF(tau_m=<3 values, 3 to 5>, cm=0.27, ")
    assert repr(sm.Learn(3, [1, 5])) == "Learn(cue=3, content=(1, 5))"
    assert re.fullmatch(r"Crossbar\(PCM, 2 inputs × 3 outputs, 0 s old\)",
                        repr(resistive.Crossbar(resistive.PCM(), np.ones((2, 3)))))  # fmt: skip
