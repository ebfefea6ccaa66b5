"""The sequence memory as a spiking network of columns, cells, segments and predictions."""

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
from .sequence_timing import HOP, Load, check_detector, schedule
from .sequences import Replay, Sequences, as_sequences
from .spiking import WEIGHT
from .timing import segment_weight

__all__ = ["DETECTOR", "SequenceCircuit"]

DETECTOR = LIF(tau_m=1.0, cm=1.0, tau_syn_E=1.0, tau_syn_I=1.0,
               v_rest=-65.0, v_reset=-65.0, v_thresh=-60.0)  # fmt: skip
"""Type of all cells. Their potential peaks in the step in which spikes arrive. Their refractory
time becomes half a frame period, and their capacitance sets the number of spikes that fire them.
With a threshold 5 mV above rest, the capacitance is at least 0.04 nF, which SpiNNaker's numbers
represent to 0.1 %."""

ONE, BOTH = 1, 2
"""Thresholds in spikes, of cells that fire for any input, and of cells that need two spikes."""


@runtime_checkable
class SequenceMemory(Protocol):
    """The attributes of a :class:`TemporalMemory` that the circuit reads."""

    n_columns: int
    cells_per_column: int
    threshold: int
    segments: Segments
    owner: NDArray[Any]

    @property
    def n_cells(self) -> int:
        """Number of cells of all columns."""


_REMEDY = "Pass a TemporalMemory."


