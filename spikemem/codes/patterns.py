"""Patterns: sets of active cells, for all models and measures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, overload

import numpy as np
import scipy.sparse
from numpy.typing import ArrayLike, NDArray

from ..checks import AnyValue, Count, Kind, checked
from ..errors import DescriptionError, shown
from ..frozen import read_only
from ..limits import require_memory

__all__ = [
    "PatternKind",
    "PatternLike",
    "Patterns",
    "as_pattern",
    "as_patterns",
    "is_one_pattern",
    "joined",
]

Indices = NDArray[np.int32]


class Patterns:
    """Sets of active cells, one set for each pattern; the sets can have different sizes.

    Parameters
    ----------
    patterns : Patterns, set, array_like, or a sequence of sets and array_likes
        One pattern or several. Each is a set of indices, a sequence of indices (int), a mask
        (bool, of length `size`), or a dense row (0 and 1, of length `size`). Integers are read
        as indices unless a row has `size` > 2 entries that are all 0 or 1.
    size : int
        Number of cells.

    Attributes
    ----------
    size : int
        Number of cells.
    starts : ndarray of int64, shape (n_patterns + 1,)
        Pattern `k` holds ``indices[starts[k]:starts[k + 1]]``.
    indices : ndarray of int32, shape (n_active,)
        Active cells of all patterns, ascending within each pattern.

    Raises
    ------
    DescriptionError
        If the value is not patterns, an index is out of range or repeated, or a mask has another
        length.

    Examples
    --------
    >>> patterns = Patterns([{3, 1}, [], [True, False, False, False]], size=4)
    >>> len(patterns), patterns[0].tolist(), patterns.counts.tolist()
    (3, [1, 3], [2, 0, 1])
    >>> patterns.to_dense().astype(int).tolist()
    [[0, 1, 0, 1], [0, 0, 0, 0], [1, 0, 0, 0]]
    """

    __slots__ = ("indices", "size", "starts")

    size: int
    starts: NDArray[np.int64]
    indices: Indices

    @checked
    def __init__(self, patterns: Any, size: Annotated[int, Count()]) -> None:
        same = as_patterns(patterns, size, "Patterns: patterns")
        self.size, self.starts, self.indices = size, same.starts, same.indices

    @classmethod
    def _of(cls, size: int, starts: NDArray[np.int64], indices: NDArray[Any]) -> Patterns:
        patterns = cls.__new__(cls)
        patterns.size = size
        patterns.starts = read_only(starts.astype(np.int64, copy=False))
        patterns.indices = read_only(indices.astype(np.int32, copy=False))
        return patterns

    @classmethod
    @checked
    def from_dense(cls, bits: Annotated[ArrayLike, AnyValue()]) -> Patterns:
        """Make patterns from dense rows of bool, or 0 and 1.

        Parameters
        ----------
        bits : array_like, shape (n_cells,) or (n_patterns, n_cells)
            Dense rows.

        Raises
        ------
        DescriptionError
            If there are other values, or another number of dimensions.

        Examples
        --------
        >>> Patterns.from_dense([[0, 1, 1], [1, 0, 0]])[0].tolist()
        [1, 2]
        """
        array = _plain(bits)
        dense = array is not None and array.ndim in (1, 2) and array.dtype.kind in "biuf"
        if array is None or not dense or not array.shape[-1] or not _is_dense(array):
            raise DescriptionError(
                f"Patterns.from_dense: bits must be bool, or 0 and 1, of shape (n_cells,) or "
                f"(n_patterns, n_cells), got {shown(bits)}."
            )
        return _from_rows(np.atleast_2d(array).astype(np.bool_))

    @property
    def counts(self) -> NDArray[np.int64]:
        """Number of active cells of each pattern, shape (n_patterns,)."""
        return np.diff(self.starts)

    @property
    def owners(self) -> NDArray[np.int64]:
        """Number of the pattern of each entry of :attr:`indices`, shape (n_active,)."""
        return np.repeat(np.arange(len(self)), self.counts)

    def to_dense(self) -> NDArray[np.bool_]:
        """Return the patterns as masks, shape (n_patterns, size).

        Raises
        ------
        DescriptionError
            If the masks do not fit into memory.
        """
        require_memory(float(len(self)) * self.size,
                       f"Patterns.to_dense: {len(self)} masks of {self.size} cells",
                       "Convert fewer patterns at once.")  # fmt: skip
        dense = np.zeros((len(self), self.size), dtype=np.bool_)
        dense[self.owners, self.indices] = True
        return dense

    def to_sparse(self) -> scipy.sparse.csr_array[Any]:
        """Return the patterns as a sparse matrix of ones, shape (n_patterns, size)."""
        ones = np.ones(self.indices.size, dtype=np.int64)
        return scipy.sparse.csr_array((ones, self.indices, self.starts), (len(self), self.size))

    def to_sets(self) -> list[frozenset[int]]:
        """Return one set of cells for each pattern."""
        return [frozenset(row.tolist()) for row in self]

    @checked
    def overlaps(self, other: PatternLike) -> NDArray[np.int64]:
        """Count the cells that patterns share, shape (n_patterns, n_patterns of `other`).

        Raises
        ------
        DescriptionError
            If the patterns have different numbers of cells.

        Examples
        --------
        >>> Patterns([[0, 1], [2]], size=3).overlaps(Patterns([1, 2], size=3)).tolist()
        [[1], [1]]
        """
        others = as_patterns(other, self.size, "Patterns.overlaps: other")
        shared = (self.to_sparse() @ others.to_sparse().T).toarray()
        return np.asarray(shared, dtype=np.int64)

    def __len__(self) -> int:
        return self.starts.size - 1

    @overload
    def __getitem__(self, k: int) -> Indices: ...
    @overload
    def __getitem__(self, k: slice | Sequence[int] | NDArray[Any]) -> Patterns: ...
    def __getitem__(self, k: Any) -> Any:
        if isinstance(k, int | np.integer) and not isinstance(k, bool):
            if not -len(self) <= k < len(self):
                raise IndexError(f"pattern {k} of {len(self)}")
            k %= len(self)
            return self.indices[self.starts[k] : self.starts[k + 1]]
        chosen = np.arange(len(self))[k]
        if chosen.ndim != 1:
            raise IndexError(f"patterns are chosen by an int, a slice or a list, got {shown(k)}")
        lengths = self.counts[chosen]
        starts = _starts(lengths)
        positions = np.arange(starts[-1]) + np.repeat(self.starts[chosen] - starts[:-1], lengths)
        return Patterns._of(self.size, starts, self.indices[positions])

    def __iter__(self) -> Iterator[Indices]:
        return (self[k] for k in range(len(self)))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Patterns):
            return NotImplemented
        return (
            self.size == other.size
            and np.array_equal(self.starts, other.starts)
            and np.array_equal(self.indices, other.indices)
        )

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> tuple[Any, ...]:
        return Patterns._of, (self.size, self.starts, self.indices)

    def __repr__(self) -> str:
        return f"Patterns({len(self)} patterns of {self.size} cells, {self.indices.size} active)"


def as_patterns(patterns: Any, size: int, where: str) -> Patterns:
    """Convert a value to :class:`Patterns`; the message of an error begins with `where`.

    Raises
    ------
    DescriptionError
        As for :class:`Patterns`.
    """
    if isinstance(patterns, Patterns):
        if patterns.size != size:
            raise DescriptionError(
                f"{where} must be patterns of {size} cells, got {patterns.size}."
            )
        return patterns
    if isinstance(patterns, np.ndarray) and patterns.dtype != object and patterns.ndim == 2:
        return _from_table(patterns, size, where)
    if is_one_pattern(patterns, where):
        patterns = [patterns]
    rows = [_row(row, size, where) for row in patterns]
    return _checked(size, _starts([row.size for row in rows]), _flat(rows), where)


def as_pattern(pattern: Any, size: int, where: str) -> Indices:
    """Return the active cells of one pattern, ascending; :class:`Patterns` must have length 1.

    Raises
    ------
    DescriptionError
        As for :class:`Patterns`, or if it is not one pattern. The message begins with `where`.
    """
    if not isinstance(pattern, Patterns):
        pattern = [pattern]
    patterns = as_patterns(pattern, size, where)
    if len(patterns) != 1:
        raise DescriptionError(f"{where} must be one pattern, got {len(patterns)}.")
    return patterns[0]


@dataclass(frozen=True)
class PatternKind(Kind):
    """Declared kind of an argument that takes patterns.

    Parameters
    ----------
    size : int, optional
        Number of cells. Default: the function itself calls :func:`as_patterns` with it.
    """

    size: int | None = None

    def check(self, value: Any, where: str) -> Any:
        """Return :class:`Patterns`; without a size the value itself, if it can be patterns."""
        if self.size is not None:
            return as_patterns(value, self.size, where)
        is_one_pattern(value, where)
        return value


PatternLike = Annotated[Any, PatternKind()]
"""Type of the pattern arguments of objects that know the number of cells."""


def is_one_pattern(patterns: Any, where: str) -> bool:
    """Tell whether a value is one pattern, not a sequence of patterns.

    Raises
    ------
    DescriptionError
        If it is neither for any number of cells.
    """
    if isinstance(patterns, Patterns):
        return False
    if isinstance(patterns, set | frozenset | range):
        return True
    if isinstance(patterns, str | bytes | Mapping) or not isinstance(patterns, Iterable):
        raise DescriptionError(
            f"{where} must be patterns (sets, indices, masks or dense rows), got {shown(patterns)}."
        )
    if isinstance(patterns, np.ndarray):
        is_table = patterns.ndim == 2 and patterns.dtype != object
        if not (is_table or patterns.ndim == 1) or isinstance(patterns, np.ma.MaskedArray):
            raise DescriptionError(
                f"{where} must be plain arrays of shape (n_patterns, n), got {shown(patterns)}."
            )
        return bool(patterns.dtype != object and patterns.ndim == 1)
    if not isinstance(patterns, Sequence):
        raise DescriptionError(f"{where} must be a sequence of patterns, got {shown(patterns)}.")
    return bool(patterns) and all(
        isinstance(entry, int | float | np.generic) or _is_scalar(entry) for entry in patterns
    )


def _is_scalar(entry: Any) -> bool:
    return isinstance(entry, np.ndarray) and not entry.ndim


def _plain(values: Any) -> NDArray[Any] | None:
    if isinstance(values, np.ma.MaskedArray):
        return None
    try:
        return np.asarray(values)
    except (TypeError, ValueError, OverflowError):
        return None


def _is_dense(array: NDArray[Any]) -> bool:
    return bool(array.dtype.kind == "b" or np.all((array == 0) | (array == 1)))


def _row(row: Any, size: int, where: str) -> NDArray[np.int64]:
    """Return the indices of one pattern."""
    if isinstance(row, set | frozenset):
        if not all(isinstance(cell, int | np.integer) for cell in row):
            raise DescriptionError(f"{where} must name cells by integers, got {shown(row)}.")
        row = sorted(row)
    array = None if isinstance(row, str | bytes | Mapping) else _plain(row)
    if array is None or array.ndim != 1 or (array.size and array.dtype.kind not in "biuf"):
        raise DescriptionError(
            f"{where} must be patterns (sets, indices, masks or dense rows), got {shown(row)}."
        )
    if array.dtype.kind == "b" and array.size:
        if array.size != size:
            raise DescriptionError(
                f"{where}: a mask must have a length of {size} cells, got {array.size}."
            )
        return np.flatnonzero(array)
    if array.size == size and (size > 2 or array.dtype.kind == "f") and _is_dense(array):
        return np.flatnonzero(array)
    if array.size and array.dtype.kind not in "iu":
        raise DescriptionError(
            f"{where} must be indices (int), masks or dense rows of {size} cells, got {shown(row)}."
        )
    return _in_range(array, size, where)


def _in_range(array: NDArray[Any], size: int, where: str) -> NDArray[np.int64]:
    bad = (array < 0) | (array >= size)
    if bad.any():
        raise DescriptionError(
            f"{where} must name cells from 0 to {size - 1}, got {array[bad].flat[0]}."
        )
    return np.asarray(array, dtype=np.int64)


def _from_table(array: NDArray[Any], size: int, where: str) -> Patterns:
    """Make patterns from a two-dimensional array, without a loop over its rows."""
    if isinstance(array, np.ma.MaskedArray) or array.dtype.kind not in "biuf":
        raise DescriptionError(f"{where} must be a plain array of integers or bool, got "
                               f"{shown(array)}.")  # fmt: skip
    dense = array.dtype.kind in "bf" or (array.shape[1] == size > 2 and _is_dense(array))
    if dense:
        if array.shape[1] != size or not _is_dense(array):
            raise DescriptionError(
                f"{where}: masks and dense rows must have shape (n_patterns, {size}) and hold "
                f"0 and 1, got shape {array.shape}."
            )
        return _from_rows(array.astype(np.bool_))
    starts = np.arange(array.shape[0] + 1, dtype=np.int64) * array.shape[1]
    return _checked(size, starts, _in_range(array, size, where).ravel(), where)


def _from_rows(dense: NDArray[np.bool_]) -> Patterns:
    _, indices = np.nonzero(dense)
    return Patterns._of(dense.shape[1], _starts(np.count_nonzero(dense, axis=1)), indices)


def _starts(lengths: Any) -> NDArray[np.int64]:
    edges: NDArray[np.int64] = np.zeros(len(lengths) + 1, dtype=np.int64)
    np.cumsum(lengths, out=edges[1:])
    return edges


def _flat(rows: Sequence[NDArray[Any]]) -> NDArray[np.int64]:
    flat: NDArray[np.int64] = np.concatenate([*rows, np.empty(0, np.int64)]).astype(np.int64)
    return flat


def joined(size: int, rows: Sequence[NDArray[Any]]) -> Patterns:
    """Make patterns from rows of ascending indices."""
    return Patterns._of(size, _starts([row.size for row in rows]), _flat(rows))


def _checked(
    size: int, starts: NDArray[np.int64], indices: NDArray[np.int64], where: str
) -> Patterns:
    """Sort the cells of each pattern, and raise an error if one is repeated."""
    owner = np.repeat(np.arange(starts.size - 1), np.diff(starts))
    code = np.sort(owner * size + indices)
    twice = np.flatnonzero(code[1:] == code[:-1])
    if twice.size:
        k, cell = divmod(int(code[twice[0]]), size)
        raise DescriptionError(
            f"{where} must name each cell once, got {cell} twice in pattern {k}; give a mask as "
            f"an array of bool of length {size}."
        )
    return Patterns._of(size, starts, code % size)
