"""Converts values of arguments: numbers in PyNN's units, whole numbers, flags, choices, names."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .dimensions import in_unit
from .errors import DescriptionError, shown, unknown_name

__all__ = [
    "GRID",
    "UNITS",
    "in_unit",
    "is_sequence",
    "off_grid",
    "steps",
    "steps_up",
    "to_array",
    "to_choice",
    "to_flag",
    "to_float",
    "to_int",
    "to_integers",
    "to_name",
    "to_tuple",
    "whole_steps",
]

UNITS = ("ms", "mV", "nA", "nF", "uS", "Hz", "s")
"""Units of the floats in arguments and results."""

LARGEST = 2**31 - 1
"""Largest index, size and number of steps."""

GRID = 1e-6
"""Largest difference of two times that count as equal, ms."""

ROUNDING = 1e-9
"""Rounding error of a sum of steps that is tolerated, as a fraction of a step."""


def to_float(value: Any, unit: str, where: str) -> float:
    """Convert one finite number, with or without a unit, to a float in `unit`.

    Raises
    ------
    DescriptionError
        If the value is not a finite number, or has the wrong dimension.

    Examples
    --------
    >>> to_float(3, "ms", "delay")
    3.0
    """
    if type(value) is float and math.isfinite(value):
        return value
    array = to_array(value, unit, where)
    if array.ndim:
        raise DescriptionError(
            f"{where} must be one number in {unit}, got an array of shape {array.shape}."
        )
    return float(array)


def to_array(
    value: ArrayLike | Any, unit: str, where: str, *, infinite: bool = False
) -> NDArray[np.float64]:
    """Convert numbers, with or without a unit, to a float64 array in `unit` (a copy).

    Parameters
    ----------
    value : array_like
        Numbers, with or without a unit.
    unit : str
        One of :data:`UNITS`.
    where : str
        Name of the argument; messages begin with it.
    infinite : bool
        Whether infinite numbers are accepted.

    Raises
    ------
    DescriptionError
        If values are not finite real numbers, or have the wrong dimension.
    """
    array = _numpy(in_unit(value, unit, where))
    if array is None or (array.size and array.dtype.kind not in "iuf"):
        raise DescriptionError(
            f"{where} must be in {unit} (a float or an array), got {shown(value)}."
        )
    array = np.array(array, dtype=np.float64)
    bad = np.isnan(array) if infinite else ~np.isfinite(array)
    if bad.any():
        raise DescriptionError(f"{where} must be finite, got {_first(array, bad)}.")
    return array


def _numpy(value: Any) -> NDArray[Any] | None:
    try:
        return np.asarray(value)
    except (TypeError, ValueError, OverflowError):
        return None


def _first(array: NDArray[np.float64], bad: NDArray[np.bool_]) -> str:
    k = int(np.flatnonzero(bad)[0])
    position = "" if array.ndim == 0 else f" at index {k}"
    return f"{array.flat[k]}{position}"


def to_int(value: Any, where: str, *, low: int = 1, high: int = LARGEST) -> int:
    """Convert one whole number from `low` to `high`.

    Raises
    ------
    DescriptionError
        If the value is not an integer, is a boolean, or is out of range.

    Examples
    --------
    >>> to_int(3, "size")
    3
    """
    is_int = isinstance(value, int | np.integer) and not isinstance(value, bool | np.timedelta64)
    if is_int and low <= value <= high:
        return int(value)
    limits = f">= {low}" if not is_int or value < low else f"<= {high}"
    raise DescriptionError(f"{where} must be an int {limits}, got {shown(value)}")


def to_integers(values: Any, where: str, dtype: str = "int64") -> NDArray[Any]:
    """Convert indices to a one-dimensional array of integers (a copy).

    Raises
    ------
    DescriptionError
        If values are not integers in one dimension, or not from 0 to :data:`LARGEST`.
    """
    array = _numpy(in_unit(values, "1", where))
    if array is None or array.ndim > 1 or (array.size and array.dtype.kind not in "iu"):
        raise DescriptionError(f"{where} must be integers in one dimension, got {shown(values)}")
    array = np.atleast_1d(array)
    if array.size and (array.min() < 0 or array.max() > LARGEST):
        bad = array.min() if array.min() < 0 else array.max()
        raise DescriptionError(f"{where} must be from 0 to {LARGEST}, got {bad}")
    return array.astype(dtype)


def to_name(value: Any, where: str) -> str:
    """Convert the name of a part of a network, which is also the name of an HDF5 group.

    Raises
    ------
    DescriptionError
        If the name is not a str, is empty, or has "/" or unprintable characters.
    """
    fits = isinstance(value, str) and value not in ("", ".") and value.isprintable()
    if fits and "/" not in value:
        return str(value)
    raise DescriptionError(
        f"{where} must be a non-empty str of printable characters without '/', got {shown(value)}"
    )


def to_choice(value: Any, where: str, valid: Sequence[str]) -> str:
    """Convert one of a few words.

    Raises
    ------
    DescriptionError
        If the value is not one of the `valid` words.
    """
    if isinstance(value, str) and value in valid:
        return str(value)
    raise DescriptionError(f"{where}: {unknown_name('valid choice', value, valid)}")


def to_flag(value: Any, where: str) -> bool:
    """Convert True or False.

    Raises
    ------
    DescriptionError
        If the value is anything else.
    """
    if isinstance(value, bool | np.bool_):
        return bool(value)
    raise DescriptionError(f"{where} must be True or False, got {shown(value)}")


def is_sequence(value: Any) -> bool:
    """Tell whether a value is an ordered sequence: a list, a tuple, an array with axes, etc.

    Strings, mappings, sets and generators are not sequences here.

    Examples
    --------
    >>> is_sequence([1, 2]), is_sequence({1, 2}), is_sequence("ab"), is_sequence(3.0)
    (True, False, False, False)
    """
    if isinstance(value, str | bytes | bytearray | Mapping | type):
        return False
    kind = type(value)
    if not (hasattr(kind, "__len__") and hasattr(kind, "__getitem__")):
        return False
    return getattr(value, "ndim", 1) != 0


def to_tuple(values: Any, where: str, what: str) -> tuple[Any, ...]:
    """Convert a sequence to a tuple; `what` describes its entries in messages.

    Raises
    ------
    DescriptionError
        If the value is not a sequence.
    """
    if isinstance(values, Iterable) and not isinstance(values, str | bytes):
        try:
            return tuple(values)
        except TypeError:
            pass
    raise DescriptionError(f"{where} must be a sequence of {what}, got {shown(values)}")


def steps(times: ArrayLike, dt: float) -> NDArray[np.int64]:
    """Return the nearest whole number of steps of `dt` ms for each time (ms).

    Raises
    ------
    DescriptionError
        If there are more steps than a float counts exactly (2**53).

    Examples
    --------
    >>> steps([0.3, 1.0], 0.1)
    array([ 3, 10])
    """
    with np.errstate(over="ignore"):
        ticks = np.rint(np.asarray(times, dtype=np.float64) / dt)
    if not np.all(np.abs(ticks) <= 2.0**53):
        raise DescriptionError(f"a time of {np.max(times):g} ms is too long for dt={dt:g} ms.")
    return ticks.astype(np.int64)


def steps_up(times: ArrayLike, dt: float) -> NDArray[np.float64]:
    """Return each time (ms) in steps of `dt` ms, rounded up, as floats.

    Examples
    --------
    >>> steps_up([0.3, 0.31], 0.1)
    array([3., 4.])
    """
    up: NDArray[np.float64] = np.ceil(np.asarray(times, dtype=np.float64) / dt - ROUNDING)
    return up


def whole_steps(time: float, dt: float, where: str, *, least: int = 1) -> int:
    """Return the number of steps of `dt` ms in a time (ms) that must be a multiple of it.

    Raises
    ------
    DescriptionError
        If the time is not a multiple, has fewer than `least` steps, or more than a float counts
        exactly.

    Examples
    --------
    >>> whole_steps(0.3, 0.1, "duration")
    3
    """
    count = int(steps(time, dt))
    if count < least or abs(count * dt - time) > GRID:
        positive = "a positive multiple" if least else "a multiple"
        raise DescriptionError(f"{where} must be {positive} of dt={dt:g} ms, got {time:g} ms.")
    return count


def off_grid(times: NDArray[np.float64], dt: float) -> NDArray[np.bool_]:
    """Mark times (ms) that are not multiples of `dt` ms, or exceed :data:`LARGEST` steps."""
    with np.errstate(over="ignore"):
        ticks = np.rint(times / dt)
    off: NDArray[np.bool_] = np.abs(times - np.minimum(ticks, LARGEST) * dt) > GRID
    return off | (ticks > LARGEST)
