"""Counts, time bins and low-passed states against sums over single spikes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nonsense import refusal

from spikemem.readouts import bin_counts, counts, linear_readout, low_passed
from spikemem.spikes import SpikeTrains

SPIKES = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 60)), max_size=30, unique=True)


def trains_of(spikes):
    return SpikeTrains(ids=[i for i, _ in spikes], times=[float(t) for _, t in spikes], size=4)


@given(spikes=SPIKES, starts=st.lists(st.integers(0, 50), max_size=4), bins=st.integers(1, 5))
def test_bins_hold_the_spikes_of_their_time(spikes, starts, bins):
    length = 2.0 * bins
    got = bin_counts(trains_of(spikes), starts, length, bins)
    wanted = np.zeros((len(starts), bins, 4), dtype=int)
    for window, start in enumerate(starts):
        for cell, time in spikes:
            if start <= time < start + length:
                wanted[window, int((time - start) // 2), cell] += 1
    assert np.array_equal(got, wanted)
    assert np.array_equal(counts(trains_of(spikes), starts, length), wanted.sum(axis=1))


@given(spikes=SPIKES, times=st.lists(st.integers(0, 80), max_size=6).map(sorted))
def test_low_passed_is_a_sum_of_exponentials(spikes, times):
    got = low_passed(trains_of(spikes), times, tau=7.0)
    wanted = np.zeros((len(times), 4))
    for k, moment in enumerate(times):
        for cell, time in spikes:
            if time <= moment:
                wanted[k, cell] += np.exp(-(moment - time) / 7.0)
    assert np.allclose(got, wanted, rtol=1e-12, atol=1e-12)


def test_bad_input_is_refused():
    trains = trains_of([])
    assert "starts" in refusal(counts, trains, "x", 1.0)
    assert "length" in refusal(counts, trains, [0.0], 0.0)
    assert "bins" in refusal(bin_counts, trains, [0.0], 1.0, 0)
    assert "ascending" in refusal(low_passed, trains, [2.0, 1.0], tau=1.0)
    assert "tau" in refusal(low_passed, trains, [1.0], tau=0.0)
    assert "trains" in refusal(counts, [1.0], [0.0], 1.0)
    assert "kind" in refusal(linear_readout, "lasso")


@pytest.mark.parametrize("kind", ["ridge", "logistic"])
def test_linear_readouts_separate_two_classes(kind):
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1], 50)
    features = rng.normal(size=(100, 3)) + 4 * labels[:, None]
    readout = linear_readout(kind).fit(features, labels)
    assert readout.score(features, labels) > 0.95
