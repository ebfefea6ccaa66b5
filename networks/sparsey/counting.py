"""Compiled kernels of the class readout."""

from __future__ import annotations

from typing import Any

import numba

__all__ = ["add_classes", "sum_classes"]

_njit: Any = numba.njit(nogil=True, error_model="numpy", cache=True)

MOST = 255
"""Largest count; counts saturate there."""


@_njit
def add_classes(counts, winners, cells, labels):  # type: ignore[no-untyped-def]
    """Count the coincidence of each active cell with the class of its frame."""
    n_units = winners.shape[1]
    for f in range(winners.shape[0]):
        for unit in range(n_units):
            if winners[f, unit] >= 0:
                cell = unit * cells + winners[f, unit]
                if counts[cell, labels[f]] < MOST:
                    counts[cell, labels[f]] += 1


@_njit
def sum_classes(counts, winners, cells, most, out):  # type: ignore[no-untyped-def]
    """Add the class weights of the active cells of each frame to the class sums."""
    n_units = winners.shape[1]
    for f in range(winners.shape[0]):
        for unit in range(n_units):
            if winners[f, unit] >= 0:
                cell = unit * cells + winners[f, unit]
                for c in range(out.shape[1]):
                    out[f, c] += min(counts[cell, c], most)
