"""A plain simulation of NIR graphs, node by node and step by step; the oracle of the tests."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from scipy import signal

import spikemem as sm
from spikemem.hardware.nir import from_nir
from spikemem.network import Population
from spikemem.recording import SpikeTrains

nir = pytest.importorskip("nir")


def convolve(x, weight, stride, padding, dilation, groups):
    """A convolution of one or two axes by scipy.signal, with a kernel that is spread by zeros."""
    n = x.ndim - 1
    spread = np.zeros(
        (
            *weight.shape[:2],
            *(d * (k - 1) + 1 for d, k in zip(dilation, weight.shape[2:], strict=True)),
        )
    )
    spread[(..., *(slice(None, None, d) for d in dilation))] = weight
    x = np.pad(x, [(0, 0), *padding])
    per_group, per_out = x.shape[0] // groups, weight.shape[0] // groups
    maps = []
    for out, kernel in enumerate(spread):
        first = out // per_out * per_group
        maps.append(
            sum(
                signal.correlate(x[first + k], kernel[k], mode="valid", method="direct")
                for k in range(per_group)
            )
        )
    return np.stack(maps)[(slice(None), *(slice(None, None, s) for s in stride[:n]))]


def pool(x, kernel, stride, padding, average):
    """Pooling by loops; the zeros of the padding count."""
    x = np.pad(x, [(0, 0), (padding[0],) * 2, (padding[1],) * 2])
    sizes = [(x.shape[1 + a] - kernel[a]) // stride[a] + 1 for a in range(2)]
    made = np.zeros((x.shape[0], *sizes))
    for row in range(sizes[0]):
        for column in range(sizes[1]):
            top, left = row * stride[0], column * stride[1]
            window = x[:, top : top + kernel[0], left : left + kernel[1]]
            made[:, row, column] = window.mean((1, 2)) if average else window.sum((1, 2))
    return made


def pads(value, kernel, dilation):
    if value == "valid":
        return [(0, 0)] * len(kernel)
    if value == "same":
        both = [d * (k - 1) for d, k in zip(dilation, kernel, strict=True)]
        return [(b // 2, b - b // 2) for b in both]
    return [(int(p),) * 2 for p in np.broadcast_to(value, len(kernel))]


def through(node, x):
    """What a node between two neurons makes of its input."""
    match type(node).__name__:
        case "Linear":
            return node.weight @ x.ravel()
        case "Affine":
            return node.weight @ x.ravel() + node.bias
        case "Scale":
            return node.scale * x
        case "Flatten":
            return x.ravel()
        case "SumPool2d" | "AvgPool2d" as kind:
            return pool(x, node.kernel_size, node.stride, node.padding, kind == "AvgPool2d")
        case "Conv1d" | "Conv2d":
            kernel = node.weight.shape[2:]
            n = len(kernel)
            dilation = tuple(np.broadcast_to(node.dilation, n))
            stride = tuple(np.broadcast_to(node.stride, n))
            padding = pads(node.padding, kernel, dilation)
            made = convolve(x, node.weight, stride, padding, dilation, node.groups)
            return made + np.reshape(node.bias, (-1, *[1] * n))
    raise AssertionError(node)


def simulated(graph, raster, dt, shapes):
    """Spikes of each neuron, shape (n_steps, n); signals arrive one step after they are sent.

    The input of a CubaLIF is split: a bias b is the constant current w_in * b from the start.
    """
    neurons = {k: n for k, n in graph.nodes.items() if type(n).__name__ in ("CubaLIF", "LIF", "IF")}
    before = {name: [a for a, b in graph.edges if b == name] for name in graph.nodes}
    v = {name: np.zeros(shapes[name]) for name in neurons}
    for name, node in neurons.items():
        v[name] = v[name] + getattr(node, "v_leak", 0.0)
    current = {name: np.zeros(shapes[name]) for name in neurons}
    z = {name: np.zeros(shapes[name]) for name in [*neurons, "input"]}
    fired = {name: [] for name in neurons}

    def output(name, silent):
        if name in z:
            return 0.0 * z[name] if silent else z[name]
        x = sum(output(one, silent) for one in before[name])
        return through(graph.nodes[name], x)

    for step in range(len(raster)):
        new = {}
        for name, node in neurons.items():
            shape = shapes[name]
            bias = sum(output(one, True).reshape(shape) for one in before[name])
            spikes = sum(output(one, False).reshape(shape) for one in before[name]) - bias
            kind = type(node).__name__
            if kind == "IF":
                v[name] = v[name] + node.r * (spikes + bias)
            elif kind == "LIF":
                a = np.exp(-dt / (node.tau * 1000))
                end = node.v_leak + node.r * (spikes + bias)
                v[name] = end + a * (v[name] - end)
            else:
                tau = node.tau_syn * 1000
                current[name] = current[name] + node.w_in * dt / tau * spikes
                held = current[name] * tau / dt * (1 - np.exp(-dt / tau))
                end = node.v_leak + node.r * (held + node.w_in * bias)
                v[name] = end + np.exp(-dt / (node.tau_mem * 1000)) * (v[name] - end)
                current[name] = current[name] * np.exp(-dt / tau)
            new[name] = (v[name] >= node.v_threshold) * 1.0
            v[name] = np.where(new[name] > 0, node.v_reset, v[name])
            fired[name].append(new[name].ravel())
        z |= new
        z["input"] = raster[step].reshape(shapes["input"])
    return {name: np.array(rows) for name, rows in fired.items()}


def trains(raster, dt):
    steps, ids = np.nonzero(raster)
    return SpikeTrains(ids=ids, times=steps * dt, size=raster.shape[1], duration=len(raster) * dt)


def rasters(network, n_steps):
    recording = sm.simulate(network, n_steps * network.dt, backend="native")
    made = {}
    for pop in network.populations:
        if not pop.is_source:
            made[pop.name] = np.zeros((n_steps, pop.size))
            spikes = recording.spikes[pop.name]
            made[pop.name][np.round(spikes.times / network.dt).astype(int), spikes.ids] = 1
    return made


def all_recorded(network):
    return network.replace(
        *(
            Population(name=pop.name, size=pop.size, cell=pop.lif, record=("spikes",))
            for pop in network.populations
            if not pop.is_source
        )
    )


def require_same_spikes(graph, flat, dt, n_steps, rate, shapes, rng):
    """The network fires as the oracle does, and each layer fires; `flat` is for the oracle."""
    raster = (rng.random((n_steps, math.prod(shapes["input"]))) < rate).astype(float)
    network = from_nir(graph, dt, inputs={"input": trains(raster, dt)})
    got = rasters(all_recorded(network), n_steps)
    wanted = simulated(flat, raster, dt, shapes)
    assert set(got) == set(wanted)
    for name, spikes in wanted.items():
        assert 0 < spikes.sum() < spikes.size, name
        np.testing.assert_array_equal(got[name], spikes, err_msg=name)
    return network


def cuba(shape):
    """A neuron that reads a spike of weight 1 as a current of 1, and a bias of 1 as 5 (dt = 1)."""
    full = dict.fromkeys(("r", "v_threshold", "v_reset"), np.ones(shape))
    return nir.CubaLIF(
        tau_mem=np.full(shape, 0.01), tau_syn=np.full(shape, 0.005), v_leak=np.zeros(shape),
        w_in=np.full(shape, 5.0), **full,
    )  # fmt: skip


def chain(shape, *nodes, end=(1,)):
    """Input, these nodes, and a neuron."""
    names = ["in", *(f"n{k}" for k in range(len(nodes))), "cell"]
    parts = [nir.Input({"input": np.array(shape)}), *nodes, cuba(end)]
    edges = list(pairwise(names))
    return nir.NIRGraph(dict(zip(names, parts, strict=True)), edges, type_check=False)
