"""Differentiation on spike representation, with the gradient in closed form.

The time-weighted rate of a layer with time-weighted mean input u is treated as
``clip(u / tau, 0, height)``. The weights are ``exp(-(T - t) dt / tau)``, normalised; they are
called w below.
"""

from __future__ import annotations

from typing import ClassVar, NamedTuple

import torch

from ..parameters import DSRNeuron
from .base import Step, Tensor, Trainer, loss_of

__all__ = ["DSR", "dsr_spikes"]


def dsr_spikes(current: Tensor, neuron: DSRNeuron) -> Tensor:
    """Return the spikes (0 or 1) of neurons that start at 0, shape (steps, ...).

    Parameters
    ----------
    current : tensor
        Input of each step, shape (steps, ...); or (1, ...) if it is the same in every step.
    """
    static = len(current) == 1 and neuron.steps > 1
    spikes = torch.empty((neuron.steps, *current.shape[1:]), dtype=current.dtype)
    v = torch.zeros_like(current[0])
    for t in range(neuron.steps):
        # v <- beta v + (1 - beta) I
        v.lerp_(current[0 if static else t], 1.0 - neuron.beta)
        torch.ge(v, neuron.alpha * neuron.v_thresh, out=spikes[t])
        v.sub_(spikes[t], alpha=neuron.v_thresh)
    return spikes


class _Hidden(NamedTuple):
    """Activity of one hidden layer, each of shape (batch, n); rates include the spike height."""

    drive: Tensor
    mean: Tensor
    weighted: Tensor


class DSR(Trainer):
    """Closed form of differentiation on spike representation (Meng et al. 2022).

    ``g`` is the derivative of the loss by the outputs, ``s`` the weighted mean and ``m`` the plain
    mean of the spikes, ``c = T sum_t w_t**2``, and ``inside`` is 1 where the map of a layer is not
    clipped, else 0. The error of the last hidden layer L is ``D_L = inside * c * (g W) / tau``;
    that of the others is ``D_l = inside * (D_{l+1} W_{l+1}) / tau``. The gradients are ``g' s_L``,
    ``D_l' m_{l-1}`` and ``D_1' x``.
    """

    neurons: ClassVar[tuple[type, ...]] = (DSRNeuron,)

    def step(
        self, weights: list[Tensor], x: Tensor, y: Tensor, allowed: Tensor | None = None
    ) -> Step:
        """Return the loss, factors and traces; see :class:`Trainer`."""
        neuron = self.neuron
        hidden = self._forward(weights, x)
        traces = [x, *(layer.weighted for layer in hidden)]
        loss, delta = loss_of(traces[-1] @ weights[-1].T, y, allowed)
        factors = [(delta, traces[-1])]
        shares = self._shares(x.dtype)
        scale = float(neuron.steps * (shares**2).sum())
        limit = neuron.height * neuron.tau
        for k in range(len(hidden) - 1, -1, -1):
            drive = hidden[k].drive
            delta = delta @ self.back(weights, k + 1)
            delta.mul_((drive > 0) & (drive < limit)).mul_(scale / neuron.tau)
            factors.insert(0, (delta, hidden[k - 1].mean if k else x))
            scale = 1.0
        return Step(loss, factors, traces)

    def activity(self, weights: list[Tensor], x: Tensor) -> list[Tensor]:
        """Return the time-weighted input rates of each layer."""
        return [x, *(layer.weighted for layer in self._forward(weights, x))]

    def _shares(self, dtype: torch.dtype) -> Tensor:
        """Return the weight of each step; the sum is 1."""
        neuron = self.neuron
        ago = torch.arange(neuron.steps - 1, -1, -1, dtype=torch.float64)
        weights = torch.exp(-ago * neuron.dt / neuron.tau)
        return (weights / weights.sum()).to(dtype)

    def _forward(self, weights: list[Tensor], x: Tensor) -> list[_Hidden]:
        neuron = self.neuron
        means = torch.stack([self._shares(x.dtype), torch.full((neuron.steps,), 1 / neuron.steps,
                                                               dtype=x.dtype)])  # fmt: skip
        hidden: list[_Hidden] = []
        current = (x @ weights[0].T)[None]
        for k in range(len(weights) - 1):
            drive = current[0] if not hidden else hidden[-1].weighted @ weights[k].T
            spikes = dsr_spikes(current, neuron)
            n_steps, n_rows, n = spikes.shape
            weighted, mean = neuron.height * (means @ spikes.view(n_steps, -1)).view(2, n_rows, n)
            hidden.append(_Hidden(drive, mean, weighted))
            if k < len(weights) - 2:
                heights = weights[k + 1] * neuron.height
                current = (spikes.view(-1, n) @ heights.T).view(n_steps, n_rows, -1)
        return hidden
