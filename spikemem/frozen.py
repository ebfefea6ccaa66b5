"""What can change and what can't: read-only arrays, and what copies and pickles are."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from .checks import require_arguments

__all__ = ["LATER", "Changing", "Frozen", "digest", "read_only"]

LATER = "later"
"""Key in the metadata of a field that came after files were written: it is hashed only where it
differs from its default, so that the hashes in those files stay."""


class Frozen:
    """Base of the frozen dataclasses: a copy or a pickle is made anew from the fields.

    NumPy forgets that an array is read-only when it is pickled; the constructor restores that.
    A constructor's arguments of unknown names are refused with the names that are valid.
    """

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        """Refuse arguments of unknown names."""
        require_arguments(cls, args, kwargs)
        return super().__new__(cls)

    def __reduce__(self) -> tuple[Any, ...]:
        values = {item.name: getattr(self, item.name) for item in fields(self)}  # type: ignore[arg-type]
        plain = {k: dict(v) if isinstance(v, Mapping) else v for k, v in values.items()}
        return _remake, (type(self), plain)


class Changing:
    """Base of objects with a state: a shallow copy shares nothing of it, as a deep one."""

    def __copy__(self) -> Self:
        return copy.deepcopy(self)


def _remake(cls: type, values: dict[str, Any]) -> Any:
    return cls(**values)


def read_only(array: NDArray[Any]) -> NDArray[Any]:
    """Return the array itself if nobody can write to it, else a read-only copy."""
    if not _can_change(array):
        return array
    copy = array.copy()
    copy.flags.writeable = False
    return copy


def _can_change(array: NDArray[Any]) -> bool:
    if array.flags.writeable:
        return True
    owner: Any = array.base
    return owner is not None and (not isinstance(owner, np.ndarray) or _can_change(owner))


def digest(*things: Any) -> str:
    """SHA-256 of dataclasses, arrays, mappings, sequences and scalars."""
    found = hashlib.sha256()
    for thing in things:
        _feed(found, thing)
    return found.hexdigest()


def _feed(found: Any, thing: Any) -> None:
    """Feed a value with its type and shape, so that no two values run together."""
    if isinstance(thing, np.ndarray):
        found.update(f"[{thing.dtype.str}{thing.shape}".encode())
        found.update(np.ascontiguousarray(thing).data)
    elif hasattr(thing, "__dataclass_fields__"):
        found.update(type(thing).__name__.encode())
        for item in fields(thing):
            value = getattr(thing, item.name)
            if item.metadata.get(LATER) and value == item.default:
                continue
            found.update(f"|{item.name}=".encode())
            _feed(found, value)
    elif isinstance(thing, Mapping):
        found.update(f"{{{len(thing)}:".encode())
        for key, value in thing.items():
            _feed(found, key)
            _feed(found, value)
    elif isinstance(thing, tuple | list):
        found.update(f"({len(thing)}:".encode())
        for entry in thing:
            _feed(found, entry)
    else:
        found.update(f"{thing!r};".encode())
