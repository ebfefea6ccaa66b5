"""Bases of immutable objects: read-only arrays, copies, pickles, hashes and short texts."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from .checks import require_arguments

__all__ = ["LATER", "Changing", "Frozen", "Short", "digest", "read_only", "short"]

LATER = "later"
"""Metadata key of a field that was added after the first files: the field is hashed only if it
differs from its default, so that the hashes in older files stay valid."""

_LONGEST = 60  # characters of one field


class Short:
    """Base of dataclasses whose text is one short line, without the content of arrays.

    Fields that are None are left out. Arrays and long sequences are shown by their size.
    """

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "__repr__" not in cls.__dict__:  # otherwise the dataclass decorator writes its own
            cls.__repr__ = cls.__repr__  # type: ignore[method-assign]

    def __repr__(self) -> str:
        values = {item.name: getattr(self, item.name, None) for item in fields(self)}  # type: ignore[arg-type]
        inside = (f"{name}={short(value)}" for name, value in values.items() if value is not None)
        return f"{type(self).__name__}({', '.join(inside)})"


def short(value: Any) -> str:
    """Return a value as one short line.

    Examples
    --------
    >>> short(np.arange(500.0)), short(3.5), short("exc")
    ('<500 values, 0 to 499>', '3.5', "'exc'")
    """
    if isinstance(value, np.ndarray):
        return _short_array(value)
    if isinstance(value, Mapping | tuple | list | set | frozenset) and len(value) > _LONGEST:
        return f"<{len(value)} entries>"
    text = repr(value)
    if len(text) <= _LONGEST and text.isprintable():
        return text
    if isinstance(value, Mapping | tuple | list | set | frozenset):
        return f"<{len(value)} entries>"
    if isinstance(value, str):
        return f"{value[: _LONGEST - 4]!r}..."
    return f"{type(value).__name__}(...)"


def _short_array(array: NDArray[Any]) -> str:
    size = " × ".join(map(str, array.shape)) or "1"
    if not array.size or array.dtype.kind not in "iufb":
        return f"<{size} values>"
    low, high = array.min(), array.max()
    return f"<{size} values, {low:g}>" if low == high else f"<{size} values, {low:g} to {high:g}>"


class Frozen(Short):
    """Base of the frozen dataclasses: copies and pickles are rebuilt by the constructor.

    An array is no longer read-only after it is pickled; the constructor makes it read-only again.
    Unknown arguments of the constructor raise an error that lists the valid names.
    """

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        """Raise an error if an argument is unknown or missing."""
        require_arguments(cls, args, kwargs)
        return super().__new__(cls)

    def __reduce__(self) -> tuple[Any, ...]:
        values = {item.name: getattr(self, item.name) for item in fields(self)}  # type: ignore[arg-type]
        plain = {k: dict(v) if isinstance(v, Mapping) else v for k, v in values.items()}
        return _remake, (type(self), plain)


class Changing:
    """Base of objects with a state; a shallow copy is a deep copy and shares nothing."""

    def __copy__(self) -> Self:
        return copy.deepcopy(self)


def _remake(cls: type, values: dict[str, Any]) -> Any:
    return cls(**values)


def read_only(array: NDArray[Any]) -> NDArray[Any]:
    """Return the array itself if no code can write to it, otherwise a read-only copy."""
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


def digest(*values: Any) -> str:
    """Return the SHA-256 of dataclasses, arrays, mappings, sequences and scalars."""
    sha = hashlib.sha256()
    for value in values:
        _feed(sha, value)
    return sha.hexdigest()


def _feed(sha: Any, value: Any) -> None:
    """Hash a value together with its type and shape, so that different values differ."""
    if isinstance(value, np.ndarray):
        sha.update(f"[{value.dtype.str}{value.shape}".encode())
        sha.update(np.ascontiguousarray(value).data)
    elif hasattr(value, "__dataclass_fields__"):
        sha.update(type(value).__name__.encode())
        for item in fields(value):
            entry = getattr(value, item.name)
            if item.metadata.get(LATER) and entry == item.default:
                continue
            sha.update(f"|{item.name}=".encode())
            _feed(sha, entry)
    elif isinstance(value, Mapping):
        sha.update(f"{{{len(value)}:".encode())
        for key, entry in value.items():
            _feed(sha, key)
            _feed(sha, entry)
    elif isinstance(value, tuple | list):
        sha.update(f"({len(value)}:".encode())
        for entry in value:
            _feed(sha, entry)
    else:
        sha.update(f"{value!r};".encode())
