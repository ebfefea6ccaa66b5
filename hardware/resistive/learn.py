"""Crossbars as PyTorch modules (extra ``learn``)."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np

from ...checks import Instance, Kind, Quantities, checked
from ...errors import BackendMissing, DescriptionError
from .crossbar import Crossbar
from .devices.base import Device

_Module: Any = object
_Function: Any = object
try:
    import torch
except ImportError:
    _MISSING = True
else:
    _MISSING = False
    _Module, _Function = torch.nn.Module, torch.autograd.Function

__all__ = ["CrossbarLinear"]


class _Linear(Kind):
    """A ``torch.nn.Linear``."""

    def check(self, value: Any, where: str) -> Any:
        """Return the layer itself."""
        _require_torch()
        return Instance("torch.nn:Linear").check(value, where)


def _require_torch() -> None:
    if _MISSING:
        raise BackendMissing.of("CrossbarLinear", "torch", extra="learn")


class _Product(_Function):  # type: ignore[misc]
    """Product of a crossbar; its gradient is that of the noiseless matrix."""

    @staticmethod
    def forward(ctx: Any, x: Any, crossbar: Crossbar) -> Any:
        ctx.crossbar = crossbar
        y = crossbar.matvec(x.detach().cpu().reshape(-1, crossbar.shape[0]).numpy())
        return torch.as_tensor(y).to(x).reshape(*x.shape[:-1], crossbar.shape[1])

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        (grad,) = grads
        return grad @ torch.as_tensor(ctx.crossbar.matrix).to(grad).T, None


class CrossbarLinear(_Module):  # type: ignore[misc]
    """A linear layer whose matrix is in devices, e.g. a trained readout.

    Its output is that of :meth:`Crossbar.matvec`, with noise and converters. Gradients pass to the
    input as if the matrix were noiseless. The matrix itself does not learn.

    Parameters
    ----------
    crossbar : Crossbar
        Crossbar of shape (n_in, n_out).
    bias : array_like, shape (n_out,), optional
        Bias, which is added digitally. Default: 0.

    Raises
    ------
    BackendMissing
        If PyTorch is not installed.
    DescriptionError
        If `crossbar` is not a :class:`Crossbar`, or `bias` has another shape.
    """

    @checked
    def __init__(
        self, crossbar: Crossbar, bias: Annotated[Any, Quantities()] | None = None
    ) -> None:
        _require_torch()
        super().__init__()
        self.crossbar = crossbar
        added = np.zeros(crossbar.shape[1]) if bias is None else bias.copy()
        if added.shape != (crossbar.shape[1],):
            raise DescriptionError(
                f"CrossbarLinear: bias must have shape ({crossbar.shape[1]},), got {added.shape}."
            )
        self.register_buffer("bias", torch.as_tensor(added))

    @classmethod
    @checked
    def from_linear(
        cls, layer: Annotated[Any, _Linear()], device: Device, **options: Any
    ) -> CrossbarLinear:
        """Write a ``torch.nn.Linear`` into devices; for the options see :class:`Crossbar`."""
        weights = layer.weight.detach().cpu().double().numpy().T
        bias = None if layer.bias is None else layer.bias.detach().cpu().double().numpy()
        return cls(Crossbar(device, weights, **options), bias)

    def forward(self, x: Any) -> Any:
        """Multiply `x` with the matrix, shape (..., n_out)."""
        return _Product.apply(x, self.crossbar) + self.bias.to(x)
