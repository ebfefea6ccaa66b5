"""Graphs as other packages write them, and networks out to NIR and back."""

from __future__ import annotations

import math
from itertools import pairwise

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nir_oracle import (
    require_same_spikes,
    trains,
)
from reference import reference

import spikemem as sm
from spikemem.errors import SpikememError, SpikememWarning, UnsupportedError
from spikemem.hardware import nir as nir_files
from spikemem.hardware.nir import from_nir, to_nir
from spikemem.network import LIF, Network, Population, Projection, SpikeSource
from spikemem.recording import SpikeTrains

nir = pytest.importorskip("nir")


# -- the graphs of the paper -----------------------------------------------------------------------


def without_reset(path, *names):
    """A file as NIR wrote it before neurons had v_reset."""
    with h5py.File(path, "r+") as file:
        for name in names:
            del file[f"node/nodes/{name}/v_reset"]


@pytest.mark.parametrize("bias", [0.0, 0.02])
def test_the_lif_of_norse(tmp_path, bias):
    one = {"r": np.ones(1), "v_leak": np.zeros(1), "v_threshold": np.full(1, 0.1)}
    graph = nir.NIRGraph(
        nodes={
            "input": nir.Input({"input": np.array([1])}),
            "0": nir.Affine(np.ones((1, 1), np.float32), np.full(1, bias, np.float32)),
            "1": nir.LIF(tau=np.full(1, 0.0025, np.float32), **one),
            "output": nir.Output({"output": np.array([1])}),
        },
        edges=[("input", "0"), ("0", "1"), ("1", "output")],
    )
    shapes = {"input": (1,), "1": (1,)}
    network = require_same_spikes(graph, graph, 0.1, 1000, 0.4, shapes, np.random.default_rng(3))
    assert network.population("1").record == ("spikes",)
    nir.write(tmp_path / "lif_norse.nir", graph)
    without_reset(tmp_path / "lif_norse.nir", "1")
    with pytest.warns(SpikememWarning, match=r"no v_reset in 1: .* subtracts the threshold"):
        back = nir_files.read(tmp_path / "lif_norse.nir", 0.1)
    assert back.population("1").lif.v_reset.tolist() == [0.0]


def braille(n, bias, rng, inside):
    """snnTorch's network of a recurrent and a plain layer; 12 taxels, 7 letters."""

    def layer(size):
        # beta, alpha of snnTorch with dt = 0.1 ms, as it exports them
        beta, alpha = rng.uniform(0.7, 0.9, size), rng.uniform(0.4, 0.6, size)
        tau_mem, tau_syn = 1e-4 / (1 - beta), 1e-4 / (1 - alpha)
        return nir.CubaLIF(
            tau_mem=tau_mem, tau_syn=tau_syn, r=tau_mem / 1e-4, w_in=tau_syn / 1e-4,
            v_leak=np.zeros(size), v_threshold=np.ones(size),
        )  # fmt: skip

    def weights(n_post, n_pre):
        weight = rng.normal(scale=1.0 / np.sqrt(n_pre), size=(n_post, n_pre))
        return nir.Affine(weight, rng.normal(0.02, 0.02, n_post)) if bias else nir.Linear(weight)

    ends = {
        "input": nir.Input({"input": np.array([12])}),
        "output": nir.Output({"output": np.array([7])}),
    }
    nodes = {"fc1": weights(n, 12), "fc2": weights(7, n), "lif2": layer(7)}
    edges = [("fc2", "lif2"), ("lif2", "output"), ("input", "fc1")]
    own = {"lif": layer(n), "w_rec": weights(n, n)}
    flat = nir.NIRGraph(
        nodes={**ends, **nodes, **{f"lif1.{name}": node for name, node in own.items()}},
        edges=[
            *edges, ("fc1", "lif1.lif"), ("lif1.lif", "lif1.w_rec"),
            ("lif1.w_rec", "lif1.lif"), ("lif1.lif", "fc2"),
        ],
    )  # fmt: skip
    if not inside:
        return flat, flat
    doors = {
        "input": nir.Input({"input": np.array([n])}),
        "output": nir.Output({"output": np.array([n])}),
    }
    recurrent = nir.NIRGraph(
        nodes={**own, **doors},
        edges=[("input", "lif"), ("lif", "w_rec"), ("w_rec", "lif"), ("lif", "output")],
    )
    edges += [("fc1", "lif1"), ("lif1", "fc2")]
    return nir.NIRGraph({**ends, **nodes, "lif1": recurrent}, edges, type_check=False), flat


