"""Sequences of frames: what a sequence memory learns and is shown."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...checks import Each, Kind
from ...codes import PatternKind, Patterns, as_patterns
from ...errors import DescriptionError, shown

__all__ = ["Cells", "Replay", "Sequences", "as_sequences"]

Cells = NDArray[np.int64]


class Replay(NamedTuple):
    """What a sequence memory made of a sequence; each entry is for one frame."""

    novelty: NDArray[np.float64]
    """Fraction of the active columns that were not predicted, shape (n_frames,); 1 for the first
    frame, which nothing predicts."""
    predictions: list[Cells]
    """Columns that were predicted after each frame, for the next one."""
    active_cells: list[Cells]
    """Cells that fired: the predicted ones of a column, or all of them (bursting)."""


@dataclass(frozen=True)
class Sequences(Kind):
    """A sequence of sequences of patterns; :func:`as_sequences` reads them."""

    def check(self, value: Any, where: str) -> tuple[Any, ...]:
        """Return the sequences, each as it was given."""
        if isinstance(value, Patterns):
            raise DescriptionError(f"{where} must be a list of sequences, got {shown(value)}.")
        return Each(PatternKind(), "sequences of frames").check(value, where)


def as_sequences(sequences: Any, n_columns: int, where: str) -> list[Patterns]:
    """Convert a list of sequences, each of frames of active columns.

    Raises
    ------
    DescriptionError
        Not lists of columns; the message begins with `where`.
    """
    if isinstance(sequences, Patterns | str | bytes) or not isinstance(sequences, Iterable):
        raise DescriptionError(f"{where} must be a list of sequences, got {shown(sequences)}.")
    return [as_patterns(frames, n_columns, f"{where}[{k}]") for k, frames in enumerate(sequences)]
