"""Plots: what they show, that they give back their Axes, and that they change nothing else."""

from __future__ import annotations

import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from nonsense import nonsense
from samples import small_network, small_recording

import spikemem as sm
from spikemem import plotting
from spikemem.errors import DescriptionError

ROOT = Path(__file__).resolve().parents[1]
BITS = np.array([[1, 1, 0, 0], [0, 1, 1, 0]], dtype=bool)
CALLS = {
    "raster": lambda ax=None: plotting.raster(small_recording(), ax=ax),
    "traces": lambda ax=None: plotting.traces(small_recording(), "out", ax=ax),
    "weights": lambda ax=None: plotting.weights(small_recording(), "learnt", ax=ax),
    "weight_matrix": lambda ax=None: plotting.weight_matrix(small_network(), "learnt", ax=ax),
    "images": lambda ax=None: plotting.images(BITS, ~BITS, (2, 2), ax=ax),
}


@pytest.fixture(autouse=True)
def no_show(monkeypatch):
    def fail(*args, **kwargs):
        raise AssertionError("a plot must not be shown")

    monkeypatch.setattr(pyplot, "show", fail)


@pytest.mark.parametrize("name", CALLS)
def test_axes_in_axes_out(name):
    before = dict(mpl.rcParams)
    figure, (left, right) = pyplot.subplots(1, 2)
    assert CALLS[name](left) is left
    assert not right.has_data()
    assert len(pyplot.get_fignums()) == 1
    own = CALLS[name]()
    assert isinstance(own, Axes)
    assert own.figure is not figure
    figure.canvas.draw()
    own.figure.canvas.draw()
    assert dict(mpl.rcParams) == before


def test_matplotlib_is_imported_by_the_first_plot_only():
    code = "import sys, spikemem.plotting; assert 'matplotlib' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def marks(ax):
    """Spikes of each population in the order of the axis: times and rows."""
    return [line.get_data() for line in ax.lines if line.get_marker() == "|"]


def test_a_raster_has_a_row_for_each_cell():
    ax = plotting.raster(small_recording())
    (times, rows), (no_times, _) = marks(ax)
    assert times.tolist() == [1.0, 1.0, 3.0]
    assert len(no_times) == 0
    height = ax.get_ylim()[1]
    assert np.allclose(rows / height * 5, [0.5, 1.5, 2.5])
    assert [label.get_text() for label in ax.get_yticklabels()] == ["out (3)", "in (2)"]
    assert ax.get_xlim() == (0.0, 4.0)
    assert ax.get_xlabel() == "time (ms)"


def test_a_raster_of_a_window_and_of_some_populations():
    ax = plotting.raster(small_recording(), populations=["out"], window=(2.0, 3.5))
    ((times, _),) = marks(ax)
    assert times.tolist() == [3.0]
    assert ax.get_xlim() == (2.0, 3.5)
    assert len(marks(plotting.raster(small_recording(), "in"))) == 1


@pytest.mark.parametrize("sizes", [(1,), (10_000,), (1, 10_000, 3), (1,) * 12])
def test_a_raster_is_readable_at_every_size(sizes):
    rng = np.random.default_rng(0)
    spikes = {
        f"population {k}": sm.SpikeTrains(
            ids=rng.integers(size, size=40), times=np.arange(40.0), size=size
        )
        for k, size in enumerate(sizes)
    }
    ax = plotting.raster(sm.Recording(spikes=spikes, stop=40.0))
    ax.figure.canvas.draw()
    boxes = [label.get_window_extent() for label in ax.get_yticklabels()]
    for below, above in pairwise(boxes):
        assert below.y1 <= above.y0 + 1
    assert all(line.get_markersize() >= 2 for line in ax.lines if line.get_marker() == "|")
    assert len({line.get_color() for line in ax.lines if line.get_marker() == "|"}) == min(
        len(sizes), len(plotting.COLORS)
    )
    assert ax.figure.get_size_inches()[1] <= 6.0


def test_a_raster_of_silence_and_without_an_end():
    plotting.raster(sm.Recording(spikes={"a": sm.SpikeTrains.empty(3)})).figure.canvas.draw()
    trains = sm.SpikeTrains(ids=[0], times=[7.0], size=1)
    assert plotting.raster(sm.Recording(spikes={"a": trains})).get_xlim()[1] > 7.0


def test_traces_are_in_mV_over_ms():
    recording = small_recording()
    ax = plotting.traces(recording, "out", cells=[2, 0])
    assert [line.get_label() for line in ax.lines] == ["cell 2", "cell 0"]
    assert np.array_equal(ax.lines[0].get_ydata(), recording.traces["out", "v"][:, 2])
    assert ax.lines[0].get_xdata().tolist() == [0.0, 1.0, 2.0, 3.0]
    assert ax.get_ylabel() == "out: v (mV)"
    assert ax.get_legend() is not None
    assert plotting.traces(recording, "out", cells=1).get_legend() is None


def test_traces_show_some_cells_of_many():
    recording = sm.Recording(spikes={}, traces={("a", "v"): np.zeros((3, 50))}, stop=3.0)
    assert len(plotting.traces(recording, "a").lines) == 7
    assert len(plotting.traces(recording, "a", range(50)).lines) == 50


def test_weights_over_time_and_at_the_end():
    few = plotting.weights(small_recording(), "learnt")
    assert len(few.lines) == 2
    assert (few.get_xlabel(), few.get_ylabel()) == ("time (ms)", "weight (nA)")
    final = plotting.weights(small_recording(traces={}), "learnt")
    assert sum(patch.get_height() for patch in final.patches) == 2
    many = plotting.weights(np.ones((5, 300)))
    assert many.images[0].get_array().shape == (300, 5)
    assert many.get_xlabel() == "step"
    plotting.weights(np.empty((0, 3))).figure.canvas.draw()


