"""What the checks look at: a network with everything that was worked out of it, once."""

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
"""Steps of the weight that a pair of spikes must be worth; below, learning is lost in rounding."""


@dataclass(frozen=True)
class View:
    """A network as SpiNNaker will see it.

    Parameters
    ----------
    network : Network
        What is checked.
    asked : dict of str to (int, int)
        Left shifts that sPyNNaker is asked for; it chooses the others.
    smallest_step : float
        Least number of weight steps that one pair of spikes must be worth.
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
        """Populations that are no sources."""
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
        """Left shift of the ring buffer that a projection drives."""
        return self.shifts[projection.post][projection.receptor == "inhibitory"]

    def lsb(self, projection: Projection) -> float:
        """Smallest step of its weights, nA."""
        return weight_lsb(self.shift(projection))

    def weights(self, projection: Projection) -> tuple[Real, Real]:
        """Different weights of a projection above 0, as meant and as loaded, nA."""
        meant = np.unique(np.asarray(projection.weight, dtype=np.float64))
        meant = meant[meant > 0]
        words = weight16(meant, self.shift(projection), on_machine=on_machine(projection, self.dt))
        return meant, np.asarray(words * self.lsb(projection), dtype=np.float64)

    def slots(self, projection: Projection) -> int:
        """Steps of delay that the ring buffers of its target hold."""
        return delay_slots(self.network, self.network.population(projection.post))

    def counted(self, name: str) -> NDArray[np.int64]:
        """How often each cell's spike counts for the plasticity of its population.

        Below 1 ms a core for synapses learns of the spikes of its own cells by packets. Where the
        population has a projection onto itself, the core looks for a packet's synapses first: it
        drops a packet without any, and takes note of it once for each table of synapses that may
        hold some. Every projection onto itself has such a table, except if all its delays are
        longer than the ring buffer: those go through delay cores, whose packets are others. A row
        of a plastic table is never empty, since it holds when its source fired last; but packets
        are routed to a core only if any synapse leads there from where they come.
        """
        population = self.network.population(name)
        loops = [item for item in self.used if item.pre == item.post == name]
        if self.dt >= 1.0 or not loops:
            return np.ones(population.size, np.int64)
        core = np.arange(population.size) // neurons_per_core(self.network, population)
        known, joined = np.zeros((2, population.size), bool)
        tables, plastic = 0, False
        for item in loops:
            synapses = self.network.synapses(item.name)
            direct = steps(synapses.delay, self.dt) <= self.slots(item)
            tables += bool(direct.any())
            inside = core[synapses.i] == core[synapses.j]
            joined[core[synapses.i[inside]]] = True
            plastic |= item.plasticity is not None and bool(direct.any())
            known[synapses.i[direct & inside]] = True
        known |= plastic & joined[core]
        return np.where(known, tables, 0)

    def delays(self, projection: Projection) -> NDArray[np.int64]:
        """Different delays of a projection, steps."""
        return np.unique(steps(np.atleast_1d(projection.delay), self.dt))

    def cores(self, population: Population) -> int:
        """Cores that a population is put on."""
        return -(-population.size // neurons_per_core(self.network, population))

    def longest_row(self, projection: Projection) -> int:
        """Most synapses of one source onto one core."""
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
        """Projections onto one receptor with their most synapses onto one cell."""
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
        """Sum of weights if every source fired at once, nA."""
        total = 0.0
        for item, n in self.fan_in(population, receptor):
            top = item.plasticity.w_max if item.plasticity else float(np.max(item.weight))
            total += n * top
        return total

    def learning_steps(self, projection: Projection) -> dict[str, tuple[float, float]]:
        """Largest change of one pair of spikes: nA, and in steps of the weight.

        A post-synaptic spike comes at least one step after the pre-synaptic one (its delay), so
        that potentiation begins with the second entry of its table.
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
        """Bytes of its synapses on one core, about: every row is as long as the longest."""
        row = self.longest_row(projection)
        plastic = projection.plasticity is not None
        words = 3 + (2 + 2 * -(-row // 2) if plastic else row)
        stages = 1 + int((self.delays(projection).max() - 1) // self.slots(projection))
        return 4 * words * self.network.population(projection.pre).size * stages
