"""Images, sounds and numbers as events."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.signal
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import map_coordinates, shift

from spikemem.citations import citation
from spikemem.data import (
    Cochlea,
    Images,
    Saccades,
    cochlea_recordings,
    erb_frequencies,
    rate_code,
    read_images,
    saccade_recordings,
)
from spikemem.data.saccades import resized, signs_of
from spikemem.errors import DescriptionError


def plain_camera(image, saccades):
    """The camera pixel by pixel, in double precision, with SciPy's bilinear shift."""
    n, sensor = len(image), saccades.sensor
    canvas = np.zeros((sensor, sensor))
    first = (sensor - n) // 2
    canvas[first : first + n, first : first + n] = image
    height = np.sqrt(3) / 2 * saccades.side
    corners = np.array([[0, 0], [height, saccades.side / 2], [0, saccades.side]])
    corners -= corners.mean(axis=0)
    per_side = round(saccades.duration / saccades.step)

    def seen(leg, part):
        place = corners[leg] + (corners[(leg + 1) % 3] - corners[leg]) * part
        moved = shift(canvas, place, order=1, mode="constant")
        return np.log(np.clip(moved, 0, None) + saccades.floor)

    reference, events = seen(0, 0.0), []
    for k in range(3 * per_side):
        now = seen(k // per_side, (k % per_side + 1) / per_side)
        for y in range(sensor):
            for x in range(sensor):
                change = now[y, x] - reference[y, x]
                if abs(change) >= saccades.threshold:
                    events.append((x, y, k, change > 0))
                    reference[y, x] = now[y, x]
    return events


def test_the_camera_is_that_of_a_plain_loop():
    rng = np.random.default_rng(0)
    # The images end before the edge of the sensor: there SciPy has its own rule.
    saccades = Saccades(image=8, sensor=16, duration=20.0, side=3.0)
    images = rng.uniform(size=(3, 8, 8)) * (rng.uniform(size=(3, 8, 8)) < 0.4)
    recorded = saccade_recordings(images, saccades=saccades)
    for image, sample in zip(images, recorded, strict=True):
        plain = plain_camera(image, saccades)
        mine = list(
            zip(*(sample[n].tolist() for n in "xy"), (sample["t"] // 2000).tolist(),
                sample["p"].tolist(), strict=True)
        )  # fmt: skip
        # Single and double precision may differ where a change is just at the threshold.
        assert len(set(mine) ^ set(plain)) <= 0.005 * len(plain)
        assert len(plain) > 200


def test_event_counts_of_the_digits():
    """The prototype of the saccade model measured 5103 events on scikit-learn's digits."""
    digits = read_images("digits")
    events = sum(np.count_nonzero(signs) for _, signs in signs_of(
        digits[:300].images / np.float32(16), Saccades()))  # fmt: skip
    assert events / 300 == pytest.approx(5103, rel=0.03)


def test_images_of_every_type_look_the_same():
    digits = read_images("digits")[:4]
    recorded = saccade_recordings(digits, digits.labels)
    assert recorded.labels.tolist() == [0, 1, 2, 3]
    assert (recorded.shape, recorded.durations.tolist()) == ((2, 34, 34), [300.0] * 4)
    assert saccade_recordings(digits.images / 16, digits.labels) == recorded
    bright = np.array([[[0, 255], [255, 0]]], np.uint8)
    assert saccade_recordings(bright) == saccade_recordings(bright / 255)
    assert saccade_recordings(Images(bright == 255, [0])) == saccade_recordings(bright)


def test_a_block_boundary_changes_nothing():
    digits = read_images("digits")[:33]
    alone = [saccade_recordings(digits[[k]]).samples[0] for k in (0, 15, 16, 32)]
    together = saccade_recordings(digits)
    for k, sample in zip((0, 15, 16, 32), alone, strict=True):
        assert np.array_equal(together.samples[k], sample)


def test_brighter_and_darker_are_mirror_images():
    """The camera ends where it began: each pixel's events sum to less than a threshold."""
    image = np.zeros((1, 28, 28))
    image[0, 8:20, 8:20] = 1.0
    ((_, signs),) = signs_of(image.astype(np.float32), Saccades())
    assert np.count_nonzero(signs > 0) == pytest.approx(np.count_nonzero(signs < 0), rel=0.05)
    still = Saccades(side=0.0)
    assert not np.any(next(signs_of(image.astype(np.float32), still))[1])


def test_resizing_is_bilinear_with_fixed_corners():
    image = np.random.default_rng(1).uniform(size=(2, 5, 7)).astype(np.float32)
    rows, columns = np.meshgrid(np.linspace(0, 4, 12), np.linspace(0, 6, 12), indexing="ij")
    for one, big in zip(image, resized(image, 12), strict=True):
        assert np.allclose(big, map_coordinates(one, [rows, columns], order=1), atol=1e-6)


def test_bad_images_and_cameras():
    for images, words in (
        (np.zeros((2, 4, 4)), r"samples\[0\] must have at least one event"),
        (np.full((1, 4, 4), 1.5), "from 0 to 1"),
        (np.full((1, 4, 4), 256), "from 0 to 255"),
        (np.full((1, 4, 4), np.nan), "from 0 to 1"),
        (np.zeros((4, 4)), "shape"),
        ("digits", "images must be numbers"),
    ):
        with pytest.raises(DescriptionError, match=words):
            saccade_recordings(images)
    for options in ({"image": 35}, {"duration": 3.0}, {"threshold": 0.0}, {"floor": 0.0}):
        with pytest.raises(DescriptionError, match=next(iter(options))):
            Saccades(**options)


def test_what_to_cite(capsys):
    citation(Saccades(), Cochlea())
    printed = capsys.readouterr().out
    assert "10.3389/fnins.2015.00437" in printed
    assert "slaney1993efficient" in printed


# -- cochlea --------------------------------------------------------------------------------------


def tone(frequency, length=0.5, rate=8000.0):
    return np.sin(2 * np.pi * frequency * np.arange(int(length * rate)) / rate)


@pytest.mark.parametrize("channel", [3, 20, 40, 60])
def test_a_tone_drives_the_channel_of_its_frequency(channel):
    cochlea = Cochlea()
    heard = cochlea_recordings([tone(cochlea.frequencies[channel])], rate=8000.0)
    counts = np.bincount(heard.samples[0]["x"], minlength=64)
    assert abs(int(counts.argmax()) - channel) <= 1


def test_centre_frequencies_are_equally_far_apart_in_erbs():
    """The number of ERBs below a frequency, 21.4 log10(1 + 0.00437 f), Glasberg and Moore."""
    erbs = 21.4 * np.log10(1 + 0.00437 * erb_frequencies(100.0, 3600.0, 64))
    assert np.diff(erbs).max() == pytest.approx(np.diff(erbs).min(), rel=1e-4)


def test_spikes_are_those_of_a_plain_loop():
    cochlea = Cochlea(channels=5, low=200.0, high=2000.0, gain=0.5)
    sound = tone(300.0, 0.1) + 0.3 * tone(1500.0, 0.1)
    drive = []
    for frequency in cochlea.frequencies:
        b, a = scipy.signal.gammatone(frequency, "iir", fs=8000.0)
        wave = np.maximum(scipy.signal.lfilter(b, a, sound / np.abs(sound).max()), 0)
        low, decay, row = 0.0, np.exp(-1 / (8000.0 * 0.004)), []
        for value in wave:
            low = decay * low + (1 - decay) * value
            row.append(low)
        drive.append(np.sqrt(row[7::8]))
    drive = np.array(drive) / np.max(drive)
    expected, potential = [], np.zeros(5)
    for step in range(drive.shape[1]):
        potential += 0.5 * drive[:, step]
        for channel in np.flatnonzero(potential >= 1.0):
            expected.append((channel, step * 1000))
            potential[channel] -= 1.0
    events = cochlea_recordings([sound], rate=8000.0, cochlea=cochlea).samples[0]
    assert list(zip(events["x"].tolist(), events["t"].tolist(), strict=True)) == expected
    assert len(expected) > 50


def test_amplitude_does_not_matter():
    rng = np.random.default_rng(2)
    sound = rng.normal(size=4000)
    loud, soft = cochlea_recordings([sound, sound / 100], [4, 4], rate=8000.0)
    assert np.array_equal(loud, soft)
    assert cochlea_recordings([sound], rate=8000.0).durations.tolist() == [500.0]


def test_bad_sounds():
    for sounds, options, words in (
        ([np.zeros(100)], {}, "silence"),
        ([[]], {}, "at least one"),
        ([[1.0, np.nan]], {}, "finite"),
        ([tone(100.0)[None]], {}, "one-dimensional"),
        (["abc"], {}, r"sounds\[0\]"),
        ([tone(100.0)], {"rate": 4000.0}, "half of the sampling rate"),
        ([tone(100.0)[:8]], {}, "at least one event"),
    ):
        with pytest.raises(DescriptionError, match=words):
            cochlea_recordings(sounds, **{"rate": 8000.0, **options})
    with pytest.raises(DescriptionError, match="low must be below high"):
        Cochlea(low=400.0, high=300.0)


# -- rates ----------------------------------------------------------------------------------------


@given(value=st.floats(0, 1), n_steps=st.integers(1, 60), data=st.data())
def test_regular_rates(value, n_steps, data):
    most = data.draw(st.integers(1, n_steps))
    spikes = np.flatnonzero(rate_code([[value]], n_steps, most=most)[0, :, 0])
    count = int(np.rint(value * most))
    assert spikes.size == count
    if count > 1:
        gaps = np.diff(spikes)
        assert gaps.max() - gaps.min() <= 1
        assert gaps.mean() == pytest.approx(n_steps / count, abs=1.0)


def test_random_rates():
    """Each of 4 means lies within 5 standard errors; false alarms: 2e-6."""
    values = np.array([[0.0, 0.2, 0.5, 1.0]])
    spikes = rate_code(np.repeat(values, 2000, axis=0), 50, most=20, method="random", seed=1)
    p = values[0] * 20 / 50
    error = 5 * np.sqrt(p * (1 - p) / (2000 * 50))
    assert np.all(np.abs(spikes.mean(axis=(0, 1)) - p) <= error)
    again = rate_code(np.repeat(values, 2000, axis=0), 50, most=20, method="random", seed=1)
    assert np.array_equal(spikes, again)


def test_bad_rates():
    for call, words in (
        (lambda: rate_code([[1.5]], 5), "values must be"),
        (lambda: rate_code([1.0], 5), "shape"),
        (lambda: rate_code([[1.0]], 5, most=6), "at most n_steps=5"),
        (lambda: rate_code(np.ones((1, 1000)), 2**31 - 1), "memory"),
    ):
        with pytest.raises(DescriptionError, match=words):
            call()
