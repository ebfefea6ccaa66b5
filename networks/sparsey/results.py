"""Codes: the winners of every competitive module, with their familiarity, frame by frame."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from ...checks import Count, checked
from ...codes import Patterns
from ...errors import DescriptionError, shown

__all__ = ["BOTTOM_UP", "HORIZONTAL", "TOP_DOWN", "Codes"]

BOTTOM_UP, HORIZONTAL, TOP_DOWN = 1, 2, 4
"""Bits of :attr:`Codes.evidence`."""

_Level = Annotated[int, Count(low=-(2**31))]


@dataclass(frozen=True, eq=False, repr=False)
class Codes:
    """Codes of items (images, or sequences of images) at every level of a hierarchy.

    ``codes[k]`` are the codes of item k, and ``codes[a:b]`` those of several items. ``len`` is the
    number of items. Two objects are equal if all winners are equal.

    Attributes
    ----------
    starts : int64, shape (n_items + 1,)
        First frame of each item, and the number of frames.
    winners : tuple of int16, shape (n_frames, n_macs, Q), one for each level
        Winning cell of each module, 0 to K - 1; -1 in inactive macs.
    familiarity : tuple of float64, shape (n_frames, n_macs), one for each level
        Familiarity G of each mac's input, 0 to 1; 0 in inactive macs.
    hypotheses : tuple of int32, shape (n_frames, n_macs), one for each level
        Number zeta of competing hypotheses, at least 1; 0 in inactive macs.
    evidence : tuple of uint8, shape (n_frames, n_macs), one for each level
        Inputs that selected the code, the sum of `BOTTOM_UP`, `HORIZONTAL` and `TOP_DOWN`; 0 in
        inactive macs.
    cells_per_module : tuple of int
        K of each level.
    """

    starts: NDArray[np.int64]
    winners: tuple[NDArray[np.int16], ...]
    familiarity: tuple[NDArray[np.float64], ...]
    hypotheses: tuple[NDArray[np.int32], ...]
    evidence: tuple[NDArray[np.uint8], ...]
    cells_per_module: tuple[int, ...]

    def __len__(self) -> int:
        return self.starts.size - 1

    @property
    def n_frames(self) -> int:
        """Number of frames of all items."""
        return int(self.starts[-1])

    @property
    def n_levels(self) -> int:
        """Number of levels of the hierarchy."""
        return len(self.winners)

    def __getitem__(self, k: int | slice) -> Codes:
        if isinstance(k, slice):
            first, last, step = k.indices(len(self))
            if step != 1:
                raise DescriptionError(f"Codes: a slice must have step 1, got {step}.")
            last = max(first, last)
        elif isinstance(k, int | np.integer) and not isinstance(k, bool):
            if not -len(self) <= k < len(self):
                raise IndexError(f"item {k} of {len(self)}")
            first = int(k) % len(self)
            last = first + 1
        else:
            raise DescriptionError(f"Codes: an index must be an int or a slice, got {shown(k)}.")
        part = slice(int(self.starts[first]), int(self.starts[last]))
        tables = (self.winners, self.familiarity, self.hypotheses, self.evidence)
        cut: list[Any] = [tuple(array[part] for array in table) for table in tables]
        starts = self.starts[first : last + 1] - self.starts[first]
        return Codes(starts, cut[0], cut[1], cut[2], cut[3], self.cells_per_module)

    def __iter__(self) -> Iterator[Codes]:
        return (self[k] for k in range(len(self)))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Codes):
            return NotImplemented
        pairs = zip(self.winners, other.winners, strict=False)
        return (
            self.n_levels == other.n_levels
            and np.array_equal(self.starts, other.starts)
            and all(np.array_equal(mine, theirs) for mine, theirs in pairs)
        )

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        sizes = ", ".join(f"{w.shape[1]} macs of {w.shape[2]} modules" for w in self.winners)
        return f"Codes({len(self)} items, {self.n_frames} frames: {sizes})"

    def _level(self, level: int, name: str) -> int:
        if not -self.n_levels <= level < self.n_levels:
            raise DescriptionError(
                f"Codes.{name}: level must be from {-self.n_levels} to {self.n_levels - 1}, "
                f"got {level}."
            )
        return level % self.n_levels

    @checked
    def active(self, level: _Level = -1) -> NDArray[np.bool_]:
        """Return the active macs of a level (0 lowest, -1 highest), shape (n_frames, n_macs).

        Raises
        ------
        DescriptionError
            If there is no such level.
        """
        winners = self.winners[self._level(level, "active")]
        return np.asarray(winners[:, :, 0] >= 0)

    @checked
    def mean_familiarity(self, level: _Level = -1) -> NDArray[np.float64]:
        """Return the mean familiarity of a level's active macs in each frame, shape (n_frames,).

        It is 0 if no mac is active.

        Raises
        ------
        DescriptionError
            If there is no such level.
        """
        level = self._level(level, "mean_familiarity")
        count = np.count_nonzero(self.active(level), axis=1)
        total: NDArray[np.float64] = self.familiarity[level].sum(axis=1)
        mean: NDArray[np.float64] = total / np.maximum(count, 1)
        return mean

    @checked
    def patterns(self, level: _Level = -1) -> Patterns:
        """Return the active cells of a level, one pattern for each frame.

        A winner is cell ``(mac * Q + module) * K + winner`` of ``n_macs * Q * K`` cells.

        Raises
        ------
        DescriptionError
            If there is no such level.
        """
        level = self._level(level, "patterns")
        winners = self.winners[level]
        n_frames, n_macs, modules = winners.shape
        cells = self.cells_per_module[level]
        flat = winners.reshape(n_frames, -1)
        rows = flat.astype(np.int64) + np.arange(n_macs * modules) * cells
        is_active = flat >= 0
        return Patterns([row[mask] for row, mask in zip(rows, is_active, strict=True)],
                        size=n_macs * modules * cells)  # fmt: skip

    @checked
    def agreement(self, other: Codes, level: _Level = -1) -> NDArray[np.float64]:
        """Return the fraction of the winners of other codes that these codes share, (n_frames,).

        It is 1 in frames in which the other codes have no active mac.

        Raises
        ------
        DescriptionError
            If there is no such level, or the codes have other sizes.
        """
        level = self._level(level, "agreement")
        if other.n_levels <= level or other.winners[level].shape != self.winners[level].shape:
            raise DescriptionError(
                f"Codes.agreement: other must be codes of the same frames and sizes, got {other}."
            )
        theirs = other.winners[level]
        n_winners = (theirs >= 0).sum(axis=(1, 2))
        right = ((theirs >= 0) & (theirs == self.winners[level])).sum(axis=(1, 2))
        return np.where(n_winners > 0, right / np.maximum(n_winners, 1), 1.0)
