"""Converts the data of a PyNN simulator to a recording."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...errors import DescriptionError, SimulationError, VirtualRunError
from ...network import Population, Synapses
from ...recording import Recording, SpikeTrains
from ...units import steps
from .model import PyNNModel

__all__ = ["in_our_order", "is_virtual", "recording", "ticks", "weights"]


def is_virtual(model: PyNNModel) -> bool:
    """Tell whether the simulator or machine builds networks without computing them."""
    if model.dialect.backend == "spinnaker":
        from spinn_utilities.config_holder import get_config_bool

        return bool(get_config_bool("Machine", "virtual_board"))
    return model.dialect.backend == "pynn:mock"


def recording(model: PyNNModel) -> Recording:
    """Return the recording of a run; see :func:`read`."""
    if is_virtual(model):
        what = "its machine is virtual" if model.dialect.backend == "spinnaker" else "it is a mock"
        raise VirtualRunError(
            f"{model.dialect.module} has built this network and computed nothing ({what}), so "
            f"there is no recording; use backend 'brian2', 'pynn:nest' or a real machine."
        )
    if not model.n_steps:
        raise DescriptionError("read: the model has not run; call run(model, duration) first.")
    network, dt, n_steps = model.network, model.network.dt, model.n_steps
    spikes, traces = {}, {}
    for population in network.populations:
        if "spikes" in population.record:
            ids, times = ticks(model, population.name)
            spikes[population.name] = SpikeTrains(
                ids=ids, times=times * dt, size=population.size, duration=(n_steps + 1) * dt
            )
        if "v" in population.record:
            traces[population.name, "v"] = _potentials(model, population)
    return Recording(spikes=spikes, traces=traces, weights=model.weights, dt=dt, stop=n_steps * dt)


def ticks(model: PyNNModel, name: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return cell and step (as the integrator labels it) of each spike of a population."""
    population = model.network.population(name)
    data = model.populations[name].get_data("spikes").segments[0].spiketrains
    cells = [int(train.annotations["source_index"]) for train in data]
    trains = [np.asarray(train.rescale("ms").magnitude, np.float64) for train in data]
    ids = np.repeat(np.array(cells, np.int64), [len(train) for train in trains])
    labels = steps(np.concatenate([*trains, np.empty(0)]), model.network.dt) - model.lead
    last = model.n_steps - 1
    if not population.is_source:
        labels += model.dialect.late_labels
        last += model.dialect.integrator == "exact"
    keep = (labels >= 0) & (labels <= last)
    return ids[keep], labels[keep]


def _potentials(model: PyNNModel, population: Population) -> NDArray[np.float64]:
    """Return the potentials at the start of each step, mV, shape (n_steps, n_cells)."""
    segment = model.populations[population.name].get_data("v").segments[0]
    signal = next(item for item in segment.analogsignals if item.name == "v")
    rows = np.asarray(signal.rescale("mV").magnitude, np.float64)
    rows = rows[model.lead : model.lead + model.n_steps]
    channels = signal.array_annotations.get("channel_index")
    if channels is not None:
        rows = rows[:, np.argsort(np.asarray(channels), kind="stable")]
    if rows.shape != (model.n_steps, population.size):
        raise SimulationError(
            f"{model.dialect.module} returned potentials of population {population.name!r} with "
            f"shape {rows.shape} instead of {(model.n_steps, population.size)}."
        )
    rows[0] = population.initial_v()
    return rows


def weights(model: PyNNModel) -> dict[str, NDArray[np.float64]]:
    """Return the weights of each plastic projection in the simulator, nA."""
    by_name = {}
    for item in model.network.plastic:
        wanted = model.network.synapses(item.name)
        by_name[item.name] = np.empty(0)
        if wanted.i.size:
            rows: Any = model.projections[item.name].get(["weight", "delay"], format="list")
            i, j, weight, delay = np.array([tuple(row) for row in rows], np.float64).T
            by_name[item.name] = in_our_order(wanted, model.network.dt, i, j, delay, np.abs(weight))
    return by_name


def in_our_order(
    wanted: Synapses,
    dt: float,
    i: ArrayLike,
    j: ArrayLike,
    delay: ArrayLike,
    weight: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return weights in the order of the network's synapses.

    Synapses between the same two cells with the same delay change by equal amounts, so that the
    order of their weights does not change.
    """
    ours = np.lexsort((wanted.weight, steps(wanted.delay, dt), wanted.j, wanted.i))
    theirs = np.lexsort((weight, steps(delay, dt), np.asarray(j), np.asarray(i)))
    if ours.size != theirs.size:
        raise SimulationError(
            f"the simulator returned {theirs.size} synapses instead of {ours.size}."
        )
    result = np.empty(ours.size)
    result[ours] = weight[theirs]
    return result
