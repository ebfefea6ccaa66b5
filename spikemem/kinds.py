"""Kinds of values: each checks and converts the values of a parameter or field.

A kind is the metadata of :data:`typing.Annotated`; :mod:`spikemem.checks` reads it.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import DescriptionError, shown, unknown_name
from .units import (
    LARGEST,
    to_array,
    to_flag,
    to_float,
    to_int,
    to_integers,
    to_name,
    to_tuple,
)

__all__ = [
    "AnyValue",
    "Callback",
    "Choice",
    "Count",
    "Flag",
    "Indices",
    "Instance",
    "Kind",
    "Name",
    "NameOf",
    "PathName",
    "Probability",
    "Quantities",
    "Quantity",
    "SeedNumber",
    "Some",
    "Text",
    "check_shape",
]

LONGEST_NAME = 255
"""Longest file name, bytes."""

LONGEST_PATH = 4000
"""Longest path, bytes: Linux's limit, minus the length that a partial file's name adds."""


class Kind:
    """Base of all kinds; a subclass with :meth:`check` adds another kind.

    Subclasses return the value in a plain form: a float, an int, a tuple, a read-only array.
    """

    def check(self, value: Any, where: str) -> Any:
        """Return the value in its plain form.

        Raises
        ------
        DescriptionError
            If the value does not fit. The message begins with `where`, the argument's name.
        """
        raise NotImplementedError


@dataclass(frozen=True)
class _Range:
    """Limits of a number: `low` and `high` are inclusive, `above` and `below` are exclusive.

    `remedy` ends the message about a number outside the limits.
    """

    unit: str = "1"
    low: float | None = None
    high: float | None = None
    above: float | None = None
    below: float | None = None
    remedy: str = ""

    def check_range(self, array: NDArray[np.float64], where: str) -> None:
        """Raise an error if a number is outside the limits."""
        if self.low is self.high is self.above is self.below is None:
            return
        bad = np.zeros(array.shape, dtype=np.bool_)
        for limit, outside in (
            (self.low, np.less),
            (self.high, np.greater),
            (self.above, np.less_equal),
            (self.below, np.greater_equal),
        ):
            if limit is not None:
                bad |= outside(array, limit)
        if bad.any():
            text = f"{where} must be {self.limits}, got {array[bad].flat[0]:g}"
            raise DescriptionError(f"{text}; {self.remedy}." if self.remedy else f"{text}.")

    @property
    def limits(self) -> str:
        """The limits in words, with the unit."""
        words = {">=": self.low, "<=": self.high, ">": self.above, "<": self.below}
        text = " and ".join(
            f"{sign} {limit:g}" for sign, limit in words.items() if limit is not None
        )
        return text if self.unit == "1" else f"{text} {self.unit}"


@dataclass(frozen=True)
class Quantity(_Range, Kind):
    """One finite number in a unit (``"1"``: no unit); quantities with units are converted.

    Examples
    --------
    >>> Quantity("ms", above=0.0).check(3, "tau_m")
    3.0
    """

    def check(self, value: Any, where: str) -> float:
        """Return a float in the unit."""
        number = to_float(value, self.unit, where)
        if (
            (self.low is not None and number < self.low)
            or (self.high is not None and number > self.high)
            or (self.above is not None and number <= self.above)
            or (self.below is not None and number >= self.below)
        ):
            self.check_range(np.asarray(number), where)
        return number


@dataclass(frozen=True)
class Quantities(_Range, Kind):
    """An array of numbers in a unit; infinite ones are refused unless `infinite` is set.

    Parameters
    ----------
    shape : tuple of int, str or None, optional
        Length of each axis; a name, or None, stands for any length. Default: any shape.
    scalar : bool
        Whether one number is accepted in place of an array; it is returned as a float.
    least : int
        Smallest allowed number of values.
    infinite : bool
        Whether infinite numbers are accepted.
    """

    shape: tuple[int | str | None, ...] | None = None
    scalar: bool = False
    least: int = 0
    infinite: bool = False

    def check(self, value: Any, where: str) -> Any:
        """Return a read-only float64 array in the unit (or a float, if `scalar`)."""
        array = to_array(value, self.unit, where, infinite=self.infinite)
        if self.scalar and not array.ndim:
            self.check_range(array, where)
            return float(array)
        if self.shape is not None:
            check_shape(array, self.shape, f"{where} must be a float or" if self.scalar else where)
        if array.size < self.least:
            raise DescriptionError(
                f"{where} must have at least {self.least} values, got {array.size}."
            )
        self.check_range(array, where)
        array.flags.writeable = False
        return array


def check_shape(array: NDArray[Any], shape: tuple[int | str | None, ...], where: str) -> None:
    """Raise an error if an array has another shape; a name or None stands for any length."""
    fits = array.ndim == len(shape) and all(
        not isinstance(expected, int) or expected == length
        for expected, length in zip(shape, array.shape, strict=True)
    )
    if not fits:
        names = ["n" if expected is None else str(expected) for expected in shape]
        text = ", ".join(names) + ("," if len(names) == 1 else "")
        verb = "have" if where.endswith(" or") else "must have"
        raise DescriptionError(f"{where} {verb} shape ({text}), got {array.shape}.")


@dataclass(frozen=True)
class Probability(Kind):
    """One number from 0 to 1."""

    def check(self, value: Any, where: str) -> float:
        """Return a float from 0 to 1."""
        return Quantity(low=0.0, high=1.0).check(value, where)


@dataclass(frozen=True)
class Count(Kind):
    """One whole number from `low` to `high`; booleans are not accepted."""

    low: int = 1
    high: int = LARGEST

    def check(self, value: Any, where: str) -> int:
        """Return an int."""
        return to_int(value, where, low=self.low, high=self.high)


@dataclass(frozen=True)
class Indices(Kind):
    """A one-dimensional array of whole numbers from 0 to `size` - 1, converted to `dtype`."""

    size: int = LARGEST + 1
    dtype: str = "int64"

    def check(self, value: Any, where: str) -> NDArray[np.integer[Any]]:
        """Return a new array of this type, shape (n,)."""
        array = to_integers(value, where, self.dtype)
        if array.size and array.max() >= self.size:
            raise DescriptionError(f"{where} must be from 0 to {self.size - 1}, got {array.max()}.")
        return array


@dataclass(frozen=True)
class Flag(Kind):
    """True or False; other values are refused."""

    def check(self, value: Any, where: str) -> bool:
        """Return a bool."""
        return to_flag(value, where)


@dataclass(frozen=True)
class SeedNumber(Kind):
    """A whole number >= 0, or a ``numpy.random.Generator``; booleans are not accepted."""

    def check(self, value: Any, where: str) -> Any:
        """Return an int, or the generator itself."""
        if isinstance(value, np.random.Generator):
            return value
        is_int = isinstance(value, int | np.integer) and not isinstance(
            value, bool | np.timedelta64
        )
        if is_int and value >= 0:
            return int(value)
        raise DescriptionError(
            f"{where} must be an int >= 0 or a numpy.random.Generator, got {shown(value)}."
        )


@dataclass(frozen=True)
class Name(Kind):
    """A name of a part of a network or file: printable, not empty, without "/"."""

    def check(self, value: Any, where: str) -> str:
        """Return a str."""
        return to_name(value, where)


@dataclass(frozen=True)
class Text(Kind):
    """Any text that can be written to a file."""

    def check(self, value: Any, where: str) -> str:
        """Return a str."""
        try:
            if isinstance(value, str) and value.encode() is not None:
                return str(value)
        except UnicodeEncodeError:
            pass
        raise DescriptionError(f"{where} must be a str, got {shown(value)}.")


@dataclass(frozen=True)
class Choice(Kind):
    """One of a few words; `what` describes them in messages."""

    valid: tuple[str, ...]
    what: str = "valid choice"

    def __init__(self, *valid: str, what: str = "valid choice") -> None:
        object.__setattr__(self, "valid", valid)
        object.__setattr__(self, "what", what)

    def check(self, value: Any, where: str) -> str:
        """Return the word."""
        if isinstance(value, str) and value in self.valid:
            return str(value)
        raise DescriptionError(f"{where}: {unknown_name(self.what, value, self.valid)}")


@dataclass(frozen=True)
class NameOf(Kind):
    """A name in a table; `what` describes the names in messages."""

    table: Mapping[str, Any]
    what: str

    def __hash__(self) -> int:
        return hash((id(self.table), self.what))

    def check(self, value: Any, where: str) -> str:
        """Return the name."""
        if isinstance(value, str) and value in self.table:
            return str(value)
        raise DescriptionError(f"{where}: {unknown_name(self.what, value, self.table)}")


@dataclass(frozen=True)
class Some(Kind):
    """One or several of a few words; `what` describes them in messages."""

    valid: tuple[str, ...]
    what: str = "valid choice"

    def __init__(self, *valid: str, what: str = "valid choice") -> None:
        object.__setattr__(self, "valid", valid)
        object.__setattr__(self, "what", what)

    def check(self, value: Any, where: str) -> tuple[str, ...]:
        """Return a tuple of the words, each once, in the order in which they are declared."""
        entries = (value,) if isinstance(value, str) else value
        words = to_tuple(entries, where, f"words: {', '.join(self.valid)}")
        for word in words:
            if not isinstance(word, str) or word not in self.valid:
                raise DescriptionError(f"{where}: {unknown_name(self.what, word, self.valid)}")
        return tuple(word for word in self.valid if word in words)


@dataclass(frozen=True)
class PathName(Kind):
    """The path of a file or folder, a str or a ``Path``; it need not exist."""

    def check(self, value: Any, where: str) -> Path:
        """Return a ``Path``."""
        try:
            name = os.fspath(value)
        except TypeError:
            name = None
        if not isinstance(name, str) or not name or "\0" in name:
            raise DescriptionError(f"{where} must be a str or Path, got {shown(value)}.")
        try:
            parts = [os.fsencode(part) for part in (*Path(name).parts, name)]
        except UnicodeEncodeError as error:
            raise DescriptionError(
                f"{where} must be a valid file name, got {shown(value)}."
            ) from error
        longest = max(len(part) for part in parts[:-1]) if parts[:-1] else 0
        if longest > LONGEST_NAME or len(parts[-1]) > LONGEST_PATH:
            raise DescriptionError(
                f"{where} must have at most {LONGEST_PATH} bytes, and each name in it at most "
                f"{LONGEST_NAME}; got {len(parts[-1])} bytes with a name of {longest}: "
                f"{shown(name)}."
            )
        return Path(name)


@dataclass(frozen=True)
class Instance(Kind):
    """An object of one of several types, declared as classes or as ``"package.module:Class"``.

    A name is resolved when a value is checked, so that declaring it imports nothing.
    """

    types: tuple[type | str, ...]
    remedy: str = ""

    def __init__(self, *types: type | str, remedy: str = "") -> None:
        object.__setattr__(self, "types", types)
        object.__setattr__(self, "remedy", remedy)

    def fits(self, values: tuple[Any, ...]) -> bool:
        """Tell whether all values are of these types."""
        allowed = tuple(_class(item) for item in self.types)
        return all(isinstance(value, allowed) for value in values)

    def check(self, value: Any, where: str) -> Any:
        """Return the object itself."""
        allowed = tuple(_class(item) for item in self.types)
        if isinstance(value, allowed):
            return value
        names = " or ".join(item.__name__ for item in allowed)
        article = "an" if names[0] in "AEIOU" else "a"
        advice = f" {self.remedy}" if self.remedy else ""
        raise DescriptionError(f"{where} must be {article} {names}, got {shown(value)}.{advice}")


def _class(item: type | str) -> type:
    if isinstance(item, type):
        return item
    module, _, name = item.partition(":")
    resolved: type = getattr(importlib.import_module(module), name)
    return resolved


@dataclass(frozen=True)
class AnyValue(Kind):
    """Any value; it is not checked."""

    def check(self, value: Any, where: str) -> Any:
        """Return the value itself."""
        return value


@dataclass(frozen=True)
class Callback(Kind):
    """A function or another callable that is not a class."""

    def check(self, value: Any, where: str) -> Any:
        """Return the function itself."""
        if callable(value) and not isinstance(value, type):
            return value
        raise DescriptionError(f"{where} must be a function, got {shown(value)}.")
