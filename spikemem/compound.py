"""Kinds made of other kinds: sequences, mappings, and optional values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .errors import DescriptionError, shown
from .kinds import Instance, Kind
from .units import LARGEST, to_tuple

__all__ = ["Each", "MappingOf", "Optional"]


@dataclass(frozen=True)
class Each(Kind):
    """A sequence in which every entry is of one kind; `what` names the entries in messages."""

    kind: Kind
    what: str = "values"
    least: int = 0
    most: int = LARGEST

    def check(self, value: Any, where: str) -> tuple[Any, ...]:
        """Return a tuple of plain values."""
        entries = to_tuple(value, where, self.what)
        if len(entries) < self.least:
            raise DescriptionError(f"{where} must have at least {self.least} {self.what}, got "
                                   f"{len(entries)}.")  # fmt: skip
        if len(entries) > self.most:
            raise DescriptionError(
                f"{where} must have at most {self.most} {self.what}, got {len(entries)}."
            )
        if isinstance(self.kind, Instance) and self.kind.fits(entries):
            return entries
        plain, problems = [], []
        for k, entry in enumerate(entries):
            try:
                plain.append(self.kind.check(entry, f"{where}[{k}]"))
            except DescriptionError as error:
                problems.append(str(error))
        if problems:
            raise DescriptionError.of(problems)
        return tuple(plain)


@dataclass(frozen=True)
class MappingOf(Kind):
    """A mapping of keys of one kind to values of another."""

    key: Kind
    value: Kind | None = None

    def check(self, value: Any, where: str) -> dict[Any, Any]:
        """Return a dict of plain keys and values."""
        if not isinstance(value, Mapping):
            raise DescriptionError(f"{where} must be a mapping, got {shown(value)}.")
        plain, problems = {}, []
        for name, entry in value.items():
            try:
                key = self.key.check(name, f"{where}: key")
                plain[key] = self.value.check(entry, f"{where}[{key!r}]") if self.value else entry
            except DescriptionError as error:
                problems.append(str(error))
        if problems:
            raise DescriptionError.of(problems)
        return plain


@dataclass(frozen=True)
class Optional(Kind):
    """A kind, or None."""

    kind: Kind

    def check(self, value: Any, where: str) -> Any:
        """Return the plain value, or None."""
        return None if value is None else self.kind.check(value, where)
