"""What every trainer does: one mini-batch in, the gradient of each layer out, in two factors."""

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
    """What a mini-batch says about the weights.

    Parameters
    ----------
    loss : float
        Mean cross-entropy of the batch.
    factors : list of tuple of tensor
        For each layer ``(delta, trace)``, shapes (rows, n_out) and (rows, n_in). The gradient of
        the layer's weights is ``delta.T @ trace``; a trace that is replaced changes the gradient.
    traces : list of tensor
        For each layer the presynaptic activity of the samples, averaged over time, shape
        (batch, n_in): what subspaces are learnt from.
    """

    loss: float
    factors: list[tuple[Tensor, Tensor]]
    traces: list[Tensor]
    _made: list[Tensor] | None = field(default=None, repr=False)

    @property
    def gradients(self) -> list[Tensor]:
        """Gradient of the weights of each layer, shape (n_out, n_in); may be changed in place.

        They are made of `factors` when they are first asked for.
        """
        if self._made is None:
            self._made = [delta.T @ trace for delta, trace in self.factors]
        return self._made


class Trainer(ABC):
    """Gradients of a network of layers; the last one is linear and reads mean activity.

    Weights are lists of tensors (n_out, n_in), one for each layer, and belong to the caller.

    Parameters
    ----------
    neuron : DSRNeuron, LIFNeuron or CubaNeuron
        Neuron of all layers but the last.
    feedback : {"backprop", "sign", "alignment"}
        Matrices that carry errors back: the weights; their signs, divided by the square root of
        the number of inputs; or fixed random ones.
    fixed : list of tensor, optional
        The fixed random matrices of "alignment", as large as the weights.
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
        """Loss, factors and traces of a batch.

        Parameters
        ----------
        weights : list of tensor (n_out, n_in)
            Of each layer.
        x : tensor
            What :meth:`spikemem.networks.hlop.learner.Learner.inputs` makes of samples: currents
            (batch, n_inputs), or spikes (steps, batch, n_inputs) for a :class:`CubaNeuron`.
        y : tensor of int64 (batch,)
            Row of the last layer's weights that is right for each sample.
        allowed : tensor of bool (batch, n_outputs), optional
            Outputs that each sample is a choice of. Default: all.
        """

    @abstractmethod
    def activity(self, weights: list[Tensor], x: Tensor) -> list[Tensor]:
        """Input of each layer averaged over time, (batch, n_in) each; the last is what is read."""

    def logits(self, weights: list[Tensor], x: Tensor) -> Tensor:
        """Outputs of the last layer, shape (batch, n_outputs)."""
        return self.activity(weights, x)[-1] @ weights[-1].T

    def back(self, weights: list[Tensor], layer: int) -> Tensor:
        """Matrix that carries errors from the outputs of a layer to its inputs, (n_out, n_in)."""
        weight = weights[layer]
        if self.feedback == "sign":
            signs: Tensor = weight.sign() / math.sqrt(weight.shape[1])
            return signs
        if self.feedback == "alignment":
            fixed = self.fixed[layer]
            if len(fixed) < len(weight):  # further heads
                fixed = fixed.repeat(-(-len(weight) // len(fixed)), 1)[: len(weight)]
            return fixed
        return weight


def loss_of(logits: Tensor, y: Tensor, allowed: Tensor | None) -> tuple[float, Tensor]:
    """Mean cross-entropy, and its derivative by the logits (batch, n_outputs)."""
    if allowed is not None:
        logits = logits.masked_fill(~allowed, float("-inf"))
    log_p = torch.log_softmax(logits, dim=1)
    loss = float(torch.nn.functional.nll_loss(log_p, y))
    delta = log_p.exp()
    delta[torch.arange(len(y)), y] -= 1.0
    return loss, delta / len(y)
