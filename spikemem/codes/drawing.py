"""Draws random patterns, and corrupts patterns: missing cells, extra cells, exchanged cells."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from ..checks import Count, Probability, checked
from ..errors import DescriptionError
from ..limits import require_memory
from ..streams import Seed, stream
from .patterns import Indices, Patterns, joined

__all__ = ["add_bits", "drop_bits", "random_patterns", "swap_bits"]


@checked
def random_patterns(
    n_patterns: Annotated[int, Count(low=0)],
    *,
    size: Annotated[int, Count()],
    active: Annotated[int, Count(low=0)],
    seed: Seed = 0,
) -> Patterns:
    """Draw patterns with `active` of `size` cells; all such patterns are equally likely.

    Parameters
    ----------
    n_patterns : int
        Number of patterns.
    size, active : int
        Number of cells, and number of active cells (0 to `size`).
    seed : int or numpy.random.Generator
        Seed of the draw.

    Raises
    ------
    DescriptionError
        If an argument is not an integer, or is out of range.

    Examples
    --------
    >>> random_patterns(2, size=10, active=3, seed=0).counts.tolist()
    [3, 3]
    """
    if active > size:
        raise DescriptionError(
            f"random_patterns: active must be at most size={size}, got {active}."
        )
    require_memory(8.0 * n_patterns * active + (8.0 * size if active > size // 50 else 0.0),
                   f"random_patterns: n_patterns={n_patterns} of active={active} of size={size} "
                   f"cells", "Draw fewer, or smaller ones.")  # fmt: skip
    rng = stream(seed, "codes", "patterns")
    rows = np.sort(_draws(rng, n_patterns, size, active), axis=1)
    return Patterns._of(size, np.arange(n_patterns + 1, dtype=np.int64) * active, rows.ravel())


def _draws(rng: np.random.Generator, count: int, size: int, active: int) -> Indices:
    """Draw rows of `active` different numbers below `size`."""
    if count * size > 10**7 or active * 8 < size or not active:
        rows = np.empty((count, active), dtype=np.int32)
        for k in range(count):
            rows[k] = rng.choice(size, active, replace=False, shuffle=False)
        return rows
    order = np.argpartition(rng.random((count, size)), active - 1, axis=1)
    return order[:, :active].astype(np.int32)


@checked
def drop_bits(
    patterns: Patterns, fraction: Annotated[float, Probability()], *, seed: Seed = 0
) -> Patterns:
    """Silence a fraction of the active cells of each pattern, as in an incomplete cue.

    The number of remaining cells is rounded to the nearest whole number, and the cells are drawn
    at random.

    Parameters
    ----------
    patterns : Patterns
        Patterns to corrupt.
    fraction : float
        Fraction of each pattern's active cells to silence, 0 to 1.
    seed : int or numpy.random.Generator
        Seed of the draw.

    Examples
    --------
    >>> drop_bits(Patterns([0, 1, 2, 3], size=9), 0.5).counts.tolist()
    [2]
    """
    rng = stream(seed, "codes", "drop")
    remaining = np.rint(patterns.counts * (1.0 - fraction)).astype(np.int64)
    rows = [
        np.sort(rng.permutation(row.copy())[:n])
        for row, n in zip(patterns, remaining.tolist(), strict=True)
    ]
    return joined(patterns.size, rows)


@checked
def add_bits(patterns: Patterns, n: Annotated[int, Count(low=0)], *, seed: Seed = 0) -> Patterns:
    """Activate `n` silent cells of each pattern, drawn at random.

    Raises
    ------
    DescriptionError
        If a pattern has fewer than `n` silent cells.

    Examples
    --------
    >>> add_bits(Patterns([0, 1], size=9), 3).counts.tolist()
    [5]
    """
    rng = stream(seed, "codes", "add")
    new = [_silent(row, patterns.size, n, rng, "add_bits") for row in patterns]
    rows = [np.sort(np.concatenate([row, more])) for row, more in zip(patterns, new, strict=True)]
    return joined(patterns.size, rows)


@checked
def swap_bits(patterns: Patterns, n: Annotated[int, Count(low=0)], *, seed: Seed = 0) -> Patterns:
    """Exchange `n` active cells of each pattern for `n` silent ones, drawn at random.

    Raises
    ------
    DescriptionError
        If a pattern has fewer than `n` active or silent cells.

    Examples
    --------
    >>> swapped = swap_bits(Patterns([0, 1, 2, 3], size=100), 1)
    >>> swapped.counts.tolist(), swapped.overlaps(Patterns([0, 1, 2, 3], size=100)).tolist()
    ([4], [[3]])
    """
    rng = stream(seed, "codes", "swap")
    rows = []
    for row in patterns:
        if n > row.size:
            raise DescriptionError(
                f"swap_bits: n must be at most {row.size}, the number of active cells of a "
                f"pattern, got {n}."
            )
        new = _silent(row, patterns.size, n, rng, "swap_bits")
        rows.append(np.sort(np.concatenate([rng.permutation(row.copy())[n:], new])))
    return joined(patterns.size, rows)


def _silent(
    row: Indices, size: int, n: int, rng: np.random.Generator, where: str
) -> NDArray[np.int64]:
    """Draw `n` different silent cells of a pattern."""
    if n > size - row.size:
        raise DescriptionError(
            f"{where}: n must be at most {size - row.size}, the number of silent cells of a "
            f"pattern, got {n}."
        )
    ranks = rng.choice(size - row.size, n, replace=False, shuffle=False)
    # `before` is the number of active cells with a smaller index than the silent cell of this rank.
    before = np.searchsorted(row - np.arange(row.size), ranks, side="right")
    chosen: NDArray[np.int64] = ranks + before
    return chosen
