"""The names that a sweep can vary: settings of the subject, the experiment and the conditions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Any, Literal

import numpy as np

from ..checks import Count, Kind, Optional, Probability, Quantity, SeedNumber, kinds_of
from ..errors import DescriptionError, shown, unknown_name
from .bisection import Bisect
from .conditions import Conditions
from .experiments.base import Experiment
from .subject import Subject

__all__ = ["RESERVED", "Axes", "Part"]

Part = Literal["subject", "experiment", "conditions"]

RESERVED = (
    "model", "experiment", "vary", "fixed", "trials", "jobs", "out", "cluster", "progress",
    "retry_failed", "seed",
)  # fmt: skip
"""Names of the sweep itself, which no setting may have."""

MOST_VALUES = 1_000_000
"""Most values of one axis."""


@dataclass(frozen=True)
class Axes:
    """Every setting of a subject, an experiment and the conditions, in one flat name space.

    Parameters
    ----------
    parts : mapping of str to Part
        What each setting belongs to.
    kinds : mapping of str to Kind
        Its declared kind.
    defaults : mapping of str to object
        Its default.
    aliases : mapping of str to str
        Further names of settings.
    """

    parts: Mapping[str, Part]
    kinds: Mapping[str, Kind]
    defaults: Mapping[str, Any]
    aliases: Mapping[str, str]

    @classmethod
    def of(cls, subject: type[Subject], experiment: type[Experiment]) -> Axes:
        """The settings of these classes; the default backend is that of the subject.

        Raises
        ------
        DescriptionError
            Two of them have the same name, one declares no kind or no default, or there is no
            such backend: a mistake in the class.
        """
        parts: dict[str, Part] = {}
        kinds: dict[str, Kind] = {}
        defaults: dict[str, Any] = {}
        owners: tuple[tuple[Part, Any], ...] = (
            ("subject", subject), ("experiment", experiment), ("conditions", Conditions),
        )  # fmt: skip
        for part, owner in owners:
            declared = kinds_of(owner)
            for item in fields(owner):
                where = f"{owner.__name__}.{item.name}"
                if item.name in parts or item.name in RESERVED:
                    other = parts.get(item.name, "sweep")
                    raise DescriptionError(f"stress: {where} has the name of a setting of the "
                                           f"{other}; give it another.")  # fmt: skip
                if item.name not in declared:
                    raise DescriptionError(f"stress: {where} declares no kind (see checks.py).")
                parts[item.name], kinds[item.name] = part, declared[item.name]
                defaults[item.name] = _default(item, where)
        where = f"stress: {subject.__name__}.backend"
        defaults["backend"] = kinds["backend"].check(subject.backend, where)
        aliases = dict(subject.aliases)
        for name, target in aliases.items():
            if name in parts or name in RESERVED or target not in parts:
                raise DescriptionError(f"stress: the alias {name!r} of {subject.__name__} must be "
                                       f"a new name of a setting.")  # fmt: skip
        return cls(parts, kinds, defaults, aliases)

    @property
    def names(self) -> list[str]:
        """All names that a sweep can vary."""
        return [*self.parts, *self.aliases, "seed"]

    def name_of(self, name: Any) -> str:
        """The setting that a name stands for.

        Raises
        ------
        DescriptionError
            There is none of this name.
        """
        if isinstance(name, str) and (name in self.parts or name == "seed"):
            return name
        if isinstance(name, str) and name in self.aliases:
            return self.aliases[name]
        if name == "trials":
            raise DescriptionError("trials can't be varied: give the number of trials per point.")
        raise DescriptionError(unknown_name("axis", name, self.names))

    def kind(self, name: str) -> Kind:
        """Declared kind of a setting, or of the seed."""
        return SeedNumber() if name == "seed" else self.kinds[name]

    def value(self, name: str, value: Any) -> Any:
        """One value of a setting in its plain form, as JSON has it.

        Raises
        ------
        DescriptionError
            It is not of the declared kind.
        """
        if isinstance(value, Bisect):
            raise DescriptionError(f"{name} is fixed: one value is needed, got {shown(value)}.")
        return plain(self.kind(name).check(value, name), name)

    def values(self, name: str, given: Any) -> tuple[Any, ...] | Bisect:
        """Values of a varied setting.

        Raises
        ------
        DescriptionError
            No sequence, an empty one, a value that is not of the kind, or one that comes twice.
        """
        if isinstance(given, Bisect):
            return self._bisected(name, given)
        if not _is_sequence(given):
            raise DescriptionError(
                f"{name} is varied: a sequence of values or a Bisect is needed, got {shown(given)}."
            )
        found: dict[str, Any] = {}
        for k, entry in enumerate(given):
            if k >= MOST_VALUES:
                raise DescriptionError(f"{name}: at most {MOST_VALUES} values of an axis.")
            value = plain(self.kind(name).check(entry, name), name)
            if repr(value) in found:
                raise DescriptionError(f"{name}: the value {shown(value)} comes twice.")
            found[repr(value)] = value
        if not found:
            raise DescriptionError(f"{name}: the range is empty; give at least one value.")
        return tuple(found.values())

    def is_one_value(self, name: str, given: Any) -> bool:
        """Whether something given for a setting is one value of it, rather than a range."""
        if isinstance(given, Bisect):
            return False
        if not _is_sequence(given):
            return True
        if not hasattr(given, "__len__"):
            return False
        try:
            self.kind(name).check(given, name)
        except DescriptionError:
            return False
        return True

    def is_whole(self, name: str) -> bool:
        """Whether a setting takes whole numbers only."""
        return isinstance(_inner(self.kind(name)), Count | SeedNumber)

    def _bisected(self, name: str, axis: Bisect) -> Bisect:
        kind = _inner(self.kind(name))
        if name == "seed" or not isinstance(kind, Count | Quantity | Probability):
            raise DescriptionError(f"{name} can't be bisected: it is not a number of a scale.")
        if self.is_whole(name):
            axis.require_whole(name)
        for end in (axis.low, axis.high):
            kind.check(int(end) if self.is_whole(name) else end, name)
        return axis


def _inner(kind: Kind) -> Kind:
    """The kind of a value that may be None, which a type hint can say twice."""
    while isinstance(kind, Optional):
        kind = kind.kind
    return kind


def _is_sequence(given: Any) -> bool:
    if isinstance(given, np.ndarray):
        return given.ndim > 0
    return isinstance(given, Iterable) and not isinstance(given, str | bytes | Mapping)


def _default(item: Any, where: str) -> Any:
    if item.default is not MISSING:
        return item.default
    if item.default_factory is not MISSING:
        return item.default_factory()
    raise DescriptionError(f"stress: {where} has no default.")


def plain(value: Any, name: str) -> Any:
    """A value as JSON has it: None, bool, int, float, str, or a list of these.

    Raises
    ------
    DescriptionError
        It is something else.
    """
    if isinstance(value, np.generic | np.ndarray):
        value = value.tolist()
    if isinstance(value, tuple | list):
        return [plain(entry, name) for entry in value]
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return {key: plain(entry, name) for key, entry in value.items()}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise DescriptionError(
        f"{name}: a sweep takes numbers, words and sequences of them, got {shown(value)}."
    )
