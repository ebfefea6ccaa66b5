"""What keeps old tasks: each strategy changes batches or gradients, behind one small interface."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from ...checks import checked

__all__ = ["STRATEGIES", "AtWork", "Batch", "Naive", "Strategy"]

STRATEGIES: dict[str, str] = {
    "ewc": "spikemem.networks.hlop.baselines:EWC",
    "hlop": "spikemem.networks.hlop.projecting:HLOP",
    "joint": "spikemem.networks.hlop.baselines:Joint",
    "naive": "spikemem.networks.hlop.strategies:Naive",
    "rehearsal": "spikemem.networks.hlop.baselines:Rehearsal",
    "replay": "spikemem.networks.hlop.baselines:Replay",
    "svd": "spikemem.networks.hlop.projecting:SVD",
}
"""Class of each method of learning; imported when it is first used."""


class Batch(NamedTuple):
    """Samples, their classes, and the tasks that they belong to.

    Parameters
    ----------
    x : ndarray (n, n_inputs)
        As they were given.
    y : int64 ndarray (n,)
        Class within the task.
    task : int64 ndarray (n,)
        Number of the task.
    """

    x: NDArray[Any]
    y: NDArray[np.int64]
    task: NDArray[np.int64]


class AtWork(Protocol):
    """What a strategy sees of the :class:`~spikemem.networks.hlop.learner.Learner`."""

    plan: Any
    weights: list[Any]
    n_learnt: int

    @property
    def n_heads(self) -> int:
        """Output layers."""

    def rng(self, *name: str | int) -> np.random.Generator:
        """Random stream of one purpose in this task."""

    def step(self, batch: Batch, rng: np.random.Generator | None = None) -> Any:
        """Loss, factors and traces of samples."""

    def traces(self, x: NDArray[Any]) -> list[Any]:
        """Mean input of each layer."""

    def logits(self, x: NDArray[Any], task: int | None = None) -> NDArray[Any]:
        """Outputs for samples."""

    def train(
        self, data: Batch, epochs: int, learning_rate: float, *, name: str = "", hooks: bool = True
    ) -> None:
        """Go through samples and change the weights."""


class Strategy:
    """Base of the methods; it changes nothing by itself.

    A subclass takes its own settings as keywords with declared kinds. For each task the learner
    calls :meth:`before_task`, :meth:`dataset`, then for each mini-batch :meth:`batch` and
    :meth:`after_backward`, and at last :meth:`after_task`.

    Parameters
    ----------
    learner : Learner
        Weights, trainer and random streams.
    """

    @checked
    def __init__(self, learner: AtWork) -> None:
        self.learner = learner

    def before_task(self, task: int) -> None:
        """Prepare for the task of this number."""

    def dataset(self, data: Batch) -> Batch:
        """Samples that the epochs of this task go through."""
        return data

    def batch(self, batch: Batch) -> Batch:
        """Samples of one mini-batch, perhaps with more of them."""
        return batch

    def after_backward(self, step: Any) -> None:
        """Change ``step.factors``, or ``step.gradients`` in place, before the weights change.

        `step` is a :class:`~spikemem.networks.hlop.trainers.base.Step`.
        """

    def after_task(self, task: int, data: Batch) -> None:
        """Keep what is needed of the task that has just been learnt; may train further."""

    @property
    def memory_bytes(self) -> int:
        """Bytes of what is kept beside the weights."""
        return sum(array.nbytes for array in self.arrays().values())

    def arrays(self) -> dict[str, NDArray[Any]]:
        """What is kept from task to task, as named arrays."""
        return {}

    def restore(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Continue from :meth:`arrays`.

        Raises
        ------
        StorageError
            They are not arrays of this strategy and network.
        """


class Naive(Strategy):
    """Plain training on one task after another, which forgets."""
