"""Events: samples of spikes on channels, as recorded by cameras, cochleas and other sensors."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...checks import (
    AnyValue,
    Count,
    Each,
    Flag,
    Indices,
    Instance,
    Quantities,
    Quantity,
    check_fields,
    checked,
)
from ...errors import DescriptionError, Problems, shown
from ...frozen import Frozen, read_only
from ...kinds import Kind
from ...limits import require_memory
from ...spikes import SpikeTrains
from ...streams import Seed, stream
from ...units import LARGEST, ROUNDING, steps
from .event_checks import order_of, require_fit
from .sensors import channel_of, cropped_channels, recorded_times, require_sensor, structured_fields

__all__ = ["Events", "as_events"]


@dataclass(frozen=True)
class _Shape(Kind):
    """Lengths of a sensor's axes: one whole number >= 1, or a sequence of them."""

    def check(self, value: Any, where: str) -> tuple[int, ...]:
        """Return a tuple of int."""
        return require_sensor(value, where)


@dataclass(frozen=True, kw_only=True, eq=False)
class Events(Frozen):
    """Samples of events, sorted by sample, then time, then channel.

    Parameters
    ----------
    samples : array_like of int, shape (n_events,)
        Sample that each event belongs to, from 0 to `n_samples` - 1.
    times : array_like of float, shape (n_events,)
        Time since the start of the sample, ms, >= 0.
    channels : array_like of int, shape (n_events,)
        Channel of each event. On a sensor of shape (2, 34, 34), with the axes (polarity, y, x), the
        channel is ``(polarity * 34 + y) * 34 + x``.
    shape : int or tuple of int
        Number of channels, or lengths of the sensor's axes; the last two are rows and columns.
    n_samples : int
        Number of samples; a sample can be without events.
    durations : float or array_like of float, shape (n_samples,)
        Length of each sample, ms; its events are earlier than this.
    dt : float, optional
        Time step, ms, if all times and durations are multiples of it. Default: continuous times.

    Raises
    ------
    DescriptionError
        If lengths are unequal, a sample or channel is out of range, or a time is negative, not
        below the duration of its sample, or not a multiple of `dt`.

    Examples
    --------
    >>> events = Events(samples=[0, 0, 1], times=[7.5, 1.0, 3.0], channels=[0, 2, 1], shape=3,
    ...                 n_samples=2, durations=10.0)
    >>> events
    Events(3 events in 2 samples of 3 channels)
    >>> events.bin(5).dense().astype(int).tolist()[0]
    [[0, 0, 1], [0, 0, 0], [0, 0, 0], [1, 0, 0], [0, 0, 0]]
    """

    samples: Annotated[NDArray[np.int32], Indices(dtype="int32")]
    times: Annotated[NDArray[np.float64], Quantities("ms", shape=(None,))]
    channels: Annotated[NDArray[np.int32], Indices(dtype="int32")]
    shape: Annotated[tuple[int, ...], _Shape()]
    n_samples: Annotated[int, Count()]
    durations: Annotated[NDArray[np.float64], Quantities("ms", above=0.0)]
    dt: Annotated[float, Quantity("ms", above=0.0)] | None = None

    def __post_init__(self) -> None:
        problems = Problems("Events")
        plain = check_fields(self, problems)
        problems.raise_if_any()
        assert plain
        durations = np.asarray(self.durations)
        if durations.shape not in ((), (self.n_samples,)):
            raise DescriptionError(
                f"Events: durations must be one length in ms, or one for each of "
                f"{self.n_samples} samples, got shape {durations.shape}."
            )
        require_memory(16.0 * self.n_samples, f"Events: {self.n_samples} samples", "Use fewer.")
        lengths = np.broadcast_to(durations, (self.n_samples,)).astype(np.float64)
        object.__setattr__(self, "durations", read_only(lengths))
        require_fit(self, problems)
        problems.raise_if_any()
        order = order_of(self.samples, self.times, self.channels)
        for name in ("samples", "times", "channels"):
            values = getattr(self, name)
            values = values if order is None else values[order]
            values.flags.writeable = False
            object.__setattr__(self, name, values)

    @classmethod
    @checked
    def from_dense(
        cls,
        array: Annotated[ArrayLike, AnyValue()],
        *,
        dt: Annotated[float, Quantity("ms", above=0.0)] = 1.0,
        shape: Annotated[int | tuple[int, ...], _Shape()] | None = None,
    ) -> Events:
        """Make events from a binary array of shape (n_samples, n_steps, n_channels).

        Parameters
        ----------
        array : array_like
            Events, as bool or as 0 and 1. More axes are axes of the sensor, for example
            (n_samples, n_steps, rows, columns).
        dt : float
            Length of a step, ms.
        shape : int or tuple of int, optional
            Lengths of the sensor's axes, if the array has one axis of channels.

        Raises
        ------
        DescriptionError
            If the array has other values, or fewer than three axes.

        Examples
        --------
        >>> Events.from_dense([[[0, 1], [1, 1]]]).times.tolist()
        [0.0, 1.0, 1.0]
        """
        dense = _binary(array, "Events.from_dense: array")
        sensor = dense.shape[2:] if shape is None else require_sensor(shape, "shape")
        n_channels = math.prod(dense.shape[2:])
        if math.prod(sensor) != n_channels:
            raise DescriptionError(
                f"Events.from_dense: shape must have {n_channels} channels, like the array, got "
                f"{sensor}."
            )
        sample, step, channel = np.nonzero(dense.reshape(*dense.shape[:2], n_channels))
        return cls(
            samples=sample.astype(np.int32),
            times=np.asarray(step * dt, dtype=np.float64),
            channels=channel.astype(np.int32),
            shape=sensor,
            n_samples=dense.shape[0],
            durations=dense.shape[1] * dt,
            dt=dt,
        )

    @classmethod
    @checked
    def from_structured(
        cls,
        recordings: Annotated[Sequence[Any], AnyValue()],
        *,
        shape: Annotated[int | tuple[int, ...], _Shape()],
        unit: Annotated[float, Quantity("ms", above=0.0)] = 1e-3,
        durations: Annotated[ArrayLike, Quantities("ms", above=0.0)] | None = None,
        keep_empty: Annotated[bool, Flag()] = False,
    ) -> Events:
        """Make events from structured arrays, such as those of `tonic`, one for each sample.

        Parameters
        ----------
        recordings : sequence of structured ndarray
            The field `t` is the time, `x` the column or channel, `y` the row, and `p` the polarity
            (False and True, or 0 and 1). Only the fields of the sensor's axes are read.
        shape : int or tuple of int
            Shape of the sensor: channels (x), (rows, columns) or (polarities, rows, columns).
        unit : float
            Length of one unit of `t`, ms. Default: microseconds.
        durations : float or array_like, optional
            Lengths of the samples, ms. Default: each sample ends just after its last event.
        keep_empty : bool
            Whether recordings without events are accepted; this needs `durations`.

        Raises
        ------
        DescriptionError
            If a field is missing, an event is outside the sensor, times are negative or not in
            ascending order, or a recording is empty.

        Examples
        --------
        >>> recording = np.array([(1, 0, 500, 1), (0, 1, 900, 0)], dtype=[
        ...     ("x", int), ("y", int), ("t", int), ("p", int)])
        >>> Events.from_structured([recording], shape=(2, 2, 2)).channels.tolist()
        [5, 2]
        """
        where = "Events.from_structured"
        sensor = require_sensor(shape, "shape")
        if isinstance(recordings, np.ndarray) and recordings.dtype.names:
            raise DescriptionError(f"{where}: recordings must be a sequence of structured arrays, "
                                   f"one for each sample; pass [recording].")  # fmt: skip
        each = list(_sequence(recordings, f"{where}: recordings"))
        times, channels = [], []
        for k, recording in enumerate(each):
            name = f"{where}: recordings[{k}]"
            fields = structured_fields(recording, sensor, name)
            moments = recorded_times(fields["t"], unit, name)
            if not moments.size and (not keep_empty or durations is None):
                raise DescriptionError(
                    f"{name} must have at least one event, got none; leave it out, or pass "
                    f"keep_empty=True and durations."
                )
            times.append(moments)
            channels.append(channel_of(fields, sensor, name))
        ends = [float(np.nextafter(t[-1], np.inf)) if t.size else 1.0 for t in times]
        return cls(
            samples=np.repeat(np.arange(len(each), dtype=np.int32), [t.size for t in times]),
            times=np.concatenate([*times, np.empty(0)]),
            channels=np.concatenate([*channels, np.empty(0, np.int32)]).astype(np.int32),
            shape=sensor,
            n_samples=len(each),
            durations=np.asarray(ends) if durations is None else np.asarray(durations),
        )

    @classmethod
    @checked
    def from_trains(
        cls,
        trains: Annotated[
            Sequence[SpikeTrains],
            Each(Instance("spikemem.spikes:SpikeTrains"), "SpikeTrains", least=1),
        ],
    ) -> Events:
        """Make events from spike trains: one object for each sample, all with the same cells.

        Raises
        ------
        DescriptionError
            If the values are not spike trains, have different sizes, or have no duration.
        """
        sizes = {each.size for each in trains}
        if len(sizes) > 1:
            raise DescriptionError(
                f"Events.from_trains: all trains must have the same size, got {sorted(sizes)}."
            )
        return cls(
            samples=np.repeat(np.arange(len(trains), dtype=np.int32), [len(t) for t in trains]),
            times=np.concatenate([t.times for t in trains]),
            channels=np.concatenate([t.ids for t in trains]),
            shape=(sizes.pop(),),
            n_samples=len(trains),
            durations=np.asarray([t.duration for t in trains]),
        )

    @property
    def n_channels(self) -> int:
        """Number of channels."""
        return math.prod(self.shape)

    @property
    def starts(self) -> NDArray[np.int64]:
        """Index of the first event of each sample, and the end, shape (n_samples + 1,)."""
        return np.searchsorted(self.samples, np.arange(self.n_samples + 1))

    @property
    def n_steps(self) -> int | None:
        """Number of steps of the longest sample; None for continuous times."""
        return None if self.dt is None else int(steps(self.durations.max(), self.dt))

    def __len__(self) -> int:
        return self.n_samples

    def __repr__(self) -> str:
        grid = "" if self.dt is None else f" in {self.n_steps} steps"
        return (f"Events({self.times.size} events in {self.n_samples} samples of "
                f"{self.n_channels} channels{grid})")  # fmt: skip

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Events):
            return NotImplemented
        names = ("samples", "times", "channels", "durations")
        return (self.shape, self.n_samples, self.dt) == (
            other.shape, other.n_samples, other.dt,
        ) and all(np.array_equal(getattr(self, n), getattr(other, n)) for n in names)  # fmt: skip

    __hash__ = None  # type: ignore[assignment]

    def __getitem__(self, chosen: Any) -> Events:
        """Return the samples chosen by an int, a slice, a mask or a list, in that order."""
        try:
            picked = np.atleast_1d(np.arange(self.n_samples)[chosen])
        except (IndexError, TypeError, ValueError):
            raise DescriptionError(
                f"Events: the index must be an int, a slice, a mask or a list of numbers from 0 to "
                f"{self.n_samples - 1}, got {shown(chosen)}."
            ) from None
        if picked.ndim != 1 or not picked.size:
            raise DescriptionError(f"Events: choose at least one sample, got {shown(chosen)}.")
        starts = self.starts
        counts = np.diff(starts)[picked]
        first = np.cumsum(counts) - counts
        index = np.arange(counts.sum()) + np.repeat(starts[:-1][picked] - first, counts)
        return self._with(
            samples=np.repeat(np.arange(picked.size, dtype=np.int32), counts),
            times=self.times[index],
            channels=self.channels[index],
            n_samples=int(picked.size),
            durations=self.durations[picked],
        )

    def __iter__(self) -> Iterator[Events]:
        return (self[k] for k in range(self.n_samples))

    def _with(self, **changes: Any) -> Events:
        return replace(self, **changes)

    def counts(self) -> NDArray[np.int64]:
        """Return the number of events of each channel in each sample (n_samples, n_channels)."""
        size = self.n_samples * self.n_channels
        require_memory(16.0 * size, f"Events.counts: {self.n_samples} samples of "
                       f"{self.n_channels} channels", "Use fewer samples.")  # fmt: skip
        code = self.samples.astype(np.int64) * self.n_channels + self.channels
        return np.bincount(code, minlength=size).reshape(self.n_samples, -1).astype(np.int64)

    @checked
    def bin(
        self,
        n_steps: Annotated[int, Count()],
        *,
        dt: Annotated[float, Quantity("ms", above=0.0)] = 1.0,
    ) -> Events:
        """Divide each sample into `n_steps` equal steps, with at most one event per channel.

        Parameters
        ----------
        n_steps : int
            Number of steps of each sample, whatever its duration.
        dt : float
            Length of a step in the result, ms.

        Returns
        -------
        Events
            Events on a time grid: ``dense()`` has shape (n_samples, n_steps, n_channels).
        """
        part = np.floor(self.times * (n_steps / self.durations)[self.samples] + ROUNDING)
        return self._on_grid(np.minimum(part, n_steps - 1), n_steps, dt)

    @checked
    def to_grid(self, dt: Annotated[float, Quantity("ms", above=0.0)] = 1.0) -> Events:
        """Assign events to steps of `dt` ms, with at most one event per channel.

        All samples become as long as the longest one.
        """
        n_steps = int(min(np.ceil(self.durations.max() / dt - ROUNDING), LARGEST))
        return self._on_grid(np.minimum(np.floor(self.times / dt + ROUNDING), n_steps - 1),
                             max(n_steps, 1), dt)  # fmt: skip

    def _on_grid(self, step: NDArray[np.float64], n_steps: int, dt: float) -> Events:
        size = float(self.n_samples) * n_steps * self.n_channels
        if n_steps >= LARGEST or size >= 2.0**62:
            raise DescriptionError(f"Events: dt={dt:g} ms and n_steps={n_steps} are too many "
                                   f"steps; at most {LARGEST}.")  # fmt: skip
        row = self.samples.astype(np.int64) * n_steps + step.astype(np.int64)
        code = np.unique(row * self.n_channels + self.channels)
        row, channel = np.divmod(code, self.n_channels)
        sample, step_index = np.divmod(row, n_steps)
        return self._with(
            samples=sample.astype(np.int32),
            times=step_index * dt,
            channels=channel.astype(np.int32),
            durations=np.float64(n_steps * dt),
            dt=dt,
        )

    @checked
    def dense(self, n_steps: Annotated[int, Count()] | None = None) -> NDArray[np.bool_]:
        """Return the events as a binary array, shape (n_samples, n_steps, n_channels).

        Parameters
        ----------
        n_steps : int, optional
            Number of steps, as in :meth:`bin`; required for continuous times. Default: the steps
            of the grid.

        Raises
        ------
        DescriptionError
            If the times are continuous and `n_steps` is missing, or the array is too large for the
            memory.
        """
        if n_steps is not None and n_steps != self.n_steps:
            return self.bin(n_steps).dense()
        if self.dt is None:
            raise DescriptionError("Events.dense: the events have continuous times; pass "
                                   "n_steps, or use bin() or to_grid() first.")  # fmt: skip
        size = (self.n_samples, int(self.n_steps or 0), self.n_channels)
        require_memory(float(math.prod(size)), f"Events.dense: an array of shape {size}",
                       "Use fewer samples.")  # fmt: skip
        array = np.zeros(size, dtype=np.bool_)
        array[self.samples, steps(self.times, self.dt), self.channels] = True
        return array

    @checked
    def crop(
        self, size: Annotated[int | tuple[int, ...], _Shape()], *, offset: Any = None
    ) -> Events:
        """Keep a rectangle of the sensor.

        Parameters
        ----------
        size : int or tuple of int
            Number of rows and columns to keep; one number stands for both.
        offset : tuple of int, optional
            First row and column. Default: the rectangle is in the middle, rounded down.

        Raises
        ------
        DescriptionError
            If the sensor has no rows and columns, or the rectangle is not inside it.

        Examples
        --------
        >>> events = Events(samples=[0, 0], times=[0.0, 0.0], channels=[0, 5], shape=(4, 4),
        ...                 n_samples=1, durations=1.0)
        >>> events.crop(2).channels.tolist()
        [0]
        """
        new_channels, shape = cropped_channels(self.shape, size, offset, "Events.crop")
        return self._renumbered(new_channels, shape)

    @checked
    def polarity(self, k: Annotated[int, Count(low=0)]) -> Events:
        """Keep one polarity: index `k` on the first of three axes.

        Raises
        ------
        DescriptionError
            If the sensor has no such polarity.
        """
        if len(self.shape) != 3 or k >= self.shape[0]:
            raise DescriptionError(
                f"Events.polarity: the sensor of shape {self.shape} has no polarity {k}."
            )
        size = self.shape[1] * self.shape[2]
        new_channels = np.full(self.n_channels, -1, dtype=np.int64)
        new_channels[k * size : (k + 1) * size] = np.arange(size)
        return self._renumbered(new_channels, self.shape[1:])

    @checked
    def select(self, channels: Annotated[ArrayLike, Indices()]) -> Events:
        """Keep some channels, renumbered in the order of `channels`.

        Raises
        ------
        DescriptionError
            If `channels` is empty, or has a channel twice or one that does not exist.
        """
        chosen = np.asarray(channels)
        if not chosen.size or chosen.max() >= self.n_channels or (
            np.unique(chosen).size < chosen.size
        ):  # fmt: skip
            raise DescriptionError(
                f"Events.select: channels must be at least one number, each once, from 0 to "
                f"{self.n_channels - 1}, got {shown(channels)}."
            )
        new_channels = np.full(self.n_channels, -1, dtype=np.int64)
        new_channels[chosen] = np.arange(chosen.size)
        return self._renumbered(new_channels, (int(chosen.size),))

    def _renumbered(self, new_channels: NDArray[np.int64], shape: tuple[int, ...]) -> Events:
        """Return the events with new channel numbers; channels with a negative one are dropped."""
        channel = new_channels[self.channels]
        keep = channel >= 0
        return self._with(
            samples=self.samples[keep],
            times=self.times[keep],
            channels=channel[keep].astype(np.int32),
            shape=shape,
        )

    @staticmethod
    @checked
    def concatenate(
        parts: Annotated[
            Sequence[Events],
            Each(Instance("spikemem.networks.liquid.events:Events"), "Events", least=1),
        ],
    ) -> Events:
        """Join the samples of several sets of events, one set after the other.

        Raises
        ------
        DescriptionError
            If the sensors or the time steps differ.
        """
        kinds = {(part.shape, part.dt) for part in parts}
        if len(kinds) > 1:
            raise DescriptionError(
                f"Events.concatenate: all parts must have the same shape and dt, "
                f"got {sorted(map(str, kinds))}."
            )
        offsets = np.cumsum([0, *(part.n_samples for part in parts)])
        samples = [part.samples + k for part, k in zip(parts, offsets.tolist(), strict=False)]
        return parts[0]._with(
            samples=np.concatenate(samples).astype(np.int32),
            times=np.concatenate([part.times for part in parts]),
            channels=np.concatenate([part.channels for part in parts]),
            n_samples=int(offsets[-1]),
            durations=np.concatenate([part.durations for part in parts]),
        )

    @checked
    def merge(self, other: Events) -> Events:
        """Return the same samples with the channels of `other` added after the own ones.

        Raises
        ------
        DescriptionError
            If the numbers of samples, the durations or the time steps differ.
        """
        if (self.n_samples, self.dt) != (other.n_samples, other.dt) or not np.allclose(
            self.durations, other.durations
        ):
            raise DescriptionError(
                f"Events.merge: samples, durations and dt must be the same, got {self!r} and "
                f"{other!r}; bin() both into the same number of steps first."
            )
        return self._with(
            samples=np.concatenate([self.samples, other.samples]),
            times=np.concatenate([self.times, other.times]),
            channels=np.concatenate([self.channels, other.channels + self.n_channels]),
            shape=(self.n_channels + other.n_channels,),
        )

    @checked
    def trains(self, sample: Annotated[int, Count(low=0)]) -> SpikeTrains:
        """Return the events of one sample as spike trains, one cell for each channel.

        Raises
        ------
        DescriptionError
            If there is no such sample.
        """
        if sample >= self.n_samples:
            raise DescriptionError(
                f"Events.trains: sample must be from 0 to {self.n_samples - 1}, got {sample}."
            )
        first, stop = np.searchsorted(self.samples, [sample, sample + 1])
        return SpikeTrains(
            ids=self.channels[first:stop],
            times=self.times[first:stop],
            size=self.n_channels,
            duration=float(self.durations[sample]),
        )

    @checked
    def jitter(self, sd: Annotated[float, Quantity("ms", low=0.0)], *, seed: Seed = 0) -> Events:
        """Shift every event by a normal random time; events stay in their sample and on its grid.

        Parameters
        ----------
        sd : float
            Standard deviation of the shift, ms.
        seed : int or numpy.random.Generator
            Seed of the shifts.
        """
        rng = stream(seed, "liquid", "jitter")
        moved = self.times + rng.normal(0.0, 1.0, self.times.size) * sd
        if self.dt is not None:
            n_steps = steps(self.durations, self.dt)[self.samples]
            return self._on_grid(
                np.clip(np.rint(moved / self.dt), 0, n_steps - 1), int(self.n_steps or 1), self.dt
            )
        last = np.nextafter(self.durations, 0.0)[self.samples]
        return self._with(times=np.clip(moved, 0.0, last))


