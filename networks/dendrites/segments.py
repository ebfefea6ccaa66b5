"""Dendritic segments: lists of synapses with permanences, counted and changed by the kernels."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...checks import Probability, check_fields
from ...codes import Patterns
from ...errors import DescriptionError, Problems
from ...frozen import Changing, Frozen
from ...limits import require_memory

__all__ = ["PLASTIC", "PermanenceRule", "Segments"]

PLASTIC = {"synapses": "connected synapses of the segments"}
"""Projection of the spiking forms that holds what was learnt."""

# Permanences are 32-bit: 0.2 + 3 * 0.1 shall reach 0.5.
_SLACK = 1e-5
_SPLIT = 10**8
_MOST_ROOM = np.iinfo(np.uint16).max  # overlaps are 16-bit
_MANY_INPUTS = 2**20
"""Inputs above which the index has entries only for those with synapses, if these are few."""


class _Index(NamedTuple):
    """Segments by cell: of the cell at place c those from ``starts[c]`` to ``starts[c + 1]``."""

    starts: NDArray[np.int64]
    segments: NDArray[np.uint32]
    known: NDArray[np.int32] | None
    """The cells that have a place, in order; the place after them is empty. None: all cells."""

    def places(self, cells: NDArray[np.int32]) -> NDArray[np.int32]:
        """Place of each cell in `starts`."""
        if self.known is None:
            return cells
        at = np.searchsorted(self.known, cells)
        there = np.append(self.known, -1)[at] == cells
        found: NDArray[np.int32] = np.where(there, at, self.known.size).astype(cells.dtype)
        return found


@dataclass(frozen=True, kw_only=True)
class PermanenceRule(Frozen):
    """How synapses are grown, strengthened, weakened and lost.

    A synapse counts when its permanence, from 0 to 1, is at least `connect`; below `disconnect`
    it is lost.

    Parameters
    ----------
    connect, disconnect : float
        Thresholds, 0 <= `disconnect` <= `connect` <= 1.
    initial : float
        Permanence of a new synapse, at least `disconnect`.
    increase : float
        Added to synapses on active cells of a segment that was right.
    decrease : float
        Taken from its other synapses.
    punish : float
        Taken from synapses on active cells of a segment that was wrong.

    Raises
    ------
    DescriptionError
        A value out of range; all problems at once.
    """

    connect: Annotated[float, Probability()] = 0.5
    disconnect: Annotated[float, Probability()] = 0.05
    initial: Annotated[float, Probability()] = 0.5
    increase: Annotated[float, Probability()] = 0.1
    decrease: Annotated[float, Probability()] = 0.02
    punish: Annotated[float, Probability()] = 0.05

    def __post_init__(self) -> None:
        check_fields(self)
        problems = Problems("PermanenceRule")
        for high in ("connect", "initial"):
            if getattr(self, high) < self.disconnect:
                problems.add(f"{high} must be at least disconnect={self.disconnect:g}, "
                             f"got {getattr(self, high):g}")  # fmt: skip
        problems.raise_if_any()


class Segments(Changing):
    """A growing table of segments.

    Parameters
    ----------
    n_segments : int
        Segments to begin with, without synapses.
    room : int
        Most synapses of one segment.
    n_inputs : int
        Cells that a synapse can be on.
    rule : PermanenceRule
        For the thresholds and changes.
    where : str
        Begins the message of an error.

    Raises
    ------
    DescriptionError
        More synapses than 16 bits count, or than the memory holds.
    """

    def __init__(
        self,
        n_segments: int,
        room: int,
        n_inputs: int,
        rule: PermanenceRule,
        where: str = "Segments",
    ) -> None:
        if room > _MOST_ROOM:
            raise DescriptionError(
                f"{where}: a segment can have at most {_MOST_ROOM} synapses, got {room}."
            )
        require_memory(float(n_segments) * (8 * room + 16) + 32.0 * n_inputs,
                       f"{where}: n_segments: {n_segments} in all, of {room} synapses on "
                       f"n_inputs={n_inputs} cells", "Take fewer of any.")  # fmt: skip
        self.n_inputs = n_inputs
        self.rule = rule
        self._size = n_segments
        self._cells = np.full((n_segments, room), -1, dtype=np.int32)
        self._permanences = np.zeros((n_segments, room), dtype=np.float32)
        self._sizes = np.zeros(n_segments, dtype=np.int32)
        self._index: _Index | None = None

    def __len__(self) -> int:
        return self._size

    @property
    def cells(self) -> NDArray[np.int32]:
        """Cell of each synapse, -1 where there is none, shape (n_segments, room)."""
        return self._cells[: self._size]

    @property
    def permanences(self) -> NDArray[np.float32]:
        """Permanence of each synapse, shape (n_segments, room)."""
        return self._permanences[: self._size]

    @property
    def sizes(self) -> NDArray[np.int32]:
        """Synapses of each segment, connected or not, shape (n_segments,)."""
        return self._sizes[: self._size]

    @property
    def connected(self) -> NDArray[np.bool_]:
        """Which synapses count, shape (n_segments, room)."""
        present = np.arange(self.cells.shape[1]) < self.sizes[:, None]
        strong: NDArray[np.bool_] = present & (self.permanences >= self.rule.connect - _SLACK)
        return strong

    def facts(self) -> dict[str, int]:
        """How many segments and synapses there are."""
        return {
            "segments_with_synapses": int((self.sizes > 0).sum()),
            "synapses": int(self.sizes.sum()),
            "connected_synapses": int(self.connected.sum()),
        }

    def add(self, count: int) -> NDArray[np.int64]:
        """Append segments without synapses; gives their numbers."""
        first, self._size = self._size, self._size + count
        if self._size > self._sizes.size:
            more = max(self._size, 2 * self._sizes.size, 64) - self._sizes.size
            pad = ((0, more), (0, 0))
            self._cells = np.pad(self._cells, pad, constant_values=-1)
            self._permanences = np.pad(self._permanences, pad)
            self._sizes = np.pad(self._sizes, (0, more))
        self._index = None
        return np.arange(first, self._size)

    def clear(self, segment: int) -> None:
        """Take all synapses from a segment."""
        self._cells[segment], self._sizes[segment] = -1, 0
        self._index = None

    def put(self, segment: int, cells: NDArray[np.int32], permanence: float) -> None:
        """Append synapses on cells that the segment has none on; there must be room."""
        first = int(self._sizes[segment])
        last = first + cells.size
        self._cells[segment, first:last] = cells
        self._permanences[segment, first:last] = permanence
        self._sizes[segment] = last
        self._index = None

    def strengthen(self, segment: int, cells: NDArray[np.int32], permanence: float) -> None:
        """Connect a segment to all these cells."""
        size = int(self.sizes[segment])
        known = np.isin(self.cells[segment, :size], cells) if size else np.empty(0, np.bool_)
        if known.any():
            strong = self.permanences[segment, :size]
            strong[known] = np.maximum(strong[known], permanence)
            cells = np.setdiff1d(cells, self.cells[segment, :size])
        self.put(segment, cells, permanence)

    def fill(self, cells: NDArray[np.int32], permanences: NDArray[np.float32]) -> None:
        """Replace all synapses, shape (n_segments, room); -1 where there is none."""
        order = np.argsort(cells < 0, axis=1, kind="stable")
        self._cells = np.take_along_axis(cells, order, axis=1).astype(np.int32)
        self._permanences = np.take_along_axis(permanences, order, axis=1).astype(np.float32)
        self._sizes = np.count_nonzero(cells >= 0, axis=1).astype(np.int32)
        self._size = self._sizes.size
        self._index = None

    def grow(self, chosen: Any, wanted: Any, candidates: Any, permanence: float) -> None:
        """Give segments up to `wanted` synapses each on candidates, in the order given.

        Parameters
        ----------
        chosen, wanted : array_like of int, shape (n_chosen,)
            Segments, and how many synapses each.
        candidates : array_like of int, shape (n_chosen, n_candidates)
            Cells.
        permanence : float
            Of the new synapses.
        """
        from .evaluator import grow

        grow(
            self._cells, self._permanences, self._sizes, np.asarray(chosen, dtype=np.int64),
            np.asarray(wanted, dtype=np.int64), np.asarray(candidates, dtype=np.int32), permanence,
        )  # fmt: skip
        self._index = None

    def adapt(
        self, chosen: Any, active: NDArray[np.bool_], on_active: float, on_silent: float
    ) -> None:
        """Change permanences on active and on silent cells (mask, shape (n_inputs,))."""
        from .evaluator import adapt

        adapt(
            self._cells, self._permanences, self._sizes, np.asarray(chosen, dtype=np.int64),
            active, on_active, on_silent, self.rule.disconnect - _SLACK,
        )  # fmt: skip
        self._index = None

    def learn(
        self,
        cells: NDArray[np.int32],
        block: slice,
        threshold: int,
        wanted: int,
        used: NDArray[np.int64],
        rng: np.random.Generator,
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Let the segments of one neuron recognise a frame, and punish those of the others.

        Parameters
        ----------
        cells : ndarray of int
            Active cells of the frame.
        block : slice
            Segments of the neuron; empty if none is to recognise the frame.
        threshold : int
            Active synapses that activate a segment.
        wanted : int
            Synapses that a segment is to have on the frame.
        used : ndarray of int, shape (n_segments,)
            When each segment was taught last: the oldest one makes room.
        rng : numpy.random.Generator
            For the choice of synapses.

        Returns
        -------
        taught, fresh : ndarray of int
            Segments that were taught, and those among them that were emptied before.
        """  # fmt: skip
        active = np.zeros(self.n_inputs, dtype=np.bool_)
        active[cells] = True
        connected, every = self.scan(active)
        firing = np.flatnonzero(connected >= threshold)
        mine = (firing >= block.start) & (firing < block.stop)
        self.adapt(firing[~mine], active, -self.rule.punish, 0.0)
        chosen, fresh = firing[mine], np.empty(0, dtype=np.int64)
        if block.start == block.stop:
            return chosen, fresh
        if not chosen.size:
            best = block.start + int(np.argmax(every[block]))
            if every[best] < max(threshold // 2, 1):
                best = self._emptied(block, used)
                fresh, every[best] = np.array([best]), 0
            chosen = np.array([best])
        self.adapt(chosen, active, self.rule.increase, -self.rule.decrease)
        missing = np.minimum(wanted, cells.size) - every[chosen]
        order = np.stack([rng.permutation(cells) for _ in chosen])
        self.grow(chosen, missing, order, self.rule.initial)
        return chosen, fresh

    def _emptied(self, block: slice, used: NDArray[np.int64]) -> int:
        """A segment of the block without synapses; if there is none, the oldest one loses them."""
        empty = np.flatnonzero(self.sizes[block] == 0)
        segment = int(block.start + (empty[0] if empty.size else np.argmin(used[block])))
        self.clear(segment)
        return segment

    def left_by_faults(
        self, p_off: float, p_on: float, rng: np.random.Generator
    ) -> NDArray[np.int32]:
        """Cells of the synapses that conduct on a faulty crossbar, a row for each segment.

        Each connected synapse is lost with the probability `p_off`; each cell that a segment is
        not connected to is stuck on with `p_on`. -1 stands where there is no synapse.
        """
        strong = self.connected
        kept = [
            self.cells[k, row & (rng.random(row.size) >= p_off)] for k, row in enumerate(strong)
        ]
        for k in np.flatnonzero(self.sizes > 0) if p_on else ():
            stuck = np.flatnonzero(rng.random(self.n_inputs) < p_on)
            kept[k] = np.union1d(kept[k], np.setdiff1d(stuck, self.cells[k][strong[k]]))
        cells = np.full((len(kept), max(max(row.size for row in kept), 1)), -1, dtype=np.int32)
        for k, row in enumerate(kept):
            cells[k, : row.size] = row
        return cells

    def scan(self, active: NDArray[np.bool_]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Connected and all synapses on active cells, each shape (n_segments,)."""
        from .evaluator import scan

        connected = np.empty(self._size, dtype=np.int32)
        every = np.empty(self._size, dtype=np.int32)
        scan(
            self.cells, self.permanences, self.sizes, active, self.rule.connect - _SLACK,
            connected, every,
        )  # fmt: skip
        return connected, every

    def overlaps(self, frames: Patterns) -> NDArray[np.uint16]:
        """Connected synapses on active cells, shape (n_frames, n_segments)."""
        from .evaluator import count_overlaps

        require_memory(2.0 * len(frames) * self._size,
                       f"overlaps of {len(frames)} frames with {self._size} segments",
                       "Show fewer frames at once.")  # fmt: skip
        counts = np.zeros((len(frames), self._size), dtype=np.uint16)
        index = self.index
        places = index.places(frames.indices)
        count_overlaps(index.starts, index.segments, frames.starts, places, counts)
        return counts

    def active(self, frames: Patterns, theta: int, jobs: int | None = None) -> NDArray[np.int32]:
        """Rows (frame, segment, overlap) of the segments that reach the threshold.

        Work that is worth it is shared by `jobs` threads, by default one for each processor.
        """
        index = self.index
        places = index.places(frames.indices)
        work = frames.indices.size * (index.segments.size / max(self.n_inputs, 1))
        jobs = min(jobs or os.cpu_count() or 1, max(int(work // _SPLIT), 1), max(len(frames), 1))
        edges = np.linspace(0, len(frames), jobs + 1).astype(np.int64)
        if jobs == 1:
            return self._active(index, frames, places, 0, len(frames), theta)
        with ThreadPoolExecutor(jobs) as pool:
            parts = pool.map(
                lambda k: self._active(index, frames, places, edges[k], edges[k + 1], theta),
                range(jobs),
            )
            return np.concatenate(list(parts))

    def _active(
        self, index: _Index, frames: Patterns, places: Any, first: Any, last: Any, theta: int
    ) -> NDArray[np.int32]:
        from .evaluator import find_active

        # A count starts theta below half its range, and must not leave it with all synapses.
        room = self.cells.shape[1]
        kind: Any = np.uint32
        for smaller in (np.uint16, np.uint8):
            top = 1 << (8 * np.dtype(smaller).itemsize - 1)
            if theta < top and room - theta < top:
                kind = smaller
        bits = 8 * np.dtype(kind).itemsize
        words = np.empty(-(-self._size // (64 // bits)), dtype=np.uint64)
        flags = sum(1 << (bits * k + bits - 1) for k in range(64 // bits))
        high = 1 << (bits - 1)
        part = frames.starts[first : last + 1]
        found = np.empty((max(1024, len(part)), 3), dtype=np.int32)
        while True:
            total = find_active(
                index.starts, index.segments, part, places, words.view(kind), words,
                kind(high - theta), kind(high), np.uint64(flags), found,
            )  # fmt: skip
            if total <= len(found):
                break
            require_memory(24.0 * total, f"frames: {total} active segments",
                           "Show fewer frames at once.")  # fmt: skip
            found = np.empty((total, 3), dtype=np.int32)
        rows = found[:total].copy()
        rows[:, 0] += first
        return rows

    @property
    def index(self) -> _Index:
        """Segments by cell."""
        if self._index is None:
            strong = self.connected
            segment = np.nonzero(strong)[0].astype(np.uint32)
            cell = self.cells[strong]
            known, n_places = None, self.n_inputs
            place: NDArray[Any] = cell
            if self.n_inputs > max(_MANY_INPUTS, 8 * cell.size):
                known, place = np.unique(cell, return_inverse=True)
                n_places = known.size + 1
            starts = np.concatenate([[0], np.cumsum(np.bincount(place, minlength=n_places))])
            self._index = _Index(starts, segment[np.argsort(cell, kind="stable")], known)
        return self._index
