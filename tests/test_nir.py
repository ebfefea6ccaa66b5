"""NIR: what it carries comes back equal, the numbers mean what NIR says, the rest is refused."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import reference

from spikemem.errors import BackendMissing, DescriptionError, StorageError, UnsupportedError
from spikemem.hardware import nir as nir_files
from spikemem.hardware.nir import from_nir, to_nir
from spikemem.network import LIF, STDP, Network, Population, Projection, SpikeSource
from spikemem.recording import SpikeTrains

nir = pytest.importorskip("nir")


def source(times, name="in"):
    trains = SpikeTrains.from_lists(times, duration=30.0)
    return Population(name=name, cell=SpikeSource(spikes=trains))


def cells(name="out", size=2, **options):
    values = {"tau_m": 7.0, "cm": 0.3, "tau_refrac": 0.0, "tau_syn_E": 3.0, "tau_syn_I": 3.0}
    cell = LIF(**{**values, **options.pop("cell", {})})
    return Population(name=name, size=size, cell=cell, record=("spikes", "v"), **options)


@st.composite
def networks(draw):
    """Static networks of every connector, with values that are not round."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    dt, n = draw(st.sampled_from([1.0, 0.1])), draw(st.integers(1, 5))
    scalar = draw(st.booleans())

    def value(low, high):
        return rng.uniform(low, high, None if scalar else n)

    tau_syn = value(0.5, 5.0)
    ticks, ids = np.nonzero(rng.random((40, n)) < 0.3)
    trains = SpikeTrains(ids=ids, times=ticks * dt, size=n, duration=40 * dt)
    cell = LIF(
        tau_m=value(3.0, 20.0), cm=value(0.1, 0.5), v_rest=value(-66.0, -60.0),
        v_reset=value(-66.0, -60.0), v_thresh=value(-57.0, -50.0), tau_refrac=value(0.0, 4.0),
        tau_syn_E=tau_syn, tau_syn_I=tau_syn, i_offset=value(0.0, 0.3),
    )  # fmt: skip
    populations = [
        Population(name="z", cell=SpikeSource(spikes=trains)),
        Population(
            name="a", size=n, cell=cell, record=("spikes", "v"),
            v_init=draw(st.sampled_from([None, -58.123])),
        ),
    ]  # fmt: skip
    projections = []
    for k in range(draw(st.integers(0, 4))):
        kind = draw(st.sampled_from(["list", "one_to_one", "all_to_all"]))
        options = {"name": f"p{9 - k}", "pre": draw(st.sampled_from(["z", "a"])), "post": "a"}
        count = n * n if kind == "all_to_all" else n
        if kind == "list":
            pairs = rng.permutation(n * n)[:n]
            options |= {"i": pairs // n, "j": pairs % n}
        elif kind == "all_to_all" and n > 1:
            options["allow_self"] = draw(st.booleans())
            count -= 0 if options["allow_self"] else n
        many = None if draw(st.booleans()) else count
        projections.append(
            Projection(
                **options, connector=kind, weight=rng.uniform(0.0, 2.0, many),
                delay=rng.integers(1, 4, many) * dt,
                receptor=draw(st.sampled_from(["excitatory", "inhibitory"])),
            )
        )  # fmt: skip
    return Network(populations=populations, projections=projections, dt=dt)


@given(network=networks())
@settings(max_examples=40)
def test_a_file_holds_the_network(tmp_path_factory, network):
    path = nir_files.write(tmp_path_factory.mktemp("nir") / "net.nir", network)
    assert nir_files.read(path).content_hash == network.content_hash


@given(network=networks())
@settings(max_examples=20)
def test_without_metadata_the_same_dynamics(network):
    """What is left in NIR's own numbers is the network, up to rounding."""
    plain = network.replace(
        Population(
            name="a", size=network.population("a").size, record=("spikes", "v"),
            cell=LIF(**{
                name: 0.0 if name == "tau_refrac" else getattr(network.population("a").lif, name)
                for name in LIF.units
            }),
        )
    )  # fmt: skip
    graph = to_nir(plain, metadata=False)
    inputs = {"z": plain.population("z").source}
    back = from_nir(graph, plain.dt, inputs=inputs)
    # The potential begins at v_leak, which holds the constant current too.
    back = back.replace(
        Population(
            name="a", size=plain.population("a").size, cell=back.population("a").lif,
            v_init=plain.population("a").initial_v(), record=("spikes", "v"),
        )
    )  # fmt: skip
    for integrator in ("spinnaker", "exact"):
        wanted = reference(plain, 30 * plain.dt, integrator)
        got = reference(back, 30 * plain.dt, integrator)
        assert got["a"] == wanted["a"]
        np.testing.assert_allclose(got.traces["a", "v"], wanted.traces["a", "v"], atol=1e-9)


def test_the_numbers_are_those_of_nir():
    """One spike, by the differential equations of the nodes alone."""
    network = Network(
        populations=[source([[2.0]]), cells(size=1, cell={"i_offset": 0.1, "v_rest": -61.0})],
        projections=[
            Projection(name="w", pre="in", post="out", i=[0], j=[0], weight=0.4, delay=3.0)
        ],
    )
    nodes = to_nir(network).nodes
    out, linear, delay = nodes["out"], nodes["w"], nodes["w delay"]
    tau_m, tau_s = float(out.tau_mem[0]), float(out.tau_syn[0])
    assert (tau_m, tau_s) == (0.007, 0.003)
    assert delay.delay.tolist() == [0.003]
    kick = linear.weight[0, 0] * out.w_in[0] * (network.dt / 1000) / tau_s
    start = network.population("out").initial_v()[0]
    t = np.arange(30) / 1000
    since = np.maximum(t - 0.002 - delay.delay[0], 0.0)
    shape = tau_s / (tau_m - tau_s) * (np.exp(-since / tau_m) - np.exp(-since / tau_s))
    expected = out.v_leak + (start - out.v_leak) * np.exp(-t / tau_m) + out.r * kick * shape
    got = reference(network, 30.0, "exact").traces["out", "v"][:, 0]
    np.testing.assert_allclose(got, expected, atol=1e-12)


def test_weights_that_were_edited_are_read():
    network = Network(
        populations=[source([[1.0], [2.0]]), cells()],
        projections=[Projection.one_to_one("w", "in", "out", weight=0.5, delay=1.0)],
    )
    graph = to_nir(network)
    graph.nodes["w"].weight[1, 1] = 0.75
    changed = from_nir(graph).projection("w")
    assert changed.connector == "one_to_one"
    assert changed.weight.tolist() == [0.5, 0.75]
    graph.nodes["w"].weight[0, 1] = -0.25
    graph.nodes["out"].v_threshold[:] = -52.0
    back = from_nir(graph)
    assert [item.receptor for item in back.projections] == ["excitatory", "inhibitory"]
    inhibitory = back.projection("w inhibitory")
    assert (inhibitory.i.tolist(), inhibitory.j.tolist()) == ([1], [0])
    assert np.all(back.population("out").lif.v_thresh == -52.0)


def test_names_that_meet_and_synapses_that_meet():
    network = Network(
        populations=[source([[1.0]], "w"), cells("w delay", size=1)],
        projections=[
            Projection(
                name="w", pre="w", post="w delay", i=[0, 0, 0], j=[0, 0, 0],
                weight=[0.25, 0.5, 1.0], delay=[1.0, 1.0, 2.0],
            )
        ],
    )  # fmt: skip
    back = from_nir(to_nir(network)).projection("w")
    assert back.weight.tolist() == [0.75, 1.0]
    assert back.delay.tolist() == [1.0, 2.0]


def test_every_reason_at_once():
    rule = STDP(a_plus=0.1, a_minus=0.1, w_max=1.0)
    network = Network(
        populations=[
            source([[1.0]]),
            cells(size=1, v_init=-60.0, cell={"tau_syn_I": 2.0, "tau_refrac": 1.0}),
        ],
        projections=[
            Projection.one_to_one("a", "in", "out", weight=0.5, delay=1.0, plasticity=rule),
            Projection.one_to_one("b", "in", "out", weight=0.5, delay=1.0, receptor="inhibitory"),
        ],
    )
    with pytest.raises(UnsupportedError) as error:
        to_nir(network, metadata=False)
    for part in ("plasticity", "one tau_syn", "refractory", "initial potential"):
        assert part in str(error.value)
    with pytest.raises(UnsupportedError) as error:
        to_nir(network)
    assert "refractory" not in str(error.value)
    assert "plasticity" in str(error.value)


def graph_of(nodes, edges, **options):
    ends = {
        "in": nir.Input({"input": np.array([2])}),
        "end": nir.Output({"output": np.array([2])}),
    }
    return nir.NIRGraph(nodes={**ends, **nodes}, edges=edges, type_check=False, **options)


def cuba(**options):
    values = {
        "tau_mem": 0.01, "tau_syn": 0.005, "r": 2.0, "v_leak": 0.0, "v_threshold": 1.0, "w_in": 5.0,
    }  # fmt: skip
    return nir.CubaLIF(**{key: np.full(2, x) for key, x in {**values, **options}.items()})


def test_a_graph_from_elsewhere():
    weight = np.array([[0.5, -0.25], [0.0, 1.0]])
    graph = graph_of(
        {
            "a": cuba(),
            "b": cuba(w_in=2.5),
            "fc": nir.Affine(weight, np.zeros(2)),
            "d": nir.Delay(np.array([0.002, 0.003])),
            "s": nir.Scale(np.array([0.5, 2.0])),
            "rec": nir.Linear(np.eye(2)),
        },
        [("in", "fc"), ("fc", "d"), ("d", "a"), ("a", "s"), ("s", "b"), ("a", "rec"),
         ("rec", "a"), ("b", "a"), ("b", "end")],
    )  # fmt: skip
    network = from_nir(graph, 1.0, inputs={"in": SpikeTrains.from_lists([[1.0], []])})
    assert [pop.name for pop in network.populations] == ["a", "b", "in"]
    assert network.population("b").record == ("spikes",)
    assert network.population("a").record == ()
    lif = network.population("a").lif
    assert (lif.tau_m[0], lif.cm[0], lif.v_rest[0], lif.v_thresh[0]) == (10.0, 5.0, 0.0, 1.0)
    assert len(network.population("in").source) == 1
    up, down = network.projection("fc"), network.projection("fc inhibitory")
    assert (up.i.tolist(), up.j.tolist(), up.weight.tolist()) == ([0, 1], [0, 1], [0.5, 1.0])
    assert up.delay.tolist() == [2.0, 3.0]
    assert (down.i.tolist(), down.j.tolist(), down.weight.tolist()) == ([1], [0], [0.25])
    # b reads a spike of weight 1 as half: its w_in is half of tau_syn / dt
    assert network.projection("s").weight.tolist() == [0.25, 1.0]
    assert network.projection("b to a").delay.tolist() == [1.0, 1.0]


def test_a_lif_has_a_current_of_one_step():
    leak = {"tau": 0.01, "r": 2.0, "v_leak": 0.0, "v_threshold": 100.0}
    node = nir.LIF(**{key: np.full(2, x) for key, x in leak.items()})
    graph = graph_of(
        {"a": node, "w": nir.Linear(np.diag([3.0, 4.0]))}, [("in", "w"), ("w", "a"), ("a", "end")]
    )
    trains = SpikeTrains.from_lists([[1.0], [2.0]], duration=10.0)
    network = from_nir(graph, 1.0, inputs={"in": trains})
    network = network.replace(
        Population(name="a", size=2, cell=network.population("a").lif, record=("v",))
    )
    v = reference(network, 8.0).traces["a", "v"]
    jump = 2.0 * np.array([3.0, 4.0]) * (1 - np.exp(-0.1))
    np.testing.assert_allclose(v[[3, 4], [0, 1]], jump, rtol=1e-12)
    np.testing.assert_allclose(v[7], jump * np.exp([-0.4, -0.3]), rtol=1e-12)


def test_what_a_network_has_not_is_listed():
    graph = graph_of(
        {
            "a": cuba(),
            "li": nir.LI(np.ones(2), np.ones(2), np.ones(2)),
            "biased": nir.Affine(np.eye(2), np.ones(2)),
            "one": nir.Linear(np.eye(2)),
            "two": nir.Linear(np.eye(2)),
            "late": nir.Delay(np.full(2, 0.0015)),
            "thin": nir.Linear(np.eye(2)),
        },
        [("in", "biased"), ("biased", "a"), ("in", "one"), ("one", "two"), ("two", "a"),
         ("in", "late"), ("late", "thin"), ("thin", "a")],
    )  # fmt: skip
    with pytest.raises(UnsupportedError, match="node 'li': LI has no counterpart"):
        from_nir(graph, 1.0)
    del graph.nodes["li"]
    with pytest.raises(UnsupportedError) as error:
        from_nir(graph, 1.0)
    for part in ("no bias", "two linear maps in a row", "1.5 ms is not a multiple of dt=1 ms"):
        assert part in str(error.value)


def test_sizes_and_edges_that_do_not_fit():
    graph = graph_of(
        {"a": cuba(), "w": nir.Linear(np.ones((2, 3))), "d": nir.Delay(np.zeros(5))},
        [("in", "w"), ("w", "a"), ("in", "d"), ("d", "a")],
    )
    with pytest.raises(UnsupportedError, match="weight has shape") as error:
        from_nir(graph, 1.0)
    assert "delays have sizes 5 and 1" in str(error.value)
    graph.edges.append(("in", "b"))
    with pytest.raises(UnsupportedError, match="does not have: b"):
        from_nir(graph, 1.0)


def test_faults(tmp_path, monkeypatch):
    network = Network(populations=[source([[1.0]]), cells(size=1)])
    with pytest.raises(StorageError, match="no such file"):
        nir_files.read(tmp_path / "none.nir")
    bad = tmp_path / "bad.nir"
    bad.write_text("not HDF5")
    with pytest.raises(StorageError, match="can't be read as a NIR file"):
        nir_files.read(bad)
    with pytest.raises(StorageError, match="can't write"):
        nir_files.write(tmp_path / "nowhere" / "net.nir", network)
    graph = graph_of({"a": cuba()}, [("in", "a"), ("a", "end")])
    with pytest.raises(DescriptionError, match="dt is needed"):
        from_nir(graph)
    with pytest.raises(DescriptionError, match="inputs must name Input nodes"):
        from_nir(graph, 1.0, inputs={"an": SpikeTrains.empty(2)})
    with pytest.raises(DescriptionError, match="NIRGraph, got str"):
        from_nir("net.nir", 1.0)
    monkeypatch.setitem(sys.modules, "nir", None)
    with pytest.raises(BackendMissing, match=r'pip install "spikemem\[nir\]"'):
        to_nir(network)
