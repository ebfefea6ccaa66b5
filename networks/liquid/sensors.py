"""Sensors: the channel of an event from its column, row and polarity."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import DescriptionError, shown
from ...units import LARGEST, to_int

__all__ = [
    "channel_of",
    "cropped_channels",
    "recorded_times",
    "require_sensor",
    "structured_fields",
]

_AXES = ("p", "y", "x")


def require_sensor(value: Any, where: str) -> tuple[int, ...]:
    """Return the lengths of a sensor's axes as a tuple.

    Raises
    ------
    DescriptionError
        If a length is not a whole number >= 1, or there are too many channels.
    """
    lengths = value if isinstance(value, tuple | list) else (value,)
    if not lengths:
        raise DescriptionError(f"{where} must have at least one axis, got {shown(value)}.")
    shape = tuple(to_int(length, where) for length in lengths)
    if math.prod(shape) > LARGEST:
        raise DescriptionError(f"{where} must have at most {LARGEST} channels, got {shape}.")
    return shape


def structured_fields(
    recording: Any, sensor: tuple[int, ...], where: str
) -> dict[str, NDArray[Any]]:
    """Return the field `t` and the fields of the sensor's axes from a structured array.

    Raises
    ------
    DescriptionError
        If it is not a structured array of one dimension, or a field is missing.
    """
    if len(sensor) > len(_AXES):
        raise DescriptionError(f"{where}: a sensor has at most three axes (polarities, rows, "
                               f"columns), got {sensor}.")  # fmt: skip
    names = ("t", *_AXES[-len(sensor) :])
    present = getattr(getattr(recording, "dtype", None), "names", None)
    if not present or getattr(recording, "ndim", 0) != 1:
        raise DescriptionError(
            f"{where} must be a structured array of one dimension with the fields "
            f"{', '.join(names)}, got {shown(recording)}."
        )
    missing = [name for name in names if name not in present]
    if missing:
        raise DescriptionError(
            f"{where} must have the fields {', '.join(names)}, got {', '.join(present)}."
        )
    return {name: np.asarray(recording[name]) for name in names}


def recorded_times(values: NDArray[Any], unit: float, where: str) -> NDArray[np.float64]:
    """Return the times of one recording in ms.

    Raises
    ------
    DescriptionError
        If times are not numbers, are negative, or are not in ascending order.
    """
    if values.dtype.kind not in "iuf":
        raise DescriptionError(f"{where}: t must be numbers, got {shown(values)}.")
    times = values.astype(np.float64)
    if not np.all(np.isfinite(times)) or (times.size and times.min() < 0):
        bad = times[~(times >= 0) | ~np.isfinite(times)][0]
        raise DescriptionError(f"{where}: times must be finite and >= 0, got {bad:g}.")
    back = np.flatnonzero(np.diff(times) < 0)
    if back.size:
        k = int(back[0])
        raise DescriptionError(
            f"{where}: times must be in ascending order, got {times[k + 1]:g} after {times[k]:g} "
            f"at event {k + 1}; sort the recording by t."
        )
    return times * unit


def channel_of(
    fields: Mapping[str, NDArray[Any]], sensor: tuple[int, ...], where: str
) -> NDArray[np.int64]:
    """Return the channel of each event, ``(polarity * rows + y) * columns + x``.

    Raises
    ------
    DescriptionError
        If an event is outside the sensor.
    """
    channel = np.zeros(fields["t"].shape, dtype=np.int64)
    for name, length in zip(_AXES[-len(sensor) :], sensor, strict=True):
        values = fields[name]
        if values.dtype.kind not in "biu":
            raise DescriptionError(f"{where}: {name} must be integers, got {shown(values)}.")
        position = values.astype(np.int64)
        bad = (position < 0) | (position >= length)
        if bad.any():
            raise DescriptionError(
                f"{where}: {name} must be from 0 to {length - 1} on a sensor of shape {sensor}, "
                f"got {values[bad][0]} at event {int(np.argmax(bad))}."
            )
        channel = channel * length + position
    return channel


def cropped_channels(
    shape: tuple[int, ...], size: Any, offset: Any, where: str
) -> tuple[NDArray[np.int64], tuple[int, ...]]:
    """Return the new number of each channel (-1 outside a rectangle), and the new shape.

    Raises
    ------
    DescriptionError
        If the sensor has no rows and columns, or the rectangle is not inside it.
    """
    if len(shape) < 2:
        raise DescriptionError(f"{where}: the sensor must have rows and columns, got {shape}.")
    kept = require_sensor(size, f"{where}: size")
    kept = kept * 2 if len(kept) == 1 else kept
    room = shape[-2:]
    if len(kept) != 2 or kept[0] > room[0] or kept[1] > room[1]:
        raise DescriptionError(
            f"{where}: size must be rows and columns, at most {room}, got {shown(size)}."
        )
    first = ((room[0] - kept[0]) // 2, (room[1] - kept[1]) // 2)
    if offset is not None:
        corner = offset if isinstance(offset, tuple | list) else (offset,)
        first = tuple(to_int(k, f"{where}: offset", low=0) for k in corner)  # type: ignore[assignment]
        if len(first) != 2 or first[0] + kept[0] > room[0] or first[1] + kept[1] > room[1]:
            raise DescriptionError(
                f"{where}: a rectangle of {kept} at {shown(offset)} must be inside {room}."
            )
    new_channels = np.full(shape, -1, dtype=np.int64)
    new = (*shape[:-2], *kept)
    inside = (..., slice(first[0], first[0] + kept[0]), slice(first[1], first[1] + kept[1]))
    new_channels[inside] = np.arange(math.prod(new)).reshape(new)
    return new_channels.ravel(), new
