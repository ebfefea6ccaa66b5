"""Dendritic segments: a table of synapses with permanences, evaluated by compiled kernels."""

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
"""Projection of the spiking forms that holds the learnt synapses."""

# Permanences are 32-bit floats, in which 0.2 + 3 * 0.1 must reach 0.5.
_SLACK = 1e-5
_SPLIT = 10**8
_MOST_ROOM = np.iinfo(np.uint16).max  # overlaps are 16-bit
_MANY_INPUTS = 2**20
"""Number of inputs above which the index has rows only for inputs with synapses, if few."""


class _Index(NamedTuple):
    """Segments by cell: row r holds the segments from ``starts[r]`` to ``starts[r + 1]``."""

    starts: NDArray[np.int64]
    segments: NDArray[np.uint32]
    cells: NDArray[np.int32] | None
    """Cell of each row, in order; the row after them is empty. None: every cell has a row."""

    def rows(self, cells: NDArray[np.int32]) -> NDArray[np.int32]:
        """Return the row of each cell."""
        if self.cells is None:
            return cells
        row = np.searchsorted(self.cells, cells)
        present = np.append(self.cells, -1)[row] == cells
        rows: NDArray[np.int32] = np.where(present, row, self.cells.size).astype(cells.dtype)
        return rows


@dataclass(frozen=True, kw_only=True)
class PermanenceRule(Frozen):
    """Growth, change and loss of synapses.

    A synapse is connected if its permanence, from 0 to 1, is at least `connect`. It is lost if its
    permanence falls below `disconnect`.

    Parameters
    ----------
    connect, disconnect : float
        Thresholds of the permanence, 0 <= `disconnect` <= `connect` <= 1.
    initial : float
        Permanence of a new synapse, at least `disconnect`.
    increase : float
        Increase of synapses on active cells, for a segment that learns.
    decrease : float
        Decrease of the other synapses of such a segment.
    punish : float
        Decrease of synapses on active cells, for a segment that was active wrongly.

    Raises
    ------
    DescriptionError
        If values are out of range; the message lists all problems.
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
        Initial number of segments, which have no synapses.
    room : int
        Largest number of synapses of one segment.
    n_inputs : int
        Number of cells that a synapse can be on.
    rule : PermanenceRule
        Thresholds and changes of permanences.
    where : str
        Beginning of error messages.

    Raises
    ------
    DescriptionError
        If there are more synapses than 16 bits can count, or than fit into memory.
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
                       f"n_inputs={n_inputs} cells", "Reduce one of them.")  # fmt: skip
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
        """Cell of each synapse, -1 for none, shape (n_segments, room)."""
        return self._cells[: self._size]

    @property
    def permanences(self) -> NDArray[np.float32]:
        """Permanence of each synapse, shape (n_segments, room)."""
        return self._permanences[: self._size]

    @property
    def sizes(self) -> NDArray[np.int32]:
        """Number of synapses of each segment, connected or not, shape (n_segments,)."""
        return self._sizes[: self._size]

    @property
    def connected(self) -> NDArray[np.bool_]:
        """Whether each synapse is connected, shape (n_segments, room)."""
        present = np.arange(self.cells.shape[1]) < self.sizes[:, None]
        strong: NDArray[np.bool_] = present & (self.permanences >= self.rule.connect - _SLACK)
        return strong

    def facts(self) -> dict[str, int]:
        """Return the numbers of segments and synapses."""
        return {
            "segments_with_synapses": int((self.sizes > 0).sum()),
            "synapses": int(self.sizes.sum()),
            "connected_synapses": int(self.connected.sum()),
        }

    def add(self, count: int) -> NDArray[np.int64]:
        """Append segments without synapses, and return their indices."""
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
        """Remove all synapses of a segment."""
        self._cells[segment], self._sizes[segment] = -1, 0
        self._index = None

    def append(self, segment: int, cells: NDArray[np.int32], permanence: float) -> None:
        """Append synapses on new cells to a segment, which must have room."""
        first = int(self._sizes[segment])
        last = first + cells.size
        self._cells[segment, first:last] = cells
        self._permanences[segment, first:last] = permanence
        self._sizes[segment] = last
        self._index = None

    def strengthen(self, segment: int, cells: NDArray[np.int32], permanence: float) -> None:
        """Connect a segment to all given cells."""
        size = int(self.sizes[segment])
        present = np.isin(self.cells[segment, :size], cells) if size else np.empty(0, np.bool_)
        if present.any():
            values = self.permanences[segment, :size]
            values[present] = np.maximum(values[present], permanence)
            cells = np.setdiff1d(cells, self.cells[segment, :size])
        self.append(segment, cells, permanence)

    def fill(self, cells: NDArray[np.int32], permanences: NDArray[np.float32]) -> None:
        """Replace all synapses; arrays of shape (n_segments, room), with cell -1 for none."""
        order = np.argsort(cells < 0, axis=1, kind="stable")
        self._cells = np.take_along_axis(cells, order, axis=1).astype(np.int32)
        self._permanences = np.take_along_axis(permanences, order, axis=1).astype(np.float32)
        self._sizes = np.count_nonzero(cells >= 0, axis=1).astype(np.int32)
        self._size = self._sizes.size
        self._index = None

    def grow(self, chosen: Any, wanted: Any, candidates: Any, permanence: float) -> None:
        """Add up to `wanted` synapses to each chosen segment, on candidates in their order.

        Parameters
        ----------
        chosen, wanted : array_like of int, shape (n_chosen,)
            Segments, and the number of synapses to add to each.
        candidates : array_like of int, shape (n_chosen, n_candidates)
            Candidate cells.
        permanence : float
            Permanence of the new synapses.
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
        """Change the permanences of chosen segments on active and on silent cells.

        `active` is a mask of shape (n_inputs,).
        """
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
        """Teach a frame to the segments of one neuron, and punish those of other neurons.

        Parameters
        ----------
        cells : ndarray of int
            Active cells of the frame.
        block : slice
            Segments of the neuron; empty if no neuron learns the frame.
        threshold : int
            Number of active synapses that activate a segment.
        wanted : int
            Number of synapses that a segment should have on the frame.
        used : ndarray of int, shape (n_segments,)
            Time at which each segment last learnt; the oldest one is replaced.
        rng : numpy.random.Generator
            Generator for the choice of synapses.

        Returns
        -------
        taught, fresh : ndarray of int
            Segments that learnt, and those among them that were emptied first.
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
                best = self._free_segment(block, used)
                fresh, every[best] = np.array([best]), 0
            chosen = np.array([best])
        self.adapt(chosen, active, self.rule.increase, -self.rule.decrease)
        missing = np.minimum(wanted, cells.size) - every[chosen]
        order = np.stack([rng.permutation(cells) for _ in chosen])
        self.grow(chosen, missing, order, self.rule.initial)
        return chosen, fresh

    def _free_segment(self, block: slice, used: NDArray[np.int64]) -> int:
        """Return a segment of the block without synapses; if there is none, empty the oldest."""
        empty = np.flatnonzero(self.sizes[block] == 0)
        segment = int(block.start + (empty[0] if empty.size else np.argmin(used[block])))
        self.clear(segment)
        return segment

    def with_faults(self, p_off: float, p_on: float, rng: np.random.Generator) -> NDArray[np.int32]:
        """Return the cells of the synapses that conduct on a faulty crossbar, a row per segment.

        Each connected synapse is stuck off with probability `p_off`. A synapse on any other cell
        is stuck on with probability `p_on`. -1 means no synapse.
        """
        strong = self.connected
        rows = [
            self.cells[k, row & (rng.random(row.size) >= p_off)] for k, row in enumerate(strong)
        ]
        for k in np.flatnonzero(self.sizes > 0) if p_on else ():
            stuck = np.flatnonzero(rng.random(self.n_inputs) < p_on)
            rows[k] = np.union1d(rows[k], np.setdiff1d(stuck, self.cells[k][strong[k]]))
        cells = np.full((len(rows), max(max(row.size for row in rows), 1)), -1, dtype=np.int32)
        for k, row in enumerate(rows):
            cells[k, : row.size] = row
        return cells

    def scan(self, active: NDArray[np.bool_]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Count the connected and all synapses on active cells, each of shape (n_segments,)."""
        from .evaluator import scan

        connected = np.empty(self._size, dtype=np.int32)
        every = np.empty(self._size, dtype=np.int32)
        scan(
            self.cells, self.permanences, self.sizes, active, self.rule.connect - _SLACK,
            connected, every,
        )  # fmt: skip
        return connected, every

    def overlaps(self, frames: Patterns) -> NDArray[np.uint16]:
        """Return the number of connected synapses on active cells, (n_frames, n_segments)."""
        from .evaluator import count_overlaps

        require_memory(2.0 * len(frames) * self._size,
                       f"overlaps of {len(frames)} frames with {self._size} segments",
                       "Use fewer frames at once.")  # fmt: skip
        counts = np.zeros((len(frames), self._size), dtype=np.uint16)
        index = self.index
        rows = index.rows(frames.indices)
        count_overlaps(index.starts, index.segments, frames.starts, rows, counts)
        return counts

    def active(self, frames: Patterns, theta: int, jobs: int | None = None) -> NDArray[np.int32]:
        """Return rows (frame, segment, overlap) of the segments that reach the threshold.

        Large amounts of work are shared by `jobs` threads; the default is one for each processor.
        """
        index = self.index
        rows = index.rows(frames.indices)
        work = frames.indices.size * (index.segments.size / max(self.n_inputs, 1))
        jobs = min(jobs or os.cpu_count() or 1, max(int(work // _SPLIT), 1), max(len(frames), 1))
        edges = np.linspace(0, len(frames), jobs + 1).astype(np.int64)
        if jobs == 1:
            return self._active(index, frames, rows, 0, len(frames), theta)
        with ThreadPoolExecutor(jobs) as pool:
            parts = pool.map(
                lambda k: self._active(index, frames, rows, edges[k], edges[k + 1], theta),
                range(jobs),
            )
            return np.concatenate(list(parts))

    def _active(
        self, index: _Index, frames: Patterns, rows: Any, first: Any, last: Any, theta: int
    ) -> NDArray[np.int32]:
        from .evaluator import find_active

        # A count starts theta below half its range, and must not overflow with all synapses.
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
        matches = np.empty((max(1024, len(part)), 3), dtype=np.int32)
        while True:
            total = find_active(
                index.starts, index.segments, part, rows, words.view(kind), words,
                kind(high - theta), kind(high), np.uint64(flags), matches,
            )  # fmt: skip
            if total <= len(matches):
                break
            require_memory(24.0 * total, f"frames: {total} active segments",
                           "Use fewer frames at once.")  # fmt: skip
            matches = np.empty((total, 3), dtype=np.int32)
        matches = matches[:total].copy()
        matches[:, 0] += first
        return matches

    @property
    def index(self) -> _Index:
        """Index of the segments by cell."""
        if self._index is None:
            strong = self.connected
            segment = np.nonzero(strong)[0].astype(np.uint32)
            cell = self.cells[strong]
            cells, n_rows = None, self.n_inputs
            row: NDArray[Any] = cell
            if self.n_inputs > max(_MANY_INPUTS, 8 * cell.size):
                cells, row = np.unique(cell, return_inverse=True)
                n_rows = cells.size + 1
            starts = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=n_rows))])
            self._index = _Index(starts, segment[np.argsort(cell, kind="stable")], cells)
        return self._index
