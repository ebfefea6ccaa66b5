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
"""Names of arguments of the sweep itself. A setting must not have one of these names."""

MOST_VALUES = 1_000_000
"""Most values of one axis."""


@dataclass(frozen=True)
class Axes:
    """Every setting of a subject, an experiment and the conditions, in one flat name space.

    Parameters
    ----------
    parts : mapping of str to Part
        The part that each setting belongs to.
    kinds : mapping of str to Kind
        Declared kind of each setting.
    defaults : mapping of str to object
        Default of each setting.
    aliases : mapping of str to str
        Alternative names of settings: alias -> setting.
    """

    parts: Mapping[str, Part]
    kinds: Mapping[str, Kind]
    defaults: Mapping[str, Any]
    aliases: Mapping[str, str]

    @classmethod
    def of(cls, subject: type[Subject], experiment: type[Experiment]) -> Axes:
        """Collect the settings of these classes. The default backend is that of the subject.

        Raises
        ------
        DescriptionError
            If two settings have the same name, if a setting declares no kind or no default, or if
            the subject names an unknown backend. These are mistakes in the class.
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
                                           f"{other}; rename it.")  # fmt: skip
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
        """Return the setting that a name or an alias stands for.

        Raises
        ------
        DescriptionError
            If no setting has this name.
        """
        if isinstance(name, str) and (name in self.parts or name == "seed"):
            return name
        if isinstance(name, str) and name in self.aliases:
            return self.aliases[name]
        if name == "trials":
            raise DescriptionError("trials cannot be varied: give the number of trials per point.")
        raise DescriptionError(unknown_name("axis", name, self.names))

    def kind(self, name: str) -> Kind:
        """Return the declared kind of a setting, or of the seed."""
        return SeedNumber() if name == "seed" else self.kinds[name]

    def value(self, name: str, value: Any) -> Any:
        """Check one value of a setting, and return it in the plain form that JSON can hold.

        Raises
        ------
        DescriptionError
            If the value is not of the declared kind.
        """
        if isinstance(value, Bisect):
            raise DescriptionError(f"{name} is fixed: one value is needed, got {shown(value)}.")
        return plain(self.kind(name).check(value, name), name)

    def values(self, name: str, axis: Any) -> tuple[Any, ...] | Bisect:
        """Check the values of a varied setting, and return them in plain form.

        Raises
        ------
        DescriptionError
            If `axis` is not a sequence, is empty, repeats a value, or holds a value that is not of
            the declared kind.
        """
        if isinstance(axis, Bisect):
            return self._bisected(name, axis)
        if not _is_sequence(axis):
            raise DescriptionError(
                f"{name} is varied: a sequence of values or a Bisect is needed, got {shown(axis)}."
            )
        values: dict[str, Any] = {}
        for k, entry in enumerate(axis):
            if k >= MOST_VALUES:
                raise DescriptionError(f"{name}: an axis has at most {MOST_VALUES} values.")
            value = plain(self.kind(name).check(entry, name), name)
            if repr(value) in values:
                raise DescriptionError(f"{name}: the value {shown(value)} comes twice.")
            values[repr(value)] = value
        if not values:
            raise DescriptionError(f"{name}: the range is empty; give at least one value.")
        return tuple(values.values())

    def is_one_value(self, name: str, value: Any) -> bool:
        """Whether an argument for a setting is one value of it, rather than a range of values."""
        if isinstance(value, Bisect):
            return False
        if not _is_sequence(value):
            return True
        if not hasattr(value, "__len__"):
            return False
        try:
            self.kind(name).check(value, name)
        except DescriptionError:
            return False
        return True

    def is_whole(self, name: str) -> bool:
        """Whether a setting takes whole numbers only."""
        return isinstance(_inner(self.kind(name)), Count | SeedNumber)

    def _bisected(self, name: str, axis: Bisect) -> Bisect:
        kind = _inner(self.kind(name))
        if name == "seed" or not isinstance(kind, Count | Quantity | Probability):
            raise DescriptionError(f"{name} cannot be bisected: its values are not numbers.")
        if self.is_whole(name):
            axis.require_whole(name)
        for end in (axis.low, axis.high):
            kind.check(int(end) if self.is_whole(name) else end, name)
        return axis


def _inner(kind: Kind) -> Kind:
    """Return the kind inside (possibly nested) Optional kinds."""
    while isinstance(kind, Optional):
        kind = kind.kind
    return kind


def _is_sequence(value: Any) -> bool:
    if isinstance(value, np.ndarray):
        return value.ndim > 0
    return isinstance(value, Iterable) and not isinstance(value, str | bytes | Mapping)


def _default(item: Any, where: str) -> Any:
    if item.default is not MISSING:
        return item.default
    if item.default_factory is not MISSING:
        return item.default_factory()
    raise DescriptionError(f"stress: {where} has no default.")


def plain(value: Any, name: str) -> Any:
    """Convert a value to what JSON can hold: None, bool, int, float, str, list or dict.

    Raises
    ------
    DescriptionError
        If the value cannot be converted.
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
        f"{name}: a sweep takes numbers, texts and sequences of them, got {shown(value)}."
    )
