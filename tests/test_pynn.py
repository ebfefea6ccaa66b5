"""PyNN: NEST is the reference of the integrator "exact"; what a simulator can't do is refused."""

from __future__ import annotations

import os
import subprocess
import sys
import types
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import reference

import spikemem as sm
from spikemem.errors import BackendMissing, DescriptionError, UnsupportedError, VirtualRunError
from spikemem.hardware.pynn import end, read, run, to_pynn
from spikemem.hardware.spinnaker.gating import gating_is_redundant, trace_reach
from spikemem.network import LIF, STDP, Network, Population, Projection, SpikeSource
from spikemem.recording import SpikeTrains
from spikemem.support import UNSUPPORTED

RULE = STDP(tau_plus=20.0, tau_minus=15.0, a_plus=0.1, a_minus=0.12, w_max=2.0)


def source(times, name="in", duration=30.0):
    trains = SpikeTrains.from_lists(times, duration=duration)
    return Population(name=name, cell=SpikeSource(spikes=trains))


def cells(name="out", size=1, **values):
    values = {"tau_m": 10.0, "cm": 0.3, "tau_refrac": 1.0, **values}
    return Population(name=name, size=size, cell=LIF(**values), record=("spikes", "v"))


def one(rule=RULE, *, cell=None, times=((1.0, 8.0),), **options):
    """One synapse."""
    synapse = {"i": [0], "j": [0], "weight": 1.0, "delay": 1.0, "plasticity": rule, **options}
    drive = Projection(name="drive", pre="in", post="out", i=[0], j=[0], weight=30.0, delay=1.0)
    return Network(
        populations=[source(times), cell or cells()],
        projections=[drive, Projection(name="w", pre="in", post="out", **synapse)],
    )


def random_network(seed, dt, *, plastic, recurrent, simple=False):
    """Cells with values that no threshold meets exactly; `simple` is what pyNN.brian2 can."""
    rng = np.random.default_rng(seed)
    n, n_steps = int(rng.integers(1, 8)), 60

    def value(low, high):
        return rng.uniform(low, high, n)

    alike = (lambda low, high: rng.uniform(low, high)) if simple else value
    ticks, ids = np.nonzero(rng.random((n_steps, n)) < rng.choice([0.1, 0.5]))
    trains = SpikeTrains(ids=ids, times=ticks * dt, size=n, duration=n_steps * dt)
    tau_m = value(3.0, 15.0)
    near = value(1.3, 2.0)
    if not simple:
        near = rng.choice([1.0, 1.0, 1.0 + 1e-3, 1.0 - 1e-2, 1.4], n)
    # Closer to tau_m than 1e-3 and not equal to it, NEST's own factor between them loses digits.
    cell = LIF(
        tau_m=tau_m, cm=value(0.1, 0.4), v_rest=-60.0, v_reset=alike(-64.0, -59.0),
        v_thresh=value(-57.0, -55.0), tau_refrac=np.floor(alike(0.0, 4.0)) * dt,
        tau_syn_E=tau_m * value(0.2, 0.8), tau_syn_I=tau_m * near,
        i_offset=value(0.0, 0.05),
    )  # fmt: skip
    populations = [
        Population(name="in", cell=SpikeSource(spikes=trains)),
        Population(name="a", size=n, cell=cell, v_init=value(-62.0, -58.0), record=("spikes", "v")),
        Population(name="b", size=n, cell=replace(cell, cm=0.2), record=("spikes",)),
    ]
    links = [("in", "a", False, "excitatory"), ("in", "b", plastic, "excitatory")]
    links += [("a", "b", plastic, "excitatory"), ("in", "a", False, "inhibitory")]
    if recurrent:
        links += [("a", "a", plastic, "excitatory"), ("b", "a", False, "inhibitory")]
    shortest = int(rng.integers(1, 4))
    projections = []
    for k, (pre, post, changes, receptor) in enumerate(links):
        m = int(rng.integers(1, n * n + 1))
        pairs = rng.permutation(n * n)[:m] if simple else rng.integers(0, n * n, m)
        rule = STDP(
            tau_plus=rng.uniform(2.0, 20.0), tau_minus=7.0, a_plus=rng.choice([0.0, 0.1, 0.7]),
            a_minus=rng.choice([0.0, 0.1, 0.9]), w_max=2.0,
        )  # fmt: skip
        projections.append(
            Projection(
                name=f"p{k}", pre=pre, post=post, i=pairs // n, j=pairs % n,
                weight=rng.uniform(0.0, 1.5, m), delay=rng.integers(shortest, 7, m) * dt,
                receptor=receptor, plasticity=rule if changes else None,
            )
        )  # fmt: skip
    return Network(populations=populations, projections=projections, dt=dt), n_steps * dt


