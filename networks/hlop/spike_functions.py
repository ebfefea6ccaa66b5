"""Spiking neurons as autograd functions over maps, with all steps of a batch on one axis.

Rows are ordered by step: the first B rows are the batch in step 0. Importing this module imports
PyTorch.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from .parameters import DSRNeuron, LIFNeuron

__all__ = ["RateNeuron", "SurrogateNeuron", "neurons", "step_weights"]


def step_weights(steps: int, ratio: float, dtype: torch.dtype = torch.float32) -> Tensor:
    """Return the weights of the steps in a weighted mean: exp(-(T - t) `ratio`), with sum 1."""
    ages = torch.arange(steps - 1, -1, -1, dtype=torch.float64)
    weights = torch.exp(-ages * ratio)
    return (weights / weights.sum()).to(dtype)


class _RateSpikes(torch.autograd.Function):
    """LIF neurons; the backward pass differentiates clip(u / tau, 0, amplitude) of the means."""

    @staticmethod
    def forward(
        ctx: Any, current: Tensor, weights: Tensor, keep: float, threshold: float, v_th: float,
        amplitude: float, tau: float,
    ) -> Tensor:  # fmt: skip
        steps = len(weights)
        now = current.reshape(steps, -1)
        out = torch.empty_like(now)
        v = torch.zeros_like(now[0])
        for t in range(steps):
            v.mul_(keep).add_(now[t], alpha=1 - keep)
            torch.ge(v, threshold, out=out[t])
            v.sub_(out[t], alpha=v_th)
        mean = weights @ now
        ctx.save_for_backward((mean > 0) & (mean < amplitude * tau), weights)
        ctx.tau = tau
        return out.mul_(amplitude).reshape(current.shape)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        inside, weights = ctx.saved_tensors
        mean = (weights @ grad.reshape(len(weights), -1)) * inside / ctx.tau
        back = mean.expand(len(weights), -1).reshape(grad.shape)
        return back, None, None, None, None, None, None


class RateNeuron(nn.Module):
    """Neurons of :class:`DSRNeuron`, trained by differentiation on the spike representation."""

    def __init__(self, neuron: DSRNeuron) -> None:
        super().__init__()
        self.neuron = neuron
        weights = step_weights(neuron.steps, neuron.dt / neuron.tau, torch.float64)
        self.register_buffer("weights", weights, persistent=False)

    def forward(self, current: Tensor) -> Tensor:
        """Return the spikes for a current (T B, ...), of the same shape."""
        weights: Any = self.weights
        now = self.neuron
        spikes: Tensor = _RateSpikes.apply(  # type: ignore[no-untyped-call]
            current, weights.to(current.dtype), now.beta, now.alpha * now.v_thresh, now.v_thresh,
            now.height, now.tau,
        )  # fmt: skip
        return spikes

    def mean(self, rows: Tensor) -> Tensor:
        """Return the weighted mean (B, ...) of rows (T B, ...) over the steps."""
        weights: Any = self.weights
        split = rows.reshape(len(weights), -1)
        result: Tensor = (weights.to(rows.dtype) @ split).reshape(-1, *rows.shape[1:])
        return result


class _SurrogateSpikes(torch.autograd.Function):
    """LIF neurons; the backward pass uses a sigmoid's derivative, and ignores the reset."""

    @staticmethod
    def forward(
        ctx: Any, current: Tensor, steps: int, keep: float, v_th: float, slope: float, hard: bool
    ) -> Tensor:
        now = current.reshape(steps, -1)
        over, out = torch.empty_like(now), torch.empty_like(now)
        v = torch.zeros_like(now[0])
        for t in range(steps):
            v.mul_(keep).add_(now[t])
            torch.sub(v, v_th, out=over[t])
            torch.ge(over[t], 0.0, out=out[t])
            if hard:
                v.mul_(1 - out[t])
            else:
                v.sub_(out[t], alpha=v_th)
        ctx.save_for_backward(over)
        ctx.constants = keep, slope, hard
        return out.reshape(current.shape)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        (over,) = ctx.saved_tensors
        keep, slope, hard = ctx.constants
        sigmoid = torch.sigmoid(slope * over)
        back = grad.reshape(over.shape) * (slope * sigmoid * (1 - sigmoid))
        for t in range(len(over) - 2, -1, -1):
            later = back[t + 1] * (over[t] < 0) if hard else back[t + 1]
            back[t].add_(later, alpha=keep)
        return back.reshape(grad.shape), None, None, None, None, None


class SurrogateNeuron(nn.Module):
    """Neurons of :class:`LIFNeuron` with soft or hard reset, for backpropagation through time."""

    def __init__(self, neuron: LIFNeuron) -> None:
        super().__init__()
        self.neuron = neuron

    def forward(self, current: Tensor) -> Tensor:
        """Return the spikes of amplitude 1 for a current (T B, ...), of the same shape."""
        now = self.neuron
        spikes: Tensor = _SurrogateSpikes.apply(  # type: ignore[no-untyped-call]
            current, now.steps, now.decay, now.v_thresh, now.slope, now.reset == "hard"
        )
        return spikes

    def mean(self, rows: Tensor) -> Tensor:
        """Return the mean (B, ...) of rows (T B, ...) over the steps."""
        return rows.reshape(self.neuron.steps, -1, *rows.shape[1:]).mean(dim=0)


def neurons(kind: DSRNeuron | LIFNeuron) -> RateNeuron | SurrogateNeuron:
    """Return the module for a kind of neuron."""
    return RateNeuron(kind) if isinstance(kind, DSRNeuron) else SurrogateNeuron(kind)
