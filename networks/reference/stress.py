"""Stress tests of the spin memories: random patterns, and cues with lost and wrong bits."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ...checks import Choice, Count, Probability, Quantity
from ...codes import Patterns
from ...stress.answers import Answers
from ...stress.conditions import Conditions
from ...stress.subject import Probe, Subject, Task, own_rng
from . import laws
from .dense import DenseAssociativeMemory, Power
from .drawing import diluted_patterns, random_spins
from .hopfield import HopfieldNetwork
from .multitasking import MultitaskingHebbian
from .phases import corrupted, phases, require_plain
from .spins import SpinMemory

__all__ = ["DenseSubject", "HopfieldSubject", "MultitaskingSubject", "SpinSubject"]

Bits = NDArray[np.int8]


@dataclass(frozen=True, kw_only=True)
class SpinSubject(Subject):
    """Base of the subjects whose items are patterns of spins. An active bit is +1.

    Parameters
    ----------
    n_cells : int
        Number N of cells.
    dynamics : {"asynchronous", "synchronous"}
        Whether the cells are updated one after another in random order, or all at once.
    temperature : float
        Temperature of Glauber dynamics. At 0 each cell follows its field.
    max_sweeps : int
        Largest number of updates of each cell in a recall.
    """

    questions: ClassVar[frozenset[str]] = frozenset({"recall", "recognise"})
    spiking: ClassVar[bool] = False
    unit: ClassVar[str] = "patterns"
    aliases: ClassVar[dict[str, str]] = {"alpha": "load", "n": "n_cells"}

    n_cells: Annotated[int, Count(low=2, high=10**6)] = 1000
    dynamics: Annotated[str, Choice("asynchronous", "synchronous")] = "asynchronous"
    temperature: Annotated[float, Quantity(low=0.0)] = 0.0
    max_sweeps: Annotated[int, Count(high=100_000)] = 100

    @property
    def scale(self) -> float:
        """Number of cells. Load 1 is one pattern for each cell."""
        return float(self.n_cells)

    @property
    def n_synapses(self) -> int:
        """Number of couplings between pairs of cells, N(N - 1)/2."""
        return self.n_cells * (self.n_cells - 1) // 2

    @property
    def n_neurons(self) -> int:
        """Number N of cells."""
        return self.n_cells

    def memory(self) -> SpinMemory:
        """Return a memory with these settings, in which nothing is stored."""
        raise NotImplementedError

    def material(self, n_items: int, seed: int) -> Bits:
        """Return random patterns, shape (n_items, n_cells)."""
        return random_spins(n_items, self.n_cells, seed=own_rng(seed, "material"))

    def options(self) -> dict[str, Any]:
        """Return the arguments that all spin memories take."""
        return {
            "dynamics": self.dynamics, "temperature": self.temperature,
            "max_sweeps": self.max_sweeps,
        }  # fmt: skip

    def perform(self, tasks: Sequence[Task], conditions: Conditions) -> list[Answers]:
        """Carry out the trials; see :meth:`Subject.perform`."""
        require_plain(conditions, type(self.memory()).__name__)
        return [self._perform(task) for task in tasks]

    def _perform(self, task: Task) -> Answers:
        memory, spins = self.memory(), self.material(task.n_items, task.seed)
        cues, order = own_rng(task.seed, "cues"), own_rng(task.seed, "recall")
        compared: list[NDArray[np.float64]] = [np.empty((4, 0))]
        shown = [np.zeros((2, 0, self.n_cells), np.bool_)]
        for is_probe, events in phases(task.script):
            if not is_probe:
                memory.store(spins[[study.item for study in events]])
                continue
            for probe in events:
                self.require(probe.question, "perform")
            start = self.states(events, spins, memory, cues)
            recalling = np.array([probe.question == "recall" for probe in events])
            ends = start.copy()
            if recalling.any():
                ends[recalling] = memory.recall(start[recalling], seed=order)
            familiar = np.where(recalling, np.nan, memory.familiarity(start))
            items = spins[[probe.item for probe in events]]
            compared.append(_compared(items, ends, familiar))
            # A recall fills the blank entries of an item, which do not belong to the answer.
            shown.append(np.stack([items > 0, (ends > 0) & (items != 0)]))
        right, missing, extra, familiarity = np.concatenate(compared, axis=1)
        wanted, got = map(Patterns.from_dense, np.concatenate(shown, axis=1))
        return Answers(
            right=right.astype(np.int64), missing=missing.astype(np.int64),
            extra=extra.astype(np.int64), n_bits=self.n_cells, familiarity=familiarity,
            costs={"operations": float(len(task.script)),
                   "footprint": float(memory.patterns.nbytes)},
            wanted=wanted, got=got,
        )  # fmt: skip

    def states(
        self, probes: Sequence[Probe], spins: Bits, memory: SpinMemory, rng: np.random.Generator
    ) -> Bits:
        """Return the states from which recalls begin: cues with lost and wrong bits."""
        items = Patterns.from_dense(spins > 0)
        return np.where(corrupted(items, probes, rng).to_dense(), 1, -1).astype(np.int8)


def _compared(items: Bits, ends: Bits, familiarity: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return rows of right, missing and extra bits and familiarity. Blank entries do not count."""
    return np.stack(
        [
            ((items > 0) & (ends > 0)).sum(axis=1),
            ((items > 0) & (ends < 0)).sum(axis=1),
            ((items < 0) & (ends > 0)).sum(axis=1),
            familiarity,
        ]
    )


