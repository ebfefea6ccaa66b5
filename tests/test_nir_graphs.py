"""NIR nodes as synapses, currents and cells; graphs that can not be read."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nir_oracle import (
    chain,
    through,
)
from reference import reference

import spikemem as sm
from spikemem.errors import UnsupportedError
from spikemem.hardware.nir import from_nir, linear
from spikemem.network import Population
from spikemem.recording import SpikeTrains

nir = pytest.importorskip("nir")


# -- linear nodes against scipy.signal -------------------------------------------------------------


def require_equal_map(shape, *nodes):
    """The signed weights and the constant current are those of the oracle, input by input."""
    network = from_nir(chain(shape, *nodes), 1.0)
    cell = network.population("cell")
    weight = np.zeros((cell.size, math.prod(shape)))
    for item in network.projections:
        sign = -1.0 if item.receptor == "inhibitory" else 1.0
        np.add.at(weight, (item.j, item.i), sign * item.weight)
        assert np.all(item.weight > 0)
        assert np.unique(item.j * weight.shape[1] + item.i).size == item.i.size

    def whole(x):
        for node in nodes:
            x = through(node, x)
        return x.ravel()

    nothing = whole(np.zeros(shape))
    np.testing.assert_allclose(cell.lif.array("i_offset", cell.size), 5.0 * nothing, atol=1e-12)
    units = np.eye(math.prod(shape)).reshape(-1, *shape)
    wanted = np.stack([whole(unit) - nothing for unit in units], axis=1)
    np.testing.assert_allclose(weight, wanted, atol=1e-12)


@st.composite
def convolutions(draw, n):
    """A convolution over n axes, and the shape of an input that it can take."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    groups = draw(st.sampled_from([1, 1, 2]))
    per_group, per_out = draw(st.integers(1, 2)), draw(st.integers(1, 2))
    kernel = tuple(draw(st.integers(1, 3)) for _ in range(n))
    dilation = tuple(draw(st.integers(1, 2)) for _ in range(n))
    padding = draw(
        st.one_of(st.sampled_from(["same", "valid"]), st.tuples(*[st.integers(0, 2)] * n))
    )
    stride = (1,) * n if padding == "same" else tuple(draw(st.integers(1, 3)) for _ in range(n))
    size = tuple(
        d * (k - 1) + draw(st.integers(1, 4)) for d, k in zip(dilation, kernel, strict=True)
    )
    weight = rng.normal(size=(groups * per_out, per_group, *kernel))
    options = {"weight": weight, "groups": groups, "bias": rng.normal(size=len(weight))}
    if n == 1:
        padding = padding if isinstance(padding, str) else padding[0]
        node = nir.Conv1d(None, stride=stride[0], padding=padding, dilation=dilation[0], **options)
    else:
        node = nir.Conv2d(None, stride=stride, padding=padding, dilation=dilation, **options)
    return node, (groups * per_group, *size)


@given(case=convolutions(2))
@settings(max_examples=60)
def test_a_conv2d_is_a_list_of_synapses(case):
    node, shape = case
    require_equal_map(shape, node)


@given(case=convolutions(1))
@settings(max_examples=30)
def test_a_conv1d_is_a_list_of_synapses(case):
    node, shape = case
    require_equal_map(shape, node)


@given(
    kernel=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    stride=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    padding=st.tuples(st.integers(0, 1), st.integers(0, 1)),
    kind=st.sampled_from(["SumPool2d", "AvgPool2d"]),
)
@settings(max_examples=30)
def test_pooling_is_a_list_of_synapses(kernel, stride, padding, kind):
    options = {
        "kernel_size": np.array(kernel),
        "stride": np.array(stride),
        "padding": np.array(padding),
    }
    require_equal_map((2, 5, 4), getattr(nir, kind)(**options))


