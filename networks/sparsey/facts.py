"""Statistics of a hierarchy: sizes, synapses and familiarity."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .state import KINDS
from .tables import LevelFrames, Tower

__all__ = ["level_facts", "mean_familiarity", "silent_frame"]

_PART = 2048
"""Number of frames that are processed at once."""


def level_facts(tower: Tower, k: int) -> dict[str, Any]:
    """Return the sizes of level k, its synapses, and the increased and frozen fractions."""
    level, state = tower.levels[k], tower.states[k]
    cells = level.cells_per_mac
    bundles = {name: getattr(state, name) for name in KINDS}
    synapses = {name: int(bundle.widths.sum()) * cells for name, bundle in bundles.items()}
    filled = sum(int(bundle.filled.sum()) for bundle in bundles.values())
    frozen = state.bottom_up.frozen >= 0
    return {
        "n_macs": level.n_macs,
        "n_modules": level.n_modules,
        "cells_per_module": level.cells_per_module,
        "n_cells": level.n_cells,
        "n_synapses": sum(synapses.values()),
        "synapses": {name: count for name, count in synapses.items() if count},
        "increased": filled / max(sum(synapses.values()), 1),
        "frozen_cells": float(np.mean(frozen)),
    }


def silent_frame(tower: Tower, pixels: NDArray[np.uint8]) -> int | None:
    """Return the first frame that activates no mac of the lowest level, or None."""
    level, sources = tower.levels[0], tower.states[0].bottom_up.sources
    reaches = np.zeros((pixels.shape[1], level.n_macs), dtype=np.float32)
    mac, slot = np.nonzero(sources >= 0)
    reaches[sources[mac, slot], mac] = 1.0
    most = np.inf if level.max_active is None else level.max_active
    for first in range(0, len(pixels), _PART):
        counts = pixels[first : first + _PART].astype(np.float32) @ reaches
        silent = ~((counts >= level.min_active) & (counts <= most)).any(axis=1)
        if silent.any():
            return first + int(silent.argmax())
    return None


def mean_familiarity(tables: list[LevelFrames]) -> NDArray[np.float64]:
    """Return the mean familiarity of the active macs of each level, (n_frames, n_levels)."""
    columns = []
    for table in tables:
        count = (table.winners[1:, :, 0] >= 0).sum(axis=1)
        columns.append(table.familiarity[1:].sum(axis=1) / np.maximum(count, 1))
    return np.stack(columns, axis=1)
