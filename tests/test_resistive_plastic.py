"""On-device learning: identity, closed form, asymmetry, noise, ranges, refusals."""

from __future__ import annotations

import numpy as np
import pytest

import spikemem as sm
from spikemem.hardware.resistive import ConductanceUpdate, learn_on_device


def pairs(n_pairs: int = 40, n: int = 50, *, lag: float = 1.0, weight: float = 0.0) -> sm.Network:
    """Sources that fire pairs of spikes onto cells that follow a second set of sources."""
    times = 20.0 * np.arange(n_pairs) + 5.0

    def source(shift: float) -> sm.SpikeSource:
        spikes = sm.SpikeTrains(ids=np.tile(np.arange(n), n_pairs),
                                times=np.repeat(times + shift, n), size=n)  # fmt: skip
        return sm.SpikeSource(spikes=spikes)

    rule = sm.STDP(tau_plus=2.0, tau_minus=2.0, a_plus=0.2, a_minus=0.2, w_max=10.0)
    return sm.Network(
        populations=[
            sm.Population(name="pre", cell=source(0.0)),
            sm.Population(name="drive", cell=source(lag - 1.0)),
            sm.Population(name="post", size=n, cell=sm.LIF(tau_m=1.0, cm=0.1, tau_syn_E=0.1)),
        ],
        projections=[
            sm.Projection.one_to_one("driver", "drive", "post", weight=500.0, delay=1.0),
            sm.Projection.one_to_one("p", "pre", "post", weight=weight, delay=1.0,
                                     plasticity=rule),
        ],
    )  # fmt: skip


def weights(network: sm.Network, update: ConductanceUpdate | None, seed: int = 0):
    with sm.Session(network) as session:
        if update is not None:
            learn_on_device(session, update, seed=seed)
        return session.run(network.duration + 20.0).weights["p"]


def test_a_perfect_device_learns_as_the_rule_says():
    for network in (pairs(), pairs(lag=-1.0, weight=8.0)):
        plain = weights(network, None)
        assert (plain != network.synapses("p").weight).all()
        np.testing.assert_array_equal(weights(network, ConductanceUpdate()), plain)


def test_steps_compose_to_the_closed_form():
    update = ConductanceUpdate(nonlinearity_plus=4.0, nonlinearity_minus=2.0)
    x = np.zeros(1)
    for _ in range(10):
        x = update.moved(x, np.array([0.05]))
    assert x[0] == pytest.approx(np.log1p((np.exp(4.0) - 1) * 0.5) / 4.0)
    for _ in range(10):
        x = update.moved(x, np.array([0.05]))
    assert x[0] == pytest.approx(1.0)
    for _ in range(4):
        x = update.moved(x, np.array([-0.25]))
    assert x[0] == pytest.approx(0.0, abs=1e-12)


def test_a_network_follows_the_closed_form():
    plain = weights(pairs(), None)
    update = ConductanceUpdate(nonlinearity_plus=3.0)
    got = weights(pairs(), update)
    expected = 10.0 * update.moved(np.zeros(50), plain / 10.0)
    # The rule's own tails depress by parts in 10^4, which the two orders clip differently.
    np.testing.assert_allclose(got, expected, rtol=1e-3)


def test_asymmetry_noise_and_spread():
    plain = weights(pairs(), None)
    np.testing.assert_allclose(
        weights(pairs(), ConductanceUpdate(scale_plus=0.5)), plain / 2, rtol=1e-3
    )
    noisy = weights(pairs(), ConductanceUpdate(step_sd=0.5))
    expected = plain[0] / np.sqrt(40) * 0.5
    assert noisy.std() == pytest.approx(expected, rel=0.4)
    assert noisy.mean() == pytest.approx(plain[0], rel=0.05)
    spread = weights(pairs(), ConductanceUpdate(device_sd=0.2))
    assert (spread / plain).std() == pytest.approx(0.2, rel=0.4)
    np.testing.assert_array_equal(spread, weights(pairs(), ConductanceUpdate(device_sd=0.2)))
    assert (spread != weights(pairs(), ConductanceUpdate(device_sd=0.2), seed=1)).any()


def test_weights_stay_in_their_range():
    got = weights(pairs(120), ConductanceUpdate(step_sd=3.0, nonlinearity_minus=5.0))
    assert got.min() >= 0
    assert got.max() <= 10.0


def test_a_run_in_parts_is_one_run():
    def run(*parts: float):
        with sm.Session(pairs()) as session:
            learn_on_device(session, ConductanceUpdate(step_sd=0.3))
            for part in parts:
                recording = session.run(part)
            return recording.weights["p"]

    np.testing.assert_array_equal(run(400.0), run(150.0, 250.0))


def test_refusals():
    network = pairs(2)
    with sm.Session(network) as session:
        with pytest.raises(sm.DescriptionError, match="'driver' is not a plastic projection"):
            learn_on_device(session, ConductanceUpdate(), projections=["driver"])
        session.run(1.0)
        with pytest.raises(sm.DescriptionError, match="has already run"):
            learn_on_device(session, ConductanceUpdate())
    with (
        sm.Session(network, backend="native") as session,
        pytest.raises(sm.UnsupportedError, match="target 'numpy'"),
    ):
        learn_on_device(session, ConductanceUpdate())
    with pytest.raises(sm.DescriptionError, match=r"nonlinearity_plus must be .* 20, got 30"):
        ConductanceUpdate(nonlinearity_plus=30.0)
    with pytest.raises(sm.DescriptionError, match="step_sd must be >= 0"):
        ConductanceUpdate(step_sd=-1.0)
