"""The liquid of a model: a dense liquid with its weights, or a network with its sources."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...backends.contract import Integrator
from ...errors import DescriptionError
from ...limits import require_memory
from ...models import Device
from ...network import Network
from ...recording import Recording
from ...simulation import simulate
from ...units import whole_steps
from .circuit import (
    PLASTIC,
    dense_network,
    network_spikes,
    network_with_events,
    recorded_spikes,
    template,
    weights_of_network,
)
from .events import Events
from .fast import batches, dense_spikes, each_batch, noisy_spikes
from .lowering import Lowered, Weights, lower
from .parameters import DenseLiquid, NetworkLiquid

__all__ = ["Body", "DenseBody", "NetworkBody"]

SpikeArray = NDArray[Any]
Report = Callable[[float], None]

_COPIES = 64
"""Largest number of samples that one simulation runs side by side."""


class DenseBody:
    """A dense liquid with its weights, also as parameters of its cells.

    Parameters
    ----------
    liquid : DenseLiquid
        Parameters.
    weights : Weights
        Weights as drawn, or as a device holds them.
    """

    plastic: Mapping[str, str] = PLASTIC

    def __init__(self, liquid: DenseLiquid, weights: Weights) -> None:
        self.liquid, self.weights = liquid, weights
        self.lowered: Lowered = lower(weights, liquid)

    @property
    def n_inputs(self) -> int:
        """Number of channels."""
        return int(self.weights.input.shape[0])

    @property
    def n_neurons(self) -> int:
        """Number of neurons."""
        return int(self.weights.input.shape[1])

    def n_steps(self, events: Events) -> int:
        """Return the number of steps of a sample."""
        return int(events.n_steps or 1)

    def on_grid(self, events: Events, n_steps: int | None, where: str) -> Events:
        """Return the events in time steps of the liquid.

        Raises
        ------
        DescriptionError
            If the times are continuous and the number of steps is not known.
        """
        if n_steps is not None and n_steps != events.n_steps:
            return events.bin(n_steps)
        if events.dt is None:
            raise DescriptionError(
                f"{where}: the events have continuous times, but a dense liquid needs time "
                f"steps. Make the model with n_steps=50, or pass events.bin(50)."
            )
        return events

    def written(self, device: Device, time: float | None, seed: int, **options: Any) -> DenseBody:
        """Return the liquid with its weights written to a device."""
        network = template(self.lowered, 1)
        names = [name for name in PLASTIC if network.count(name)]
        on_device = device.apply(network, projections=names, time=time, seed=seed, **options)
        unit = self.lowered.weight / (self.lowered.grid or 1.0)
        weights = weights_of_network(on_device, (self.n_inputs, self.n_neurons), unit)
        return DenseBody(self.liquid, weights)

    def spikes(
        self,
        events: Events,
        *,
        arithmetic: str,
        read_noise: float,
        rng: np.random.Generator | None,
    ) -> SpikeArray:
        """Return the spikes of one batch, computed without a network."""
        steps = self.n_steps(events)
        if read_noise and rng is not None:
            low = self.lowered
            sd = tuple(
                np.abs(w.astype(np.float64)) * read_noise for w in (low.input, low.recurrent)
            )
            return noisy_spikes(low, events, steps, (sd[0], sd[1]), rng)
        return dense_spikes(self.lowered, events, steps, machine=arithmetic == "spinnaker")

    def network(self, events: Events, integrator: str) -> Network:
        """Return a network with one copy of the liquid for each sample."""
        n_synapses = sum(np.count_nonzero(w) for w in (self.lowered.input, self.lowered.recurrent))
        require_memory(
            100.0 * n_synapses * events.n_samples,
            f"LiquidStateMachine.build: {events.n_samples} copies of {n_synapses} synapses",
            "Pass fewer samples at a time; predict() needs no network.",
        )
        return dense_network(self.lowered, events, self.n_steps(events), integrator)

    def recorded(self, recording: Recording, events: Events) -> SpikeArray:
        """Return the spikes in each step from a recording of :meth:`network`."""
        shape = (events.n_samples, self.n_steps(events))
        return recorded_spikes(recording, ("liquid",), *shape, 1.0, 1.0)


class NetworkBody:
    """A network as a liquid; spikes are computed by the compiled engine.

    Parameters
    ----------
    liquid : NetworkLiquid
        The network, its sources and the populations that are read.
    plastic : mapping of str to str, optional
        Description of the weights in each projection. Default: "weights" for all projections.
    """

    def __init__(self, liquid: NetworkLiquid, plastic: Mapping[str, str] | None = None) -> None:
        self.liquid = liquid
        names = [
            item.name for item in liquid.network.projections if liquid.network.count(item.name)
        ]
        descriptions = dict.fromkeys(names, "weights") if plastic is None else plastic
        self.plastic: Mapping[str, str] = {
            n: what for n, what in descriptions.items() if n in names
        }

    @property
    def n_inputs(self) -> int:
        """Number of channels."""
        return self.liquid.n_inputs

    @property
    def n_neurons(self) -> int:
        """Number of neurons that are read."""
        return self.liquid.n_neurons

    @staticmethod
    def step(events: Events) -> float:
        """Return the length of a step of the readout, ms."""
        return 1.0 if events.dt is None else max(events.dt, 1.0)

    def n_steps(self, events: Events) -> int:
        """Return the number of steps of a sample."""
        return max(int(np.ceil(events.durations.max() / self.step(events) - 1e-9)), 1)

    def on_grid(self, events: Events, n_steps: int | None, where: str) -> Events:
        """Return the events on the time grid of the network."""
        if n_steps is not None:
            return events.bin(n_steps)
        dt = self.liquid.network.dt
        if events.dt is None:
            return events.to_grid(dt)
        whole_steps(events.dt, dt, f"{where}: the time step of the events")
        return events

    def written(self, device: Device, time: float | None, seed: int, **options: Any) -> NetworkBody:
        """Return the liquid with its weights written to a device."""
        network = device.apply(
            self.liquid.network, projections=list(self.plastic), time=time, seed=seed, **options
        )
        return NetworkBody(replace(self.liquid, network=network), self.plastic)

    def spikes(
        self,
        events: Events,
        *,
        arithmetic: str,
        read_noise: float,
        rng: np.random.Generator | None,
    ) -> SpikeArray:
        """Return the spikes of one batch from the compiled engine."""
        if read_noise:
            raise DescriptionError(
                "LiquidStateMachine: read_noise works with dense liquids only; use "
                "hardware.resistive.session() for other networks."
            )
        backend = "emulator" if arithmetic == "spinnaker" else "native"
        return self.recorded(simulate(self.network(events, ""), backend=backend), events)

    def network(self, events: Events, integrator: str) -> Network:
        """Return a network with one copy of the liquid for each sample."""
        return network_with_events(self.liquid, events)

    def recorded(self, recording: Recording, events: Events) -> SpikeArray:
        """Return the spikes in each step from a recording of :meth:`network`."""
        shape = (events.n_samples, self.n_steps(events))
        return network_spikes(self.liquid, recording, *shape, self.step(events))


Body = DenseBody | NetworkBody


def parts_of(body: Body, events: Events, backend: str | None) -> list[slice]:
    """Return the batches of samples that are run side by side."""
    if isinstance(body, DenseBody) and backend is None:
        return list(batches(events, body.n_steps(events), body.n_neurons))
    n = events.n_samples
    return [slice(first, min(first + _COPIES, n)) for first in range(0, n, _COPIES)]


def mapped(
    body: Body,
    events: Events,
    take: Callable[[SpikeArray, Events], Any],
    *,
    backend: str | None,
    arithmetic: str,
    read_noise: float,
    seeds: Callable[[int], np.random.Generator],
    jobs: int,
    report: Report,
) -> list[Any]:
    """Return the results of `take` for the spikes of each batch, in order.

    `seeds` returns the random generator of the noise for the batch that starts at a sample.
    """

    def run(part: slice) -> Any:
        some = events if part == slice(0, events.n_samples) else events[part]
        if backend is None:
            rng = seeds(part.start) if read_noise else None
            spikes = body.spikes(some, arithmetic=arithmetic, read_noise=read_noise, rng=rng)
        else:
            integrator: Integrator = "exact" if backend.startswith("pynn:") else "spinnaker"
            network = body.network(some, integrator)
            spikes = body.recorded(
                simulate(network, backend=backend, integrator=integrator),
                some,
            )
        return take(spikes, some)

    return each_batch(run, parts_of(body, events, backend), jobs, report)
