"""Spikes in, and what comes out of a run: :class:`SpikeTrains` and :class:`Recording`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .errors import DescriptionError, Problems, unknown_name
from .units import steps, to_array, to_float

__all__ = ["Recording", "SpikeTrains", "load_recording"]


def _frozen(array: NDArray[Any]) -> NDArray[Any]:
    array.flags.writeable = False
    return array


@dataclass(frozen=True, kw_only=True, eq=False)
class SpikeTrains:
    """Spikes of a group of cells, sorted by time, then by cell.

    Parameters
    ----------
    ids : array_like of int, shape (n_spikes,)
        Index of the cell, from 0 to `size` - 1.
    times : array_like of float, shape (n_spikes,)
        Time in ms, >= 0.
    size : int
        Number of cells, >= 1.
    duration : float, optional
        Length in ms; every time is below it. Default: just past the last spike (0 if there is
        none).

    Raises
    ------
    DescriptionError
        Unequal lengths, an id out of range, a time that is negative, not finite or not below
        `duration`.

    Examples
    --------
    >>> trains = SpikeTrains(ids=[1, 0], times=[5.0, 2.0], size=3)
    >>> trains.to_lists()
    [[2.0], [5.0], []]
    """

    ids: NDArray[np.int32]
    times: NDArray[np.float64]
    size: int
    duration: float = -1.0

    def __init__(
        self,
        *,
        ids: ArrayLike,
        times: ArrayLike,
        size: int,
        duration: float | None = None,
    ) -> None:
        problems = Problems("SpikeTrains")
        moments = np.atleast_1d(to_array(times, "ms", "SpikeTrains.times"))
        cells = np.atleast_1d(_integers(ids, "SpikeTrains.ids"))
        if isinstance(size, bool) or int(size) != size or size < 1:
            raise DescriptionError(f"SpikeTrains: size must be an int >= 1, got {size!r}.")
        if cells.shape != moments.shape or cells.ndim != 1:
            raise DescriptionError(
                f"SpikeTrains: ids and times must both have shape (n_spikes,), "
                f"got {cells.shape} and {moments.shape}."
            )
        if cells.size and (cells.min() < 0 or cells.max() >= size):
            bad = cells[(cells < 0) | (cells >= size)][0]
            problems.add(f"ids must be from 0 to {size - 1} (size={size}), got {bad}")
        if moments.size and moments.min() < 0:
            problems.add(f"times must be >= 0 ms, got {moments.min():g}")
        if duration is None:
            length = float(np.nextafter(moments.max(), np.inf)) if moments.size else 0.0
        else:
            length = to_float(duration, "ms", "SpikeTrains.duration")
            if length < 0:
                problems.add(f"duration must be >= 0 ms, got {length:g}")
            elif moments.size and moments.max() >= length:
                problems.add(
                    f"times must be below duration={length:g} ms, got {moments.max():g}; "
                    f"raise duration, or cut with window(0, duration)"
                )
        problems.raise_if_any()
        order = np.lexsort((cells, moments))
        object.__setattr__(self, "ids", _frozen(cells[order].astype(np.int32)))
        object.__setattr__(self, "times", _frozen(moments[order]))
        object.__setattr__(self, "size", int(size))
        object.__setattr__(self, "duration", length)

    @classmethod
    def from_lists(
        cls, times: Sequence[ArrayLike], *, duration: float | None = None
    ) -> SpikeTrains:
        """Spike trains from one list of times (ms) for each cell, as PyNN takes them.

        Examples
        --------
        >>> SpikeTrains.from_lists([[1.0, 3.0], []]).ids.tolist()
        [0, 0]
        """
        lists = [np.atleast_1d(to_array(train, "ms", "SpikeTrains.times")) for train in times]
        ids = np.repeat(np.arange(len(lists)), [len(train) for train in lists])
        moments = np.concatenate([*lists, np.empty(0)])
        return cls(ids=ids, times=moments, size=len(lists), duration=duration)

    @classmethod
    def empty(cls, size: int, duration: float = 0.0) -> SpikeTrains:
        """No spikes of `size` cells for `duration` ms."""
        return cls(ids=[], times=[], size=size, duration=duration)

    def __len__(self) -> int:
        return int(self.ids.size)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, SpikeTrains):
            return NotImplemented
        return (
            self.size == other.size
            and np.array_equal(self.ids, other.ids)
            and np.array_equal(self.times, other.times)
        )

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"SpikeTrains({len(self)} spikes of {self.size} cells in {self.duration:g} ms)"

    def to_lists(self) -> list[list[float]]:
        """One sorted list of times (ms) for each cell."""
        order = np.argsort(self.ids, kind="stable")
        edges = np.searchsorted(self.ids[order], np.arange(1, self.size))
        return [train.tolist() for train in np.split(self.times[order], edges)]

    def counts(self) -> NDArray[np.int64]:
        """Spikes of each cell, shape (size,)."""
        return np.bincount(self.ids, minlength=self.size).astype(np.int64)

    def at(self, time: float, *, tolerance: float = 1e-6) -> NDArray[np.int32]:
        """Sorted ids of the cells that fire at `time` (ms), within `tolerance` ms."""
        low, high = np.searchsorted(self.times, [time - tolerance, time + tolerance])
        return np.unique(self.ids[low:high])

    def window(self, start: float, stop: float) -> SpikeTrains:
        """Spikes with ``start <= time < stop`` (ms); times and duration are kept."""
        low, high = np.searchsorted(self.times, [start, stop])
        return SpikeTrains(
            ids=self.ids[low:high],
            times=self.times[low:high],
            size=self.size,
            duration=self.duration,
        )

    def select(self, cells: ArrayLike) -> SpikeTrains:
        """Trains of some cells, renumbered in the order given."""
        chosen = _integers(cells, "SpikeTrains.select: cells")
        place = np.full(self.size, -1)
        place[chosen] = np.arange(chosen.size)
        keep = place[self.ids] >= 0
        return SpikeTrains(
            ids=place[self.ids[keep]],
            times=self.times[keep],
            size=int(chosen.size),
            duration=self.duration,
        )

    def shift(self, by: float) -> SpikeTrains:
        """The same spikes `by` ms later (earlier, if negative)."""
        return SpikeTrains(
            ids=self.ids,
            times=self.times + by,
            size=self.size,
            duration=max(self.duration + by, 0.0),
        )

    def to_grid(self, dt: float) -> SpikeTrains:
        """Round each time to the nearest multiple of `dt` ms; a cell's double spikes merge."""
        ticks = steps(self.times, dt)
        pairs = np.unique(np.stack([ticks, self.ids.astype(np.int64)]), axis=1)
        times = pairs[0] * dt
        duration = max(self.duration, float(times.max()) + dt) if times.size else self.duration
        return SpikeTrains(ids=pairs[1], times=times, size=self.size, duration=duration)

    @staticmethod
    def side_by_side(trains: Sequence[SpikeTrains]) -> SpikeTrains:
        """Stack groups into one: cells of the second follow those of the first."""
        offsets = np.cumsum([0, *(train.size for train in trains)])
        ids = [train.ids + offset for train, offset in zip(trains, offsets, strict=False)]
        return SpikeTrains(
            ids=np.concatenate(ids),
            times=np.concatenate([train.times for train in trains]),
            size=int(offsets[-1]),
            duration=max(train.duration for train in trains),
        )


