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
    assert ax.get_ylabel() == "out: v"
    one = plotting.traces(recording, "out", cells=[2, 0], offset=False)
    assert np.array_equal(one.lines[1].get_ydata(), recording.traces["out", "v"][:, 0])
    assert one.get_ylabel() == "out: v (mV)"
    assert one.get_legend() is not None
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


def test_images_take_sets():
    stored, recalled = [{0, 3}], [{0, 1}]
    drawn = [plotting.images(*pair, (2, 2)).images[0].get_array() for pair in (
        (stored, recalled), (sm.Patterns(stored, size=4), [[1, 1, 0, 0]]),
    )]  # fmt: skip
    assert np.array_equal(*drawn)
    with pytest.raises(DescriptionError, match="images: stored must name cells from 0 to 3"):
        plotting.images([{4}], recalled, (2, 2))


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


def spiking(n_spikes):
    """A recording of one cell with this many spikes, one each millisecond."""
    trains = sm.SpikeTrains(ids=np.zeros(n_spikes, int), times=np.arange(float(n_spikes)), size=1)
    return sm.Recording(spikes={"a": trains}, stop=float(n_spikes))


@pytest.mark.parametrize(
    ("n", "width", "pixels"),
    [(5000, 1.4, False), (5001, 0.6, False), (20_000, 0.6, False), (20_001, 0.6, True)],
)
def test_marks_are_thinner_above_5000_spikes_and_pixels_above_20000(n, width, pixels):
    (line,) = plotting.raster(spiking(n)).lines
    assert line.get_markeredgewidth() == width
    assert line.get_rasterized() == pixels


@pytest.mark.parametrize(("n", "has"), [(1, False), (2, True), (21, True), (22, False)])
def test_a_legend_of_two_to_twenty_one_lines(n, has):
    recording = sm.Recording(spikes={}, traces={("a", "v"): np.zeros((3, n))}, stop=3.0)
    drawn = plotting.traces(recording, "a", range(n), offset=False)
    assert (drawn.get_legend() is not None) == has


def test_seven_synapses_have_colours_of_their_own_and_eight_share_one():
    seven, eight = (plotting.weights(np.ones((3, n))) for n in (7, 8))
    assert len({line.get_color() for line in seven.lines}) == 7
    assert len(seven.get_legend().get_texts()) == 7
    assert {line.get_color() for line in eight.lines} == {plotting.COLORS[0]}
    assert eight.get_legend() is None


def test_200_synapses_are_lines_and_201_an_image():
    assert len(plotting.weights(np.ones((3, 200))).lines) == 200
    image = plotting.weights(np.ones((3, 201))).images[0]
    assert image.get_array().shape == (201, 3)
    assert tuple(image.get_extent()) == (0.0, 3.0, 0, 201)
    single = plotting.weights(np.ones((1, 201))).images[0]
    assert tuple(single.get_extent()) == (0.0, 1.0, 0, 201)


def matrix_of(n_pre, n_post, weight, i=(0, 0), j=(0, 0)):
    cells = [sm.Population(name=name, cell=sm.LIF(), size=n)
             for name, n in (("a", n_pre), ("b", n_post))]  # fmt: skip
    wire = sm.Projection(name="p", pre="a", post="b", i=i, j=j, weight=weight, delay=1.0)
    return plotting.weight_matrix(sm.Network(populations=cells, projections=[wire]), "p")


@pytest.mark.parametrize(("n", "shown"), [(250, 3.0), (251, 2.0)])
def test_synapses_between_the_same_cells_add_up_while_each_cell_has_a_pixel(n, shown):
    assert matrix_of(n, n, [1.0, 2.0]).images[0].get_array()[0, 0] == shown


@pytest.mark.parametrize(("n_pre", "aspect"), [(8, 1.0), (9, "auto")])
def test_the_pixels_of_a_matrix_are_square_up_to_four_to_one(n_pre, aspect):
    assert matrix_of(n_pre, 2, [1.0, 2.0]).get_aspect() == aspect
    assert matrix_of(2, n_pre, [1.0, 2.0]).get_aspect() == aspect


def test_the_colours_of_a_matrix_go_from_0_to_the_largest_weight_or_to_1():
    assert matrix_of(2, 2, [1.0, 0.25], j=(0, 1)).images[0].get_clim() == (0.0, 1.0)
    assert matrix_of(2, 2, [0.0, 0.5], j=(0, 1)).images[0].get_clim() == (0.0, 0.5)
    assert matrix_of(2, 2, [0.0, 0.0]).images[0].get_clim() == (0.0, 1.0)
    assert matrix_of(2, 2, [], i=(), j=()).images[0].get_clim() == (0.0, 1.0)


