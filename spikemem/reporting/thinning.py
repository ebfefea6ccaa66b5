"""Fewer points where a picture could not show all of them; each function says what it left out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "LARGEST",
    "MOST_FIELDS",
    "MOST_MARKS",
    "MOST_POINTS",
    "blocks",
    "drawable",
    "envelope",
    "some",
]

Array = NDArray[np.float64]

MOST_MARKS = 40_000
"""Spikes or points that one picture shows."""

MOST_POINTS = 3000
"""Points of one line."""

MOST_FIELDS = 300
"""Rows and columns of a matrix."""


LARGEST = 1e150
"""Larger numbers are left out of pictures: their differences leave the range of floats."""


def drawable(values: Array) -> Array:
    """The values that a picture can show, in one dimension."""
    found: Array = values[np.abs(values) <= LARGEST]
    return found


def some(n: int, most: int = MOST_MARKS) -> slice:
    """Every k-th of n items, so that at most `most` are left.

    Examples
    --------
    >>> some(10, 4)
    slice(None, None, 3)
    """
    return slice(None, None, max(-(-n // most), 1))


def envelope(x: Array, y: Array, most: int = MOST_POINTS) -> NDArray[np.intp]:
    """Indices of the lowest and highest point of each of ``most / 2`` parts of a line, in order.

    A gap (a value that is not finite) is kept in its part.

    Examples
    --------
    >>> envelope(np.arange(8.0), np.array([0, 5, 1, 2, 3, -4, 0, 0.0]), 4).tolist()
    [0, 1, 4, 5]
    """
    n = len(x)
    if n <= most:
        return np.arange(n)
    edges = np.linspace(0, n, most // 2 + 1).astype(np.intp)
    filled = np.where(np.isfinite(y), y, np.inf), np.where(np.isfinite(y), y, -np.inf)
    starts, lengths = edges[:-1], np.diff(edges)
    low, high = np.minimum.reduceat(filled[0], starts), np.maximum.reduceat(filled[1], starts)
    chosen = [
        _first(filled[0] == np.repeat(low, lengths), starts),
        _first(filled[1] == np.repeat(high, lengths), starts),
    ]
    return np.unique(np.concatenate(chosen))


def _first(hit: NDArray[np.bool_], starts: NDArray[np.intp]) -> NDArray[np.intp]:
    """Index of the first hit of each part; each has one."""
    order = np.where(hit, np.arange(len(hit)), len(hit))
    return np.asarray(np.minimum.reduceat(order, starts), dtype=np.intp)


def blocks(values: Array, most: int = MOST_FIELDS) -> tuple[Array, tuple[int, int]]:
    """A matrix of at most ``most × most`` fields, and how many rows and columns each stands for.

    Each field holds the value of its block that is farthest from 0.

    Examples
    --------
    >>> blocks(np.array([[1.0, -3.0], [2.0, 0.5]]), 1)
    (array([[-3.]]), (2, 2))
    """
    steps = tuple(max(-(-n // most), 1) for n in values.shape)
    if steps == (1, 1):
        return values, (1, 1)
    (n, m), (a, b) = values.shape, steps
    padded = np.full((-(-n // a) * a, -(-m // b) * b), np.nan)
    padded[:n, :m] = values
    cells = padded.reshape(padded.shape[0] // a, a, -1, b).swapaxes(1, 2)
    flat = cells.reshape(*cells.shape[:2], -1)
    size = np.where(np.isfinite(flat), np.abs(flat), -1.0)
    best = np.take_along_axis(flat, size.argmax(axis=2)[..., None], axis=2)[..., 0]
    return best, (a, b)
