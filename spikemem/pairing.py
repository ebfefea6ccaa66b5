"""Stored and recalled patterns, in any form, made comparable one by one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .checks import Kind, Text
from .codes import Patterns, as_patterns, is_one_pattern
from .errors import DescriptionError, shown
from .units import LARGEST, in_unit

__all__ = ["BitPatterns", "Bits", "Pair", "bits", "paired"]


class _Given(NamedTuple):
    """Patterns in the form in which they were given."""

    value: Any
    name: str
    one: bool
    """Whether it is one pattern, not a list of patterns."""
    rows: Patterns | None = None
    """The patterns, if their size is known."""
    are_sets: bool = False
    reason: str = ""
    """Why they can only be read beside Patterns, which say their size."""


@dataclass(frozen=True)
class Bits(Kind):
    """One pattern or several: :class:`Patterns`, sets, or arrays of bool (or 0 and 1)."""

    def check(self, value: Any, where: str) -> Any:
        """Return what :func:`paired` takes."""
        if isinstance(value, _Given):
            return value
        if isinstance(value, Patterns):
            return _Given(value, where, one=False, rows=value)
        if isinstance(value, set | frozenset):
            return _Given([value], where, one=True, are_sets=True)
        if isinstance(value, list | tuple) and all(isinstance(x, set | frozenset) for x in value):
            return _Given(value, where, one=False, are_sets=True)
        try:
            array = bits(value, where)
        except DescriptionError as error:
            try:
                one = is_one_pattern(value, where)
            except DescriptionError:
                raise error from None
            return _Given(value, where, one, reason=str(error).removesuffix("."))
        if not array.shape[-1]:
            reason = f"{where} must have at least one bit, got {shown(value)}"
            return _Given(value, where, one=array.ndim == 1, reason=reason)
        return _Given(value, where, one=array.ndim == 1, rows=Patterns.from_dense(array))


BitPatterns = Annotated[Any, Bits()]
"""What a measure takes as patterns."""


class Pair(NamedTuple):
    """As many stored patterns as recalled ones, of the same number of cells."""

    first: Patterns
    second: Patterns
    several: bool
    """Whether an answer has a value for each pattern (shape (n_patterns,), else ())."""
    sized: bool
    """Whether the number of cells was given; if not, it is the smallest that holds all."""
    shared: NDArray[np.int64]
    """Cells that the patterns share, shape (n_patterns,)."""

    def each(self, values: NDArray[Any]) -> NDArray[Any]:
        """Values of the patterns, in the shape of the answer."""
        return values if self.several else values.reshape(())


def paired(where: str, stored: Any, recalled: Any, size: int | None = None) -> Pair:
    """Make stored and recalled patterns comparable, one by one.

    Parameters
    ----------
    where : str
        Begins the message of an error.
    stored, recalled
        Arguments of the kind :class:`Bits`.
    size : int, optional
        Number of cells, if neither says it.

    Raises
    ------
    DescriptionError
        They can't be read, or are of unequal numbers of patterns or cells.
    """
    known, sized = _size(stored, recalled, size)
    first = _rows(stored, recalled, known, where)
    second = _rows(recalled, stored, known, where)
    n = len(second) if stored.one else len(first)
    if first.size != second.size or not (recalled.one or len(second) == n):
        raise DescriptionError(
            f"{where}: stored and recalled must have equal shapes, or one be a single pattern; got "
            f"{(len(first), first.size)} and {(len(second), second.size)}."
        )
    first, second = (rows if len(rows) == n else rows[[0] * n] for rows in (first, second))
    several = not (stored.one and recalled.one)
    return Pair(first, second, several, sized, _shared(first, second))


def _size(stored: _Given, recalled: _Given, size: int | None) -> tuple[int, bool]:
    """Number of cells for patterns that do not say it, and whether it was given."""
    # Patterns say it; the length of a list is that of a dense row only without them.
    both = sorted((stored, recalled), key=lambda given: not isinstance(given.value, Patterns))
    for given in both:
        if given.rows is not None:
            return given.rows.size, True
    if size is not None:
        return size, True
    cells = (
        x for given in (stored, recalled) if given.are_sets for row in given.value for x in row
    )
    largest = max((x for x in cells if isinstance(x, int | np.integer)), default=0)
    return max(min(int(largest) + 1, LARGEST), 1), False


def _rows(given: _Given, other: _Given, size: int, where: str) -> Patterns:
    beside = isinstance(other.value, Patterns) and not isinstance(given.value, Patterns)
    if given.rows is not None and not beside:
        return given.rows
    if given.reason and not beside:
        raise DescriptionError(
            f"{where}: {given.reason}; give indices as sets, or as Patterns(indices, size=...)."
        )
    return as_patterns(given.value, size, f"{where}: {given.name}")


def _shared(first: Patterns, second: Patterns) -> NDArray[np.int64]:
    one, other = (rows.owners * first.size + rows.indices for rows in (first, second))
    both = np.intersect1d(one, other, assume_unique=True)
    return np.bincount(both // first.size, minlength=len(first))


def bits(values: Any, where: str) -> NDArray[np.bool_]:
    """Convert one pattern, or several, to bool; `where` begins the message.

    Raises
    ------
    DescriptionError
        Not bool or 0 and 1, or not of shape (n_bits,) or (n_patterns, n_bits).
    """
    array = _numbers(values, Text().check(where, "where"))
    if array.ndim not in (1, 2):
        raise DescriptionError(
            f"{where} must have shape (n_bits,) or (n_patterns, n_bits), got {array.shape}."
        )
    if not np.all((array == 0) | (array == 1)):
        raise DescriptionError(f"{where} must be bool, or 0 and 1, got {shown(values)}.")
    return array.astype(np.bool_)


def _numbers(values: Any, where: str) -> NDArray[np.float64]:
    values = in_unit(values, "1", where)
    try:
        array = np.asarray(values)
    except (TypeError, ValueError, OverflowError):
        array = np.asarray(None)
    if array.dtype.kind not in "biuf":
        raise DescriptionError(f"{where} must be numbers, got {shown(values)}.")
    return array.astype(np.float64)
