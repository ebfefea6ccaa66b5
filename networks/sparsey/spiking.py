"""Retrieval and one-shot storage with spiking cells: networks for frames, and their decoding."""

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
from .one_shot import Answers, SpikingFrames, familiar_overlaps
from .race import PACES, Race, TimeStep, race
from .schedule import Stage, stage

__all__ = ["SpikingMacs"]


class Plan(NamedTuple):
    """Races, circuits and times for given frames."""

    races: list[Race]
    circuits: list[Circuit]
    stages: list[list[Stage]]
    """Times of each frame at each level."""
    begins: list[NDArray[np.int64]]
    """Step in which the inputs of each frame fire, for each level."""
    n_steps: int


class SpikingMacs:
    """Levels of macs of spiking cells.

    Every active input fires once in a frame. The cells of a module race to their threshold. Each
    active synapse and each tick of a pacemaker adds one unit to the potential, so the first cell to
    fire has the largest overlap, and the time of its spike tells this overlap. A winner inhibits
    all cells of its module; of cells that fire in the same step, the one of highest priority wins.
    A gate counts the active inputs of a mac, and mutes it if their number is out of bounds. When
    the race of a level is over, its winners are sent to the next level together. At the end of a
    frame all cells fire at once, which resets them.

    Parameters
    ----------
    wiring : sequence of Wiring
        Sizes and synapses of the levels, from the lowest.
    n_pixels : int
        Number of inputs.
    clip : sequence of int or None, optional
        Overlap of each level above which overlaps are not distinguished. Default: none.
    dt : float
        Time step, ms.
    integrator : {"spinnaker", "exact"}
        Rules of one time step of the backend.
    floor : int
        Smallest overlap of a winner; modules without such a cell are silent, which makes frames
        shorter. With 0 every module of an active mac has a winner, as in the model's retrieval.
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

    def plan(self, frames: SpikingFrames) -> Plan:
        """Return races and times for these frames."""
        storing = bool(frames.store.any())
        if storing and len(self.wiring) > 1:
            raise UnsupportedError(
                "Sparsey.build: only a model of one level can store images on spikes, this one has "
                f"{len(self.wiring)} levels; learn with learn() or fit(), and retrieve on spikes."
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
        """Return the number of active afferents of each mac of each level.

        It is known before the run, because only the number of its active inputs activates a mac.
        """
        results: list[NDArray[np.int64]] = []
        for k, wiring in enumerate(self.wiring):
            if k:
                # One cell of every module of an active mac below is active.
                below = self.wiring[k - 1]
                active = np.zeros((len(active), below.n_cells), dtype=np.bool_)
                opened = np.repeat(below.is_open(results[-1]), below.modules, axis=1)
                active[:, :: below.cells] = opened
            results.append(wiring.active_counts(active))
        return results

    def _stages(self, made: Race, frames: SpikingFrames, counts: NDArray[np.int64]) -> list[Stage]:
        every = stage(made, made.n_ticks, store=False)
        thresholds = familiar_overlaps(frames, counts, self.wiring[0])
        return [
            stage(made, made.tick(min(int(least), made.most)) + 1, store=True) if store else every
            for store, least in zip(frames.store, thresholds, strict=True)
        ]

    @staticmethod
    def _begins(stages: list[list[Stage]]) -> list[NDArray[np.int64]]:
        """Return the steps in which the inputs of each frame fire at each level, as a pipeline."""
        periods = np.max([[each.period for each in level] for level in stages], axis=0)
        first = np.concatenate([[0], np.cumsum(periods)[:-1]]).astype(np.int64)
        begins = [first]
        for level in stages[:-1]:
            begins.append(begins[-1] + np.array([each.relayed for each in level]))
        return begins

    def build(self, frames: SpikingFrames) -> Network:
        """Return the network that receives these frames."""
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

    def _inputs(self, plan: Plan, frames: SpikingFrames) -> SpikeSource:
        ids, ticks = [], []
        for row, begin, times in zip(frames.active, plan.begins[0], plan.stages[0], strict=True):
            pixels = np.flatnonzero(row)
            for offset in (0, *times.repeats):
                ids.append(pixels)
                ticks.append(np.full(pixels.size, begin + offset))
        return self._trains(np.concatenate(ids), np.concatenate(ticks), self.n_pixels, plan)

    def _sources(self, plan: Plan, k: int, frames: SpikingFrames) -> list[Population]:
        """Return the spike sources that control a level."""
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
        """Return the source of the ticks of every frame."""
        ids, ticks = [], []
        for begin, times in zip(plan.begins[k], plan.stages[k], strict=True):
            tick, cell = np.nonzero(plan.races[k].ticks[: times.ticks.size])
            ids.append(cell)
            ticks.append(begin + times.ticks[tick])
        return self._trains(np.concatenate(ids), np.concatenate(ticks), len(PACES), plan)

    def _kicks(self, plan: Plan, frames: SpikingFrames) -> SpikeSource:
        """Return the source of the kicks: in stored frames, late spikes onto a cell per module."""
        wiring = self.wiring[0]
        stored = np.flatnonzero(frames.store)
        cells = frames.fresh[stored] + np.arange(wiring.n_modules) * wiring.cells
        ticks = [plan.begins[0][f] + plan.stages[0][f].kick for f in stored]
        return self._trains(
            cells.ravel(), np.repeat(ticks, wiring.n_modules), wiring.n_cells, plan
        )  # fmt: skip

    def decode(self, recording: Recording, frames: SpikingFrames) -> list[Answers]:
        """Return winners and overlaps of every level, from the first spikes of its modules.

        Raises
        ------
        DescriptionError
            If it is not a recording of the network that was built for these frames.
        """
        plan = self.plan(frames)
        self._check(recording, plan)
        active, results = frames.active, []
        for k, wiring in enumerate(self.wiring):
            answers = self._level(recording, plan, k, wiring.active_counts(active))
            results.append(answers)
            active = np.zeros((len(active), wiring.n_cells), dtype=np.bool_)
            flat = answers.winners.reshape(len(active), -1)
            row, module = np.nonzero(flat >= 0)
            active[row, module * wiring.cells + flat[row, module]] = True
        return results

    def _check(self, recording: Recording, plan: Plan) -> None:
        for circuit in plan.circuits:
            name = circuit.name("winners")
            if recording[name].size != circuit.wiring.n_cells:
                raise DescriptionError(
                    f"Sparsey.decode: {name!r} must have {circuit.wiring.n_cells} cells, got "
                    f"{recording[name].size}; use the model in the state in which build was called."
                )
        needed = plan.n_steps * self.dt
        if abs(recording.duration - needed) > self.dt / 2:
            raise DescriptionError(
                f"Sparsey.decode: the recording of these trials must be {needed:g} ms long, got "
                f"{recording.duration:g} ms; pass the trials and options of build."
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
        # Assignment in reverse order of time leaves the first spike of each module.
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
