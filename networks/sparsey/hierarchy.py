"""Levels that learn and retrieve: what a hierarchy does without classes."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Annotated, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ...checks import AnyValue, Count, checked
from ...errors import DescriptionError
from ...limits import require_memory
from ...models import StoredModel
from .engine import run_block
from .facts import level_facts, mean_familiarity, silent_frame
from .frames import Frames, as_frames
from .parameters import Level
from .reading import read_pixels
from .references import CODE_SELECTION, HIERARCHY, SUPERPOSED
from .results import Codes
from .tables import Block, LevelFrames, Tower

__all__ = ["Hierarchy", "Items", "Report", "report_nothing"]

_BLOCK = 2**26
"""Bytes of codes that are held at once while learning and classifying."""

_Index = Annotated[int, Count(low=0)]

Items = Annotated[Any, AnyValue()]
"""What every argument takes that is images or sequences; the model knows their shape."""

Report = Callable[[float], Any]


class Hierarchy(StoredModel):
    """Base of :class:`.Sparsey`: learning, retrieval, completion and replay."""

    bibtex: ClassVar[tuple[str, ...]] = (CODE_SELECTION, HIERARCHY, SUPERPOSED)

    input_shape: tuple[int, ...]
    levels: tuple[Level, ...]
    threshold: float | tuple[float, ...] | None
    n_frames_learnt: int
    familiarity_: NDArray[np.float64]
    _tower: Tower

    @property
    def n_features_in_(self) -> int:
        """Pixels of an image."""
        return math.prod(self.input_shape)

    @property
    def _thresholds(self) -> tuple[float, ...]:
        if self.threshold is None:
            return ()
        return self.threshold if isinstance(self.threshold, tuple) else (self.threshold,)

    def __repr__(self) -> str:
        sizes = ", ".join(
            f"{a.n_macs} macs of Q={a.n_modules}, K={a.cells_per_module}" for a in self.levels
        )
        shape = "x".join(map(str, self.input_shape))
        return f"Sparsey({shape} pixels; {sizes}: {self.n_frames_learnt} frames learnt)"

    def facts(self) -> dict[str, Any]:
        """Sizes, synapses, and what was learnt, as plain data ready for JSON."""
        levels = [level_facts(self._tower, k) for k in range(len(self.levels))]
        return super().facts() | {
            "input_shape": list(self.input_shape),
            "n_frames_learnt": self.n_frames_learnt,
            "n_synapses": sum(level["n_synapses"] for level in levels),
            "levels": levels,
        }

    def _frames(self, x: Any, where: str) -> Frames:
        return as_frames(x, self.input_shape, self._thresholds, f"Sparsey.{where}: x")

    def _to_learn(self, x: Any, where: str) -> Frames:
        frames = self._frames(x, where)
        if not frames.n_items:
            raise DescriptionError(f"Sparsey.{where}: x must have at least one item, got none.")
        self._require_active(frames, where)
        return frames

    def _require_active(self, frames: Frames, where: str) -> None:
        """Refuse frames with which no mac of the lowest level becomes active."""
        bad = silent_frame(self._tower, frames.pixels)
        if bad is None:
            return
        level, item = self.levels[0], int(frames.owners[bad])
        n_on = int(np.count_nonzero(frames.pixels[bad]))
        most = "any number" if level.max_active is None else level.max_active
        raise DescriptionError(
            f"Sparsey.{where}: a frame must make a mac of levels[0] active, and one of item {item} "
            f"does not: {n_on} of its {frames.pixels.shape[1]} pixels are on, and a mac needs "
            f"{level.min_active} to {most} among its inputs. Leave it out, or change threshold, "
            f"min_active or max_active."
        )

    @checked
    def learn(self, x: Items) -> Codes:
        """Learn further images or sequences without classes.

        Parameters
        ----------
        x : images or sequences
            As in :class:`Sparsey`.

        Returns
        -------
        Codes
            The codes that were drawn and stored, with the familiarity of each input before.

        Raises
        ------
        DescriptionError
            As for :meth:`fit`.
        """
        frames = self._to_learn(x, "learn")
        self._require_room(len(frames.pixels), "learn")
        runs = self._run(frames, True, report_nothing, (0.0, 1.0))
        return self._codes(frames, [tables for _, tables in runs])

    def _run(
        self,
        frames: Frames,
        learning: bool,
        report: Report,
        span: tuple[float, float],
        context_only: bool = False,
    ) -> Iterator[tuple[slice, list[LevelFrames]]]:
        """Run all frames in blocks of whole items."""
        seen = []
        for part in self._blocks(frames):
            block = Block(frames.pixels[part], frames.begins[part], self.n_frames_learnt, learning,
                          context_only)  # fmt: skip
            try:
                tables = run_block(self._tower, block)
            finally:
                # An interrupted block is learnt in part: its frames count, and never come again.
                if learning:
                    self.n_frames_learnt += len(block.starts)
            if learning:
                seen.append(mean_familiarity(tables))
            report(span[0] + (span[1] - span[0]) * part.stop / max(len(frames.pixels), 1))
            yield part, tables
        if learning:
            self.familiarity_ = np.concatenate(seen)

    def _blocks(self, frames: Frames) -> Iterator[slice]:
        """Frames of whole items that are run at once."""
        most = max(1, _BLOCK // self._frame_bytes)
        first = 0
        for start in frames.starts[1:].tolist():
            if start - first >= most or start == len(frames.pixels):
                yield slice(first, start)
                first = start

    @property
    def _frame_bytes(self) -> int:
        return sum(a.n_macs * (2 * a.n_modules + 21) for a in self.levels)

    def _require_room(self, n_frames: int, where: str) -> None:
        require_memory(2.0 * n_frames * self._frame_bytes,
                       f"Sparsey.{where}: the codes of {n_frames} frames",
                       "Give fewer items at once.")  # fmt: skip

    @checked
    def retrieve(self, x: Items, *, context_only: bool = False) -> Codes:
        """Codes that items retrieve: in each module the most supported cell wins.

        The model stays as it is, and each item is answered for itself.

        Parameters
        ----------
        x : images or sequences
            As in :class:`Sparsey`. A frame may be empty: macs without input are not active.
        context_only : bool
            Whether macs without enough input go on by their horizontal and top-down inputs alone,
            as in a replay.

        Returns
        -------
        Codes
            Winners, familiarity, competing hypotheses and evidence of each mac.

        Raises
        ------
        DescriptionError
            Not such items, or more codes than the memory holds.
        """
        return self._retrieve(self._frames(x, "retrieve"), context_only, "retrieve")

    def _retrieve(self, frames: Frames, context_only: bool, where: str) -> Codes:
        self._require_room(len(frames.pixels), where)
        runs = self._run(frames, False, report_nothing, (0.0, 1.0), context_only)
        return self._codes(frames, [tables for _, tables in runs])

    def _codes(self, frames: Frames, runs: list[list[LevelFrames]]) -> Codes:
        def joined(name: str) -> tuple[Any, ...]:
            return tuple(
                np.concatenate([getattr(tables[k], name)[1:] for tables in runs])
                if runs
                else getattr(self._no_frames[k], name)[1:]
                for k in range(len(self.levels))
            )

        return Codes(
            frames.starts, joined("winners"), joined("familiarity"), joined("hypotheses"),
            joined("evidence"), tuple(a.cells_per_module for a in self.levels),
        )  # fmt: skip

    @property
    def _no_frames(self) -> list[LevelFrames]:
        pixels = np.zeros((0, self._tower.n_pixels), dtype=np.uint8)
        return run_block(self._tower, Block(pixels, np.zeros(0, dtype=np.uint8), 0, False))

    @checked
    def complete(self, x: Items, *, level: _Index | None = None) -> NDArray[np.float64]:
        r"""Pixels that the retrieved codes stand for: incomplete or noisy images are completed.

        Parameters
        ----------
        x : images or sequences
            As in :class:`Sparsey`.
        level : int, optional
            Level whose codes are read down to the pixels. Default: the highest.

        Returns
        -------
        float64, shape (n_frames, \*input_shape)
            Support of each pixel, 0 to 1; with several thresholds, one more axis for them.

        Raises
        ------
        DescriptionError
            Not such items, or no such level.
        """
        frames = self._frames(x, "complete")
        return self._read_back(self._retrieve(frames, False, "complete"), level, "complete")

    @checked
    def replay(self, first: Items, n_frames: Annotated[int, Count()]) -> Codes:
        """Go on from the first frames of sequences, by horizontal and top-down inputs alone.

        Parameters
        ----------
        first : images or sequences
            The first frame, or the first frames, of each sequence.
        n_frames : int
            Frames of each sequence in all; at least as many as are given.

        Returns
        -------
        Codes
            Of `n_frames` frames for each sequence; :meth:`read_back` turns them into pixels.

        Raises
        ------
        DescriptionError
            Not such items, or sequences that are longer.
        """
        given = self._frames(first, "replay")
        longest = int(np.diff(given.starts).max(initial=0))
        if longest > n_frames:
            raise DescriptionError(
                f"Sparsey.replay: n_frames must be at least {longest}, the frames that are given, "
                f"got {n_frames}."
            )
        self._require_room(given.n_items * n_frames, "replay")
        pixels = np.zeros((given.n_items * n_frames, given.pixels.shape[1]), dtype=np.uint8)
        place = np.arange(len(given.pixels)) - given.starts[given.owners]
        pixels[given.owners * n_frames + place] = given.pixels
        starts = np.arange(given.n_items + 1, dtype=np.int64) * n_frames
        return self._retrieve(Frames(pixels, starts), True, "replay")

    @checked
    def read_back(self, codes: Codes, *, level: _Index | None = None) -> NDArray[np.float64]:
        """Pixels that codes stand for, as for :meth:`complete`.

        Raises
        ------
        DescriptionError
            Codes of another hierarchy, or no such level.
        """
        return self._read_back(codes, level, "read_back")

    def _level(self, level: int, where: str) -> int:
        if level >= len(self.levels):
            raise DescriptionError(
                f"Sparsey.{where}: level must be from 0 to {len(self.levels) - 1}, got {level}."
            )
        return level

    def _read_back(self, codes: Codes, level: int | None, where: str) -> NDArray[np.float64]:
        k = self._level(len(self.levels) - 1 if level is None else level, where)
        sizes = [(a.n_macs, a.n_modules) for a in self.levels]
        if [w.shape[1:] for w in codes.winners] != sizes or codes.cells_per_module != tuple(
            a.cells_per_module for a in self.levels
        ):
            raise DescriptionError(
                f"Sparsey.{where}: codes must be those of this hierarchy, got {codes}."
            )
        require_memory(16.0 * codes.n_frames * self._tower.n_pixels,
                       f"Sparsey.{where}: the pixels of {codes.n_frames} frames",
                       "Give fewer items at once.")  # fmt: skip
        support = read_pixels(self._tower, k, codes.winners[k], self.n_frames_learnt)
        more = (len(self._thresholds),) if len(self._thresholds) > 1 else ()
        return support.reshape(codes.n_frames, *self.input_shape, *more)


def report_nothing(fraction: float) -> None:
    """Report nothing."""
