"""Units at the door: plain floats in PyNN's units, or Brian2 quantities of the right dimension."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .errors import DescriptionError

__all__ = ["UNITS", "in_unit", "steps", "to_array", "to_float"]

UNITS = ("ms", "mV", "nA", "nF", "uS", "Hz", "s")
"""The units in which spikemem takes and gives floats."""

_BRIAN2_NAME = {"nF": "nfarad", "uS": "usiemens", "Hz": "hertz", "s": "second"}


def in_unit(value: Any, unit: str, where: str) -> Any:
    """Strip the unit of a Brian2 quantity, after checking that it has the right dimension.

    Parameters
    ----------
    value : object
        A number, an array, or a ``brian2.Quantity``; anything else is returned as it came.
    unit : str
        One of :data:`UNITS`.
    where : str
        The argument's name, for the message.

    Raises
    ------
    DescriptionError
        The quantity has another dimension.

    Examples
    --------
    >>> in_unit(20.0, "ms", "tau_m")
    20.0
    """
    dimensions = getattr(value, "dim", None)
    brian2 = sys.modules.get("brian2")
    if dimensions is None or brian2 is None or not isinstance(value, brian2.Quantity):
        return value
    target = getattr(brian2, _BRIAN2_NAME.get(unit, unit))
    if not brian2.have_same_dimensions(value, target):
        raise DescriptionError(
            f"{where} must be in {unit}, got the Brian2 quantity {value!r}. "
            f"Pass a quantity of the dimension of {unit}, or a float in {unit}."
        )
    return np.asarray(value / target)[()]


def to_float(value: Any, unit: str, where: str) -> float:
    """Convert one finite number, or a Brian2 quantity, to a float in `unit`.

    Raises
    ------
    DescriptionError
        Not a number, not a scalar, NaN or infinite, or of the wrong dimension.

    Examples
    --------
    >>> to_float(3, "ms", "delay")
    3.0
    """
    array = to_array(value, unit, where)
    if array.ndim:
        raise DescriptionError(
            f"{where} must be one number in {unit}, got an array of shape {array.shape}."
        )
    return float(array)


def to_array(value: ArrayLike | Any, unit: str, where: str) -> NDArray[np.float64]:
    """Convert numbers, or a Brian2 quantity, to a float64 array in `unit` (a copy).

    Raises
    ------
    DescriptionError
        Not numbers, NaN or infinite, or of the wrong dimension.
    """
    plain = in_unit(value, unit, where)
    if isinstance(plain, bool | str | bytes) or plain is None:
        raise DescriptionError(f"{where} must be in {unit} (a float), got {plain!r}.")
    try:
        array = np.array(plain, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DescriptionError(
            f"{where} must be in {unit} (a float or an array), got {value!r}."
        ) from error
    if not np.all(np.isfinite(array)):
        raise DescriptionError(f"{where} must be finite, got {_first_bad(array)}.")
    return array


def _first_bad(array: NDArray[np.float64]) -> str:
    bad = np.flatnonzero(~np.isfinite(array))
    place = "" if array.ndim == 0 else f" at index {int(bad[0])}"
    return f"{array.flat[bad[0]]}{place}"


def steps(times: ArrayLike, dt: float) -> NDArray[np.int64]:
    """Nearest whole number of steps of `dt` ms for each time (ms).

    Examples
    --------
    >>> steps([0.3, 1.0], 0.1)
    array([ 3, 10])
    """
    return np.rint(np.asarray(times, dtype=np.float64) / dt).astype(np.int64)
