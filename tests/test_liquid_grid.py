"""Maass's liquid: its wiring, its weights, and its dynamic synapses."""

from __future__ import annotations

import math

import numpy as np
import pytest

import spikemem as sm
from spikemem.networks.liquid import DynamicSynapses, Events, MaassLiquid
from spikemem.networks.liquid.dynamic import DYNAMICS
from spikemem.networks.liquid.grid import draw_wiring, grid_liquid

PUBLISHED = {"EE": (418.0, 18.5), "EI": (69.5, 9.0), "IE": (139.0, 12.1), "II": (7.1, 2.8)}
"""Mean and standard deviation of the synapses of a liquid of 15 x 3 x 3, over 50 seeds."""


def test_synapse_counts_are_the_published_ones():
    counts = [draw_wiring(MaassLiquid(), seed).counts() for seed in range(50)]
    for name, (mean, sd) in PUBLISHED.items():
        found = np.mean([count[name] for count in counts])
        # Two means of 50: with right wiring 3 errors are exceeded once in 100 such tests.
        assert abs(found - mean) < 3 * sd * math.sqrt(2 / 50), name
    assert all(draw_wiring(MaassLiquid(), seed).inhibitory.sum() == 27 for seed in range(3))


@pytest.mark.parametrize(("lam", "mean", "sd"), [(1.0, 110, 8), (4.0, 1791, 39), (8.0, 3361, 53)])
def test_the_length_of_connections_sets_their_number(lam, mean, sd):
    totals = [sum(draw_wiring(MaassLiquid(lam=lam), seed).counts().values()) for seed in range(20)]
    assert abs(np.mean(totals) - mean) < 3 * sd * math.sqrt(1 / 20 + 1 / 50)
    assert sum(draw_wiring(MaassLiquid(lam=0.0), 0).counts().values()) == 0


def test_the_expected_number_is_the_sum_of_the_probabilities():
    liquid = MaassLiquid(shape=(4, 3, 2), inhibitory=0.0)
    places = [(x, y, z) for x in range(4) for y in range(3) for z in range(2)]
    wanted = sum(
        0.3 * math.exp(-(math.dist(a, b) ** 2) / 4) for a in places for b in places if a != b
    )
    totals = [draw_wiring(liquid, seed).counts()["EE"] for seed in range(100)]
    assert abs(np.mean(totals) - wanted) < 5 * np.std(totals) / 10
    pairs = draw_wiring(liquid, 0).pairs["EE"]
    assert np.all(pairs.i != pairs.j)


def test_weights_follow_a_gamma_distribution_whose_deviation_is_its_mean():
    liquid = MaassLiquid(shape=(12, 12, 6), lam=4.0)
    network = grid_liquid(liquid, 20, seed=0).network
    for name in DYNAMICS:
        weights = network.weights(name)
        mean = getattr(liquid, f"a_{name}") * DYNAMICS[name][0]
        assert weights.size > 500
        assert weights.mean() == pytest.approx(mean, abs=5 * mean / math.sqrt(weights.size))
        assert weights.std() == pytest.approx(mean, rel=0.2)
    assert network.projection("IE").receptor == "inhibitory"
    assert network.projection("EI").receptor == "excitatory"
    assert set(np.unique(network.projection("EE").delay)) == {1.5}
    assert set(np.unique(network.projection("II").delay)) == {0.8}


def by_recursion(times, share, depress, facil):
    """u and R of each spike (times in s), as Markram, Wang & Tsodyks wrote them."""
    u, r, found = share, 1.0, [share]
    for gap in np.diff(times):
        r = 1 + (r - u * r - 1) * math.exp(-gap / depress)
        u = share + u * (1 - share) * math.exp(-gap / facil)
        found.append(u * r)
    return np.array(found)


