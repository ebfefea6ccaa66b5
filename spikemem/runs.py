"""Prepares a run: its length, the spikes of its sources, and its periods of plasticity."""

from __future__ import annotations

import datetime
import platform
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._version import __version__
from .cells import Window, gate_of
from .errors import DescriptionError, unknown_name
from .limits import require_memory
from .network import Network
from .recording import SpikeTrains
from .units import LARGEST, off_grid, steps, steps_up, whole_steps

__all__ = [
    "check_inputs",
    "gates_of",
    "inputs_of",
    "provenance_of",
    "require_run",
    "steps_needed",
    "steps_of",
]


def inputs_of(
    network: Network, inputs: Mapping[str, SpikeTrains], first_step: int, n_steps: int
) -> dict[str, SpikeTrains]:
    """Return the spikes of each source in the steps of one run.

    Parameters
    ----------
    network : Network
        Network to simulate.
    inputs : mapping of str to SpikeTrains
        Spikes that replace those of the network's sources; ms since the start of the session.
    first_step, n_steps : int
        Number of steps before the run, and number of steps of the run.

    Raises
    ------
    DescriptionError
        If a source is unknown, or spikes do not fit it or are outside the run.
    """
    check_inputs(network, inputs)
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
    return {
        pop.name: inputs.get(pop.name, pop.source).window(*edges)
        for pop in network.populations
        if pop.is_source
    }


def check_inputs(network: Network, inputs: Mapping[str, SpikeTrains]) -> None:
    """Raise the errors of :meth:`Network.with_inputs`, without making a network.

    Raises
    ------
    DescriptionError
        If a source is unknown, or spikes do not fit it.
    """
    if not all(_fits(network, name, trains) for name, trains in inputs.items()):
        network.with_inputs(inputs)  # It raises the error.


def _fits(network: Network, name: str, trains: SpikeTrains) -> bool:
    """Tell whether these spike trains are valid for the source of this name."""
    population = next((pop for pop in network.populations if pop.name == name), None)
    if population is None or not population.is_source or population.size != trains.size:
        return False
    if not trains.times.size:
        return True
    if off_grid(trains.times, network.dt).any():
        return False
    codes = steps(trains.times, network.dt) * trains.size + trains.ids
    codes.sort()
    return bool(np.all(codes[1:] != codes[:-1]))


def gates_of(
    network: Network,
    enabled: Mapping[str, tuple[Window, ...] | None],
    first_step: int,
    n_steps: int,
) -> dict[str, NDArray[np.bool_]]:
    """Return for each plastic projection when weights may change, shape (n_steps, tiles).

    Parameters
    ----------
    network : Network
        Network to simulate.
    enabled : mapping of str to windows
        Windows that replace those of the network's projections; ms since the start of the session.
    first_step, n_steps : int
        Number of steps before the run, and number of steps of the run.

    Raises
    ------
    DescriptionError
        If a projection is unknown, or a window names a tile that does not exist.
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
        windows = enabled.get(projection.name, rule.enabled)
        gates[projection.name] = gate_of(windows, times, projection.tiles)
    return gates


def steps_needed(network: Network, inputs: Mapping[str, SpikeTrains] | None = None) -> int:
    """Return the number of steps that cover every spike source, including its last spike.

    Parameters
    ----------
    network : Network
        Network to simulate.
    inputs : mapping of str to SpikeTrains, optional
        Spikes that replace those of the network's sources.
    """
    replaced = inputs or {}
    sources = [replaced.get(pop.name, pop.source) for pop in network.populations if pop.is_source]
    last = [int(steps(trains.times[-1], network.dt)) + 1 for trains in sources if len(trains)]
    longest = max((trains.duration for trains in sources), default=0.0)
    return max(int(steps_up(longest, network.dt)), *last, 0)


def steps_of(network: Network, length: float) -> int:
    """Return the number of steps of a run of this length (ms).

    Raises
    ------
    DescriptionError
        If the length is not a positive multiple of ``dt``, or the run does not fit into memory.
    """
    n_steps = whole_steps(length, network.dt, "duration")
    require_run(network, n_steps)
    return n_steps


def provenance_of(
    network: Network, backend: str, integrator: str, versions: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the provenance of a recording."""
    return {
        "spikemem": __version__,
        "backend": backend,
        "integrator": integrator,
        "network_hash": network.content_hash,
        "python": platform.python_version(),
        "numpy": np.__version__,
        **versions,
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    }


def require_run(network: Network, n_steps: int) -> None:
    """Raise an error if the traces and plasticity windows of a run do not fit into memory."""
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
