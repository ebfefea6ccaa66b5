"""Every backend against the slow reference, on random networks; and copies side by side."""

from __future__ import annotations

import numpy as np
import pytest
from cases import assert_alike, assert_same, ring
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from reference import reference

import spikemem as sm
from spikemem.network import LIF, STDP, Network, Population, Projection, SpikeSource
from spikemem.recording import SpikeTrains

INTEGRATORS = ["spinnaker", "exact"]


@st.composite
def networks(draw):
    """A few cells of mixed types, sparse recurrent projections, some of them plastic."""
    dt = draw(st.sampled_from([1.0, 0.1]))
    n_steps = draw(st.integers(20, 50))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    populations = [draw_source(draw, rng, dt, n_steps)]
    sizes = draw(st.lists(st.integers(1, 5), min_size=1, max_size=2))
    for k, size in enumerate(sizes):
        populations.append(
            Population(
                name=f"cells{k}", size=size, cell=draw_cell(rng, dt, size), record=("spikes", "v")
            )
        )
    projections = []
    for k in range(draw(st.integers(1, 4))):
        pre = draw(st.sampled_from(populations))
        post = draw(st.sampled_from(populations[1:]))
        plastic = draw(st.booleans())
        projections.append(draw_projection(draw, rng, f"p{k}", pre, post, dt, n_steps, plastic))
    return Network(populations=populations, projections=projections, dt=dt), n_steps * dt


def draw_source(draw, rng, dt, n_steps):
    size = draw(st.integers(1, 4))
    ticks, ids = np.nonzero(rng.random((n_steps, size)) < draw(st.sampled_from([0.1, 0.5, 0.9])))
    trains = SpikeTrains(ids=ids, times=ticks * dt, size=size, duration=n_steps * dt)
    return Population(name="in", cell=SpikeSource(spikes=trains))


def draw_cell(rng, dt, size):
    pick = rng.choice
    return LIF(
        tau_m=pick([3.0, 0.5, 10.0], size) * dt,
        cm=pick([0.27, 0.14], size) * dt,
        v_rest=-60.0,
        v_reset=pick([-60.0, -62.0], size),
        v_thresh=-57.0,
        tau_refrac=pick([0.0, 1.0, 2.5], size) * dt,
        tau_syn_E=pick([0.3, 3.0], size) * dt,
        tau_syn_I=pick([0.3, 2.0, 3.0 * (1 + 1e-13), 10.0 * (1 - 1e-8)], size) * dt,
        i_offset=pick([0.0, 0.25], size),
    )


def draw_projection(draw, rng, name, pre, post, dt, n_steps, plastic):
    here = rng.random((pre.size, post.size)) < draw(st.sampled_from([0.3, 0.7, 1.0]))
    i, j = np.nonzero(here)
    longest = draw(st.sampled_from([1, 2, 5]))
    delay = rng.integers(1, longest + 1, i.size) * dt
    rule = None
    if plastic:
        windows = draw(st.sampled_from([None, [(5 * dt, 15 * dt), (22 * dt, 23 * dt)]]))
        rule = STDP(
            tau_plus=draw(st.sampled_from([3.0, 5.0])) * dt,
            tau_minus=3.0 * dt,
            a_plus=draw(st.sampled_from([0.5, 6.0])),
            a_minus=draw(st.sampled_from([0.25, 6.0])),
            w_min=draw(st.sampled_from([0.0, 0.5])),
            w_max=6.0,
            enabled=windows,
        )
    return Projection(
        name=name,
        pre=pre.name,
        post=post.name,
        i=i,
        j=j,
        weight=rng.integers(32, 6 * 64, i.size) / 64,
        delay=delay,
        receptor=draw(st.sampled_from(["excitatory", "excitatory", "inhibitory"])),
        plasticity=rule,
        record=("weight",) if plastic and draw(st.booleans()) else (),
    )