@given(case=convolutions(2), seed=st.integers(0, 2**32 - 1))
@settings(max_examples=30)
def test_linear_nodes_in_a_row_are_multiplied(case, seed):
    node, shape = case
    rng = np.random.default_rng(seed)
    pooling = nir.SumPool2d(np.array([1, 2]), np.array([1, 1]), np.array([0, 1]))
    pooled = through(pooling, through(node, np.zeros(shape)))
    affine = nir.Affine(rng.normal(size=(3, pooled.size)), rng.normal(size=3))
    scale = nir.Scale(rng.normal(size=(3,)))
    flat = nir.Flatten({"input": np.array(pooled.shape)}, start_dim=0)
    require_equal_map(shape, node, pooling, flat, affine, scale)


def test_the_constant_of_two_branches_is_counted_once():
    """Two ways lead to the same Affine: its bias is added once, and weights twice."""
    weight = np.array([[1.0, -2.0]])
    graph = chain((2,), nir.Scale(np.full(2, 3.0)), nir.Affine(weight, np.array([0.5])))
    graph.nodes["other"] = nir.Scale(np.full(2, 4.0))
    graph.edges += [("in", "other"), ("other", "n1")]
    network = from_nir(graph, 1.0)
    assert network.population("cell").lif.i_offset == 2.5
    total = sum(
        (-1 if item.receptor == "inhibitory" else 1) * item.weight.sum()
        for item in network.projections
    )
    assert total == (3 + 4) * (1 - 2)


def test_a_convolution_that_says_its_input_shape_takes_flat_signals():
    node = conv(input_shape=(4, 5))
    whole, flat = (from_nir(chain(shape, node, end=(6,)), 1.0) for shape in ((2, 4, 5), (40,)))
    assert whole.projection("n0").i.size == 6 * 18
    np.testing.assert_array_equal(whole.projection("n0").i, flat.projection("n0").i)


# -- biases and cells ------------------------------------------------------------------------------

LEAK = {"r": np.array([2.0, 3.0]), "v_threshold": np.full(2, 1e3), "v_reset": np.zeros(2)}
CELLS = {
    "CubaLIF": nir.CubaLIF(
        tau_mem=np.array([0.004, 0.006]), tau_syn=np.array([0.002, 0.003]),
        v_leak=np.array([-1.0, 2.0]), w_in=np.array([2.0, 0.5]), **LEAK,
    ),
    "LIF": nir.LIF(tau=np.array([0.004, 0.006]), v_leak=np.array([-1.0, 2.0]), **LEAK),
    "IF": nir.IF(**LEAK),
}  # fmt: skip


@pytest.mark.parametrize("integrator", ["spinnaker", "exact"])
@pytest.mark.parametrize("backend", ["native", "brian2"])
@pytest.mark.parametrize("kind", CELLS)
def test_a_bias_is_a_constant_current(kind, backend, integrator):
    """Closed forms: towards v_leak + r w_in b; after k steps an IF has k r b."""
    bias, node = np.array([0.25, -0.5]), CELLS[kind]
    graph = chain((2,), nir.Affine(np.eye(2), bias))
    graph.nodes["cell"] = node
    network = from_nir(graph, 0.5)
    cell = Population(name="cell", size=2, cell=network.population("cell").lif, record=("v",))
    options = {"target": "numpy"} if backend == "brian2" else {}
    run = sm.simulate(
        network.replace(cell), 100.0, backend=backend, integrator=integrator, **options
    )
    v = run.traces["cell", "v"]
    steps = np.arange(200)[:, None]
    if kind == "IF":
        wanted = steps * node.r * bias
    else:
        current = node.w_in * bias if kind == "CubaLIF" else bias
        tau = node.tau_mem if kind == "CubaLIF" else node.tau
        end = node.v_leak + node.r * current
        wanted = end + (node.v_leak - end) * np.exp(-steps * 0.0005 / tau)
    np.testing.assert_allclose(v, wanted, rtol=1e-10, atol=1e-12)