def test_dynamic_synapses_follow_their_equations():
    times = [10.0, 30.0, 50.0, 70.0, 300.0]
    trains = sm.SpikeTrains(ids=np.tile([0, 1], 5), times=np.repeat(times, 2), size=2,
                            duration=320.0)  # fmt: skip
    # An almost leakless cell sums what arrives: 0.1 nA ms / 1 nF for each nA.
    cell = sm.LIF(tau_m=1e9, cm=1.0, tau_syn_E=0.1, v_rest=0.0, v_thresh=1e6)
    network = sm.Network(
        [sm.Population("in", 2, sm.SpikeSource(spikes=trains)),
         sm.Population("out", 2, cell, record=("v",))],
        [sm.Projection.one_to_one("EI", "in", "out", weight=0.05, delay=1.0)],
    )  # fmt: skip
    synapses = DynamicSynapses(seed=4)
    recording = sm.simulate(network, extensions=[synapses])
    jumps = np.diff(recording.traces["out", "v"], axis=0)[[11, 31, 51, 71, 301]]
    for k, (share, depress, facil) in enumerate(zip(*synapses.drawn("EI", 2), strict=True)):
        wanted = by_recursion(np.array(times) / 1000, share, depress, facil)
        np.testing.assert_allclose(jumps[:, k] / 0.1, wanted, rtol=1e-4)
    assert jumps[3, 0] > 1.5 * jumps[0, 0]  # E to I facilitates
    with pytest.raises(sm.SpikememError, match="extensions"):
        sm.simulate(network, backend="native", extensions=[synapses])


def test_drawn_dynamics_have_half_their_mean_as_deviation():
    share, depress, facil = DynamicSynapses(seed=0).drawn("IE", 20_000)
    # A normal distribution cut at 0, two deviations below its mean.
    from scipy.stats import truncnorm

    for values, mean in ((depress, 0.7), (facil, 0.02)):
        law = truncnorm(-2.0, np.inf, loc=mean, scale=mean / 2)
        assert values.mean() == pytest.approx(law.mean(), rel=0.02)
        assert values.std() == pytest.approx(law.std(), rel=0.03)
    assert 0 < share.min() <= share.max() <= 1


def test_the_liquid_answers_alike_on_brian2_and_the_compiled_engine():
    events = Events.from_dense(np.random.default_rng(0).random((3, 60, 12)) < 0.03)
    made = sm.LiquidStateMachine(12, liquid=MaassLiquid(p_input=0.2), seed=0)
    spikes = made.spikes(events)
    assert spikes.shape == (3, 60, 135)
    assert 0.01 < spikes.mean() < 0.4
    np.testing.assert_array_equal(made.spikes(events, backend="brian2"), spikes)
    alone = made.spikes(events[1:2])
    np.testing.assert_array_equal(alone, spikes[1:2])
    dynamic = sm.simulate(made.build(events), extensions=[DynamicSynapses(seed=1)])
    assert made.decode(dynamic, events)[0].sum() < spikes[0].sum()


def test_it_is_fitted_saved_and_loaded(tmp_path):
    rng = np.random.default_rng(1)
    labels = np.arange(24) % 2
    # The same rates for both classes: what differs is which half of the channels comes first.
    early = (np.arange(40)[:, None] < 20) == (np.arange(10) < 5)
    rate = np.where(labels[:, None, None] == 0, early, ~early) * 0.25
    events = Events.from_dense(rng.random((24, 40, 10)) < rate)
    made = sm.LiquidStateMachine(10, liquid=MaassLiquid(shape=(5, 3, 3)), seed=2,
                                 features="low-pass", bins=1, tau=10.0)  # fmt: skip
    made.fit(events[:16], labels[:16])
    assert made.score(events[16:], labels[16:]) == 1.0
    made.save(tmp_path / "liquid.h5")
    other = sm.load(tmp_path / "liquid.h5")
    np.testing.assert_array_equal(other.states(events[:3]), made.states(events[:3]))
    assert other.predict(events).tolist() == made.predict(events).tolist()


def test_wrong_liquids_are_refused():
    with pytest.raises(sm.DescriptionError, match="v_reset must be below"):
        MaassLiquid(v_reset=16.0)
    with pytest.raises(sm.DescriptionError, match="n_neurons must be 135"):
        sm.LiquidStateMachine(4, 100, liquid=MaassLiquid())
    with pytest.raises(sm.DescriptionError, match="c_EE"):
        MaassLiquid(c_EE=1.5)
    network = sm.Network([sm.Population("a", 1, sm.LIF())], [])
    with pytest.raises(sm.UnsupportedError, match="none of the projections"):
        sm.simulate(network, 5.0, extensions=[DynamicSynapses()])