def test_a_weight_matrix_has_gaps_where_there_is_no_synapse():
    ax = plotting.weight_matrix(small_network(), "learnt")
    matrix = ax.images[0].get_array()
    expected = np.array([[np.nan, np.nan, 1.0], [2.0, 3.0, np.nan]])
    assert np.array_equal(matrix.filled(np.nan), expected, equal_nan=True)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("post: out", "pre: in")
    after = plotting.weight_matrix(small_network(), "learnt", [4.0, 5.0, 6.0])
    assert after.images[0].get_array().compressed().tolist() == [4.0, 5.0, 6.0]
    recording = small_recording(weights={"learnt": [0.0, 1.0, 2.0]}, traces={})
    again = plotting.weight_matrix(small_network(), "learnt", recording)
    assert again.images[0].get_array().compressed().tolist() == [0.0, 1.0, 2.0]


def test_a_large_weight_matrix_shows_every_synapse():
    n = 3000
    cells = sm.Population(name="a", cell=sm.LIF(), size=n)
    wire = sm.Projection(name="p", pre="a", post="a", i=[0, n - 1], j=[n - 1, 7], weight=[1, 2],
                         delay=1.0)  # fmt: skip
    ax = plotting.weight_matrix(sm.Network(populations=[cells], projections=[wire]), "p")
    assert sorted(ax.images[0].get_array().compressed().tolist()) == [1.0, 2.0]
    assert ax.get_xlim() == (-0.5, n - 0.5)


def test_images_mark_every_wrong_pixel():
    recalled = np.array([[1, 0, 1, 0], [0, 1, 1, 0]], dtype=bool)
    ax = plotting.images(BITS, recalled, (2, 2), labels=["one", 2])
    canvas = ax.images[0].get_array()
    assert [int(np.count_nonzero(canvas == code)) for code in range(4)] == [7, 7, 1, 1]
    legend = ax.get_legend()
    assert [text.get_text() for text in legend.get_texts()] == ["missing (1)", "extra (1)"]
    colors = {to_hex(patch.get_facecolor()) for patch in legend.get_patches()}
    assert len(colors) == 2
    assert [text.get_text() for text in ax.texts] == ["one", "2"]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["stored", "recalled"]


@pytest.mark.parametrize("n", [1, 3, 16, 40])
def test_labels_of_images_do_not_overlap(n):
    patterns = np.ones((n, 64), dtype=bool)
    ax = plotting.images(patterns, patterns, (8, 8), labels=["a rather long label"] * n)
    ax.figure.canvas.draw()
    boxes = [text.get_window_extent() for text in ax.texts]
    for k, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[k + 1 :])
    assert len(ax.get_yticklabels()) == 2 * -(-n // 16)


def test_one_pattern_needs_no_list():
    assert plotting.images(BITS[0], BITS[0], (1, 4)).images


REFUSED = {
    "unknown population": (lambda: plotting.raster(small_recording(), ["outt"]), "Did you mean"),
    "no population": (lambda: plotting.raster(sm.Recording(spikes={})), "no population to draw"),
    "empty window": (
        lambda: plotting.raster(small_recording(), window=(3, 3)), r"must be \(start, stop\)",
    ),
    "no trace": (lambda: plotting.traces(small_recording(), "in"), r"recorded 'v' \(have: out\)"),
    "no cell": (lambda: plotting.traces(small_recording(), "out", [3]), "from 0 to 2, got 3"),
    "no weights": (lambda: plotting.weights(small_recording(), "learn"), "Did you mean 'learnt'"),
    "no name": (lambda: plotting.weights(small_recording()), "None is not a projection"),
    "no projection": (lambda: plotting.weight_matrix(small_network(), "x"), "have: fixed, learnt"),
    "weights of another size": (
        lambda: plotting.weight_matrix(small_network(), "learnt", [1.0]), r"shape \(3,\), got \(1,",
    ),
    "weights of another network": (
        lambda: plotting.weight_matrix(small_network(), "fixed", small_recording()),
        "with weights",
    ),
    "shapes": (lambda: plotting.images(BITS, BITS[:1], (2, 2)), "equal shapes"),
    "shape": (lambda: plotting.images(BITS, BITS, (3, 2)), "must hold 4 pixels"),
    "labels": (lambda: plotting.images(BITS, BITS, (2, 2), labels=["a"]), "one for each pattern"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_refused(case):
    call, match = REFUSED[case]
    with pytest.raises(DescriptionError, match=match):
        call()
    assert not pyplot.get_fignums()


@pytest.mark.parametrize("call", [
    plotting.raster,
    lambda x: plotting.raster(small_recording(), x),
    lambda x: plotting.raster(small_recording(), window=x),
    lambda x: plotting.traces(x, "out"),
    lambda x: plotting.traces(small_recording(), x),
    lambda x: plotting.traces(small_recording(), "out", x),
    plotting.weights,
    lambda x: plotting.weights(small_recording(), x),
    lambda x: plotting.weight_matrix(x, "learnt"),
    lambda x: plotting.weight_matrix(small_network(), x),
    lambda x: plotting.weight_matrix(small_network(), "learnt", x),
    lambda x: plotting.images(x, BITS, (2, 2)),
    lambda x: plotting.images(BITS, x, (2, 2)),
    lambda x: plotting.images(BITS, BITS, x),
    lambda x: plotting.images(BITS, BITS, (2, 2), x),
])  # fmt: skip
def test_nonsense_meets_a_description(call):
    for value in nonsense():
        try:
            call(value)
        except DescriptionError:
            continue
        finally:
            pyplot.close("all")