def test_a_label_is_cut_only_where_it_does_not_fit():
    def shown(label):
        patterns = np.ones((16, 4), dtype=bool)
        return plotting.images(patterns, patterns, (2, 2), labels=[label] * 16).texts[0].get_text()

    cut = shown("abcdefghijklmnopqrstuvwxyz")
    fits = len(cut)
    assert cut == "abcdefghijklmnopqrstuvwxyz"[: fits - 1] + "…"
    assert shown("x" * fits) == "x" * fits
    assert shown("x" * (fits + 1)) == "x" * (fits - 1) + "…"


@pytest.mark.parametrize(("n", "rows"), [(2, 2), (3, 1)])
def test_the_legend_of_images_is_one_row_above_two_pictures(n, rows):
    patterns = np.ones((n, 4), dtype=bool)
    ax = plotting.images(patterns, patterns, (2, 2))
    ax.figure.canvas.draw()
    heights = {round(text.get_window_extent().y0) for text in ax.get_legend().get_texts()}
    assert len(heights) == rows


NAMES = ("a$b$", "$", r"\$x_$ $", r"in $\frac$", "5$ or 6$")


def texts(ax):
    """What a picture shows as text, as matplotlib lays it out: strings, and which are formulas."""
    ax.figure.canvas.draw()
    return [text._preprocess_math(text.get_text())
            for text in ax.figure.findobj(mpl.text.Text) if text.get_text()]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_names_with_dollar_signs_are_drawn_as_they_are(name):
    source = sm.Population(
        name=name, cell=sm.SpikeSource(spikes=sm.SpikeTrains(ids=[0], times=[1.0], size=1))
    )
    cells = sm.Population(name=f"to {name}", cell=sm.LIF(), size=1)
    rule = sm.STDP(a_plus=1.0, a_minus=1.0, w_max=9.0)
    wire = sm.Projection.all_to_all(
        f"of {name}", name, f"to {name}", weight=1.0, delay=1.0, plasticity=rule
    )
    network = sm.Network(populations=[source, cells], projections=[wire])
    recording = sm.Recording(
        spikes={name: sm.SpikeTrains.empty(2)}, traces={(name, "v"): np.zeros((3, 2))},
        weights={name: [1.0, 2.0]}, stop=3.0,
    )  # fmt: skip
    drawn = {
        f"{name} (2)": plotting.raster(recording),
        f"{name}: v (mV)": plotting.traces(recording, name, 0),
        f"{name}: v": plotting.traces(recording, name),
        name: plotting.weights(recording, name),
        f"pre: {name}": plotting.weight_matrix(network, wire.name),
        f"post: to {name}": plotting.weight_matrix(network, wire.name),
        f"of {name}": plotting.weight_matrix(network, wire.name),
    }
    for expected, ax in drawn.items():
        assert (expected, False) in texts(ax)
    label = plotting.images(BITS, BITS, (2, 2), labels=[name[:3], "x"])
    assert (name[:3], False) in texts(label)


@pytest.mark.parametrize("draw", [
    lambda window: plotting.raster(small_recording(), window=window),
    lambda window: plotting.traces(small_recording(), "out", window=window),
    lambda window: plotting.weights(small_recording(), "learnt", window=window),
])  # fmt: skip
def test_a_window_must_overlap_the_recording(draw):
    # The recording goes from 0 to 4 ms.
    for window in ((-1.0, 0.5), (3.5, 9.0), (0.0, 4.0), (1.0, 2.0)):
        assert draw(window).get_xlim() == window
    for window in ((4.0, 5.0), (-2.0, 0.0), (7, 9)):
        with pytest.raises(DescriptionError, match="overlap the recording, from 0 to 4 ms, got"):
            draw(window)
    for window in ((2.0, 2.0), (3.0, 1.0)):
        with pytest.raises(DescriptionError, match=r"must be \(start, stop\)"):
            draw(window)


def test_a_window_needs_weights_over_time():
    for recording in (small_recording(traces={}), [1.0, 2.0], np.ones((3, 2))):
        with pytest.raises(DescriptionError, match="weights that were recorded over time"):
            plotting.weights(recording, "learnt", window=(0.0, 1.0))


@pytest.mark.parametrize("weight", [0.0, 2.0, 1e20, -1e300])
def test_equal_weights_of_any_size_fill_one_bar(weight):
    ax = plotting.weights([weight] * 3)
    assert sorted(bar.get_height() for bar in ax.patches)[-2:] == [0.0, 3.0]
    pyplot.close("all")


def boxes_of(ax):
    ax.figure.canvas.draw()
    return [name.get_window_extent() for name in ax.texts if name.get_gid() == "mark"]


@pytest.mark.parametrize("step", [0.5, 3.0, 20.0])
@pytest.mark.parametrize("width", [2.0, 7.0, 20.0])
def test_names_of_moments_never_overlap_and_stay_above_the_picture(step, width):
    ax = plotting.new_axes(width, 3.0)
    marks = [(t, f"recall {k}") for k, t in enumerate(np.arange(0.0, 100.0, step))]
    ax.set_xlim(0.0, 100.0)
    plotting.mark_times(ax, marks)
    boxes = boxes_of(ax)
    assert len(boxes) > 1
    for k, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[k + 1 :])
    frame = ax.get_window_extent()
    assert all(box.y0 >= frame.y1 and box.x1 <= frame.x1 + 1 for box in boxes)
    assert len(ax.lines) == len(marks)