def test_a_spike_raises_an_if_by_r_times_its_weight():
    graph = chain((2,), nir.Linear(np.array([[0.5, 0.0], [1.0, -0.25]])))
    graph.nodes["cell"] = CELLS["IF"]
    inputs = {"in": SpikeTrains.from_lists([[1.0], [2.0, 3.0]], duration=10.0)}
    network = from_nir(graph, 1.0, inputs=inputs)
    cell = network.population("cell").lif
    assert np.all(np.isinf(cell.tau_m))
    network = network.replace(Population(name="cell", size=2, cell=cell, record=("v",)))
    for integrator in ("spinnaker", "exact"):
        v = reference(network, 8.0, integrator).traces["cell", "v"]
        np.testing.assert_allclose(v[-1], [2.0 * 0.5, 3.0 * (1.0 - 0.5)], rtol=1e-12)


def test_parameters_of_one_entry_hold_for_the_whole_layer():
    """As snnTorch writes a layer with one decay, and norse a layer with plain numbers."""
    for shape in [(), (1,)]:
        values = {"tau": 0.01, "r": 1.0, "v_leak": 0.0, "v_threshold": 1.0}
        graph = chain((3,), nir.Linear(np.ones((4, 3))), nir.Linear(np.eye(4)))
        graph.nodes["cell"] = nir.LIF(**{k: np.full(shape, x) for k, x in values.items()})
        network = from_nir(graph, 1.0)
        assert network.population("cell").size == 4
        assert network.population("cell").lif.tau_m == 10.0


# -- graphs that cannot be read: one clear error each ----------------------------------------------


def conv(**options):
    values = {
        "input_shape": None, "weight": np.ones((1, 2, 3, 3)), "stride": 1, "padding": 0,
        "dilation": 1, "groups": 1, "bias": np.zeros(1),
    }  # fmt: skip
    return nir.Conv2d(**{**values, **options})


def late(graph, **nodes):
    graph.nodes.update(nodes)
    return graph


def joined(graph, *edges):
    graph.edges.extend(edges)
    return graph


def two_doors():
    nodes = {name: nir.Input({"input": np.array([2])}) for name in "ab"}
    nodes["out"] = nir.Output({"output": np.array([2])})
    return nir.NIRGraph(nodes, [("a", "out"), ("b", "out")], type_check=False)


