"""Kinds of the arguments of a hierarchy: input shapes, thresholds and labels."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...checks import Count, Each, Kind, Quantity
from ...errors import DescriptionError, shown

__all__ = ["InputShape", "LabelArray", "Thresholds"]

MOST_PIXELS = 2**24


@dataclass(frozen=True)
class InputShape(Kind):
    """One to three whole numbers: pixels; rows and columns; rows, columns and channels."""

    def check(self, value: Any, where: str) -> tuple[int, ...]:
        """Return a tuple of int."""
        sizes: tuple[int, ...]
        if isinstance(value, int | np.integer) and not isinstance(value, bool):
            sizes = (Count().check(value, where),)
        else:
            sizes = Each(Count(), "whole numbers", least=1, most=3).check(value, where)
        total = 1
        for size in sizes:
            total *= size
        if total > MOST_PIXELS:
            raise DescriptionError(f"{where} must have at most {MOST_PIXELS} pixels, got {total}.")
        return sizes


@dataclass(frozen=True)
class Thresholds(Kind):
    """A number, or increasing numbers, or None for binary values."""

    def check(self, value: Any, where: str) -> float | tuple[float, ...] | None:
        """Return a float, a tuple of float, or None."""
        if value is None:
            return None
        if not isinstance(value, Iterable) or isinstance(value, str | bytes):
            return Quantity().check(value, where)
        if isinstance(value, np.ndarray) and value.ndim == 0:
            return Quantity().check(value, where)
        several: tuple[float, ...] = Each(Quantity(), "numbers", least=1, most=1000).check(
            value, where
        )
        if any(b <= a for a, b in itertools.pairwise(several)):
            raise DescriptionError(f"{where} must be increasing, got {shown(several)}.")
        return several


@dataclass(frozen=True)
class LabelArray(Kind):
    """Labels of one dimension: numbers or str."""

    def check(self, value: Any, where: str) -> NDArray[Any]:
        """Return an array of int64, float64 or str; shape (n,)."""
        array = None
        if not isinstance(value, np.ma.MaskedArray | str | bytes | set | frozenset | dict):
            try:
                array = np.asarray(value)
            except (TypeError, ValueError, OverflowError, RuntimeError):
                array = None
        if array is not None and array.dtype == object and array.ndim == 1:
            array = np.array([str(x) for x in array]) if _are_texts(array) else None
        if array is None or array.ndim != 1 or array.dtype.kind not in "biufU":
            raise DescriptionError(
                f"{where} must be labels (numbers or str) of shape (n,), got {shown(value)}."
            )
        return _plain_labels(array, where)


def _are_texts(array: NDArray[Any]) -> bool:
    return all(isinstance(entry, str) for entry in array)


def _plain_labels(array: NDArray[Any], where: str) -> NDArray[Any]:
    kind = array.dtype.kind
    if kind == "U":
        return array
    if kind == "f":
        if not np.isfinite(array).all():
            raise DescriptionError(f"{where} must be finite, got NaN or infinity.")
        return array.astype(np.float64)
    if kind == "u" and array.size and array.max() > np.iinfo(np.int64).max:
        raise DescriptionError(f"{where} must be below 2**63, got {array.max()}.")
    return array.astype(np.int64)
