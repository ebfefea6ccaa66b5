"""Argument kinds for arrays: spikes of many samples, features and labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from ...checks import Kind
from ...errors import DescriptionError, shown

__all__ = ["Features", "LabelArray", "Labels", "NumberArray", "Spikes", "SpikesOrFeatures"]

_DIMENSIONS = {
    2: "(n_samples, n_features)",
    3: "(n_samples, n_steps, n)",
}


@dataclass(frozen=True)
class NumberArray(Kind):
    """An array of finite numbers or bool, whose type is kept.

    Parameters
    ----------
    ndims : tuple of int
        Accepted numbers of dimensions: 2, 3, or both.
    least : int
        Smallest number of samples.
    negative : bool
        Whether negative numbers are accepted.
    """

    ndims: tuple[int, ...] = (2,)
    least: int = 0
    negative: bool = True

    def check(self, value: Any, where: str) -> NDArray[Any]:
        """Return an array of numbers or bool."""
        array = _plain(value)
        if array is None or array.ndim not in self.ndims or array.dtype.kind not in "biuf":
            shapes = " or ".join(_DIMENSIONS[n] for n in self.ndims)
            got = shown(value) if array is None else f"{array.dtype} of shape {array.shape}"
            raise DescriptionError(f"{where} must be an array of numbers {shapes}, got {got}.")
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise DescriptionError(f"{where} must be finite, got {_first_infinite(array)}.")
        if not self.negative and array.dtype.kind in "if" and array.size and array.min() < 0:
            raise DescriptionError(f"{where} must be >= 0, got {array.min():g}.")
        if array.shape[0] < self.least:
            raise DescriptionError(
                f"{where} must have at least {self.least} samples, got {array.shape[0]}."
            )
        if 0 in array.shape[1:]:
            raise DescriptionError(
                f"{where}: a sample must not have an empty dimension, got shape {array.shape}."
            )
        return array


class LabelArray(Kind):
    """Labels, one for each sample: whole numbers or words."""

    def check(self, value: Any, where: str) -> NDArray[Any]:
        """Return an array of integers or of str, shape (n_samples,)."""
        array = _plain(value)
        is_kind = array is not None and array.dtype.kind in "iuU"
        if array is None or array.ndim != 1 or not is_kind:
            raise DescriptionError(
                f"{where} must be whole numbers or words, shape (n_samples,), got {shown(value)}."
            )
        return array


def _plain(value: Any) -> NDArray[Any] | None:
    if isinstance(value, str | bytes | dict | set | np.ma.MaskedArray):
        return None
    try:
        return np.asarray(value)
    except (TypeError, ValueError, OverflowError, RuntimeError):
        return None


def _first_infinite(array: NDArray[Any]) -> float:
    return float(array[~np.isfinite(array)].flat[0])


Spikes = Annotated[NDArray[Any], NumberArray((3,), negative=False)]
"""Spikes of many samples: counts or bool, shape (n_samples, n_steps, n_neurons)."""

Features = Annotated[NDArray[Any], NumberArray((2,))]
"""Features of many samples, shape (n_samples, n_features)."""

SpikesOrFeatures = Annotated[NDArray[Any], NumberArray((2, 3))]
"""Features, or spikes from which features are computed."""

Labels = Annotated[NDArray[Any], LabelArray()]
"""Labels of the samples, shape (n_samples,)."""
