"""Liquids as networks: one copy of the liquid for each sample, side by side."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...cells import SpikeSource
from ...errors import DescriptionError
from ...limits import require_memory
from ...network import Network, Population, Projection
from ...recording import Recording
from ...spikes import SpikeTrains
from ...streams import stream
from ...units import steps
from .events import Events
from .lowering import Lowered, Weights
from .parameters import DenseLiquid, NetworkLiquid

__all__ = [
    "PLASTIC",
    "dense_network",
    "draw_weights",
    "network_spikes",
    "network_with_events",
    "recorded_spikes",
    "template",
    "weights_of_network",
]

PLASTIC: Mapping[str, str] = MappingProxyType(
    {
        "input excitatory": "positive weights of the input",
        "input inhibitory": "negative weights of the input",
        "recurrent excitatory": "positive weights between neurons",
        "recurrent inhibitory": "negative weights between neurons",
    }
)
"""Projections that hold the weights of a dense liquid, with descriptions."""

Real = NDArray[np.float64]


def draw_weights(liquid: DenseLiquid, n_inputs: int, n_neurons: int, seed: int) -> Weights:
    """Draw the Gaussian weights of a dense liquid."""
    require_memory(
        40.0 * (n_inputs + n_neurons) * n_neurons,
        f"LiquidStateMachine: weights of {n_inputs} inputs and {n_neurons} neurons",
        "Make n_neurons smaller.",
    )
    scale = (200.0 / n_neurons) ** 0.5 if liquid.recurrent_scale == "sqrt" else 1.0
    into = stream(seed, "liquid", "input weights").normal(
        liquid.input_mean, liquid.input_sd, (n_inputs, n_neurons)
    )
    between = stream(seed, "liquid", "recurrent weights").normal(
        liquid.recurrent_mean, liquid.recurrent_sd, (n_neurons, n_neurons)
    )
    return Weights(into * liquid.constant, between * (liquid.constant * scale))


def _signed(name: str, pre: str, weights: NDArray[Any], unit: float, delay: float) -> Any:
    """Yield the projections of positive and of negative weights; zero weights have no synapse."""
    for sign, receptor in ((1, "excitatory"), (-1, "inhibitory")):
        i, j = np.nonzero(sign * weights > 0)
        yield Projection(
            name=f"{name} {receptor}", pre=pre, post="liquid", i=i, j=j,
            weight=np.abs(weights[i, j]).astype(np.float64) * unit, delay=delay,
            receptor=receptor,  # type: ignore[arg-type]
        )  # fmt: skip


def _balance(lowered: Lowered, n: int, duration: float, delay: float) -> tuple[list[Any], ...]:
    """Return a source that fires in every step onto both receptors, with the smallest weight.

    SpiNNaker rounds the current of a receptor down if a spike arrives there. When both receptors
    get a spike in every step, the difference of the two currents is exact.
    """
    times = np.arange(round(duration), dtype=np.float64)
    trains = SpikeTrains(ids=np.zeros(times.size, np.int64), times=times, size=1, duration=duration)
    both = [
        Projection.all_to_all(
            f"balance {receptor}", "balance", "liquid", weight=lowered.weight, delay=delay,
            receptor=receptor,
        )
        for receptor in ("excitatory", "inhibitory")
    ]  # fmt: skip
    return [Population(name="balance", cell=SpikeSource(spikes=trains))], both


def template(lowered: Lowered, n_steps: int, integrator: str = "spinnaker") -> Network:
    """Return the network of one sample, without events."""
    n_inputs, n = lowered.input.shape
    dt = 1.0 if integrator == "spinnaker" else 0.5
    duration = float(n_steps + 1)
    source = SpikeSource(spikes=SpikeTrains.empty(n_inputs, duration))
    populations = [
        Population(name="events", cell=source),
        Population(name="liquid", cell=lowered.cell(integrator), size=n),
    ]
    projections = [
        *_signed("input", "events", lowered.input, lowered.weight, dt),
        *_signed("recurrent", "liquid", lowered.recurrent, lowered.weight, dt),
    ]
    if lowered.is_exact:
        more, pairs = _balance(lowered, n, duration, dt)
        populations, projections = [*populations, *more], [*projections, *pairs]
    return Network(populations=populations, projections=projections, dt=dt)


def dense_network(
    lowered: Lowered, events: Events, n_steps: int, integrator: str = "spinnaker"
) -> Network:
    """Return the network of a dense liquid, with one copy for each sample.

    Step t of a sample is computed at t + 1 ms: its events are sent at t ms and arrive one step
    later.
    """
    one = template(lowered, n_steps, integrator)
    whole = one.tile(events.n_samples)
    step = steps(events.times, float(events.dt or 1.0))
    trains = SpikeTrains(
        ids=events.samples.astype(np.int64) * events.n_channels + events.channels,
        times=step.astype(np.float64),
        size=events.n_samples * events.n_channels,
        duration=float(n_steps + 1),
    )
    return whole.with_inputs({"events": trains})


def recorded_spikes(
    recording: Recording, names: tuple[str, ...], n_samples: int, n_steps: int, step: float,
    delay: float,
) -> NDArray[np.uint16]:  # fmt: skip
    """Return the spikes in each step, shape (n_samples, n_steps, n_neurons).

    Parameters
    ----------
    recording : Recording
        Recording of a network with one copy for each sample.
    names : tuple of str
        Populations that are read.
    n_samples, n_steps : int
        Number of samples, and of steps in each.
    step, delay : float
        Length of a step, and start time of the first step, ms.

    Raises
    ------
    DescriptionError
        If the recording is not from such a network.
    """
    parts = []
    for name in names:
        trains = recording[name]
        n, rest = divmod(trains.size, n_samples)
        if rest:
            raise DescriptionError(
                f"LiquidStateMachine.decode: {name!r} must have a multiple of {n_samples} cells, "
                f"one copy for each sample, got {trains.size}."
            )
        step_index = np.floor((trains.times - recording.start - delay) / step + 1e-6).astype(
            np.int64
        )
        inside = (step_index >= 0) & (step_index < n_steps)
        sample, cell = np.divmod(trains.ids[inside].astype(np.int64), n)
        code = (sample * n_steps + step_index[inside]) * n + cell
        counted = np.bincount(code, minlength=n_samples * n_steps * n)
        parts.append(counted.astype(np.uint16).reshape(n_samples, n_steps, n))
    return np.concatenate(parts, axis=2)


def network_with_events(liquid: NetworkLiquid, events: Events) -> Network:
    """Return a network with one copy for each sample, whose sources send the events."""
    network = liquid.network
    whole = network.tile(events.n_samples)
    duration = float(events.durations.max())
    inputs, first = {}, 0
    for name in liquid.inputs:
        size = network.population(name).size
        mine = (events.channels >= first) & (events.channels < first + size)
        trains = SpikeTrains(
            ids=events.samples[mine].astype(np.int64) * size + events.channels[mine] - first,
            times=events.times[mine],
            size=size * events.n_samples,
            duration=duration,
        )
        inputs[name] = trains
        first += size
    return whole.with_inputs(inputs)


def network_spikes(
    liquid: NetworkLiquid, recording: Recording, n_samples: int, n_steps: int, step: float
) -> NDArray[np.uint16]:
    """Return the spikes of the populations that are read; see :func:`recorded_spikes`."""
    return recorded_spikes(recording, liquid.liquid, n_samples, n_steps, step, 0.0)


def weights_of_network(network: Network, shape: tuple[int, int], unit: float) -> Weights:
    """Return the weights of a network made by :func:`template`, even if a device changed it.

    All synapses between these populations count, including those that a device adds for noise or
    for weights that changed their sign.
    """
    n_inputs, n = shape
    both = Weights(np.zeros((n_inputs, n)), np.zeros((n, n)))
    for item in network.projections:
        if item.pre not in ("events", "liquid"):
            continue
        target = both.input if item.pre == "events" else both.recurrent
        synapses = network.synapses(item.name)
        sign = 1.0 if item.receptor == "excitatory" else -1.0
        np.add.at(target, (synapses.i, synapses.j), sign / unit * synapses.weight)
    return both
