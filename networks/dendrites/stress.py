"""Stress test of dendritic segments: patterns that a neuron should recognise, and others."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar

import numpy as np

from ...checks import Choice, Count, Flag, Probability
from ...codes import Patterns
from ...errors import DescriptionError
from ...stress.answers import Answers
from ...stress.conditions import Conditions
from ...stress.material import distinct_patterns, fragment, require_items
from ...stress.running import Run, run_models
from ...stress.subject import Study, Subject, Task, own_rng
from .neurons import ActiveDendriteNeurons, require_order
from .stress_sequences import SequenceSubject, summed
from .theory import population_false_positive_probability

__all__ = ["DendriteSubject", "SequenceSubject"]


@dataclass
class _Stretch:
    """Consecutive probes, and the neurons at the time of the probes."""

    neurons: ActiveDendriteNeurons
    rows: list[int] = field(default_factory=list)
    frames: list[Any] = field(default_factory=list)

    def patterns(self) -> Patterns:
        """Return the frames that are shown."""
        return Patterns(self.frames, size=self.neurons.n_inputs)


@dataclass
class _Trial:
    """What one trial asks."""

    stretches: list[_Stretch]
    questions: list[str]
    wanted: list[int]
    """Neuron that should respond to each probe, or -1 if the item is novel."""


@dataclass(frozen=True, kw_only=True)
class DendriteSubject(Subject):
    """:class:`ActiveDendriteNeurons` under test.

    Item k is a random pattern that neuron ``k % n_somas`` should recognise. The answer to a
    recall is the set of neurons that respond. An item is familiar if a neuron responds.

    Each trial has the numbers ``false_matches``, the fraction of the novel items to which a neuron
    responds, and ``misses``, the fraction of the studied ones to which theirs does not; those that
    the script asks about.

    Parameters
    ----------
    n_inputs, active : int
        Number of input cells, and of active cells in a pattern.
    overlap : float
        Fraction of a pattern's active cells that all patterns have in common.
    n_somas : int
        Number of neurons.
    n_segments, synapses_per_segment, patterns_per_segment : int
        As in :class:`ActiveDendriteNeurons`.
    theta : int
        Threshold of the segments.
    learning : {"store", "permanence"}
        "store" puts a pattern on a segment at once, and refuses it where there is no room.
        "permanence" presents it once to :meth:`ActiveDendriteNeurons.learn`, which takes the
        segment that was used longest ago where there is no room.
    graded : bool
        Familiarity on backend "expected": the overlap of the best segment, rather than the number
        of neurons that respond. A network of spiking cells tells the latter alone.
    """

    questions: ClassVar[frozenset[str]] = frozenset({"recall", "recognise"})
    unit: ClassVar[str] = "patterns"

    n_inputs: Annotated[int, Count()] = 2048
    active: Annotated[int, Count()] = 40
    overlap: Annotated[float, Probability()] = 0.0
    n_somas: Annotated[int, Count()] = 1
    n_segments: Annotated[int, Count()] = 128
    synapses_per_segment: Annotated[int, Count()] = 20
    theta: Annotated[int, Count()] = 10
    patterns_per_segment: Annotated[int, Count()] = 1
    learning: Annotated[str, Choice("store", "permanence")] = "store"
    graded: Annotated[bool, Flag()] = True

    def __post_init__(self) -> None:
        super().__post_init__()
        require_order(
            "DendriteSubject", n_inputs=self.n_inputs, active=self.active, theta=self.theta
        )
        require_order(
            "DendriteSubject", synapses_per_segment=self.synapses_per_segment, theta=self.theta
        )

    @property
    def scale(self) -> float:
        """Number of patterns that fit on the segments."""
        return float(self.n_somas * self.n_segments * self.patterns_per_segment)

    @property
    def n_synapses(self) -> int:
        """Number of synapses that fit on all segments."""
        room = min(self.synapses_per_segment * self.patterns_per_segment, self.n_inputs)
        return self.n_somas * self.n_segments * room

    @property
    def n_neurons(self) -> int:
        """Number of somas."""
        return self.n_somas

    def theory(self, measure: str) -> dict[str, float]:
        """Return the false matches of a full memory, one pattern on each segment (equation 8)."""
        if measure not in ("false_alarms", "false_matches") or self.patterns_per_segment > 1:
            return {}
        synapses = min(self.synapses_per_segment, self.active)
        chance = population_false_positive_probability(
            n=self.n_inputs, a=self.active, s=synapses, theta=self.theta, m=int(self.scale)
        )
        return {"value: at load 1 (Ahmad and Hawkins, equation 8)": float(chance)}

    def perform(self, tasks: Sequence[Task], conditions: Conditions) -> list[Answers]:
        """Carry out the trials. Probes between two studies run in one simulation."""
        trials = [self._trial(task) for task in tasks]
        parts = [
            (task, each) for task, t in zip(tasks, trials, strict=True) for each in t.stretches
        ]
        runs = run_models(
            [each.neurons for _, each in parts],
            [each.patterns() for _, each in parts],  # type: ignore[misc]
            conditions,
            [task.seed for task, _ in parts],
            build={"integrator": conditions.integrator},
        )
        found, first = [], 0
        for trial in trials:
            last = first + len(trial.stretches)
            found.append(self._answers(trial, runs[first:last], conditions))
            first = last
        return found

    def _trial(self, task: Task) -> _Trial:
        name = type(self).__name__
        require_items(task, name)
        patterns = distinct_patterns(
            task.n_items, size=self.n_inputs, active=self.active,
            shared=round(self.overlap * self.active), seed=own_rng(task.seed, "patterns"),
            where=name,
        )  # fmt: skip
        neurons = ActiveDendriteNeurons(
            self.n_inputs, n_neurons=self.n_somas, n_segments=self.n_segments,
            synapses_per_segment=self.synapses_per_segment, threshold=self.theta,
            patterns_per_segment=self.patterns_per_segment,
            seed=int(own_rng(task.seed, "neurons").integers(2**62)),
        )  # fmt: skip
        rng = own_rng(task.seed, "fragments")
        trial, studied = _Trial([], [], []), set()
        batch: list[int] = []
        open_stretch = False
        for event in task.script:
            if isinstance(event, Study):
                batch.append(event.item)
                studied.add(event.item)
                open_stretch = False
                continue
            if not open_stretch:
                if batch and trial.stretches:
                    neurons = deepcopy(neurons)
                self._study(neurons, patterns, batch)
                batch, open_stretch = [], True
                trial.stretches.append(_Stretch(neurons))
            stretch = trial.stretches[-1]
            stretch.rows.append(len(trial.wanted))
            stretch.frames.append(fragment(patterns[event.item], event, self.n_inputs, rng))
            trial.questions.append(event.question)
            known = event.item in studied
            trial.wanted.append(event.item % self.n_somas if known else -1)
        return trial

    def _study(self, neurons: ActiveDendriteNeurons, patterns: Patterns, items: list[int]) -> None:
        if not items:
            return
        owners = np.array(items) % self.n_somas
        if self.learning == "permanence":
            neurons.learn(patterns[items], owners)
            return
        room = int(self.scale) - int(neurons.n_patterns.sum())
        if len(items) > room:
            raise DescriptionError(
                f"DendriteSubject: the segments have room for {room} more patterns, got "
                f"{len(items)}; keep the load at 1 or below, or set learning='permanence'."
            )
        neurons.store(patterns[items], owners)

    def _answers(self, trial: _Trial, runs: Sequence[Run], conditions: Conditions) -> Answers:
        n = len(trial.wanted)
        bits = np.zeros((3, n), np.int64)
        responding = np.zeros(n, np.int64)
        familiarity = np.full(n, np.nan)
        for stretch, run in zip(trial.stretches, runs, strict=True):
            graded = None
            if self.graded and conditions.backend == "expected":
                graded = stretch.neurons.overlaps(stretch.patterns()).max(axis=(1, 2))
            for j, (row, neurons) in enumerate(zip(stretch.rows, run.answers, strict=True)):
                wanted = {trial.wanted[row]} - {-1}
                right = len(wanted & set(neurons.tolist()))
                bits[:, row] = right, len(wanted) - right, len(neurons) - right
                responding[row] = len(neurons)
                if trial.questions[row] == "recognise":
                    familiarity[row] = responding[row] if graded is None else graded[j]
        return Answers(
            right=bits[0], missing=bits[1], extra=bits[2], n_bits=self.n_somas,
            familiarity=familiarity, costs=summed(runs), numbers=_numbers(trial, bits, responding),
        )  # fmt: skip


def _numbers(trial: _Trial, bits: Any, responding: Any) -> dict[str, float]:
    known = np.array(trial.wanted) >= 0
    found = {}
    if known.any():
        found["misses"] = float(bits[1][known].mean())
    if not known.all():
        found["false_matches"] = float((responding[~known] > 0).mean())
    return found
