"""Currents that change over time, as PyNN's step current sources."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...network import Network, Population
from ...units import LARGEST, steps
from .model import PyNNModel

__all__ = ["changes_of", "inject", "on_machine"]


def inject(model: PyNNModel, population: Population, made: Any) -> None:
    """Inject currents that change over time; neighbours with equal currents share one source."""
    current, dt = population.lif.current, model.network.dt
    if current is None:
        return
    ticks = steps(current.times, dt) + model.lead
    for start, stop, amplitudes in current.alike(population.size):
        times, values = (ticks * dt).tolist(), amplitudes.tolist()
        if model.dialect.backend == "spinnaker":
            times, values = on_machine(ticks, values, dt)
        source = model.sim.StepCurrentSource(times=times, amplitudes=values)
        whole = stop - start == population.size
        source.inject_into(made if whole else made[start:stop])


def on_machine(
    ticks: NDArray[np.int64], amplitudes: list[float], dt: float
) -> tuple[list[float], list[float]]:
    """Return times (ms) and amplitudes (nA) for sPyNNaker, which rounds times down to steps.

    Half a step is added, so that rounding cannot move a change to an earlier step. After a change
    the machine reads the next entry of its table, so that a last entry is added in a step that no
    run reaches.
    """
    times = (np.append(ticks, LARGEST) + 0.5) * dt
    return times.tolist(), [*amplitudes, amplitudes[-1]]


def changes_of(network: Network) -> Iterator[NDArray[np.int64]]:
    """Yield, for each population with a current over time, the steps in which it changes."""
    for population in network.populations:
        if not population.is_source and population.lif.current is not None:
            yield steps(population.lif.current.times, network.dt)