def as_events(value: Any, where: str = "events", n_channels: int | None = None) -> Events:
    """Return events from any form of samples that a method accepts.

    Parameters
    ----------
    value : Events, array_like, or sequence of Events or SpikeTrains
        Events; an array of bool, or of 0 and 1, shape (n_samples, n_steps, n_channels); or spike
        trains, one object for each sample.
    where : str
        Start of error messages.
    n_channels : int, optional
        Number of channels that the events must have.

    Raises
    ------
    DescriptionError
        If the value has another form, or another number of channels.
    """
    if isinstance(value, Events):
        events = value
    elif isinstance(value, list | tuple) and value and all(isinstance(x, Events) for x in value):
        try:
            events = Events.concatenate(value)
        except DescriptionError as error:
            raise DescriptionError(f"{where}: {error}") from None
    elif isinstance(value, SpikeTrains | list | tuple) and _are_trains(value):
        try:
            events = Events.from_trains([value] if isinstance(value, SpikeTrains) else value)
        except DescriptionError as error:
            raise DescriptionError(f"{where}: {error}") from None
    else:
        events = Events.from_dense(_binary(value, where))
    if n_channels is not None and events.n_channels != n_channels:
        raise DescriptionError(f"{where} must have {n_channels} channels, got {events.n_channels}.")
    return events