def assert_alike(got, wanted, atol=1e-9):
    assert got.spikes.keys() == wanted.spikes.keys()
    for name in wanted.spikes:
        assert got[name].to_lists() == wanted[name].to_lists(), name
    assert got.traces.keys() == wanted.traces.keys()
    for key in wanted.traces:
        np.testing.assert_allclose(got.traces[key], wanted.traces[key], rtol=0, atol=atol)
    assert got.weights.keys() == wanted.weights.keys()
    for name in wanted.weights:
        np.testing.assert_allclose(got.weights[name], wanted.weights[name], rtol=0, atol=1e-12)


def nest(network, duration, **options):
    return sm.simulate(network, duration, backend="pynn:nest", integrator="exact", **options)


@pytest.mark.nest
@pytest.mark.parametrize("recurrent", [False, True], ids=["feedforward", "recurrent"])
@pytest.mark.parametrize("plastic", [False, True], ids=["static", "stdp"])
@pytest.mark.parametrize("dt", [1.0, 0.1])
@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=10)
def test_nest_equals_the_reference(dt, plastic, recurrent, seed):
    """Spikes to the bit; potentials and weights but for rounding.

    NEST computes in pA and pF, and the factor from current to potential by other terms: over 800
    networks the potentials differed by up to 1.2e-10 mV, the weights by 1.8e-15 nA.
    """
    network, duration = random_network(seed, dt, plastic=plastic, recurrent=recurrent)
    assert_alike(nest(network, duration), reference(network, duration, "exact"))


@pytest.mark.nest
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("plastic", [False, True], ids=["static", "stdp"])
def test_nest_larger(plastic, threads):
    """Structured connectors, more synapses than are read at once, more spikes than a run of 10."""
    rng = np.random.default_rng(3)
    n, n_steps = 40, 60
    ticks, ids = np.nonzero(rng.random((n_steps, n)) < 0.1)
    trains = SpikeTrains(ids=ids, times=ticks * 1.0, size=n, duration=n_steps)
    rule = replace(RULE, a_plus=0.02, a_minus=0.02) if plastic else None
    network = Network(
        populations=[
            Population(name="in", cell=SpikeSource(spikes=trains)),
            cells("a", n, v_thresh=-64.0),
            cells("b", n, v_thresh=rng.uniform(-64.0, -63.0, n)),
        ],
        projections=[
            Projection.one_to_one("drive", "in", "a", weight=2.0, delay=2.0),
            Projection.all_to_all("w", "a", "b", weight=0.1, delay=1.0, plasticity=rule),
            Projection.all_to_all(
                "others", "b", "b", weight=0.02, delay=3.0, receptor="inhibitory", allow_self=False
            ),
            Projection.all_to_all(
                "up", "in", "b", weight=rng.uniform(0, 0.1, n * n), delay=2.0, plasticity=rule
            ),
        ],
    )
    got = nest(network, n_steps, threads=threads)
    assert len(got["b"]) > 100
    assert_alike(got, reference(network, n_steps, "exact"))


@pytest.mark.nest
@pytest.mark.parametrize("duration", [1.0, 2.0, 3.0, 9.0, 10.0, 11.0])
@pytest.mark.parametrize("times", [[[0.0, 8.0]], [[1.0, 9.0]], [[]], [[7.0]]], ids=str)
def test_nest_from_the_first_step_to_the_last(duration, times):
    """Sources that fire at 0, and changes of weights that fall on the last step."""
    network = one(times=times)
    assert_alike(nest(network, duration), reference(network, duration, "exact"))


@pytest.mark.nest
def test_nest_two_synapses_between_two_cells():
    """Their weights come back in our order, though NEST has its own."""
    network = one(
        i=[0, 0, 0, 0], j=[0, 0, 0, 0], weight=[1.5, 0.2, 0.9, 0.3], delay=[2.0, 1.0, 1.0, 2.0],
        times=[[1.0, 5.0, 6.0, 12.0]],
    )  # fmt: skip
    assert_alike(nest(network, 20.0), reference(network, 20.0, "exact"))


