"""Recordings of event cameras and cochleas: one structured array of events for each sample."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from ..checks import (
    AnyValue,
    Count,
    Each,
    Indices,
    Kind,
    Optional,
    Quantities,
    Text,
    check_fields,
    checked,
)
from ..errors import DescriptionError, Problems, shown
from ..frozen import Frozen, read_only
from ..units import LARGEST

__all__ = ["EVENT", "Recordings", "to_recording"]

EVENT = np.dtype([("x", "<i4"), ("y", "<i4"), ("t", "<i8"), ("p", "i1")])
"""Type of one event, with the field names of `tonic`: column or channel, row, time in µs, polarity
(0: the pixel became darker, 1: brighter)."""

AXES = ("p", "y", "x")
"""Fields of an event for the axes of a sensor; a sensor with one axis has only `x`."""


@dataclass(frozen=True)
class SensorShape(Kind):
    """Shape of a sensor: channels, (rows, columns), or (polarities, rows, columns)."""

    def check(self, value: Any, where: str) -> tuple[int, ...]:
        """Return a tuple of one to three ints."""
        lengths = value if isinstance(value, tuple | list | np.ndarray) else (value,)
        shape = Each(Count(), "lengths", least=1, most=3).check(lengths, where)
        if math.prod(shape) > LARGEST:
            raise DescriptionError(f"{where} must have at most {LARGEST} channels, got {shape}.")
        return shape


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Recordings(Frozen):
    """Labelled samples of one sensor.

    Parameters
    ----------
    samples : sequence of structured ndarray
        Events of each sample in order of time, with the fields ``x``, ``y``, ``t`` and ``p`` of
        :data:`EVENT`. Only `t` and the fields of the sensor's axes are required.
    shape : int or tuple of int
        Shape of the sensor: channels, (rows, columns) or (polarities, rows, columns).
    labels : array_like of int, shape (n_samples,)
        Class of each sample.
    names : sequence of str, optional
        Name of each class.
    durations : array_like of float, shape (n_samples,), optional
        Length of each sample, ms. Default: 1 µs after its last event.
    bibtex : sequence of str, optional
        BibTeX entries of the data, for :func:`spikemem.citation`.

    Raises
    ------
    DescriptionError
        If a sample has no events or other fields, an event is outside the sensor or after the end
        of its sample, times are negative or decrease, labels or durations have another length, or
        a class has no name.

    Examples
    --------
    >>> sample = np.array([(3, 0, 100, 1), (1, 2, 250, 0)], dtype=EVENT)
    >>> recordings = Recordings(samples=[sample], shape=(2, 4, 4), labels=[7])
    >>> len(recordings), recordings.samples[0]["t"].tolist()
    (1, [100, 250])
    """

    samples: Annotated[tuple[NDArray[Any], ...], Each(AnyValue(), "structured arrays")]
    shape: Annotated[tuple[int, ...], SensorShape()]
    labels: Annotated[NDArray[np.int64], Indices()]
    names: Annotated[tuple[str, ...], Each(Text(), "names")] = ()
    durations: Annotated[NDArray[np.float64] | None, Optional(
        Quantities("ms", above=0.0, shape=(None,)))] = None  # fmt: skip

    bibtex: Annotated[tuple[str, ...], Each(Text(), "entries of BibTeX")] = ()

    def __post_init__(self) -> None:
        problems = Problems("Recordings")
        converted = check_fields(self, problems)
        if {"samples", "labels"} <= converted and len(self.samples) != self.labels.size:
            problems.add(
                f"labels must be one for each of {len(self.samples)} samples, got "
                f"{self.labels.size}"
            )
        named = {"labels", "names"} <= converted and self.names and self.labels.size
        if named and self.labels.max() >= len(self.names):
            problems.add(
                f"names must be one for each class from 0 to {self.labels.max()}, got "
                f"{len(self.names)}"
            )
        problems.raise_if_any()
        samples = []
        for k, sample in enumerate(self.samples):
            with problems.collecting():
                samples.append(to_recording(sample, self.shape, f"samples[{k}]"))
        problems.found[20:] = []
        problems.raise_if_any()
        object.__setattr__(self, "samples", tuple(samples))
        object.__setattr__(self, "labels", read_only(self.labels))
        object.__setattr__(self, "durations", self._lengths())

    def _lengths(self) -> NDArray[np.float64]:
        """Return the length of each sample, ms."""
        last = np.array([sample["t"][-1] for sample in self.samples], np.int64)
        if self.durations is None:
            return read_only((last + 1) / 1000.0)
        if self.durations.size != last.size:
            raise DescriptionError(
                f"Recordings: durations must be one for each of {last.size} samples, got "
                f"{self.durations.size}."
            )
        late = np.flatnonzero(last >= 1000.0 * self.durations)
        if late.size:
            k = int(late[0])
            raise DescriptionError(
                f"Recordings: samples[{k}] has an event at {last[k] / 1000.0:g} ms, and its "
                f"duration is {self.durations[k]:g} ms."
            )
        return read_only(self.durations)

    def __len__(self) -> int:
        return len(self.samples)

    def __iter__(self) -> Iterator[NDArray[Any]]:
        return iter(self.samples)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Recordings):
            return NotImplemented
        same = (self.shape, self.names, len(self)) == (other.shape, other.names, len(other))
        mine, theirs = self._arrays(), other._arrays()
        return same and all(np.array_equal(a, b) for a, b in zip(mine, theirs, strict=True))

    def _arrays(self) -> list[NDArray[Any]]:
        return [self.labels, np.asarray(self.durations), *self.samples]

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        n_events = sum(map(len, self.samples))
        return f"Recordings({len(self)} samples, {n_events} events, shape={self.shape})"

    @checked
    def take(self, chosen: Annotated[Sequence[int], Indices()]) -> Recordings:
        """Return the recordings of some samples, in the order of `chosen`.

        Raises
        ------
        DescriptionError
            If a sample does not exist.
        """
        picked = np.asarray(chosen)
        if picked.size and picked.max() >= len(self):
            raise DescriptionError(
                f"Recordings.take: chosen must be from 0 to {len(self) - 1}, got {picked.max()}."
            )
        return Recordings(
            samples=tuple(self.samples[k] for k in picked),
            shape=self.shape,
            labels=self.labels[picked],
            names=self.names,
            durations=None if self.durations is None else self.durations[picked],
            bibtex=self.bibtex,
        )


def to_recording(sample: Any, shape: tuple[int, ...], where: str) -> NDArray[Any]:
    """Check the events of one sample, and convert them to :data:`EVENT`.

    Raises
    ------
    DescriptionError
        If there are no events or other fields, an event is outside the sensor, or times are
        negative or decrease. The message begins with `where`.
    """
    axes = AXES[-len(shape) :]
    fields_of_sample = getattr(getattr(sample, "dtype", None), "names", None)
    if not fields_of_sample or sample.ndim != 1 or not {"t", *axes} <= set(fields_of_sample):
        names = ", ".join(sorted({"t", *axes}))
        raise DescriptionError(
            f"{where} must be a one-dimensional structured array with the fields {names}, got "
            f"{', '.join(fields_of_sample) if fields_of_sample else shown(sample)}."
        )
    if not sample.size:
        raise DescriptionError(f"{where} must have at least one event, got none; leave it out.")
    events = np.zeros(sample.size, EVENT)
    for name in ("t", *axes):
        events[name] = _whole(sample[name], f"{where}: {name}", events.dtype[name])
    for name, length in zip(axes, shape, strict=True):
        bad = np.flatnonzero((events[name] < 0) | (events[name] >= length))
        if bad.size:
            raise DescriptionError(
                f"{where}: {name} must be from 0 to {length - 1} on a sensor of shape {shape}, got "
                f"{events[name][bad[0]]} at event {bad[0]}."
            )
    times = events["t"]
    if times.min() < 0:
        raise DescriptionError(f"{where}: times must be >= 0 us, got {times.min()}.")
    back = np.flatnonzero(times[1:] < times[:-1])
    if back.size:
        k = int(back[0])
        raise DescriptionError(
            f"{where}: times must be in ascending order, got {times[k + 1]} after {times[k]} us at "
            f"event {k + 1}; sort the recording by t."
        )
    events.flags.writeable = False
    return events


def _whole(values: NDArray[Any], where: str, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Convert whole numbers to an integer type, if it can hold them."""
    limits = np.iinfo(dtype)
    is_whole = values.dtype.kind in "biu" or (
        values.dtype.kind == "f" and bool(np.all(values == np.rint(values)))
    )
    if not is_whole or values.min() < limits.min or values.max() > limits.max:
        raise DescriptionError(
            f"{where} must be whole numbers from {limits.min} to {limits.max}, got {shown(values)}."
        )
    return values.astype(dtype)