@pytest.mark.parametrize("integrator", INTEGRATORS)
@given(case=networks())
@settings(
    max_examples=25, deadline=None, derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
def test_equals_the_reference(backend, integrator, case):
    network, duration = case
    got = sm.simulate(network, duration, integrator=integrator, **backend)
    assert_alike(got, reference(network, duration, integrator))


@pytest.mark.parametrize("integrator", INTEGRATORS)
def test_the_ring_is_worth_testing(backend, integrator):
    """Cells fire often, weights move both ways, and not all cells do the same."""
    got = sm.simulate(ring(0), 40.0, integrator=integrator, **backend)
    weights = got.traces["ring", "weight"]
    assert len(got["cells"]) > 30
    assert (np.diff(weights, axis=0) > 0).any()
    assert (np.diff(weights, axis=0) < 0).any()
    assert len({tuple(train) for train in got["cells"].to_lists()}) > 2


@pytest.mark.parametrize("integrator", INTEGRATORS)
@pytest.mark.parametrize("dt", [1.0, 0.1])
def test_the_ring_equals_the_reference(backend, integrator, dt):
    network = ring(1, dt, windows=[(0.0, 11 * dt), (20 * dt, 31 * dt)])
    got = sm.simulate(network, 40 * dt, integrator=integrator, **backend)
    assert_alike(got, reference(network, 40 * dt, integrator))


@pytest.mark.parametrize("integrator", INTEGRATORS)
def test_tiles_are_separate_runs(backend, integrator):
    network = ring(2, windows=[(5.0, 30.0)])
    alone = sm.simulate(network, 40.0, integrator=integrator, **backend)
    tiles = sm.simulate(network.tile(3), 40.0, integrator=integrator, **backend).split(3)
    for tile in tiles:
        assert_same(tile, alone)


@pytest.mark.parametrize("integrator", INTEGRATORS)
def test_stacked_networks_are_separate_runs(backend, integrator):
    """Inputs, weights, windows and cell parameters differ between the copies."""
    networks = [
        ring(3),
        ring(4, windows=[(0.0, 9.0)]),
        ring(5, windows=[(10.0, 20.0), (25.0, 26.0)]),
    ]
    stacked = sm.simulate(Network.stack(networks), 40.0, integrator=integrator, **backend)
    for network, part in zip(networks, stacked.split(3), strict=True):
        alone = sm.simulate(network, 40.0, integrator=integrator, **backend)
        assert_same(part, alone)
        assert_alike(alone, reference(network, 40.0, integrator))


def test_split_needs_equal_parts(backend):
    recording = sm.simulate(ring(2), 5.0, **backend)
    with pytest.raises(sm.DescriptionError, match="n=5 must divide"):
        recording.split(5)


def test_order_of_projections_and_populations_does_not_matter(backend):
    network = ring(6)
    turned = Network(
        populations=network.populations[::-1], projections=network.projections[::-1], dt=network.dt
    )
    assert_same(sm.simulate(turned, 40.0, **backend), sm.simulate(network, 40.0, **backend))


@pytest.mark.parametrize("integrator", INTEGRATORS)
def test_long_delays(backend, integrator):
    """A plastic synapse of 200 steps, with 19 spikes under way at once."""
    network = ring(7)
    trains = SpikeTrains(ids=np.zeros(20, int), times=np.arange(20) * 10.0, size=4, duration=450.0)
    slow = Projection(
        name="slow", pre="in", post="cells", i=[0, 0], j=[0, 3], weight=[4.0, 4.0],
        delay=[200.0, 3.0], plasticity=STDP(a_plus=0.1, a_minus=0.1, w_max=6.0),
    )  # fmt: skip
    network = Network(
        populations=network.with_inputs({"in": trains}).populations, projections=[slow]
    )
    got = sm.simulate(network, 450.0, integrator=integrator, **backend)
    assert len(got["cells"]) > 20
    assert_alike(got, reference(network, 450.0, integrator))