@pytest.mark.nest
def test_nest_one_run_of_a_session():
    network = one()
    inputs = {"in": SpikeTrains.from_lists([[2.0, 3.0]])}
    with sm.Session(network, backend="pynn:nest", integrator="exact") as session:
        got = session.run(10.0, inputs=inputs)
        with pytest.raises(DescriptionError, match="cannot continue"):
            session.run(1.0)
    assert_alike(got, reference(network.with_inputs(inputs), 10.0, "exact"))
    assert got.provenance["nest-simulator"]
    with (
        sm.Session(network, backend="pynn:nest", integrator="exact") as session,
        pytest.raises(UnsupportedError, match="plasticity windows"),
    ):
        session.run(10.0, enabled={"w": [(1.0, 2.0)]})


@pytest.mark.parametrize("dt", [1.0, 0.1, 0.05])
@pytest.mark.parametrize("seed", [0, 1, 2, 3])
def test_brian2_through_pynn_equals_the_reference(dt, seed):
    pytest.importorskip("pyNN")
    network, duration = random_network(seed, dt, plastic=False, recurrent=True, simple=True)
    got = sm.simulate(network, duration, backend="pynn:brian2", integrator="exact")
    assert_alike(got, reference(network, duration, "exact"))


NEEDS = {
    "cell without a leak": one(None, cell=cells(tau_m=np.inf)),
    "integrator spinnaker": (one(None), "spinnaker"),
    "plasticity windows": one(replace(RULE, enabled=[(1.0, 2.0)])),
    "recorded weights": one(record=("weight",)),
    "plastic synapses": one(),
    "plastic inhibitory synapses": one(receptor="inhibitory"),
    "smallest weight above 0": one(replace(RULE, w_min=0.5)),
    "reset at or above threshold": one(None, cell=cells(v_reset=-50.0)),
    "unequal resets in one population": one(None, cell=cells(size=2, v_reset=[-65.0, -66.0])),
    "several synapses between two cells": one(None, i=[0, 0], j=[0, 0]),
    "several tau_minus into one population": Network(
        populations=one().populations,
        projections=[
            *one().projections,
            replace(one().projection("w"), name="x", plasticity=replace(RULE, tau_minus=9.0)),
        ],
    ),
}
DECLARED = sorted(key for key in UNSUPPORTED if key[0].startswith("pynn:"))


@pytest.mark.parametrize(("backend", "feature"), DECLARED)
def test_what_is_declared_is_refused(backend, feature):
    case = NEEDS[feature]
    network, integrator = case if isinstance(case, tuple) else (case, "exact")
    with pytest.raises(UnsupportedError) as error:
        sm.Session(network, backend=backend, integrator=integrator)
    assert f"{feature}: {UNSUPPORTED[backend, feature]}" in str(error.value)


def test_the_table_is_not_empty():
    assert {backend for backend, _ in DECLARED} == {"pynn:brian2", "pynn:mock", "pynn:nest"}


def wired():
    """One network with everything that is said to a simulator in its own way."""
    return Network(
        populations=[source([[0.0, 3.0], [], [2.0]]), cells(size=3, tau_refrac=1.5)],
        projections=[
            Projection.one_to_one("one", "in", "out", weight=0.5, delay=1.0),
            Projection.all_to_all(
                "veto", "in", "out", weight=0.25, delay=2.0, receptor="inhibitory"
            ),
            Projection.all_to_all(
                "self", "out", "out", weight=1.0, delay=3.0, allow_self=False, plasticity=RULE
            ),
            Projection.all_to_all("index", "in", "out", weight=1.0, delay=1.0, allow_self=False),
            Projection.all_to_all("tiles", "in", "out", weight=1.0, delay=1.0, tiles=3),
            Projection(name="none", pre="in", post="out", i=[], j=[], weight=[], delay=[]),
            Projection(name="list", pre="in", post="out", i=[2], j=[0], weight=0.75, delay=4.0),
        ],
    )


