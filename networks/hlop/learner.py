"""The learner: weights as tensors, a trainer and a strategy, made from a state of plain arrays."""

from __future__ import annotations

import importlib
import itertools
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from ...errors import SimulationError
from ...streams import stream
from .cuba import code_levels, encode
from .parameters import CubaNeuron, Neuron, Ranks, SubspaceRule
from .strategies import STRATEGIES, Batch, Strategy
from .trainers import TRAINERS
from .trainers.base import Step, Tensor, Trainer

__all__ = ["Learner", "Plan"]

_EVALUATED = 256
"""Number of samples that are evaluated together."""


class Plan(NamedTuple):
    """Settings of a learner: the arguments of a :class:`HLOPClassifier`, with all defaults."""

    layers: tuple[int, ...]
    method: str
    trainer: str
    neuron: Neuron
    heads: str
    feedback: str
    ranks: Ranks
    rules: tuple[SubspaceRule, ...]
    learning_rate: float
    momentum: float
    batch: int
    epochs: int
    dtype: str
    options: dict[str, Any]
    seed: int


def _imported(table: dict[str, str], name: str) -> Any:
    module, _, item = table[name].partition(":")
    return getattr(importlib.import_module(module), item)


def initial_weights(plan: Plan, purpose: str = "weights") -> list[NDArray[Any]]:
    """Draw the weights of the untrained network with one head, uniform within 1 / sqrt(n_in)."""
    weights = []
    for k, (n_in, n_out) in enumerate(itertools.pairwise(plan.layers)):
        name = ("head", 0) if k == len(plan.layers) - 2 else ("layer", k)
        weights.append(_uniform(plan, n_out, n_in, purpose, *name))
    return weights


def _uniform(plan: Plan, n_out: int, n_in: int, *name: str | int) -> NDArray[Any]:
    rng = stream(plan.seed, "hlop", *name)
    drawn: NDArray[Any] = rng.uniform(-1, 1, (n_out, n_in)) / np.sqrt(n_in)
    return drawn.astype(plan.dtype)


