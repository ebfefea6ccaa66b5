"""Converts linear nodes to sparse matrices from a flat input to a flat output (C order)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

from ...errors import shown
from ...limits import available_memory, size_text
from .common import LARGEST, array_of

__all__ = [
    "LINEAR",
    "Sparse",
    "Unfit",
    "bias_of",
    "matrix_of",
    "output_shape",
    "product",
    "whole_numbers",
]

LINEAR = ("Linear", "Affine", "Scale", "Conv1d", "Conv2d", "SumPool2d", "AvgPool2d", "Flatten")

Sparse = Any
"""A ``scipy.sparse.csr_array`` of shape (n_out, n_in)."""

Shape = tuple[int, ...]

_BYTES = 48
"""Memory of one entry of a sparse matrix while the matrix is made, bytes."""


class Unfit(Exception):
    """A linear node does not fit its input; the text states the reason."""


def output_shape(node: Any, shape: Shape) -> Shape:
    """Return the output shape of a linear node for an input shape.

    Raises
    ------
    Unfit
        If the shapes do not fit.
    """
    kind = type(node).__name__
    if kind in ("Linear", "Affine"):
        weight = np.asarray(node.weight)
        if weight.ndim != 2:
            raise Unfit(f"weight must have two axes, got shape {weight.shape}")
        if weight.shape[1] != _count(shape):
            raise Unfit(
                f"weight has shape {weight.shape}: it takes {weight.shape[1]} signals, "
                f"but {_count(shape)} arrive, of shape {shape}"
            )
        if np.size(getattr(node, "bias", 0.0)) not in (1, weight.shape[0]):
            raise Unfit(f"bias must have shape ({weight.shape[0]},), got {np.shape(node.bias)}")
        return (weight.shape[0],)
    if kind == "Scale":
        _scale(node, shape)
        return shape
    if kind == "Flatten":
        return (_count(shape),)
    return _Window(node, shape).output


def matrix_of(node: Any, shape: Shape) -> Sparse:
    """Return the matrix of a linear node for an input shape, without the bias."""
    kind = type(node).__name__
    if kind in ("Linear", "Affine"):
        return scipy.sparse.csr_array(np.asarray(node.weight, np.float64))
    if kind == "Scale":
        return _diagonal(_scale(node, shape))
    if kind == "Flatten":
        return _diagonal(np.ones(_count(shape)))
    return _Window(node, shape).matrix()


def bias_of(node: Any, shape: Shape) -> NDArray[np.float64] | None:
    """Return the constant that a linear node adds to its output, shape (n_out,), or None."""
    if not hasattr(node, "bias"):
        return None
    bias = np.ravel(np.asarray(node.bias, np.float64))
    if not bias.any():
        return None
    out = output_shape(node, shape)
    _require(_count(out), "alone")
    if type(node).__name__.startswith("Conv"):
        return np.repeat(bias, _count(out) // out[0])
    return np.array(np.broadcast_to(bias, (_count(out),)))


def product(after: Sparse, before: Sparse) -> Sparse:
    """Return the matrix of two linear maps in sequence.

    Raises
    ------
    Unfit
        If the matrix would have too many entries.
    """
    per_row = np.diff(before.indptr).astype(np.int64)
    _require(int(per_row[after.indices].sum()), "multiplied with the linear nodes before it")
    made = after @ before
    made.sort_indices()
    return made


def _count(shape: Shape) -> int:
    return math.prod(shape)


def _require(entries: int, what: str) -> None:
    entries = min(entries, 10**18)
    most = min(LARGEST, available_memory() // _BYTES)
    if entries > most:
        raise Unfit(
            f"{what} it has up to {entries:.3g} synapses, which take "
            f"{size_text(_BYTES * entries)}; at most {most:.3g} can be read on this computer "
            f"({size_text(_BYTES * most)})"
        )


def _diagonal(values: NDArray[np.float64]) -> Sparse:
    n = values.size
    return scipy.sparse.csr_array((values, np.arange(n), np.arange(n + 1)), (n, n))


def _scale(node: Any, shape: Shape) -> NDArray[np.float64]:
    scale = np.asarray(node.scale, np.float64)
    if scale.size == _count(shape):
        return np.ravel(scale)
    try:
        return np.ravel(np.broadcast_to(scale, shape))
    except ValueError as error:
        raise Unfit(f"scale has shape {scale.shape}, but shape {shape} arrives") from error


def whole_numbers(value: Any, n: int, name: str, low: int) -> Shape:
    """Return a parameter for each of `n` axes.

    Raises
    ------
    Unfit
        If the values are not 1 or `n` whole numbers >= `low`.
    """
    array = array_of(value)
    numbers = array is not None and array.size in (1, n) and array.dtype.kind in "iuf"
    if not numbers or np.any(array % 1 != 0):
        raise Unfit(f"{name} must be 1 or {n} whole numbers, got {shown(value)}")
    if array.min() < low or array.max() > LARGEST:
        raise Unfit(f"{name} must be from {low} to {LARGEST}, got {shown(value)}")
    return tuple(int(x) for x in np.broadcast_to(np.ravel(array), (n,)))


class _Window:
    """A convolution or pooling: a window that moves over one or two axes."""

    def __init__(self, node: Any, shape: Shape) -> None:
        kind = type(node).__name__
        self.n = n = 1 if kind == "Conv1d" else 2
        while len(shape) > n + 1 and shape[0] == 1:
            shape = shape[1:]
        if len(shape) != n + 1:
            axes = "(channels, length)" if n == 1 else "(channels, height, width)"
            raise Unfit(f"its input must have shape {axes}, but shape {shape} arrives")
        self.shape = shape
        self.weight = self._kernel(node, kind)
        stride = getattr(node, "stride", None)
        self.kernel = self.weight.shape[2:]
        self.stride = self.kernel if stride is None else whole_numbers(stride, n, "stride", 1)
        self.dilation = whole_numbers(getattr(node, "dilation", 1), n, "dilation", 1)
        self.before, padding = self._padding(node.padding)
        sizes = [
            (self.shape[1 + a] + padding[a] - self.dilation[a] * (self.kernel[a] - 1) - 1)
            // self.stride[a] + 1
            for a in range(n)
        ]  # fmt: skip
        if min(sizes) < 1:
            raise Unfit(f"its kernel of {self.kernel} is larger than its input of shape {shape}")
        self.output = (self.weight.shape[0], *sizes)

    def _kernel(self, node: Any, kind: str) -> NDArray[np.float64]:
        """Return weights of shape (channels out, channels in of a group, kernel)."""
        channels = self.shape[0]
        if kind.endswith("Pool2d"):
            size = whole_numbers(node.kernel_size, 2, "kernel_size", 1)
            _require(channels * _count(size), "alone")
            height = 1.0 / _count(size) if kind == "AvgPool2d" else 1.0
            self.groups = channels
            return np.full((channels, 1, *size), height)
        weight = np.asarray(node.weight, np.float64)
        (self.groups,) = whole_numbers(node.groups, 1, "groups", 1)
        if weight.ndim != self.n + 2 or not weight.size:
            raise Unfit(f"weight must have {self.n + 2} axes, got shape {weight.shape}")
        if weight.shape[0] % self.groups or weight.shape[1] * self.groups != channels:
            raise Unfit(
                f"weight has shape {weight.shape} with groups={self.groups}: it takes "
                f"{weight.shape[1] * self.groups} channels, but shape {self.shape} arrives"
            )
        bias = np.asarray(node.bias)
        if bias.size not in (1, weight.shape[0]):
            raise Unfit(f"bias must have shape ({weight.shape[0]},), got {bias.shape}")
        return weight

    def _padding(self, value: Any) -> tuple[Shape, Shape]:
        """Return the padding before each axis, and the total padding of each axis."""
        if isinstance(value, bytes):
            value = value.decode("utf8", "replace")
        if isinstance(value, str):
            if value == "valid":
                return (0,) * self.n, (0,) * self.n
            if value != "same":
                raise Unfit(f"padding must be 'same', 'valid' or whole numbers, got {value!r}")
            if max(self.stride) > 1:
                raise Unfit("padding 'same' needs a stride of 1")
            both = tuple(d * (k - 1) for d, k in zip(self.dilation, self.kernel, strict=True))
            return tuple(p // 2 for p in both), both
        before = whole_numbers(value, self.n, "padding", 0)
        return before, tuple(2 * p for p in before)

    def matrix(self) -> Sparse:
        """Return the matrix from a flat input to a flat output."""
        n_out, per_group = self.weight.shape[:2]
        outs, n_in = _count(self.output[1:]), _count(self.shape[1:])
        _require(n_out * per_group * outs * _count(self.kernel), "alone")
        out, tap, at = self._taps()
        channel = np.arange(n_out)[:, None, None]
        local = np.arange(per_group)[None, :, None]
        group = channel // (n_out // self.groups)
        rows = np.broadcast_to(channel * outs + out, (n_out, per_group, out.size))
        columns = (group * per_group + local) * n_in + at
        values = self.weight.reshape(n_out, per_group, -1)[:, :, tap]
        made = scipy.sparse.csr_array(
            (values.ravel(), (rows.ravel(), columns.ravel())),
            shape=(n_out * outs, self.shape[0] * n_in),
        )
        made.sort_indices()
        return made

    def _taps(self) -> tuple[NDArray[np.int64], ...]:
        """Return the output, kernel entry and input of each tap outside the padding."""
        out = tap = at = np.zeros(1, np.int64)
        for axis in range(self.n):
            size, k = self.output[1 + axis], self.kernel[axis]
            start = np.arange(size)[:, None] * self.stride[axis] - self.before[axis]
            where = start + np.arange(k)[None, :] * self.dilation[axis]
            o, t = np.nonzero((where >= 0) & (where < self.shape[1 + axis]))
            out = (out[:, None] * size + o).ravel()
            tap = (tap[:, None] * k + t).ravel()
            at = (at[:, None] * self.shape[1 + axis] + where[o, t]).ravel()
        return out, tap, at
