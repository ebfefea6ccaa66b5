"""Spike trains of a group of cells, for input and output."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .checks import (
    Count,
    Each,
    Indices,
    Instance,
    Kind,
    Optional,
    Quantities,
    Quantity,
    check_fields,
    checked,
)
from .errors import DescriptionError, Problems, shown
from .frozen import Frozen, read_only
from .limits import require_memory
from .streams import Seed, stream
from .units import ROUNDING, is_sequence, steps, to_array

__all__ = ["SpikeTrains", "trains_in_order"]

_FIELDS = ("ids", "times", "size", "duration")


@dataclass(frozen=True)
class Trains(Kind):
    """Spike times of each cell in ms: a sequence of sequences."""

    def check(self, value: Any, where: str) -> list[NDArray[np.float64]]:
        """Return one array of times for each cell."""
        advice = "Give one list of times for each cell: [[1.0, 3.0], []]."
        if not is_sequence(value):
            by_cell = " For a dict by cell: [times.get(k, []) for k in range(size)]."
            raise DescriptionError(
                f"{where} must be a sequence of sequences, got {shown(value)}. {advice}"
                f"{by_cell if isinstance(value, Mapping) else ''}"
            )
        lists = []
        for k, train in enumerate(value):
            if not is_sequence(train):
                raise DescriptionError(
                    f"{where}[{k}] must be a sequence of times in ms, got {shown(train)}. {advice} "
                    f"For one cell: [times]."
                )
            array = to_array(train, "ms", f"{where}[{k}]")
            if array.ndim != 1:
                raise DescriptionError(
                    f"{where}[{k}] must be one list of times, got shape {array.shape}. {advice}"
                )
            lists.append(array)
        return lists


@dataclass(frozen=True, kw_only=True, eq=False)
class SpikeTrains(Frozen):
    """Spikes of a group of cells, sorted by time, then by cell.

    Parameters
    ----------
    ids : array_like of int, shape (n_spikes,)
        Index of the cell, from 0 to `size` - 1.
    times : array_like of float, shape (n_spikes,)
        Time of the spike, ms, >= 0.
    size : int
        Number of cells, >= 1.
    duration : float, optional
        Length, ms; every time must be below it. Default: just past the last spike (0 if there is
        none).

    Raises
    ------
    DescriptionError
        If lengths differ, an id is out of range, or a time is negative, not finite or not below
        `duration`.

    Examples
    --------
    >>> trains = SpikeTrains(ids=[1, 0], times=[5.0, 2.0], size=3)
    >>> trains.to_lists()
    [[2.0], [5.0], []]
    """

    ids: Annotated[NDArray[np.int32], Indices()]
    times: Annotated[NDArray[np.float64], Quantities("ms")]
    size: Annotated[int, Count()]
    duration: Annotated[float, Optional(Quantity("ms", low=0.0))] = -1.0

    def __init__(
        self,
        *,
        ids: ArrayLike,
        times: ArrayLike,
        size: int,
        duration: float | None = None,
    ) -> None:
        problems = Problems("SpikeTrains")
        for name, value in zip(_FIELDS, (ids, times, size, duration), strict=True):
            object.__setattr__(self, name, value)
        converted = check_fields(self, problems)
        cells = self.ids if "ids" in converted else None
        moments = np.atleast_1d(self.times) if "times" in converted else None
        length = self.duration if duration is not None and "duration" in converted else None
        if cells is not None and moments is not None and cells.shape != moments.shape:
            problems.add(
                f"ids and times must both have shape (n_spikes,), "
                f"got {cells.shape} and {moments.shape}"
            )
        if cells is not None and cells.size and "size" in converted and cells.max() >= self.size:
            problems.add(f"ids must be from 0 to {self.size - 1} (size={self.size}), got "
                         f"{cells.max()}")  # fmt: skip
        if moments is not None:
            _check_times(moments, length, problems)
        problems.raise_if_any()
        assert cells is not None
        assert moments is not None
        order = np.lexsort((cells, moments))
        object.__setattr__(self, "ids", read_only(cells[order].astype(np.int32)))
        object.__setattr__(self, "times", read_only(moments[order]))
        if duration is None:
            object.__setattr__(self, "duration", _just_past(moments))

    @classmethod
    @checked
    def from_lists(
        cls,
        times: Annotated[Sequence[ArrayLike], Trains()],
        *,
        duration: Annotated[float, Quantity("ms", low=0.0)] | None = None,
    ) -> SpikeTrains:
        """Make spike trains from one list of times (ms) for each cell, as in PyNN.

        Parameters
        ----------
        times : sequence of sequences of float
            Spike times of each cell, ms; an empty list for a silent cell. Rows of an array and
            spike trains of neo are also accepted.
        duration : float, optional
            Length, ms. Default: just past the last spike.

        Raises
        ------
        DescriptionError
            If `times` is not a sequence of sequences, but for example a dict or a flat list.

        Examples
        --------
        >>> SpikeTrains.from_lists([[1.0, 3.0], []]).ids.tolist()
        [0, 0]
        """
        lists = [np.asarray(train) for train in times]
        ids = np.repeat(np.arange(len(lists)), [len(train) for train in lists])
        moments = np.concatenate([*lists, np.empty(0)])
        return cls(ids=ids, times=moments, size=len(lists), duration=duration)

    @classmethod
    @checked
    def empty(
        cls,
        size: Annotated[int, Count()],
        duration: Annotated[float, Quantity("ms", low=0.0)] = 0.0,
    ) -> SpikeTrains:
        """Make empty spike trains of `size` cells and `duration` ms."""
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
        """Return one sorted list of times (ms) for each cell."""
        self._require_memory(64, "to_lists")
        order = np.argsort(self.ids, kind="stable")
        edges = np.searchsorted(self.ids[order], np.arange(1, self.size))
        return [train.tolist() for train in np.split(self.times[order], edges)]

    def counts(self) -> NDArray[np.int64]:
        """Return the number of spikes of each cell, shape (size,)."""
        self._require_memory(16, "counts")
        return np.bincount(self.ids, minlength=self.size).astype(np.int64)

    @checked
    def rates(
        self,
        start: Annotated[float, Quantity("ms")] = 0.0,
        stop: Annotated[float, Quantity("ms")] | None = None,
    ) -> NDArray[np.float64]:
        """Return the mean firing rate of each cell, Hz, shape (size,).

        Parameters
        ----------
        start, stop : float
            Spikes with ``start <= t < stop`` (ms) count. Default: from 0 to `duration`.

        Raises
        ------
        DescriptionError
            If `stop` is not after `start`, or the trains have no length.

        Examples
        --------
        >>> trains = SpikeTrains.from_lists([[1.0, 3.0], []], duration=100.0)
        >>> trains.rates().tolist(), trains.rates(0.0, 2.0).tolist()
        ([20.0, 0.0], [500.0, 0.0])
        """
        end = self.duration if stop is None else stop
        if end <= start:
            raise DescriptionError(
                f"SpikeTrains.rates: stop must be after start={start:g} ms, got {end:g} ms."
            )
        counts = self.window(start, end).counts()
        return counts.astype(np.float64) * (1000.0 / (end - start))

    def _require_memory(self, each: int, where: str) -> None:
        require_memory(
            each * self.size, f"SpikeTrains.{where}: {self.size} cells", "Make size smaller."
        )

    @checked
    def at(
        self,
        time: Annotated[float, Quantity("ms")],
        *,
        tolerance: Annotated[float, Quantity("ms", low=0.0)] = 1e-6,
    ) -> NDArray[np.int32]:
        """Return the sorted ids of the cells that fire at `time` (ms), within `tolerance` ms."""
        low = np.searchsorted(self.times, time - tolerance)
        high = np.searchsorted(self.times, time + tolerance, side="right")
        return np.unique(self.ids[low:high])

    @checked
    def window(
        self, start: Annotated[float, Quantity("ms")], stop: Annotated[float, Quantity("ms")]
    ) -> SpikeTrains:
        """Return the spikes with ``start <= time < stop`` (ms); times and duration stay."""
        if not self.ids.size:
            return self
        low, high = self.times.searchsorted((start, stop))
        if low == 0 and high == self.ids.size:
            return self
        return trains_in_order(self.ids[low:high], self.times[low:high], self.size, self.duration)

    @checked
    def select(self, cells: Annotated[ArrayLike, Indices()]) -> SpikeTrains:
        """Return the trains of some cells, renumbered in the order of `cells`."""
        chosen = np.asarray(cells)
        if chosen.size and chosen.max() >= self.size:
            raise DescriptionError(
                f"SpikeTrains.select: cells must be from 0 to {self.size - 1}, got {chosen.max()}."
            )
        if np.unique(chosen).size < chosen.size or not chosen.size:
            raise DescriptionError(
                f"SpikeTrains.select: cells must name at least one cell, and each only once, got "
                f"{shown(cells)}."
            )
        self._require_memory(8, "select")
        new_ids = np.full(self.size, -1)
        new_ids[chosen] = np.arange(chosen.size)
        keep = new_ids[self.ids] >= 0
        return SpikeTrains(
            ids=new_ids[self.ids[keep]],
            times=self.times[keep],
            size=int(chosen.size),
            duration=self.duration,
        )

    @checked
    def shift(self, by: Annotated[float, Quantity("ms")]) -> SpikeTrains:
        """Shift all spikes to `by` ms later, or earlier if `by` is negative."""
        times = self.times + by
        if times.size and times[0] < 0:
            raise DescriptionError(
                f"SpikeTrains.shift: times must not become negative, got {times[0]:g} ms "
                f"(by={by:g} ms); cut first with window(start, stop)."
            )
        # The sum is rounded, so a duration just past the last spike could become equal to it.
        duration = max(self.duration + by, _just_past(times), 0.0)
        return SpikeTrains(ids=self.ids, times=times, size=self.size, duration=duration)

    @checked
    def to_grid(self, dt: Annotated[float, Quantity("ms", above=0.0)]) -> SpikeTrains:
        """Round times to multiples of `dt` ms; spikes of a cell in the same step merge."""
        ticks = steps(self.times, dt)
        pairs = np.unique(np.stack([ticks, self.ids.astype(np.int64)]), axis=1)
        times = pairs[0] * dt
        duration = max(self.duration, float(times.max()) + dt) if times.size else self.duration
        return SpikeTrains(ids=pairs[1], times=times, size=self.size, duration=duration)

    @checked
    def jitter(
        self,
        sd: Annotated[float, Quantity("ms", low=0.0)],
        *,
        dt: Annotated[float, Quantity("ms", above=0.0)],
        seed: Seed,
    ) -> SpikeTrains:
        """Shift every spike by a normally distributed time, and round it to the time grid.

        Spikes that would leave the trains are put into the first or last step. Spikes of a cell
        in the same step merge.

        Parameters
        ----------
        sd : float
            Standard deviation of the shift, ms.
        dt : float
            Time step, ms.
        seed : int or numpy.random.Generator
            Seed of the draw.

        Examples
        --------
        >>> trains = SpikeTrains.from_lists([[10.0, 20.0]], duration=30.0)
        >>> trains.jitter(0.0, dt=1.0, seed=0) == trains
        True
        """
        shift = stream(seed, "sources", "jitter").normal(0.0, abs(sd), len(self))
        whole = int(steps(self.duration, dt))
        last = max(whole - (whole * dt >= self.duration - ROUNDING * dt), 0)
        step = np.clip(steps(self.times + shift, dt), 0, last)
        moved = SpikeTrains(
            ids=self.ids,
            times=step * dt,
            size=self.size,
            duration=max(self.duration, last * dt + dt),
        )
        return moved.to_grid(dt)

    @staticmethod
    @checked
    def side_by_side(
        trains: Annotated[
            Sequence[SpikeTrains],
            Each(Instance("spikemem.spikes:SpikeTrains"), "SpikeTrains", least=1),
        ],
    ) -> SpikeTrains:
        """Join groups of cells into one; the cells of each group follow those of the one before."""
        offsets = np.cumsum([0, *(train.size for train in trains)])
        ids = [train.ids + offset for train, offset in zip(trains, offsets, strict=False)]
        return SpikeTrains(
            ids=np.concatenate(ids),
            times=np.concatenate([train.times for train in trains]),
            size=int(offsets[-1]),
            duration=max(train.duration for train in trains),
        )


def trains_in_order(
    ids: NDArray[np.int32], times: NDArray[np.float64], size: int, duration: float
) -> SpikeTrains:
    """Make spike trains from valid arrays, without checking them again.

    Parameters
    ----------
    ids, times : ndarray, shape (n_spikes,)
        Sorted by time, then by cell; ids are below `size`, and times from 0 to below `duration`
        ms. No other code may write to the arrays.
    size, duration
        As for :class:`SpikeTrains`.
    """
    trains: SpikeTrains = object.__new__(SpikeTrains)
    ids.flags.writeable = times.flags.writeable = False
    for name, value in zip(_FIELDS, (ids, times, size, duration), strict=True):
        object.__setattr__(trains, name, value)
    return trains


def _just_past(times: NDArray[np.float64]) -> float:
    return float(np.nextafter(times.max(), np.inf)) if times.size else 0.0


def _check_times(times: NDArray[np.float64], length: float | None, problems: Problems) -> None:
    if times.size and times.min() < 0:
        problems.add(f"times must be >= 0 ms, got {times.min():g}")
    if length is not None and times.size and times.max() >= length:
        problems.add(
            f"times must be below duration={length:g} ms, got {times.max():g}; "
            f"raise duration, or cut with window(0, duration)"
        )
