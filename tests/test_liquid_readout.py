"""Features and readouts of liquids against sums, and against scikit-learn's own objects."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nonsense import nonsense, refusal
from scipy.stats import binom
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from spikemem.networks.liquid import (
    LinearReadout,
    evaluate_readout,
    low_passed_states,
    spike_features,
)


def spikes_of(seed: int, samples: int = 3, steps: int = 23, n: int = 4):
    return np.random.default_rng(seed).poisson(0.4, (samples, steps, n))


@given(seed=st.integers(0, 99), bins=st.integers(1, 23))
def test_bins_are_sums_over_nearly_equal_parts(seed, bins):
    spikes = spikes_of(seed)
    got = spike_features(spikes, bins=bins).reshape(3, bins, 4)
    bin_of = [max(k for k in range(bins) if k * 23 // bins <= step) for step in range(23)]
    for sample, step, cell in np.ndindex(spikes.shape):
        got[sample, bin_of[step], cell] -= spikes[sample, step, cell]
    assert not got.any()
    sizes = np.bincount(bin_of, minlength=bins)
    assert sizes.min() >= 1
    assert np.ptp(sizes) <= 1


@given(seed=st.integers(0, 99), tau=st.floats(0.5, 40.0))
def test_low_passed_states_are_sums_of_exponentials(seed, tau):
    spikes = spikes_of(seed)
    got = low_passed_states(spikes, tau=tau, steps=[0, 7, 7, 22])
    for k, moment in enumerate((0, 7, 7, 22)):
        since = moment - np.arange(moment + 1)
        wanted = np.einsum("sic,i->sc", spikes[:, : moment + 1], np.exp(-since / tau))
        assert np.allclose(got[:, k], wanted, rtol=1e-10)
    assert np.allclose(low_passed_states(spikes, tau=tau)[:, [0, 7, 7, 22]], got)
    both = spike_features(spikes, bins=2, tau=tau).reshape(3, 2, 4)
    assert np.allclose(both, low_passed_states(spikes, tau=tau, steps=[10, 22]), rtol=1e-5)


def blobs(seed: int, n: int = 240, classes: int = 3, apart: float = 1.5):
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % classes
    return rng.normal(size=(n, 6)) + apart * np.eye(classes, 6)[labels], labels


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("kind", ["ridge", "logistic"])
def test_a_readout_is_scikit_learns(kind, classes):
    x, labels = blobs(1, classes=classes)
    tests, _ = blobs(2, classes=classes)
    x[:, 5] = 7.0  # does not vary
    words = np.array(["zero", "one", "two"])[labels]
    readout = LinearReadout(kind, strengths=[30.0]).fit(x, words)
    inner = RidgeClassifier(alpha=30.0) if kind == "ridge" else LogisticRegression(C=1 / 30.0)
    wanted = make_pipeline(StandardScaler(), inner).fit(x, words)
    assert np.array_equal(readout.predict(tests), wanted.predict(tests))
    scores = wanted.decision_function(tests)
    got = readout.scores(tests)
    assert np.allclose(got[:, 1] if classes == 2 else got, scores, atol=1e-8)
    assert readout.score(tests, words) == wanted.score(tests, words)
    assert readout.strength == 30.0
    assert np.isnan(readout.held_out_accuracy)


def test_the_penalty_is_the_one_that_held_out_samples_like_best():
    rng = np.random.default_rng(0)
    x, labels = blobs(3, n=200, classes=2)
    # As many features as the 160 samples that are not held out: a weak penalty fits their noise.
    wide = np.hstack([x, rng.normal(size=(200, 154))])
    readout = LinearReadout(strengths=[1e-6, 100.0]).fit(wide, labels)
    assert readout.strength == 100.0
    assert 0.6 < readout.held_out_accuracy <= 1.0
    again = LinearReadout(strengths=[1e-6, 100.0]).fit(wide, labels)
    assert np.array_equal(readout.weights, again.weights)


def test_a_class_of_one_sample_takes_the_middle_penalty():
    readout = LinearReadout(strengths=[1.0, 2.0, 3.0]).fit([[0.0], [1.0], [5.0]], [0, 0, 1])
    assert readout.strength == 2.0
    assert np.isnan(readout.held_out_accuracy)


def test_the_report_has_both_readouts_of_the_same_samples():
    x, labels = blobs(5, n=400)
    noise = np.random.default_rng(1).normal(size=(400, 6))
    report = evaluate_readout(
        x[:200], labels[:200], x[200:], labels[200:], inputs=noise[:200], test_inputs=noise[200:]
    )
    liquid = LinearReadout().fit(x[:200], labels[:200])
    assert report.accuracy == liquid.score(x[200:], labels[200:])
    alone = LinearReadout().fit(noise[:200], labels[:200])
    assert report.input_accuracy == alone.score(noise[200:], labels[200:])
    right, other = report.predicted == labels[200:], report.input_predicted == labels[200:]
    better, worse = int(np.sum(right & ~other)), int(np.sum(~right & other))
    assert better > worse
    # Exact McNemar: a fair coin decides between the samples on which only one is right.
    assert np.isclose(report.p_value, min(1.0, 2 * binom.sf(better - 1, better + worse, 0.5)))
    assert report.verdict == "the liquid helps"
    # Wilson's interval solves (p - p0)^2 = z^2 p0 (1 - p0) / n.
    for end in report.interval:
        assert np.isclose(
            (report.accuracy - end) ** 2, 1.959964**2 * end * (1 - end) / 200, rtol=1e-4
        )
    assert f"{report.input_accuracy:.3f}" in str(report)
    assert report.facts()["gain"] == report.accuracy - report.input_accuracy


def test_the_report_says_where_the_liquid_adds_nothing():
    x, labels = blobs(6, n=200)
    same = evaluate_readout(
        x[:100], labels[:100], x[100:], labels[100:], inputs=x[:100], test_inputs=x[100:]
    )
    assert (same.gain, same.p_value) == (0.0, 1.0)
    assert "adds nothing" in same.verdict
    worse = evaluate_readout(
        0 * x[:100], labels[:100], 0 * x[100:], labels[100:], inputs=x[:100], test_inputs=x[100:]
    )
    assert worse.verdict == "the input alone is read better"


def test_spikes_and_their_features_give_the_same_report():
    rng = np.random.default_rng(0)
    labels = np.arange(80) % 2
    spikes = rng.random((80, 10, 5)) < 0.2 + 0.4 * labels[:, None, None]
    inputs = rng.random((80, 10, 2)) < 0.5
    halves = [
        evaluate_readout(
            first[:40], labels[:40], first[40:], labels[40:], inputs=second[:40],
            test_inputs=second[40:], **how,
        )
        for first, second, how in (
            (spikes, inputs, {"bins": 2}),
            (spike_features(spikes, bins=2), spike_features(inputs, bins=2), {}),
        )
    ]  # fmt: skip
    assert halves[0].accuracy == halves[1].accuracy
    assert (halves[0].n_features, halves[0].n_input_features) == (10, 4)


def test_bad_input_is_refused():
    x, labels = blobs(7, n=30)
    fitted = LinearReadout().fit(x, labels)
    before = fitted.weights.copy()
    assert "two classes" in refusal(fitted.fit, x, labels * 0)
    assert "one label for each sample" in refusal(fitted.fit, x, labels[:-1])
    assert "finite" in refusal(fitted.fit, x * np.nan, labels)
    assert np.array_equal(fitted.weights, before)
    assert "(n_samples, 6)" in refusal(fitted.predict, x[:, :3])
    assert "Call fit" in refusal(LinearReadout().predict, x)
    assert "bins" in refusal(spike_features, np.zeros((1, 4, 2)), bins=5)
    assert ">= 0" in refusal(spike_features, -np.ones((1, 4, 2)))
    assert "ascending" in refusal(low_passed_states, np.zeros((1, 4, 2)), tau=1.0, steps=[2, 1])
    assert "0 to 3" in refusal(low_passed_states, np.zeros((1, 4, 2)), tau=1.0, steps=[4])
    said = refusal(evaluate_readout, x, labels, x[:, :2], labels, inputs=x, test_inputs=x)
    assert "test_states" in said
    assert "strengths" in refusal(LinearReadout, strengths=[0.0])
    for value in nonsense():
        if not isinstance(value, np.ndarray):
            refusal(fitted.predict, value)
            refusal(spike_features, value)
