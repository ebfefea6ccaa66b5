"""Events for a liquid, from images, sounds, numbers and recordings."""

from __future__ import annotations

import numpy as np
import pytest

from spikemem.data import EVENT, Recordings, read_images, saccade_recordings
from spikemem.errors import DescriptionError
from spikemem.networks.liquid import (
    cochlea_events,
    rate_events,
    recorded_events,
    saccade_events,
)


@pytest.mark.parametrize("polarity", [0, 1, None])
@pytest.mark.parametrize("n_steps", [50, 7, 200])
@pytest.mark.parametrize("crop", [16, None])
def test_images_give_the_events_of_their_recordings(polarity, n_steps, crop):
    digits = read_images("digits")[:20]
    recordings = saccade_recordings(digits)
    options = {"n_steps": n_steps, "crop": crop, "polarity": polarity}
    fast = saccade_events(digits, **options)
    assert fast == recorded_events(recordings, **options)
    # By hand: each event lies in the part of the 300 ms that its step is.
    dense = np.zeros((20, n_steps, 2, 34, 34), bool)
    for k, sample in enumerate(recordings):
        step = sample["t"] * n_steps // 300_000
        dense[k, step, sample["p"], sample["y"], sample["x"]] = True
    kept = dense if polarity is None else dense[:, :, polarity]
    kept = kept if crop is None else kept[..., 9:25, 9:25]
    assert np.array_equal(fast.dense(), kept.reshape(20, n_steps, -1))


def test_sounds_are_divided_into_equal_numbers_of_steps():
    rng = np.random.default_rng(0)
    sounds = [rng.normal(size=size) for size in (2000, 5000)]
    events = cochlea_events(sounds, rate=8000.0)
    assert events.dense().shape == (2, 129, 64)
    assert events.dense()[:, 100:].any(axis=(1, 2)).all()


def test_numbers_are_counts():
    values = np.random.default_rng(1).uniform(size=(3, 4, 5))
    events = rate_events(values, 50, most=20)
    assert (events.shape, events.n_steps) == ((4, 5), 50)
    assert np.array_equal(events.counts(), np.rint(values * 20).reshape(3, 20))


def test_recordings_keep_their_times_if_no_steps_are_given():
    sample = np.array([(3, 0, 100, 1), (1, 2, 250, 0)], dtype=EVENT)
    events = recorded_events(Recordings(samples=[sample], shape=(2, 4, 4), labels=[7]))
    assert events.times.tolist() == [0.1, 0.25]
    assert events.channels.tolist() == [16 + 3, 2 * 4 + 1]


def test_what_there_is_not_is_refused():
    camera = Recordings(samples=[], shape=(2, 4, 4), labels=[])
    sample = np.array([(3, 0, 100, 1)], dtype=EVENT)
    ear = Recordings(samples=[sample], shape=64, labels=[0])
    for call, words in (
        (lambda: recorded_events(camera), "at least one sample"),
        (lambda: recorded_events(ear, polarity=0), "no polarity 0"),
        (lambda: recorded_events(ear, crop=4), "rows and columns"),
        (lambda: saccade_events(np.zeros((1, 4, 4)), crop=35), "crop"),
        (lambda: saccade_events(np.zeros((0, 4, 4))), "at least one"),
        (lambda: cochlea_events([], rate=8000.0), "at least one"),
    ):
        with pytest.raises(DescriptionError, match=words):
            call()


def test_an_image_without_events_is_an_empty_sample():
    events = saccade_events(np.zeros((2, 8, 8)))
    assert (len(events), events.times.size) == (2, 0)
