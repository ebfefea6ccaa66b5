"""Sorts the raw results of a run by population and projection."""

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
    """Raw results of one run.

    Parameters
    ----------
    ticks, ids : ndarray of int, shape (n_spikes,)
        Step and cell of each spike; cells are counted over all LIF populations.
    slices : mapping of str to slice
        Cells of each population.
    traces : dict of (str, str) to ndarray, shape (n_steps, n_cells or n_synapses)
        As in :class:`spikemem.Recording`.
    weights : dict of str to ndarray, shape (n_synapses,)
        Final weights of the plastic projections that have synapses, nA.
    """

    ticks: NDArray[np.int64]
    ids: NDArray[np.int64]
    slices: Mapping[str, slice]
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
    """Sort raw results by population and projection; spikes of cells are `late` steps later."""
    stop = (first_step + n_steps + late) * network.dt
    spikes = {}
    for pop in network.populations:
        if "spikes" not in pop.record:
            continue
        if pop.is_source:
            trains = inputs[pop.name]
            ids, ticks = trains.ids, steps(trains.times, network.dt)
        else:
            cells = raw.slices[pop.name]
            own = (raw.ids >= cells.start) & (raw.ids < cells.stop)
            ids, ticks = raw.ids[own] - cells.start, raw.ticks[own] + late
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
