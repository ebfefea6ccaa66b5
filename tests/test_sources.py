"""Spike sources against closed forms; each statistical test has a false-alarm rate of 1e-6."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nonsense import nonsense, refusal
from scipy import stats

from spikemem.sources import from_neo, poisson, regular
from spikemem.spikes import SpikeTrains

ALARM = 1e-6


@pytest.mark.parametrize(("rate", "dt"), [(20.0, 0.1), (400.0, 1.0), (1000.0, 1.0), (0.0, 1.0)])
def test_the_number_of_poisson_spikes_is_binomial(rate, dt):
    trains = poisson(rate, size=300, duration=1000.0, dt=dt, seed=1)
    n, p = 300 * round(1000 / dt), rate * dt / 1000
    low, high = stats.binom.interval(1 - ALARM, n, p)
    assert low <= len(trains) <= high
    assert trains.duration == 1000.0
    assert trains == trains.to_grid(dt)


def test_intervals_of_poisson_trains_are_geometric():
    trains = poisson(100.0, size=50, duration=5000.0, dt=1.0, seed=2)
    gaps = np.concatenate([np.diff(train) for train in trains.to_lists()]).round().astype(int)
    edges = np.arange(1, 40)
    counts = np.append(np.bincount(gaps, minlength=40)[1:40], np.count_nonzero(gaps >= 40))
    chance = np.append(stats.geom.pmf(edges, 0.1), stats.geom.sf(39, 0.1))
    # The end of a train cuts off its last gap: one of about 500, far below what is tested here.
    chance /= chance.sum()
    assert stats.chisquare(counts, chance * counts.sum()).pvalue > ALARM


def test_each_cell_has_its_own_rate():
    rates = np.array([0.0, 5.0, 50.0, 500.0])
    counts = poisson(rates, size=4, duration=20_000.0, dt=1.0, seed=3).counts()
    for count, rate in zip(counts, rates, strict=True):
        low, high = stats.binom.interval(1 - ALARM, 20_000, rate / 1000)
        assert low <= count <= high


def test_rates_change_over_time():
    times, rates = [0.0, 100.0, 300.0], [10.0, 200.0, 0.0]
    trains = poisson(rates, times=times, size=400, duration=500.0, dt=1.0, seed=4)
    counts, _ = np.histogram(trains.times, bins=[0, 100, 300, 500])
    for count, rate, length in zip(counts, rates, (100, 200, 200), strict=True):
        low, high = stats.binom.interval(1 - ALARM, 400 * length, rate / 1000)
        assert low <= count <= high
    per_cell = poisson(
        np.outer(rates, [0.0, 1.0]), times=times, size=2, duration=500.0, dt=1.0, seed=4
    )
    assert per_cell.counts()[0] == 0
    assert per_cell.counts()[1] > 0


def test_the_same_seed_gives_the_same_spikes():
    first, again, other = (
        poisson(30.0, size=20, duration=200.0, dt=0.1, seed=seed) for seed in (1, 1, 2)
    )
    assert first == again
    assert first != other


@given(
    period=st.integers(2, 30), start=st.integers(0, 20), size=st.integers(1, 3),
    duration=st.integers(1, 200),
)  # fmt: skip
def test_regular_trains_have_equal_intervals(period, start, size, duration):
    trains = regular(1000.0 / period, size=size, duration=duration, dt=1.0, start=start)
    wanted = [float(t) for t in range(start, duration, period)]
    assert trains.to_lists() == [wanted] * size


def test_regular_trains_keep_their_mean_rate_off_the_grid():
    trains = regular(300.0, size=1, duration=1000.0, dt=1.0)
    assert len(trains) == 300
    assert set(np.diff(trains.times)) == {3.0, 4.0}


def test_jitter_shifts_by_normal_deviates():
    trains = regular(10.0, size=200, duration=5000.0, dt=0.1, start=50.0)
    moved = trains.jitter(3.0, dt=0.1, seed=1)
    shift = np.concatenate([np.subtract(a, b) for a, b in zip(moved.to_lists(), trains.to_lists(),
                                                              strict=True)])  # fmt: skip
    assert abs(shift.mean()) < stats.norm.isf(ALARM / 2) * 3.0 / np.sqrt(shift.size)
    spread = shift.size * shift.var() / (9.0 + 0.01 / 12)
    assert stats.chi2.ppf(ALARM / 2, shift.size) < spread < stats.chi2.isf(ALARM / 2, shift.size)
    assert trains.jitter(3.0, dt=0.1, seed=1) == moved


def test_jittered_spikes_stay_inside():
    trains = SpikeTrains.from_lists([[0.0, 9.0]], duration=10.0)
    for seed in range(20):
        moved = trains.jitter(50.0, dt=1.0, seed=seed)
        assert moved.duration == 10.0
        assert set(moved.times) <= set(range(10))


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ({"rate": -1.0}, "rate"),
        ({"rate": 1001.0}, "at most one spike in a step"),
        ({"rate": [1.0, 2.0, 3.0]}, "shape (2,)"),
        ({"duration": 10.5}, "multiple of dt"),
        ({"duration": 0.0}, "duration"),
        ({"dt": 0.0}, "dt"),
        ({"size": 0}, "size"),
        ({"seed": True}, "seed"),
        ({"times": [1.0], "rate": [1.0]}, "ascend from 0"),
        ({"times": [0.0, 0.0], "rate": [1.0, 1.0]}, "ascend from 0"),
        ({"times": [0.0, 5.0], "rate": [1.0, 1.0, 1.0]}, "shape (2,) or (2, 2)"),
    ],
)
def test_bad_poisson_arguments(arguments, word):
    given_arguments = {"rate": 5.0, "size": 2, "duration": 10.0, "dt": 1.0} | arguments
    assert word in refusal(poisson, given_arguments.pop("rate"), **given_arguments)


def test_bad_arguments_of_the_others():
    assert "rate" in refusal(regular, 0.0, size=1, duration=10.0, dt=1.0)
    assert "at most one spike" in refusal(regular, 1001.0, size=1, duration=10.0, dt=1.0)
    assert "start" in refusal(regular, 1.0, size=2, duration=10.0, dt=1.0, start=[1.0, 2.0, 3.0])
    assert "sd" in refusal(SpikeTrains.empty(1, 5.0).jitter, -1.0, dt=1.0, seed=0)
    for value in nonsense():
        assert refusal(from_neo, value).startswith("from_neo")


def test_from_neo_converts_units():
    neo = pytest.importorskip("neo")
    import quantities as pq

    trains = [
        neo.SpikeTrain([0.25, 0.5], units="s", t_start=0.2 * pq.s, t_stop=1.0 * pq.s),
        neo.SpikeTrain([300.0], units="ms", t_start=200.0 * pq.ms, t_stop=1000.0 * pq.ms),
    ]
    segment = neo.Segment()
    segment.spiketrains.extend(trains)
    block = neo.Block()
    block.segments.append(segment)
    for source in (trains, segment, block):
        taken = from_neo(source)
        assert np.allclose(taken.times, [50.0, 100.0, 300.0])
        assert taken.ids.tolist() == [0, 1, 0]
        assert taken.duration == pytest.approx(800.0)
