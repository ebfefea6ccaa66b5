"""Converts images, or sequences of images, to the binary frames of a hierarchy."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...codes import Patterns, as_patterns
from ...errors import DescriptionError, shown

__all__ = ["Frames", "as_frames"]

Pixels = NDArray[np.uint8]
Array = NDArray[Any]


class Frames(NamedTuple):
    """Frames of consecutive items; an item is an image, or a sequence of images."""

    pixels: Pixels
    """Pixels, 0 or 1, shape (n_frames, n_pixels)."""
    starts: NDArray[np.int64]
    """First frame of each item, and the number of frames; shape (n_items + 1,)."""

    @property
    def n_items(self) -> int:
        """Number of images or sequences."""
        return self.starts.size - 1

    @property
    def owners(self) -> NDArray[np.int64]:
        """Item of each frame, shape (n_frames,)."""
        return np.repeat(np.arange(self.n_items), np.diff(self.starts))

    @property
    def begins(self) -> NDArray[np.uint8]:
        """Whether each frame is the first of its item, shape (n_frames,)."""
        first = np.zeros(len(self.pixels), dtype=np.uint8)
        first[self.starts[:-1]] = 1
        return first


def as_frames(x: Any, shape: tuple[int, ...], thresholds: tuple[float, ...], where: str) -> Frames:
    r"""Convert images or sequences to frames.

    Parameters
    ----------
    x : Patterns, array_like or sequence
        Images: :class:`Patterns`, an array (n, \*shape) or (n, n_pixels), or a sequence of
        images, of sets or of lists of indices. Sequences: an array (n, T, \*shape), or a sequence
        of arrays (T, \*shape) or (T, n_pixels) or of :class:`Patterns`, one for each sequence.
    shape : tuple of int
        Shape of an image.
    thresholds : tuple of float
        A pixel is on if its value is larger. With several thresholds, each pixel becomes several
        adjacent binary inputs. Without thresholds, values must be binary.
    where : str
        Beginning of error messages.

    Raises
    ------
    DescriptionError
        If `x` has another shape, or values are not binary.
    """
    size = math.prod(shape)
    if isinstance(x, Patterns):
        return _images(_dense(x, _size(shape, thresholds), where))
    if isinstance(x, list | tuple):
        return _of_list(x, shape, thresholds, where)
    array = _plain(x)
    if array is None:
        raise DescriptionError(f"{where} must be images or sequences of images, got {shown(x)}.")
    n = len(shape)
    if array.ndim == n + 1 and array.shape[1:] == shape:
        return _images(_binary(array, size, thresholds, where))
    if array.ndim == 2 and array.shape[1] == size:
        return _images(_binary(array, size, thresholds, where))
    if array.ndim == n + 2 and array.shape[2:] == shape and array.shape[1]:
        pixels = _binary(array, size, thresholds, where)
        return Frames(pixels, np.arange(len(array) + 1, dtype=np.int64) * array.shape[1])
    raise DescriptionError(_expected(shape, where, f"shape {array.shape}"))


def _size(shape: tuple[int, ...], thresholds: tuple[float, ...]) -> int:
    """Return the number of binary inputs of one image."""
    return math.prod(shape) * max(1, len(thresholds))


def _images(pixels: Pixels) -> Frames:
    return Frames(pixels, np.arange(len(pixels) + 1, dtype=np.int64))


def _dense(patterns: Any, size: int, where: str) -> Pixels:
    dense: Pixels = as_patterns(patterns, size, where).to_dense().view(np.uint8)
    return dense


def _plain(x: Any) -> Array | None:
    """Return an array of numbers, or None if `x` is something else."""
    if isinstance(x, np.ma.MaskedArray | str | bytes | set | frozenset | dict):
        return None
    try:
        array = np.asarray(x)
    except (TypeError, ValueError, OverflowError, RuntimeError):
        return None
    return array if array.dtype.kind in "biuf" else None


def _binary(array: Array, size: int, thresholds: tuple[float, ...], where: str) -> Pixels:
    flat = np.ascontiguousarray(array).reshape(-1, size)
    if flat.dtype.kind == "b" and len(thresholds) < 2:
        return _octets(flat)
    if flat.dtype.kind == "f" and not np.isfinite(flat).all():
        raise DescriptionError(f"{where} must be finite, got NaN or infinity.")
    if thresholds:
        over = np.stack([flat > threshold for threshold in thresholds], axis=2)
        return _octets(over.reshape(len(flat), -1))
    if flat.size and ((flat != 0) & (flat != 1)).any():
        raise DescriptionError(
            f"{where} must be binary (bool, or 0 and 1), got values from {flat.min():g} to "
            f"{flat.max():g}. Set threshold=... of the model; a pixel above it is on."
        )
    return flat.astype(np.uint8)


def _octets(bits: NDArray[np.bool_]) -> Pixels:
    same: Pixels = bits.view(np.uint8)
    return same


def _expected(shape: tuple[int, ...], where: str, got: str) -> str:
    inside = ", ".join(map(str, shape))
    return (
        f"{where} must be images of shape (n, {inside}) or sequences of shape (n, T, {inside}), or "
        f"a list of sequences (T, {inside}); got {got}."
    )


def _of_list(
    x: Sequence[Any], shape: tuple[int, ...], thresholds: tuple[float, ...], where: str
) -> Frames:
    """Convert a list of images, of sequences, or of patterns."""
    parts = [_entry(entry, shape, thresholds, where) for entry in x]
    if not parts:
        return _images(np.zeros((0, _size(shape, thresholds)), dtype=np.uint8))
    dims = {part.ndim for part in parts}
    if len(dims) > 1:
        raise DescriptionError(f"{where} must be all images or all sequences, got both.")
    if dims == {1}:
        return _images(np.stack(parts))
    lengths = [len(part) for part in parts]
    if not all(lengths):
        raise DescriptionError(
            f"{where} must be sequences of at least one frame, got none in {lengths.index(0)}."
        )
    starts: NDArray[np.int64] = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    return Frames(np.concatenate(parts), starts)


def _entry(entry: Any, shape: tuple[int, ...], thresholds: tuple[float, ...], where: str) -> Pixels:
    """Convert one image, shape (n_pixels,), or one sequence, shape (T, n_pixels)."""
    size, n_inputs = math.prod(shape), _size(shape, thresholds)
    if isinstance(entry, Patterns):
        return _dense(entry, n_inputs, where)
    if isinstance(entry, set | frozenset):
        return _dense([entry], n_inputs, where).reshape(-1)
    array = _plain(entry)
    if array is not None:
        if array.shape == shape or array.shape == (size,):
            return _binary(array, size, thresholds, where).reshape(-1)
        if array.shape[1:] == shape or (array.ndim == 2 and array.shape[1] == size):
            return _binary(array, size, thresholds, where)
        if array.ndim == 1 and (array.dtype.kind in "iu" or not array.size):
            return _dense([array.astype(np.int64)], n_inputs, where).reshape(-1)
        if not (array.ndim == 2 and array.dtype.kind in "iu"):
            raise DescriptionError(_expected(shape, where, f"an item of shape {array.shape}"))
    return _dense(entry, n_inputs, where)
