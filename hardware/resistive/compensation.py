"""Digital factors that undo the mean drift of weights."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .devices.base import Array

__all__ = ["drift_scale"]


def drift_scale(before: Array, now: Array, columns: NDArray[Any] | None = None) -> Array:
    """Return factors (at most 10^4) that restore the mean absolute weight.

    Parameters
    ----------
    before, now : ndarray, shape (n,)
        Weights at the first age and now, nA.
    columns : ndarray of int, shape (n,), optional
        Output of each weight, for one factor for each output. Default: one factor for all.

    Returns
    -------
    ndarray, shape (n,) or ()
    """
    if columns is None:
        old, new = np.abs(before).sum(), np.abs(now).sum()
    else:
        old = np.bincount(columns, np.abs(before))[columns]
        new = np.bincount(columns, np.abs(now))[columns]
    # An output whose weights were all 0 needs no factor.
    scale = old / np.maximum(new, 1e-4 * np.maximum(old, 1e-300))
    return np.asarray(np.where(old > 0, scale, 1.0))
