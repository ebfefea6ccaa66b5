"""Compiled sweeps of spin dynamics. The overlaps are whole numbers, so they stay exact.

`columns` has shape (n_cells, n_patterns) and holds -1, 0 or 1. `overlaps` holds the product of each
pattern with the spins. `slope` is the contribution of one pattern: ``slope[r + n_cells]`` is
F(r + 1) - F(r - 1), where r is the overlap without the cell that is updated. In the exponential
form ``slope[k]`` is exp(-k), and the two sums are compared by their logarithms.
"""

from __future__ import annotations

import math
from typing import Any

import numba
import numpy as np

__all__ = ["asynchronous_sweep", "synchronous_step"]

_options: Any = numba.njit
_njit: Any = _options(nogil=True, error_model="numpy", cache=True)


@_njit
def _field(i, spin, columns, overlaps, slope, exponential):  # type: ignore[no-untyped-def]
    """Return half of the difference in energy between cell i at -1 and cell i at +1."""
    n_cells, n_patterns = columns.shape
    if not exponential:
        total = 0.0
        for mu in range(n_patterns):
            bit = np.int64(columns[i, mu])
            if bit != 0:
                total += bit * slope[overlaps[mu] - bit * spin + n_cells]
        return total
    if n_patterns == 0:
        return 0.0
    largest = -n_cells
    for mu in range(n_patterns):
        largest = max(largest, overlaps[mu] - np.int64(columns[i, mu]) * spin)
    up = 0.0
    down = 0.0
    for mu in range(n_patterns):
        bit = np.int64(columns[i, mu])
        rest = overlaps[mu] - bit * spin
        # With the cell at +1 an overlap is rest + bit; largest + 1 bounds it.
        up += slope[largest + 1 - rest - bit]
        down += slope[largest + 1 - rest + bit]
    return 0.5 * (math.log(up) - math.log(down))


@_njit
def _updated(field, spin, temperature, uniform):  # type: ignore[no-untyped-def]
    """Return the new state of a cell. At temperature 0 a cell with field 0 keeps its state."""
    if temperature > 0.0:
        return 1 if uniform < 1.0 / (1.0 + math.exp(-2.0 * field / temperature)) else -1
    if field > 0.0:
        return 1
    if field < 0.0:
        return -1
    return spin


@_njit
def asynchronous_sweep(  # type: ignore[no-untyped-def]
    spins, columns, overlaps, slope, exponential, order, temperature, uniforms
):
    """Update every cell once, in place, in the given order. Return the number of changed cells."""
    n_changed = 0
    for k in range(order.size):
        i = order[k]
        spin = np.int64(spins[i])
        field = _field(i, spin, columns, overlaps, slope, exponential)
        new = _updated(field, spin, temperature, uniforms[k] if temperature > 0.0 else 0.0)
        if new != spin:
            n_changed += 1
            spins[i] = new
            for mu in range(columns.shape[1]):
                overlaps[mu] += 2 * new * np.int64(columns[i, mu])
    return n_changed


@_njit
def synchronous_step(  # type: ignore[no-untyped-def]
    spins, columns, overlaps, slope, exponential, temperature, uniforms
):
    """Update all cells at once, in place. Return the number of changed cells."""
    before = overlaps.copy()
    n_changed = 0
    for i in range(spins.size):
        spin = np.int64(spins[i])
        field = _field(i, spin, columns, before, slope, exponential)
        new = _updated(field, spin, temperature, uniforms[i] if temperature > 0.0 else 0.0)
        if new != spin:
            n_changed += 1
            spins[i] = new
            for mu in range(columns.shape[1]):
                overlaps[mu] += 2 * new * np.int64(columns[i, mu])
    return n_changed