@pytest.mark.parametrize("inside", [False, True])
@pytest.mark.parametrize(("n", "bias"), [(38, True), (55, False)])
def test_the_recurrent_networks_for_braille(tmp_path, n, bias, inside):
    rng = np.random.default_rng(n)
    graph, flat = braille(n, bias, rng, inside)
    shapes = {"input": (12,), "lif1.lif": (n,), "lif2": (7,)}
    network = require_same_spikes(graph, flat, 0.1, 256, 0.2, shapes, rng)
    assert bool(np.any(network.population("lif1.lif").lif.i_offset)) == bias
    nir.write(tmp_path / "a.nir", graph)
    back = nir_files.read(
        tmp_path / "a.nir", 0.1, inputs={"input": network.population("input").source}
    )
    for one, other in [(back, network), (network, back)]:
        # HDF5 sorts nodes by name, so that populations have another order.
        for item in one.projections:
            same = other.projection(item.name)
            np.testing.assert_array_equal(
                [item.i, item.j, item.weight], [same.i, same.j, same.weight]
            )
    if inside:
        with h5py.File(tmp_path / "a.nir", "r+") as file:
            del file["node/nodes/lif1/nodes/lif/v_reset"]
        with pytest.warns(SpikememWarning, match="no v_reset in lif1.lif:"):
            nir_files.read(tmp_path / "a.nir", 0.1)


