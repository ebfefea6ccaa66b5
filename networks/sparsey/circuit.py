"""One level of macs as a spiking circuit of gates, racing cells, winners and relays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...cells import STDP
from ...frozen import Frozen
from ...network import Population, Projection
from .race import PACES, Race, counter, detector

__all__ = ["Circuit", "Wiring", "storage_rule"]

DRIVE, BLOCK = 3.0, 4.0
"""Weights onto winners and relays, nA: excitation that fires a cell, and inhibition of a cell."""

ASK, COUNTED = 3.0, 2.0
"""Weights onto the gates, nA: of the spike that asks a gate, and of the counts of inputs."""

FIRE, SHUT, LATCHED = 2.0, 2.5, 4.0
"""Thresholds, nA: one `DRIVE` fires a winner, an uninhibited `ASK` a gate, two `DRIVE` a relay."""

TRACE = 0.2
"""Time constant of the plasticity, in delays of the racing cells."""

STRENGTH = 256.0
"""Largest weight change by a pair of spikes, in weights; one pair increases a synapse fully."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Wiring(Frozen):
    """Sizes, synapses and bounds of a level, as plain arrays.

    Attributes
    ----------
    n_below : int
        Number of cells of the level below, or of pixels.
    n_macs, modules, cells : int
        Numbers of macs, of modules of a mac (Q), and of cells of a module (K).
    field_pre, field_mac : ndarray of int64, shape (n_afferents,)
        Pairs of a cell below and a mac to which it projects.
    pre, post : ndarray of int64, shape (n_synapses,)
        Increased synapses, from a cell below to cell ``(mac * Q + module) * K + k``.
    low, high : int, int or None
        Activation bounds, in active cells below.
    priority : ndarray of float64, shape (n_macs, Q, K)
        Priority of each cell; of cells of equal overlap, the one with the highest priority wins.
    """

    n_below: int
    n_macs: int
    modules: int
    cells: int
    field_pre: NDArray[np.int64]
    field_mac: NDArray[np.int64]
    pre: NDArray[np.int64]
    post: NDArray[np.int64]
    low: int
    high: int | None
    priority: NDArray[np.float64]

    @property
    def n_modules(self) -> int:
        """Number of modules of all macs."""
        return self.n_macs * self.modules

    @property
    def n_cells(self) -> int:
        """Number of cells of all macs."""
        return self.n_modules * self.cells

    def active_counts(self, active: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Count the active afferents of each mac, (n_rows, n_macs), for rows of active cells."""
        counts = np.zeros((len(active), self.n_macs), dtype=np.int64)
        for k, row in enumerate(active):
            macs = self.field_mac[row[self.field_pre]]
            counts[k] = np.bincount(macs, minlength=self.n_macs)
        return counts

    @property
    def most_synapses(self) -> int:
        """Largest number of increased synapses of a cell."""
        return int(np.bincount(self.post, minlength=1).max())

    @property
    def most_afferents(self) -> int:
        """Largest number of cells below that project to a mac."""
        return int(np.bincount(self.field_mac, minlength=1).max())

    @property
    def most_muted(self) -> int | None:
        """Largest number of active afferents of an inactive mac; None means all of them."""
        return self.low - 1 if self.high is None else None

    def is_open(self, counts: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return whether macs with these numbers of active afferents become active."""
        return (counts >= self.low) & (True if self.high is None else counts <= self.high)


def storage_rule(race: Race, dt: float) -> STDP:
    """Return the plasticity rule in which the first pair of spikes increases a synapse fully."""
    tau = TRACE * race.delay * dt
    return STDP(tau_plus=tau, tau_minus=tau, a_plus=STRENGTH * race.unit, a_minus=0.0,
                w_max=race.unit)  # fmt: skip


class Circuit:
    """Populations and projections of one level.

    Parameters
    ----------
    wiring : Wiring
        Sizes and synapses of the level.
    race : Race
        Race of its cells.
    level : int
        Number of the level, from 0, in the names of its parts.
    below : str
        Name of its input population.
    relayed : bool
        Whether a level above receives its codes.
    storing : bool
        Whether its bottom-up synapses are plastic. If so, synapses of weight 0 exist too.
    dt, integrator
        As for :func:`spikemem.simulate`.
    """

    def __init__(
        self, wiring: Wiring, race: Race, *, level: int, below: str, relayed: bool,
        storing: bool, dt: float, integrator: Any,
    ) -> None:  # fmt: skip
        self.wiring, self.race, self.level, self.below = wiring, race, level, below
        self.relayed, self.storing, self.dt = relayed, storing, dt
        self._grid: dict[str, Any] = {"dt": dt, "integrator": integrator}

    def name(self, part: str) -> str:
        """Return the name of a part of this level."""
        return f"{part} {self.level}"

    @property
    def sources(self) -> dict[str, str]:
        """Names of the spike sources that control the level, by their function."""
        parts = ["pace", "open", "reset"]
        parts += ["release", "clear"] if self.relayed else []
        parts += ["kick"] if self.storing else []
        return {part: self.name(part) for part in parts}

    def source_size(self, part: str) -> int:
        """Return the number of cells of a source."""
        if part == "kick":
            return self.wiring.n_cells
        return len(PACES) if part == "pace" else 1

    def populations(self) -> list[Population]:
        """Return all populations except the sources, which are made with their spikes."""
        w = self.wiring
        gate = detector(w.low - 0.5, **self._grid)
        decide, shut = detector(FIRE, **self._grid), detector(SHUT, **self._grid)
        made = [
            Population(name=self.name("enough"), cell=gate, size=w.n_macs),
            Population(name=self.name("off"), cell=shut, size=w.n_macs),
            Population(name=self.name("cells"), cell=self.race.cell, size=w.n_cells),
            Population(name=self.name("winners"), cell=decide, size=w.n_cells),
        ]
        if w.high is not None:
            many = detector(w.high + 0.5, **self._grid)
            made.append(Population(name=self.name("too many"), cell=many, size=w.n_macs))
        if self.relayed:
            latch = counter(LATCHED, unit=1.0, tau_m=float(self.race.cell.tau_m), **self._grid)
            made.append(Population(name=self.name("relays"), cell=latch, size=w.n_cells))
        return made

    def projections(self) -> list[Projection]:
        """Return all projections of the level, including those from its sources."""
        made = [*self._gates(), *self._race(), *self._winners()]
        return made + self._relays() if self.relayed else made

    def _link(
        self, name: str, pre: str, post: str, weight: Any, delay: int, **more: Any
    ) -> Projection:
        """Return a projection between parts of this level (including `below` and sources)."""
        return Projection(
            name=self.name(name), pre=self.below if pre == "below" else self.name(pre),
            post=self.name(post), weight=weight, delay=delay * self.dt, **more,
        )  # fmt: skip

    def _gates(self) -> list[Projection]:
        """Return the projections that mute macs with too few or too many active inputs."""
        w = self.wiring
        field = {"i": w.field_pre, "j": w.field_mac}
        made = [
            self._link("count", "below", "enough", 1.0, 1, **field),
            self._link("ask", "open", "off", ASK, 1, connector="all_to_all"),
            self._link("allow", "enough", "off", COUNTED, 1, connector="one_to_one",
                       receptor="inhibitory"),
            self._link("mute", "off", "cells", self.race.mute, 1, connector="all_to_all",
                       tiles=w.n_macs, receptor="inhibitory"),
        ]  # fmt: skip
        if w.high is not None:
            made += [
                self._link("count all", "below", "too many", 1.0, 1, **field),
                self._link("forbid", "too many", "off", COUNTED, 1, connector="one_to_one"),
            ]
        return made

    def _race(self) -> list[Projection]:
        """Return the projections onto racing cells: inputs, ticks, resets, inhibition, kicks."""
        race, w, every = self.race, self.wiring, {"connector": "all_to_all"}
        made = [
            self._bottom_up(),
            self._tick(),
            self._link("restart", "reset", "cells", race.reset, race.delay, **every),
            self._link("inhibition", "winners", "cells", race.veto, 1, **every,
                       tiles=w.n_modules, receptor="inhibitory"),
        ]  # fmt: skip
        if self.storing:
            made.append(
                self._link("novelty", "kick", "cells", race.unit * (race.most + 1), race.delay,
                           connector="one_to_one")
            )  # fmt: skip
        return made

    def _tick(self) -> Projection:
        """Return the projection from the pacemaker, whose cells have different weights."""
        n = self.wiring.n_cells
        return self._link(
            "tick", "pace", "cells", np.repeat(PACES, n), self.race.delay,
            i=np.repeat(np.arange(len(PACES)), n), j=np.tile(np.arange(n), len(PACES)),
        )  # fmt: skip

    def _bottom_up(self) -> Projection:
        w = self.wiring
        if not self.storing:
            return self._link("bottom_up", "below", "cells", self.race.unit, self.race.delay,
                              i=w.pre, j=w.post)  # fmt: skip
        inside = w.modules * w.cells
        i = np.repeat(w.field_pre, inside)
        j = (w.field_mac[:, None] * inside + np.arange(inside)).ravel()
        increased = np.zeros((w.n_below, w.n_cells), dtype=np.bool_)
        increased[w.pre, w.post] = True
        return self._link(
            "bottom_up", "below", "cells", self.race.unit * increased[i, j], self.race.delay,
            i=i, j=j, plasticity=storage_rule(self.race, self.dt),
        )  # fmt: skip

    def _winners(self) -> list[Projection]:
        """Return the projections by which the first cell of a module wins; priority breaks ties."""
        w = self.wiring
        first, second = self._ranked()
        late = self.race.delay + self.race.lag + 1
        return [
            self._link("report", "cells", "winners", DRIVE, 1, connector="one_to_one"),
            self._link("priority", "cells", "winners", BLOCK, 1, i=first, j=second,
                       receptor="inhibitory"),
            self._link("first", "winners", "winners", BLOCK, 1, connector="all_to_all",
                       tiles=w.n_modules, receptor="inhibitory"),
            self._link("ignore", "reset", "winners", BLOCK, late, connector="all_to_all",
                       receptor="inhibitory"),
        ]  # fmt: skip

    def _ranked(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return all pairs of cells of a module: cell of higher, and of lower priority."""
        w = self.wiring
        rows = w.priority.reshape(w.n_modules, w.cells)
        # If priorities are equal, the lower index comes first, as in argmax.
        order = np.argsort(-rows, axis=1, kind="stable")
        a, b = np.triu_indices(w.cells, 1)
        start = np.arange(w.n_modules)[:, None] * w.cells
        return (order[:, a] + start).ravel(), (order[:, b] + start).ravel()

    def _relays(self) -> list[Projection]:
        """Return the projections of the relays, which store winners and send them on together."""
        return [
            self._link("keep", "winners", "relays", DRIVE, 1, connector="one_to_one"),
            self._link("send", "release", "relays", DRIVE, 1, connector="all_to_all"),
            self._link("forget", "clear", "relays", DRIVE, 1, connector="all_to_all",
                       receptor="inhibitory"),
        ]  # fmt: skip