class Learner:
    """Weights, trainer and strategy of a :class:`HLOPClassifier` during a computation.

    Parameters
    ----------
    plan : Plan
        Settings.
    weights : list of ndarray (n_out, n_in)
        Weights, which are copied. :func:`initial_weights` are those of the untrained network.
    kept : mapping of str to ndarray
        State of the strategy (:meth:`Strategy.arrays`); empty before the first task.
    n_learnt : int
        Number of tasks learnt so far.
    """

    def __init__(
        self,
        plan: Plan,
        weights: list[NDArray[Any]],
        kept: Mapping[str, NDArray[Any]] | None = None,
        n_learnt: int = 0,
    ) -> None:
        self.plan = plan
        self.dtype: torch.dtype = getattr(torch, plan.dtype)
        self.n_learnt = n_learnt
        self.weights: list[Tensor] = [torch.tensor(weight) for weight in weights]
        fixed = None
        if plan.feedback == "alignment":
            drawn = initial_weights(plan, "feedback")
            fixed = [torch.tensor(array) for array in drawn]
        self.trainer: Trainer = _imported(TRAINERS, plan.trainer)(plan.neuron, plan.feedback, fixed)
        self.strategy: Strategy = _imported(STRATEGIES, plan.method)(self, **plan.options)
        if kept:
            self.strategy.restore(kept)
        self.levels: Tensor | None = None
        if isinstance(plan.neuron, CubaNeuron):
            self.levels = torch.tensor(code_levels(plan.neuron, plan.layers[0], plan.seed))

    @property
    def n_layers(self) -> int:
        """Number of layers with weights."""
        return len(self.weights)

    @property
    def n_heads(self) -> int:
        """Number of heads; 1 if all tasks share one."""
        return len(self.weights[-1]) // self.plan.layers[-1]

    def grow_heads(self, n: int) -> None:
        """Add heads until there are `n`, if each task has its own; existing heads do not change."""
        if self.plan.heads == "task" and n > self.n_heads:
            n_in, n_out = self.plan.layers[-2:]
            more = [
                _uniform(self.plan, n_out, n_in, "weights", "head", k)
                for k in range(self.n_heads, n)
            ]
            self.weights[-1] = torch.cat([self.weights[-1], *map(torch.tensor, more)])

    def rng(self, *name: str | int) -> np.random.Generator:
        """Return the random stream of one purpose in the task that is being learnt."""
        return stream(self.plan.seed, "hlop", self.n_learnt, *name)

    def inputs(self, x: NDArray[Any], rng: np.random.Generator | None = None) -> Tensor:
        """Return the input of the trainer: currents, or spikes drawn from `rng`.

        Without `rng`, the spikes use :func:`code_levels` and are the same each time.
        """
        neuron = self.plan.neuron
        currents = torch.from_numpy(np.array(x, dtype=self.plan.dtype).reshape(len(x), -1))
        if self.levels is None or not isinstance(neuron, CubaNeuron):
            return currents
        levels = self.levels
        if rng is not None:
            steps = neuron.steps if neuron.code == "bernoulli" else 1
            levels = torch.from_numpy(rng.random((steps, *currents.shape), dtype=np.float32))
        return encode(currents, levels, neuron).to(self.dtype)  # type: ignore[no-any-return]

    def step(self, batch: Batch, rng: np.random.Generator | None = None) -> Step:
        """Return the loss, factors and traces of samples; the weights do not change."""
        rows, allowed = self._targets(batch.y, batch.task)
        return self.trainer.step(self.weights, self.inputs(batch.x, rng), rows, allowed)

    def _targets(
        self, y: NDArray[np.int64], task: NDArray[np.int64]
    ) -> tuple[Tensor, Tensor | None]:
        if self.plan.heads == "domain":
            return torch.from_numpy(y), None
        size = self.plan.layers[-1]
        head = torch.arange(len(self.weights[-1])) // size
        return torch.from_numpy(y + task * size), head[None] == torch.from_numpy(task)[:, None]

    def traces(self, x: NDArray[Any]) -> list[Tensor]:
        """Return the input of each layer, averaged over time, shape (n_samples, n_in)."""
        parts = [self.trainer.activity(self.weights, self.inputs(part)) for part in _parts(x)]
        return [torch.cat(layer) for layer in zip(*parts, strict=True)]

    def logits(self, x: NDArray[Any], task: int | None = None) -> NDArray[Any]:
        """Return the outputs of the head of `task`, shape (n_samples, n_outputs)."""
        weights = self.weights
        if task is not None and self.plan.heads == "task":
            size = self.plan.layers[-1]
            weights = [*weights[:-1], weights[-1][task * size : (task + 1) * size]]
        parts = [self.trainer.logits(weights, self.inputs(part)) for part in _parts(x)]
        return torch.cat(parts).numpy() if parts else np.zeros((0, self.plan.layers[-1]))

    def learn_task(self, data: Batch, task: int, report: Callable[[float], None]) -> None:
        """Learn one task, with all epochs and the hooks of the strategy."""
        self.grow_heads(task + 1)
        self.strategy.before_task(task)
        chosen = self.strategy.dataset(data)
        self.train(chosen, self.plan.epochs, self.plan.learning_rate, report=report)
        self.strategy.after_task(task, data)
        self.n_learnt += 1

    def train(
        self,
        data: Batch,
        epochs: int,
        learning_rate: float,
        *,
        name: str = "epoch",
        hooks: bool = True,
        report: Callable[[float], None] = lambda fraction: None,
    ) -> None:
        """Go through samples in random order and change the weights after each mini-batch.

        Parameters
        ----------
        data : Batch
            All samples.
        epochs : int
            Number of passes through the samples.
        learning_rate : float
            Learning rate of the gradient descent.
        name : str
            Purpose, which names the random streams.
        hooks : bool
            Whether the hooks of the strategy are called for batches and gradients.
        report : callable
            Function that gets the completed fraction.

        Raises
        ------
        SimulationError
            If the loss is not finite.
        """
        moving = [torch.zeros_like(weight) for weight in self.weights]
        n = len(data.y)
        count = -(-n // self.plan.batch)
        for epoch in range(epochs):
            order = self.rng(name, epoch).permutation(n)
            spikes = self.rng(name, epoch, "spikes")
            for k in range(count):
                indices = order[k * self.plan.batch : (k + 1) * self.plan.batch]
                batch = Batch(*(part[indices] for part in data))
                step = self.step(self.strategy.batch(batch) if hooks else batch, spikes)
                if not np.isfinite(step.loss):
                    raise SimulationError(
                        f"HLOPClassifier.learn_task: the loss of epoch {epoch} is {step.loss}; "
                        f"use a smaller learning_rate, or samples scaled to about 1."
                    )
                if hooks:
                    self.strategy.after_backward(step)
                self.descend(step.gradients, learning_rate, moving)
                report((epoch * count + k + 1) / (epochs * count))
        if not all(bool(torch.isfinite(weight).all()) for weight in self.weights):
            raise SimulationError("HLOPClassifier.learn_task: the weights are not finite; "
                                  "use a smaller learning_rate.")  # fmt: skip

    def descend(self, gradients: list[Tensor], rate: float, moving: list[Tensor]) -> None:
        """Do one step of gradient descent, with the running mean of gradients in `moving`."""
        for weight, gradient, mean in zip(self.weights, gradients, moving, strict=True):
            if self.plan.momentum:
                mean.mul_(self.plan.momentum).add_(gradient)
                weight.sub_(mean, alpha=rate)
            else:
                weight.sub_(gradient, alpha=rate)


def _parts(x: NDArray[Any]) -> list[NDArray[Any]]:
    return [x[k : k + _EVALUATED] for k in range(0, len(x), _EVALUATED)]
