"""Argument kinds: samples, labels, tests, and rules of layers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from ...checks import Instance, Kind
from ...errors import DescriptionError, shown
from .parameters import SubspaceRule

__all__ = ["Labels", "Rows", "Rules", "Samples", "State", "Tests"]


def _plain(value: Any) -> NDArray[Any] | None:
    if isinstance(value, str | bytes | dict | set | np.ma.MaskedArray):
        return None
    try:
        return np.asarray(value)
    except (TypeError, ValueError, OverflowError, RuntimeError):
        return None


@dataclass(frozen=True)
class SampleArray(Kind):
    """Finite numbers, one row for each sample."""

    ndims: tuple[int, ...] = (2, 4)

    def check(self, value: Any, where: str) -> NDArray[Any]:
        """Return the array, whose type is kept."""
        array = _plain(value)
        if array is None or array.ndim not in self.ndims or array.dtype.kind not in "biuf":
            got = shown(value) if array is None else f"{array.dtype} of shape {array.shape}"
            raise DescriptionError(
                f"{where} must be an array of numbers (n_samples, n_inputs), got {got}."
            )
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            bad = float(array[~np.isfinite(array)].flat[0])
            raise DescriptionError(f"{where} must be finite, got {bad}.")
        if array.dtype.kind == "f" and array.size and np.abs(array).max() > _LARGEST:
            raise DescriptionError(
                f"{where} must be from -{_LARGEST:g} to {_LARGEST:g}, got "
                f"{np.abs(array).max():g}; scale the samples to about 1."
            )
        return array


_LARGEST = 1e6


class RowArray(Kind):
    """Rows of finite numbers, as an array or a PyTorch tensor."""

    def check(self, value: Any, where: str) -> Any:
        """Return the array, or the same tensor."""
        if is_tensor(value):
            if value.ndim != 2 or not value.is_floating_point():
                raise DescriptionError(
                    f"{where} must be rows of floats (n, size), got {value.dtype} of shape "
                    f"{tuple(value.shape)}."
                )
            if not bool(value.isfinite().all()):
                raise DescriptionError(f"{where} must be finite, got an infinite or NaN value.")
            return value
        return SampleArray((2,)).check(value, where)


class StateArray(Kind):
    """An array or a tensor of numbers, of any shape."""

    def check(self, value: Any, where: str) -> Any:
        """Return the array, or the same tensor."""
        if is_tensor(value) or (isinstance(value, np.ndarray) and value.dtype.kind in "biuf"):
            return value
        raise DescriptionError(f"{where} must be an array or a tensor, got {shown(value)}.")


def is_tensor(value: Any) -> bool:
    """Tell whether a value is a PyTorch tensor, without importing PyTorch."""
    kind = type(value)
    return kind.__module__.startswith("torch") and hasattr(value, "is_floating_point")


class LabelArray(Kind):
    """Classes of samples: whole numbers >= 0."""

    def check(self, value: Any, where: str) -> NDArray[np.int64]:
        """Return an array of int64, shape (n_samples,)."""
        array = _plain(value)
        if array is None or array.ndim != 1 or (array.size and array.dtype.kind not in "iu"):
            raise DescriptionError(
                f"{where} must be whole numbers, shape (n_samples,), got {shown(value)}."
            )
        if array.size and (array.min() < 0 or array.max() > 2**31):
            worst = array.min() if array.min() < 0 else array.max()
            raise DescriptionError(f"{where} must be from 0 to {2**31}, got {worst}.")
        return array.astype(np.int64)


class TestPairs(Kind):
    """Samples and labels of each task, in the order of the tasks."""

    def check(self, value: Any, where: str) -> tuple[tuple[NDArray[Any], NDArray[np.int64]], ...]:
        """Return a tuple of pairs of arrays."""
        if isinstance(value, str | bytes | dict | np.ndarray) or not isinstance(value, Iterable):
            raise DescriptionError(
                f"{where} must be a sequence of pairs (x, y), one for each task, got "
                f"{shown(value)}."
            )
        pairs = []
        for k, pair in enumerate(value):
            if not isinstance(pair, tuple | list) or len(pair) != 2:
                raise DescriptionError(f"{where}[{k}] must be a pair (x, y), got {shown(pair)}.")
            x = SampleArray().check(pair[0], f"{where}[{k}]: x")
            y = LabelArray().check(pair[1], f"{where}[{k}]: y")
            if len(x) != len(y) or not len(x):
                raise DescriptionError(
                    f"{where}[{k}] must have one label for each sample, and at least one sample; "
                    f"got {len(x)} samples and {len(y)} labels."
                )
            pairs.append((x, y))
        return tuple(pairs)


class RuleOrRules(Kind):
    """One rule for all layers, or one for each layer."""

    def check(self, value: Any, where: str) -> Any:
        """Return a rule, or a tuple of rules."""
        if isinstance(value, tuple | list):
            kind = Instance(SubspaceRule)
            return tuple(kind.check(each, f"{where}[{k}]") for k, each in enumerate(value))
        return Instance(SubspaceRule).check(value, where)


Samples = Annotated[NDArray[Any], SampleArray()]
"""Samples: finite numbers, shape (n_samples, n_inputs)."""

Rows = Annotated[Any, RowArray()]
"""Rows of finite numbers, array or tensor of shape (n, size)."""

State = Annotated[Any, StateArray()]
"""Array or tensor of numbers."""

Labels = Annotated[NDArray[np.int64], LabelArray()]
"""Class of each sample, whole numbers from 0, shape (n_samples,)."""

Tests = Annotated[tuple[tuple[NDArray[Any], NDArray[np.int64]], ...], TestPairs()]
"""Test samples and labels of each task."""

Rules = Annotated[SubspaceRule | tuple[SubspaceRule, ...], RuleOrRules()]
"""A :class:`SubspaceRule`, or one for each layer."""
