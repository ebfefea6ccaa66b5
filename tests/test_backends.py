"""Every backend against the slow reference, on random networks; and copies side by side."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from reference import reference

import spikemem as sm
from spikemem.network import LIF, STDP, Network, Population, Projection, SpikeSource
from spikemem.recording import SpikeTrains
from spikemem.simulation import BACKENDS

INTEGRATORS = ["spinnaker", "exact"]
CASES = [
    ("brian2", {}),
    ("native", {}),
]
EXACT = [case for case in CASES if case[0] in BACKENDS]


def case_name(case):
    name, options = case
    return "-".join([name, *map(str, options.values())])


@pytest.fixture(params=EXACT, ids=case_name)
def backend(request):
    """Keyword arguments of Session for one backend that follows docs/semantics.md."""
    name, options = request.param
    return {"backend": name, **options}


def sixty_fourths(low, high):
    return st.integers(low * 64, high * 64).map(lambda k: k / 64)


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
        tau_syn_I=pick([0.3, 2.0], size) * dt,
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


def assert_alike(got, wanted, tolerance=1e-11):
    assert got.spikes.keys() == wanted.spikes.keys()
    for name in wanted.spikes:
        assert got[name].to_lists() == wanted[name].to_lists(), name
    assert got.traces.keys() == wanted.traces.keys()
    for key in wanted.traces:
        assert got.traces[key].shape == wanted.traces[key].shape
        np.testing.assert_allclose(got.traces[key], wanted.traces[key], rtol=0, atol=tolerance)
    assert got.weights.keys() == wanted.weights.keys()
    for name in wanted.weights:
        np.testing.assert_allclose(got.weights[name], wanted.weights[name], rtol=0, atol=tolerance)


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
