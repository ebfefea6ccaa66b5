"""Baselines with the same trainer: joint training, replay, rehearsal and EWC."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from ...checks import Choice, Count, Flag, Quantity, checked
from ...errors import StorageError
from ...schedules import GANDHI, RehearsalSchedule
from .baseline_references import KIRKPATRICK
from .learner import Learner, initial_weights
from .penalty import QuadraticPenalty
from .store import SampleStore
from .strategies import Batch, Strategy
from .trainers.base import Step

__all__ = ["EWC", "Joint", "Rehearsal", "Replay"]

ALL = 2**31 - 1
_TOGETHER = 64
"""Number of samples whose Fisher information is computed together."""
_Bytes = Annotated[int, Count()]
_Stored = Annotated[str, Choice("float32", "uint8", what="type")]
_PerClass = Annotated[int, Count()]


class _StoringStrategy(Strategy):
    """Base of the strategies that keep samples of earlier tasks."""

    def __init__(
        self, learner: Learner, per_class: int, n_bytes: int | None, stored_as: str
    ) -> None:
        super().__init__(learner)
        self.per_class, self.n_bytes, self.stored_as = per_class, n_bytes, stored_as
        self._kept = SampleStore(per_class, n_bytes=n_bytes, stored_as=stored_as)

    @property
    def store(self) -> SampleStore:
        """Stored samples."""
        return self._kept

    def keep(self, data: Batch, task: int) -> None:
        """Store samples of one task, chosen with a random stream for this task."""
        # The store is made anew each time, so that a resumed learner chooses the same samples.
        store = SampleStore(
            self.per_class,
            n_bytes=self.n_bytes,
            stored_as=self.stored_as,
            seed=self.learner.rng("store"),
        )
        store.restore(self._kept.arrays())
        store.add(data.x, data.y, task)
        self._kept = store

    def kept(self) -> list[Batch]:
        """Return all stored samples, one batch for each task."""
        return [_batch(*self._kept.samples(task), task) for task in self._kept.tasks]

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the stored samples."""
        return {f"samples {name}": array for name, array in self._kept.arrays().items()}

    def restore(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Restore the state from :meth:`arrays`."""
        inner = {name.removeprefix("samples "): array for name, array in arrays.items()}
        self._kept.restore(inner)


class Joint(_StoringStrategy):
    """Joint training on the new task and all earlier ones: the upper bound.

    All samples are stored, and the cost of a task grows with the number of tasks.

    Parameters
    ----------
    restart : bool
        Whether each task starts from the initial weights.
    """

    @checked
    def __init__(self, learner: Learner, *, restart: Annotated[bool, Flag()] = False) -> None:
        super().__init__(learner, ALL, None, "float32")
        self.restart = restart

    def before_task(self, task: int) -> None:
        """Reset the weights if `restart` is true."""
        if self.restart and self.learner.n_learnt:
            fresh = Learner(self.learner.plan, initial_weights(self.learner.plan))
            fresh.grow_heads(self.learner.n_heads)
            for weight, new in zip(self.learner.weights, fresh.weights, strict=True):
                weight.copy_(new)

    def dataset(self, data: Batch) -> Batch:
        """Return the new samples and all earlier ones."""
        again = int(data.task[0]) if len(data.task) else -1
        return _joined([data, *(part for part in self.kept() if part.task[0] != again)])

    def after_task(self, task: int, data: Batch) -> None:
        """Store all samples."""
        self.keep(data, task)


class Replay(_StoringStrategy):
    """Memory replay: after each task, the network trains again on stored samples of each class.

    Source: the replay of Xiao et al. (2024), with 50 samples of each class. After each task, it
    trains one more epoch (20 for larger images) on all stored samples, with a learning rate of
    0.01.

    Parameters
    ----------
    per_class : int
        Number of stored samples of each class of each task.
    epochs : int
        Number of epochs over the stored samples after each task.
    learning_rate : float
        Learning rate for stored samples.
    n_bytes : int, optional
        Largest memory of all stored samples, bytes, for comparisons at equal memory. All classes of
        all tasks share it. Default: no limit.
    stored_as : "float32" or "uint8"
        Type of the stored numbers; see :class:`SampleStore`.
    """

    @checked
    def __init__(
        self,
        learner: Learner,
        *,
        per_class: _PerClass = 50,
        epochs: Annotated[int, Count()] = 1,
        learning_rate: Annotated[float, Quantity(above=0.0)] = 0.01,
        n_bytes: _Bytes | None = None,
        stored_as: _Stored = "float32",
    ) -> None:
        super().__init__(learner, per_class, n_bytes, stored_as)
        self.epochs, self.learning_rate = epochs, learning_rate

    def after_task(self, task: int, data: Batch) -> None:
        """Store some samples of the task, and train on all stored samples."""
        self.keep(data, task)
        self.learner.train(
            _joined(self.kept()), self.epochs, self.learning_rate, name="replay", hooks=False
        )


class Rehearsal(_StoringStrategy):
    """Rehearsal: samples of earlier tasks are mixed with the new task, by a schedule.

    A phase has as many samples as the new task, so that every method trains on the same number of
    samples. The schedule divides them among the new task and the earlier ones. The age of a task is
    the number of tasks that were learnt after it. Source: Gandhi et al. (2024), arXiv 2401.10393.

    Parameters
    ----------
    schedule : "power", "exponential", "uniform" or "none"
        Law of rehearsal; see :class:`RehearsalSchedule`.
    exponent, rate : float
        Exponent of the power law, and rate of the exponential law.
    added : float, optional
        Number of earlier samples added for each new sample. The whole new task is then trained, and
        the schedule divides the added samples among the earlier tasks. Default: the samples are
        divided as above.
    per_class, n_bytes, stored_as
        Stored samples of each task, as in :class:`Replay`. Default: all samples.
    """

    bibtex: ClassVar[tuple[str, ...]] = (GANDHI,)

    @checked
    def __init__(
        self,
        learner: Learner,
        *,
        schedule: Annotated[str, Choice(*RehearsalSchedule.KINDS, what="schedule")] = "power",
        exponent: Annotated[float, Quantity(above=0.0, high=100.0)] = 1.0,
        rate: Annotated[float, Quantity(above=0.0, high=100.0)] = 1.0,
        added: Annotated[float, Quantity(low=0.0, high=1000.0)] | None = None,
        per_class: _PerClass = ALL,
        n_bytes: _Bytes | None = None,
        stored_as: _Stored = "float32",
    ) -> None:
        super().__init__(learner, per_class, n_bytes, stored_as)
        self.schedule = RehearsalSchedule(kind=schedule, exponent=exponent, rate=rate)
        self.added = added

    def dataset(self, data: Batch) -> Batch:
        """Return the samples of the phase."""
        n = len(data.y)
        new = int(data.task[0]) if n else -1
        old = [task for task in self.store.tasks if task != new]
        if not old:
            return data
        if self.added is None:
            *counts, own = self.schedule.counts(len(old), n).tolist()
            chosen = self.learner.rng("new").permutation(n)[:own]
            parts = [Batch(*(part[chosen] for part in data))]
        else:
            counts = self.schedule.counts_of_old(len(old), round(self.added * n)).tolist()
            parts = [data]
        for task, count in zip(old, counts, strict=True):
            drawn = self.store.draw(task, count, seed=self.learner.rng("old", task))
            parts.append(_batch(*drawn, task))
        return _joined(parts)

    def after_task(self, task: int, data: Batch) -> None:
        """Store samples of the task."""
        self.keep(data, task)


class EWC(Strategy):
    """Elastic weight consolidation: a penalty on changes of weights that earlier tasks need.

    The loss increases by `strength` times the penalty of :class:`QuadraticPenalty`, which uses the
    diagonal of the Fisher information at the end of each task. With spiking neurons, the Fisher
    information uses the gradients of the trainer. The penalty is limited so that one step cannot
    overshoot its minimum.

    Source: Kirkpatrick et al. (2017), PNAS 114, 3521-3526.

    Parameters
    ----------
    strength : float
        Factor of the penalty (lambda).
    samples : int
        Number of samples of each task from which the Fisher information is estimated.
    labels : "sampled" or "true"
        With labels drawn from the output of the network, the result is the Fisher information; with
        the true labels, it is the empirical Fisher information.
    decay : float
        Factor for all earlier terms when a task is added; 1 keeps them unchanged.
    """

    bibtex: ClassVar[tuple[str, ...]] = (KIRKPATRICK,)

    @checked
    def __init__(
        self,
        learner: Learner,
        *,
        strength: Annotated[float, Quantity(above=0.0)] = 100.0,
        samples: Annotated[int, Count()] = 1000,
        labels: Annotated[str, Choice("sampled", "true", what="kind of labels")] = "sampled",
        decay: Annotated[float, Quantity(above=0.0, high=1.0)] = 1.0,
    ) -> None:
        super().__init__(learner)
        self.strength, self.samples, self.labels = strength, samples, labels
        self.penalty = QuadraticPenalty(decay)

    def after_backward(self, step: Step) -> None:
        """Add the gradient of the penalty."""
        most = 1.0 / self.learner.plan.learning_rate
        for k, pull in self.penalty.gradient(
            self._weights(), strength=self.strength, most=most
        ).items():
            # The penalty has no entries yet for heads of later tasks.
            step.gradients[int(k)][: len(pull)] += pull

    def after_task(self, task: int, data: Batch) -> None:
        """Add the penalty of the task."""
        self.penalty.add(self.fisher(data), self._weights())

    def fisher(self, data: Batch) -> dict[str, Any]:
        """Return the diagonal Fisher information of each layer's weights, from some samples."""
        learner = self.learner
        indices = learner.rng("fisher").permutation(len(data.y))[: self.samples]
        some = Batch(*(part[indices] for part in data))
        if self.labels == "sampled":
            some = some._replace(y=self._drawn_labels(some))

        n, rng = len(some.y), learner.rng("fisher", "spikes")

        def part(first: int, last: int) -> Step:
            chosen = Batch(*(array[first:last] for array in some))
            step: Step = learner.step(chosen, rng)
            return step

        size = _TOGETHER if _one_row_each(part(0, 1)) else 1
        total: dict[str, Any] = {}
        for first in range(0, n, size):
            last = min(first + size, n)
            for layer, squares in enumerate(_squares(part(first, last), last - first)):
                key = str(layer)
                total[key] = squares if key not in total else total[key].add_(squares)
        return {key: value / n for key, value in total.items()}

    def _drawn_labels(self, some: Batch) -> NDArray[np.int64]:
        # All samples belong to the task that is being learnt.
        logits = self.learner.logits(some.x, int(some.task[0])).astype(np.float64)
        chance = np.exp(logits - logits.max(axis=1, keepdims=True))
        edges = np.cumsum(chance / chance.sum(axis=1, keepdims=True), axis=1)
        points = self.learner.rng("fisher", "labels").random((len(edges), 1))
        drawn: NDArray[np.int64] = (edges[:, :-1] <= points).sum(axis=1)
        return drawn

    def _weights(self) -> dict[str, Any]:
        return {str(k): weight for k, weight in enumerate(self.learner.weights)}

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the Fisher information and the minimum of the penalty."""
        parts = {"fisher": self.penalty.fisher, "centre": self.penalty.centre}
        stored = {f"{name} {k}": part[k].numpy() for name, part in parts.items() for k in part}
        return stored | ({"constant": np.array(self.penalty.constant)} if stored else {})

    def restore(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Restore the state from :meth:`arrays`."""
        weights = self._weights()
        for name, array in arrays.items():
            part, _, k = name.partition(" ")
            if name == "constant":
                self.penalty.constant = float(array)
                continue
            is_valid = part in ("fisher", "centre") and k in weights
            if not is_valid or array.shape[1:] != weights[k].shape[1:]:
                raise StorageError(
                    f"EWC: {name} with shape {array.shape} does not fit this network."
                )
            getattr(self.penalty, part)[k] = torch.tensor(array)


def _one_row_each(step: Step) -> bool:
    """Tell whether the factors of one sample have one row, so that its gradient is a product."""
    return all(len(delta) == 1 for delta, _ in step.factors)


def _squares(step: Step, n: int) -> list[Any]:
    """Return the sum over the `n` samples of the squared gradients of their separate losses."""
    if n == 1:
        return [gradient**2 for gradient in step.gradients]
    return [(n * delta).square().T @ trace.square() for delta, trace in step.factors]


def _batch(x: NDArray[Any], y: NDArray[np.int64], task: int) -> Batch:
    return Batch(x, y, np.full(len(y), task, dtype=np.int64))


def _joined(parts: list[Batch]) -> Batch:
    return Batch(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))
