"""From what was noted step by step to the recording's form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...network import Network
from ...recording import SpikeTrains
from ...simulation import Results, package_version
from ...units import steps

__all__ = ["Raw", "collect"]


@dataclass(frozen=True, eq=False)
class Raw:
    """What one run gave.

    Parameters
    ----------
    ticks, ids : ndarray of int, shape (n_spikes,)
        Step and cell of each spike, cells counted over all LIF populations.
    place : mapping of str to slice
        For each population which cells are its own.
    traces : dict of (str, str) to ndarray, shape (n_steps, n_cells or n_synapses)
        As in :class:`spikemem.Recording`.
    weights : dict of str to ndarray, shape (n_synapses,)
        Final weights of the plastic projections that have synapses, nA.
    """

    ticks: NDArray[np.int64]
    ids: NDArray[np.int64]
    place: Mapping[str, slice]
    traces: dict[tuple[str, str], NDArray[np.float64]]
    weights: dict[str, NDArray[np.float64]]


def collect(
    network: Network,
    raw: Raw,
    inputs: Mapping[str, SpikeTrains],
    first_step: int,
    n_steps: int,
    late: int,
) -> Results:
    """Sort what a run gave by population and projection; cells' spikes are `late` steps later."""
    stop = (first_step + n_steps + late) * network.dt
    spikes = {}
    for pop in network.populations:
        if "spikes" not in pop.record:
            continue
        if pop.is_source:
            trains = inputs[pop.name]
            ids, ticks = trains.ids, steps(trains.times, network.dt)
        else:
            place = raw.place[pop.name]
            own = (raw.ids >= place.start) & (raw.ids < place.stop)
            ids, ticks = raw.ids[own] - place.start, raw.ticks[own] + late
        spikes[pop.name] = SpikeTrains(
            ids=ids, times=ticks * network.dt, size=pop.size, duration=stop
        )
    none = np.empty(0)
    weights = {item.name: raw.weights.get(item.name, none) for item in network.plastic}
    traces = {
        (item.name, "weight"): np.empty((n_steps, 0)) for item in network.plastic if item.record
    }
    versions = {"brian2": package_version("brian2")}
    return Results(spikes, {**traces, **raw.traces}, weights, versions)
