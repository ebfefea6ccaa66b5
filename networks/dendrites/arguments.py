"""Kinds of the theory's arguments (whole numbers, probabilities), and forms of its results."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated, Any, ParamSpec, TypeVar

import numpy as np
from numpy.typing import NDArray

from ...checks import Flag, Kind, checked, kinds_of
from ...errors import DescriptionError, shown
from ...limits import require_memory
from ...units import LARGEST

__all__ = [
    "Active",
    "Bound",
    "CellCount",
    "PatternCount",
    "Probabilities",
    "ProbabilityArray",
    "Swapped",
    "Switch",
    "Synapses",
    "SynapsesOnActive",
    "Threshold",
    "Whole",
    "answer",
    "answer_exactly",
    "formula",
    "fraction",
    "plain_array",
    "require_table",
]

P = ParamSpec("P")
R = TypeVar("R")

Switch = Annotated[bool, Flag()]
"""Type of the arguments ``exact`` and ``log``."""

_WORKING = 16
"""Approximate number of arrays of the result's shape that a formula holds at once."""


def plain_array(value: Any) -> NDArray[Any]:
    """Return an array, or an array of None if `value` is masked or not an array."""
    try:
        return np.asarray(None if isinstance(value, np.ma.MaskedArray) else value)
    except (TypeError, ValueError, OverflowError):
        return np.asarray(None)


@dataclass(frozen=True)
class Whole(Kind):
    """Whole numbers >= `low`, of any shape.

    Parameters
    ----------
    low : int
        Smallest value.
    at_most : str
        Name of the argument that the values must not exceed; :func:`formula` checks it.
    one : bool
        Whether only one number is accepted.
    """

    low: int = 1
    at_most: str = ""
    one: bool = False

    def check(self, value: Any, where: str) -> Any:
        """Return an int64 array (or an int, if `one`)."""
        array = plain_array(value)
        if self.one and array.ndim:
            raise DescriptionError(f"{where} must be one int, got {shown(value)}.")
        if array.dtype.kind not in "iu":
            raise DescriptionError(
                f"{where} must be an int or an array of int, got {shown(value)}; at most {LARGEST}."
            )
        bad = (array < self.low) | (array > LARGEST)
        if np.any(bad):
            high = self.at_most or LARGEST
            raise DescriptionError(
                f"{where} must be from {self.low} to {high}, got {array[bad].flat[0]}."
            )
        return int(array) if self.one else array.astype(np.int64)

    def check_limit(self, value: Any, most: Any, where: str) -> None:
        """Raise an error if a number is above that of the argument `at_most`."""
        array, high = np.broadcast_arrays(value, most)
        bad = array > high
        if np.any(bad):
            raise DescriptionError(f"{where} must be from {self.low} to {self.at_most}="
                                   f"{high[bad].flat[0]}, got {array[bad].flat[0]}.")  # fmt: skip


@dataclass(frozen=True)
class Probabilities(Kind):
    """Probabilities of any shape, as numbers or fractions.

    Parameters
    ----------
    positive : bool
        Whether the values must be above 0.
    one : bool
        Whether only one number is accepted.
    """

    positive: bool = False
    one: bool = False

    def check(self, value: Any, where: str) -> Any:
        """Return an array of float64 or :class:`~fractions.Fraction` (or one value, if `one`)."""
        array = plain_array(value)
        if self.one and array.ndim:
            raise DescriptionError(f"{where} must be one probability, got {shown(value)}.")
        exact = array.dtype == object and all(isinstance(x, Fraction) for x in array.flat)
        plain = array.dtype.kind in "iuf" or exact
        if not plain or not np.all((array >= 0) & (array <= 1)):
            raise DescriptionError(
                f"{where} must be a probability, from 0 to 1, got {shown(value)}."
            )
        if self.positive and not np.all(array > 0):
            raise DescriptionError(f"{where} must be above 0, got {shown(value)}.")
        if not exact:
            array = array.astype(np.float64)
        return array.item() if self.one else array


def formula(function: Callable[P, R]) -> Callable[P, R]:
    """Decorate a formula: check its arguments as ``checked`` does, and how they limit each other.

    Arguments of the kinds :class:`Whole` and :class:`Probabilities` must broadcast. None may exceed
    the argument that limits it. ``exact`` and ``log`` exclude each other. Every error message
    begins with the name of the function.
    """
    where = function.__name__

    @functools.wraps(function)
    def limited(*args: P.args, **named: P.kwargs) -> R:
        kinds = {name: kind for name, kind in kinds_of(function).items() if name in named}
        arrays = [n for n, kind in kinds.items() if isinstance(kind, Whole | Probabilities)]
        try:
            _check_shapes({name: named[name] for name in arrays})
            for name, kind in kinds.items():
                if isinstance(kind, Whole) and kind.at_most in named:
                    kind.check_limit(named[name], named[kind.at_most], name)
            if named.get("exact") and named.get("log"):
                raise DescriptionError("give exact=True or log=True, not both: logarithms have no "
                                       "exact form.")  # fmt: skip
            return function(*args, **named)
        except DescriptionError as error:
            raise DescriptionError(f"{where}: {error}") from None

    return checked(limited)


def _check_shapes(arrays: dict[str, Any]) -> None:
    """Raise an error if shapes do not broadcast, or the result does not fit into memory."""
    text = ", ".join(f"{name} {np.shape(array)}" for name, array in arrays.items())
    try:
        shape = np.broadcast_shapes(*(np.shape(array) for array in arrays.values()))
    except ValueError:
        raise DescriptionError(f"shapes must broadcast, got {text}.") from None
    require_table(math.prod(map(float, shape)), f"shapes {text}")


def require_table(n_values: float, where: str) -> None:
    """Raise an error if arrays of so many values do not fit into memory."""
    require_memory(8.0 * _WORKING * n_values, where, "Compute fewer values at once.")


CellCount = Annotated[Any, Whole()]
Active = Annotated[Any, Whole(0, "n")]
Synapses = Annotated[Any, Whole(1, "n")]
SynapsesOnActive = Annotated[Any, Whole(1, "a")]
Threshold = Annotated[Any, Whole(1, "s")]
Swapped = Annotated[Any, Whole(0, "a")]
PatternCount = Annotated[Any, Whole()]
ProbabilityArray = Annotated[Any, Probabilities()]
Bound = Annotated[Any, Probabilities(positive=True)]


def fraction(value: Any) -> Fraction:
    """Return a number as a fraction; a float stands for its shortest decimal (0.1 is 1/10).

    Examples
    --------
    >>> fraction(0.1)
    Fraction(1, 10)
    """
    return value if isinstance(value, Fraction) else Fraction(str(value))


def answer(log_p: NDArray[np.float64], log: bool) -> Any:
    """Return probabilities or their logs, as an array or as one float."""
    limited = np.minimum(log_p, 0.0)
    result = np.asarray(limited if log else np.exp(limited))
    return result if result.ndim else float(result)


def answer_exactly(function: Callable[..., Any], *arrays: Any) -> Any:
    """Apply a function of Python numbers; return one value, or an object array of values."""
    full = np.broadcast_arrays(*(np.asarray(array) for array in arrays))
    result = np.empty(full[0].shape, dtype=object)
    for index in np.ndindex(result.shape):
        values = (array[index] for array in full)
        result[index] = function(*(v.item() if isinstance(v, np.generic) else v for v in values))
    return result if result.ndim else result.item()
