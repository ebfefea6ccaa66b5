"""HLOP as its authors compute it, plainly with autograd: the peer of ``benchmarks/hlop.py``.

Xiao et al. (ICLR 2024) train by differentiation on the spike representation: LIF neurons run for T
steps, and the gradient of a layer is that of its clipped, exponentially weighted mean input. Every
step of every sample passes every layer as a row of its own, the input image among them; the rows
that gate plasticity are projected one by one; and every row of the lateral matrix takes part in
Oja's five iterations, the gradient of the old ones being set to zero.

This file shares nothing with :mod:`spikemem.networks.hlop`, so that it is also a reference for it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

STEPS, TAU, DT, V_TH, ALPHA = 20, 1.0, 0.05, 0.3, 0.3
ITERATIONS, MOMENTUM, CLIP = 5, 0.9, 10.0


def step_weights(steps: int = STEPS, dtype: torch.dtype = torch.float32) -> Tensor:
    """Weight of each step in a weighted mean, later ones the larger; their sum is 1."""
    times = torch.arange(1, steps + 1, dtype=torch.float64)
    weights = torch.exp(-(steps - times) * DT / TAU)
    return (weights / weights.sum()).to(dtype)


def weighted_mean(rows: Tensor, steps: int) -> Tensor:
    """Rows (T B, ...) of all steps to their weighted mean (B, ...)."""
    split = rows.reshape(steps, -1, *rows.shape[1:])
    weights = step_weights(steps, rows.dtype).reshape(-1, *[1] * (split.dim() - 1))
    return (split * weights).sum(0)


class SpikeRepresentation(torch.autograd.Function):
    """LIF neurons: spikes forward, the derivative of the clipped weighted mean backward."""

    @staticmethod
    def forward(ctx: Any, current: Tensor, steps: int) -> Tensor:
        """Spikes (T B, ...) of amplitude V_TH / DT."""
        beta = float(np.exp(-DT / TAU))
        split = current.reshape(steps, -1, *current.shape[1:])
        v = torch.zeros_like(split[0])
        out = []
        for now in split:
            v = beta * v + (1 - beta) * now
            spike = (v >= ALPHA * V_TH).to(v.dtype)
            v = v - V_TH * spike
            out.append(spike * (V_TH / DT))
        mean = weighted_mean(current, steps)
        ctx.save_for_backward((mean > 0) & (mean < V_TH / DT * TAU))
        ctx.steps = steps
        return torch.cat(out)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        """The same gradient for every step."""
        (inside,) = ctx.saved_tensors
        mean = weighted_mean(grad, ctx.steps) * inside / TAU
        return mean.repeat(ctx.steps, *[1] * (grad.dim() - 1)), None


class ProjectedLinear(torch.autograd.Function):
    """A linear layer whose weights learn from the projected rows of its input."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor, weights: Tensor, old: Tensor) -> Tensor:
        """Rows (T B, n_in) to rows (T B, n_out)."""
        ctx.save_for_backward(rows, weights, old)
        return rows @ weights.T

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, None]:
        """Gradients of the rows and of the weights."""
        rows, weights, old = ctx.saved_tensors
        trace = rows - (rows @ old.T) @ old if len(old) else rows
        return grad @ weights, grad.T @ trace, None


class ProjectedConv(torch.autograd.Function):
    """A convolution (3 x 3, padding 1) that learns from the projected patches of its input."""

    @staticmethod
    def forward(ctx: Any, maps: Tensor, weights: Tensor, old: Tensor) -> Tensor:
        """Maps (T B, n_in, h, w) to maps (T B, n_out, h, w)."""
        ctx.save_for_backward(maps, weights, old)
        return torch.nn.functional.conv2d(maps, weights, padding=1)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, None]:
        """Gradients of the maps and of the weights."""
        maps, weights, old = ctx.saved_tensors
        rows = patches(maps)
        trace = rows - (rows @ old.T) @ old if len(old) else rows
        flat = grad.permute(0, 2, 3, 1).reshape(-1, grad.shape[1])
        back = torch.nn.grad.conv2d_input(maps.shape, weights, grad, padding=1)
        return back, (flat.T @ trace).reshape(weights.shape), None


def patches(maps: Tensor) -> Tensor:
    """Maps (B, c, h, w) to one row (c * 9) for each place."""
    unfolded = torch.nn.functional.unfold(maps, 3, padding=1)
    return unfolded.transpose(1, 2).reshape(-1, unfolded.shape[1])


class Lateral:
    """Rows of a lateral matrix, the first `n_old` of them frozen; Oja's rule for the others."""

    def __init__(self, rows: Tensor, n_old: int, rate: float) -> None:
        self.rows, self.n_old, self.rate = rows.clone(), n_old, rate
        self.momentum = torch.zeros_like(rows)

    @property
    def old(self) -> Tensor:
        """The frozen rows."""
        return self.rows[: self.n_old]

    def update(self, x: Tensor) -> None:
        """Five Hebbian and anti-Hebbian iterations on a batch of rows."""
        for _ in range(ITERATIONS):
            y = x @ self.rows.T
            grad = (y.T @ (x - y @ self.rows) / len(x)).clamp(-CLIP, CLIP)
            grad[: self.n_old] = 0.0
            self.momentum = MOMENTUM * self.momentum + (1 - MOMENTUM) * grad
            self.rows = self.rows + self.rate * self.momentum


class PeerNetwork:
    """Perceptron of spiking layers without bias, trained by gradient descent."""

    def __init__(
        self, weights: list[Tensor], laterals: list[Lateral], rate: float = 0.1, steps: int = STEPS
    ) -> None:
        self.weights = [w.clone().requires_grad_(True) for w in weights]
        self.laterals, self.rate, self.steps = laterals, rate, steps

    def forward(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Logits (B, n_classes), and the traces of every layer's input (B, n_in)."""
        olds = [lateral.old for lateral in self.laterals] or [w[:0] for w in self.weights]
        rows, traces = x.repeat(self.steps, 1), []
        for w, old in zip(self.weights[:-1], olds[:-1], strict=True):
            traces.append(weighted_mean(rows, self.steps).detach())
            current = ProjectedLinear.apply(rows, w, old)  # type: ignore[no-untyped-call]
            rows = SpikeRepresentation.apply(current, self.steps)  # type: ignore[no-untyped-call]
        traces.append(weighted_mean(rows, self.steps).detach())
        steps = ProjectedLinear.apply(rows, self.weights[-1], olds[-1])  # type: ignore[no-untyped-call]
        out = weighted_mean(steps, self.steps)
        return out, traces

    def learn(self, x: Tensor, labels: Tensor) -> float:
        """One batch; returns its loss."""
        logits, traces = self.forward(x)
        loss = torch.nn.functional.cross_entropy(logits, labels)
        for w in self.weights:
            w.grad = None
        loss.backward()
        for lateral, trace in zip(self.laterals, traces, strict=bool(self.laterals)):
            lateral.update(trace)
        with torch.no_grad():
            for w in self.weights:
                w -= self.rate * w.grad
        return float(loss.detach())
