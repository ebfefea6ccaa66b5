"""The model: a hierarchy of macs that learns images and sequences in one pass."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple
from typing import Annotated, Any, ClassVar, Literal, Self

import h5py
import numpy as np
from numpy.typing import NDArray

from ...checks import AnyValue, Count, Each, Instance, Optional, checked
from ...errors import DescriptionError, shown
from ...hdf5 import read_array
from ...limits import require_memory
from ...models import Stored, StoredModel
from ...progress import Progress, progress_callback
from ...streams import Seed, own_seed
from . import readout as classes
from .arguments import InputShape, LabelArray, Thresholds
from .engine import Block, LevelFrames, Tower, run_block
from .facts import level_facts, mean_familiarity, silent_frame
from .frames import Frames, as_frames
from .geometry import wire
from .parameters import BackOff, Level, Plasticity, Selection
from .reading import afferent_cells, dense_weights, places, read_pixels
from .references import CODE_SELECTION, HIERARCHY, SUPERPOSED
from .results import Codes
from .selection import uniforms
from .state import KINDS, make_rules, make_state
from .storing import label_arrays, read_counts, read_labels, read_state, state_arrays

__all__ = ["Sparsey"]

_BLOCK = 2**26
"""Bytes of codes that are held at once while learning and classifying."""

_Index = Annotated[int, Count(low=0)]
_Shown = Annotated[Any, AnyValue()]
_Labels = Annotated[Any, LabelArray()]
_KindName = Literal["bottom_up", "horizontal", "top_down"]


class Sparsey(StoredModel):
    """Hierarchy of macs with sparse distributed codes: an associative memory of one trial.

    Each mac has Q competitive modules of K binary cells; its code is one winner in each module. A
    code is selected so that similar inputs get similar codes, and is learnt at once.

    Wherever images are taken, `x` is one of these:

    - images: an array (n, \\*input_shape) or (n, n_pixels), or :class:`~spikemem.codes.Patterns`;
    - sequences: an array (n, T, \\*input_shape), or a list with one array (T, \\*input_shape) or
      one :class:`~spikemem.codes.Patterns` for each sequence.

    Parameters
    ----------
    input_shape : int or tuple of int
        Pixels; rows and columns; or rows, columns and channels.
    levels : sequence of Level
        From the lowest to the highest.
    selection, plasticity : optional
        Parameters of all levels that have none of their own.
    back_off : BackOff, optional
        Policy of retrieval. Default: all kinds of input are multiplied.
    threshold : float or sequence of float, optional
        A pixel is on if its value is larger. Several of them make a thermometer code: each pixel
        becomes as many binary inputs. Default: the values must be binary.
    readout : {"binary", "clip3"}
        Class weights: 1 if a cell and a class have met, or the number of times, up to 3.
    readout_levels : sequence of int, optional
        Levels whose cells project to the class nodes. Default: the highest.
    compiled : bool
        Whether the levels run compiled; the plain path in NumPy computes the same, slowly.
    seed : int or numpy.random.Generator
        For the draws of learning, and for what decides between equals in retrieval.

    Attributes
    ----------
    classes_ : ndarray, shape (n_classes,)
        Labels that were learnt, in order.
    n_features_in_ : int
        Pixels of an image.
    familiarity_ : float64, shape (n_frames, n_levels)
        Familiarity G of the frames of the last call that learnt: the mean over the active macs.
    n_frames_learnt : int
        Frames that were learnt so far: the clock of the ageing of weights.

    Raises
    ------
    DescriptionError
        Sizes that are not valid, a mac without inputs, or more synapses than the memory holds.

    References
    ----------
    Rinkus, Front. Comput. Neurosci. 8:160 (2014).

    Examples
    --------
    >>> from spikemem.codes import random_patterns
    >>> patterns = random_patterns(20, size=144, active=20, seed=1)
    >>> memory = Sparsey(144, [Level(n_modules=24, cells_per_module=8)], seed=0)
    >>> codes = memory.learn(patterns)
    >>> recalled = memory.retrieve(patterns)
    >>> recalled == codes, float(recalled.mean_familiarity().min())
    (True, 1.0)
    """

    bibtex: ClassVar[tuple[str, ...]] = (CODE_SELECTION, HIERARCHY, SUPERPOSED)
    _estimator_type: ClassVar[str] = "classifier"

    @checked
    def __init__(
        self,
        input_shape: Annotated[Any, InputShape()],
        levels: Annotated[Sequence[Level], Each(Instance(Level), "levels", least=1, most=30)] = (
            Level(),
        ),
        *,
        selection: Selection | None = None,
        plasticity: Plasticity | None = None,
        back_off: BackOff | None = None,
        threshold: Annotated[Any, Thresholds()] = None,
        readout: Literal["binary", "clip3"] = "binary",
        readout_levels: Annotated[
            Sequence[int] | None, Optional(Each(Count(low=0), "levels", least=1))
        ] = None,
        compiled: bool = True,
        seed: Seed = 0,
    ) -> None:
        self.input_shape = InputShape().check(input_shape, "Sparsey: input_shape")
        self.levels = tuple(levels)
        self.selection, self.plasticity = selection, plasticity
        self.back_off, self.threshold = back_off, threshold
        self.readout, self.readout_levels, self.compiled = readout, readout_levels, compiled
        self.seed = own_seed(seed)
        self._read = _read_levels(readout_levels, len(self.levels))
        self._tower = self._empty()
        self._forget()

    def _empty(self) -> Tower:
        """All levels without anything learnt."""
        shape = (*self.input_shape, 1, 1) if len(self.input_shape) > 1 else (1, *self.input_shape)
        channels = (*shape, 1)[2] * len(self._thresholds or (0,))
        wiring = wire(self.levels, (shape[0], shape[1], channels))
        selections = tuple(a.selection or self.selection or Selection() for a in self.levels)
        rules = tuple(a.plasticity or self.plasticity or Plasticity() for a in self.levels)
        backs = None if self.back_off is None else astuple(self.back_off)
        steps = range(len(self.levels))
        return Tower(
            self.levels, selections, rules, self.back_off,
            tuple(make_state(self.levels, wiring, k, rules[k], self.seed) for k in steps),
            tuple(make_rules(self.levels, k, selections[k], rules[k], backs) for k in steps),
            self.compiled, shape[0] * shape[1] * channels,
        )  # fmt: skip

    def _forget(self) -> None:
        self.n_frames_learnt = 0
        self.classes_: NDArray[Any] = np.zeros(0, dtype=np.int64)
        self.familiarity_ = np.zeros((0, len(self.levels)))
        self._drawn: classes.Counts | None = None
        self._retrieved: classes.Counts | None = None

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
            "n_classes": len(self.classes_),
            "n_synapses": sum(level["n_synapses"] for level in levels),
            "levels": levels,
        }

    # What goes in

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

    def _label_indices(self, y: NDArray[Any], n_items: int, where: str) -> NDArray[np.int64]:
        """Index in `classes_` of each label, with room made for new ones."""
        if y.size != n_items:
            raise DescriptionError(
                f"Sparsey.{where}: y must have one label for each of {n_items} items, got {y.size}."
            )
        old = self.classes_
        if old.size and (old.dtype.kind == "U") != (y.dtype.kind == "U"):
            raise DescriptionError(
                f"Sparsey.{where}: y must be labels like those learnt before, such as "
                f"{shown(old[0].item())}, got {shown(y[0].item())}."
            )
        labels = np.unique(np.concatenate([old, y])) if old.size else np.unique(y)
        if self._drawn is None:
            self._drawn = classes.new_counts(self._read_sizes, len(labels))
        elif len(labels) > len(old):
            at = np.searchsorted(labels, old)
            self._drawn = classes.grown(self._drawn, at, len(labels))
            if self._retrieved is not None:
                self._retrieved = classes.grown(self._retrieved, at, len(labels))
        self.classes_ = labels
        return np.searchsorted(labels, y).astype(np.int64)

    @property
    def _read_sizes(self) -> tuple[int, ...]:
        return tuple(self.levels[k].n_cells for k in self._read)

    @property
    def _read_cells(self) -> list[int]:
        return [self.levels[k].cells_per_module for k in self._read]

    # Learning

    @checked
    def fit(
        self,
        x: _Shown,
        y: Annotated[Any, Optional(LabelArray())] = None,
        *,
        second_pass: bool = True,
        progress: Progress = False,
    ) -> Self:
        """Forget everything, and learn images or sequences in one pass.

        Parameters
        ----------
        x : images or sequences
            As in :class:`Sparsey`; each is shown once, in this order.
        y : array_like, shape (n_items,), optional
            Class of each item. Default: learning without classes.
        second_pass : bool
            Whether class weights are also made from the codes that the learnt levels retrieve for
            the same items; :meth:`predict` then uses these.
        progress : bool or callable
            A bar on a terminal, or a function of the fraction done.

        Returns
        -------
        Sparsey
            Itself.

        Raises
        ------
        DescriptionError
            Not such items or labels, or a frame with which no mac becomes active. The model is
            as before then.
        """
        frames = self._to_learn(x, "fit")
        if y is not None and y.size != frames.n_items:
            self._label_indices(y, frames.n_items, "fit")
        self._tower = self._empty()
        self._forget()
        return self._fit(frames, y, second_pass, progress, "fit")

    @checked
    def partial_fit(
        self,
        x: _Shown,
        y: Annotated[Any, Optional(LabelArray())] = None,
        *,
        classes: Annotated[Any, Optional(LabelArray())] = None,
        second_pass: bool = True,
        progress: Progress = False,
    ) -> Self:
        """Learn further images or sequences; new classes may come with them.

        Several calls learn the same codes as one.

        Parameters
        ----------
        x, y, second_pass, progress
            As for :meth:`fit`. Without `second_pass`, class weights of earlier second passes are
            discarded, since they lack the new items.
        classes : array_like, optional
            All labels that will ever come. They need not be given.

        Returns
        -------
        Sparsey
            Itself.

        Raises
        ------
        DescriptionError
            As for :meth:`fit`.
        """
        frames = self._to_learn(x, "partial_fit")
        if y is not None and classes is not None:
            missing = np.setdiff1d(y, classes) if y.dtype.kind == classes.dtype.kind else y
            if missing.size:
                raise DescriptionError(
                    f"Sparsey.partial_fit: classes must have every label of y, and lacks "
                    f"{shown(missing[0].item())}."
                )
            if y.size == frames.n_items:
                self._label_indices(classes, classes.size, "partial_fit")
        return self._fit(frames, y, second_pass, progress, "partial_fit")

    def _fit(
        self,
        frames: Frames,
        y: NDArray[Any] | None,
        second_pass: bool,
        progress: Progress,
        where: str,
    ) -> Self:
        labels = None if y is None else self._label_indices(y, frames.n_items, where)
        twice = labels is not None and second_pass
        with progress_callback(progress, "Sparsey") as report:
            for _ in self._run(frames, labels, True, report, (0.0, 0.6 if twice else 1.0)):
                pass
            if labels is not None and twice:
                self._read_again(frames, labels, report, (0.6, 1.0))
        if labels is not None and not second_pass:
            self._retrieved = None
        return self

    def _read_again(
        self, frames: Frames, labels: NDArray[np.int64], report: Any, span: tuple[float, float]
    ) -> None:
        """Class weights from the codes that are retrieved."""
        if self._retrieved is None:
            self._retrieved = classes.new_counts(self._read_sizes, len(self.classes_))
        for part, tables in self._run(frames, None, False, report, span):
            owners = frames.owners[part]
            classes.add_labels(self._retrieved, self._winners(tables), self._read_cells,
                               labels[owners])  # fmt: skip

    @checked
    def fit_readout(self, x: _Shown, y: _Labels) -> Self:
        """Make the class weights anew, from codes that are retrieved; nothing else is learnt.

        Parameters
        ----------
        x : images or sequences
            As in :class:`Sparsey`.
        y : array_like, shape (n_items,)
            Class of each item.

        Returns
        -------
        Sparsey
            Itself.

        Raises
        ------
        DescriptionError
            As for :meth:`fit`.
        """
        frames = self._to_learn(x, "fit_readout")
        labels = self._label_indices(y, frames.n_items, "fit_readout")
        self._retrieved = None
        self._read_again(frames, labels, _silent, (0.0, 1.0))
        return self

    @checked
    def learn(self, x: _Shown) -> Codes:
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
        runs = self._run(frames, None, True, _silent, (0.0, 1.0))
        return self._codes(frames, [tables for _, tables in runs])

    def _run(
        self,
        frames: Frames,
        labels: NDArray[np.int64] | None,
        learning: bool,
        report: Any,
        span: tuple[float, float],
        context_only: bool = False,
    ) -> Iterator[tuple[slice, list[LevelFrames]]]:
        """Run all frames in blocks of whole items."""
        seen = []
        for part in self._blocks(frames):
            block = Block(frames.pixels[part], frames.begins[part], self.n_frames_learnt, learning,
                          context_only)  # fmt: skip
            tables = run_block(self._tower, block)
            if learning:
                self.n_frames_learnt += len(block.starts)
                seen.append(mean_familiarity(tables))
                if labels is not None and self._drawn is not None:
                    classes.add_labels(self._drawn, self._winners(tables), self._read_cells,
                                       labels[frames.owners[part]])  # fmt: skip
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

    def _winners(self, tables: list[LevelFrames]) -> list[NDArray[np.int16]]:
        return [tables[k].winners[1:] for k in self._read]

    def _require_room(self, n_frames: int, where: str) -> None:
        require_memory(2.0 * n_frames * self._frame_bytes,
                       f"Sparsey.{where}: the codes of {n_frames} frames",
                       "Give fewer items at once.")  # fmt: skip

    # Retrieval

    @checked
    def retrieve(self, x: _Shown, *, context_only: bool = False) -> Codes:
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
        runs = self._run(frames, None, False, _silent, (0.0, 1.0), context_only)
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
    def complete(self, x: _Shown, *, level: _Index | None = None) -> NDArray[np.float64]:
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
    def replay(self, first: _Shown, n_frames: Annotated[int, Count()]) -> Codes:
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

    # Classes

    @checked
    def class_scores(self, x: _Shown, *, single_pass: bool = False) -> NDArray[np.float64]:
        """Summed class weights of the cells of each item's codes, shape (n_items, n_classes).

        Parameters
        ----------
        x : images or sequences
            As in :class:`Sparsey`; the sums go over all frames of a sequence.
        single_pass : bool
            Whether the class weights are those of the codes that were drawn in learning, even if
            there are some of a second pass.

        Raises
        ------
        DescriptionError
            Not such items, one with a frame that makes no mac active, or no classes were learnt.
        """
        return self._scores(x, single_pass, "class_scores")

    def _scores(self, x: Any, single_pass: bool, where: str) -> NDArray[np.float64]:
        counts = self._drawn if single_pass or self._retrieved is None else self._retrieved
        if counts is None:
            raise DescriptionError(
                f"Sparsey.{where}: the model has learnt no classes; call fit with y first."
            )
        frames = self._frames(x, where)
        self._require_active(frames, where)
        scores = [np.zeros((0, len(self.classes_)))]
        for part, tables in self._run(frames, None, False, _silent, (0.0, 1.0)):
            owners = frames.owners[part]
            owners = owners - owners[0]
            scores.append(classes.class_sums(
                counts, self._winners(tables), self._read_cells,
                classes.LARGEST_WEIGHT[self.readout], owners, int(owners[-1]) + 1,
            ))  # fmt: skip
        return np.concatenate(scores)

    @checked
    def predict(self, x: _Shown, *, single_pass: bool = False) -> NDArray[Any]:
        """Class of each item: the one with the largest sum, shape (n_items,).

        Parameters
        ----------
        x, single_pass
            As for :meth:`class_scores`.

        Raises
        ------
        DescriptionError
            As for :meth:`class_scores`.
        """
        return np.asarray(self.classes_[self._scores(x, single_pass, "predict").argmax(axis=1)])

    @checked
    def score(self, x: _Shown, y: _Labels, *, single_pass: bool = False) -> float:
        """Fraction of items whose class is right.

        Parameters
        ----------
        x, single_pass
            As for :meth:`class_scores`.
        y : array_like, shape (n_items,)
            Class of each item.

        Raises
        ------
        DescriptionError
            As for :meth:`class_scores`, or another number of labels.
        """
        found = self.classes_[self._scores(x, single_pass, "score").argmax(axis=1)]
        if y.size != found.size or not y.size:
            raise DescriptionError(
                f"Sparsey.score: y must have one label for each of {found.size} items, at least "
                f"one, got {y.size}."
            )
        return float(np.mean(found == y))

    # What is inside

    def _level(self, level: int, where: str) -> int:
        if level >= len(self.levels):
            raise DescriptionError(
                f"Sparsey.{where}: level must be from 0 to {len(self.levels) - 1}, got {level}."
            )
        return level

    def _mac(self, level: int, mac: int, where: str) -> int:
        n_macs = self.levels[self._level(level, where)].n_macs
        if mac >= n_macs:
            raise DescriptionError(
                f"Sparsey.{where}: mac must be from 0 to {n_macs - 1}, got {mac}."
            )
        return mac

    def _afferent_size(self, level: int, kind: str) -> tuple[int, int]:
        rules = self._tower.rules[level]
        return {
            "bottom_up": (rules.below_modules, rules.below_cells),
            "horizontal": (rules.n_modules, rules.cells),
            "top_down": (rules.above_modules, rules.above_cells),
        }[kind]

    @checked
    def weights(self, level: _Index, mac: _Index, kind: _KindName = "bottom_up") -> Any:
        """Weights of a mac, 0 to w_max: float64, shape (Q, K, n_afferents).

        Parameters
        ----------
        level, mac : int
            Of which mac; 0 is the lowest level.
        kind : {"bottom_up", "horizontal", "top_down"}
            Which projection.

        Raises
        ------
        DescriptionError
            There is no such mac.
        """
        self._mac(level, mac, "weights")
        rules, bundle = self._tower.rules[level], self._tower.states[level][KINDS.index(kind)]
        dense = dense_weights(rules, bundle, mac, self.n_frames_learnt)
        dense = dense[:, places(bundle, mac, *self._afferent_size(level, kind))]
        scale = 1.0 if rules.decay else rules.w_max
        return scale * dense.reshape(rules.n_modules, rules.cells, -1)

    @checked
    def afferents(
        self, level: _Index, mac: _Index, kind: _KindName = "bottom_up"
    ) -> NDArray[np.int64]:
        """Cells that project to a mac, in the order of :meth:`weights`, shape (n_afferents,).

        Pixels, or cells ``(mac * Q + module) * K + cell`` of the level that they belong to.

        Raises
        ------
        DescriptionError
            There is no such mac.
        """
        self._mac(level, mac, "afferents")
        bundle = self._tower.states[level][KINDS.index(kind)]
        return afferent_cells(bundle, mac, *self._afferent_size(level, kind))

    @checked
    def priorities(self, level: _Index) -> NDArray[np.float64]:
        """What decides between equals in retrieval: the cell with the largest number wins.

        Returns
        -------
        float64, shape (n_macs, Q, K)
            From 0 to 1.

        Raises
        ------
        DescriptionError
            There is no such level.
        """
        part = self.levels[self._level(level, "priorities")]
        shape = (part.n_macs, part.n_modules, part.cells_per_module)
        return self._tower.states[level].priority.reshape(shape).copy()

    @checked
    def draws(
        self, level: _Index, first: _Index, n_frames: Annotated[int, Count()]
    ) -> NDArray[np.float64]:
        """Random numbers of the draws of learning, shape (n_frames, n_macs, Q), 0 to 1.

        Frame `first` is counted over all that the model learns, from 0; see
        :func:`~spikemem.networks.sparsey.selection.uniforms`.

        Raises
        ------
        DescriptionError
            There is no such level, or more numbers than the memory holds.
        """
        part = self.levels[self._level(level, "draws")]
        require_memory(24.0 * n_frames * part.n_macs * part.n_modules,
                       f"Sparsey.draws: the numbers of {n_frames} frames",
                       "Ask for fewer frames.")  # fmt: skip
        key = int(self._tower.states[level].key)
        return uniforms(key, first, n_frames, part.n_macs, part.n_modules)

    # Stored, copied, and as an estimator of scikit-learn

    def arguments(self) -> dict[str, Any]:
        """What the constructor takes."""
        names = ("input_shape", "levels", "selection", "plasticity", "back_off", "threshold",
                 "readout", "readout_levels", "compiled", "seed")  # fmt: skip
        return {name: getattr(self, name) for name in names}

    def arrays(self) -> dict[str, Stored]:
        """Synapses, class weights, and the number of frames learnt."""
        found = state_arrays(self._tower.states) | label_arrays(self.classes_)
        found["n_frames_learnt"] = Stored(np.array(self.n_frames_learnt))
        found["familiarity"] = Stored(self.familiarity_)
        for name, counts in (("drawn", self._drawn), ("retrieved", self._retrieved)):
            for k, table in enumerate(counts or ()):
                found[f"{name}_{k}"] = Stored(table)
        return found

    @classmethod
    def restored(cls, arguments: Mapping[str, Any], arrays: h5py.Group) -> Self:
        """The hierarchy with what it has learnt; see :meth:`arrays`."""
        model = cls(**arguments)
        model.n_frames_learnt = int(
            read_array(arrays, "n_frames_learnt", "int", (), low=0, high=2**62)
        )
        read_state(model._tower.states, arrays, model.n_frames_learnt)
        model.familiarity_ = read_array(
            arrays, "familiarity", "float", (None, len(model.levels)), low=0.0, high=1.0
        )
        model.classes_ = read_labels(arrays)
        size = len(model.classes_)
        model._drawn = read_counts(arrays, "drawn", model._read_sizes, size)
        model._retrieved = read_counts(arrays, "retrieved", model._read_sizes, size)
        return model

    @checked
    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Arguments of the constructor, as scikit-learn asks for them."""
        return self.arguments()

    @checked
    def set_params(self, **params: Any) -> Self:
        """Change arguments of the constructor; what was learnt is forgotten.

        Raises
        ------
        DescriptionError
            The constructor has no such argument, or does not take its value. The model is as
            before then.
        """
        made = type(self)(**(self.arguments() | params))
        self.__dict__.update(made.__dict__)
        return self

    def __sklearn_clone__(self) -> Self:
        return type(self)(**self.arguments())

    def __sklearn_tags__(self) -> Any:
        from sklearn.utils import ClassifierTags, InputTags, Tags, TargetTags

        return Tags(
            estimator_type="classifier", target_tags=TargetTags(required=False),
            classifier_tags=ClassifierTags(), input_tags=InputTags(three_d_array=True),
        )  # fmt: skip


def _silent(fraction: float) -> None:
    """Report nothing."""


def _read_levels(given: Sequence[int] | None, n_levels: int) -> tuple[int, ...]:
    """Levels that project to the class nodes."""
    chosen = (n_levels - 1,) if given is None else tuple(sorted(set(given)))
    if chosen[-1] >= n_levels:
        raise DescriptionError(
            f"Sparsey: readout_levels must be from 0 to {n_levels - 1}, got {chosen[-1]}."
        )
    return chosen