class SequenceCircuit:
    """A :class:`TemporalMemory` of leaky integrate-and-fire cells, with its current synapses.

    The source of an active column fires once in its frame. A cell fires if a second spike arrives
    in the same step as the spike of its column: the spike of its prediction, or that of the burst
    cell of its column. A burst cell fires with its column, unless the prediction of a cell of the
    column vetoes it. A segment fires if it has `threshold` active synapses. The prediction of a
    cell fires with any of its segments, and delays bring it to the next frame. All weights are
    equal.

    Parameters
    ----------
    memory : TemporalMemory
        Memory whose synapses are copied.
    cell : LIF
        Type of all cells.
    dt : float
        Time step, ms.
    integrator : {"spinnaker", "exact"}
        Rules of one time step of the backend.
    period : float, optional
        Time between frames, ms. Default: the shortest that is safe.

    Raises
    ------
    DescriptionError
        If an argument is not valid, the cell is too slow, or the period too short or too long.

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
        memory: Annotated[SequenceMemory, Instance(SequenceMemory, remedy=_REMEDY)],
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
        self.segment, slot = np.nonzero(memory.segments.connected)
        self.synapse_cell = memory.segments.cells[self.segment, slot]
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
        """Return the network that receives these sequences.

        A silent period follows each sequence, so that no prediction reaches the next one.

        Parameters
        ----------
        sequences : iterable of sequences
            Sequences, each as for :meth:`TemporalMemory.run`.

        Returns
        -------
        Network
            Network of the populations "columns", "bursts", "cells", "segments" and "predictions".

        Raises
        ------
        DescriptionError
            If `sequences` are not sequences of lists of columns, or there are none.
        """
        sequence_list = as_sequences(sequences, self.n_columns, "SequenceCircuit.build: sequences")
        if not sequence_list:
            raise DescriptionError(
                "SequenceCircuit.build: sequences must have at least one, got none."
            )
        return Network(
            populations=self._populations(self._columns(sequence_list)),
            projections=self._projections(), dt=self.dt,
        )  # fmt: skip

    def _columns(self, sequence_list: list[Patterns]) -> SpikeTrains:
        """Return one spike of each active column at the beginning of its frame."""
        every = self.schedule.period
        length = sum(len(frames) + 1 for frames in sequence_list) * every
        if length > LARGEST:
            raise DescriptionError("SequenceCircuit.build: too many frames for one run.")
        frames = [columns for sequence in sequence_list for columns in sequence]
        begin = [tick for ticks in self._beginnings(sequence_list) for tick in ticks]
        sizes = [columns.size for columns in frames]
        return SpikeTrains(
            ids=np.concatenate([*frames, np.empty(0, np.int64)]),
            times=np.repeat(np.array(begin, dtype=np.int64), sizes) * self.dt,
            size=self.n_columns, duration=length * self.dt,
        )  # fmt: skip

    def _beginnings(self, sequence_list: list[Patterns]) -> Iterator[NDArray[np.int64]]:
        """Yield the steps at which the frames of each sequence begin."""
        first = 0
        for frames in sequence_list:
            yield (first + np.arange(len(frames))) * self.schedule.period
            first += len(frames) + 1

    def _detector(self, threshold: int) -> LIF:
        """Return the cell that `threshold` spikes in one step fire, but one less does not."""
        weight = segment_weight(threshold, self.cell, dt=self.dt, integrator=self.integrator)
        return replace(self.cell, cm=float(self.cell.cm) * WEIGHT / float(weight))

    def _populations(self, columns: SpikeTrains) -> list[Population]:
        # A memory without segments gets one without synapses, so that all networks of this kind
        # have the same populations.
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
                                  delay=HOP * self.dt),
            Projection.all_to_all("drive", "columns", "cells", delay=delays.meeting * self.dt,
                                  **inside),
            Projection.all_to_all("burst", "bursts", "cells", delay=HOP * self.dt, **inside),
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
        """Return novelty, predictions and active cells of each sequence in a recording.

        Parameters
        ----------
        recording : Recording
            Recording of the network that was built for these sequences.
        sequences : iterable of sequences
            As for :meth:`build`.

        Returns
        -------
        list of Replay

        Raises
        ------
        DescriptionError
            If `sequences` are not sequences of lists of columns, or it is not a recording of this
            network.
        """
        where = "SequenceCircuit.decode"
        sequence_list = as_sequences(sequences, self.n_columns, f"{where}: sequences")
        self.check(recording, where)
        self._check_length(recording, sum(len(frames) + 1 for frames in sequence_list), where)
        # Predictions fire after the cells of their frame, and before those of the next frame.
        late = self.schedule.meeting
        cells = _Reader(recording, "cells", self.schedule.period)
        bursts = _Reader(recording, "bursts", self.schedule.period)
        relays = _Reader(recording, "predictions", self.schedule.period, late)
        answers = []
        for frames, begin in zip(sequence_list, self._beginnings(sequence_list), strict=True):
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
        """Raise an error if a recording does not have the populations of this network.

        Raises
        ------
        DescriptionError
            If it is not a recording of these populations; the message begins with `where`.
        """
        item: Any = recording
        if not isinstance(item, Recording):
            raise DescriptionError(f"{where}: recording must be a Recording, got {shown(item)}.")
        sizes = {"cells": self.n_cells, "bursts": self.n_columns,
                 "predictions": max(self.predicting.size, 1)}  # fmt: skip
        for name, size in sizes.items():
            if recording[name].size != size:
                raise DescriptionError(
                    f"{where}: {name!r} must have {size} cells, got {recording[name].size}; "
                    f"use the memory in the state in which the network was built."
                )

    def _check_length(self, recording: Recording, n_periods: int, where: str) -> None:
        needed = n_periods * self.period
        if abs(recording.duration - needed) > self.dt / 2:
            raise DescriptionError(
                f"{where}: the recording of these sequences must be {needed:g} ms long, got "
                f"{recording.duration:g} ms; pass the sequences and options of build."
            )


class _Reader:
    """Reads the cells of a population that fired in a frame."""

    def __init__(self, recording: Recording, name: str, period: int, late: int = 0) -> None:
        self._ids = recording[name].ids
        self._ticks = steps(recording[name].times - recording.start, recording.dt)
        self._period, self._late = period, late

    def fired(self, begin: int) -> NDArray[np.int64]:
        """Return the cells with a spike in the period that starts `late` steps after the frame."""
        start = begin + self._late
        first, stop = np.searchsorted(self._ticks, [start, start + self._period])
        return np.unique(self._ids[first:stop]).astype(np.int64)
