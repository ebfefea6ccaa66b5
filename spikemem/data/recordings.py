"""Recordings of events, as cameras and cochleas make them: one structured array a sample."""

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
"""One event, with the field names of `tonic`: column or channel, row, time in µs, polarity (0: the
pixel became darker, 1: brighter)."""

AXES = ("p", "y", "x")
"""Fields of an event that a sensor's axes belong to; a sensor of one axis has `x` alone."""


@dataclass(frozen=True)
class SensorShape(Kind):
    """Lengths of the axes of a sensor: channels, or (rows, columns), or polarities before these."""

    def check(self, value: Any, where: str) -> tuple[int, ...]:
        """Return a tuple of one to three ints."""
        given = value if isinstance(value, tuple | list | np.ndarray) else (value,)
        shape = Each(Count(), "lengths", least=1, most=3).check(given, where)
        if math.prod(shape) > LARGEST:
            raise DescriptionError(f"{where} must have at most {LARGEST} channels, got {shape}.")
        return shape


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Recordings(Frozen):
    """Samples of one sensor, with a label each.

    Parameters
    ----------
    samples : sequence of structured ndarray
        For each sample its events in order of time, with the fields ``x``, ``y``, ``t`` and ``p``
        of :data:`EVENT`; of these, `t` and those of the sensor's axes are needed.
    shape : int or tuple of int
        The sensor: channels, (rows, columns) or (polarities, rows, columns).
    labels : array_like of int, shape (n_samples,)
        Class of each sample.
    names : sequence of str, optional
        Name of each class.
    durations : array_like of float, shape (n_samples,), optional
        Length of each sample, ms. Default: 1 µs after its last event.
    bibtex : sequence of str, optional
        What to cite for the data, for :func:`spikemem.citation`.

    Raises
    ------
    DescriptionError
        A sample without events, an event outside the sensor, times that are negative or go back,
        other fields, labels or durations of another length, an event after the end of its sample,
        or a class without a name.

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
        plain = check_fields(self, problems)
        if {"samples", "labels"} <= plain and len(self.samples) != self.labels.size:
            problems.add(
                f"labels must be one for each of {len(self.samples)} samples, got "
                f"{self.labels.size}"
            )
        named = {"labels", "names"} <= plain and self.names and self.labels.size
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
        """Length of each sample, ms."""
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
        """Recordings of some samples, in the order given.

        Raises
        ------
        DescriptionError
            A sample that is not there.
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
    """Check the events of one sample; returns them as :data:`EVENT`.

    Raises
    ------
    DescriptionError
        No events, other fields, an event outside the sensor, or times that are negative or go
        back. The message begins with `where`.
    """
    axes = AXES[-len(shape) :]
    held = getattr(getattr(sample, "dtype", None), "names", None)
    if not held or sample.ndim != 1 or not {"t", *axes} <= set(held):
        names = ", ".join(sorted({"t", *axes}))
        raise DescriptionError(
            f"{where} must be a structured array of one dimension with the fields {names}, got "
            f"{', '.join(held) if held else shown(sample)}."
        )
    if not sample.size:
        raise DescriptionError(f"{where} must have at least one event, got none; leave it out.")
    made = np.zeros(sample.size, EVENT)
    for name in ("t", *axes):
        made[name] = _whole(sample[name], f"{where}: {name}", made.dtype[name])
    for name, length in zip(axes, shape, strict=True):
        bad = np.flatnonzero((made[name] < 0) | (made[name] >= length))
        if bad.size:
            raise DescriptionError(
                f"{where}: {name} must be from 0 to {length - 1} on a sensor of shape {shape}, got "
                f"{made[name][bad[0]]} at event {bad[0]}."
            )
    times = made["t"]
    if times.min() < 0:
        raise DescriptionError(f"{where}: times must be >= 0 us, got {times.min()}.")
    back = np.flatnonzero(times[1:] < times[:-1])
    if back.size:
        k = int(back[0])
        raise DescriptionError(
            f"{where}: times must be in ascending order, got {times[k + 1]} after {times[k]} us at "
            f"event {k + 1}; sort the recording by t."
        )
    made.flags.writeable = False
    return made


def _whole(values: NDArray[Any], where: str, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Whole numbers of a type that holds them."""
    limits = np.iinfo(dtype)
    fine = values.dtype.kind in "biu" or (
        values.dtype.kind == "f" and bool(np.all(values == np.rint(values)))
    )
    if not fine or values.min() < limits.min or values.max() > limits.max:
        raise DescriptionError(
            f"{where} must be whole numbers from {limits.min} to {limits.max}, got {shown(values)}."
        )
    return values.astype(dtype)
