"""Pictures of liquids: what is drawn where."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler

from spikemem.errors import DescriptionError
from spikemem.networks.liquid import (
    accuracy_bars,
    class_states,
    evaluate_readout,
    liquid_raster,
    retrieval_matrix,
)


def test_raster_has_a_mark_for_each_spike():
    rng = np.random.default_rng(0)
    spikes, events = rng.random((3, 20, 5)) < 0.2, rng.random((3, 20, 7)) < 0.3
    ax = liquid_raster(spikes, events, sample=1)
    drawn = {int(line.get_xdata().size) for line in ax.lines if line.get_marker() == "|"}
    assert drawn == {int(spikes[1].sum()), int(events[1].sum())}
    assert [text.get_text() for text in ax.get_yticklabels()] == ["input (7)", "liquid (5)"]
    assert ax.get_xlim() == (0.0, 20.0)


def test_states_are_drawn_in_the_plane_of_their_principal_components():
    rng = np.random.default_rng(1)
    labels = np.repeat([4, 7, 9], 30)
    states = rng.normal(size=(90, 6)) + labels[:, None] * np.arange(6) / 4
    ax = class_states(states, labels, classes=[4, 9])
    mine = labels != 7
    pca = PCA(2).fit(StandardScaler().fit_transform(states[mine]))
    expected = pca.transform(StandardScaler().fit_transform(states[mine]))
    drawn = np.concatenate([np.column_stack(line.get_data()) for line in ax.lines])
    assert np.allclose(np.abs(drawn), np.abs(expected))
    assert f"({pca.explained_variance_ratio_[0]:.0%} of the variance)" in ax.get_xlabel()
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["4", "9"]


def test_states_of_one_feature_lie_on_a_line():
    ax = class_states([[0.0], [1.0], [4.0]], ["a", "b", "b"])
    assert all(np.allclose(line.get_ydata(), 0) for line in ax.lines)


def test_retrieval_counts_are_fractions_of_the_queries():
    ax = retrieval_matrix([3, 3, 3, 5], [3, 5, 6, 5])
    assert ax.images[0].get_array().tolist() == [[1 / 3, 1 / 3, 1 / 3], [0.0, 1.0, 0.0]]
    assert [text.get_text() for text in ax.get_xticklabels()] == ["3", "5", "6"]
    assert [text.get_text() for text in ax.get_yticklabels()] == ["3", "5"]
    assert sorted(text.get_text() for text in ax.texts) == ["100", "33", "33", "33"]


def test_accuracies_are_drawn_with_their_intervals():
    x = np.array([[0.0], [1.0], [4.0], [5.0]] * 9)
    labels = [0, 0, 1, 1] * 9
    report = evaluate_readout(x, labels, x, labels, inputs=0 * x, test_inputs=0 * x)
    ax = accuracy_bars({"a": report})
    liquid, plain = (bars.lines[0].get_ydata()[0] for bars in ax.containers)
    assert (liquid, plain) == (report.accuracy, report.input_accuracy)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["liquid", "input alone"]


BAD = {
    "sample": (lambda: liquid_raster(np.zeros((1, 2, 3)), sample=1), "sample must be from 0 to 0"),
    "steps": (lambda: liquid_raster(np.zeros((1, 2, 3)), np.zeros((1, 4, 3))), "inputs"),
    "labels": (lambda: class_states(np.zeros((3, 2)), [0, 1]), "one entry for each of the 3"),
    "class": (lambda: class_states(np.zeros((3, 2)), [0, 1, 1], classes=[0, 2]), "classes must be"),
    "word": (lambda: class_states(np.zeros((3, 2)), [0, 1, 1], classes="01"), "classes must be"),
    "few": (lambda: class_states(np.zeros((2, 2)), [0, 1]), "at least three"),
    "lengths": (lambda: retrieval_matrix([0, 1], [0]), "same length"),
    "empty": (lambda: retrieval_matrix(np.zeros(0, int), np.zeros(0, int)), "same length"),
    "reports": (lambda: accuracy_bars({"a": 0.5}), "map at least one name to a ReadoutReport"),
}


@pytest.mark.parametrize(("call", "words"), BAD.values(), ids=BAD)
def test_what_can_not_be_drawn_is_refused(call, words):
    with pytest.raises(DescriptionError, match=words):
        call()
