"""A network with the derived quantities that the checks need."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ...network import Network, Population, Projection
from ...units import steps
from .arithmetic import TRACE_ONE, decay_table, weight16, weight_lsb
from .machine_layout import (
    Shifts,
    connector,
    delay_slots,
    neurons_per_core,
    on_machine,
    ring_buffer_shifts,
)

__all__ = ["SMALLEST_STEP", "View"]

Real = NDArray[np.float64]


SMALLEST_STEP = 5.0
"""Smallest weight change by one pair of spikes, in steps; below it learning is lost in rounding."""


@dataclass(frozen=True)
class View:
    """A network as it would be on SpiNNaker.

    Parameters
    ----------
    network : Network
        Network to check.
    asked : dict of str to (int, int)
        Left shifts that are requested from sPyNNaker; it chooses the others.
    smallest_step : float
        Smallest accepted weight change by one pair of spikes, in steps of the weight.
    """

    network: Network
    asked: Shifts
    smallest_step: float

    @property
    def dt(self) -> float:
        """Time step, ms."""
        return self.network.dt

    @cached_property
    def shifts(self) -> Shifts:
        """Left shifts of the ring buffers."""
        return {**ring_buffer_shifts(self.network), **self.asked}

    @cached_property
    def cells(self) -> list[Population]:
        """Populations that are not spike sources."""
        return [pop for pop in self.network.populations if not pop.is_source]

    @cached_property
    def used(self) -> list[Projection]:
        """Projections with at least one synapse."""
        return [item for item in self.network.projections if self.network.count(item.name)]

    @cached_property
    def plastic(self) -> list[Projection]:
        """Plastic projections with at least one synapse."""
        return [item for item in self.used if item.plasticity is not None]

    def shift(self, projection: Projection) -> int:
        """Return the left shift of the ring buffer that a projection drives."""
        return self.shifts[projection.post][projection.receptor == "inhibitory"]

    def lsb(self, projection: Projection) -> float:
        """Return the smallest step of a projection's weights, nA."""
        return weight_lsb(self.shift(projection))

    def weights(self, projection: Projection) -> tuple[Real, Real]:
        """Return the distinct weights of a projection above 0, as specified and as loaded, nA."""
        meant = np.unique(np.asarray(projection.weight, dtype=np.float64))
        meant = meant[meant > 0]
        words = weight16(meant, self.shift(projection), on_machine=on_machine(projection, self.dt))
        return meant, np.asarray(words * self.lsb(projection), dtype=np.float64)

    def slots(self, projection: Projection) -> int:
        """Return the steps of delay in the ring buffers of a projection's target."""
        return delay_slots(self.network, self.network.population(projection.post))

    def counted(self, name: str) -> NDArray[np.int64]:
        """Return how many times a spike of each cell counts for the plasticity of its population.

        With a time step below 1 ms a core for synapses learns of the spikes of its own cells by
        packets. If the population has a projection onto itself, the core first searches for the
        synapses of a packet. It drops a packet without synapses, and counts it once for each table
        of synapses that may hold some. Every projection of the population onto itself has such a
        table, unless all its delays are longer than the ring buffer: their spikes go through delay
        cores and arrive as other packets. A row of a plastic table is never empty, since it holds
        the time of its source's last spike; but packets are routed to a core only if some synapse
        leads there from the core of their source.
        """
        population = self.network.population(name)
        loops = [item for item in self.used if item.pre == item.post == name]
        if self.dt >= 1.0 or not loops:
            return np.ones(population.size, np.int64)
        core = np.arange(population.size) // neurons_per_core(self.network, population)
        seen, connected = np.zeros((2, population.size), bool)
        tables, plastic = 0, False
        for item in loops:
            synapses = self.network.synapses(item.name)
            direct = steps(synapses.delay, self.dt) <= self.slots(item)
            tables += bool(direct.any())
            inside = core[synapses.i] == core[synapses.j]
            connected[core[synapses.i[inside]]] = True
            plastic |= item.plasticity is not None and bool(direct.any())
            seen[synapses.i[direct & inside]] = True
        seen |= plastic & connected[core]
        return np.where(seen, tables, 0)

    def delays(self, projection: Projection) -> NDArray[np.int64]:
        """Return the distinct delays of a projection, steps."""
        return np.unique(steps(np.atleast_1d(projection.delay), self.dt))

    def cores(self, population: Population) -> int:
        """Return the number of cores of a population."""
        return -(-population.size // neurons_per_core(self.network, population))

    def longest_row(self, projection: Projection) -> int:
        """Return the largest number of synapses from one source onto one core."""
        post = self.network.population(projection.post)
        per_core = neurons_per_core(self.network, post)
        kind = connector(projection, self.dt)
        if kind == "one_to_one":
            return 1
        if kind == "all_to_all":
            return min(post.size, per_core)
        i, j = self.network.synapses(projection.name)[:2]
        codes = i.astype(np.int64) * (post.size // per_core + 1) + j // per_core
        return int(np.unique(codes, return_counts=True)[1].max())

    def fan_in(self, population: Population, receptor: str) -> Iterator[tuple[Projection, int]]:
        """Yield projections onto a receptor with their largest number of synapses onto a cell."""
        for item in self.used:
            if (item.post, item.receptor) != (population.name, receptor):
                continue
            kind = connector(item, self.dt)
            if kind == "one_to_one":
                yield item, 1
            elif kind == "all_to_all":
                yield item, self.network.population(item.pre).size
            else:
                yield item, int(np.bincount(self.network.synapses(item.name).j).max())

    def largest_sum(self, population: Population, receptor: str) -> float:
        """Return the sum of weights if all sources fire at once, nA."""
        total = 0.0
        for item, n in self.fan_in(population, receptor):
            top = item.plasticity.w_max if item.plasticity else float(np.max(item.weight))
            total += n * top
        return total

    def learning_steps(self, projection: Projection) -> dict[str, tuple[float, float]]:
        """Return the largest change by one pair of spikes, in nA and in steps of the weight.

        A post-synaptic spike follows the pre-synaptic spike by at least one step (the delay), so
        that potentiation starts with the second entry of its table.
        """
        rule = projection.plasticity
        assert rule is not None
        plus = [*decay_table(rule.tau_plus, self.dt), 0, 0][1]
        changes = {"a_plus": rule.a_plus * float(plus) / TRACE_ONE, "a_minus": rule.a_minus}
        return {
            name: (change, change / self.lsb(projection))
            for name, change in changes.items()
            if getattr(rule, name) > 0
        }

    def sdram(self, projection: Projection) -> int:
        """Return the approximate memory of a projection's synapses on one core, bytes.

        Every row is counted as if it were as long as the longest.
        """
        row = self.longest_row(projection)
        plastic = projection.plasticity is not None
        words = 3 + (2 + 2 * -(-row // 2) if plastic else row)
        stages = 1 + int((self.delays(projection).max() - 1) // self.slots(projection))
        return 4 * words * self.network.population(projection.pre).size * stages
