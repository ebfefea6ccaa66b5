"""Kinds of the theory's arguments: whole numbers and probabilities of any shape; and answers."""

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
    "Asked",
    "Bound",
    "Cells",
    "Chance",
    "Chances",
    "PatternCount",
    "Swapped",
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

Asked = Annotated[bool, Flag()]
"""What ``exact`` and ``log`` take."""

_WORKING = 16
"""Arrays of the answer's shape that a formula holds at once, about."""


def plain_array(value: Any) -> NDArray[Any]:
    """An array, or one of None; masked arrays are not accepted, since their mask would be lost."""
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
        """Refuse numbers above those of the argument `at_most`."""
        array, high = np.broadcast_arrays(value, most)
        bad = array > high
        if np.any(bad):
            raise DescriptionError(f"{where} must be from {self.low} to {self.at_most}="
                                   f"{high[bad].flat[0]}, got {array[bad].flat[0]}.")  # fmt: skip


@dataclass(frozen=True)
class Chances(Kind):
    """Probabilities, of any shape: numbers or fractions.

    Parameters
    ----------
    positive : bool
        Whether 0 is refused.
    one : bool
        Whether only one number is accepted.
    """

    positive: bool = False
    one: bool = False

    def check(self, value: Any, where: str) -> Any:
        """Return an array of float64 or of :class:`~fractions.Fraction` (or one, if `one`)."""
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
    """Decorator: as ``checked``, with the limits that arguments set each other.

    Arguments of the kinds :class:`Whole` and :class:`Chances` must broadcast, none may exceed
    the one that limits it, and ``exact`` and ``log`` exclude each other. The name of the function
    begins the message of every error.
    """
    where = function.__name__

    @functools.wraps(function)
    def limited(*args: P.args, **given: P.kwargs) -> R:
        kinds = {name: kind for name, kind in kinds_of(function).items() if name in given}
        try:
            _fit({n: given[n] for n, kind in kinds.items() if isinstance(kind, Whole | Chances)})
            for name, kind in kinds.items():
                if isinstance(kind, Whole) and kind.at_most in given:
                    kind.check_limit(given[name], given[kind.at_most], name)
            if given.get("exact") and given.get("log"):
                raise DescriptionError("give exact=True or log=True, not both: a logarithm is no "
                                       "fraction.")  # fmt: skip
            return function(*args, **given)
        except DescriptionError as error:
            raise DescriptionError(f"{where}: {error}") from None

    return checked(limited)


def _fit(arrays: dict[str, Any]) -> None:
    """Refuse shapes that do not broadcast, or to more than the memory holds."""
    text = ", ".join(f"{name} {np.shape(array)}" for name, array in arrays.items())
    try:
        shape = np.broadcast_shapes(*(np.shape(array) for array in arrays.values()))
    except ValueError:
        raise DescriptionError(f"shapes must fit together, got {text}.") from None
    require_table(math.prod(map(float, shape)), f"shapes {text}")


def require_table(n_values: float, where: str) -> None:
    """Refuse arrays of so many values that the formulas would not fit into memory."""
    require_memory(8.0 * _WORKING * n_values, where, "Ask for fewer values at once.")


Cells = Annotated[Any, Whole()]
Active = Annotated[Any, Whole(0, "n")]
Synapses = Annotated[Any, Whole(1, "n")]
SynapsesOnActive = Annotated[Any, Whole(1, "a")]
Threshold = Annotated[Any, Whole(1, "s")]
Swapped = Annotated[Any, Whole(0, "a")]
PatternCount = Annotated[Any, Whole()]
Chance = Annotated[Any, Chances()]
Bound = Annotated[Any, Chances(positive=True)]


def fraction(value: Any) -> Fraction:
    """A number as a fraction; a float stands for its shortest decimal (0.1 is 1/10).

    Examples
    --------
    >>> fraction(0.1)
    Fraction(1, 10)
    """
    return value if isinstance(value, Fraction) else Fraction(str(value))


def answer(log_p: NDArray[np.float64], log: bool) -> Any:
    """The probabilities, or their logs; a float if there is but one."""
    certain = np.minimum(log_p, 0.0)
    result = np.asarray(certain if log else np.exp(certain))
    return result if result.ndim else float(result)


def answer_exactly(function: Callable[..., Any], *arrays: Any) -> Any:
    """A Fraction, or an object array of them, from a function of Python numbers."""
    full = np.broadcast_arrays(*(np.asarray(array) for array in arrays))
    result = np.empty(full[0].shape, dtype=object)
    for index in np.ndindex(result.shape):
        values = (array[index] for array in full)
        result[index] = function(*(v.item() if isinstance(v, np.generic) else v for v in values))
    return result if result.ndim else result.item()
