"""Learning, retrieval, completion and replay of a hierarchy, without classes."""

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
"""Largest size of the codes of a block of frames in learning and classification, bytes."""

_Index = Annotated[int, Count(low=0)]

Items = Annotated[Any, AnyValue()]
"""Type of every argument that is images or sequences; the model checks their shape."""

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
        """Number of pixels of an image."""
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
        """Return sizes, synapses, and the number of learnt frames, as plain data for JSON."""
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
        """Raise an error if a frame activates no mac of the lowest level."""
        bad = silent_frame(self._tower, frames.pixels)
        if bad is None:
            return
        level, item = self.levels[0], int(frames.owners[bad])
        n_on = int(np.count_nonzero(frames.pixels[bad]))
        most = "any number" if level.max_active is None else level.max_active
        raise DescriptionError(
            f"Sparsey.{where}: a frame must activate a mac of levels[0], but one of item {item} "
            f"does not: {n_on} of its {frames.pixels.shape[1]} pixels are on, and a mac needs "
            f"{level.min_active} to {most} among its inputs. Leave it out, or change threshold, "
            f"min_active or max_active."
        )

    @checked
    def learn(self, x: Items) -> Codes:
        """Learn more images or sequences, without classes.

        Parameters
        ----------
        x : images or sequences
            As for :class:`Sparsey`.

        Returns
        -------
        Codes
            The codes that were drawn and stored, with the familiarity of each input before storage.

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
                # After an interrupt a block can be learnt in part, so all its frames count.
                if learning:
                    self.n_frames_learnt += len(block.starts)
            if learning:
                seen.append(mean_familiarity(tables))
            report(span[0] + (span[1] - span[0]) * part.stop / max(len(frames.pixels), 1))
            yield part, tables
        if learning:
            self.familiarity_ = np.concatenate(seen)

    def _blocks(self, frames: Frames) -> Iterator[slice]:
        """Yield the frames of each block of whole items."""
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
                       "Use fewer items at once.")  # fmt: skip

    @checked
    def retrieve(self, x: Items, *, context_only: bool = False) -> Codes:
        """Retrieve the codes of items; in each module the most supported cell wins.

        The model is unchanged, and the result for an item does not depend on other items.

        Parameters
        ----------
        x : images or sequences
            As for :class:`Sparsey`. A frame can be empty; macs without input are not active.
        context_only : bool
            Whether macs without enough bottom-up input select codes by their horizontal and
            top-down inputs alone, as in a replay.

        Returns
        -------
        Codes
            Winners, familiarity, competing hypotheses and evidence of each mac.

        Raises
        ------
        DescriptionError
            If the items are not valid, or the codes do not fit into memory.
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
        r"""Complete incomplete or noisy images: return the pixels of the retrieved codes.

        Parameters
        ----------
        x : images or sequences
            As for :class:`Sparsey`.
        level : int, optional
            Level whose codes are read back to the pixels. Default: the highest.

        Returns
        -------
        float64, shape (n_frames, \*input_shape)
            Support of each pixel, 0 to 1; with several thresholds, they are one more axis.

        Raises
        ------
        DescriptionError
            If the items are not valid, or the level does not exist.
        """
        frames = self._frames(x, "complete")
        return self._read_back(self._retrieve(frames, False, "complete"), level, "complete")

    @checked
    def replay(self, first: Items, n_frames: Annotated[int, Count()]) -> Codes:
        """Continue sequences from their first frames, by horizontal and top-down inputs alone.

        Parameters
        ----------
        first : images or sequences
            The first frame, or the first frames, of each sequence.
        n_frames : int
            Total number of frames of each sequence, at least as many as `first` has.

        Returns
        -------
        Codes
            Codes of `n_frames` frames for each sequence; :meth:`read_back` converts them to pixels.

        Raises
        ------
        DescriptionError
            If the items are not valid, or a sequence is longer than `n_frames`.
        """
        frames = self._frames(first, "replay")
        longest = int(np.diff(frames.starts).max(initial=0))
        if longest > n_frames:
            raise DescriptionError(
                f"Sparsey.replay: n_frames must be at least {longest}, the number of frames in "
                f"first, got {n_frames}."
            )
        self._require_room(frames.n_items * n_frames, "replay")
        pixels = np.zeros((frames.n_items * n_frames, frames.pixels.shape[1]), dtype=np.uint8)
        offset = np.arange(len(frames.pixels)) - frames.starts[frames.owners]
        pixels[frames.owners * n_frames + offset] = frames.pixels
        starts = np.arange(frames.n_items + 1, dtype=np.int64) * n_frames
        return self._retrieve(Frames(pixels, starts), True, "replay")

    @checked
    def read_back(self, codes: Codes, *, level: _Index | None = None) -> NDArray[np.float64]:
        """Return the pixels of codes, in the form of :meth:`complete`.

        Raises
        ------
        DescriptionError
            If the codes are of another hierarchy, or the level does not exist.
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
                       "Use fewer items at once.")  # fmt: skip
        support = read_pixels(self._tower, k, codes.winners[k], self.n_frames_learnt)
        more = (len(self._thresholds),) if len(self._thresholds) > 1 else ()
        return support.reshape(codes.n_frames, *self.input_shape, *more)


def report_nothing(fraction: float) -> None:
    """Ignore a report of progress."""
