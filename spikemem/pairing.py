"""Pairs stored patterns with recalled ones, whatever their form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .checks import Kind, Text
from .codes import Patterns, as_patterns, is_one_pattern
from .errors import DescriptionError, shown
from .units import LARGEST, in_unit

__all__ = ["BitPatterns", "Bits", "PatternPairs", "bits", "paired"]


class _PatternArgument(NamedTuple):
    """An argument with patterns, in the form in which the caller passed it."""

    value: Any
    name: str
    one: bool
    """Whether it is one pattern, not a list of patterns."""
    rows: Patterns | None = None
    """The patterns, if their size is known."""
    are_sets: bool = False
    reason: str = ""
    """Why it can only be read if the other argument is Patterns, which have a size."""


@dataclass(frozen=True)
class Bits(Kind):
    """One pattern or several: :class:`Patterns`, sets, or arrays of bool (or 0 and 1)."""

    def check(self, value: Any, where: str) -> Any:
        """Return the argument in the form that :func:`paired` takes."""
        if isinstance(value, _PatternArgument):
            return value
        if isinstance(value, Patterns):
            return _PatternArgument(value, where, one=False, rows=value)
        if isinstance(value, set | frozenset):
            return _PatternArgument([value], where, one=True, are_sets=True)
        if isinstance(value, list | tuple) and all(isinstance(x, set | frozenset) for x in value):
            return _PatternArgument(value, where, one=False, are_sets=True)
        try:
            array = bits(value, where)
        except DescriptionError as error:
            try:
                one = is_one_pattern(value, where)
            except DescriptionError:
                raise error from None
            return _PatternArgument(value, where, one, reason=str(error).removesuffix("."))
        if not array.shape[-1]:
            reason = f"{where} must have at least one bit, got {shown(value)}"
            return _PatternArgument(value, where, one=array.ndim == 1, reason=reason)
        return _PatternArgument(value, where, one=array.ndim == 1, rows=Patterns.from_dense(array))


BitPatterns = Annotated[Any, Bits()]
"""Type of the pattern arguments of a measure."""


class PatternPairs(NamedTuple):
    """Equally many stored and recalled patterns of the same number of cells."""

    first: Patterns
    second: Patterns
    several: bool
    """Whether a result has shape (n_patterns,); if not, it has shape ()."""
    sized: bool
    """Whether the number of cells is known; if not, the smallest possible one is used."""
    shared: NDArray[np.int64]
    """Number of cells that the patterns share, shape (n_patterns,)."""

    def each(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return values of the patterns in the shape of the result."""
        return values if self.several else values.reshape(())


def paired(where: str, stored: Any, recalled: Any, size: int | None = None) -> PatternPairs:
    """Make stored and recalled patterns comparable, one by one.

    Parameters
    ----------
    where : str
        The message of an error begins with it.
    stored, recalled
        Arguments of the kind :class:`Bits`.
    size : int, optional
        Number of cells, if neither argument tells it.

    Raises
    ------
    DescriptionError
        If they cannot be read, or differ in their number of patterns or cells.
    """
    n_cells, sized = _size(stored, recalled, size)
    first = _rows(stored, recalled, n_cells, where)
    second = _rows(recalled, stored, n_cells, where)
    n = len(second) if stored.one else len(first)
    if first.size != second.size or not (recalled.one or len(second) == n):
        raise DescriptionError(
            f"{where}: stored and recalled must have equal shapes, or one be a single pattern; got "
            f"{(len(first), first.size)} and {(len(second), second.size)}."
        )
    first, second = (rows if len(rows) == n else rows[[0] * n] for rows in (first, second))
    several = not (stored.one and recalled.one)
    return PatternPairs(first, second, several, sized, _shared(first, second))


def _size(
    stored: _PatternArgument, recalled: _PatternArgument, size: int | None
) -> tuple[int, bool]:
    """Return the number of cells for patterns without a size, and whether it is known."""
    # Patterns have a size. Without them, the length of a list is the size of a dense row.
    both = sorted((stored, recalled), key=lambda item: not isinstance(item.value, Patterns))
    for item in both:
        if item.rows is not None:
            return item.rows.size, True
    if size is not None:
        return size, True
    cells = (x for item in (stored, recalled) if item.are_sets for row in item.value for x in row)
    largest = max((x for x in cells if isinstance(x, int | np.integer)), default=0)
    return max(min(int(largest) + 1, LARGEST), 1), False


def _rows(item: _PatternArgument, other: _PatternArgument, size: int, where: str) -> Patterns:
    only_other = isinstance(other.value, Patterns) and not isinstance(item.value, Patterns)
    if item.rows is not None and not only_other:
        return item.rows
    if item.reason and not only_other:
        raise DescriptionError(
            f"{where}: {item.reason}; give indices as sets, or as Patterns(indices, size=...)."
        )
    return as_patterns(item.value, size, f"{where}: {item.name}")


def _shared(first: Patterns, second: Patterns) -> NDArray[np.int64]:
    one, other = (rows.owners * first.size + rows.indices for rows in (first, second))
    both = np.intersect1d(one, other, assume_unique=True)
    return np.bincount(both // first.size, minlength=len(first))


def bits(values: Any, where: str) -> NDArray[np.bool_]:
    """Convert one pattern, or several, to booleans; the message of an error begins with `where`.

    Raises
    ------
    DescriptionError
        If values are not bool or 0 and 1, or the shape is not (n_bits,) or (n_patterns, n_bits).
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
