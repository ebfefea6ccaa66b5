"""Segments and somas as spiking cells, and the decoding of their decisions."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from ...cells import LIF, SpikeSource
from ...checks import Count, Instance, Quantity, checked
from ...codes import PatternLike, as_patterns
from ...errors import DescriptionError, shown
from ...limits import require_memory
from ...network import Network, Population, Projection
from ...recording import Recording, SpikeTrains
from ...streams import Seed, stream
from ...units import LARGEST, off_grid, steps
from .arguments import Whole
from .segments import Segments
from .timing import (
    Cell,
    Integrator,
    TimeStep,
    coincidence_window,
    frame_period,
    potential,
    segment_weight,
    soma_weight,
)

__all__ = ["CELL", "Decisions", "SpikingDendrites"]

CELL = LIF(tau_m=10.0, cm=1.0, tau_syn_E=2.0, tau_syn_I=2.0,
           v_rest=-65.0, v_reset=-65.0, v_thresh=-50.0)  # fmt: skip
"""Type of segments and somas; their refractory time becomes half a frame period."""


WEIGHT = 1.0
"""Weight of each synapse of a segment, nA."""


class Decisions(NamedTuple):
    """Spikes of segments and somas in each frame of a recording."""

    segments: NDArray[np.int64]
    """Spikes of each segment in each frame, 0 or 1, shape (n_frames, n_total_segments)."""
    somas: NDArray[np.int64]
    """Spikes of each neuron in each frame, 0 or 1, shape (n_frames, n_neurons)."""


@runtime_checkable
class Neurons(Protocol):
    """The attributes of :class:`ActiveDendriteNeurons` that are read."""

    n_inputs: int
    n_neurons: int
    n_segments: int
    threshold: int
    segments: Segments


_REMEDY = "Pass ActiveDendriteNeurons."


class SpikingDendrites:
    """A coincidence-detecting cell for each segment, and a soma for each neuron.

    Every active cell of a frame fires once. A segment with `theta` or more active synapses fires
    once; with fewer it is silent. A soma fires once if any of its segments fires.

    Parameters
    ----------
    cells : array_like of int, shape (n_segments, room)
        Cell of each synapse, -1 for none.
    theta : int or array_like of int, shape (n_segments,)
        Thresholds.
    n_inputs : int
        Number of cells.
    owner : array_like of int, shape (n_segments,), optional
        Neuron of each segment. Default: one neuron for each segment.
    cell : LIF
        Type of segments and somas.
    dt : float
        Time step, ms.
    integrator : {"spinnaker", "exact"}
        Rules of one time step of the backend: "spinnaker" for a board, its emulator, and the
        default of every backend.
    window : float
        Time over which the spikes of a frame are spread at random, ms; at most
        :func:`coincidence_window`.
    period : float, optional
        Time between frames, ms. Default: the shortest that is safe, :func:`frame_period`.
    plateau : float
        Duration of the plateau potential, ms. It is the time constant of a slow synapse from each
        soma to a cell that stays below threshold. 0 means no plateaus.

    Raises
    ------
    DescriptionError
        If an argument has the wrong type, shape or range, the window is too wide, or the period
        too short.

    Examples
    --------
    >>> spiking = SpikingDendrites([[0, 1, 2], [2, 3, 4]], theta=2, n_inputs=5)
    >>> spiking.period
    26.0
    >>> import spikemem as sm
    >>> recording = sm.simulate(spiking.build([[0, 1], [2], [2, 3, 4]]))
    >>> spiking.decode(recording).segments.tolist()
    [[1, 0], [0, 0], [0, 1]]
    """

    @checked
    def __init__(
        self,
        cells: Annotated[Any, Whole(-1)],
        theta: Annotated[Any, Whole()],
        n_inputs: Annotated[int, Count()],
        *,
        owner: Annotated[Any, Whole(0)] | None = None,
        cell: Cell = CELL,
        dt: TimeStep = 1.0,
        integrator: Integrator = "spinnaker",
        window: Annotated[float, Quantity("ms", low=0.0)] = 0.0,
        period: Annotated[float, Quantity("ms", above=0.0)] | None = None,
        plateau: Annotated[float, Quantity("ms", low=0.0)] = 0.0,
    ) -> None:
        where = "SpikingDendrites"
        if cells.ndim != 2 or not len(cells):
            raise DescriptionError(
                f"{where}: cells must be integers of shape (n_segments, room), got {shown(cells)}."
            )
        if cells.max(initial=-1) >= n_inputs:
            raise DescriptionError(
                f"{where}: cells must be from 0 to {n_inputs - 1}, or -1 for none, got "
                f"{cells.max()}."
            )
        n_segments = len(cells)
        self.cells, self.n_inputs = cells, n_inputs
        self.theta = _each(theta, n_segments, f"{where}: theta")
        self.owner = _each(
            np.arange(n_segments) if owner is None else owner, n_segments, f"{where}: owner"
        )
        self.n_neurons = int(self.owner.max()) + 1
        require_memory(64.0 * self.n_neurons, f"{where}: owner: {self.n_neurons} neurons",
                       "Number the neurons from 0.")  # fmt: skip
        self.dt, self.integrator, self.window, self.plateau = dt, integrator, window, plateau
        self.period = self._period(period, cell)
        self.cell = replace(cell, tau_refrac=self.period / 2)

    def __repr__(self) -> str:
        return (
            f"SpikingDendrites({len(self.cells)} segments of {self.n_neurons} neurons, "
            f"{self.n_inputs} inputs, a frame every {self.period:g} ms, dt={self.dt:g} ms)"
        )

    @classmethod
    @checked
    def of(
        cls, neurons: Annotated[Neurons, Instance(Neurons, remedy=_REMEDY)], **options: Any
    ) -> SpikingDendrites:
        """Return the spiking form of neurons, with their connected synapses."""
        table = neurons.segments
        return cls(
            np.where(table.connected, table.cells, -1), neurons.threshold, neurons.n_inputs,
            owner=np.repeat(np.arange(neurons.n_neurons), neurons.n_segments), **options,
        )  # fmt: skip

    def _grid(self) -> dict[str, Any]:
        return {"dt": self.dt, "integrator": self.integrator}

    def _period(self, period: float | None, cell: LIF) -> float:
        where, highest = "SpikingDendrites", int(self.theta.max())
        widest = coincidence_window(highest, cell, **self._grid())
        if self.window > widest + 1e-9:
            raise DescriptionError(
                f"{where}: window must be from 0 to {widest:g} ms with theta={highest}, got "
                f"{self.window:g}; a longer tau_m allows more."
            )
        most = int(np.count_nonzero(self.cells >= 0, axis=1).max())
        branches = int(np.bincount(self.owner).max())
        # Low thresholds leave more current after a spike; high thresholds have less margin.
        safe = max(
            frame_period(int(theta), cell, n_synapses=max(most, 1), n_segments=branches,
                         window=self.window, **self._grid())
            for theta in (self.theta.min(), highest)
        )  # fmt: skip
        chosen = safe if period is None else period
        if chosen < safe - 1e-9 or off_grid(np.array([chosen / 2]), self.dt)[0]:
            raise DescriptionError(
                f"{where}: period must be an even multiple of dt={self.dt:g} ms and at least "
                f"{safe:g} ms, got {chosen:g}."
            )
        return chosen

    @checked
    def build(self, frames: PatternLike, *, seed: Seed = 0) -> Network:
        """Return the network that receives these frames, one every :attr:`period`.

        Parameters
        ----------
        frames : Patterns, or anything that Patterns takes
            Active cells.
        seed : int or numpy.random.Generator
            Seed of the spread of the spikes.

        Returns
        -------
        Network
            Network of the populations "inputs", "segments", "somas", and "plateaus" if `plateau` of
            the constructor is above 0.

        Raises
        ------
        DescriptionError
            If `frames` are not patterns of active cells, or there are none.
        """
        patterns = as_patterns(frames, self.n_inputs, "SpikingDendrites.build: frames")
        if not len(patterns):
            raise DescriptionError(
                "SpikingDendrites.build: frames must have at least one frame, got none."
            )
        spread = int(steps(self.window, self.dt))
        frame = patterns.owners
        tick = stream(seed, "dendrites", "spread").integers(spread + 1, size=frame.size)
        ticks = frame * int(steps(self.period, self.dt)) + tick
        if len(patterns) * self.period / self.dt > LARGEST:
            raise DescriptionError("SpikingDendrites.build: too many frames for one run.")
        trains = SpikeTrains(
            ids=patterns.indices, times=ticks * self.dt, size=self.n_inputs,
            duration=len(patterns) * self.period,
        )  # fmt: skip
        segment, slot = np.nonzero(self.cells >= 0)
        populations = [
            Population(name="inputs", cell=SpikeSource(spikes=trains)),
            Population(name="segments", cell=self.segment_cell(), size=len(self.cells)),
            Population(name="somas", cell=self.cell, size=self.n_neurons),
        ]
        projections = [
            Projection(
                name="synapses", pre="inputs", post="segments", i=self.cells[segment, slot],
                j=segment, weight=WEIGHT, delay=self.dt,
            ),
            Projection(
                name="branches", pre="segments", post="somas", i=np.arange(len(self.cells)),
                j=self.owner, weight=soma_weight(self.cell, **self._grid()), delay=self.dt,
            ),
        ]  # fmt: skip
        if self.plateau:
            self._add_plateaus(populations, projections)
        return Network(populations=populations, projections=projections, dt=self.dt)

    def segment_cell(self) -> LIF:
        """Return the cells of the segments, whose capacitances set the thresholds.

        All weights are :data:`WEIGHT`, which 16 bits represent exactly. On SpiNNaker the largest
        weight of a population limits the resolution of all others.
        """
        weights = np.asarray(segment_weight(self.theta, self.cell, **self._grid()))
        capacitance = float(self.cell.cm) * WEIGHT / weights
        same = np.all(self.theta == self.theta[0])
        return replace(self.cell, cm=float(capacitance[0]) if same else capacitance)

    def _plateau_cell(self) -> LIF:
        return replace(self.cell, tau_syn_E=self.plateau, tau_refrac=self.dt)

    def _plateau_peaks(self) -> tuple[float, float]:
        """Return the peak of one plateau per nA, and that of plateaus in every frame."""
        shape = potential(self._plateau_cell(), **self._grid())
        every = int(steps(self.period, self.dt))
        padded = np.pad(shape, (0, -shape.size % every)).reshape(-1, every)
        return float(shape.max()), float(padded.sum(axis=0).max())

    def _add_plateaus(self, populations: list[Any], projections: list[Any]) -> None:
        """Add slow synapses that never reach the threshold, even with a spike in every frame."""
        reach = float(self.cell.v_thresh) - float(self.cell.v_rest)
        populations.append(
            Population(name="plateaus", cell=self._plateau_cell(), size=self.n_neurons,
                       record=("spikes", "v"))
        )  # fmt: skip
        weight = 0.9 * reach / self._plateau_peaks()[1]
        projections.append(
            Projection.one_to_one("plateau", "somas", "plateaus", weight=weight, delay=self.dt)
        )

    @checked
    def decode(self, recording: Recording) -> Decisions:
        """Return the spikes of segments and somas in each frame.

        Raises
        ------
        DescriptionError
            If it is not a recording of this network.
        """
        return Decisions(
            self._by_frame(recording, "segments", len(self.cells)),
            self._by_frame(recording, "somas", self.n_neurons),
        )

    def _by_frame(self, recording: Recording, name: str, size: int) -> NDArray[np.int64]:
        trains = recording[name]
        if trains.size != size:
            raise DescriptionError(
                f"SpikingDendrites.decode: {name!r} must have {size} cells, got {trains.size}."
            )
        every = int(steps(self.period, self.dt))
        n_frames = round((recording.stop - recording.start) / self.period)
        # Spikes follow the input spikes by at least one step, within the same frame.
        frame = (steps(trains.times - recording.start, self.dt) - 1) // every
        require_memory(8.0 * n_frames * size, f"SpikingDendrites.decode: {n_frames} frames",
                       "Decode a shorter recording.")  # fmt: skip
        counts = np.zeros((n_frames, size), dtype=np.int64)
        inside = (frame >= 0) & (frame < n_frames)
        np.add.at(counts, (frame[inside], trains.ids[inside]), 1)
        return counts

    @checked
    def predictive(self, recording: Recording) -> NDArray[np.bool_]:
        """Return whether each neuron has a plateau at the end of each frame.

        Returns
        -------
        ndarray of bool, shape (n_frames, n_neurons)
            Whether the potential is above half the height of a single plateau.

        Raises
        ------
        DescriptionError
            If the network has no plateaus.
        """
        if not self.plateau or ("plateaus", "v") not in recording.traces:
            raise DescriptionError(
                "SpikingDendrites.predictive: no plateaus were recorded; set plateau=100.0."
            )
        one, many = self._plateau_peaks()
        reach = float(self.cell.v_thresh) - float(self.cell.v_rest)
        level = float(self.cell.v_rest) + 0.45 * reach * one / many
        every = int(steps(self.period, self.dt))
        has_plateau: NDArray[np.bool_] = (
            recording.traces["plateaus", "v"][every - 1 :: every] > level
        )
        return has_plateau


def _each(values: NDArray[np.int64], count: int, where: str) -> NDArray[np.int64]:
    """Return one value for each of `count` segments."""
    if values.ndim > 1 or values.size not in (1, count):
        raise DescriptionError(f"{where} must be 1 or {count} integers, got {shown(values)}.")
    return np.broadcast_to(values, (count,)).copy()
