"""Cells without a leak (``tau_m=inf``): closed forms of the sum of their input."""

from __future__ import annotations

import math

import numpy as np
import pytest
from cases import assert_alike, driven, source
from reference import reference

import spikemem as sm

INTEGRATORS = ["spinnaker", "exact"]


def summing(**values):
    values = {"cm": 0.5, "v_rest": -60.0, "v_reset": -60.0, "tau_refrac": 0.0} | values
    return sm.LIF(tau_m=math.inf, **values)


@pytest.mark.parametrize("integrator", INTEGRATORS)
@pytest.mark.parametrize("dt", [1.0, 0.1])
def test_spikes_move_it_by_their_charge(backend, integrator, dt):
    """n spikes of weight w move v by n·w·tau_syn/cm, at once in the limit, and it stays there.

    Under "exact" a spike has delivered 1 - exp(-t/tau_syn) of that after a time t; under
    "spinnaker" the current is held over a step, from the step in which it arrives, and its scale
    makes the charge of whole steps the same.
    """
    cell = summing(tau_syn_E=2.0, v_thresh=1e9)
    network = driven(cell, [0.0, 3 * dt, 5 * dt], 0.3, delay=dt, dt=dt)
    n_steps = round(80 / dt)
    v = sm.simulate(network, n_steps * dt, integrator=integrator, **backend).traces["out", "v"]
    assert v[-1, 0] == pytest.approx(-60.0 + 3 * 0.3 * 2.0 / 0.5, abs=1e-9)
    elapsed = np.arange(n_steps) * dt
    wanted = np.full(n_steps, -60.0)
    for arrival in (dt, 4 * dt, 6 * dt):
        delivered = -np.expm1(-np.maximum(elapsed - arrival, 0.0) / 2.0)
        wanted += 0.3 * 2.0 / 0.5 * delivered
    np.testing.assert_allclose(v[:, 0], wanted, rtol=0, atol=1e-9)


@pytest.mark.parametrize("integrator", INTEGRATORS)
def test_a_constant_current_fires_it_at_regular_times(backend, integrator):
    """It rises by dt·i/cm in each step: 0.25·8 = 2 mV after 8 steps of 1/4 mV, 3 silent ones."""
    cell = summing(v_thresh=-58.0, tau_refrac=3.0, i_offset=0.125)
    network = sm.Network(
        populations=[sm.Population(name="out", size=2, cell=cell, v_init=[-60.0, -59.0])]
    )
    got = sm.simulate(network, 60.0, integrator=integrator, **backend)["out"].to_lists()
    late = integrator == "exact"
    assert got[0] == [7.0 + late + 11 * k for k in range(5)]
    assert got[1] == [3.0 + late + 11 * k for k in range(6 - (3 + late + 55 > 60))]


@pytest.mark.parametrize("integrator", INTEGRATORS)
def test_it_keeps_its_potential(backend, integrator):
    """Without input nothing changes, whatever v_rest is."""
    population = sm.Population(
        name="out", size=2, cell=summing(v_thresh=0.0), v_init=[-50.3, -70.1], record=("v",)
    )
    got = sm.simulate(
        sm.Network(populations=[population]), 300.0, integrator=integrator, **backend
    ).traces["out", "v"]
    np.testing.assert_array_equal(got, np.tile([-50.3, -70.1], (300, 1)))


