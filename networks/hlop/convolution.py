"""A convolution over all steps of a batch, which keeps its mean input for the projection.

Importing this module imports PyTorch.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.grad import conv2d_input, conv2d_weight

__all__ = ["Convolution", "patches"]


class _Steady(torch.autograd.Function):
    """Convolution whose errors are the same in every step, so that the mean input is enough."""

    @staticmethod
    def forward(ctx: Any, maps: Tensor, mean: Tensor, weight: Tensor, layer: Convolution) -> Tensor:
        ctx.save_for_backward(mean, weight)
        ctx.layer = layer
        return layer.convolved(maps, weight)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        mean, weight = ctx.saved_tensors
        layer: Convolution = ctx.layer
        one = grad[: len(mean)]
        geometry = {"stride": layer.stride, "padding": layer.padding}
        back = None
        if ctx.needs_input_grad[0]:
            back = conv2d_input(mean.shape, weight, one, **geometry)  # type: ignore[no-untyped-call]
            back = back.repeat(layer.steps, 1, 1, 1)
        own = conv2d_weight(mean, weight.shape, one, **geometry)  # type: ignore[no-untyped-call]
        return back, None, layer.steps * own, None


class Convolution(nn.Conv2d):
    """Convolution without bias of maps (T B, ...), with all steps of a batch on one axis.

    Parameters
    ----------
    n_in, n_out, size : int
        Numbers of channels, and width of the square kernel; the padding is half of it.
    steps : int
        Number of time steps T.
    stride : int
        Stride of the convolution.

    Attributes
    ----------
    steady : bool
        Whether the errors are the same in every step, as for :class:`RateNeuron` while batch
        normalisation is frozen. Computing the gradient then costs one step instead of T, with the
        same result.
    trace : tensor or None
        Mean of the latest input over the steps, (B, n_in, height, width), if `listening` is true;
        it is weighted by `time_weights` if they are set.
    """

    def __init__(self, n_in: int, n_out: int, size: int, *, steps: int, stride: int = 1) -> None:
        super().__init__(n_in, n_out, size, stride=stride, padding=size // 2, bias=False)
        self.steps = steps
        self.steady = False
        self.listening = False
        self.time_weights: Tensor | None = None
        self.trace: Tensor | None = None

    def reset_parameters(self) -> None:
        """Draw weights without changing the global random state of PyTorch."""
        own = torch.Generator().manual_seed(0)
        nn.init.kaiming_uniform_(self.weight, a=5**0.5, generator=own)

    def convolved(self, maps: Tensor, weight: Tensor) -> Tensor:
        """Return the convolution of the maps with these weights."""
        return functional.conv2d(maps, weight, None, self.stride, self.padding)

    def forward(self, maps: Tensor) -> Tensor:
        """Convolve maps (T B, n_in, ...) to maps (T B, n_out, ...)."""
        split = maps.detach().reshape(self.steps, -1, *maps.shape[1:])
        if self.listening:
            self.trace = self._weighted(split)
        if not (self.steady and torch.is_grad_enabled()):
            return self.convolved(maps, self.weight)
        mean = split.mean(dim=0)
        out: Tensor = _Steady.apply(maps, mean, self.weight, self)  # type: ignore[no-untyped-call]
        return out

    def _weighted(self, split: Tensor) -> Tensor:
        if self.time_weights is None or self.steps == 1:
            return split.mean(dim=0)
        rows = self.time_weights.to(split.dtype) @ split.reshape(self.steps, -1)
        return rows.reshape(split.shape[1:])

    def rows(self) -> Tensor:
        """Return the patches of the latest trace as rows, (B positions, n_in size^2)."""
        if self.trace is None:
            raise RuntimeError("the convolution has not seen any input")
        return patches(self.trace, self.kernel_size[0], self.stride[0])


def patches(maps: Tensor, size: int, stride: int = 1) -> Tensor:
    """Return patches of maps (B, c, h, w), padded by half their size, as rows.

    The rows have the shape (B positions, c size^2). The positions are those of the outputs of a
    convolution with this kernel and stride.
    """
    unfolded = functional.unfold(maps, size, padding=size // 2, stride=stride)
    return unfolded.transpose(1, 2).reshape(-1, unfolded.shape[1])
