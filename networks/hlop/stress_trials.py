"""A trial of a stress test of a continual learner: its tasks, its tests, and its answers."""

from __future__ import annotations

import copy
import functools
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...stress.answers import Answers
from ...stress.material import require_items
from ...stress.subject import Probe, Task, own_rng
from .energy import captured_energy
from .tasks import DEVIATION, MEAN

__all__ = ["Asked", "StressTrial"]

_Samples = NDArray[np.float32]
_Classes = NDArray[np.int64]


class Asked(NamedTuple):
    """Test samples of one or more probes, and the model at the time of the test."""

    model: Any
    x: _Samples
    rows: list[int]
    """Numbers of the probes, in the order of their samples."""
    head: int | None
    """Task whose outputs are read, or None if all tasks share the outputs."""
    first: int
    """Number of the event of the script with which the probes begin."""


class StressTrial:
    """Carries out a script and keeps the answers.

    Parameters
    ----------
    subject : HLOPSubject
        Subject under test.
    task : Task
        Material and script of the trial.
    """

    def __init__(self, subject: Any, task: Task) -> None:
        require_items(task, "HLOPSubject")
        self.subject, self.task = subject, task
        self.model = subject.model(int(own_rng(task.seed, "model").integers(2**31)))
        self.probes = [event for event in task.script if isinstance(event, Probe)]
        self.right = np.zeros(len(self.probes), dtype=np.int64)
        self.familiarity = np.full(len(self.probes), np.nan)
        self.before = np.full(len(self.probes), np.nan)
        self.numbers: dict[int, int] = {}
        self.when_learnt: dict[int, float] = {}
        self.costs: dict[str, float] = {}

    def parts(self) -> Iterator[Asked]:
        """Learn the tasks of the script, and yield the tests between them."""
        row = 0
        waiting: list[int] = []
        for k, event in enumerate(self.task.script):
            if isinstance(event, Probe):
                waiting.append(row)
                row += 1
                continue
            if waiting:
                yield from self._asked(waiting, k)
                waiting = []
            self._learn(event.item)
        if waiting:
            yield from self._asked(waiting, len(self.task.script))

    def _learn(self, item: int) -> None:
        x, y, test_x, test_y = self._data(item)
        number = self.numbers.setdefault(item, len(self.numbers))
        self.model.learn_task(x, y, task=number)
        head = number if self.subject.heads == "task" else None
        self.when_learnt[item] = float(np.mean(self.model.predict(test_x, head) == test_y))

    def _asked(self, rows: list[int], event: int) -> Iterator[Asked]:
        """Yield the tests of these probes, grouped by head."""
        model = copy.copy(self.model)
        by_head: dict[int | None, list[int]] = {}
        for row in rows:
            probe = self.probes[row]
            self.before[row] = self.when_learnt.get(probe.item, np.nan)
            if probe.question == "recognise":
                energy = captured_energy(model, self._test(row)) if self.numbers else [0.0]
                self.familiarity[row] = float(np.nanmean(energy))
            if self.subject.heads == "task" and probe.item not in self.numbers:
                continue
            head = self.numbers[probe.item] if self.subject.heads == "task" else None
            by_head.setdefault(head, []).append(row)
        for head, mine in by_head.items():
            x = np.concatenate([self._test(row) for row in mine])
            yield Asked(model, x, mine, head, event)

    def _test(self, row: int) -> _Samples:
        """Return the test samples of a probe, whole or corrupted."""
        probe = self.probes[row]
        x = self._data(probe.item)[2]
        if not (probe.cue_loss or probe.wrong_bits):
            return x
        rng = own_rng(self.task.seed, "cue", row)
        n = x.shape[1]
        x, others = x.copy(), x[rng.permutation(len(x))]
        dark = self._brightness(np.zeros(1))[0] if self.subject.data == "digits" else 0.0
        for sample, other in zip(x, others, strict=True):
            order = rng.permutation(n)
            wrong = order[: round(probe.wrong_bits * n)]
            sample[wrong] = other[wrong]
            sample[rng.permutation(n)[: round(probe.cue_loss * n)]] = dark
        return x

    def _brightness(self, values: NDArray[Any]) -> _Samples:
        """Convert brightness from 0 to 1 to the input scale of the network."""
        if self.subject.spiking_form:
            return values.astype(np.float32)
        return ((values - MEAN) / DEVIATION).astype(np.float32)

    def _data(self, item: int) -> tuple[_Samples, _Classes, _Samples, _Classes]:
        """Return training samples and classes, and test samples and classes."""
        digits = self.subject.data == "digits"
        return self._digits(item) if digits else self._gaussian(item)

    def _digits(self, item: int) -> tuple[_Samples, _Classes, _Samples, _Classes]:
        images, labels, n_learn = _all_digits()
        subject, seed = self.subject, self.task.seed
        order = own_rng(seed, "permutation", item).permutation(images.shape[1])
        some = own_rng(seed, "samples").permutation(n_learn)[: subject.samples]
        last = n_learn + own_rng(seed, "tests").permutation(len(images) - n_learn)
        last = last[: subject.tests]
        pixels = self._brightness(images)[:, order]
        return pixels[some], labels[some], pixels[last], labels[last]

    def _gaussian(self, item: int) -> tuple[_Samples, _Classes, _Samples, _Classes]:
        subject = self.subject
        rng = own_rng(self.task.seed, "classes", item)
        centres = rng.normal(size=(subject.n_classes, subject.n_inputs))
        centres *= subject.separation / np.linalg.norm(centres, axis=1, keepdims=True)
        parts: list[Any] = []
        for n in (subject.samples, subject.tests):
            y = rng.integers(subject.n_classes, size=n)
            x = centres[y] + rng.normal(size=(n, subject.n_inputs))
            if subject.spiking_form:
                # A standard deviation is an eighth of the range.
                x = np.clip(0.5 + x / 8, 0.0, 1.0)
            parts += [x.astype(np.float32), y]
        return parts[0], parts[1], parts[2], parts[3]

    def read(self, part: Asked, labels: Sequence[Any] | NDArray[Any]) -> None:
        """Compare the answered classes with the right ones."""
        found = np.asarray(labels).reshape(len(part.rows), -1)
        for row, said in zip(part.rows, found, strict=True):
            self.right[row] = np.count_nonzero(said == self._data(self.probes[row].item)[3])

    def answers(self) -> Answers:
        """Return the answers to all tests."""
        subject = self.subject
        wrong = subject.tests - self.right
        accuracy = self.right / subject.tests
        known = np.isfinite(self.before)
        numbers = {"accuracy": float(accuracy.mean())} if len(accuracy) else {}
        if known.any():
            numbers["accuracy_when_learnt"] = float(self.before[known].mean())
            numbers["backward_transfer"] = float((accuracy - self.before)[known].mean())
        return Answers(
            right=self.right, missing=wrong, extra=wrong.copy(),
            n_bits=subject.tests * subject.n_classes,
            exact=accuracy >= subject.pass_mark - 1e-12,
            familiarity=self.familiarity,
            costs={"operations": float(len(self.task.script)), **self._footprint(), **self.costs},
            numbers=numbers,
        )  # fmt: skip

    def _footprint(self) -> dict[str, float]:
        return {"footprint": float(sum(self.model.memory_bytes().values()))}


@functools.lru_cache(maxsize=1)
def _all_digits() -> tuple[NDArray[np.float64], _Classes, int]:
    """Return brightness, classes, and the number of digits that are not used for tests."""
    from ...data import read_images

    digits = read_images("digits")
    flat = digits.images.reshape(len(digits.images), -1) / float(digits.brightest or 16)
    return flat, digits.labels.astype(np.int64), len(flat) - len(flat) // 6
