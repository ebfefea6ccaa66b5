"""How sPyNNaker lays a network out: connectors, neurons a core, delay slots, weight shifts."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from scipy import special

from ...cells import Parameter
from ...checks import Count, Each, MappingOf, Name, checked
from ...errors import UnsupportedError
from ...network import Network, Population, Projection
from ...tiling import one_copy
from ...units import steps
from .arithmetic import machine_delay

__all__ = [
    "MAX_ROW",
    "MAX_ROW_PLASTIC",
    "connector",
    "delay_slots",
    "neurons_per_core",
    "on_machine",
    "ring_buffer_shifts",
    "shifts_of_copies",
    "shortened",
    "uniform",
]

MAX_ROW, MAX_ROW_PLASTIC = 256, 254
"""Synapses of one source onto one core, static and plastic."""

PLASTIC_PER_CORE = 128
"""Cells a core for a population with plastic synapses: their histories must fit beside the rest."""

RING_BITS = 14
"""Bits of the index into a ring buffer: cell, receptor and delay."""

RATE = 30.0
"""Rate in Hz that sPyNNaker expects of every source of spikes."""

SIGMA = 5.0
"""Standard deviations above the mean that a ring buffer is made for."""

Shifts = dict[str, tuple[int, int]]
"""For each population the left shifts of its excitatory and its inhibitory ring buffers."""

AskedShifts = Annotated[
    Shifts, MappingOf(Name(), Each(Count(low=0, high=31), "left shifts", least=2, most=2))
]
"""What every ``shifts`` argument takes."""


def bits(n: int) -> int:
    """Bits that sPyNNaker reserves for `n` values."""
    return 1 if n <= 2 else math.ceil(math.log2(n))


def uniform(values: Parameter) -> float | None:
    """The one value that all of them have, or None."""
    array = np.asarray(values)
    if not array.size or array.min() != array.max():
        return None
    return float(array.min())


def connector(projection: Projection, dt: float) -> Literal["one_to_one", "all_to_all", "list"]:
    """The PyNN connector that a projection becomes.

    sPyNNaker expands one-to-one and all-to-all on the machine, if weight and delay are single
    numbers. All-to-all without self-connections becomes a list: sPyNNaker leaves them out only
    where both ends are one population, and fails if that is on more than one core. So does a
    projection whose delay the machine would shorten; see :func:`shortened`.
    """
    if uniform(projection.weight) is None or shortened(projection, dt) is not None:
        return "list"
    return _by_shape(projection)


def _by_shape(projection: Projection) -> Literal["one_to_one", "all_to_all", "list"]:
    """The connector that a projection of one weight and one right delay becomes."""
    if uniform(projection.delay) is None:
        return "list"
    if projection.connector == "all_to_all" and (projection.tiles > 1 or not projection.allow_self):
        return "list"
    return projection.connector


def shortened(projection: Projection, dt: float) -> int | None:
    """Steps that the machine would make of a structured projection's delay, if they are wrong.

    Only where the machine would make the synapses; None if it does not, or if its delay is right.
    """
    delay = uniform(projection.delay)
    if delay is None or uniform(projection.weight) is None or _by_shape(projection) == "list":
        return None
    made = machine_delay(delay, dt)
    return None if made == int(steps(delay, dt)) else made


def on_machine(projection: Projection, dt: float) -> bool:
    """Whether the machine expands the projection, and so rounds its weights."""
    return connector(projection, dt) != "list"


def has_plastic_input(network: Network, name: str) -> bool:
    """Whether a population has plastic synapses."""
    return any(item.post == name for item in network.plastic)


def neurons_per_core(network: Network, population: Population) -> int:
    """Largest number of cells of a population on one core."""
    return PLASTIC_PER_CORE if has_plastic_input(network, population.name) else MAX_ROW


def delay_slots(network: Network, population: Population) -> int:
    """Steps of delay that the ring buffers of a population hold; longer delays need delay cores."""
    longest = 1
    for projection in network.projections:
        if projection.post == population.name and np.size(projection.delay):
            longest = max(longest, int(steps(np.max(projection.delay), network.dt)))
    cells = min(population.size, neurons_per_core(network, population))
    return int(min(2 ** bits(longest), 2 ** (RING_BITS - bits(cells) - 1)))


@dataclass
class _Pooled:
    """Number, mean and sum of squared deviations of several groups of values."""

    n: int = 0
    mean: float = 0.0
    squares: float = 0.0

    def add(self, n: int, mean: float, variance: float) -> None:
        total = self.n + n
        self.squares += variance * (n - 1.0) + (mean - self.mean) ** 2 * self.n * n / total
        self.mean = (self.n * self.mean + n * mean) / total
        self.n = total

    @property
    def variance(self) -> float:
        return self.squares / (self.n - 1.0) if self.n > 1 else 0.0


class _Input:
    """What sPyNNaker knows of the input to one receptor of a population."""

    def __init__(self, dt: float) -> None:
        self.weights, self.delays = _Pooled(), _Pooled()
        self.total = self.largest = 0.0
        self.seconds = dt / 1000.0

    def add(self, network: Network, projection: Projection) -> None:
        weight, delay = np.asarray(projection.weight), np.asarray(projection.delay)
        mean, spread, top = float(weight.mean()), float(weight.var()), float(weight.max())
        if projection.plasticity is not None:
            top = max(top, projection.plasticity.w_max)
            mean, spread = top, 0.0
        n = _fan_in(network, projection)
        self.weights.add(n, mean, spread)
        # One delay for all is written as one number, also where rounding gives it a variance.
        apart = 0.0 if uniform(delay) is not None else float(delay.var())
        self.delays.add(n, 0.0, apart)
        self.largest = max(self.largest, top)
        self.total += max(1.0, RATE * self.seconds) * top * n

    def bound(self) -> float:
        """Largest sum of weights in one step that the ring buffer is made for, nA."""
        if self.delays.variance == 0.0:
            return max(self.total, self.largest)
        expected = self._expected()
        return max(min(expected, self.total), self.largest)

    def _expected(self) -> float:
        """Mean and :data:`SIGMA` deviations of a sum over a Poisson number of weights."""
        spikes = self.weights.n * RATE * self.seconds
        variance = spikes * self.weights.mean**2
        deviation = math.sqrt(self.weights.variance)
        if deviation > 0:
            most = round(spikes + 3.0 * math.sqrt(spikes))
            ratio = math.log(spikes) * most - math.lgamma(1 + most)
            if -701.0 < ratio < 701.0 and ratio != 0.0:
                below = float(special.gammaincc(1 + most, spikes))
                tail = math.exp(spikes) * below - math.exp(ratio)
                variance += math.exp(-spikes) * spikes * deviation**2 * tail
        return spikes * self.weights.mean + SIGMA * math.sqrt(variance)


def _fan_in(network: Network, projection: Projection) -> int:
    """Most synapses of a projection onto one cell, as sPyNNaker counts them."""
    if projection.connector == "one_to_one":
        return 1
    if projection.connector == "all_to_all":
        n_pre, n_post = (
            network.population(name).size // projection.tiles
            for name in (projection.pre, projection.post)
        )
        return n_pre if projection.allow_self or n_pre < n_post else n_pre - 1
    return int(np.bincount(network.synapses(projection.name).j).max())


@checked
def ring_buffer_shifts(network: Network) -> Shifts:
    """Predict the left shifts of the ring buffers, as sPyNNaker 7.4 chooses them.

    It wants the sum of all weights that may arrive in one step to fit into 16 bits: all of them
    at once, or, where delays within a projection differ, as many as a Poisson process of 30 Hz
    gives. One strong synapse therefore costs all others of its receptor resolution.
    """
    shifts = {}
    for population in network.populations:
        if population.is_source:
            continue
        pair = []
        for receptor in ("excitatory", "inhibitory"):
            known = _Input(network.dt)
            for projection in network.projections:
                if (projection.post, projection.receptor) == (population.name, receptor) and (
                    network.count(projection.name)
                ):
                    known.add(network, projection)
            pair.append(_power(known.bound()))
        shifts[population.name] = (pair[0], pair[1])
    return shifts


def _power(bound: float) -> int:
    """Smallest power of two above `bound`, at least 2**0."""
    if bound <= 0:
        return 0
    power = math.ceil(max(0.0, math.log2(bound)))
    return power + 1 if 2**power <= bound else power


def shifts_of_copies(network: Network) -> Shifts:
    """Predict the left shifts of the ring buffers of one copy, which all copies must share.

    sPyNNaker would choose them for the network that it is given, here the copies together; a copy
    is to compute what it would compute alone.

    Raises
    ------
    UnsupportedError
        Static weights or delays differ so much between copies that their shifts do.
    """
    n = network.copies
    shifts = ring_buffer_shifts(one_copy(network, 0))
    if n > 1 and not all(_alike(item, n) for item in network.projections):
        for k in range(1, n):
            if ring_buffer_shifts(one_copy(network, k)) != shifts:
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
