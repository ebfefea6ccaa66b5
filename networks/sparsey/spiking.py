"""Retrieval and one-shot storage on spikes: built for any frames, decoded into winners."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...backends.contract import Integrator
from ...cells import SpikeSource
from ...checks import Choice, Count, Each, Instance, Optional, checked
from ...errors import DescriptionError, UnsupportedError
from ...limits import require_memory
from ...network import Network, Population
from ...recording import Recording, SpikeTrains
from ...simulation import INTEGRATORS
from ...units import LARGEST, steps
from .circuit import Circuit, Wiring
from .one_shot import Answers, Shown, known_overlaps
from .race import PACES, Race, TimeStep, race
from .schedule import Stage, stage

__all__ = ["SpikingMacs"]


class Plan(NamedTuple):
    """Races, circuits and times for certain frames."""

    races: list[Race]
    circuits: list[Circuit]
    stages: list[list[Stage]]
    """For each level the stage of each frame."""
    begins: list[NDArray[np.int64]]
    """For each level the step in which the inputs of each frame fire."""
    n_steps: int


class SpikingMacs:
    """Levels of macs as spiking cells.

    Every active input fires once in a frame. The cells of a module race to the threshold: each
    active synapse and each tick of a pacemaker bring them one unit nearer, so that the first to
    fire has the largest overlap, and the time of its spike tells which. A winner inhibits all cells
    of its module; of cells that fire in the same step the one of highest priority wins. A mac whose
    number of active inputs is out of bounds is muted by a gate that counts them. The winners of a
    level are sent to the next one together, when its race is over. At the end of a frame a reset
    makes all cells fire at once, and so begin anew.

    Parameters
    ----------
    wiring : sequence of Wiring
        Levels, from the lowest.
    n_pixels : int
        Inputs.
    clip : sequence of int or None, optional
        For each level the overlap from which on all are equal. Default: none.
    dt : float
        Time step, ms.
    integrator : {"spinnaker", "exact"}
        What the target does in a step.
    floor : int
        Modules without a cell of at least this overlap stay silent, which makes frames shorter.
        0, the default, is the retrieval of the model: every module of an active mac has a winner.
    """

    @checked
    def __init__(
        self,
        wiring: Annotated[Sequence[Wiring], Each(Instance(Wiring), "levels", least=1)],
        n_pixels: Annotated[int, Count()],
        *,
        clip: Annotated[Any, Optional(Each(Optional(Count()), "overlaps"))] = None,
        dt: TimeStep = 1.0,
        integrator: Annotated[Integrator, Choice(*INTEGRATORS)] = "spinnaker",
        floor: Annotated[int, Count(low=0)] = 0,
    ) -> None:
        self.wiring, self.n_pixels = tuple(wiring), n_pixels
        self.clip: tuple[int | None, ...] = tuple(clip) if clip else (None,) * len(self.wiring)
        self.dt, self.integrator, self.floor = dt, integrator, floor

    def plan(self, frames: Shown) -> Plan:
        """Races and times for these frames."""
        storing = bool(frames.store.any())
        if storing and len(self.wiring) > 1:
            raise UnsupportedError(
                "Sparsey.build: frames can be stored on spikes by a model of one level, this one "
                f"has {len(self.wiring)}; store them with fit() or learn(), and retrieve on spikes."
            )
        every = self._counts(frames.active)
        counts = every[0]
        races, circuits = [], []
        below = "inputs"
        for k, wiring in enumerate(self.wiring):
            size, last = int(every[k].max(initial=1)), k == len(self.wiring) - 1
            most = max(min(size, self.clip[k] or size), 1)
            made = race(
                most, largest=max(size, most), muted=wiring.most_muted, storing=storing,
                fan_in=wiring.most_afferents if storing else wiring.most_synapses,
                floor=min(self.floor, most - 1), dt=self.dt, integrator=self.integrator,
            )  # fmt: skip
            circuit = Circuit(wiring, made, level=k, below=below, relayed=not last,
                              storing=storing, dt=self.dt, integrator=self.integrator)  # fmt: skip
            races.append(made)
            circuits.append(circuit)
            below = circuit.name("relays")
        stages = [self._stages(made, frames, counts) for made in races]
        begins = self._begins(stages)
        end = max(int(b[-1]) + s[-1].period for b, s in zip(begins, stages, strict=True))
        return Plan(races, circuits, stages, begins, end + 2)

    def _counts(self, active: NDArray[np.bool_]) -> list[NDArray[np.int64]]:
        """Most active afferents of each mac of each level: which macs are active is known before.

        Whether a mac is active depends on how many of its inputs are, not on which.
        """
        found: list[NDArray[np.int64]] = []
        for k, wiring in enumerate(self.wiring):
            if k:
                # Of each active mac below one cell of every module is active.
                below = self.wiring[k - 1]
                active = np.zeros((len(active), below.n_cells), dtype=np.bool_)
                opened = np.repeat(below.is_open(found[-1]), below.modules, axis=1)
                active[:, :: below.cells] = opened
            found.append(wiring.active_counts(active))
        return found

    def _stages(self, made: Race, frames: Shown, counts: NDArray[np.int64]) -> list[Stage]:
        every = stage(made, made.n_ticks, store=False)
        known = known_overlaps(frames, counts, self.wiring[0])
        return [
            stage(made, made.tick(min(int(least), made.most)) + 1, store=True) if store else every
            for store, least in zip(frames.store, known, strict=True)
        ]

    @staticmethod
    def _begins(stages: list[list[Stage]]) -> list[NDArray[np.int64]]:
        """When the inputs of each frame fire at each level: a pipeline without collisions."""
        periods = np.max([[each.period for each in level] for level in stages], axis=0)
        first = np.concatenate([[0], np.cumsum(periods)[:-1]]).astype(np.int64)
        begins = [first]
        for level in stages[:-1]:
            begins.append(begins[-1] + np.array([each.relayed for each in level]))
        return begins

    def build(self, frames: Shown) -> Network:
        """The network that is shown these frames, one after the other."""
        plan = self.plan(frames)
        if plan.n_steps > LARGEST:
            raise DescriptionError("Sparsey.build: too many frames for one run.")
        populations = [Population(name="inputs", cell=self._inputs(plan, frames))]
        projections = []
        for k, circuit in enumerate(plan.circuits):
            if circuit.storing:
                cells = self.wiring[k].n_cells
                require_memory(60.0 * circuit.wiring.field_pre.size * cells
                               / circuit.wiring.n_macs, "Sparsey.build: plastic synapses",
                               "Use fewer cells or a smaller radius.")  # fmt: skip
            populations += self._sources(plan, k, frames) + circuit.populations()
            projections += circuit.projections()
        return Network(populations=populations, projections=projections, dt=self.dt)

    def _trains(self, ids: Any, ticks: Any, size: int, plan: Plan) -> SpikeSource:
        return SpikeSource(
            spikes=SpikeTrains(
                ids=ids, times=np.asarray(ticks, dtype=np.int64) * self.dt, size=size,
                duration=plan.n_steps * self.dt,
            )
        )  # fmt: skip

    def _inputs(self, plan: Plan, frames: Shown) -> SpikeSource:
        ids, ticks = [], []
        for row, begin, times in zip(frames.active, plan.begins[0], plan.stages[0], strict=True):
            pixels = np.flatnonzero(row)
            for offset in (0, *times.repeats):
                ids.append(pixels)
                ticks.append(np.full(pixels.size, begin + offset))
        return self._trains(np.concatenate(ids), np.concatenate(ticks), self.n_pixels, plan)

    def _sources(self, plan: Plan, k: int, frames: Shown) -> list[Population]:
        """The spikes with which the host leads a level."""
        circuit, pairs = plan.circuits[k], list(zip(plan.begins[k], plan.stages[k], strict=True))
        one: dict[str, Any] = {
            "open": [begin + times.open for begin, times in pairs],
            "reset": [begin + times.reset for begin, times in pairs],
            "release": [begin + times.release for begin, times in pairs],
            "clear": [begin + times.release + 1 for begin, times in pairs],
        }
        made = []
        for part, name in circuit.sources.items():
            if part == "kick":
                source = self._kicks(plan, frames)
            elif part == "pace":
                source = self._pace(plan, k)
            else:
                source = self._trains(np.zeros(len(one[part]), dtype=int), one[part], 1, plan)
            made.append(Population(name=name, cell=source))
        return made

    def _pace(self, plan: Plan, k: int) -> SpikeSource:
        """The ticks of every frame."""
        ids, ticks = [], []
        for begin, times in zip(plan.begins[k], plan.stages[k], strict=True):
            tick, cell = np.nonzero(plan.races[k].ticks[: times.ticks.size])
            ids.append(cell)
            ticks.append(begin + times.ticks[tick])
        return self._trains(np.concatenate(ids), np.concatenate(ticks), len(PACES), plan)

    def _kicks(self, plan: Plan, frames: Shown) -> SpikeSource:
        """A late spike onto one cell of each module, of the frames that are stored."""
        wiring = self.wiring[0]
        stored = np.flatnonzero(frames.store)
        cells = frames.fresh[stored] + np.arange(wiring.n_modules) * wiring.cells
        ticks = [plan.begins[0][f] + plan.stages[0][f].kick for f in stored]
        return self._trains(
            cells.ravel(), np.repeat(ticks, wiring.n_modules), wiring.n_cells, plan
        )  # fmt: skip

    def decode(self, recording: Recording, frames: Shown) -> list[Answers]:
        """Winners and overlaps of every level, from the first spikes of its modules.

        Raises
        ------
        DescriptionError
            Not a recording of the network that was built for these frames.
        """
        plan = self.plan(frames)
        self._check(recording, plan)
        active, found = frames.active, []
        for k, wiring in enumerate(self.wiring):
            answers = self._level(recording, plan, k, wiring.active_counts(active))
            found.append(answers)
            active = np.zeros((len(active), wiring.n_cells), dtype=np.bool_)
            flat = answers.winners.reshape(len(active), -1)
            row, module = np.nonzero(flat >= 0)
            active[row, module * wiring.cells + flat[row, module]] = True
        return found

    def _check(self, recording: Recording, plan: Plan) -> None:
        for circuit in plan.circuits:
            name = circuit.name("winners")
            if recording[name].size != circuit.wiring.n_cells:
                raise DescriptionError(
                    f"Sparsey.decode: {name!r} must have {circuit.wiring.n_cells} cells, got "
                    f"{recording[name].size}; take the model as it was for build."
                )
        needed = plan.n_steps * self.dt
        if abs(recording.duration - needed) > self.dt / 2:
            raise DescriptionError(
                f"Sparsey.decode: the recording of these trials must be {needed:g} ms long, got "
                f"{recording.duration:g} ms; take the options and trials of build."
            )

    def _level(
        self, recording: Recording, plan: Plan, k: int, counts: NDArray[np.int64]
    ) -> Answers:
        wiring, made, times = self.wiring[k], plan.races[k], plan.stages[k]
        trains = recording[plan.circuits[k].name("winners")]
        tick = steps(trains.times - recording.start, self.dt)
        opens = plan.begins[k] + np.array([each.first for each in times])
        frame = np.searchsorted(opens, tick, side="right") - 1
        inside = frame >= 0
        frame, ids, tick = frame[inside], trains.ids[inside].astype(np.int64), tick[inside]
        # Spikes are in order of time; writing the last first leaves the first of each module.
        order = np.argsort(-tick, kind="stable")
        frame, ids, tick = frame[order], ids[order], tick[order]
        shape = (len(times), wiring.n_modules)
        winners, overlaps = np.full(shape, -1, dtype=np.int64), np.zeros(shape, dtype=np.int64)
        module, late = ids // wiring.cells, (tick - opens[frame]) // made.hop
        raced = np.array([each.ticks.size for each in times])
        winners[frame, module] = ids % wiring.cells
        overlaps[frame, module] = np.where(
            late < raced[frame], made.overlap(np.maximum(late, 0)), 0
        )
        full = (len(times), wiring.n_macs, wiring.modules)
        return Answers(winners.reshape(full), overlaps.reshape(full), counts)
