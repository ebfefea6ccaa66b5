"""Neurons whose dendritic segments store sparse patterns and recognise them."""

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
    """Refuse sizes of which one is above the one before it."""
    for (top, most), (name, size) in itertools.pairwise(sizes.items()):
        if size > most:
            raise DescriptionError(f"{where}: {name} must be at most {top}={most}, got {size}.")


class ActiveDendriteNeurons(StoredModel, Displayed):
    """Neurons with active dendrites: each segment recognises sparse patterns of its inputs.

    A segment is active when at least `threshold` of its connected synapses are on active cells; a
    neuron detects a pattern when one of its segments is active.

    Parameters
    ----------
    n_inputs : int
        Cells that synapses can be on.
    n_neurons : int
        Neurons.
    n_segments : int
        Segments of each neuron.
    synapses_per_segment : int
        Synapses that a segment grows for a pattern: a random part of its active cells, or all if
        there are fewer.
    threshold : int
        Active synapses that activate a segment, 1 to `synapses_per_segment`.
    patterns_per_segment : int
        Patterns that :meth:`store` puts on one segment before there is no room left.
    rule : PermanenceRule, optional
        Growth and loss of synapses.
    seed : int or numpy.random.Generator
        For the choice of synapses.

    Raises
    ------
    DescriptionError
        Sizes that are not valid.

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
        """Sizes and synapses as plain data, ready for JSON."""
        return super().facts() | self.segments.facts()

    @property
    def n_synapses(self) -> int:
        """Connected synapses of all segments."""
        return int(np.count_nonzero(self.segments.connected))

    def _stream(self, purpose: str) -> np.random.Generator:
        """A stream for each call, so that a loaded copy goes on as the original would."""
        self.clock += 1
        return stream(self.seed, "dendrites", purpose, self.clock)

    @checked
    def store(
        self, patterns: PatternLike, neurons: Annotated[Any, Whole(0)] | None = None
    ) -> NDArray[np.int64]:
        """Put patterns on segments at once, each on the neuron's emptiest one.

        Parameters
        ----------
        patterns : Patterns, or anything that Patterns takes
            Each of at least `threshold` active cells.
        neurons : int or array_like of int, shape (n_patterns,), optional
            Which neuron takes each pattern. Default: pattern k goes to neuron k mod `n_neurons`.

        Returns
        -------
        ndarray of int, shape (n_patterns,)
            Segment of the neuron that holds each pattern.

        Raises
        ------
        DescriptionError
            Not patterns or neurons; a pattern below threshold; or no room. Nothing is stored then.
        """
        where = "ActiveDendriteNeurons.store"
        frames = as_patterns(patterns, self.n_inputs, f"{where}: patterns")
        self._check_active(frames, where)
        owner = self._owners(neurons, len(frames), where)
        places = self._places(owner, where)
        permanence = max(self.rule.connect, self.rule.initial)
        frame = frames.owners
        shuffled = frames.indices[np.lexsort((self._stream("store").random(frame.size), frame))]
        for place, first, last in zip(places, frames.starts, frames.starts[1:], strict=False):
            last = min(last, first + self.synapses_per_segment)
            self.segments.strengthen(place, shuffled[first:last], permanence)
        np.add.at(self.n_patterns, places, 1)
        self.used[places] = self.clock
        return places - owner * self.n_segments

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

    def _places(self, owner: NDArray[np.int64], where: str) -> NDArray[np.int64]:
        """A segment for each pattern; the emptiest first, the first of equals."""
        held = self.n_patterns.reshape(self.n_neurons, self.n_segments)
        places = np.empty(owner.size, dtype=np.int64)
        for neuron in np.unique(owner):
            mine = np.flatnonzero(owner == neuron)
            free = self.n_segments * self.patterns_per_segment - int(held[neuron].sum())
            if mine.size > free:
                raise DescriptionError(
                    f"{where}: neuron {neuron} has room for {max(free, 0)} more patterns, got "
                    f"{mine.size}; make the neurons with more n_segments or patterns_per_segment."
                )
            slots = np.arange(self.patterns_per_segment)[:, None] >= held[neuron]
            places[mine] = np.nonzero(slots)[1][: mine.size] + neuron * self.n_segments
        return places

    @checked
    def overlaps(self, frames: PatternLike) -> NDArray[np.uint16]:
        """Active synapses of each segment, shape (n_frames, n_neurons, n_segments).

        Raises
        ------
        DescriptionError
            `frames` are not patterns of the cells.
        """
        given = as_patterns(frames, self.n_inputs, "ActiveDendriteNeurons.overlaps: frames")
        return self.segments.overlaps(given).reshape(len(given), self.n_neurons, self.n_segments)

    @checked
    def active_segments(self, frames: PatternLike) -> NDArray[np.int64]:
        """Segments that reach the threshold.

        Returns
        -------
        ndarray of int, shape (n_active, 4)
            Columns: frame, neuron, segment of the neuron, overlap; in this order.

        Raises
        ------
        DescriptionError
            `frames` are not patterns of the cells.
        """
        given = as_patterns(frames, self.n_inputs, "ActiveDendriteNeurons.active_segments: frames")
        rows = self.segments.active(given, self.threshold)
        neuron, segment = np.divmod(rows[:, 1], self.n_segments)
        return np.stack([rows[:, 0], neuron, segment, rows[:, 2]], axis=1).astype(np.int64)

    @checked
    def detect(
        self, frames: PatternLike, *, p_fail: Annotated[float, Probability()] = 0.0, seed: Seed = 0
    ) -> NDArray[np.bool_]:
        """Whether each neuron recognises each frame.

        Parameters
        ----------
        frames : Patterns, or anything that Patterns takes
            Active cells.
        p_fail : float
            Probability that an active synapse fails to transmit, each on its own.
        seed : int or numpy.random.Generator
            For the failures.

        Returns
        -------
        ndarray of bool, shape (n_frames, n_neurons)

        Raises
        ------
        DescriptionError
            `frames` are not patterns of the cells, or `p_fail` is no probability.
        """
        given = as_patterns(frames, self.n_inputs, "ActiveDendriteNeurons.detect: frames")
        rows = self.segments.active(given, self.threshold)
        if p_fail:
            # Each of the overlapping synapses fails on its own: a binomial number stays.
            kept = stream(seed, "dendrites", "failing").binomial(rows[:, 2], 1 - p_fail)
            rows = rows[kept >= self.threshold]
        found = np.zeros((len(given), self.n_neurons), dtype=np.bool_)
        found[rows[:, 0], rows[:, 1] // self.n_segments] = True
        return found

    def predict(self, frames: PatternLike) -> list[NDArray[np.int64]]:
        """Neurons that each frame puts into the predictive state, in order.

        Raises
        ------
        DescriptionError
            `frames` are not patterns of the cells.
        """
        return [np.flatnonzero(row) for row in self.detect(frames)]

    @checked
    def learn(self, frames: PatternLike, neurons: Annotated[Any, Whole(-1)]) -> Self:
        """Learn by permanences: one after the other, `neurons[k]` should recognise frame k.

        The neuron's active segments, or else the one that comes nearest (with at least half the
        threshold), are strengthened and regrown; without one a new segment is grown, in place of
        the one that was used longest ago if there is none left. Active segments of other neurons
        are punished.

        Parameters
        ----------
        frames : Patterns, or anything that Patterns takes
            Active cells.
        neurons : int or array_like of int, shape (n_frames,)
            Which neuron should recognise each frame; -1: none should.

        Returns
        -------
        ActiveDendriteNeurons
            Itself.

        Raises
        ------
        DescriptionError
            Not frames or neurons, or a frame to be recognised that is below threshold.
        """
        where = "ActiveDendriteNeurons.learn"
        given = as_patterns(frames, self.n_inputs, f"{where}: frames")
        owner = self._owners(neurons, len(given), where)
        none = owner == -1
        few = (given.counts < self.threshold) & ~none
        if few.any():
            raise DescriptionError(
                f"{where}: a frame to be recognised needs at least threshold={self.threshold} "
                f"active cells, frame {int(np.argmax(few))} has fewer."
            )
        rng = self._stream("learn")
        for cells, neuron in zip(given, owner.tolist(), strict=True):
            self._learn_frame(cells, neuron, rng)
        return self

    def _learn_frame(self, cells: NDArray[np.int32], neuron: int, rng: np.random.Generator) -> None:
        """Let one neuron (-1: none) recognise a frame, and punish the others."""
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
        """A copy on a faulty crossbar: synapses stuck off, and others stuck on.

        Parameters
        ----------
        p_off : float
            Probability that a synapse is lost.
        p_on : float
            Probability that a cell without a synapse has one, for each segment that has any.
        seed : int or numpy.random.Generator
            For the faults.

        Returns
        -------
        ActiveDendriteNeurons

        Raises
        ------
        DescriptionError
            Not probabilities.
        """
        rng = stream(seed, "dendrites", "faults")
        cells = self.segments.left_by_faults(p_off, p_on, rng)
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
        """What the constructor takes."""
        names = ("n_inputs", "n_neurons", "n_segments", "synapses_per_segment", "threshold",
                 "patterns_per_segment", "seed")  # fmt: skip
        return {name: getattr(self, name) for name in names} | {"rule": self.rule}

    def spiking(self, **options: Any) -> SpikingDendrites:
        """The spiking form of the neurons, with the synapses that they have now.

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
        """The spiking network that is shown frames, one after the other; the neurons stay as is.

        Parameters
        ----------
        trials : Patterns, or anything that Patterns takes
            Frames of active cells.
        **options
            As :meth:`spiking`.

        Raises
        ------
        DescriptionError
            Not patterns of the cells, none, or options that can't work.
        """
        return self.spiking(**options).build(trials)

    @checked
    def decode(
        self, recording: Recording, trials: PatternLike, **options: Any
    ) -> list[NDArray[np.int64]]:
        """Neurons that recognised each frame, in a recording of the network of :meth:`build`.

        Parameters
        ----------
        recording : Recording
            Of the network that was built for these frames with these options.
        trials, **options
            As for :meth:`build`.

        Returns
        -------
        list of ndarray of int
            For each frame the neurons whose soma fired, in order; as :meth:`predict`.

        Raises
        ------
        DescriptionError
            Not a recording of that network.
        """
        where = "ActiveDendriteNeurons.decode"
        given = as_patterns(trials, self.n_inputs, f"{where}: trials")
        somas = self.spiking(**options).decode(recording).somas
        if len(somas) != len(given):
            raise DescriptionError(
                f"{where}: the recording must hold {len(given)} frames, got {len(somas)}; take the "
                f"options and frames of build."
            )
        return [np.flatnonzero(row) for row in somas]

    @checked
    def expected(self, trials: PatternLike) -> list[NDArray[np.int64]]:
        """Neurons that recognise each frame, by :meth:`predict`, without spikes."""
        return self.predict(trials)

    @checked
    def after(self, recording: Recording, trials: PatternLike) -> Self:
        """The neurons themselves: the synapses of their network are frozen."""
        return self

    def arrays(self) -> dict[str, Stored]:
        """Synapses, and how the segments were used so far."""
        return {
            "cells": Stored(self.segments.cells), "permanences": Stored(self.segments.permanences),
            "n_patterns": Stored(self.n_patterns), "used": Stored(self.used),
            "clock": Stored(np.array(self.clock)),
        }  # fmt: skip

    @classmethod
    def restored(cls, arguments: Mapping[str, Any], arrays: h5py.Group) -> Self:
        """Neurons with these synapses; see :meth:`arrays`."""
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
