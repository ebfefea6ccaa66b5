"""What can change and what can't: read-only arrays, copies and pickles, and short texts."""

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
"""Key in the metadata of a field that came after files were written: it is hashed only where it
differs from its default, so that the hashes in those files stay."""

_LONGEST = 60  # characters of one field


class Short:
    """Base of dataclasses whose text is one short line, without arrays.

    Fields that are None are left out; of arrays and long sequences it says the size.
    """

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "__repr__" not in cls.__dict__:  # else the dataclass would make one with every array
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
