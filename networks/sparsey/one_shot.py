"""Frames for spiking macs, their answers, and the same storage rule without spikes."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .circuit import Wiring

__all__ = ["Answers", "SpikingFrames", "familiar_overlaps", "plain_answers"]


class SpikingFrames(NamedTuple):
    """Frames for spiking macs; each array has one row for each frame."""

    active: NDArray[np.bool_]
    """Active pixels, shape (n_frames, n_pixels)."""
    store: NDArray[np.bool_]
    """Whether the frame is stored, shape (n_frames,)."""
    familiar: NDArray[np.float64]
    """Smallest fraction of the active inputs with which a module treats a frame to store as
    familiar, shape (n_frames,)."""
    fresh: NDArray[np.int64]
    """Cell of each module that stores a new frame, shape (n_frames, n_modules)."""


class Answers(NamedTuple):
    """Winners and overlaps of the modules of one level; each array has one row for each frame."""

    winners: NDArray[np.int64]
    """Winning cell of each module, -1 for none, shape (n_frames, n_macs, Q)."""
    overlaps: NDArray[np.int64]
    """Overlap of the winner, from the time of its spike; 0 for a new cell."""
    active: NDArray[np.int64]
    """Number of active inputs of each mac, shape (n_frames, n_macs)."""

    @property
    def familiarity(self) -> NDArray[np.float64]:
        """Familiarity G of each mac, (n_frames, n_macs): mean overlap over the active inputs."""
        count = np.maximum(self.active, 1)[:, :, None]
        parts = np.where(self.winners >= 0, self.overlaps / count, 0.0)
        return np.asarray(parts.mean(axis=2))


def familiar_overlaps(
    frames: SpikingFrames, counts: NDArray[np.int64], wiring: Wiring
) -> NDArray[np.int64]:
    """Return the smallest overlap with which a module treats each frame as familiar."""
    largest = np.where(wiring.is_open(counts), counts, 0).max(axis=1)
    least = np.ceil(frames.familiar * largest - 1e-9)
    return np.asarray(np.maximum(least, 1), dtype=np.int64)


def plain_answers(wiring: Wiring, increased: NDArray[np.bool_], frames: SpikingFrames) -> Answers:
    """Apply the rule without spikes; `increased` (n_below, n_cells) learns the stored frames."""
    counts = wiring.active_counts(frames.active)
    familiar_overlap = familiar_overlaps(frames, counts, wiring)
    field = np.zeros((wiring.n_below, wiring.n_macs), dtype=np.bool_)
    field[wiring.field_pre, wiring.field_mac] = True
    shape = (len(frames.active), wiring.n_macs, wiring.modules)
    winners, overlaps = np.full(shape, -1, dtype=np.int64), np.zeros(shape, dtype=np.int64)
    each = (wiring.n_macs, wiring.modules, wiring.cells)
    for f, row in enumerate(frames.active):
        sums = increased[row].sum(axis=0).reshape(each)
        best = sums.max(axis=2)
        winner = np.where(sums == best[:, :, None], wiring.priority, -1.0).argmax(axis=2)
        is_open = wiring.is_open(counts[f])
        if frames.store[f]:
            fresh = best < familiar_overlap[f]
            winner = np.where(fresh, frames.fresh[f].reshape(each[:2]), winner)
            best = np.where(fresh, 0, best)
            for mac, module in zip(*np.nonzero(fresh & is_open[:, None]), strict=True):
                cell = (mac * wiring.modules + module) * wiring.cells + winner[mac, module]
                increased[row & field[:, mac], cell] = True
        winners[f] = np.where(is_open[:, None], winner, -1)
        overlaps[f] = np.where(is_open[:, None], best, 0)
    return Answers(winners, overlaps, counts)
