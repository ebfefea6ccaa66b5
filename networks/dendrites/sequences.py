"""Sequences of frames, and the replays of a sequence memory."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...checks import Each, Kind
from ...codes import PatternKind, Patterns, as_patterns
from ...errors import DescriptionError, shown

__all__ = ["CellIds", "Replay", "Sequences", "as_sequences"]

CellIds = NDArray[np.int64]


class Replay(NamedTuple):
    """Response of a sequence memory to a sequence, with one entry for each frame."""

    novelty: NDArray[np.float64]
    """Fraction of the active columns that were not predicted, shape (n_frames,). It is 1 for the
    first frame."""
    predictions: list[CellIds]
    """Columns that were predicted, after each frame, for the next one."""
    active_cells: list[CellIds]
    """Cells that fired in each frame: the predicted cells of a column, or all (bursting)."""


@dataclass(frozen=True)
class Sequences(Kind):
    """A sequence of sequences of patterns; :func:`as_sequences` reads them."""

    def check(self, value: Any, where: str) -> tuple[Any, ...]:
        """Return the sequences unchanged."""
        if isinstance(value, Patterns):
            raise DescriptionError(f"{where} must be a list of sequences, got {shown(value)}.")
        return Each(PatternKind(), "sequences of frames").check(value, where)


def as_sequences(sequences: Any, n_columns: int, where: str) -> list[Patterns]:
    """Convert a list of sequences of frames, each a pattern of active columns.

    Raises
    ------
    DescriptionError
        If they are not lists of columns; the message begins with `where`.
    """
    if isinstance(sequences, Patterns | str | bytes) or not isinstance(sequences, Iterable):
        raise DescriptionError(f"{where} must be a list of sequences, got {shown(sequences)}.")
    return [as_patterns(frames, n_columns, f"{where}[{k}]") for k, frames in enumerate(sequences)]
