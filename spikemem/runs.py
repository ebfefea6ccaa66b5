"""What a run is given: its length, the spikes of its sources, and when its weights may change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import DescriptionError, unknown_name
from .limits import require_memory
from .network import Network
from .recording import SpikeTrains
from .units import LARGEST, steps, steps_up

__all__ = ["gates_of", "inputs_of", "require_run", "steps_needed"]


def inputs_of(
    network: Network, inputs: Mapping[str, SpikeTrains], first_step: int, n_steps: int
) -> dict[str, SpikeTrains]:
    """Spikes of each source in the steps of one run.

    Parameters
    ----------
    network : Network
        What is simulated.
    inputs : mapping of str to SpikeTrains
        Replaces the network's own spikes of these sources; ms since the start of the session.
    first_step, n_steps : int
        Steps done before the run, and steps of the run.

    Raises
    ------
    DescriptionError
        Unknown source, or spikes that do not fit it or are outside the run.
    """
    changed = network.with_inputs(inputs) if inputs else network
    dt = network.dt
    start, stop = first_step * dt, (first_step + n_steps) * dt
    edges = start - dt / 2, stop - dt / 2
    for name, trains in inputs.items():
        if len(trains) and not edges[0] <= trains.times[0] <= trains.times[-1] <= edges[1]:
            raise DescriptionError(
                f"inputs[{name!r}]: spikes must lie in this run ({start:g} to "
                f"{stop:g} ms since the start of the session), got "
                f"{trains.times[0]:g} to {trains.times[-1]:g}; see SpikeTrains.shift."
            )
    return {pop.name: pop.source.window(*edges) for pop in changed.populations if pop.is_source}


def gates_of(
    network: Network, enabled: Mapping[str, Any], first_step: int, n_steps: int
) -> dict[str, NDArray[np.bool_]]:
    """For each plastic projection whether weights may change, shape (n_steps, tiles).

    Parameters
    ----------
    network : Network
        What is simulated.
    enabled : mapping of str to windows
        Replaces the network's own windows of these projections; ms since the start of the session.
    first_step, n_steps : int
        Steps done before the run, and steps of the run.

    Raises
    ------
    DescriptionError
        Unknown projection, or windows that are not valid.
    """
    names = [projection.name for projection in network.plastic]
    for name in enabled:
        if name not in names:
            raise DescriptionError(f"enabled: {unknown_name('plastic projection', name, names)}")
    times = (first_step + np.arange(n_steps, dtype=np.float64)) * network.dt
    gates = {}
    for projection in network.plastic:
        rule = projection.plasticity
        assert rule is not None
        if projection.name in enabled:
            rule = replace(rule, enabled=enabled[projection.name])
        gates[projection.name] = rule.gate(times, projection.tiles)
    return gates


def steps_needed(network: Network) -> int:
    """Steps that cover every spike source: its duration, and the step of its last spike."""
    sources = [pop.source for pop in network.populations if pop.is_source]
    last = [int(steps(trains.times[-1], network.dt)) + 1 for trains in sources if len(trains)]
    return max(int(steps_up(network.duration, network.dt)), *last, 0)


def require_run(network: Network, n_steps: int) -> None:
    """Refuse a run whose traces and plasticity windows do not fit into the memory."""
    traced = sum(pop.size for pop in network.populations if "v" in pop.record)
    traced += sum(network.count(item.name) for item in network.plastic if item.record)
    gates = sum(item.tiles for item in network.plastic)
    what = f"duration: a run of {n_steps} steps"
    if traced:
        what += f" that records {traced} values in each"
    require_memory(
        n_steps * (8 * traced + gates + 8.0), what, "Run it in shorter parts, or record less."
    )
    if n_steps > LARGEST:
        raise DescriptionError(
            f"duration must be at most {LARGEST} steps of dt={network.dt:g} ms, got {n_steps}. "
            f"Run it in shorter parts."
        )
