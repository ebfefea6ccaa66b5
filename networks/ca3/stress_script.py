"""From the script of a trial to the operations of a memory, and from their answers back."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...codes import Patterns, random_patterns
from ...errors import DescriptionError, UnsupportedError
from ...stress.answers import Answers
from ...stress.running import Run
from ...stress.subject import Probe, Task, own_rng
from .live import LiveMemory
from .operations import Learn, Operation, RecallContent, RecallCue

__all__ = ["Asked", "Script", "contents_of", "timed"]


def contents_of(
    n_items: int, n_contents: int, size: int, shared: int, rng: np.random.Generator, where: str
) -> Patterns:
    """Contents of `size` bits, all different, of which `shared` are the same in every one.

    Raises
    ------
    DescriptionError
        There are not so many.
    """
    free, own = n_contents - shared, size - shared
    if math.comb(free, own) < n_items:
        raise DescriptionError(
            f"{where}: there are only {math.comb(free, own)} contents of {size} of {n_contents} "
            f"bits with {shared} shared ones, got {n_items} items; give more content bits, or "
            f"less overlap."
        )
    order = rng.permutation(n_contents)
    core, rest = order[:shared], order[shared:]
    rows: dict[bytes, NDArray[np.int64]] = {}
    while len(rows) < n_items:
        drawn = random_patterns(n_items - len(rows), size=free, active=own, seed=rng)
        for row in drawn:
            rows.setdefault(row.tobytes(), np.sort(np.concatenate([core, rest[row]])))
    return Patterns(list(rows.values()), size=n_contents)


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One probe: which operation answers it, and what the right answer is."""

    operation: int
    """Number of the operation; -1 if nothing was left to ask with."""
    question: str
    wanted: frozenset[int]


@dataclass
class Script:
    """Operations of one trial."""

    memory: LiveMemory
    operations: list[Operation] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    holds: list[int] = field(default_factory=list)
    """Time (ms) that passes before each operation besides the spacing."""

    def add(self, operation: Operation, hold: int = 0) -> int:
        """Append an operation; returns its number."""
        self.operations.append(operation)
        self.holds.append(hold)
        return len(self.operations) - 1

    def answers(self, run: Run, n_bits: int) -> Answers:
        """Answers to the probes, from those to all operations."""
        heard: Sequence[Any] = run.answers
        n = len(self.asked)
        bits = np.zeros((3, n), np.int64)
        familiarity = np.full(n, np.nan)
        for k, item in enumerate(self.asked):
            answer = heard[item.operation] if item.operation >= 0 else frozenset()
            right = len(item.wanted & answer)
            bits[:, k] = right, len(item.wanted) - right, len(answer) - right
            if item.question == "recognise":
                familiarity[k] = _familiarity(answer)
        costs = {**run.costs, "operations": float(len(self.operations))}
        return Answers(
            right=bits[0], missing=bits[1], extra=bits[2], n_bits=n_bits,
            familiarity=familiarity, costs=costs,
        )  # fmt: skip


def _familiarity(answer: Any) -> float:
    """Bits of the fragment that the best cue holds; how many cues answer if only that is asked."""
    operation = getattr(answer, "operation", None)
    if isinstance(operation, RecallContent) and operation.match == "best":
        return float(answer.threshold or 0)
    return float(len(answer))


def timed(
    script: Script, learn: int | None, recall: int | None, recall_gap: float
) -> list[Operation]:
    """The operations, each with its start; `learn` and `recall` are spacings in ms, None: safe."""
    if learn is None and recall is None and not any(script.holds):
        return script.operations
    placed = script.memory._place(script.operations, 0.0, True)
    found, at = [], 0.0
    for item, hold in zip(placed, script.holds, strict=True):
        at += hold
        found.append(replace(item.operation, at=at))
        length = item.stop - item.start
        if isinstance(item.operation, Learn):
            at += length if learn is None else learn
        else:
            # What several questions of one recall take is left as it is.
            at += length if recall is None else length - recall_gap + recall
    return found


def fragment(
    content: NDArray[Any], probe: Probe, n_contents: int, rng: np.random.Generator
) -> list[int]:
    """Bits of a content that are left in a probe, and the wrong ones that came to them."""
    kept = round(content.size * (1.0 - probe.cue_loss))
    wrong = round(content.size * probe.wrong_bits)
    bits = content if kept == content.size else rng.permutation(content)[:kept]
    if not wrong:
        return list(bits.tolist())
    silent = np.setdiff1d(np.arange(n_contents), content)
    if wrong > silent.size:
        raise DescriptionError(
            f"stress: wrong_bits={probe.wrong_bits:g} needs {wrong} silent content bits, and "
            f"there are {silent.size}."
        )
    return [*bits.tolist(), *rng.choice(silent, wrong, replace=False).tolist()]


def cue_recall(cue: int, probe: Probe, name: str) -> RecallCue:
    """The operation that asks a cue; a cue is one of many, and nothing of it can be missing."""
    if probe.cue_loss or probe.wrong_bits:
        raise UnsupportedError(
            f"{name}: a cue is one cell and can't be lost in part; set probe='content' to vary "
            f"cue_loss and wrong_bits."
        )
    return RecallCue(cue)


def require_items(task: Task, name: str) -> None:
    """Refuse a script about items that it does not have."""
    for event in task.script:
        if not 0 <= event.item < task.n_items:
            raise DescriptionError(
                f"{name}: item must be from 0 to {task.n_items - 1} (n_items), got {event.item}."
            )


def rng_of(task: Task, purpose: str) -> np.random.Generator:
    """Random generator of one purpose of a trial of these memories."""
    return own_rng(task.seed, "ca3", purpose)