@pytest.mark.parametrize("integrator", INTEGRATORS)
@pytest.mark.parametrize("dt", [1.0, 0.1])
def test_equals_the_reference(backend, integrator, dt):
    """Beside leaky cells, with inhibition and a current over time."""
    current = sm.StepCurrent(times=np.array([3, 20]) * dt, amplitudes=[0.3, -0.1])
    mixed = sm.LIF(
        tau_m=[3.0, math.inf, 1e3, math.inf], cm=[0.27, 0.27, 0.5, 0.14], v_thresh=-64.0,
        tau_syn_E=0.3, i_offset=current, tau_refrac=dt,
    )  # fmt: skip
    network = sm.Network(
        populations=[
            source([0.0, 4 * dt, 9 * dt], [2 * dt]),
            sm.Population(name="a", size=4, cell=mixed, record=("spikes", "v")),
            sm.Population(name="b", size=2, cell=summing(v_thresh=-59.0), record=("spikes", "v")),
        ],
        projections=[
            sm.Projection.all_to_all("e", "in", "a", weight=0.5, delay=dt),
            sm.Projection.all_to_all("f", "in", "b", weight=0.2, delay=dt),
            sm.Projection.all_to_all(
                "i", "a", "b", weight=0.02, delay=2 * dt, receptor="inhibitory"
            ),
        ],
        dt=dt,
    )
    got = sm.simulate(network, 60 * dt, integrator=integrator, **backend)
    assert len(got["a"]) > 3
    assert_alike(got, reference(network, 60 * dt, integrator))


def test_four_bytes():
    network = driven(summing(tau_syn_E=2.0, v_thresh=1e9), [0.0], 0.3)
    for integrator in INTEGRATORS:
        got = sm.simulate(network, 60.0, backend="native", precision="f4", integrator=integrator)
        assert got.traces["out", "v"][-1, 0] == pytest.approx(-60.0 + 0.3 * 2.0 / 0.5, abs=1e-4)


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("spinnaker", "no leak"), ("emulator", "no leak"), ("pynn:nest", "finite tau_m"),
        ("pynn:brian2", "finite tau_m"), ("pynn:mock", "finite tau_m"),
    ],
)  # fmt: skip
def test_other_targets_refuse_it(target, reason):
    network = driven(summing(v_thresh=0.0), [0.0], 0.3)
    options = {} if target in ("spinnaker", "emulator") else {"integrator": "exact"}
    problems = [item for item in sm.check(network, target, **options) if item.level == "error"]
    assert len(problems) == 1
    assert reason in str(problems[0])
    assert "a long tau_m" in problems[0].remedy
    if target == "spinnaker":
        return
    with pytest.raises(sm.UnsupportedError, match="a long tau_m"):
        sm.simulate(network, 5.0, backend=target, **options)


def test_nir_and_the_script_refuse_it(tmp_path):
    network = driven(summing(v_thresh=0.0), [0.0], 0.3)
    with pytest.raises(sm.UnsupportedError, match="an IF has no synaptic current"):
        sm.hardware.nir.to_nir(network)
    with pytest.raises(sm.UnsupportedError, match="have no leak"):
        sm.export(network, "spinnaker", tmp_path / "out")


def test_description(tmp_path):
    network = driven(summing(v_thresh=0.0), [0.0], 0.3)
    back = sm.load_network(network.save(tmp_path / "net.h5"))
    assert back.content_hash == network.content_hash
    assert math.isinf(back.population("out").lif.tau_m)
    assert "LIF without a leak" in network.summary()
    assert network.tile(2).population("out").lif.tau_m == math.inf
    for name in sm.LIF.units:
        for value in (math.inf, -math.inf, math.nan):
            if (name, value) != ("tau_m", math.inf):
                with pytest.raises(sm.DescriptionError, match=name):
                    sm.LIF(**{name: value})


def test_families_need_a_leak():
    from spikemem.networks.dendrites import segment_weight

    with pytest.raises(sm.DescriptionError, match="must have a leak"):
        segment_weight(5, summing(v_thresh=0.0))


@pytest.mark.slow
@pytest.mark.parametrize("integrator", INTEGRATORS)
def test_compiled_brian2(integrator):
    network = driven(summing(v_thresh=-59.5, i_offset=0.01), [0.0, 4.0], 0.3)
    got = sm.simulate(network, 60.0, integrator=integrator, target="cpp_standalone")
    assert_alike(got, reference(network, 60.0, integrator))
