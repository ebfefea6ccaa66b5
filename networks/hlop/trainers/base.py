"""Base of the trainers, which compute the gradient of each layer as two factors."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any, ClassVar

import torch

from ..parameters import Neuron

__all__ = ["Step", "Trainer"]

Tensor = torch.Tensor


@dataclass
class Step:
    """Loss and gradients of a mini-batch.

    Parameters
    ----------
    loss : float
        Mean cross-entropy of the batch.
    factors : list of tuple of tensor
        ``(delta, trace)`` for each layer, shapes (rows, n_out) and (rows, n_in). The gradient of
        the layer's weights is ``delta.T @ trace``; replacing a trace changes the gradient.
    traces : list of tensor
        Presynaptic activity of each layer, averaged over time, shape (batch, n_in). Subspaces learn
        from it.
    """

    loss: float
    factors: list[tuple[Tensor, Tensor]]
    traces: list[Tensor]
    _made: list[Tensor] | None = field(default=None, repr=False)

    @property
    def gradients(self) -> list[Tensor]:
        """Gradient of the weights of each layer, shape (n_out, n_in).

        They are computed from `factors` at the first access, and can be changed in place.
        """
        if self._made is None:
            self._made = [delta.T @ trace for delta, trace in self.factors]
        return self._made


class Trainer(ABC):
    """Base class that computes gradients; the last layer is linear and reads mean activity.

    Weights are lists of tensors (n_out, n_in), one for each layer; a trainer does not change them.

    Parameters
    ----------
    neuron : DSRNeuron, LIFNeuron or CubaNeuron
        Neuron of all layers except the last.
    feedback : {"backprop", "sign", "alignment"}
        Matrices that propagate errors back: the weights; their signs, divided by the square root of
        the number of inputs; or fixed random ones.
    fixed : list of tensor, optional
        Fixed random matrices for "alignment", with the shapes of the weights.
    """

    neurons: ClassVar[tuple[type, ...]] = ()

    def __init__(
        self, neuron: Neuron, feedback: str = "backprop", fixed: list[Tensor] | None = None
    ) -> None:
        self.neuron: Any = neuron
        self.feedback = feedback
        self.fixed = fixed or []

    @abstractmethod
    def step(
        self, weights: list[Tensor], x: Tensor, y: Tensor, allowed: Tensor | None = None
    ) -> Step:
        """Return the loss, factors and traces of a batch.

        Parameters
        ----------
        weights : list of tensor (n_out, n_in)
            Weights of each layer.
        x : tensor
            Input from :meth:`spikemem.networks.hlop.learner.Learner.inputs`: currents
            (batch, n_inputs), or spikes (steps, batch, n_inputs) for a :class:`CubaNeuron`.
        y : tensor of int64 (batch,)
            Correct output of each sample, as a row of the last layer's weights.
        allowed : tensor of bool (batch, n_outputs), optional
            Possible outputs of each sample. Default: all.
        """

    @abstractmethod
    def activity(self, weights: list[Tensor], x: Tensor) -> list[Tensor]:
        """Return the input of each layer, averaged over time, shape (batch, n_in) each."""

    def logits(self, weights: list[Tensor], x: Tensor) -> Tensor:
        """Return the outputs of the last layer, shape (batch, n_outputs)."""
        return self.activity(weights, x)[-1] @ weights[-1].T

    def back(self, weights: list[Tensor], layer: int) -> Tensor:
        """Return the matrix that propagates errors back through a layer, shape (n_out, n_in)."""
        weight = weights[layer]
        if self.feedback == "sign":
            signs: Tensor = weight.sign() / math.sqrt(weight.shape[1])
            return signs
        if self.feedback == "alignment":
            fixed = self.fixed[layer]
            if len(fixed) < len(weight):  # There are more heads than at the start.
                fixed = fixed.repeat(-(-len(weight) // len(fixed)), 1)[: len(weight)]
            return fixed
        return weight


def loss_of(logits: Tensor, y: Tensor, allowed: Tensor | None) -> tuple[float, Tensor]:
    """Return the mean cross-entropy, and its derivative by the logits (batch, n_outputs)."""
    if allowed is not None:
        logits = logits.masked_fill(~allowed, float("-inf"))
    log_p = torch.log_softmax(logits, dim=1)
    loss = float(torch.nn.functional.nll_loss(log_p, y))
    delta = log_p.exp()
    delta[torch.arange(len(y)), y] -= 1.0
    return loss, delta / len(y)
