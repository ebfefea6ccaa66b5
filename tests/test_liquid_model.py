"""LiquidStateMachine: fit, predict and score beside the input alone; devices; files; bad input."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.linear_model import RidgeClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import spikemem as sm
from spikemem.hardware.resistive import PCM, Faults, Ideal
from spikemem.networks.liquid import DenseLiquid, Events, saccade_events

LABELS = np.arange(80) % 4
RATES = np.where(LABELS[:, None, None] == np.arange(32) % 4, 0.3, 0.1)
EVENTS = np.random.default_rng(0).random((80, 20, 32)) < RATES
TRAIN, TEST = slice(0, 60), slice(60, 80)


def model(**options):
    return sm.LiquidStateMachine(32, 100, **({"seed": 0} | options))


@pytest.fixture(scope="module")
def fitted():
    return model().fit(EVENTS[TRAIN], LABELS[TRAIN])


def test_classes_are_learnt_and_the_input_alone_is_reported(fitted):
    report = fitted.report(EVENTS[TEST], LABELS[TEST])
    assert fitted.score(EVENTS[TEST], LABELS[TEST]) == report.accuracy >= 0.9
    assert fitted.baseline_score(EVENTS[TEST], LABELS[TEST]) == report.input_accuracy
    assert "input alone" in str(report)
    assert fitted.classes_.tolist() == [0, 1, 2, 3]
    # The baseline is the same classifier on the sums of the input, here fitted by hand.
    sums = EVENTS.sum(axis=1)
    plain = make_pipeline(StandardScaler(), RidgeClassifier(alpha=fitted.baseline_.strength))
    plain.fit(sums[TRAIN], LABELS[TRAIN])
    assert report.input_accuracy == plain.score(sums[TEST], LABELS[TEST])
    assert (report.n_train, report.n_test) == (60, 20)


@pytest.mark.parametrize("readout", ["ridge", "logistic"])
@pytest.mark.parametrize(("features", "bins"), [("counts", 1), ("counts", 4), ("low-pass", 2)])
def test_states_are_what_the_spikes_say(readout, features, bins):
    made = model(readout=readout, features=features, bins=bins, tau=7.0)
    spikes = made.spikes(EVENTS[:6]).astype(float)
    states = made.states(EVENTS[:6])
    assert states.shape == (6, bins * 100)
    np.testing.assert_array_equal(made.transform(EVENTS[:6]), states)
    for b in range(bins):
        first, stop = 20 * b // bins, 20 * (b + 1) // bins
        if features == "counts":
            wanted = spikes[:, first:stop].sum(axis=1)
        else:
            ages = np.arange(stop - 1, -1, -1.0)
            wanted = np.einsum("stn,t->sn", spikes[:, :stop], np.exp(-ages / 7.0))
        np.testing.assert_allclose(states[:, b * 100 : (b + 1) * 100], wanted, rtol=1e-5)
    made.fit(EVENTS[TRAIN], LABELS[TRAIN])
    assert made.score(EVENTS[TEST], LABELS[TEST]) > 0.6


def test_shuffled_labels_are_not_learnt():
    shuffled = np.random.default_rng(5).permutation(LABELS)
    made = model().fit(EVENTS[TRAIN], shuffled[TRAIN])
    # Right by chance with 1/4: more than 13 of 20 has a probability of 2e-5.
    assert made.score(EVENTS[TEST], LABELS[TEST]) <= 13 / 20


def test_answers_are_labels_counts_or_states(fitted):
    trials = EVENTS[TEST][:4]
    assert sm.run(fitted, trials, backend="native") == fitted.predict(trials).tolist()
    for answer, wanted in (
        ("counts", fitted.spikes(trials).sum(axis=1)),
        ("states", fitted.states(trials)),
    ):
        answers = sm.run(fitted, trials, backend="native", build={"answer": answer})
        np.testing.assert_array_equal(answers, wanted)
        np.testing.assert_array_equal(fitted.expected(trials, answer=answer), wanted)
    with pytest.raises(sm.DescriptionError, match="not trained yet"):
        model().expected(trials, answer="label")


def test_patterns_are_bursts():
    patterns = sm.random_patterns(5, size=32, active=6, seed=0)
    made = model()
    dense = np.repeat(patterns.to_dense()[:, None, :], 10, axis=1)
    np.testing.assert_array_equal(made.spikes(dense), made.spikes(list(Events.from_dense(dense))))
    np.testing.assert_array_equal(made.expected(patterns), made.expected(dense))
    answers = sm.run(made, patterns, backend="native")
    np.testing.assert_array_equal(answers, made.expected(patterns))
    short = model(n_steps=3)
    np.testing.assert_array_equal(short.expected(patterns), short.expected(dense[:, :3]))


def test_words_as_labels_survive_a_file(tmp_path):
    words = np.array(["eins", "zwei", "drei", "vierunddreißig"])[LABELS]
    made = model(bins=2).fit(EVENTS[TRAIN], words[TRAIN])
    made.save(tmp_path / "liquid.h5")
    other = sm.load(tmp_path / "liquid.h5")
    assert other.predict(EVENTS).tolist() == made.predict(EVENTS).tolist()
    assert other.report(EVENTS[TEST], words[TEST]).accuracy == made.score(EVENTS[TEST], words[TEST])
    assert other.facts() == made.facts()
    assert repr(other) == repr(made)


def test_a_loaded_model_on_a_device_has_the_devices_weights(tmp_path, fitted):
    aged = fitted.on_device(PCM(), time=3600.0, seed=3)
    aged.save(tmp_path / "aged.h5")
    other = sm.load(tmp_path / "aged.h5")
    np.testing.assert_array_equal(other.spikes(EVENTS[:5]), aged.spikes(EVENTS[:5]))
    assert np.any(aged.spikes(EVENTS[:5]) != fitted.spikes(EVENTS[:5]))
    device = sm.LiquidStateMachine(32, 100, device=PCM(), time=3600.0, seed=0)
    device.save(tmp_path / "device.h5")
    np.testing.assert_array_equal(
        sm.load(tmp_path / "device.h5").states(EVENTS[:5]), device.states(EVENTS[:5])
    )


def test_an_ideal_device_changes_nothing(fitted):
    same = fitted.on_device(Ideal())
    np.testing.assert_array_equal(same.spikes(EVENTS[:9]), fitted.spikes(EVENTS[:9]))


def test_programming_noise_is_that_of_the_device():
    made = model(liquid=DenseLiquid(numbers="float"))
    held = made.on_device(PCM(), time=0.0, seed=1, draw=None, negative="split")
    before, after = made.weights.input, held.weights.input
    # One pair for each weight, both devices with the published error of programming and, at the
    # time 0, without drift and read noise. The scale is the largest weight of the projection.
    for sign in (1, -1):
        mine = sign * before > 0
        scale = np.abs(before[mine]).max()
        x = np.abs(before[mine]) / scale
        # The other device of a pair stands at 0, where only positive errors remain: mean 0.105
        # and standard deviation 0.154.
        sd = np.hypot(0.26348 + 1.9650 * x - 1.1731 * x**2, 0.154)
        error = (np.abs(after[mine]) - np.abs(before[mine])) / scale * 25.0 + 0.105
        middle = x > 0.3  # Far from 0, where conductances can't become negative.
        z = error[middle] / sd[middle]
        assert z.size > 100
        assert z.std() == pytest.approx(1.0, abs=5 / np.sqrt(2 * z.size))
    # The same devices again; others with another seed.
    again = made.on_device(PCM(), time=0.0, seed=1, draw=None, negative="split")
    np.testing.assert_array_equal(again.weights.input, after)
    assert np.any(made.on_device(PCM(), time=0.0, seed=2).weights.input != after)


def test_drift_shrinks_the_weights_and_compensation_restores_them():
    made = model(liquid=DenseLiquid(numbers="float"))
    size = {
        how: np.abs(made.on_device(PCM(), time=86400.0, seed=1, compensation=how)
                    .weights.input).mean()
        for how in ("none", "global")
    }  # fmt: skip
    whole = np.abs(made.weights.input).mean()
    assert size["none"] == pytest.approx(0.665 * whole, rel=0.05)  # exp(-0.049 ln(4321)) = 0.664
    assert size["global"] == pytest.approx(whole, rel=0.03)


def test_stuck_cells_lose_their_weights():
    made = model(liquid=DenseLiquid(numbers="float"))
    held = made.on_device(Ideal(), seed=1, faults=Faults(stuck_low=0.2))
    lost = (held.weights.input == 0).mean()
    assert lost == pytest.approx(0.2, abs=5 * np.sqrt(0.16 / 3200))
    kept = held.weights.input != 0
    np.testing.assert_allclose(held.weights.input[kept], made.weights.input[kept], rtol=1e-9)


def test_a_device_in_run_is_the_device_of_the_model():
    # One sample: in a run each sample has a copy of the liquid, with devices of its own.
    made = model(liquid=DenseLiquid(numbers="float"))
    (answer,) = sm.run(made, EVENTS[:1], backend="native", device=PCM(), time=60.0, seed=4)
    held = made.on_device(PCM(), time=60.0, seed=4)
    np.testing.assert_array_equal(answer, held.spikes(EVENTS[:1])[0].sum(axis=0))
    assert np.any(answer != made.spikes(EVENTS[:1])[0].sum(axis=0))


@pytest.fixture(scope="module")
def digits():
    data = load_digits()
    order = np.random.default_rng(0).permutation(len(data.target))
    return saccade_events(data.images[order] / 16.0), data.target[order]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("n", "bins", "seeds", "least"), [(200, 1, 3, 0.87), (1000, 1, 1, 0.93), (1000, 5, 1, 0.95)]
)
def test_digits_by_saccades_reach_the_published_accuracy(digits, n, bins, seeds, least):
    events, labels = digits
    accuracy = []
    for seed in range(seeds):
        made = sm.LiquidStateMachine(256, n, bins=bins, seed=seed)
        made.fit(events[:1347], labels[:1347])
        accuracy.append(made.score(events[1347:], labels[1347:]))
    assert np.mean(accuracy) >= least


@pytest.mark.slow
def test_device_weights_are_as_good_as_gaussian_ones(digits):
    events, labels = digits
    gain = []
    for seed in range(4):
        plain = sm.LiquidStateMachine(256, 200, seed=seed)
        held = sm.LiquidStateMachine(256, 200, seed=seed, device=PCM())
        pair = [m.fit(events[:1347], labels[:1347]).score(events[1347:], labels[1347:])
                for m in (plain, held)]  # fmt: skip
        gain.append(pair[1] - pair[0])
    # One liquid differs from another by about 1.5 points: the mean of four pairs by 1.1.
    assert abs(np.mean(gain)) < 0.025


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda m: m.fit(EVENTS[:5], [1] * 5), "at least two classes"),
        (lambda m: m.fit(EVENTS[:5], [0, 1]), "5 samples and 2 labels"),
        (lambda m: m.fit(EVENTS[:5, :, :9], [0, 1, 0, 1, 0]), "32 channels, got 9"),
        (lambda m: m.fit(EVENTS[:0], []), "n_samples"),
        (lambda m: m.predict(EVENTS[:2]), "not trained yet. Call fit"),
        (lambda m: m.report(EVENTS[:2], [0, 1]), "not trained yet. Call fit"),
        (lambda m: m.spikes(EVENTS[:2].astype(float) * 0.5), "0 and 1"),
        (lambda m: m.spikes(EVENTS[0]), "n_samples, n_steps, n_channels"),
        (lambda m: m.with_weights(np.ones((3, 3)), np.ones((100, 100))), r"shape \(32, 100\)"),
        (lambda m: m.with_weights(np.full((32, 100), np.nan), np.ones((100, 100))), "finite"),
        (lambda m: m.on_device("PCM"), "device"),
        (lambda m: m.spikes(EVENTS[:2], backend="brain"), "backend"),
        (lambda m: m.build([object()]), "events"),
        (lambda m: model(bins=21).states(EVENTS[:2]), "bins must be at most n_steps=20"),
        (lambda m: model(time=3.0), "age of a device"),
        (lambda m: model(liquid=3), "liquid"),
    ],
)
def test_bad_input_is_refused_and_nothing_is_forgotten(call, text):
    made = model()
    with pytest.raises(sm.DescriptionError, match=text):
        call(made)
    assert not made.is_fitted


def test_a_failed_fit_keeps_what_was_learnt():
    made = model().fit(EVENTS[TRAIN], LABELS[TRAIN])
    before = made.predict(EVENTS[TEST]).tolist()
    with pytest.raises(sm.DescriptionError):
        made.fit(EVENTS[:5], [1] * 5)
    assert made.predict(EVENTS[TEST]).tolist() == before


def test_a_recording_of_something_else_is_refused(fitted):
    recording = sm.simulate(fitted.build(EVENTS[:3]), backend="native")
    with pytest.raises(sm.DescriptionError, match="multiple of 7 cells"):
        fitted.decode(recording, EVENTS[:7])
    other = sm.simulate(sm.CA3Memory(2, 3).build([sm.RecallCue(0)]), backend="native")
    with pytest.raises(sm.DescriptionError, match="liquid"):
        fitted.decode(other, EVENTS[:3])


def test_the_notebook_view_shows_sizes_and_weights(fitted):
    page = fitted._repr_html_()
    assert "100" in page
    assert "image/png" in page
