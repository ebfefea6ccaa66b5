"""Translates the script of a trial into operations of a memory, and reads their answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ...codes import Patterns
from ...errors import UnsupportedError
from ...stress.answers import Answers
from ...stress.running import Run
from ...stress.subject import Probe, Task, own_rng
from .live import LiveMemory
from .operations import Learn, Operation, RecallContent, RecallCue

__all__ = ["Asked", "Script", "cue_recall", "rng_of", "timed"]


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A probe, with the operation that answers it and the right answer."""

    operation: int
    """Number of the operation, or -1 if the cue has no active bits left."""
    question: str
    wanted: frozenset[int]


@dataclass
class Script:
    """Operations of one trial."""

    memory: LiveMemory
    operations: list[Operation] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    holds: list[int] = field(default_factory=list)
    """Time (ms) that passes before each operation in addition to the spacing."""

    def add(self, operation: Operation, hold: int = 0) -> int:
        """Append an operation and return its number."""
        self.operations.append(operation)
        self.holds.append(hold)
        return len(self.operations) - 1

    def answers(self, run: Run, n_bits: int) -> Answers:
        """Return the answers to the probes from the answers to all operations.

        Recognition is answered by addresses, even where a recall is answered by contents. In this
        case the answers are not kept as patterns.
        """
        heard: Sequence[Any] = run.answers
        got: list[Any] = []
        n = len(self.asked)
        bits = np.zeros((3, n), np.int64)
        familiarity = np.full(n, np.nan)
        for k, item in enumerate(self.asked):
            answer = heard[item.operation] if item.operation >= 0 else frozenset()
            got.append(answer)
            right = len(item.wanted & answer)
            bits[:, k] = right, len(item.wanted) - right, len(answer) - right
            if item.question == "recognise":
                familiarity[k] = _familiarity(answer)
        costs = {**run.costs, "operations": float(len(self.operations))}
        shown: dict[str, Any] = {}
        if all(item.question == "recall" for item in self.asked):
            wanted = [item.wanted for item in self.asked]
            shown = {"wanted": Patterns(wanted, size=n_bits), "got": Patterns(got, size=n_bits)}
        return Answers(
            right=bits[0], missing=bits[1], extra=bits[2], n_bits=n_bits,
            familiarity=familiarity, costs=costs, **shown,
        )  # fmt: skip


def _familiarity(answer: Any) -> float:
    """Return how many bits of the fragment the best cue holds, or how many cues answer."""
    operation = getattr(answer, "operation", None)
    if isinstance(operation, RecallContent) and operation.match == "best":
        return float(answer.threshold or 0)
    return float(len(answer))


def timed(
    script: Script, learn: int | None, recall: int | None, recall_gap: float
) -> list[Operation]:
    """Return the operations with their starts, from spacings in ms. None means the safe spacing."""
    if learn is None and recall is None and not any(script.holds):
        return script.operations
    slots = script.memory._slots(script.operations, 0.0, True)
    operations, at = [], 0.0
    for item, hold in zip(slots, script.holds, strict=True):
        at += hold
        operations.append(replace(item.operation, at=at))
        length = item.stop - item.start
        if isinstance(item.operation, Learn):
            at += length if learn is None else learn
        else:
            # The time that several questions of one recall take does not change.
            at += length if recall is None else length - recall_gap + recall
    return operations


def cue_recall(cue: int, probe: Probe, name: str, remedy: str) -> RecallCue:
    """Return the operation that asks by a cue, which is one cell and cannot be incomplete."""
    if probe.cue_loss or probe.wrong_bits:
        raise UnsupportedError(
            f"{name}: a cue is one cell and cannot be lost in part, got cue_loss="
            f"{probe.cue_loss:g} and wrong_bits={probe.wrong_bits:g}; {remedy}."
        )
    return RecallCue(cue)


def rng_of(task: Task, purpose: str) -> np.random.Generator:
    """Return the random generator of one purpose of a trial of these memories."""
    return own_rng(task.seed, "ca3", purpose)
