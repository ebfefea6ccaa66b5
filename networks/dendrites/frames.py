"""Sparse patterns: lists of active cells, checked once and kept one after the other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...checks import Count, Each, Kind, checked
from ...errors import DescriptionError, shown
from ...limits import require_memory
from ...streams import Seed, stream
from .arguments import plain_array

__all__ = [
    "ActiveCells",
    "FrameLists",
    "Frames",
    "Sequences",
    "as_frames",
    "random_patterns",
    "swap_cells",
]

Indices = NDArray[np.int32]


class _Lists(NamedTuple):
    """Cells of all frames one after the other, and the number of each frame."""

    cells: NDArray[np.int64]
    lengths: NDArray[np.int64]


@dataclass(frozen=True)
class ListsOfCells(Kind):
    """Lists of active cells, one for each frame; :func:`as_frames` checks them for their number."""

    def check(self, value: Any, where: str) -> Frames | _Lists:
        """Return the frames themselves, or the lists as integers."""
        return value if isinstance(value, Frames | _Lists) else _flat(value, where)


@dataclass(frozen=True)
class ActiveCells(Kind):
    """Active cells of one frame."""

    def check(self, value: Any, where: str) -> NDArray[np.int64]:
        """Return an int64 array, shape (n_active,)."""
        return _row(value, where)


@dataclass(frozen=True)
class Sequences(Kind):
    """A sequence of sequences of frames."""

    def check(self, value: Any, where: str) -> tuple[Frames | _Lists, ...]:
        """Return the lists of each sequence."""
        if isinstance(value, Frames):
            raise DescriptionError(f"{where} must be a list of sequences, got {shown(value)}.")
        return Each(ListsOfCells(), "sequences: a list of sequences").check(value, where)


@dataclass(frozen=True)
class Masks(Kind):
    """Masks of active cells."""

    def check(self, value: Any, where: str) -> NDArray[np.bool_]:
        """Return an array of bool, shape (n_frames, n_cells)."""
        array = plain_array(value)
        if array.ndim != 2 or array.dtype.kind not in "biu" or np.any((array != 0) & (array != 1)):
            raise DescriptionError(
                f"{where} must be bool, or 0 and 1, of shape (n_frames, n_cells), "
                f"got {shown(value)}."
            )
        return array.astype(np.bool_)


FrameLists = Annotated[Any, ListsOfCells()]
"""What every argument takes that is a sequence of frames."""


class Frames:
    """Sets of active cells, one for each frame.

    Parameters
    ----------
    frames : array_like of int, shape (n_frames, n_active), or sequence of array_like of int
        Active cells of each frame, each once; frames may be of different lengths, or empty.
    n_cells : int
        Number of cells.

    Raises
    ------
    DescriptionError
        Not indices, out of range, repeated, or given as a mask.

    Examples
    --------
    >>> frames = Frames([[3, 1], []], n_cells=4)
    >>> len(frames), frames[0].tolist()
    (2, [1, 3])
    """

    n_cells: int
    starts: NDArray[np.int64]
    cells: Indices

    @checked
    def __init__(self, frames: FrameLists, n_cells: Annotated[int, Count()]) -> None:
        given = as_frames(frames, n_cells, "Frames: frames")
        self.n_cells, self.starts, self.cells = n_cells, given.starts, given.cells

    @classmethod
    @checked
    def from_dense(cls, bits: Annotated[Any, Masks()]) -> Frames:
        """Take masks: bool, or 0 and 1, shape (n_frames, n_cells).

        Examples
        --------
        >>> Frames.from_dense([[0, 1, 1], [1, 0, 0]])[0].tolist()
        [1, 2]
        """
        return cls([np.flatnonzero(row) for row in bits], bits.shape[1])

    def to_dense(self) -> NDArray[np.bool_]:
        """Masks, shape (n_frames, n_cells)."""
        require_memory(float(len(self)) * self.n_cells,
                       f"Frames.to_dense: {len(self)} masks of {self.n_cells} cells",
                       "Convert fewer frames at once.")  # fmt: skip
        dense = np.zeros((len(self), self.n_cells), dtype=np.bool_)
        dense[np.repeat(np.arange(len(self)), np.diff(self.starts)), self.cells] = True
        return dense

    def __len__(self) -> int:
        return self.starts.size - 1

    def __getitem__(self, k: int) -> Indices:
        if not -len(self) <= k < len(self):
            raise IndexError(f"frame {k} of {len(self)}")
        k %= len(self)
        return self.cells[self.starts[k] : self.starts[k + 1]]

    def __iter__(self) -> Iterator[Indices]:
        return (self[k] for k in range(len(self)))

    def __repr__(self) -> str:
        return f"Frames({len(self)} frames of {self.n_cells} cells, {self.cells.size} active)"


def as_frames(frames: Any, n_cells: int, where: str) -> Frames:
    """Frames of `n_cells` cells, from what :data:`FrameLists` takes; one list is one frame.

    Raises
    ------
    DescriptionError
        As :class:`Frames`; its message begins with `where`.
    """
    if isinstance(frames, Frames):
        if frames.n_cells != n_cells:
            raise DescriptionError(
                f"{where} must be frames of {n_cells} cells, got {frames.n_cells} cells."
            )
        return frames
    result = Frames.__new__(Frames)
    result.n_cells = n_cells
    lists = frames if isinstance(frames, _Lists) else _flat(frames, where)
    result.starts, result.cells = _in_order(lists, n_cells, where)
    return result


def _flat(frames: Any, where: str) -> _Lists:
    one = isinstance(frames, np.ndarray) and frames.dtype != object
    if not one and not isinstance(frames, str | bytes) and isinstance(frames, Iterable):
        try:
            frames = list(frames)
        except TypeError:
            raise DescriptionError(
                f"{where} must be lists of active cells, got {shown(frames)}."
            ) from None
        one = bool(frames) and all(plain_array(cell).ndim == 0 for cell in frames)
    elif not one:
        raise DescriptionError(f"{where} must be lists of active cells, got {shown(frames)}.")
    if not one:
        rows = [_row(row, where) for row in frames]
        lengths = np.array([row.size for row in rows], dtype=np.int64)
        return _Lists(np.concatenate([*rows, np.empty(0, np.int64)]), lengths)
    array = plain_array(frames)
    if array.ndim not in (1, 2):
        raise DescriptionError(f"{where} must have shape (n_frames, n_active), got {array.shape}.")
    array = array if array.ndim == 2 else array[None]
    flat = _row(array.ravel(), where)
    return _Lists(flat, np.full(array.shape[0], array.shape[1], dtype=np.int64))


def _row(row: Any, where: str) -> NDArray[np.int64]:
    array = plain_array(row)
    if array.dtype.kind == "b":
        raise DescriptionError(
            f"{where} must be indices of active cells, got a mask (bool); "
            f"convert it with Frames.from_dense(mask)."
        )
    if array.ndim != 1 or (array.size and array.dtype.kind not in "iu"):
        raise DescriptionError(f"{where} must be indices of active cells, got {shown(row)}.")
    return array.astype(np.int64)


def _in_order(lists: _Lists, n_cells: int, where: str) -> tuple[NDArray[np.int64], Indices]:
    """Starts of the frames, and their cells in order."""
    cells, lengths = lists
    if cells.size and (cells.min() < 0 or cells.max() >= n_cells):
        bad = cells[(cells < 0) | (cells >= n_cells)][0]
        raise DescriptionError(f"{where} must name cells from 0 to {n_cells - 1}, got {bad}.")
    frame = np.repeat(np.arange(lengths.size), lengths)
    code = np.sort(frame * n_cells + cells)
    twice = np.flatnonzero(code[1:] == code[:-1])
    if twice.size:
        k, cell = divmod(int(code[twice[0]]), n_cells)
        mask = lengths[k] == n_cells and np.all(cells[frame == k] <= 1)
        hint = "; convert a mask with Frames.from_dense(mask)" if mask else ""
        raise DescriptionError(f"{where} must name each cell once, got {cell} twice in frame {k}"
                               f"{hint}.")  # fmt: skip
    starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    return starts, (code % n_cells).astype(np.int32)


@checked
def random_patterns(
    n_patterns: Annotated[int, Count(low=0)],
    *,
    n: Annotated[int, Count()],
    a: Annotated[int, Count()],
    seed: Seed = 0,
) -> Indices:
    """Draw patterns of `a` of `n` cells, each equally likely.

    Parameters
    ----------
    n_patterns : int
        How many.
    n, a : int
        Cells, and active ones, 1 to `n`.
    seed : int or numpy.random.Generator
        For the draw.

    Returns
    -------
    ndarray of int32, shape (n_patterns, a)
        In order within each pattern.

    Raises
    ------
    DescriptionError
        Not integers, or out of range.

    Examples
    --------
    >>> random_patterns(2, n=10, a=3, seed=0).shape
    (2, 3)
    """
    if a > n:
        raise DescriptionError(f"random_patterns: a must be an int <= {n}, got {a}.")
    require_memory(8.0 * n_patterns * a + (8.0 * n if a > n // 50 else 0.0),
                   f"random_patterns: n_patterns={n_patterns} of a={a} of n={n} cells",
                   "Draw fewer, or smaller ones.")  # fmt: skip
    rng = stream(seed, "dendrites", "patterns")
    return np.sort(_draws(rng, n_patterns, n, a), axis=1)


def _draws(rng: np.random.Generator, count: int, n: int, a: int) -> Indices:
    """Rows of `a` different numbers below `n`."""
    if count * n > 10**7 or a * 8 < n:
        rows = np.empty((count, a), dtype=np.int32)
        for k in range(count):
            rows[k] = rng.choice(n, a, replace=False, shuffle=False)
        return rows
    order = np.argpartition(rng.random((count, n)), a - 1, axis=1)
    return order[:, :a].astype(np.int32)


@checked
def swap_cells(
    frames: FrameLists,
    v: Annotated[int, Count(low=0)],
    *,
    n: Annotated[int, Count()],
    seed: Seed = 0,
) -> list[Indices]:
    """Swap `v` active cells of each frame for `v` others: the noise of the theory.

    Parameters
    ----------
    frames : Frames, array_like or sequence of array_like of int
        Active cells.
    v : int
        How many to swap in each frame.
    n : int
        Cells.
    seed : int or numpy.random.Generator
        For the draw.

    Returns
    -------
    list of ndarray of int32

    Raises
    ------
    DescriptionError
        Not indices, or a frame has fewer than `v` active or silent cells.

    Examples
    --------
    >>> noisy = swap_cells([[0, 1, 2, 3]], 1, n=100, seed=0)[0]
    >>> len(noisy), len(set(noisy.tolist()) & {0, 1, 2, 3})
    (4, 3)
    """
    given = as_frames(frames, n, "swap_cells: frames")
    require_memory(24.0 * n + 4.0 * given.cells.size, f"swap_cells: n={n}", "Take fewer cells.")
    rng = stream(seed, "dendrites", "noise")
    result = []
    for active in given:
        most = min(active.size, n - active.size)
        if v > most:
            raise DescriptionError(
                f"swap_cells: v must be at most {most} for a frame of {active.size} of {n} cells, "
                f"got {v}."
            )
        kept = rng.permutation(active)[v:]
        silent = np.delete(np.arange(n, dtype=np.int32), active)
        new = rng.choice(silent, v, replace=False, shuffle=False)
        result.append(np.sort(np.concatenate([kept, new])))
    return result
