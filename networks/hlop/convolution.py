"""A convolution over all steps of a batch, with what learning by projection needs of it.

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
    """Convolution whose errors are the same in every step: it learns from the mean input."""

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
        how = {"stride": layer.stride, "padding": layer.padding}
        back = None
        if ctx.needs_input_grad[0]:
            back = conv2d_input(mean.shape, weight, one, **how)  # type: ignore[no-untyped-call]
            back = back.repeat(layer.steps, 1, 1, 1)
        own = conv2d_weight(mean, weight.shape, one, **how)  # type: ignore[no-untyped-call]
        return back, None, layer.steps * own, None


class Convolution(nn.Conv2d):
    """Convolution without bias of maps (T B, ...), all steps of a batch after one another.

    Parameters
    ----------
    n_in, n_out, size : int
        Channels, and width of the square kernel; the padding is half of it.
    steps : int
        Time steps T.
    stride : int
        Stride.

    Attributes
    ----------
    steady : bool
        Whether the errors are known to be the same in every step, as those of
        :class:`RateNeuron` are while batch normalisation is frozen. The gradient then costs one
        step instead of T, and is the same.
    trace : tensor or None
        Mean over the steps of the latest input, (B, n_in, height, width), if `listening`; weighted
        by `time_weights`, if there are any.
    """

    def __init__(self, n_in: int, n_out: int, size: int, *, steps: int, stride: int = 1) -> None:
        super().__init__(n_in, n_out, size, stride=stride, padding=size // 2, bias=False)
        self.steps = steps
        self.steady = False
        self.listening = False
        self.time_weights: Tensor | None = None
        self.trace: Tensor | None = None

    def reset_parameters(self) -> None:
        """Draw weights without a change of PyTorch's global random state."""
        own = torch.Generator().manual_seed(0)
        nn.init.kaiming_uniform_(self.weight, a=5**0.5, generator=own)

    def convolved(self, maps: Tensor, weight: Tensor) -> Tensor:
        """Plain convolution."""
        return functional.conv2d(maps, weight, None, self.stride, self.padding)

    def forward(self, maps: Tensor) -> Tensor:
        """Maps (T B, n_in, ...) to maps (T B, n_out, ...)."""
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
        """Patches of the latest trace, one row for each place, (B places, n_in size^2)."""
        if self.trace is None:
            raise RuntimeError("the convolution has not seen any input")
        return patches(self.trace, self.kernel_size[0], self.stride[0])


def patches(maps: Tensor, size: int, stride: int = 1) -> Tensor:
    """Patches of maps (B, c, h, w), padded by half their size: rows (B places, c size^2).

    The places are those of the outputs of a convolution with this kernel and stride.
    """
    unfolded = functional.unfold(maps, size, padding=size // 2, stride=stride)
    return unfolded.transpose(1, 2).reshape(-1, unfolded.shape[1])
