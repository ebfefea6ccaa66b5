"""Backpropagation through time with surrogate gradients, without autograd."""

from __future__ import annotations

from typing import Any, ClassVar

import torch

from ..cuba import advance
from ..parameters import CubaNeuron, LIFNeuron
from .base import Step, Tensor, Trainer, loss_of

__all__ = ["BPTT", "FusedLIF", "neuron_backward", "neuron_forward", "surrogate"]


def surrogate(v: Tensor, neuron: LIFNeuron | CubaNeuron) -> Tensor:
    """Return the surrogate derivative of a spike by the potential: that of a sigmoid."""
    slope = neuron.slope / (neuron.v_thresh if isinstance(neuron, CubaNeuron) else 1.0)
    s = torch.sigmoid(slope * (v - neuron.v_thresh))
    return s.mul_(1 - s).mul_(slope)


def neuron_forward(current: Tensor, neuron: LIFNeuron | CubaNeuron) -> tuple[Tensor, Tensor]:
    """Return the spikes (0 or 1) and the potentials before the reset, shape (steps, ...) each.

    Parameters
    ----------
    current : tensor
        Input of each step, shape (steps, ...). A :class:`LIFNeuron` also accepts (1, ...), an input
        that is the same in every step.
    """
    shape = (neuron.steps, *current.shape[1:])
    spikes, potentials = current.new_empty(shape), current.new_empty(shape)
    v, static = torch.zeros_like(current[0]), len(current) == 1
    i = torch.zeros_like(v)
    for t in range(neuron.steps):
        now = current[0 if static else t]
        if isinstance(neuron, CubaNeuron):
            potentials[t] = neuron.p22 * v + neuron.p21 * i
            v, i, fired = advance(v, i, now, neuron)
            spikes[t] = fired
            continue
        torch.add(now, v, alpha=neuron.decay, out=potentials[t])
        torch.ge(potentials[t], neuron.v_thresh, out=spikes[t])
        if neuron.reset == "soft":
            torch.sub(potentials[t], spikes[t], alpha=neuron.v_thresh, out=v)
        else:
            torch.addcmul(potentials[t], potentials[t], spikes[t], value=-1.0, out=v)
    return spikes, potentials


def neuron_backward(
    errors: Tensor, spikes: Tensor, potentials: Tensor, neuron: LIFNeuron | CubaNeuron
) -> Tensor:
    """Return the derivatives by the inputs, from those by the spikes, shape (steps, ...).

    The reset is not differentiated.
    """
    local = surrogate(potentials, neuron).mul_(errors)
    cuba = isinstance(neuron, CubaNeuron)
    decay = neuron.p22 if isinstance(neuron, CubaNeuron) else neuron.decay
    hard = cuba or neuron.reset == "hard"  # type: ignore[union-attr]
    for t in range(neuron.steps - 2, -1, -1):
        later = local[t + 1] * (1 - spikes[t]) if hard else local[t + 1]
        local[t].add_(later, alpha=decay)
    if not isinstance(neuron, CubaNeuron):
        return local
    derivative = torch.zeros_like(local)  # The input of the last step changes no potential.
    for t in range(neuron.steps - 2, -1, -1):
        derivative[t].add_(local[t + 1], alpha=neuron.p21).add_(derivative[t + 1], alpha=neuron.p11)
    return derivative


class FusedLIF(torch.autograd.Function):
    """Autograd function of a layer of neurons over all steps, for any PyTorch module.

    ``FusedLIF.apply(current, neuron)`` takes the input of each step, shape (steps, ...), and
    returns the spikes.
    """

    @staticmethod
    def forward(ctx: Any, current: Tensor, neuron: LIFNeuron | CubaNeuron) -> Tensor:
        """Return the spikes of all steps."""
        spikes, potentials = neuron_forward(current, neuron)
        ctx.save_for_backward(spikes, potentials)
        ctx.neuron, ctx.static = neuron, len(current) == 1
        return spikes

    @staticmethod
    def backward(ctx: Any, *errors: Tensor) -> tuple[Tensor, None]:
        """Return the derivative by the input."""
        spikes, potentials = ctx.saved_tensors
        derivative = neuron_backward(errors[0], spikes, potentials, ctx.neuron)
        return derivative.sum(0, keepdim=True) if ctx.static and len(
            derivative
        ) > 1 else derivative, None


class BPTT(Trainer):
    """Backpropagation through time with surrogate gradients; outputs are means over the steps.

    A :class:`CubaNeuron` takes spikes as input, shape (steps, batch, n_inputs).
    """

    neurons: ClassVar[tuple[type, ...]] = (LIFNeuron, CubaNeuron)

    def step(
        self, weights: list[Tensor], x: Tensor, y: Tensor, allowed: Tensor | None = None
    ) -> Step:
        """Return the loss, factors and traces; see :class:`Trainer`."""
        neuron = self.neuron
        hidden, traces = self._forward(weights, x)
        loss, delta = loss_of(traces[-1] @ weights[-1].T, y, allowed)
        factors = [(delta, traces[-1])]
        errors = (delta @ self.back(weights, len(weights) - 1) / neuron.steps)[None]
        for k in range(len(hidden) - 1, -1, -1):
            spikes, potentials = hidden[k]
            delta = neuron_backward(errors, spikes, potentials, neuron)
            before = hidden[k - 1][0] if k else x
            if before.ndim == 2:
                factors.insert(0, (delta.sum(0), before))
            else:
                factors.insert(0, (delta.flatten(0, 1), before.flatten(0, 1)))
            if k:
                errors = delta @ self.back(weights, k)
        return Step(loss, factors, traces)

    def activity(self, weights: list[Tensor], x: Tensor) -> list[Tensor]:
        """Return the mean input rates of each layer."""
        return self._forward(weights, x)[1]

    def _forward(
        self, weights: list[Tensor], x: Tensor
    ) -> tuple[list[tuple[Tensor, Tensor]], list[Tensor]]:
        """Return spikes and potentials of each hidden layer, and the mean input of each layer."""
        hidden: list[tuple[Tensor, Tensor]] = []
        before = x if x.ndim == 3 else x[None]
        traces = [x.mean(0) if x.ndim == 3 else x]
        for weight in weights[:-1]:
            current = (before.flatten(0, 1) @ weight.T).view(*before.shape[:2], -1)
            hidden.append(neuron_forward(current, self.neuron))
            before = hidden[-1][0]
            traces.append(before.mean(0))
        return hidden, traces
