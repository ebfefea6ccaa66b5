"""Neurons whose dendritic segments store and recognise sparse patterns."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Self

import h5py
import numpy as np
from numpy.typing import NDArray

from ...checks import Count, Probability, checked
from ...codes import PatternLike, Patterns, as_patterns
from ...display import Displayed
from ...errors import DescriptionError
from ...hdf5 import read_array
from ...models import Stored, StoredModel
from ...network import Network
from ...recording import Recording
from ...streams import Seed, own_seed, stream
from .arguments import Whole
from .references import SEGMENTS
from .restoring import read_clock, read_segments, read_settings, refill
from .segments import PLASTIC, PermanenceRule, Segments
from .spiking import SpikingDendrites

__all__ = ["ActiveDendriteNeurons"]


def require_order(where: str, **sizes: int) -> None:
    """Raise an error if a size is larger than the previous one."""
    for (top, most), (name, size) in itertools.pairwise(sizes.items()):
        if size > most:
            raise DescriptionError(f"{where}: {name} must be at most {top}={most}, got {size}.")


class ActiveDendriteNeurons(StoredModel, Displayed):
    """Neurons with active dendrites: each segment recognises sparse patterns of its inputs.

    A segment is active if at least `threshold` of its connected synapses are on active cells. A
    neuron detects a pattern if one of its segments is active.

    Parameters
    ----------
    n_inputs : int
        Number of cells that synapses can be on.
    n_neurons : int
        Number of neurons.
    n_segments : int
        Number of segments of each neuron.
    synapses_per_segment : int
        Number of synapses that a segment grows for a pattern, on a random subset of its active
        cells, or on all of them if there are fewer.
    threshold : int
        Number of active synapses that activate a segment, 1 to `synapses_per_segment`.
    patterns_per_segment : int
        Largest number of patterns that :meth:`store` puts on one segment.
    rule : PermanenceRule, optional
        Growth and loss of synapses.
    seed : int or numpy.random.Generator
        Seed of the choice of synapses.

    Raises
    ------
    DescriptionError
        If sizes are not valid.

    References
    ----------
    Ahmad, Hawkins, arXiv 1601.00720 (2016), equations 1, 7 and 10.

    Examples
    --------
    >>> from spikemem.codes import random_patterns
    >>> patterns = random_patterns(100, size=2048, active=40, seed=1)
    >>> neurons = ActiveDendriteNeurons(n_inputs=2048, n_segments=128, seed=0)
    >>> stored = neurons.store(patterns)
    >>> bool(neurons.detect(patterns).all())
    True
    >>> bool(neurons.detect(random_patterns(100, size=2048, active=40, seed=2)).any())
    False
    """

    bibtex: ClassVar[tuple[str, ...]] = (SEGMENTS,)
    view: ClassVar[str] = "spikemem.networks.dendrites.figures:neurons_view"
    panels: ClassVar[str] = "spikemem.networks.dendrites.panels:neurons_panels"
    plastic: ClassVar[Mapping[str, str]] = PLASTIC

    @checked
    def __init__(
        self,
        n_inputs: Annotated[int, Count()],
        *,
        n_neurons: Annotated[int, Count()] = 1,
        n_segments: Annotated[int, Count()] = 128,
        synapses_per_segment: Annotated[int, Count()] = 20,
        threshold: Annotated[int, Count()] = 10,
        patterns_per_segment: Annotated[int, Count()] = 1,
        rule: PermanenceRule | None = None,
        seed: Seed = 0,
    ) -> None:
        require_order("ActiveDendriteNeurons", n_inputs=n_inputs,
                      synapses_per_segment=synapses_per_segment, threshold=threshold)  # fmt: skip
        self.n_inputs, self.n_neurons, self.n_segments = n_inputs, n_neurons, n_segments
        self.synapses_per_segment, self.threshold = synapses_per_segment, threshold
        self.patterns_per_segment = patterns_per_segment
        self.rule = PermanenceRule() if rule is None else rule
        room = min(self.synapses_per_segment * self.patterns_per_segment, self.n_inputs)
        self.segments = Segments(
            n_neurons * n_segments, room, n_inputs, self.rule, "ActiveDendriteNeurons"
        )
        self.n_patterns = np.zeros(len(self.segments), dtype=np.int32)
        self.used = np.zeros(len(self.segments), dtype=np.int64)
        self.clock = 0
        self.seed = own_seed(seed)

    def __repr__(self) -> str:
        return (
            f"ActiveDendriteNeurons(n_inputs={self.n_inputs}, n_neurons={self.n_neurons}, "
            f"n_segments={self.n_segments}, threshold={self.threshold}: "
            f"{int(self.n_patterns.sum())} patterns on {np.count_nonzero(self.segments.sizes)} "
            f"segments)"
        )

    def facts(self) -> dict[str, Any]:
        """Return sizes and numbers of synapses as plain data for JSON."""
        return super().facts() | self.segments.facts()

    @property
    def n_synapses(self) -> int:
        """Number of connected synapses of all segments."""
        return int(np.count_nonzero(self.segments.connected))

    def _stream(self, purpose: str) -> np.random.Generator:
        """Return a new stream for each call; a loaded copy continues as the original would."""
        self.clock += 1
        return stream(self.seed, "dendrites", purpose, self.clock)

    @checked
    def store(
        self, patterns: PatternLike, neurons: Annotated[Any, Whole(0)] | None = None
    ) -> NDArray[np.int64]:
        """Store each pattern at once, on the segment of a neuron that holds the fewest patterns.

        Parameters
        ----------
        patterns : Patterns, or anything that Patterns takes
            Patterns, each with at least `threshold` active cells.
        neurons : int or array_like of int, shape (n_patterns,), optional
            Neuron that stores each pattern. Default: neuron k mod `n_neurons` stores pattern k.

        Returns
        -------
        ndarray of int, shape (n_patterns,)
            Segment that holds each pattern, as its number within the neuron.

        Raises
        ------
        DescriptionError
            If the arguments are not patterns and neurons, a pattern has too few active cells, or a
            neuron has too little room. Nothing is stored then.
        """
        where = "ActiveDendriteNeurons.store"
        frames = as_patterns(patterns, self.n_inputs, f"{where}: patterns")
        self._check_active(frames, where)
        owner = self._owners(neurons, len(frames), where)
        segments = self._segments_for(owner, where)
        permanence = max(self.rule.connect, self.rule.initial)
        frame = frames.owners
        shuffled = frames.indices[np.lexsort((self._stream("store").random(frame.size), frame))]
        for segment, first, last in zip(segments, frames.starts, frames.starts[1:], strict=False):
            last = min(last, first + self.synapses_per_segment)
            self.segments.strengthen(segment, shuffled[first:last], permanence)
        np.add.at(self.n_patterns, segments, 1)
        self.used[segments] = self.clock
        return segments - owner * self.n_segments

    def _check_active(self, frames: Patterns, where: str) -> None:
        few = np.flatnonzero(frames.counts < self.threshold)
        if few.size:
            raise DescriptionError(
                f"{where}: a pattern needs at least threshold={self.threshold} active cells, "
                f"got {frames[int(few[0])].size} in pattern {few[0]}."
            )

    def _owners(self, neurons: Any, count: int, where: str) -> NDArray[np.int64]:
        if neurons is None:
            return np.arange(count, dtype=np.int64) % self.n_neurons
        if neurons.shape not in ((), (count,)):
            raise DescriptionError(
                f"{where}: neurons must be one, or one for each of {count} patterns, "
                f"got shape {neurons.shape}."
            )
        owner = np.broadcast_to(neurons, (count,))
        if owner.size and owner.max() >= self.n_neurons:
            raise DescriptionError(
                f"{where}: neurons must be from 0 to {self.n_neurons - 1}, got {owner.max()}."
            )
        return owner

    def _segments_for(self, owner: NDArray[np.int64], where: str) -> NDArray[np.int64]:
        """Return the segment for each pattern: the first one with the fewest patterns."""
        n_stored = self.n_patterns.reshape(self.n_neurons, self.n_segments)
        segments = np.empty(owner.size, dtype=np.int64)
        for neuron in np.unique(owner):
            rows = np.flatnonzero(owner == neuron)
            free = self.n_segments * self.patterns_per_segment - int(n_stored[neuron].sum())
            if rows.size > free:
                raise DescriptionError(
                    f"{where}: neuron {neuron} has room for {max(free, 0)} more patterns, got "
                    f"{rows.size}; increase n_segments or patterns_per_segment of the neurons."
                )
            slots = np.arange(self.patterns_per_segment)[:, None] >= n_stored[neuron]
            segments[rows] = np.nonzero(slots)[1][: rows.size] + neuron * self.n_segments
        return segments

    @checked
    def overlaps(self, frames: PatternLike) -> NDArray[np.uint16]:
        """Return the active synapses of each segment, shape (n_frames, n_neurons, n_segments).

        Raises
        ------
        DescriptionError
            If `frames` are not patterns of the cells.
        """
        patterns = as_patterns(frames, self.n_inputs, "ActiveDendriteNeurons.overlaps: frames")
        shape = len(patterns), self.n_neurons, self.n_segments
        return self.segments.overlaps(patterns).reshape(shape)

    @checked
    def active_segments(self, frames: PatternLike) -> NDArray[np.int64]:
        """Return the segments that reach the threshold.

        Returns
        -------
        ndarray of int, shape (n_active, 4)
            Rows (frame, neuron, segment of the neuron, overlap).

        Raises
        ------
        DescriptionError
            If `frames` are not patterns of the cells.
        """
        where = "ActiveDendriteNeurons.active_segments"
        patterns = as_patterns(frames, self.n_inputs, f"{where}: frames")
        rows = self.segments.active(patterns, self.threshold)
        neuron, segment = np.divmod(rows[:, 1], self.n_segments)
        return np.stack([rows[:, 0], neuron, segment, rows[:, 2]], axis=1).astype(np.int64)

    @checked
    def detect(
        self, frames: PatternLike, *, p_fail: Annotated[float, Probability()] = 0.0, seed: Seed = 0
    ) -> NDArray[np.bool_]:
        """Return whether each neuron recognises each frame.

        Parameters
        ----------
        frames : Patterns, or anything that Patterns takes
            Active cells.
        p_fail : float
            Probability that an active synapse fails to transmit, independently for each synapse.
        seed : int or numpy.random.Generator
            Seed of the failures.

        Returns
        -------
        ndarray of bool, shape (n_frames, n_neurons)

        Raises
        ------
        DescriptionError
            If `frames` are not patterns of the cells, or `p_fail` is not a probability.
        """
        patterns = as_patterns(frames, self.n_inputs, "ActiveDendriteNeurons.detect: frames")
        rows = self.segments.active(patterns, self.threshold)
        if p_fail:
            # The synapses fail independently, so the number that transmits is binomial.
            transmitted = stream(seed, "dendrites", "failing").binomial(rows[:, 2], 1 - p_fail)
            rows = rows[transmitted >= self.threshold]
        detected = np.zeros((len(patterns), self.n_neurons), dtype=np.bool_)
        detected[rows[:, 0], rows[:, 1] // self.n_segments] = True
        return detected

    def predict(self, frames: PatternLike) -> list[NDArray[np.int64]]:
        """Return the neurons that each frame puts into the predictive state, in order.

        Raises
        ------
        DescriptionError
            If `frames` are not patterns of the cells.
        """
        return [np.flatnonzero(row) for row in self.detect(frames)]

    @checked
    def learn(self, frames: PatternLike, neurons: Annotated[Any, Whole(-1)]) -> Self:
        """Learn by changes of permanences; `neurons[k]` learns to recognise frame k.

        The neuron's active segments are strengthened and grow missing synapses. If none is active,
        the segment with the largest overlap learns, if this is at least half the threshold.
        Otherwise an empty segment learns, or the one that was used longest ago, after it is
        emptied. Active segments of other neurons are punished.

        Parameters
        ----------
        frames : Patterns, or anything that Patterns takes
            Active cells.
        neurons : int or array_like of int, shape (n_frames,)
            Neuron that learns to recognise each frame; -1 for none.

        Returns
        -------
        ActiveDendriteNeurons
            The neurons themselves.

        Raises
        ------
        DescriptionError
            If the arguments are not frames and neurons, or a frame to recognise has too few active
            cells.
        """
        where = "ActiveDendriteNeurons.learn"
        patterns = as_patterns(frames, self.n_inputs, f"{where}: frames")
        owner = self._owners(neurons, len(patterns), where)
        no_neuron = owner == -1
        few = (patterns.counts < self.threshold) & ~no_neuron
        if few.any():
            raise DescriptionError(
                f"{where}: a frame to recognise needs at least threshold={self.threshold} active "
                f"cells, but frame {int(np.argmax(few))} has fewer."
            )
        rng = self._stream("learn")
        for cells, neuron in zip(patterns, owner.tolist(), strict=True):
            self._learn_frame(cells, neuron, rng)
        return self

    def _learn_frame(self, cells: NDArray[np.int32], neuron: int, rng: np.random.Generator) -> None:
        """Teach a frame to one neuron (-1: none), and punish the others."""
        self.clock += 1
        block = slice(max(neuron, 0) * self.n_segments, (neuron + 1) * self.n_segments)
        taught, fresh = self.segments.learn(
            cells, block, self.threshold, self.synapses_per_segment, self.used, rng
        )
        self.n_patterns[fresh] = 1
        self.used[taught] = self.clock

    @checked
    def with_device_faults(
        self,
        *,
        p_off: Annotated[float, Probability()] = 0.0,
        p_on: Annotated[float, Probability()] = 0.0,
        seed: Seed = 0,
    ) -> Self:
        """Return a copy on a faulty crossbar, with synapses stuck off and others stuck on.

        Parameters
        ----------
        p_off : float
            Probability that a synapse is stuck off.
        p_on : float
            Probability that a synapse is stuck on, for each cell on which a segment has none.
            Segments without any synapse do not change.
        seed : int or numpy.random.Generator
            Seed of the faults.

        Returns
        -------
        ActiveDendriteNeurons

        Raises
        ------
        DescriptionError
            If the arguments are not probabilities.
        """
        rng = stream(seed, "dendrites", "faults")
        cells = self.segments.with_faults(p_off, p_on, rng)
        copy = type(self)(**self.arguments())
        copy.clock, copy.n_patterns, copy.used = (
            self.clock,
            self.n_patterns.copy(),
            self.used.copy(),
        )
        copy.segments = Segments(len(cells), cells.shape[1], self.n_inputs, self.rule)
        copy.segments.fill(cells, (cells >= 0).astype(np.float32))
        return copy

    def arguments(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        names = ("n_inputs", "n_neurons", "n_segments", "synapses_per_segment", "threshold",
                 "patterns_per_segment", "seed")  # fmt: skip
        return {name: getattr(self, name) for name in names} | {"rule": self.rule}

    def spiking(self, **options: Any) -> SpikingDendrites:
        """Return the spiking form of the neurons, with their current synapses.

        Parameters
        ----------
        **options
            ``dt``, ``integrator``, ``window``, ``period``, ``plateau``, ``cell``; see
            :class:`SpikingDendrites`.

        Returns
        -------
        SpikingDendrites
        """
        return SpikingDendrites.of(self, **options)

    @checked
    def build(self, trials: PatternLike, **options: Any) -> Network:
        """Return the spiking network that receives the frames; the neurons are unchanged.

        Parameters
        ----------
        trials : Patterns, or anything that Patterns takes
            Frames of active cells.
        **options
            As for :meth:`spiking`.

        Raises
        ------
        DescriptionError
            If `trials` are not patterns of the cells, there are none, or options are not valid.
        """
        return self.spiking(**options).build(trials)

    @checked
    def decode(
        self, recording: Recording, trials: PatternLike, **options: Any
    ) -> list[NDArray[np.int64]]:
        """Return the neurons that recognised each frame in a recording.

        Parameters
        ----------
        recording : Recording
            Recording of the network that :meth:`build` returned for these frames and options.
        trials, **options
            As for :meth:`build`.

        Returns
        -------
        list of ndarray of int
            Neurons whose soma fired, in order, for each frame; as for :meth:`predict`.

        Raises
        ------
        DescriptionError
            If it is not a recording of that network.
        """
        where = "ActiveDendriteNeurons.decode"
        patterns = as_patterns(trials, self.n_inputs, f"{where}: trials")
        somas = self.spiking(**options).decode(recording).somas
        if len(somas) != len(patterns):
            raise DescriptionError(
                f"{where}: the recording must hold {len(patterns)} frames, got {len(somas)}; pass "
                f"the frames and options of build."
            )
        return [np.flatnonzero(row) for row in somas]

    @checked
    def expected(self, trials: PatternLike) -> list[NDArray[np.int64]]:
        """Return the neurons that recognise each frame, by :meth:`predict`, without spikes."""
        return self.predict(trials)

    @checked
    def after(self, recording: Recording, trials: PatternLike) -> Self:
        """Return the neurons themselves, because their network does not learn."""
        return self

    def arrays(self) -> dict[str, Stored]:
        """Return the synapses and the use of the segments so far."""
        return {
            "cells": Stored(self.segments.cells), "permanences": Stored(self.segments.permanences),
            "n_patterns": Stored(self.n_patterns), "used": Stored(self.used),
            "clock": Stored(np.array(self.clock)),
        }  # fmt: skip

    @classmethod
    def restored(cls, arguments: Mapping[str, Any], arrays: h5py.Group) -> Self:
        """Rebuild neurons from their synapses; see :meth:`arrays`."""
        sizes = read_settings(arguments)
        n_inputs, count = sizes["n_inputs"], sizes["n_neurons"] * sizes["n_segments"]
        room = min(sizes["synapses_per_segment"] * sizes["patterns_per_segment"], n_inputs)
        cells, permanences = read_segments(arrays, (count, room), n_inputs)
        neurons = cls(**arguments)
        neurons.segments = refill(neurons.segments, cells, permanences)
        neurons.n_patterns = read_array(arrays, "n_patterns", "int", (count,), low=0)
        neurons.used = read_array(arrays, "used", "int", (count,), low=0)
        neurons.clock = read_clock(arrays)
        return neurons
