"""Declared kinds of arguments: each is stated once, with the parameter or field that it checks.

A kind is the metadata of :data:`typing.Annotated`. :func:`checked` reads the kinds of a function's
parameters, :func:`check_fields` those of a dataclass's fields; both convert each value, and report
all problems of one call together.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import os
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import numpy as np
from numpy.typing import NDArray

from .errors import DescriptionError, Problems, shown
from .units import (
    LARGEST,
    to_array,
    to_choice,
    to_flag,
    to_float,
    to_int,
    to_integers,
    to_name,
    to_tuple,
)

__all__ = [
    "Callback",
    "Choice",
    "Count",
    "Each",
    "Flag",
    "Indices",
    "Instance",
    "Kind",
    "MappingOf",
    "Name",
    "PathName",
    "Probability",
    "Quantities",
    "Quantity",
    "SeedNumber",
    "Text",
    "check_fields",
    "checked",
    "kinds_of",
]

P = ParamSpec("P")
R = TypeVar("R")

LONGEST_NAME = 255
"""Longest name of a file in one folder, bytes."""


class Kind:
    """Base of all kinds; a family adds its own by a subclass with :meth:`check`."""

    def check(self, value: Any, where: str) -> Any:
        """Return the value in its plain form.

        Raises
        ------
        DescriptionError
            The value does not fit; the message begins with `where`, the argument's name.
        """
        raise NotImplementedError


@dataclass(frozen=True)
class _Range:
    """Limits of a number: `low` and `high` are allowed themselves, `above` and `below` are not."""

    unit: str = "1"
    low: float | None = None
    high: float | None = None
    above: float | None = None
    below: float | None = None

    def check_range(self, array: NDArray[np.float64], where: str) -> None:
        """Refuse numbers outside the limits."""
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
            raise DescriptionError(f"{where} must be {self.limits}, got {array[bad].flat[0]:g}.")

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
    """One finite number in a unit (``"1"``: without one); quantities with units are converted.

    Examples
    --------
    >>> Quantity("ms", above=0.0).check(3, "tau_m")
    3.0
    """

    def check(self, value: Any, where: str) -> float:
        """Return a float in the unit."""
        number = to_float(value, self.unit, where)
        self.check_range(np.asarray(number), where)
        return number


@dataclass(frozen=True)
class Quantities(_Range, Kind):
    """An array of finite numbers in a unit.

    Parameters
    ----------
    shape : tuple of int or None, optional
        Length of each axis; None stands for any length. Default: any shape.
    scalar : bool
        Whether one number may stand for the array; it is returned as a float.
    """

    shape: tuple[int | None, ...] | None = None
    scalar: bool = False

    def check(self, value: Any, where: str) -> Any:
        """Return a read-only float64 array in the unit (or a float, if `scalar`)."""
        array = to_array(value, self.unit, where)
        if self.scalar and not array.ndim:
            self.check_range(array, where)
            return float(array)
        if self.shape is not None:
            _check_shape(array, self.shape, where)
        self.check_range(array, where)
        array.flags.writeable = False
        return array


def _check_shape(array: NDArray[Any], shape: tuple[int | None, ...], where: str) -> None:
    fits = array.ndim == len(shape) and all(
        wanted in (None, length) for wanted, length in zip(shape, array.shape, strict=True)
    )
    if not fits:
        names = ["n" if wanted is None else str(wanted) for wanted in shape]
        text = ", ".join(names) + ("," if len(names) == 1 else "")
        raise DescriptionError(f"{where} must have shape ({text}), got {array.shape}.")


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
    """Whole numbers from 0 to `size` - 1, in one dimension."""

    size: int = LARGEST + 1

    def check(self, value: Any, where: str) -> NDArray[np.int64]:
        """Return an int64 array, shape (n,)."""
        array = to_integers(value, where)
        if array.size and array.max() >= self.size:
            raise DescriptionError(f"{where} must be from 0 to {self.size - 1}, got {array.max()}.")
        return array


@dataclass(frozen=True)
class Flag(Kind):
    """True or False; other values are refused rather than read as one of them."""

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
    """The name of a part of a network or file: printable, not empty, without "/"."""

    def check(self, value: Any, where: str) -> str:
        """Return a str."""
        return to_name(value, where)


@dataclass(frozen=True)
class Text(Kind):
    """Any text, for instance a label of a picture."""

    def check(self, value: Any, where: str) -> str:
        """Return a str."""
        if isinstance(value, str):
            return str(value)
        raise DescriptionError(f"{where} must be a str, got {shown(value)}.")


@dataclass(frozen=True)
class Choice(Kind):
    """One of a few words."""

    valid: tuple[str, ...]

    def __init__(self, *valid: str) -> None:
        object.__setattr__(self, "valid", valid)

    def check(self, value: Any, where: str) -> str:
        """Return the word."""
        return to_choice(value, where, self.valid)


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
        long = [part for part in Path(name).parts if len(os.fsencode(part)) > LONGEST_NAME]
        if long:
            raise DescriptionError(
                f"{where}: a name of at most {LONGEST_NAME} bytes is needed, got one of "
                f"{len(os.fsencode(long[0]))}: {shown(long[0])}."
            )
        return Path(name)


@dataclass(frozen=True)
class Instance(Kind):
    """An object of one of some types, given as classes or as ``"package.module:Class"``.

    A name is looked up when a value is checked, so that declaring it imports nothing.
    """

    types: tuple[type | str, ...]
    remedy: str = ""

    def __init__(self, *types: type | str, remedy: str = "") -> None:
        object.__setattr__(self, "types", types)
        object.__setattr__(self, "remedy", remedy)

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
    found: type = getattr(importlib.import_module(module), name)
    return found


@dataclass(frozen=True)
class Callback(Kind):
    """A function."""

    def check(self, value: Any, where: str) -> Any:
        """Return the function itself."""
        if callable(value) and not isinstance(value, type):
            return value
        raise DescriptionError(f"{where} must be a function, got {shown(value)}.")


@dataclass(frozen=True)
class Each(Kind):
    """A sequence in which every entry is of one kind; `what` names the entries in messages."""

    kind: Kind
    what: str = "values"
    least: int = 0

    def check(self, value: Any, where: str) -> tuple[Any, ...]:
        """Return a tuple of plain values."""
        entries = to_tuple(value, where, self.what)
        if len(entries) < self.least:
            raise DescriptionError(f"{where} must have at least {self.least} {self.what}, got "
                                   f"{len(entries)}.")  # fmt: skip
        return tuple(self.kind.check(entry, f"{where}[{k}]") for k, entry in enumerate(entries))


@dataclass(frozen=True)
class MappingOf(Kind):
    """A mapping of keys of one kind to values of another."""

    key: Kind
    value: Kind | None = None

    def check(self, value: Any, where: str) -> dict[Any, Any]:
        """Return a dict of plain keys and values."""
        if not isinstance(value, Mapping):
            raise DescriptionError(f"{where} must be a mapping, got {shown(value)}.")
        plain = {}
        for name, entry in value.items():
            key = self.key.check(name, f"{where}: key")
            plain[key] = self.value.check(entry, f"{where}[{key!r}]") if self.value else entry
        return plain


@dataclass(frozen=True)
class _Optional(Kind):
    """A kind, or None."""

    kind: Kind

    def check(self, value: Any, where: str) -> Any:
        return None if value is None else self.kind.check(value, where)


def kinds_of(thing: Any) -> dict[str, Kind]:
    """Declared kind of each parameter of a function, or of each field of a dataclass.

    A parameter whose type is a class of spikemem is an :class:`Instance` of it. Parameters
    without a kind are left out.

    Examples
    --------
    >>> def wait(time: typing.Annotated[float, Quantity("s", low=0.0)]) -> None: ...
    >>> kinds_of(wait)
    {'time': Quantity(unit='s', low=0.0, high=None, above=None, below=None)}
    """
    return dict(_kinds(inspect.unwrap(thing)))


@functools.cache
def _kinds(thing: Any) -> dict[str, Kind]:
    hints = typing.get_type_hints(thing, include_extras=True)
    wanted = [item.name for item in fields(thing)] if isinstance(thing, type) else list(hints)
    found = {name: _kind_of(hints[name]) for name in wanted if name in hints and name != "return"}
    return {name: kind for name, kind in found.items() if kind is not None}


def _kind_of(hint: Any) -> Kind | None:
    """Kind that a type hint declares: by its metadata, or as an optional or plain class."""
    for entry in getattr(hint, "__metadata__", ()):
        if isinstance(entry, Kind):
            return entry
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        entries = typing.get_args(hint)
        kinds = [_kind_of(entry) for entry in entries if entry is not type(None)]
        if len(kinds) == 1 and kinds[0] is not None:
            return _Optional(kinds[0]) if type(None) in entries else kinds[0]
        return None
    ours = isinstance(hint, type) and hint.__module__.partition(".")[0] == "spikemem"
    return Instance(hint) if ours and not getattr(hint, "_is_protocol", False) else None


def checked(function: Callable[P, R]) -> Callable[P, R]:
    """Decorator: convert every argument that has a declared kind, before the function runs.

    The default of a parameter is taken as it stands. All problems of a call are reported at once,
    in a message that begins with the name of the function.

    Raises
    ------
    DescriptionError
        By the decorated function: an argument is not of its kind.

    Examples
    --------
    >>> @checked
    ... def wait(time: typing.Annotated[float, Quantity("s", low=0.0)] = 1.0) -> float:
    ...     return time
    >>> wait(2)
    2.0
    >>> wait(-1)
    Traceback (most recent call last):
    ...
    spikemem.errors.DescriptionError: wait: time must be >= 0 s, got -1.
    """
    signature = inspect.signature(function)
    where = function.__qualname__.rpartition("<locals>.")[2].removesuffix(".__init__")

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        bound = signature.bind(*args, **kwargs)
        kinds = _kinds(function)
        problems = Problems(where)
        for name, value in bound.arguments.items():
            if name in kinds and value is not signature.parameters[name].default:
                with problems.noting():
                    bound.arguments[name] = kinds[name].check(value, name)
        problems.raise_if_any()
        return function(*bound.args, **bound.kwargs)

    return call


def check_fields(part: Any, problems: Problems | None = None) -> None:
    """Convert every field of a dataclass that has a declared kind.

    Parameters
    ----------
    part : dataclass instance
        Frozen or not; the plain values replace those that were given.
    problems : Problems, optional
        Notes what is wrong, for the caller to raise with more. Default: raise at once.

    Raises
    ------
    DescriptionError
        Values that are not of their kinds; all of them in one message.
    """
    noted = Problems(type(part).__name__) if problems is None else problems
    for name, kind in kinds_of(type(part)).items():
        with noted.noting():
            object.__setattr__(part, name, kind.check(getattr(part, name), name))
    if problems is None:
        noted.raise_if_any()
