"""What a check finds and what a backend refuses are the same; and the ends of the numbers."""

from __future__ import annotations

import warnings
from dataclasses import replace

import board_networks
import numpy as np
import pytest

import spikemem as sm
from spikemem.errors import SpikememWarning, UnsupportedError
from spikemem.network import LIF, STDP, Network, Population, Projection, SpikeSource
from spikemem.recording import SpikeTrains
from spikemem.support import UNSUPPORTED

RULE = STDP(tau_plus=20.0, tau_minus=20.0, a_plus=0.5, a_minus=0.6, w_max=2.0)
CELL = LIF(tau_m=10.0, cm=0.5, tau_refrac=2.0)
SLOW = pytest.mark.slow
BACKENDS = [
    pytest.param(("brian2", "spinnaker"), marks=SLOW),
    pytest.param(("brian2", "exact"), marks=SLOW),
    ("native", "spinnaker"),
    ("native", "exact"),
    ("emulator", "spinnaker"),
    pytest.param(("pynn:nest", "exact"), marks=pytest.mark.nest),
]


def network(*projections, cell=CELL, dt=1.0, **options):
    """Two sources and three cells; the first source fires in the first step."""
    trains = SpikeTrains(ids=[0, 1], times=[0.0, 2 * dt], size=2, duration=5 * dt)
    return Network(
        populations=[
            Population(name="in", cell=SpikeSource(spikes=trains)),
            Population(name="out", size=3, cell=cell, record=("spikes", "v"), **options),
        ],
        projections=projections or [link(delay=dt)],
        dt=dt,
    )


def link(name="p", weight=1.0, delay=1.0, **options):
    return Projection.all_to_all(name, "in", "out", weight=weight, delay=delay, **options)


def learning(rule=RULE, **changes):
    return network(link(weight=0.0, plasticity=replace(rule, **changes)))


def _stacked():
    base = network(link(), link("q", receptor="inhibitory"))
    return Network.stack([base, base.replace(replace(base.projection("q"), weight=50.0))])


ENDS = {
    **{
        f"{name} = {value:g}": network(cell=replace(CELL, **{name: value}))
        for name in ("tau_m", "tau_syn_E", "tau_syn_I", "cm", "tau_refrac")
        for value in (1e-320, 1e-300, 1e-6, 1e6, 1e12, 1e300, 1e308)
    },
    **{
        f"{name} = {value:g}": network(cell=replace(CELL, **{name: value}))
        for name in ("v_rest", "v_reset", "v_thresh", "i_offset")
        for value in (-1e308, -1e20, 65535.99, 65536.0, 1e20, 1e308)
    },
    **{f"v_init = {value:g}": network(v_init=value) for value in (-1e308, -70000.0, 1e308)},
    **{
        f"weight {weight:g}": network(link(weight=weight, receptor=receptor))
        for weight, receptor in [(1e-320, "excitatory"), (65535.9, "excitatory"),
                                 (7e4, "excitatory"), (1e30, "inhibitory"),
                                 (1e200, "excitatory"), (1e308, "inhibitory")]
    },
    **{
        f"{name} = {value:g}": learning(**{name: value})
        for name in ("tau_plus", "tau_minus", "a_plus", "a_minus", "w_max")
        for value in (1e-320, 1e-300, 3e3, 6e4, 1e7, 1e12, 1e300, 1e308)
    },
    **{f"dt = {dt:g}": network(dt=dt) for dt in
       (1e-300, 1e-9, 1e-6, 1e-5, 1e-3, 0.0123, 0.1, 1 / 3, 1.1, 1.5, 7e4, 1e100)},
    "no leak": network(cell=replace(CELL, tau_m=np.inf)),
    **{
        f"current of {i:g}": network(
            cell=replace(CELL, i_offset=sm.StepCurrent(times=[0.0, 2.0], amplitudes=[0.0, i]))
        )
        for i in (0.5, 65535.99, 7e4, 1e40)
    },
    "v_reset above v_thresh": network(cell=replace(CELL, v_reset=-40.0)),
    "all at once": network(link(weight=1e300), cell=replace(CELL, tau_m=1e300, cm=1e-300)),
}  # fmt: skip
OTHERS = {
    "windows of long traces": learning(enabled=[(1.0, 2.0)]),
    "windows of short traces": learning(
        tau_plus=0.25, tau_minus=0.25, a_plus=60.0, enabled=[(1.0, 2.0)]
    ),
    "recorded weights": network(link(plasticity=RULE, record=("weight",))),
    "plastic inhibition": network(link(plasticity=RULE, receptor="inhibitory")),
    "w_min": network(link(plasticity=replace(RULE, w_min=0.5))),
    "two rules": network(
        link("a", plasticity=RULE), link("b", plasticity=replace(RULE, tau_minus=9.0))
    ),
    "coarse": learning(a_plus=1e-4, a_minus=1e-4),
    "a delay of the whole ring": network(link(delay=4.0, plasticity=RULE)),
    "a current that fills a core": network(
        cell=replace(
            CELL, i_offset=sm.StepCurrent(times=np.arange(9000.0), amplitudes=np.ones(9000))
        )
    ),
    "copies of unequal shifts": _stacked(),
    "tables that fill a core": learning(tau_plus=2300.0, tau_minus=2300.0),
    "many synapses between two cells": network(
        Projection(name="p", pre="in", post="out", i=[0] * 300, j=[0] * 300, weight=0.1, delay=1.0)
    ),
}
BAD = ENDS | OTHERS


