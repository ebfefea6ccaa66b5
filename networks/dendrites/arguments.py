"""Arguments of the theory: whole numbers, probabilities, arrays of either, and how to answer."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import DescriptionError, shown
from ...units import LARGEST, to_flag

__all__ = ["answer", "answer_exactly", "chances", "fraction", "mode", "together", "whole"]


def whole(where: str, name: str, value: Any, low: int, high: Any = LARGEST, limit: str = "") -> Any:
    """Whole numbers from `low` to `high`, int64 of any shape.

    Parameters
    ----------
    where, name : str
        Function and argument, for the message.
    value : int or array_like of int
        What came.
    low : int
        Smallest value.
    high : int or array of int
        Largest value, one or one for each.
    limit : str
        Name of the argument that `high` is.

    Raises
    ------
    DescriptionError
        Not integers, or out of range.
    """
    try:
        array = np.asarray(value)
    except (TypeError, ValueError, OverflowError):
        array = np.asarray(None)
    if array.dtype.kind not in "iu":
        raise DescriptionError(f"{where}: {name} must be an int or an array of int, "
                               f"got {shown(value)}.")  # fmt: skip
    try:
        array, top = np.broadcast_arrays(array, np.asarray(high))
    except ValueError:
        raise DescriptionError(
            f"{where}: {name} must fit the other arguments, got shape {array.shape} beside "
            f"{np.shape(high)}."
        ) from None
    bad = (array < low) | (array > top)
    if np.any(bad):
        where_bad = np.unravel_index(np.argmax(bad), bad.shape)
        text = f"{limit}={top[where_bad]}" if limit else f"{top[where_bad]}"
        raise DescriptionError(
            f"{where}: {name} must be from {low} to {text}, got {array[where_bad]}."
        )
    return array.astype(np.int64)


def chances(where: str, name: str, value: Any, *, positive: bool = False) -> NDArray[np.float64]:
    """Probabilities from 0 to 1, float64 of any shape (fractions too).

    Raises
    ------
    DescriptionError
        Not numbers, or out of range.
    """
    try:
        array = np.asarray(value)
        plain = array.dtype.kind in "iuf" or (
            array.dtype == object and all(isinstance(x, Fraction) for x in array.flat)
        )
        numbers = array.astype(np.float64) if plain else None
    except (TypeError, ValueError, OverflowError):
        numbers = None
    if numbers is None or not np.all((numbers >= 0) & (numbers <= 1)):
        raise DescriptionError(
            f"{where}: {name} must be a probability, from 0 to 1, got {shown(value)}."
        )
    if positive and not np.all(numbers > 0):
        raise DescriptionError(f"{where}: {name} must be above 0, got {shown(value)}.")
    return numbers


def fraction(value: Any) -> Fraction:
    """A number as a fraction; a float stands for its shortest decimal (0.1 is 1/10).

    Examples
    --------
    >>> fraction(0.1)
    Fraction(1, 10)
    """
    return value if isinstance(value, Fraction) else Fraction(str(value))


def together(where: str, **arrays: Any) -> tuple[Any, ...]:
    """Arrays of one shape.

    Raises
    ------
    DescriptionError
        They do not fit together.
    """
    try:
        return np.broadcast_arrays(*arrays.values())
    except ValueError:
        shapes = ", ".join(f"{name} {np.shape(value)}" for name, value in arrays.items())
        raise DescriptionError(f"{where}: shapes must fit together, got {shapes}.") from None


def answer(log_p: NDArray[np.float64], log: bool) -> Any:
    """The probabilities, or their logs; a float if there is but one."""
    certain = np.minimum(log_p, 0.0)
    result = np.asarray(certain if log else np.exp(certain))
    return result if result.ndim else float(result)


def answer_exactly(function: Callable[..., Fraction], *arrays: Any) -> Any:
    """A Fraction, or an object array of them, from a function of Python numbers."""
    shape = np.broadcast_shapes(*(np.shape(array) for array in arrays))
    if not shape:
        return function(*(np.asarray(array).item() for array in arrays))
    result = np.empty(shape, dtype=object)
    full = [np.broadcast_to(np.asarray(array), shape) for array in arrays]
    for index in np.ndindex(shape):
        values = (array[index] for array in full)
        result[index] = function(*(v.item() if isinstance(v, np.generic) else v for v in values))
    return result


def mode(where: str, exact: Any, log: Any) -> bool:
    """Whether to answer exactly.

    Raises
    ------
    DescriptionError
        Both are asked for, or one is not a bool.
    """
    with_fractions = to_flag(exact, f"{where}: exact")
    if to_flag(log, f"{where}: log") and with_fractions:
        raise DescriptionError(f"{where}: give exact=True or log=True, not both: a logarithm is "
                               f"no fraction.")  # fmt: skip
    return with_fractions
