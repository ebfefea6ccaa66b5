"""Compiled kernels that count the active synapses of segments, and change synapses.

Evaluation goes from active cells to segments, through an index of the synapses by cell. Its cost is
therefore proportional to the number of active synapses. Kernels are cached on disk and release the
GIL.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numpy as np
from numba import njit

__all__ = ["adapt", "count_overlaps", "find_active", "grow", "scan"]

_Function = TypeVar("_Function", bound=Callable[..., Any])


def compiled(function: _Function) -> _Function:
    """Compile a function at its first call; without a cache folder, in each Python process."""
    try:
        return cast(_Function, njit(cache=True, nogil=True)(function))
    except RuntimeError:
        return cast(_Function, njit(nogil=True)(function))


@compiled
def count_overlaps(
    starts: Any, segments: Any, frame_starts: Any, frame_cells: Any, counts: Any
) -> None:
    """Add the overlaps to `counts` (n_frames, n_segments), which are zero initially."""
    for frame in range(frame_starts.size - 1):
        for q in range(frame_starts[frame], frame_starts[frame + 1]):
            cell = frame_cells[q]
            for k in range(starts[cell], starts[cell + 1]):
                counts[frame, segments[k]] += 1


@compiled
def find_active(
    starts: Any,
    segments: Any,
    frame_starts: Any,
    frame_cells: Any,
    counts: Any,
    words: Any,
    base: Any,
    high: Any,
    flags: Any,
    rows: Any,
) -> int:
    """Write rows (frame, segment, overlap) of segments at threshold, and return their number.

    `counts` start at `base`, so that a segment at threshold reaches `high`, the highest bit.
    `words` are the same memory in words of 64 bits, and `flags` has the highest bit of each count.
    If `rows` is full, further rows are counted but not written.
    """
    total = 0
    one = counts.dtype.type(1)
    width = counts.size // words.size
    for frame in range(frame_starts.size - 1):
        counts[:] = base
        for q in range(frame_starts[frame], frame_starts[frame + 1]):
            cell = frame_cells[q]
            for k in range(starts[cell], starts[cell + 1]):
                counts[segments[k]] += one
        for word in range(words.size):
            if words[word] & flags == 0:
                continue
            for segment in range(word * width, (word + 1) * width):
                if counts[segment] < high:
                    continue
                if total < rows.shape[0]:
                    rows[total, 0] = frame
                    rows[total, 1] = segment
                    rows[total, 2] = counts[segment] - base
                total += 1
    return total


@compiled
def scan(
    cells: Any, permanences: Any, sizes: Any, active: Any, connect: float, connected: Any, all_: Any
) -> None:
    """Count connected and all synapses on active cells, segment by segment.

    It is used while synapses change, because an index would be out of date at once.
    """
    for segment in range(sizes.size):
        strong = 0
        any_ = 0
        for k in range(sizes[segment]):
            if active[cells[segment, k]]:
                any_ += 1
                if permanences[segment, k] >= connect:
                    strong += 1
        connected[segment] = strong
        all_[segment] = any_


@compiled
def adapt(
    cells: Any,
    permanences: Any,
    sizes: Any,
    chosen: Any,
    active: Any,
    on_active: float,
    on_silent: float,
    disconnect: float,
) -> None:
    """Change the permanences of some segments, and remove synapses that fall below `disconnect`."""
    for segment in chosen:
        n_kept = 0
        for k in range(sizes[segment]):
            cell = cells[segment, k]
            change = on_active if active[cell] else on_silent
            value = min(permanences[segment, k] + change, 1.0)
            if value >= disconnect:
                cells[segment, n_kept] = cell
                permanences[segment, n_kept] = value
                n_kept += 1
        cells[segment, n_kept : sizes[segment]] = -1
        sizes[segment] = n_kept


@compiled
def grow(
    cells: Any,
    permanences: Any,
    sizes: Any,
    chosen: Any,
    wanted: Any,
    candidates: Any,
    permanence: float,
) -> None:
    """Add synapses to each chosen segment, on its first `wanted` new candidates.

    `candidates` (n_chosen, n_candidates) are in random order. A full segment loses its weakest
    synapse.
    """
    room = cells.shape[1]
    for row in range(chosen.size):
        segment = chosen[row]
        left = wanted[row]
        for cell in candidates[row]:
            if left <= 0:
                break
            present = False
            for k in range(sizes[segment]):
                if cells[segment, k] == cell:
                    present = True
                    break
            if present:
                continue
            slot = sizes[segment]
            if slot == room:
                slot = np.argmin(permanences[segment])
            else:
                sizes[segment] += 1
            cells[segment, slot] = cell
            permanences[segment, slot] = permanence
            left -= 1
