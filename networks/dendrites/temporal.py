"""Sequence memory: columns of cells whose dendrites predict the next frame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from typing import Annotated, Any, ClassVar, Self

import h5py
import numpy as np
from numpy.typing import NDArray

from ...checks import Count, Flag, Probability, checked
from ...codes import PatternLike, Patterns, as_pattern, as_patterns
from ...display import Displayed
from ...errors import DescriptionError
from ...hdf5 import read_array
from ...limits import require_memory
from ...models import Stored, StoredModel
from ...network import Network
from ...recording import Recording
from ...streams import Seed, own_seed, stream
from ...units import LARGEST
from .neurons import require_order
from .references import SEGMENTS, SEQUENCES
from .restoring import read_clock, read_segments, read_settings, refill
from .segments import PLASTIC, PermanenceRule, Segments
from .sequence_circuit import SequenceCircuit
from .sequences import CellIds, Replay, Sequences, as_sequences

__all__ = ["TemporalMemory"]


class TemporalMemory(StoredModel, Displayed):
    """Columns of cells that learn sequences in the context of all earlier frames.

    A frame activates columns. If a column has predicted cells, these fire. Otherwise all its cells
    fire (the column bursts), and one of them is chosen to learn. A cell is predicted if one of its
    segments has `threshold` connected synapses on cells that fire. In different contexts, a frame
    activates the same columns but different cells, and so leads to different predictions.

    Parameters
    ----------
    n_columns : int
        Number of columns.
    cells_per_column : int
        Number of cells of each column, which limits the contexts that it can distinguish.
    synapses_per_segment : int
        Number of synapses that a segment grows on the cells of one frame.
    threshold : int
        Number of active connected synapses that predict a cell, 1 to `synapses_per_segment`.
    learning_threshold : int, optional
        Number of active synapses, connected or not, with which a segment of a bursting column
        learns again, and a segment of a silent column is punished. Default: three quarters of
        `threshold`.
    rule : PermanenceRule, optional
        Growth and loss of synapses.
    seed : int or numpy.random.Generator
        Seed of the choice of cells and synapses.

    Raises
    ------
    DescriptionError
        If sizes are not valid.

    References
    ----------
    J. Hawkins, S. Ahmad, "Why neurons have thousands of synapses, a theory of sequence memory in
    neocortex", arXiv 1511.00083 (2015).

    Examples
    --------
    >>> from spikemem.codes import random_patterns
    >>> a, b, c, d, x, y = random_patterns(6, size=512, active=20, seed=1)
    >>> memory = TemporalMemory(512, seed=0)
    >>> history = memory.learn([[a, b, c, d], [x, b, c, y]], passes=20)
    >>> memory.predict([a, b, c]).tolist() == d.tolist()
    True
    >>> memory.predict([x, b, c]).tolist() == y.tolist()
    True
    """

    bibtex: ClassVar[tuple[str, ...]] = (SEQUENCES, SEGMENTS)
    view: ClassVar[str] = "spikemem.networks.dendrites.figures:sequences_view"
    panels: ClassVar[str] = "spikemem.networks.dendrites.panels:sequences_panels"
    plastic: ClassVar[Mapping[str, str]] = PLASTIC

    @checked
    def __init__(
        self,
        n_columns: Annotated[int, Count()],
        *,
        cells_per_column: Annotated[int, Count()] = 8,
        synapses_per_segment: Annotated[int, Count()] = 20,
        threshold: Annotated[int, Count()] = 10,
        learning_threshold: Annotated[int, Count()] | None = None,
        rule: PermanenceRule | None = None,
        seed: Seed = 0,
    ) -> None:
        if learning_threshold is None:
            learning_threshold = max(3 * threshold // 4, 1)
        self.n_cells = n_columns * cells_per_column
        if self.n_cells > LARGEST:
            raise DescriptionError(
                f"TemporalMemory: n_columns times cells_per_column must be at most {LARGEST}, got "
                f"{n_columns} times {cells_per_column}."
            )
        require_order(
            "TemporalMemory", n_cells=self.n_cells,
            synapses_per_segment=synapses_per_segment, threshold=threshold,
            learning_threshold=learning_threshold,
        )  # fmt: skip
        require_memory(32.0 * self.n_cells,
                       f"TemporalMemory: n_columns={n_columns} of {cells_per_column} cells",
                       "Use fewer columns, or fewer cells per column.")  # fmt: skip
        self.n_columns, self.cells_per_column = n_columns, cells_per_column
        self.synapses_per_segment, self.threshold = synapses_per_segment, threshold
        self.learning_threshold = learning_threshold
        self.rule = PermanenceRule() if rule is None else rule
        self.seed = own_seed(seed)
        self.clock = 0
        self.segments = Segments(0, 2 * synapses_per_segment, self.n_cells, self.rule)
        self.owner = np.empty(0, dtype=np.int64)
        self.reset()

    def __repr__(self) -> str:
        return (
            f"TemporalMemory(n_columns={self.n_columns}, "
            f"cells_per_column={self.cells_per_column}, threshold={self.threshold}: "
            f"{len(self.segments)} segments, {int(self.segments.sizes.sum())} synapses)"
        )

    def facts(self) -> dict[str, Any]:
        """Return sizes and numbers of synapses as plain data for JSON."""
        return super().facts() | self.segments.facts()

    def reset(self) -> None:
        """Discard the context; the next frame begins a sequence."""
        self._active = np.zeros(self.n_cells, dtype=np.bool_)
        self._winners = np.empty(0, dtype=np.int64)
        self._look_ahead()

    @property
    def active_cells(self) -> CellIds:
        """Cells that fired in the last frame."""
        return np.flatnonzero(self._active)

    @property
    def predictive_cells(self) -> CellIds:
        """Cells that are predicted for the next frame."""
        return np.unique(self.owner[self._connected >= self.threshold])

    @property
    def predicted_columns(self) -> CellIds:
        """Columns that are predicted for the next frame."""
        return np.unique(self.predictive_cells // self.cells_per_column)

    @checked
    def step(self, columns: PatternLike, *, learn: Annotated[bool, Flag()] = False) -> float:
        """Process the next frame of a sequence.

        Parameters
        ----------
        columns : set, array_like, or Patterns of length 1
            Active columns, one pattern in any form that :class:`spikemem.Patterns` takes.
        learn : bool
            Whether synapses change.

        Returns
        -------
        float
            Novelty, the fraction of the active columns that were not predicted (0 for no columns).

        Raises
        ------
        DescriptionError
            If `columns` is not a pattern of columns.
        """
        cells = as_pattern(columns, self.n_columns, "TemporalMemory.step: columns")
        return self._step(cells.astype(np.int64), learn)

    def _step(self, columns: CellIds, learn: bool) -> float:
        self.clock += learn
        rng = stream(self.seed, "dendrites", "sequence", self.clock)
        is_active = np.zeros(self.n_columns, dtype=np.bool_)
        is_active[columns] = True
        predicted = self.predictive_cells
        firing = predicted[is_active[predicted // self.cells_per_column]]
        bursting = np.setdiff1d(columns, firing // self.cells_per_column)
        winners, nearest = self._winners_of(bursting, rng)
        if learn:
            self._learn(is_active, nearest, winners, rng)
        self._active = np.zeros(self.n_cells, dtype=np.bool_)
        self._active[firing] = True
        self._active.reshape(self.n_columns, -1)[bursting] = True
        self._winners = np.concatenate([firing, winners])
        self._look_ahead()
        return bursting.size / columns.size if columns.size else 0.0

    def _look_ahead(self) -> None:
        """Count the synapses of all segments on the cells that fire."""
        self._connected, self._every = self.segments.scan(self._active)

    def _winners_of(self, bursting: CellIds, rng: np.random.Generator) -> tuple[CellIds, CellIds]:
        """Return a cell for each bursting column, and its segment of largest overlap (-1: none)."""
        near = np.flatnonzero(self._every >= self.learning_threshold)
        near = near[np.argsort(self._every[near], kind="stable")]
        columns = self.owner[near] // self.cells_per_column
        position = np.searchsorted(bursting, columns)
        present = np.append(bursting, -1)[position] == columns
        segments = np.full(bursting.size, -1, dtype=np.int64)
        segments[position[present]] = near[present]
        used = np.bincount(self.owner, minlength=self.n_cells).reshape(self.n_columns, -1)[bursting]
        least = np.argmin(used + rng.random(used.shape), axis=1)
        fresh = bursting * self.cells_per_column + least
        if not self.owner.size:
            return fresh, segments
        return np.where(segments >= 0, self.owner[segments], fresh), segments

    def _learn(
        self,
        is_active: NDArray[np.bool_],
        nearest: CellIds,
        winners: CellIds,
        rng: np.random.Generator,
    ) -> None:
        """Strengthen correct segments, grow missing ones, and punish wrong ones."""
        expected = is_active[self.owner // self.cells_per_column]
        correct = np.flatnonzero((self._connected >= self.threshold) & expected)
        wrong = np.flatnonzero((self._every >= self.learning_threshold) & ~expected)
        has_segment = nearest >= 0
        chosen = np.concatenate([correct, nearest[has_segment]])
        missing = self.synapses_per_segment - self._every[chosen]
        self.segments.adapt(wrong, self._active, -self.rule.punish, 0.0)
        self.segments.adapt(chosen, self._active, self.rule.increase, -self.rule.decrease)
        before = self._winners.size
        if before >= self.threshold:
            new = self.segments.add(int(np.count_nonzero(~has_segment)))
            self.owner = np.concatenate([self.owner, winners[~has_segment]])
            chosen = np.concatenate([chosen, new])
            missing = np.concatenate([missing, np.full(new.size, self.synapses_per_segment)])
        if not before:
            return
        wanted = np.clip(missing, 0, before)
        short = wanted > 0
        require_memory(24.0 * np.count_nonzero(short) * before,
                       f"TemporalMemory: {np.count_nonzero(short)} segments that grow on {before} "
                       f"cells", "Use frames with fewer active columns.")  # fmt: skip
        order = np.argsort(rng.random((int(short.sum()), before)), axis=1)
        self.segments.grow(chosen[short], wanted[short], self._winners[order], self.rule.initial)

    @checked
    def run(self, sequence: PatternLike, *, learn: Annotated[bool, Flag()] = False) -> Replay:
        """Process a whole sequence, from its beginning.

        Parameters
        ----------
        sequence : Patterns, or anything that Patterns takes
            Active columns of each frame.
        learn : bool
            Whether synapses change.

        Returns
        -------
        Replay

        Raises
        ------
        DescriptionError
            If `sequence` is not a sequence of patterns of columns.
        """
        frames = as_patterns(sequence, self.n_columns, "TemporalMemory.run: sequence")
        self.reset()
        novelty, predictions, active = [], [], []
        for columns in frames:
            novelty.append(self._step(columns.astype(np.int64), learn))
            predictions.append(self.predicted_columns)
            active.append(self.active_cells)
        return Replay(np.array(novelty, dtype=np.float64), predictions, active)

    @checked
    def learn(
        self, sequences: Annotated[Any, Sequences()], *, passes: Annotated[int, Count()] = 10
    ) -> list[float]:
        """Learn sequences repeatedly, until each frame is predicted, and nothing else.

        Parameters
        ----------
        sequences : iterable of sequences
            Sequences, each as for :meth:`run`.
        passes : int
            Largest number of presentations of all sequences. High-order sequences need several,
            because the context extends by one frame in each.

        Returns
        -------
        list of float
            Mean error of each pass over all frames but the first of each sequence. The error of a
            frame is the fraction of its predicted or active columns that are not both.

        Raises
        ------
        DescriptionError
            If they are not sequences of patterns of columns.
        """
        sequence_list = as_sequences(sequences, self.n_columns, "TemporalMemory.learn: sequences")
        errors: list[float] = []
        while len(errors) < passes and (not errors or errors[-1] > 0):
            wrong = [
                e for frames in sequence_list for e in _errors(frames, self.run(frames, learn=True))
            ]
            errors.append(float(np.mean(wrong)) if wrong else 0.0)
        return errors

    @checked
    def predict(self, sequence: PatternLike) -> CellIds:
        """Return the columns that are predicted after a sequence, in order, without learning.

        Raises
        ------
        DescriptionError
            If `sequence` is not a sequence of patterns of columns.
        """
        predictions = self.run(sequence).predictions
        return predictions[-1] if predictions else np.empty(0, dtype=np.int64)

    @checked
    def is_known(
        self, sequence: PatternLike, *, tolerance: Annotated[float, Probability()] = 0.5
    ) -> bool:
        """Return whether no frame after the first has a novelty above `tolerance`; learn nothing.

        Raises
        ------
        DescriptionError
            If `sequence` is not a sequence of patterns of columns, or `tolerance` not from 0 to 1.
        """
        return bool(np.all(self.run(sequence).novelty[1:] <= tolerance))

    def arguments(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        names = ("n_columns", "cells_per_column", "synapses_per_segment", "threshold",
                 "learning_threshold", "seed")  # fmt: skip
        return {name: getattr(self, name) for name in names} | {"rule": self.rule}

    def arrays(self) -> dict[str, Stored]:
        """Return the learnt synapses; the context of the last frame is not included."""
        return {
            "cells": Stored(self.segments.cells), "permanences": Stored(self.segments.permanences),
            "owner": Stored(self.owner), "clock": Stored(np.array(self.clock)),
        }  # fmt: skip

    def spiking(self, **options: Any) -> SequenceCircuit:
        """Return the spiking form, with the memory's current synapses.

        Parameters
        ----------
        **options
            ``cell``, ``dt``, ``integrator``, ``period``; see :class:`SequenceCircuit`.

        Returns
        -------
        SequenceCircuit
        """
        return SequenceCircuit(self, **options)

    @checked
    def build(self, trials: Annotated[Any, Sequences()], **options: Any) -> Network:
        """Return the spiking network that receives the sequences; the memory is unchanged.

        Parameters
        ----------
        trials : iterable of sequences
            Sequences, each as for :meth:`run`; each starts without context.
        **options
            As for :meth:`spiking`.

        Raises
        ------
        DescriptionError
            If they are not sequences of patterns of columns, there are none, or options are not
            valid.
        """
        return self.spiking(**options).build(trials)

    @checked
    def decode(
        self, recording: Recording, trials: Annotated[Any, Sequences()], **options: Any
    ) -> list[Replay]:
        """Return the response to each sequence in a recording; options as for :meth:`build`.

        Raises
        ------
        DescriptionError
            If it is not a recording of that network.
        """
        return self.spiking(**options).decode(recording, trials)

    @checked
    def expected(self, trials: Annotated[Any, Sequences()]) -> list[Replay]:
        """Return the result of :meth:`run` for each sequence; the memory is unchanged.

        Raises
        ------
        DescriptionError
            If they are not sequences of patterns of columns.
        """
        scratch = copy(self)
        sequence_list = as_sequences(trials, self.n_columns, "TemporalMemory.expected: trials")
        return [scratch.run(frames) for frames in sequence_list]

    @checked
    def after(self, recording: Recording, trials: Annotated[Any, Sequences()]) -> Self:
        """Return the memory itself, because its network does not learn."""
        return self

    @classmethod
    def restored(cls, arguments: Mapping[str, Any], arrays: h5py.Group) -> Self:
        """Rebuild a memory from its synapses, without context; see :meth:`arrays`."""
        sizes = read_settings(arguments)
        n_cells = sizes["n_columns"] * sizes["cells_per_column"]
        room = 2 * sizes["synapses_per_segment"]
        cells, permanences = read_segments(arrays, (None, room), n_cells)
        memory = cls(**arguments)
        memory.segments = refill(memory.segments, cells, permanences)
        memory.owner = read_array(arrays, "owner", "int", (len(cells),), low=0, high=n_cells - 1)
        memory.clock = read_clock(arrays)
        memory.reset()
        return memory


def _errors(frames: Patterns, replay: Replay) -> list[float]:
    """Return one minus the Jaccard index of each prediction and the next frame."""
    pairs: Sequence[tuple[Any, Any]] = list(zip(replay.predictions, list(frames)[1:], strict=False))
    return [1.0 - np.intersect1d(a, b).size / max(np.union1d(a, b).size, 1) for a, b in pairs]
