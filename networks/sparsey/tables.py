"""Tables of one run: inputs and results of each level."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .parameters import BackOff, Level, Plasticity, Selection
from .state import LevelState, Rules

__all__ = ["Block", "LevelFrames", "Tower", "Work"]


class LevelFrames(NamedTuple):
    """Inputs and results of one level over some frames.

    Some arrays have one row more than frames; their row f + 1 belongs to frame f.
    """

    pixels: NDArray[np.uint8]
    """(n_frames, n_pixels), at the lowest level only."""
    starts: NDArray[np.uint8]
    """Whether each frame begins an item, (n_frames,)."""
    open: NDArray[np.uint8]
    """Whether the level learns in each frame, (n_frames,)."""
    below_winners: NDArray[np.int16]
    below_factors: NDArray[np.float64]
    winners: NDArray[np.int16]
    """(n_frames + 1, n_macs, Q)."""
    factors: NDArray[np.float64]
    """Multipliers F(zeta) of the outputs, (n_frames + 1, n_macs)."""
    familiarity: NDArray[np.float64]
    hypotheses: NDArray[np.int32]
    evidence: NDArray[np.uint8]
    above_winners: NDArray[np.int16]
    above_factors: NDArray[np.float64]
    ages: NDArray[np.int64]
    """Number of frames for which each mac has had its code, (n_macs,)."""
    trace: NDArray[np.int64]
    """Number of frozen cells of each mac after each frame, (n_frames, n_macs), if needed."""
    context_only: bool


class Work(NamedTuple):
    """Scratch arrays of one thread at one level."""

    u_words: NDArray[np.uint64]
    h_words: NDArray[np.uint64]
    d_words: NDArray[np.uint64]
    u_weights: NDArray[np.float64]
    h_weights: NDArray[np.float64]
    d_weights: NDArray[np.float64]
    counts: NDArray[np.uint32]
    table: NDArray[np.float64]
    values: NDArray[np.float64]
    v: NDArray[np.float64]
    psi: NDArray[np.float64]


@dataclass(frozen=True)
class Tower:
    """Parameters and state of every level, for the engine."""

    levels: tuple[Level, ...]
    selections: tuple[Selection, ...]
    plasticities: tuple[Plasticity, ...]
    back_off: BackOff | None
    states: tuple[LevelState, ...]
    rules: tuple[Rules, ...]
    compiled: bool
    n_pixels: int


@dataclass(frozen=True)
class Block:
    """A block of frames to run."""

    pixels: NDArray[np.uint8]
    """(n_frames, n_pixels), 0 and 1."""
    starts: NDArray[np.uint8]
    """Whether each frame begins an item; the first frame does."""
    first: int
    """Number of frames that the model learnt before."""
    learning: bool
    context_only: bool = False