def digits(rng, sizes=((2, 34, 34), (16, 16, 16), (16, 16, 16), (8, 8, 8), (256,), (10,))):
    """sinabs' convolutional network for N-MNIST: IF cells, sum pooling, no biases."""
    planes = [sizes[0][0], sizes[1][0], sizes[2][0], sizes[3][0]]

    def conv(k, kernel, stride):
        n_in, n_out = planes[k], planes[k + 1]
        scale = 1.5 / np.sqrt(n_in * kernel**2)
        return nir.Conv2d(
            input_shape=None, weight=rng.normal(0.1 * scale, scale, (n_out, n_in, kernel, kernel)),
            stride=(stride,) * 2, padding=(1, 1), dilation=(1, 1), groups=1, bias=np.zeros(n_out),
        )  # fmt: skip

    def full(n_out, n_in):
        return nir.Linear(rng.normal(0.2 / np.sqrt(n_in), 1.0 / np.sqrt(n_in), (n_out, n_in)))

    def cell(k):
        return nir.IF(r=np.ones(sizes[k]), v_threshold=np.ones(sizes[k]))

    def pooling():
        return nir.SumPool2d(np.array([2, 2]), np.array([2, 2]), np.array([0, 0]))

    n_flat = planes[3] * (sizes[3][1] // 2) ** 2
    parts = [
        conv(0, 5, 2), cell(1), conv(1, 3, 1), cell(2), pooling(), conv(2, 3, 1), cell(3),
        pooling(), nir.Flatten(None, 0, -1), full(sizes[4][0], n_flat), cell(4),
        full(sizes[5][0], sizes[4][0]), cell(5),
    ]  # fmt: skip
    names = ["input", *map(str, range(len(parts))), "output"]
    nodes = dict(zip(names[1:-1], parts, strict=True))
    nodes["input"] = nir.Input({"input": np.array(sizes[0])})
    nodes["output"] = nir.Output({"output": np.array(sizes[-1])})
    graph = nir.NIRGraph(nodes, list(pairwise(names)))
    shapes = dict(zip(("input", "1", "3", "6", "10", "12"), sizes, strict=True))
    return graph, shapes


SMALL = ((2, 10, 10), (3, 4, 4), (4, 4, 4), (3, 2, 2), (9,), (5,))


def test_a_small_convolutional_network_of_sinabs(tmp_path):
    rng = np.random.default_rng(5)
    graph, shapes = digits(rng, SMALL)
    network = require_same_spikes(graph, graph, 1.0, 60, 0.1, shapes, rng)
    assert {item.name for item in network.projections} >= {"0", "2", "5", "9", "11"}
    nir.write(tmp_path / "cnn.nir", graph)
    back = nir_files.read(tmp_path / "cnn.nir", 1.0)
    np.testing.assert_array_equal(back.projection("5").weight, network.projection("5").weight)


def test_the_convolutional_network_of_sinabs():
    rng = np.random.default_rng(6)
    graph, shapes = digits(rng)
    network = require_same_spikes(graph, graph, 1.0, 20, 0.02, shapes, rng)
    assert sum(item.i.size for item in network.projections) > 10**6


NONSENSE = [
    None, 0, -1, 1.5, np.nan, np.inf, 10**12, 10**30, "x", "same", b"same", [], {}, np.array([]),
    np.zeros((2, 2, 2)), np.array(["a"]), np.array([1j]), True, (1, 2), [[1], [2, 3]], np.array(3),
    np.array([1, 2, 3]), object(), 1e308, np.full((3, 2, 3, 3), 1e308),
]  # fmt: skip


def test_nonsense_in_a_node_is_an_error_of_ours():
    """Read or refused, whatever stands in one attribute of one node."""
    rng, refused = np.random.default_rng(8), 0
    for _ in range(300):
        graph = digits(np.random.default_rng(1), SMALL)[0]
        node = graph.nodes[str(rng.choice(list(graph.nodes)))]
        item = rng.choice(sorted(set(vars(node)) - {"output_type", "metadata"}))
        setattr(node, item, NONSENSE[rng.integers(len(NONSENSE))])
        try:
            from_nir(graph, 1.0)
        except SpikememError:
            refused += 1
    assert 50 < refused < 300


# -- out and back ----------------------------------------------------------------------------------


@st.composite
def networks(draw):
    """One population of cells of one of the three kinds, with a constant current."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    dt, n = draw(st.sampled_from([1.0, 0.1])), draw(st.integers(1, 4))
    kind = draw(st.sampled_from(["CubaLIF", "LIF", "IF"]))
    scalar = draw(st.booleans())

    def value(low, high):
        return rng.uniform(low, high, None if scalar else n)

    tau_syn = value(0.5, 5.0) if kind == "CubaLIF" else dt / 50
    rest = 0.0 if kind == "IF" else value(-1.0, 1.0)
    cell = LIF(
        tau_m=math.inf if kind == "IF" else value(3.0, 20.0), cm=value(0.1, 0.5), v_rest=rest,
        v_reset=value(-1.0, 0.0), v_thresh=value(2.0, 4.0), tau_refrac=0.0,
        tau_syn_E=tau_syn, tau_syn_I=tau_syn, i_offset=value(-0.01, 0.05),
    )  # fmt: skip
    spikes = trains((rng.random((40, n)) < 0.3) * 1.0, dt)
    ways = [
        Projection(
            name=f"p{k}", pre=pre, post="a", connector="all_to_all", delay=dt,
            weight=rng.uniform(0.0, 0.5, n * n), receptor=receptor,
        )
        for k, (pre, receptor) in enumerate([("z", "excitatory"), ("a", "inhibitory")])
    ]  # fmt: skip
    populations = [
        Population(name="z", cell=SpikeSource(spikes=spikes)),
        Population(name="a", size=n, cell=cell, record=("spikes", "v")),
    ]
    return kind, Network(populations=populations, projections=ways, dt=dt)


@given(case=networks())
@settings(max_examples=40)
def test_constant_currents_and_cells_without_a_leak_come_back(tmp_path_factory, case):
    kind, network = case
    graph = to_nir(network)
    assert type(graph.nodes["a"]).__name__ == kind
    assert type(graph.nodes["p0"]).__name__ == "Affine"
    assert type(graph.nodes["p1"]).__name__ == "Linear"
    path = nir_files.write(tmp_path_factory.mktemp("nir") / "net.nir", network)
    assert nir_files.read(path).content_hash == network.content_hash


@given(case=networks())
@settings(max_examples=20)
def test_without_metadata_the_numbers_of_nir_suffice(case):
    _, network = case
    graph = to_nir(network, metadata=False)
    back = from_nir(graph, network.dt, inputs={"z": network.population("z").source})
    cell = Population(
        name="a", size=network.population("a").size, cell=back.population("a").lif,
        record=("spikes", "v"),
    )  # fmt: skip
    wanted, got = (reference(one, 40 * one.dt) for one in (network, back.replace(cell)))
    assert got["a"] == wanted["a"]
    np.testing.assert_allclose(got.traces["a", "v"], wanted.traces["a", "v"], atol=1e-9)


def test_a_bias_that_was_edited_is_read():
    cell = LIF(tau_refrac=0.0, i_offset=0.3, tau_syn_E=5.0, tau_syn_I=5.0)
    network = Network(
        populations=[
            Population(name="z", cell=SpikeSource(spikes=SpikeTrains.from_lists([[1.0]]))),
            Population(name="a", size=2, cell=cell),
        ],
        projections=[
            Projection(name="w", pre="z", post="a", connector="all_to_all", weight=1.0, delay=1.0)
        ],
    )
    graph = to_nir(network)
    graph.nodes["w"].bias[1] *= 2
    np.testing.assert_allclose(from_nir(graph).population("a").lif.i_offset, [0.3, 0.6])
    assert np.all(from_nir(graph).population("a").lif.v_rest == -65.0)


def test_files_with_the_constant_current_in_v_leak_are_read():
    """As they were written before; so are cells without synapses, which can't have a bias."""
    cell = LIF(tau_m=7.0, cm=0.3, i_offset=0.3)
    network = Network(populations=[Population(name="a", size=2, cell=cell)])
    graph = to_nir(network)
    np.testing.assert_allclose(graph.nodes["a"].v_leak, -65.0 + 7.0 / 0.3 * 0.3)
    assert from_nir(graph).content_hash == network.content_hash


def test_what_an_if_can_not_carry():
    cell = LIF(tau_m=math.inf, tau_refrac=1.0, i_offset=0.1)
    mixed = LIF(tau_m=np.array([math.inf, 5.0]), tau_syn_E=0.02, tau_syn_I=0.02)
    network = Network(
        populations=[
            Population(name="a", size=2, cell=cell), Population(name="b", size=2, cell=mixed),
        ]
    )  # fmt: skip
    with pytest.raises(UnsupportedError) as error:
        to_nir(network, metadata=False)
    for part in ("dt / 50 = 0.02 ms", "cannot have an i_offset", "refractory", "starts at 0 mV",
                 "'b': some cells have a leak"):  # fmt: skip
        assert part in str(error.value)


def test_currents_over_time_are_refused():
    current = sm.StepCurrent(times=[0.0, 5.0], amplitudes=[0.1, 0.2])
    for tau_m in (20.0, math.inf):
        cell = LIF(tau_m=tau_m, i_offset=current, tau_syn_E=0.02, tau_syn_I=0.02)
        network = Network(populations=[Population(name="a", size=1, cell=cell)])
        with pytest.raises(UnsupportedError, match="no currents that change over time"):
            to_nir(network)
