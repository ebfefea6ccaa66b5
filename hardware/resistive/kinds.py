"""Arguments that must be of one of this package's types."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...checks import SeedNumber
from ...errors import DescriptionError, shown
from ...streams import Seed, stream
from ...units import to_array, to_tuple

__all__ = ["to_kind", "to_names", "to_number", "to_numbers", "to_pair"]


def to_kind(value: Any, kind: type, where: str, *, optional: bool = False) -> Any:
    """The value itself, if it is of this type (or None, where that is allowed).

    Raises
    ------
    DescriptionError
        It is of another type.

    Examples
    --------
    >>> to_kind(1, int, "draw")
    1
    """
    if isinstance(value, kind) or (optional and value is None):
        return value
    allowed = f"{kind.__name__}{' or None' if optional else ''}"
    raise DescriptionError(f"{where} must be a {allowed}, got {shown(value)}.")


def to_names(values: Any, where: str) -> list[str]:
    """One name, or a sequence of names, as a list without repetitions."""
    names = to_tuple((values,) if isinstance(values, str) else values, where, "names")
    for name in names:
        if not isinstance(name, str):
            raise DescriptionError(f"{where} must be a sequence of names, got {shown(name)} in it.")
    return list(dict.fromkeys(names))


def to_numbers(values: Any, where: str) -> NDArray[Any]:
    """An array, without a look at each of its numbers."""
    try:
        array = np.asarray(values)
    except (TypeError, ValueError):
        array = np.asarray(None)
    if array.dtype.kind not in "biuf":
        raise DescriptionError(f"{where} must be an array of numbers, got {shown(values)}.")
    return array


def to_pair(values: Any, where: str) -> tuple[float, float]:
    """Two resistances in Ohm."""
    pair = to_array(values, "Ohm", where)
    if pair.shape != (2,):
        raise DescriptionError(f"{where} must be (row, column), got {shown(values)}.")
    return float(pair[0]), float(pair[1])


def to_number(seed: Seed) -> int:
    """A seed as an int: the next number of a generator, so that it can be stored and used again."""
    plain = SeedNumber().check(seed, "seed")
    return plain if isinstance(plain, int) else int(stream(plain).integers(2**63))
