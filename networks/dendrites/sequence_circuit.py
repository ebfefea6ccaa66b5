"""The sequence memory as a spiking network: columns, cells, segments and predictions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Annotated, Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from ...backends.contract import Integrator
from ...cells import LIF, SpikeSource
from ...checks import Choice, Instance, Quantity, Text, checked
from ...codes import Patterns
from ...errors import DescriptionError, shown
from ...network import Network, Population, Projection
from ...recording import Recording, SpikeTrains
from ...units import LARGEST, steps
from .segments import Segments
from .sequence_timing import FIRST, Load, check_detector, schedule
from .sequences import Replay, Sequences, as_sequences
from .spiking import WEIGHT
from .timing import segment_weight

__all__ = ["DETECTOR", "SequenceCircuit"]

DETECTOR = LIF(tau_m=1.0, cm=1.0, tau_syn_E=1.0, tau_syn_I=1.0,
               v_rest=-65.0, v_reset=-65.0, v_thresh=-60.0)  # fmt: skip
"""All cells: their potential peaks in the step in which spikes arrive. Their refractory time is
half a frame period, and their capacitance sets the number of spikes that fire them; with a
threshold 5 mV above rest it is at least 0.04 nF, which SpiNNaker's numbers hold to 0.1 %."""

ONE, BOTH = 1, 2
"""Thresholds in spikes: of what fires for any input, and of a cell, which needs two."""


@runtime_checkable
class SequenceMemory(Protocol):
    """What the circuit reads of a :class:`TemporalMemory`."""

    n_columns: int
    cells_per_column: int
    threshold: int
    segments: Segments
    owner: NDArray[Any]

    @property
    def n_cells(self) -> int:
        """Cells of all columns."""


_GIVE = "Give a TemporalMemory."


