"""Pictures of errors and of segments: what is drawn where."""

from __future__ import annotations

import numpy as np
import pytest

from spikemem import ActiveDendriteNeurons, DescriptionError
from spikemem.codes import random_patterns
from spikemem.networks.dendrites import (
    error_curve,
    false_negative_probability,
    false_positive_probability,
    measure_false_negatives,
    measure_false_positives,
    segment_activity,
)


def test_error_curve_draws_the_theory_and_the_trials():
    sizes = {"a": 20, "s": 12, "theta": 5}
    ax = error_curve("n", [100, 200, 400], **sizes, trials=10_000, label="a = 20")
    expected = false_positive_probability(n=np.array([100, 200, 400]), **sizes)
    np.testing.assert_allclose(ax.lines[0].get_ydata(), expected)
    assert ax.get_yscale() == "log"
    assert len(ax.containers) == 3
    again = error_curve("n", [100, 200], a=30, s=12, theta=5, ax=ax)
    assert again is ax


def test_a_label_with_dollar_signs_is_drawn_as_it_is():
    ax = error_curve("n", [100, 200], a=20, s=12, theta=5, label="$\\q$")
    ax.figure.canvas.draw()
    (text,) = ax.get_legend().get_texts()
    assert text._preprocess_math(text.get_text()) == ("$\\q$", False)


def test_error_curve_of_misses():
    ax = error_curve("v", [5, 15, 25], a=40, s=20, theta=12, n=1000, trials=500)
    expected = false_negative_probability(a=40, s=20, theta=12, v=[5, 15, 25])
    drawn = ax.lines[0].get_ydata()
    assert expected[0] == 0
    assert np.isnan(drawn[0])
    np.testing.assert_allclose(drawn[1:], expected[1:])
    assert ax.get_ylabel() == "false negatives"


def test_intervals_hold_the_theory():
    found = measure_false_positives(n=200, a=30, s=20, theta=6, n_segments=300, n_frames=300)
    p = false_positive_probability(n=200, a=30, s=20, theta=6)
    assert found.low < p < found.high
    assert found.low < found.rate < found.high
    missed = measure_false_negatives(n=500, a=40, s=20, theta=12, v=20, trials=3000)
    assert missed.low < false_negative_probability(a=40, s=20, theta=12, v=20) < missed.high
    none = measure_false_negatives(n=500, a=40, s=20, theta=12, v=2, trials=100)
    assert (none.low, round(none.high, 4)) == (0.0, 0.0362)


def test_segment_activity():
    patterns = random_patterns(6, size=500, active=20, seed=1)
    neurons = ActiveDendriteNeurons(500, n_segments=6, synapses_per_segment=12, threshold=8)
    neurons.store(patterns)
    ax = segment_activity(neurons, [*patterns, np.arange(20)])
    assert ax.images[0].get_array().shape == (6, 7)
    assert ax.lines[0].get_xdata().tolist() == list(range(6))
    assert ax.lines[1].get_xdata().tolist() == list(range(6))


@pytest.mark.parametrize(
    ("action", "message"),
    [
        (lambda: error_curve("q", [1]), "vary: 'q' is not a valid choice"),
        (lambda: error_curve("n", [100], a=3, s=2, theta=1, w=3), "is not a parameter"),
        (lambda: error_curve("n", [100], a=3, s=2), "missing theta"),
        (lambda: error_curve("s", [3], a=3, theta=2), "missing n .* or v .for misses."),
        (lambda: segment_activity(3, [[1]]), "must be an ActiveDendriteNeurons"),
        (lambda: segment_activity(ActiveDendriteNeurons(50), [[1]], neuron=1), "from 0 to 0"),
        (lambda: segment_activity(ActiveDendriteNeurons(50), []), "at least one frame, got none"),
    ],
)
def test_bad_input(action, message):
    with pytest.raises(DescriptionError, match=message):
        action()
