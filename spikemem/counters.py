"""Event counts of a run: spikes, synaptic operations, updates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .checks import Each, Name, Optional, checked
from .errors import DescriptionError
from .network import Network
from .recording import Recording
from .units import steps

__all__ = ["Counters", "count", "fan_out"]


class Counters(NamedTuple):
    """Event counts of a run.

    Attributes
    ----------
    synaptic_events : int
        Sum over spikes of the number of synapses that each spike reaches.
    dense_operations : int
        Inputs times outputs times steps, summed over projections: the operations of a dense
        machine, which skips neither silent inputs nor missing synapses.
    stored_operations : int
        Synapses times steps: the operations of a machine that skips missing synapses only.
    neuron_updates : int
        Cells times steps.
    spikes : int
        Spikes of all populations, sources included.
    conversions : int
        Outputs of each projection times the steps in which at least one of its inputs fires.
    steps : int
        Time steps of the run.
    duration : float
        Biological time, s.
    """

    synaptic_events: int
    dense_operations: int
    stored_operations: int
    neuron_updates: int
    spikes: int
    conversions: int
    steps: int
    duration: float


@checked
def fan_out(network: Network, projection: Annotated[str, Name()]) -> NDArray[np.int64]:
    """Synapses of a projection that leave each pre-synaptic cell, shape (n_pre,).

    Examples
    --------
    >>> import spikemem as sm
    >>> network = sm.CA3Memory(4, 8).build([sm.RecallCue(0)])
    >>> fan_out(network, "W1").tolist()
    [8, 8, 8, 8]
    """
    item = network.projection(projection)
    n_pre, n_post = network.population(item.pre).size, network.population(item.post).size
    if item.i is not None:
        return np.bincount(item.i, minlength=n_pre).astype(np.int64)
    if item.connector == "one_to_one":
        return np.ones(n_pre, np.int64)
    width, own = n_post // item.tiles, n_pre // item.tiles
    n_synapses = np.full(n_pre, width, np.int64)
    if not item.allow_self:
        n_synapses[np.arange(n_pre) % own < width] -= 1
    return n_synapses


@checked
def count(
    network: Network,
    recording: Recording,
    projections: Annotated[Sequence[str], Optional(Each(Name(), "names"))] | None = None,
) -> Counters:
    """Count the events of a run on any backend.

    Parameters
    ----------
    network : Network
        The simulated network.
    recording : Recording
        Recording with the spikes of every population that has outgoing synapses.
    projections : sequence of str, optional
        Names of the projections to count. Default: all.

    Raises
    ------
    DescriptionError
        If the spikes of a population are missing, or if a projection is unknown.
    """
    names = [p.name for p in network.projections] if projections is None else projections
    n_steps = int(steps(recording.stop - recording.start, network.dt))
    events = dense = stored = conversions = 0
    for name in names:
        projection, leaving = network.projection(name), fan_out(network, name)
        n_pre = network.population(projection.pre).size
        n_post = network.population(projection.post).size
        if projection.pre not in recording.spikes:
            raise DescriptionError(
                f"count: the recording has no spikes of {projection.pre!r}; record them."
            )
        trains = recording.spikes[projection.pre]
        events += int(leaving[trains.ids].sum())
        dense += n_pre * n_post * n_steps // projection.tiles
        stored += int(leaving.sum()) * n_steps
        # The outputs of each tile are converted when one of its own inputs fires.
        tile = trains.ids // (n_pre // projection.tiles)
        active = np.unique(steps(trains.times, network.dt) * projection.tiles + tile).size
        conversions += active * (n_post // projection.tiles)
    return Counters(
        synaptic_events=events, dense_operations=dense, stored_operations=stored,
        neuron_updates=network.n_neurons * n_steps,
        spikes=sum(len(trains) for trains in recording.spikes.values()),
        conversions=conversions, steps=n_steps, duration=n_steps * network.dt / 1000,
    )  # fmt: skip
