"""Stress test of the Willshaw memory: sparse random patterns on perfect or faulty synapses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import numpy as np

from ...checks import Choice, Count, Optional
from ...codes import Patterns, random_patterns
from ...errors import DescriptionError
from ...stress.answers import Answers
from ...stress.conditions import Conditions
from ...stress.subject import Probe, Subject, Task, own_rng
from . import willshaw_laws as laws
from .phases import corrupted, phases, require_plain
from .willshaw import Threshold, WillshawMemory

__all__ = ["WillshawSubject"]


@dataclass(frozen=True, kw_only=True)
class WillshawSubject(Subject):
    """A Willshaw memory under test. At load 1 half of its synapses are expected to be set.

    Parameters
    ----------
    kind : {"hetero", "auto"}
        Whether an item is a pair of patterns or one pattern. An auto-associative memory is asked
        by parts of its items, because without `cue_loss` the cue is the answer.
    n_cells : int
        Number of input cells.
    n_outputs : int, optional
        Number of output cells of a hetero-associative memory. Default: `n_cells`.
    active, active_outputs : int, optional
        Active cells of an input and of an output. Default: log2 of the number of output cells,
        rounded.
    threshold : {"cue", "winners"}
        As in :class:`.willshaw.WillshawMemory`.
    steps : int
        Largest number of steps of an auto-associative recall.
    """

    questions: ClassVar[frozenset[str]] = frozenset({"recall", "recognise"})
    spiking: ClassVar[bool] = False
    follows: ClassVar[frozenset[str]] = frozenset({"synapse_failure", "stuck"})
    unit: ClassVar[str] = "patterns"
    aliases: ClassVar[dict[str, str]] = {"n": "n_cells", "k": "active"}

    kind: Annotated[str, Choice("hetero", "auto")] = "hetero"
    n_cells: Annotated[int, Count(low=2, high=10**6)] = 1000
    n_outputs: Annotated[int, Optional(Count(low=2, high=10**6))] | None = None
    active: Annotated[int, Optional(Count())] | None = None
    active_outputs: Annotated[int, Optional(Count())] | None = None
    threshold: Threshold = "cue"
    steps: Annotated[int, Count(high=1000)] = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.kind == "auto" and (self.n_outputs, self.active_outputs) != (None, None):
            raise DescriptionError(
                'WillshawSubject: n_outputs and active_outputs need kind="hetero"; the outputs '
                "of an auto-associative memory are its inputs."
            )
        if self.kind == "hetero" and self.steps > 1:
            raise DescriptionError('WillshawSubject: steps above 1 need kind="auto".')
        (a_in, n_in), (a_out, n_out) = self.sizes
        if a_in >= n_in or a_out >= n_out:
            raise DescriptionError(
                f"WillshawSubject: active cells must be fewer than all cells, got {a_in} of {n_in} "
                f"inputs and {a_out} of {n_out} outputs."
            )

    @property
    def sizes(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """Number of active cells and of all cells, for the inputs and for the outputs."""
        n_out = self.n_cells if self.n_outputs is None else self.n_outputs
        usual = max(round(laws.willshaw_sparsity(n_out)), 1)
        a_in = usual if self.active is None else self.active
        if self.kind == "auto":
            return (a_in, self.n_cells), (a_in, self.n_cells)
        a_out = usual if self.active_outputs is None else self.active_outputs
        return (a_in, self.n_cells), (a_out, n_out)

    @property
    def scale(self) -> float:
        """Number of patterns after which half of the synapses are expected to be set."""
        return laws.willshaw_capacity(*(active / n for active, n in self.sizes))

    @property
    def n_synapses(self) -> int:
        """Number of binary synapses."""
        return self.sizes[0][1] * self.sizes[1][1]

    @property
    def n_neurons(self) -> int:
        """Number of output cells."""
        return self.sizes[1][1]

    def memory(self) -> WillshawMemory:
        """Return a memory with these settings, in which nothing is stored."""
        (_, n_in), (a_out, n_out) = self.sizes
        return WillshawMemory(
            n_in,
            None if self.kind == "auto" else n_out,
            threshold=self.threshold,
            n_winners=a_out if self.threshold == "winners" else None,
            steps=self.steps,
        )

    def perform(self, tasks: Sequence[Task], conditions: Conditions) -> list[Answers]:
        """Carry out the trials. Synapses can fail or be stuck (see :meth:`Subject.perform`)."""
        require_plain(conditions, "WillshawMemory", *self.follows)
        return [self._perform(task, conditions) for task in tasks]

    def _perform(self, task: Task, conditions: Conditions) -> Answers:
        (a_in, n_in), (a_out, n_out) = self.sizes
        rng = own_rng(task.seed, "material")
        inputs = random_patterns(task.n_items, size=n_in, active=a_in, seed=rng)
        outputs = inputs
        if self.kind == "hetero":
            outputs = random_patterns(task.n_items, size=n_out, active=a_out, seed=rng)
        memory, cues = self.memory(), own_rng(task.seed, "cues")
        parts: list[Answers] = []
        for is_probe, events in phases(task.script):
            if not is_probe:
                items = [study.item for study in events]
                pairs = (inputs[items],) if self.kind == "auto" else (inputs[items], outputs[items])
                memory.store(*pairs)
                continue
            for probe in events:
                self.require(probe.question, "perform")
            asked = self._disturbed(memory, conditions, task.seed)
            parts.append(_answers(asked, events, outputs, corrupted(inputs, events, cues)))
        familiarity = [x for part in parts for x in part.familiarity.tolist()]
        return Answers.compared(
            _joined([part.wanted for part in parts], n_out),
            _joined([part.got for part in parts], n_out),
            familiarity=np.array(familiarity, np.float64),
            costs={"operations": float(len(task.script)), "footprint": self.n_synapses / 8,
                   "connection_sparsity": 1.0 - memory.density},
        )  # fmt: skip

    def _disturbed(self, memory: WillshawMemory, conditions: Conditions, seed: int) -> Any:
        """Return the memory with the faulty synapses of this trial, which stay the same."""
        if not conditions.synapse_failure and not conditions.stuck:
            return memory
        return memory.with_faults(
            failed=conditions.synapse_failure, stuck=conditions.stuck,
            seed=own_rng(seed, "faults"),
        )  # fmt: skip

    def theory(self, measure: str) -> dict[str, float]:
        """Return the load of a half-full memory, and the bound ln 2 for information per synapse."""
        laws_of_measure = {"load: half of the synapses set": 1.0}
        if measure == "information_per_synapse":
            laws_of_measure["value: ln 2"] = laws.WILLSHAW_BITS_PER_SYNAPSE
        return laws_of_measure


def _answers(
    memory: WillshawMemory, probes: Sequence[Probe], outputs: Patterns, cues: Patterns
) -> Answers:
    """Return the answers to consecutive probes."""
    recalling = np.array([probe.question == "recall" for probe in probes])
    # A recognition has no recalled bits to compare, so its answer counts as the item.
    wanted = outputs[[probe.item for probe in probes]]
    rows = iter(memory.recall(cues[np.flatnonzero(recalling)]))
    got = Patterns([next(rows) if recall else wanted[k] for k, recall in enumerate(recalling)],
                   size=wanted.size)  # fmt: skip
    familiar = np.full(len(probes), np.nan)
    familiar[~recalling] = memory.familiarity(cues[np.flatnonzero(~recalling)])
    return Answers.compared(wanted, got, familiarity=familiar)


def _joined(parts: Sequence[Patterns | None], size: int) -> Patterns:
    """Join the rows of several sets of patterns."""
    return Patterns([row for part in parts if part is not None for row in part], size=size)