def starts(net, backend, integrator):
    """Whether a run of two steps starts; all but a refusal is a failure of the test."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SpikememWarning)
            got = sm.simulate(net, 2 * net.dt, backend=backend, integrator=integrator)
    except UnsupportedError as error:
        if f"backend {backend!r} cannot run this network: " not in str(error):
            raise
        return False
    for trace in got.traces.values():
        assert np.all(np.isfinite(trace))
    return True


def errors(net, backend, integrator):
    return [p for p in sm.check(net, backend, integrator=integrator) if p.level == "error"]


@pytest.mark.parametrize("target", BACKENDS, ids=lambda pair: " ".join(pair))
def test_a_check_is_clean_if_and_only_if_the_run_starts(target):
    wrong = [
        name for name, net in BAD.items() if starts(net, *target) == bool(errors(net, *target))
    ]
    assert wrong == []


@pytest.mark.parametrize("integrator", ["spinnaker", "exact"])
def test_brian2_refuses_what_the_check_finds(integrator):
    """As above, without most of the networks that it takes, which are slow to set up."""
    target = ("brian2", integrator)
    refused = [name for name, net in BAD.items() if errors(net, *target)]
    assert len(refused) > 30
    taken = sorted(BAD.keys() - set(refused))[::7]
    wrong = [n for n in [*refused, *taken] if starts(BAD[n], *target) == bool(n in refused)]
    assert wrong == []


def test_every_problem_says_what_helps():
    found = [
        (problem, backend)
        for net in BAD.values()
        for backend in ("brian2", "native", "emulator", "pynn:nest", "pynn:mock", "spinnaker")
        for problem in sm.check(net, backend)
    ]
    assert len(found) > 300
    for problem, backend in found:
        assert problem.remedy, problem
        assert "see above" not in problem.text.lower()
        assert "NEST" not in problem.text or backend == "pynn:nest"


def test_the_reasons_are_those_of_the_backend():
    for (backend, _), why in UNSUPPORTED.items():
        assert "NEST" not in str(why) or backend == "pynn:nest"
    with sm.Session(network(link(plasticity=RULE)), backend="pynn:mock") as session:
        with pytest.raises(UnsupportedError, match="PyNN has no call") as error:
            session.run(5.0, enabled={"p": [(1.0, 2.0)]})
        assert "NEST" not in str(error.value)


def test_a_synapse_and_windows_that_the_emulator_refuses():
    heavy = sm.check(network(link(weight=7e4)), "emulator")
    assert [(p.level, p.where) for p in heavy] == [("error", "projection 'p'")]
    assert "70000 nA" in heavy[0].what
    windows = OTHERS["windows of long traces"]
    assert "windows='ignore'" in sm.check(windows, "emulator")[0].remedy
    assert sm.check(windows, "emulator", windows="ignore") == []
    coarse = OTHERS["coarse"]
    levels = [p.level for p in sm.check(coarse, "emulator", allow_coarse=True)]
    assert levels == ["warning", "warning"]


@pytest.mark.parametrize("backend", ["native", "emulator"])
def test_buffers_larger_than_the_memory_are_refused_before_they_are_made(backend):
    net = network(link(), link("far", delay=1e9))
    big = net.replace(Population(name="out", size=10**6, cell=CELL))
    (problem,) = [p for p in sm.check(big, backend) if p.level == "error"]
    assert problem.where == "projection 'far'"
    assert "onto 1000000 cells would take at least 14.2 PiB of memory" in problem.what
    with pytest.raises(UnsupportedError, match="PiB"):
        sm.simulate(big, 5.0, backend=backend)


def test_four_bytes_that_overflow_are_an_error():
    net = network(link(weight=1e25), cell=replace(CELL, tau_m=1e5, cm=1e-10))
    assert sm.check(net, "native", precision="f4") == []
    sm.simulate(net, 5.0, backend="native")
    with pytest.raises(sm.SimulationError, match="precision='f8'"):
        sm.simulate(net, 5.0, backend="native", precision="f4")
    never = network(cell=replace(CELL, v_thresh=1e308))
    assert len(sm.simulate(never, 5.0, backend="native", precision="f4")["out"]) == 0
    long = network(cell=replace(CELL, tau_refrac=2e7))
    assert "4 bytes" in sm.check(long, "native", precision="f4")[0].what
    with pytest.raises(UnsupportedError, match="4 bytes"):
        sm.simulate(long, 5.0, backend="native", precision="f4")


@pytest.mark.parametrize("backend", ["native", "brian2"])
@pytest.mark.parametrize("tau", [1e6, 1e9])
def test_a_long_time_constant_is_right(backend, tau):
    """Without a leak worth the name, n inputs of w nA move the potential by n·w·t/cm."""
    cell = replace(CELL, tau_m=tau, tau_syn_E=tau, tau_refrac=0.0)
    net = network(link(weight=0.25), cell=cell)
    for integrator in ("spinnaker", "exact"):
        v = sm.simulate(net, 6.0, backend=backend, integrator=integrator).traces["out", "v"][:, 0]
        # The inputs arrive at 1 and 3 ms, and row k is the potential before step k.
        wanted = -65 + 0.25 / 0.5 * np.array([0, 0, 1, 2, 4, 6])
        np.testing.assert_allclose(v, wanted, rtol=0, atol=1e-4, err_msg=integrator)


@pytest.mark.parametrize("target", BACKENDS, ids=lambda pair: " ".join(pair))
@pytest.mark.parametrize("seed", range(8))
def test_so_it_is_for_random_networks(target, seed):
    net = board_networks.random_network(seed, 10)
    assert starts(net, *target) == (not errors(net, *target))