@dataclass(frozen=True, kw_only=True)
class HopfieldSubject(SpinSubject):
    """A Hopfield network under test. The load alpha is the number of patterns for each cell.

    The fields are those of :class:`SpinSubject`.
    """

    def memory(self) -> HopfieldNetwork:
        """Return a Hopfield network of this size."""
        return HopfieldNetwork(self.n_cells, **self.options())

    def theory(self, measure: str) -> dict[str, float]:
        """Return the loads of 0.138 N and N/(2 ln N) patterns."""
        return {
            "load: 0.138 N": laws.HOPFIELD_LOAD,
            "load: N/(2 ln N)": laws.hopfield_error_free_capacity(self.n_cells) / self.n_cells,
        }


@dataclass(frozen=True, kw_only=True)
class DenseSubject(SpinSubject):
    """A dense associative memory under test. Load 1 is its capacity (:func:`.dense_capacity`).

    Parameters
    ----------
    n_cells, dynamics, temperature, max_sweeps
        As in :class:`SpinSubject`.
    p : int or "exp"
        Power of the energy.
    """

    n_cells: Annotated[int, Count(low=2, high=10**6)] = 60
    p: Power = 3

    aliases: ClassVar[dict[str, str]] = {"n": "n_cells"}

    @property
    def scale(self) -> float:
        """Error-free capacity K*."""
        return laws.dense_capacity(self.n_cells, self.p)

    @property
    def n_synapses(self) -> int:
        """Number of couplings of p cells, N choose p, or of all subsets for "exp"; at most 2^62."""
        n = self.n_cells
        if self.p == "exp":
            return 1 << min(n, 62)
        count: int = min(math.comb(n, min(self.p, n)), 2**62)
        return count

    def memory(self) -> DenseAssociativeMemory:
        """Return a dense associative memory of this size."""
        return DenseAssociativeMemory(self.n_cells, p=self.p, **self.options())

    def theory(self, measure: str) -> dict[str, float]:
        """Return load 1, with the law of the capacity as its name."""
        exponential = "2^(N/2)"
        power = "N^(p-1)/(2(2p-3)!! ln N)"
        return {f"load: {exponential if self.p == 'exp' else power}": 1.0}


@dataclass(frozen=True, kw_only=True)
class MultitaskingSubject(SpinSubject):
    """A multitasking network under test. The load is the number of patterns over ln N.

    Items are diluted patterns, and blank entries do not count in an answer. A cue holds the
    entries of its item. The fraction `cue_loss` of them is made blank, and the fraction
    `wrong_bits` has the wrong sign. In a recall, blank entries begin with the value of the first
    stored pattern that is not blank there, or at random.

    Parameters
    ----------
    n_cells, dynamics, temperature, max_sweeps
        As in :class:`SpinSubject`.
    dilution : float
        Probability of a blank entry.
    blanks : {"hierarchical", "random"}
        Values at which a recall begins where its cue is blank.
    """

    n_cells: Annotated[int, Count(low=2, high=10**6)] = 20_000
    dilution: Annotated[float, Probability()] = 0.3
    blanks: Annotated[str, Choice("hierarchical", "random")] = "hierarchical"

    aliases: ClassVar[dict[str, str]] = {"n": "n_cells", "d": "dilution"}

    @property
    def scale(self) -> float:
        """The number ln N. The number of patterns can grow no faster than it."""
        return math.log(self.n_cells)

    def material(self, n_items: int, seed: int) -> Bits:
        """Return diluted patterns, shape (n_items, n_cells)."""
        rng = own_rng(seed, "material")
        return diluted_patterns(n_items, self.n_cells, self.dilution, seed=rng)

    def memory(self) -> MultitaskingHebbian:
        """Return a multitasking network of this size."""
        return MultitaskingHebbian(self.n_cells, **self.options())

    def states(
        self, probes: Sequence[Probe], spins: Bits, memory: SpinMemory, rng: np.random.Generator
    ) -> Bits:
        """Return the cues with their blank entries filled."""
        starts = [spins[probe.item].copy() for probe in probes]
        for state, probe in zip(starts, probes, strict=True):
            entries = rng.permutation(np.flatnonzero(state))
            n_lost, n_wrong = (round(x * entries.size) for x in (probe.cue_loss, probe.wrong_bits))
            state[entries[:n_wrong]] *= -1
            state[entries[entries.size - n_lost :]] = 0
            for pattern in memory.patterns if self.blanks == "hierarchical" else ():
                np.copyto(state, pattern, where=state == 0)
            np.copyto(state, rng.choice(np.array([-1, 1], np.int8), state.size), where=state == 0)
        return np.stack(starts)
