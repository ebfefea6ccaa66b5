"""Many runs of one network: each equals a run of its own, on every backend."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from test_native import RULE, cells, grid, native, small, source, spikes

import spikemem as sm
from spikemem.network import Network, Projection
from spikemem.recording import SpikeTrains

BOTH = pytest.mark.parametrize("integrator", ["spinnaker", "exact"])
BACKENDS = pytest.mark.parametrize(
    ("backend", "options"),
    [
        ("native", {}),
        ("native", {"threads": 2}),
        ("brian2", {}),
        ("emulator", {"allow_coarse": True}),
        pytest.param("pynn:brian2", {"integrator": "exact"}, marks=pytest.mark.slow),
        pytest.param("pynn:nest", {"integrator": "exact"}, marks=[pytest.mark.nest]),
    ],
    ids=lambda value: "" if isinstance(value, dict) else value,
)


def few(seed=0):
    """A source that drives cells, which excite each other; plastic onto them."""
    rng = np.random.default_rng(seed)
    rule = sm.STDP(tau_plus=3.0, tau_minus=3.0, a_plus=0.5, a_minus=0.25, w_max=6.0)
    return Network(
        populations=[source("in", spikes(rng, 4, 20)), cells("out", 3)],
        projections=[
            Projection.all_to_all("learnt", "in", "out", weight=2.5, delay=1.0, plasticity=rule),
            Projection(name="on", pre="out", post="out", i=[0, 1, 2], j=[1, 2, 0], weight=3.0,
                       delay=[1.0, 2.0, 1.0]),
        ],
    )  # fmt: skip


def fixed(network):
    """The same without plasticity, for backends that have none."""
    return network.replace(*(replace(item, plasticity=None) for item in network.plastic))


@BOTH
def test_trials_equal_runs_of_their_own(integrator):
    network = small(9)
    rng = np.random.default_rng(9)
    inputs = [{"in": spikes(rng, 6, 60)}, {}, {"in": spikes(rng, 6, 90)}]
    weights = [{"learn": grid(rng, 36)}, {}, {"learn": grid(rng, 36)}]
    run = {"backend": "native", "integrator": integrator}
    plain = sm.run_trials(network, inputs, 60.0, **run)
    given = sm.run_trials(network, inputs, 60.0, weights=weights, **run)
    for k, trial in enumerate(inputs):
        single = network.with_inputs(trial)
        assert plain[k].same_as(native(single, 60.0, integrator=integrator))
        single = single.with_weights(weights[k])
        assert given[k].same_as(native(single, 60.0, integrator=integrator))
        assert given[k].provenance["trial"] == k


@BACKENDS
def test_every_backend(backend, options):
    network = few() if not backend.startswith("pynn") else fixed(few())
    rng = np.random.default_rng(1)
    inputs = [{"in": spikes(rng, 4, n)} for n in (20, 12, 25)]
    weights = [{"learnt": rng.uniform(1.0, 6.0, 12)}, {}, {"learnt": 4.0}]
    given = weights if network.plastic else None
    trials = sm.run_trials(network, inputs, weights=given, backend=backend, **options)
    for k, (got, trial) in enumerate(zip(trials, inputs, strict=True)):
        single = network.with_inputs(trial).with_weights(weights[k] if network.plastic else {})
        assert got.same_as(sm.simulate(single, backend=backend, **options))
    assert [got.stop for got in trials] == [20.0, 12.0, 25.0]
    assert sum(len(got["out"]) for got in trials) > 10


@BACKENDS
def test_several_networks(backend, options):
    rng = np.random.default_rng(2)
    base = few() if not backend.startswith("pynn") else fixed(few())
    other = base.replace(replace(base.projection("on"), weight=1.0))
    networks = [base.with_inputs({"in": spikes(rng, 4, 20)}), base, other, base]
    if base.plastic:
        networks[3] = base.with_weights({"learnt": rng.uniform(1.0, 6.0, 12)})
    trials = sm.run_trials(networks, duration=20.0, backend=backend, **options)
    for got, network in zip(trials, networks, strict=True):
        assert got.same_as(sm.simulate(network, 20.0, backend=backend, **options))


@pytest.mark.parametrize("backend", ["native", "brian2"])
def test_windows_of_each_network(backend):
    base = few()
    item = base.projection("learnt")
    windows = [None, ((2.0, 9.0),), ()]
    networks = [
        base.replace(replace(item, plasticity=replace(item.plasticity, enabled=each)))
        for each in windows
    ]
    trials = sm.run_trials(networks, backend=backend)
    for got, network in zip(trials, networks, strict=True):
        assert got.same_as(sm.simulate(network, backend=backend))
    finals = [got.weights["learnt"] for got in trials]
    assert len({final.tobytes() for final in finals}) == 3
    assert np.all(finals[2] == 2.5)


def test_networks_of_one_structure_are_laid_out_once(monkeypatch):
    from spikemem.backends.native import NativeBackend

    made = []
    init = NativeBackend.__init__
    monkeypatch.setattr(
        NativeBackend, "__init__", lambda self, *a, **k: (made.append(1), init(self, *a, **k))[1]
    )
    rng = np.random.default_rng(3)
    networks = [few().with_inputs({"in": spikes(rng, 4, 20)}) for _ in range(5)]
    sm.run_trials(networks, backend="native")
    assert len(made) == 1


def test_a_trial_of_one_step():
    network = small(9)
    (got,) = sm.run_trials(network, [{}], network.dt, backend="native")
    assert got.stop == network.dt
    assert got.same_as(native(network, network.dt))


@pytest.mark.parametrize("backend", ["native", "brian2"])
def test_frozen_trials_keep_the_weights(backend):
    network = small(10)
    shut = {item.name: [(1e9, 2e9)] for item in network.plastic}
    with sm.Session(network, backend=backend) as session:
        wanted = session.run(60.0, enabled=shut)
    for got in sm.run_trials(network, [{}, {}], 60.0, frozen=True, backend=backend):
        assert not got.weights
        assert all(got[name] == wanted[name] for name in wanted.spikes)


def test_frozen_networks_keep_their_own_weights():
    networks = [few().with_weights({"learnt": w}) for w in (1.0, 5.0)]
    frozen = replace(RULE, w_min=0.0, enabled=())
    for got, network in zip(
        sm.run_trials(networks, frozen=True, backend="native"), networks, strict=True
    ):
        single = network.replace(replace(network.projection("learnt"), plasticity=frozen))
        assert got["out"] == native(single, 20.0)["out"]


def test_progress_of_trials():
    told = []
    sm.run_trials(few(), [{}, {}, {}], backend="native", progress=told.append)
    assert told == sorted(told)
    assert told[-1] == 1.0
    assert len(told) >= 3


def test_no_trials():
    assert sm.run_trials(few(), [], backend="native") == []
    assert sm.run_trials([], backend="native") == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"duration": 1.5}, "multiple of dt"),
        ({"weights": []}, "one mapping for each of inputs"),
        ({"weights": [{"sum": 1.0}]}, "plastic projection"),
        ({"weights": [{"learn": 99.0}]}, "within"),
        ({"inputs": [{"a": SpikeTrains.empty(6)}]}, "no spike trains"),
        ({"inputs": [{"nobody": SpikeTrains.empty(6)}]}, "nobody"),
        ({"inputs": [{"in": SpikeTrains.empty(7)}]}, "size"),
        ({"inputs": [{"in": SpikeTrains(ids=[0], times=[0.5], size=6)}]}, "multiple of dt"),
        ({"inputs": [{"in": SpikeTrains.empty(6)}], "duration": None}, "duration must be given"),
        ({"inputs": None}, "inputs must be given"),
        ({"networks": [small()]}, "left out"),
        ({"networks": [3], "inputs": None}, "Network"),
        ({"networks": 3}, "sequence of networks"),
        ({"precision": "f2"}, "precision"),
        ({"thread": 2}, "thread"),
        ({"threads": 0}, "threads"),
        ({"backend": "nativ"}, "nativ"),
    ],
)
def test_trials_refuse(change, message):
    options = {"networks": small(), "inputs": [{}], "duration": 10.0, "backend": "native"}
    with pytest.raises(sm.DescriptionError, match=message):
        sm.run_trials(**(options | change))
