"""Draws synapses: which cells are connected, and with which weights and delays.

Every function draws from the random generator in its arguments and returns plain arrays, so that
each backend runs the same synapses.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from types import FrameType
from typing import Any, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from .errors import DescriptionError, SpikememWarning, shown
from .units import to_array

__all__ = [
    "Pairs",
    "bernoulli",
    "distance_dependent",
    "draw_values",
    "fixed_in",
    "fixed_out",
    "fixed_probability",
    "from_matrix",
    "grid_positions",
    "is_distribution",
]

BLOCK = 2**22
"""Largest number of pairs handled at a time, so that memory use stays small."""


class Pairs(NamedTuple):
    """Indices of the pre- and post-synaptic cell of each synapse, int32, shape (n_synapses,)."""

    i: NDArray[np.int32]
    j: NDArray[np.int32]


def fixed_probability(
    n_pre: int, n_post: int, p: float, rng: np.random.Generator, *, allow_self: bool = True
) -> Pairs:
    """Connect each pair of cells with probability `p`, independently of the others.

    The gaps between connected pairs are drawn from the geometric distribution. The cost therefore
    grows with the number of synapses, not with the number of pairs.

    Examples
    --------
    >>> pairs = fixed_probability(3, 2, 1.0, np.random.default_rng(0))
    >>> pairs.i.tolist(), pairs.j.tolist()
    ([0, 0, 1, 1, 2, 2], [0, 1, 0, 1, 0, 1])
    """
    total = n_pre * n_post
    chosen = np.arange(total) if p == 1.0 else bernoulli(total, p, rng)
    i, j = np.divmod(chosen, n_post)
    return _without_self(i, j, allow_self)


def bernoulli(total: int, p: float, rng: np.random.Generator) -> NDArray[np.int64]:
    """Choose each whole number below `total` with probability `p`; return them in order."""
    if not p:
        return np.empty(0, dtype=np.int64)
    blocks: list[NDArray[np.int64]] = []
    last = -1
    while last < total:
        remaining = total - last
        n = int(remaining * p + 4 * np.sqrt(remaining * p) + 16)
        gaps = np.minimum(rng.geometric(p, size=min(n, BLOCK)), total + 1)
        blocks.append(last + np.cumsum(gaps))
        last = int(blocks[-1][-1])
    chosen = np.concatenate(blocks)
    return chosen[chosen < total]


def _without_self(i: NDArray[Any], j: NDArray[Any], allow_self: bool) -> Pairs:
    if not allow_self:
        apart = i != j
        i, j = i[apart], j[apart]
    return Pairs(i.astype(np.int32), j.astype(np.int32))


def fixed_in(
    n_pre: int, n_post: int, n: int, rng: np.random.Generator, *, allow_self: bool = True,
    repeat: bool = False,
) -> Pairs:  # fmt: skip
    """Connect each post-synaptic cell to `n` pre-synaptic cells, drawn at random.

    Parameters
    ----------
    n_pre, n_post : int
        Sizes of the populations.
    n : int
        Number of synapses of each post-synaptic cell.
    rng : numpy.random.Generator
        Source of randomness.
    allow_self : bool
        False leaves out pairs of equal index.
    repeat : bool
        Whether a pair can be connected more than once.

    Raises
    ------
    DescriptionError
        If there are fewer than `n` cells to choose from.

    Examples
    --------
    >>> pairs = fixed_in(5, 3, 2, np.random.default_rng(0))
    >>> np.bincount(pairs.j).tolist()
    [2, 2, 2]
    """
    rows = _choices(n_post, n_pre, n, rng, allow_self, repeat)
    j = np.repeat(np.arange(n_post), n)
    order = np.lexsort((j, rows.ravel()))
    return Pairs(rows.ravel()[order].astype(np.int32), j[order].astype(np.int32))


def fixed_out(
    n_pre: int, n_post: int, n: int, rng: np.random.Generator, *, allow_self: bool = True,
    repeat: bool = False,
) -> Pairs:  # fmt: skip
    """Connect each pre-synaptic cell to `n` post-synaptic cells; else as :func:`fixed_in`."""
    rows = _choices(n_pre, n_post, n, rng, allow_self, repeat)
    return Pairs(np.repeat(np.arange(n_pre), n).astype(np.int32), rows.ravel().astype(np.int32))


def _choices(
    count: int, size: int, n: int, rng: np.random.Generator, allow_self: bool, repeat: bool
) -> NDArray[np.int64]:
    """Draw `n` of `size` cells for each of `count` cells, ascending; shape (count, n)."""
    most = size if allow_self else size - (count <= size)
    if (n > most and not repeat) or (n and not most):
        raise DescriptionError(
            f"n must be at most {most}, the number of cells to choose from, got {n}."
        )
    rows = np.empty((count, n), dtype=np.int64)
    for k in range(count):
        own = not allow_self and k < size
        row = rng.choice(size - own, n, replace=repeat, shuffle=False)
        rows[k] = np.sort(row + (row >= k) if own else row)
    return rows


def distance_dependent(
    pre: NDArray[np.float64], post: NDArray[np.float64],
    probability: Callable[[NDArray[np.float64]], Any], rng: np.random.Generator, *,
    allow_self: bool = True,
) -> Pairs:  # fmt: skip
    """Connect each pair of cells with a probability that depends on their distance.

    Parameters
    ----------
    pre, post : ndarray of float, shapes (n_pre, n_dims) and (n_post, n_dims)
        Positions of the cells, in any unit.
    probability : callable
        Takes an array of distances and returns an array of probabilities.
    rng : numpy.random.Generator
        Source of randomness.
    allow_self : bool
        False leaves out pairs of equal index.

    Raises
    ------
    DescriptionError
        If `probability` does not return a probability for each distance.

    Examples
    --------
    >>> line = grid_positions((4,))
    >>> near = distance_dependent(line, line, lambda d: d < 1.5, np.random.default_rng(0),
    ...                           allow_self=False)
    >>> list(zip(near.i.tolist(), near.j.tolist()))
    [(0, 1), (1, 0), (1, 2), (2, 1), (2, 3), (3, 2)]
    """
    rows = max(BLOCK // max(len(post), 1), 1)
    parts_i, parts_j = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for first in range(0, len(pre), rows):
        difference = pre[first : first + rows, None, :] - post[None, :, :]
        distance = np.sqrt((difference**2).sum(axis=-1))
        connected = rng.random(distance.shape) < _probabilities(probability, distance)
        i, j = np.nonzero(connected)
        parts_i.append(i + first)
        parts_j.append(j)
    return _without_self(np.concatenate(parts_i), np.concatenate(parts_j), allow_self)


def _probabilities(
    probability: Callable[[NDArray[np.float64]], Any], distance: NDArray[np.float64]
) -> NDArray[np.float64]:
    values = np.asarray(probability(distance))
    fits = values.dtype.kind in "biuf" and values.shape in ((), distance.shape)
    if not fits or not np.all((values >= 0) & (values <= 1)):
        raise DescriptionError(
            f"probability must return a probability (0 to 1) for each distance, got "
            f"{shown(values)}."
        )
    return np.broadcast_to(values.astype(np.float64), distance.shape)


def grid_positions(shape: tuple[int, ...], spacing: float = 1.0) -> NDArray[np.float64]:
    """Return positions of cells on a grid, last axis fastest, shape (n_cells, n_dims).

    Examples
    --------
    >>> grid_positions((2, 2)).tolist()
    [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]
    """
    axes = np.indices(shape).reshape(len(shape), -1).T
    return np.asarray(axes * spacing, dtype=np.float64)


def from_matrix(matrix: Any, n_pre: int, n_post: int) -> tuple[Pairs, NDArray[np.float64]]:
    """Read synapses and weights (nA) from a matrix: each entry that is not 0 or NaN is a synapse.

    Parameters
    ----------
    matrix : array_like or scipy.sparse array, shape (n_pre, n_post)
        Weights, nA. In a sparse array every stored entry is a synapse, even a stored zero.
    n_pre, n_post : int
        Sizes of the populations.

    Raises
    ------
    DescriptionError
        If the matrix has another shape, or its entries are not numbers.

    Examples
    --------
    >>> pairs, weight = from_matrix([[0.0, 0.5], [0.2, 0.0]], 2, 2)
    >>> pairs.i.tolist(), pairs.j.tolist(), weight.tolist()
    ([0, 1], [1, 0], [0.5, 0.2])
    """
    import scipy.sparse

    if scipy.sparse.issparse(matrix):
        entries: Any = cast(Any, matrix).tocoo()
        if entries.shape != (n_pre, n_post):
            raise _wrong_shape(entries.shape, n_pre, n_post)
        order = np.lexsort((entries.col, entries.row))
        pairs = Pairs(entries.row[order].astype(np.int32), entries.col[order].astype(np.int32))
        return pairs, to_array(entries.data[order], "nA", "matrix")
    try:
        array = np.asarray(matrix, dtype=np.float64)
    except (TypeError, ValueError):
        raise DescriptionError(f"matrix must be weights in nA, got {shown(matrix)}.") from None
    if array.shape != (n_pre, n_post):
        raise _wrong_shape(array.shape, n_pre, n_post)
    i, j = np.nonzero((array != 0) & ~np.isnan(array))
    return Pairs(i.astype(np.int32), j.astype(np.int32)), to_array(array[i, j], "nA", "matrix")


def _wrong_shape(shape: tuple[int, ...], n_pre: int, n_post: int) -> DescriptionError:
    return DescriptionError(f"matrix must have shape ({n_pre}, {n_post}), got {shape}.")


def draw_values(
    values: Any,
    n: int,
    unit: str,
    where: str,
    rng: np.random.Generator,
    *,
    low: float,
    high: float = np.inf,
    step: float | None = None,
) -> Any:
    """Return weights or delays of `n` synapses; values are drawn if they are a distribution.

    Parameters
    ----------
    values : float, array_like of shape (n,), or frozen distribution of ``scipy.stats``
        In `unit`. A distribution that extends beyond `low` or `high` is truncated there.
    n : int
        Number of synapses.
    unit, where : str
        Unit of the values, and name of the argument for messages.
    rng : numpy.random.Generator
        Source of randomness.
    low, high : float
        Smallest and largest value.
    step : float, optional
        Drawn values are rounded to multiples of it.

    Returns
    -------
    float or ndarray of float64, shape (n,)

    Warns
    -----
    SpikememWarning
        If more than 0.1 % of the distribution lies beyond the limits, or rounding changes the
        values by more than a third of their standard deviation (root mean square).

    Raises
    ------
    DescriptionError
        If all of the distribution lies beyond the limits, or its parameters are arrays.

    Examples
    --------
    >>> import scipy.stats
    >>> weights = draw_values(scipy.stats.uniform(1.0, 2.0), 3, "nA", "weight",
    ...                       np.random.default_rng(0), low=0.0)
    >>> weights.round(2).tolist()
    [2.27, 1.54, 1.08]
    """
    if not is_distribution(values, where):
        return values
    inverse = getattr(values, "ppf", None) or values.icdf
    outside = np.asarray([values.cdf(np.nextafter(low, -np.inf)), 1.0 - values.cdf(high)])
    if outside.shape != (2,):
        raise DescriptionError(f"{where}: the distribution must be of one number, not of an array.")
    below, above = outside.tolist()
    if not below + above < 1:
        raise DescriptionError(
            f"{where}: the distribution has no values from {low:g} to {high:g} {unit}."
        )
    if below + above > 1e-3:
        _warn(
            f"{where}: {below + above:.1%} of the distribution lies outside {low:g} to {high:g} "
            f"{unit}; it is truncated there."
        )
    drawn = np.asarray(inverse(below + rng.random(n) * (1.0 - below - above)))
    drawn = np.clip(drawn.astype(np.float64), low, high)
    return drawn if step is None else _rounded(drawn, step, low, unit, where)


def _rounded(
    drawn: NDArray[np.float64], step: float, low: float, unit: str, where: str
) -> NDArray[np.float64]:
    rounded: NDArray[np.float64] = (
        np.maximum(np.rint(drawn / step), np.ceil(low / step - 1e-9)) * step
    )
    change = np.sqrt(np.mean((rounded - drawn) ** 2)) if drawn.size else 0.0
    if change > np.std(drawn) / 3 and change > 1e-6 * step:
        _warn(
            f"{where}: the values are rounded to multiples of {step:g} {unit}, which is coarse "
            f"for this distribution (standard deviation {np.std(drawn):.2g} {unit})."
        )
    return rounded


def _warn(text: str) -> None:
    inside = 0
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_globals.get("__name__", "").startswith("spikemem"):
        frame, inside = frame.f_back, inside + 1
    warnings.warn(text, SpikememWarning, stacklevel=inside + 2)


def is_distribution(values: Any, where: str) -> bool:
    """Tell whether values are a frozen distribution of ``scipy.stats``.

    Raises
    ------
    DescriptionError
        If the distribution has no parameters yet: it is not frozen.

    Examples
    --------
    >>> import scipy.stats
    >>> is_distribution(scipy.stats.norm(1.0, 0.1), "weight"), is_distribution(0.5, "weight")
    (True, False)
    """
    if isinstance(values, type) or not hasattr(values, "cdf"):
        return False
    if hasattr(values, "freeze"):
        raise DescriptionError(
            f"{where}: give the distribution its parameters, as in scipy.stats.norm(1.0, 0.1); "
            f"got {shown(values)}."
        )
    return hasattr(values, "ppf") or hasattr(values, "icdf")
