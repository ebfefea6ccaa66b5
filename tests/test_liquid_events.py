"""Events: samples on the channels of a sensor, from arrays, structured arrays and spike trains."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import spikemem as sm
from spikemem.networks.liquid import Events
from spikemem.networks.liquid.events import as_events

CAMERA = [("x", "i2"), ("y", "i2"), ("t", "i8"), ("p", "?")]


def dense_events(n=5, steps=7, shape=(2, 4, 6), rate=0.2, seed=0):
    return np.random.default_rng(seed).random((n, steps, *shape)) < rate


def test_dense_arrays_come_back():
    array = dense_events()
    events = Events.from_dense(array, dt=2.0)
    assert (len(events), events.n_steps, events.n_channels) == (5, 7, 48)
    assert events.shape == (2, 4, 6)
    assert events.durations.tolist() == [14.0] * 5
    np.testing.assert_array_equal(events.dense(), array.reshape(5, 7, 48))
    np.testing.assert_array_equal(events.counts(), array.reshape(5, 7, 48).sum(axis=1))
    assert Events.from_dense(array.astype(np.uint8), dt=2.0) == events


def test_copies_and_pickles_are_equal_and_read_only():
    events = Events.from_dense(dense_events())
    for other in (copy.deepcopy(events), pickle.loads(pickle.dumps(events))):
        assert other == events
        with pytest.raises(ValueError, match="read-only"):
            other.times[0] = 3.0


def test_events_are_put_in_order():
    events = Events(samples=[1, 0, 0], times=[1.0, 5.0, 2.0], channels=[0, 1, 1], shape=2,
                    n_samples=2, durations=6.0)  # fmt: skip
    assert events.samples.tolist() == [0, 0, 1]
    assert events.times.tolist() == [2.0, 5.0, 1.0]
    assert events.starts.tolist() == [0, 2, 3]


@settings(max_examples=40)
@given(st.integers(0, 10_000), st.integers(1, 12), st.integers(1, 4))
def test_bins_are_those_of_a_slow_loop(seed, n_steps, n_samples):
    rng = np.random.default_rng(seed)
    n = 40
    durations = rng.uniform(5.0, 9.0, n_samples)
    samples, channels = rng.integers(n_samples, size=n), rng.integers(3, size=n)
    times = rng.random(n) * durations[samples] * 0.999
    events = Events(samples=samples, times=times, channels=channels, shape=3, n_samples=n_samples,
                    durations=durations)  # fmt: skip
    wanted = np.zeros((n_samples, n_steps, 3), dtype=bool)
    for s, t, c in zip(samples, times, channels, strict=True):
        wanted[s, min(int(t / durations[s] * n_steps + 1e-9), n_steps - 1), c] = True
    binned = events.bin(n_steps)
    np.testing.assert_array_equal(binned.dense(), wanted)
    np.testing.assert_array_equal(events.dense(n_steps), wanted)
    assert binned.n_steps == n_steps
    assert binned.bin(n_steps) == binned


def test_structured_arrays_name_channels_by_polarity_row_and_column():
    one = np.array([(5, 3, 1000, True), (0, 0, 2500, False)], dtype=CAMERA)
    two = np.array([(1, 2, 0, True)], dtype=CAMERA)
    events = Events.from_structured([one, two], shape=(2, 4, 6))
    assert events.times.tolist() == [1.0, 2.5, 0.0]
    assert events.channels.tolist() == [24 + 3 * 6 + 5, 0, 24 + 2 * 6 + 1]
    flat = Events.from_structured([one], shape=(4, 6))
    assert flat.channels.tolist() == [23, 0]
    cochlea = np.array([(7, 0.5)], dtype=[("x", "i4"), ("t", "f8")])
    heard = Events.from_structured([cochlea], shape=8, unit=1000.0, durations=[900.0])
    assert (heard.channels.tolist(), heard.times.tolist()) == ([7], [500.0])


def test_crops_and_selections_are_slices_of_the_dense_array():
    array = dense_events()
    events = Events.from_dense(array)
    flat = array.reshape(5, 7, 48)
    pairs = [
        (events.crop(2), array[:, :, :, 1:3, 2:4]),
        (events.crop((4, 3), offset=(0, 3)), array[:, :, :, :, 3:]),
        (events.polarity(1), array[:, :, 1]),
        (events.polarity(0).crop((2, 6)), array[:, :, 0, 1:3]),
        (events.select([40, 7]), flat[:, :, [40, 7]]),
        (events[1:4], array[1:4]),
        (events[[3, 3, 0]], array[[3, 3, 0]]),
        (events[np.arange(5) == 2], array[2:3]),
        (events.merge(events), np.concatenate([flat, flat], axis=2)),
        (Events.concatenate([events, events[:2]]), np.concatenate([array, array[:2]])),
    ]
    for made, wanted in pairs:
        want = wanted.reshape(*wanted.shape[:2], -1)
        np.testing.assert_array_equal(made.dense(), want)


def test_spike_trains_come_back():
    events = Events.from_dense(dense_events())
    again = Events.from_trains([events.trains(k) for k in range(5)])
    for name in ("samples", "times", "channels", "durations"):
        np.testing.assert_array_equal(getattr(again, name), getattr(events, name))


def test_jitter_moves_events_by_its_standard_deviation():
    n = 20_000
    events = Events(samples=np.zeros(n, int), times=np.full(n, 500.0), channels=np.zeros(n, int),
                    shape=1, n_samples=1, durations=1000.0)  # fmt: skip
    moved = events.jitter(3.0, seed=1)
    # The standard error of the SD is 3 / sqrt(2 n) = 0.015.
    assert moved.times.std() == pytest.approx(3.0, abs=5 * 0.015)
    assert abs(moved.times.mean() - 500.0) < 5 * 3.0 / np.sqrt(n)
    grid = Events.from_dense(dense_events())
    assert grid.jitter(0.0) == grid
    assert grid.jitter(100.0, seed=2).n_steps == 7


def two(**changes):
    given = {"samples": [0, 1], "times": [1.0, 2.0], "channels": [0, 1], "shape": 2,
             "n_samples": 2, "durations": 4.0}  # fmt: skip
    return Events(**(given | changes))


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"times": [1.0, -2.0]}, "times must be >= 0 ms, got -2"),
        ({"times": [1.0, 4.0]}, "below the duration of their sample, got 4 ms in sample 1"),
        ({"channels": [0, 2]}, "channels must be from 0 to 1, got 2"),
        ({"samples": [0, 2]}, "samples must be from 0 to 1, got 2"),
        ({"times": [1.0]}, "same length"),
        ({"dt": 0.7}, "multiples of dt=0.7 ms"),
        ({"durations": [1.0, 2.0, 3.0]}, "one for each of 2 samples"),
        ({"times": [1.0, np.nan]}, "finite"),
        ({"n_samples": 0}, "n_samples"),
        ({"shape": (2, 0)}, "shape"),
    ],
)
def test_wrong_events_are_refused(changes, text):
    with pytest.raises(sm.DescriptionError, match=text):
        two(**changes)


def camera(*rows):
    return np.array(list(rows), dtype=CAMERA)


@pytest.mark.parametrize(
    ("recordings", "text"),
    [
        ([camera((6, 0, 1, 0))], r"recordings\[0\]: x must be from 0 to 5 .* got 6 at event 0"),
        ([camera((0, 0, 5, 0), (0, 0, 3, 0))], "ascending order, got 3 after 5 at event 1"),
        ([camera((0, 0, -5, 0))], "finite and >= 0, got -5"),
        ([camera((0, 0, 5, 0)), camera()], r"recordings\[1\] must have at least one event"),
        ([np.zeros(3)], "structured array"),
        ([np.zeros(3, dtype=[("t", "i4"), ("x", "i4")])], "fields t, p, y, x, got t, x"),
        (camera((0, 0, 5, 0)), "pass .recording."),
        ([], "at least one"),
    ],
)
def test_wrong_recordings_are_refused(recordings, text):
    with pytest.raises(sm.DescriptionError, match=text):
        Events.from_structured(recordings, shape=(2, 4, 6))


def test_other_things_are_refused():
    events = two()
    for thing in (3, "x", None, [object()], np.zeros((2, 2)), np.full((1, 1, 1), 2), {}):
        with pytest.raises(sm.DescriptionError, match="events"):
            as_events(thing)
    with pytest.raises(sm.DescriptionError, match="3 channels, got 2"):
        as_events(events, n_channels=3)
    with pytest.raises(sm.DescriptionError, match="continuous"):
        events.dense()
    with pytest.raises(sm.DescriptionError, match="same shape and dt"):
        Events.concatenate([events, events.bin(3)])
    with pytest.raises(sm.DescriptionError, match="rows and columns"):
        events.crop(1)
    with pytest.raises(sm.DescriptionError, match="from 0 to 1"):
        events[5]
    assert two(samples=[], times=[], channels=[]).bin(4).dense().sum() == 0
