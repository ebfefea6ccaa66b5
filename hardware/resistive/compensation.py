"""Factors that undo the mean of what drift does to weights."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .devices.base import Array

__all__ = ["drift_scale"]


def drift_scale(before: Array, now: Array, columns: NDArray[Any] | None = None) -> Array:
    """Factors that bring the mean size of weights back to what it was, at most 10^4.

    Parameters
    ----------
    before, now : ndarray, shape (n,)
        Weights when they were written, and at present, nA.
    columns : ndarray of int, shape (n,), optional
        To which output each belongs: one factor for each output. Default: one for all.

    Returns
    -------
    ndarray, shape (n,) or ()
    """
    if columns is None:
        old, new = np.abs(before).sum(), np.abs(now).sum()
    else:
        old = np.bincount(columns, np.abs(before))[columns]
        new = np.bincount(columns, np.abs(now))[columns]
    # Where nothing was written there is nothing to bring back.
    scale = old / np.maximum(new, 1e-4 * np.maximum(old, 1e-300))
    return np.asarray(np.where(old > 0, scale, 1.0))
