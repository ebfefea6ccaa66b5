"""A trained network as populations of ``IF_curr_exp`` cells, and the spikes in its recordings.

An input spike of step t is sent at t ms. Each hidden layer is one population. The last layer has no
cells: its outputs are its weights times the spike counts of the last hidden layer.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...cells import SpikeSource
from ...errors import DescriptionError
from ...limits import require_memory
from ...network import Network, Population, Projection
from ...recording import Recording
from ...spikes import SpikeTrains
from .cuba import advance
from .lowering import Decays, LoweredLayer

__all__ = [
    "LayerResponses",
    "SampleLayout",
    "arrange",
    "circuit",
    "pass_layers",
    "plastic_names",
    "recorded_spikes",
    "silent_gap",
]

Spikes = NDArray[np.bool_]
RECEPTORS = ("excitatory", "inhibitory")

_BATCH = 256
"""Number of samples whose potentials are computed together."""


class LayerResponses(NamedTuple):
    """Responses of the hidden layers, computed without a simulator."""

    spikes: list[Spikes]
    """Spikes of each hidden layer, shape (steps, n_samples, n_neurons)."""
    margins: list[float]
    """Smallest distance of a potential from the threshold, for each hidden layer, grid points."""


def pass_layers(layers: Sequence[LoweredLayer], spikes: Spikes) -> LayerResponses:
    """Compute the spikes of the hidden layers in float64, with the step of :func:`cuba_step`.

    Parameters
    ----------
    layers : sequence of LoweredLayer
        Hidden layers in order.
    spikes : ndarray of bool, shape (steps, n_samples, n_inputs)
        Spikes of the input.
    """
    all_spikes, margins = [], []
    layer_input = spikes
    for layer in layers:
        fired = np.empty((*layer_input.shape[:2], len(layer.units)), dtype=np.bool_)
        margin = math.inf
        for first in range(0, layer_input.shape[1], _BATCH):
            part = slice(first, first + _BATCH)
            margin = min(margin, _pass(layer, layer_input[:, part], fired[:, part]))
        all_spikes.append(fired)
        margins.append(margin)
        layer_input = fired
    return LayerResponses(all_spikes, margins)


def _pass(layer: LoweredLayer, spikes: Spikes, out: Spikes) -> float:
    """Fill in the spikes of one layer; return the smallest distance from the threshold."""
    units = np.ascontiguousarray(layer.units.T, dtype=np.float64)
    margin = math.inf
    v = i = np.zeros((spikes.shape[1], units.shape[1]))
    for t, arriving in enumerate(spikes):
        before = layer.p22 * v + layer.p21 * i
        margin = min(margin, float(np.abs(before - layer.v_thresh).min(initial=math.inf)))
        v, i, out[t] = advance(v, i, arriving.astype(np.float64) @ units, layer)
    return margin


class SampleLayout(NamedTuple):
    """Arrangement of samples in a network."""

    n_samples: int
    steps: int
    """Number of steps of a sample."""
    copies: int
    """Number of copies of the circuit, side by side."""
    period: int
    """Number of steps between the starts of two samples in the same copy."""

    @property
    def in_turn(self) -> int:
        """Number of samples that follow each other in one copy."""
        return -(-self.n_samples // self.copies)


def silent_gap(decays: Decays, n_layers: int) -> int:
    """Return the number of steps after which a sample has no effect.

    All potentials are then below the smallest one of SpiNNaker.
    """
    slowest = max(decays.tau_m, 0.0 if decays.is_pulse else decays.tau_syn)
    factor = 1.0 if decays.is_pulse else 1.3
    return math.ceil(32 * math.log(2.0) * slowest * factor) + 2 * n_layers


def arrange(
    n_samples: int, steps: int, layers: Sequence[LoweredLayer],
    samples: Literal["side by side", "in turn"],
) -> SampleLayout:  # fmt: skip
    """Arrange samples: one copy of the circuit for each, or one after the other in one copy."""
    if samples == "side by side":
        return SampleLayout(n_samples, steps, n_samples, steps)
    gap = silent_gap(layers[0].decays, len(layers))
    return SampleLayout(n_samples, steps, 1, steps + gap)


def plastic_names(n_layers: int) -> dict[str, str]:
    """Return the projections that hold the weights of the hidden layers, with descriptions."""
    signs = {"excitatory": "positive", "inhibitory": "negative"}
    return {
        f"layer {k + 1} {receptor}": f"{signs[receptor]} weights of hidden layer {k + 1}"
        for k in range(n_layers)
        for receptor in RECEPTORS
    }


def circuit(
    layers: Sequence[LoweredLayer],
    spikes: Spikes,
    layout: SampleLayout,
    integrator: str = "spinnaker",
) -> Network:
    """Return the network, whose input sends the samples.

    Parameters
    ----------
    layers : sequence of LoweredLayer
        Hidden layers in order.
    spikes : ndarray of bool, shape (steps, n_samples, n_inputs)
        Spikes of the input.
    layout : SampleLayout
        From :func:`arrange`.
    integrator : {"spinnaker", "exact"}
        Integration of the backend.
    """
    synapses = sum(np.count_nonzero(layer.units) for layer in layers)
    require_memory(64.0 * synapses * layout.copies,
                   f"HLOPClassifier.build: {layout.copies} copies of {synapses} synapses",
                   "Build fewer samples at a time, or with samples='in turn'.")  # fmt: skip
    # The last spikes must reach the last layer; the exact integrator needs one step per layer.
    duration = float(layout.in_turn * layout.period + len(layers) + 1)
    one = Network(
        populations=list(_populations(layers, integrator, duration, layout)),
        projections=list(_projections(layers)),
        dt=1.0,
    )
    n_inputs = spikes.shape[2]
    step, sample, cell = np.nonzero(spikes)
    copy, turn = np.divmod(sample, layout.in_turn)
    trains = SpikeTrains(
        ids=copy.astype(np.int64) * n_inputs + cell,
        times=(step + turn * layout.period).astype(np.float64),
        size=layout.copies * n_inputs,
        duration=duration,
    )
    return one.tile(layout.copies).with_inputs({"input": trains})


def _populations(
    layers: Sequence[LoweredLayer], integrator: str, duration: float, layout: SampleLayout
) -> Iterator[Population]:
    n_inputs = layers[0].units.shape[1]
    source = SpikeSource(spikes=SpikeTrains.empty(n_inputs, duration))
    yield Population(name="input", cell=source)
    for k, layer in enumerate(layers):
        yield Population(name=f"hidden {k + 1}", cell=layer.cell(integrator), size=len(layer.units))
    if any(layer.decays.is_pulse for layer in layers):
        yield Population(name="balance", cell=SpikeSource(spikes=_every_step(duration)))


def _every_step(duration: float) -> SpikeTrains:
    times = np.arange(round(duration), dtype=np.float64)
    return SpikeTrains(ids=np.zeros(times.size, np.int64), times=times, size=1, duration=duration)


def _projections(layers: Sequence[LoweredLayer]) -> Iterator[Projection]:
    """Yield the positive and negative weights of each layer, and balancing synapses.

    SpiNNaker rounds a current that lasts one step down if a spike arrives at its receptor. A source
    that fires in each step, with the same weight at both receptors, makes it round at both, so that
    the difference of the two currents is exact.
    """
    for k, layer in enumerate(layers):
        pre, post = f"hidden {k}" if k else "input", f"hidden {k + 1}"
        for sign, receptor in zip((1, -1), RECEPTORS, strict=True):
            j, i = np.nonzero(sign * layer.units > 0)
            yield Projection(
                name=f"layer {k + 1} {receptor}", pre=pre, post=post, i=i, j=j,
                weight=np.abs(layer.units[j, i]).astype(np.float64) * layer.weight, delay=1.0,
                receptor=receptor,  # type: ignore[arg-type]
            )  # fmt: skip
            if layer.decays.is_pulse:
                yield Projection.all_to_all(
                    f"balance {k + 1} {receptor}", "balance", post, weight=layer.weight,
                    delay=1.0, receptor=receptor,
                )  # fmt: skip


def recorded_spikes(
    recording: Recording, layout: SampleLayout, n_layers: int, integrator: str = "spinnaker"
) -> list[Spikes]:
    """Return the spikes of each hidden layer, shape (steps, n_samples, n_neurons) each.

    Parameters
    ----------
    recording : Recording
        Recording of the network of :func:`circuit`.
    layout : SampleLayout
        The layout of that network.
    n_layers : int
        Number of hidden layers.
    integrator : {"spinnaker", "exact"}
        The integrator of that network; with "exact", spikes need one more step for each layer.

    Raises
    ------
    DescriptionError
        If the recording is not from such a network.
    """
    all_spikes = []
    for k in range(n_layers):
        trains = recording[f"hidden {k + 1}"]
        n, rest = divmod(trains.size, layout.copies)
        if rest:
            raise DescriptionError(
                f"HLOPClassifier.decode: 'hidden {k + 1}' must have a multiple of "
                f"{layout.copies} cells, one copy for each sample, got {trains.size}."
            )
        late = k + 1 if integrator == "exact" else 0
        step = np.rint(trains.times - recording.start).astype(np.int64) - late
        turn, step = np.divmod(step, layout.period)
        copy, cell = np.divmod(trains.ids.astype(np.int64), n)
        sample = copy * layout.in_turn + turn
        inside = (step >= 0) & (step < layout.steps) & (turn >= 0) & (turn < layout.in_turn)
        inside &= sample < layout.n_samples
        spikes = np.zeros((layout.steps, layout.n_samples, n), dtype=np.bool_)
        spikes[step[inside], sample[inside], cell[inside]] = True
        all_spikes.append(spikes)
    return all_spikes
