"""Stress test of the sequence memory: prediction, recognition and order."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ...checks import Choice, Count, Optional
from ...codes import Patterns
from ...errors import DescriptionError, UnsupportedError
from ...stress.answers import Answers
from ...stress.conditions import Conditions
from ...stress.material import distinct_patterns, fragment, require_items
from ...stress.running import Run, run_models
from ...stress.subject import Probe, Study, Subject, Task, own_rng
from .neurons import require_order
from .segments import PermanenceRule
from .temporal import TemporalMemory

__all__ = ["SequenceSubject"]


@dataclass
class _Stretch:
    """Consecutive probes, and the memory at the time of the probes."""

    memory: TemporalMemory
    rows: list[int] = field(default_factory=list)
    events: list[Probe] = field(default_factory=list)
    shown: list[Patterns] = field(default_factory=list)
    """Sequence that the memory is shown for each probe."""


@dataclass
class _Trial:
    """What one trial asks."""

    sequences: list[Patterns]
    stretches: list[_Stretch]
    n_rows: int
    rng: np.random.Generator
    """Random generator of the guesses."""


@dataclass(frozen=True, kw_only=True)
class SequenceSubject(Subject):
    """A :class:`TemporalMemory` under test; each item is a sequence of frames.

    A recall shows the first frames of a sequence and asks for the next one. The answer is the set
    of columns that the memory predicts. The familiarity of a sequence is the fraction of active
    columns that were predicted, averaged over its frames except the first.

    Where a script asks about order, the sequences are learnt as episodes of one stream, so that
    the end of each predicts the beginning of the next. The question which of two came first is
    answered by replay: the memory is shown the first frame of one and then its own predictions as
    frames, until it comes to the other. If it gets from the one to the other and not back, or
    sooner, that one came first; if it gets nowhere, it guesses. That takes backend "expected", for
    a network of spiking cells is not given its own predictions as input.

    Parameters
    ----------
    n_columns, active : int
        Number of columns, and of active columns in a frame.
    cells_per_column, synapses_per_segment : int
        As in :class:`TemporalMemory`.
    theta : int
        Threshold of the segments.
    length : int
        Number of frames of a sequence, at least 2.
    alphabet : int, optional
        Number of different frames from which all sequences are drawn. Fewer frames mean that more
        of them are shared. A sequence has no frame twice. Default: every sequence has frames of
        its own.
    prefix : int, optional
        Frames that a recall shows, 1 to ``length - 1``. Default: all but the last.
    passes : int
        Largest number of times that sequences studied together are shown.
    one_shot : bool
        Whether a synapse is connected as soon as it grows.
    studied : {"alone", "together"}
        Whether each sequence is shown until it is known before the next one comes, or those that
        are studied between two probes are shown in turn.
    """

    questions: ClassVar[frozenset[str]] = frozenset({"recall", "recognise", "order"})
    unit: ClassVar[str] = "sequences"

    n_columns: Annotated[int, Count()] = 512
    active: Annotated[int, Count()] = 20
    cells_per_column: Annotated[int, Count()] = 8
    synapses_per_segment: Annotated[int, Count()] = 20
    theta: Annotated[int, Count()] = 10
    length: Annotated[int, Count(low=2)] = 4
    alphabet: Annotated[int | None, Optional(Count(low=2))] = None
    prefix: Annotated[int | None, Optional(Count())] = None
    passes: Annotated[int, Count()] = 10
    one_shot: bool = False
    studied: Annotated[str, Choice("alone", "together")] = "together"

    def __post_init__(self) -> None:
        super().__post_init__()
        name = "SequenceSubject"
        require_order(name, n_columns=self.n_columns, active=self.active, theta=self.theta)
        require_order(name, synapses_per_segment=self.synapses_per_segment, theta=self.theta)
        if self.prefix is not None and self.prefix >= self.length:
            raise DescriptionError(
                f"{name}: prefix must be below length={self.length}, got {self.prefix}."
            )
        if self.alphabet is not None and self.alphabet < self.length:
            raise DescriptionError(
                f"{name}: alphabet must be at least length={self.length}, got {self.alphabet}."
            )

    @property
    def scale(self) -> float:
        """Number of sequences whose frames together use every cell once."""
        return self.n_columns * self.cells_per_column / (self.active * self.length)

    @property
    def n_synapses(self) -> int:
        """Number of synapses with one segment for each cell."""
        return self.n_columns * self.cells_per_column * self.synapses_per_segment

    @property
    def n_neurons(self) -> int:
        """Number of cells of all columns."""
        return self.n_columns * self.cells_per_column

    def perform(self, tasks: Sequence[Task], conditions: Conditions) -> list[Answers]:
        """Carry out the trials. Probes between two studies run in one simulation."""
        if conditions.backend != "expected" and any(_asks_order(task) for task in tasks):
            raise UnsupportedError(
                "SequenceSubject: questions about order need backend 'expected', where the memory "
                f"is shown its own predictions; got {conditions.backend!r}."
            )
        trials = [self._trial(task) for task in tasks]
        parts = [(task, s) for task, t in zip(tasks, trials, strict=True) for s in t.stretches]
        runs = run_models(
            [each.memory for _, each in parts],
            [each.shown for _, each in parts],
            conditions,
            [task.seed for task, _ in parts],
            build={"integrator": conditions.integrator},
        )
        found, first = [], 0
        for trial in trials:
            last = first + len(trial.stretches)
            found.append(self._answers(trial, runs[first:last]))
            first = last
        return found

    def _trial(self, task: Task) -> _Trial:
        require_items(task, "SequenceSubject")
        sequences = self._sequences(task)
        rule = PermanenceRule()
        if self.one_shot:
            rule = PermanenceRule(initial=rule.connect)
        memory = TemporalMemory(
            self.n_columns, cells_per_column=self.cells_per_column,
            synapses_per_segment=self.synapses_per_segment, threshold=self.theta, rule=rule,
            seed=int(own_rng(task.seed, "memory").integers(2**62)),
        )  # fmt: skip
        rng, chained = own_rng(task.seed, "fragments"), _asks_order(task)
        trial = _Trial(sequences, [], 0, own_rng(task.seed, "guesses"))
        batch: list[int] = []
        last, asking = -1, False
        for event in task.script:
            if isinstance(event, Study):
                batch.append(event.item)
                asking = False
                continue
            if not asking:
                if batch and trial.stretches:
                    memory = deepcopy(memory)
                self._study(memory, [sequences[k] for k in batch], chained,
                            sequences[last] if last >= 0 else None)  # fmt: skip
                last = batch[-1] if batch else last
                batch, asking = [], True
                trial.stretches.append(_Stretch(memory))
            stretch = trial.stretches[-1]
            stretch.rows.append(trial.n_rows)
            stretch.events.append(event)
            stretch.shown.append(self._shown(sequences[event.item], event, rng))
            trial.n_rows += 1
        return trial

    def _sequences(self, task: Task) -> list[Patterns]:
        n = task.n_items * self.length if self.alphabet is None else self.alphabet
        frames = distinct_patterns(
            n, size=self.n_columns, active=self.active, seed=own_rng(task.seed, "frames"),
            where="SequenceSubject",
        )  # fmt: skip
        if self.alphabet is None:
            return [frames[k * self.length : (k + 1) * self.length] for k in range(task.n_items)]
        rng = own_rng(task.seed, "letters")
        rows = [rng.permutation(n)[: self.length] for _ in range(task.n_items)]
        return [frames[row] for row in rows]

    def _study(
        self, memory: TemporalMemory, batch: list[Patterns], chained: bool, before: Any
    ) -> None:
        """Show the sequences that are studied together, as one stream if order is asked."""
        if not batch:
            return
        if chained:
            stream = batch if before is None else [before, *batch]
            whole = Patterns([row for frames in stream for row in frames], size=self.n_columns)
            memory.learn([whole], passes=self.passes)
        elif self.studied == "alone":
            for frames in batch:
                memory.learn([frames], passes=self.passes)
        else:
            memory.learn(batch, passes=self.passes)

    def _shown(self, frames: Patterns, probe: Probe, rng: np.random.Generator) -> Patterns:
        n = self.length
        if probe.question == "recall":
            n = self.length - 1 if self.prefix is None else self.prefix
        if probe.question == "order":
            n = 1
        rows = [fragment(row, probe, self.n_columns, rng) for row in frames[:n]]
        return Patterns(rows, size=self.n_columns)

    def _answers(self, trial: _Trial, runs: Sequence[Run]) -> Answers:
        n = trial.n_rows
        bits = np.zeros((3, n), np.int64)
        familiarity, first = np.full(n, np.nan), np.zeros(n, np.bool_)
        for stretch, run in zip(trial.stretches, runs, strict=True):
            replays = _Replays(stretch.memory, trial.sequences)
            for row, event, shown, answer in zip(
                stretch.rows, stretch.events, stretch.shown, run.answers, strict=True
            ):
                if event.question == "recall":
                    wanted = trial.sequences[event.item][len(shown)]
                    bits[:, row] = _shared(wanted, answer.predictions[-1])
                elif event.question == "recognise":
                    familiarity[row] = 1.0 - float(answer.novelty[1:].mean())
                else:
                    found = replays.first(event.item, event.other, shown[0])
                    first[row] = trial.rng.random() < 0.5 if found is None else found
        return Answers(
            right=bits[0], missing=bits[1], extra=bits[2], n_bits=self.n_columns,
            familiarity=familiarity, first=first, costs=summed(runs),
        )  # fmt: skip


def _asks_order(task: Task) -> bool:
    return any(isinstance(e, Probe) and e.question == "order" for e in task.script)


def _shared(wanted: NDArray[Any], got: NDArray[Any]) -> tuple[int, int, int]:
    right = int(np.intersect1d(wanted, got).size)
    return right, wanted.size - right, got.size - right


class _Replays:
    """Replays of a memory, which receives its own predictions as input."""

    def __init__(self, memory: TemporalMemory, sequences: Sequence[Patterns]) -> None:
        self._memory, self._sequences = memory, sequences
        self._copy: TemporalMemory | None = None

    def first(self, item: int, other: int, frame: NDArray[Any]) -> bool | None:
        """Return whether `item`, begun with this frame, is before `other`, or None if unknown."""
        there = self._steps(frame, other)
        back = self._steps(self._sequences[other][0], item)
        if there == back:
            return None
        return back is None or (there is not None and there < back)

    def _steps(self, frame: NDArray[Any], goal: int) -> int | None:
        """Return the steps from a frame to the beginning of a sequence, or None if not reached."""
        if self._copy is None:
            self._copy = deepcopy(self._memory)
        memory, wanted = self._copy, set(self._sequences[goal][0].tolist())
        memory.reset()
        columns = frame
        most = sum(len(frames) for frames in self._sequences)
        for k in range(most):
            memory.step(columns)
            columns = memory.predicted_columns
            if not columns.size:
                return None
            if 2 * len(wanted & set(columns.tolist())) > max(len(wanted), columns.size):
                return k + 1
        return None


def summed(runs: Sequence[Run]) -> dict[str, float]:
    """Return the costs of one trial: sums of totals, and sizes and fractions of the last run."""
    found: dict[str, float] = {}
    for run in runs:
        for name, value in run.costs.items():
            total = name in ("spikes", "synaptic_operations", "duration", "operations", "energy")
            found[name] = found.get(name, 0.0) + value if total else value
    return found
