"""Corrections for NEST through PyNN: time before 0, and the final weights of STDP."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...network import Network, Projection
from ...units import steps
from . import reading
from .currents import changes_of
from .model import PyNNModel

__all__ = ["freeze", "lead", "min_delay", "run", "set_up", "watched"]

_CHUNK = 50_000
_NEVER = 1e9


def set_up() -> None:
    """Round spike times of sources to steps; PyNN's default moves 0.30000000000000004 ms to 0.4."""
    import nest

    nest.SetDefaults("spike_generator", {"precise_times": False})


def min_delay(network: Network, delays: NDArray[np.int64]) -> int:
    """Return the interval (steps) at which NEST exchanges spikes: the shortest delay.

    With plasticity it is one step, so that a run ends with the weights of its last step.
    """
    return 1 if network.plastic or not delays.size else int(delays.min())


def lead(network: Network, shortest: int) -> int:
    """Return the steps that NEST must run before time 0 for the earliest spike or current change.

    The spikes of sources pass a relay, which takes the shortest delay, and no source fires at
    NEST's time 0. Injected currents are equally late.
    """
    sources = [pop.source.times for pop in network.populations if pop.is_source]
    ticks = [*(steps(times, network.dt) for times in sources), *changes_of(network)]
    first = min((each.min() for each in ticks if each.size), default=None)
    return 2 * shortest if first is not None and first <= shortest else 0


def watched(network: Network, population: str) -> set[str]:
    """Return the variables that must be recorded to compute the final weights."""
    ends = {end for item in network.plastic for end in (item.pre, item.post)}
    return {"spikes"} if population in ends else set()


def freeze(model: PyNNModel) -> None:
    """Prevent cells from firing before time 0."""
    for population in model.network.populations:
        if not population.is_source:
            model.populations[population.name].set(i_offset=0.0, v_thresh=_NEVER)


def thaw(model: PyNNModel) -> None:
    """Set every cell to its state at time 0."""
    for population in model.network.populations:
        if population.is_source:
            continue
        made, cell = model.populations[population.name], population.lif.steady
        made.set(
            i_offset=cell.array("i_offset", population.size),
            v_thresh=cell.array("v_thresh", population.size),
        )
        made.initialize(v=np.array(population.initial_v()))


def run(model: PyNNModel, n_steps: int) -> dict[str, NDArray[np.float64]]:
    """Simulate, and return the final weights of the plastic projections, nA.

    PyNN runs NEST for one shortest delay longer than requested, and returns spikes up to the
    requested time, with rounding. One step is therefore added at the end.
    """
    sim, dt = model.sim, model.network.dt
    done = 0

    def until(step: int) -> None:
        nonlocal done
        if step > done:
            sim.run((step - done) * dt)
            done = step

    if model.lead:
        until(model.lead - model.min_delay)
        thaw(model)
    weights: dict[str, NDArray[np.float64]] = {}
    if model.network.plastic:
        until(model.lead + n_steps - model.min_delay)
        weights = {item.name: _read(model, item) for item in model.network.plastic}
    until(model.lead + n_steps + 1)
    if weights:
        model.n_steps = n_steps
        ticks = {name: reading.ticks(model, name) for name in model.populations}
        for item in model.network.plastic:
            weights[item.name] = _complete(model.network, item, weights[item.name], ticks, n_steps)
    return weights


def _read(model: PyNNModel, projection: Projection) -> NDArray[np.float64]:
    """Return NEST's weights in the order of the network, nA.

    Reading takes about 10 µs for each synapse. It is done in parts, because NEST makes a
    dictionary for each synapse.
    """
    wanted = model.network.synapses(projection.name)
    if not wanted.i.size:
        return np.empty(0)
    made = model.projections[projection.name]
    first = [int(model.populations[end].all_cells[0]) for end in (projection.pre, projection.post)]
    connections = made.nest_connections
    columns: list[NDArray[np.float64]] = []
    for start in range(0, len(connections), _CHUNK):
        part = connections[start : start + _CHUNK].get(["source", "target", "delay", "weight"])
        columns.append(np.array([np.atleast_1d(part[key]) for key in _KEYS]))
    i, j, delay, weight = np.concatenate(columns, axis=1)
    return reading.in_our_order(
        wanted, model.network.dt, i - first[0], j - first[1], delay, np.abs(weight) / 1000.0
    )


_KEYS = ("source", "target", "delay", "weight")


def _complete(
    network: Network,
    projection: Projection,
    weight: NDArray[np.float64],
    ticks: dict[str, Any],
    n_steps: int,
) -> NDArray[np.float64]:
    """Add the changes by post-synaptic spikes after a source's last spike, which NEST defers."""
    rule = projection.plasticity
    assert rule is not None
    synapses = network.synapses(projection.name)
    delay = steps(synapses.delay, network.dt)
    decay = network.dt / rule.tau_plus
    order = np.argsort(synapses.i, kind="stable")
    pre_ids, pre_ticks = _below(ticks[projection.pre], n_steps)
    post_ids, post_ticks = _below(ticks[projection.post], n_steps)
    n_post = network.population(projection.post).size
    gain = np.zeros(weight.size)
    for cell in np.unique(pre_ids):
        mine = pre_ticks[pre_ids == cell]
        trace = np.exp((mine - mine[-1]) * decay).sum()
        low, high = np.searchsorted(synapses.i[order], [cell, cell + 1])
        rows = order[low:high]
        for late in np.unique(delay[rows]):
            begin, stop = np.searchsorted(post_ticks, [mine[-1] - late + 1, n_steps - late])
            since = post_ticks[begin:stop] + late - mine[-1]
            sums = np.bincount(post_ids[begin:stop], np.exp(-since * decay), minlength=n_post)
            some = rows[delay[rows] == late]
            gain[some] = trace * sums[synapses.j[some]]
    return np.minimum(weight + rule.a_plus * gain, rule.w_max)


def _below(ticks: Any, n_steps: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    ids, times = ticks
    keep = times < n_steps
    order = np.argsort(times[keep], kind="stable")
    return ids[keep][order], times[keep][order]
