"""Pictures of sweeps: what they draw is what the results hold."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib import pyplot

import spikemem as sm


@pytest.fixture(autouse=True)
def _close():
    yield
    pyplot.close("all")


@pytest.fixture(scope="module")
def loads():
    return sm.stress.capacity(
        "HopfieldNetwork", load=[0.05, 0.138, 0.3], n_cells=[50, 100], trials=3
    )


def lines(ax):
    return [line for line in ax.lines if line.get_marker() == "o"]


def test_a_curve_has_a_line_for_each_combination(loads):
    ax = loads.plot()
    drawn = lines(ax)
    assert len(drawn) == 2
    rows = loads.rows()
    for line, size in zip(drawn, (50, 100), strict=True):
        wanted = [row["exact_recall"] for row in rows if row["n_cells"] == size]
        assert line.get_xdata().tolist() == [0.05, 0.138, 0.3]
        assert line.get_ydata().tolist() == wanted
    assert {text.get_text() for text in ax.get_legend().get_texts()} == {
        "n_cells = 50", "n_cells = 100"
    }  # fmt: skip


def test_laws_of_the_load_stand_at_their_places(loads):
    ax = loads.plot()
    names = {text.get_text() for text in ax.texts}
    assert "0.138 N" in names
    dashed = [line.get_xdata()[0] for line in ax.lines if line.get_linestyle() == "--"]
    assert any(np.isclose(x, 0.138) for x in dashed)
    # N / (2 ln N) over N depends on the size: one line for each.
    for size in (50, 100):
        assert any(np.isclose(x, 1 / (2 * np.log(size))) for x in dashed)


def test_a_map_shows_the_table(loads):
    ax = loads.plot(kind="map")
    assert np.array_equal(ax.images[0].get_array(), loads.array().T)


def test_forgetting_is_drawn_with_its_laws():
    results = sm.stress.retention("Sparsey", n_items=30, trials=2)
    ax = results.plot()
    row = results.rows()[0]
    assert lines(ax)[0].get_ydata().tolist() == row["retained"].tolist()
    assert lines(ax)[0].get_xdata().tolist() == row["lag"].tolist()
    labels = " ".join(text.get_text() for text in ax.get_legend().get_texts())
    assert "power" in labels
    assert "exponential" in labels


def test_a_capacity_is_drawn_against_the_other_axis():
    bisect = sm.stress.Bisect(0.02, 0.6, criterion=0.5, tolerance=0.1)
    results = sm.stress.capacity("HopfieldNetwork", load=bisect, n_cells=[40, 80], trials=3)
    ax = results.plot()
    drawn = [line for line in ax.lines if len(line.get_xdata()) == 2]
    values = [found.value for found in results.capacities()]
    assert any(line.get_ydata().tolist() == values for line in drawn)


def test_examples_show_what_came_back():
    results = sm.stress.capacity(
        "CA3Memory", load=0.5, n_cues=8, n_contents=16, trials=1, backend="native"
    )
    ax = results.plot_examples(n=3)
    picture = np.asarray(ax.images[0].get_array())
    assert picture.shape == (3, 16)
    assert set(np.unique(picture)) == {0, 1}  # every answer of a safe memory is right


@pytest.mark.parametrize(
    ("model", "settings"),
    [
        ("WillshawMemory", {"n_cells": 60, "load": 1.0}),
        ("HopfieldNetwork", {"n_cells": 60, "load": 0.3}),
        (
            "CA3Memory",
            {"n_cues": 8, "n_contents": 40, "load": 1.0, "backend": "native", "jitter": 0.5},
        ),
    ],
)
def test_examples_of_an_unreliable_memory_have_the_wrong_bits_that_were_counted(model, settings):
    results = sm.stress.capacity(model, trials=1, **settings)
    picture = np.asarray(results.plot_examples(n=100).images[0].get_array())
    right, missing, extra = ((picture == code).sum(axis=1) for code in (1, 2, 3))
    row = results.rows()[0]
    assert 0 < row["bit_errors"] == pytest.approx((missing + extra).sum() / picture.size)
    assert row["exact_recall"] == pytest.approx(((missing + extra) == 0).mean())
    assert row["bit_recall"] == pytest.approx(right.sum() / (right + missing).sum())


def test_what_cannot_be_drawn_is_refused(loads):
    with pytest.raises(sm.DescriptionError, match="exact_recall"):
        loads.plot(measure="exact_recal")
    with pytest.raises(sm.DescriptionError, match="kind"):
        loads.plot(kind="pie")
    with pytest.raises(sm.DescriptionError, match="bisected"):
        loads.plot(kind="capacity")
    with pytest.raises(sm.DescriptionError, match="curve"):
        loads.plot(kind="within")
    with pytest.raises(sm.DescriptionError, match="point"):
        loads.plot_examples(point=99)
