"""Schedules of rehearsal, and stored samples with their bytes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spikemem.errors import DescriptionError
from spikemem.networks.hlop.store import SampleStore
from spikemem.schedules import RehearsalSchedule

LABELS = np.repeat(np.arange(10), 30)
IMAGES = np.random.default_rng(0).random((300, 6))


def test_schedules_follow_their_laws():
    power = RehearsalSchedule(kind="power", exponent=2.0).probabilities(2)
    total = 1 + 1 / 4 + 1 / 9
    np.testing.assert_allclose(power, [1 / 9 / total, 1 / 4 / total, 1 / total], rtol=1e-14)
    fading = RehearsalSchedule(kind="exponential", rate=0.5).probabilities(2)
    np.testing.assert_allclose(fading[:-1] / fading[1:], np.exp(-0.5), rtol=1e-14)
    assert RehearsalSchedule(kind="uniform").probabilities(3).tolist() == [0.25] * 4
    assert RehearsalSchedule(kind="none").probabilities(3).tolist() == [0, 0, 0, 1]


def test_counts_by_hand():
    # 11 samples over the shares 2/11, 3/11, 6/11 of a power law with exponent 1.
    assert RehearsalSchedule(kind="power").counts(2, 11).tolist() == [2, 3, 6]
    # 10 samples: 1.82, 2.73, 5.45: the two largest remainders are .82 and .73.
    assert RehearsalSchedule(kind="power").counts(2, 10).tolist() == [2, 3, 5]
    assert RehearsalSchedule(kind="uniform").counts(2, 4).tolist() == [2, 1, 1]
    assert RehearsalSchedule(kind="none").counts(2, 7).tolist() == [0, 0, 7]


@given(
    st.sampled_from(["none", "uniform", "power", "exponential"]),
    st.integers(0, 60),
    st.integers(0, 10**6),
    st.floats(0.01, 100.0),
)
def test_counts_add_up_and_are_within_one_of_the_shares(kind, phase, n, law):
    schedule = RehearsalSchedule(kind=kind, exponent=law, rate=law)
    counts, shares = schedule.counts(phase, n), schedule.probabilities(phase)
    assert counts.sum() == n
    assert counts.min() >= 0
    assert abs(shares.sum() - 1) < 1e-12
    assert np.abs(counts - n * shares).max() < 1 + 1e-6
    assert (np.diff(shares) >= 0).all()  # A task is never practised more for being older.


def test_store_keeps_so_many_of_each_class():
    store = SampleStore(7, seed=1)
    store.add(IMAGES, LABELS)
    x, labels = store.samples(0)
    assert np.bincount(labels).tolist() == [7] * 10
    rows = {tuple(row): label for row, label in zip(IMAGES.astype(np.float32), LABELS, strict=True)}
    assert [rows[tuple(row)] for row in x] == labels.tolist()
    assert store.n_bytes == 70 * (6 * 4 + 8)
    again = SampleStore(7, seed=1)
    again.add(IMAGES, LABELS)
    np.testing.assert_array_equal(again.samples(0)[0], x)
    other = SampleStore(7, seed=2)
    other.add(IMAGES, LABELS)
    assert not np.array_equal(other.samples(0)[0], x)


def test_small_classes_are_kept_whole():
    store = SampleStore(5)
    store.add(np.zeros((8, 2)), [0, 0, 0, 0, 0, 0, 3, 3])
    assert np.bincount(store.samples(0)[1]).tolist() == [5, 0, 0, 2]


def test_a_limit_of_bytes_is_shared_by_all_classes():
    sample = 6 + 8
    store = SampleStore(1000, n_bytes=100 * sample, stored_as="uint8", seed=0)
    store.add(IMAGES, LABELS)
    first = store.samples(0)[0]
    assert len(store) == 100
    store.add(IMAGES, LABELS)
    assert [len(store.samples(k)[1]) for k in (0, 1)] == [50, 50]
    store.add(IMAGES, LABELS)
    assert len(store) == 90
    assert store.n_bytes == 90 * sample <= 100 * sample
    kept = {tuple(row) for row in store.samples(0)[0]}
    assert kept < {tuple(row) for row in first}
    tiny = SampleStore(1, n_bytes=40 * sample, seed=0)
    with pytest.raises(DescriptionError, match="n_bytes must be at least 2400"):
        tiny.add(np.zeros((75, 6)), np.arange(75))
    full = SampleStore(1, n_bytes=10 * sample, stored_as="uint8")
    full.add(IMAGES, LABELS)
    with pytest.raises(DescriptionError, match="20 classes"):
        full.add(IMAGES, LABELS)
    assert len(full) == 10  # What was stored before an error stays.


def test_grey_levels_are_stored_exactly_in_a_quarter_of_the_memory():
    grey = np.random.default_rng(1).integers(0, 256, (40, 9))
    grey[0, :2] = 0, 255
    x = (grey / 255 - 0.1307) / 0.3081
    exact, small = SampleStore(40), SampleStore(40, stored_as="uint8")
    for store in (exact, small):
        store.add(x, np.zeros(40, dtype=int))
    assert small.n_bytes - 40 * 8 == (exact.n_bytes - 40 * 8) / 4
    np.testing.assert_allclose(small.samples(0)[0], exact.samples(0)[0], atol=2e-7)


def test_draws_use_all_samples_equally_often():
    store = SampleStore(3)
    store.add(np.arange(12.0).reshape(6, 2), [0, 0, 0, 1, 1, 1])
    x, labels = store.draw(0, 15, seed=2)
    counts = np.unique(x[:, 0], return_counts=True)[1]
    assert sorted(counts) == [2, 2, 2, 3, 3, 3]
    assert np.array_equal(x[:, 0] >= 6, labels == 1)
    np.testing.assert_array_equal(store.draw(0, 15, seed=2)[0], x)
    assert len(store.draw(0, 0)[0]) == 0


def test_the_same_task_again_replaces_its_samples():
    store = SampleStore(2)
    store.add(IMAGES, LABELS, task=3)
    store.add(IMAGES + 1, LABELS, task=3)
    assert store.tasks == (3,)
    assert store.samples(3)[0].min() >= 1
    assert len(store) == 20


def test_bad_samples_are_refused():
    store = SampleStore()
    store.add(IMAGES, LABELS)
    with pytest.raises(DescriptionError, match="one entry for each sample"):
        store.add(IMAGES, LABELS[1:])
    with pytest.raises(DescriptionError, match=r"shape \(6,\)"):
        store.add(IMAGES[:, :5], LABELS)
    with pytest.raises(DescriptionError, match="task must be one of"):
        store.samples(4)
