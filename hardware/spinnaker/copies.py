"""Networks of copies side by side: what is said of one copy holds for each."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from ...cells import LIF, Parameter, SpikeSource
from ...errors import UnsupportedError
from ...network import Network, Population, Projection
from ...recording import SpikeTrains
from .layout import Shifts, ring_buffer_shifts

__all__ = ["n_copies", "one_copy", "shifts_of_copies"]


def n_copies(network: Network) -> int:
    """How many copies (:meth:`~spikemem.Network.tile`) a network consists of."""
    n = math.gcd(*(item.tiles for item in network.projections)) or 1
    return n if all(pop.size % n == 0 for pop in network.populations) else 1


def one_copy(network: Network, k: int, n: int) -> Network:
    """Copy `k` of `n`, without its input spikes and plasticity windows."""
    if n == 1:
        return network
    return Network(
        populations=[_population(pop, k, n) for pop in network.populations],
        projections=[_projection(network, item, k, n) for item in network.projections],
        dt=network.dt,
    )


def _part(values: Any, k: int, n: int) -> Any:
    if not np.ndim(values):
        return values
    size = len(values) // n
    return values[k * size : (k + 1) * size]


def _population(population: Population, k: int, n: int) -> Population:
    size = population.size // n
    if population.is_source:
        return replace(population, size=size, cell=SpikeSource(spikes=SpikeTrains.empty(size)))
    values = {name: _part(getattr(population.lif, name), k, n) for name in LIF.units}
    if population.lif.current is not None:
        values["i_offset"] = population.lif.current.part(k * size, (k + 1) * size)
    cell = LIF(**values)
    start: Parameter | None = _part(population.v_init, k, n)
    return replace(population, size=size, cell=cell, v_init=start)


def _projection(network: Network, item: Projection, k: int, n: int) -> Projection:
    rule = item.plasticity
    changes: dict[str, Any] = {
        "weight": _part(item.weight, k, n),
        "delay": _part(item.delay, k, n),
        "tiles": item.tiles // n,
        "plasticity": rule and replace(rule, enabled=None),
    }
    if item.i is not None and item.j is not None:
        sizes = (network.population(name).size // n for name in (item.pre, item.post))
        for name, size in zip("ij", sizes, strict=True):
            changes[name] = _part(getattr(item, name), k, n) - k * size
    return replace(item, **changes)


def shifts_of_copies(network: Network) -> Shifts:
    """Predict the left shifts of the ring buffers of one copy, which all copies must share.

    sPyNNaker would choose them for the network that it is given, here the copies together; a copy
    is to compute what it would compute alone.

    Raises
    ------
    UnsupportedError
        Static weights or delays differ so much between copies that their shifts do.
    """
    n = n_copies(network)
    shifts = ring_buffer_shifts(one_copy(network, 0, n))
    if n > 1 and not all(_alike(item, n) for item in network.projections):
        for k in range(1, n):
            if ring_buffer_shifts(one_copy(network, k, n)) != shifts:
                raise UnsupportedError(
                    f"backend 'emulator': copies 0 and {k} of the network would be given ring "
                    f"buffers of different shifts; simulate them separately, or give shifts=."
                )
    return shifts


def _alike(item: Projection, n: int) -> bool:
    """Whether copies agree in what the shifts depend on; plastic weights do not matter."""
    values = [item.delay] if item.plasticity is not None else [item.delay, item.weight]
    for array in values:
        if np.ndim(array):
            rows = np.reshape(np.asarray(array), (n, -1))
            if not np.array_equal(rows, np.broadcast_to(rows[0], rows.shape)):
                return False
    return True
