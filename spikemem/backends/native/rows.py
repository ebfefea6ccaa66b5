"""Sorts lists of synapses into rows."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

__all__ = ["sort_rows"]

_njit: Any = numba.njit
_FEW = 1 << 16


@_njit(cache=True, nogil=True, _nrt=False, error_model="numpy")
def _count(i, target, n_pre, bounds, edges):  # type: ignore[no-untyped-def]
    """Count the synapses of row k in ``edges[k + 1]``; return whether they are in order."""
    last, ordered = 0, True
    for s in range(i.size):
        p = 0
        while target[s] >= bounds[p + 1]:
            p += 1
        row = p * n_pre + i[s]
        ordered &= row >= last
        last = row
        edges[row + 1] += 1
    return ordered


@_njit(cache=True, nogil=True, _nrt=False, error_model="numpy")
def _fill(i, target, n_pre, bounds, at, order):  # type: ignore[no-untyped-def]
    """Put each synapse into its row; `at` initially has the first edge of each row."""
    for s in range(i.size):
        p = 0
        while target[s] >= bounds[p + 1]:
            p += 1
        row = p * n_pre + i[s]
        order[at[row]] = s
        at[row] += 1


def sort_rows(
    i: NDArray[np.int32], target: NDArray[np.int32], n_pre: int, bounds: NDArray[np.int64]
) -> tuple[NDArray[Any] | None, NDArray[np.int64]]:
    """Return the order of synapses that sorts them by part, then by row.

    Parameters
    ----------
    i : int32, shape (n,)
        Row of each synapse, from 0 to `n_pre` - 1.
    target : int32, shape (n,)
        Post-synaptic cell of each synapse; parts are intervals of cells.
    n_pre : int
        Number of rows.
    bounds : int64, shape (n_parts + 1,)
        First cell of each part, and the number of cells.

    Returns
    -------
    order : int64, shape (n,), or None
        Synapses of one row stay in their order. None if all synapses are in order already.
    edges : int64, shape (n_parts * n_pre + 1,)
        Beginning of each row, and the number of synapses.
    """
    n_parts = bounds.size - 1
    edges = np.zeros(n_parts * n_pre + 1, dtype=np.int64)
    if i.size < _FEW:
        part = np.searchsorted(bounds, target, side="right") - 1
        row = part * n_pre + i
        np.cumsum(np.bincount(row, minlength=n_parts * n_pre), out=edges[1:])
        return np.argsort(row, kind="stable"), edges
    ordered = _count(i, target, n_pre, bounds, edges)
    np.cumsum(edges, out=edges)
    if ordered:
        return None, edges
    order = np.empty(i.size, dtype=np.int64)
    _fill(i, target, n_pre, bounds, edges[:-1].copy(), order)
    return order, edges