def test_mock_has_every_synapse():
    mock = pytest.importorskip("pyNN.mock")
    network = wired()
    model = to_pynn(network, mock)
    assert "none" not in model.projections
    for name, made in model.projections.items():
        wanted, sign = network.synapses(name), -1.0 if name == "veto" else 1.0
        got = sorted(
            (int(c.presynaptic_index), int(c.postsynaptic_index), float(c.WEIGHT), float(c.DELAY))
            for c in made.connections
        )
        columns = wanted.i, wanted.j, sign * wanted.weight, wanted.delay
        assert got == sorted(zip(*(column.tolist() for column in columns), strict=True))
    with pytest.raises(VirtualRunError, match="has built this network and computed no"):
        read(model)
    end(model)


def test_a_run_on_mock_gives_no_recording():
    pytest.importorskip("pyNN")
    with pytest.raises(VirtualRunError, match="there is no recording"):
        sm.simulate(wired(), 10.0, backend="pynn:mock", integrator="exact")


class Spy(types.ModuleType):
    """A PyNN module that only notes what it is told."""

    def __init__(self, name):
        super().__init__(name)
        self.calls = []

    def __getattr__(self, kind):
        if kind.startswith("__"):
            raise AttributeError(kind)

        def call(*args, **options):
            made = types.SimpleNamespace(
                kind=kind, args=args, size=args[0] if args else 0, **options,
                initialize=lambda **values: None, record=lambda variable: None,
            )  # fmt: skip
            self.calls.append(made)
            return made

        return call

    def of(self, kind):
        return [call for call in self.calls if call.kind == kind]


def test_spinnaker_takes_weights_delays_and_amplitudes_as_they_are():
    spy = Spy("pyNN.spiNNaker")
    to_pynn(wired(), spy)
    (setup,) = spy.of("setup")
    assert (setup.timestep, setup.min_delay) == (1.0, 1.0)
    assert not hasattr(setup, "max_delay")
    (cell,) = spy.of("IF_curr_exp")
    assert (cell.tau_refrac, cell.tau_m) == (1.5, 10.0)
    (spikes,) = spy.of("SpikeSourceArray")
    assert spikes.spike_times == [[0.0, 3.0], [], [2.0]]
    (pair,) = spy.of("SpikePairRule")
    assert (pair.A_plus, pair.A_minus) == (RULE.a_plus, RULE.a_minus)
    (additive,) = spy.of("AdditiveWeightDependence")
    assert (additive.w_min, additive.w_max) == (0.0, 2.0)
    (rule,) = spy.of("STDPMechanism")
    assert (rule.weight, rule.delay, rule.dendritic_delay_fraction) == (1.0, 3.0, 1.0)
    assert [(s.weight, s.delay) for s in spy.of("StaticSynapse")[:2]] == [(0.5, 1.0), (0.25, 2.0)]
    made = {call.label: call.args[2].kind for call in spy.of("Projection")}
    assert made == {
        "one": "OneToOneConnector", "veto": "AllToAllConnector", "self": "AllToAllConnector",
        "index": "FromListConnector", "tiles": "FromListConnector", "list": "FromListConnector",
    }  # fmt: skip
    quiet = Spy("pyNN.spiNNaker")
    to_pynn(Network(populations=[source([[], []])]), quiet)
    assert quiet.of("SpikeSourceArray")[0].spike_times == []


def test_nest_takes_amplitudes_of_w_max():
    spy = Spy("pyNN.brian2")
    with pytest.raises(UnsupportedError, match="cannot run this network: plastic"):
        to_pynn(wired(), spy)
    mock = pytest.importorskip("pyNN.mock")
    spy = Spy("pyNN.mock")
    spy.Population = lambda *args, **options: mock_population(mock, *args)
    to_pynn(wired(), spy)
    (pair,) = spy.of("SpikePairRule")
    assert pair.A_plus == RULE.a_plus / RULE.w_max
    assert pair.A_minus == RULE.a_minus / RULE.w_max


def mock_population(mock, size, *_):
    return types.SimpleNamespace(
        size=size, initialize=lambda **values: None, record=lambda variable: None
    )


def test_windows_on_spinnaker():
    """Nothing switches plasticity there; short traces need no switch."""
    assert (trace_reach(0.25, 1.0), trace_reach(0.262, 1.0), trace_reach(0.263, 1.0)) == (1, 1, 2)
    assert trace_reach(0.1, 1.0) == 0
    short = replace(RULE, tau_plus=0.25, tau_minus=0.25, enabled=[(1.0, 2.0)])
    assert gating_is_redundant(short, 1.0)
    assert not gating_is_redundant(replace(short, tau_minus=0.3), 1.0)
    assert not gating_is_redundant(short, 0.1)
    assert gating_is_redundant(replace(RULE, enabled=None), 0.1)
    to_pynn(one(short), Spy("pyNN.spiNNaker"))
    with pytest.raises(UnsupportedError, match="'w' last for more than one step"):
        to_pynn(one(replace(short, tau_plus=3.0)), Spy("pyNN.spiNNaker"))