class SequenceCircuit:
    """A :class:`TemporalMemory` as leaky integrate-and-fire cells, with the synapses it has now.

    The source of an active column fires once in its frame. A cell fires if a second spike meets
    that of its column in the same step: that of its prediction, or that of the burst cell of its
    column. A burst cell fires with its column unless a prediction of any cell of the column vetoes
    it. A segment fires with `threshold` active synapses, and the prediction of its cell with any
    segment; delays bring the prediction to the column's next spike. All weights are equal.

    Parameters
    ----------
    memory : TemporalMemory
        Its synapses are copied.
    cell : LIF
        For all cells.
    dt : float
        Time step, ms.
    integrator : {"spinnaker", "exact"}
        What the target does in a step.
    period : float, optional
        From frame to frame, ms. Default: the shortest that is safe.

    Raises
    ------
    DescriptionError
        An argument is not of its kind, a cell too slow, or a period too short or too long.

    Examples
    --------
    >>> import spikemem as sm
    >>> from spikemem.networks.dendrites import TemporalMemory
    >>> memory = TemporalMemory(6, cells_per_column=2, synapses_per_segment=2, threshold=2, seed=0)
    >>> history = memory.learn([[[0, 1], [2, 3], [4, 5]]])
    >>> circuit = SequenceCircuit(memory)
    >>> recording = sm.simulate(circuit.build([[[0, 1], [2, 3]]]))
    >>> replay = circuit.decode(recording, [[[0, 1], [2, 3]]])[0]
    >>> replay.novelty.tolist(), [columns.tolist() for columns in replay.predictions]
    ([1.0, 0.0], [[2, 3], [4, 5]])
    """

    @checked
    def __init__(
        self,
        memory: Annotated[SequenceMemory, Instance(SequenceMemory, remedy=_GIVE)],
        *,
        cell: Annotated[LIF, Instance(LIF)] = DETECTOR,
        dt: Annotated[float, Quantity("ms", above=0.0)] = 1.0,
        integrator: Annotated[Integrator, Choice("spinnaker", "exact")] = "spinnaker",
        period: Annotated[float, Quantity("ms", above=0.0)] | None = None,
    ) -> None:
        where = "SequenceCircuit"
        self.n_columns, self.cells_per_column = memory.n_columns, memory.cells_per_column
        self.n_cells, self.threshold = memory.n_cells, memory.threshold
        self.n_segments = len(memory.segments)
        self.segment, place = np.nonzero(memory.segments.connected)
        self.synapse_cell = memory.segments.cells[self.segment, place]
        self.predicting, self.branch = np.unique(memory.owner, return_inverse=True)
        self.dt, self.integrator = dt, integrator
        check_detector(cell, dt=dt, integrator=integrator, where=where)
        vetoes = np.bincount(self.predicting // self.cells_per_column, minlength=1)
        self.schedule = schedule(
            [
                Load(self.threshold, int(np.bincount(self.segment, minlength=1).max())),
                Load(BOTH, BOTH),
                Load(ONE, int(np.bincount(self.branch, minlength=1).max())),
                Load(ONE, 1, inhibited=int(vetoes.max())),
            ],
            cell, dt=dt, integrator=integrator, period=period, where=where,
        )  # fmt: skip
        self.period = self.schedule.period * dt
        self.cell = replace(cell, tau_refrac=self.schedule.refractory * dt)

    def __repr__(self) -> str:
        return (
            f"SequenceCircuit({self.n_columns} columns of {self.cells_per_column} cells, "
            f"{self.n_segments} segments, a frame every {self.period:g} ms, dt={self.dt:g} ms)"
        )

    @checked
    def build(self, sequences: Annotated[Any, Sequences()]) -> Network:
        """The network that is shown these sequences, one after the other.

        A silent period follows each, which leaves no prediction for the next one.

        Parameters
        ----------
        sequences : iterable of sequences
            Each as for :meth:`TemporalMemory.run`.

        Returns
        -------
        Network
            Populations "columns", "bursts", "cells", "segments" and "predictions".

        Raises
        ------
        DescriptionError
            Not sequences of lists of columns, or none.
        """
        given = as_sequences(sequences, self.n_columns, "SequenceCircuit.build: sequences")
        if not given:
            raise DescriptionError("SequenceCircuit.build: sequences must be one or more.")
        return Network(
            populations=self._populations(self._columns(given)), projections=self._projections(),
            dt=self.dt,
        )  # fmt: skip

    def _columns(self, given: list[Patterns]) -> SpikeTrains:
        """A spike of each active column at the beginning of its frame."""
        every = self.schedule.period
        length = sum(len(frames) + 1 for frames in given) * every
        if length > LARGEST:
            raise DescriptionError("SequenceCircuit.build: too many frames for one run.")
        frames = [columns for sequence in given for columns in sequence]
        begin = [tick for ticks in self._beginnings(given) for tick in ticks]
        sizes = [columns.size for columns in frames]
        return SpikeTrains(
            ids=np.concatenate([*frames, np.empty(0, np.int64)]),
            times=np.repeat(np.array(begin, dtype=np.int64), sizes) * self.dt,
            size=self.n_columns, duration=length * self.dt,
        )  # fmt: skip

    def _beginnings(self, given: list[Patterns]) -> Iterator[NDArray[np.int64]]:
        """Steps at which the frames of each sequence begin."""
        first = 0
        for frames in given:
            yield (first + np.arange(len(frames))) * self.schedule.period
            first += len(frames) + 1

    def _detector(self, threshold: int) -> LIF:
        """The cell that so many spikes in one step fire, and one less does not."""
        weight = segment_weight(threshold, self.cell, dt=self.dt, integrator=self.integrator)
        return replace(self.cell, cm=float(self.cell.cm) * WEIGHT / float(weight))

    def _populations(self, columns: SpikeTrains) -> list[Population]:
        # A memory without segments has one that no synapse reaches, so that every network of this
        # kind has the same parts.
        return [
            Population(name="columns", cell=SpikeSource(spikes=columns)),
            Population(name="bursts", cell=self._detector(ONE), size=self.n_columns),
            Population(name="cells", cell=self._detector(BOTH), size=self.n_cells),
            Population(name="segments", cell=self._detector(self.threshold),
                       size=max(self.n_segments, 1)),
            Population(name="predictions", cell=self._detector(ONE),
                       size=max(self.predicting.size, 1)),
        ]  # fmt: skip

    def _projections(self) -> list[Projection]:
        delays = self.schedule
        inside = {"weight": WEIGHT, "tiles": self.n_columns}

        def listed(name: str, pre: str, post: str, i: Any, j: Any, delay: int) -> Projection:
            return Projection(name=name, pre=pre, post=post, i=i, j=j, weight=WEIGHT,
                              delay=delay * self.dt)  # fmt: skip

        relay = np.arange(self.predicting.size)
        column = self.predicting // self.cells_per_column
        return [
            Projection.one_to_one("alarm", "columns", "bursts", weight=WEIGHT,
                                  delay=FIRST * self.dt),
            Projection.all_to_all("drive", "columns", "cells", delay=delays.meeting * self.dt,
                                  **inside),
            Projection.all_to_all("burst", "bursts", "cells", delay=FIRST * self.dt, **inside),
            listed("synapses", "cells", "segments", self.synapse_cell, self.segment,
                   delays.synapse),
            listed("branches", "segments", "predictions", np.arange(self.n_segments), self.branch,
                   delays.branch),
            listed("context", "predictions", "cells", relay, self.predicting, delays.prediction),
            replace(listed("veto", "predictions", "bursts", relay, column, delays.veto),
                    receptor="inhibitory"),
        ]  # fmt: skip

    @checked
    def decode(self, recording: Recording, sequences: Annotated[Any, Sequences()]) -> list[Replay]:
        """What the cells, predictions and burst cells of a recording made of each sequence.

        Parameters
        ----------
        recording : Recording
            Of the network that was built for these sequences.
        sequences : iterable of sequences
            As for :meth:`build`.

        Returns
        -------
        list of Replay

        Raises
        ------
        DescriptionError
            Not sequences of lists of columns, or not a recording of this network.
        """
        where = "SequenceCircuit.decode"
        given = as_sequences(sequences, self.n_columns, f"{where}: sequences")
        self.check(recording, where)
        self._check_length(recording, sum(len(frames) + 1 for frames in given), where)
        # Predictions are made after the cells have fired, and before those of the next frame do.
        late = self.schedule.meeting
        cells = _Reader(recording, "cells", self.schedule.period)
        bursts = _Reader(recording, "bursts", self.schedule.period)
        relays = _Reader(recording, "predictions", self.schedule.period, late)
        answers = []
        for frames, begin in zip(given, self._beginnings(given), strict=True):
            novelty, predictions, active = [], [], []
            for columns, tick in zip(frames, begin.tolist(), strict=True):
                novelty.append(bursts.fired(tick).size / columns.size if columns.size else 0.0)
                predicted = self.predicting[relays.fired(tick)]
                predictions.append(np.unique(predicted // self.cells_per_column))
                active.append(cells.fired(tick))
            answers.append(Replay(np.array(novelty, dtype=np.float64), predictions, active))
        return answers

    @checked
    def check(
        self, recording: Recording, where: Annotated[str, Text()] = "SequenceCircuit.check"
    ) -> None:
        """Raise unless a recording has the populations of this network.

        Raises
        ------
        DescriptionError
            Not a recording, or of other populations; the message begins with `where`.
        """
        thing: Any = recording
        if not isinstance(thing, Recording):
            raise DescriptionError(f"{where}: recording must be a Recording, got {shown(thing)}.")
        sizes = {"cells": self.n_cells, "bursts": self.n_columns,
                 "predictions": max(self.predicting.size, 1)}  # fmt: skip
        for name, size in sizes.items():
            if recording[name].size != size:
                raise DescriptionError(
                    f"{where}: {name!r} must have {size} cells, got {recording[name].size}; "
                    f"take the memory as it was when the network was built."
                )

    def _check_length(self, recording: Recording, n_periods: int, where: str) -> None:
        needed = n_periods * self.period
        if abs(recording.duration - needed) > self.dt / 2:
            raise DescriptionError(
                f"{where}: the recording of these sequences must be {needed:g} ms long, got "
                f"{recording.duration:g} ms; take the options and sequences of build."
            )


class _Reader:
    """Which cells of a population fired in a frame."""

    def __init__(self, recording: Recording, name: str, period: int, late: int = 0) -> None:
        self._ids = recording[name].ids
        self._ticks = steps(recording[name].times - recording.start, recording.dt)
        self._period, self._late = period, late

    def fired(self, begin: int) -> NDArray[np.int64]:
        """Those with a spike in the period that begins `late` steps after the frame, in order."""
        start = begin + self._late
        first, stop = np.searchsorted(self._ticks, [start, start + self._period])
        return np.unique(self._ids[first:stop]).astype(np.int64)
