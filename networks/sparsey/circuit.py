"""One level of macs as a spiking circuit: gates, racing cells, winners, and relays to the next."""

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
"""Weights onto winners and relays, nA: what fires a cell, and what keeps it from firing."""

ASK, COUNTED = 3.0, 2.0
"""Weights onto the gates, nA: of the spike that asks them, and of both counts of inputs."""

FIRE, SHUT, LATCHED = 2.0, 2.5, 4.0
"""Thresholds in nA: one `DRIVE` fires a winner, an unanswered `ASK` a gate, two `DRIVE` a relay."""

TRACE = 0.2
"""Time constant of the plasticity, in delays of the racing cells."""

STRENGTH = 256.0
"""Largest change of weight of a pair of spikes, in weights; one pair stores a synapse whole."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Wiring(Frozen):
    """Sizes, synapses and bounds of a level, as plain arrays.

    Attributes
    ----------
    n_below : int
        Cells of the level below, or pixels.
    n_macs, modules, cells : int
        Macs, modules of a mac (Q), and cells of a module (K).
    field_pre, field_mac : ndarray of int64, shape (n_afferents,)
        Every pair of a cell below and a mac that it projects to.
    pre, post : ndarray of int64, shape (n_synapses,)
        Increased synapses: from a cell below to cell ``(mac * Q + module) * K + k``.
    low, high : int, int or None
        Activation bounds, in active cells below.
    priority : ndarray of float64, shape (n_macs, Q, K)
        Of cells of equal overlap the one with the largest wins.
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
        """Modules of all macs."""
        return self.n_macs * self.modules

    @property
    def n_cells(self) -> int:
        """Cells of all macs."""
        return self.n_modules * self.cells

    def active_counts(self, active: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Active afferents of each mac, for rows of active cells below; (n_rows, n_macs)."""
        counts = np.zeros((len(active), self.n_macs), dtype=np.int64)
        for k, row in enumerate(active):
            mine = self.field_mac[row[self.field_pre]]
            counts[k] = np.bincount(mine, minlength=self.n_macs)
        return counts

    @property
    def most_synapses(self) -> int:
        """Most increased synapses of a cell."""
        return int(np.bincount(self.post, minlength=1).max())

    @property
    def most_afferents(self) -> int:
        """Most cells below that project to a mac."""
        return int(np.bincount(self.field_mac, minlength=1).max())

    @property
    def most_muted(self) -> int | None:
        """Most active afferents of a mac that is not active; None: all of them."""
        return self.low - 1 if self.high is None else None

    def is_open(self, counts: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether macs with so many active afferents become active."""
        return (counts >= self.low) & (True if self.high is None else counts <= self.high)


def storage_rule(race: Race, dt: float) -> STDP:
    """Plasticity with which one pair of spikes, and no later one, stores a synapse."""
    tau = TRACE * race.delay * dt
    return STDP(tau_plus=tau, tau_minus=tau, a_plus=STRENGTH * race.unit, a_minus=0.0,
                w_max=race.unit)  # fmt: skip


class Circuit:
    """Populations and projections of one level.

    Parameters
    ----------
    wiring : Wiring
        Of the level.
    race : Race
        Of its cells.
    level : int
        Number of the level, from 0, in the names of its parts.
    below : str
        Name of the population that it gets input from.
    relayed : bool
        Whether a level above gets its codes.
    storing : bool
        Whether its bottom-up synapses are plastic; then all of them are there, also those of
        weight 0.
    dt, integrator
        As :func:`spikemem.simulate`.
    """

    def __init__(
        self, wiring: Wiring, race: Race, *, level: int, below: str, relayed: bool,
        storing: bool, dt: float, integrator: Any,
    ) -> None:  # fmt: skip
        self.wiring, self.race, self.level, self.below = wiring, race, level, below
        self.relayed, self.storing, self.dt = relayed, storing, dt
        self._grid: dict[str, Any] = {"dt": dt, "integrator": integrator}

    def name(self, part: str) -> str:
        """Name of a part of this level."""
        return f"{part} {self.level}"

    @property
    def sources(self) -> dict[str, str]:
        """Names of the sources with which the host leads the level, by what they do."""
        parts = ["pace", "open", "reset"]
        parts += ["release", "clear"] if self.relayed else []
        parts += ["kick"] if self.storing else []
        return {part: self.name(part) for part in parts}

    def source_size(self, part: str) -> int:
        """Cells of a source."""
        if part == "kick":
            return self.wiring.n_cells
        return len(PACES) if part == "pace" else 1

    def populations(self) -> list[Population]:
        """The cells; the sources are made with their spikes."""
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
        """All synapses of the level, those from its sources too."""
        made = [*self._gates(), *self._race(), *self._winners()]
        return made + self._relays() if self.relayed else made

    def _link(
        self, name: str, pre: str, post: str, weight: Any, delay: int, **more: Any
    ) -> Projection:
        """A projection between parts of this level (`below` and sources included)."""
        return Projection(
            name=self.name(name), pre=self.below if pre == "below" else self.name(pre),
            post=self.name(post), weight=weight, delay=delay * self.dt, **more,
        )  # fmt: skip

    def _gates(self) -> list[Projection]:
        """Counting of active inputs: a mac is muted unless their number is within the bounds."""
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
        """What drives the cells: inputs, ticks, the reset, and kicks when storing."""
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
        """From the cells of the pacemaker, each with a weight of its own."""
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
        held = np.zeros((w.n_below, w.n_cells), dtype=np.bool_)
        held[w.pre, w.post] = True
        return self._link(
            "bottom_up", "below", "cells", self.race.unit * held[i, j], self.race.delay,
            i=i, j=j, plasticity=storage_rule(self.race, self.dt),
        )  # fmt: skip

    def _winners(self) -> list[Projection]:
        """The first cell of a module to fire wins; of several in one step, by priority."""
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
        """Pairs of cells of a module: of higher priority, of lower priority."""
        w = self.wiring
        rows = w.priority.reshape(w.n_modules, w.cells)
        # Of equal priorities the lower index comes first, as in argmax.
        order = np.argsort(-rows, axis=1, kind="stable")
        a, b = np.triu_indices(w.cells, 1)
        start = np.arange(w.n_modules)[:, None] * w.cells
        return (order[:, a] + start).ravel(), (order[:, b] + start).ravel()

    def _relays(self) -> list[Projection]:
        """Relays keep the winners, and send them on together."""
        return [
            self._link("keep", "winners", "relays", DRIVE, 1, connector="one_to_one"),
            self._link("send", "release", "relays", DRIVE, 1, connector="all_to_all"),
            self._link("forget", "clear", "relays", DRIVE, 1, connector="all_to_all",
                       receptor="inhibitory"),
        ]  # fmt: skip
