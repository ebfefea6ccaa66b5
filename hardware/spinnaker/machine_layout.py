"""Predicts sPyNNaker's choices: connectors, neurons per core, delay slots, shifts of weights."""

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
"""Largest number of synapses from one source onto one core, static and plastic."""

PLASTIC_PER_CORE = 128
"""Cells per core of a population with plastic synapses, whose spike histories need memory."""

RING_BITS = 14
"""Bits of the index into a ring buffer, for cell, receptor and delay."""

RATE = 30.0
"""Firing rate that sPyNNaker assumes for every source of spikes, Hz."""

SIGMA = 5.0
"""Standard deviations above the mean sum of weights that a ring buffer must hold."""

Shifts = dict[str, tuple[int, int]]
"""Left shifts of the excitatory and inhibitory ring buffers of each population."""

AskedShifts = Annotated[
    Shifts, MappingOf(Name(), Each(Count(low=0, high=31), "left shifts", least=2, most=2))
]
"""Kind of the arguments called ``shifts``."""


def bits(n: int) -> int:
    """Return the number of bits that sPyNNaker reserves for `n` values."""
    return 1 if n <= 2 else math.ceil(math.log2(n))


def uniform(values: Parameter) -> float | None:
    """Return the value if all entries are equal, else None."""
    array = np.asarray(values)
    if not array.size or array.min() != array.max():
        return None
    return float(array.min())


def connector(projection: Projection, dt: float) -> Literal["one_to_one", "all_to_all", "list"]:
    """Return the PyNN connector that a projection becomes.

    The machine generates the synapses of one-to-one and all-to-all projections with one weight and
    one delay. All-to-all without self-connections becomes a list, because sPyNNaker leaves
    self-connections out only within one population, and fails if that is on more than one core. A
    projection whose delay the machine would shorten also becomes a list; see :func:`shortened`.
    """
    if uniform(projection.weight) is None or shortened(projection, dt) is not None:
        return "list"
    return _by_shape(projection)


def _by_shape(projection: Projection) -> Literal["one_to_one", "all_to_all", "list"]:
    """Return the connector of a projection with one weight and a delay that is not shortened."""
    if uniform(projection.delay) is None:
        return "list"
    if projection.connector == "all_to_all" and (projection.tiles > 1 or not projection.allow_self):
        return "list"
    return projection.connector


def shortened(projection: Projection, dt: float) -> int | None:
    """Return the wrong number of steps to which the machine would shorten a projection's delay.

    Return None if the machine does not generate the synapses, or if their delay is right.
    """
    delay = uniform(projection.delay)
    if delay is None or uniform(projection.weight) is None or _by_shape(projection) == "list":
        return None
    made = machine_delay(delay, dt)
    return None if made == int(steps(delay, dt)) else made


def on_machine(projection: Projection, dt: float) -> bool:
    """Tell whether the machine generates the synapses of a projection, and rounds their weights."""
    return connector(projection, dt) != "list"


def has_plastic_input(network: Network, name: str) -> bool:
    """Tell whether a population receives plastic synapses."""
    return any(item.post == name for item in network.plastic)


def neurons_per_core(network: Network, population: Population) -> int:
    """Return the largest number of cells of a population on one core."""
    return PLASTIC_PER_CORE if has_plastic_input(network, population.name) else MAX_ROW


def delay_slots(network: Network, population: Population) -> int:
    """Return the steps of delay in the ring buffers; longer delays need delay cores."""
    longest = 1
    for projection in network.projections:
        if projection.post == population.name and np.size(projection.delay):
            longest = max(longest, int(steps(np.max(projection.delay), network.dt)))
    cells = min(population.size, neurons_per_core(network, population))
    return int(min(2 ** bits(longest), 2 ** (RING_BITS - bits(cells) - 1)))


@dataclass
class _Pooled:
    """Number, mean and sum of squared deviations of values that are added in groups."""

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
    """Statistics from which sPyNNaker estimates the input to one receptor of a population."""

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
        # Equal delays are exported as one number, even if rounding gives them a variance.
        apart = 0.0 if uniform(delay) is not None else float(delay.var())
        self.delays.add(n, 0.0, apart)
        self.largest = max(self.largest, top)
        self.total += max(1.0, RATE * self.seconds) * top * n

    def bound(self) -> float:
        """Return the largest sum of weights in one step that the ring buffer must hold, nA."""
        if self.delays.variance == 0.0:
            return max(self.total, self.largest)
        expected = self._expected()
        return max(min(expected, self.total), self.largest)

    def _expected(self) -> float:
        """Return the mean plus :data:`SIGMA` SDs of a sum over a Poisson number of weights, nA."""
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
    """Return the largest number of synapses onto one cell, as sPyNNaker counts them."""
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
    """Predict the left shifts of the ring buffers that sPyNNaker 7.4 chooses.

    The sum of the weights that may arrive in one step must fit into 16 bits. sPyNNaker assumes
    that all sources fire at once or, if delays within a projection differ, that they fire as
    Poisson processes of 30 Hz. One strong synapse therefore reduces the resolution of all others
    on its receptor.

    Returns
    -------
    dict of str to (int, int)
        Excitatory and inhibitory shift of each population that is not a spike source.
    """
    shifts = {}
    for population in network.populations:
        if population.is_source:
            continue
        pair = []
        for receptor in ("excitatory", "inhibitory"):
            inputs = _Input(network.dt)
            for projection in network.projections:
                if (projection.post, projection.receptor) == (population.name, receptor) and (
                    network.count(projection.name)
                ):
                    inputs.add(network, projection)
            pair.append(_power(inputs.bound()))
        shifts[population.name] = (pair[0], pair[1])
    return shifts


def _power(bound: float) -> int:
    """Return the exponent of the smallest power of two above `bound`, at least 0."""
    if bound <= 0:
        return 0
    power = math.ceil(max(0.0, math.log2(bound)))
    return power + 1 if 2**power <= bound else power


def shifts_of_copies(network: Network) -> Shifts:
    """Predict the left shifts of the ring buffers of one copy, which all copies must share.

    sPyNNaker would choose shifts for all copies together. These shifts make each copy compute what
    it computes alone.

    Raises
    ------
    UnsupportedError
        If the shifts of copies differ, because their static weights or delays differ.
    """
    n = network.copies
    shifts = ring_buffer_shifts(one_copy(network, 0))
    if n > 1 and not all(_alike(item, n) for item in network.projections):
        for k in range(1, n):
            if ring_buffer_shifts(one_copy(network, k)) != shifts:
                raise UnsupportedError(
                    f"backend 'emulator': copies 0 and {k} of the network would have ring buffers "
                    f"with different shifts; simulate them separately, or pass shifts=."
                )
    return shifts


def _alike(item: Projection, n: int) -> bool:
    """Tell whether all copies have equal delays and static weights, on which shifts depend."""
    values = [item.delay] if item.plasticity is not None else [item.delay, item.weight]
    for array in values:
        if np.ndim(array):
            rows = np.reshape(np.asarray(array), (n, -1))
            if not np.array_equal(rows, np.broadcast_to(rows[0], rows.shape)):
                return False
    return True
