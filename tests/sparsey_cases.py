"""Small hierarchies, images and sequences for the tests of Sparsey."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from spikemem.networks.sparsey import Level, Plasticity, Sparsey

NEVER_FREEZE = Plasticity(saturation=None)


def sequences(
    n: int, frames: int, pixels: int, low: int, high: int, seed: int
) -> NDArray[np.uint8]:
    """Random sequences with `low` to `high` active pixels a frame, (n, frames, pixels)."""
    rng = np.random.default_rng(seed)
    made = np.zeros((n, frames, pixels), dtype=np.uint8)
    for frame in made.reshape(-1, pixels):
        frame[rng.choice(pixels, rng.integers(low, high + 1), replace=False)] = 1
    return made


def moved(shown: NDArray[np.uint8], count: int, seed: int) -> NDArray[np.uint8]:
    """The same with `count` active pixels of each frame moved to other places."""
    rng = np.random.default_rng(seed)
    noisy = shown.copy()
    for frame in noisy.reshape(-1, shown.shape[-1]):
        on, off = np.flatnonzero(frame), np.flatnonzero(frame == 0)
        frame[rng.choice(on, count, replace=False)] = 0
        frame[rng.choice(off, count, replace=False)] = 1
    return noisy


def one_mac(seed: int = 0, **changes: Any) -> Sparsey:
    """A mac of Q = 9, K = 16 above 144 pixels, with horizontal projections on itself."""
    level = Level(n_modules=9, cells_per_module=16, horizontal_radius=0.0)
    return Sparsey(144, [level], **{"plasticity": NEVER_FREEZE, "seed": seed} | changes)


SMALL = {"n_modules": 4, "cells_per_module": 5}

HIERARCHIES = {
    "one mac": [Level(**SMALL)],
    "hexagonal": [Level(grid=(3, 2), layout="hex", radius=2.5, min_active=2, **SMALL)],
    "horizontal": [Level(grid=(2, 2), radius=3.0, horizontal_radius=3.0, **SMALL)],
    "two levels": [
        Level(grid=(3, 3), radius=2.0, **SMALL), Level(grid=(2, 2), radius=3.0, **SMALL),
    ],
    "three levels": [
        Level(grid=(3, 3), radius=2.0, top_down=True, horizontal_radius=0.0, **SMALL),
        Level(grid=(2, 2), radius=3.0, top_down=True, horizontal_radius=3.0, n_modules=9,
              cells_per_module=9, min_horizontal=2, min_top_down=1),
        Level(n_modules=3, cells_per_module=70, persistence=2),
    ],
}  # fmt: skip
"""Levels above 6 x 6 pixels."""


def shown() -> NDArray[np.uint8]:
    """Five sequences of six frames of 6 x 6 pixels."""
    return sequences(5, 6, 36, 8, 10, seed=3).reshape(5, 6, 6, 6)