def test_every_name_is_shown_where_there_is_room():
    marks = [(3.0, "c$"), (1.0, "a"), (2.0, "a"), (2.5, ""), (9.0, "outside")]
    ax = plotting.raster(small_recording(), marks=marks)
    shown = [name.get_text() for name in ax.texts]
    assert shown == ["a", plotting.plain("c$")]
    assert sorted(line.get_xdata()[0] for line in ax.lines if line.get_gid()) == [1, 2, 2.5, 3]
    assert not plotting.raster(small_recording()).texts


def test_a_title_stands_above_the_names():
    ax = plotting.raster(small_recording(), marks=[(k / 10, f"operation {k}") for k in range(40)])
    plotting.title(ax, "all of it")
    names = boxes_of(ax)
    assert max(box.y1 for box in names) <= ax._left_title.get_window_extent().y0 + 1


@pytest.mark.parametrize("bad", [7, [1], [(1,)], [("x", "a")], [(1.0, 2)], [(1.0, "a", 3)],
                                 [(np.inf, "a")], "ab"])  # fmt: skip
def test_bad_marks_are_refused(bad):
    with pytest.raises(DescriptionError, match="marks"):
        plotting.raster(small_recording(), marks=bad)


def rows_of(ax):
    """Levels of the thin lines, and the short lines of spikes."""
    collections = [item.get_segments() for item in ax.collections]
    level = next(lines for lines in collections if lines and lines[0][0][1] == lines[0][1][1])
    spikes = [lines for lines in collections if lines and lines[0][0][0] == lines[0][1][0]
              and lines[0][0][0] != 1.01]  # fmt: skip
    return [line[0][1] for line in level], spikes


def test_cells_stand_in_rows_that_do_not_touch():
    v = np.array([[-65.0, -65.0, -60.0], [-50.0, -65.0, -60.0], [-65.0, -50.0, -60.0]])
    trains = sm.SpikeTrains(ids=[0, 1], times=[1.0, 2.0], size=3)
    recording = sm.Recording(spikes={"a": trains}, traces={("a", "v"): v}, stop=3.0)
    ax = plotting.traces(recording, "a", threshold=-50.0)
    drawn = [line.get_ydata() for line in ax.lines]
    step = 1.3 * 15.0
    for k, values in enumerate(drawn):
        assert np.allclose(values, v[:, k] + k * step)
        assert k == 0 or values.min() > drawn[k - 1].max()
    levels, spikes = rows_of(ax)
    assert np.allclose(levels, [-50.0 + k * step for k in range(3)])
    assert [[line[0][0] for line in each] for each in spikes] == [[1.0], [2.0]]
    # The mark of a spike is above its row and below the next one.
    assert all(-50.0 + k * step < each[0][:, 1].min() for k, each in enumerate(spikes))
    assert all(each[0][:, 1].max() < -65.0 + (k + 1) * step for k, each in enumerate(spikes))
    assert [label.get_text() for label in ax.get_yticklabels()] == ["cell 0", "cell 1", "cell 2"]
    assert [text.get_text() for text in ax.texts] == ["10 mV"]
    assert np.allclose(rows_of(plotting.traces(recording, "a"))[0], v[0] + np.arange(3) * step)


def test_traces_of_one_cell_have_an_axis_in_mV():
    recording = small_recording()
    ax = plotting.traces(recording, "out", 1, marks=[(1.0, "now")])
    assert ax.get_ylabel() == "out: v (mV)"
    assert [text.get_text() for text in ax.texts] == ["now"]
    (spikes,) = (item.get_segments() for item in ax.collections)
    assert [line[0][0] for line in spikes] == [1.0]
    assert not plotting.traces(recording, "out", offset=False).collections


def test_traces_that_are_not_finite_are_drawn():
    v = np.full((3, 2), np.nan)
    recording = sm.Recording(spikes={}, traces={("a", "v"): v}, stop=3.0)
    plotting.traces(recording, "a").figure.canvas.draw()


def test_all_pictures_share_one_style():
    for name in ("raster", "traces", "weights"):
        ax = CALLS[name]()
        assert not ax.spines["top"].get_visible()
        assert not ax.spines["right"].get_visible()
    panels = plotting.new_panels(6.0, 3.0, rows=2, columns=2)
    assert len(panels) == 4
    assert panels[0].figure.get_size_inches().tolist() == [6.0, 3.0]
    for bad in (0, -1.0, "x", np.inf):
        with pytest.raises(DescriptionError):
            plotting.new_axes(bad, 3.0)