EYE = nir.Linear(np.eye(2))
WRONG = {
    "node 'n0' (Conv2d): weight has shape (1, 2, 3, 3) with groups=1: it takes 2 channels, but "
    "shape (3, 5, 5) arrives.": lambda: chain((3, 5, 5), conv()),
    "node 'n0' (Conv2d): its input must have shape (channels, height, width), but shape (50,) "
    "arrives.": lambda: chain((50,), conv()),
    "node 'n0' (Conv2d): its kernel of (3, 3) is larger than its input of shape (2, 5, 2).":
        lambda: chain((2, 5, 2), conv()),
    "node 'n0' (Conv2d): stride must be from 1 to": lambda: chain((2, 5, 5), conv(stride=(0, 1))),
    "node 'n0' (Conv2d): padding 'same' needs a stride of 1.":
        lambda: chain((2, 5, 5), conv(padding="same", stride=2)),
    "node 'n0' (Conv2d): dilation must be 1 or 2 whole numbers":
        lambda: chain((2, 5, 5), conv(dilation=(1.5, 1))),
    "node 'n0' (Conv2d): bias must have shape (1,), got (4,).":
        lambda: chain((2, 5, 5), conv(bias=np.ones(4))),
    "node 'n0': weight must be finite":
        lambda: chain((2, 5, 5), conv(weight=np.full((1, 2, 1, 1), np.inf))),
    "from node 'n0' to 'cell': 9 signals are sent, of shape (1, 3, 3), but 4 are taken, of shape "
    "(4,).": lambda: chain((2, 5, 5), conv(), end=(4,)),
    "of shape (2, 3, 5), but 30 are taken, of shape (2, 5, 3)":
        lambda: chain((2, 3, 5), nir.Scale(np.ones((2, 3, 5))), end=(2, 5, 3)),
    "node 'alone': Linear is not connected: no edge leads to it":
        lambda: joined(late(chain((2,), EYE), alone=EYE), ("alone", "n0")),
    "node 'alone': Linear is not connected: no edge leads on from it":
        lambda: joined(late(chain((2,), EYE), alone=EYE), ("in", "alone")),
    "node 'read': Linear leads to the Output 'out', but a network records only spikes":
        lambda: joined(
            late(chain((2,), EYE), read=EYE, out=nir.Output({"output": np.array([2])})),
            ("cell", "read"), ("read", "out"),
        ),
    "a signal returns to it without passing a neuron: n1 -> n2 -> n1.":
        lambda: joined(chain((2,), EYE, EYE, EYE), ("n2", "n1")),
    "node 'n0': Threshold has no counterpart (valid types: CubaLIF, LIF, IF, Linear, Affine, "
    "Scale, Conv1d, Conv2d, SumPool2d, AvgPool2d, Flatten, Delay, Input, Output, NIRGraph)":
        lambda: chain((2,), nir.Threshold(np.ones(2))),
    "node 'cell': tau_syn has shape (3,), but v_threshold has (1,)": lambda: _spoilt(),
    "an edge leads into an Input": lambda: joined(chain((2,), EYE, end=(2,)), ("cell", "in")),
    "edges of 'n0' name nodes that it does not have: x":
        lambda: chain((2,), nir.NIRGraph({"a": EYE}, [("a", "x")], type_check=False)),
    "node 'n0' is a graph with 2 Input nodes; it must have 1": lambda: chain((2,), two_doors()),
    "the delays before it differ between cells": lambda: chain(
        (2,), EYE, nir.Delay(np.array([0.001, 0.002])), EYE, end=(2,)
    ),
}  # fmt: skip


def _spoilt():
    graph = chain((2,), nir.Linear(np.ones((1, 2))))
    graph.nodes["cell"].tau_syn = np.ones(3)
    return graph


@pytest.mark.parametrize("words", WRONG)
def test_a_bad_graph_has_a_clear_error(words):
    with pytest.raises(UnsupportedError) as error:
        from_nir(WRONG[words](), 1.0)
    assert words in str(error.value)
    assert str(error.value).startswith("from_nir: this graph cannot be read: ")


def test_what_is_too_large_is_refused_with_its_memory(monkeypatch):
    with pytest.raises(UnsupportedError, match=r"1\.8e\+09 synapses, which take 80\.5 GiB"):
        from_nir(chain((2, 10_001, 10_001), conv(padding=1)), 1.0)
    monkeypatch.setattr(linear, "LARGEST", 100)
    weights = nir.Linear(np.ones((9, 9)))
    with pytest.raises(UnsupportedError, match=r"'n1'.*multiplied with .* up to 729 synapses"):
        from_nir(chain((9,), weights, weights, end=(9,)), 1.0)


def test_a_long_chain_and_deep_graphs_do_not_exhaust_the_stack():
    graph = chain((2,), *[nir.Scale(np.ones(2))] * 3000, end=(2,))
    assert from_nir(graph, 1.0).projection("n2999").weight.tolist() == [1.0, 1.0]
    inner = EYE
    for _ in range(200):
        ends = {
            "i": nir.Input({"input": np.array([2])}),
            "o": nir.Output({"output": np.array([2])}),
        }
        inner = nir.NIRGraph({**ends, "x": inner}, [("i", "x"), ("x", "o")], type_check=False)
    with pytest.raises(UnsupportedError, match="more than 50 levels deep"):
        from_nir(chain((2,), inner), 1.0)


def test_weights_that_overflow_are_refused():
    large = nir.Linear(np.full((2, 2), 1e200))
    with pytest.raises(UnsupportedError, match="node 'n1': the weights overflow"):
        from_nir(chain((2,), large, large, end=(2,)), 1.0)
