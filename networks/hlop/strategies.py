"""Strategies that preserve earlier tasks, by changing batches or gradients."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from ...checks import checked

__all__ = ["STRATEGIES", "Batch", "LearnerInterface", "Naive", "Strategy"]

STRATEGIES: dict[str, str] = {
    "ewc": "spikemem.networks.hlop.baselines:EWC",
    "hlop": "spikemem.networks.hlop.projecting:HLOP",
    "joint": "spikemem.networks.hlop.baselines:Joint",
    "naive": "spikemem.networks.hlop.strategies:Naive",
    "rehearsal": "spikemem.networks.hlop.baselines:Rehearsal",
    "replay": "spikemem.networks.hlop.baselines:Replay",
    "svd": "spikemem.networks.hlop.projecting:SVD",
}
"""Class of each method; it is imported when it is first used."""


class Batch(NamedTuple):
    """Samples, their classes, and the tasks that they belong to.

    Parameters
    ----------
    x : ndarray (n, n_inputs)
        Samples.
    y : int64 ndarray (n,)
        Class within the task.
    task : int64 ndarray (n,)
        Number of the task.
    """

    x: NDArray[Any]
    y: NDArray[np.int64]
    task: NDArray[np.int64]


class LearnerInterface(Protocol):
    """Part of :class:`~spikemem.networks.hlop.learner.Learner` that a strategy uses."""

    plan: Any
    weights: list[Any]
    n_learnt: int

    @property
    def n_heads(self) -> int:
        """Number of output layers."""

    def rng(self, *name: str | int) -> np.random.Generator:
        """Return the random stream of one purpose in this task."""

    def step(self, batch: Batch, rng: np.random.Generator | None = None) -> Any:
        """Return the loss, factors and traces of samples."""

    def traces(self, x: NDArray[Any]) -> list[Any]:
        """Return the mean input of each layer."""

    def logits(self, x: NDArray[Any], task: int | None = None) -> NDArray[Any]:
        """Return the outputs for samples."""

    def train(
        self, data: Batch, epochs: int, learning_rate: float, *, name: str = "", hooks: bool = True
    ) -> None:
        """Train the weights on samples."""


class Strategy:
    """Base of the methods, which changes nothing itself.

    A subclass takes its options as keywords with declared kinds. For each task, the learner calls
    :meth:`before_task` and :meth:`dataset`; for each mini-batch, :meth:`batch` and
    :meth:`after_backward`; and at the end, :meth:`after_task`.

    Parameters
    ----------
    learner : Learner
        Weights, trainer and random streams.
    """

    @checked
    def __init__(self, learner: LearnerInterface) -> None:
        self.learner = learner

    def before_task(self, task: int) -> None:
        """Prepare for a task."""

    def dataset(self, data: Batch) -> Batch:
        """Return the samples to train on in this task."""
        return data

    def batch(self, batch: Batch) -> Batch:
        """Return the samples of one mini-batch; a subclass can add samples."""
        return batch

    def after_backward(self, step: Any) -> None:
        """Change ``step.factors``, or ``step.gradients`` in place, before the weights change.

        `step` is a :class:`~spikemem.networks.hlop.trainers.base.Step`.
        """

    def after_task(self, task: int, data: Batch) -> None:
        """Store what later tasks need from the task just learnt; a subclass can train further."""

    @property
    def memory_bytes(self) -> int:
        """Number of bytes that are stored besides the weights."""
        return sum(array.nbytes for array in self.arrays().values())

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the state that is kept between tasks, as named arrays."""
        return {}

    def restore(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Restore the state from :meth:`arrays`.

        Raises
        ------
        StorageError
            If the arrays do not fit this strategy and network.
        """


class Naive(Strategy):
    """Training on one task after another without any protection, which forgets."""