def test_trace_reach_is_that_of_the_table():
    for tau in (0.1, 0.25, 1.0, 3.0, 20.0):
        table = np.floor(np.exp(-np.arange(400) / tau) * 2048)
        assert trace_reach(tau, 1.0) == np.flatnonzero(table)[-1]


def test_faults(monkeypatch):
    pytest.importorskip("pyNN")
    network = one(None)
    with pytest.raises(DescriptionError, match="'math' is not a known PyNN module"):
        to_pynn(network, __import__("math"))
    with pytest.raises(DescriptionError, match="'thread' is not an option"):
        sm.Session(network, backend="pynn:mock", integrator="exact", thread=1)
    monkeypatch.setitem(sys.modules, "pyNN.mock", None)
    with pytest.raises(BackendMissing, match=r'pip install "\.\[pynn\]"'):
        sm.simulate(network, 1.0, backend="pynn:mock", integrator="exact")
    monkeypatch.setitem(sys.modules, "pyNN.nest", None)
    with pytest.raises(BackendMissing, match=r'pip install "\.\[nest\]"'):
        sm.simulate(network, 1.0, backend="pynn:nest", integrator="exact")


@pytest.mark.nest
def test_nothing_is_compiled_or_printed(tmp_path):
    """With nest-config on the path PyNN would compile its cells where it is imported."""
    (tmp_path / "nest-config").write_text("#!/bin/sh\necho found >&2\nexit 1\n")
    (tmp_path / "nest-config").chmod(0o755)
    code = (
        "import os; from spikemem.hardware.pynn.dialects import import_simulator; "
        "path = os.environ['PATH']; import_simulator('nest'); assert os.environ['PATH'] == path"
    )
    root = str(Path(__file__).resolve().parents[1])
    path = os.pathsep.join([str(tmp_path), os.environ["PATH"]])
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True,
        env={**os.environ, "PATH": path, "PYTHONPATH": root},
    )  # fmt: skip
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    assert [file.name for file in tmp_path.iterdir()] == ["nest-config"]


@pytest.mark.nest
def test_a_model_runs_once():
    import pyNN.nest

    with pytest.raises(DescriptionError, match="threads must be an int >= 1, got 0"):
        sm.Session(one(), backend="pynn:nest", integrator="exact", threads=0)
    model = to_pynn(one(), pyNN.nest)
    with pytest.raises(DescriptionError, match="call run"):
        read(model)
    with pytest.raises(DescriptionError, match="multiple of dt=1 ms"):
        run(model, 1.5)
    run(model, 5.0)
    with pytest.raises(DescriptionError, match="has already run"):
        run(model, 5.0)
    assert read(model).duration == 5.0
    end(model)


VIRTUAL = """
import pyNN.spiNNaker as sim
from test_pynn import one, wired
from spikemem.errors import VirtualRunError
from spikemem.hardware.pynn import end, read, reading, run, to_pynn

network = wired()
model = to_pynn(network, sim)
run(model, 20.0)
got = reading.weights(model)["self"]
assert abs(got - network.synapses("self").weight).max() < 2.0**-10, got
try:
    read(model)
except VirtualRunError as error:
    assert "its machine is virtual" in str(error)
    print("refused")
end(model)
"""

CONFIGURATION = """
[Machine]
version = 5
virtual_board = True
[Mode]
mode = Production
[Reports]
default_report_file_path = {folder}
"""


@pytest.mark.spinnaker
def test_a_virtual_board_takes_the_network(tmp_path):
    (tmp_path / ".spynnaker.cfg").write_text(CONFIGURATION.format(folder=tmp_path))
    here = Path(__file__).resolve().parent
    paths = os.pathsep.join([str(here), str(here.parent)])
    result = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", VIRTUAL], cwd=tmp_path, capture_output=True,
        text=True, env={**os.environ, "XDG_CONFIG_HOME": str(tmp_path), "PYTHONPATH": paths},
    )  # fmt: skip
    assert result.returncode == 0, result.stderr[-3000:]
    assert "refused" in result.stdout