def _are_trains(value: Any) -> bool:
    if isinstance(value, SpikeTrains):
        return True
    return bool(value) and isinstance(value[0], SpikeTrains)


def _binary(value: Any, where: str) -> NDArray[np.bool_]:
    """Return a dense array of 0 and 1 as bool."""
    try:
        array = None if isinstance(value, np.ma.MaskedArray | str | bytes) else np.asarray(value)
    except (TypeError, ValueError, OverflowError):
        array = None
    if array is None or array.dtype.kind not in "biuf" or array.ndim < 3 or not array.size:
        raise DescriptionError(
            f"{where} must be Events, spike trains, or an array of shape (n_samples, n_steps, "
            f"n_channels), got {shown(value)}."
        )
    if array.dtype.kind == "b":
        return array
    if not np.all((array == 0) | (array == 1)):
        raise DescriptionError(f"{where} must be 0 and 1, got other values in {shown(value)}.")
    return array.astype(np.bool_)


def _sequence(value: Any, where: str) -> Sequence[Any]:
    if isinstance(value, str | bytes) or not hasattr(value, "__len__") or not len(value):
        raise DescriptionError(f"{where} must be at least one structured array, one for each "
                               f"sample, got {shown(value)}.")  # fmt: skip
    return value  # type: ignore[no-any-return]