def _integers(values: ArrayLike, where: str) -> NDArray[np.int64]:
    array = np.asarray(values)
    if array.size == 0:
        return array.astype(np.int64)
    if array.dtype.kind not in "iu":
        raise DescriptionError(f"{where} must be integers, got dtype {array.dtype}.")
    return array.astype(np.int64)


@dataclass(frozen=True, kw_only=True, eq=False)
class Recording:
    """What a run gave.

    Parameters
    ----------
    spikes : mapping of str to SpikeTrains
        For each population that records spikes; times in ms since the start of the session.
    traces : mapping of (str, str) to ndarray, shape (n_steps, n_cells)
        For each (population, "v") the membrane potential in mV and for each
        (projection, "weight") the weights in nA; row k is the value at ``start + k * dt``,
        before the update of that step.
    weights : mapping of str to ndarray, shape (n_synapses,)
        Weights of each plastic projection at the end, nA, in the order of
        :meth:`spikemem.Network.synapses`.
    dt, start, stop : float
        Step, first and last moment of the run, ms.
    provenance : mapping
        Backend, integrator, network hash, versions, date.
    """

    spikes: Mapping[str, SpikeTrains]
    traces: Mapping[tuple[str, str], NDArray[np.float64]] = field(default_factory=dict)
    weights: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    dt: float = 1.0
    start: float = 0.0
    stop: float = 0.0
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("spikes", "traces", "weights", "provenance"):
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))

    @property
    def duration(self) -> float:
        """Length in ms."""
        return self.stop - self.start

    @property
    def times(self) -> NDArray[np.float64]:
        """Time of each row of a trace, ms, shape (n_steps,)."""
        n_steps = int(steps(self.duration, self.dt))
        return self.start + self.dt * np.arange(n_steps, dtype=np.float64)

    def __repr__(self) -> str:
        n_spikes = sum(len(trains) for trains in self.spikes.values())
        return (
            f"Recording({self.start:g} to {self.stop:g} ms, {len(self.spikes)} populations, "
            f"{n_spikes} spikes, {len(self.traces)} traces)"
        )

    def __getitem__(self, population: str) -> SpikeTrains:
        try:
            return self.spikes[population]
        except KeyError:
            raise DescriptionError(
                f"Recording: {unknown_name('recorded population', population, self.spikes)}"
            ) from None

    def same_as(self, other: Recording) -> bool:
        """True if spikes, traces and weights are equal to the last bit."""
        return (
            self.spikes.keys() == other.spikes.keys()
            and self.traces.keys() == other.traces.keys()
            and self.weights.keys() == other.weights.keys()
            and all(self.spikes[name] == other.spikes[name] for name in self.spikes)
            and all(np.array_equal(self.traces[key], other.traces[key]) for key in self.traces)
            and all(np.array_equal(self.weights[key], other.weights[key]) for key in self.weights)
        )

    @staticmethod
    def join(parts: Iterable[Recording]) -> Recording:
        """One recording from consecutive ones of the same session.

        Raises
        ------
        DescriptionError
            There is none, or one does not begin where the one before it ended.
        """
        runs = list(parts)
        if not runs:
            raise DescriptionError("Recording.join: needs at least one recording, got none.")
        for before, after in pairwise(runs):
            if abs(before.stop - after.start) > 1e-9:
                raise DescriptionError(
                    f"Recording.join: parts must be consecutive; one ends at {before.stop:g} ms "
                    f"and the next begins at {after.start:g} ms."
                )
        first, last = runs[0], runs[-1]
        spikes = {
            name: SpikeTrains(
                ids=np.concatenate([run.spikes[name].ids for run in runs]),
                times=np.concatenate([run.spikes[name].times for run in runs]),
                size=first.spikes[name].size,
                duration=last.spikes[name].duration,
            )
            for name in first.spikes
        }
        traces = {key: np.concatenate([run.traces[key] for run in runs]) for key in first.traces}
        return Recording(
            spikes=spikes,
            traces=traces,
            weights=last.weights,
            dt=first.dt,
            start=first.start,
            stop=last.stop,
            provenance=last.provenance,
        )

    def split(self, n: int) -> list[Recording]:
        """Recordings of the `n` copies that :meth:`spikemem.Network.tile` laid side by side.

        Raises
        ------
        DescriptionError
            A population or projection does not divide into `n` equal parts.
        """
        sizes = [trains.size for trains in self.spikes.values()]
        sizes += [array.shape[-1] for array in (*self.traces.values(), *self.weights.values())]
        if n < 1 or any(size % n for size in sizes):
            raise DescriptionError(
                f"Recording.split: n={n} must divide every population and projection (sizes: "
                f"{sorted(set(sizes))})."
            )
        return [self._copy(k, n) for k in range(n)]

    def _copy(self, k: int, n: int) -> Recording:
        def part(array: NDArray[np.float64]) -> NDArray[np.float64]:
            width = array.shape[-1] // n
            return array[..., k * width : (k + 1) * width]

        spikes = {}
        for name, trains in self.spikes.items():
            width = trains.size // n
            spikes[name] = trains.select(np.arange(k * width, (k + 1) * width))
        return Recording(
            spikes=spikes,
            traces={key: part(array) for key, array in self.traces.items()},
            weights={name: part(array) for name, array in self.weights.items()},
            dt=self.dt,
            start=self.start,
            stop=self.stop,
            provenance=self.provenance,
        )

    def save(self, path: str | Path, **others: Any) -> Path:
        """Write to an HDF5 file; see :func:`spikemem.storage.save`."""
        from .storage import save

        return save(path, recording=self, **others)

    @staticmethod
    def load(path: str | Path) -> Recording:
        """Read from an HDF5 file; see :func:`spikemem.load_recording`."""
        return load_recording(path)

    def to_neo(self) -> Any:
        """Convert to a ``neo.Block`` with one segment (needs the extra ``neo``).

        Raises
        ------
        BackendMissing
            neo is not installed.
        """
        from .interchange import recording_to_neo

        return recording_to_neo(self)


def load_recording(path: str | Path) -> Recording:
    """Read a :class:`Recording` from an HDF5 file.

    Raises
    ------
    StorageError
        No such file, damaged, not spikemem's, newer than this version, or without a recording.
    """
    from .storage import load

    return cast(Recording, load(path, "recording"))
